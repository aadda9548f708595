//! How this server proves to a token endpoint which client it is (RFC 6749 section 2.3.1, RFC 7523).

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
    RsaKeyPair,
};
use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use krb_client::files::read_text;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use tokio::time::Instant;
use url::form_urlencoded;
use zeroize::Zeroizing;

use super::config::{ClientAuthentication, ClientKeyConfig, KeyAlgorithm, TokenExchangeConfig};
use crate::ConfigError;

/// How old what was read of a file may be.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// Many times a key's, or a token's.
const MAX_FILE: u64 = 64 << 10;
/// How long what the client's key signs is good for, in seconds.
const LIFETIME: i64 = 60;

/// What proves it.
pub(super) enum Proof {
    /// In the form.
    Post(Zeroizing<String>),
    /// The value of `Authorization`.
    Basic(Zeroizing<String>),
    /// Something new each time.
    Assertion { key: ClientKey, client: String, audience: String },
}

/// What a request has of it.
pub(super) enum Shown<'a> {
    Secret(&'a str),
    Header(&'a str),
    Assertion(Zeroizing<String>),
}

impl Proof {
    /// Reads what the settings name.
    pub(super) fn new(
        config: &TokenExchangeConfig,
        issuer: &str,
        section: &str,
    ) -> Result<Self, ConfigError> {
        let error = |setting: &str, problem: String| {
            ConfigError::new(format!("{section}.{setting}"), problem)
        };
        if let Some(key) = &config.client_key {
            return Ok(Self::Assertion {
                key: ClientKey::open(key).map_err(|problem| error("clientKey.file", problem))?,
                client: config.client_id.clone(),
                audience: key.audience.clone().unwrap_or_else(|| issuer.to_owned()),
            });
        }
        let secret = config.client_secret.as_ref().map(crate::secret::Secret::resolve).transpose();
        let secret = secret.map_err(|problem| error("clientSecret", problem.to_string()))?;
        // Such as an environment variable that is set to nothing.
        let secret = secret.filter(|secret| !secret.is_empty());
        let secret = secret.ok_or_else(|| error("clientSecret", "is empty".into()))?;
        Ok(match config.client_authentication {
            ClientAuthentication::ClientSecretBasic => {
                Self::Basic(basic(&config.client_id, &secret))
            }
            _ => Self::Post(secret),
        })
    }

    /// What shows it at this time.
    pub(super) fn show(&self, now: i64) -> Result<Shown<'_>, String> {
        match self {
            Self::Post(secret) => Ok(Shown::Secret(secret)),
            Self::Basic(header) => Ok(Shown::Header(header)),
            Self::Assertion { key, client, audience } => {
                key.assertion(client, audience, now).map(Shown::Assertion)
            }
        }
    }
}

/// RFC 6749 section 2.3.1: each part is encoded as in a form before both are joined.
fn basic(client: &str, secret: &str) -> Zeroizing<String> {
    let encoded =
        |text: &str| Zeroizing::new(form_urlencoded::byte_serialize(text.as_bytes()).collect());
    let (client, secret): (_, Zeroizing<String>) = (encoded(client), encoded(secret));
    let mut joined = Zeroizing::new(String::with_capacity(client.len() + secret.len() + 1));
    joined.push_str(&client);
    joined.push(':');
    joined.push_str(&secret);
    let encoded = Zeroizing::new(Base64::encode_string(joined.as_bytes()));
    let mut header = Zeroizing::new(String::with_capacity(encoded.len() + 6));
    header.push_str("Basic ");
    header.push_str(&encoded);
    header
}

/// A key that signs for the client, as it stands in its file now.
pub(super) struct ClientKey {
    algorithm: KeyAlgorithm,
    id: Option<String>,
    file: Watched<Signer>,
}

enum Signer {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
}

impl ClientKey {
    fn open(config: &ClientKeyConfig) -> Result<Self, String> {
        let ClientKeyConfig { file, algorithm, key_id, .. } = config.clone();
        let file = Watched::open(file, "client key", move |text| Signer::read(text, algorithm))?;
        Ok(Self { algorithm, id: key_id, file })
    }

    /// RFC 7523 section 3; `aud` is one text, as newer providers want it (RFC 7523bis).
    fn assertion(
        &self,
        client: &str,
        audience: &str,
        now: i64,
    ) -> Result<Zeroizing<String>, String> {
        let algorithm = match self.algorithm {
            KeyAlgorithm::ES256 => "ES256",
            KeyAlgorithm::PS256 => "PS256",
            KeyAlgorithm::RS256 => "RS256",
        };
        let mut header = serde_json::json!({ "alg": algorithm, "typ": "JWT" });
        if let Some(id) = &self.id {
            header["kid"] = id.as_str().into();
        }
        let mut random = [0; 16];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| "there is no randomness")?;
        let claims = serde_json::json!({
            "iss": client, "sub": client, "aud": audience,
            "jti": Base64UrlUnpadded::encode_string(&random),
            "iat": now, "nbf": now, "exp": now + LIFETIME
        });
        let part = |part: &serde_json::Value| {
            Base64UrlUnpadded::encode_string(part.to_string().as_bytes())
        };
        let message = format!("{}.{}", part(&header), part(&claims));
        let signature = self.file.current().sign(message.as_bytes())?;
        Ok(Zeroizing::new(format!("{message}.{}", Base64UrlUnpadded::encode_string(&signature))))
    }
}

impl Signer {
    fn read(text: &str, algorithm: KeyAlgorithm) -> Result<Self, String> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| "it holds no PEM private key (BEGIN PRIVATE KEY)")?;
        let rsa = || {
            RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
                .map_err(|_| "its key is no RSA key of 2048 bits or more, as the algorithm needs")
        };
        Ok(match algorithm {
            KeyAlgorithm::ES256 => Self::Ec(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der())
                    .map_err(|_| "its key is no P-256 key, as ES256 needs")?,
            ),
            KeyAlgorithm::PS256 => Self::Rsa(rsa()?, &RSA_PSS_SHA256),
            KeyAlgorithm::RS256 => Self::Rsa(rsa()?, &RSA_PKCS1_SHA256),
        })
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        let failed = |_| "signing failed".to_owned();
        match self {
            Self::Ec(key) => Ok(key.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Self::Rsa(key, encoding) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(*encoding, &random, message, &mut signature).map_err(failed)?;
                Ok(signature)
            }
        }
    }
}

/// What a file holds, read again when it was replaced. What is half written, or of no use, changes
/// nothing.
pub(super) struct Watched<T> {
    path: PathBuf,
    /// What it is to people.
    what: &'static str,
    read: Read<T>,
    seen: Mutex<Seen<T>>,
}

type Read<T> = Box<dyn Fn(&str) -> Result<T, String> + Send + Sync>;

struct Seen<T> {
    at: Instant,
    /// Of what was read last, good or not.
    digest: [u8; 32],
    /// The last look found nothing to read, and it was said.
    is_missed: bool,
    value: Arc<T>,
}

impl<T> Watched<T> {
    pub(super) fn open(
        path: PathBuf,
        what: &'static str,
        read: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let problem = |problem: String| format!("{}: {problem}", path.display());
        let text = read_text(&path, MAX_FILE).map_err(|error| problem(error.to_string()))?;
        let value = Arc::new(read(&text).map_err(problem)?);
        let seen = Seen { at: Instant::now(), digest: digest(&text), is_missed: false, value };
        Ok(Self { path, what, read: Box::new(read), seen: Mutex::new(seen) })
    }

    pub(super) fn current(&self) -> Arc<T> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() >= LOOK_AGAIN {
            self.look(&mut seen);
        }
        Arc::clone(&seen.value)
    }

    fn look(&self, seen: &mut Seen<T>) {
        seen.at = Instant::now();
        let (file, what) = (self.path.display(), self.what);
        // Reading a pipe would wait for its writer.
        let is_file = std::fs::metadata(&self.path).is_ok_and(|metadata| metadata.is_file());
        let Some(text) = is_file.then(|| read_text(&self.path, MAX_FILE).ok()).flatten() else {
            if !std::mem::replace(&mut seen.is_missed, true) {
                tracing::warn!(%file, what, "a file cannot be read; what stood in it is used");
            }
            return;
        };
        seen.is_missed = false;
        let digest = digest(&text);
        if std::mem::replace(&mut seen.digest, digest) == digest {
            return;
        }
        match (self.read)(&text) {
            Ok(value) => {
                seen.value = Arc::new(value);
                tracing::info!(%file, what, "a file has changed and is used");
            }
            Err(problem) => {
                tracing::warn!(%file, what, problem, "a file is no good; what stood in it is used");
            }
        }
    }
}

fn digest(text: &str) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    super::cache::digest(digest.as_ref())
}
