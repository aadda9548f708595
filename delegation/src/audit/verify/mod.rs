//! Whether a log is whole: nothing in it changed, missing, in another order, made anew or cut off;
//! and what was begun in it and never ended.

mod checkpoints;
mod intents;
mod report;

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::chain::{ChainKey, Link, MIN_KEY};
use super::config::AuditConfig;
use super::head::End;
use super::segments::{self, MAX_LINE};
use super::stamp::Stamp;
use crate::ConfigError;
use checkpoints::Checkpoints;
use intents::Intents;
pub use report::{Fault, OpenIntent, Problem, Segment, Verification};

/// What is verified, and with what.
#[derive(Clone, Debug, Default)]
pub struct Material {
    files: Vec<PathBuf>,
    keys: Vec<ChainKey>,
    /// Where the server notes the end beside the log, for itself: there may be none.
    noted: Option<PathBuf>,
    /// Where heads are kept elsewhere: each has some.
    checkpoints: Vec<PathBuf>,
    from: u64,
}

impl Material {
    /// The log that a configuration names, with everything that was put aside beside it, its keys, and
    /// the heads that are kept of it.
    ///
    /// # Errors
    /// If a key cannot be had, or the log's directory cannot be read.
    pub fn of(config: &AuditConfig) -> Result<Self, ConfigError> {
        let keys = config.keys()?;
        let keys = [keys.key].into_iter().chain(keys.previous).filter(ChainKey::is_secret);
        let mut material = Self { keys: keys.collect(), ..Self::default() };
        if let Some(path) = config.path() {
            let files = segments::others(path).map_err(|error| {
                let problem = format!("cannot read the directory of {}: {error}", path.display());
                ConfigError::new("audit.file", problem)
            })?;
            material.files = files;
            if path.exists() {
                material.files.push(path.to_owned());
            }
            material.noted = Some(segments::head_file(path));
        }
        if let Some(checkpoints) = &config.checkpoints {
            material.files.retain(|file| *file != checkpoints.file);
            material.checkpoints.push(checkpoints.file.clone());
        }
        Ok(material)
    }

    /// Whether there is nothing to verify.
    #[must_use]
    pub fn has_no_file(&self) -> bool {
        self.files.is_empty()
    }

    /// Adds a file of the log. The order does not matter.
    pub fn add_file(&mut self, file: PathBuf) {
        self.files.push(file);
    }

    /// Adds a key that records were chained with.
    ///
    /// # Errors
    /// If it is too short to be one.
    pub fn add_key(&mut self, text: &str) -> Result<(), ConfigError> {
        let problem = || format!("a key has {MIN_KEY} characters or more");
        let key = ChainKey::new(text).ok_or_else(|| ConfigError::new("--key-file", problem()))?;
        self.keys.push(key);
        Ok(())
    }

    /// Adds a file with heads that were kept elsewhere, or with a copy of records: a line may begin
    /// with what a syslog daemon puts there.
    pub fn add_checkpoints(&mut self, file: PathBuf) {
        self.checkpoints.push(file);
    }

    /// Notes that the records before this number are kept elsewhere.
    pub const fn begins_at(&mut self, seq: u64) {
        self.from = seq;
    }

    /// Verifies.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn verify(&self) -> io::Result<Verification> {
        // First, so that a log that is written meanwhile is not shorter than its heads.
        let checkpoints = Checkpoints::read(self.noted.as_deref(), &self.checkpoints)?;
        let mut files = self
            .files
            .iter()
            .map(|file| Ok((first_seq(file)?, file)))
            .collect::<io::Result<Vec<_>>>()?;
        files.sort();
        let mut walk = Walk::new(&self.keys, checkpoints);
        for (_, file) in files {
            walk.file(file)?;
        }
        Ok(walk.end(self.from))
    }
}

fn open(file: &Path) -> io::Result<BufReader<File>> {
    let opened = File::open(file);
    let opened = opened
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))?;
    Ok(BufReader::with_capacity(1 << 16, opened))
}

/// The number of the first record of the chain; 0 if there is none.
fn first_seq(file: &Path) -> io::Result<u64> {
    let mut reader = open(file)?;
    let mut line = Vec::new();
    while read_line(&mut reader, &mut line)? {
        if let Some(stamp) = Stamp::of(without_end(&line)) {
            return Ok(stamp.seq);
        }
    }
    Ok(0)
}

/// Reads a line with its end; false at the end of the file. What is longer than any record comes in
/// pieces.
fn read_line(reader: &mut BufReader<File>, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    Ok(reader.take(MAX_LINE).read_until(b'\n', line)? > 0)
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// The way through all records.
struct Walk<'a> {
    keys: &'a [ChainKey],
    none: ChainKey,
    checkpoints: Checkpoints,
    report: Verification,
    intents: Intents,
    last: Option<End>,
    /// What the records at hand are chained with.
    key: Option<ChainKey>,
    /// Bytes since the last record that are none, and the line at which they begin.
    foreign: (u64, u64),
    removed_until: u64,
}

/// Where something stands.
#[derive(Clone, Copy)]
struct At<'a> {
    file: &'a Path,
    line: u64,
}

impl<'a> Walk<'a> {
    fn new(keys: &'a [ChainKey], checkpoints: Checkpoints) -> Self {
        Self {
            keys,
            none: ChainKey::none(),
            checkpoints,
            report: Verification::default(),
            intents: Intents::default(),
            last: None,
            key: None,
            foreign: (0, 0),
            removed_until: 0,
        }
    }

    fn file(&mut self, file: &Path) -> io::Result<()> {
        let mut reader = open(file)?;
        let mut segment = Segment::new(file);
        let (mut line, mut number) = (Vec::new(), 0);
        while read_line(&mut reader, &mut line)? {
            number += 1;
            let at = At { file, line: number };
            let text = without_end(&line);
            if let Some(stamp) = Stamp::of(text) {
                self.record(at, text, &stamp);
                segment.note(stamp.seq);
            } else if self.last.is_none() {
                self.report.unchained += u64::from(!text.is_empty());
            } else {
                if self.foreign.0 == 0 {
                    self.foreign.1 = number;
                }
                self.foreign.0 += line.len() as u64;
            }
        }
        // What has no end yet is being written, or is what a run could not end: the next run says.
        let is_begun = !line.is_empty() && !line.ends_with(b"\n");
        if is_begun && self.foreign.0 == line.len() as u64 {
            self.report.unfinished = self.foreign.0;
        } else if self.foreign.0 > 0 {
            self.no_record(At { file, line: self.foreign.1 });
        }
        self.foreign = (0, 0);
        self.report.segments.push(segment);
        Ok(())
    }

    fn no_record(&mut self, at: At<'_>) {
        let text = format!("{} bytes that are no record of this log", self.foreign.0);
        self.report.problem(Fault::Foreign, at.file, at.line, None, text);
    }

    fn record(&mut self, at: At<'_>, text: &[u8], stamp: &Stamp) {
        let Stamp { seq, chain, previous, .. } = *stamp;
        let mut problem = |fault, text: String| {
            self.report.problem(fault, at.file, at.line, Some(seq), text);
        };
        // An end of a line stands between what is none and the record that tells of it.
        let told = if stamp.torn > 0 { stamp.torn + 1 } else { 0 };
        let foreign = std::mem::take(&mut self.foreign);
        if foreign.0 != told && self.last.is_some() {
            let text = format!(
                "before it there are {} bytes that are no record, and it tells of {told}",
                foreign.0
            );
            problem(Fault::Foreign, text);
        }
        let before = match self.last {
            None => previous.unwrap_or(Link::GENESIS),
            Some(last) if seq == last.seq + 1 => {
                if previous.is_some_and(|previous| !previous.is(&last.chain)) {
                    let text = format!("it does not go on from record {}", last.seq);
                    problem(Fault::Order, text);
                }
                last.chain
            }
            Some(last) if seq > last.seq => {
                let text = format!("records {} to {} are missing", last.seq + 1, seq - 1);
                problem(Fault::Missing, text);
                previous.unwrap_or(chain)
            }
            Some(last) => {
                problem(Fault::Order, format!("it stands behind record {}", last.seq));
                previous.unwrap_or(chain)
            }
        };
        if self.last.is_none() && (previous.is_none() || stamp.key_id.is_none()) {
            let text = "it does not say what it is chained to and by which key, so what stood before \
                        it is missing, or it was changed";
            problem(Fault::Missing, text.into());
        }
        if let Some(id) = &stamp.key_id {
            self.change_key(at, seq, id);
        }
        let is_verifiable = self.last.is_none_or(|last| seq == last.seq + 1) || previous.is_some();
        if let Some(key) = &self.key
            && is_verifiable
            && !key.link(&before, &text[..stamp.signed]).is(&chain)
        {
            let text = "it was changed, or is chained with another key, or what stood before it is \
                        not what stands there now";
            self.report.problem(Fault::Changed, at.file, at.line, Some(seq), text.into());
        }
        let end = End { seq, chain };
        self.checkpoints.compare(&end, at.file, at.line, &mut self.report);
        self.report.note(&end);
        self.last = Some(end);
        if let Ok(Value::Object(record)) = serde_json::from_slice(text) {
            self.intents.note(seq, &record, &mut self.report);
            if record.get("phase").and_then(Value::as_str) == Some("removed") {
                let until = record.get("untilSeq").and_then(Value::as_u64).unwrap_or(0);
                self.removed_until = self.removed_until.max(until);
            }
        }
    }

    /// From here on, records are chained with another key, or with the same by another run.
    fn change_key(&mut self, at: At<'_>, seq: u64, id: &str) {
        let was_secret = self.key.as_ref().is_some_and(ChainKey::is_secret)
            || self.report.key_ids.iter().any(|id| id != self.none.id());
        let key = self.keys.iter().chain([&self.none]).find(|key| key.id() == id).cloned();
        let mut problem = |text: String| {
            self.report.problem(Fault::Key, at.file, at.line, Some(seq), text);
        };
        match &key {
            None => problem(format!("from it on, records are chained with key {id}: give it, too")),
            Some(key) if !key.is_secret() && was_secret => {
                problem("from it on, records are chained without a key, and were with one".into());
            }
            Some(_) => {}
        }
        if !self.report.key_ids.iter().any(|known| known == id) {
            self.report.key_ids.push(id.to_owned());
        }
        self.key = key;
    }

    fn end(mut self, from: u64) -> Verification {
        let mut report = std::mem::take(&mut self.report);
        let none = Path::new("");
        let first = report.first_seq.unwrap_or(0);
        if report.first_seq.is_none() {
            let text = "there is no record of the chain".to_owned();
            report.problem(Fault::Missing, none, 0, None, text);
        } else if first > 1 && first > from.max(self.removed_until.saturating_add(1)) {
            let text = format!(
                "records 1 to {} are not here, and no record says that they are no longer kept; if \
                 they are kept elsewhere, say from which on they are here",
                first - 1
            );
            report.problem(Fault::Missing, none, 0, None, text);
        }
        let is_keyed = self.key.as_ref().is_none_or(ChainKey::is_secret);
        if !self.keys.is_empty() && !is_keyed && first > 0 {
            let text = "the last records are chained without a key, though there is one".to_owned();
            report.problem(Fault::Key, none, 0, report.last_seq, text);
        }
        let keys: Vec<&ChainKey> = self.keys.iter().chain([&self.none]).collect();
        self.checkpoints.end(&keys, &mut report);
        self.intents.end(&mut report);
        report.is_whole = report.problem_count == 0;
        report
    }
}

#[cfg(test)]
mod tests;
