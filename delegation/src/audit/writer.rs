//! The thread that writes records. Those that wait together are written together, so that one
//! write and one sync serve many calls.

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::Duration,
};

use krb_client::Clock;
use tokio::sync::oneshot;

use super::{
    AuditConfig, IntentRecord,
    record::{Record, rfc3339},
    unauthorized::Counters,
};

const MAX_BATCH: usize = 256;
// How late the end of a minute may be noticed.
const TICK: Duration = Duration::from_secs(1);

/// The record did not reach the log. Why is the operator's business and stands in the server's log.
#[derive(Debug)]
pub(super) struct NotWritten;

/// Something for the writer to do.
pub(super) enum Job {
    /// Write a record.
    Write(Box<Record>, Answer),
    /// Write all counts.
    Flush(Answer),
}

/// Who waits for it.
pub(super) enum Answer {
    Nobody,
    Written(oneshot::Sender<Result<(), NotWritten>>),
    /// The intent is handed over once it is written. If nobody takes it any more, its drop closes
    /// it.
    Intended(Box<IntentRecord>, oneshot::Sender<Result<Box<IntentRecord>, NotWritten>>),
}

/// Where the lines go.
pub(super) struct Sink {
    out: Box<dyn Write + Send>,
    // A handle to the same file if its data is to reach the disk before an answer.
    durable: Option<File>,
    // The last write failed and may have left half a line.
    torn: bool,
}

impl Sink {
    pub(super) fn open(config: &AuditConfig) -> io::Result<Self> {
        if config.file == "-" {
            return Ok(Self { out: Box::new(io::stdout()), durable: None, torn: false });
        }
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&config.file)?;
        // Pipes and devices have no disk to wait for.
        let durable =
            if config.sync && file.metadata()?.is_file() { Some(file.try_clone()?) } else { None };
        Ok(Self { out: Box::new(file), durable, torn: false })
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        let result = self.try_append(lines);
        self.torn = result.is_err();
        result
    }

    fn try_append(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.torn {
            // An empty line at worst; never two records in one.
            self.out.write_all(b"\n")?;
        }
        self.out.write_all(lines)?;
        self.out.flush()?;
        self.durable.as_ref().map_or(Ok(()), File::sync_data)
    }
}

/// The writer's state, run by its thread.
pub(super) struct Writer {
    pub(super) jobs: Receiver<Job>,
    pub(super) sink: Sink,
    pub(super) counters: Arc<Mutex<Counters>>,
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
        let mut lines = Lines::default();
        let mut answers = Vec::with_capacity(batch.len());
        let mut flush = last;
        for job in batch {
            answers.push(match job {
                Job::Write(record, answer) => (self.line(*record, &mut lines), answer),
                Job::Flush(answer) => {
                    flush = true;
                    (String::new(), answer)
                }
            });
        }
        for record in self.counted(flush) {
            self.line(record, &mut lines);
        }
        let result = match lines.fault {
            Some(fault) => Err(fault.into()),
            None if lines.text.is_empty() => Ok(()),
            None => self.sink.append(&lines.text),
        };
        if let Err(error) = &result {
            tracing::error!(%error, "the audit log cannot be written; calls are refused");
        }
        for (id, answer) in answers {
            answer.send(result.as_ref().map(|()| id).map_err(|_| NotWritten));
        }
    }

    fn counted(&self, all: bool) -> Vec<Record> {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if all { counters.take_all() } else { counters.take_ended(self.clock.now().seconds) }
    }

    // Adds the record's line and returns its event id.
    fn line(&mut self, mut record: Record, lines: &mut Lines) -> String {
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
}

#[derive(Default)]
struct Lines {
    text: Vec<u8>,
    // A batch with a record that does not serialize counts as not written.
    fault: Option<serde_json::Error>,
}

impl Answer {
    // A receiver that is gone no longer cares, and an intent that nobody takes closes itself.
    fn send(self, written: Result<String, NotWritten>) {
        match self {
            Self::Nobody => {}
            Self::Written(to) => drop(to.send(written.map(drop))),
            Self::Intended(mut intent, to) => drop(to.send(written.map(|id| {
                intent.written_as(id);
                intent
            }))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk that is full after `room` bytes, until space is made.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<(Vec<u8>, usize)>>);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (text, room) = &mut *self.0.lock().unwrap();
            let n = bytes.len().min(*room);
            if n == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            text.extend(&bytes[..n]);
            *room -= n;
            Ok(n)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn half_a_line_does_not_spoil_the_next() {
        let disk = Disk::default();
        let mut sink = Sink { out: Box::new(disk.clone()), durable: None, torn: false };
        let mut append = |room, line: &[u8]| {
            disk.0.lock().unwrap().1 = room;
            sink.append(line)
        };
        append(100, b"first\n").unwrap();
        append(3, b"second\n").unwrap_err();
        append(0, b"third\n").unwrap_err();
        append(100, b"fourth\n").unwrap();
        append(100, b"fifth\n").unwrap();
        assert_eq!(disk.0.lock().unwrap().0, b"first\nsec\nfourth\nfifth\n");
    }
}
