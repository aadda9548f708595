use std::{convert::Infallible, task::Poll};

use axum::http::HeaderValue;
use hyper::body::Frame;

use super::*;

fn json(length: Option<usize>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    headers
}

fn status(refusal: Refusal) -> u16 {
    use axum::response::IntoResponse as _;
    refusal.into_response().status().as_u16()
}

/// Comes in pieces and, if `endless`, never to an end.
struct Pieces {
    left: usize,
    endless: bool,
}

impl axum::body::HttpBody for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.left.min(32 << 10);
        self.left -= piece;
        match piece {
            0 if self.endless => Poll::Pending,
            0 => Poll::Ready(None),
            _ => Poll::Ready(Some(Ok(Frame::data(vec![b' '; piece].into())))),
        }
    }
}

#[test]
fn values_and_depth_have_their_limits() {
    let values = |n: usize| format!("[{}]", vec!["1"; n - 1].join(","));
    bounded(values(MAX_VALUES - 1).as_bytes()).unwrap();
    assert_eq!(status(bounded(values(MAX_VALUES + 1).as_bytes()).unwrap_err()), 413);
    let depth = |n: usize| "[".repeat(n) + &"]".repeat(n);
    bounded(depth(MAX_DEPTH).as_bytes()).unwrap();
    assert!(bounded(depth(MAX_DEPTH + 1).as_bytes()).is_err());
    for worst in [r#"[],"#, r#"{"a":1},"#, r#""","#, "1,", r#"{"a":{"a":{}}},"#] {
        assert!(bounded(format!("[{}1]", worst.repeat(100_000)).as_bytes()).is_err(), "{worst}");
    }
    // What stands in a text counts for nothing, behind an escaped quote neither.
    let text = format!(r#"{{"body": "{}\\\"{}"}}"#, "[,{".repeat(5000), "]},".repeat(5000));
    bounded(text.as_bytes()).unwrap();
    assert!(bounded(br#"["\"#).is_ok());
}

#[tokio::test]
async fn few_large_bodies_are_read_at_once_and_small_ones_always() {
    let bodies = Bodies { time: Duration::from_millis(200), ..Bodies::default() };
    let mut taken = Vec::new();
    for announced in [Some(MAX_BYTES), None, Some(MAX_BYTES), None] {
        let length = announced.unwrap_or(SMALL + 1);
        let body = Body::new(Pieces { left: length, endless: false });
        taken.push(bodies.read(&json(announced), body).await.unwrap());
    }
    let body = || Body::new(Pieces { left: SMALL + 1, endless: false });
    for announced in [Some(SMALL + 1), None] {
        assert_eq!(bodies.read(&json(announced), body()).await.err().map(status), Some(503));
    }
    let small = Body::new(Pieces { left: SMALL, endless: false });
    let small = bodies.read(&json(Some(SMALL)), small).await.unwrap();
    assert_eq!(small.bytes.len(), SMALL);
    taken.pop();
    assert!(bodies.read(&json(None), body()).await.is_ok());
}

#[tokio::test]
async fn a_body_arrives_in_time_or_is_refused_and_its_place_is_free_again() {
    let bodies = Bodies { time: Duration::from_millis(50), ..Bodies::default() };
    for _ in 0..20 {
        let body = Body::new(Pieces { left: SMALL + 1, endless: true });
        assert_eq!(bodies.read(&json(None), body).await.err().map(status), Some(408));
    }
    assert_eq!(bodies.large.available_permits(), LARGE_AT_ONCE);
}
