//! Which keys of a keytab are tried, and in which order.

use super::*;
use crate::crypto::{CryptoError, Key, MAX_CANDIDATES};

const AES256: EncType = EncType::AES256_CTS_HMAC_SHA1_96;
const AES128: EncType = EncType::AES128_CTS_HMAC_SHA1_96;

fn service() -> Principal {
    Principal::new(Name::user("svc-mcp"), "W25AD.NET")
}

/// An entry whose key's octets are all `mark`.
fn entry(enctype: EncType, kvno: u32, timestamp: i64, mark: u8) -> KeytabEntry {
    let length = if enctype == AES256 { 32 } else { 16 };
    KeytabEntry {
        principal: service(),
        timestamp: KerberosTime::from_unix(timestamp),
        kvno,
        enctype,
        key_bytes: Zeroizing::new(std::vec![mark; length]),
    }
}

/// Versions of AES-256 keys, in the order in which they are tried for a ticket's.
fn order(versions: &[u32], asked: Option<u32>) -> Vec<u32> {
    let entries = versions.iter().zip(1..).map(|(&kvno, mark)| entry(AES256, kvno, 0, mark));
    let keytab = Keytab { entries: entries.collect() };
    let version = |key: &Key| versions[usize::from(key.as_bytes()[0]) - 1];
    keytab.keys(&service(), asked, AES256).iter().map(version).collect()
}

#[test]
fn a_version_is_a_hint() {
    // The KDC's is 3; `ktutil addent` and `ktpass -kvno 0` wrote what they liked.
    assert_eq!(order(&[0], Some(3)), [0]);
    assert_eq!(order(&[1], Some(3)), [1]);
    let cases: &[(&[u32], Option<u32>, &[u32])] = &[
        (&[1, 2, 3, 4], Some(2), &[2, 4, 3, 1]),
        (&[1, 0, 3], Some(2), &[0, 3, 1]),
        (&[1, 0, 2], Some(2), &[2, 0, 1]),
        // The file, or the KDC, knows 8 bits only.
        (&[5, 3, 4], Some(0x103), &[3, 5, 4]),
        (&[5, 0x103, 4], Some(3), &[0x103, 5, 4]),
        (&[3, 0x103], Some(0x103), &[0x103, 3]),
        // A read-only domain controller's number is in front of the version.
        (&[5, 3, 0, 4], Some(0x5a5a_0003), &[3, 0, 5, 4]),
        (&[3, 0x103, 4], Some(0x5a5a_0103), &[0x103, 3, 4]),
        (&[0x5a5a_0103, 0x103], Some(0x5a5a_0103), &[0x5a5a_0103, 0x103]),
        // No version, or 0, which names none.
        (&[2, 7, 3], None, &[7, 3, 2]),
        (&[2, 0, 3], Some(0), &[3, 2, 0]),
    ];
    for (versions, asked, expected) in cases {
        assert_eq!(&order(versions, *asked), expected, "{versions:?} for {asked:?}");
    }
}

#[test]
fn candidates_are_few_and_each_comes_once() {
    let many: Vec<u32> = (1..=2 * MAX_CANDIDATES as u32).collect();
    let tried = order(&many, Some(2));
    assert_eq!(tried.len(), MAX_CANDIDATES);
    assert_eq!(tried[..3], [2, 32, 31]);
    let same = Keytab { entries: [0, 1, 2].map(|kvno| entry(AES256, kvno, 0, 9)).into() };
    assert_eq!(same.keys(&service(), Some(1), AES256).len(), 1);
    assert!(same.keys(&service(), Some(1), AES128).is_empty());
    assert!(same.keys(&Principal::krbtgt(b"W25AD.NET"), Some(1), AES256).is_empty());
}

/// MIT `kt_file.c`, `more_recent`: a version of 8 or 16 bits begins again.
#[test]
fn a_small_version_that_is_not_older_than_a_large_one_is_newer() {
    let newest = |small: i64, large: i64| {
        let entries = Vec::from([entry(AES256, 250, large, 250), entry(AES256, 2, small, 2)]);
        Keytab { entries }.keys(&service(), None, AES256)[0].as_bytes()[0]
    };
    assert_eq!([newest(9, 10), newest(10, 10), newest(11, 10)], [250, 2, 2]);
}

#[test]
fn a_login_begins_with_the_newest_keys_and_has_the_ones_before() {
    let keytab = Keytab {
        entries: Vec::from([
            entry(AES256, 2, 0, 1),
            entry(AES256, 3, 0, 2),
            entry(AES128, 4, 0, 3),
            entry(AES256, 1, 0, 4),
        ]),
    };
    let marks = |enctypes: &[EncType]| -> Vec<u8> {
        let keys = keytab.login_keys(&service(), enctypes);
        keys.iter().map(|key| key.as_bytes()[0]).collect()
    };
    assert_eq!(
        marks(&[AES256, AES128]),
        [3, 2, 1],
        "the account's newest version has AES-128 only"
    );
    assert_eq!(marks(&[AES256]), [2, 1], "two, since each wrong one counts towards a lock-out");
    assert_eq!(marks(&[]), []);
}

/// A full disk, or a copy that was broken off: MIT's iteration ends there.
#[test]
fn a_keytab_whose_last_entry_is_cut_keeps_those_before() {
    let entries = [entry(AES256, 1, 0, 1), entry(AES256, 2, 0, 2), entry(AES128, 2, 0, 3)];
    let keytab = Keytab { entries: entries.into() };
    let file = keytab.to_bytes().unwrap();
    let one = file.len() - Keytab { entries: keytab.entries[..2].into() }.to_bytes().unwrap().len();
    for missing in 1..one {
        let read = Keytab::from_bytes(&file[..file.len() - missing]).unwrap();
        assert_eq!(read.entries, keytab.entries[..2], "{missing} octets missing");
    }
    // The only one, or one that is not as long as it says, is no end.
    let first = Keytab { entries: keytab.entries[..1].into() }.to_bytes().unwrap();
    for end in 3..first.len() {
        let error = Keytab::from_bytes(&first[..end]).unwrap_err();
        assert_eq!(error.kind, FormatErrorKind::Truncated, "{end}");
    }
    let mut bent = file.to_vec();
    bent[first.len() + 3] = 8;
    assert!(Keytab::from_bytes(&bent).is_err());
}

#[test]
fn rc4_is_given_to_those_who_ask_for_danger() {
    let rc4 = entry(EncType::RC4_HMAC, 3, 0, 7);
    assert_eq!(rc4.key(), Err(CryptoError::DangerousEncType(EncType::RC4_HMAC)));
    assert_eq!(rc4.danger_key().unwrap().as_bytes(), [7; 16]);
    let keytab = Keytab { entries: Vec::from([rc4, entry(AES256, 3, 0, 8)]) };
    assert!(keytab.keys(&service(), Some(3), EncType::RC4_HMAC).is_empty());
    assert_eq!(keytab.danger_keys(&service(), Some(3), EncType::RC4_HMAC).len(), 1);
    assert_eq!(keytab.danger_keys(&service(), Some(3), AES256).len(), 1);
}
