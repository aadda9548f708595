//! Heads that were kept elsewhere, and copies of records, which are as good.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::super::chain::{ChainKey, Link};
use super::super::head::{End, Head};
use super::super::stamp::Stamp;
use super::report::{Fault, Verification};
use super::{open, read_line, without_end};

/// What one line says.
struct Kept {
    chain: Link,
    head: Option<Head>,
    file: PathBuf,
    line: u64,
}

impl Kept {
    /// To be read behind "as".
    fn said(&self) -> String {
        let of = |head: &Head| format!(" of {}", head.time);
        let when = self.head.as_ref().map(of).unwrap_or_default();
        format!("{} line {}{when}", self.file.display(), self.line)
    }
}

/// What was kept.
#[derive(Default)]
pub(super) struct Checkpoints {
    /// Of each number.
    kept: BTreeMap<u64, Vec<Kept>>,
    /// The highest number that was kept elsewhere.
    last: Option<u64>,
    /// Of what should have something, what has nothing, and how.
    lacking: Vec<(PathBuf, &'static str)>,
}

impl Checkpoints {
    /// Beside the log there may be nothing. Elsewhere there is: who takes away both the log's end and what
    /// would show it must not be told that all is well.
    pub(super) fn read(noted: Option<&Path>, elsewhere: &[PathBuf]) -> io::Result<Self> {
        let mut all = Self::default();
        let none = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        if let Some(Err(error)) = noted.map(|file| all.add(file))
            && !none(&error)
        {
            return Err(error);
        }
        for file in elsewhere {
            match all.add(file) {
                Ok(Some(last)) => all.last = all.last.max(Some(last)),
                Ok(None) => all.lacking.push((file.clone(), "holds no head")),
                Err(error) if none(&error) => all.lacking.push((file.clone(), "is not there")),
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }

    /// Reads a file, and says the highest number that is in it.
    fn add(&mut self, file: &Path) -> io::Result<Option<u64>> {
        let mut reader = open(file)?;
        let (mut line, mut number, mut last) = (Vec::new(), 0, None);
        while read_line(&mut reader, &mut line)? {
            number += 1;
            let Ok(text) = std::str::from_utf8(without_end(&line)) else { continue };
            let head = Head::of(text);
            let end = head.as_ref().map(|head| head.end).or_else(|| copied(text));
            if let Some(End { seq, chain }) = end {
                let kept = Kept { chain, head, file: file.to_owned(), line: number };
                self.kept.entry(seq).or_default().push(kept);
                last = last.max(Some(seq));
            }
        }
        Ok(last)
    }

    /// Compares what was kept of a record with what it is.
    pub(super) fn compare(&self, end: &End, file: &Path, line: u64, report: &mut Verification) {
        for kept in self.kept.get(&end.seq).into_iter().flatten() {
            if !kept.chain.is(&end.chain) {
                let text = format!("it is another record than was kept ({})", kept.said());
                report.problem(Fault::Checkpoint, file, line, Some(end.seq), text);
            }
        }
    }

    /// Looks at the signatures, at what was kept of records that are not there, and whether anything was
    /// kept where it should be.
    pub(super) fn end(&self, keys: &[&ChainKey], report: &mut Verification) {
        for (file, how) in &self.lacking {
            let text = format!(
                "it {how}, so nothing shows whether the log's end was cut off. Is it the right file, \
                 and its volume mounted? A server that is to keep heads there writes the first within \
                 seconds of its start or of its first record"
            );
            report.problem(Fault::Checkpoint, file, 0, None, text);
        }
        if let (Some(kept), Some(first)) = (self.last, report.first_seq)
            && kept < first
        {
            let text = format!(
                "what was kept elsewhere ends with record {kept}, before the first that is here, so \
                 nothing shows whether the log's end was cut off. Are heads still written there?"
            );
            report.problem(Fault::Checkpoint, Path::new(""), 0, None, text);
        }
        let last = report.last_seq.unwrap_or(0);
        let mut missing = None;
        for (seq, kept) in &self.kept {
            for kept in kept {
                report.checkpoints += 1;
                let Some(head) = &kept.head else { continue };
                let key = keys.iter().find(|key| key.id() == head.key_id);
                let problem = match key {
                    Some(key) if head.is_by(key) => continue,
                    Some(_) => "this head was not signed by its key".to_owned(),
                    None => format!("this head is signed by key {}: give it, too", head.key_id),
                };
                report.problem(Fault::Checkpoint, &kept.file, kept.line, Some(*seq), problem);
            }
            if *seq > last {
                missing = kept.first().map(|kept| (*seq, kept)).or(missing);
            }
        }
        if let Some((seq, kept)) = missing {
            let text = format!(
                "the log is cut off: it ends with record {last}, and there was a record {seq} ({})",
                kept.said()
            );
            report.problem(Fault::Truncated, Path::new(""), 0, Some(last), text);
        }
    }
}

/// A record that a sink got.
fn copied(text: &str) -> Option<End> {
    let text = &text[text.find("{\"timestamp\"")?..];
    let Stamp { seq, chain, .. } = Stamp::of(text.trim_end().as_bytes())?;
    Some(End { seq, chain })
}
