use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::iana::EncType;

/// Triple DES and exportable RC4 have no place in this crate, but lists may name them.
const DES3_CBC_RAW: EncType = EncType(6);
const DES3_CBC_SHA1: EncType = EncType(16);
const RC4_HMAC_EXP: EncType = EncType(24);

const AES: &[EncType] = &[
    EncType::AES256_CTS_HMAC_SHA1_96,
    EncType::AES128_CTS_HMAC_SHA1_96,
    EncType::AES256_CTS_HMAC_SHA384_192,
    EncType::AES128_CTS_HMAC_SHA256_128,
];
const CAMELLIA: &[EncType] = &[EncType::CAMELLIA256_CTS_CMAC, EncType::CAMELLIA128_CTS_CMAC];

/// Names, aliases and families (MIT's kdc.conf(5), "Encryption types").
const NAMES: &[(&str, &[EncType])] = &[
    ("aes", AES),
    ("camellia", CAMELLIA),
    ("rc4", &[EncType::RC4_HMAC]),
    ("des3", &[DES3_CBC_SHA1]),
    ("aes256-cts-hmac-sha1-96", &[EncType::AES256_CTS_HMAC_SHA1_96]),
    ("aes256-cts", &[EncType::AES256_CTS_HMAC_SHA1_96]),
    ("aes256-sha1", &[EncType::AES256_CTS_HMAC_SHA1_96]),
    ("aes128-cts-hmac-sha1-96", &[EncType::AES128_CTS_HMAC_SHA1_96]),
    ("aes128-cts", &[EncType::AES128_CTS_HMAC_SHA1_96]),
    ("aes128-sha1", &[EncType::AES128_CTS_HMAC_SHA1_96]),
    ("aes256-cts-hmac-sha384-192", &[EncType::AES256_CTS_HMAC_SHA384_192]),
    ("aes256-sha2", &[EncType::AES256_CTS_HMAC_SHA384_192]),
    ("aes128-cts-hmac-sha256-128", &[EncType::AES128_CTS_HMAC_SHA256_128]),
    ("aes128-sha2", &[EncType::AES128_CTS_HMAC_SHA256_128]),
    ("camellia256-cts-cmac", &[EncType::CAMELLIA256_CTS_CMAC]),
    ("camellia256-cts", &[EncType::CAMELLIA256_CTS_CMAC]),
    ("camellia128-cts-cmac", &[EncType::CAMELLIA128_CTS_CMAC]),
    ("camellia128-cts", &[EncType::CAMELLIA128_CTS_CMAC]),
    ("arcfour-hmac", &[EncType::RC4_HMAC]),
    ("rc4-hmac", &[EncType::RC4_HMAC]),
    ("arcfour-hmac-md5", &[EncType::RC4_HMAC]),
    ("arcfour-hmac-exp", &[RC4_HMAC_EXP]),
    ("rc4-hmac-exp", &[RC4_HMAC_EXP]),
    ("arcfour-hmac-md5-exp", &[RC4_HMAC_EXP]),
    ("des3-cbc-sha1", &[DES3_CBC_SHA1]),
    ("des3-hmac-sha1", &[DES3_CBC_SHA1]),
    ("des3-cbc-sha1-kd", &[DES3_CBC_SHA1]),
    ("des3-cbc-raw", &[DES3_CBC_RAW]),
];

/// What MIT's library calls weak: only `allow_weak_crypto` lets it in.
const WEAK: [EncType; 2] = [DES3_CBC_RAW, RC4_HMAC_EXP];

/// A list of enctypes as a configuration gives it.
///
/// It says what the file wants, not what this crate does: triple DES stays unknown to
/// [`Key`](crate::crypto::Key), and RC4 keys have a constructor of their own that says so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnctypeList {
    /// In the order of preference, each once.
    pub enctypes: Vec<EncType>,
    /// Names that mean nothing, without their sign. libkrb5 passes over them too; a caller should
    /// say so to the person who wrote them.
    pub unknown: Vec<String>,
}

impl EnctypeList {
    /// Reads MIT's syntax: names, aliases, the families `aes`, `camellia`, `rc4` and `des3`, and
    /// `DEFAULT`, without regard to case, between blanks or commas; `-` takes out, `+` or no sign
    /// adds at the end.
    #[must_use]
    pub fn parse(text: &str, default: &[EncType], allow_weak: bool) -> Self {
        let mut list = Self { enctypes: Vec::new(), unknown: Vec::new() };
        let words = text.split([' ', '\t', '\r', '\n', ',']).filter(|word| !word.is_empty());
        for word in words {
            let removes = word.starts_with('-');
            let name = word.strip_prefix(['+', '-']).unwrap_or(word);
            let known = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let enctypes = match known {
                Some((_, enctypes)) => *enctypes,
                None if name.eq_ignore_ascii_case("default") => default,
                None => {
                    list.unknown.push(name.to_owned());
                    continue;
                }
            };
            for &enctype in enctypes {
                if WEAK.contains(&enctype) && !allow_weak {
                    continue;
                }
                if removes {
                    list.enctypes.retain(|&known| known != enctype);
                } else if !list.enctypes.contains(&enctype) {
                    list.enctypes.push(enctype);
                }
            }
        }
        list
    }
}

/// One enctype: by its name, by another that MIT's library has for it, or by its number. Weak ones, families
/// of several and what has no name in a list are none.
#[must_use]
pub fn parse_enctype(text: &str) -> Option<EncType> {
    let number = text.parse().ok();
    NAMES.iter().find_map(|(name, enctypes)| match enctypes {
        [enctype] if WEAK.contains(enctype) => None,
        [enctype] if name.eq_ignore_ascii_case(text) || number == Some(enctype.0) => Some(*enctype),
        _ => None,
    })
}
