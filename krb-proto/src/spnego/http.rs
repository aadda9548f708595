//! The `Negotiate` scheme of HTTP authentication (RFC 4559) as header text.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64ct::{Base64, Encoding};

use super::{SpnegoError, SpnegoInitiator};

/// The longest header value that is read, in bytes: a token with the largest PAC that Windows
/// issues fits.
pub const MAX_VALUE: usize = 128 * 1024;

const SCHEME: &str = "Negotiate";

/// Why a header value was refused; the peer's fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum HeaderError {
    /// The value is longer than [`MAX_VALUE`].
    TooLong,
    /// What follows `Negotiate` is not base64.
    BadBase64,
    /// `Negotiate` stands there twice.
    Ambiguous,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the peer's Negotiate header is too long",
            Self::BadBase64 => "the peer's Negotiate header does not hold base64",
            Self::Ambiguous => "the peer's header names Negotiate twice",
        })
    }
}

impl core::error::Error for HeaderError {}

/// The value of `Authorization` (or, from a server, `WWW-Authenticate`) that carries a token.
#[must_use]
pub fn header_value(token: &[u8]) -> String {
    alloc::format!("{SCHEME} {}", Base64::encode_string(token))
}

/// Reads a value of `WWW-Authenticate` (RFC 9110 section 11.6.1: possibly several challenges,
/// between commas) or of `Authorization`: `None` if it does not name Negotiate, else the token,
/// which is empty where a server merely offers the scheme.
///
/// # Errors
/// [`HeaderError`].
pub fn parse_header_value(value: &[u8]) -> Result<Option<Vec<u8>>, HeaderError> {
    if value.len() > MAX_VALUE {
        return Err(HeaderError::TooLong);
    }
    let mut found = None;
    for element in elements(value) {
        let element = element.trim_ascii();
        let scheme_end = element.iter().position(|&b| b == b' ').unwrap_or(element.len());
        let (scheme, rest) = element.split_at(scheme_end);
        if !scheme.eq_ignore_ascii_case(SCHEME.as_bytes()) {
            continue;
        }
        if found.is_some() {
            return Err(HeaderError::Ambiguous);
        }
        let text = core::str::from_utf8(rest.trim_ascii()).map_err(|_| HeaderError::BadBase64)?;
        found = Some(Base64::decode_vec(text).map_err(|_| HeaderError::BadBase64)?);
    }
    Ok(found)
}

/// Takes what a server says in answer to a login: the first token in the values of its
/// `WWW-Authenticate` fields, if one of them holds any. Whoever goes by the answer looks whether the
/// login [is complete](SpnegoInitiator::is_complete) by then: until it is, the server has not proven
/// who it is (RFC 4559 section 5).
///
/// # Errors
/// Those of [`SpnegoInitiator::step`].
pub fn take_answer<'a>(
    login: &mut SpnegoInitiator,
    values: impl IntoIterator<Item = &'a [u8]>,
) -> Result<(), SpnegoError> {
    let tokens = values.into_iter().filter_map(|value| parse_header_value(value).ok().flatten());
    match { tokens }.find(|token| !token.is_empty()) {
        Some(token) => login.step(&token).map(drop),
        None => Ok(()),
    }
}

/// The elements of a comma-separated list; a comma inside of a quoted-string separates nothing.
fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ => {}
        }
        byte == b',' && !quoted
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    #[test]
    fn values_round_trip() {
        for token in [&b""[..], b"\x60", b"\xff\xfe", b"abc", b"\x00\x00\x00\x00"] {
            let value = header_value(token);
            assert_eq!(parse_header_value(value.as_bytes()), Ok(Some(token.to_vec())));
        }
        assert_eq!(header_value(b"abc"), "Negotiate YWJj");
    }

    #[test]
    fn negotiate_is_found_among_other_challenges() {
        for (value, token) in [
            ("Negotiate", Some(&b""[..])),
            ("negotiate YWJj", Some(b"abc")),
            ("NEGOTIATE   YWJj  ", Some(b"abc")),
            ("Basic realm=\"a, Negotiate YWJj\", Negotiate", Some(b"")),
            ("Basic realm=\"a\\\", Negotiate YWJj\"", None),
            ("Negotiate, Digest qop=\"auth\", nonce=x", Some(b"")),
            ("NTLM", None),
            ("Negotiate2 YWJj", None),
            ("", None),
        ] {
            let expected = token.map(<[u8]>::to_vec);
            assert_eq!(parse_header_value(value.as_bytes()), Ok(expected), "{value}");
        }
    }

    #[test]
    fn what_is_not_base64_is_refused() {
        for value in [
            &b"Negotiate YWJ"[..],
            b"Negotiate YW Jj",
            b"Negotiate YWJ-",
            b"Negotiate YQ",
            b"Negotiate YR==", // bits left over that are not 0
            b"Negotiate YWJj=",
            b"Negotiate YWJj\n",
            b"Negotiate \xff",
        ] {
            let result = parse_header_value(value);
            let tolerated = value == b"Negotiate YWJj\n"; // white space at the end is trimmed
            assert_eq!(result.is_err(), !tolerated, "{value:?}");
        }
        assert_eq!(
            parse_header_value(b"Negotiate YWJj, Negotiate YWJj"),
            Err(HeaderError::Ambiguous)
        );
        assert_eq!(parse_header_value(&vec![b'A'; MAX_VALUE + 1]), Err(HeaderError::TooLong));
        assert_eq!(parse_header_value(&vec![b'A'; MAX_VALUE]), Ok(None));
    }
}
