//! Requests over UDP (RFC 4120 section 7.2.1): a datagram each.

use std::sync::Arc;

use krb_proto::iana::ErrorCode;
use tokio::net::UdpSocket;

use super::{Service, Stop};

/// The longest datagram that is sent, as AD's and MIT's clients expect; whoever asked for more is
/// told to come by TCP.
pub(super) const MAX_ANSWER: usize = 1465;

/// Answers datagrams until it is told to stop.
pub(super) async fn listen(socket: Arc<UdpSocket>, service: Service, mut stop: Stop) {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let received = tokio::select! {
            received = socket.recv_from(&mut buffer) => received,
            () = stop.told() => return,
        };
        // An error here is a client's port that nobody listens on any more.
        let Ok((length, peer)) = received else { continue };
        let mut answer = service.answer(&buffer[..length], peer, "UDP");
        if answer.len() > MAX_ANSWER {
            answer = service.refusal(ErrorCode::RESPONSE_TOO_BIG);
        }
        if !answer.is_empty()
            && let Err(error) = socket.send_to(&answer, peer).await
        {
            tracing::debug!(%peer, %error, "an answer could not be sent");
        }
    }
}
