//! The identity provider: the demo's issuer, called as a service.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::{Request, Response, StatusCode};
use krb_delegation::network::Fetch;
use krb_mcp::demo::Issuer;
use tower::ServiceExt;
use zeroize::Zeroizing;

use super::Time;

/// How the identity provider is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IdpIs {
    /// It answers.
    Up,
    /// Nobody listens.
    Down,
    /// It says nothing.
    Silent,
    /// It answers everything with this status.
    Failing(StatusCode),
}

/// The identity provider.
pub struct Idp {
    /// What it does.
    pub issuer: Issuer,
    /// Another one, which is well whatever the first one is.
    pub other: Issuer,
    is: Mutex<IdpIs>,
    asked: AtomicUsize,
}

impl Idp {
    /// Its URL. No port: it is in memory.
    pub const URL: &str = "https://idp.example.test";
    /// The other one's.
    pub const OTHER_URL: &str = "https://idp.other.test";

    /// One that goes by the true time.
    ///
    /// # Panics
    /// If there is no randomness.
    #[must_use]
    pub fn new(time: &Time) -> Self {
        let issuer = Issuer::new(Self::URL, time.clock()).expect("an issuer");
        let other = Issuer::new(Self::OTHER_URL, time.clock()).expect("an issuer");
        Self { issuer, other, is: Mutex::new(IdpIs::Up), asked: AtomicUsize::new(0) }
    }

    /// From now on it is so.
    ///
    /// # Panics
    /// If another test thread panicked with it.
    pub fn set(&self, is: IdpIs) {
        *self.is.lock().expect("its state") = is;
    }

    /// How often it was asked for anything.
    #[must_use]
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Fetch for Idp {
    async fn fetch(
        &self,
        request: Request<Bytes>,
        limit: usize,
    ) -> Result<Response<Zeroizing<Vec<u8>>>, String> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let is_other = request.uri().to_string().starts_with(Self::OTHER_URL);
        let (issuer, is) = if is_other {
            (&self.other, IdpIs::Up)
        } else {
            (&self.issuer, *self.is.lock().expect("its state"))
        };
        match is {
            IdpIs::Up => {}
            IdpIs::Down => return Err(format!("{}: connection refused", request.uri())),
            IdpIs::Silent => {
                tokio::time::sleep(Duration::from_secs(3600)).await;
                return Err("it is silent".into());
            }
            IdpIs::Failing(status) => {
                let mut response = Response::new(Zeroizing::default());
                *response.status_mut() = status;
                return Ok(response);
            }
        }
        let answered = issuer.router().oneshot(request.map(Body::from)).await;
        let (head, body) = answered.expect("a router always answers").into_parts();
        let body = to_bytes(body, limit).await.map_err(|error| error.to_string())?;
        Ok(Response::from_parts(head, Zeroizing::new(body.to_vec())))
    }
}
