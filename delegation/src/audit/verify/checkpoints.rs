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

/// Of each number, what was kept of it.
#[derive(Default)]
pub(super) struct Checkpoints(BTreeMap<u64, Vec<Kept>>);

impl Checkpoints {
    pub(super) fn read(files: &[PathBuf]) -> io::Result<Self> {
        let mut all = Self::default();
        for file in files {
            let mut reader = open(file)?;
            let (mut line, mut number) = (Vec::new(), 0);
            while read_line(&mut reader, &mut line)? {
                number += 1;
                let Ok(text) = std::str::from_utf8(without_end(&line)) else { continue };
                let head = Head::of(text);
                let end = head.as_ref().map(|head| head.end).or_else(|| copied(text));
                if let Some(End { seq, chain }) = end {
                    let kept = Kept { chain, head, file: file.clone(), line: number };
                    all.0.entry(seq).or_default().push(kept);
                }
            }
        }
        Ok(all)
    }

    /// Compares what was kept of a record with what it is.
    pub(super) fn compare(&self, end: &End, file: &Path, line: u64, report: &mut Verification) {
        for kept in self.0.get(&end.seq).into_iter().flatten() {
            if !kept.chain.is(&end.chain) {
                let text = format!("it is another record than was kept ({})", kept.said());
                report.problem(Fault::Checkpoint, file, line, Some(end.seq), text);
            }
        }
    }

    /// Looks at the signatures, and at what was kept of records that are not there.
    pub(super) fn end(&self, keys: &[&ChainKey], report: &mut Verification) {
        let last = report.last_seq.unwrap_or(0);
        let mut missing = None;
        for (seq, kept) in &self.0 {
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
