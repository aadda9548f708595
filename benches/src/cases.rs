//! The list of cases.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use krb_proto::crypto::Key;
use krb_proto::iana::{EncType, KeyUsage};

use crate::messages::Message;

/// What is done with a case's input.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)] // they are what they are called
pub enum Operation {
    Decode,
    Encode,
    Encrypt,
    Decrypt,
    StringToKey,
}

impl Operation {
    const fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Encode => "encode",
            Self::Encrypt => "encrypt",
            Self::Decrypt => "decrypt",
            Self::StringToKey => "string-to-key",
        }
    }
}

/// What a figure belongs to: an operation on a message, or with an enctype on so many octets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Id {
    /// A case of the codec.
    Codec(Operation, Message),
    /// Encryption or decryption of this many octets of plaintext.
    Cipher(Operation, EncType, usize),
    /// String-to-key with the enctype's default parameters.
    StringToKey(EncType),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codec(operation, message) => {
                write!(f, "{}/{}", operation.name(), message.name())
            }
            Self::Cipher(operation, enctype, size) => {
                write!(f, "{}/{}/{size}", operation.name(), enctype.0)
            }
            Self::StringToKey(enctype) => {
                write!(f, "{}/{}", Operation::StringToKey.name(), enctype.0)
            }
        }
    }
}

/// The enctypes, in the order of the tables.
pub const ENCTYPES: [EncType; 7] = [
    EncType::AES128_CTS_HMAC_SHA1_96,
    EncType::AES256_CTS_HMAC_SHA1_96,
    EncType::AES128_CTS_HMAC_SHA256_128,
    EncType::AES256_CTS_HMAC_SHA384_192,
    EncType::RC4_HMAC,
    EncType::CAMELLIA128_CTS_CMAC,
    EncType::CAMELLIA256_CTS_CMAC,
];
/// Octets of plaintext.
pub const SIZES: [usize; 3] = [64, 1_536, 16_384];
/// The size beyond [`SIZES`] that enctypes 17 and 18 have as well.
pub const LARGE: usize = 1 << 20;
/// The usage of every encryption.
pub const USAGE: KeyUsage = KeyUsage::TICKET;
/// What string-to-key gets.
pub const PASSWORD: &str = "correct horse battery staple";
/// With this salt.
pub const SALT: &[u8] = b"W25AD.NETALICE_ADMIN";

/// How many octets of plaintext an enctype is measured with.
pub fn sizes(enctype: EncType) -> impl Iterator<Item = usize> {
    SIZES.into_iter().chain(matches!(enctype.0, 17 | 18).then_some(LARGE))
}

/// Whether string-to-key is measured: RC4's is one MD4.
#[must_use]
pub const fn stretches(enctype: EncType) -> bool {
    enctype.0 != 23
}

/// The octets of the key that every peer encrypts with.
#[must_use]
pub fn key_octets(enctype: EncType) -> Vec<u8> {
    let length = if matches!(enctype.0, 18 | 20 | 26) { 32 } else { 16 };
    (0..length).map(|octet| 7 * octet + 1).collect()
}

/// A key of ours.
///
/// # Panics
/// If the octets have not the length of the enctype.
#[must_use]
pub fn key(enctype: EncType, octets: &[u8]) -> Key {
    match enctype {
        EncType::RC4_HMAC => Key::danger_new_rc4(octets),
        _ => Key::new(enctype, octets),
    }
    .expect("a key of the enctype's length")
}

/// Octets to encrypt.
#[must_use]
pub fn plaintext(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * 31 % 251) as u8).collect()
}

/// All cases.
#[must_use]
pub fn all() -> Vec<Id> {
    use Operation::{Decode, Decrypt, Encode, Encrypt};
    let messages = Message::ALL
        .into_iter()
        .flat_map(|message| [Decode, Encode].map(|operation| Id::Codec(operation, message)));
    let ciphers = ENCTYPES.into_iter().flat_map(|enctype| {
        sizes(enctype).flat_map(move |size| {
            [Encrypt, Decrypt].map(|operation| Id::Cipher(operation, enctype, size))
        })
    });
    let passwords = ENCTYPES.into_iter().filter(|enctype| stretches(*enctype)).map(Id::StringToKey);
    messages.chain(ciphers).chain(passwords).collect()
}

/// Writes the cases for programs: the inputs as files, and `cases`, whose lines have a case's name,
/// the operation, the message or enctype, and the names of two files, the input and the key (for
/// string-to-key the password and the salt).
///
/// # Errors
/// If a file cannot be written.
pub fn write(directory: &Path) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut list = String::new();
    for id in all() {
        let name = id.to_string();
        let file = name.replace('/', "-");
        let (operation, what, input, key) = match id {
            Id::Codec(operation, message) => {
                (operation, message.name().to_owned(), message.der(), Vec::new())
            }
            Id::Cipher(operation, enctype, size) => {
                let plain = plaintext(size);
                let octets = key_octets(enctype);
                let input = match operation {
                    Operation::Decrypt => key(enctype, &octets).encrypt(USAGE, &plain, &mut Fixed),
                    _ => plain,
                };
                (operation, enctype.0.to_string(), input, octets)
            }
            Id::StringToKey(enctype) => (
                Operation::StringToKey,
                enctype.0.to_string(),
                PASSWORD.as_bytes().to_vec(),
                SALT.to_vec(),
            ),
        };
        fs::write(directory.join(&file), input)?;
        fs::write(directory.join(format!("{file}.key")), key)?;
        list += &format!("{name}\t{}\t{what}\t{file}\t{file}.key\n", operation.name());
    }
    fs::write(directory.join("cases"), list)
}

/// For inputs that are the same in every run.
pub struct Fixed;

impl krb_proto::Random for Fixed {
    fn fill(&mut self, out: &mut [u8]) {
        out.fill(0x5a);
    }
}
