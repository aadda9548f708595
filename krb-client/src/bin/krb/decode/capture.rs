//! Files of captured packets: pcap, as tcpdump writes it, and pcapng, as Wireshark does.

use crate::Failure;

use super::packet::{Link, Packet};
use super::stream::{Carried, Streams};

/// What was captured of Kerberos.
pub(super) struct Capture {
    /// In the order in which they began.
    pub(super) messages: Vec<Carried>,
    /// How many packets there are in all.
    pub(super) packets: usize,
    /// How many are cut off, or hold fragments, so that nothing is said of them.
    pub(super) cut: usize,
}

/// pcap: octets of a file's and of a record's header.
const PCAP_HEADER: usize = 24;
const PCAP_RECORD: usize = 16;
/// pcapng: the blocks that are looked at.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const SIMPLE_PACKET: u32 = 3;
const PACKET: u32 = 6;

/// In which order a file's numbers have their octets.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn u32(self, octets: &[u8], at: usize) -> Option<u32> {
        let octets = *octets.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(octets),
            Self::Big => u32::from_be_bytes(octets),
        })
    }

    fn u16(self, octets: &[u8], at: usize) -> Option<u16> {
        let octets = *octets.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(octets),
            Self::Big => u16::from_be_bytes(octets),
        })
    }
}

pub(super) fn is_capture(octets: &[u8]) -> bool {
    octets.starts_with(&SECTION.to_be_bytes()) || pcap_order(octets).is_some()
}

/// The order of the octets in a pcap file, and what a second is divided into.
fn pcap_order(octets: &[u8]) -> Option<(Order, u32)> {
    match octets.first_chunk()? {
        [0xd4, 0xc3, 0xb2, 0xa1] => Some((Order::Little, 1_000_000)),
        [0xa1, 0xb2, 0xc3, 0xd4] => Some((Order::Big, 1_000_000)),
        [0x4d, 0x3c, 0xb2, 0xa1] => Some((Order::Little, 1_000_000_000)),
        [0xa1, 0xb2, 0x3c, 0x4d] => Some((Order::Big, 1_000_000_000)),
        _ => None,
    }
}

impl Capture {
    pub(super) fn read(octets: &[u8]) -> Result<Self, Failure> {
        let mut reading = Reading::default();
        let read = match pcap_order(octets) {
            Some((order, _)) => reading.pcap(octets, order),
            None => reading.pcapng(octets),
        };
        // A capture that was ended by force ends within a record: what came before it counts.
        if read.is_none() && reading.packets == 0 {
            return Err("this file of captured packets is cut off before its first packet".into());
        }
        let Reading { streams, packets, cut, .. } = reading;
        Ok(Self { messages: streams.messages(), packets, cut })
    }
}

#[derive(Default)]
struct Reading {
    streams: Streams,
    packets: usize,
    cut: usize,
}

impl Reading {
    fn pcap(&mut self, octets: &[u8], order: Order) -> Option<()> {
        // Above these bits stands the length of a checksum.
        let link = Link(order.u32(octets, 20)? & 0x0fff_ffff);
        let mut rest = octets.get(PCAP_HEADER..)?;
        while !rest.is_empty() {
            let (seconds, length) = (order.u32(rest, 0)?, order.u32(rest, 8)?);
            let length = usize::try_from(length).ok()?;
            let (data, behind) = rest.get(PCAP_RECORD..)?.split_at_checked(length)?;
            self.packet(link, Some(seconds.into()), data);
            rest = behind;
        }
        Some(())
    }

    fn pcapng(&mut self, octets: &[u8]) -> Option<()> {
        let (mut rest, mut order) = (octets, Order::Little);
        let mut interfaces: Vec<(Link, u8)> = Vec::new();
        while !rest.is_empty() {
            if rest.starts_with(&SECTION.to_be_bytes()) {
                interfaces.clear();
                order = match rest.get(8..12)? {
                    [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
                    [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
                    _ => return None,
                };
            }
            let (kind, length) = (order.u32(rest, 0)?, order.u32(rest, 4)?);
            let length = usize::try_from(length).ok().filter(|length| length % 4 == 0)?;
            let (block, behind) = rest.split_at_checked(length)?;
            // Type and length in front, the length again behind.
            let body = block.get(8..length.checked_sub(4)?)?;
            match kind {
                INTERFACE => {
                    let link = Link(order.u16(body, 0)?.into());
                    interfaces.push((link, resolution(order, body.get(8..)?)));
                }
                PACKET => {
                    let interface = usize::try_from(order.u32(body, 0)?).ok()?;
                    let &(link, resolution) = interfaces.get(interface)?;
                    let ticks =
                        u64::from(order.u32(body, 4)?) << 32 | u64::from(order.u32(body, 8)?);
                    let length = usize::try_from(order.u32(body, 12)?).ok()?;
                    self.packet(link, seconds(ticks, resolution), body.get(20..)?.get(..length)?);
                }
                SIMPLE_PACKET => {
                    let &(link, _) = interfaces.first()?;
                    let length = usize::try_from(order.u32(body, 0)?).ok()?;
                    let data = body.get(4..)?;
                    self.packet(link, None, data.get(..length).unwrap_or(data));
                }
                _ => {}
            }
            rest = behind;
        }
        Some(())
    }

    fn packet(&mut self, link: Link, seconds: Option<i64>, data: &[u8]) {
        self.packets += 1;
        match Packet::read(link, data) {
            Some(packet) => self.streams.add(&packet, seconds, self.packets),
            None => self.cut += usize::from(!data.is_empty()),
        }
    }
}

/// if_tsresol among an interface's options: 10 to the power of so much less, or 2, is a tick.
fn resolution(order: Order, mut options: &[u8]) -> u8 {
    const TIME_RESOLUTION: u16 = 9;
    const MICROSECONDS: u8 = 6;
    while let (Some(code), Some(length)) = (order.u16(options, 0), order.u16(options, 2)) {
        let value = options.get(4..).unwrap_or_default();
        if code == TIME_RESOLUTION {
            return value.first().copied().unwrap_or(MICROSECONDS);
        }
        let padded = usize::from(length).next_multiple_of(4);
        options = value.get(padded..).unwrap_or_default();
    }
    MICROSECONDS
}

fn seconds(ticks: u64, resolution: u8) -> Option<i64> {
    let exponent = u32::from(resolution & 0x7f);
    let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
    i64::try_from(ticks / base.checked_pow(exponent)?).ok()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// An IPv4 packet from a KDC.
    fn datagram(payload: &[u8]) -> Vec<u8> {
        let length = |octets: usize| (octets.min(0xffff) as u16).to_be_bytes();
        let [ip, udp] = [20 + 8 + payload.len(), 8 + payload.len()].map(length);
        let (from, to) = ([127, 0, 0, 1], [127, 0, 0, 2]);
        let header = [&[0x45, 0, ip[0], ip[1], 0, 0, 0, 0, 64, 17, 0, 0], &from[..], &to].concat();
        [&header[..], &[0, 88, 200, 0, udp[0], udp[1], 0, 0], payload].concat()
    }

    /// pcap, with one packet and no header of a link.
    pub(in super::super) fn of_one_datagram(payload: &[u8]) -> Vec<u8> {
        let packet = datagram(payload);
        let length = (packet.len() as u32).to_le_bytes();
        let header = [0xa1b2_c3d4, 0x0004_0002, 0, 0, 0xffff, 101_u32].map(u32::to_le_bytes);
        let record = [1_600_000_000_u32.to_le_bytes(), [0; 4], length, length];
        [header.as_flattened(), record.as_flattened(), &packet].concat()
    }

    /// pcapng, of the same.
    fn next_generation(payload: &[u8]) -> Vec<u8> {
        let block = |kind: u32, body: &[u8]| {
            let body = [body, &[0; 3][..body.len().next_multiple_of(4) - body.len()]].concat();
            let length = (12 + body.len() as u32).to_be_bytes();
            [&kind.to_be_bytes()[..], &length, &body, &length].concat()
        };
        let packet = datagram(payload);
        let length = (packet.len() as u32).to_be_bytes();
        let ticks = 1_600_000_000_000_000_u64.to_be_bytes();
        let section = [0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
        [
            block(SECTION, &section),
            block(INTERFACE, &[0, 101, 0, 0, 0, 0, 0, 0]),
            block(PACKET, &[&[0; 4][..], &ticks, &length, &length, &packet].concat()),
        ]
        .concat()
    }

    #[test]
    fn both_kinds_of_files_are_read_as_far_as_they_go() {
        for file in [of_one_datagram(b"message"), next_generation(b"message")] {
            assert!(is_capture(&file));
            let capture = Capture::read(&file).unwrap();
            let [carried] = capture.messages.as_slice() else { panic!("one message") };
            assert_eq!(carried.octets, b"message");
            assert_eq!(carried.time, Some(krb_proto::KerberosTime::from_unix(1_600_000_000)));
            assert_eq!(carried.from.to_string(), "127.0.0.1:88");
            assert!(Capture::read(&file[..file.len() - 8]).is_err(), "no packet is whole");
            // A second packet that was being written when the capture ended.
            let record = file.len() - datagram(b"message").len() - 16;
            let twice = [&file[..], &file[record..][..20]].concat();
            assert_eq!(Capture::read(&twice).unwrap().messages.len(), 1);
        }
    }

    #[test]
    fn ticks_are_of_the_length_that_the_interface_says() {
        assert_eq!(seconds(1_600_000_000_000_000, 6), Some(1_600_000_000));
        assert_eq!(seconds(1_600_000_000_000_000_000, 9), Some(1_600_000_000));
        assert_eq!(seconds(3 << 10, 0x80 | 10), Some(3));
        assert_eq!(seconds(1, 0x7f), None);
        let options = [1, 0, 2, 0, b'l', b'o', 0, 0, 9, 0, 1, 0, 9, 0, 0, 0];
        assert_eq!(resolution(Order::Little, &options), 9);
        assert_eq!(resolution(Order::Little, &options[..8]), 6);
    }
}
