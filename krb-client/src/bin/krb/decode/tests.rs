//! Whatever is given, it is read or refused, and all of it is shown.

use std::fs;
use std::path::Path;

use super::*;

/// Every seed of every fuzz target, which are messages, tokens and files of every kind.
fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = folders
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Decodes, and shows it in both ways. Whether anything is wrong with it.
fn show(octets: &[u8]) -> bool {
    let mut decoder = Decoder::default();
    let Ok(input) = Input::read(octets) else { return true };
    let messages = decode(&mut decoder, input);
    let shown = text(&messages);
    assert!(!shown.chars().any(|it| it.is_control() && it != '\n'), "orders for the terminal");
    for message in &messages {
        assert!(message.json().is_object());
    }
    decoder.problems > 0
}

#[test]
fn every_seed_is_shown_or_refused_whole_and_in_part() {
    let corpus = corpus();
    assert!(corpus.len() > 100, "{} seeds", corpus.len());
    for seed in &corpus {
        show(seed);
        // As it would be over TCP, and within a capture of one packet.
        let length = (seed.len() as u32).to_be_bytes();
        show(&[&length[..], seed].concat());
        show(&capture::tests::of_one_datagram(seed));
        let parts = seed.len().div_ceil(16).max(1);
        for end in (0..seed.len()).step_by(parts) {
            show(&seed[..end]);
        }
    }
}

/// What each seed that other tools made is taken for.
#[test]
fn files_are_told_apart() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/files");
    for (file, kind) in [
        ("ccache-v1", "ccache"),
        ("ccache-v2", "ccache"),
        ("ccache-v3", "ccache"),
        ("ccache-v4", "ccache"),
        ("keytab", "keytab"),
        ("kirbi", "KRB-CRED"),
        ("kirbi-base64", "kirbi"),
        ("kirbi-ber", "kirbi"),
        ("java-ticket", "Java KerberosTicket"),
    ] {
        let mut decoder = Decoder::default();
        let octets = fs::read(folder.join(file)).unwrap();
        let messages = decode(&mut decoder, Input::read(&octets).unwrap());
        assert_eq!(messages[0].json()["type"], kind, "{file}");
    }
}

/// Files with keys in them, whole, cut anywhere, and behind octets that are none of theirs.
#[test]
fn no_key_of_a_damaged_file_is_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus/files");
    let read = |file: &str| fs::read(folder.join(file)).unwrap();
    let (keytab, ccache) = (read("keytab"), read("ccache-v4"));
    let of_keytab = krb_proto::formats::Keytab::from_bytes(&keytab).unwrap().entries;
    let of_ccache = krb_proto::formats::CredentialCache::from_bytes(&ccache).unwrap().entries;
    let keys = of_keytab.iter().map(|entry| tree::hex(&entry.key_bytes));
    let keys: Vec<String> =
        keys.chain(of_ccache.iter().map(|it| tree::hex(&it.key_bytes))).collect();
    // Of 8 octets nobody makes a key; a part of one that is longer may be found where it begins anywhere.
    let parts: Vec<&str> = keys
        .iter()
        .flat_map(|key| (0..=key.len().saturating_sub(16)).step_by(2).map(|at| &key[at..at + 16]))
        .collect();
    assert!(parts.len() > 16, "{keys:?}");
    for file in [&keytab, &ccache] {
        for end in 1..=file.len() {
            for octets in [file[..end].to_vec(), [b"\xff\xfe", &file[..end]].concat()] {
                let Ok(input) = Input::read(&octets) else { continue };
                let messages = decode(&mut Decoder::default(), input);
                let json: String = messages.iter().map(|it| it.json().to_string()).collect();
                let shown = [json, text(&messages)].concat();
                assert!(!parts.iter().any(|part| shown.contains(part)), "{end}: {shown}");
            }
        }
    }
}

/// A request for another password that is cut out of its protocol is data in confidence.
#[test]
fn what_is_said_in_confidence_is_not_shown() {
    let part = krb_proto::asn1::EncKrbPrivPart {
        user_data: b"another password",
        timestamp: None,
        usec: None,
        seq_number: None,
        s_address: krb_proto::asn1::HostAddress { addr_type: 2, address: &[127, 0, 0, 1] },
        r_address: None,
    };
    let octets = krb_proto::der::encode(&part);
    let message = Decoder::default().message(&octets).json();
    assert_eq!(message["user-data"], "16 octets", "{message}");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]

    /// A seed with octets of it changed, which is what goes furthest.
    #[test]
    fn a_seed_that_was_tampered_with_is_shown_or_refused(
        seed in proptest::prelude::any::<proptest::sample::Index>(),
        changes in proptest::collection::vec(
            (proptest::prelude::any::<proptest::sample::Index>(), proptest::prelude::any::<u8>()), 1..8,
        ),
    ) {
        let corpus = corpus();
        let mut octets = seed.get(&corpus).clone();
        if !octets.is_empty() {
            for (place, value) in changes {
                *place.get_mut(&mut octets) = value;
            }
            show(&octets);
            show(&capture::tests::of_one_datagram(&octets));
        }
    }

    #[test]
    fn what_begins_as_a_capture_is_shown_or_refused(
        start in proptest::sample::select(vec![
            &b"\xd4\xc3\xb2\xa1"[..], b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1",
            b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a",
        ]),
        rest in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..256),
    ) {
        show(&[start, &rest].concat());
    }
}

#[test]
fn messages_deep_in_one_another_are_not_followed_for_ever() {
    let mut octets = vec![0x30, 0];
    for _ in 0..200 {
        // AuthorizationData with one AD-IF-RELEVANT in it.
        let data = krb_proto::asn1::AuthorizationDataElement {
            ad_type: krb_proto::iana::AdType::IF_RELEVANT,
            ad_data: &octets,
        };
        octets = krb_proto::der::encode(&krb_proto::der::List::of(&[data]));
    }
    assert!(show(&octets), "said to be too deep");
}
