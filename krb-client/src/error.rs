use std::fmt;
use std::sync::Arc;

use krb_proto::exchange::{ExchangeError, KdcRefusal};
use krb_proto::formats::FormatError;
use krb_proto::iana::ErrorCode;
use krb_proto::kpasswd::KpasswdError;

use crate::cache_error::CacheError;
use crate::{Endpoint, Service};

/// Why a ticket could not be had.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The KDC refused, or its reply did not stand up to verification.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// No KDC answered in time, or no server that changes passwords.
    #[error(transparent)]
    Unreachable(#[from] Unreachable),
    /// The account itself could not log in, so that nothing could be asked for.
    #[error("logging in: {0}")]
    Login(Box<ClientError>),
    /// There is no ticket to armor an exchange with.
    #[error("the armor (FAST): {0}")]
    Armor(Box<ClientError>),
    /// The ticket-granting ticket that a client was given has ended, and nothing to log in with was
    /// given beside it.
    #[error(
        "the ticket-granting ticket of {client} has ended, and cannot be renewed: log in again"
    )]
    TicketEnded {
        /// Whose it was.
        client: String,
    },
    /// The password server refused to change a password.
    #[error(transparent)]
    Kpasswd(#[from] KpasswdError),
    /// Whether a password was changed is not known.
    #[error(
        "{reply}: {}: {login}",
        if *kept { "the KDC does not take the new password, so it was not changed, or not at every \
                    KDC yet" }
        else { "whether the password was changed is not known, since nobody could log in with it" }
    )]
    PasswordUnknown {
        /// What the password server said.
        reply: String,
        /// A login with the new one was refused as one with a wrong password.
        kept: bool,
        /// How that login failed.
        login: Box<ClientError>,
    },
    /// The task that fetched the ticket ended without a result: this program is shutting down.
    #[error("fetching the ticket was abandoned")]
    Abandoned,
    /// A file could not be read or written.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// Why not.
        error: Arc<std::io::Error>,
    },
    /// A credential cache could not be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A keytab makes no sense.
    #[error("{path}: {error}")]
    Format {
        /// Which file.
        path: String,
        /// What is wrong with it.
        error: FormatError,
    },
    /// A keytab is named by a type that is no file.
    #[error(
        "{name}: a {what} of this type is not supported; name a file, as FILE:PATH (or as ./PATH, \
         if it is a file's name)"
    )]
    NotAFile {
        /// Keytab.
        what: &'static str,
        /// The name that was given.
        name: String,
    },
    /// A ccache has no usable ticket to the service.
    #[error("{cache}: no ticket to {server} that can be used")]
    NoTicket {
        /// Its name.
        cache: String,
        /// The service.
        server: krb_proto::Principal,
    },
    /// The keytab has no usable key for the account.
    #[error(
        "the keytab has no key of a strong enctype for {principal}: `krb klist -ke` shows the names \
         (their letter case counts) and the enctypes that it has; RC4 is one where krb5.conf names it \
         (permitted_enctypes, and allow_rc4 = true)"
    )]
    NoKey {
        /// The account.
        principal: String,
    },
}

const REFUSES_A_TICKET: [ErrorCode; 8] = [
    ErrorCode::TGT_REVOKED,
    ErrorCode::BAD_INTEGRITY,
    ErrorCode::TKT_EXPIRED,
    ErrorCode::TKT_NYV,
    ErrorCode::NOT_US,
    ErrorCode::MODIFIED,
    ErrorCode::BADKEYVER,
    ErrorCode::NOKEY,
];

/// What a KDC finds in its directory, of the user, of the service account or of the target. It would say
/// the same again. (What it says of tickets, clocks, enctypes or itself is no such thing.)
const DEFINITE: [ErrorCode; 8] = [
    ErrorCode::C_PRINCIPAL_UNKNOWN,
    ErrorCode::S_PRINCIPAL_UNKNOWN,
    ErrorCode::CLIENT_REVOKED,
    ErrorCode::SERVICE_REVOKED,
    ErrorCode::NAME_EXP,
    ErrorCode::KEY_EXPIRED,
    ErrorCode::POLICY,
    ErrorCode::BADOPTION,
];

impl ClientError {
    /// The KDC's refusal, if that is what happened.
    #[must_use]
    pub fn refusal(&self) -> Option<&KdcRefusal> {
        match self {
            Self::Exchange(ExchangeError::Refused(refusal)) => Some(refusal),
            Self::Login(error) => error.refusal(),
            _ => None,
        }
    }

    /// Did the KDC say no to what was asked for, by what its directory says? Not if the account itself
    /// could not log in: that is no word about a user.
    pub(crate) fn is_definite(&self) -> bool {
        match self {
            Self::Exchange(ExchangeError::Refused(refusal)) => DEFINITE.contains(&refusal.code),
            _ => false,
        }
    }

    /// Did the KDC refuse a ticket that came with the request: the ticket-granting ticket, or
    /// evidence? It does not say which. Which code it is depends on the KDC: after its keys were
    /// replaced, say, Samba answers BADKEYVER, AD MODIFIED or TGT_REVOKED.
    #[must_use]
    pub fn refuses_a_ticket(&self) -> bool {
        match self {
            Self::Exchange(ExchangeError::Refused(refusal)) => {
                REFUSES_A_TICKET.contains(&refusal.code)
            }
            _ => false,
        }
    }
}

/// No server of a realm answered: which were asked, and how each failed.
#[derive(Clone, Debug)]
pub struct Unreachable {
    /// What it was asked for.
    pub service: Service,
    /// The realm.
    pub realm: String,
    /// What was tried, in the order in which it failed.
    pub tried: Vec<KdcFailure>,
    /// Which of its servers could not be found, and why, if there are such.
    pub discovery: Option<String>,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no {} of realm {} answered", self.service, self.realm)?;
        let tried = self.tried.iter().map(|failure| failure as &dyn fmt::Display);
        let discovery = self.discovery.iter().map(|text| text as &dyn fmt::Display);
        for (i, reason) in tried.chain(discovery).enumerate() {
            write!(f, "{} {reason}", if i == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Unreachable {}

/// How one KDC failed.
#[derive(Clone, Debug)]
pub struct KdcFailure {
    /// Where it was asked.
    pub kdc: Endpoint,
    /// How.
    pub error: Arc<std::io::Error>,
}

impl fmt::Display for KdcFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kdc, self.error)
    }
}
