//! Reading an answer, as far as it is wanted.

use serde_json::Value;

use super::wire::{Change, Channel, Described, Lost, Message, Next, Token, read, row};
use crate::resources::sql::rows::{Column, Next as Wanted, Rows};

/// Of anything but a row.
const MAX_TOKEN: usize = 1 << 20;
/// What of a row is read at most before it is known how long it is: an operator's largest limit, and what
/// is around it on the wire.
const MAX_ROW: usize = 34 << 20;

/// What an answer said besides its rows.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// The first of its errors.
    pub(super) error: Option<Message>,
    /// How many rows its last statement had.
    pub(super) count: Option<u64>,
    /// RESETCONNECTION was done.
    pub(super) is_reset: bool,
}

/// Where rows go.
pub(super) trait Sink {
    fn columns(&mut self, columns: &[Described]);
    /// `false`: no more of them.
    fn wants(&mut self, bytes: usize) -> bool;
    /// Whether the row's values are not wanted, though those of later ones may be.
    fn skips(&mut self) -> bool;
    fn push(&mut self, values: Vec<Value>, bytes: usize);
}

impl Sink for Rows {
    fn columns(&mut self, columns: &[Described]) {
        let column = |column: &Described| Column {
            name: column.name.clone(),
            kind: column.type_name(),
            nullable: column.nullable,
        };
        Rows::columns(self, columns.iter().map(column).collect());
    }

    fn wants(&mut self, bytes: usize) -> bool {
        Rows::wants(self, bytes) == Wanted::More
    }

    fn skips(&mut self) -> bool {
        Rows::skips(self)
    }

    fn push(&mut self, values: Vec<Value>, bytes: usize) {
        Rows::push(self, values, bytes);
    }
}

/// One row of this server's own questions.
#[derive(Debug, Default)]
pub(super) struct One(pub(super) Option<Vec<Value>>);

impl Sink for One {
    fn columns(&mut self, _: &[Described]) {}

    fn wants(&mut self, _: usize) -> bool {
        true
    }

    fn skips(&mut self) -> bool {
        self.0.is_some()
    }

    fn push(&mut self, values: Vec<Value>, _: usize) {
        self.0 = Some(values);
    }
}

/// Reads all of an answer into the sink; of one that only reads no more than that wants: the server is
/// told to stop, and has stopped when this is done. What changes something is let come to its end.
pub(super) async fn read_all(
    channel: &mut Channel,
    sink: &mut impl Sink,
    transaction: &mut u64,
    only_reads: bool,
) -> Result<Said, Lost> {
    let mut said = Said::default();
    let mut columns: Vec<Described> = Vec::new();
    let mut is_full = false;
    loop {
        let token = match channel.next(MAX_TOKEN, read).await? {
            Next::Read(token) => token,
            Next::End => return Ok(said),
            Next::Long => return Err(Lost::Wrong("a token has no end")),
        };
        match token {
            Token::Columns(described) if !described.is_empty() => {
                columns = described;
                // Of what is too much already, no more answers are taken.
                if !is_full {
                    sink.columns(&columns);
                }
            }
            Token::Row { nulls } => {
                let taken = channel.next(MAX_ROW, |cursor| {
                    let raw = row(&columns, nulls, cursor)?;
                    if is_full {
                        return Ok(true);
                    }
                    let bytes = raw.len();
                    if !sink.wants(bytes) {
                        return Ok(false);
                    }
                    if !sink.skips() {
                        sink.push(raw.values(&columns)?, bytes);
                    }
                    Ok(true)
                });
                is_full |= match taken.await? {
                    Next::Read(taken) => !taken,
                    Next::Long if only_reads => sink_is_full(sink),
                    Next::Long => return Err(Lost::Wrong("a row has no end")),
                    Next::End => return Err(Lost::Wrong("its answer ends before a row")),
                };
                if is_full && only_reads {
                    channel.cancel().await?;
                    return Ok(said);
                }
            }
            Token::Done(done) => said.count = done.count.or(said.count),
            Token::Error(message) => said.error = said.error.or(Some(message)),
            Token::Change(Change::Transaction(number)) => *transaction = number,
            Token::Change(Change::PacketSize(size)) => channel.set_size(size)?,
            Token::Change(Change::Reset) => (said.is_reset, *transaction) = (true, 0),
            Token::Change(Change::Routed { .. }) | Token::LoginAck | Token::Sspi(_) => {
                return Err(Lost::Wrong("what belongs to a login came in the middle of a session"));
            }
            Token::Columns(_) | Token::Change(_) | Token::Other => {}
        }
    }
}

/// It is told of a row that is longer than any.
fn sink_is_full(sink: &mut impl Sink) -> bool {
    let _ = sink.wants(usize::MAX);
    true
}
