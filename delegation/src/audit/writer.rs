//! The thread that writes records. Those that wait together are written together, so that one
//! write and one sync serve many calls.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use krb_client::Clock;
use krb_client::proto::KerberosTime;
use tokio::time::Instant;

use super::copies::{Copies, Line};
use super::counters::Counters;
use super::head::Head;
use super::job::{Job, NotWritten};
use super::log_file::Output;
use super::lost::Lost;
use super::page::{Page, Position};
use super::queue::{Found, Patience, Queue, Taker};
use super::record::{Body, Record};
use super::rotation::Rotation;
use super::segments;

// How late the end of a minute, or that the file was moved away, may be noticed.
const TICK: Duration = Duration::from_secs(1);
// How often it is said that the file cannot be put aside.
const REMIND: Duration = Duration::from_secs(60);

/// The writer's state, run by its thread.
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    pub(super) output: Output,
    pub(super) rotation: Rotation,
    pub(super) position: Position,
    pub(super) copies: Copies,
    pub(super) counters: Arc<Mutex<Counters>>,
    pub(super) lost: Arc<Lost>,
    pub(super) clock: Arc<dyn Clock>,
    /// Where the chain's end is noted, if that is done.
    pub(super) head: Option<PathBuf>,
    /// How often it is signed for those who keep it elsewhere.
    pub(super) checkpoint_every: Duration,
    pub(super) times: Times,
}

/// When what was last done, and at which record.
pub(super) struct Times {
    tick: Instant,
    noted: u64,
    checkpoint: Option<Instant>,
    signed: u64,
    reminded: Option<Instant>,
    is_failing: bool,
}

impl Times {
    pub(super) fn start() -> Self {
        let tick = Instant::now();
        let (checkpoint, reminded) = (None, None);
        Self { tick, noted: 0, checkpoint, signed: 0, reminded, is_failing: false }
    }
}

impl Writer {
    /// Writes until the last handle is gone, then what has been counted.
    pub(super) fn run(mut self) {
        let queue = Arc::clone(&self.queue);
        let _taker = Taker(Arc::clone(&queue));
        let mut patience = Patience::default();
        loop {
            match queue.take(TICK, &mut patience) {
                Found::Jobs(jobs) => {
                    let begun = Instant::now();
                    let is_work = !jobs.is_empty();
                    self.write(jobs, false);
                    if is_work {
                        patience.wrote(begun.elapsed());
                    }
                    if self.times.tick.elapsed() >= TICK {
                        self.tick();
                    }
                }
                Found::Last(jobs) => {
                    self.write(jobs, true);
                    self.note_head();
                    self.checkpoint();
                    return;
                }
            }
        }
    }

    /// What is done although nobody calls.
    fn tick(&mut self) {
        self.times.tick = Instant::now();
        // A file that was moved away is followed by a new one at once, which says where it goes on.
        match self.put(&[]) {
            Ok(_) => self.times.is_failing = false,
            Err(error) if !self.times.is_failing => {
                tracing::error!(%error, "the audit log cannot be written");
                self.times.is_failing = true;
            }
            Err(_) => {}
        }
        self.note_head();
        let is_due = self.times.checkpoint.is_none_or(|at| at.elapsed() >= self.checkpoint_every);
        if is_due {
            self.checkpoint();
        }
    }

    fn write(&mut self, batch: Vec<Job>, last: bool) {
        let mut bodies = Vec::with_capacity(batch.len());
        let mut answers = Vec::with_capacity(batch.len());
        let mut flushed = Vec::new();
        for job in batch {
            match job {
                Job::Write(body, answer) => {
                    bodies.push(body);
                    answers.push(answer);
                }
                Job::Flush(answer) => flushed.push(answer),
            }
        }
        let counted = self.counted(last || !flushed.is_empty());
        bodies.extend(counted.records().map(|record| record.body()));
        let written = if bodies.is_empty() && flushed.is_empty() && !last {
            Ok(Vec::new())
        } else {
            self.put(&bodies)
        };
        let written = written.map_err(|error| {
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
        if !flushed.is_empty() {
            self.note_head();
            self.checkpoint();
            self.copies.drain();
        }
        for answer in flushed {
            answer(written.as_ref().map(|_| String::new()).map_err(|_| NotWritten));
        }
    }

    /// Writes records, and what has to be said first, to the file that stands at the log's path.
    /// Returns the event ids under which they stand there.
    fn put(&mut self, bodies: &[Body]) -> io::Result<Vec<String>> {
        let written = self.put_once(bodies);
        self.lost.note(written.is_ok());
        written
    }

    fn put_once(&mut self, bodies: &[Body]) -> io::Result<Vec<String>> {
        let lost = self.lost.unsaid();
        let now = self.clock.now();
        let mut notes = Vec::new();
        if let Some(reopened) = self.output.settle()? {
            notes.push(self.begin_again(reopened.torn, 0));
        }
        if bodies.is_empty() && lost == 0 && notes.is_empty() {
            return Ok(Vec::new());
        }
        if notes.is_empty() {
            self.rotate(now.seconds, &mut notes);
        }
        if lost > 0 {
            notes.push(Record::lost(lost));
        }
        // A file that is taken away again and again is not one to rely on.
        let mut before: Option<Vec<String>> = None;
        for _ in 0..3 {
            let mut page = Page::new(self.position.clone(), now, !self.copies.is_empty());
            for note in &notes {
                page.add(&note.body())?;
            }
            let said = page.count();
            let ids = match before.take() {
                None => bodies.iter().map(|body| page.add(body)).collect::<io::Result<Vec<_>>>()?,
                Some(ids) => {
                    let mut both = bodies.iter().zip(&ids);
                    both.try_for_each(|(body, id)| page.add_again(body, id))?;
                    ids
                }
            };
            let appended = self.output.append(page.text());
            if appended.is_ok() || !self.output.takes_back() {
                self.rotation.wrote(now.seconds);
                self.position = page.position().clone();
            } else {
                // The numbers of records that were lost are not used again.
                self.position.number = page.position().number;
            }
            let Some(reopened) = appended? else {
                self.lost.said(lost);
                self.rotation.remove_doomed();
                self.copies.hand(page.into_lines()).map_err(io::Error::other)?;
                return Ok(ids);
            };
            let again = page.count() - said;
            self.copies.hand(page.into_lines()).map_err(io::Error::other)?;
            notes.insert(0, self.begin_again(reopened.torn, again));
            before = Some(ids);
        }
        Err(io::Error::other("the audit log is taken away as fast as it is written"))
    }

    /// The first record of a file that has taken the place of another, of whose last records so many
    /// are said again.
    fn begin_again(&mut self, torn: u64, again: u64) -> Record {
        tracing::warn!("the audit log's file was removed or replaced; a new one is begun");
        self.rotation.begun();
        self.position.begin(torn);
        Record::reopened(self.position.number, again)
    }

    /// Puts the file aside if it is time, and removes what is no longer kept.
    fn rotate(&mut self, now: KerberosTime, notes: &mut Vec<Record>) {
        let Output::File(file) = &mut self.output else { return };
        if !self.rotation.is_due(file.length(), now) {
            return;
        }
        match file.rotate(self.position.end.seq) {
            Ok(aside) => {
                tracing::info!(file = %aside.display(), "the audit log's file is put aside");
                self.rotation.begun();
                self.position.begin(0);
                notes.extend(self.rotation.doom());
            }
            // What is written is not worth less for standing in a long file.
            Err(error) if self.times.reminded.is_none_or(|at| at.elapsed() >= REMIND) => {
                tracing::error!(%error, "the audit log's file cannot be put aside");
                self.times.reminded = Some(Instant::now());
            }
            Err(_) => {}
        }
    }

    /// Notes the chain's end beside the log, so that a run that finds it compressed or cut off knows.
    fn note_head(&mut self) {
        let Some(path) = self.head.as_ref().filter(|_| self.times.noted != self.position.end.seq)
        else {
            return;
        };
        let line = Head::line(&self.position.end, &self.position.key, self.clock.now()) + "\n";
        match segments::replace(path, line.as_bytes()) {
            Ok(()) => self.times.noted = self.position.end.seq,
            Err(error) => tracing::debug!(%error, "the end of the audit log cannot be noted"),
        }
    }

    /// Signs the chain's end for those who keep it elsewhere.
    fn checkpoint(&mut self) {
        let end = &self.position.end;
        if self.copies.is_empty() || self.times.signed == end.seq {
            return;
        }
        let line = Head::line(end, &self.position.key, self.clock.now());
        self.times.signed = end.seq;
        self.times.checkpoint = Some(Instant::now());
        self.copies.keep(Line::checkpoint(line));
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
