//! The lab's Keycloak, as the users' applications see it.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Lab;

/// It starts in the background when the lab comes up, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(240);

/// A Keycloak that answers.
pub struct Keycloak {
    issuer: String,
    http: reqwest::Client,
}

impl Keycloak {
    /// The lab's; waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub async fn ready(lab: &Lab) -> Self {
        let authority = std::fs::read(lab.var("CA_FILE")).expect("the lab's CA");
        let authority = reqwest::Certificate::from_pem(&authority).expect("a certificate");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([authority]);
        let http = http.timeout(Duration::from_secs(30)).build().expect("an HTTP client");
        let keycloak = Self { issuer: lab.var("KEYCLOAK_ISSUER"), http };
        let discovery = format!("{}/.well-known/openid-configuration", keycloak.issuer);
        let begun = Instant::now();
        loop {
            // It listens before it is ready, and answers 503 then.
            let answer = keycloak.http.get(&discovery).send().await;
            match answer.map(|answer| answer.status().as_u16()) {
                Ok(200) => return keycloak,
                other => assert!(
                    begun.elapsed() < PATIENCE,
                    "Keycloak is not ready: {other:?}; see {}",
                    lab.var("KEYCLOAK_LOG")
                ),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Its issuer, and the address of everything that belongs to it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Turns a server's configuration into one for this Keycloak, whose token endpoint is not where
    /// the demo issuer's is.
    pub fn configure(configuration: &mut Value) {
        let idp = &mut configuration["auth"]["trustedIDPs"][0];
        idp["algorithms"] = json!(["RS256"]);
        let issuer = idp["issuer"].as_str().unwrap_or_default();
        let endpoint = format!("{issuer}/protocol/openid-connect/token");
        let exchange = &mut configuration["delegation"]["tokenExchange"];
        exchange["tokenEndpoint"] = endpoint.into();
        exchange["defaultScope"].take();
        let ca = std::env::var("CA_FILE").unwrap_or_default();
        configuration["network"]["caFile"] = ca.into();
    }

    /// Posts a form below `protocol/openid-connect`.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}/protocol/openid-connect/{path}", self.issuer);
        let answer = self.http.post(url).form(form).send().await.expect("an answer of Keycloak's");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("the answer's body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Logs a user of the lab's realm in through an application.
    ///
    /// # Panics
    /// If Keycloak refuses.
    pub async fn log_in(&self, application: &str, user: &str) -> Login {
        let password = format!("Passw0rd!{user}");
        let form = [
            ("grant_type", "password"),
            ("client_id", application),
            ("username", user),
            ("password", &password),
            ("scope", "openid"),
        ];
        Login::new(self.post("token", &form).await)
    }

    /// Logs an application in as itself.
    ///
    /// # Panics
    /// If Keycloak refuses.
    pub async fn service_account(&self, client: &str) -> Login {
        let secret = format!("{client}-secret");
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", client),
            ("client_secret", &secret),
        ];
        Login::new(self.post("token", &form).await)
    }
}

/// What a login gave.
pub struct Login(Value);

impl Login {
    fn new((status, answer): (u16, Value)) -> Self {
        assert_eq!(status, 200, "{answer}");
        Self(answer)
    }

    fn token(&self, which: &str) -> &str {
        self.0[which].as_str().unwrap_or_else(|| panic!("no {which}: {}", self.0))
    }

    /// The access token.
    #[must_use]
    pub fn access_token(&self) -> &str {
        self.token("access_token")
    }

    /// The ID token.
    #[must_use]
    pub fn id_token(&self) -> &str {
        self.token("id_token")
    }

    /// The refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> &str {
        self.token("refresh_token")
    }
}
