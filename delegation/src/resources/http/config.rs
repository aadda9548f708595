use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::{address, headers};
use crate::resources::Wrong;
use crate::targets::{Names, Root};

const MAX_ALLOWED_HEADERS: usize = 50;

/// `{"kind": "http", …}`: one web application.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Unique name: letters, digits, `.`, `_`, `-`.
    pub name: String,
    /// Origin and base path; requests stay under it.
    pub url: String,
    /// SPN of the service, normally `HTTP/HOST`.
    pub spn: String,
    /// The service account that asks for tickets to it, one of `kerberos.accounts`; left out: the one
    /// of `kerberos` itself.
    pub account: Option<String>,
    /// Other hosts by which users may call it; requests still go to the host of `url`.
    #[serde(default)]
    pub names: Vec<String>,
    /// `url` may be plain `http`: on the way everybody can read what is sent and said, and
    /// change the request line and the body that the user's ticket stands beside.
    #[serde(default)]
    pub danger_plain_http: bool,
    /// Header fields that callers may set beside the common ones that speak of content. None by
    /// which applications are told who came.
    #[serde(default)]
    pub allow_headers: Vec<String>,
}

/// A web application, and which header fields it may be sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    /// Its origin and the path under which requests stay; no query, no fragment.
    pub(super) base: Url,
    /// Header fields that callers may set here beside the common ones.
    allow_headers: Vec<String>,
}

impl Config {
    pub(super) fn check(self, names: &mut Names) -> Result<Endpoint, Wrong> {
        let Self { url, danger_plain_http, allow_headers, .. } = self;
        let wrong = |field, problem: &str| Err((field, problem.to_owned()));
        let base = address::parse_base(&url).map_err(|problem| ("url", problem))?;
        match (base.scheme(), danger_plain_http) {
            ("http", false) => {
                return wrong(
                    "url",
                    "is plain http: who is on the way can read and change requests and \
                     answers. Use https or, where nobody is, set dangerPlainHttp",
                );
            }
            ("https", true) => {
                return wrong("dangerPlainHttp", "says nothing of an https url; leave it out");
            }
            _ => {}
        }
        if allow_headers.len() > MAX_ALLOWED_HEADERS {
            return wrong("allowHeaders", "must be at most 50 names");
        }
        for header in &allow_headers {
            if let Err(problem) = headers::check_allowed(header) {
                return wrong("allowHeaders", &format!("{problem} ({header:?})"));
            }
        }
        names.extend(base.host_str());
        Ok(Endpoint { base, allow_headers })
    }
}

impl Endpoint {
    pub(super) fn check_apart(&self, old: &Self, of: &str) -> Result<(), Wrong> {
        let (new, old) = (&self.base, &old.base);
        if new.scheme() == old.scheme()
            && new.port_or_known_default() == old.port_or_known_default()
            && address::overlap(old, new)
        {
            return Err((
                "url",
                format!("overlaps with target {of}: one base path lies within the other"),
            ));
        }
        Ok(())
    }

    /// Whether a caller may send a header field of this name: one that speaks of content, or that
    /// the operator allowed for this target. Nothing that says who came is ever among them.
    pub(super) fn takes_header(&self, name: &str) -> bool {
        headers::is_known(name)
            || self.allow_headers.iter().any(|allowed| allowed.eq_ignore_ascii_case(name))
    }

    pub(super) fn root(&self, names: &Names) -> Root {
        // It passed when the configuration was read.
        let path = address::fold_path(self.base.path()).unwrap_or_default();
        let path = path.trim_end_matches('/');
        let mut starts = vec![format!("{path}/")];
        if !path.is_empty() {
            starts.push(path.to_owned());
        }
        let own = self.base.host_str().unwrap_or_default();
        let others = names.iter().filter(|name| !name.eq_ignore_ascii_case(own));
        let hosts = std::iter::once(own).chain(others);
        let addresses = hosts.map(|host| address::address(&self.base, host)).collect();
        Root::new(starts, addresses)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::endpoint;

    #[test]
    fn header_fields_are_the_common_ones_and_what_the_operator_allows() {
        let endpoint = endpoint(
            r#"{"name": "w", "url": "https://w", "spn": "HTTP/w",
            "allowHeaders": ["X-Reason"]}"#,
        );
        for (name, taken) in [
            ("accept", true),
            ("x-reason", true),
            ("X_Reason", false),
            ("x-webauth-user", false),
            ("proxy", false),
            ("mail", false),
        ] {
            assert_eq!(endpoint.takes_header(name), taken, "{name}");
        }
    }
}
