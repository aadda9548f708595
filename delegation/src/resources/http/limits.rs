//! What web servers and proxies take of a header field, and the setting of each: a user in many
//! groups has a ticket that is larger.

use std::fmt::Write as _;

use hyper::StatusCode;

/// A token below this is no larger than the smallest limit there is, with room for other fields.
const SMALL: usize = 4096;

/// Server or proxy, and what to write into its configuration. `docs/large-tickets.md` has the same,
/// with the limits that hold by default.
const SETTINGS: [(&str, &str); 16] = [
    ("Apache", "LimitRequestFieldSize"),
    ("nginx", "large_client_header_buffers"),
    ("IIS", "MaxFieldLength and MaxRequestBytes (HTTP.sys, in the registry)"),
    ("ASP.NET Core", "KestrelServerLimits.MaxRequestHeadersTotalSize"),
    ("Tomcat", "maxHttpRequestHeaderSize"),
    ("Spring Boot", "server.max-http-request-header-size"),
    ("Jetty", "requestHeaderSize"),
    ("Undertow, WildFly", "max-header-size"),
    ("Vert.x, Quarkus", "maxHeaderSize, quarkus.http.limits.max-header-size"),
    ("JDK HttpServer", "sun.net.httpserver.maxReqHeaderSize"),
    ("Node.js", "--max-http-header-size"),
    ("gunicorn", "--limit-request-field_size"),
    ("aiohttp", "max_field_size and max_line_size"),
    ("HAProxy", "tune.bufsize, with tune.maxrewrite"),
    ("Envoy, Istio", "max_request_headers_kb"),
    ("F5 BIG-IP", "Maximum Header Size of the HTTP profile"),
];

/// Whether a status may mean that the server read no further than its limit for header fields.
pub(super) fn is_limit(status: StatusCode, token_length: usize) -> bool {
    let limits = [
        StatusCode::BAD_REQUEST,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::URI_TOO_LONG,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    ];
    is_large(token_length) && limits.contains(&status)
}

/// Whether a token may be larger than what a server takes.
pub(super) const fn is_large(token_length: usize) -> bool {
    token_length > SMALL
}

/// What the user's token is like.
pub(super) fn size(header_length: usize, groups: usize) -> String {
    format!(
        "the user's ticket makes a header field of {header_length} bytes (the user is in {groups} \
         groups)"
    )
}

/// What to change.
pub(super) fn remedy() -> String {
    let mut text =
        "Raise the limit for header fields to 64 KB, or more for more groups, on the web \
                    server and on every proxy or load balancer before it:"
            .to_owned();
    for (server, setting) in SETTINGS {
        let _infallible = write!(text, " {server}: {setting};");
    }
    text + " or take the user out of some groups."
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_stands_in_the_remedy_and_on_the_operators_page() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/large-tickets.md");
        let page = std::fs::read_to_string(page).unwrap();
        for (server, setting) in SETTINGS {
            assert!(remedy().contains(setting), "{server}");
            for setting in setting.split([',', ' ', '(']).filter(|word| word.contains(['.', '_'])) {
                assert!(page.contains(setting), "{server}: {setting}");
            }
            for server in server.split(", ") {
                assert!(page.contains(server), "{server}");
            }
        }
        assert!(remedy().contains("proxy"));
    }

    #[test]
    fn only_a_large_token_is_blamed() {
        assert!(is_limit(StatusCode::BAD_REQUEST, SMALL + 1));
        assert!(!is_limit(StatusCode::BAD_REQUEST, SMALL));
        assert!(!is_limit(StatusCode::NOT_FOUND, SMALL + 1));
    }
}
