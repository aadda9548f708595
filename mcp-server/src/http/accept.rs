//! Lets clients in that would be content with what we send.

use axum::extract::Request;
use axum::http::header::ACCEPT;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::Next;

/// What rmcp wants to see.
pub(crate) const BOTH: HeaderValue =
    HeaderValue::from_static("application/json, text/event-stream");

/// MCP wants clients to accept JSON and event streams, and rmcp refuses those that do not say so
/// (406). Every answer of this server is JSON, so whoever takes JSON is served: `curl` sends `*/*`.
pub(super) async fn widen(mut request: Request, next: impl Next) -> Response {
    if takes_json(request.headers()) {
        request.headers_mut().insert(ACCEPT, BOTH);
    }
    next.run(request).await
}

fn takes_json(headers: &HeaderMap) -> bool {
    let mut ranges = headers
        .get_all(ACCEPT)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|range| range.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii())
        .peekable();
    ranges.peek().is_none()
        || ranges.any(|range| {
            [&b"*/*"[..], b"application/*", b"application/json"]
                .iter()
                .any(|json| range.eq_ignore_ascii_case(json))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_json_is_served() {
        let cases = [
            (&[][..], true),
            (&["*/*"], true),
            (&["text/html, Application/*;q=0.8"], true),
            (&["text/html", "application/json; charset=utf-8"], true),
            (&["text/html"], false),
            (&["text/event-stream"], false),
        ];
        for (accept, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in accept {
                headers.append(ACCEPT, HeaderValue::from_static(value));
            }
            assert_eq!(takes_json(&headers), expected, "{accept:?}");
        }
    }
}
