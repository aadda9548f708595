//! The start of a session: who it is for, and the proof of it.

use std::io::Result;

use bytes::{BufMut, Bytes};
use krb_proto::gss::Initiator;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use zeroize::Zeroizing;

use super::answer;
use super::failure::PgError;
use super::secure::EndPoint;
use super::wire::{Body, Message, Wire, put_text, wrong};

const PROTOCOL_3_0: u32 = 3 << 16;
/// Of what is said before the session is there.
const MAX_MESSAGE: usize = 1 << 17;
/// Parameters, notices and the like before it is.
const MAX_MESSAGES: usize = 200;
/// A cancellation's key: four bytes in protocol 3.0, and no more than this in any.
const MAX_KEY: usize = 256;

/// Settings under which text means to the server what it means to us, and its own text is always the
/// same. As the session's own defaults they outlive DISCARD ALL, and whatever is set for the role, the
/// database and the server.
const SETTINGS: &[(&str, &str)] = &[
    ("client_encoding", "UTF8"),
    ("standard_conforming_strings", "on"),
    ("escape_string_warning", "on"),
    ("backslash_quote", "safe_encoding"),
    ("transform_null_equals", "off"),
    ("quote_all_identifiers", "off"),
    ("row_security", "on"),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "iso_8601"),
    ("TimeZone", "UTC"),
    ("bytea_output", "hex"),
    ("xmlbinary", "base64"),
    ("extra_float_digits", "1"),
    ("application_name", "krb-mcp"),
];

/// What is shown to be let in.
pub(super) enum Proof {
    /// The encryption is the proof already.
    Sealed,
    /// A context that was started, and its token.
    Ticket(Box<Initiator>, Vec<u8>),
    /// A password, by SCRAM: the server is shown none that it does not know, and proves that it does. With
    /// what it is bound to: the certificate that TLS has shown.
    Password(Zeroizing<String>, EndPoint),
    /// A certificate, which TLS has shown.
    Certificate,
}

/// What a session is asked for with.
pub(super) struct Opening<'a> {
    pub(super) user: &'a str,
    pub(super) database: &'a str,
    /// Where names are looked for that say nothing of it; `None`: as it is set for the user.
    pub(super) search_path: Option<&'a str>,
}

/// By what a session is known to whom is to cancel something in it.
#[derive(Clone)]
pub(super) struct Key {
    pub(super) process: u32,
    pub(super) secret: Bytes,
}

/// Begins the session; returns by what it may be cancelled, if that is possible.
pub(super) async fn begin(
    wire: &mut Wire,
    opening: &Opening<'_>,
    proof: Proof,
) -> std::result::Result<Option<Key>, PgError> {
    let broken = |error| PgError::Broken("logging in", error);
    wire.put_untagged(|out| {
        out.put_u32(PROTOCOL_3_0);
        let own = [("user", opening.user), ("database", opening.database)];
        let path = opening.search_path.map(|path| ("search_path", path));
        for (name, value) in own.iter().chain(SETTINGS).copied().chain(path) {
            put_text(out, name);
            put_text(out, value);
        }
        out.put_u8(0);
    });
    wire.send().await.map_err(broken)?;
    authenticate(wire, proof).await?;
    settled(wire).await
}

/// What the server is still to do before it is believed.
enum Awaited {
    Nothing,
    Context(Box<Initiator>),
    Scram(Box<ScramSha256>),
}

async fn authenticate(wire: &mut Wire, proof: Proof) -> std::result::Result<(), PgError> {
    let broken = |error| PgError::Broken("logging in", error);
    let (mut awaited, mut proof) = match proof {
        proof @ (Proof::Sealed | Proof::Certificate) => (Some(Awaited::Nothing), Some(proof)),
        proof => (None, Some(proof)),
    };
    for _ in 0..MAX_MESSAGES {
        let Message { tag, body } = wire.receive(MAX_MESSAGE).await.map_err(broken)?;
        match tag {
            b'R' => {}
            b'E' => return Err(PgError::Refused(answer::error(body).map_err(broken)?)),
            b'N' => continue,
            _ => return Err(broken(wrong("something else than a login"))),
        }
        let mut body = Body(body);
        match (body.u32().map_err(broken)?, proof.take(), awaited.take()) {
            // AuthenticationOk, and the server has proven what it is to prove.
            (0, _, Some(Awaited::Nothing)) => return Ok(()),
            (0, _, _) => return Err(PgError::NoProof),
            // AuthenticationGSS
            (7, Some(Proof::Ticket(context, token)), None) => {
                wire.put(b'p', |out| out.put_slice(&token));
                awaited = Some(Awaited::Context(context));
            }
            // AuthenticationGSSContinue
            (8, _, Some(Awaited::Context(mut context))) => {
                context.step(&body.0).map_err(PgError::NotProven)?;
                awaited = context.is_complete().then_some(Awaited::Nothing);
                continue;
            }
            // AuthenticationSASL
            (10, Some(Proof::Password(password, end_point)), None) => {
                let mut offered = Vec::new();
                while body.0.first().is_some_and(|byte| *byte != 0) {
                    offered.push(body.text().map_err(broken)?);
                }
                let offers = |one: &str| offered.iter().any(|mechanism| mechanism == one);
                // Who could bind says so to a server that offers it not: it knows whether it did, and
                // that somebody took the offer away.
                let (mechanism, binding) = match end_point {
                    Some(hash) if offers(SCRAM_SHA_256_PLUS) => {
                        (SCRAM_SHA_256_PLUS, ChannelBinding::tls_server_end_point(hash))
                    }
                    Some(_) => (SCRAM_SHA_256, ChannelBinding::unrequested()),
                    None => (SCRAM_SHA_256, ChannelBinding::unsupported()),
                };
                if !offers(mechanism) {
                    return Err(PgError::Wants(format!("a login by {}", offered.join(", "))));
                }
                let scram = ScramSha256::new(password.as_bytes(), binding);
                wire.put(b'p', |out| {
                    put_text(out, mechanism);
                    let first = scram.message();
                    out.put_u32(u32::try_from(first.len()).unwrap_or_default());
                    out.put_slice(first);
                });
                awaited = Some(Awaited::Scram(Box::new(scram)));
            }
            // AuthenticationSASLContinue and AuthenticationSASLFinal
            (11, _, Some(Awaited::Scram(mut scram))) => {
                scram.update(&body.0).map_err(broken)?;
                wire.put(b'p', |out| out.put_slice(scram.message()));
                awaited = Some(Awaited::Scram(scram));
            }
            (12, _, Some(Awaited::Scram(mut scram))) => {
                scram.finish(&body.0).map_err(broken)?;
                awaited = Some(Awaited::Nothing);
                continue;
            }
            (method, _, _) => return Err(PgError::Wants(wanted(method).into())),
        }
        wire.send().await.map_err(broken)?;
    }
    Err(broken(wrong("a login without an end")))
}

const fn wanted(method: u32) -> &'static str {
    match method {
        3 => "a password in clear text",
        5 => "a password by MD5",
        7 | 8 => "a ticket",
        9 => "a login by SSPI",
        10..=12 => "a password by SCRAM",
        _ => "a login of an unknown kind",
    }
}

/// Reads on until the session is there, and looks at what the server says of itself.
async fn settled(wire: &mut Wire) -> std::result::Result<Option<Key>, PgError> {
    let broken = |error| PgError::Broken("logging in", error);
    let (mut key, mut version, mut encoding, mut strings) = (None, None, None, None);
    for _ in 0..MAX_MESSAGES {
        let Message { tag, body } = wire.receive(MAX_MESSAGE).await.map_err(broken)?;
        match tag {
            b'S' => {
                let (name, value) = parameter(body).map_err(broken)?;
                match name.as_str() {
                    "server_version" => version = Some(value),
                    "client_encoding" => encoding = Some(value),
                    "standard_conforming_strings" => strings = Some(value),
                    _ => {}
                }
            }
            b'K' => key = self::key(body).map_err(broken)?,
            b'N' => {}
            b'E' => return Err(PgError::Refused(answer::error(body).map_err(broken)?)),
            b'Z' => {
                let version = version.unwrap_or_default();
                if !is_safe(&version) {
                    return Err(PgError::Old(version));
                }
                check("client_encoding", encoding, "UTF8")?;
                check("standard_conforming_strings", strings, "on")?;
                return Ok(key);
            }
            _ => return Err(broken(wrong("something else than a session"))),
        }
    }
    Err(broken(wrong("a login without an end")))
}

/// ParameterStatus.
pub(super) fn parameter(body: Bytes) -> Result<(String, String)> {
    let mut body = Body(body);
    Ok((body.text()?, body.text()?))
}

/// What a server must not have set otherwise.
pub(super) fn is_pinned(name: &str, value: &str) -> bool {
    match name {
        "client_encoding" => value == "UTF8",
        "standard_conforming_strings" => value == "on",
        _ => true,
    }
}

fn check(
    name: &'static str,
    value: Option<String>,
    expected: &str,
) -> std::result::Result<(), PgError> {
    match value {
        Some(value) if value == expected => Ok(()),
        value => Err(PgError::Setting(name, value.unwrap_or_default())),
    }
}

/// BackendKeyData. A proxy that cannot cancel sends none, or nothing in it.
fn key(body: Bytes) -> Result<Option<Key>> {
    let mut body = Body(body);
    let (process, secret) = (body.u32()?, body.0);
    if secret.len() > MAX_KEY {
        return Err(wrong("a key that is too long"));
    }
    let is_one = process != 0 && secret.len() >= 4;
    Ok(is_one.then_some(Key { process, secret }))
}

/// Whether a server of this version keeps to row security and to its roles' settings: the least of
/// each major version that does (CVE-2024-10976, CVE-2024-10978 and what their first mending broke).
fn is_safe(version: &str) -> bool {
    let number = version.split(' ').next().unwrap_or_default();
    let mut parts = number.split('.');
    let major = parts.next().unwrap_or_default();
    // 18beta1, 19devel
    let digits = major.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
    let Ok(major) = digits.parse::<u32>() else { return false };
    let minor = parts.next().map_or(Some(0), |minor| minor.parse().ok());
    let least = match major {
        ..=12 => return false,
        13 => 18,
        14 => 15,
        15 => 10,
        16 => 6,
        17 => 2,
        18.. => 0,
    };
    minor.is_some_and(|minor: u32| minor >= least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_whose_faults_pass_row_security_by_are_refused() {
        for (version, safe) in [
            ("17.2", true),
            ("17.1", false),
            ("17.0 (Debian 17.0-1)", false),
            ("17beta1", false),
            ("16.6", true),
            ("16.5", false),
            ("15.10", true),
            ("15.9", false),
            ("15.18 (Debian 15.18-0+deb12u1)", true),
            ("14.15", true),
            ("14.14", false),
            ("13.18", true),
            ("13.17", false),
            ("12.22", false),
            ("9.6.24", false),
            ("18.0", true),
            ("18beta1", true),
            ("19devel", true),
            ("", false),
            ("15", false),
            ("15.x", false),
            ("PostgreSQL 15.18", false),
        ] {
            assert_eq!(is_safe(version), safe, "{version}");
        }
    }

    #[test]
    fn keys_of_any_length_are_kept_and_none_is_none() {
        let read = |bytes: &[u8]| key(Bytes::copy_from_slice(bytes));
        let key = |bytes: &[u8]| read(bytes).unwrap();
        assert_eq!(key(&[0, 0, 0, 9, 1, 2, 3, 4]).unwrap().secret.len(), 4);
        assert_eq!(key(&[&[0, 0, 0, 9][..], &[7; 32]].concat()).unwrap().secret.len(), 32);
        assert_eq!(key(&[&[0, 0, 0, 9][..], &[7; 256]].concat()).unwrap().secret.len(), 256);
        assert!(read(&[&[0, 0, 0, 9][..], &[7; 257]].concat()).is_err());
        assert!(key(&[0; 8]).is_none(), "a proxy's");
        assert!(key(&[0, 0, 0, 9]).is_none());
        assert!(read(&[0, 0]).is_err());
    }
}
