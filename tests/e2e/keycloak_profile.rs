//! With a real Keycloak that has the domain as its directory: the realm that ships
//! (mcp-server/deploy/keycloak-realm.json), and the same as Keycloak would have it by default.

use krb_tests::keycloak::{Keycloak, Realm};
use krb_tests::logs::Mark;
use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::{Value, json};

use crate::lab;

const ALICE: &str = "ALICE_ADMIN";

fn server(lab: &Lab, keycloak: &Keycloak, change: fn(&mut Value)) -> Server {
    let mut setup = Setup::new(lab, keycloak.issuer());
    setup.change = change;
    Server::start(lab, &setup)
}

/// The SID that the domain has for an account.
fn sid(lab: &Lab, account: &str) -> String {
    let shown = lab.samba_tool(&["user", "show", account, "--attributes=objectSid"]);
    let line = shown.lines().find_map(|line| line.strip_prefix("objectSid: "));
    line.unwrap_or_else(|| panic!("{shown}")).to_owned()
}

#[tokio::test]
async fn alice_of_the_domain_arrives_by_her_sid() {
    let lab = lab!(alone);
    let keycloak = Keycloak::with(lab, Realm::Directory).await;
    let server = server(lab, &keycloak, Keycloak::configure_for_the_directory);
    let file_server = Mark::end_of(lab.var("FILESERVER_AUDIT"));

    let alice = keycloak.log_in("contextflow", ALICE).await;
    let said = keycloak.exchange(alice.access_token()).await;
    assert_eq!(said["legacy_name"], ALICE, "{said}");
    for (claim, value) in [
        ("roles", "SQL_Writers"),
        ("roles", "File_Readers"),
        ("permissions", "sql:read"),
        ("permissions", "sql:write"),
        ("permissions", "file:read"),
    ] {
        let all = said[claim].as_array().unwrap_or_else(|| panic!("no {claim}: {said}"));
        assert!(all.iter().any(|one| one == value), "{claim}: {said}");
    }
    assert!(said["object_sid"].is_string() && said["ldap_id"].is_string(), "{said}");

    let answer = server.read(alice.access_token(), &lab.unc("reports/data.csv")).await;
    assert_eq!(answer.content(), lab.shell("cat \"$LAB/share/reports/data.csv\""));
    let line = file_server
        .line(|line| line.contains("|create_file|ok|") && line.contains("data.csv"))
        .expect("the file server's own audit line");
    let account = lab.windows_name(ALICE).to_lowercase();
    assert!(line.to_lowercase().contains(&account), "{line}");
    let records = server.audit_records();
    let record = records.iter().find(|record| record["sid"].is_string());
    assert_eq!(record.expect("a record with the account")["sid"], sid(lab, ALICE));
    let info = server.call(Some(alice.access_token()), "user-info", json!({})).await;
    assert_eq!(info.data()["roles"], json!(["sql_writer"]), "{info:?}");

    let bob = keycloak.log_in("contextflow", "bob").await;
    let denied = server.read(bob.access_token(), &lab.unc("reports/data.csv")).await;
    assert_eq!(denied.code(), "ACCESS_DENIED");
}

#[tokio::test]
async fn alice_edits_her_profile_and_nothing_changes() {
    let lab = lab!();
    for realm in [Realm::Directory, Realm::Defaults] {
        edit_everything(lab, realm).await;
    }
}

async fn edit_everything(lab: &Lab, realm: Realm) {
    let keycloak = Keycloak::with(lab, realm).await;
    let server = server(lab, &keycloak, Keycloak::configure_for_the_directory);
    let says = async || {
        let login = keycloak.log_in("contextflow", ALICE).await;
        let said = keycloak.exchange(login.access_token()).await;
        let read = server.read(login.access_token(), &lab.unc("reports/data.csv")).await;
        let claims = ["sub", "legacy_name", "object_sid", "ldap_id", "roles", "permissions"];
        let claims = claims.map(|claim| {
            let mut value = said[claim].clone();
            // Keycloak lists them in any order.
            if let Some(list) = value.as_array_mut() {
                list.sort_by_key(Value::to_string);
            }
            value
        });
        (claims, read.content().to_owned())
    };
    let before = says().await;
    let bobs = {
        let bob = keycloak.log_in("contextflow", "bob").await;
        keycloak.exchange(bob.access_token()).await
    };
    let own = keycloak.log_in("own-profile", ALICE).await;
    let as_bob = json!({
        "sAMAccountName": ["bob"], "objectSid": [bobs["object_sid"]], "LDAP_ID": [bobs["ldap_id"]],
        "legacy_name": ["bob"], "object_sid": [bobs["object_sid"]], "roles": ["SQL_Admins"],
        "permissions": ["sql:admin"]
    });
    // She may ask (it is no 401, 403 or 404), and nothing of it is hers to write. By default Keycloak
    // says 204 to attributes that it does not know, and drops them.
    let unknown = if realm == Realm::Defaults { 204 } else { 400 };
    let mut of_the_mappers = as_bob.clone();
    of_the_mappers.as_object_mut().expect("an object").remove("LDAP_ID");
    for (profile, refused) in [
        (json!({ "attributes": as_bob }), 400),
        (json!({ "attributes": of_the_mappers }), unknown),
        (json!({ "username": "bob", "attributes": as_bob }), 409),
        (json!({ "email": "bob@example.com", "firstName": "B", "lastName": "O" }), 400),
        (
            json!({
                "username": ALICE.to_lowercase(), "email": "a@example.com", "attributes": as_bob
            }),
            400,
        ),
    ] {
        let (status, answer) = keycloak.edit_own_profile(own.access_token(), &profile).await;
        assert_eq!(status, refused, "{realm:?}: {profile}: {answer}");
        assert_eq!(says().await, before, "{realm:?}: {profile}");
    }
}

#[tokio::test]
async fn a_second_issuer_asserts_alice_and_is_refused() {
    let lab = lab!();
    let keycloak = Keycloak::with(lab, Realm::Directory).await;
    let other = issuer().await;
    let setup = |may_assert: Value| {
        let mut setup = Setup::new(lab, keycloak.issuer());
        setup.change = Keycloak::configure_for_the_directory;
        setup.issuers = vec![json!({
            "name": "partner", "issuer": other.url(), "audience": "mcp-oauth",
            "algorithms": ["ES256"], "mayAssert": may_assert,
            "tokenExchange": {
                "tokenEndpoint": format!("{}/token", other.url()), "clientId": "mcp-oauth",
                "clientSecret": "mcp-oauth-secret", "audience": "mcp-oauth"
            }
        })];
        Server::start(lab, &setup)
    };
    let alices_file = lab.unc("reports/data.csv");
    for may_assert in [
        json!({ "realms": ["PARTNER.TEST"] }),
        json!({ "accounts": [sid(lab, "bob")] }),
        json!({ "groups": ["S-1-5-21-1-2-3-1600"] }),
        json!({ "upnSuffixes": ["partner.test"] }),
    ] {
        let server = setup(may_assert.clone());
        let refused = server.read(&other.token_for(ALICE), &alices_file).await;
        assert_eq!(refused.code(), "ISSUER_MAY_NOT_ASSERT", "{may_assert}");
        // The first one's alice is who she was.
        let alice = keycloak.log_in("contextflow", ALICE).await;
        let read = server.read(alice.access_token(), &alices_file).await;
        assert_eq!(read.content(), lab.shell("cat \"$LAB/share/reports/data.csv\""));
    }
    // What it may assert, it may.
    let server = setup(json!({ "accounts": [sid(lab, "bob")] }));
    let read = server.read(&other.token_for("bob"), &lab.unc("reports/bob.csv")).await;
    assert!(!read.content().is_empty());
}

/// A user of Keycloak's own has what fills the claim with the account's name.
#[tokio::test]
async fn who_is_not_of_the_directory_is_refused_whatever_their_attributes_say() {
    let lab = lab!();
    let keycloak = Keycloak::with(lab, Realm::Directory).await;
    let mallory = keycloak.log_in("contextflow", "mallory").await;
    let said = keycloak.exchange(mallory.access_token()).await;
    assert_eq!((&said["legacy_name"], &said["ldap_id"]), (&json!(ALICE), &Value::Null), "{said}");
    let info = async |server: &Server| {
        server.call(Some(mallory.access_token()), "user-info", json!({})).await
    };
    let by_name = server(lab, &keycloak, Keycloak::configure_without_the_sid);
    assert_eq!(info(&by_name).await.data()["legacyName"], ALICE, "that is whom the name means");
    let told_apart = server(lab, &keycloak, |configuration| {
        Keycloak::configure_without_the_sid(configuration);
        let mappings = &mut configuration["auth"]["trustedIDPs"][0]["claimMappings"];
        mappings["directoryId"] = json!("ldap_id");
    });
    let (code, message, _) = info(&told_apart).await.error();
    assert_eq!(code, "EXCHANGED_TOKEN_REFUSED", "{message}");
    assert!(message.contains("not of the directory"), "{message}");
    let alice = keycloak.log_in("contextflow", ALICE).await;
    let hers = told_apart.read(alice.access_token(), &lab.unc("reports/data.csv")).await;
    assert_eq!(hers.content(), lab.shell("cat \"$LAB/share/reports/data.csv\""));
}

#[tokio::test]
async fn users_that_are_not_imported_have_names_for_subjects_and_are_refused() {
    let lab = lab!();
    let keycloak = Keycloak::with(lab, Realm::Names).await;
    let server = server(lab, &keycloak, Keycloak::configure_for_the_directory);
    let alice = keycloak.log_in("contextflow", ALICE).await;
    assert!(alice.claims()["sub"].as_str().is_some_and(|sub| sub.starts_with("f:")));
    let answer = server.call(Some(alice.access_token()), "user-info", json!({})).await;
    let (code, message, remedy) = answer.error();
    assert_eq!(code, "EXCHANGED_TOKEN_REFUSED", "{message}");
    assert!(remedy.contains("Import users"), "{remedy}");
}

#[tokio::test]
async fn the_realm_with_keycloaks_defaults_logs_her_in_as_well() {
    let lab = lab!();
    let keycloak = Keycloak::with(lab, Realm::Defaults).await;
    let server = server(lab, &keycloak, Keycloak::configure_for_the_directory);
    let alice = keycloak.log_in("contextflow", ALICE).await;
    let read = server.read(alice.access_token(), &lab.unc("reports/data.csv")).await;
    assert_eq!(read.content(), lab.shell("cat \"$LAB/share/reports/data.csv\""));
}
