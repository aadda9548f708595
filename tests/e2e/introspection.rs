//! Opaque tokens, of which a real Keycloak is asked. It issues none: all its tokens are JWTs. So a relay
//! stands in front of it that gives out names for them, as gateways do, and puts the token in the place
//! of its name wherever Keycloak is asked; what Keycloak answers goes back as it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use krb_tests::keycloak::Keycloak;
use krb_tests::{Server, Setup};
use serde_json::{Value, json};

use crate::lab;

/// Where the relay is, for the configuration.
static RELAY: OnceLock<String> = OnceLock::new();

#[derive(Clone)]
struct Relay {
    keycloak: Arc<Keycloak>,
    tokens: Arc<Mutex<HashMap<String, String>>>,
    asked: Arc<Mutex<usize>>,
}

impl Relay {
    async fn start(keycloak: Arc<Keycloak>) -> Self {
        let (tokens, asked) = (Arc::default(), Arc::default());
        let relay = Self { keycloak, tokens, asked };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        RELAY.set(url).expect("one relay");
        let app = Router::new().route("/{what}", post(hand_on)).with_state(relay.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        relay
    }

    /// A name for a token.
    fn name(&self, name: &str, token: &str) -> String {
        self.tokens.lock().expect("its tokens").insert(name.to_owned(), token.to_owned());
        name.to_owned()
    }

    fn asked(&self) -> usize {
        *self.asked.lock().expect("its count")
    }
}

async fn hand_on(
    State(relay): State<Relay>,
    Path(what): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> (StatusCode, String) {
    let path = match what.as_str() {
        "introspect" => {
            *relay.asked.lock().expect("its count") += 1;
            "token/introspect"
        }
        _ => "token",
    };
    let tokens = relay.tokens.lock().expect("its tokens").clone();
    let named = |value: &String| tokens.get(value).unwrap_or(value).clone();
    let form: Vec<_> = form.iter().map(|(name, value)| (name, named(value))).collect();
    let form: Vec<_> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let authorization = headers.get("authorization").and_then(|field| field.to_str().ok());
    let (status, answer) = relay.keycloak.post_as(authorization, path, &form).await;
    (StatusCode::from_u16(status).expect("a status"), answer.to_string())
}

fn configure(configuration: &mut Value) {
    Keycloak::configure(configuration);
    let relay = RELAY.get().expect("a relay");
    configuration["auth"]["trustedIDPs"][0]["introspection"] = json!({
        "endpoint": format!("{relay}/introspect"), "clientId": "mcp-oauth",
        "clientSecret": "mcp-oauth-secret"
    });
    configuration["delegation"]["tokenExchange"]["tokenEndpoint"] = format!("{relay}/token").into();
}

#[tokio::test]
async fn keycloak_says_what_an_opaque_token_is_until_the_user_logs_out() {
    let lab = lab!();
    let keycloak = Arc::new(Keycloak::ready(lab).await);
    let relay = Relay::start(keycloak.clone()).await;
    let mut setup = Setup::new(lab, keycloak.issuer());
    setup.change = configure;
    let server = Server::start(lab, &setup);
    let info = async |token: &str| server.call(Some(token), "user-info", json!({})).await;

    let alice = keycloak.log_in("contextflow", "alice").await;
    let token = relay.name("reference-1", alice.access_token());
    for _ in 0..2 {
        assert_eq!(info(&token).await.data()["legacyName"], "ALICE_ADMIN");
    }
    assert_eq!(relay.asked(), 1);
    // What it does not know, and what it knows no more.
    assert_eq!(info("reference-0").await.status, 401);
    let form = [("client_id", "contextflow"), ("refresh_token", alice.refresh_token())];
    assert_eq!(keycloak.post("logout", &form).await.0, 204);
    let again = relay.name("reference-2", alice.access_token());
    let answer = info(&again).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(answer.challenge.expect("a challenge").contains("the token is not active"));
}
