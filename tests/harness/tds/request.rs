//! Requests: batches and procedure calls (MS-TDS 2.2.6.6 and 2.2.6.7).

use std::io::Result;

use super::bytes::{Bytes, utf16};
use super::packet::wrong;
use super::value::{Type, Value, read_parameter};

/// ALL_HEADERS: the transaction that the request is in, which must be the session's (2.2.5.3).
pub(super) fn headers(body: &[u8], transaction: u64) -> Result<&[u8]> {
    let total = Bytes(body).u32()? as usize;
    let mut headers = Bytes(body.get(4..total).ok_or_else(|| wrong("ALL_HEADERS lies outside"))?);
    let mut seen = false;
    while !headers.0.is_empty() {
        let length = headers.u32()? as usize;
        let kind = headers.u16()?;
        let mut header = Bytes(headers.take(length.saturating_sub(6))?);
        if kind == 2 {
            let (descriptor, outstanding) = (header.u64()?, header.u32()?);
            if descriptor != transaction || outstanding != 1 || !header.0.is_empty() || seen {
                let what = format!("transaction {descriptor}, and {outstanding} requests");
                return Err(wrong(format!("{what}; the session's is {transaction}")));
            }
            seen = true;
        }
    }
    if !seen {
        return Err(wrong("a request without the transaction's header"));
    }
    Ok(&body[total..])
}

/// The text of a batch.
pub(super) fn batch(body: &[u8], transaction: u64) -> Result<String> {
    utf16(headers(body, transaction)?)
}

#[derive(Clone, Debug)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) ty: Type,
    pub(super) value: Value,
}

/// A procedure call: its name, and what it is called with.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) parameters: Vec<Parameter>,
}

/// The procedures that have a number (2.2.6.6).
const NUMBERED: [&str; 15] = [
    "sp_cursor",
    "sp_cursoropen",
    "sp_cursorprepare",
    "sp_cursorexecute",
    "sp_cursorprepexec",
    "sp_cursorunprepare",
    "sp_cursorfetch",
    "sp_cursoroption",
    "sp_cursorclose",
    "sp_executesql",
    "sp_prepare",
    "sp_execute",
    "sp_prepexec",
    "sp_prepexecrpc",
    "sp_unprepare",
];

pub(super) fn call(body: &[u8], transaction: u64) -> Result<Call> {
    let mut bytes = Bytes(headers(body, transaction)?);
    let name = match bytes.u16()? {
        0xffff => {
            let number = usize::from(bytes.u16()?);
            let known = number.checked_sub(1).and_then(|number| NUMBERED.get(number));
            (*known.ok_or_else(|| wrong(format!("no procedure {number}")))?).to_owned()
        }
        length => utf16(bytes.take(2 * usize::from(length))?)?,
    };
    if bytes.u16()? & !0x7 != 0 {
        return Err(wrong("OptionFlags that are reserved"));
    }
    let mut parameters = Vec::new();
    while !bytes.0.is_empty() {
        let name = bytes.b_varchar()?;
        if !name.is_empty() && !name.starts_with('@') {
            return Err(wrong(format!("a parameter called {name:?}")));
        }
        let flags = bytes.u8()?;
        if flags & !0x3 != 0 {
            return Err(wrong(format!("StatusFlags {flags:#04x}")));
        }
        let (ty, value) = read_parameter(&mut bytes)?;
        parameters.push(Parameter { name, ty, value });
    }
    Ok(Call { name, parameters })
}
