//! Files as MIT's tools write them, and what becomes of broken ones.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

mod keytab;
mod kirbi;
mod old_versions;

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
    include_str!("../../../vectors/mit-t_marshal.txt")
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
    let kinds: Vec<i16> = entry.authdata.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [512, -100], "types of authorization data may be negative");
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
    assert_eq!(*CredentialCache::from_bytes(&file).unwrap().to_bytes(), file);
}

#[test]
fn a_cache_cut_anywhere_is_refused_or_shorter() {
    for version in 1..=4 {
        let file = t_marshal(version);
        let whole = CredentialCache::from_bytes(&file).unwrap();
        for end in 0..file.len() {
            // Between two entries a cut cannot be seen.
            if let Ok(cache) = CredentialCache::from_bytes(&file[..end]) {
                let shorter = cache.entries.len() < whole.entries.len();
                assert!(shorter, "version {version} cut at {end}");
            }
        }
    }
}

/// A writer that was stopped: MIT's iteration ends there.
#[test]
fn a_cache_whose_last_entry_is_cut_keeps_those_before() {
    for version in 1..=4 {
        let file = t_marshal(version);
        let whole = CredentialCache::from_bytes(&file).unwrap();
        for missing in 1..40 {
            let cache = CredentialCache::from_bytes(&file[..file.len() - missing]).unwrap();
            assert_eq!(cache.entries, whole.entries[..1], "version {version}");
        }
    }
}

#[test]
fn no_length_is_believed() {
    for version in 1..=4 {
        let file = t_marshal(version);
        for at in 2..file.len() - 4 {
            let mut hostile = file.clone();
            hostile[at..at + 4].fill(0xff);
            if let Ok(cache) = CredentialCache::from_bytes(&hostile) {
                // It was no length, or one of two bytes: nothing grew.
                assert!(cache.to_bytes().len() <= 2 * file.len(), "version {version} at {at}");
            }
        }
    }
}

/// MIT's "credential cache file format": unknown header fields are to be skipped by readers.
#[test]
fn unknown_header_fields_are_kept() {
    let file = t_marshal(4);
    let (_, rest) = file.split_at(4 + 12);
    let offset = bytes("0001 0008 0000012c 0000d431");
    let unknown = bytes("0002 0003 aabbcc 7fff 0000");
    let length = ((offset.len() + unknown.len()) as u16).to_be_bytes();
    let with = |header: [&[u8]; 2]| [&[5, 4], &length[..], &header.concat(), rest].concat();
    let written = with([&offset, &unknown]);
    let cache = CredentialCache::from_bytes(&written).unwrap();
    assert_eq!(cache.kdc_offset, Some(KdcOffset { seconds: 300, microseconds: 54_321 }));
    assert_eq!(*cache.to_bytes(), written);
    let other_order = CredentialCache::from_bytes(&with([&unknown, &offset])).unwrap();
    assert_eq!(*other_order.to_bytes(), written, "the offset goes first");
    // A header whose fields do not fill it, an offset that is too short.
    for header in ["0001 00", "0002 0000 01", "0001 0004 00000000", "0002 0005 01"] {
        let header = bytes(header);
        let file = [&[5, 4, 0, header.len() as u8], &*header, rest].concat();
        assert!(CredentialCache::from_bytes(&file).is_err(), "{header:02x?}");
    }
}

#[test]
fn a_session_key_of_rc4_is_for_those_who_ask_for_danger() {
    let mut cache = CredentialCache::from_bytes(&t_marshal(4)).unwrap();
    let entry = &mut cache.entries[0];
    assert!(entry.danger_credential().is_ok());
    entry.enctype = EncType::RC4_HMAC;
    assert!(entry.credential().is_err());
    let credential = entry.danger_credential().unwrap();
    assert_eq!(credential.session_key.as_bytes(), *entry.key_bytes);
    assert_eq!(CacheEntry::from(&credential).enctype, EncType::RC4_HMAC);
}

#[test]
fn entries_that_are_no_tickets_of_ours_are_carried() {
    let mut cache = CredentialCache::from_bytes(&t_marshal(4)).unwrap();
    let name = ["krb5_ccache_conf_data", "fast_avail", "krbtgt/KRBTEST.COM@KRBTEST.COM"];
    let entry = &mut cache.entries[1];
    entry.server = Principal::new(Name::new(NameType::UNKNOWN, name), "X-CACHECONF:");
    entry.ticket = b"yes".to_vec();
    assert_eq!(CredentialCache::from_bytes(&cache.to_bytes()).unwrap(), cache);
    assert_eq!(cache.tickets().collect::<Vec<_>>(), [&cache.entries[0]]);
    // MIT sign-extends enctypes (ccmarshal.c); so must the number survive.
    for enctype in [-133, i16::MIN.into(), 1, 3, 16, i16::MAX.into()] {
        cache.entries[0].enctype = EncType(enctype);
        assert_eq!(CredentialCache::from_bytes(&cache.to_bytes()).unwrap(), cache, "{enctype}");
        assert!(cache.entries[0].credential().is_err(), "{enctype}");
    }
}

/// MIT's library removes an entry in its place, so that whoever reads the file goes on.
#[test]
fn what_was_removed_in_its_place_is_left_out() {
    for version in 1..=4 {
        let file = t_marshal(version);
        let (whole, places) = CredentialCache::locate(&file).unwrap();
        assert_eq!((places.version, places.end, places.removed), (version, file.len(), 0));
        assert_eq!(places.entries.len(), 2);
        assert_eq!(places.entries[1], places.entries[0].end..file.len(), "version {version}");
        if version < 4 {
            continue;
        }
        let mut configuration = whole.entries[1].clone();
        configuration.server.realm = b"X-CACHECONF:".to_vec();
        for (at, entry) in [(0, &whole.entries[0]), (1, &whole.entries[1]), (1, &configuration)] {
            let entries = vec![whole.entries[0].clone(), entry.clone()];
            let mut file = CredentialCache::new(whole.default_principal.clone());
            file.entries = entries;
            let mut file = file.to_bytes().to_vec();
            let (_, places) = CredentialCache::locate(&file).unwrap();
            let (place, removed) = (places.entries[at].clone(), entry.removed());
            assert!(removed.is_removed() && !entry.is_removed() && !removed.is_configuration());
            assert_eq!(removed.to_bytes().len(), place.len(), "the same length");
            file[place.clone()].copy_from_slice(&removed.to_bytes());
            let (cache, places) = CredentialCache::locate(&file).unwrap();
            assert_eq!((cache.entries.len(), places.entries.len()), (1, 1));
            assert_eq!((places.removed, places.end), (place.len(), file.len()));
            // A writer that was stopped behind it.
            file.extend_from_slice(&entry.to_bytes()[..20]);
            assert_eq!(CredentialCache::locate(&file).unwrap(), (cache, places));
        }
    }
}

#[test]
fn entries_and_principals_alone_are_as_in_a_file() {
    let file = t_marshal(4);
    let (cache, places) = CredentialCache::locate(&file).unwrap();
    for (entry, place) in cache.entries.iter().zip(places.entries) {
        assert_eq!(*entry.to_bytes(), file[place]);
        assert_eq!(CacheEntry::from_bytes(&entry.to_bytes()).unwrap(), *entry);
    }
    let principal = CredentialCache::principal_to_bytes(&cache.default_principal);
    assert_eq!(CredentialCache::principal_from_bytes(&principal).unwrap(), cache.default_principal);
    assert!(CredentialCache::principal_from_bytes(&principal[1..]).is_err());
    assert!(CacheEntry::from_bytes(&principal).is_err());
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
    assert_eq!(*keytab.to_bytes().unwrap(), file);
    assert_eq!(keytab.keys(&web, Some(0x103), entry.enctype), [entry.key().unwrap()]);
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
fn kvno_is_32_bits_only_where_there_are_some() {
    let file = bytes(KEYTAB);
    let entry = |end: usize, tail: &[u8]| {
        let entry = &[&file[6..end], tail].concat()[..];
        let file = [&[5, 2], &(entry.len() as u32).to_be_bytes()[..], entry].concat();
        Keytab::from_bytes(&file).unwrap().entries[0].kvno
    };
    let end = file.len() - 4;
    assert_eq!(entry(end, &[]), 3, "8 bits");
    assert_eq!(entry(end, &[0, 0, 1]), 3, "three bytes are none of them");
    assert_eq!(entry(end, &[0, 0, 0, 0]), 3, "zero means unused");
    assert_eq!(entry(end, &[0x80, 0, 0, 1]), 0x8000_0001, "an RODC's number");
    assert_eq!(entry(end, &[0, 0, 1, 3, 0, 0, 0, 0, 0xff]), 0x103, "what follows is unused");
}

#[test]
fn what_does_not_fit_into_a_keytab_is_not_written() {
    let whole = Keytab::from_bytes(&bytes(KEYTAB)).unwrap();
    let long = |length: usize| std::vec![0; length];
    type Edit = fn(&mut KeytabEntry, Vec<u8>);
    let edits: [(&str, Edit); 3] = [
        ("realm", |entry, octets| entry.principal.realm = octets),
        ("component", |entry, octets| entry.principal.name.components[0] = octets),
        ("key", |entry, octets| entry.key_bytes = Zeroizing::new(octets)),
    ];
    for (field, edit) in edits {
        let mut keytab = whole.clone();
        for length in [65_534, 65_535] {
            edit(&mut keytab.entries[0], long(length));
            assert_eq!(Keytab::from_bytes(&keytab.to_bytes().unwrap()).unwrap(), keytab);
        }
        edit(&mut keytab.entries[0], long(65_536));
        let error = keytab.to_bytes().unwrap_err();
        assert_eq!((error.kind, error.field), (FormatErrorKind::TooLarge, field));
    }
    let mut keytab = whole.clone();
    keytab.entries[0].enctype = EncType(0x8000);
    assert_eq!(keytab.to_bytes().unwrap_err().field, "enctype");
    keytab.entries[0].enctype = EncType(-0x8000);
    assert_eq!(Keytab::from_bytes(&keytab.to_bytes().unwrap()).unwrap(), keytab);
}

/// go-krb5 #157: an error that quoted the bytes it could not parse, which were keys.
#[test]
fn no_error_and_no_debug_shows_a_key() {
    let secret = |text: &str| text.contains("deadbeef") || text.contains("222, 173");
    let mut keytab = Keytab::from_bytes(&bytes(KEYTAB)).unwrap();
    let key = [0xde, 0xad, 0xbe, 0xef].repeat(8);
    keytab.entries[0].key_bytes = Zeroizing::new(key.clone());
    let mut cache = CredentialCache::from_bytes(&t_marshal(4)).unwrap();
    cache.entries[0].key_bytes = Zeroizing::new(key);
    for shown in [std::format!("{keytab:x?} {keytab:?}"), std::format!("{cache:x?} {cache:?}")] {
        assert!(!secret(&shown), "{shown}");
    }
    let (keytab, cache) = (keytab.to_bytes().unwrap(), cache.to_bytes());
    let mut errors = 0;
    for end in 0..keytab.len().max(cache.len()) {
        let cut = |file: &[u8]| file.get(..end).unwrap_or_default().to_vec();
        let refused = [
            Keytab::from_bytes(&cut(&keytab)).err().map(|e| std::format!("{e:?} {e}")),
            CredentialCache::from_bytes(&cut(&cache)).err().map(|e| std::format!("{e:?} {e}")),
            read_kirbi(&cut(&cache)).err().map(|e| std::format!("{e:?} {e}")),
        ];
        for error in refused.into_iter().flatten() {
            errors += 1;
            assert!(!secret(&error), "{error}");
        }
    }
    assert!(errors > 300);
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
        enctype in any::<i16>(),
        key_bytes in prop::collection::vec(any::<u8>(), 0..40),
        times in any::<[u32; 4]>(),
        is_skey in any::<bool>(),
        flags in any::<u32>(),
        addresses in prop::collection::vec(any::<(u16, Vec<u8>)>(), 0..3),
        ticket in prop::collection::vec(any::<u8>(), 0..60),
    ) -> CacheEntry {
        CacheEntry {
            client, server, enctype: EncType(enctype.into()), key_bytes: Zeroizing::new(key_bytes), times,
            is_skey, flags: TicketFlags(flags), addresses, authdata: Vec::new(), ticket,
            second_ticket: Vec::new(),
        }
    }
}

proptest! {
    #[test]
    fn caches_round_trip(
        kdc_offset in any::<Option<(i32, i32)>>(),
        default_principal in principal(),
        entries in prop::collection::vec(cache_entry(), 0..4),
    ) {
        let mut cache = CredentialCache::new(default_principal);
        cache.kdc_offset = kdc_offset.map(|(seconds, microseconds)| KdcOffset { seconds, microseconds });
        cache.entries = entries;
        prop_assert_eq!(CredentialCache::from_bytes(&cache.to_bytes()).unwrap(), cache);
    }

    #[test]
    fn keytabs_round_trip(
        principal in principal(),
        kvno in any::<u32>(),
        enctype in any::<i16>(),
        key_bytes in prop::collection::vec(any::<u8>(), 0..40),
        timestamp in any::<u32>(),
    ) {
        let entry = KeytabEntry {
            principal, kvno, enctype: EncType(enctype.into()), key_bytes: Zeroizing::new(key_bytes),
            timestamp: KerberosTime::from_unix(timestamp.into()),
        };
        let keytab = Keytab { entries: Vec::from([entry]) };
        prop_assert_eq!(Keytab::from_bytes(&keytab.to_bytes().unwrap()).unwrap(), keytab);
    }

    #[test]
    fn hostile_files_never_panic(mut file in prop::collection::vec(any::<u8>(), 0..200), version in 0..6u8) {
        file.splice(0..0, [5, version]);
        let _ = CredentialCache::from_bytes(&file);
        let _ = Keytab::from_bytes(&file);
    }
}
