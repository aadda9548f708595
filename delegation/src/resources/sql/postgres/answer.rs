//! What a server says of a statement, taken apart.

use std::io::Result;

use super::wire::{Body, wrong};
use crate::resources::sql::failure::{At, Refusal, Said};
use bytes::Bytes;

/// A column, as a server describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Described {
    pub(super) name: String,
    /// The table it is a column of, and which; 0 if it is none's.
    pub(super) table: u32,
    pub(super) number: i16,
    /// Its type's OID; a domain's is its base type's.
    pub(super) kind: u32,
}

/// RowDescription.
pub(super) fn columns(body: Bytes) -> Result<Vec<Described>> {
    let mut body = Body(body);
    let count = body.i16()?;
    let mut columns = Vec::new();
    for _ in 0..count {
        let name = body.text()?;
        let (table, number, kind) = (body.u32()?, body.i16()?, body.u32()?);
        // Its length, its modifier, and the format, which is not known yet.
        body.bytes(2 + 4 + 2)?;
        columns.push(Described { name, table, number, kind });
    }
    Ok(columns)
}

/// ParameterDescription: types' OIDs.
pub(super) fn parameters(body: Bytes) -> Result<Vec<u32>> {
    let mut body = Body(body);
    let count = body.i16()?;
    (0..count.cast_unsigned()).map(|_| body.u32()).collect()
}

/// DataRow.
pub(super) fn row(body: Bytes) -> Result<Vec<Option<Bytes>>> {
    let mut body = Body(body);
    let count = body.i16()?;
    (0..count.cast_unsigned()).map(|_| body.value()).collect()
}

/// CommandComplete: the command, and how many rows it changed, if it is one that changes some.
pub(super) fn changed(body: Bytes) -> Result<(String, Option<u64>)> {
    let tag = Body(body).text()?;
    let mut words = tag.split(' ');
    let changes = matches!(words.next(), Some("INSERT" | "UPDATE" | "DELETE" | "MERGE"));
    let count = words.next_back().filter(|_| changes).and_then(|word| word.parse().ok());
    Ok((tag, count))
}

/// ErrorResponse: code, message and position. Its detail, hint and context may show other users'
/// rows, and are not taken over.
pub(super) fn error(body: Bytes) -> Result<Said> {
    let mut body = Body(body);
    let (mut code, mut message, mut position) = (String::new(), String::new(), None);
    loop {
        match body.u8()? {
            0 => break,
            b'C' => code = body.text()?,
            b'M' => message = body.text()?,
            b'P' => position = body.text()?.parse().ok(),
            _ => drop(body.text()?),
        }
    }
    if code.len() != 5 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(wrong("an error without a code"));
    }
    let what = refusal(&code);
    Ok(Said { code, what, at: position.map(At::Character), message })
}

/// What a SQLSTATE means (PostgreSQL manual, appendix A).
fn refusal(code: &str) -> Refusal {
    match code {
        "42501" => Refusal::Denied,
        "42P01" | "42883" | "42703" | "42704" | "3F000" | "3D000" => Refusal::NotFound,
        "08P01" => Refusal::Statement,
        "40001" | "40P01" | "55P03" | "57014" | "25P04" => Refusal::Busy,
        _ => match code.get(..2).unwrap_or_default() {
            "28" => Refusal::Login,
            "08" | "53" | "57" | "58" => Refusal::Unavailable,
            _ => Refusal::Statement,
        },
    }
}
