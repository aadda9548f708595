//! Addresses as users wrote them, without what may be secret in them. What is refused for its form is
//! recorded, too, so nothing hangs on a form.

use std::borrow::Cow;

/// An address without user name and password, query and fragment.
pub(super) fn shown(written: &str, is_url: bool) -> Cow<'_, str> {
    // `\\?\…` is no URL, and its `?` shows what was tried.
    let is_unc = !is_url && written.starts_with(['\\', '/']);
    let cut = match is_unc {
        true => written,
        false => written.split(['?', '#']).next().unwrap_or_default(),
    };
    let (head, rest) = cut.split_at(head(cut));
    let first = rest.split(['/', '\\']).next().unwrap_or_default();
    let at = first.rsplit_once('@');
    let is_plain = match at {
        // `\\host@SSL@8443\…` is how Windows writes a WebDAV server.
        Some((user, _)) => is_unc && !user.contains(':'),
        None => is_unc || is_place(first, is_url),
    };
    if is_plain {
        return cut.into();
    }
    match (at, rest.rsplit_once('@')) {
        (Some((_, host)), _) if is_place(host, is_url) => {
            format!("{head}{host}{}", &rest[first.len()..]).into()
        }
        // A password may have anything in it, and where it ends only its writer knows.
        (_, Some((_, behind))) => format!("{head}…@{behind}").into(),
        (_, None) => format!("{head}{}:…", first.split(':').next().unwrap_or_default()).into(),
    }
}

/// Where what names a host begins: behind the scheme, and behind however many slashes there are.
fn head(cut: &str) -> usize {
    let scheme = cut.split_once(':').map_or(0, |(scheme, rest)| {
        let is_http = ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http));
        let is_name = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
        let is_scheme = rest.starts_with("//") && !scheme.is_empty() && scheme.chars().all(is_name);
        if is_http || is_scheme { scheme.len() + 1 } else { 0 }
    });
    cut.len() - cut[scheme..].trim_start_matches(['/', '\\']).len()
}

/// Whether this is a host, or a host and a port. Where it is in no URL, it may be a drive.
fn is_place(text: &str, is_url: bool) -> bool {
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let behind = bracketed.map_or(text, |(_, behind)| behind);
    behind.split_once(':').is_none_or(|(_, port)| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && !(is_url && port.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_what_may_be_secret() {
        for (raw, expected) in [
            ("http://u:pw@web/a/b@c?token=x#y", "http://web/a/b@c"),
            ("http://u:pw@web", "http://web"),
            ("http://a@b@web/x", "http://web/x"),
            ("http://u:pw@web\\x", "http://web\\x"),
            ("u:pw@web?x", "web"),
            ("HTTPS://u:pw@[::1]:8443/a:b", "HTTPS://[::1]:8443/a:b"),
            ("http://web:8080/a@b:c", "http://web:8080/a@b:c"),
        ] {
            assert_eq!(shown(raw, true), expected);
            assert_eq!(shown(raw, false), expected);
        }
        for raw in [
            r"\\?\UNC\files\corp\#1",
            "//files/corp/what?",
            "//files/corp/a:b@c",
            r"\\files@SSL@8443\DavWWWRoot\a",
            r"C:\Users\alice@home",
            "files/corp/a@b.txt",
            "db/notes",
        ] {
            assert_eq!(shown(raw, false), raw);
        }
        assert_eq!(shown(r"\\u:pw@files\corp\x", false), r"\\files\corp\x");
        assert_eq!(shown("smb://u:pw@files/corp/x?y", false), "smb://files/corp/x");
        assert_eq!(shown("postgres:u:pw@db/notes", false), "db/notes");
    }

    /// However the URL is wrong.
    #[test]
    fn no_form_of_a_url_keeps_a_secret() {
        for raw in [
            "//host/p?token=SECRET",
            "/p?token=SECRET",
            r"\\host\p?token=SECRET",
            r"\\?\host#SECRET",
            "?SECRET",
            "http:bob:SECRET@host/p",
            r"http:\\bob:SECRET@host/p",
            "http:/bob:SECRET@host/p",
            "HTTP:/\\/bob:SECRET@host/p",
            "http:////bob:SECRET@host/p",
            "http://\\bob:SECRET@host/p",
            "bob:SECRET@host/p",
            "//bob:SECRET@host/p",
            "://bob:SECRET@host/p",
            "SECRET@host",
            " http://bob:SECRET@host/p",
            "ht\ttp://bob:SECRET@host/p",
            "https://http://bob:SECRET@host/p",
            "http:http://bob:SECRET@host/p",
            "ftp:bob:SECRET@host",
            "bob://SECRET@host/p",
            // With what would end it, were it not part of the password.
            "http://bob:x/SECRET@host/p",
            "http://bob:x?SECRET@host/p",
            "http://bob:x#SECRET@host/p",
            "http://bob:SECRET?x@host/p",
            "bob:x/SECRET@host/p",
            "http://bob:@SECRET@host/p",
            // With an `@` that is none, and with none.
            "http://bob:SECRET%40host/p",
            "http:bob:SECRET",
            "bob:SECRET",
        ] {
            let shown = shown(raw, true);
            assert!(!shown.contains("SECRET"), "{raw}: {shown}");
        }
        assert_eq!(shown("http:bob:SECRET@host/p", true), "http:host/p");
        assert_eq!(shown("//host/p?token=SECRET", true), "//host/p");
        assert_eq!(shown("http://bob:x/SECRET@host/p", true), "http://…@host/p");
        assert_eq!(shown("http://bob:SECRET%40host/p", true), "http://bob:…");
    }
}
