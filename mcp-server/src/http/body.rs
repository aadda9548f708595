//! Reading a request's body: a body costs its size, whatever stands in it.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody as _};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::refusal::{INVALID_REQUEST, REFUSED, Refusal};
use crate::backend::Principal;

/// Tool arguments are small; what an HTTP request is to send is the largest.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// Beyond this size a body needs a place among the large ones.
const SMALL: usize = 64 << 10;
/// Bytes of large bodies at once: a body is held several times over while it is taken apart.
const LARGE_AT_ONCE: usize = 4 << 20;
/// Of these, what one user's may take, so that calls that take long keep nobody else out.
const LARGE_OF_A_USER: usize = 2 << 20;
/// For the whole body to arrive, a place for it included.
const TIME: Duration = Duration::from_secs(10);

/// JSON values in one message. A value costs a hundred octets and more, and takes two in the text.
const MAX_VALUES: usize = 2048;
/// Arrays and objects in one another.
const MAX_DEPTH: usize = 32;

/// A body that was read. Its size counts until it is dropped.
pub(super) struct Taken {
    pub(super) bytes: Bytes,
    _place: Option<Place>,
}

/// Among all large bodies, and among those of the user.
type Place = (OwnedSemaphorePermit, OwnedSemaphorePermit);
/// Issuer and subject.
type User = (String, String);

/// Reads bodies, few large ones at once.
pub(super) struct Bodies {
    large: Arc<Semaphore>,
    /// For as long as they have or wait for a place.
    users: Mutex<HashMap<User, Weak<Semaphore>>>,
    time: Duration,
}

impl Default for Bodies {
    fn default() -> Self {
        let large = Arc::new(Semaphore::new(LARGE_AT_ONCE));
        Self { large, users: Mutex::default(), time: TIME }
    }
}

impl Bodies {
    /// The body, if it is one that is worth taking apart.
    pub(super) async fn read(
        &self,
        from: &Principal,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Taken, Refusal> {
        let size = announced(headers)?;
        timeout(self.time, self.collect(from, size, body)).await.unwrap_or_else(|_| {
            let problem = format!("the body did not arrive within {} s", self.time.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, INVALID_REQUEST, problem))
        })
    }

    async fn collect(
        &self,
        from: &Principal,
        announced: Option<usize>,
        mut body: Body,
    ) -> Result<Taken, Refusal> {
        let mut place = self.place(from, announced.unwrap_or_default()).await?;
        let mut bytes = Vec::with_capacity(announced.unwrap_or_default().min(SMALL));
        loop {
            match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
                None => break,
                Some(Err(_)) => return Err(broken("the body broke off")),
                Some(Ok(frame)) => {
                    let data = frame.into_data().unwrap_or_default();
                    let length = bytes.len() + data.len();
                    if length > announced.unwrap_or(MAX_BYTES) {
                        return Err(match announced {
                            Some(_) => broken("the body is longer than Content-Length says"),
                            None => too_long(),
                        });
                    }
                    // Of a body of unknown length the most is assumed as soon as it is large.
                    if length > SMALL && place.is_none() {
                        place = self.place(from, MAX_BYTES).await?;
                    }
                    bytes.extend_from_slice(&data);
                }
            }
        }
        if announced.is_some_and(|announced| announced != bytes.len()) {
            return Err(broken("the body is shorter than Content-Length says"));
        }
        bounded(&bytes)?;
        Ok(Taken { bytes: bytes.into(), _place: place })
    }

    async fn place(&self, from: &Principal, size: usize) -> Result<Option<Place>, Refusal> {
        if size <= SMALL {
            return Ok(None);
        }
        let wanted = u32::try_from(size).unwrap_or(u32::MAX);
        let place = async {
            let of_user = self.share_of(from).acquire_many_owned(wanted).await?;
            Ok::<_, AcquireError>((
                Arc::clone(&self.large).acquire_many_owned(wanted).await?,
                of_user,
            ))
        };
        match timeout(self.time / 2, place).await {
            Ok(Ok(place)) => Ok(Some(place)),
            _ => Err(Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                REFUSED,
                "the server is busy with other large requests; try again",
            )),
        }
    }

    fn share_of(&self, from: &Principal) -> Arc<Semaphore> {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.retain(|_, share| share.strong_count() > 0);
        let share = users.entry((from.issuer.clone(), from.subject.clone())).or_default();
        share.upgrade().unwrap_or_else(|| {
            let new = Arc::new(Semaphore::new(LARGE_OF_A_USER));
            *share = Arc::downgrade(&new);
            new
        })
    }
}

/// What the header fields say of the body: its length, if they do.
fn announced(headers: &HeaderMap) -> Result<Option<usize>, Refusal> {
    let essence = headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let essence = essence.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if !essence.eq_ignore_ascii_case(b"application/json") {
        return Err(unsupported("the body must be of Content-Type application/json"));
    }
    if headers.get(CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(unsupported("the body must come without Content-Encoding"));
    }
    let Some(length) = headers.get(CONTENT_LENGTH) else { return Ok(None) };
    let length = length.to_str().ok().and_then(|length| length.parse().ok());
    match length {
        Some(length) if length <= MAX_BYTES => Ok(Some(length)),
        _ => Err(too_long()),
    }
}

fn unsupported(problem: &str) -> Refusal {
    Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, INVALID_REQUEST, problem)
}

fn broken(problem: &str) -> Refusal {
    Refusal::malformed(INVALID_REQUEST, problem)
}

fn too_long() -> Refusal {
    let problem = format!("the body is larger than {MAX_BYTES} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, INVALID_REQUEST, problem)
}

/// Counts values and depth without building anything. The count is right for JSON, and an upper
/// bound of what a parser builds before it notices that something is none.
fn bounded(text: &[u8]) -> Result<(), Refusal> {
    let (mut values, mut depth) = (1_usize, 0_usize);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => (),
                    }
                }
            }
            b'[' | b'{' => {
                values += 1;
                depth += 1;
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => (),
        }
        if values > MAX_VALUES || depth > MAX_DEPTH {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                INVALID_REQUEST,
                format!(
                    "the body holds more than {MAX_VALUES} JSON values, or more than {MAX_DEPTH} \
                     of them in one another"
                ),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
