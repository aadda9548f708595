use alloc::vec::Vec;
use core::net::IpAddr;

use super::TgsArmor;
use crate::asn1::HostAddress;
use crate::iana::{EncType, KdcOptions};
use crate::{KerberosTime, crypto};

/// What kind of ticket to ask for. Replies are held to it: a ticket that may do more, or for longer,
/// than was asked is refused.
#[derive(Clone, Debug)]
pub struct TicketOptions {
    /// Enctypes for the session key, the preferred first; also the only ones accepted, and in a login
    /// the only ones of the client's own key. RC4, which is broken, is used where it is among them.
    pub enctypes: Vec<EncType>,
    /// Ask for a forwardable ticket. S4U2Self evidence that was not asked so is never usable for
    /// classic S4U2Proxy.
    pub forwardable: bool,
    /// Ask for a ticket that tickets for other addresses may be got with.
    pub proxiable: bool,
    /// From when the ticket shall be good (a postdated ticket, which is of no use until it
    /// [is validated](super::TgsGoal::Validate)); `None` for now.
    pub start: Option<KerberosTime>,
    /// Ask for a ticket that postdated ones may be got with.
    pub allow_postdate: bool,
    /// Life asked for, in seconds from its start.
    pub lifetime: i64,
    /// For how many seconds from its start the ticket shall be renewable, if it shall. No less than
    /// `lifetime` is asked for.
    pub renewable: Option<i64>,
    /// Where the KDC gives no life as long as asked, a ticket that may be renewed for so long will
    /// do.
    pub renewable_ok: bool,
    /// The only addresses that the ticket shall be good from; none for all.
    pub addresses: Vec<TicketAddress>,
    /// The KDC may answer with the name that it has for the client. Taken from a reply that nobody
    /// can have changed (RFC 6806 section 11, or FAST), in the realm that was asked last: a KDC may name
    /// another one that knows the client, too.
    pub canonicalize: bool,
    /// FAST in a TGS exchange.
    pub fast: TgsArmor,
}

impl Default for TicketOptions {
    /// Forwardable, ten hours from now, the strong enctypes.
    fn default() -> Self {
        Self {
            enctypes: crypto::SUPPORTED.to_vec(),
            forwardable: true,
            proxiable: false,
            start: None,
            allow_postdate: false,
            lifetime: 36_000,
            renewable: None,
            renewable_ok: false,
            addresses: Vec::new(),
            canonicalize: false,
            fast: TgsArmor::Off,
        }
    }
}

impl TicketOptions {
    pub(super) fn kdc_options(&self) -> KdcOptions {
        [
            (self.forwardable, KdcOptions::FORWARDABLE),
            (self.proxiable, KdcOptions::PROXIABLE),
            (self.allow_postdate, KdcOptions::ALLOW_POSTDATE),
            (self.start.is_some(), KdcOptions::POSTDATED),
            (self.renewable.is_some(), KdcOptions::RENEWABLE),
            (self.renewable_ok, KdcOptions::RENEWABLE_OK),
            (self.canonicalize, KdcOptions::CANONICALIZE),
        ]
        .into_iter()
        .filter(|(asked, _)| *asked)
        .fold(KdcOptions::NONE, |options, (_, option)| options | option)
    }

    /// The addresses, as they are sent.
    pub(super) fn host_addresses(&self) -> Vec<HostAddress<'_>> {
        fn host_address(address: &TicketAddress) -> HostAddress<'_> {
            HostAddress { addr_type: address.kind, address: &address.octets }
        }
        self.addresses.iter().map(host_address).collect()
    }
}

/// An address that a ticket is good from (HostAddress, RFC 4120 section 5.2.5).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct TicketAddress {
    /// Its type (RFC 4120 section 7.5.3).
    pub kind: i32,
    /// The address.
    pub octets: Vec<u8>,
}

impl From<IpAddr> for TicketAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self { kind: 2, octets: v4.octets().to_vec() },
            IpAddr::V6(v6) => Self { kind: 24, octets: v6.octets().to_vec() },
        }
    }
}
