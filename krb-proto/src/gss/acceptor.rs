use alloc::boxed::Box;
use alloc::vec::Vec;

use super::bindings::ChannelPolicy;
use super::checksum::{self, Extensions};
use super::context::{Role, SecurityContext};
use super::sequence::SequenceWindow;
use super::token::{TokenId, frame_message, mechanism_of, unframe_message};
use super::{GssError, GssFlags, Oid, sequence};
use crate::ap::{KeyLookup, KrbCredError, RequestPolicy, VerifiedRequest, open_krb_cred};
use crate::asn1::KrbError;
use crate::crypto::{CryptoError, Key};
use crate::der::{self};
use crate::iana::{ChecksumType, EncType, ErrorCode};
use crate::{Context, Credential, Principal, Timestamp};

/// What an acceptor demands.
#[derive(Clone, Copy)]
pub struct AcceptorOptions<'a> {
    /// How the client's ticket is verified.
    pub request: RequestPolicy<'a>,
    /// The TLS channel below.
    pub channel: ChannelPolicy<'a>,
    /// Take what the client delegates. If not it is dropped, and with it the flag.
    pub take_delegated: bool,
}

impl<'a> AcceptorOptions<'a> {
    /// For a service with these keys: no channel below, nothing delegated.
    #[must_use]
    pub const fn new(keys: &'a KeyLookup<'a>) -> Self {
        Self {
            request: RequestPolicy::new(keys),
            channel: ChannelPolicy::Ignore,
            take_delegated: false,
        }
    }
}

/// The service's side of an established context of the Kerberos mechanism.
///
/// Whether the same token came before is for the caller to know, see [`VerifiedRequest`].
#[derive(Debug)]
pub struct Acceptor {
    request: Box<VerifiedRequest>,
    delegated: Vec<Credential>,
    context: SecurityContext,
}

impl Acceptor {
    /// Takes the client's token; returns the context and, if the client wants mutual
    /// authentication, the answer. The context key is then a fresh one of our own choice, but for
    /// RC4.
    ///
    /// # Errors
    /// [`GssError::Request`], [`GssError::BadChecksum`], [`GssError::ChannelBindings`],
    /// [`GssError::Delegation`], [`GssError::NotOffered`], and those of a malformed token. [`Self::refusal`] makes an answer of them.
    pub fn accept(
        token: &[u8],
        options: &AcceptorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Option<Vec<u8>>), GssError> {
        let mechanism = mechanism_of(token, &[Oid::KRB5, Oid::KRB5_USER_TO_USER])?;
        Self::accept_for(mechanism, |_, _| Ok(()), token, options, cx)
    }

    /// Takes the token of one of Kerberos's mechanisms. `bound` looks whether the login is bound to
    /// what it has to be, by the extensions of its checksum and its subkey.
    pub(super) fn accept_for<E: From<GssError>>(
        mechanism: Oid<'static>,
        bound: impl FnOnce(Extensions<'_>, Option<&Key>) -> Result<(), E>,
        token: &[u8],
        options: &AcceptorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Option<Vec<u8>>), E> {
        let (TokenId::AP_REQ, message) = unframe_message(mechanism, token)? else {
            return Err(GssError::UnexpectedToken.into());
        };
        let request = VerifiedRequest::verify(message, &options.request, cx.now)
            .map_err(GssError::Request)?;
        let (flags, delegated) = read_checksum(&request, bound, options)?;
        let initiator_key = request.subkey.as_ref().unwrap_or(&request.session_key);
        let first_received = request.sequence_number.unwrap_or(0);
        let (subkey, first_sent, answer) = if flags.contains(GssFlags::MUTUAL) {
            // RFC 4757 knows no acceptor's subkey.
            let subkey = (initiator_key.enctype() != EncType::RC4_HMAC)
                .then(|| initiator_key.generate_alike(cx.rng));
            let first_sent = sequence::first_number(cx.rng);
            let reply = request.reply(subkey.as_ref(), Some(first_sent), cx.rng);
            (subkey, first_sent, Some(frame_message(mechanism, TokenId::AP_REP, &reply)))
        } else {
            (None, first_received, None)
        };
        let context = SecurityContext {
            role: Role::Acceptor,
            flags,
            acceptor_subkey: subkey.is_some(),
            key: subkey.unwrap_or_else(|| initiator_key.clone()),
            next_to_send: first_sent.into(),
            received: SequenceWindow::new(first_received, flags),
        };
        Ok((Self { request: Box::new(request), delegated, context }, answer))
    }

    /// The token that tells a client why it was refused, in the name of `server`.
    #[must_use]
    pub fn refusal(error: &GssError, server: &Principal, now: Timestamp) -> Vec<u8> {
        Self::refusal_to(&[], error.code(), server, now)
    }

    /// The same of whatever the reason is, framed for the mechanism of the client's token: Kerberos's,
    /// unless it is user-to-user.
    #[must_use]
    pub fn refusal_to(
        token: &[u8],
        code: ErrorCode,
        server: &Principal,
        now: Timestamp,
    ) -> Vec<u8> {
        let mechanism = mechanism_of(token, &[Oid::KRB5_USER_TO_USER]).unwrap_or(Oid::KRB5);
        frame_message(mechanism, TokenId::KRB_ERROR, &krb_error(code, server, now))
    }

    /// The client's verified request: who it is, its ticket's authorization data, its time.
    #[must_use]
    pub const fn request(&self) -> &VerifiedRequest {
        &self.request
    }

    /// What the client delegated: tickets, usually one TGT, for use in its name.
    #[must_use]
    pub fn delegated(&self) -> &[Credential] {
        &self.delegated
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

pub(super) fn krb_error(code: ErrorCode, server: &Principal, now: Timestamp) -> Vec<u8> {
    der::encode(&KrbError::new(code, now, &server.realm, &server.name))
}

/// The flags that hold, and what is delegated.
fn read_checksum<E: From<GssError>>(
    request: &VerifiedRequest,
    bound: impl FnOnce(Extensions<'_>, Option<&Key>) -> Result<(), E>,
    options: &AcceptorOptions<'_>,
) -> Result<(GssFlags, Vec<Credential>), E> {
    let Some((ChecksumType::GSSAPI, checksum)) = &request.checksum else {
        return Err(GssError::BadChecksum.into());
    };
    let fields = checksum::parse(checksum)?;
    let channel_bound = options
        .channel
        .check(&fields.bound, request.client_data.always_binds)
        .ok_or(GssError::ChannelBindings)?;
    bound(fields.extensions, request.subkey.as_ref())?;
    let mut flags = fields.flags.without(GssFlags::CHANNEL_BOUND);
    if flags.contains(GssFlags::DCE_STYLE) {
        return Err(GssError::NotOffered.into());
    }
    if channel_bound {
        flags = flags | GssFlags::CHANNEL_BOUND;
    }
    match fields.delegated {
        Some(message) if options.take_delegated => {
            let delegated = open_delegated(request, message).map_err(GssError::Delegation)?;
            Ok((flags, delegated))
        }
        _ => Ok((flags.without(GssFlags::DELEG), Vec::new())),
    }
}

/// RFC 4121 section 4.1.1 says the session key; some clients take their subkey.
fn open_delegated(
    request: &VerifiedRequest,
    message: &[u8],
) -> Result<Vec<Credential>, KrbCredError> {
    match (open_krb_cred(&request.session_key, message), &request.subkey) {
        (Err(KrbCredError::Crypto(CryptoError::IntegrityCheckFailed)), Some(subkey)) => {
            open_krb_cred(subkey, message)
        }
        (opened, _) => opened,
    }
}
