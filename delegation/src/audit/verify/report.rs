//! What verifying found.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::head::End;

/// So many problems are told one by one.
const MAX_PROBLEMS: usize = 100;

/// What verifying a log found.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// Whether nothing is wrong with it. Intents without an outcome are nothing wrong with the log.
    pub is_whole: bool,
    /// How many records of the chain were read.
    pub records: u64,
    /// The number of the first.
    pub first_seq: Option<u64>,
    /// And of the last.
    pub last_seq: Option<u64>,
    /// The last link.
    pub head: Option<String>,
    /// Which keys they are chained with; `none` for none.
    pub key_ids: Vec<String>,
    /// Lines of before there was a chain: nothing shows whether they were changed.
    pub unchained: u64,
    /// Bytes behind the last record that are the beginning of one.
    pub unfinished: u64,
    /// Heads, or copies of records, that the log was compared with.
    pub checkpoints: u64,
    /// The files, in the order of their records.
    pub segments: Vec<Segment>,
    /// What is wrong, the first hundred.
    pub problems: Vec<Problem>,
    /// How many problems there are.
    pub problem_count: u64,
    /// What was begun and has no outcome, the first thousand.
    pub open_intents: Vec<OpenIntent>,
    /// How many there are.
    pub open_intent_count: u64,
}

/// A file.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Segment {
    /// Which.
    pub file: PathBuf,
    /// The number of its first record.
    pub first_seq: Option<u64>,
    /// And of its last.
    pub last_seq: Option<u64>,
}

/// Something that is wrong.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// What kind of thing.
    pub fault: Fault,
    /// Where; empty if it is nowhere in particular.
    pub file: PathBuf,
    /// In which line, from 1; 0 if it is the file as a whole.
    #[serde(skip_serializing_if = "is_zero")]
    pub line: u64,
    /// At which record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// For people.
    pub text: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
const fn is_zero(line: &u64) -> bool {
    *line == 0
}

/// A kind of fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Fault {
    /// A record is not what it was, or was not written with the key.
    Changed,
    /// Records are missing at the beginning or in the middle.
    Missing,
    /// Records are missing at the end.
    Truncated,
    /// A record stands where it does not belong.
    Order,
    /// Something is no record.
    Foreign,
    /// A key is missing, or was given up.
    Key,
    /// A head that was kept elsewhere says something else, or is not signed as it should be; or there is
    /// none where heads are kept.
    Checkpoint,
}

/// Something that was allowed, announced, and has no outcome: the process died, or the log could not
/// be written then. It may have been done.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenIntent {
    /// The event id of its record.
    pub event_id: String,
    /// When.
    pub timestamp: String,
    /// Names the call in the server's log.
    pub request_id: String,
    /// The caller's subject.
    pub subject: String,
    /// Who that is to the resources.
    pub legacy_name: String,
    /// What was to be done.
    pub action: String,
    /// With which target.
    pub target: String,
    /// Where.
    pub path: String,
    /// Of the last run that is in the log, which may still be at it.
    pub may_be_running: bool,
}

impl Segment {
    pub(super) fn new(file: &Path) -> Self {
        Self { file: file.to_owned(), first_seq: None, last_seq: None }
    }

    pub(super) fn note(&mut self, seq: u64) {
        self.first_seq.get_or_insert(seq);
        self.last_seq = Some(seq);
    }
}

impl Verification {
    pub(super) fn note(&mut self, end: &End) {
        self.records += 1;
        self.first_seq.get_or_insert(end.seq);
        self.last_seq = Some(end.seq);
        self.head = Some(end.chain.to_string());
    }

    pub(super) fn problem(
        &mut self,
        fault: Fault,
        file: &Path,
        line: u64,
        seq: Option<u64>,
        text: String,
    ) {
        self.problem_count += 1;
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem { fault, file: file.to_owned(), line, seq, text });
        }
    }
}
