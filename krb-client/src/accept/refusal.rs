//! Why a client is not let in, and what is said to it.

use krb_proto::ap::{ApRequestError, ReplayError};
use krb_proto::asn1::KrbError;
use krb_proto::gss::{Acceptor, GssError};
use krb_proto::iana::ErrorCode;
use krb_proto::spnego::{NegTokenResp, SpnegoError};
use krb_proto::{Principal, Timestamp, der};

use super::shared::NotRemembered;
use crate::{ClientError, NotProven};

/// A login that was not taken.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{why}")]
pub struct NotAccepted {
    /// Why, for the service's log.
    #[source]
    pub why: Refusal,
    /// What the client's Kerberos is told, which is less, in the form in which it came; empty if there
    /// is nothing to tell.
    pub answer: Vec<u8>,
}

/// Why a login was not taken.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The client's token, or what is in it, is no good.
    #[error("{}: {_0}", self.text())]
    Token(SpnegoError),
    /// There is more to be said before the client's Kerberos ticket comes, and no way to say it.
    #[error("{}", self.text())]
    NotAtOnce,
    /// It came before, or so many came that this one cannot be remembered.
    #[error("{}: {_0}", self.text())]
    Replayed(#[from] ReplayError),
    /// So many of this client's came that they would take the others' room.
    #[error("{}", self.text())]
    TooMany,
    /// The memory of logins that other processes have as well does not take it.
    #[error("{}: {_0}", self.text())]
    NotRemembered(#[from] NotRemembered),
    /// The ticket's PAC is not believed.
    #[error("{}: {_0}", self.text())]
    Pac(#[from] NotProven),
    /// Who comes must be an account of a directory, and the ticket proves none.
    #[error("{}", self.text())]
    NoAccount,
    /// The client asks for the service's own ticket (user-to-user), which cannot be had.
    #[error("{}: {_0}", self.text())]
    NoTicketOfOurs(Box<ClientError>),
}

impl Refusal {
    /// One of a few fixed texts, with nothing in it that the client chose.
    #[must_use]
    pub const fn text(&self) -> &'static str {
        match self {
            Self::Token(SpnegoError::Mechanism(error)) => of_the_mechanism(error),
            Self::Token(SpnegoError::NoCommonMechanism | SpnegoError::UnexpectedMechanism) => {
                "the client offers no Kerberos"
            }
            Self::Token(_) => "the client's token is malformed",
            Self::NotAtOnce => "the client's first token is no Kerberos ticket",
            Self::Replayed(_) => "the login came before, or too many come",
            Self::TooMany => "too many logins of this user come",
            Self::NotRemembered(_) => "logins cannot be remembered",
            Self::Pac(_) => "the ticket's PAC is not believed",
            Self::NoAccount => "the ticket's PAC is missing, or names no account",
            Self::NoTicketOfOurs(_) => "the service has no ticket of its own",
        }
    }
}

impl Refusal {
    /// What the client's Kerberos is told of it, if that is for Kerberos to tell.
    const fn code(&self) -> Option<ErrorCode> {
        Some(match self {
            Self::Token(SpnegoError::Mechanism(error)) => error.code(),
            Self::Token(_) => return None,
            Self::Replayed(ReplayError::Replayed) => ErrorCode::REPEAT,
            Self::NoTicketOfOurs(_) => ErrorCode::NO_TGT,
            Self::Replayed(_)
            | Self::NotAtOnce
            | Self::TooMany
            | Self::NotRemembered(_)
            | Self::Pac(_)
            | Self::NoAccount => ErrorCode::GENERIC,
        })
    }
}

/// The form in which a client's token came.
pub(super) enum Form<'a> {
    /// A Kerberos message with nothing around it.
    Message,
    /// A token of one of Kerberos's mechanisms: this one.
    Kerberos(&'a [u8]),
    Spnego,
}

/// Whom a refusal is told, and in whose name.
pub(super) struct Told<'a> {
    pub(super) form: Form<'a>,
    /// The service that the client asked for, where that is known.
    pub(super) server: Option<Principal>,
    pub(super) now: Timestamp,
}

impl Told<'_> {
    pub(super) fn refused(&self, why: Refusal) -> NotAccepted {
        let Self { form, server, now } = self;
        let said = why.code().zip(server.as_ref());
        let answer = match form {
            Form::Message => said.map(|(code, Principal { name, realm })| {
                der::encode(&KrbError::new(code, *now, realm, name))
            }),
            Form::Kerberos(token) => {
                said.map(|(code, server)| Acceptor::refusal_to(token, code, server, *now))
            }
            Form::Spnego => {
                let told = said.map(|(code, server)| Acceptor::refusal_to(&[], code, server, *now));
                Some(NegTokenResp::rejection(told.as_deref()).to_token())
            }
        };
        NotAccepted { why, answer: answer.unwrap_or_default() }
    }
}

const fn of_the_mechanism(error: &GssError) -> &'static str {
    match error {
        GssError::Request(ApRequestError::NoKey) => {
            "the ticket is for another service, or of a kind that is not used here"
        }
        GssError::Request(ApRequestError::Ticket(_)) => {
            "the ticket does not open with the service account's keys"
        }
        GssError::Request(ApRequestError::Skew) => "the client's clock is too far off",
        GssError::Request(ApRequestError::Expired | ApRequestError::NotYetValid) => {
            "the ticket is expired, or not valid yet"
        }
        GssError::ChannelBindings => "the login is not bound to this server's TLS certificate",
        GssError::UnexpectedMechanism => "the client offers no Kerberos",
        GssError::Malformed(_) => "the client's token is malformed",
        _ => "the ticket is not proven to be its sender's",
    }
}
