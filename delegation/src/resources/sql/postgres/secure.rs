//! The way to a server, encrypted before anything is said on it.

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use krb_client::Entropy;
use krb_proto::gss::{ChannelBindings, Initiator, InitiatorOptions};
use rustls::sign::CertifiedKey;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::channel::{Channel, Sealed};
use super::failure::PgError;
use crate::network::{Network, Stream};

/// PostgreSQL manual, "Message Formats": SSLRequest and GSSENCRequest.
const SSL_REQUEST: u32 = 80_877_103;
const GSSENC_REQUEST: u32 = 80_877_104;
/// What PostgreSQL calls itself in TLS (ALPN).
const PROTOCOL: &[u8] = b"postgresql";
/// A token before GSS encryption is at most so long: the server has room for 64 KiB with its length.
const MAX_SEALING_TOKEN: usize = 65_532;
/// And within TLS, in a message whose length counts itself.
const MAX_TOKEN: usize = 65_531;

/// A context that was started, and its token.
pub(super) type Started = (Initiator, Vec<u8>);

/// How contexts are to be: as they are by default, and the server proves who it is.
pub(super) fn options() -> InitiatorOptions<'static> {
    InitiatorOptions::default()
}

/// The token within TLS, if it is not too long.
pub(super) fn fits(token: &[u8]) -> Result<(), PgError> {
    fits_in(token, MAX_TOKEN)
}

fn fits_in(token: &[u8], most: usize) -> Result<(), PgError> {
    if token.len() <= most { Ok(()) } else { Err(PgError::LongToken(token.len(), most)) }
}

/// The hash of a server's certificate, as `tls-server-end-point` has it (RFC 5929 section 4); `None` if it
/// is by no hash that is known.
pub(super) type EndPoint = Option<Vec<u8>>;

/// TLS, with a certificate that is for this host.
pub(super) async fn by_tls(
    network: &Network,
    host: &str,
    port: u16,
    own: Option<Arc<CertifiedKey>>,
) -> Result<(Channel, EndPoint), PgError> {
    let mut stream = network.stream(host, port, false).await.map_err(PgError::Connect)?;
    match ask(&mut stream, SSL_REQUEST).await? {
        b'S' => {}
        b'N' => return Err(PgError::NotEncrypted("it offers no TLS")),
        _ => return Err(PgError::NotEncrypted("it does not say that it offers TLS")),
    }
    let tls = network.secure(host, stream, PROTOCOL, own).await.map_err(PgError::Connect)?;
    let certificate = tls.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let end_point = certificate.and_then(|certificate| end_point(certificate));
    Ok((Channel::Tls(Box::new(tls)), end_point))
}

fn end_point(certificate: &[u8]) -> EndPoint {
    let bindings = ChannelBindings::tls_server_end_point_of(certificate)?;
    bindings.application_data().strip_prefix(b"tls-server-end-point:").map(<[u8]>::to_vec)
}

/// GSS encryption. When this is done the server has proven who it is.
pub(super) async fn by_gss(
    network: &Network,
    host: &str,
    port: u16,
    random: &Arc<dyn Entropy>,
    start: impl FnOnce() -> Result<Started, PgError>,
) -> Result<Channel, PgError> {
    let (mut context, token) = start()?;
    fits_in(&token, MAX_SEALING_TOKEN)?;
    let mut stream = network.stream(host, port, false).await.map_err(PgError::Connect)?;
    match ask(&mut stream, GSSENC_REQUEST).await? {
        b'G' => {}
        b'N' => return Err(PgError::NotEncrypted("it offers no GSS encryption")),
        _ => return Err(PgError::NotEncrypted("it does not say that it offers GSS encryption")),
    }
    let reply = exchange(&mut stream, &token).await;
    let reply = reply.map_err(|error| PgError::Broken("it was to prove who it is", error))?;
    // Kerberos takes one round.
    context.step(&reply).map_err(PgError::NotProven)?;
    if !context.is_complete() {
        return Err(PgError::NoProof);
    }
    Ok(Channel::Sealed(Sealed::new(stream, context, random.clone())))
}

/// The byte that answers a request. What comes behind it is not read before it is encrypted.
async fn ask(stream: &mut Box<dyn Stream>, request: u32) -> Result<u8, PgError> {
    let mut message = [0, 0, 0, 8, 0, 0, 0, 0];
    message[4..].copy_from_slice(&request.to_be_bytes());
    let asked = async {
        stream.write_all(&message).await?;
        stream.flush().await?;
        stream.read_u8().await
    };
    asked.await.map_err(|error| PgError::Broken("it was asked for encryption", error))
}

/// Sends a token and reads one, each behind its length.
async fn exchange(stream: &mut Box<dyn Stream>, token: &[u8]) -> Result<Vec<u8>, Error> {
    let length = u32::try_from(token.len()).map_err(Error::other)?;
    stream.write_all(&[&length.to_be_bytes()[..], token].concat()).await?;
    stream.flush().await?;
    let length = stream.read_u32().await? as usize;
    // What is no length is the `E` of an error that anybody may have written.
    if length > MAX_SEALING_TOKEN {
        return Err(Error::new(ErrorKind::InvalidData, "something else than a token came"));
    }
    let mut reply = vec![0; length];
    stream.read_exact(&mut reply).await?;
    Ok(reply)
}
