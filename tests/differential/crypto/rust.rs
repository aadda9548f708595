//! kerberos_crypto (enctypes 17, 18, 23) and picky-krb (17, 18).

use kerberos_crypto::{AesCipher, AesSizes, KerberosCipher, Rc4Cipher};
use krb_proto::crypto::Key;
use krb_proto::iana::{ChecksumType, EncType, KeyUsage};
use picky_krb::crypto::CipherSuite;

use super::{key, letters, text, usage};
use crate::entropy::Entropy;

const TEXTS: usize = 60;

type Keyed<T> = Box<dyn Fn(&Key, KeyUsage, &[u8]) -> T>;
type StringToKey = Box<dyn Fn(&str, &str) -> Vec<u8>>;

/// What another crate offers for one enctype.
struct Peer {
    name: &'static str,
    enctype: EncType,
    encrypt: Keyed<Vec<u8>>,
    decrypt: Keyed<Option<Vec<u8>>>,
    checksum: Keyed<Vec<u8>>,
    password: StringToKey,
}

fn number(usage: KeyUsage) -> i32 {
    usage.0.try_into().unwrap()
}

fn kerberos_crypto_aes(enctype: EncType, sizes: fn() -> AesSizes) -> Peer {
    let cipher = move || AesCipher::new(sizes());
    Peer {
        name: "kerberos_crypto",
        enctype,
        encrypt: Box::new(move |key, usage, text| {
            cipher().encrypt(key.as_bytes(), number(usage), text)
        }),
        decrypt: Box::new(move |key, usage, text| {
            cipher().decrypt(key.as_bytes(), number(usage), text).ok()
        }),
        checksum: Box::new(move |key, usage, text| {
            kerberos_crypto::checksum_sha_aes(key.as_bytes(), number(usage), text, &sizes())
        }),
        password: Box::new(move |password, salt| {
            cipher().generate_key_from_string(password, salt.as_bytes())
        }),
    }
}

/// RFC 4757 section 3 (and MIT, Heimdal, Windows) put key usage 8 for 3, and 13 for 23.
/// kerberos_crypto does so with 3 alone, and not in checksums.
fn rc4_number(usage: KeyUsage, checksum: bool) -> i32 {
    match usage {
        KeyUsage::AS_REP if checksum => 8,
        KeyUsage::ACCEPTOR_SIGN => 13,
        other => number(other),
    }
}

#[test]
fn kerberos_crypto_does_not_know_all_key_usages_of_rc4() {
    let mut entropy = Entropy::new("rc4 usages");
    let key = key(EncType::RC4_HMAC, &mut entropy);
    let usage = KeyUsage::ACCEPTOR_SIGN;
    let sealed = key.encrypt(usage, b"text", &mut entropy);
    assert!(Rc4Cipher::new().decrypt(key.as_bytes(), number(usage), &sealed).is_err());
    for usage in [KeyUsage::AS_REP, usage] {
        let theirs = kerberos_crypto::checksum_hmac_md5(key.as_bytes(), number(usage), b"text");
        assert_ne!(key.checksum(usage, b"text"), theirs, "{usage:?}");
    }
}

fn kerberos_crypto_rc4() -> Peer {
    Peer {
        name: "kerberos_crypto",
        enctype: EncType::RC4_HMAC,
        encrypt: Box::new(|key, usage, text| {
            Rc4Cipher::new().encrypt(key.as_bytes(), rc4_number(usage, false), text)
        }),
        decrypt: Box::new(|key, usage, text| {
            Rc4Cipher::new().decrypt(key.as_bytes(), rc4_number(usage, false), text).ok()
        }),
        checksum: Box::new(|key, usage, text| {
            kerberos_crypto::checksum_hmac_md5(key.as_bytes(), rc4_number(usage, true), text)
        }),
        password: Box::new(|password, _| Rc4Cipher::new().generate_key_from_string(password, b"")),
    }
}

fn picky(enctype: EncType, suite: fn() -> CipherSuite) -> Peer {
    let cipher = move || suite().cipher();
    Peer {
        name: "picky-krb",
        enctype,
        encrypt: Box::new(move |key, usage, text| {
            cipher().encrypt(key.as_bytes(), number(usage), text).expect("encrypts")
        }),
        decrypt: Box::new(move |key, usage, text| {
            cipher().decrypt(key.as_bytes(), number(usage), text).ok()
        }),
        checksum: Box::new(move |key, usage, text| {
            let hasher = cipher().checksum_type().hasher();
            hasher.checksum(key.as_bytes(), number(usage), text).expect("a checksum")
        }),
        password: Box::new(move |password, salt| {
            cipher()
                .generate_key_from_password(password.as_bytes(), salt.as_bytes())
                .expect("a key")
        }),
    }
}

fn peers() -> Vec<Peer> {
    let (aes128, aes256) = (EncType::AES128_CTS_HMAC_SHA1_96, EncType::AES256_CTS_HMAC_SHA1_96);
    vec![
        kerberos_crypto_aes(aes128, || AesSizes::Aes128),
        kerberos_crypto_aes(aes256, || AesSizes::Aes256),
        kerberos_crypto_rc4(),
        picky(aes128, || CipherSuite::Aes128CtsHmacSha196),
        picky(aes256, || CipherSuite::Aes256CtsHmacSha196),
    ]
}

#[test]
fn each_decrypts_what_the_other_encrypts() {
    let mut entropy = Entropy::new("rust encryption");
    for peer in peers() {
        for _ in 0..TEXTS {
            let (key, usage) = (key(peer.enctype, &mut entropy), usage(&mut entropy));
            let text = text(&mut entropy);
            let what = format!("{} {} {usage:?} {text:02x?}", peer.name, peer.enctype);
            let ours = key.encrypt(usage, &text, &mut entropy);
            assert_eq!((peer.decrypt)(&key, usage, &ours).as_ref(), Some(&text), "{what}");
            let theirs = (peer.encrypt)(&key, usage, &text);
            assert_eq!(key.decrypt(usage, &theirs).as_deref(), Ok(&text), "{what}");
            let mut changed = ours;
            let at = entropy.below(changed.len());
            changed[at] ^= 1;
            assert_eq!((peer.decrypt)(&key, usage, &changed), None, "{what}");
            assert!(key.decrypt(usage, &changed).is_err(), "{what}");
        }
    }
}

#[test]
fn checksums_are_the_same() {
    let mut entropy = Entropy::new("rust checksums");
    for peer in peers() {
        for _ in 0..TEXTS {
            let (key, usage) = (key(peer.enctype, &mut entropy), usage(&mut entropy));
            let text = text(&mut entropy);
            let theirs = (peer.checksum)(&key, usage, &text);
            assert_eq!(key.checksum(usage, &text), theirs, "{} {usage:?}", peer.name);
        }
    }
    let key = key(EncType::AES256_CTS_HMAC_SHA1_96, &mut entropy);
    let theirs = kerberos_crypto::checksum_hmac_md5(key.as_bytes(), 17, b"PA-FOR-USER");
    let usage = KeyUsage::NON_KERB_CHECKSUM;
    assert_eq!(key.verify_checksum(usage, ChecksumType::HMAC_MD5, b"PA-FOR-USER", &theirs), Ok(()));
}

#[test]
fn passwords_make_the_same_keys() {
    let mut entropy = Entropy::new("rust passwords");
    for peer in peers() {
        for letters_beyond_ascii in ["", "ß", "Ж", "𝄞"] {
            let password = letters(&mut entropy, 20) + letters_beyond_ascii;
            let salt = letters(&mut entropy, 20);
            let ours = if peer.enctype == EncType::RC4_HMAC {
                Key::danger_rc4_from_password(&password)
            } else {
                Key::from_password(peer.enctype, password.as_bytes(), salt.as_bytes(), None)
                    .unwrap()
            };
            let theirs = (peer.password)(&password, &salt);
            assert_eq!(ours.as_bytes(), theirs, "{} {} {password}", peer.name, peer.enctype);
        }
    }
}
