//! What reaches a resource, and the way to it.
//!
//! A resource asks a [`ServiceCredential`] for what it needs and never sees how it was got. Only the
//! stages below this module make evidence and credentials, and both hang on the call that was
//! announced: neither can be used for another one.

mod failure;
pub mod kerberos;
mod route;
mod standing;
mod way;

use krb_client::{Clock, Entropy, UserTicket};
use krb_proto::gss::{GssError, Initiator, InitiatorOptions};
use krb_proto::spnego::{SpnegoError, SpnegoInitiator};
use krb_proto::{Context, Credential};

use crate::Failure;
use crate::call::Announced;
use crate::event::Event;
use crate::policy::Permit;
use crate::resources::Doubt;
use crate::state::Revocations;
use failure::{NoLogin, Stale};
use kerberos::Account;
pub(crate) use route::credential;
pub(crate) use standing::Standing;
#[cfg(test)]
pub(crate) use standing::testing::standing;
pub use way::{AsService, Impersonated, Route, WithDelivered, WithTicket};

/// Evidence that was opened and believed: the account it proves is the one that the announced call
/// means.
pub struct Evidence<'a> {
    announced: &'a Announced,
    account: Account,
    ticket: UserTicket,
}

impl<'a> Evidence<'a> {
    /// Evidence of an account of which everything else is believed: policy may have waited for its
    /// groups.
    ///
    /// # Errors
    /// [`Code::PolicyDenied`](crate::Code::PolicyDenied) if they do not confirm the permit.
    fn new(
        announced: &'a Announced,
        account: Account,
        ticket: UserTicket,
    ) -> Result<Self, Failure> {
        announced.tell(Event::Evidence { account: &account, ticket: &ticket });
        announced.confirm(&account)?;
        Ok(Self { announced, account, ticket })
    }

    const fn permit(&self) -> &Permit {
        self.announced.permit()
    }
}

/// What an announced call reaches its resource with; any number of contexts can be started with it.
pub struct ServiceCredential<'a> {
    announced: &'a Announced,
    account: Account,
    /// To the resource; of who is impersonated there, the evidence, which is for nobody but us.
    ticket: UserTicket,
    /// The service account's own, where it logs in to impersonate the user.
    login: Option<UserTicket>,
}

impl<'a> ServiceCredential<'a> {
    /// With a ticket that is used itself.
    const fn new(announced: &'a Announced, account: Account, ticket: UserTicket) -> Self {
        Self { announced, account, ticket, login: None }
    }

    /// With evidence alone, and who logs in where that is the service account.
    fn impersonated(evidence: Evidence<'a>, login: Option<UserTicket>) -> Self {
        let Evidence { announced, account, ticket } = evidence;
        Self { announced, account, ticket, login }
    }

    /// What it may be used for.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        self.announced.permit()
    }

    /// Whether what it is for may have been done: whoever sends that says so.
    pub(crate) const fn doubt(&self) -> &Doubt {
        self.announced.doubt()
    }

    /// In whose name.
    #[must_use]
    pub const fn account(&self) -> &Account {
        &self.account
    }

    /// On what a session stands that is set up with it, if it may serve later calls, too.
    pub(crate) fn standing(&self, revocations: &Revocations) -> Option<Standing> {
        self.permit().route().may_be_kept().then(|| Standing::of(self, revocations))
    }

    /// Starts a SPNEGO context: its state, and the token to send. The resource says what it means
    /// if that fails.
    pub(crate) fn start_spnego(
        &self,
        clock: &dyn Clock,
        mut random: &dyn Entropy,
        options: &InitiatorOptions<'_>,
        explain: impl FnOnce(&SpnegoError) -> Failure,
    ) -> Result<(SpnegoInitiator, Vec<u8>), Failure> {
        let target = self.permit().target();
        let ticket = match self.permit().route() {
            Route::DatabaseImpersonation => self.login.as_ref().ok_or(NoLogin(target))?,
            _ => &self.ticket,
        };
        let ticket = current(ticket, clock).ok_or(Stale(target))?;
        let mut cx = Context { now: clock.now(), kdc_offset: 0, rng: &mut random };
        SpnegoInitiator::new(ticket, options, &mut cx).map_err(|error| explain(&error))
    }

    /// Starts a context of the Kerberos mechanism, without SPNEGO around it.
    pub(crate) fn start_kerberos(
        &self,
        clock: &dyn Clock,
        random: &dyn Entropy,
        options: &InitiatorOptions<'_>,
        explain: impl FnOnce(&GssError) -> Failure,
    ) -> Result<(Initiator, Vec<u8>), Failure> {
        let target = self.permit().target();
        let contexts = self.contexts().ok_or(NoLogin(target))?;
        let started = contexts.start_kerberos(clock, random, options).ok_or(Stale(target))?;
        started.map_err(|error| explain(&error))
    }

    /// What starts contexts for further connections of the session that is set up with it; none if
    /// nobody logs in by Kerberos.
    pub(crate) fn contexts(&self) -> Option<Contexts> {
        let ticket = match self.permit().route() {
            Route::DatabaseImpersonation => self.login.as_ref()?,
            _ => &self.ticket,
        };
        Some(Contexts { ticket: ticket.clone() })
    }
}

/// Starts contexts for one session, whose calls may have ended: a connection of its own tells the
/// resource to cancel what runs in it.
pub(crate) struct Contexts {
    ticket: UserTicket,
}

impl Contexts {
    /// As [`ServiceCredential::start_kerberos`]; `None` if the ticket is too old.
    pub(crate) fn start_kerberos(
        &self,
        clock: &dyn Clock,
        mut random: &dyn Entropy,
        options: &InitiatorOptions<'_>,
    ) -> Option<Result<(Initiator, Vec<u8>), GssError>> {
        let ticket = current(&self.ticket, clock)?;
        let mut cx = Context { now: clock.now(), kdc_offset: 0, rng: &mut random };
        Some(Initiator::new(ticket, options, &mut cx))
    }
}

/// The ticket, right before it is used: the call may have waited for long, so it is looked at once
/// more how old it is.
fn current<'a>(ticket: &'a UserTicket, clock: &dyn Clock) -> Option<&'a Credential> {
    ticket.is_current(clock).then_some(&**ticket)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Duration;

    use krb_proto::credential::TicketTimes;
    use krb_proto::crypto::Key;
    use krb_proto::iana::{EncType, TicketFlags};
    use krb_proto::{KerberosTime, Name, Principal, Timestamp};

    use super::*;

    const NOW: i64 = 1_800_000_000;

    struct Moved(AtomicI64);

    impl Clock for Moved {
        fn now(&self) -> Timestamp {
            Timestamp::new(NOW + self.0.load(Ordering::SeqCst), 0)
        }

        fn monotonic(&self) -> Duration {
            Duration::ZERO
        }
    }

    #[test]
    fn a_ticket_that_became_too_old_while_the_call_waited_is_not_used() {
        let user = Principal::new(Name::user("alice"), "R");
        let ticket = Credential {
            server: user.clone(),
            client: user,
            session_key: Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[1; 32]).unwrap(),
            times: TicketTimes {
                endtime: KerberosTime::from_unix(NOW + 36_000),
                ..TicketTimes::default()
            },
            flags: TicketFlags::NONE,
            ticket: Vec::new(),
        };
        let clock = Arc::new(Moved(AtomicI64::new(0)));
        let ticket = UserTicket::of(ticket.into(), &*clock, Duration::from_secs(900));
        for (seconds, used) in [(899, true), (900, false), (-1, false)] {
            clock.0.store(seconds, Ordering::SeqCst);
            assert_eq!(current(&ticket, &*clock).is_some(), used, "{seconds}");
        }
    }
}
