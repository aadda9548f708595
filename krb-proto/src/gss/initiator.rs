use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::bindings::ChannelBindings;
use super::context::{Role, SecurityContext};
use super::sequence::SequenceWindow;
use super::token::{TokenId, frame_message, unframe_message};
use super::{GssError, GssFlags, Oid, checksum, sequence};
use crate::ap::{ApReqOptions, ApRequest, ClientData, krb_cred};
use crate::asn1::KrbError;
use crate::crypto::Key;
use crate::der;
use crate::iana::{ApOptions, ChecksumType, EncType, KeyUsage};
use crate::{Context, Credential};

/// How a context is to be. The default is the safe one.
#[derive(Clone, Copy, Debug)]
pub struct InitiatorOptions<'a> {
    /// The service must prove its identity with an AP-REP. Without it any server that gets the
    /// token is believed.
    pub mutual: bool,
    /// Messages must come in the order in which they were sent, none missing. If not, they may
    /// overtake each other by up to 64, and none may come twice.
    pub in_order: bool,
    /// The TLS channel, if there is one below.
    pub channel_bindings: Option<&'a ChannelBindings>,
    /// A forwarded TGT of the client's that the service may use in its name: it can then do
    /// whatever the client can.
    pub delegate: Option<&'a Credential>,
    /// The ticket is encrypted with the session key of the service's TGT (user-to-user).
    pub user_to_user: bool,
    /// What to say of oneself to services of Windows.
    pub client_data: ClientData,
}

impl Default for InitiatorOptions<'_> {
    fn default() -> Self {
        Self {
            mutual: true,
            in_order: true,
            channel_bindings: None,
            delegate: None,
            user_to_user: false,
            client_data: ClientData::default(),
        }
    }
}

impl InitiatorOptions<'_> {
    fn flags(&self) -> GssFlags {
        let mut flags = GssFlags::REPLAY | GssFlags::CONF | GssFlags::INTEG;
        if self.mutual {
            flags = flags | GssFlags::MUTUAL;
        }
        if self.in_order {
            flags = flags | GssFlags::SEQUENCE;
        }
        if self.delegate.is_some() {
            flags = flags | GssFlags::DELEG;
        }
        flags
    }
}

/// The client's side of a context of the Kerberos mechanism, without SPNEGO around it.
///
/// Every context has a fresh authenticator and a fresh subkey, so no two share a key and none is
/// taken for a replay. Keys are wiped when this is dropped, and never shown by `Debug`.
pub struct Initiator {
    state: State,
}

enum State {
    AwaitingReply(Box<Pending>),
    Established(Box<SecurityContext>),
    Failed,
}

/// What the AP-REP is verified with.
struct Pending {
    mechanism: Oid<'static>,
    request: ApRequest,
    session_key: Key,
    subkey: Key,
    sequence_number: u32,
    flags: GssFlags,
}

impl Initiator {
    /// Starts a context; returns the first token, for the service.
    ///
    /// The service's answer is tied to this token by the time in it alone, and replay caches look
    /// at that time: a caller that starts many contexts with one ticket needs a clock that never
    /// shows the same microsecond twice.
    ///
    /// # Errors
    /// [`GssError::BadTicket`] if a credential cannot be used, and
    /// [`GssError::DelegationTooLong`].
    pub fn new(
        credential: &Credential,
        options: &InitiatorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Vec<u8>), GssError> {
        let mechanism = if options.user_to_user { Oid::KRB5_USER_TO_USER } else { Oid::KRB5 };
        Self::start(mechanism, |_| None, credential, options, cx)
    }

    /// Starts a context of one of Kerberos's mechanisms; `extension` binds it, with its subkey, to
    /// what it has to be bound to.
    pub(super) fn start(
        mechanism: Oid<'static>,
        extension: impl FnOnce(&Key) -> Option<(u32, Vec<u8>)>,
        credential: &Credential,
        options: &InitiatorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Vec<u8>), GssError> {
        let flags = options.flags();
        let subkey = credential.session_key.generate_alike(cx.rng);
        let sequence_number = sequence::first_number(cx.rng);
        // With the session key, whatever the subkey (RFC 4121 section 4.1.1).
        let delegated = options
            .delegate
            .map(|delegate| krb_cred(&[delegate], &credential.session_key, cx))
            .transpose()
            .map_err(GssError::BadTicket)?;
        let extension = extension(&subkey);
        let checksum = checksum::encode(
            options.channel_bindings,
            flags,
            delegated.as_deref(),
            extension.as_ref().map(|(number, value)| (*number, &value[..])),
        )?;
        let mut ap_options = ApOptions::NONE;
        if options.mutual {
            ap_options |= ApOptions::MUTUAL_REQUIRED;
        }
        if options.user_to_user {
            ap_options |= ApOptions::USE_SESSION_KEY;
        }
        let authorization_data = options.client_data.to_authorization_data();
        let request = ApRequest::new(
            credential,
            &ApReqOptions {
                usage: KeyUsage::AP_REQ_AUTHENTICATOR,
                ap_options,
                checksum: Some((ChecksumType::GSSAPI, &checksum)),
                subkey: Some(&subkey),
                sequence_number: Some(sequence_number),
                authorization_data: authorization_data.as_deref(),
            },
            cx,
        )
        .map_err(GssError::BadTicket)?;
        let token = frame_message(mechanism, TokenId::AP_REQ, &request.message);
        let session_key = credential.session_key.clone();
        let pending = Pending { mechanism, request, session_key, subkey, sequence_number, flags };
        let state = if options.mutual {
            State::AwaitingReply(Box::new(pending))
        } else {
            State::Established(Box::new(pending.without_reply()))
        };
        Ok((Self { state }, token))
    }

    /// Takes the service's answer; the context is established if it is right, and of no further
    /// use if not.
    ///
    /// # Errors
    /// [`GssError::Refused`] for a KRB-ERROR, [`GssError::Reply`] for an AP-REP that proves
    /// nothing, and those of a malformed or misplaced token.
    pub fn step(&mut self, token: &[u8]) -> Result<(), GssError> {
        let pending = match core::mem::replace(&mut self.state, State::Failed) {
            State::AwaitingReply(pending) => pending,
            State::Failed => return Err(GssError::NotEstablished),
            established @ State::Established(_) => {
                self.state = established;
                return Err(GssError::AlreadyEstablished);
            }
        };
        self.state = State::Established(Box::new(pending.with_reply(token)?));
        Ok(())
    }

    /// Is the context established, and the service's identity proven if that was asked for?
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    /// The context key, see [`SecurityContext::session_key`]; `None` until complete.
    #[must_use]
    pub fn session_key(&self) -> Option<&Key> {
        self.context().map(SecurityContext::session_key)
    }

    /// The established context; `None` until complete.
    #[must_use]
    pub fn context(&self) -> Option<&SecurityContext> {
        match &self.state {
            State::Established(context) => Some(context),
            _ => None,
        }
    }

    /// The established context, to protect messages with; `None` until complete.
    #[must_use]
    pub fn context_mut(&mut self) -> Option<&mut SecurityContext> {
        match &mut self.state {
            State::Established(context) => Some(context),
            _ => None,
        }
    }
}

impl Pending {
    /// Without mutual authentication there is no AP-REP: the acceptor's numbers start where ours
    /// do, and the key is our subkey.
    fn without_reply(self) -> SecurityContext {
        let first = self.sequence_number;
        self.establish(None, first)
    }

    fn with_reply(self, token: &[u8]) -> Result<SecurityContext, GssError> {
        match unframe_message(self.mechanism, token)? {
            (TokenId::AP_REP, message) => {
                let reply = self.request.verify_reply(&self.session_key, message)?;
                // An absent number stands for 0 (RFC 4120 section 5.5.2 leaves it open; MIT).
                let first = reply.sequence_number.unwrap_or(0);
                Ok(self.establish(reply.subkey, first))
            }
            (TokenId::KRB_ERROR, message) => Err(refused(message)?),
            _ => Err(GssError::UnexpectedToken),
        }
    }

    fn establish(self, acceptor_subkey: Option<Key>, first_received: u32) -> SecurityContext {
        // RFC 4757 knows no acceptor's subkey: an RC4 key stays the initiator's, as with MIT. A key
        // of a newer enctype is one that the acceptor has moved on to (RFC 4537).
        let acceptor_subkey = acceptor_subkey
            .filter(|key| [key, &self.subkey].iter().any(|key| key.enctype() != EncType::RC4_HMAC));
        SecurityContext {
            role: Role::Initiator,
            flags: self.flags,
            acceptor_subkey: acceptor_subkey.is_some(),
            key: acceptor_subkey.unwrap_or(self.subkey),
            next_to_send: self.sequence_number.into(),
            received: SequenceWindow::new(first_received, self.flags),
        }
    }
}

fn refused(message: &[u8]) -> Result<GssError, GssError> {
    let error: KrbError<'_> = der::decode(message)?;
    Ok(GssError::Refused { code: error.error_code, server_time: error.stime })
}

/// The reason in a token that holds a KRB-ERROR.
pub(crate) fn refusal(token: &[u8]) -> Option<GssError> {
    match unframe_message(Oid::KRB5, token) {
        Ok((TokenId::KRB_ERROR, message)) => refused(message).ok(),
        _ => None,
    }
}

impl fmt::Debug for Initiator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.state {
            State::AwaitingReply(_) => f.write_str("Initiator(awaiting AP-REP)"),
            State::Established(context) => f.debug_tuple("Initiator").field(context).finish(),
            State::Failed => f.write_str("Initiator(failed)"),
        }
    }
}
