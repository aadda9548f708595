//! Kerberos times: whole seconds on the wire (`GeneralizedTime`), with microseconds beside them.

use core::fmt;

/// KerberosTime (RFC 4120 section 5.2.3): whole seconds since 1970-01-01T00:00:00Z.
///
/// The wire form `YYYYMMDDHHMMSSZ` covers the years 0000 to 9999; [`KerberosTime::from_unix`]
/// clamps to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct KerberosTime(i64);

const YEAR_0: i64 = -62_167_219_200;
const YEAR_9999_END: i64 = 253_402_300_799;

impl KerberosTime {
    /// Seconds since the epoch, clamped to the years 0000 to 9999.
    #[must_use]
    pub const fn from_unix(seconds: i64) -> Self {
        if seconds < YEAR_0 {
            Self(YEAR_0)
        } else if seconds > YEAR_9999_END {
            Self(YEAR_9999_END)
        } else {
            Self(seconds)
        }
    }

    /// Seconds since the epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }

    /// This time moved by `seconds`.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// The fifteen bytes `YYYYMMDDHHMMSSZ`.
    #[must_use]
    pub fn to_generalized(self) -> [u8; 15] {
        // From the year 0 on, so that nothing is negative.
        let seconds = (self.0 - YEAR_0) as u64;
        let (year, month, day) = civil_from_days((seconds / 86_400) as u32);
        let second_of_day = (seconds % 86_400) as u32;
        let (minute_of_day, second) = (second_of_day / 60, second_of_day % 60);
        let mut out = *b"00000000000000Z";
        let numbers =
            [year / 100, year % 100, month, day, minute_of_day / 60, minute_of_day % 60, second];
        for (out, number) in out.as_chunks_mut().0.iter_mut().zip(numbers) {
            *out = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        }
        out
    }

    /// Reads `YYYYMMDDHHMMSSZ`; `None` if it is not exactly a valid time of that form. A leap
    /// second (`60`) is refused: no KDC sends one and it has no place in seconds since the epoch.
    #[must_use]
    pub fn from_generalized(text: &[u8]) -> Option<Self> {
        let text: &[u8; 15] = text.try_into().ok()?;
        let (date, _) = text.split_first_chunk()?;
        let (day_and_time, [b'Z']) = text.split_last_chunk()? else { return None };
        let [century, year, month, day] = two_digit_numbers(*date)?;
        let [_, hour, minute, second] = two_digit_numbers(*day_and_time.last_chunk()?)?;
        let year = century * 100 + year;
        if !(1..=12).contains(&month)
            || day < 1
            || day > 28 && day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return None;
        }
        let days = i64::from(days_from_civil(year, month, day));
        let second_of_day = i64::from((hour * 60 + minute) * 60 + second);
        Some(Self(YEAR_0 + days * 86_400 + second_of_day))
    }
}

/// The numbers that eight digits are when they are read in pairs; all eight at once, as the bytes
/// of one word.
fn two_digit_numbers(text: [u8; 8]) -> Option<[u32; 4]> {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let digits = u64::from_le_bytes(text) ^ (EACH * 0x30);
    // Only from a digit nothing reaches the high nibble, not even with 6 added. What another octet
    // may carry into its neighbour does not matter any more.
    if (digits | digits.wrapping_add(EACH * 6)) & (EACH * 0xf0) != 0 {
        return None;
    }
    // The digit that comes first is the lower byte of its pair.
    let pairs = digits * 10 + (digits >> 8);
    let [a, _, b, _, c, _, d, _] = pairs.to_le_bytes();
    Some([a, b, c, d].map(u32::from))
}

impl fmt::Display for KerberosTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = self.to_generalized();
        let t = core::str::from_utf8(&t).unwrap_or("?");
        let (d, c) = (&t[..8], &t[8..14]);
        write!(f, "{}-{}-{}T{}:{}:{}Z", &d[..4], &d[4..6], &d[6..], &c[..2], &c[2..4], &c[4..])
    }
}

impl fmt::Debug for KerberosTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A point in time with microseconds, as authenticators and PA-ENC-TIMESTAMP carry it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Timestamp {
    /// Whole seconds.
    pub seconds: KerberosTime,
    /// 0 to 999 999.
    pub microseconds: u32,
}

impl Timestamp {
    /// Seconds and microseconds since the epoch; surplus microseconds are cut to 999 999.
    #[must_use]
    pub const fn new(seconds: i64, microseconds: u32) -> Self {
        let microseconds = if microseconds > 999_999 { 999_999 } else { microseconds };
        Self { seconds: KerberosTime::from_unix(seconds), microseconds }
    }

    /// This time moved by whole seconds.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self { seconds: self.seconds.plus_seconds(seconds), microseconds: self.microseconds }
    }
}

const fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(if year.is_multiple_of(100) { 400 } else { 4 }) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 0000-03-01, less 400 years, to 0000-01-01. The proleptic Gregorian calendar is
/// simplest with March as the first month, and one cycle of 400 years more leaves nothing negative.
const TO_YEAR_0: u32 = 146_097 - 60;

/// Days since 0000-01-01.
const fn days_from_civil(year: u32, month: u32, day: u32) -> u32 {
    let (year, month) = if month <= 2 { (year + 399, month + 9) } else { (year + 400, month - 3) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - TO_YEAR_0
}

/// Year, month and day from days since 0000-01-01.
const fn civil_from_days(days: u32) -> (u32, u32, u32) {
    let days = days + TO_YEAR_0;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = year_of_era + era * 400;
    if month < 10 { (year - 400, month + 3, day) } else { (year - 399, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times() {
        for (unix, text) in [
            (0, b"19700101000000Z"),
            (771_228_197, b"19940610060317Z"), // the time in MIT's reference encodings
            (951_782_400, b"20000229000000Z"),
            (4_102_444_799, b"20991231235959Z"),
            (YEAR_9999_END, b"99991231235959Z"),
            (YEAR_0, b"00000101000000Z"),
        ] {
            assert_eq!(&KerberosTime::from_unix(unix).to_generalized(), text);
            assert_eq!(KerberosTime::from_generalized(text), Some(KerberosTime(unix)));
        }
    }

    /// Two cycles of the calendar, day by day, by counting.
    #[test]
    fn every_day_follows_the_one_before() {
        let (mut year, mut month, mut day) = (0, 1, 1);
        for days in 0..2 * 146_097 {
            assert_eq!(civil_from_days(days), (year, month, day));
            assert_eq!(days_from_civil(year, month, day), days);
            day += 1;
            if day > days_in_month(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }

    #[test]
    fn every_octet_but_the_right_ones_is_refused() {
        for at in 0..15 {
            for octet in 0..=255 {
                let mut text = *b"20011231235959Z";
                text[at] = octet;
                let parsed = KerberosTime::from_generalized(&text);
                let acceptable = if at == 14 { octet == b'Z' } else { octet.is_ascii_digit() };
                assert!(acceptable || parsed.is_none(), "{octet:#04x} at {at}");
                if let Some(parsed) = parsed {
                    assert_eq!(parsed.to_generalized(), text);
                }
            }
        }
    }

    #[test]
    fn impossible_times_are_refused() {
        for text in [
            &b"20230229000000Z"[..],
            b"20231301000000Z",
            b"20230100000000Z",
            b"20230101240000Z",
            b"20230101006000Z",
            b"20230101000060Z",
            b"20230101000000",
            b"20230101000000z",
            b"202301010000.0Z",
            b"2023010100000:Z",
        ] {
            assert_eq!(KerberosTime::from_generalized(text), None);
        }
    }
}
