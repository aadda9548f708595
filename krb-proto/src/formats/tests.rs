//! Files as MIT's tools write them, and what becomes of broken ones.

use std::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::iana::{EncType, NameType, TicketFlags};
use crate::{KerberosTime, Name, Principal};
use zeroize::Zeroizing;

fn bytes(hex: &str) -> Vec<u8> {
    let hex: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    hex.chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// MIT krb5 `src/lib/krb5/ccache/t_marshal.c`: the same cache in each version of the format.
fn t_marshal(version: u8) -> Vec<u8> {
    include_str!("../../vectors/mit-t_marshal.txt")
        .split("version ")
        .find_map(|part| part.strip_prefix(char::from(b'0' + version)))
        .map(bytes)
        .unwrap()
}

#[test]
fn every_version_of_mits_cache_is_read_and_means_the_same() {
    let newest = CredentialCache::from_bytes(&t_marshal(4)).unwrap();
    assert_eq!(newest.kdc_offset, Some(KdcOffset { seconds: 300, microseconds: 54_321 }));
    assert_eq!(newest.default_principal.realm, b"KRBTEST.COM");
    assert_eq!(newest.entries.len(), 2);
    let entry = &newest.entries[0];
    assert_eq!(entry.times, [11, 222, 3333, 1_000_000_000]);
    assert_eq!(entry.ticket, b"ticket");
    for version in 1..=3 {
        let cache = CredentialCache::from_bytes(&t_marshal(version)).unwrap();
        assert_eq!(cache.kdc_offset, None, "version {version}");
        assert_eq!(cache.entries.len(), newest.entries.len(), "version {version}");
        for (old, new) in cache.entries.iter().zip(&newest.entries) {
            let names = [(&old.client, &new.client), (&old.server, &new.server)];
            for (old, new) in names {
                assert!(old.name.same_components(&new.name), "version {version}");
                assert_eq!(old.realm, new.realm, "version {version}");
            }
            assert_eq!((old.enctype, &old.key_bytes), (new.enctype, &new.key_bytes));
            assert_eq!((old.times, &old.ticket), (new.times, &new.ticket), "version {version}");
        }
    }
}

#[test]
fn mits_version_4_is_written_back_byte_for_byte() {
    let file = t_marshal(4);
    assert_eq!(CredentialCache::from_bytes(&file).unwrap().to_bytes(), file);
}

#[test]
fn a_cache_cut_anywhere_is_refused_or_shorter() {
    let file = t_marshal(4);
    let whole = CredentialCache::from_bytes(&file).unwrap();
    for end in 0..file.len() {
        // Between two entries a cut cannot be seen.
        if let Ok(cache) = CredentialCache::from_bytes(&file[..end]) {
            assert!(cache.entries.len() < whole.entries.len(), "cut at {end}");
        }
    }
}

#[test]
fn impossible_counts_are_refused_before_anything_is_allocated() {
    // Version 4, no header, a principal that claims 2^32 - 1 components.
    let file = bytes("0504 0000 00000001 ffffffff 00000001 52");
    let error = CredentialCache::from_bytes(&file).unwrap_err();
    assert_eq!((error.kind, error.field), (FormatErrorKind::BadLength, "component count"));
    assert_eq!(error.offset, 12);
    for file in ["", "05", "0505", "0604", "ffff"] {
        assert!(CredentialCache::from_bytes(&bytes(file)).is_err(), "{file}");
        assert!(Keytab::from_bytes(&bytes(file)).is_err(), "{file}");
    }
}

/// As `ktutil` writes it: one entry, kvno in 8 and in 32 bits.
const KEYTAB: &str = "0502 0000004b 0002 000b 4b5242544553542e434f4d 0004 48545450 0003 776562
    00000001 5f5e1000 03 0012 0020
    000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f 00000103";

#[test]
fn a_keytab_is_read_and_written_back() {
    let file = bytes(KEYTAB);
    let keytab = Keytab::from_bytes(&file).unwrap();
    let entry = &keytab.entries[0];
    let web = Principal::new(Name::new(NameType::SRV_INST, ["HTTP", "web"]), "KRBTEST.COM");
    assert!(entry.principal.name.same_components(&web.name));
    assert_eq!(entry.kvno, 0x103, "the 32 bits count, not the 8");
    assert_eq!(entry.enctype, EncType::AES256_CTS_HMAC_SHA1_96);
    assert_eq!(keytab.to_bytes(), file);
    let find = |kvno| keytab.find(&web, kvno, EncType::AES256_CTS_HMAC_SHA1_96);
    assert!(find(None).is_some() && find(Some(0x103)).is_some());
    assert!(find(Some(3)).is_none());
    assert!(keytab.find(&web, None, EncType::AES128_CTS_HMAC_SHA1_96).is_none());
}

#[test]
fn holes_and_what_lies_behind_a_zero_length_are_passed_over() {
    let entry = &bytes(KEYTAB)[2..];
    let with_hole = [&bytes("0502 fffffffb 0102030405")[..], entry].concat();
    assert_eq!(Keytab::from_bytes(&with_hole).unwrap().entries.len(), 1);
    let with_end = [&bytes("0502")[..], entry, &bytes("00000000 ffffffff 7f")].concat();
    assert_eq!(Keytab::from_bytes(&with_end).unwrap().entries.len(), 1);
    let hole_beyond_end = [&bytes("0502")[..], entry, &bytes("80000000 01")].concat();
    assert_eq!(Keytab::from_bytes(&hole_beyond_end).unwrap().entries.len(), 1);
}

#[test]
fn no_error_and_no_debug_shows_a_key() {
    let file = bytes(KEYTAB);
    let shown = std::format!("{:?}", Keytab::from_bytes(&file).unwrap());
    assert!(!shown.contains("0001") && !shown.contains("[0, 1, 2"), "{shown}");
    for end in 0..file.len() {
        if let Err(error) = Keytab::from_bytes(&file[..end]) {
            assert!(std::format!("{error:?} {error}").len() < 200);
        }
    }
}

prop_compose! {
    fn principal()(
        name_type in any::<i32>(),
        components in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 1..4),
        realm in prop::collection::vec(any::<u8>(), 0..9),
    ) -> Principal {
        Principal { name: Name { name_type: NameType(name_type), components }, realm }
    }
}

prop_compose! {
    fn cache_entry()(
        client in principal(),
        server in principal(),
        enctype in 0..0x1_0000i32,
        key_bytes in prop::collection::vec(any::<u8>(), 0..40),
        times in any::<[u32; 4]>(),
        is_skey in any::<bool>(),
        flags in any::<u32>(),
        addresses in prop::collection::vec(any::<(u16, Vec<u8>)>(), 0..3),
        ticket in prop::collection::vec(any::<u8>(), 0..60),
    ) -> CacheEntry {
        CacheEntry {
            client, server, enctype: EncType(enctype), key_bytes: Zeroizing::new(key_bytes), times,
            is_skey, flags: TicketFlags(flags), addresses, authdata: Vec::new(), ticket,
            second_ticket: Vec::new(),
        }
    }
}

proptest! {
    #[test]
    fn caches_round_trip(
        default_principal in principal(),
        entries in prop::collection::vec(cache_entry(), 0..4),
    ) {
        let cache = CredentialCache { kdc_offset: None, default_principal, entries };
        prop_assert_eq!(CredentialCache::from_bytes(&cache.to_bytes()).unwrap(), cache);
    }

    #[test]
    fn keytabs_round_trip(
        principal in principal(),
        kvno in 1..=u32::MAX,
        enctype in 0..0x1_0000i32,
        key_bytes in prop::collection::vec(any::<u8>(), 0..40),
        timestamp in any::<u32>(),
    ) {
        let entry = KeytabEntry {
            principal, kvno, enctype: EncType(enctype), key_bytes: Zeroizing::new(key_bytes),
            timestamp: KerberosTime::from_unix(timestamp.into()),
        };
        let keytab = Keytab { entries: Vec::from([entry]) };
        prop_assert_eq!(Keytab::from_bytes(&keytab.to_bytes()).unwrap(), keytab);
    }

    #[test]
    fn hostile_files_never_panic(mut file in prop::collection::vec(any::<u8>(), 0..200), version in 0..6u8) {
        file.splice(0..0, [5, version]);
        let _ = CredentialCache::from_bytes(&file);
        let _ = Keytab::from_bytes(&file);
    }
}
