use std::assert_eq;
use std::vec::Vec;

use super::*;
use crate::asn1::{
    KdcReqBody, KrbFastArmor, KrbFastArmoredReq, KrbFastResponse, PaData, PaFxFastRequest,
};
use crate::crypto::CryptoError;
use crate::der::{self, KerberosString, List, UInt32};
use crate::iana::{ChecksumType, EncType, FastOptions, PaType};
use crate::{KerberosTime, Timestamp};

const ARMOR: &[u8] = b"an AP-REQ";
const BOUND_TO: &[u8] = b"what stands outside";
const PADATA: PaData<'_> = PaData { padata_type: PaType::FX_COOKIE, padata_value: b"cookie" };

struct Counter(u8);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(37).wrapping_add(11);
            *byte = self.0;
        }
    }
}

fn key(byte: u8) -> Key {
    Key::new(EncType::AES128_CTS_HMAC_SHA256_128, &[byte; 16]).unwrap()
}

fn body() -> Vec<u8> {
    der::encode(&KdcReqBody {
        kdc_options: 0.into(),
        cname: None,
        realm: KerberosString(b"R"),
        sname: None,
        from: None,
        till: KerberosTime::from_unix(0),
        rtime: None,
        nonce: UInt32::new(7),
        etype: List::of(&[EncType::AES128_CTS_HMAC_SHA256_128]),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    })
}

fn sealed_request(options: u32) -> Vec<u8> {
    let request = RequestToSeal {
        armor_key: &key(1),
        armor: Some(ARMOR),
        bound_to: BOUND_TO,
        options: FastOptions(options),
        padata: &[PADATA],
        body: &body(),
    };
    seal_request(&request, &mut Counter(1)).unwrap()
}

fn sealed_response() -> Vec<u8> {
    let response = KrbFastResponse {
        padata: List::of(&[PADATA]),
        strengthen_key: None,
        finished: None,
        nonce: UInt32::new(7),
    };
    seal_response(&key(1), &response, &mut Counter(1))
}

fn open_response(value: &[u8]) -> Result<ResponsePlaintext, FastError> {
    let padata = [PaData { padata_type: PaType::FX_FAST, padata_value: value }];
    ResponsePlaintext::open(&key(1), List::of(&padata))
}

#[test]
fn the_kdc_opens_what_the_client_sealed() {
    let sealed = sealed_request(FastOptions::HIDE_CLIENT_NAMES.0);
    assert_eq!(RequestPlaintext::armor(&sealed), Ok(Some(ARMOR)));
    let opened = RequestPlaintext::open(&key(1), &sealed, BOUND_TO).unwrap();
    let request = opened.request().unwrap();
    assert_eq!(FastOptions(request.fast_options.bits()), FastOptions::HIDE_CLIENT_NAMES);
    assert_eq!(request.padata.iter().collect::<Vec<_>>(), [PADATA]);
    assert_eq!(request.req_body.der(), body());
}

#[test]
fn a_request_is_bound_to_what_stands_outside() {
    let opened = RequestPlaintext::open(&key(1), &sealed_request(0), b"something else");
    let failed = CryptoError::IntegrityCheckFailed;
    assert_eq!(opened.err(), Some(FastError::Checksum(failed)));
}

#[test]
fn every_bit_of_a_request_counts() {
    let sealed = sealed_request(0);
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        // The armor itself is not what is sealed: another AP-REQ would bring another key.
        let armor = RequestPlaintext::armor(&changed);
        if armor == Ok(Some(ARMOR)) {
            assert!(RequestPlaintext::open(&key(1), &changed, BOUND_TO).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn every_bit_of_a_response_counts() {
    let sealed = sealed_response();
    assert!(open_response(&sealed).unwrap().response(7).is_ok());
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open_response(&changed).is_err(), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(open_response(&sealed[..length]).is_err(), "{length} octets");
    }
}

#[test]
fn a_response_answers_one_request() {
    let opened = open_response(&sealed_response()).unwrap();
    assert_eq!(opened.response(8).err(), Some(FastError::Nonce));
    assert_eq!(opened.error(7).err(), Some(FastError::NoInnerError));
    let none = ResponsePlaintext::open(&key(1), List::of(&[PADATA]));
    assert_eq!(none.err(), Some(FastError::Missing));
}

#[test]
fn a_request_with_a_checksum_of_another_type_is_refused() {
    let sealed = sealed_request(0);
    let PaFxFastRequest::ArmoredData(mut request) = der::decode(&sealed).unwrap();
    let md5 = key(1).hmac_md5(KeyUsage::FAST_REQUEST_CHECKSUM, BOUND_TO);
    request.req_checksum = Checksum { cksumtype: ChecksumType::HMAC_MD5, checksum: &md5 };
    let changed = der::encode(&PaFxFastRequest::ArmoredData(request));
    let opened = RequestPlaintext::open(&key(1), &changed, BOUND_TO);
    assert_eq!(opened.err(), Some(FastError::ChecksumType(ChecksumType::HMAC_MD5)));
}

#[test]
fn armor_of_another_type_is_refused_and_none_may_be_due() {
    let sealed = sealed_request(0);
    let PaFxFastRequest::ArmoredData(request) = der::decode(&sealed).unwrap();
    let with =
        |armor| der::encode(&PaFxFastRequest::ArmoredData(KrbFastArmoredReq { armor, ..request }));
    let two = with(Some(KrbFastArmor { armor_type: 2, armor_value: ARMOR }));
    assert_eq!(RequestPlaintext::armor(&two), Err(FastError::Armor(2)));
    assert_eq!(RequestPlaintext::armor(&with(None)), Ok(None));
}

#[test]
fn bits_0_to_15_of_the_options_are_critical() {
    let unknown = |options| {
        let opened = RequestPlaintext::open(&key(1), &sealed_request(options), BOUND_TO).unwrap();
        opened.unknown_critical_options(FastOptions::HIDE_CLIENT_NAMES).unwrap().0
    };
    assert_eq!(unknown(FastOptions::HIDE_CLIENT_NAMES.0), 0);
    assert_eq!(unknown(FastOptions::KDC_FOLLOW_REFERRALS.0), 0, "bit 16");
    assert_eq!(unknown(1 << 16), 1 << 16, "bit 15");
    assert_eq!(unknown(1 << 31), 1 << 31, "bit 0");
}

#[test]
fn a_challenge_says_who_made_it_and_with_which_keys() {
    let now = Timestamp::new(1_800_000_000, 42);
    let (client, kdc) = (Challenger::Client, Challenger::Kdc);
    let seal = |by| seal_challenge(by, &key(1), &key(2), now, &mut Counter(1)).unwrap();
    for by in [client, kdc] {
        assert_eq!(open_challenge(by, &key(1), &key(2), &seal(by)), Ok(now));
    }
    let failed = Err(FastError::Crypto(CryptoError::IntegrityCheckFailed));
    assert_eq!(open_challenge(kdc, &key(1), &key(2), &seal(client)), failed, "reflected");
    assert_eq!(open_challenge(client, &key(3), &key(2), &seal(client)), failed, "other armor");
    assert_eq!(open_challenge(client, &key(1), &key(3), &seal(client)), failed, "other client");
}

#[test]
fn the_keys_of_each_role_differ() {
    let keys = [
        armor_key(&key(1), &key(2)).unwrap(),
        armor_key(&key(2), &key(1)).unwrap(),
        explicit_tgs_armor_key(&key(1), &key(2)).unwrap(),
        strengthened(&key(1), &key(2)).unwrap(),
        strengthened(&key(2), &key(1)).unwrap(),
    ];
    for (i, one) in keys.iter().enumerate() {
        assert!(keys.iter().skip(i + 1).all(|other| other != one), "{i}");
    }
}
