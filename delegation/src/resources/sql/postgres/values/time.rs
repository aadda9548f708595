//! Dates and times, in ISO 8601 as PostgreSQL writes it, with a `T` between date and time, and `Z` for
//! an instant. A year before Christ has ` BC` behind it.

use std::fmt::Write;

use serde_json::Value;

use super::fixed;

const MICROSECONDS: i64 = 1_000_000;
const DAY: i64 = 86_400 * MICROSECONDS;
/// From 1970-01-01 to 2000-01-01, from which PostgreSQL counts.
const DAYS_TO_2000: i64 = 10_957;

/// `date`: days.
pub(super) fn date(bytes: &[u8]) -> Option<Value> {
    Some(match i32::from_be_bytes(fixed(bytes)?) {
        i32::MAX => "infinity".into(),
        i32::MIN => "-infinity".into(),
        days => {
            let (text, era) = day(days.into());
            format!("{text}{era}").into()
        }
    })
}

/// `timestamp`: microseconds, in no zone.
pub(super) fn timestamp(bytes: &[u8]) -> Option<Value> {
    instant(bytes, "")
}

/// `timestamptz`: microseconds, in UTC.
pub(super) fn timestamp_tz(bytes: &[u8]) -> Option<Value> {
    instant(bytes, "Z")
}

fn instant(bytes: &[u8], zone: &str) -> Option<Value> {
    Some(match i64::from_be_bytes(fixed(bytes)?) {
        i64::MAX => "infinity".into(),
        i64::MIN => "-infinity".into(),
        at => {
            let (text, era) = day(at.div_euclid(DAY));
            format!("{text}T{}{zone}{era}", clock(at.rem_euclid(DAY))).into()
        }
    })
}

/// `time`: microseconds of the day; 24:00:00 is one.
pub(super) fn time(bytes: &[u8]) -> Option<Value> {
    let at = i64::from_be_bytes(fixed(bytes)?);
    (0..=DAY).contains(&at).then(|| clock(at).into())
}

/// `timetz`: the same, and seconds west of Greenwich.
pub(super) fn time_tz(bytes: &[u8]) -> Option<Value> {
    let (at, west) = bytes.split_first_chunk::<8>()?;
    let (at, west) = (i64::from_be_bytes(*at), i32::from_be_bytes(fixed(west)?));
    if !(0..=DAY).contains(&at) {
        return None;
    }
    let sign = if west > 0 { '-' } else { '+' };
    let west = west.unsigned_abs();
    let mut zone = format!("{sign}{:02}:{:02}", west / 3600, west / 60 % 60);
    if west % 60 != 0 {
        write!(zone, ":{:02}", west % 60).ok()?;
    }
    Some(format!("{}{zone}", clock(at)).into())
}

/// `interval`: microseconds, days and months, each with its own sign.
pub(super) fn interval(bytes: &[u8]) -> Option<Value> {
    let bytes: [u8; 16] = fixed(bytes)?;
    let (time, rest) = bytes.split_first_chunk::<8>()?;
    let (days, months) = rest.split_first_chunk::<4>()?;
    let time = i64::from_be_bytes(*time);
    let (days, months) = (i32::from_be_bytes(*days), i32::from_be_bytes(fixed(months)?));
    match (time, days, months) {
        (i64::MAX, i32::MAX, i32::MAX) => return Some("infinity".into()),
        (i64::MIN, i32::MIN, i32::MIN) => return Some("-infinity".into()),
        _ => {}
    }
    let mut text = String::from("P");
    for (value, unit) in [(months / 12, 'Y'), (months % 12, 'M'), (days, 'D')] {
        if value != 0 {
            write!(text, "{value}{unit}").ok()?;
        }
    }
    if time != 0 {
        text.push('T');
    }
    let minutes = time / (60 * MICROSECONDS);
    for (value, unit) in [(minutes / 60, 'H'), (minutes % 60, 'M')] {
        if value != 0 {
            write!(text, "{value}{unit}").ok()?;
        }
    }
    let seconds = time % (60 * MICROSECONDS);
    if seconds != 0 {
        let sign = if seconds < 0 { "-" } else { "" };
        let seconds = seconds.unsigned_abs();
        let (whole, part) = (seconds / 1_000_000, seconds % 1_000_000);
        write!(text, "{sign}{whole}{}S", fraction(part)).ok()?;
    }
    Some(if text == "P" { "PT0S".into() } else { text.into() })
}

/// A day by its number from 2000-01-01, and what stands behind a year before the first.
fn day(days: i64) -> (String, &'static str) {
    // Of the civil calendar, in eras of 400 years from 0000-03-01.
    let days = days + DAYS_TO_2000 + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    // There is no year 0.
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

fn clock(at: i64) -> String {
    let seconds = at / MICROSECONDS;
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}{}", fraction((at % MICROSECONDS).unsigned_abs()))
}

/// Without the zeros at its end, and nothing if there are only those.
fn fraction(microseconds: u64) -> String {
    match microseconds {
        0 => String::new(),
        part => format!(".{part:06}").trim_end_matches('0').to_owned(),
    }
}
