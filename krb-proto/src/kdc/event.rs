use core::fmt;

use super::refusal::Refusal;
use crate::iana::{EncType, TicketFlags};
use crate::{KerberosTime, Name, Principal};

/// What a request asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Asked {
    /// It cannot be read.
    #[default]
    Garbage,
    /// A ticket from the AS.
    Login,
    /// A ticket for a service.
    Service,
    /// A ticket for another realm's KDC.
    Referral,
    /// The same ticket with another end.
    Renewal,
    /// A postdated ticket, good from then on.
    Validation,
    /// A ticket-granting ticket for another address.
    Forwarding,
    /// A ticket under the session key of another.
    UserToUser,
    /// S4U2Self.
    S4uSelf,
    /// S4U2Proxy.
    S4uProxy,
    /// Another password.
    PasswordChange,
}

/// How a request ended.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub enum Outcome {
    /// Nothing was answered.
    #[default]
    Ignored,
    /// With a ticket.
    Granted {
        /// Its flags.
        flags: TicketFlags,
        /// Its end.
        endtime: KerberosTime,
        /// The enctype that it is sealed with.
        ticket: EncType,
        /// The enctype of its session key.
        session: EncType,
    },
    /// As asked, without a ticket.
    Done,
    /// With a KRB-ERROR.
    Refused(Refusal),
}

/// What happened, for the log and for tests: no secrets are in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Event {
    /// What was asked for.
    pub asked: Asked,
    /// Who asked, as far as it is known.
    pub client: Option<Principal>,
    /// In whose name, where it is another's.
    pub user: Option<Principal>,
    /// What the ticket is for.
    pub server: Option<Name>,
    /// How it ended.
    pub outcome: Outcome,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = match self.asked {
            Asked::Garbage => "not a request",
            Asked::Login => "login",
            Asked::Service => "ticket",
            Asked::Referral => "referral",
            Asked::Renewal => "renewal",
            Asked::Validation => "validation",
            Asked::Forwarding => "forwarding",
            Asked::UserToUser => "user-to-user",
            Asked::S4uSelf => "S4U2Self",
            Asked::S4uProxy => "S4U2Proxy",
            Asked::PasswordChange => "password change",
        };
        f.write_str(asked)?;
        if let Some(client) = &self.client {
            write!(f, " by {client}")?;
        }
        if let Some(user) = &self.user {
            write!(f, " in the name of {user}")?;
        }
        if let Some(server) = &self.server {
            write!(f, " for {server}")?;
        }
        match &self.outcome {
            Outcome::Ignored => f.write_str(": not answered"),
            Outcome::Granted { flags, endtime, .. } => {
                write!(f, ": granted until {endtime} ({flags})")
            }
            Outcome::Done => f.write_str(": done"),
            Outcome::Refused(refusal) => write!(f, ": refused with {refusal}"),
        }
    }
}
