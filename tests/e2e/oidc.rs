//! With npm's oidc-provider, an identity provider of another make (tests/lab.d/oidc): from a login to the
//! file server, by each of this server's ways to prove which client it is, and what it refuses.

use std::time::{Duration, SystemTime};

use krb_mcp::demo::ProofKey;
use krb_tests::{Lab, Server, Setup, skipped};
use serde_json::{Value, json};

use crate::lab;

type Change = fn(&mut Value);

struct Oidc {
    issuer: String,
    http: reqwest::Client,
}

/// The provider, if the lab runs it.
async fn oidc(lab: &Lab) -> Option<Oidc> {
    let authority = std::fs::read(lab.var("CA_FILE")).expect("the lab's CA");
    let authority = reqwest::Certificate::from_pem(&authority).expect("a certificate");
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([authority]);
    // Node closes what was idle for five seconds, perhaps just when it is used again.
    let http = http.timeout(Duration::from_secs(10)).pool_max_idle_per_host(0);
    let http = http.build().expect("an HTTP client");
    let oidc = Oidc { issuer: lab.var("OIDC_ISSUER"), http };
    let discovery = format!("{}/.well-known/openid-configuration", oidc.issuer);
    if oidc.http.get(discovery).send().await.is_err() {
        skipped("no oidc-provider; `tests/lab up oidc` installs and starts it");
        return None;
    }
    Some(oidc)
}

impl Oidc {
    async fn log_in(&self, user: &str) -> String {
        self.log_in_with(user, None).await
    }

    /// With a proof, the token is bound to its key.
    async fn log_in_with(&self, user: &str, proof: Option<&str>) -> String {
        let password = format!("Passw0rd!{user}");
        let form = [
            ("grant_type", "urn:example:login"),
            ("client_id", "contextflow"),
            ("username", user),
            ("password", &password),
        ];
        let mut login = self.http.post(format!("{}/token", self.issuer)).form(&form);
        if let Some(proof) = proof {
            login = login.header("dpop", proof);
        }
        let answer = login.send().await;
        let answer = answer.expect("an answer").bytes().await.expect("a body");
        let answer: Value = serde_json::from_slice(&answer).expect("JSON");
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    fn server(&self, lab: &Lab, change: Change) -> Server {
        let mut setup = Setup::new(lab, &self.issuer);
        setup.change = change;
        Server::start(lab, &setup)
    }
}

/// As the client of this name, which shows its secret in the header.
fn basic(configuration: &mut Value, client: &str) {
    let exchange = configuration["delegation"]["tokenExchange"].as_object_mut().expect("a section");
    exchange.insert("clientId".into(), client.into());
    exchange.insert("clientSecret".into(), format!("{client}-secret").into());
    exchange.insert("clientAuthentication".into(), "client_secret_basic".into());
    exchange.remove("defaultScope");
}

/// As the client that has a key.
fn key(configuration: &mut Value) {
    basic(configuration, "mcp-key");
    let exchange = configuration["delegation"]["tokenExchange"].as_object_mut().expect("a section");
    exchange.remove("clientSecret");
    exchange.insert("clientAuthentication".into(), "private_key_jwt".into());
    let file = std::env::var("OIDC_CLIENT_KEY").unwrap_or_default();
    exchange.insert("clientKey".into(), json!({ "file": file }));
}

#[tokio::test]
async fn each_proof_of_the_client_reaches_the_file_server_as_the_user() {
    let lab = lab!();
    let Some(oidc) = oidc(lab).await else { return };
    let alice = oidc.log_in("alice").await;
    let ways: [(&str, Change); 4] = [
        ("client_secret_basic", |c| basic(c, "mcp-basic")),
        ("client_secret_post", |c| {
            basic(c, "mcp-post");
            c["delegation"]["tokenExchange"]["clientAuthentication"] = "client_secret_post".into();
        }),
        ("private_key_jwt", key),
        ("private_key_jwt, and exchanged tokens are kept", |c| {
            key(c);
            c["delegation"]["tokenExchange"]["cache"] = json!({ "enabled": true });
        }),
    ];
    for (way, change) in ways {
        let server = oidc.server(lab, change);
        for _ in 0..2 {
            let answer = server.read(&alice, &lab.unc("reports/data.csv")).await;
            let expected = lab.shell("cat \"$LAB/share/reports/data.csv\"");
            assert_eq!(answer.content(), expected, "{way}");
        }
        let bob = oidc.log_in("bob").await;
        let denied = server.read(&bob, &lab.unc("reports/data.csv")).await;
        assert_eq!(denied.code(), "ACCESS_DENIED", "{way}");
        assert_eq!(server.audit_records()[0]["legacyName"], "ALICE_ADMIN", "{way}");
    }
}

#[tokio::test]
async fn what_it_refuses_is_answered_with_what_to_change() {
    let lab = lab!();
    let Some(oidc) = oidc(lab).await else { return };
    let alice = oidc.log_in("alice").await;
    let causes: [(&str, Change, &str, &str, &str); 6] = [
        (
            "an audience that it does not give",
            |c| {
                basic(c, "mcp-basic");
                c["delegation"]["tokenExchange"]["audience"] = "nowhere".into();
            },
            "TOKEN_EXCHANGE_FAILED",
            "(400 Bad Request): invalid_target",
            "gets no tokens for nowhere",
        ),
        (
            "a wrong secret",
            |c| {
                basic(c, "mcp-basic");
                c["delegation"]["tokenExchange"]["clientSecret"] = "wrong".into();
            },
            "TOKEN_EXCHANGE_FAILED",
            "(401 Unauthorized): invalid_client",
            "clientId (mcp-basic) and clientSecret",
        ),
        (
            "a secret of a client that has a key",
            |c| basic(c, "mcp-key"),
            "TOKEN_EXCHANGE_FAILED",
            "(401 Unauthorized): invalid_client",
            "clientAuthentication",
        ),
        (
            "an assertion for somebody else",
            |c| {
                key(c);
                c["delegation"]["tokenExchange"]["clientKey"]["audience"] =
                    "https://elsewhere.example".into();
            },
            "TOKEN_EXCHANGE_FAILED",
            "(401 Unauthorized): invalid_client",
            "clientAuthentication",
        ),
        (
            "a client without the grant",
            |c| basic(c, "mcp-none"),
            "TOKEN_EXCHANGE_FAILED",
            "(400 Bad Request): invalid_request: requested grant type is not allowed",
            "Allow the client mcp-none",
        ),
        (
            "nobody who acts, only the user herself",
            |c| {
                basic(c, "mcp-basic");
                c["delegation"]["tokenExchange"]["requireActor"] = true.into();
            },
            "EXCHANGED_TOKEN_REFUSED",
            "names nobody who acts",
            "requireActor",
        ),
    ];
    for (cause, change, expected, says, advice) in causes {
        let server = oidc.server(lab, change);
        let (code, message, remedy) =
            server.call(Some(&alice), "user-info", json!({})).await.error();
        assert_eq!(code, expected, "{cause}: {message}");
        assert!(message.contains(says), "{cause}: {message}");
        assert!(remedy.contains(advice), "{cause}: {remedy}");
    }
    let server = oidc.server(lab, |c| basic(c, "mcp-basic"));
    let nina = oidc.log_in("nina").await;
    let (code, message, _) = server.call(Some(&nina), "user-info", json!({})).await.error();
    assert_eq!(code, "LEGACY_NAME_REFUSED", "{message}");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_clients_key_is_good_with_its_proofs() {
    let lab = lab!();
    let Some(oidc) = oidc(lab).await else { return };
    let now = || {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time");
        i64::try_from(now.as_secs()).expect("a time")
    };
    let key = ProofKey::generate().expect("a key");
    let login = key.proof(None, "POST", &format!("{}/token", oidc.issuer), now());
    let token = oidc.log_in_with("alice", Some(&login)).await;
    let server = oidc.server(lab, |c| basic(c, "mcp-basic"));
    let send = async |scheme: &str, key: &ProofKey| {
        let authorization = format!("{scheme} {token}");
        let proof = key.proof(Some(&token), "POST", "http://localhost:3000/mcp", now());
        let fields = [("authorization", &*authorization), ("dpop", &*proof)];
        let call = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": "user-info", "arguments": {} }
        });
        server.post_with(&fields, call).await
    };
    for _ in 0..2 {
        assert_eq!(send("DPoP", &key).await.data()["legacyName"], "ALICE_ADMIN");
    }
    assert_eq!(send("Bearer", &key).await.status, 401);
    assert_eq!(send("DPoP", &ProofKey::generate().expect("a key")).await.status, 401);
}
