//! Tokens of an answer (MS-TDS 2.2.7).

use super::column::{self, Described};
use super::cursor::{Cursor, Unread};
use super::value;

/// Something of an answer.
#[derive(Debug)]
pub(in super::super) enum Token {
    Columns(Vec<Described>),
    /// A row, or one that says beforehand which values are NULL; its values are read next.
    Row {
        nulls: bool,
    },
    Done(Done),
    Error(Message),
    Change(Change),
    Sspi(Vec<u8>),
    LoginAck,
    /// What says nothing that matters here.
    Other,
}

/// The end of a statement or a procedure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) struct Done {
    /// How many rows, where it says so.
    pub(in super::super) count: Option<u64>,
}

/// What the server says of something that it does not do (2.2.7.10).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) struct Message {
    pub(in super::super) number: u32,
    pub(in super::super) state: u8,
    pub(in super::super) class: u8,
    pub(in super::super) text: String,
    pub(in super::super) line: u32,
}

/// What of the session is another from now on (2.2.7.9).
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Change {
    Database(String),
    PacketSize(usize),
    /// A transaction is open, or none is any more.
    Transaction(u64),
    /// RESETCONNECTION was done.
    Reset,
    /// The login goes on at another server.
    Routed {
        host: String,
        port: u16,
    },
    Other,
}

const COLUMNS: u8 = 0x81;
const ROW: u8 = 0xd1;
const NULLS_ROW: u8 = 0xd2;
const FEATURES: u8 = 0xae;

/// The next token; of a row its beginning alone.
pub(in super::super) fn read(cursor: &mut Cursor<'_>) -> Result<Token, Unread> {
    let kind = cursor.u8()?;
    Ok(match kind {
        COLUMNS => Token::Columns(column::read(cursor)?),
        ROW => Token::Row { nulls: false },
        NULLS_ROW => Token::Row { nulls: true },
        0xfd..=0xff => {
            let status = cursor.u16()?;
            let _command = cursor.u16()?;
            let count = cursor.u64()?;
            let count = (status & 0x10 != 0).then_some(count);
            Token::Done(Done { count })
        }
        0x79 => {
            cursor.u32()?;
            Token::Other
        }
        // RETURNVALUE: ordinal, name, status, user type, flags, type, value.
        0xac => {
            cursor.u16()?;
            cursor.b_text()?;
            cursor.u8()?;
            let (_user_type, _flags) = (cursor.u32()?, cursor.u16()?);
            let ty = column::read_type(cursor)?;
            value::raw(&ty, cursor)?;
            Token::Other
        }
        FEATURES => {
            while cursor.u8()? != 0xff {
                let length = cursor.u32()? as usize;
                cursor.take(length)?;
            }
            Token::Other
        }
        0xaa | 0xab | 0xe3 | 0xed | 0xad | 0xa9 | 0xa4 | 0xa5 => {
            let mut content = Cursor::new(cursor.us_bytes()?);
            // What is inside of it is all there.
            of_length(kind, &mut content)
                .map_err(|_| Unread::Wrong("a token's content does not fit its length"))?
        }
        _ => return Err(Unread::Wrong("a token came that nobody asked for")),
    })
}

fn of_length(kind: u8, content: &mut Cursor<'_>) -> Result<Token, Unread> {
    Ok(match kind {
        0xaa => Token::Error(Message {
            number: content.u32()?,
            state: content.u8()?,
            class: content.u8()?,
            text: content.us_text()?,
            line: {
                content.b_text()?;
                content.b_text()?;
                content.u32()?
            },
        }),
        0xe3 => Token::Change(change(content)?),
        0xed => Token::Sspi(content.take(content.left())?.to_vec()),
        0xad => Token::LoginAck,
        _ => Token::Other,
    })
}

fn change(content: &mut Cursor<'_>) -> Result<Change, Unread> {
    Ok(match content.u8()? {
        1 => Change::Database(content.b_text()?),
        4 => {
            let size = content.b_text()?.parse();
            Change::PacketSize(size.map_err(|_| Unread::Wrong("a packet size is no number"))?)
        }
        8 => {
            let descriptor = content.b_bytes()?.try_into();
            let descriptor =
                descriptor.map_err(|_| Unread::Wrong("a transaction without a number"))?;
            Change::Transaction(u64::from_le_bytes(descriptor))
        }
        9 | 10 => Change::Transaction(0),
        18 => Change::Reset,
        20 => {
            let _length = content.u16()?;
            // TCP is 0, and there is no other.
            if content.u8()? != 0 {
                return Err(Unread::Wrong("it sends to another server by another protocol"));
            }
            let port = content.u16()?;
            Change::Routed { host: content.us_text()?, port }
        }
        _ => Change::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_its_number_state_class_and_line() {
        let text = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let data = [
            &229_u32.to_le_bytes()[..],
            &[5, 14, 2, 0],
            &text("no"),
            &[1],
            &text("S"),
            &[0],
            &7_u32.to_le_bytes(),
        ]
        .concat();
        let token =
            [&[0xaa][..], &u16::try_from(data.len()).unwrap().to_le_bytes(), &data].concat();
        let Ok(Token::Error(message)) = read(&mut Cursor::new(&token)) else { panic!() };
        let expected = Message { number: 229, state: 5, class: 14, text: "no".into(), line: 7 };
        assert_eq!(message, expected);
        for length in 0..token.len() {
            let found = read(&mut Cursor::new(&token[..length]));
            assert!(matches!(found, Err(Unread::Short)), "{length}");
        }
    }

    #[test]
    fn bytes_of_any_kind_end_nothing() {
        for kind in 0..=255 {
            for fill in [0, 1, 0x7f, 0xff] {
                for length in 0..40 {
                    let bytes = [vec![kind], vec![fill; length]].concat();
                    let _ = read(&mut Cursor::new(&bytes));
                }
            }
        }
    }
}
