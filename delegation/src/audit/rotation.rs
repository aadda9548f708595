//! When the log's file is put aside, and what of the old ones is kept.

use std::fs;
use std::path::PathBuf;

use krb_client::proto::KerberosTime;

use super::config::RotationConfig;
use super::record::Record;
use super::segments::{self, Tail};

/// Knows how old the file is.
pub(super) struct Rotation {
    config: RotationConfig,
    path: PathBuf,
    /// When its first record was written, if it has one.
    since: Option<KerberosTime>,
    /// What is removed as soon as the log says so.
    doomed: Vec<PathBuf>,
}

impl Rotation {
    pub(super) const fn new(
        config: RotationConfig,
        path: PathBuf,
        since: Option<KerberosTime>,
    ) -> Self {
        Self { config, path, since, doomed: Vec::new() }
    }

    /// A file begins, in which there is nothing yet.
    pub(super) const fn begun(&mut self) {
        self.since = None;
    }

    /// Something was written.
    pub(super) fn wrote(&mut self, now: KerberosTime) {
        self.since.get_or_insert(now);
    }

    /// Whether the file, of this length, is to be put aside before the next record.
    pub(super) fn is_due(&self, length: u64, now: KerberosTime) -> bool {
        let Some(since) = self.since.filter(|_| length > 0) else { return false };
        let age = now.unix().saturating_sub(since.unix());
        let RotationConfig { max_bytes, max_age_seconds, .. } = &self.config;
        max_bytes.is_some_and(|most| length >= most)
            || max_age_seconds.is_some_and(|most| u64::try_from(age).is_ok_and(|age| age >= most))
    }

    /// Finds what is no longer kept. Returns what has to be recorded before it is removed.
    pub(super) fn doom(&mut self) -> Vec<Record> {
        let Some(keep) = self.config.keep else { return Vec::new() };
        let mut aside = segments::put_aside(&self.path).unwrap_or_default();
        aside.truncate(aside.len().saturating_sub(keep as usize));
        let mut records = Vec::new();
        for file in aside {
            if let Ok(Tail::Chained(end, _)) = Tail::of(&file) {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                records.push(Record::removed(&name, end.seq));
                self.doomed.push(file);
            }
        }
        records
    }

    /// Removes it.
    pub(super) fn remove_doomed(&mut self) {
        for file in self.doomed.drain(..) {
            if let Err(error) = fs::remove_file(&file) {
                tracing::error!(%error, file = %file.display(), "cannot be removed");
            }
        }
    }
}
