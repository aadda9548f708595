use core::fmt;

use crate::KerberosTime;

/// FILETIME (MS-DTYP 2.3.3): units of 100 ns since 1601-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileTime(pub u64);

/// Units in a second.
const SECOND: u64 = 10_000_000;
/// Seconds from 1601 to 1970.
const TO_UNIX: i64 = 11_644_473_600;

impl FileTime {
    /// What stands where something never happens, such as the end of an account.
    pub const NEVER: Self = Self(0x7fff_ffff_ffff_ffff);

    /// The whole seconds; `None` for [`Self::NEVER`] and for 0, which says that there is no time.
    #[must_use]
    pub fn to_kerberos(self) -> Option<KerberosTime> {
        if self == Self::NEVER || self.0 == 0 {
            return None;
        }
        let seconds = i64::try_from(self.0 / SECOND).ok()?;
        Some(KerberosTime::from_unix(seconds - TO_UNIX))
    }
}

/// Times before 1601 become 0.
impl From<KerberosTime> for FileTime {
    fn from(time: KerberosTime) -> Self {
        let seconds = u64::try_from(time.unix() + TO_UNIX).unwrap_or_default();
        Self(seconds.saturating_mul(SECOND))
    }
}

impl fmt::Display for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_kerberos() {
            Some(time) => time.fmt(f),
            None if self.0 == 0 => f.write_str("none"),
            None => f.write_str("never"),
        }
    }
}

impl fmt::Debug for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn times_are_those_of_the_directory() {
        // MIT's t_pac.c: the authtime beside PAC_CLIENT_INFO's 0x01c58037ea286680.
        let time = KerberosTime::from_unix(1_120_440_609);
        assert_eq!(FileTime::from(time), FileTime(0x01c5_8037_ea28_6680));
        assert_eq!(FileTime(0x01c5_8037_ea28_6680).to_kerberos(), Some(time));
        assert_eq!(FileTime::from(KerberosTime::from_unix(i64::MIN)), FileTime(0));
        assert_eq!(FileTime::NEVER.to_kerberos(), None);
        assert_eq!(FileTime(0).to_string(), "none");
        assert_eq!(FileTime::NEVER.to_string(), "never");
        assert!(FileTime(u64::MAX).to_kerberos().is_some());
    }
}
