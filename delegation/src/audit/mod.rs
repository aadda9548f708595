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
//! by logrotate, is not written any further: a new one is begun in its place, where the chain goes on.
//! One that cannot be begun, because its directory is gone, ends all calls.
//!
//! Each record is chained to the one before, over files that are put aside as well, by a key if
//! there is one ([`chain`]); signed heads of the chain can be kept elsewhere ([`head`]).
//!
//! Records hold no token, key, password, URL query or content.

mod address;
mod chain;
mod config;
mod copies;
mod counters;
mod entry;
mod failure;
mod head;
mod job;
mod log_file;
mod lost;
mod page;
mod queue;
mod record;
mod rotation;
mod segments;
mod stamp;
mod start;
pub mod verify;
mod writer;

use std::fs::OpenOptions;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_client::{Clock, Entropy};
use prometheus_client::metrics::counter::Counter;
use tokio::sync::oneshot;

use crate::ConfigError;
use crate::identity::Caller;
use crate::network::Fetch;
pub use config::{AuditConfig, CheckpointConfig, RotationConfig};
pub(crate) use copies::Losses;
use copies::{Copies, Sink};
pub use copies::{OtlpConfig, SinkConfig, StdoutConfig, SyslogConfig};
use counters::{Counters, Kind};
pub(crate) use entry::Entry;
use job::Job;
pub(crate) use job::NotWritten;
use lost::Lost;
use page::Position;
use queue::Queue;
use record::{Body, text};
use start::Start;
use writer::{Times, Writer};

/// How often the chain's end is signed for copies, where no file is named for it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// Finds what would keep the log from being opened, without making its file.
///
/// # Errors
/// If the file cannot be appended to, or there is no directory to make it in.
pub(crate) fn check(
    config: &AuditConfig,
    http: Option<&Arc<dyn Fetch>>,
) -> Result<(), ConfigError> {
    config.check_numbers()?;
    check_apart(config)?;
    let keys = config.keys()?;
    sinks(config, http)?;
    if let Some(checkpoints) = &config.checkpoints {
        check_file("audit.checkpoints.file", &checkpoints.file)?;
    }
    let Some(file) = config.path() else { return Ok(()) };
    check_file("audit.file", file)?;
    start::check(file, config, &keys).map_err(|error| {
        ConfigError::new("audit.file", format!("cannot open {}: {error}", file.display()))
    })
}

fn sinks(
    config: &AuditConfig,
    http: Option<&Arc<dyn Fetch>>,
) -> Result<Vec<Box<dyn Sink>>, ConfigError> {
    let heads = config.checkpoints.iter().map(|to| Ok(copies::checkpoints(&to.file)));
    heads.chain(config.sinks.iter().map(|config| copies::sink(config, http))).collect()
}

/// Heads in the log would be no records of it, and the next run could not go on with it.
fn check_apart(config: &AuditConfig) -> Result<(), ConfigError> {
    let (Some(log), Some(checkpoints)) = (config.path(), &config.checkpoints) else {
        return Ok(());
    };
    if segments::has_as_its_own(log, &checkpoints.file) {
        let problem = "is the log itself, or a name that this server or logrotate gives to a part of \
                       it (audit.file with .head or a number behind it); name another file, on another \
                       volume or machine";
        return Err(ConfigError::new("audit.checkpoints.file", problem));
    }
    Ok(())
}

fn check_file(setting: &str, file: &Path) -> Result<(), ConfigError> {
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
        ConfigError::new(setting, format!("cannot open {}: {error}", file.display()))
    })
}

/// The audit log. Clones write to the same log; once all are gone, what is left is written.
#[derive(Clone)]
pub struct Audit {
    queue: Arc<Handle>,
    counters: Arc<Mutex<Counters>>,
    lost: Arc<Lost>,
    losses: Losses,
    clock: Arc<dyn Clock>,
}

/// Closes the queue when nobody is left who could put something in.
struct Handle(Arc<Queue>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Audit {
    /// Opens a log of which no collector is told.
    #[cfg(test)]
    pub(crate) fn open(
        config: &AuditConfig,
        clock: Arc<dyn Clock>,
        random: &dyn Entropy,
    ) -> Result<Self, ConfigError> {
        Self::open_with(config, clock, random, None)
    }

    /// Opens the log and starts the thread that writes it.
    ///
    /// `http` is what collectors are reached with; it is not used by anybody else, as each copy has a
    /// runtime of its own.
    ///
    /// # Errors
    /// If the file cannot be opened for appending, or its end is none that can be gone on from, or
    /// the system gives no thread.
    pub(crate) fn open_with(
        config: &AuditConfig,
        clock: Arc<dyn Clock>,
        random: &dyn Entropy,
        http: Option<&Arc<dyn Fetch>>,
    ) -> Result<Self, ConfigError> {
        let keys = config.keys()?;
        let start = Start::open(config, &keys).map_err(|error| {
            ConfigError::new("audit.file", format!("cannot open {}: {error}", config.file))
        })?;
        let no_thread = |setting: &str, error: std::io::Error| {
            ConfigError::new(setting, format!("cannot start its thread: {error}"))
        };
        let mut run = [0; 8];
        random.fill(&mut run);
        let run = format!("{:016x}", u64::from_be_bytes(run));
        let mut position = Position::new(start.end, keys.key, run);
        position.begin(start.torn);
        let losses = Losses::default();
        let sinks = sinks(config, http)?;
        let copies = Copies::start(sinks, &clock, &losses)
            .map_err(|error| no_thread("audit.sinks", error))?;
        let every = config.checkpoints.as_ref().map(CheckpointConfig::interval);
        let queue = Arc::new(Queue::default());
        let audit = Self {
            queue: Arc::new(Handle(Arc::clone(&queue))),
            counters: Arc::default(),
            lost: Arc::default(),
            losses,
            clock,
        };
        let writer = Writer {
            queue,
            output: start.output,
            rotation: start.rotation,
            position,
            copies,
            counters: Arc::clone(&audit.counters),
            lost: Arc::clone(&audit.lost),
            clock: Arc::clone(&audit.clock),
            head: start.head,
            checkpoint_every: every.unwrap_or(CHECKPOINT_EVERY),
            times: Times::start(),
        };
        std::thread::Builder::new()
            .name("audit".into())
            .spawn(|| writer.run())
            .map_err(|error| no_thread("audit", error))?;
        Ok(audit)
    }

    /// How many records copies have lost.
    pub(crate) const fn losses(&self) -> &Losses {
        &self.losses
    }

    /// Notes that a call is on its way to a record, or no longer.
    fn expect(&self, is_coming: bool) {
        if is_coming { self.queue.0.expect() } else { self.queue.0.arrived() }
    }

    /// Could the log be written when that was last tried, which is done each second?
    pub(crate) fn is_writable(&self) -> bool {
        self.lost.is_writable()
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
            self.post(kind.record(1, None).body());
        }
    }

    /// Writes what has been counted; for the end of the process.
    pub(crate) async fn flush(&self) -> Result<(), NotWritten> {
        let (to, answer) = oneshot::channel();
        self.submit(Job::Flush(tell(to)));
        self.wait(answer).await.unwrap_or(Err(NotWritten))
    }

    async fn write(&self, body: Body) -> Result<(), NotWritten> {
        let (to, answer) = oneshot::channel();
        self.submit(Job::Write(body, tell(to)));
        self.wait(answer).await.unwrap_or(Err(NotWritten))
    }

    /// Waits for what the log's thread answers; nothing, if it has ended.
    pub(crate) async fn wait<T>(&self, answer: oneshot::Receiver<T>) -> Option<T> {
        // Written by another thread, of which a test's time knows nothing.
        let _standing = self.clock.hold();
        answer.await.ok()
    }

    fn post(&self, body: Body) {
        self.submit(Job::Write(body, Box::new(drop)));
    }

    fn submit(&self, job: Job) {
        if let Err(job) = self.queue.0.put(job) {
            self.lost.add(1);
            tracing::error!("an audit record is lost: too many wait to be written");
            job.refuse();
        }
    }
}

/// Nobody may be there to be told any more.
fn tell(to: oneshot::Sender<Result<(), NotWritten>>) -> job::Answer {
    Box::new(|written| drop(to.send(written.map(drop))))
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audit")
    }
}

#[cfg(test)]
mod tests;
