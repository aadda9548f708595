//! Real PACs of a Samba DC, and what becomes of them when somebody changes a byte.

mod buffers;
mod claims;
mod read_only_dc;
mod round_trip;
mod samba;
mod signatures;

use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use super::*;
use crate::crypto::{CryptoError, Key};
use crate::iana::EncType;

const ALICE: &[u8] = include_bytes!("../../../vectors/samba-4.17-alice.pac");
const HUGE: &[u8] = include_bytes!("../../../vectors/samba-4.17-huge.pac");

/// The bytes behind `name: ` in a file of vectors.
pub(super) fn vector(file: &str, name: &str) -> Vec<u8> {
    let line = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let (digits, _) = line.unwrap().as_bytes().as_chunks::<2>();
    let digits = digits.iter().map(|pair| core::str::from_utf8(pair).unwrap());
    digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn service_key() -> Key {
    let hex = "bdab457ca272f8b021e0d3838bfe9f11bd2da5f62ec01046d8780836b8a58724";
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
        .collect();
    Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &bytes).unwrap()
}

fn verify(bytes: &[u8]) -> Result<VerifiedPac<'_>, PacError> {
    Pac::parse(bytes)?.verify_server_signature(&service_key())
}

#[test]
fn a_pac_says_who_it_is_for() {
    let pac = verify(ALICE).unwrap();
    let logon = pac.logon_info().unwrap();
    assert_eq!(logon.effective_name, "ALICE_ADMIN");
    assert_eq!(logon.logon_domain_name, "W25AD");
    assert_eq!(logon.user_account_control, 0x10);
    let sid = logon.user_sid().unwrap();
    assert_eq!(sid.to_string(), "S-1-5-21-2817057023-228724981-3749106448-1113");
    let groups: Vec<String> = logon.group_sids().map(|sid| sid.to_string()).collect();
    assert!(groups.contains(&"S-1-5-21-2817057023-228724981-3749106448-513".into()));
    assert!(groups.contains(&"S-1-18-2".into()), "asserted by a service, not by the user");
    let upn = pac.get::<UpnDnsInfo>().unwrap().unwrap();
    assert_eq!((&upn.upn[..], &upn.dns_domain_name[..]), ("alice@w25ad.net", "W25AD.NET"));
    assert!(!upn.upn_is_constructed);
    let extended = upn.extended.unwrap();
    assert_eq!((&extended.sam_account_name[..], extended.sid), ("ALICE_ADMIN", sid));
}

/// MS-PAC 2.5, ExtraSids: "the first group SID in this member is the SID for this account".
#[test]
fn an_account_of_no_domain_is_the_first_of_the_extra_sids() {
    let sid = |text: &str| -> Sid { text.parse().unwrap() };
    let mut logon = LogonInfo::new("alice", "W25AD", sid("S-1-5-21-1-2-3"), 0);
    assert!(logon.user_sid().is_err(), "nobody, and not whoever has RID 0");
    let extra = |text| SidAndAttributes { sid: sid(text), attributes: 7 };
    logon.extra_sids = vec![extra("S-1-5-21-9-9-9-1104"), extra("S-1-18-1")];
    assert_eq!(logon.user_sid().unwrap(), sid("S-1-5-21-9-9-9-1104"));
    let groups: Vec<_> = logon.group_sids().map(|sid| sid.to_string()).collect();
    assert_eq!(groups, ["S-1-5-21-1-2-3-513", "S-1-18-1"]);
    logon.user_id = 1104;
    assert_eq!(logon.user_sid().unwrap(), sid("S-1-5-21-1-2-3-1104"));
    assert!(logon.group_sids().any(|group| group == sid("S-1-5-21-9-9-9-1104")));
}

#[test]
fn a_pac_of_600_foreign_groups_is_read_whole() {
    let pac = verify(HUGE).unwrap();
    let logon = pac.logon_info().unwrap();
    let foreign = logon
        .group_sids()
        .filter(|sid| sid.to_string().starts_with("S-1-5-21-1111111111-2222222222-3333333333-"));
    assert_eq!(foreign.count(), 600);
}

#[test]
fn another_key_does_not_verify_it() {
    let other = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).unwrap();
    let error = Pac::parse(ALICE).unwrap().verify_server_signature(&other).unwrap_err();
    assert_eq!(error.kind, PacErrorKind::Signature(CryptoError::IntegrityCheckFailed));
    let other = Key::new(EncType::AES128_CTS_HMAC_SHA1_96, &[7; 16]).unwrap();
    let error = Pac::parse(ALICE).unwrap().verify_server_signature(&other).unwrap_err();
    assert!(
        matches!(error.kind, PacErrorKind::Signature(CryptoError::ChecksumTypeNotAllowed(_))),
        "a signature of another type than the key's is refused before it is computed"
    );
}

#[test]
fn no_changed_byte_goes_unnoticed_outside_of_the_signatures_the_server_does_not_cover() {
    // What both signatures are made over has zeros in the place of either, so the KDC's own
    // signature (type 7) may change under ours; it is for the KDC to check.
    let pac = Pac::parse(ALICE).unwrap();
    let word = |at: usize| u32::from_le_bytes(ALICE[at..at + 4].try_into().unwrap());
    let kdc = (0..word(0) as usize).map(|i| 8 + 16 * i).find(|&at| word(at) == 7).unwrap();
    let kdc = word(kdc + 8) as usize + 4..(word(kdc + 8) + word(kdc + 4)) as usize;
    drop(pac);
    let mut bytes = ALICE.to_vec();
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        assert_eq!(verify(&bytes).is_ok(), kdc.contains(&at), "byte {at}");
        bytes[at] ^= 1;
    }
}

#[test]
fn every_truncation_is_refused() {
    for end in 0..ALICE.len() {
        assert!(verify(&ALICE[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn impossible_counts_and_offsets_are_refused() {
    let with = |at: usize, value: u32| {
        let mut bytes = ALICE.to_vec();
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        Pac::parse(&bytes).err().map(|error| error.kind)
    };
    // CVE-2022-42898: counts and lengths chosen to overflow 32-bit arithmetic.
    for count in [65, 0x1000_0000, 0x1fff_ffff, u32::MAX] {
        assert_eq!(with(0, count), Some(PacErrorKind::BadLength), "count {count:#x}");
    }
    for length in [u32::MAX, 0xffff_fff8, 0x8000_0000] {
        assert_eq!(with(12, length), Some(PacErrorKind::BadLength), "length {length:#x}");
        assert_eq!(with(16, length), Some(PacErrorKind::BadLength), "offset {length:#x}");
    }
    assert_eq!(with(20, 1), Some(PacErrorKind::BadLength), "high half of an offset");
    assert_eq!(with(16, 8), Some(PacErrorKind::BadLength), "into the directory");
    let first = u32::from_le_bytes(ALICE[16..20].try_into().unwrap());
    assert_eq!(with(32, first), Some(PacErrorKind::BadLength), "two buffers in one place");
    assert_eq!(with(24, 1), Some(PacErrorKind::Duplicate), "two LOGON_INFOs");
    assert_eq!(with(4, 1), Some(PacErrorKind::BadHeader), "another version");
}

#[test]
fn sids_are_written_and_read() {
    for text in ["S-1-5-18", "S-1-5-21-1-2-4294967295", "S-1-0x010203040506-7", "S-1-0"] {
        assert_eq!(text.parse::<Sid>().unwrap().to_string(), text);
    }
    let sixteen = std::format!("S-1-5{}", "-1".repeat(16));
    for text in ["", "S-2-5", "S-1-", "S-1-5-x", "S-1-5-4294967296", "S-1-5--1", &sixteen] {
        assert!(text.parse::<Sid>().is_err(), "{text}");
    }
    let sid: Sid = "S-1-5-21-1-2-3-513".parse().unwrap();
    assert_eq!(sid.rid(), Some(513));
    assert_eq!(sid.domain().unwrap().with_rid(513).unwrap(), sid);
    assert!(Sid::from_bytes(&[1, 2, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0]).is_none(), "a missing RID");
    assert!(Sid::from_bytes(&[2, 0, 0, 0, 0, 0, 0, 5]).is_none(), "another revision");
}
