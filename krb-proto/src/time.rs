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
        let (days, rest) = (self.0.div_euclid(86_400), self.0.rem_euclid(86_400));
        let (year, month, day) = civil_from_days(days);
        let mut out = *b"00000000000000Z";
        let mut put = |at: usize, width: usize, mut value: i64| {
            for i in (at..at + width).rev() {
                out[i] = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(0, 4, year);
        put(4, 2, month);
        put(6, 2, day);
        put(8, 2, rest / 3600);
        put(10, 2, rest / 60 % 60);
        put(12, 2, rest % 60);
        out
    }

    /// Reads `YYYYMMDDHHMMSSZ`; `None` if it is not exactly a valid time of that form. A leap
    /// second (`60`) is refused: no KDC sends one and it has no place in seconds since the epoch.
    #[must_use]
    pub fn from_generalized(text: &[u8]) -> Option<Self> {
        let text: &[u8; 15] = text.try_into().ok()?;
        if text[14] != b'Z' {
            return None;
        }
        let mut bad = 0u8;
        let mut two = |at: usize| -> i64 {
            let (hi, lo) = (text[at].wrapping_sub(b'0'), text[at + 1].wrapping_sub(b'0'));
            bad |= u8::from(hi > 9) | u8::from(lo > 9);
            i64::from(hi) * 10 + i64::from(lo)
        };
        let year = two(0) * 100 + two(2);
        let (month, day) = (two(4), two(6));
        let (hour, minute, second) = (two(8), two(10), two(12));
        if bad != 0
            || !(1..=12).contains(&month)
            || day < 1
            || day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return None;
        }
        let days = days_from_civil(year, month, day);
        Some(Self(days * 86_400 + hour * 3600 + minute * 60 + second))
    }
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

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

// Proleptic Gregorian calendar with March as the first month, in 400-year eras.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
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
