//! Published vectors, and what must hold for every enctype.

use alloc::vec::Vec;
use std::format;
use std::string::String;

use proptest::prelude::*;

use super::profile::Profile;
use super::rfc3961;
use super::{CryptoError, Key, MAX_ITERATIONS, null, rfc6803, rfc8009};
use crate::Random;
use crate::iana::{ChecksumType, EncType, KeyUsage};

const ENCTYPES: [EncType; 7] = [
    EncType::AES128_CTS_HMAC_SHA1_96,
    EncType::AES256_CTS_HMAC_SHA1_96,
    EncType::AES128_CTS_HMAC_SHA256_128,
    EncType::AES256_CTS_HMAC_SHA384_192,
    EncType::RC4_HMAC,
    EncType::CAMELLIA128_CTS_CMAC,
    EncType::CAMELLIA256_CTS_CMAC,
];

/// Gives the octets it was made of, over and over.
struct Replay(Vec<u8>);

impl Random for Replay {
    fn fill(&mut self, out: &mut [u8]) {
        out.iter_mut().zip(self.0.iter().cycle()).for_each(|(to, from)| *to = *from);
    }
}

fn key(enctype: EncType, bytes: &[u8]) -> Key {
    match enctype {
        EncType::RC4_HMAC => Key::danger_new_rc4(bytes).unwrap(),
        _ => Key::new(enctype, bytes).unwrap(),
    }
}

fn some_key(enctype: EncType) -> Key {
    let bytes: Vec<u8> = (1..).take(Profile::of(enctype).unwrap().key_len).collect();
    key(enctype, &bytes)
}

/// The lines of a file of vectors: an enctype and the other columns.
fn vectors(file: &'static str) -> impl Iterator<Item = (EncType, Vec<&'static str>)> {
    file.lines().filter(|line| !line.starts_with('#')).map(|line| {
        let mut columns = line.split(' ');
        (EncType(columns.next().unwrap().parse().unwrap()), columns.collect())
    })
}

/// Octets from hexadecimal digits; `-` stands for none.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
    let nibble = |digit: &u8| char::from(*digit).to_digit(16).unwrap() as u8;
    digits.as_chunks().0.iter().map(|[high, low]| nibble(high) << 4 | nibble(low)).collect()
}

#[test]
fn ciphertexts_of_others() {
    for (enctype, columns) in vectors(include_str!("vectors/ciphertexts.txt")) {
        let [usage, bytes, plaintext, ciphertext] = columns[..] else { unreachable!() };
        let usage = KeyUsage(usage.parse().unwrap());
        let (key, plaintext, ciphertext) =
            (key(enctype, &hex(bytes)), hex(plaintext), hex(ciphertext));
        assert_eq!(*key.decrypt(usage, &ciphertext).unwrap(), plaintext, "{enctype}");

        let keys = key.for_usage(usage);
        let mut message = ciphertext.clone();
        assert_eq!(keys.decrypt_in_place(&mut message).unwrap(), plaintext);
        // The confounder stands before the plaintext now; with the same, encryption is the same.
        let header = Profile::of(enctype).unwrap().header_len;
        let confounder = if enctype == EncType::RC4_HMAC { header - 8 } else { 0 };
        let mut rng = Replay(message[confounder..header].to_vec());
        assert_eq!(key.encrypt(usage, &plaintext, &mut rng), ciphertext, "{enctype}");
        assert_eq!(keys.encrypt(&plaintext, &mut rng), ciphertext, "{enctype}");
        assert_eq!(keys.overhead(), ciphertext.len() - plaintext.len());
    }
}

#[test]
fn checksums_of_others() {
    for (enctype, columns) in vectors(include_str!("vectors/checksums.txt")) {
        let [usage, bytes, data, checksum] = columns[..] else { unreachable!() };
        let usage = KeyUsage(usage.parse().unwrap());
        let (key, data, checksum) = (key(enctype, &hex(bytes)), hex(data), hex(checksum));
        assert_eq!(key.checksum(usage, &data), checksum, "{enctype}");
        assert_eq!(key.for_usage(usage).checksum(&data), checksum, "{enctype}");
    }
}

#[test]
fn pseudo_random_functions_of_others() {
    for (enctype, columns) in vectors(include_str!("vectors/prf.txt")) {
        let [bytes, input, output] = columns[..] else { unreachable!() };
        assert_eq!(*key(enctype, &hex(bytes)).prf(&hex(input)), hex(output), "{enctype}");
    }
}

#[test]
fn derived_keys_of_others() {
    for (enctype, columns) in vectors(include_str!("vectors/derived_keys.txt")) {
        let [key, constant, expected] = columns[..] else { unreachable!() };
        let (key, constant, expected) = (hex(key), hex(constant), hex(expected));
        let mut out = alloc::vec![0; expected.len()];
        match enctype.0 {
            17 => rfc3961::derive::<aes::Aes128>(&key, &constant, &mut out),
            18 => rfc3961::derive::<aes::Aes256>(&key, &constant, &mut out),
            19 => out = rfc8009::kdf::<super::hash::Sha256, 16>(&key, &constant, &[]).to_vec(),
            20 if expected.len() == 24 => {
                out = rfc8009::kdf::<super::hash::Sha384, 24>(&key, &constant, &[]).to_vec();
            }
            20 => out = rfc8009::kdf::<super::hash::Sha384, 32>(&key, &constant, &[]).to_vec(),
            25 => out = rfc6803::kdf::<camellia::Camellia128, 16>(&key, &constant).to_vec(),
            _ => out = rfc6803::kdf::<camellia::Camellia256, 32>(&key, &constant).to_vec(),
        }
        assert_eq!(out, expected, "{enctype}");
    }
}

#[test]
fn passwords_of_others() {
    for (enctype, columns) in vectors(include_str!("vectors/string_to_key.txt")) {
        let [password, salt, iterations, expected] = columns[..] else { unreachable!() };
        let (password, salt, expected) = (hex(password), hex(salt), hex(expected));
        let iterations: u32 = iterations.parse().unwrap();
        let params = iterations.to_be_bytes();
        let make = Key::danger_from_password_with_any_count;
        let key = make(enctype, &password, &salt, Some(&params)).unwrap();
        assert_eq!(key.as_bytes(), expected, "{enctype}");

        // As t_str2key.c expects where weak counts are forbidden: KRB5_ERR_BAD_S2K_PARAMS.
        let asked = Key::from_password(enctype, &password, &salt, Some(&params));
        let default = Profile::of(enctype).unwrap().string_to_key.as_ref().unwrap();
        if iterations < default.default_iterations {
            assert_eq!(asked, Err(CryptoError::IterationCount));
        } else {
            assert_eq!(asked, Ok(key));
        }
    }
}

/// How many vectors of each enctype MIT's files and the RFCs have, so that none is lost.
#[test]
fn no_vector_is_left_out() {
    for (file, counts) in [
        (include_str!("vectors/checksums.txt"), [1, 1, 1, 1, 1, 2, 2]),
        (include_str!("vectors/ciphertexts.txt"), [5, 5, 4, 4, 5, 5, 5]),
        (include_str!("vectors/derived_keys.txt"), [3, 3, 3, 3, 0, 3, 3]),
        (include_str!("vectors/fx_cf2.txt"), [1, 1, 1, 1, 1, 0, 0]),
        (include_str!("vectors/prf.txt"), [2, 4, 1, 1, 0, 0, 0]),
        (include_str!("vectors/string_to_key.txt"), [7, 7, 1, 1, 0, 7, 7]),
    ] {
        for (enctype, count) in ENCTYPES.into_iter().zip(counts) {
            let found = vectors(file).filter(|(found, _)| *found == enctype).count();
            assert_eq!(found, count, "{enctype}: {}", file.lines().next().unwrap());
        }
        assert_eq!(vectors(file).count(), counts.iter().sum::<usize>());
    }
}

/// MS-NLMP section 4.2.2.1.2 prints the NT hash of "Password"; the last has an umlaut and a
/// character outside of the basic plane, by another implementation of MD4.
#[test]
fn nt_hashes() {
    for (password, expected) in [
        ("Password", "a4f49c406510bdcab6824ee7c30fd852"),
        ("", "31d6cfe0d16ae931b73c59d7e0c089c0"),
        ("P\u{e4}ss\u{1f511}", "d492106afb722ccd87a6ca590e74c3e9"),
    ] {
        let key = Key::danger_rc4_from_password(password);
        assert_eq!(key.as_bytes(), hex(expected));
        assert_eq!(key.enctype(), EncType::RC4_HMAC);
    }
}

#[test]
fn combined_keys_of_others() {
    for (enctype, columns) in vectors(include_str!("vectors/fx_cf2.txt")) {
        let [first, second, pepper, other_pepper, expected] = columns[..] else { unreachable!() };
        let key = |password: &str| match enctype {
            EncType::RC4_HMAC => {
                Key::danger_rc4_from_password(&String::from_utf8(hex(password)).unwrap())
            }
            _ => Key::from_password(enctype, &hex(password), &hex(password), None).unwrap(),
        };
        let combined = key(first).fx_cf2(&hex(pepper), &key(second), &hex(other_pepper)).unwrap();
        assert_eq!(combined.as_bytes(), hex(expected), "{enctype}");
        assert_eq!(combined.enctype(), enctype);
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    for enctype in ENCTYPES {
        let key = some_key(enctype);
        let ciphertext = key.encrypt(KeyUsage::TICKET, &[0x5a; 37], &mut Replay([1, 2, 3].into()));
        for len in 0..ciphertext.len() {
            let refused = key.decrypt(KeyUsage::TICKET, &ciphertext[..len]).unwrap_err();
            let too_short = len < key.for_usage(KeyUsage::TICKET).overhead();
            assert_eq!(refused == CryptoError::CiphertextTooShort, too_short, "{enctype} {len}");
        }
        for bit in 0..ciphertext.len() * 8 {
            let mut changed = ciphertext.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let refused = key.decrypt(KeyUsage::TICKET, &changed);
            assert_eq!(refused, Err(CryptoError::IntegrityCheckFailed), "{enctype} {bit}");
        }
        assert!(key.decrypt(KeyUsage::AS_REP, &ciphertext).is_err(), "{enctype}: other usage");
    }
}

#[test]
fn a_refused_message_holds_no_plaintext() {
    let plaintext = [0x5a; 64];
    for enctype in ENCTYPES {
        let keys = some_key(enctype).for_usage(KeyUsage::TICKET);
        let mut message = keys.encrypt(&plaintext, &mut Replay([9].into()));
        let middle = message.len() / 2;
        message[middle] ^= 1;
        keys.decrypt_in_place(&mut message).unwrap_err();
        assert!(!message.windows(4).any(|octets| octets == &plaintext[..4]), "{enctype}");
    }
}

#[test]
fn checksums_are_keyed_whole_and_of_the_right_type() {
    let (usage, data) = (KeyUsage::NON_KERB_CHECKSUM, b"data");
    for enctype in ENCTYPES {
        let key = some_key(enctype);
        let verify = |checksum_type, checksum: &[u8]| {
            key.verify_checksum(usage, checksum_type, data, checksum)
        };
        let checksum = key.checksum(usage, data);
        assert_eq!(verify(key.checksum_type(), &checksum), Ok(()));
        assert_eq!(verify(ChecksumType::HMAC_MD5, &key.hmac_md5(usage, data)), Ok(()));
        for len in 0..checksum.len() {
            let cut = verify(key.checksum_type(), &checksum[..len]);
            assert_eq!(cut, Err(CryptoError::IntegrityCheckFailed));
        }
        for bit in 0..checksum.len() * 8 {
            let mut changed = checksum.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(verify(key.checksum_type(), &changed).is_err());
            assert!(
                key.for_usage(usage).verify_checksum(key.checksum_type(), data, &changed).is_err()
            );
        }
        // Among them the unkeyed CRC-32 (1), MD4 (2), MD5 (7) and SHA-1 (10, 14), the keyed ones of
        // other enctypes, MIT's MD5-HMAC (-137), and 0.
        let others = (0..=20).chain([-137, 0x8003]).map(ChecksumType);
        for other in others.filter(|other| *other != key.checksum_type()) {
            let refused = Err(CryptoError::ChecksumTypeNotAllowed(other));
            assert_eq!(verify(other, &checksum), refused);
            assert_eq!(key.for_usage(usage).verify_checksum(other, data, &checksum), refused);
        }
    }
}

#[test]
fn iteration_counts_are_bounded() {
    for enctype in ENCTYPES.into_iter().filter(|enctype| *enctype != EncType::RC4_HMAC) {
        let default =
            Profile::of(enctype).unwrap().string_to_key.as_ref().unwrap().default_iterations;
        let derive = |params: &[u8]| Key::from_password(enctype, b"p", b"s", Some(params));
        for count in [0, 1, default - 1, MAX_ITERATIONS + 1, u32::MAX] {
            assert_eq!(derive(&count.to_be_bytes()), Err(CryptoError::IterationCount), "{count}");
        }
        let make = Key::danger_from_password_with_any_count;
        for count in [0, MAX_ITERATIONS + 1, u32::MAX] {
            let refused = make(enctype, b"p", b"s", Some(&count.to_be_bytes()));
            assert_eq!(refused, Err(CryptoError::IterationCount), "{count}");
        }
        assert!(make(enctype, b"p", b"s", Some(&1_u32.to_be_bytes())).is_ok());
        assert!(derive(&default.to_be_bytes()).is_ok());
        for params in [&[][..], &[0, 1, 0], &[0, 0, 16, 0, 0]] {
            assert_eq!(derive(params), Err(CryptoError::BadParameters));
        }
    }
}

#[test]
fn keys_have_their_length_and_rc4_its_own_constructor() {
    for enctype in ENCTYPES {
        let len = some_key(enctype).as_bytes().len();
        let make = |bytes: &[u8]| match enctype {
            EncType::RC4_HMAC => Key::danger_new_rc4(bytes),
            _ => Key::new(enctype, bytes),
        };
        for wrong in (0..=64).filter(|wrong| *wrong != len) {
            assert_eq!(make(&alloc::vec![0; wrong]), Err(CryptoError::KeyLength));
        }
    }
    let rc4 = EncType::RC4_HMAC;
    let refused = Err(CryptoError::DangerousEncType(rc4));
    assert_eq!(Key::new(rc4, &[0; 16]), refused);
    assert_eq!(Key::generate(rc4, &mut Replay([1].into())), refused);
    assert_eq!(Key::from_password(rc4, b"p", b"s", None), refused);
    let des = EncType(3);
    assert_eq!(Key::new(des, &[0; 8]), Err(CryptoError::UnsupportedEncType(des)));
}

#[test]
fn generated_keys_are_random() {
    for enctype in ENCTYPES.into_iter().filter(|enctype| *enctype != EncType::RC4_HMAC) {
        let expected = some_key(enctype);
        let mut rng = Replay(expected.as_bytes().to_vec());
        assert_eq!(Key::generate(enctype, &mut rng), Ok(expected));
    }
}

#[test]
fn keys_are_not_printed() {
    let key = Key::new(EncType::AES128_CTS_HMAC_SHA1_96, &[0xab; 16]).unwrap();
    assert_eq!(format!("{key:?}"), "Key(aes128-cts-hmac-sha1-96)");
    let keys = key.for_usage(KeyUsage::TICKET);
    assert_eq!(format!("{keys:?}"), "UsageKey(aes128-cts-hmac-sha1-96)");
    assert_eq!(format!("{key:#?}"), "Key(aes128-cts-hmac-sha1-96)");
}

#[test]
fn equal_octets_of_different_enctypes_are_different_keys() {
    let camellia = some_key(EncType::CAMELLIA128_CTS_CMAC);
    assert_ne!(some_key(EncType::AES128_CTS_HMAC_SHA1_96), camellia);
    assert_eq!(camellia.clone(), camellia);
}

#[test]
fn prf_plus_ends_at_255_blocks() {
    for enctype in ENCTYPES {
        let key = some_key(enctype);
        let block = key.prf(b"").len();
        let most = key.prf_plus(b"pepper", 255 * block).unwrap();
        assert_eq!(most.len(), 255 * block);
        assert_eq!(most[..block], **key.prf(b"\x01pepper"));
        assert_eq!(most[254 * block..], **key.prf(b"\xffpepper"));
        for len in [0, 21, 255 * block - 1] {
            assert_eq!(key.prf_plus(b"pepper", len).unwrap()[..], most[..len]);
        }
        assert_eq!(key.prf_plus(b"pepper", 255 * block + 1), Err(CryptoError::OutputTooLong));
    }
}

#[test]
fn threads_share_keys_and_what_is_derived_from_them() {
    fn shared<T: Send + Sync>(value: T) -> T {
        value
    }
    for enctype in ENCTYPES {
        let key = shared(some_key(enctype));
        let fresh = shared(key.for_usage(KeyUsage::TICKET));
        let sealed = fresh.encrypt(b"text", &mut Replay([1].into()));
        std::thread::scope(|scope| {
            for key in [key.clone(), key.clone()] {
                let (sealed, fresh) = (&sealed, &fresh);
                scope.spawn(move || {
                    for _ in 0..2 {
                        assert_eq!(**key.decrypt(KeyUsage::TICKET, sealed).unwrap(), *b"text");
                        let checksum = key.checksum(KeyUsage::TICKET, b"text");
                        assert_eq!(checksum, fresh.checksum(b"text"));
                    }
                });
            }
        });
    }
}

#[test]
fn the_null_enctype_lets_everything_through() {
    let key = Key::new(null::ENCTYPE, &[]).unwrap();
    assert_eq!(key.encrypt(KeyUsage::TICKET, b"text", &mut Replay([1].into())), b"text");
    assert_eq!(**key.decrypt(KeyUsage::TICKET, b"text").unwrap(), *b"text");
    assert_eq!(key.verify_checksum(KeyUsage::TICKET, key.checksum_type(), b"text", b""), Ok(()));
}

fn enctype() -> impl Strategy<Value = EncType> {
    prop::sample::select(&ENCTYPES[..])
}

proptest! {
    #[test]
    fn what_is_encrypted_is_decrypted(
        enctype in enctype(),
        usage in any::<u32>().prop_map(KeyUsage),
        plaintext in prop::collection::vec(any::<u8>(), 0..600),
        random in prop::collection::vec(any::<u8>(), 1..32),
    ) {
        let key = some_key(enctype);
        let mut rng = Replay(random);
        let ciphertext = key.encrypt(usage, &plaintext, &mut rng);
        prop_assert_eq!(&*key.decrypt(usage, &ciphertext).unwrap(), &plaintext);

        let keys = key.for_usage(usage);
        let mut message = b"before".to_vec();
        keys.encrypt_into(&plaintext, &mut rng, &mut message);
        prop_assert_eq!(&message, &[b"before", &ciphertext[..]].concat());
        prop_assert_eq!(&*keys.decrypt(&ciphertext).unwrap(), &plaintext);
        prop_assert_eq!(&*keys.decrypt_in_place(&mut message[6..]).unwrap(), &plaintext);
    }

    #[test]
    fn noise_is_refused(enctype in enctype(), noise in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(some_key(enctype).decrypt(KeyUsage::TICKET, &noise).is_err());
    }
}
