//! URLs (RFC 3986), strictly: one spelling per resource as far as text can tell, so that policy
//! and the server mean the same path.

use std::fmt::Write as _;

use url::Url;

use super::failure::Misasked;
use crate::targets::fold;

const MAX_BYTES: usize = 4096;
const METHODS: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// RFC 9110 section 9.1 makes `get` another method than `GET`. None that anybody knows differs from
/// these by case alone, so `get` is read as the harmless spelling that it is, and `GET` is sent.
pub(super) fn check_method(method: &str) -> Result<(), Misasked> {
    if METHODS.iter().any(|known| known.eq_ignore_ascii_case(method)) {
        return Ok(());
    }
    Err(Misasked::Method)
}

/// Reads a URL as a user wrote it.
pub(super) fn parse(text: &str) -> Result<Url, Misasked> {
    read(text).map_err(Misasked::Url)
}

/// The path as policy sees it; what is requested stays as [`parse`] gave it.
///
/// Web servers differ in what they take for the same page: IIS is blind to case and drops dots and
/// spaces at a segment's end, servers of Java applications drop `;` parameters, and some decode
/// what is encoded twice. Here everything that one of them may take for the same is the same, and
/// what has no such form is refused.
pub(super) fn policy_path(url: &Url) -> Result<String, Misasked> {
    fold_path(url.path()).map_err(Misasked::Url)
}

/// The same of a normalised path.
pub(super) fn fold_path(path: &str) -> Result<String, &'static str> {
    let mut out = String::with_capacity(path.len());
    for (index, segment) in path.split('/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        if !segment.is_empty() {
            out.push_str(&escape(&fold_segment(segment)?));
        }
    }
    Ok(out)
}

/// `text` as it stands in paths that policy sees: what a URL must escape is escaped, the rest is
/// not, all is folded. `text` may be cut anywhere, as at a wildcard. None if no such path has it.
pub(super) fn policy_text(text: &str) -> Option<String> {
    let decoded = decode(text)?;
    let structure = |byte: &u8| matches!(byte, b'\\' | b';') || byte.is_ascii_control();
    if decoded.iter().any(structure) || text.to_ascii_lowercase().contains("%2f") {
        return None;
    }
    // A cut may go through a character; then only its bytes are seen.
    let Ok(decoded) = String::from_utf8(decoded) else { return Some(text.to_owned()) };
    Some(decoded.split('/').map(|part| escape(&fold(part))).collect::<Vec<_>>().join("/"))
}

fn fold_segment(segment: &str) -> Result<String, &'static str> {
    let decoded = decode(segment).and_then(|bytes| String::from_utf8(bytes).ok());
    let text = fold(&decoded.ok_or("has escapes in its path that are not UTF-8")?);
    if text.chars().any(char::is_control) {
        return Err("has an encoded control character in its path");
    }
    if text.split('%').skip(1).any(is_escape) {
        return Err("has an escape in its path that is encoded once more ('%25…')");
    }
    // Some servers turn them into what they look like.
    if text.contains(['／', '＼', '．', '∕', '∖', '⁄', '﹨', '․', '﹒']) {
        return Err("has a character in its path that looks like a separator or a dot");
    }
    if text.contains(":$") {
        return Err("has a file's stream in its path (':$')");
    }
    if is_session_of_asp_net(&text) {
        return Err("has a segment that ASP.NET takes out of a path, '(S(…))'");
    }
    let name = text.split(';').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    if name.is_empty() {
        return Err("has a segment of dots, spaces, parameters or invisible characters alone");
    }
    if is_short_alias(name) {
        return Err("has a segment in the short 8.3 form (LONGNA~1.TXT)");
    }
    Ok(name.to_owned())
}

// What stands behind a `%` that was itself decoded from `%25`.
fn is_escape(rest: &str) -> bool {
    let digits = rest.strip_prefix('u').unwrap_or(rest);
    digits.len() >= 2 && digits.bytes().take(2).all(|b| b.is_ascii_hexdigit())
}

// Session, form ticket and anonymous id of who sends no cookies, alone or in a row.
fn is_session_of_asp_net(segment: &str) -> bool {
    segment.ends_with("))") && ["(s(", "(f(", "(a("].iter().any(|id| segment.starts_with(id))
}

// As Windows makes them.
fn is_short_alias(segment: &str) -> bool {
    let (base, extension) = segment.split_once('.').unwrap_or((segment, ""));
    base.rsplit_once('~').is_some_and(|(stem, number)| {
        (1..=8).contains(&base.chars().count())
            && extension.chars().count() <= 3
            && !stem.is_empty()
            && !number.is_empty()
            && number.bytes().all(|b| b.is_ascii_digit())
    })
}

/// The bytes that a path's text stands for; None if a `%` has no two digits behind it.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        // Both are below 16.
        out.push((digit()? * 16 + digit()?) as u8);
    }
    Some(out)
}

// RFC 3986 section 3.3: what a segment may have as it is, `;` excepted.
fn escape(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(byte.into());
            }
            b'!' | b'$' | b'&'..=b',' | b':' | b'=' | b'@' => out.push(byte.into()),
            _ => {
                let _infallible = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// Whether some server could take a page under one base path for one under the other.
pub(super) fn overlap(a: &Url, b: &Url) -> bool {
    let folded = |url: &Url| fold_path(url.path()).unwrap_or_else(|_| url.path().to_owned());
    let (a, b) = (folded(a), folded(b));
    is_under(&a, &b) || is_under(&b, &a)
}

/// Reads a target's `url` from the configuration; a `/` at the end of its path does not count.
pub(super) fn parse_base(text: &str) -> Result<Url, String> {
    let mut url = read(text)?;
    if url.query().is_some() {
        return Err("must not have a query".into());
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if path.contains(';') {
        return Err("must not have ';' parameters".into());
    }
    fold_path(&path)?;
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
    use crate::{Code, Failure};

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
            let refused = parse(text).map(|url| url.to_string()).expect_err(text);
            let failure = Failure::from(refused);
            assert!(failure.message.contains(part), "{text}: {}", failure.message);
        }
    }

    fn seen(text: &str) -> Result<String, Misasked> {
        policy_path(&parse(text)?)
    }

    #[test]
    fn policy_sees_one_path_for_all_spellings() {
        for (path, all) in [
            ("/app/secret/x", &["/APP/Secret/x", "/app/%53ecret/x", "/app/secret;a=b/x;y"][..]),
            ("/app/secret/x", &["/app/secret./x", "/app/secret%20/x.%20.", "/app/secret;/x"]),
            ("/app/secret/x", &["/app/se%C2%ADcret/x", "/app/secret%3Bx/x", "/app/secre%74/%78"]),
            ("/app/r%C3%A9sum%C3%A9", &["/app/résumé", "/app/RÉSUMÉ", "/app/re%cc%81sume%CC%81"]),
            ("/%CE%BB%CF%8C%CE%B3%CE%BF%CF%83", &["/λόγος", "/ΛΌΓΟΣ", "/%CE%BB%CF%8Cγοσ"]),
            (
                "/a!b$c&d'(e)*+,=:@",
                &["/a!b$c&d'(e)*+,=:@", "/A%21b%24c%26d%27%28e%29%2a%2b%2c%3D%3a%40"],
            ),
            ("/a%20b%25%3F", &["/a%20b%25%3f", "/A%20B%25%3F"]),
            ("/", &["", "/", "/?x=/secret"]),
            ("/a/", &["/a/", "/A/", "/a;b/"]),
            ("/~alice/.well-known", &["/~alice/.Well-Known", "/%7ealice/%2ewell-known"]),
        ] {
            for spelling in all {
                let text = format!("http://web.example.com{spelling}");
                assert_eq!(seen(&text).unwrap(), path, "{spelling}");
            }
        }
    }

    #[test]
    fn what_has_no_one_form_is_refused() {
        for (path, part) in [
            ("/a/%252e%252e/secret", "once more"),
            ("/a%252fsecret", "once more"),
            ("/a%255csecret", "once more"),
            ("/a%25252fsecret", "once more"),
            ("/a%25u002fsecret", "once more"),
            ("/%u0073ecret", "'%'"),
            ("/%c0%afsecret", "UTF-8"),
            ("/%c1%b3ecret", "UTF-8"),
            ("/%e9", "UTF-8"),
            ("/%ed%a0%80", "UTF-8"),
            ("/a%ef%bc%8fsecret", "looks like"),
            ("/．．/secret", "looks like"),
            ("/a∕secret", "looks like"),
            ("/a%c2%85", "control"),
            ("/secret::$DATA", "stream"),
            ("/secret%3a$i30:$INDEX_ALLOCATION/x", "stream"),
            ("/(S(x))/secret", "ASP.NET"),
            ("/%28f%28x)A(y))/secret", "ASP.NET"),
            ("/SECRET~1/x", "8.3"),
            ("/web~1.con", "8.3"),
            ("/.../x", "dots"),
            ("/;x/secret", "dots"),
            ("/a/;/secret", "dots"),
            ("/%20/secret", "dots"),
            ("/%20.;x/secret", "dots"),
            ("/%3b/secret", "dots"),
            ("/%e2%80%8b/secret", "dots"),
        ] {
            let text = format!("http://web.example.com{path}");
            let failure = Failure::from(seen(&text).expect_err(path));
            assert_eq!(failure.code, Code::InvalidArgument);
            assert!(failure.message.contains(part), "{path}: {}", failure.message);
        }
    }

    proptest::proptest! {
        /// The same segments under other spellings that some web server undoes.
        #[test]
        fn every_spelling_of_a_page_is_one_path(
            segments in proptest::collection::vec("[a-zA-Zéλσ0-9][a-zA-Zéλς0-9 ~!()-]{0,6}[a-z0-9]", 1..4),
            choices in proptest::collection::vec(0_u8..8, 64),
        ) {
            let plain = segments.join("/").replace(' ', "%20");
            let mut choices = choices.into_iter().cycle();
            let mut spelled = String::new();
            for segment in &segments {
                spelled.push('/');
                for c in segment.chars() {
                    let other = match choices.next() {
                        Some(0 | 1) => c.to_uppercase().collect(),
                        Some(2) => c.to_lowercase().collect(),
                        _ => c.to_string(),
                    };
                    match choices.next() {
                        Some(0 | 1) => other.bytes().for_each(|b| spelled += &format!("%{b:02x}")),
                        _ if c == ' ' => spelled += "%20",
                        Some(2) => spelled += &format!("{other}\u{200d}"),
                        _ => spelled += &other,
                    }
                }
                spelled += ["", "", ";v=1", "%3Bx", ".", "%20", "%2e%20;a/".trim_end_matches('/'), ""]
                    [usize::from(choices.next().unwrap_or(0))];
            }
            let one = seen(&format!("http://web.example.com/{plain}"));
            let other = seen(&format!("http://web.example.com{spelled}"));
            // "x~1" is refused in every spelling.
            proptest::prop_assert_eq!(one.ok(), other.ok(), "{}", spelled);
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
            assert_eq!(check_method(method), Err(Misasked::Method));
        }
    }
}
