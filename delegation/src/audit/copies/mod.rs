//! Copies of the record, for others to keep: lines go to each through a queue and a thread of its
//! own, so that none can hold up the log or another. What a copy loses is counted, logged, and said
//! in the copy as soon as it takes something again.

mod checkpoints;
mod config;
mod otlp;
mod stdout;
mod syslog;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use krb_client::Clock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tokio::time::Instant;

use super::record::{Severity, rfc3339};
use crate::ConfigError;
use crate::network::Fetch;
use checkpoints::CheckpointFile;
pub use config::{OtlpConfig, SinkConfig, StdoutConfig, SyslogConfig};
use otlp::Otlp;
use stdout::Stdout;
use syslog::Syslog;

/// Records that may wait for one copy.
const MAX_WAITING: usize = 8192;
/// And their bytes.
const MAX_BYTES: usize = 16 << 20;
/// Parcels likewise: each holds a record or more.
const MAX_PARCELS: usize = 2048;
/// For a copy that must have a record before a call goes on.
const REQUIRED_TIME: Duration = Duration::from_secs(5);
/// For all copies together, at the end of the process.
const DRAIN_TIME: Duration = Duration::from_secs(3);
/// How often it is said that a copy loses records, and how long is waited for one that takes none.
const REMIND: Duration = Duration::from_secs(60);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const STEP: Duration = Duration::from_millis(20);
/// So many records go to a copy at once.
const MAX_TOGETHER: usize = 512;

/// How many records each copy has lost.
pub(crate) type Losses = Family<[(&'static str, &'static str); 1], Counter>;

/// A line for copies.
#[derive(Clone, Debug)]
pub(super) struct Line {
    /// Without its end.
    pub(super) text: Arc<str>,
    pub(super) severity: Severity,
}

impl Line {
    /// A record, as it stands in the log.
    pub(super) fn record(text: &[u8], severity: Severity) -> Self {
        Self { text: String::from_utf8_lossy(text).into(), severity }
    }

    /// Where the chain ends, signed.
    pub(super) fn checkpoint(text: String) -> Self {
        Self { text: text.into(), severity: Severity::Info }
    }
}

/// Somewhere lines are copied to.
pub(super) trait Sink: Send {
    /// What it is called in logs and metrics.
    fn name(&self) -> &'static str;

    /// Whether it is given records, or signed heads only.
    fn wants_records(&self) -> bool {
        true
    }

    /// Whether a call goes on only when it has the record.
    fn is_required(&self) -> bool {
        false
    }

    /// Hands lines over, within a bounded time.
    fn deliver(&mut self, lines: &[Line]) -> Delivered;
}

/// How many of them it refuses, so that there is no point in trying again; or how many it took, and
/// why not all.
pub(super) type Delivered = Result<usize, (usize, String)>;

/// All copies.
pub(super) struct Copies {
    copies: Vec<Copy>,
    is_closing: Arc<AtomicBool>,
}

struct Copy {
    name: &'static str,
    wants_records: bool,
    is_required: bool,
    parcels: SyncSender<Parcel>,
    state: Arc<State>,
}

/// What a copy's thread and the log's both see.
struct State {
    waiting: AtomicUsize,
    bytes: AtomicUsize,
    unsaid: AtomicU64,
    lost: Counter,
}

enum Parcel {
    Lines(Arc<[Line]>),
    /// Not to be tried for longer than `REQUIRED_TIME`, and to be told of.
    Required(Arc<[Line]>, Instant, SyncSender<Result<(), String>>),
    /// Say when all before it is done.
    Drain(SyncSender<()>),
}

impl Copies {
    /// Starts a thread for each.
    pub(super) fn start(
        sinks: Vec<Box<dyn Sink>>,
        clock: &Arc<dyn Clock>,
        losses: &Losses,
    ) -> std::io::Result<Self> {
        let is_closing = Arc::new(AtomicBool::new(false));
        let mut copies = Vec::new();
        for sink in sinks {
            let (parcels, arriving) = sync_channel(MAX_PARCELS);
            let lost = losses.get_or_create(&[("sink", sink.name())]).clone();
            let state = Arc::new(State {
                waiting: AtomicUsize::new(0),
                bytes: AtomicUsize::new(0),
                unsaid: AtomicU64::new(0),
                lost,
            });
            copies.push(Copy {
                name: sink.name(),
                wants_records: sink.wants_records(),
                is_required: sink.is_required(),
                parcels,
                state: Arc::clone(&state),
            });
            let (is_closing, clock) = (Arc::clone(&is_closing), Arc::clone(clock));
            let thread = Thread { sink, state, clock, is_closing, reminded: None };
            std::thread::Builder::new()
                .name("audit-copy".into())
                .spawn(move || thread.run(&arriving))?;
        }
        Ok(Self { copies, is_closing })
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.copies.is_empty()
    }

    /// Hands records on.
    ///
    /// # Errors
    /// If one that must have them has not taken them in time.
    pub(super) fn hand(&self, lines: Vec<Line>) -> Result<(), String> {
        if lines.is_empty() || self.copies.is_empty() {
            return Ok(());
        }
        let lines: Arc<[Line]> = lines.into();
        let until = Instant::now() + REQUIRED_TIME;
        let mut awaited = Vec::new();
        for copy in self.copies.iter().filter(|copy| copy.wants_records) {
            if copy.is_required {
                let (to, answer) = sync_channel(1);
                if copy.put(&lines, |lines| Parcel::Required(lines, until, to)) {
                    awaited.push((copy.name, answer));
                } else {
                    return Err(format!("{}: too many records wait for it", copy.name));
                }
            } else {
                copy.put(&lines, Parcel::Lines);
            }
        }
        for (name, answer) in awaited {
            let left = until.saturating_duration_since(Instant::now());
            match answer.recv_timeout(left + 2 * STEP) {
                Ok(result) => result.map_err(|error| format!("{name}: {error}"))?,
                Err(_) => return Err(format!("{name}: it did not take the record in time")),
            }
        }
        Ok(())
    }

    /// Hands a signed head to all.
    pub(super) fn keep(&self, head: Line) {
        let lines: Arc<[Line]> = vec![head].into();
        for copy in &self.copies {
            copy.put(&lines, Parcel::Lines);
        }
    }

    /// Waits, for a bounded time, until all have what was handed to them.
    pub(super) fn drain(&self) {
        let until = Instant::now() + DRAIN_TIME;
        let (to, done) = sync_channel(self.copies.len().max(1));
        let mut awaited = 0;
        for copy in &self.copies {
            awaited += usize::from(copy.parcels.try_send(Parcel::Drain(to.clone())).is_ok());
        }
        for _ in 0..awaited {
            let left = until.saturating_duration_since(Instant::now());
            if done.recv_timeout(left).is_err() {
                tracing::warn!("a copy of the audit log is not complete; the log is");
                return;
            }
        }
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        self.is_closing.store(true, Ordering::Relaxed);
    }
}

impl Copy {
    fn put(&self, lines: &Arc<[Line]>, parcel: impl FnOnce(Arc<[Line]>) -> Parcel) -> bool {
        let (count, bytes) = size(lines);
        let waiting = self.state.waiting.fetch_add(count, Ordering::Relaxed);
        let waiting_bytes = self.state.bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = waiting + count <= MAX_WAITING && waiting_bytes + bytes <= MAX_BYTES;
        if fits && self.parcels.try_send(parcel(Arc::clone(lines))).is_ok() {
            return true;
        }
        self.state.done(lines);
        self.state.lose(count);
        false
    }
}

fn size(lines: &[Line]) -> (usize, usize) {
    (lines.len(), lines.iter().map(|line| line.text.len()).sum())
}

impl State {
    fn done(&self, lines: &[Line]) {
        let (count, bytes) = size(lines);
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    fn lose(&self, count: usize) {
        self.unsaid.fetch_add(count as u64, Ordering::Relaxed);
        self.lost.inc_by(count as u64);
    }
}

/// What a copy's thread has.
struct Thread {
    sink: Box<dyn Sink>,
    state: Arc<State>,
    clock: Arc<dyn Clock>,
    is_closing: Arc<AtomicBool>,
    reminded: Option<Instant>,
}

impl Thread {
    fn run(mut self, parcels: &Receiver<Parcel>) {
        let mut next = None;
        while let Some(parcel) = next.take().or_else(|| parcels.recv().ok()) {
            match parcel {
                Parcel::Lines(lines) => {
                    let mut all = lines.to_vec();
                    // What waits goes with it.
                    while all.len() < MAX_TOGETHER && next.is_none() {
                        match parcels.try_recv() {
                            Ok(Parcel::Lines(more)) => all.extend_from_slice(&more),
                            Ok(other) => next = Some(other),
                            Err(_) => break,
                        }
                    }
                    // Why not is said, and what is lost counted.
                    let _ = self.deliver(&all, None);
                }
                Parcel::Required(lines, until, to) => {
                    let delivered = self.deliver(&lines, Some(until));
                    // Who waited may have given up.
                    let _ = to.send(delivered);
                }
                Parcel::Drain(to) => drop(to.send(())),
            }
        }
    }

    /// Tries until it works, its time is up, or the process ends.
    fn deliver(&mut self, lines: &[Line], until: Option<Instant>) -> Result<(), String> {
        let result = self.try_deliver(lines, until);
        self.state.done(lines);
        result.map_err(|(lost, error)| {
            self.state.lose(lost);
            error
        })
    }

    fn try_deliver(
        &mut self,
        lines: &[Line],
        until: Option<Instant>,
    ) -> Result<(), (usize, String)> {
        let (mut done, mut pause) = (0, FIRST_PAUSE);
        loop {
            let tried = self.say_lost().and_then(|()| self.sink.deliver(&lines[done..]));
            let (more, error) = match tried {
                Ok(0) => return Ok(()),
                Ok(refused) => {
                    return Err((refused.min(lines.len()), "it refuses the record".into()));
                }
                Err(failed) => failed,
            };
            done += more;
            self.remind(&error);
            let since = Instant::now();
            while since.elapsed() < pause {
                let is_over = until.is_some_and(|until| Instant::now() >= until);
                if is_over || self.is_closing.load(Ordering::Relaxed) {
                    return Err((lines.len() - done, error));
                }
                std::thread::sleep(STEP);
            }
            pause = LONGEST_PAUSE.min(pause * 2);
        }
    }

    /// Says first of all what is missing.
    fn say_lost(&mut self) -> Result<(), (usize, String)> {
        let count = self.state.unsaid.load(Ordering::Relaxed);
        if count == 0 {
            return Ok(());
        }
        let time = rfc3339(self.clock.now());
        let text = format!(
            r#"{{"timestamp":"{time}","phase":"lost","message":"so many records are missing from this copy before this line; the log has them","count":{count}}}"#
        );
        let line = Line { text: text.into(), severity: Severity::Warning };
        self.sink.deliver(&[line]).map_err(|(_, error)| (0, error))?;
        self.state.unsaid.fetch_sub(count, Ordering::Relaxed);
        Ok(())
    }

    fn remind(&mut self, error: &str) {
        if self.reminded.is_none_or(|at| at.elapsed() >= REMIND) {
            self.reminded = Some(Instant::now());
            let (sink, lost) = (self.sink.name(), self.state.lost.get());
            tracing::error!(sink, error, lost, "a copy of the audit log cannot be written");
        }
    }
}

/// The file that signed heads are appended to.
pub(super) fn checkpoints(file: &Path) -> Box<dyn Sink> {
    Box::new(CheckpointFile::new(file.to_owned()))
}

/// What an entry of `audit.sinks` describes.
///
/// # Errors
/// If it makes no sense.
pub(super) fn sink(
    config: &SinkConfig,
    http: Option<&Arc<dyn Fetch>>,
) -> Result<Box<dyn Sink>, ConfigError> {
    let no_http = || ConfigError::new("audit.sinks", "there is no HTTP client for it");
    Ok(match config {
        SinkConfig::Syslog(config) => Box::new(Syslog::new(config)?),
        SinkConfig::Otlp(config) => {
            Box::new(Otlp::new(config, http.cloned().ok_or_else(no_http)?)?)
        }
        SinkConfig::Stdout(config) => Box::new(Stdout::new(config)),
    })
}
