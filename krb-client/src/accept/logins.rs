//! Logins that were taken, so that none is taken twice, and nobody's take the others' room.

use std::collections::HashMap;
use std::fmt;

use krb_proto::ap::{ReplayCache, VerifiedRequest};
use krb_proto::pac::Sid;
use krb_proto::{Principal, Timestamp};

use super::refusal::Refusal;

/// Logins within twice the skew; each is some 100 octets.
const MAX_LOGINS: usize = 100_000;
/// Those of one client while they are counted. Counting begins anew, so that twice as many may be
/// remembered.
const MAX_OF_A_CLIENT: usize = 20_000;

/// Whose logins are counted as one's: names vary in letter case and kind, accounts do not.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Who {
    Account(Sid),
    Name(Principal),
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(sid) => sid.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

pub(super) struct Logins {
    seen: ReplayCache,
    clients: Clients,
}

impl Logins {
    /// With clocks so many seconds apart.
    pub(super) fn new(skew: u32) -> Self {
        // As long as one can be remembered.
        let counted = 2 * i64::from(skew);
        let clients = Clients { counted, since: 0, logins: HashMap::new() };
        Self { seen: ReplayCache::new(MAX_LOGINS, skew), clients }
    }

    /// Takes one that is this client's, if it did not come before.
    pub(super) fn record(
        &mut self,
        request: &VerifiedRequest,
        of: Who,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if !self.clients.has_room(&of, now.seconds.unix()) {
            return Err(Refusal::TooMany);
        }
        self.seen.record(request, now)?;
        self.clients.count(of);
        Ok(())
    }
}

/// How many logins each client has had since some time, no longer ago than they are counted.
struct Clients {
    counted: i64,
    since: i64,
    logins: HashMap<Who, usize>,
}

impl Clients {
    fn has_room(&mut self, client: &Who, now: i64) -> bool {
        // A clock that is set back must keep nobody out for longer.
        if !(0..self.counted).contains(&now.saturating_sub(self.since)) {
            self.since = now;
            self.logins.clear();
        }
        self.logins.get(client).is_none_or(|logins| *logins < MAX_OF_A_CLIENT)
    }

    fn count(&mut self, client: Who) {
        *self.logins.entry(client).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_does_not_take_the_others_room() {
        let alice = Who::Account("S-1-5-21-1-2-3-1104".parse().unwrap());
        let bob = Who::Account("S-1-5-21-1-2-3-1105".parse().unwrap());
        let new = || Clients { counted: 600, since: 0, logins: HashMap::new() };
        let mut clients = new();
        for _ in 0..MAX_OF_A_CLIENT {
            assert!(clients.has_room(&alice, 1000));
            clients.count(alice.clone());
        }
        for (now, has_room) in [(1000, false), (1599, false), (999, true)] {
            let mut later =
                Clients { since: clients.since, logins: clients.logins.clone(), ..new() };
            assert_eq!(later.has_room(&alice, now), has_room, "{now}");
            assert!(later.has_room(&bob, now));
        }
        assert!(clients.has_room(&alice, 1600));
        assert_eq!(clients.logins.len(), 0, "nobody is kept for longer");
        // Twice as many at the most, since it counts anew, and there is room for others' yet.
        const { assert!(2 * MAX_OF_A_CLIENT < MAX_LOGINS / 2 + 1) };
    }
}
