//! Refusals that come in floods: without a valid token, and beyond a caller's limits. They are counted
//! for a minute, so that a flood of them does not become a flood of records.

use std::collections::BTreeMap;

use krb_client::proto::KerberosTime;

use super::record::{Fields, Record};

const MAX_COUNTS: usize = 10_000;

/// What is counted together.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    /// Requests without a valid token. Reasons are literals in the code, so there are few.
    Unauthorized(&'static str),
    /// Calls of one caller beyond their limits.
    Limited { issuer: String, subject: String, client_id: Option<String> },
}

/// Counts per minute and kind.
#[derive(Debug, Default)]
pub(super) struct Counters(BTreeMap<(i64, Kind), u64>);

impl Counters {
    /// Counts one; true if it is the minute's first of its kind, which is recorded at once.
    pub(super) fn note(&mut self, kind: Kind, now: KerberosTime) -> bool {
        let count = self.0.entry((minute(now), kind)).or_default();
        *count = count.saturating_add(1);
        let first = *count == 1;
        self.bound();
        first
    }

    /// Takes the minutes that are over.
    pub(super) fn take_ended(&mut self, now: KerberosTime) -> Self {
        let running = self.0.split_off(&(minute(now), Kind::Unauthorized("")));
        Self(std::mem::replace(&mut self.0, running))
    }

    /// Takes everything, the running minute included.
    pub(super) fn take_all(&mut self) -> Self {
        std::mem::take(self)
    }

    /// Takes back what could not be written: it is said later.
    pub(super) fn put_back(&mut self, taken: Self) {
        for (key, count) in taken.0 {
            let sum = self.0.entry(key).or_default();
            *sum = sum.saturating_add(count);
        }
        self.bound();
    }

    // A log that cannot be written for a week is told of by the week's last hours.
    fn bound(&mut self) {
        while self.0.len() > MAX_COUNTS {
            self.0.pop_first();
        }
    }

    /// A record for each kind that came again in a minute after its first.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let again = self.0.iter().filter(|(_, count)| **count > 1);
        again.map(|((minute, kind), &count)| {
            let since = KerberosTime::from_unix(minute * 60);
            kind.record(count, Some(since))
        })
    }
}

impl Kind {
    pub(super) fn record(&self, count: u64, since: Option<KerberosTime>) -> Record {
        match self {
            Self::Unauthorized(reason) => Record::unauthorized(reason, count, since),
            Self::Limited { issuer, subject, client_id } => {
                let fields = Fields {
                    issuer: Some(issuer.clone()),
                    subject: Some(subject.clone()),
                    client_id: client_id.clone(),
                    ..Fields::default()
                };
                Record::limited(fields, count, since)
            }
        }
    }
}

fn minute(time: KerberosTime) -> i64 {
    time.unix().div_euclid(60)
}
