//! URLs (RFC 3986), strictly: one spelling per resource as far as text can tell, so that policy
//! and the server mean the same path.

use std::fmt::Write as _;

use url::Url;

use crate::{Code, Failure};

const MAX_BYTES: usize = 4096;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// RFC 9110 section 9.1 makes `get` another method than `GET`. None that anybody knows differs from
/// these by case alone, so `get` is read as the harmless spelling that it is, and `GET` is sent.
pub(super) fn check_method(method: &str) -> Result<(), Failure> {
    if METHODS.iter().any(|known| known.eq_ignore_ascii_case(method)) {
        return Ok(());
    }
    Err(Failure::new(
        Code::InvalidArgument,
        "the HTTP method is not one that this server sends",
        "Use GET, HEAD, POST, PUT, PATCH or DELETE.",
    ))
}

/// Reads a URL as a user wrote it.
pub(super) fn parse(text: &str) -> Result<Url, Failure> {
    read(text).map_err(|problem| {
        Failure::new(
            Code::InvalidArgument,
            format!("the URL {problem}"),
            "Write an absolute http or https URL with a plain path: no user name, no fragment, no \
             '..' and no encoded separators.",
        )
    })
}

/// Reads a target's `url` from the configuration; a `/` at the end of its path does not count.
pub(super) fn parse_base(text: &str) -> Result<Url, String> {
    let mut url = read(text)?;
    if url.query().is_some() {
        return Err("must not have a query".into());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The base URL under another of the target's hosts, with a `/` at its end.
pub(super) fn address(base: &Url, host: &str) -> String {
    let port = base.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}/", base.scheme(), base.path().trim_end_matches('/'))
}

/// Whether `path` is `base` or lies below it, by whole components.
pub(super) fn is_under(base: &str, path: &str) -> bool {
    let base = base.trim_end_matches('/');
    path.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

// What the URL parser would silently repair is refused first: it drops tabs and newlines, turns
// `\` into `/` and resolves dot segments.
fn read(text: &str) -> Result<Url, &'static str> {
    if text.len() > MAX_BYTES {
        return Err("is longer than 4096 bytes");
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err("has white space, a control character or a backslash");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("is not absolute (http://host/path)");
    };
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err("has another scheme than http or https");
    }
    if text.contains('#') {
        return Err("has a fragment");
    }
    let before_query = rest.split('?').next().unwrap_or_default();
    let (authority, path) = match before_query.find('/') {
        Some(at) => before_query.split_at(at),
        None => (before_query, "/"),
    };
    if authority.is_empty() {
        return Err("has no host");
    }
    if authority.contains('@') {
        return Err("has a user name or password");
    }
    let path = normalise(path)?;
    let mut url = Url::parse(text).map_err(|_| "does not parse")?;
    url.set_path(&path);
    if url.path() != path {
        return Err("has a path that is not in plain form");
    }
    Ok(url)
}

// RFC 3986 section 6.2.2: unreserved characters are decoded, other escapes written in upper case.
// What would change the path's structure once decoded is refused.
fn normalise(path: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(path.len());
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let decoded = if byte == b'%' {
            let hex = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
            let (Some(high), Some(low)) = (hex(bytes.next()), hex(bytes.next())) else {
                return Err("has a '%' without two hexadecimal digits");
            };
            // Both are below 16.
            (high * 16 + low) as u8
        } else {
            byte
        };
        match decoded {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(decoded.into());
            }
            b'/' | b'\\' | 0..=0x1f | 0x7f if byte == b'%' => {
                return Err("has an encoded '/', '\\' or control character in its path");
            }
            b'/' | b'!' | b'$' | b'&'..=b',' | b':' | b';' | b'=' | b'@' if byte != b'%' => {
                out.push(byte.into());
            }
            _ => {
                let _infallible = write!(out, "%{decoded:02X}");
            }
        }
    }
    // A segment's parameters do not hide that it is a dot segment (`/..;x/`).
    let is_dots = |segment: &str| matches!(segment.split(';').next(), Some("." | ".."));
    if out.split('/').any(is_dots) {
        return Err("has a . or .. segment");
    }
    if out.contains("//") {
        return Err("has an empty path segment ('//')");
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_per_path() {
        for (text, path) in [
            ("http://web.example.com", "/"),
            ("http://web.example.com/", "/"),
            ("HTTP://WEB.example.com:80/%73ecret", "/secret"),
            ("https://web.example.com/a%7eb/%c3%a9?x=%73", "/a~b/%C3%A9"),
            ("http://web.example.com/é%20x", "/%C3%A9%20x"),
            ("http://web.example.com/a;v=1/b,c(d)'e!*", "/a;v=1/b,c(d)'e!*"),
            ("http://web.example.com/a/", "/a/"),
            ("http://web.example.com/...", "/..."),
            ("http://web.example.com/a%3Fb%25%23", "/a%3Fb%25%23"),
        ] {
            assert_eq!(parse(text).unwrap().path(), path, "{text}");
        }
        let url = parse("http://web.example.com/a?x=%73&y=..//").unwrap();
        assert_eq!(url.query(), Some("x=%73&y=..//"));
    }

    #[test]
    fn tricks_are_refused() {
        for (text, part) in [
            ("/a", "absolute"),
            ("//web.example.com/a", "absolute"),
            ("http:/web.example.com", "absolute"),
            ("file:///etc/passwd", "scheme"),
            ("http://alice@web.example.com/", "user name"),
            ("http://alice:pw@web.example.com/", "user name"),
            ("http://web.example.com@evil.example/", "user name"),
            ("http://web.example.com/#x", "fragment"),
            ("http://web.example.com/a/../b", ".."),
            ("http://web.example.com/a/%2e%2E/b", ".."),
            ("http://web.example.com/.%2e/b", ".."),
            ("http://web.example.com/a/..;x/b", ".."),
            ("http://web.example.com/..", ".."),
            ("http://web.example.com/a%2fb", "encoded"),
            ("http://web.example.com/a%5cb", "encoded"),
            ("http://web.example.com/a%00", "encoded"),
            ("http://web.example.com/a%0d%0aX", "encoded"),
            ("http://web.example.com/a%zz", "'%'"),
            ("http://web.example.com/a%4", "'%'"),
            ("http://web.example.com//a", "'//'"),
            ("http://web.example.com\\@evil.example/", "backslash"),
            ("http://web.example.com/a\tb", "white space"),
            (" http://web.example.com/", "white space"),
            ("http:///a", "no host"),
            ("http://:80/a", "parse"),
            ("http://web.example.com:99999/", "parse"),
        ] {
            let failure = parse(text).map(|url| url.to_string()).expect_err(text);
            assert!(failure.message.contains(part), "{text}: {}", failure.message);
        }
    }

    #[test]
    fn the_base_path_counts_by_components() {
        assert!(is_under("/", "/"));
        assert!(is_under("/", "/a"));
        assert!(is_under("/app", "/app"));
        assert!(is_under("/app", "/app/x"));
        assert!(!is_under("/app", "/application"));
        assert!(!is_under("/app", "/"));
    }

    #[test]
    fn methods_are_listed() {
        for method in METHODS {
            check_method(method).unwrap();
            check_method(&method.to_lowercase()).unwrap();
        }
        for method in
            ["TRACE", "trace", "ＧＥＴ", "pa\u{17f}t", "CONNECT", "GET ", "", "GET / HTTP/1.1\r\n"]
        {
            assert_eq!(check_method(method).unwrap_err().code, Code::InvalidArgument);
        }
    }
}
