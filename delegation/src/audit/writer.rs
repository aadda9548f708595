//! The thread that writes records. Those that wait together are written together, so that one
//! write and one sync serve many calls.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use krb_client::Clock;

use super::counters::Counters;
use super::lost::Lost;
use super::record::{Record, rfc3339};
use super::sink::Sink;

const MAX_BATCH: usize = 256;
// How late the end of a minute may be noticed.
const TICK: Duration = Duration::from_secs(1);

/// The record did not reach the log. Why is the operator's business and stands in the server's log.
#[derive(Debug)]
pub(crate) struct NotWritten;

/// Something for the writer to do, and who is told: with the event id, once a record is written.
pub(super) enum Job {
    /// Write a record.
    Write(Box<Record>, Answer),
    /// Write all counts.
    Flush(Answer),
}

/// What is done about it, by the writer's thread. It must not wait.
pub(super) type Answer = Box<dyn FnOnce(Result<String, NotWritten>) + Send>;

impl Job {
    /// Says that it was not done.
    pub(super) fn refuse(self) {
        let (Self::Write(_, answer) | Self::Flush(answer)) = self;
        answer(Err(NotWritten));
    }
}

/// The writer's state, run by its thread.
pub(super) struct Writer {
    pub(super) jobs: Receiver<Job>,
    pub(super) sink: Sink,
    pub(super) counters: Arc<Mutex<Counters>>,
    pub(super) lost: Arc<Lost>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) run: String,
    pub(super) number: u64,
}

impl Writer {
    /// Writes until the last handle is gone, then what has been counted.
    pub(super) fn run(mut self) {
        loop {
            match self.jobs.recv_timeout(TICK) {
                Ok(first) => {
                    let mut batch = vec![first];
                    batch.extend(self.jobs.try_iter().take(MAX_BATCH - 1));
                    self.write(batch, false);
                }
                Err(RecvTimeoutError::Timeout) => self.write(Vec::new(), false),
                Err(RecvTimeoutError::Disconnected) => return self.write(Vec::new(), true),
            }
        }
    }

    fn write(&mut self, batch: Vec<Job>, last: bool) {
        let mut records = Vec::with_capacity(batch.len());
        let mut answers = Vec::with_capacity(batch.len());
        let mut flushed = Vec::new();
        for job in batch {
            match job {
                Job::Write(record, answer) => {
                    records.push(*record);
                    answers.push(answer);
                }
                Job::Flush(answer) => flushed.push(answer),
            }
        }
        let counted = self.counted(last || !flushed.is_empty());
        records.extend(counted.records());
        let written = self.put(&records).map_err(|error| {
            // Without a word each second while nothing is asked of it.
            if !answers.is_empty() || !flushed.is_empty() {
                tracing::error!(%error, "the audit log cannot be written; calls are refused");
            }
            self.counters().put_back(counted);
            self.lost.add(answers.len() as u64);
            NotWritten
        });
        let mut ids = written.as_ref().map(|ids| ids.iter());
        for answer in answers {
            let id = ids.as_mut().map(|ids| ids.next().cloned().unwrap_or_default());
            answer(id.map_err(|_| NotWritten));
        }
        for answer in flushed {
            answer(written.as_ref().map(|_| String::new()).map_err(|_| NotWritten));
        }
    }

    /// Writes records, and what has to be said first, to the file that stands at the log's path.
    /// Returns the event ids under which they stand there.
    fn put(&mut self, records: &[Record]) -> io::Result<Vec<String>> {
        let lost = self.lost.unsaid();
        if records.is_empty() && lost == 0 {
            return Ok(Vec::new());
        }
        let mut moved = self.sink.settle()?;
        // A file that is taken away again and again is not one to rely on.
        for _ in 0..3 {
            let mut lines = Lines::default();
            if moved.is_some() {
                tracing::warn!("the audit log's file was removed or replaced; a new one is begun");
                self.add(&mut lines, Record::reopened(self.number));
            }
            if lost > 0 {
                self.add(&mut lines, Record::lost(lost));
            }
            let ids = records.iter().map(|record| self.add(&mut lines, record.clone())).collect();
            if let Some(fault) = lines.fault {
                return Err(fault.into());
            }
            moved = self.sink.append(&lines.text)?;
            if moved.is_none() {
                self.lost.said(lost);
                return Ok(ids);
            }
        }
        Err(io::Error::other("the audit log is taken away as fast as it is written"))
    }

    // Adds the record's line and returns its event id.
    fn add(&mut self, lines: &mut Lines, mut record: Record) -> String {
        self.number += 1;
        let id = format!("{}-{}", self.run, self.number);
        record.event_id.clone_from(&id);
        record.time = rfc3339(self.clock.now());
        match serde_json::to_writer(&mut lines.text, &record) {
            Ok(()) => lines.text.push(b'\n'),
            Err(error) => lines.fault = Some(error),
        }
        id
    }

    fn counters(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn counted(&self, all: bool) -> Counters {
        let now = self.clock.now().seconds;
        let mut counters = self.counters();
        if all { counters.take_all() } else { counters.take_ended(now) }
    }
}

#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    // A batch with a record that does not serialize counts as not written.
    fault: Option<serde_json::Error>,
}
