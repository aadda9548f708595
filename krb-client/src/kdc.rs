//! Which KDCs a realm has, and how far each one's clock is from ours.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use crate::{ResolveError, Resolver};

/// The furthest a KDC's clock may be from ours for its word to be taken: beyond that, somebody's
/// clock has to be mended.
const MAX_OFFSET_SECONDS: i64 = 30 * 60;

/// Where a realm's KDCs are found.
#[derive(Clone)]
pub enum KdcSource {
    /// These, in this order.
    Addresses(Vec<SocketAddr>),
    /// These hosts and ports, in this order, through a resolver.
    Hosts(Vec<(String, u16)>, Resolver),
    /// Those that DNS lists under `_kerberos._tcp.REALM` (RFC 4120 section 7.2.3.2).
    Dns(Resolver),
}

impl KdcSource {
    /// The KDCs of a realm, in the order of preference; never an empty list.
    pub(crate) async fn kdcs(&self, realm: &str) -> Result<Vec<SocketAddr>, ResolveError> {
        let (hosts, resolver) = match self {
            Self::Addresses(addresses) if addresses.is_empty() => {
                let reason = "no KDC is configured".into();
                return Err(ResolveError { name: realm.into(), reason });
            }
            Self::Addresses(addresses) => return Ok(addresses.clone()),
            Self::Hosts(hosts, resolver) => (hosts.clone(), resolver),
            Self::Dns(resolver) => {
                (resolver.services(&format!("_kerberos._tcp.{realm}")).await?, resolver)
            }
        };
        let mut found = Vec::new();
        let mut error = None;
        for (host, port) in hosts {
            match resolver.addresses(&host).await {
                Ok(ips) => found.extend(ips.into_iter().map(|ip| SocketAddr::new(ip, port))),
                Err(failed) => error = Some(failed),
            }
        }
        match error {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }
}

/// What was learnt of each KDC's clock.
#[derive(Default)]
pub(crate) struct Offsets(Mutex<HashMap<SocketAddr, i64>>);

impl Offsets {
    pub(crate) fn get(&self, kdc: SocketAddr) -> i64 {
        let offsets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        offsets.get(&kdc).copied().unwrap_or(0)
    }

    /// Remembers that a KDC's clock is `seconds` ahead. `false` if that is too much to follow.
    pub(crate) fn learn(&self, kdc: SocketAddr, seconds: i64) -> bool {
        if seconds.abs() > MAX_OFFSET_SECONDS {
            return false;
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(kdc, seconds);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_followed_for_half_an_hour_and_no_further() {
        let offsets = Offsets::default();
        let kdc: SocketAddr = "127.0.0.1:88".parse().unwrap();
        for (seconds, followed) in [(1799, true), (1800, true), (1801, false), (-1801, false)] {
            assert_eq!(offsets.learn(kdc, seconds), followed, "{seconds}");
        }
        assert_eq!(offsets.get(kdc), 1800, "the last one that was followed");
    }
}
