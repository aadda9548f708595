//! How this server proves to an identity provider which client it is (RFC 6749 section 2.3, RFC 7523):
//! at the token endpoint as where tokens are introspected.

mod config;
mod key;

use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use zeroize::Zeroizing;

use crate::secret_form::{basic, encode};
pub(crate) use config::ClientSettings;
pub use config::{ClientAuthentication, ClientKeyConfig, KeyAlgorithm};
use key::ClientKey;

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// This server as a client of one identity provider.
pub(crate) struct OauthClient {
    id: String,
    proof: Proof,
}

/// What proves it.
enum Proof {
    /// In the form.
    Post(Zeroizing<String>),
    /// The value of `Authorization`.
    Basic(HeaderValue),
    /// Something new each time.
    Assertion { key: ClientKey, audience: String },
}

/// Why nothing is asked.
#[derive(Debug)]
pub(crate) enum NoRequest {
    /// The key does not sign; why.
    NoProof(String),
    /// It is no HTTP.
    Malformed(String),
}

impl OauthClient {
    /// Reads what the settings name. The error is a setting, and what is wrong with it.
    pub(crate) fn new(
        settings: &ClientSettings<'_>,
        issuer: &str,
    ) -> Result<Self, (&'static str, String)> {
        settings.check()?;
        let id = settings.id.to_owned();
        if let Some(key) = settings.key {
            let audience = key.audience.clone().unwrap_or_else(|| issuer.to_owned());
            let key = ClientKey::open(key).map_err(|problem| ("clientKey.file", problem))?;
            return Ok(Self { id, proof: Proof::Assertion { key, audience } });
        }
        let secret = settings.secret.map(crate::secret::Secret::resolve).transpose();
        let secret = secret.map_err(|problem| ("clientSecret", problem.to_string()))?;
        // Such as an environment variable that is set to nothing.
        let secret = secret.filter(|secret| !secret.is_empty());
        let secret = secret.ok_or_else(|| ("clientSecret", "is empty".to_owned()))?;
        let proof = match settings.authentication {
            ClientAuthentication::ClientSecretBasic => {
                let field = HeaderValue::from_str(&basic(&id, &secret));
                // Base64 is a value.
                let mut field = field.map_err(|error| ("clientSecret", error.to_string()))?;
                field.set_sensitive(true);
                Proof::Basic(field)
            }
            _ => Proof::Post(secret),
        };
        Ok(Self { id, proof })
    }

    /// A request with these fields, and what proves at this time (seconds since 1970) who asks.
    pub(crate) fn request(
        &self,
        endpoint: &str,
        fields: &[(&str, &str)],
        now: i64,
    ) -> Result<Request<Bytes>, NoRequest> {
        let mut request = Request::post(endpoint)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let body = match &self.proof {
            Proof::Basic(field) => {
                request = request.header(AUTHORIZATION, field);
                encode(fields)
            }
            Proof::Post(secret) => {
                encode(&[&[("client_id", &*self.id), ("client_secret", secret)], fields].concat())
            }
            Proof::Assertion { key, audience } => {
                let assertion =
                    key.assertion(&self.id, audience, now).map_err(NoRequest::NoProof)?;
                let own = [
                    ("client_id", &*self.id),
                    ("client_assertion_type", ASSERTION),
                    ("client_assertion", &**assertion),
                ];
                encode(&[&own, fields].concat())
            }
        };
        request.body(body).map_err(|error| NoRequest::Malformed(error.to_string()))
    }
}
