use alloc::boxed::Box;
use alloc::vec::Vec;

use super::checksum::{self, ChannelBindings, GssFlags};
use super::context::{Role, SecurityContext};
use super::sequence::SequenceWindow;
use super::token::{TokenId, frame_message, unframe_message};
use super::{GssError, sequence};
use crate::ap::{KeyLookup, VerifiedRequest};
use crate::asn1::KrbError;
use crate::crypto::Key;
use crate::der::{self, Int, KerberosString, Microseconds};
use crate::iana::{ChecksumType, ErrorCode};
use crate::{Context, Principal, Timestamp};

/// What an acceptor demands.
#[derive(Clone, Copy)]
pub struct AcceptorOptions<'a> {
    /// The service's own keys.
    pub keys: &'a KeyLookup<'a>,
    /// How many seconds clocks may differ; 300 is usual.
    pub skew: u32,
    /// The TLS channel below. If there is one here, the client must be bound to it.
    pub channel_bindings: Option<&'a ChannelBindings>,
}

/// The service's side of an established context of the Kerberos mechanism.
///
/// Whether the same token came before is for the caller to know, see [`VerifiedRequest`].
#[derive(Debug)]
pub struct Acceptor {
    request: Box<VerifiedRequest>,
    context: SecurityContext,
}

impl Acceptor {
    /// Takes the client's token; returns the context and, if the client wants mutual
    /// authentication, the answer. The context key is then a fresh one of our own choice.
    ///
    /// # Errors
    /// [`GssError::Request`], [`GssError::BadChecksum`], [`GssError::ChannelBindings`], and those
    /// of a malformed token. [`Self::refusal`] makes an answer of them.
    pub fn accept(
        token: &[u8],
        options: &AcceptorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Option<Vec<u8>>), GssError> {
        let (TokenId::AP_REQ, message) = unframe_message(token)? else {
            return Err(GssError::UnexpectedToken);
        };
        let request = VerifiedRequest::verify(message, options.keys, cx.now, options.skew)?;
        let flags = match &request.checksum {
            Some((ChecksumType::GSSAPI, sum)) => checksum::verify(sum, options.channel_bindings)?,
            _ => return Err(GssError::BadChecksum),
        };
        let initiator_key = request.subkey.as_ref().unwrap_or(&request.session_key);
        let first_received = request.sequence_number.unwrap_or(0);
        let (key, first_sent, answer) = if flags.contains(GssFlags::MUTUAL) {
            let key = Key::generate(initiator_key.enctype(), cx.rng).map_err(GssError::BadKey)?;
            let first_sent = sequence::first_number(cx.rng);
            let reply = request.reply(Some(&key), Some(first_sent), cx.rng);
            (key, first_sent, Some(frame_message(TokenId::AP_REP, &reply)))
        } else {
            (initiator_key.clone(), first_received, None)
        };
        let context = SecurityContext {
            role: Role::Acceptor,
            flags,
            key,
            acceptor_subkey: answer.is_some(),
            next_to_send: first_sent.into(),
            received: SequenceWindow::new(first_received, flags),
        };
        Ok((Self { request: Box::new(request), context }, answer))
    }

    /// The token that tells a client why it was refused, in the name of `server`.
    #[must_use]
    pub fn refusal(error: &GssError, server: &Principal, now: Timestamp) -> Vec<u8> {
        let code = match error {
            GssError::Request(error) => error.code(),
            _ => ErrorCode::GENERIC,
        };
        let message = der::encode(&KrbError {
            pvno: Int,
            msg_type: Int,
            ctime: None,
            cusec: None,
            stime: now.seconds,
            susec: Microseconds(now.microseconds),
            error_code: code,
            crealm: None,
            cname: None,
            realm: KerberosString(&server.realm),
            sname: (&server.name).into(),
            e_text: None,
            e_data: None,
        });
        frame_message(TokenId::KRB_ERROR, &message)
    }

    /// The client's verified request: who it is, its ticket's authorization data, its time.
    #[must_use]
    pub const fn request(&self) -> &VerifiedRequest {
        &self.request
    }

    /// The context, to protect messages with.
    #[must_use]
    pub const fn context_mut(&mut self) -> &mut SecurityContext {
        &mut self.context
    }

    /// The context.
    #[must_use]
    pub const fn context(&self) -> &SecurityContext {
        &self.context
    }
}
