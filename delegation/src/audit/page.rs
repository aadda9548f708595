//! Records on their way into the log: each gets its time, its number and its link.

use std::io::{self, Write as _};
use std::sync::Arc;

use krb_client::proto::Timestamp;

use super::chain::ChainKey;
use super::copies::Line;
use super::head::End;
use super::record::{Body, rfc3339};
use super::stamp::Stamp;

/// Where the chain is, and what its next record has to say of that.
#[derive(Clone)]
pub(super) struct Position {
    pub(super) end: End,
    pub(super) key: Arc<ChainKey>,
    /// Random for the process.
    pub(super) run: Arc<str>,
    /// Records of this run.
    pub(super) number: u64,
    /// A file or a run begins: its first record says the link before and which key it is.
    is_new: bool,
    torn: u64,
}

impl Position {
    /// Where a run begins.
    pub(super) fn new(end: End, key: ChainKey, run: String) -> Self {
        Self { end, key: Arc::new(key), run: run.into(), number: 0, is_new: true, torn: 0 }
    }

    /// A file begins, or what stands in it is gone on with, behind so many bytes that are no record.
    pub(super) fn begin(&mut self, torn: u64) {
        (self.is_new, self.torn) = (true, torn);
    }
}

/// Lines that are written together.
pub(super) struct Page {
    position: Position,
    now: String,
    text: Vec<u8>,
    count: u64,
    // One by one, where there are copies to be made.
    lines: Option<Vec<Line>>,
}

impl Page {
    pub(super) fn new(position: Position, now: Timestamp, with_lines: bool) -> Self {
        let mut text = Vec::new();
        if position.torn > 0 {
            // Half a line of the run before does not swallow the first record.
            text.push(b'\n');
        }
        let (now, lines) = (rfc3339(now), with_lines.then(Vec::new));
        Self { position, now, text, count: 0, lines }
    }

    /// Adds a record and returns its event id.
    pub(super) fn add(&mut self, body: &Body) -> io::Result<String> {
        self.position.number += 1;
        let id = format!("{}-{}", self.position.run, self.position.number);
        self.add_again(body, &id)?;
        Ok(id)
    }

    /// Adds a record that was in a file that is gone, under the event id that it had there.
    pub(super) fn add_again(&mut self, body: &Body, id: &str) -> io::Result<()> {
        let Some(members) = body.members() else {
            return Err(io::Error::other("a record cannot be written as JSON"));
        };
        let Position { end, key, is_new, torn, .. } = &mut self.position;
        let (start, seq) = (self.text.len(), end.seq + 1);
        let text = &mut self.text;
        write!(text, r#"{{"timestamp":"{}","eventId":"{id}","seq":{seq}"#, self.now)?;
        if std::mem::take(is_new) {
            write!(text, r#","previous":"{}","keyId":"{}""#, end.chain, key.id())?;
        }
        if *torn > 0 {
            write!(text, r#","torn":{torn}"#)?;
            *torn = 0;
        }
        text.push(b',');
        text.extend_from_slice(members);
        let chain = key.link(&end.chain, &text[start..]);
        Stamp::end(text, &chain);
        *end = End { seq, chain };
        self.count += 1;
        if let Some(lines) = &mut self.lines {
            lines.push(Line::record(&text[start..text.len() - 1], body.severity));
        }
        Ok(())
    }

    /// How many were added.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// The lines, as they are written.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Where the chain is behind them.
    pub(super) const fn position(&self) -> &Position {
        &self.position
    }

    /// The lines one by one.
    pub(super) fn into_lines(self) -> Vec<Line> {
        self.lines.unwrap_or_default()
    }
}
