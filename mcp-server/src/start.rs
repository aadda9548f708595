//! From a configuration to a server that answers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use krb_delegation::pipeline::Delegation;
use krb_delegation::plan::{Parts, Plan};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, LoadError};
use crate::{backend, mcp, metrics, serve};

/// A server that is ready to serve: everything that its configuration names has been read, and the
/// audit log is open.
pub struct Server {
    app: Router,
    /// What is served beside it, if anybody is to see it.
    metrics: Router,
    delegation: Arc<Delegation>,
    cancel: CancellationToken,
    /// How long running calls may take to end.
    drain: Duration,
}

impl Server {
    /// What a configuration, read from `file`, describes.
    ///
    /// # Errors
    /// The first setting that it does not start with.
    pub(crate) async fn new(file: &Path, config: &Config) -> Result<Self, LoadError> {
        Self::start(file, config, backend::plan(file, config).await?)
    }

    /// The same with parts of the caller's in place of the system's: a server in memory, whose
    /// [`router`](Self::router) is called.
    ///
    /// # Errors
    /// The first setting that it does not start with.
    pub async fn with(file: &Path, config: &Config, parts: Parts) -> Result<Self, LoadError> {
        Self::start(file, config, backend::plan_with(file, config, || Ok(parts)).await?)
    }

    fn start(file: &Path, config: &Config, plan: Plan) -> Result<Self, LoadError> {
        let setting = |cause| LoadError::Setting { file: file.into(), cause };
        for warning in config.exposed(file).map_err(setting)? {
            tracing::warn!("{warning}");
        }
        let delegation = Arc::new(plan.start().map_err(setting)?);
        let cancel = CancellationToken::new();
        let issuers = config.issuers();
        let app = mcp::router(&config.server, issuers, Arc::clone(&delegation), cancel.clone());
        let metrics = metrics::router(Arc::clone(&delegation), config.server.hosts());
        Ok(Self { app, metrics, delegation, cancel, drain: config.server.call_timeout() })
    }

    /// The HTTP service, as [`Self::serve`] puts it behind sockets.
    pub fn router(&self) -> Router {
        self.app.clone()
    }

    /// Finds out how it stands, for ever, although nobody calls.
    pub fn keep_finding_out(&self) -> impl Future<Output = ()> + Send + 'static {
        let delegation = Arc::clone(&self.delegation);
        async move { delegation.keep_finding_out().await }
    }

    /// From now on it is not ready: it is about to end.
    pub fn ends(&self) {
        self.delegation.ends();
    }

    /// `GET /metrics` and `GET /readyz`, for an address of its own.
    pub fn metrics(&self) -> Router {
        self.metrics.clone()
    }

    /// Serves until `stop` is done, and until the calls that run then have ended.
    pub(crate) async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) {
        let stop = async {
            stop.await;
            self.ends();
        };
        serve::serve(listener, self.app.clone(), stop, self.drain, self.cancel.clone()).await;
        self.flush().await;
    }

    /// Writes what the audit log still holds back.
    pub async fn flush(&self) {
        self.delegation.shutdown().await;
    }
}
