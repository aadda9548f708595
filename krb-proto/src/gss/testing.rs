//! A service, a ticket for it, a fixed clock and a fixed sequence of "random" bytes.

use std::assert_eq;
use std::vec;
use std::vec::Vec;

use super::{
    Acceptor, AcceptorOptions, GssError, Initiator, InitiatorOptions, Protection, SecurityContext,
};
use crate::asn1::AuthorizationDataElement;
use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::iana::{AdType, EncType, TicketFlags};
use crate::kdc::{NewTicket, TicketKeys};
use crate::{Context, Credential, KerberosTime, Principal, Random, Timestamp};

pub(crate) const NOW: Timestamp = Timestamp::new(1_800_000_000, 123_456);
pub(crate) const ENDTIME: i64 = NOW.seconds.unix() + 600;
pub(crate) const SKEW: u32 = 300;
pub(crate) const PAC: &[u8] = b"not looked at here";
const KVNO: u32 = 7;

/// splitmix64: reproducible, and never the same twice.
pub(crate) struct TestRng(pub(crate) u64);

impl Random for TestRng {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            *byte = ((mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 56) as u8;
        }
    }
}

pub(crate) fn at(now: Timestamp, rng: &mut TestRng) -> Context<'_> {
    Context { now, kdc_offset: 0, rng }
}

pub(crate) fn random_key(enctype: EncType, seed: u64) -> Key {
    match enctype {
        EncType::RC4_HMAC => Key::danger_new_rc4(&[seed as u8; 16]).unwrap(),
        _ => Key::generate(enctype, &mut TestRng(seed)).unwrap(),
    }
}

pub(crate) struct Service {
    pub(crate) name: Principal,
    pub(crate) key: Key,
}

impl Service {
    pub(crate) fn new(enctype: EncType) -> Self {
        Self {
            name: Principal::parse("HTTP/web.example@EXAMPLE", None).unwrap(),
            key: random_key(enctype, 1),
        }
    }

    /// A ticket of alice for this service.
    pub(crate) fn credential(&self) -> Credential {
        self.credential_with(|_| ())
    }

    pub(crate) fn credential_with(&self, edit: impl FnOnce(&mut NewTicket<'_>)) -> Credential {
        let client = Principal::parse("alice@EXAMPLE", None).unwrap();
        self.credential_of(&client, &random_key(self.key.enctype(), 22), edit)
    }

    /// A ticket of this client with this session key.
    pub(crate) fn credential_of(
        &self,
        client: &Principal,
        session_key: &Key,
        edit: impl FnOnce(&mut NewTicket<'_>),
    ) -> Credential {
        let authtime = NOW.seconds.plus_seconds(-600);
        let endtime = KerberosTime::from_unix(ENDTIME);
        let authorization_data =
            [AuthorizationDataElement { ad_type: AdType::WIN2K_PAC, ad_data: PAC }];
        let mut ticket = NewTicket {
            client,
            server: &self.name,
            session_key,
            flags: TicketFlags::NONE,
            times: TicketTimes { authtime, starttime: authtime, endtime, renew_till: None },
            transited: b"",
            addresses: &[],
            authorization_data: &authorization_data,
            pac: None,
        };
        edit(&mut ticket);
        let keys = TicketKeys { server: &self.key, kvno: Some(KVNO), krbtgt: &self.key };
        ticket.issue(&keys, &mut TestRng(2)).unwrap()
    }

    /// The service's keytab has one entry.
    pub(crate) fn find_key(
        &self,
        name: &Principal,
        kvno: Option<u32>,
        enctype: EncType,
    ) -> Vec<Key> {
        let found = name.realm == self.name.realm
            && name.name.same_components(&self.name.name)
            && kvno == Some(KVNO)
            && enctype == self.key.enctype();
        found.then(|| self.key.clone()).into_iter().collect()
    }

    pub(crate) fn accept(
        &self,
        token: &[u8],
        now: Timestamp,
    ) -> Result<(Acceptor, Option<Vec<u8>>), GssError> {
        let keys = |name: &Principal, kvno, enctype| self.find_key(name, kvno, enctype);
        let mut options = AcceptorOptions::new(&keys);
        options.request.danger_allow_rc4 = self.key.enctype() == EncType::RC4_HMAC;
        Acceptor::accept(token, &options, &mut at(now, &mut TestRng(4)))
    }
}

pub(crate) fn initiate(
    credential: &Credential,
    options: &InitiatorOptions<'_>,
) -> (Initiator, Vec<u8>) {
    Initiator::new(credential, options, &mut at(NOW, &mut TestRng(3))).unwrap()
}

/// Both sides of an established context.
pub(crate) fn established(
    enctype: EncType,
    options: &InitiatorOptions<'_>,
) -> (Initiator, Acceptor) {
    let service = Service::new(enctype);
    let (mut initiator, token) = initiate(&service.credential(), options);
    let (acceptor, reply) = service.accept(&token, NOW).unwrap();
    if let Some(reply) = reply {
        initiator.step(&reply).unwrap();
    }
    (initiator, acceptor)
}

/// Octets from hexadecimal digits, spaces between them.
pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

pub(crate) const MESSAGE: &[u8] = b"a message of 23 octets.";
pub(crate) const BOTH: [Protection; 2] = [Protection::Integrity, Protection::Confidentiality];

/// Messages of several lengths go to and fro, signed or sealed.
pub(crate) fn assert_messages_arrive(
    initiator: &mut SecurityContext,
    acceptor: &mut SecurityContext,
) {
    let rng = &mut TestRng(9);
    for message in [&b""[..], MESSAGE, &[7; 4096]] {
        let mic = initiator.get_mic(message);
        assert_eq!(acceptor.verify_mic(message, &mic), Ok(()));
        let mic = acceptor.get_mic(message);
        assert_eq!(initiator.verify_mic(message, &mic), Ok(()));
        for protection in BOTH {
            let token = initiator.wrap(message, protection, rng);
            assert_eq!(acceptor.unwrap(&token), Ok((message.to_vec(), protection)));
            let token = acceptor.wrap(message, protection, rng);
            assert_eq!(initiator.unwrap(&token), Ok((message.to_vec(), protection)));
        }
    }
}

/// `token` with each of its bits flipped in turn, and the flipped bit's byte offset.
pub(crate) fn bit_flips(token: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..token.len() * 8).map(move |bit| {
        let mut flipped = token.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        (bit / 8, flipped)
    })
}

/// Where `needle` begins in `token`; it must be there once.
pub(crate) fn offset_of(token: &[u8], needle: &[u8]) -> usize {
    let mut found = (0..token.len()).filter(|&at| token[at..].starts_with(needle));
    let offset = found.next().unwrap();
    assert_eq!(found.next(), None);
    offset
}

pub(crate) fn enctypes() -> Vec<EncType> {
    vec![
        EncType::AES128_CTS_HMAC_SHA1_96,
        EncType::AES256_CTS_HMAC_SHA1_96,
        EncType::AES128_CTS_HMAC_SHA256_128,
        EncType::AES256_CTS_HMAC_SHA384_192,
    ]
}
