//! The audit log: JSON lines, one before and one after everything that is done for a user, and one
//! for every refusal.
//!
//! It fails closed. A call goes on only when its intent record has been written, so nothing is
//! ever done that the log does not know of; while the log cannot be written every call fails, and
//! the first that can be written again ends that. How many records were lost meanwhile is then the
//! first thing that is written. A call that is dropped (a cancelled one, a panic) leaves a record that
//! says so.
//!
//! "Written" means written to the file that stands at `audit.file` now. One that was moved away, as
//! by rotation, is not written any further: a new one is begun in its place. One that cannot be
//! begun, because its directory is gone, ends all calls.
//!
//! Records hold no token, key, password, URL query or content.

mod counters;
mod entry;
mod failure;
mod lost;
mod record;
mod sink;
mod writer;

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use krb_client::{Clock, Entropy};
use prometheus_client::metrics::counter::Counter;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::sync::oneshot;

use crate::ConfigError;
use crate::identity::Caller;
use counters::{Counters, Kind};
pub(crate) use entry::Entry;
use lost::Lost;
use record::{Record, text};
use sink::Sink;
pub(crate) use writer::NotWritten;
use writer::{Job, Writer};

// Records that may wait for the disk; a call beyond that fails.
const MAX_WAITING: usize = 1024;

/// The `audit` section of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditConfig {
    /// File to append to (created with mode 0600), or `-` for standard output.
    pub file: String,
    /// Whether a record must be on the disk (fdatasync), not only with the operating system,
    /// before a call goes on. Without it, records of the last seconds are lost with the power.
    #[serde(default = "yes")]
    pub sync: bool,
}

const fn yes() -> bool {
    true
}

/// Finds what would keep the log from being opened, without making its file.
///
/// # Errors
/// If the file cannot be appended to, or there is no directory to make it in.
pub fn check(config: &AuditConfig) -> Result<(), ConfigError> {
    if config.file == "-" {
        return Ok(());
    }
    let file = Path::new(&config.file);
    let found = match file.metadata() {
        Ok(metadata) if metadata.is_file() => {
            OpenOptions::new().append(true).open(file).map(|_| ())
        }
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        // Pipes are opened only to be written.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
            match directory.unwrap_or(Path::new(".")).metadata() {
                Ok(metadata) if !metadata.is_dir() => Err(io::ErrorKind::NotADirectory.into()),
                other => other.map(|_| ()),
            }
        }
        Err(error) => Err(error),
    };
    found.map_err(|error| {
        ConfigError::new("audit.file", format!("cannot open {}: {error}", config.file))
    })
}

/// The audit log. Clones write to the same log; once all are gone, what is left is written.
#[derive(Clone)]
pub struct Audit {
    jobs: SyncSender<Job>,
    counters: Arc<Mutex<Counters>>,
    lost: Arc<Lost>,
    clock: Arc<dyn Clock>,
}

impl Audit {
    /// Opens the log and starts the thread that writes it.
    ///
    /// # Errors
    /// If the file cannot be opened for appending, or the system gives no thread.
    pub fn open(
        config: &AuditConfig,
        clock: Arc<dyn Clock>,
        random: &dyn Entropy,
    ) -> Result<Self, ConfigError> {
        let problem = |setting: &str, e: &dyn std::fmt::Display| {
            ConfigError::new(setting, format!("cannot open {}: {e}", config.file))
        };
        let sink = Sink::open(config).map_err(|e| problem("audit.file", &e))?;
        let mut run = [0; 8];
        random.fill(&mut run);
        let (jobs, waiting) = sync_channel(MAX_WAITING);
        let audit = Self { jobs, counters: Arc::default(), lost: Arc::default(), clock };
        let writer = Writer {
            jobs: waiting,
            sink,
            counters: Arc::clone(&audit.counters),
            lost: Arc::clone(&audit.lost),
            clock: Arc::clone(&audit.clock),
            run: format!("{:016x}", u64::from_be_bytes(run)),
            number: 0,
        };
        std::thread::Builder::new()
            .name("audit".into())
            .spawn(|| writer.run())
            .map_err(|e| problem("audit", &e))?;
        Ok(audit)
    }

    /// How many records could not be written.
    pub(crate) fn lost(&self) -> &Counter {
        self.lost.all()
    }

    /// Counts a request without a valid token: a record at once for the first in a minute, and at
    /// the minute's end one with the count if there were more. `reason` is one of a few literals,
    /// never text from the request.
    pub fn unauthorized(&self, reason: &'static str) {
        self.count(Kind::Unauthorized(reason));
    }

    /// Counts a call that was refused because its caller makes too many, in the same way for each
    /// caller: what cannot be limited must not fill the log either.
    pub fn limited(&self, caller: &Caller) {
        self.count(Kind::Limited {
            issuer: text(caller.issuer()),
            subject: text(caller.subject()),
            client_id: caller.client_id().map(text),
        });
    }

    fn count(&self, kind: Kind) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let first = counters.note(kind.clone(), self.clock.now().seconds);
        drop(counters);
        if first {
            self.post(kind.record(1, None));
        }
    }

    /// Writes what has been counted; for the end of the process.
    pub(crate) async fn flush(&self) -> Result<(), NotWritten> {
        let (to, answer) = oneshot::channel();
        self.submit(Job::Flush(tell(to)));
        self.wait(answer).await.unwrap_or(Err(NotWritten))
    }

    async fn write(&self, record: Record) -> Result<(), NotWritten> {
        let (to, answer) = oneshot::channel();
        self.submit(Job::Write(Box::new(record), tell(to)));
        self.wait(answer).await.unwrap_or(Err(NotWritten))
    }

    /// Waits for what the log's thread answers; nothing, if it has ended.
    pub(crate) async fn wait<T>(&self, answer: oneshot::Receiver<T>) -> Option<T> {
        // Written by another thread, of which a test's time knows nothing.
        let _standing = self.clock.hold();
        answer.await.ok()
    }

    fn post(&self, record: Record) {
        self.submit(Job::Write(Box::new(record), Box::new(drop)));
    }

    fn submit(&self, job: Job) {
        // Not `send`: that would block the runtime's thread.
        if let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) =
            self.jobs.try_send(job)
        {
            self.lost.add(1);
            tracing::error!("an audit record is lost: too many wait to be written");
            job.refuse();
        }
    }
}

/// Nobody may be there to be told any more.
fn tell(to: oneshot::Sender<Result<(), NotWritten>>) -> writer::Answer {
    Box::new(|written| drop(to.send(written.map(drop))))
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audit")
    }
}

#[cfg(test)]
mod tests;
