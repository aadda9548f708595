//! Accepting connections, and ending in good order.

mod connection;
mod linger;
mod places;
mod requests;
mod stream;
#[cfg(test)]
mod tests;

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::GracefulShutdown;
use krb_delegation::open_files;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

pub(crate) use connection::Connection;
pub(crate) use linger::Linger;
use linger::Lingering;
use places::{Place, Places};
use stream::Watched;

/// Whom a request's connection came from, in the request's extensions.
#[derive(Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Each costs some ten kilobytes and a file descriptor. There is no share of them for an address:
/// behind a reverse proxy all come from one.
const MAX_CONNECTIONS: usize = 1024;
/// For what is served beside MCP.
const SIDE_CONNECTIONS: usize = 16;
/// After running calls were told to stop.
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
    let places = places_within(open_files());
    if places < MAX_CONNECTIONS {
        warn!(places, "few files may be open (ulimit -n, LimitNOFILE): fewer connections, too");
    }
    serve_with(places, listener, app, stop, drain, cancel).await;
}

/// Serves until the process ends, whatever is under way then.
pub(crate) async fn serve_for_ever(listener: TcpListener, app: Router) {
    let forever = std::future::pending();
    serve_with(SIDE_CONNECTIONS, listener, app, forever, ABORT_TIME, CancellationToken::new())
        .await;
}

async fn serve_with(
    places: usize,
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
    cancel: CancellationToken,
) {
    let places = Places::new(places);
    tokio::select! {
        () = serve_in(&places, listener, app, stop, drain, cancel) => {}
        () = places.keep_time() => {}
    }
}

async fn serve_in(
    places: &Arc<Places>,
    listener: TcpListener,
    app: Router,
    stop: impl Future<Output = ()>,
    drain: Duration,
    cancel: CancellationToken,
) {
    let connections = GracefulShutdown::new();
    tokio::select! {
        () = stop => {}
        () = accept(places, &listener, &app, &connections) => {}
    }
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

/// Accepts for ever.
async fn accept(
    places: &Arc<Places>,
    listener: &TcpListener,
    app: &Router,
    connections: &GracefulShutdown,
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                run(stream, Peer(peer.ip()), places.take().await, app.clone(), connections);
            }
            Err(error) => {
                // Out of file descriptors, most likely: one that is given back is the newcomer's.
                let shed = is_exhausted(&error) && places.shed();
                warn!(%error, shed, "cannot accept a connection");
                sleep(Duration::from_millis(if shed { 10 } else { 200 })).await;
            }
        }
    }
}

fn run(stream: TcpStream, peer: Peer, place: Place, app: Router, connections: &GracefulShutdown) {
    let (connection, linger) = (Arc::clone(&place.connection), Linger::default());
    let stream = Watched::new(stream, Arc::clone(&connection));
    let stream = TokioIo::new(Lingering::new(stream, linger.clone()));
    let service = service_fn({
        let connection = Arc::clone(&connection);
        move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(linger.clone());
            request.extensions_mut().insert(peer);
            requests::answer(app.clone(), Arc::clone(&connection), request)
        }
    });
    // Times are kept by the table of places, which sees what hyper does not.
    let served = http1::Builder::new().header_read_timeout(None).serve_connection(stream, service);
    let served = connections.watch(served);
    tokio::spawn(async move {
        tokio::select! {
            result = served => {
                if let Err(error) = result {
                    debug!(%error, "connection ended");
                }
            }
            () = connection.closed() => debug!("connection ended: it kept us waiting"),
        }
        drop(place);
    });
}

/// Half of the files that may be open: calls need some for KDCs and resources, and one that cannot
/// be opened there fails a call.
fn places_within(files: usize) -> usize {
    (files / 2).clamp(16, MAX_CONNECTIONS)
}

fn is_exhausted(error: &io::Error) -> bool {
    // ENFILE and EMFILE.
    matches!(error.raw_os_error(), Some(23 | 24))
}
