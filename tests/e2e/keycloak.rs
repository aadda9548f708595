//! With a real Keycloak: from a login to the file server, and each of its refusals with a real cause
//! in the realm (tests/lab.d/keycloak/realm.json).

use std::time::{Duration, Instant};

use krb_tests::keycloak::{Keycloak, Realm};
use krb_tests::logs::Mark;
use krb_tests::{Lab, Server, Setup};
use serde_json::{Value, json};

use crate::lab;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TYPE: &str = "urn:ietf:params:oauth:token-type:";

fn server(lab: &Lab, keycloak: &Keycloak, change: fn(&mut Value)) -> Server {
    let mut setup = Setup::new(lab, keycloak.issuer());
    setup.change = change;
    Server::start(lab, &setup)
}

async fn refusal(server: &Server, token: &str) -> (String, String, String) {
    server.call(Some(token), "user-info", json!({})).await.error()
}

#[tokio::test]
async fn a_login_at_keycloak_reaches_the_file_server_as_the_users_account() {
    let lab = lab!(alone);
    let keycloak = Keycloak::ready(lab).await;
    let server = server(lab, &keycloak, Keycloak::configure);
    let file_server = Mark::end_of(lab.var("FILESERVER_AUDIT"));

    // The user's name there is alice, the account ALICE_ADMIN.
    let alice = keycloak.log_in("contextflow", "alice").await;
    let answer = server.read(alice.access_token(), &lab.unc("reports/data.csv")).await;
    assert_eq!(answer.content(), lab.shell("cat \"$LAB/share/reports/data.csv\""));
    let line = file_server
        .line(|line| line.contains("|create_file|ok|") && line.contains("data.csv"))
        .expect("the file server's own audit line");
    let account = lab.windows_name("ALICE_ADMIN").to_lowercase();
    assert!(line.to_lowercase().contains(&account), "{line}");

    let bob = keycloak.log_in("contextflow", "bob").await;
    let denied = server.read(bob.access_token(), &lab.unc("reports/data.csv")).await;
    assert_eq!(denied.code(), "ACCESS_DENIED");
    let records = server.audit_records();
    assert_eq!(records[0]["legacyName"], "ALICE_ADMIN");
    assert_eq!(records[0]["clientId"], "contextflow");
}

#[tokio::test]
async fn what_is_set_up_wrongly_is_answered_with_what_to_change() {
    let lab = lab!();
    let keycloak = Keycloak::ready(lab).await;
    let alice = keycloak.log_in("contextflow", "alice").await;

    fn exchange(configuration: &mut Value, settings: Value) {
        Keycloak::configure(configuration);
        let exchange = configuration["delegation"]["tokenExchange"].as_object_mut();
        exchange.expect("a section").extend(settings.as_object().expect("settings").clone());
    }
    fn client(configuration: &mut Value, id: &str) {
        let settings = json!({ "clientId": id, "clientSecret": format!("{id}-secret") });
        exchange(configuration, settings);
    }
    type Change = fn(&mut Value);
    // The cause, Keycloak's words, and a part of the remedy that no other cause has.
    let causes: [(&str, Change, &str, &str); 13] = [
        (
            "a client that the caller's token does not list",
            |c| client(c, "mcp-elsewhere"),
            "(403 Forbidden): access_denied: Client is not within the token audience",
            "does not list mcp-elsewhere in `aud`",
        ),
        (
            "a client without standard token exchange",
            |c| client(c, "mcp-switched-off"),
            "(400 Bad Request): invalid_request: Standard token exchange is not enabled",
            "Switch on \"Standard token exchange\" for the client mcp-switched-off",
        ),
        (
            "a public client",
            |c| client(c, "mcp-public"),
            "(400 Bad Request): invalid_client: Public client is not allowed",
            "Make mcp-public a confidential client",
        ),
        (
            "a wrong secret",
            |c| exchange(c, json!({ "clientSecret": "wrong" })),
            "(401 Unauthorized): unauthorized_client: Invalid client or Invalid client credentials",
            "mcp-oauth is known, its secret is another",
        ),
        (
            "an unknown client",
            |c| client(c, "nobody"),
            "(401 Unauthorized): invalid_client: Invalid client or Invalid client credentials",
            "There is no client nobody, or it is disabled",
        ),
        (
            "a disabled client",
            |c| client(c, "disabled"),
            "(401 Unauthorized): invalid_client: Invalid client or Invalid client credentials",
            "There is no client disabled, or it is disabled",
        ),
        (
            "an unknown audience",
            |c| exchange(c, json!({ "audience": "nowhere" })),
            "(400 Bad Request): invalid_client: Audience not found",
            "no client nowhere: check delegation.tokenExchange.audience",
        ),
        (
            "a disabled audience",
            |c| exchange(c, json!({ "audience": "disabled" })),
            "(400 Bad Request): invalid_client: Client disabled",
            "The client disabled, the audience that is asked for, is disabled",
        ),
        (
            "an audience that nothing maps",
            |c| exchange(c, json!({ "audience": "not-mapped" })),
            "(400 Bad Request): invalid_request: Requested audience not available: not-mapped",
            "put an audience mapper for not-mapped on a scope of mcp-oauth",
        ),
        (
            "an unknown scope",
            |c| exchange(c, json!({ "defaultScope": "openid no-such-scope" })),
            "(400 Bad Request): invalid_scope: Invalid scopes: openid no-such-scope",
            "may not have the scope \"openid no-such-scope\"",
        ),
        (
            "a consent that nobody can give",
            |c| client(c, "mcp-consent"),
            "(400 Bad Request): invalid_scope: Missing consents for Token Exchange",
            "switch off \"Consent required\"",
        ),
        (
            "a realm that does not exist",
            |c| {
                let realm = std::env::var("KEYCLOAK_ISSUER").unwrap_or_default();
                let realm = realm.replace("mcp_security", "no-such-realm");
                let endpoint = format!("{realm}/protocol/openid-connect/token");
                exchange(c, json!({ "tokenEndpoint": endpoint }));
            },
            "(404 Not Found): Realm does not exist",
            "There is no token endpoint",
        ),
        (
            "a path that is none of Keycloak's",
            |c| {
                let realm = std::env::var("KEYCLOAK_ISSUER").unwrap_or_default();
                exchange(c, json!({ "tokenEndpoint": format!("{realm}/token") }));
            },
            "(404 Not Found)",
            "There is no token endpoint",
        ),
    ];
    for (cause, change, says, advice) in causes {
        let server = server(lab, &keycloak, change);
        let (code, message, remedy) = refusal(&server, alice.access_token()).await;
        assert_eq!(code, "TOKEN_EXCHANGE_FAILED", "{cause}: {message}");
        assert!(message.contains(says), "{cause}: {message}");
        assert!(remedy.contains(advice), "{cause}: {remedy}");
        assert!(remedy.starts_with("For whoever runs "), "{cause}: {remedy}");
    }
}

#[tokio::test]
async fn a_token_that_keycloak_takes_no_more_is_never_answered_with_log_in_alone() {
    let lab = lab!();
    let keycloak = Keycloak::ready(lab).await;
    let server = server(lab, &keycloak, Keycloak::configure);

    let ended = keycloak.log_in("contextflow", "alice").await;
    assert!(
        !server.call(Some(ended.access_token()), "user-info", json!({})).await.data().is_null()
    );
    let form = [("client_id", "contextflow"), ("refresh_token", ended.refresh_token())];
    assert_eq!(keycloak.post("logout", &form).await.0, 204);
    // A second's life: over for Keycloak, within the tolerance for us.
    let short = keycloak.log_in("short", "alice").await;
    tokio::time::sleep(Duration::from_millis(2200)).await;
    for (cause, login) in [("logged out", ended), ("expired", short)] {
        let (code, message, remedy) = refusal(&server, login.access_token()).await;
        assert_eq!(code, "SUBJECT_TOKEN_REFUSED", "{cause}: {message}");
        assert!(message.contains("(400 Bad Request): invalid_request: Invalid token"), "{message}");
        assert!(remedy.contains("new login") && remedy.contains("LDAP"), "{cause}: {remedy}");
        assert!(!remedy.contains("aud"), "{cause}: {remedy}");
    }

    // What we refuse ourselves, and so never send: Keycloak says the same of it.
    let alice = keycloak.log_in("contextflow", "alice").await;
    let tampered = format!("{}AAAA", &alice.access_token()[..alice.access_token().len() - 4]);
    for (cause, token) in [
        ("tampered", &*tampered),
        ("an ID token", alice.id_token()),
        ("a refresh token", alice.refresh_token()),
    ] {
        let (status, answer) = keycloak.post("token", &exchange_of(token, "access_token")).await;
        assert_eq!((status, &answer["error"]), (400, &json!("invalid_request")), "{cause}");
        assert_eq!(answer["error_description"], "Invalid token", "{cause}");
        assert_eq!(server.call(Some(token), "user-info", json!({})).await.status, 401, "{cause}");
    }
}

#[tokio::test]
async fn who_has_no_account_is_told_so_and_nothing_of_audiences() {
    let lab = lab!();
    let keycloak = Keycloak::ready(lab).await;
    let server = server(lab, &keycloak, Keycloak::configure);
    for (who, login) in [
        ("a user without the attribute", keycloak.log_in("contextflow", "nina").await),
        ("a service account", keycloak.service_account("agent").await),
    ] {
        let (code, message, remedy) = refusal(&server, login.access_token()).await;
        assert_eq!(code, "LEGACY_NAME_REFUSED", "{who}: {message}");
        assert!(message.contains("no account"), "{who}: {message}");
        assert!(remedy.contains("sAMAccountName"), "{who}: {remedy}");
        assert!(!format!("{message} {remedy}").contains("aud"), "{who}: {message} {remedy}");
    }
}

#[tokio::test]
async fn an_id_token_is_no_access_token_though_key_and_audience_are_the_same() {
    let lab = lab!();
    let keycloak = Keycloak::ready(lab).await;
    let server = server(lab, &keycloak, |configuration| {
        Keycloak::configure(configuration);
        configuration["auth"]["trustedIDPs"][0]["audience"] = json!(["mcp-oauth", "contextflow"]);
    });
    let alice = keycloak.log_in("contextflow", "alice").await;
    let form = exchange_of(alice.access_token(), "id_token");
    let (status, answer) = keycloak.post("token", &form).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["token_type"], "N_A");
    assert_eq!(answer["issued_token_type"], format!("{TYPE}id_token"));
    let exchanged = answer["access_token"].as_str().expect("an ID token in access_token");
    for token in [exchanged, alice.id_token()] {
        let answer = server.call(Some(token), "user-info", json!({})).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        let challenge = answer.challenge.expect("a challenge");
        assert!(challenge.contains("the token is not an access token"), "{challenge}");
    }
    let answer = server.call(Some(alice.access_token()), "user-info", json!({})).await;
    assert_eq!(answer.data()["legacyName"], "ALICE_ADMIN");
}

/// The form by which a token is exchanged for one of this type.
fn exchange_of<'a>(token: &'a str, wanted: &str) -> Vec<(&'static str, &'a str)> {
    const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
    const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
    vec![
        ("grant_type", GRANT),
        ("client_id", "mcp-oauth"),
        ("client_secret", "mcp-oauth-secret"),
        ("subject_token", token),
        ("subject_token_type", ACCESS_TOKEN),
        ("requested_token_type", if wanted == "id_token" { ID_TOKEN } else { ACCESS_TOKEN }),
        ("audience", "mcp-oauth"),
        ("scope", "openid"),
    ]
}

#[tokio::test]
async fn what_is_kept_saves_the_provider_most_requests_and_the_caller_the_wait() {
    const CALLS: u32 = 50;
    fn metrics(configuration: &mut Value) {
        configuration["server"]["metrics"] = json!({ "listen": "127.0.0.1:19464" });
    }
    fn kept(configuration: &mut Value) {
        metrics(configuration);
        configuration["delegation"]["tokenExchange"]["cache"] = json!({
            "enabled": true, "ttlSeconds": 60, "sessionTimeoutMs": 900_000,
            "maxEntriesPerSession": 10
        });
    }
    let lab = lab!(alone);
    // Users of Keycloak's own, and users of the directory, of which the realm that ships asks each time.
    let own: [fn(&mut Value); 2] = [
        |c| {
            Keycloak::configure(c);
            metrics(c);
        },
        |c| {
            Keycloak::configure(c);
            kept(c);
        },
    ];
    let of_the_directory: [fn(&mut Value); 2] = [
        |c| {
            Keycloak::configure_for_the_directory(c);
            metrics(c);
        },
        |c| {
            Keycloak::configure_for_the_directory(c);
            kept(c);
        },
    ];
    for (realm, user, changes) in
        [(Realm::Own, "alice", own), (Realm::Directory, "ALICE_ADMIN", of_the_directory)]
    {
        let keycloak = Keycloak::with(lab, realm).await;
        let mut figures = Vec::new();
        for change in changes {
            let alice = keycloak.log_in("contextflow", user).await;
            let server = server(lab, &keycloak, change);
            // Keys are fetched, and Keycloak is warm.
            let bob = keycloak.log_in("contextflow", "bob").await;
            let warm = server.call(Some(bob.access_token()), "user-info", json!({})).await;
            assert!(!warm.data().is_null());
            let mut times = Vec::new();
            for _ in 0..CALLS {
                let before = Instant::now();
                let answer = server.call(Some(alice.access_token()), "user-info", json!({})).await;
                times.push(before.elapsed());
                assert_eq!(answer.data()["legacyName"], "ALICE_ADMIN");
            }
            let text = reqwest::get("http://127.0.0.1:19464/metrics").await;
            let text = text.expect("figures").text().await.expect("text");
            let count = |from: &str| -> u32 {
                let name = format!("krb_mcp_exchanges_total{{from=\"{from}\"}} ");
                let line = text.lines().find_map(|line| line.strip_prefix(&name));
                line.map_or(0, |count| count.parse().expect("a number"))
            };
            times.sort_unstable();
            let middle = times[times.len() / 2];
            // One of them was bob's.
            figures.push((count("provider") - 1, count("cache"), times.iter().sum(), middle));
        }
        let [(asked, _, slow, each), (once, hits, fast, each_kept)]: [(_, _, Duration, Duration);
            2] = figures.try_into().expect("two");
        println!(
            "{realm:?}: {CALLS} calls: {asked} requests in {slow:?}, a call {each:?}; kept: {once} in \
             {fast:?}, a call {each_kept:?}"
        );
        assert_eq!((asked, once, hits), (CALLS, 1, CALLS - 1));
        assert!(each_kept < each, "{realm:?}: {each_kept:?} {each:?}");
    }

    let keycloak = Keycloak::ready(lab).await;
    let alice = keycloak.log_in("contextflow", "alice").await;
    // What is kept ends with the caller's next token.
    let server = server(lab, &keycloak, |c| {
        Keycloak::configure(c);
        c["delegation"]["tokenExchange"]["cache"] = json!({ "enabled": true });
    });
    for login in [alice, keycloak.log_in("contextflow", "alice").await] {
        let answer = server.call(Some(login.access_token()), "user-info", json!({})).await;
        assert_eq!(answer.data()["legacyName"], "ALICE_ADMIN");
    }
}
