//! What reaches a resource, and the way to it.
//!
//! A resource asks a [`ServiceCredential`] for what it needs and never sees how it was got. Only the
//! stages below this module make evidence and credentials, and both hang on the call that was
//! announced: neither can be used for another one.

pub mod kerberos;

use krb_client::{Clock, OsRandom, UserTicket};
use krb_proto::Context;
use krb_proto::gss::{GssError, InitiatorOptions};
use krb_proto::spnego::SpnegoInitiator;

use crate::audit::Announced;
use crate::policy::Permit;
use kerberos::Account;

/// Evidence that was opened and believed: the account it proves is the one that the announced call
/// means.
pub struct Evidence<'a> {
    announced: &'a Announced,
    account: Account,
    ticket: UserTicket,
}

impl Evidence<'_> {
    /// Who it is.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    const fn permit(&self) -> &Permit {
        self.announced.permit()
    }
}

/// What an announced call reaches its resource with; any number of contexts can be started with it.
pub struct ServiceCredential<'a> {
    announced: &'a Announced,
    account: Account,
    ticket: UserTicket,
}

impl ServiceCredential<'_> {
    /// What it may be used for.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        self.announced.permit()
    }

    /// In whose name.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// Flags of the service ticket (RFC 4120 section 5.3).
    #[must_use]
    pub fn ticket_flags(&self) -> u32 {
        self.ticket.flags.0
    }

    /// Starts a SPNEGO context: its state, and the token to send.
    pub(crate) fn start_spnego(
        &self,
        clock: &dyn Clock,
        options: &InitiatorOptions<'_>,
    ) -> Result<(SpnegoInitiator, Vec<u8>), GssError> {
        let mut rng = OsRandom;
        let mut cx = Context { now: clock.now(), kdc_offset: 0, rng: &mut rng };
        SpnegoInitiator::new(&self.ticket, options, &mut cx)
    }
}
