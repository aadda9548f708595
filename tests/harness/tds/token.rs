//! Tokens of answers (MS-TDS 2.2.7).

use super::bytes::to_utf16;
use super::value::{COLLATION, Type, Value};

/// What the engine says of a request that it cannot fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SqlError {
    pub(super) number: u32,
    pub(super) state: u8,
    pub(super) class: u8,
    pub(super) message: String,
    pub(super) line: u32,
}

impl SqlError {
    pub(super) fn new(number: u32, class: u8, message: impl Into<String>) -> Self {
        Self { number, state: 1, class, message: message.into(), line: 1 }
    }

    pub(super) fn with_state(self, state: u8) -> Self {
        Self { state, ..self }
    }
}

pub(super) const DONE: u8 = 0xfd;
pub(super) const DONE_PROC: u8 = 0xfe;
pub(super) const DONE_IN_PROC: u8 = 0xff;
pub(super) const MORE: u16 = 0x01;
pub(super) const ERROR: u16 = 0x02;
pub(super) const COUNT: u16 = 0x10;
pub(super) const ATTENTION: u16 = 0x20;

fn us_varchar(text: &str) -> Vec<u8> {
    let units = u16::try_from(text.encode_utf16().count()).expect("short");
    [&units.to_le_bytes()[..], &to_utf16(text)].concat()
}

fn b_varchar(text: &str) -> Vec<u8> {
    let units = u8::try_from(text.encode_utf16().count()).expect("short");
    [&[units], &to_utf16(text)[..]].concat()
}

fn with_length(token: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).expect("a short token").to_le_bytes();
    [&[token], &length[..], data].concat()
}

pub(super) fn done(token: u8, status: u16, count: u64) -> Vec<u8> {
    let command = 0xc1_u16.to_le_bytes();
    [&[token], &status.to_le_bytes()[..], &command, &count.to_le_bytes()].concat()
}

fn message(token: u8, error: &SqlError) -> Vec<u8> {
    let data = [
        &error.number.to_le_bytes()[..],
        &[error.state, error.class],
        &us_varchar(&error.message),
        &b_varchar("SQL"),
        &b_varchar(""),
        &error.line.to_le_bytes(),
    ];
    with_length(token, &data.concat())
}

pub(super) fn error(error: &SqlError) -> Vec<u8> {
    message(0xaa, error)
}

pub(super) fn info(number: u32, text: &str) -> Vec<u8> {
    message(0xab, &SqlError::new(number, 0, text))
}

pub(super) fn sspi(token: &[u8]) -> Vec<u8> {
    with_length(0xed, token)
}

fn change(kind: u8, new: &[u8], old: &[u8]) -> Vec<u8> {
    with_length(0xe3, &[&[kind], new, old].concat())
}

pub(super) fn changed_database(new: &str, old: &str) -> Vec<u8> {
    change(1, &b_varchar(new), &b_varchar(old))
}

pub(super) fn changed_packet_size(new: usize, old: usize) -> Vec<u8> {
    change(4, &b_varchar(&new.to_string()), &b_varchar(&old.to_string()))
}

pub(super) fn changed_collation() -> Vec<u8> {
    change(7, &[&[5], &COLLATION[..]].concat(), &[0])
}

/// A transaction began (8), was committed (9) or rolled back (10).
pub(super) fn changed_transaction(kind: u8, descriptor: u64) -> Vec<u8> {
    let descriptor = [&[8], &descriptor.to_le_bytes()[..]].concat();
    if kind == 8 { change(8, &descriptor, &[0]) } else { change(kind, &[0], &descriptor) }
}

pub(super) fn reset() -> Vec<u8> {
    change(18, &[0], &[0])
}

pub(super) fn routed(host: &str, port: u16) -> Vec<u8> {
    let data = [&[0], &port.to_le_bytes()[..], &us_varchar(host)].concat();
    let length = u16::try_from(data.len()).expect("short").to_le_bytes();
    change(20, &[&length[..], &data].concat(), &[0, 0])
}

/// By the TDS version that the client asked for.
pub(super) fn login_ack(tds: u32) -> Vec<u8> {
    let tds = if tds == 0x0800_0000 { tds } else { tds.min(0x7400_0004) };
    let name = b_varchar("Microsoft SQL Server");
    with_length(0xad, &[&[1], &tds.to_be_bytes()[..], &name, &[16, 0, 0x10, 0]].concat())
}

/// A column's name and type, and whether it may be NULL.
pub(super) type Column = (String, Type, bool);

pub(super) fn columns(columns: &[Column]) -> Vec<u8> {
    let count = u16::try_from(columns.len()).expect("few");
    let mut out = [&[0x81], &count.to_le_bytes()[..]].concat();
    for (name, ty, nullable) in columns {
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&u16::from(*nullable).to_le_bytes());
        out.extend_from_slice(&if *nullable { ty.info() } else { ty.info_without_null() });
        out.extend_from_slice(&b_varchar(name));
    }
    out
}

fn value((_, ty, nullable): &Column, value: &Value) -> Vec<u8> {
    if *nullable { ty.encode(value) } else { ty.encode_without_null(value) }
}

/// A row, or one with a bitmap of NULLs where there are some and they are many.
pub(super) fn row(columns: &[Column], values: &[Value]) -> Vec<u8> {
    let nulls = values.iter().filter(|value| **value == Value::Null).count();
    if nulls * 2 <= values.len() {
        let values = columns.iter().zip(values).map(|(column, value)| self::value(column, value));
        return [vec![0xd1], values.collect::<Vec<_>>().concat()].concat();
    }
    let mut bitmap = vec![0; values.len().div_ceil(8)];
    let mut data = Vec::new();
    for (number, (column, value)) in columns.iter().zip(values).enumerate() {
        match value {
            Value::Null => bitmap[number / 8] |= 1 << (number % 8),
            value => data.extend_from_slice(&self::value(column, value)),
        }
    }
    [vec![0xd2], bitmap, data].concat()
}

/// What a procedure returns, and an output parameter.
pub(super) fn return_status(status: i32) -> Vec<u8> {
    [&[0x79], &status.to_le_bytes()[..]].concat()
}

pub(super) fn return_value(ordinal: u16, name: &str, ty: Type, value: &Value) -> Vec<u8> {
    let head = [&[0xac], &ordinal.to_le_bytes()[..], &b_varchar(name), &[1], &[0; 6]].concat();
    [head, ty.info(), ty.encode(value)].concat()
}
