//! How this server proves to an identity provider which client it is (RFC 6749 section 2.3, RFC 7523):
//! at the token endpoint as where tokens are introspected.

mod config;
mod key;

use hyper::Request;
use hyper::body::Bytes;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};

use crate::followed::{Followed, Password, Place};
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
    Post(Password),
    /// The value of `Authorization`.
    Basic(Followed<HeaderValue>),
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
    /// Reads what the settings name, which stand in this section, and follows it. The error is a setting, and what is wrong with it.
    pub(crate) fn new(
        settings: &ClientSettings<'_>,
        issuer: &str,
        section: &str,
    ) -> Result<Self, (&'static str, String)> {
        settings.check()?;
        let id = settings.id.to_owned();
        if let Some(key) = settings.key {
            let audience = key.audience.clone().unwrap_or_else(|| issuer.to_owned());
            let key =
                ClientKey::open(key, section).map_err(|problem| ("clientKey.file", problem))?;
            return Ok(Self { id, proof: Proof::Assertion { key, audience } });
        }
        // Such as an environment variable that is set to nothing.
        let empty = || "is empty".to_owned();
        let secret = settings.secret.cloned().ok_or_else(|| ("clientSecret", empty()))?;
        let setting = format!("{section}.clientSecret");
        let proof = match settings.authentication {
            ClientAuthentication::ClientSecretBasic => {
                let client = id.clone();
                let make = move |secret: &str| {
                    let secret = Some(secret).filter(|secret| !secret.is_empty());
                    let field = HeaderValue::from_str(&basic(&client, secret.ok_or_else(empty)?));
                    // Base64 is a value.
                    let mut field = field.map_err(|error| error.to_string())?;
                    field.set_sensitive(true);
                    Ok(field)
                };
                Followed::open(setting, Place::Secret(secret), make).map(Proof::Basic)
            }
            _ => Password::of(setting, secret).map(Proof::Post),
        };
        Ok(Self { id, proof: proof.map_err(|problem| ("clientSecret", problem))? })
    }

    /// Has what proves it been replaced since it had been so often? Looks, though it is not yet time.
    pub(crate) async fn is_newer_than(&self, of: u64) -> bool {
        match &self.proof {
            Proof::Post(secret) => secret.is_newer_than(of).await,
            Proof::Basic(field) => field.is_newer_than(of).await,
            Proof::Assertion { key, .. } => key.file.is_newer_than(of).await,
        }
    }

    /// The setting of what proves it, and what is wrong with what stands there now, if that is not what
    /// is used.
    pub(crate) async fn trouble(&self) -> (String, Option<String>) {
        match &self.proof {
            Proof::Post(secret) => secret.trouble().await,
            Proof::Basic(field) => field.trouble().await,
            Proof::Assertion { key, .. } => key.file.trouble().await,
        }
    }

    /// A request with these fields, and what proves at this time (seconds since 1970) who asks; and how
    /// often that was replaced before.
    pub(crate) async fn request(
        &self,
        endpoint: &str,
        fields: &[(&str, &str)],
        now: i64,
    ) -> Result<(Request<Bytes>, u64), NoRequest> {
        let mut request = Request::post(endpoint)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (body, of) = match &self.proof {
            Proof::Basic(field) => {
                let (field, of) = field.current().await;
                request = request.header(AUTHORIZATION, &*field);
                (encode(fields), of)
            }
            Proof::Post(secret) => {
                let (secret, of) = secret.current().await;
                let own = [("client_id", &*self.id), ("client_secret", &***secret)];
                (encode(&[&own, fields].concat()), of)
            }
            Proof::Assertion { key, audience } => {
                let (assertion, of) =
                    key.assertion(&self.id, audience, now).await.map_err(NoRequest::NoProof)?;
                let own = [
                    ("client_id", &*self.id),
                    ("client_assertion_type", ASSERTION),
                    ("client_assertion", &**assertion),
                ];
                (encode(&[&own, fields].concat()), of)
            }
        };
        let request = request.body(body);
        request
            .map(|request| (request, of))
            .map_err(|error| NoRequest::Malformed(error.to_string()))
    }
}
