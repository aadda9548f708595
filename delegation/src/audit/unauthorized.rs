//! Requests without a valid token: a flood of them must not become a flood of records.

use std::collections::BTreeMap;

use krb_client::proto::KerberosTime;

use super::record::Record;

const MAX_COUNTS: usize = 10_000;

/// Counts per minute and reason. Reasons are literals in the code, so the map stays small.
#[derive(Debug, Default)]
pub(super) struct Counters(BTreeMap<(i64, &'static str), u64>);

impl Counters {
    /// Counts one; true if it is the minute's first for that reason, which is recorded at once.
    pub(super) fn note(&mut self, reason: &'static str, now: KerberosTime) -> bool {
        let count = self.0.entry((minute(now), reason)).or_default();
        *count = count.saturating_add(1);
        *count == 1
    }

    /// Takes the minutes that are over.
    pub(super) fn take_ended(&mut self, now: KerberosTime) -> Self {
        let running = self.0.split_off(&(minute(now), ""));
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
        // A log that cannot be written for a week is told of by the week's last hours.
        while self.0.len() > MAX_COUNTS {
            self.0.pop_first();
        }
    }

    /// A record for each reason that came again in a minute after its first.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let again = self.0.iter().filter(|(_, count)| **count > 1);
        again.map(|(&(minute, reason), &count)| {
            let since = KerberosTime::from_unix(minute * 60);
            Record::unauthorized(reason, count, Some(since))
        })
    }
}

fn minute(time: KerberosTime) -> i64 {
    time.unix().div_euclid(60)
}
