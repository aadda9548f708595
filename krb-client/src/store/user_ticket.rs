use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use krb_proto::Credential;

use super::held::Held;
use crate::Clock;
use crate::clock::Moment;

/// A ticket in a user's name: evidence, or a ticket to a service that was got with it.
///
/// What it says of the user was true when its *evidence* was asked for, however late the ticket
/// itself was issued; from then on it is used for [`ClientConfig::max_age`] and no longer.
///
/// [`ClientConfig::max_age`]: crate::ClientConfig::max_age
#[derive(Clone, Debug)]
pub struct UserTicket {
    pub(crate) held: Held,
    pub(crate) max_age: Duration,
}

impl UserTicket {
    /// A ticket that was got elsewhere, such as a user's own, counted from this moment on.
    #[must_use]
    pub fn of(credential: Arc<Credential>, clock: &dyn Clock, max_age: Duration) -> Self {
        Self { held: Held::new(credential, Moment::now(clock)), max_age }
    }

    pub(crate) const fn new(held: Held, max_age: Duration) -> Self {
        Self { held, max_age }
    }

    /// Did it lie in the client's store when it was asked for, so that no KDC had to be?
    #[must_use]
    pub const fn was_stored(&self) -> bool {
        self.held.was_stored
    }

    /// Was it, or the evidence that it was got with, asked for less than this age ago?
    #[must_use]
    pub fn is_younger_than(&self, age: Duration, clock: &dyn Clock) -> bool {
        Moment::now(clock).is_within(age.min(self.max_age), self.held.since)
    }

    /// May it still be used? Asked right before it is. A ticket is handed out with a minute left,
    /// so this says no only to who has waited for long, or whose clock was set meanwhile.
    #[must_use]
    pub fn is_current(&self, clock: &dyn Clock) -> bool {
        Moment::now(clock).is_within(self.max_age, self.held.since)
    }
}

impl Deref for UserTicket {
    type Target = Credential;

    fn deref(&self) -> &Credential {
        &self.held.credential
    }
}
