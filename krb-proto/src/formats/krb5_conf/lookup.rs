use alloc::string::String;
use alloc::vec::Vec;

use super::Krb5Conf;

impl Krb5Conf {
    /// The realm of a host by `[domain_realm]`: the host itself, then `.suffix` and `suffix` for
    /// each shorter suffix. `None` if nothing is said of it: then the client's own KDC is asked,
    /// which may refer to another (RFC 6806). Addresses are not looked for.
    #[must_use]
    pub fn host_realm(&self, host: &str) -> Option<&str> {
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix('.').unwrap_or(&host);
        if is_address(host) {
            return None;
        }
        let mut name = host;
        loop {
            if let Some(realm) = self.value(&["domain_realm", name]) {
                return Some(realm);
            }
            name = match name.strip_prefix('.') {
                Some(parent) => parent,
                None => name.get(name.find('.')?..)?,
            };
        }
    }

    /// The realms to pass through from a client's realm to a server's, by `[capaths]`: none if they
    /// share keys (`.`). `None` if nothing is said of them; the KDCs' referrals, or the hierarchy
    /// of the names, show the way then.
    #[must_use]
    pub fn capath(&self, client: &str, server: &str) -> Option<Vec<&str>> {
        let path: Vec<&str> = self
            .values(&["capaths", client, server])
            .map(|realm| realm.split([' ', '\t']).next().unwrap_or_default())
            .collect();
        match path.first() {
            None => None,
            Some(first) if first.starts_with('.') => Some(Vec::new()),
            Some(_) => Some(path),
        }
    }

    /// An application's option by `[appdefaults]`: for this application in this realm, for the
    /// application, for the realm, for all.
    #[must_use]
    pub fn appdefault(&self, application: &str, realm: Option<&str>, option: &str) -> Option<&str> {
        let section = "appdefaults";
        realm
            .and_then(|realm| self.value(&[section, application, realm, option]))
            .or_else(|| self.value(&[section, application, option]))
            .or_else(|| realm.and_then(|realm| self.value(&[section, realm, option])))
            .or_else(|| self.value(&[section, option]))
    }
}

/// MIT's test: an IPv6 address has a colon, an IPv4 address digits and three dots.
fn is_address(host: &str) -> bool {
    let dots = host.bytes().filter(|&byte| byte == b'.').count();
    let digits = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    host.contains(':') || (digits && dots == 3)
}

/// Why the tokens of a name cannot be replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TokenError {
    /// A `%{` without `}`.
    Unclosed,
    /// A token that the caller has no value for.
    Unknown(String),
}

impl core::fmt::Display for TokenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unclosed => f.write_str("a '%{' is never closed"),
            Self::Unknown(token) => write!(f, "'%{{{token}}}' has no value here"),
        }
    }
}

impl core::error::Error for TokenError {}

/// Replaces the `%{token}`s of a cache's or keytab's name by what the caller says they stand for:
/// `uid`, `euid`, `USERID`, `username`, `TEMP`, `LIBDIR`, …. `%{null}` is the empty text always.
///
/// # Errors
/// [`TokenError`].
pub fn expand_tokens(
    name: &str,
    mut token: impl FnMut(&str) -> Option<String>,
) -> Result<String, TokenError> {
    let mut expanded = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once("%{") {
        let (inner, after) = after.split_once('}').ok_or(TokenError::Unclosed)?;
        expanded.push_str(before);
        if inner != "null" {
            expanded.push_str(&token(inner).ok_or_else(|| TokenError::Unknown(inner.into()))?);
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}
