use std::collections::BTreeMap;
use std::net::SocketAddr;

use base64ct::{Base64, Encoding as _};
use krb_proto::KerberosTime;

use super::message::value_in_front;
use super::packet::{Packet, Payload};

/// A message that was carried.
pub(super) struct Carried {
    /// The number of the packet that it begins in.
    pub(super) packet: usize,
    pub(super) time: Option<KerberosTime>,
    pub(super) from: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) transport: &'static str,
    pub(super) octets: Vec<u8>,
}

/// Where messages are Kerberos' own: of KDCs, and of the service for passwords.
const PORTS: [u16; 2] = [88, 464];
/// No message is longer, whatever the length in front of it says.
const MAX_MESSAGE: usize = 16 << 20;

/// What went from one end of a connection to the other.
#[derive(Default)]
struct Stream {
    /// The number of its first octet, once it is known.
    first: Option<u32>,
    pieces: Vec<Piece>,
}

struct Piece {
    sequence: u32,
    packet: usize,
    seconds: Option<i64>,
    octets: Vec<u8>,
}

/// Everything of TCP and UDP, put together again.
#[derive(Default)]
pub(super) struct Streams {
    datagrams: Vec<Carried>,
    streams: BTreeMap<(SocketAddr, SocketAddr), Stream>,
}

impl Streams {
    pub(super) fn add(&mut self, packet: &Packet<'_>, seconds: Option<i64>, number: usize) {
        let Packet { from, to, .. } = *packet;
        match packet.payload {
            Payload::Udp(octets) => {
                let is_kerberos = PORTS.iter().any(|port| [from.port(), to.port()].contains(port));
                if is_kerberos && !octets.is_empty() {
                    let octets = octets.to_vec();
                    let time = seconds.map(KerberosTime::from_unix);
                    let (packet, transport) = (number, "udp");
                    self.datagrams.push(Carried { packet, time, from, to, transport, octets });
                }
            }
            Payload::Tcp { sequence, opens, octets } => {
                let stream = self.streams.entry((from, to)).or_default();
                if opens {
                    stream.first = Some(sequence.wrapping_add(1));
                }
                if !octets.is_empty() {
                    let octets = octets.to_vec();
                    stream.pieces.push(Piece { sequence, packet: number, seconds, octets });
                }
            }
        }
    }

    pub(super) fn messages(self) -> Vec<Carried> {
        let mut messages = self.datagrams;
        for ((from, to), stream) in self.streams {
            let whole = stream.put_together();
            let found = if PORTS.iter().any(|port| [from.port(), to.port()].contains(port)) {
                counted(&whole.octets)
            } else {
                tokens(&whole.octets)
            };
            messages.extend(found.into_iter().map(|(at, octets)| {
                let (packet, seconds) = whole.begins(at);
                let time = seconds.map(KerberosTime::from_unix);
                Carried { packet, time, from, to, transport: "tcp", octets }
            }));
        }
        messages.sort_by_key(|message| message.packet);
        messages
    }
}

/// A stream's octets up to the first that is missing.
#[derive(Default)]
struct Whole {
    octets: Vec<u8>,
    /// Where each packet's begin.
    begins: Vec<(usize, usize, Option<i64>)>,
}

impl Whole {
    /// The packet, and its time, in which the octet at `at` came.
    fn begins(&self, at: usize) -> (usize, Option<i64>) {
        let before = self.begins.partition_point(|&(begin, ..)| begin <= at);
        let found = before.checked_sub(1).and_then(|index| self.begins.get(index));
        found.map_or((0, None), |&(_, packet, seconds)| (packet, seconds))
    }
}

impl Stream {
    fn put_together(self) -> Whole {
        let Self { first, mut pieces } = self;
        // Without the packet that opened it, it begins with what was captured first.
        let first = first.or(pieces.first().map(|piece| piece.sequence)).unwrap_or_default();
        // What comes a little before that was sent before the capture.
        let distance = |piece: &Piece| piece.sequence.wrapping_sub(first);
        pieces.retain(|piece| distance(piece) < 1 << 31);
        pieces.sort_by_key(distance);
        let mut whole = Whole::default();
        for piece in &pieces {
            let Ok(begin) = usize::try_from(distance(piece)) else { break };
            // What was sent again is known already.
            let Some(known) = whole.octets.len().checked_sub(begin) else { break };
            if let Some(new) = piece.octets.get(known..).filter(|new| !new.is_empty()) {
                whole.begins.push((whole.octets.len(), piece.packet, piece.seconds));
                whole.octets.extend_from_slice(new);
            }
        }
        whole
    }
}

/// Messages behind their lengths; where each begins.
fn counted(stream: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let (mut messages, mut at) = (Vec::new(), 0);
    while let Some((length, rest)) = stream.get(at..).and_then(<[u8]>::split_first_chunk) {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let message = rest.get(..length).filter(|_| (1..=MAX_MESSAGE).contains(&length));
        let Some(message) = message else { break };
        messages.push((at, message.to_vec()));
        at += 4 + length;
    }
    messages
}

/// GSS tokens in whatever protocol has them: those of SPNEGO and Kerberos, and base64 in HTTP.
fn tokens(stream: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(rest) = stream.get(at..).filter(|rest| !rest.is_empty()) {
        let token = binary(rest).map(|token| (token.len(), token.to_vec())).or_else(|| http(rest));
        match token {
            Some((length, token)) => {
                found.push((at, token));
                at += length.max(1);
            }
            None => at += 1,
        }
    }
    found
}

/// A token that begins here: one that names its mechanism, or an answer of SPNEGO's.
fn binary(stream: &[u8]) -> Option<&[u8]> {
    const MECHANISMS: [&[u8]; 3] = [
        b"\x06\x06\x2b\x06\x01\x05\x05\x02",
        b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02",
        b"\x06\x06\x2b\x06\x01\x05\x02\x05",
    ];
    /// negState, the first member of an answer.
    const NEG_STATE: &[u8] = b"\xa0\x03\x0a\x01";
    let tag = *stream.first().filter(|tag| [0x60, 0xa1].contains(tag))?;
    let token = stream.get(..value_in_front(stream)?)?;
    let inside = contents(token)?;
    let is_token = match tag {
        0x60 => MECHANISMS.iter().any(|mechanism| inside.starts_with(mechanism)),
        _ => contents(inside).is_some_and(|sequence| sequence.starts_with(NEG_STATE)),
    };
    is_token.then_some(token)
}

/// What stands behind a value's tag and length.
fn contents(value: &[u8]) -> Option<&[u8]> {
    krb_proto::der::Reader::new(value).enter(*value.first()?).ok().map(|inside| inside.rest())
}

/// `Negotiate YII…`, and how long that is.
fn http(stream: &[u8]) -> Option<(usize, Vec<u8>)> {
    let text = stream.strip_prefix(b"Negotiate ")?;
    let is_base64 = |octet: &u8| octet.is_ascii_alphanumeric() || b"+/=".contains(octet);
    let length = text.iter().take_while(|octet| is_base64(octet)).count();
    let token = std::str::from_utf8(text.get(..length)?).ok()?;
    let token = Base64::decode_vec(token).ok().filter(|token| !token.is_empty())?;
    Some((b"Negotiate ".len() + length, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(sequence: u32, packet: usize, octets: &[u8]) -> Piece {
        Piece { sequence, packet, seconds: Some(packet as i64), octets: octets.to_vec() }
    }

    #[test]
    fn a_stream_is_put_together_in_its_own_order() {
        let near_the_end = u32::MAX - 1;
        let pieces = vec![
            piece(near_the_end.wrapping_add(4), 3, b"ef"),
            piece(near_the_end, 1, b"abcd"),
            piece(near_the_end.wrapping_add(2), 2, b"cdef"),
            piece(near_the_end.wrapping_add(8), 4, b"missing before"),
        ];
        let whole = Stream { first: Some(near_the_end), pieces }.put_together();
        assert_eq!(whole.octets, b"abcdef");
        assert_eq!([whole.begins(0).0, whole.begins(3).0, whole.begins(4).0], [1, 1, 2]);
    }

    #[test]
    fn messages_are_counted_and_tokens_are_found() {
        let stream = b"\0\0\0\x02ab\0\0\0\x01c\0\0\0\x09cut";
        assert_eq!(counted(stream), [(0, b"ab".to_vec()), (6, b"c".to_vec())]);
        let token = b"\x60\x0a\x06\x06\x2b\x06\x01\x05\x05\x02\xa0\x00";
        let stream = [b"GET / \x60\x02\x01\x01 ".as_slice(), token, b"HTTP"].concat();
        assert_eq!(tokens(&stream), [(11, token.to_vec())]);
        let answer = b"\xa1\x07\x30\x05\xa0\x03\x0a\x01\x00";
        assert_eq!(tokens(answer), [(0, answer.to_vec())]);
        let header = b"Authorization: Negotiate YAA=\r\n";
        assert_eq!(tokens(header), [(15, vec![0x60, 0])]);
    }
}
