//! Encryption, decryption and string-to-key; and MAC comparison against the position of the first
//! wrong octet.
#![allow(missing_docs)] // criterion's macros make functions without

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use kerbcore::KerberosKey;
use kerberos_crypto::{KerberosCipher, is_supported_etype, new_kerberos_cipher};
use krb_benches::cases::{
    ENCTYPES, Id, Operation, PASSWORD, SALT, USAGE, key, key_octets, plaintext, sizes, stretches,
};
use krb_benches::harness::{Case, ThreadTime, criterion};
use krb_benches::names;
use krb_proto::crypto::{Key, constant_time_eq};
use krb_proto::iana::EncType;
use picky_krb::crypto::{Cipher, CipherSuite};
use rand::Rng;

/// The peers that are crates and know the enctype.
struct Peers {
    kerberos_crypto: Option<Box<dyn KerberosCipher>>,
    picky: Option<Box<dyn Cipher>>,
    kerbcore: Option<KerberosKey>,
}

impl Peers {
    fn of(enctype: EncType) -> Self {
        let number = enctype.0;
        Self {
            kerberos_crypto: is_supported_etype(number)
                .then(|| new_kerberos_cipher(number).expect("supported")),
            picky: CipherSuite::try_from(number as usize).ok().map(|suite| suite.cipher()),
            kerbcore: KerberosKey::from_i32(number, key_octets(enctype)).ok(),
        }
    }
}

/// Confounders as krb-client makes them.
struct OsRandom;

impl krb_proto::Random for OsRandom {
    fn fill(&mut self, out: &mut [u8]) {
        rand::rng().fill_bytes(out);
    }
}

const USAGE_NUMBER: i32 = USAGE.0 as i32;

fn messages(criterion: &mut Criterion<ThreadTime>) {
    for enctype in ENCTYPES {
        let peers = Peers::of(enctype);
        for size in sizes(enctype) {
            encrypt(criterion, enctype, size, &peers);
            decrypt(criterion, enctype, size, &peers);
        }
    }
}

fn encrypt(criterion: &mut Criterion<ThreadTime>, enctype: EncType, size: usize, peers: &Peers) {
    let plain = plaintext(size);
    let octets = key_octets(enctype);
    let cached = key(enctype, &octets).for_usage(USAGE);
    let mut case = Case::new(criterion, Id::Cipher(Operation::Encrypt, enctype, size));
    let mut out = Vec::new();
    case.measure(names::CACHED, || {
        out.clear();
        cached.encrypt_into(black_box(&plain), &mut OsRandom, &mut out);
    });
    case.measure(names::OURS, || {
        key(enctype, &octets).encrypt(USAGE, black_box(&plain), &mut OsRandom)
    });
    if let Some(peer) = &peers.kerberos_crypto {
        case.measure(names::KERBEROS_CRYPTO, || {
            peer.encrypt(&octets, USAGE_NUMBER, black_box(&plain))
        });
    }
    if let Some(peer) = &peers.picky {
        case.measure(names::PICKY, || {
            peer.encrypt(&octets, USAGE_NUMBER, black_box(&plain)).expect("a good key")
        });
    }
    if let Some(peer) = &peers.kerbcore {
        case.measure(names::KERBCORE, || peer.encrypt(USAGE.0, black_box(&plain)));
    }
}

fn decrypt(criterion: &mut Criterion<ThreadTime>, enctype: EncType, size: usize, peers: &Peers) {
    let octets = key_octets(enctype);
    let cached = key(enctype, &octets).for_usage(USAGE);
    let sealed = cached.encrypt(&plaintext(size), &mut OsRandom);
    let mut case = Case::new(criterion, Id::Cipher(Operation::Decrypt, enctype, size));
    let mut message = sealed.clone();
    case.measure(names::CACHED, || {
        // Decryption is in place, so the ciphertext is laid out anew: a copy that others make too.
        message.copy_from_slice(black_box(&sealed));
        cached.decrypt_in_place(&mut message).expect("ours").len()
    });
    case.measure(names::OURS, || {
        key(enctype, &octets).decrypt(USAGE, black_box(&sealed)).expect("ours")
    });
    if let Some(peer) = &peers.kerberos_crypto {
        case.measure(names::KERBEROS_CRYPTO, || {
            peer.decrypt(&octets, USAGE_NUMBER, black_box(&sealed)).expect("ours")
        });
    }
    if let Some(peer) = &peers.picky {
        case.measure(names::PICKY, || {
            peer.decrypt(&octets, USAGE_NUMBER, black_box(&sealed)).expect("ours")
        });
    }
    if let Some(peer) = &peers.kerbcore {
        case.measure(names::KERBCORE, || peer.decrypt(USAGE.0, black_box(&sealed)).expect("ours"));
    }
}

fn string_to_key(criterion: &mut Criterion<ThreadTime>) {
    for enctype in ENCTYPES.into_iter().filter(|enctype| stretches(*enctype)) {
        let peers = Peers::of(enctype);
        let mut case = Case::new(criterion, Id::StringToKey(enctype));
        let ours = || Key::from_password(enctype, black_box(PASSWORD.as_bytes()), SALT, None);
        case.measure(names::OURS, || ours().expect("default parameters"));
        let expected = ours().expect("default parameters");
        if let Some(peer) = &peers.kerberos_crypto {
            let derive = || peer.generate_key_from_string(black_box(PASSWORD), SALT);
            assert!(derive() == expected.as_bytes());
            case.measure(names::KERBEROS_CRYPTO, derive);
        }
        if let Some(peer) = &peers.picky {
            let derive = || {
                peer.generate_key_from_password(black_box(PASSWORD.as_bytes()), SALT)
                    .expect("derives")
            };
            assert!(derive() == expected.as_bytes());
            case.measure(names::PICKY, derive);
        }
        if let Some(peer) = &peers.kerbcore {
            let iterations = if matches!(enctype.0, 17 | 18) { 4_096 } else { 32_768 };
            let derive = || {
                let password = black_box(PASSWORD);
                KerberosKey::string_to_key(peer.enctype(), password, SALT, iterations)
            };
            assert!(derive().key() == expected.as_bytes());
            case.measure(names::KERBCORE, derive);
        }
    }
}

/// Comparison of MACs of 24 octets; beside it one that stops at the first difference, which shows
/// what a trend looks like when there is one.
fn mac_comparison(criterion: &mut Criterion<ThreadTime>) {
    let mac = [0x11; 24];
    for (name, compare) in [
        ("constant-time", constant_time_eq as fn(&[u8], &[u8]) -> bool),
        ("early-exit", stops_at_the_first_difference),
    ] {
        let mut case = Case::named(criterion, format!("mac-comparison/{name}"));
        for step in 0..mac.len() {
            // Not in order, so that a machine that grows slower or faster makes no trend.
            let position = step * 7 % mac.len();
            let mut wrong = mac;
            wrong[position] ^= 1;
            case.measure(&position.to_string(), || compare(black_box(&mac), black_box(&wrong)));
        }
    }
}

fn stops_at_the_first_difference(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| black_box(x) == y)
}

criterion_group! {
    name = benches;
    config = criterion();
    targets = messages, string_to_key, mac_comparison
}
criterion_main!(benches);
