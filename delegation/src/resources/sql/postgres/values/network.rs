use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

/// Address families, as PostgreSQL numbers them everywhere.
const IPV4: u8 = 2;
const IPV6: u8 = 3;

/// `inet` and `cidr`: an `inet` of one address has no length behind it.
pub(super) fn address(bytes: &[u8]) -> Option<Value> {
    let (family, bits, is_cidr, address) = match bytes {
        [family, bits, is_cidr, _, address @ ..] => (*family, *bits, *is_cidr != 0, address),
        _ => return None,
    };
    let (address, all): (IpAddr, u8) = match family {
        IPV4 => (Ipv4Addr::from(super::fixed::<4>(address)?).into(), 32),
        IPV6 => (Ipv6Addr::from(super::fixed::<16>(address)?).into(), 128),
        _ => return None,
    };
    let is_one = bits == all && !is_cidr;
    (bits <= all)
        .then(|| if is_one { address.to_string() } else { format!("{address}/{bits}") }.into())
}
