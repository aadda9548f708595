//! Secrets from the command line's side: passwords that are typed or stand in files, and keys.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read};
use std::path::Path;

use krb_client::files;
use krb_proto::crypto::Key;
use krb_proto::iana::EncType;
use zeroize::Zeroizing;

use crate::Failure;
use crate::output::{Unusable, printable};

/// No password is longer than this, nor is what stands behind its line in its file.
const MAX_PASSWORD_FILE: u64 = 64 << 10;

/// Asks on the terminal, which shows nothing of what is typed. Where standard input is no terminal, its
/// next line is taken, as MIT's programs do: `kinit alice < file`.
pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let answer = if io::stdin().is_terminal() {
        Zeroizing::new(rpassword::prompt_password(printable(prompt))?)
    } else {
        let mut line = Zeroizing::new(String::with_capacity(1 << 10));
        io::stdin().lock().take(MAX_PASSWORD_FILE).read_line(&mut line)?;
        Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned())
    };
    if answer.is_empty() {
        return Err(format!("{} nothing was answered", prompt.trim_end()).into());
    }
    Ok(answer)
}

/// A new password, asked for twice.
pub(crate) fn ask_new(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let new = ask(prompt)?;
    if *ask("Enter it again: ")? != *new {
        return Err("these were two different passwords".into());
    }
    Ok(new)
}

/// A file, or standard input for `-`, that may be secret: it is wiped when it is no longer needed.
pub(crate) fn octets_in(file: &str, limit: u64) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = || {
        let source: Box<dyn Read> = match file {
            "-" => Box::new(io::stdin().lock()),
            file => Box::new(File::open(file)?),
        };
        // A vector that grows leaves copies behind.
        let mut octets = Zeroizing::new(Vec::with_capacity(1 << 20));
        source.take(limit + 1).read_to_end(&mut octets)?;
        match octets.len() as u64 {
            0 => Err(io::Error::other("it is empty")),
            length if length > limit => {
                Err(io::Error::other(format!("it is longer than {limit} octets")))
            }
            _ => Ok(octets),
        }
    };
    read().map_err(|error| Unusable::new(file, error).into())
}

/// The first line of a file.
pub(crate) fn password_in(file: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = files::read_text(file, MAX_PASSWORD_FILE);
    let text = text.map_err(|error| Unusable::new(file.display(), error))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Zeroizing::new(line.to_owned())),
        _ => Err(Unusable::new(file.display(), "its first line, the password, is empty").into()),
    }
}

/// `ENCTYPE:HEX`, as programs that show keys write them.
pub(crate) fn key_from_text(text: &str) -> Result<Key, Failure> {
    let wrong = || "write a key as ENCTYPE:HEX, such as aes256-cts-hmac-sha1-96:0123…";
    let (name, digits) = text.split_once(':').ok_or_else(wrong)?;
    let enctype = enctype(name)?;
    let octets = from_hex(digits).ok_or_else(wrong)?;
    let key = match enctype {
        EncType::RC4_HMAC => Key::danger_new_rc4(&octets),
        _ => Key::new(enctype, &octets),
    };
    key.map_err(|error| format!("the key of {name}: {error}").into())
}

fn from_hex(digits: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let octets =
        pairs.iter().map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok());
    octets.collect::<Option<Vec<_>>>().map(Zeroizing::new)
}

/// An enctype by its name, by one of MIT's names for it, or by its number.
pub(crate) fn enctype(name: &str) -> Result<EncType, Failure> {
    const NAMES: [(EncType, &[&str]); 7] = [
        (EncType::AES256_CTS_HMAC_SHA1_96, &["aes256-cts", "aes256-sha1"]),
        (EncType::AES128_CTS_HMAC_SHA1_96, &["aes128-cts", "aes128-sha1"]),
        (EncType::AES256_CTS_HMAC_SHA384_192, &["aes256-sha2"]),
        (EncType::AES128_CTS_HMAC_SHA256_128, &["aes128-sha2"]),
        (EncType::CAMELLIA256_CTS_CMAC, &["camellia256-cts"]),
        (EncType::CAMELLIA128_CTS_CMAC, &["camellia128-cts"]),
        (EncType::RC4_HMAC, &["rc4-hmac", "arcfour-hmac-md5"]),
    ];
    let is_meant = |(enctype, others): &&(EncType, &[&str])| {
        enctype.name().is_some_and(|known| known.eq_ignore_ascii_case(name))
            || others.iter().any(|known| known.eq_ignore_ascii_case(name))
            || name.parse() == Ok(enctype.0)
    };
    match NAMES.iter().find(is_meant) {
        Some((enctype, _)) => Ok(*enctype),
        None => {
            let known: Vec<_> = NAMES.iter().filter_map(|(enctype, _)| enctype.name()).collect();
            Err(format!("{name} is no enctype that is known here: there are {}", known.join(", "))
                .into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_enctypes_are_read_from_text() {
        for name in ["aes256-cts-hmac-sha1-96", "AES256-CTS", "18"] {
            assert_eq!(enctype(name).unwrap(), EncType::AES256_CTS_HMAC_SHA1_96);
        }
        let key = key_from_text(&format!("aes128-cts:{}", "0f".repeat(16))).unwrap();
        assert_eq!(key.as_bytes(), [0x0f; 16]);
        assert!(key_from_text(&format!("rc4-hmac:{}", "0F".repeat(16))).is_ok());
        // What may be half a key is not said again.
        let error = key_from_text("aes128-cts:c0ffee").unwrap_err().to_string();
        assert!(!error.contains("c0ffee"), "{error}");
        for text in ["", "aes128-cts", "aes128-cts:0", "aes128-cts:zz", "des:00"] {
            assert!(key_from_text(text).is_err(), "{text}");
        }
    }
}
