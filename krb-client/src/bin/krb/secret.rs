//! Secrets from the command line's side: passwords that are typed or stand in files, and keys.

use std::fs::File;
use std::io::{self, BufRead as _, IsTerminal as _, Read};
use std::path::Path;

use krb_client::remedy::Step;
use krb_client::{ClientError, files};
use krb_proto::Principal;
use krb_proto::crypto::{Key, SUPPORTED};
use krb_proto::formats::danger_parse_key;
use krb_proto::formats::krb5_conf::parse_enctype;
use krb_proto::iana::{EncType, ErrorCode};
use zeroize::Zeroizing;

use crate::output::{Unusable, printable};
use crate::remedy::Explained;
use crate::{Failure, terminal};

/// No password is longer than this, nor is what stands behind its line in its file.
const MAX_PASSWORD_FILE: u64 = 64 << 10;
/// Nor are the keys that somebody has written out.
const MAX_KEY_FILE: u64 = 1 << 20;

/// Asks on the terminal, which shows nothing of what is typed. Where standard input is no terminal, its
/// next line is taken, as MIT's programs do: `kinit alice < file`.
pub(crate) fn ask(prompt: &str) -> Result<Zeroizing<String>, Failure> {
    let answer = if io::stdin().is_terminal() {
        Zeroizing::new(terminal::ask(&printable(prompt))?)
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

/// Keys that stand on the command line, and those in files (`-` is standard input), one in a line.
pub(crate) fn keys(given: &[String], files: &[String]) -> Result<Vec<Key>, Failure> {
    let given = given.iter().map(|text| danger_parse_key(text));
    let mut keys = given.collect::<Result<Vec<_>, _>>()?;
    for file in files {
        let octets = octets_in(file, MAX_KEY_FILE)?;
        let text = std::str::from_utf8(&octets).map_err(|error| Unusable::new(file, error))?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let read = lines.map(danger_parse_key);
        let read = read.collect::<Result<Vec<_>, _>>();
        let read = read.map_err(|error| Unusable::new(file, error))?;
        if read.is_empty() {
            return Err(Unusable::new(file, "there is no key in it").into());
        }
        keys.extend(read);
    }
    Ok(keys)
}

/// An enctype by its name, by one of MIT's names for it, or by its number.
pub(crate) fn enctype(name: &str) -> Result<EncType, Failure> {
    let known = SUPPORTED.iter().chain(&[EncType::RC4_HMAC]).filter_map(|enctype| enctype.name());
    let unknown = || {
        let known: Vec<_> = known.collect();
        format!("{name} is no enctype that is known here: there are {}", known.join(", "))
    };
    Ok(parse_enctype(name).ok_or_else(unknown)?)
}

/// What was typed is not the password.
#[derive(Debug, thiserror::Error)]
#[error("Password incorrect")]
struct Incorrect(#[source] ClientError);

/// Why an account could not log in. As MIT's kinit: who typed a password is told that it is wrong, and
/// nobody else.
pub(crate) fn explained(
    account: &Principal,
    target: &str,
    error: ClientError,
    was_typed: bool,
) -> Failure {
    let code = error.refusal().map(|refusal| refusal.code);
    let is_wrong = matches!(code, Some(ErrorCode::PREAUTH_FAILED | ErrorCode::BAD_INTEGRITY));
    match was_typed && is_wrong {
        true => Incorrect(error).into(),
        false => Explained::of(Step::Login, account, target, error),
    }
}
