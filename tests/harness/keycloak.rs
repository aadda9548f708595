//! The lab's Keycloak, as the users' applications see it.

use std::time::{Duration, Instant};

use base64ct::{Base64UrlUnpadded, Encoding};
use reqwest::redirect::Policy;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::Lab;

/// It starts in the background when the lab comes up, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_secs(240);

/// A realm of the lab's Keycloak.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Realm {
    /// Users of its own, and clients that each refuse something.
    Own,
    /// The realm that ships: users of the domain.
    Directory,
    /// The same with Keycloak's user cache, and mappers that read its database.
    Defaults,
    /// The realm that ships without the import of users: subjects are names.
    Names,
    /// The realm that ships, in which users log in by Negotiate.
    Kerberos,
}

impl Realm {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "mcp_security",
            Self::Directory => "mcp_directory",
            Self::Defaults => "mcp_defaults",
            Self::Names => "mcp_names",
            Self::Kerberos => "mcp_kerberos",
        }
    }
}

/// A Keycloak that answers.
pub struct Keycloak {
    issuer: String,
    http: reqwest::Client,
    /// Stays where it is sent from.
    browser: reqwest::Client,
}

impl Keycloak {
    /// The lab's; waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub async fn ready(lab: &Lab) -> Self {
        Self::with(lab, Realm::Own).await
    }

    /// The same with another realm of it.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn with(lab: &Lab, realm: Realm) -> Self {
        let authority = std::fs::read(lab.var("CA_FILE")).expect("the lab's CA");
        let authority = reqwest::Certificate::from_pem(&authority).expect("a certificate");
        let client = |redirects| {
            let client = reqwest::Client::builder().no_proxy().redirect(redirects);
            let client =
                client.tls_certs_only([authority.clone()]).timeout(Duration::from_secs(30));
            client.build().expect("an HTTP client")
        };
        let (http, browser) = (client(Policy::default()), client(Policy::none()));
        let issuer = lab.var("KEYCLOAK_ISSUER").replace(Realm::Own.as_str(), realm.as_str());
        let keycloak = Self { issuer, http, browser };
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

    /// Turns a server's configuration into one for users of the directory, as it is recommended.
    pub fn configure_for_the_directory(configuration: &mut Value) {
        Self::configure(configuration);
        let realm = configuration["kerberos"]["realm"].clone();
        let idp = &mut configuration["auth"]["trustedIDPs"][0];
        idp["claimMappings"] = json!({ "sid": "object_sid", "directoryId": "ldap_id" });
        idp["mayAssert"] = json!({ "realms": [realm] });
        idp["roleMappings"] = json!({ "roles": { "sql_writer": ["SQL_Writers"] } });
        idp["security"] = json!({ "requireAtJwt": true, "requiredClaims": ["jti", "azp"] });
    }

    /// The same without the SID claim: the name in a token says whose account it is.
    pub fn configure_without_the_sid(configuration: &mut Value) {
        Self::configure_for_the_directory(configuration);
        configuration["auth"]["trustedIDPs"][0]["claimMappings"] = json!({});
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
        self.post_as(None, path, form).await
    }

    /// The same with an `Authorization` field.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn post_as(
        &self,
        authorization: Option<&str>,
        path: &str,
        form: &[(&str, &str)],
    ) -> (u16, Value) {
        let url = format!("{}/protocol/openid-connect/{path}", self.issuer);
        let mut request = self.http.post(url).form(form);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.expect("an answer of Keycloak's");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("the answer's body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Logs a user of the lab's realm in through an application.
    ///
    /// # Panics
    /// If Keycloak refuses.
    pub async fn log_in(&self, application: &str, user: &str) -> Login {
        let login = self.try_log_in(application, user, &format!("Passw0rd!{user}")).await;
        login.unwrap_or_else(|says| panic!("{user}: {says}"))
    }

    /// Tries to log a user in with this password, one at a time: with its protection against guessing
    /// on, Keycloak refuses a login of somebody who is just logging in elsewhere.
    ///
    /// # Errors
    /// What Keycloak says, if it refuses.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn try_log_in(
        &self,
        application: &str,
        user: &str,
        password: &str,
    ) -> Result<Login, String> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::const_new(());
        let _turn = ONE_AT_A_TIME.lock().await;
        let form = [
            ("grant_type", "password"),
            ("client_id", application),
            ("username", user),
            ("password", password),
            ("scope", "openid"),
        ];
        match self.post("token", &form).await {
            (200, answer) => Ok(Login(answer)),
            (status, answer) => Err(format!("{status} {}", answer["error_description"])),
        }
    }

    /// Logs in through an application as a browser does that has a ticket: `negotiate` is what it says to
    /// Keycloak, which sends it back with a code (RFC 6749 section 4.1, RFC 7636).
    ///
    /// # Panics
    /// If Keycloak refuses.
    pub async fn log_in_by(&self, negotiate: &str, application: &str) -> Login {
        // What RFC 7636 has in its appendix B.
        const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        const BACK: &str = "http://127.0.0.1/callback";
        let page = format!("{}/protocol/openid-connect/auth", self.issuer);
        let query = [
            ("response_type", "code"),
            ("client_id", application),
            ("redirect_uri", BACK),
            ("scope", "openid"),
            ("state", "s"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let page = reqwest::Url::parse_with_params(&page, query).expect("a URL");
        let asked = self.browser.get(page).header("authorization", negotiate).send().await;
        let answer = asked.expect("an answer of Keycloak's");
        let status = answer.status();
        let location = answer.headers().get("location").and_then(|value| value.to_str().ok());
        let location = location.map(str::to_owned);
        let body = answer.text().await.unwrap_or_default();
        let location = location.unwrap_or_else(|| panic!("{status}: {body}"));
        let location = reqwest::Url::parse(&location).expect("a URL");
        let code = location.query_pairs().find(|(name, _)| name == "code");
        let (_, code) = code.unwrap_or_else(|| panic!("no code: {location}"));
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", application),
            ("redirect_uri", BACK),
            ("code", &code),
            ("code_verifier", VERIFIER),
        ];
        Login::new(self.post("token", &form).await)
    }

    /// Exchanges a token as this server does, for one whose claims come back.
    ///
    /// # Panics
    /// If Keycloak refuses.
    pub async fn exchange(&self, token: &str) -> Value {
        const TYPE: &str = "urn:ietf:params:oauth:token-type:access_token";
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("client_id", "mcp-oauth"),
            ("client_secret", "mcp-oauth-secret"),
            ("subject_token", token),
            ("subject_token_type", TYPE),
            ("requested_token_type", TYPE),
            ("audience", "mcp-oauth"),
        ];
        Login::new(self.post("token", &form).await).claims()
    }

    /// Lets a user write their own profile; returns what Keycloak says of it.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn edit_own_profile(&self, token: &str, profile: &Value) -> (u16, Value) {
        let url = format!("{}/account/", self.issuer);
        let request = self.http.post(url).bearer_auth(token).json(profile);
        let answer = request.send().await.expect("an answer of Keycloak's");
        let status = answer.status().as_u16();
        let body = answer.bytes().await.expect("the answer's body");
        (status, serde_json::from_slice(&body).unwrap_or_default())
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

    /// What the access token says.
    ///
    /// # Panics
    /// If it is no JWT.
    #[must_use]
    pub fn claims(&self) -> Value {
        let payload = self.access_token().split('.').nth(1).expect("a JWT");
        let claims = Base64UrlUnpadded::decode_vec(payload).expect("base64url");
        serde_json::from_slice(&claims).expect("JSON")
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
