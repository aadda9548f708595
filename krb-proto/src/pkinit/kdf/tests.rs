use std::vec;

use super::*;
use crate::Name;
use crate::iana::NameType;

/// RFC 4556 appendix B.
#[test]
fn octet_string_to_key_of_the_rfc() {
    let counting: Vec<u8> = (0..=16).cycle().take(128).collect();
    for (input, expected) in [
        (&[0; 256][..], "5ee50d675c809fe59e4a7762c54b65837547eafb159bd8cdc75ffca5911e4c41"),
        (&[0; 128], "acf7707c08973ddfdb27cd361442ccfba355c8884cb472f37da636d07d56787e"),
        (&counting, "c442da585fcb80e43b47946f254093e37329d99001380db78371db3acf5c797e"),
        (&counting[..77], "0053953b84c896f4eb385c3f2e751c4a590ed6ffadca6ff64f47ebeb8d780ffc"),
    ] {
        let key = octet_string_to_key(input, EncType::AES256_CTS_HMAC_SHA1_96).unwrap();
        assert_eq!(hex(key.as_bytes()), expected);
    }
}

fn hex(octets: &[u8]) -> std::string::String {
    octets.iter().map(|octet| std::format!("{octet:02x}")).collect()
}

/// RFC 8636 section 8, whose names have type NT-PRINCIPAL throughout.
fn of_the_rfc<T>(enctype: EncType, check: impl FnOnce(&KeyUse<'_>) -> T) -> T {
    let principal =
        |components: &[&str]| Principal::new(Name::new(NameType::PRINCIPAL, components), "SU.SE");
    check(&KeyUse {
        client: &principal(&["lha"]),
        server: &principal(&["krbtgt", "SU.SE"]),
        enctype,
        as_req: &[0xaa; 10],
        pk_as_rep: &[0xbb; 9],
    })
}

#[test]
fn reply_keys_of_the_rfc() {
    of_the_rfc(EncType::AES256_CTS_HMAC_SHA1_96, |key_use| {
        for (kdf, expected) in [
            (Kdf::Sha1, "e6ab38c9413e035bb079201ed0b6b73d8d49a814a737c04ee6649614206f73ad"),
            (Kdf::Sha256, "77ef4e48c420ae3fec75109d7981697eed5d295c90c62564f7bfd101fa9bc1d5"),
        ] {
            let key = kdf.reply_key(&[0; 256], key_use).unwrap();
            assert_eq!(hex(key.as_bytes()), expected, "{kdf:?}");
        }
    });
}

/// The RFC's vector for SHA-512 is a DES3 key: 21 octets of KDF, spread over 24 with a parity bit
/// in each (RFC 3961 section 6.3.1). The crate has no DES3, so the spreading is here.
#[test]
fn the_des3_seed_of_the_rfc() {
    let seed = of_the_rfc(EncType(16), |key_use| {
        Kdf::Sha512.derive(&[0; 256], &Kdf::Sha512.other_info(key_use), 21)
    });
    let mut key = vec![];
    for seven in seed.chunks(7) {
        key.extend(seven.iter().map(|octet| octet & 0xfe));
        let low = seven.iter().enumerate().map(|(at, octet)| (octet & 1) << (at + 1));
        key.push(low.sum());
    }
    key.iter_mut().for_each(|octet| *octet |= u8::from(octet.count_ones() % 2 == 0));
    assert_eq!(hex(&key), "d3c78a79d65213efe9a826f75dfb01f72362fb16fb01dad6");
}

/// SHA-384 came after the vectors: its place in SP 800-56A's formula, written out.
#[test]
fn sha_384_by_the_formula() {
    of_the_rfc(EncType::AES256_CTS_HMAC_SHA384_192, |key_use| {
        let info = Kdf::Sha384.other_info(key_use);
        let block =
            |counter: u8| Sha384::digest([&[0, 0, 0, counter], &[7; 32][..], &info].concat());
        let expected = [block(1), block(2)].concat();
        assert_eq!(*Kdf::Sha384.derive(&[7; 32], &info, 90), expected[..90]);
        let key = Kdf::Sha384.reply_key(&[7; 32], key_use).unwrap();
        assert_eq!(key.as_bytes(), &expected[..32]);
    });
}

#[test]
fn everything_in_it_changes_the_key() {
    let enctype = EncType::AES128_CTS_HMAC_SHA1_96;
    of_the_rfc(enctype, |key_use| {
        let key = |key_use: &KeyUse<'_>| Kdf::Sha256.reply_key(&[1; 32], key_use).unwrap();
        let (mut as_req, mut pk_as_rep, mut client) = (*key_use, *key_use, *key_use);
        (as_req.as_req, pk_as_rep.pk_as_rep) = (b"other", b"other");
        client.client = key_use.server;
        for other in [as_req, pk_as_rep, client] {
            assert_ne!(key(&other), key(key_use));
        }
        assert_ne!(Kdf::Sha512.reply_key(&[1; 32], key_use), Ok(key(key_use)));
        assert_ne!(octet_string_to_key(&[1; 32], enctype), Ok(key(key_use)));
    });
    for enctype in [EncType(16), EncType(99)] {
        let refused = Err(CryptoError::UnsupportedEncType(enctype));
        assert_eq!(octet_string_to_key(&[1; 32], enctype), refused);
    }
}
