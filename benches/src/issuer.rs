//! The identity provider of the measurement of the MCP server: keys, tokens, and their exchange.

use std::fs;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Router, serve};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use krb_client::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// How long the tokens of a file last, and how often it is written.
const LIFE: i64 = 600;
const WRITTEN: Duration = Duration::from_secs(240);

struct Issuer {
    url: String,
    key: EncodingKey,
}

impl Issuer {
    fn sign(&self, subject: &str, audience: &str, more: Value) -> Result<String> {
        let now = SystemClock.now().seconds.unix();
        let mut claims = json!({
            "iss": self.url, "sub": subject, "aud": audience, "azp": audience,
            "iat": now, "exp": now + LIFE, "jti": format!("{subject} {now}"), "typ": "Bearer"
        });
        if let (Some(claims), Value::Object(more)) = (claims.as_object_mut(), more) {
            claims.extend(more);
        }
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some("key".into());
        encode(&header, &claims, &self.key).map_err(Error::other)
    }

    fn keys(&self) -> Result<Value> {
        let key = Jwk::from_encoding_key(&self.key, Algorithm::ES256).map_err(Error::other)?;
        let mut key = serde_json::to_value(key)?;
        key["kid"] = "key".into();
        key["use"] = "sig".into();
        Ok(json!({ "keys": [key] }))
    }
}

/// Serves for ever, with the key in a file (PKCS #8). The tokens of so many users, one a line, and the
/// key set are written to files; the account of all of them is the file server's alice.
///
/// # Errors
/// If it cannot listen, read or write.
pub async fn run(address: SocketAddr, key: &str, users: usize, folder: &str) -> Result<()> {
    let key = EncodingKey::from_ec_der(&fs::read(key)?);
    let issuer = Arc::new(Issuer { url: format!("http://{address}"), key });
    let keys = issuer.keys()?;
    fs::write(format!("{folder}/keys"), keys.to_string())?;
    let url = issuer.url.clone();
    let metadata = json!({
        "issuer": url, "jwks_uri": format!("{url}/jwks"), "token_endpoint": format!("{url}/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "id_token_signing_alg_values_supported": ["ES256"]
    });
    let app = Router::new()
        .route("/.well-known/openid-configuration", get(|| async move { answer(&metadata) }))
        .route("/jwks", get(|| async move { answer(&keys) }))
        .route("/token", post(exchange))
        .with_state(issuer.clone());
    let listener = TcpListener::bind(address).await?;
    let served = tokio::spawn(async move { serve(listener, app).await });
    while !served.is_finished() {
        let tokens = (0..users).map(|number| {
            let token = issuer.sign(&format!("user-{number}"), "mcp-oauth", json!({}))?;
            Ok(token + "\n")
        });
        // Whoever reads them has all of the old ones or all of the new ones.
        fs::write(format!("{folder}/tokens.new"), tokens.collect::<Result<String>>()?)?;
        fs::rename(format!("{folder}/tokens.new"), format!("{folder}/tokens"))?;
        tokio::time::sleep(WRITTEN).await;
    }
    served.await?
}

fn answer(value: &Value) -> impl IntoResponse + use<> {
    ([(CONTENT_TYPE, "application/json")], value.to_string())
}

/// RFC 8693: the same subject, and her account. Whoever asks on loopback is believed.
async fn exchange(State(issuer): State<Arc<Issuer>>, form: String) -> impl IntoResponse {
    let mut fields = form.split('&').filter_map(|field| field.split_once('='));
    let token = fields.find(|(name, _)| *name == "subject_token").map_or("", |(_, token)| token);
    let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token);
    let claims = claims.map(|token| token.claims).unwrap_or_default();
    let more = json!({
        "legacy_name": "ALICE_ADMIN", "roles": ["user"], "permissions": ["file:read"]
    });
    let token = issuer.sign(claims["sub"].as_str().unwrap_or_default(), "mcp-oauth", more);
    answer(&json!({
        "access_token": token.unwrap_or_default(), "token_type": "Bearer", "expires_in": LIFE,
        "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"
    }))
}
