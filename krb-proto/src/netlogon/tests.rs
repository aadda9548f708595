use alloc::vec::Vec;

use super::ber::element;
use super::*;
use crate::Random;

fn ping() -> LdapPing {
    LdapPing { message_id: 0x1234_5679, domain: "w25ad.net".into() }
}

/// The value of the attribute as Samba 4.17 writes it for a client of its only site: names that
/// repeat one before them refer to it.
fn value() -> Vec<u8> {
    let mut value = Vec::from([23, 0, 0, 0]);
    value.extend(0x0000_f3fdu32.to_le_bytes());
    value.extend([7; 16]);
    value.extend(b"\x05w25ad\x03net\x00"); // at 24
    value.extend(b"\xc0\x18");
    value.extend(b"\x03dc1\xc0\x18");
    value.extend(b"\x05W25AD\x00\x03DC1\x00\x00");
    let site = value.len() as u8;
    value.extend(b"\x17Default-First-Site-Name\x00");
    value.extend([0xc0, site]);
    value.extend(b"\x05\x00\x00\x00\xff\xff\xff\xff");
    value
}

fn reply(value: &[u8]) -> Vec<u8> {
    let attribute = [element(0x04, b"netlogon"), element(0x31, &element(0x04, value))].concat();
    let entry = [element(0x04, b""), element(0x30, &element(0x30, &attribute))].concat();
    message(0x64, &entry)
}

fn message(operation: u8, body: &[u8]) -> Vec<u8> {
    let id = element(0x02, &0x1234_5679u32.to_be_bytes());
    element(0x30, &[id, element(operation, body)].concat())
}

#[test]
fn the_octets_of_a_question() {
    let octets = ping().request();
    // (&(DnsDomain=w25ad.net)(NtVer=\06\00\00\00)), as a Samba DC answers it (tests/e2e/kdc_access.rs).
    let expected: &[u8] =
        b"\x30\x4e\x02\x04\x12\x34\x56\x79\x63\x46\x04\x00\x0a\x01\x00\x0a\x01\x00\
        \x02\x01\x00\x02\x01\x00\x01\x01\x00\xa0\x27\
        \xa3\x16\x04\x09DnsDomain\x04\x09w25ad.net\xa3\x0d\x04\x05NtVer\x04\x04\x06\x00\x00\x00\
        \x30\x0a\x04\x08Netlogon";
    assert_eq!(octets, expected);
}

struct Counter(u8);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        self.0 += 2;
        out.fill(self.0);
    }
}

#[test]
fn questions_differ() {
    let mut rng = Counter(0);
    let [one, other] = [(); 2].map(|()| LdapPing::new("w25ad.net", &mut rng));
    assert_ne!(one.request(), other.request());
}

#[test]
fn an_answer_says_where_whoever_asked_is() {
    let found = ping().receive(&reply(&value())).unwrap();
    assert_eq!((&*found.domain, &*found.host), ("w25ad.net", "dc1.w25ad.net"));
    assert_eq!(found.client_site, "Default-First-Site-Name");
}

#[test]
fn lengths_of_five_octets_are_read() {
    // As AD writes all of them.
    let long = |tag: u8, body: &[u8]| {
        [&[tag, 0x84][..], &(body.len() as u32).to_be_bytes(), body].concat()
    };
    let attribute = [long(4, b"Netlogon"), long(0x31, &long(4, &value()))].concat();
    let entry = [long(4, b""), long(0x30, &long(0x30, &attribute))].concat();
    let id = long(2, &0x1234_5679u32.to_be_bytes());
    let reply = long(0x30, &[id, long(0x64, &entry)].concat());
    assert_eq!(ping().receive(&reply).unwrap().host, "dc1.w25ad.net");
}

#[test]
fn what_answers_nothing_is_refused() {
    let is = |reply: &[u8], error| assert_eq!(ping().receive(reply).unwrap_err(), error);
    is(&message(0x65, &[0x0a, 1, 0, 4, 0, 4, 0]), PingError::NotThere);
    is(b"", PingError::Malformed);
    let mut other = reply(&value());
    let id = other.windows(4).position(|octets| octets == [0x12, 0x34, 0x56, 0x79]).unwrap();
    other[id] = 0;
    is(&other, PingError::NotOurs);
    let other = LdapPing { domain: "other.test".into(), ..ping() };
    assert_eq!(other.receive(&reply(&value())), Err(PingError::Domain));
    is(&reply(&[19, 0, 0, 0]), PingError::Version(19));
}

#[test]
fn an_answer_that_is_cut_off_anywhere_is_none() {
    let (whole, value) = (reply(&value()), value());
    for end in 0..whole.len() {
        assert!(ping().receive(&whole[..end]).is_err(), "{end}");
    }
    // All but what is not read.
    for end in 0..value.len() - 8 {
        assert!(ping().receive(&reply(&value[..end])).is_err(), "{end}");
    }
    // And whatever octet is another, it ends.
    for at in 0..whole.len() {
        for octet in [0, 0x3f, 0x40, 0x80, 0xc0, 0xff] {
            let mut changed = whole.clone();
            changed[at] = octet;
            let _ = ping().receive(&changed);
        }
    }
}

#[test]
fn names_refer_to_earlier_ones_only_and_have_an_end() {
    let with = |names: &[u8]| {
        let mut value = Vec::from([23, 0, 0, 0]);
        value.extend([0; 20]);
        value.extend(names);
        ping().receive(&reply(&value))
    };
    // To itself, forward, and to one another.
    for names in [&b"\xc0\x18"[..], b"\xc0\x20\x00", b"\x01a\xc0\x18\x00", b"\x01a\xc0\x1b\xc0\x18"]
    {
        assert_eq!(with(names), Err(PingError::Malformed), "{names:?}");
    }
    let long = [&[63][..], &[b'a'; 63]].concat().repeat(4);
    assert_eq!(with(&[&long[..], &[0; 20]].concat()), Err(PingError::Malformed));
}
