//! A small identity provider for demonstrations and tests: discovery, JWKS, and a token endpoint
//! with the password grant (no password is checked) and RFC 8693 token exchange.
//!
//! It trusts everybody on its loopback address and is in no release build.

#[cfg(feature = "demo-faults")]
mod bound;
#[cfg(feature = "demo-faults")]
mod faults;
mod token;

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use krb_client::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[cfg(feature = "demo-faults")]
pub use bound::ProofKey;
use token::SigningKey;

/// The client that users log in with.
pub const USER_CLIENT: &str = "contextflow";
/// The MCP server's client, which exchanges tokens; also its audience.
pub const SERVER_CLIENT: &str = "mcp-oauth";
/// Its secret.
pub const SERVER_SECRET: &str = "mcp-oauth-secret";

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// An issuer; what serves it ends with its value.
pub struct Issuer {
    shared: Arc<Shared>,
    /// None if it is called in memory.
    server: Option<JoinHandle<()>>,
}

struct Shared {
    url: String,
    key: SigningKey,
    clock: Arc<dyn Clock>,
    state: Mutex<Users>,
}

/// What changes while it runs.
#[derive(Default)]
struct Users {
    /// Subject to account name.
    accounts: HashMap<String, String>,
    exchanges: usize,
    #[cfg(feature = "demo-faults")]
    faults: faults::Faults,
}

impl Issuer {
    /// One that answers at this URL once somebody serves its [`router`](Self::router), or calls it in
    /// memory. It knows alice, whose account is `ALICE_ADMIN`, and bob.
    ///
    /// # Errors
    /// If there is no randomness.
    pub fn new(url: &str, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let accounts = [("alice", "ALICE_ADMIN"), ("bob", "bob")];
        let shared = Arc::new(Shared {
            url: url.to_owned(),
            key: SigningKey::generate()?,
            clock,
            state: Mutex::new(Users {
                accounts: accounts.map(|(sub, name)| (sub.into(), name.into())).into(),
                ..Users::default()
            }),
        });
        Ok(Self { shared, server: None })
    }

    /// Discovery, keys and the token endpoint.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token_endpoint))
            .with_state(self.shared.clone())
    }

    /// Listens on a loopback address and serves until dropped.
    ///
    /// # Errors
    /// If the address is not loopback or cannot be listened on, or there is no randomness.
    pub async fn start(listen: SocketAddr) -> io::Result<Self> {
        if !listen.ip().is_loopback() {
            let text = "this issuer trusts everybody who reaches it, so it stays on loopback";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let listener = TcpListener::bind(listen).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut issuer = Self::new(&url, Arc::new(SystemClock))?;
        let app = issuer.router();
        let server = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::error!(%error, "the demo issuer ended");
            }
        });
        issuer.server = Some(server);
        Ok(issuer)
    }

    /// The issuer's identifier and address.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.url.clone()
    }

    /// A subject token of a user, as the user's application would get it.
    #[must_use]
    pub fn token(&self, user: &str) -> String {
        self.shared.key.sign(&self.shared.subject_claims(user))
    }

    /// A subject token of a user whose account has this name.
    #[must_use]
    pub fn token_for(&self, legacy_name: &str) -> String {
        let user = format!("user-of-{legacy_name}");
        self.add(&user, legacy_name);
        self.token(&user)
    }

    /// Lets it know a user whose account has this name.
    pub fn add(&self, user: &str, legacy_name: &str) {
        self.shared.lock().accounts.insert(user.to_owned(), legacy_name.to_owned());
    }

    /// A token that says the same as a user's, signed with a key that the issuer does not have.
    #[must_use]
    pub fn forgery(&self, user: &str) -> String {
        token::foreign(&self.shared.subject_claims(user))
    }

    /// How many tokens were asked for in exchange.
    #[must_use]
    pub fn exchanges(&self) -> usize {
        self.shared.lock().exchanges
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Users> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seconds since 1970.
    fn now(&self) -> i64 {
        self.clock.now().seconds.unix()
    }

    fn subject_claims(&self, user: &str) -> Value {
        let now = self.now();
        json!({
            "iss": self.url, "sub": user, "aud": [USER_CLIENT, SERVER_CLIENT], "azp": USER_CLIENT,
            "iat": now, "exp": now + 300, "jti": token::identifier(), "typ": "Bearer",
            "preferred_username": user, "roles": ["user"]
        })
    }

    /// A user without an account gets a token that names none, as at Keycloak.
    fn exchanged_claims(&self, user: &str, legacy_name: Option<&str>) -> Value {
        let now = self.now();
        let mut claims = json!({
            "iss": self.url, "sub": user, "aud": SERVER_CLIENT, "azp": SERVER_CLIENT,
            "iat": now, "exp": now + 300, "jti": token::identifier(), "typ": "Bearer",
            "preferred_username": user, "roles": ["user"],
            "permissions": ["file:read"], "act": { "sub": SERVER_CLIENT, "iss": self.url }
        });
        if let Some(name) = legacy_name {
            claims["legacy_name"] = name.into();
        }
        claims
    }

    /// RFC 8693 section 2: the claims of the token given in exchange. Refusals are Keycloak's.
    fn exchange(&self, form: &HashMap<String, String>) -> Result<Value, Refusal> {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        if field("client_id") != SERVER_CLIENT || field("client_secret") != SERVER_SECRET {
            let known = field("client_id") == SERVER_CLIENT;
            let error = if known { "unauthorized_client" } else { "invalid_client" };
            return Err(Refusal(error, "Invalid client or Invalid client credentials"));
        }
        if field("subject_token_type") != ACCESS_TOKEN
            || !matches!(field("requested_token_type"), "" | ACCESS_TOKEN)
        {
            return Err(Refusal("invalid_request", "requested_token_type unsupported"));
        }
        if field("audience") != SERVER_CLIENT {
            return Err(Refusal("invalid_client", "Audience not found"));
        }
        let subject = self
            .key
            .verify(field("subject_token"), &self.url, SERVER_CLIENT, self.now())
            .ok_or(Refusal("invalid_request", "Invalid token"))?;
        let mut users = self.lock();
        users.exchanges += 1;
        #[cfg(feature = "demo-faults")]
        let subject = users.faults.answer_for.clone().unwrap_or(subject);
        let account = users.accounts.get(&subject).cloned();
        #[cfg(feature = "demo-faults")]
        let more = users.faults.claims.clone();
        drop(users);
        let claims = self.exchanged_claims(&subject, account.as_deref());
        #[cfg(feature = "demo-faults")]
        let claims = faults::with(claims, more);
        Ok(claims)
    }
}

struct Refusal(&'static str, &'static str);

async fn discovery(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let url = &shared.url;
    Json(json!({
        "issuer": url,
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/jwks"),
        "grant_types_supported": ["password", TOKEN_EXCHANGE],
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "id_token_signing_alg_values_supported": ["ES256"]
    }))
}

async fn jwks(State(shared): State<Arc<Shared>>) -> Json<Value> {
    #[cfg(feature = "demo-faults")]
    shared.before_keys().await;
    Json(json!({ "keys": [shared.key.public_jwk()] }))
}

async fn token_endpoint(
    State(shared): State<Arc<Shared>>,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let claims = match form.get("grant_type").map(String::as_str) {
        Some(TOKEN_EXCHANGE) => shared.exchange(&form),
        Some("password") => match form.get("username") {
            Some(user) if shared.lock().accounts.contains_key(user) => {
                Ok(shared.subject_claims(user))
            }
            _ => Err(Refusal("invalid_grant", "Invalid user credentials")),
        },
        _ => Err(Refusal("unsupported_grant_type", "password and token exchange only")),
    };
    match claims {
        Ok(claims) => {
            let answer = json!({
                "access_token": shared.key.sign(&claims), "token_type": "Bearer",
                "expires_in": 300, "issued_token_type": ACCESS_TOKEN
            });
            (StatusCode::OK, Json(answer))
        }
        Err(Refusal(error, description)) => {
            let answer = json!({ "error": error, "error_description": description });
            let status = match error {
                "invalid_client" | "unauthorized_client" if description.starts_with("Invalid") => {
                    StatusCode::UNAUTHORIZED
                }
                _ => StatusCode::BAD_REQUEST,
            };
            (status, Json(answer))
        }
    }
}
