//! Requests over HTTP (MS-KKDCP), for clients that speak it to a reverse proxy with a certificate,
//! which passes them on here.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioIo, TokioTimer};
use krb_proto::kkdcp::Proxied;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::places::Places;
use super::{Service, Stop};

const TYPE: HeaderValue = HeaderValue::from_static("application/kerberos");
/// For a request's head, and again for its body.
const TIME: Duration = Duration::from_secs(10);
/// A whole connection, whatever goes over it.
const CONNECTION_TIME: Duration = Duration::from_secs(120);
/// A KDC's longest request and what is around it.
const MAX_BODY: usize = super::tcp::MAX_REQUEST as usize + 1024;
const MAX_HEAD: usize = 16 << 10;

/// Serves connections until it is told to stop.
pub(super) async fn listen(listener: TcpListener, service: Service, mut stop: Stop) {
    let (places, mut connections) = (Arc::new(Places::default()), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = stop.told() => return,
        };
        let Ok((stream, peer)) = accepted else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        if let Some(place) = places.take(peer.ip()) {
            let service = service.clone();
            connections.spawn(async move {
                let _place = place;
                let _ = timeout(CONNECTION_TIME, serve(stream, peer, service)).await;
            });
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, service: Service) {
    let answer = service_fn(|request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(answer(request, peer, &service).await) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(TIME).max_buf_size(MAX_HEAD);
    if let Err(error) = server.serve_connection(TokioIo::new(stream), answer).await {
        tracing::debug!(%peer, %error, "a connection to the KDC proxy ended");
    }
}

async fn answer(
    request: Request<Incoming>,
    peer: SocketAddr,
    service: &Service,
) -> Response<Full<Bytes>> {
    if request.method() != Method::POST {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "a KDC proxy takes POST only");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    if request.version() >= Version::HTTP_11 && !request.headers().contains_key(HOST) {
        return plain(StatusCode::BAD_REQUEST, "HTTP/1.1 demands a Host field");
    }
    if request.headers().get(CONTENT_TYPE) != Some(&TYPE) {
        let text = "a KDC proxy takes Content-Type: application/kerberos only";
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
    }
    let body = match timeout(TIME, Limited::new(request.into_body(), MAX_BODY).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            return plain(StatusCode::PAYLOAD_TOO_LARGE, "no request to a KDC is so long");
        }
        Ok(Err(_)) => return plain(StatusCode::BAD_REQUEST, "the body could not be read"),
        Err(_) => return plain(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time"),
    };
    let message = match Proxied::unwrap(&body) {
        Ok(proxied) => proxied.message,
        Err(error) => return plain(StatusCode::BAD_REQUEST, error.to_string()),
    };
    let message = service.answer(message, peer, "HTTP");
    match (Proxied { message: &message, realm: None }).wrap() {
        Ok(body) if !message.is_empty() => {
            let mut response = Response::new(Full::new(body.into()));
            response.headers_mut().insert(CONTENT_TYPE, TYPE);
            response
        }
        _ => plain(StatusCode::BAD_REQUEST, "this is no request to a KDC"),
    }
}

fn plain(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    response
}
