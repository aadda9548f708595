//! Requests over TCP (RFC 4120 section 7.2.2): four octets of length before each, several on one
//! connection in their order.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use krb_proto::iana::ErrorCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::places::Places;
use super::{Service, Stop};

/// The longest request that is read.
pub(super) const MAX_REQUEST: u32 = krb_proto::kdc::MAX_REQUEST as u32;
/// For a request to arrive, and for its answer to be taken.
const TIME: Duration = Duration::from_secs(10);
/// Most requests fit in here whole.
const BUFFER: usize = 2048;
/// After the system refused a connection, such as when there are no more file descriptors.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves connections until it is told to stop, and then those requests that are being answered.
pub(super) async fn listen(listener: TcpListener, service: Service, mut stop: Stop) {
    let (places, mut connections) = (Arc::new(Places::default()), JoinSet::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            () = stop.told() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Some(place) = places.take(peer.ip()) else {
            tracing::warn!(%peer, "a connection was closed: there are too many");
            continue;
        };
        let (service, mut stop) = (service.clone(), stop.clone());
        connections.spawn(async move {
            let _place = place;
            if let Err(error) = serve(stream, peer, &service, &mut stop).await {
                tracing::debug!(%peer, %error, "a connection ended");
            }
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    service: &Service,
    stop: &mut Stop,
) -> Result<()> {
    stream.set_nodelay(true)?;
    // Length and message come together: one system call takes both.
    let mut stream = BufReader::with_capacity(BUFFER, stream);
    loop {
        let request = tokio::select! {
            request = in_time(read(&mut stream)) => request?,
            () = stop.told() => return Ok(()),
        };
        let answer = match &request {
            Request::None => return Ok(()),
            Request::Whole(message) => service.answer(message, peer, "TCP"),
            Request::TooLong => service.refusal(ErrorCode::FIELD_TOOLONG),
        };
        if answer.is_empty() {
            return Ok(());
        }
        let length = u32::try_from(answer.len()).map_err(|_| ErrorKind::InvalidData)?;
        in_time(stream.write_all(&[&length.to_be_bytes(), &answer[..]].concat())).await?;
        if matches!(request, Request::TooLong) {
            // What follows is not read, so nothing more can be told from it.
            return stream.shutdown().await;
        }
    }
}

enum Request {
    /// The client hung up.
    None,
    /// A length that no request has, or with the reserved bit set.
    TooLong,
    Whole(Vec<u8>),
}

async fn read(stream: &mut BufReader<TcpStream>) -> Result<Request> {
    let length = match stream.read_u32().await {
        Ok(length) => length,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Request::None),
        Err(error) => return Err(error),
    };
    if length > MAX_REQUEST {
        return Ok(Request::TooLong);
    }
    // Memory is taken as octets arrive, not as they are announced; what most take, at once.
    let mut message = Vec::with_capacity(BUFFER.min(length as usize));
    stream.take(length.into()).read_to_end(&mut message).await?;
    if message.len() < length as usize {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(Request::Whole(message))
}

async fn in_time<T>(what: impl Future<Output = Result<T>>) -> Result<T> {
    let late = |_| Err(Error::new(ErrorKind::TimedOut, "the client was too slow"));
    timeout(TIME, what).await.unwrap_or_else(late)
}
