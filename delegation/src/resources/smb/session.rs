//! Logging in with a ticket: SESSION_SETUP on `smb2`'s public interface, since its own Kerberos
//! does not take a key of 32 bytes, nor one that somebody else got.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use krb_proto::gss::InitiatorOptions;
use krb_proto::spnego::SpnegoInitiator;
use smb2::client::connection::Frame;
use smb2::client::{Cipher, Connection, Session as SmbSession};
use smb2::crypto::kdf::{PreauthHasher, sp800_108_kdf};
use smb2::crypto::signing::{algorithm_for_dialect, verify_signature};
use smb2::msg::logoff::LogoffRequest;
use smb2::msg::session_setup::{
    SessionSetupRequest, SessionSetupRequestFlags, SessionSetupResponse,
};
use smb2::pack::{ReadCursor, Unpack};
use smb2::types::flags::{Capabilities, SecurityMode};
use smb2::types::status::NtStatus;
use smb2::types::{Command, Dialect};
use smb2::{Error, ErrorKind, FileReader, NegotiatedParams, Tree};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use super::super::kept::Keep;
use super::super::{CallContext, ServiceCredential};
use super::failure::{Place, SmbError};
use super::socket::Socket;
use super::tap::{Recording, Tap};
use crate::network::{ConnectError, Network};
use crate::{Blame, Failure};

const LOG_OFF_TIME: Duration = Duration::from_secs(1);
/// For an answer. Who is silent is asked for a sign of life (ECHO) before, and who gives one gets
/// six times as long: then it is the call's own time that ends it. Who does not is taken for dead
/// early enough to begin anew within a call.
const ANSWER_TIME: Duration = Duration::from_secs(12);

/// A session in the user's name, signed and encrypted. Dropped, it ends with its connection, and
/// with it whatever it had open.
pub(super) struct Session {
    pub(super) connection: Connection,
    /// The shares that it has opened, by their names as configured.
    trees: Vec<(String, Arc<Tree>)>,
    /// What it had open last, on its way to be closed.
    closing: Option<JoinHandle<bool>>,
    /// Something else came than an answer.
    is_lost: AtomicBool,
}

impl Drop for Session {
    fn drop(&mut self) {
        // What a reader that was dropped still sends holds the connection, too.
        self.connection.mark_dead();
    }
}

impl Session {
    /// Connects and logs in. From the end of this on everything is encrypted.
    pub(super) async fn log_in(
        network: &Network,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        place: &Place<'_>,
    ) -> Result<Self, Failure> {
        let recording = Recording::new();
        let mut connection = connect(network, place, &recording).await?;
        let params = negotiate(&mut connection, &recording, place).await?;
        let options = InitiatorOptions::default();
        let started = credential.start_spnego(&*cx.clock, &*cx.random, &options, |error| {
            place.wrong(&SmbError::NotProven(error))
        });
        let (mut context, token) = started?;
        check_length(token.len(), credential.account().groups.len(), place)?;

        let mut hasher = connection.preauth_hasher();
        let request = SessionSetupRequest {
            flags: SessionSetupRequestFlags(0),
            security_mode: SecurityMode::new(SecurityMode::SIGNING_REQUIRED),
            capabilities: Capabilities::default(),
            channel: 0,
            previous_session_id: 0,
            security_buffer: token,
        };
        let frame = connection
            .execute(Command::SessionSetup, &request, None)
            .await
            .map_err(|error| place.failure("logging in", &error))?;
        // MS-SMB2 3.2.5.3.1: the final response is not part of the hash.
        if let Some(request) = recording.messages().sent.last() {
            hasher.update(request);
        }
        recording.stop();
        let response = accepted(&frame, place)?;
        finish(&mut context, &frame, &response.security_buffer, place)?;

        let key = context.session_key().map(|key| Zeroizing::new(key.as_bytes().to_vec()));
        let key = key.ok_or_else(|| place.wrong(&SmbError::NoKey))?;
        let keys = Keys::derive(&key, &params, &hasher)
            .ok_or_else(|| weak(place, "it agreed on no cipher"))?;
        // The server signs its consent to the session: only now is it known to be the one that
        // the ticket is for, and the negotiation not to have been tampered with.
        let algorithm = algorithm_for_dialect(params.dialect, params.gmac_negotiated);
        verify_signature(&frame.raw, &keys.signing, algorithm, frame.header.message_id.0, false)
            .map_err(|error| place.failure("verifying the server's signature", &error))?;

        connection.set_session_id(frame.header.session_id);
        connection.activate_signing(keys.signing.to_vec(), algorithm);
        connection.activate_encryption(keys.out.to_vec(), keys.into.to_vec(), keys.cipher);
        connection.adopt_session(&SmbSession {
            session_id: frame.header.session_id,
            signing_key: keys.signing.to_vec(),
            encryption_key: Some(keys.out.to_vec()),
            decryption_key: Some(keys.into.to_vec()),
            signing_algorithm: algorithm,
            should_sign: true,
            should_encrypt: true,
        });
        connection.set_response_timeout(Some(ANSWER_TIME));
        let (trees, is_lost) = (Vec::new(), AtomicBool::new(false));
        Ok(Self { connection, trees, closing: None, is_lost })
    }

    /// The share, opened when it is first asked for.
    pub(super) async fn tree(&mut self, place: &Place<'_>) -> Result<Arc<Tree>, Failure> {
        if let Some((_, tree)) = self.trees.iter().find(|(share, _)| share == place.share) {
            return Ok(tree.clone());
        }
        let tree = Tree::connect(&mut self.connection, place.share).await;
        let tree =
            Arc::new(tree.map_err(|error| self.failure(place, "opening the share", &error))?);
        self.trees.push((place.share.to_owned(), tree.clone()));
        Ok(tree)
    }

    /// Has a file closed while the call goes on: nobody waits for that but who uses the session next.
    pub(super) fn close(&mut self, file: FileReader) {
        self.closing = Some(tokio::spawn(async move { file.close().await.is_ok() }));
    }

    /// Whether all that it had open is closed, so that it serves another call.
    pub(super) async fn is_settled(&mut self) -> bool {
        if let Some(closing) = self.closing.take()
            && !closing.await.unwrap_or(false)
        {
            // The file closes with the session.
            self.lose();
        }
        !self.is_lost()
    }

    /// What an error means to the user; the session notes what it means to itself.
    pub(super) fn failure(&self, place: &Place<'_>, doing: &str, error: &Error) -> Failure {
        self.note(error);
        place.failure(doing, error)
    }

    /// Notes what an error means: the session goes on after an answer, and after nothing else.
    pub(super) fn note(&self, error: &Error) {
        if !is_answer(error.kind()) {
            self.lose();
        }
    }

    /// Notes that it is to end.
    pub(super) fn lose(&self) {
        self.is_lost.store(true, Ordering::Relaxed);
    }
}

impl Keep for Session {
    /// Whether anything else than answers came, or the connection is no more.
    fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed) || self.connection.is_disconnected()
    }

    /// Logs off. That this may fail changes nothing: the connection closes after it.
    fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let log_off = self.connection.execute(Command::Logoff, &LogoffRequest, None);
            let _ = tokio::time::timeout(LOG_OFF_TIME, log_off).await;
        })
    }
}

/// Whether the file server said this of what it was asked, and means to go on.
const fn is_answer(error: ErrorKind) -> bool {
    use ErrorKind::{
        AccessDenied, DfsReferral, InvalidName, IsADirectory, NotADirectory, NotFound,
        SharingViolation, Unsupported,
    };
    matches!(
        error,
        AccessDenied
            | DfsReferral
            | InvalidName
            | IsADirectory
            | NotADirectory
            | NotFound
            | SharingViolation
            | Unsupported
    )
}

/// The length of SESSION_SETUP's token has 16 bits (MS-SMB2 2.2.5), which `smb2` fills without a look
/// at what does not fit.
fn check_length(length: usize, groups: usize, place: &Place<'_>) -> Result<(), Failure> {
    if length <= usize::from(u16::MAX) {
        return Ok(());
    }
    Err(place.wrong(&SmbError::LongToken(length, groups)))
}

async fn connect(
    network: &Network,
    place: &Place<'_>,
    recording: &Arc<Recording>,
) -> Result<Connection, Failure> {
    let (host, port) = (place.target.host(), place.target.port());
    let connect =
        |address| async move { Socket::connect(address).await.map_err(ConnectError::Unreachable) };
    let socket = network.race(host, port, connect).await.map_err(|error| {
        let whose = match error {
            ConnectError::Unresolved(_) => Blame::Configuration,
            _ => Blame::Resource,
        };
        place.wrong(&SmbError::Unreachable(whose, error.to_string()))
    })?;
    let socket = Arc::new(socket);
    let half = || Box::new(Tap::new(socket.clone(), recording.clone()));
    Ok(Connection::from_transport(half(), half(), host))
}

/// NEGOTIATE, with the hash made over what really went over the wire, and nothing below 3.1.1
/// accepted: there a downgrade would not be noticed.
async fn negotiate(
    connection: &mut Connection,
    recording: &Recording,
    place: &Place<'_>,
) -> Result<NegotiatedParams, Failure> {
    connection.negotiate().await.map_err(|error| place.failure("negotiating", &error))?;
    let messages = recording.messages();
    connection.with_preauth_hasher_mut(|hasher| {
        *hasher = PreauthHasher::new();
        messages.sent.iter().zip(&messages.received).for_each(|(request, response)| {
            hasher.update(request);
            hasher.update(response);
        });
    });
    let params = connection.params().ok_or_else(|| weak(place, "it agreed on nothing"))?;
    if params.dialect != Dialect::Smb3_1_1 {
        return Err(weak(place, "it speaks no SMB 3.1.1"));
    }
    if params.cipher.is_none() {
        return Err(weak(place, "it offers no encryption"));
    }
    Ok(params)
}

fn weak(place: &Place<'_>, what: &'static str) -> Failure {
    place.wrong(&SmbError::Weak(what))
}

/// The session as granted, and granted to the user: not to a guest, not to nobody.
fn accepted(frame: &Frame, place: &Place<'_>) -> Result<SessionSetupResponse, Failure> {
    // Windows says MORE_PROCESSING_REQUIRED with a KRB-ERROR when it cannot use a ticket, in the
    // hope of another mechanism; the context makes an error of it.
    if ![NtStatus::SUCCESS, NtStatus::MORE_PROCESSING_REQUIRED].contains(&frame.header.status) {
        return Err(place.login_refused(frame.header.status));
    }
    let response = SessionSetupResponse::unpack(&mut ReadCursor::new(&frame.body))
        .map_err(|error| place.failure("logging in", &error))?;
    if response.session_flags.is_guest() || response.session_flags.is_null() {
        return Err(place.wrong(&SmbError::Guest));
    }
    Ok(response)
}

/// Kerberos takes one round: after it the server has proven its identity, or nothing is done.
fn finish(
    context: &mut SpnegoInitiator,
    frame: &Frame,
    token: &[u8],
    place: &Place<'_>,
) -> Result<(), Failure> {
    let stepped = context.step(token);
    let more = stepped.map_err(|error| place.wrong(&SmbError::NotProven(&error)))?;
    let granted = frame.header.status == NtStatus::SUCCESS;
    if more.is_some() || !granted || !context.is_complete() {
        return Err(place.wrong(&SmbError::NoProof));
    }
    Ok(())
}

/// The session's keys (MS-SMB2 3.1.4.2 and 3.2.5.3.1).
struct Keys {
    signing: Zeroizing<Vec<u8>>,
    out: Zeroizing<Vec<u8>>,
    into: Zeroizing<Vec<u8>>,
    cipher: Cipher,
}

impl Keys {
    /// Signing uses the first 16 bytes of the key, AES-256 all 32 of them.
    fn derive(key: &[u8], params: &NegotiatedParams, hasher: &PreauthHasher) -> Option<Self> {
        let cipher = params.cipher?;
        let short = key.get(..16)?;
        let (key, bits) = match cipher {
            Cipher::Aes128Ccm | Cipher::Aes128Gcm => (short, 128),
            Cipher::Aes256Ccm | Cipher::Aes256Gcm => (key, 256),
        };
        let derive = |key: &[u8], label: &[u8], bits| {
            Zeroizing::new(sp800_108_kdf(key, label, hasher.value(), bits))
        };
        Some(Self {
            signing: derive(short, b"SMBSigningKey\0", 128),
            out: derive(key, b"SMBC2SCipherKey\0", bits),
            into: derive(key, b"SMBS2CCipherKey\0", bits),
            cipher,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::failure::with_place;
    use super::*;
    use crate::Code;

    #[test]
    fn a_token_has_16_bits_of_length() {
        let check = |length| with_place("a", |place| check_length(length, 1800, place));
        assert_eq!(check(65_535), Ok(()));
        let refused = check(65_536).unwrap_err();
        assert_eq!(refused.code, Code::ResourceRefused);
        for part in ["65536 bytes", "1800 groups", "65535", "files.example.com"] {
            assert!(refused.message.contains(part), "{part}: {}", refused.message);
        }
    }
}
