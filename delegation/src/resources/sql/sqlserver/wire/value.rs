//! Values as JSON, by what the wire says they are.
//!
//! | type | JSON |
//! |---|---|
//! | `bit` | true, false |
//! | `tinyint`, `smallint`, `int` | a number |
//! | `bigint`, `decimal`, `numeric`, `money`, `smallmoney` | text, always, with every digit |
//! | `real`, `float` | a number |
//! | dates and times | ISO 8601, with as many digits as the type has; `datetimeoffset` as it was written, with its offset |
//! | `binary`, `varbinary`, `image`, CLR types, `rowversion` | base64 |
//! | `uniqueidentifier` | text as SQL Server writes it |
//! | anything else (`xml`, and `json` and `vector`, which come as text) | text |

use std::borrow::Cow;

use base64ct::{Base64, Encoding};
use serde_json::Value;

use super::column::{Described, Kind, Length, Type, read_type};
use super::cursor::{Cursor, Unread, utf16};

/// The values of a row, none of them made yet.
pub(in super::super) struct Raw<'a>(Vec<Option<Cow<'a, [u8]>>>);

/// Reads a row behind its token.
pub(in super::super) fn row<'a>(
    columns: &[Described],
    nulls: bool,
    cursor: &mut Cursor<'a>,
) -> Result<Raw<'a>, Unread> {
    let bitmap = if nulls { cursor.take(columns.len().div_ceil(8))? } else { &[] };
    let is_null = |at: usize| bitmap.get(at / 8).is_some_and(|byte| byte >> (at % 8) & 1 == 1);
    let values = columns.iter().enumerate().map(|(at, column)| match is_null(at) {
        true => Ok(None),
        false => raw(&column.ty, cursor),
    });
    values.collect::<Result<_, _>>().map(Raw)
}

impl Raw<'_> {
    /// How many bytes its values have.
    pub(in super::super) fn len(&self) -> usize {
        self.0.iter().flatten().map(|value| value.len()).sum()
    }

    /// As JSON.
    pub(in super::super) fn values(&self, columns: &[Described]) -> Result<Vec<Value>, Unread> {
        let value = |(column, raw): (&Described, &Option<Cow<'_, [u8]>>)| match raw {
            None => Ok(Value::Null),
            Some(bytes) => value(column.ty.kind, bytes),
        };
        columns.iter().zip(&self.0).map(value).collect()
    }
}

/// A value's bytes; `None` is NULL.
pub(super) fn raw<'a>(ty: &Type, cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, [u8]>>, Unread> {
    let some = |bytes: &'a [u8]| Ok(Some(Cow::Borrowed(bytes)));
    match ty.length {
        Length::Fixed(0) => Ok(None),
        Length::Fixed(length) => some(cursor.take(length)?),
        Length::Byte => match cursor.u8()? {
            0 => Ok(None),
            length => some(cursor.take(length.into())?),
        },
        Length::Short => match cursor.u16()? {
            0xffff => Ok(None),
            length => some(cursor.take(length.into())?),
        },
        Length::Long => match cursor.u32()? {
            0 => Ok(None),
            length => some(cursor.take(length as usize)?),
        },
        Length::Pointer => match cursor.u8()? {
            0 => Ok(None),
            pointer => {
                cursor.take(usize::from(pointer) + 8)?;
                let length = cursor.u32()? as usize;
                some(cursor.take(length)?)
            }
        },
        Length::Chunks => chunks(cursor),
    }
}

/// Of a length that may not be known beforehand, which no allocation goes by.
fn chunks<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Cow<'a, [u8]>>, Unread> {
    const NULL: u64 = u64::MAX;
    const UNKNOWN: u64 = u64::MAX - 1;
    let total = cursor.u64()?;
    if total == NULL {
        return Ok(None);
    }
    // Looked over first: until all of it is there nothing is copied.
    let mut ahead = *cursor;
    let mut length = 0_usize;
    let mut count = 0_usize;
    loop {
        let chunk = ahead.u32()? as usize;
        if chunk == 0 {
            break;
        }
        ahead.take(chunk)?;
        (length, count) = (length + chunk, count + 1);
    }
    if total != UNKNOWN && total != length as u64 {
        return Err(Unread::Wrong("a long value has another length than it says"));
    }
    let value = if count == 1 {
        cursor.u32()?;
        Cow::Borrowed(cursor.take(length)?)
    } else {
        let mut value = Vec::with_capacity(length);
        for _ in 0..count {
            let chunk = cursor.u32()? as usize;
            value.extend_from_slice(cursor.take(chunk)?);
        }
        Cow::Owned(value)
    };
    cursor.u32()?;
    Ok(Some(value))
}

const MISFIT: Unread = Unread::Wrong("a value does not have the length of its type");

fn value(kind: Kind, bytes: &[u8]) -> Result<Value, Unread> {
    Ok(match kind {
        Kind::Null => Value::Null,
        Kind::Bit => match bytes {
            [bit] => (*bit != 0).into(),
            _ => return Err(MISFIT),
        },
        Kind::Int => match *bytes {
            [tiny] => tiny.into(),
            [a, b] => i16::from_le_bytes([a, b]).into(),
            [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
            // Readers of JSON round what is above 2^53; always, since a column is of one type.
            _ => i64::from_le_bytes(fixed(bytes)?).to_string().into(),
        },
        Kind::Float => match *bytes {
            // The shortest number that is this one and no other of 32 bits.
            [a, b, c, d] => {
                let value = f32::from_le_bytes([a, b, c, d]);
                value.to_string().parse::<f64>().unwrap_or(value.into()).into()
            }
            _ => f64::from_le_bytes(fixed(bytes)?).into(),
        },
        Kind::Money => match *bytes {
            [a, b, c, d] => scaled(i32::from_le_bytes([a, b, c, d]).into(), 4),
            // Its high half comes first.
            [a, b, c, d, e, f, g, h] => {
                scaled(i64::from_le_bytes([e, f, g, h, a, b, c, d]).into(), 4)
            }
            _ => return Err(MISFIT),
        }
        .into(),
        Kind::Decimal { scale } => decimal(bytes, scale)?.into(),
        Kind::Guid => guid(fixed(bytes)?).into(),
        Kind::Date => date(days(bytes)?).into(),
        Kind::Time { scale } => time(bytes, scale)?.into(),
        Kind::DateTime2 { scale } => {
            let (clock, day) = split(bytes, 3)?;
            format!("{}T{}", date(days(day)?), time(clock, scale)?).into()
        }
        Kind::DateTimeOffset { scale } => offset(bytes, scale)?.into(),
        Kind::DateTime => old_date_time(bytes)?.into(),
        Kind::Unicode | Kind::Xml => utf16(bytes).into(),
        Kind::Text { collation } => match collation.encoding() {
            _ if collation.is_utf8() => String::from_utf8_lossy(bytes).into_owned().into(),
            Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned().into(),
            None if bytes.is_ascii() => String::from_utf8_lossy(bytes).into_owned().into(),
            None => return Err(Unread::Wrong("a text is in a code page that is not known here")),
        },
        Kind::Binary | Kind::Udt => Base64::encode_string(bytes).into(),
        Kind::Variant => variant(bytes)?,
    })
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Unread> {
    bytes.try_into().map_err(|_| MISFIT)
}

fn split(bytes: &[u8], last: usize) -> Result<(&[u8], &[u8]), Unread> {
    bytes.len().checked_sub(last).map(|at| bytes.split_at(at)).ok_or(MISFIT)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// An unscaled number with so many digits behind the point.
fn scaled(unscaled: i128, scale: u8) -> String {
    let sign = if unscaled < 0 { "-" } else { "" };
    digits(sign, unscaled.unsigned_abs(), scale)
}

fn digits(sign: &str, unscaled: u128, scale: u8) -> String {
    let scale = usize::from(scale);
    let text = format!("{unscaled:0>width$}", width = scale + 1);
    let (whole, fraction) = text.split_at(text.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn decimal(bytes: &[u8], scale: u8) -> Result<String, Unread> {
    let [sign, magnitude @ ..] = bytes else { return Err(MISFIT) };
    if magnitude.len() > 16 {
        return Err(MISFIT);
    }
    let unscaled = magnitude.iter().rev().fold(0_u128, |n, byte| n << 8 | u128::from(*byte));
    Ok(digits(if *sign == 0 && unscaled != 0 { "-" } else { "" }, unscaled, scale))
}

/// The first three groups are numbers, little-endian.
fn guid(bytes: [u8; 16]) -> String {
    let order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
    let hex: String = order.iter().map(|at| format!("{:02X}", bytes[*at])).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The last of December of the year 9999.
const LAST_DAY: u32 = 3_652_058;

/// Days since the first of January of the year 1.
fn days(bytes: &[u8]) -> Result<i64, Unread> {
    let [a, b, c] = fixed(bytes)?;
    match u32::from_le_bytes([a, b, c, 0]) {
        days @ ..=LAST_DAY => Ok(days.into()),
        _ => Err(Unread::Wrong("a date is after the year 9999")),
    }
}

/// Howard Hinnant's civil_from_days, over eras of 400 years that begin in March.
fn date(days: i64) -> String {
    let days = days + 306;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

const TICKS_A_SECOND: u64 = 10_000_000;
const TICKS_A_DAY: i64 = 864_000_000_000;

/// In units of 100 ns.
fn ticks(bytes: &[u8], scale: u8) -> Result<u64, Unread> {
    if !(3..=5).contains(&bytes.len()) {
        return Err(MISFIT);
    }
    let ticks = number(bytes) * 10_u64.pow(u32::from(7 - scale.min(7)));
    if ticks >= TICKS_A_DAY.unsigned_abs() {
        return Err(Unread::Wrong("a time is longer than a day"));
    }
    Ok(ticks)
}

fn clock(ticks: u64, scale: u8) -> String {
    let seconds = ticks / TICKS_A_SECOND;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let whole = format!("{hour:02}:{minute:02}:{second:02}");
    if scale == 0 {
        return whole;
    }
    let fraction = format!("{:07}", ticks % TICKS_A_SECOND);
    format!("{whole}.{}", &fraction[..usize::from(scale.min(7))])
}

fn time(bytes: &[u8], scale: u8) -> Result<String, Unread> {
    Ok(clock(ticks(bytes, scale)?, scale))
}

/// UTC, and the offset to what was written (2.2.5.5.1.9).
fn offset(bytes: &[u8], scale: u8) -> Result<String, Unread> {
    let (moment, minutes) = split(bytes, 2)?;
    let (of_day, day) = split(moment, 3)?;
    let minutes = i64::from(i16::from_le_bytes(fixed(minutes)?));
    if !(-14 * 60..=14 * 60).contains(&minutes) {
        return Err(Unread::Wrong("an offset is longer than fourteen hours"));
    }
    // Below 2^63 by far.
    #[expect(clippy::cast_possible_wrap, reason = "less than a day")]
    let utc = days(day)? * TICKS_A_DAY + ticks(of_day, scale)? as i64;
    let local = utc + minutes * 600_000_000;
    let (day, of_day) = (local.div_euclid(TICKS_A_DAY), local.rem_euclid(TICKS_A_DAY));
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    let clock = clock(of_day.unsigned_abs(), scale);
    Ok(format!("{}T{clock}{sign}{hours:02}:{minutes:02}", date(day)))
}

/// From the year 1 to 1900.
const DAYS_TO_1900: i64 = 693_595;

/// `datetime` in thirds of ten milliseconds, `smalldatetime` in minutes.
fn old_date_time(bytes: &[u8]) -> Result<String, Unread> {
    let (day, milliseconds, scale) = match *bytes {
        [a, b, c, d] => {
            let minutes = u64::from(u16::from_le_bytes([c, d]));
            (i64::from(u16::from_le_bytes([a, b])), minutes * 60_000, 0)
        }
        [a, b, c, d, e, f, g, h] => {
            let thirds = u64::from(u32::from_le_bytes([e, f, g, h]));
            (i64::from(i32::from_le_bytes([a, b, c, d])), (thirds * 10 + 1) / 3, 3)
        }
        _ => return Err(MISFIT),
    };
    if milliseconds >= 86_400_000 {
        return Err(Unread::Wrong("a time is longer than a day"));
    }
    Ok(format!("{}T{}", date(day + DAYS_TO_1900), clock(milliseconds * 10_000, scale)))
}

/// `sql_variant` (2.2.5.5.3): a type, what it has beside that, and a value that fills the rest.
fn variant(bytes: &[u8]) -> Result<Value, Unread> {
    const WRONG: Unread = Unread::Wrong("a sql_variant does not hold what it says");
    let mut cursor = Cursor::new(bytes);
    let code = cursor.u8().map_err(|_| WRONG)?;
    let properties = cursor.b_bytes().map_err(|_| WRONG)?;
    let content = cursor.take(cursor.left())?;
    // The same description as a column has: a length before what a variant has, but for the
    // collation, which comes behind it there.
    let described = match (code, properties) {
        (0xa5 | 0xad, [a, b]) => vec![code, *a, *b],
        (0xa7 | 0xaf | 0xe7 | 0xef, [collation @ .., a, b]) => {
            [&[code, *a, *b], collation].concat()
        }
        (0x6a | 0x6c, [precision, scale]) => vec![code, 17, *precision, *scale],
        (0x24, []) => vec![code, 16],
        (0x29..=0x2b, [scale]) => vec![code, *scale],
        (_, []) => vec![code],
        _ => return Err(WRONG),
    };
    let ty = read_type(&mut Cursor::new(&described)).map_err(|_| WRONG)?;
    match ty.kind {
        Kind::Variant => Err(WRONG),
        kind => value(kind, content),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn money_and_decimals_keep_every_digit() {
        let money = |n: i64| {
            let bytes = n.to_le_bytes();
            value(Kind::Money, &[&bytes[4..], &bytes[..4]].concat()).unwrap()
        };
        assert_eq!(money(i64::MAX), "922337203685477.5807");
        assert_eq!(money(i64::MIN), "-922337203685477.5808");
        assert_eq!(money(-1), "-0.0001");
        assert_eq!(money(0), "0.0000");
        let small = value(Kind::Money, &(-2_147_483_648_i32).to_le_bytes()).unwrap();
        assert_eq!(small, "-214748.3648");
        let decimal = |sign, unscaled: u128, scale| {
            let bytes = [&[sign][..], &unscaled.to_le_bytes()].concat();
            value(Kind::Decimal { scale }, &bytes).unwrap()
        };
        assert_eq!(decimal(0, 10_u128.pow(38) - 1, 10), "-9999999999999999999999999999.9999999999");
        assert_eq!(decimal(1, 5, 3), "0.005");
        assert_eq!(decimal(0, 0, 0), "0");
    }

    #[test]
    fn a_bigint_is_text_whatever_it_is() {
        for (number, text) in [(1_i64, "1"), (9_007_199_254_740_993, "9007199254740993")] {
            assert_eq!(value(Kind::Int, &number.to_le_bytes()).unwrap(), text);
        }
        assert_eq!(value(Kind::Int, &[255]).unwrap(), json!(255));
        assert_eq!(value(Kind::Int, &[0, 0x80]).unwrap(), json!(-32768));
    }

    #[test]
    fn dates_are_right_over_all_their_range() {
        for (days, text) in [
            (0, "0001-01-01"),
            (58, "0001-02-28"),
            (59, "0001-03-01"),
            (DAYS_TO_1900, "1900-01-01"),
            (738_944, "2024-02-29"),
            (738_945, "2024-03-01"),
            (3_652_058, "9999-12-31"),
        ] {
            assert_eq!(date(days), text);
        }
    }

    #[test]
    fn an_offset_is_that_of_what_was_written_and_the_time_its_local_one() {
        // 00:10 of the first of March at +05:30 is 18:40 of the day before in UTC.
        let utc: u64 = (18 * 3600 + 40 * 60) * TICKS_A_SECOND + 1_234_567;
        let bytes = |minutes: i16| {
            let day = 738_944_u32.to_le_bytes();
            [&utc.to_le_bytes()[..5], &day[..3], &minutes.to_le_bytes()].concat()
        };
        let kind = Kind::DateTimeOffset { scale: 7 };
        assert_eq!(value(kind, &bytes(330)).unwrap(), "2024-03-01T00:10:00.1234567+05:30");
        assert_eq!(value(kind, &bytes(-210)).unwrap(), "2024-02-29T15:10:00.1234567-03:30");
        assert_eq!(value(kind, &bytes(0)).unwrap(), "2024-02-29T18:40:00.1234567+00:00");
        assert!(value(kind, &bytes(841)).is_err());
    }

    #[test]
    fn old_times_have_their_three_hundredths() {
        let old = |thirds: u32| {
            let bytes = [&45_350_i32.to_le_bytes()[..], &thirds.to_le_bytes()].concat();
            value(Kind::DateTime, &bytes).unwrap()
        };
        // As SQL Server shows them: .000, .003, .007.
        assert_eq!(old(0), "2024-03-01T00:00:00.000");
        assert_eq!(old(1), "2024-03-01T00:00:00.003");
        assert_eq!(old(2), "2024-03-01T00:00:00.007");
        assert_eq!(old(25_919_999), "2024-03-01T23:59:59.997");
    }

    #[test]
    fn values_of_any_length_are_read_or_refused() {
        let kinds = [
            Kind::Bit,
            Kind::Int,
            Kind::Float,
            Kind::Money,
            Kind::DateTime,
            Kind::Decimal { scale: 38 },
            Kind::Guid,
            Kind::Date,
            Kind::Time { scale: 7 },
            Kind::DateTime2 { scale: 0 },
            Kind::DateTimeOffset { scale: 7 },
            Kind::Unicode,
            Kind::Binary,
            Kind::Variant,
        ];
        for kind in kinds {
            for length in 0..40 {
                for fill in [0, 1, 0x6c, 0xa7, 0xff] {
                    let _ = value(kind, &vec![fill; length]);
                }
            }
        }
    }

    #[test]
    fn long_values_come_in_chunks_that_split_characters() {
        let ty = read_type(&mut Cursor::new(&[0xe7, 0xff, 0xff, 9, 4, 0xd0, 0, 0x34])).unwrap();
        let text: Vec<u8> = "a😀b".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for total in [u64::MAX - 1, text.len() as u64] {
            let mut bytes = total.to_le_bytes().to_vec();
            for chunk in text.chunks(3) {
                bytes.extend_from_slice(&u32::try_from(chunk.len()).unwrap().to_le_bytes());
                bytes.extend_from_slice(chunk);
            }
            bytes.extend_from_slice(&[0; 4]);
            let mut cursor = Cursor::new(&bytes);
            let found = raw(&ty, &mut cursor).unwrap().unwrap();
            assert_eq!((value(ty.kind, &found).unwrap(), cursor.left()), ("a😀b".into(), 0));
            for length in 0..bytes.len() {
                let found = raw(&ty, &mut Cursor::new(&bytes[..length]));
                assert!(matches!(found, Err(Unread::Short)), "{length}");
            }
        }
        let mut other = 7_u64.to_le_bytes().to_vec();
        other.extend_from_slice(&[1, 0, 0, 0, b'a', 0, 0, 0, 0]);
        assert!(matches!(raw(&ty, &mut Cursor::new(&other)), Err(Unread::Wrong(_))));
    }

    #[test]
    fn a_variant_is_what_it_holds() {
        let text: Vec<u8> = "é".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let of_text = [&[0xe7, 7, 9, 4, 0xd0, 0, 0x34, 100, 0][..], &text].concat();
        assert_eq!(variant(&of_text).unwrap(), "é");
        assert_eq!(variant(&[0x38, 0, 5, 0, 0, 0]).unwrap(), json!(5));
        assert_eq!(variant(&[0x6c, 2, 5, 2, 1, 57, 48, 0, 0]).unwrap(), "123.45");
        assert_eq!(variant(&[0x2a, 1, 0, 0, 0, 0, 0, 0, 0]).unwrap(), "0001-01-01T00:00:00");
        assert!(variant(&[0x62, 0, 1]).is_err());
    }
}
