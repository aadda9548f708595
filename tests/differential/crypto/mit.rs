//! MIT's libk5crypto: every enctype that krb-proto has.

use krb_proto::crypto::Key;
use krb_proto::iana::{EncType, KeyUsage};

use super::{key, letters, text, usage};
use crate::entropy::Entropy;
use crate::peer::{MIT_CRYPTO, Peer, hex};

const ENCTYPES: [EncType; 7] = [
    EncType::AES128_CTS_HMAC_SHA1_96,
    EncType::AES256_CTS_HMAC_SHA1_96,
    EncType::AES128_CTS_HMAC_SHA256_128,
    EncType::AES256_CTS_HMAC_SHA384_192,
    EncType::RC4_HMAC,
    EncType::CAMELLIA128_CTS_CMAC,
    EncType::CAMELLIA256_CTS_CMAC,
];

const TEXTS: usize = 150;

/// Asks for something to be done with a key, a key usage (where there is one) and octets.
fn ask(
    peer: &mut Peer,
    what: &str,
    key: &Key,
    usage: KeyUsage,
    octets: &[u8],
) -> Result<Vec<u8>, String> {
    let (enctype, usage) = (key.enctype().0.to_string(), usage.0.to_string());
    peer.ask(&[what, &enctype, &hex(key.as_bytes()), &usage, &hex(octets)])
}

#[test]
fn each_decrypts_what_the_other_encrypts() {
    let Some(mut peer) = Peer::start(&MIT_CRYPTO) else { return };
    let mut entropy = Entropy::new("mit encryption");
    for enctype in ENCTYPES {
        for _ in 0..TEXTS {
            let (key, usage) = (key(enctype, &mut entropy), usage(&mut entropy));
            let text = text(&mut entropy);
            let what = format!("{enctype} {usage:?} {text:02x?}");
            let ours = key.encrypt(usage, &text, &mut entropy);
            assert_eq!(ask(&mut peer, "decrypt", &key, usage, &ours).as_ref(), Ok(&text), "{what}");
            let theirs = ask(&mut peer, "encrypt", &key, usage, &text).expect(&what);
            assert_eq!(key.decrypt(usage, &theirs).as_deref(), Ok(&text), "{what}");
            let mut changed = theirs;
            let at = entropy.below(changed.len());
            changed[at] ^= 1 << entropy.below(8);
            assert!(ask(&mut peer, "decrypt", &key, usage, &changed).is_err(), "{what}");
            assert!(key.decrypt(usage, &changed).is_err(), "{what}");
        }
    }
}

#[test]
fn checksums_are_the_same() {
    let Some(mut peer) = Peer::start(&MIT_CRYPTO) else { return };
    let mut entropy = Entropy::new("mit checksums");
    for enctype in ENCTYPES {
        for _ in 0..TEXTS {
            let (key, usage) = (key(enctype, &mut entropy), usage(&mut entropy));
            let text = text(&mut entropy);
            let theirs = ask(&mut peer, "checksum", &key, usage, &text);
            assert_eq!(Ok(key.checksum(usage, &text)), theirs, "{enctype} {usage:?}");
            let theirs = ask(&mut peer, "hmac-md5", &key, usage, &text);
            assert_eq!(Ok(key.hmac_md5(usage, &text).to_vec()), theirs, "{enctype} {usage:?}");
        }
    }
}

#[test]
fn pseudo_random_functions_are_the_same() {
    let Some(mut peer) = Peer::start(&MIT_CRYPTO) else { return };
    let mut entropy = Entropy::new("mit prf");
    let none = KeyUsage(0);
    for enctype in ENCTYPES {
        for _ in 0..TEXTS / 3 {
            let key = key(enctype, &mut entropy);
            let text = text(&mut entropy);
            let theirs = ask(&mut peer, "prf", &key, none, &text).unwrap();
            assert_eq!(**key.prf(&text), theirs, "{enctype}");
            // The number that is asked for stands where a key usage would.
            let length = 1 + entropy.below(200);
            let theirs = ask(&mut peer, "prf+", &key, KeyUsage(length as u32), &text).unwrap();
            assert_eq!(**key.prf_plus(&text, length).unwrap(), theirs, "{enctype} {length}");
        }
    }
}

#[test]
fn two_keys_make_the_same_key() {
    let Some(mut peer) = Peer::start(&MIT_CRYPTO) else { return };
    let mut entropy = Entropy::new("mit cf2");
    for first in ENCTYPES {
        for second in ENCTYPES {
            let (one, other) = (key(first, &mut entropy), key(second, &mut entropy));
            let peppers = [(); 2].map(|()| letters(&mut entropy, 20));
            let theirs = peer.ask(&[
                "cf2",
                &first.0.to_string(),
                &hex(one.as_bytes()),
                &second.0.to_string(),
                &hex(other.as_bytes()),
                &peppers[0],
                &peppers[1],
            ]);
            let ours = one.fx_cf2(peppers[0].as_bytes(), &other, peppers[1].as_bytes()).unwrap();
            assert_eq!(Ok(ours.as_bytes().to_vec()), theirs, "{first} {second}");
        }
    }
}

#[test]
fn passwords_make_the_same_keys() {
    let Some(mut peer) = Peer::start(&MIT_CRYPTO) else { return };
    let mut entropy = Entropy::new("mit passwords");
    for enctype in ENCTYPES {
        let password = letters(&mut entropy, 80) + "ß𝄞";
        let salt = letters(&mut entropy, 80);
        let mut ask = |params: &str| {
            let (password, salt) = (hex(password.as_bytes()), hex(salt.as_bytes()));
            peer.ask(&["password", &enctype.0.to_string(), &password, &salt, params])
        };
        let default = ask("none").unwrap();
        if enctype == EncType::RC4_HMAC {
            assert_eq!(Key::danger_rc4_from_password(&password).as_bytes(), default);
            continue;
        }
        let ours = |params: Option<&[u8]>| {
            Key::from_password(enctype, password.as_bytes(), salt.as_bytes(), params)
        };
        assert_eq!(ours(None).unwrap().as_bytes(), default, "{enctype}");
        if enctype == EncType::AES256_CTS_HMAC_SHA1_96 {
            let count = 4097_u32.to_be_bytes();
            let theirs = ask(&hex(&count)).unwrap();
            assert_eq!(ours(Some(&count)).unwrap().as_bytes(), theirs, "{enctype}");
        }
        // A count of 0, which means 2^32, is too many for both, and so is what goes beyond 2^24.
        for count in [0, (1 << 24) + 1, u32::MAX] {
            assert!(ask(&hex(&count.to_be_bytes())).is_err(), "{enctype} {count}");
            assert!(ours(Some(&count.to_be_bytes())).is_err(), "{enctype} {count}");
        }
    }
}
