//! Types, values, and both as they go over the wire (MS-TDS 2.2.5.4 to 2.2.5.5).

use std::io::Result;

use super::bytes::{Bytes, to_utf16, utf16};
use super::packet::wrong;

/// `SQL_Latin1_General_CP1_CI_AS`.
pub(super) const COLLATION: [u8; 5] = [0x09, 0x04, 0xd0, 0x00, 0x34];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    TinyInt,
    SmallInt,
    Int,
    BigInt,
    Bit,
    Real,
    Float,
    Decimal(u8, u8),
    Money,
    SmallMoney,
    /// In characters; `None` is max.
    NVarChar(Option<u16>),
    VarChar(Option<u16>),
    VarBinary(Option<u16>),
    Date,
    Time(u8),
    DateTime2(u8),
    DateTimeOffset(u8),
    DateTime,
    SmallDateTime,
    Guid,
    Xml,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Float(f64),
    /// Unscaled, and the scale.
    Decimal(i128, u8),
    Text(String),
    Bytes(Vec<u8>),
    /// Days since the year 1, 100 ns since midnight, minutes east of UTC; local.
    Moment(i64, i64, i64),
}

const TICKS_A_DAY: i64 = 864_000_000_000;
/// From the year 1 to 1900.
const DAYS_TO_1900: i64 = 693_595;

impl Type {
    /// TYPE_INFO, and the length of a value of it.
    pub(super) fn info(self) -> Vec<u8> {
        let text = |code, length: Option<u16>, unit: u16| {
            let length = length.map_or(0xffff, |length| length * unit).to_le_bytes();
            [&[code], &length[..], &COLLATION[..]].concat()
        };
        match self {
            Self::TinyInt => vec![0x26, 1],
            Self::SmallInt => vec![0x26, 2],
            Self::Int => vec![0x26, 4],
            Self::BigInt => vec![0x26, 8],
            Self::Bit => vec![0x68, 1],
            Self::Real => vec![0x6d, 4],
            Self::Float => vec![0x6d, 8],
            Self::Decimal(precision, scale) => vec![0x6c, 17, precision, scale],
            Self::Money => vec![0x6e, 8],
            Self::SmallMoney => vec![0x6e, 4],
            Self::NVarChar(length) => text(0xe7, length, 2),
            Self::VarChar(length) => text(0xa7, length, 1),
            Self::VarBinary(length) => {
                [&[0xa5], &length.unwrap_or(0xffff).to_le_bytes()[..]].concat()
            }
            Self::Date => vec![0x28],
            Self::Time(scale) => vec![0x29, scale],
            Self::DateTime2(scale) => vec![0x2a, scale],
            Self::DateTimeOffset(scale) => vec![0x2b, scale],
            Self::DateTime => vec![0x6f, 8],
            Self::SmallDateTime => vec![0x6f, 4],
            Self::Guid => vec![0x24, 16],
            Self::Xml => vec![0xf1, 0],
        }
    }

    /// Of those that never are NULL some have a form of their own, without a length.
    const fn without_null(self) -> Option<u8> {
        match self {
            Self::TinyInt => Some(0x30),
            Self::Bit => Some(0x32),
            Self::SmallInt => Some(0x34),
            Self::Int => Some(0x38),
            Self::BigInt => Some(0x7f),
            Self::Real => Some(0x3b),
            Self::Float => Some(0x3e),
            Self::Money => Some(0x3c),
            Self::SmallMoney => Some(0x7a),
            _ => None,
        }
    }

    /// The same of a column that is never NULL.
    pub(super) fn info_without_null(self) -> Vec<u8> {
        self.without_null().map_or_else(|| self.info(), |code| vec![code])
    }

    /// The value of such a column as it stands in a row.
    pub(super) fn encode_without_null(self, value: &Value) -> Vec<u8> {
        let mut encoded = self.encode(value);
        if self.without_null().is_some() {
            assert_ne!(value, &Value::Null, "it never is");
            encoded.remove(0);
        }
        encoded
    }

    /// The value as it stands in a row.
    pub(super) fn encode(self, value: &Value) -> Vec<u8> {
        let is_long = matches!(
            self,
            Self::NVarChar(None) | Self::VarChar(None) | Self::VarBinary(None) | Self::Xml
        );
        let is_text = matches!(self, Self::NVarChar(_) | Self::VarChar(_) | Self::VarBinary(_));
        let Some(bytes) = self.bytes(value) else {
            return match (is_long, is_text) {
                (true, _) => vec![0xff; 8],
                (_, true) => vec![0xff; 2],
                _ => vec![0],
            };
        };
        if is_long {
            // PLP: of unknown length, in chunks that split characters.
            let mut out = 0xffff_ffff_ffff_fffe_u64.to_le_bytes().to_vec();
            for chunk in bytes.chunks(1001) {
                out.extend_from_slice(&u32::try_from(chunk.len()).expect("short").to_le_bytes());
                out.extend_from_slice(chunk);
            }
            out.extend_from_slice(&[0; 4]);
            return out;
        }
        if is_text {
            let length = u16::try_from(bytes.len()).expect("at most 8000 bytes");
            return [&length.to_le_bytes()[..], &bytes].concat();
        }
        [&[u8::try_from(bytes.len()).expect("short")], &bytes[..]].concat()
    }

    fn bytes(self, value: &Value) -> Option<Vec<u8>> {
        let int = |length: usize, number: i64| number.to_le_bytes()[..length].to_vec();
        Some(match (self, value) {
            (_, Value::Null) => return None,
            (Self::TinyInt | Self::Bit, Value::Int(n)) => int(1, *n),
            (Self::SmallInt, Value::Int(n)) => int(2, *n),
            (Self::Int, Value::Int(n)) => int(4, *n),
            (Self::BigInt, Value::Int(n)) => int(8, *n),
            #[expect(clippy::cast_possible_truncation, reason = "that is what real is")]
            (Self::Real, Value::Float(n)) => (*n as f32).to_le_bytes().to_vec(),
            (Self::Float, Value::Float(n)) => n.to_le_bytes().to_vec(),
            (Self::Decimal(..), Value::Decimal(n, _)) => {
                [&[u8::from(*n >= 0)], &n.unsigned_abs().to_le_bytes()[..]].concat()
            }
            // The high half first.
            (Self::Money, Value::Decimal(n, _)) => {
                let bytes = i64::try_from(*n).expect("money").to_le_bytes();
                [&bytes[4..], &bytes[..4]].concat()
            }
            (Self::SmallMoney, Value::Decimal(n, _)) => {
                i32::try_from(*n).expect("smallmoney").to_le_bytes().to_vec()
            }
            (Self::NVarChar(_) | Self::Xml, Value::Text(text)) => to_utf16(text),
            (Self::VarChar(_), Value::Text(text)) => text.chars().map(latin_1).collect(),
            (Self::VarBinary(_), Value::Bytes(bytes)) => bytes.clone(),
            (Self::Guid, Value::Bytes(bytes)) => bytes.clone(),
            (Self::Date, Value::Moment(days, ..)) => int(3, *days),
            (Self::Time(scale), Value::Moment(_, ticks, _)) => time(scale, *ticks),
            (Self::DateTime2(scale), Value::Moment(days, ticks, _)) => {
                [time(scale, *ticks), int(3, *days)].concat()
            }
            // In UTC, with the offset beside it.
            (Self::DateTimeOffset(scale), Value::Moment(days, ticks, offset)) => {
                let utc = days * TICKS_A_DAY + ticks - offset * 600_000_000;
                let (days, ticks) = (utc.div_euclid(TICKS_A_DAY), utc.rem_euclid(TICKS_A_DAY));
                [time(scale, ticks), int(3, days), int(2, *offset)].concat()
            }
            (Self::DateTime, Value::Moment(days, ticks, _)) => {
                // Three hundredths of a second.
                [int(4, days - DAYS_TO_1900), int(4, (ticks * 3 + 50_000) / 100_000)].concat()
            }
            (Self::SmallDateTime, Value::Moment(days, ticks, _)) => {
                [int(2, days - DAYS_TO_1900), int(2, ticks / 600_000_000)].concat()
            }
            (ty, value) => panic!("{value:?} is no {ty:?}"),
        })
    }
}

fn latin_1(character: char) -> u8 {
    // Windows-1252 has the Euro where Latin 1 has a control character.
    if character == '€' { 0x80 } else { u8::try_from(u32::from(character)).unwrap_or(b'?') }
}

fn time(scale: u8, ticks: i64) -> Vec<u8> {
    let unit = 10_i64.pow(u32::from(7 - scale));
    let length = match scale {
        0..=2 => 3,
        3 | 4 => 4,
        _ => 5,
    };
    (ticks / unit).to_le_bytes()[..length].to_vec()
}

/// A parameter of an RPC: TYPE_INFO and value (2.2.6.6).
pub(super) fn read_parameter(bytes: &mut Bytes<'_>) -> Result<(Type, Value)> {
    let code = bytes.u8()?;
    let small = |bytes: &mut Bytes<'_>| -> Result<(u8, Option<Vec<u8>>)> {
        let most = bytes.u8()?;
        let length = bytes.u8()?;
        if length > most {
            return Err(wrong(format!("a value of {length} bytes, where {most} is the most")));
        }
        Ok((most, (length > 0).then_some(bytes.take(length.into())?.to_vec())))
    };
    let number = |value: &Option<Vec<u8>>| value.as_ref().map(|bytes| little_endian(bytes));
    Ok(match code {
        0x26 => {
            let (most, value) = small(bytes)?;
            let ty = match most {
                1 => Type::TinyInt,
                2 => Type::SmallInt,
                4 => Type::Int,
                8 => Type::BigInt,
                other => return Err(wrong(format!("INTN of {other} bytes"))),
            };
            (ty, number(&value).map_or(Value::Null, Value::Int))
        }
        // Fixed lengths.
        0x30 | 0x34 | 0x38 | 0x7f => {
            let (length, ty) = match code {
                0x30 => (1, Type::TinyInt),
                0x34 => (2, Type::SmallInt),
                0x38 => (4, Type::Int),
                _ => (8, Type::BigInt),
            };
            (ty, Value::Int(little_endian(bytes.take(length)?)))
        }
        0x68 => {
            let (_, value) = small(bytes)?;
            (Type::Bit, number(&value).map_or(Value::Null, Value::Int))
        }
        0x6d => {
            let (_, value) = small(bytes)?;
            let value = match value.as_deref() {
                None => Value::Null,
                Some([a, b, c, d]) => Value::Float(f32::from_le_bytes([*a, *b, *c, *d]).into()),
                Some(bytes) => Value::Float(f64::from_le_bytes(
                    bytes.try_into().map_err(|_| wrong("FLTN of another length"))?,
                )),
            };
            (Type::Float, value)
        }
        0x6a | 0x6c => {
            let (most, precision, scale) = (bytes.u8()?, bytes.u8()?, bytes.u8()?);
            let length = bytes.u8()?;
            if length > most || precision > 38 || scale > precision {
                return Err(wrong("a decimal of an impossible size"));
            }
            let value = match bytes.take(length.into())? {
                [] => Value::Null,
                [sign, digits @ ..] => {
                    let digits =
                        digits.iter().rev().fold(0_i128, |n, byte| n << 8 | i128::from(*byte));
                    Value::Decimal(if *sign == 0 { -digits } else { digits }, scale)
                }
            };
            (Type::Decimal(precision, scale), value)
        }
        0xa5 | 0xad => {
            let (length, value) = long(bytes, 0)?;
            (Type::VarBinary(length), value.map_or(Value::Null, Value::Bytes))
        }
        0xa7 | 0xaf => {
            let (length, value) = long(bytes, 5)?;
            let text = value.map(|bytes| bytes.iter().map(|b| char::from(*b)).collect());
            (Type::VarChar(length), text.map_or(Value::Null, Value::Text))
        }
        0xe7 | 0xef => {
            let (length, value) = long(bytes, 5)?;
            let value = match value {
                None => Value::Null,
                Some(bytes) => Value::Text(utf16(&bytes)?),
            };
            (Type::NVarChar(length.map(|length| length / 2)), value)
        }
        other => return Err(wrong(format!("a parameter of type {other:#04x}"))),
    })
}

/// Of a type with 16 bits of length, or PLP.
fn long(bytes: &mut Bytes<'_>, collation: usize) -> Result<(Option<u16>, Option<Vec<u8>>)> {
    let most = bytes.u16()?;
    bytes.take(collation)?;
    if most != 0xffff {
        if most > 8000 {
            return Err(wrong(format!("{most} bytes outside of PLP")));
        }
        return match bytes.u16()? {
            0xffff => Ok((Some(most), None)),
            length if length > most => {
                Err(wrong(format!("a value of {length} bytes, where {most} is the most")))
            }
            length => Ok((Some(most), Some(bytes.take(length.into())?.to_vec()))),
        };
    }
    let total = bytes.u64()?;
    if total == u64::MAX {
        return Ok((None, None));
    }
    let mut value = Vec::new();
    loop {
        let length = bytes.u32()? as usize;
        if length == 0 {
            break;
        }
        value.extend_from_slice(bytes.take(length)?);
    }
    if total != u64::MAX - 1 && total != value.len() as u64 {
        return Err(wrong(format!("PLP of {total} bytes that has {}", value.len())));
    }
    Ok((None, Some(value)))
}

/// With its sign, but for the one byte that has none.
fn little_endian(bytes: &[u8]) -> i64 {
    let number = bytes.iter().rev().fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    match bytes.len() {
        2 => i64::from(number.cast_signed() as i16),
        4 => i64::from(number.cast_signed() as i32),
        _ => number.cast_signed(),
    }
}

/// `YYYY-MM-DD[ hh:mm[:ss[.fffffff]][ ±hh:mm]]`, or the time alone.
pub(super) fn moment(text: &str) -> Option<Value> {
    let text = text.trim().replace('T', " ");
    let (date, rest) = match text.split_once(' ') {
        Some((date, rest)) => (Some(date.to_owned()), rest.to_owned()),
        None if text.contains('-') && !text.contains(':') => (Some(text.clone()), String::new()),
        None => (None, text.clone()),
    };
    let days = match date {
        None => DAYS_TO_1900,
        Some(date) => {
            let mut parts = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
            days(parts.next()??, parts.next()??, parts.next()??)?
        }
    };
    let rest = rest.trim();
    let (time, offset) = match rest.rfind(['+', '-']) {
        Some(at) => {
            let (hours, minutes) = rest[at + 1..].split_once(':')?;
            let offset = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            (rest[..at].trim(), if rest[at..].starts_with('-') { -offset } else { offset })
        }
        None => (rest, 0),
    };
    let mut ticks = 0;
    if !time.is_empty() {
        let (whole, fraction) = time.split_once('.').unwrap_or((time, ""));
        let mut parts = whole.split(':').map(|part| part.parse::<i64>().ok());
        let (hours, minutes) = (parts.next()??, parts.next()??);
        let seconds = parts.next().unwrap_or(Some(0))?;
        let fraction: i64 = format!("{fraction:0<7}").get(..7)?.parse().ok()?;
        ticks = (hours * 3600 + minutes * 60 + seconds) * 10_000_000 + fraction;
    }
    Some(Value::Moment(days, ticks, offset))
}

fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = |year: i64| (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let before = year - 1;
    let mut days = before * 365 + before / 4 - before / 100 + before / 400;
    let months = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if !(1..=12).contains(&month) || day < 1 || day > months[usize::try_from(month).ok()? - 1] {
        return None;
    }
    days += months[..usize::try_from(month).ok()? - 1].iter().sum::<i64>() + day - 1;
    Some(days)
}
