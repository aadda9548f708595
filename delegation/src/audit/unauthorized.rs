//! Requests without a valid token: a flood of them must not become a flood of records.

use std::collections::BTreeMap;

use krb_client::proto::KerberosTime;

use super::record::Record;

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

    /// Takes the minutes that are over: a record for each reason that came again after its first.
    pub(super) fn take_ended(&mut self, now: KerberosTime) -> Vec<Record> {
        let running = self.0.split_off(&(minute(now), ""));
        summaries(std::mem::replace(&mut self.0, running))
    }

    /// Takes everything, the running minute included.
    pub(super) fn take_all(&mut self) -> Vec<Record> {
        summaries(std::mem::take(&mut self.0))
    }
}

fn summaries(counts: BTreeMap<(i64, &'static str), u64>) -> Vec<Record> {
    let again = counts.into_iter().filter(|(_, count)| *count > 1);
    again
        .map(|((minute, reason), count)| {
            let since = KerberosTime::from_unix(minute * 60);
            Record::unauthorized(reason, count, Some(since))
        })
        .collect()
}

fn minute(time: KerberosTime) -> i64 {
    time.unix().div_euclid(60)
}
