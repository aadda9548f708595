use std::convert::Infallible;
use std::task::Poll;

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

fn user(subject: &str) -> Principal {
    let client_id = Some("agent".into());
    Principal { issuer: "https://idp.example.com".into(), subject: subject.into(), client_id }
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
    for (subject, announced) in
        [("alice", Some(MAX_BYTES)), ("alice", None), ("bob", Some(MAX_BYTES)), ("bob", None)]
    {
        let length = announced.unwrap_or(SMALL + 1);
        let body = Body::new(Pieces { left: length, endless: false });
        taken.push(bodies.read(&user(subject), &json(announced), body).await.unwrap());
    }
    let read = async |subject: &str, announced, left| {
        let body = Body::new(Pieces { left, endless: false });
        let taken = bodies.read(&user(subject), &json(announced), body).await;
        taken.map_err(status)
    };
    for announced in [Some(SMALL + 1), None] {
        for subject in ["alice", "carol"] {
            assert_eq!(read(subject, announced, SMALL + 1).await.err(), Some(503), "{subject}");
        }
    }
    assert_eq!(read("alice", Some(SMALL), SMALL).await.unwrap().bytes.len(), SMALL);
    // Bob's is free again: neither alice, who has her share, nor another client of hers gets it.
    taken.pop();
    assert_eq!(read("alice", None, SMALL + 1).await.err(), Some(503));
    let elsewhere = Principal { client_id: None, ..user("alice") };
    let body = Body::new(Pieces { left: SMALL + 1, endless: false });
    assert!(bodies.read(&elsewhere, &json(None), body).await.is_err());
    assert!(read("carol", None, SMALL + 1).await.is_ok());
    taken.clear();
    assert!(read("alice", None, SMALL + 1).await.is_ok());
    assert_eq!(bodies.users.lock().unwrap().len(), 1, "who has no place is forgotten");
}

#[tokio::test]
async fn a_body_arrives_in_time_or_is_refused_and_its_place_is_free_again() {
    let bodies = Bodies { time: Duration::from_millis(50), ..Bodies::default() };
    for _ in 0..20 {
        let body = Body::new(Pieces { left: SMALL + 1, endless: true });
        let taken = bodies.read(&user("alice"), &json(None), body).await;
        assert_eq!(taken.err().map(status), Some(408));
    }
    assert_eq!(bodies.large.available_permits(), LARGE_AT_ONCE);
}
