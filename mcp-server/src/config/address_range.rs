use std::net::IpAddr;
use std::str::FromStr;

use serde::Deserialize;

/// Addresses that begin alike: `10.0.0.0/24`, or one: `10.0.0.5`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressRange {
    first: IpAddr,
    /// So many bits are the same.
    length: u32,
}

/// A text that is none.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0:?} is neither an address nor address/bits, for example 10.0.0.0/24")]
pub struct NoAddressRange(String);

impl AddressRange {
    /// Is it more than any one network, 10.0.0.0/8 or fc00::/7, which is as good as everybody?
    pub(super) const fn is_everywhere(&self) -> bool {
        self.length < if self.first.is_ipv4() { 8 } else { 7 }
    }

    /// Is it one of these?
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4()
            && (bits(address) ^ bits(self.first)).leading_zeros() >= self.length
    }
}

/// From the left.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for AddressRange {
    type Err = NoAddressRange;

    fn from_str(text: &str) -> Result<Self, NoAddressRange> {
        let range = || {
            let (first, length) = match text.split_once('/') {
                Some((first, length)) => (first, Some(length)),
                None => (text, None),
            };
            let first = first.parse::<IpAddr>().ok()?.to_canonical();
            let all = if first.is_ipv4() { 32 } else { 128 };
            let length = length.map_or(Some(all), |length| length.parse().ok())?;
            // Bits beyond the length would be a mistake: the wrong length, or the wrong address.
            let rest = bits(first).checked_shl(length).unwrap_or(0);
            (length <= all && rest == 0).then_some(Self { first, length })
        };
        range().ok_or_else(|| NoAddressRange(text.to_owned()))
    }
}

impl TryFrom<String> for AddressRange {
    type Error = NoAddressRange;

    fn try_from(text: String) -> Result<Self, NoAddressRange> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_what_begins_as_it_does() {
        for (range, address, holds) in [
            ("10.0.0.5", "10.0.0.5", true),
            ("10.0.0.5", "10.0.0.4", false),
            ("10.0.0.5", "::ffff:10.0.0.5", true),
            ("10.0.0.0/24", "10.0.0.255", true),
            ("10.0.0.0/24", "10.0.1.0", false),
            ("10.0.0.0/31", "10.0.0.1", true),
            ("10.0.0.0/31", "10.0.0.2", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "192.0.2.1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::1", "::1", true),
            ("::1", "127.0.0.1", false),
        ] {
            let parsed: AddressRange = range.parse().unwrap();
            assert_eq!(parsed.contains(address.parse().unwrap()), holds, "{range} {address}");
        }
        for (range, is_everywhere) in [
            ("0.0.0.0/0", true),
            ("128.0.0.0/1", true),
            ("10.0.0.0/7", true),
            ("10.0.0.0/8", false),
            ("::/0", true),
            ("2000::/3", true),
            ("fc00::/6", true),
            ("fc00::/7", false),
            ("::1", false),
        ] {
            assert_eq!(range.parse::<AddressRange>().unwrap().is_everywhere(), is_everywhere);
        }
        for none in ["", "x", "10.0.0", "10.0.0.0/33", "10.0.0.1/24", "::/129", "10.0.0.0/", "/8"] {
            assert!(none.parse::<AddressRange>().is_err(), "{none}");
        }
    }
}
