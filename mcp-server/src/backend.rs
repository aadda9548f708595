//! What this server needs of the delegation pipeline, so that tests can put another one behind the
//! same HTTP and MCP stack.

use std::path::Path;
use std::sync::Arc;

use krb_delegation::credential::kerberos::NotAccepted;
use krb_delegation::identity::{AuthenticationError, Caller, Presented};
use krb_delegation::pipeline::{Call, Delegation};
use krb_delegation::plan::{Parts, Plan, Settings};
use krb_delegation::policy::PolicyFile;
use krb_delegation::token_exchange::ExchangeSettings;
use krb_delegation::{ConfigError, Failure, Outcome};

use crate::config::{Config, LoadError, read_text};
use crate::tools;

/// Who stands behind a token: calls, limits and cancellations are kept apart by it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Principal {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) client_id: Option<String>,
}

/// Verifies tokens and performs calls.
pub(crate) trait Backend: Send + Sync + 'static {
    /// A caller whose token was verified.
    type Caller: Send + Sync + 'static;

    /// Can calls be served?
    fn is_ready(&self) -> impl Future<Output = bool> + Send {
        std::future::ready(true)
    }

    /// Verifies what a request came with.
    fn authenticate(
        &self,
        presented: &Presented<'_>,
    ) -> impl Future<Output = Result<Self::Caller, AuthenticationError>> + Send;

    /// A nonce for the next proof of possession, if proofs have to have one.
    fn nonce(&self) -> Option<String> {
        None
    }

    /// Are users' own tickets taken (Negotiate)?
    fn negotiates(&self) -> bool {
        false
    }

    /// Takes a user's own ticket; returns what to answer beside.
    fn accept(
        &self,
        token: &[u8],
    ) -> impl Future<Output = Result<(Self::Caller, Vec<u8>), NotAccepted>> + Send;

    /// Who the caller is.
    fn principal(&self, caller: &Self::Caller) -> Principal;

    /// Records a request that came without a usable token, so that it never reached
    /// [`authenticate`](Self::authenticate).
    fn unauthorized(&self, reason: &'static str);

    /// Records a request that is not served because its caller makes too many.
    fn limited(&self, caller: &Self::Caller);

    /// Does what a call asks for, as the caller.
    fn call(
        &self,
        caller: &Self::Caller,
        call: Call,
    ) -> impl Future<Output = Result<Outcome, Failure>> + Send;

    /// Records a call whose arguments make no sense; returns what the caller is told.
    fn refuse(
        &self,
        caller: &Self::Caller,
        request_id: &str,
        tool: &'static str,
        failure: Failure,
    ) -> impl Future<Output = Failure> + Send;
}

impl Backend for Delegation {
    type Caller = Arc<Caller>;

    async fn is_ready(&self) -> bool {
        self.readiness().await.is_ready()
    }

    async fn authenticate(
        &self,
        presented: &Presented<'_>,
    ) -> Result<Arc<Caller>, AuthenticationError> {
        self.authenticate(presented).await
    }

    fn nonce(&self) -> Option<String> {
        self.nonce()
    }

    fn negotiates(&self) -> bool {
        self.negotiates()
    }

    async fn accept(&self, token: &[u8]) -> Result<(Arc<Caller>, Vec<u8>), NotAccepted> {
        self.accept(token).await
    }

    fn principal(&self, caller: &Arc<Caller>) -> Principal {
        Principal {
            issuer: caller.issuer().into(),
            subject: caller.subject().into(),
            client_id: caller.client_id().map(Into::into),
        }
    }

    fn unauthorized(&self, reason: &'static str) {
        self.unauthorized(reason);
    }

    fn limited(&self, caller: &Arc<Caller>) {
        self.limited(caller);
    }

    async fn call(&self, caller: &Arc<Caller>, call: Call) -> Result<Outcome, Failure> {
        self.call(caller, call).await
    }

    async fn refuse(
        &self,
        caller: &Arc<Caller>,
        request_id: &str,
        tool: &'static str,
        failure: Failure,
    ) -> Failure {
        self.refuse(caller, request_id, tool, failure).await
    }
}

/// The pipeline that a configuration, read from `file`, describes, ready to be started.
///
/// # Errors
/// The first setting that it would not start with.
pub(crate) async fn plan(file: &Path, config: &Config) -> Result<Plan, LoadError> {
    plan_with(file, config, || Parts::of_the_system(&config.network)).await
}

/// The same with other parts, in place of what `network` says.
///
/// # Errors
/// The first setting that it would not start with.
pub(crate) async fn plan_with(
    file: &Path,
    config: &Config,
    parts: impl FnOnce() -> Result<Parts, ConfigError>,
) -> Result<Plan, LoadError> {
    let setting = |cause| LoadError::Setting { file: file.into(), cause };
    // What there is to say of it is said by those who ask for a plan.
    config.exposed(file).map_err(setting)?;
    let settings = Settings {
        trusted_idps: config.auth.trusted_idps.clone(),
        dpop_nonces: config.auth.dpop_nonces,
        negotiate: config.auth.negotiate.clone(),
        exchange: ExchangeSettings {
            token_exchange: config.delegation.token_exchange.clone(),
            modules: config.delegation.modules.clone(),
        },
        kerberos: config.kerberos.clone(),
        policy: PolicyFile {
            path: config.policy.file.clone(),
            text: read_text(&config.policy.file)?.to_string(),
        },
        tools: tools::for_policy(),
        targets: config.targets.clone(),
        audit: config.audit.clone(),
        state: config.state.clone(),
    };
    Plan::new(settings, parts).await.map_err(|cause| match cause {
        ConfigError { setting, line, problem } if setting == "policy" => {
            LoadError::Policy { file: config.policy.file.clone(), line, problem }
        }
        cause => setting(cause),
    })
}
