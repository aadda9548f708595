//! LOGIN7 (MS-TDS 2.2.6.4).

use std::io::Result;

use super::bytes::{Bytes, utf16};
use super::packet::wrong;

/// What a client logs in with.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) tds: u32,
    pub(super) packet_size: u32,
    pub(super) user: String,
    pub(super) password: String,
    pub(super) application: String,
    pub(super) server: String,
    pub(super) database: String,
    pub(super) read_only: bool,
    /// Of the integrated security, if the client asks for that.
    pub(super) sspi: Option<Vec<u8>>,
}

const FIXED: usize = 94;
const INTEGRATED: u8 = 0x80;
const EXTENSION: u8 = 0x10;
const READ_ONLY: u8 = 0x20;

pub(super) fn read(body: &[u8]) -> Result<Login> {
    let mut fixed = Bytes(body);
    let length = fixed.u32()? as usize;
    if length != body.len() {
        return Err(wrong(format!("LOGIN7 of {length} bytes in a message of {}", body.len())));
    }
    let tds = fixed.u32()?;
    let packet_size = fixed.u32()?;
    let (_program, _process, _connection) = (fixed.u32()?, fixed.u32()?, fixed.u32()?);
    let (_flags1, flags2, kind, flags3) = (fixed.u8()?, fixed.u8()?, fixed.u8()?, fixed.u8()?);
    let (_zone, _collation) = (fixed.u32()?, fixed.u32()?);
    if !(0x7100_0001..=0x7400_0004).contains(&tds) && tds != 0x0800_0000 {
        return Err(wrong(format!("TDS {tds:#010x}")));
    }
    if !(512..=32767).contains(&packet_size) && packet_size != 0 {
        return Err(wrong(format!("a packet size of {packet_size}")));
    }
    let texts = |at: usize| -> Result<String> { utf16(field(body, at, 2)?) };
    for at in [36, 60, 64] {
        texts(at)?;
    }
    if flags3 & EXTENSION != 0 {
        extensions(body, field(body, 56, 1)?)?;
    }
    let password = field(body, 44, 2)?.iter().map(|byte| (byte ^ 0xa5).rotate_left(4));
    let integrated = flags2 & INTEGRATED != 0;
    let (user, password) = (texts(40)?, utf16(&password.collect::<Vec<_>>())?);
    if integrated && !(user.is_empty() && password.is_empty()) {
        return Err(wrong("integrated security, and a user or a password"));
    }
    let short = field(body, 78, 1)?;
    // 65535 says that the length has its 32 bits elsewhere.
    let sspi = match (short.len(), u32_at(body, 90)? as usize) {
        (0xffff, long) if long > 0 => {
            let start = usize::from(u16_at(body, 78)?);
            body.get(start..start + long).ok_or_else(|| wrong("SSPI lies outside"))?
        }
        _ => short,
    };
    if integrated == sspi.is_empty() {
        return Err(wrong("integrated security without a token, or a token without it"));
    }
    Ok(Login {
        tds,
        packet_size,
        user,
        password,
        application: texts(48)?,
        server: texts(52)?,
        database: texts(68)?,
        read_only: kind & READ_ONLY != 0,
        sspi: integrated.then(|| sspi.to_vec()),
    })
}

fn u16_at(body: &[u8], at: usize) -> Result<u16> {
    Bytes(body.get(at..).unwrap_or_default()).u16()
}

fn u32_at(body: &[u8], at: usize) -> Result<u32> {
    Bytes(body.get(at..).unwrap_or_default()).u32()
}

/// A field whose offset and length stand there, the length in units.
fn field(body: &[u8], at: usize, unit: usize) -> Result<&[u8]> {
    let (start, length) = (usize::from(u16_at(body, at)?), usize::from(u16_at(body, at + 2)?));
    let length = length * unit;
    if length == 0 {
        return Ok(&[]);
    }
    if start < FIXED {
        return Err(wrong(format!("the field at {at} lies in what is fixed")));
    }
    if (length, unit) == (0xffff, 1) {
        // The true length is another one.
        return Ok(&[0; 0xffff]);
    }
    body.get(start..start + length).ok_or_else(|| wrong(format!("the field at {at} lies outside")))
}

/// FeatureExt: a walk to its terminator.
fn extensions(body: &[u8], pointer: &[u8]) -> Result<()> {
    let at = Bytes(pointer).u32()? as usize;
    let mut rest = Bytes(body.get(at..).ok_or_else(|| wrong("FeatureExt lies outside"))?);
    while rest.u8()? != 0xff {
        let length = rest.u32()? as usize;
        rest.take(length)?;
    }
    Ok(())
}
