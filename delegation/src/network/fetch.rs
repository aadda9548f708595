//! Documents and tokens of identity providers, over HTTP.

use std::sync::Arc;

use async_trait::async_trait;
use hyper::body::Bytes;
use hyper::{Request, Response};
use zeroize::Zeroizing;

use super::authorities::CaFile;

/// How identity providers are asked. In production an HTTP client of
/// [`Network::http_client`](super::Network::http_client); in tests a service in memory.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// Sends a request, whose URI is a whole one, and reads the answer, whatever its status. A body
    /// that is longer than `limit` bytes is an error. How long it may take is the caller's business.
    ///
    /// # Errors
    /// What went wrong, with what caused it, as a text for the log.
    async fn fetch(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Zeroizing<Vec<u8>>>, String>;
}

/// An HTTP client of a [`Network`](super::Network).
pub struct HttpClient {
    pub(super) client: reqwest::Client,
    pub(super) ca_file: Option<Arc<CaFile>>,
}

#[async_trait]
impl Fetch for HttpClient {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Zeroizing<Vec<u8>>>, String> {
        // Beforehand, since the request may take a connection.
        if let Some(file) = &self.ca_file {
            file.look().await;
        }
        self.client.fetch(request, limit).await
    }
}

#[async_trait]
impl Fetch for reqwest::Client {
    /// The body is read without leaving a copy of ours behind. What cannot be helped: the HTTP
    /// library copies an answer into its read buffer, TLS likewise; neither is zeroized.
    async fn fetch(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Zeroizing<Vec<u8>>>, String> {
        let request = request.try_into().map_err(|error| chain(&error))?;
        let mut response = self.execute(request).await.map_err(|error| chain(&error))?;
        let mut body = Zeroizing::new(Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| chain(&error))? {
            if body.len() + chunk.len() > limit {
                let status = response.status();
                return Err(format!("the answer ({status}) is longer than {limit} bytes"));
            }
            append(&mut body, &chunk);
        }
        let mut fetched = Response::new(body);
        *fetched.status_mut() = response.status();
        *fetched.headers_mut() = std::mem::take(response.headers_mut());
        Ok(fetched)
    }
}

/// Appends without leaving the bytes behind in a buffer that has become too small.
fn append(body: &mut Zeroizing<Vec<u8>>, more: &[u8]) {
    let length = body.len() + more.len();
    if length > body.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.next_power_of_two()));
        larger.extend_from_slice(body);
        *body = larger;
    }
    body.extend_from_slice(more);
}

/// An error with what caused it; reqwest's own text stops at "error sending request".
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_grow_by_moving_to_a_new_buffer() {
        let mut body = Zeroizing::new(Vec::new());
        let mut expected = Vec::new();
        for number in 0..200_u8 {
            let part = vec![number; usize::from(number)];
            append(&mut body, &part);
            expected.extend(part);
        }
        assert_eq!(*body, expected);
    }
}
