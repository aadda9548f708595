//! Accepting connections, and ending in good order.

mod linger;

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

pub(crate) use linger::Linger;
use linger::Lingering;

// Beyond it, connections wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 1024;
// For the request line and header fields; also how long an idle connection is kept, which should be
// longer than a reverse proxy in front keeps it (nginx: 60 s).
const HEADER_TIME: Duration = Duration::from_secs(75);
// After running calls were told to stop.
const ABORT_TIME: Duration = Duration::from_secs(2);

/// Serves until `stop` is done; then accepts nothing more, lets running calls end within `drain`,
/// and cancels through `cancel` those that do not.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
    cancel: CancellationToken,
) {
    let connections = GracefulShutdown::new();
    accept(&listener, &app, stop, &connections).await;
    drop(listener);
    info!(connections = connections.count(), "shutting down");

    let mut ended = pin!(connections.shutdown());
    if timeout(drain, &mut ended).await.is_err() {
        warn!("calls still run after {} s; cancelling them", drain.as_secs());
        cancel.cancel();
        if timeout(ABORT_TIME, ended).await.is_err() {
            warn!("connections still open; dropping them");
        }
    }
}

async fn accept(
    listener: &TcpListener,
    app: &Router,
    stop: impl Future<Output = ()>,
    connections: &GracefulShutdown,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    let mut stop = pin!(stop);
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.map_err(io::Error::other)?;
            Ok::<_, io::Error>((listener.accept().await?.0, place))
        };
        let (stream, place) = tokio::select! {
            () = &mut stop => return,
            accepted = next => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: wait for some to be closed.
                    warn!(%error, "cannot accept a connection");
                    sleep(Duration::from_millis(200)).await;
                    continue;
                }
            },
        };
        let (app, linger) = (TowerToHyperService::new(app.clone()), Linger::default());
        let stream = TokioIo::new(Lingering::new(stream, linger.clone()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(linger.clone());
            app.call(request)
        });
        let connection = connections.watch(http.serve_connection(stream, service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection ended");
            }
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests;
