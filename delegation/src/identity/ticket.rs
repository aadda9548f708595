use std::fmt;
use std::sync::Arc;

use krb_client::UserTicket;
use zeroize::Zeroizing;

use super::LegacyName;
use crate::credential::kerberos::Account;

/// A user's own ticket to one of the service accounts, accepted: its sender holds its key, and its PAC
/// proves whose it is.
#[derive(Clone, Debug)]
pub(crate) struct OwnTicket {
    pub(crate) ticket: UserTicket,
    pub(crate) account: Account,
    /// The account's name, which is the ticket's.
    pub(crate) name: LegacyName,
    /// The service account that it is to, as targets name it.
    pub(crate) to: Option<String>,
}

/// What the claim for the user's ticket holds, of which nothing is known yet. Zeroized; `Debug` does
/// not show it.
#[derive(Clone)]
pub(crate) struct DeliveredTicket(Arc<Zeroizing<String>>);

impl DeliveredTicket {
    pub(super) fn new(claim: &str) -> Self {
        Self(Arc::new(Zeroizing::new(claim.to_owned())))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DeliveredTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeliveredTicket({} bytes)", self.0.len())
    }
}

impl OwnTicket {
    /// Who has no identity provider: no issuer's URL begins like that.
    pub(super) fn issuer(&self) -> String {
        format!("kerberos:{}", String::from_utf8_lossy(&self.ticket.client.realm))
    }
}
