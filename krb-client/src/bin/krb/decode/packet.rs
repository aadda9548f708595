use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What stands in front of a packet's IP header, as files of captured packets number it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(pub(super) u32);

impl Link {
    const NULL: Self = Self(0);
    const ETHERNET: Self = Self(1);
    const RAW: Self = Self(101);
    const LOOP: Self = Self(108);
    const LINUX_COOKED: Self = Self(113);
    const IPV4: Self = Self(228);
    const IPV6: Self = Self(229);
    const LINUX_COOKED_2: Self = Self(276);
}

/// A packet of TCP or UDP.
pub(super) struct Packet<'a> {
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) payload: Payload<'a>,
}

pub(super) enum Payload<'a> {
    Udp(&'a [u8]),
    Tcp {
        /// The number of the payload's first octet; of a packet that opens a connection, one less.
        sequence: u32,
        opens: bool,
        octets: &'a [u8],
    },
}

const TCP: u8 = 6;
const UDP: u8 = 17;

impl<'a> Packet<'a> {
    /// `None` for what is of another protocol, in fragments, or cut off within its headers.
    pub(super) fn read(link: Link, frame: &'a [u8]) -> Option<Self> {
        let packet = match link {
            Link::NULL | Link::LOOP => frame.get(4..)?,
            Link::ETHERNET => behind_ethernet(frame.get(12..)?)?,
            Link::LINUX_COOKED => frame.get(16..)?,
            Link::LINUX_COOKED_2 => frame.get(20..)?,
            Link::RAW | Link::IPV4 | Link::IPV6 => frame,
            _ => return None,
        };
        match packet.first()? >> 4 {
            4 => ipv4(packet),
            6 => ipv6(packet),
            _ => None,
        }
    }
}

/// Behind the addresses: the type, and before it tags of virtual networks.
fn behind_ethernet(mut frame: &[u8]) -> Option<&[u8]> {
    while let [0x81 | 0x88, 0x00 | 0xa8, _, _, rest @ ..] = frame {
        frame = rest;
    }
    frame.get(2..)
}

fn ipv4(packet: &[u8]) -> Option<Packet<'_>> {
    let header = 4 * usize::from(packet.first()? & 0x0f);
    let fragment = u16::from_be_bytes(*packet.get(6..)?.first_chunk()?) & 0x3fff;
    let total = usize::from(u16::from_be_bytes(*packet.get(2..)?.first_chunk()?));
    let (from, to): (&[u8; 4], &[u8; 4]) =
        (packet.get(12..)?.first_chunk()?, packet.get(16..)?.first_chunk()?);
    // An interface that cuts packets by itself is captured before it has filled in their length.
    let total = if total == 0 { packet.len() } else { total };
    let body = packet.get(header..total.min(packet.len()))?;
    if header < 20 || fragment != 0 {
        return None;
    }
    transport(*packet.get(9)?, body, Ipv4Addr::from(*from).into(), Ipv4Addr::from(*to).into())
}

fn ipv6(packet: &[u8]) -> Option<Packet<'_>> {
    /// Headers of a length that they say: options, routes.
    const EXTENSIONS: [u8; 3] = [0, 43, 60];
    let length = usize::from(u16::from_be_bytes(*packet.get(4..)?.first_chunk()?));
    let mut next = *packet.get(6)?;
    let (from, to): (&[u8; 16], &[u8; 16]) =
        (packet.get(8..)?.first_chunk()?, packet.get(24..)?.first_chunk()?);
    let mut body = packet.get(40..)?;
    if length > 0 {
        body = body.get(..length).unwrap_or(body);
    }
    while EXTENSIONS.contains(&next) {
        next = *body.first()?;
        body = body.get(8 * (1 + usize::from(*body.get(1)?))..)?;
    }
    transport(next, body, Ipv6Addr::from(*from).into(), Ipv6Addr::from(*to).into())
}

fn transport(protocol: u8, body: &[u8], from: IpAddr, to: IpAddr) -> Option<Packet<'_>> {
    let port = |at: usize| Some(u16::from_be_bytes(*body.get(at..)?.first_chunk()?));
    let (from, to) = (SocketAddr::new(from, port(0)?), SocketAddr::new(to, port(2)?));
    let payload = match protocol {
        UDP => {
            let length = usize::from(port(4)?);
            let octets = body.get(8..)?;
            Payload::Udp(octets.get(..length.checked_sub(8)?).unwrap_or(octets))
        }
        TCP => {
            let header = 4 * usize::from(body.get(12)? >> 4);
            let sequence = u32::from_be_bytes(*body.get(4..)?.first_chunk()?);
            let opens = body.get(13)? & 2 != 0;
            Payload::Tcp { sequence, opens, octets: body.get(header.max(20)..)? }
        }
        _ => return None,
    };
    Some(Packet { from, to, payload })
}
