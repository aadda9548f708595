//! Users' own tickets in place of tokens: who comes with one arrives as whom it proves, or nobody does.

use base64ct::{Base64, Encoding};
use krb_client::{Clock, Entropy, OsRandom, UserTicket};
use krb_proto::gss::{ChannelBindings, InitiatorOptions};
use krb_proto::iana::NameType;
use krb_proto::kdc::Asked;
use krb_proto::spnego::SpnegoInitiator;
use krb_proto::spnego::http::{header_value, parse_header_value};
use krb_proto::{Context, Name, Principal};
use krb_tests::Answer;
use krb_tests::world::directory::{
    INTRANET, OTHER, REALM, SECOND_SERVICE, SERVICE, SERVICE_AS_ITSELF, WEBAPP, sid,
};
use krb_tests::world::{Setup, World, count, further_account};
use serde_json::{Value, json};

const US: &str = "HTTP/mcp-server.example.test";

fn change(configuration: &mut Value) {
    configuration["auth"]["negotiate"] = json!({ "maxLoginAge": 1800 });
}

async fn world() -> World {
    World::with(Setup { change, ..Setup::default() }).await
}

fn spn(text: &str) -> Name {
    Name::new(NameType::SRV_INST, text.split('/'))
}

async fn ticket(world: &World, user: &str, to: &str) -> UserTicket {
    world.client(user).ticket(&spn(to)).await.expect("a ticket")
}

/// A new login with a ticket.
fn begin(
    world: &World,
    ticket: &UserTicket,
    bindings: Option<&ChannelBindings>,
) -> (SpnegoInitiator, String) {
    let mut random: &dyn Entropy = &OsRandom;
    let mut cx = Context { now: world.clock.now(), kdc_offset: 0, rng: &mut random };
    let options = InitiatorOptions { channel_bindings: bindings, ..InitiatorOptions::default() };
    let (login, token) = SpnegoInitiator::new(ticket, &options, &mut cx).expect("a login");
    (login, header_value(&token))
}

async fn get(world: &World, authorization: &str, path: &str) -> Answer {
    let url = World::url(path);
    world.call_with(Some(authorization), "kerberos-http-request", json!({ "url": url })).await
}

/// Comes with a ticket, once.
async fn get_with(world: &World, ticket: &UserTicket, path: &str) -> Answer {
    get(world, &begin(world, ticket, None).1, path).await
}

/// Why a login was not taken.
fn reason(answer: &Answer) -> &str {
    assert_eq!(answer.status, 401, "{answer:?}");
    answer.body["error"]["message"].as_str().unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_comes_with_a_ticket_arrives_as_whom_it_proves() {
    let world = world().await;
    let own = ticket(&world, "ALICE_ADMIN", US).await;
    let (mut login, authorization) = begin(&world, &own, None);
    let answer = get(&world, &authorization, "/documents/alice").await;
    let read: Value = serde_json::from_str(answer.content()).unwrap();
    assert_eq!(read["readBy"]["account"], "ALICE_ADMIN");
    assert_eq!(read["readBy"]["delegatedBy"], json!([format!("{SERVICE}@{REALM}")]));
    assert_eq!(world.idp.asked(), 0, "no token, no exchange");
    // The server proves itself, too.
    let token = parse_header_value(answer.challenge.as_deref().unwrap().as_bytes()).unwrap();
    login.step(&token.unwrap()).unwrap();
    assert!(login.is_complete());

    let alice = sid(&world.kdcs.realm(), "ALICE_ADMIN").to_string();
    for record in world.audit_records().await {
        assert_eq!(record["issuer"], format!("kerberos:{REALM}"));
        assert_eq!(
            (&record["subject"], &record["legacyName"]),
            (&json!(alice), &json!("ALICE_ADMIN"))
        );
        assert_eq!(record["delegationMode"], "own-ticket");
    }
    // Her ticket is evidence for each call anew.
    world.kdcs.take_seen();
    for _ in 0..2 {
        assert!(get_with(&world, &own, "/whoami").await.content().contains("ALICE_ADMIN"));
    }
    let seen = world.kdcs.take_seen();
    assert_eq!((count(&seen, Asked::S4uProxy), count(&seen, Asked::S4uSelf)), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_counts_once() {
    let world = world().await;
    let own = ticket(&world, "bob", US).await;
    let (_, authorization) = begin(&world, &own, None);
    assert!(get(&world, &authorization, "/whoami").await.content().contains("bob"));
    for _ in 0..2 {
        let again = get(&world, &authorization, "/whoami").await;
        assert!(reason(&again).contains("came before"), "{again:?}");
    }
    assert_eq!(world.visits(WEBAPP).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_be_delegated_or_impersonated_is_not() {
    let world = world().await;
    for (user, code) in [
        ("dave", "USER_NOT_DELEGATABLE"),
        ("paula", "NEVER_IMPERSONATED"),
        ("dora", "NEVER_IMPERSONATED"),
    ] {
        let own = ticket(&world, user, US).await;
        let (found, message, _) = get_with(&world, &own, "/whoami").await.error();
        assert_eq!(found, code, "{user}: {message}");
    }
    let bob = ticket(&world, "bob", US).await;
    let (_, authorization) = begin(&world, &bob, None);
    let url = json!({ "url": format!("http://{OTHER}/whoami") });
    let other = world.call_with(Some(&authorization), "kerberos-http-request", url).await;
    assert_eq!(other.code(), "TARGET_NOT_ALLOWED");
    assert_eq!(world.visits(WEBAPP), []);
}

#[tokio::test(start_paused = true)]
async fn a_ticket_that_says_less_than_an_account_lets_nobody_in() {
    let world = world().await;
    // The KDC takes `alice` for the UPN of ALICE_ADMIN, and the ticket says `alice`.
    let decoy = ticket(&world, "alice", US).await;
    assert!(reason(&get_with(&world, &decoy, "/whoami").await).contains("sAMAccountName"));
    // To somebody else.
    let elsewhere = ticket(&world, "bob", &format!("HTTP/{WEBAPP}")).await;
    let refused = get_with(&world, &elsewhere, "/whoami").await;
    assert!(reason(&refused).contains("does not open"), "{refused:?}");
    for field in ["Negotiate", "Negotiate !", "negotiate YII=", "Negotiate YWJj"] {
        assert_eq!(get(&world, field, "/whoami").await.status, 401, "{field}");
    }
    // Groups are those of the login.
    let own = ticket(&world, "bob", US).await;
    assert!(get_with(&world, &own, "/whoami").await.content().contains("bob"));
    for (passes, taken) in [(1800, true), (1, false)] {
        world.time.pass(std::time::Duration::from_secs(passes)).await;
        let answer = get_with(&world, &own, "/whoami").await;
        if taken {
            assert!(answer.content().contains("bob"));
        } else {
            assert!(reason(&answer).contains("too long ago"));
        }
    }
    assert_eq!(world.visits(WEBAPP).len(), 2);
}

/// Clocks may be off by as much as a ticket is taken here beyond its end; a KDC goes by its own.
#[tokio::test(start_paused = true)]
async fn a_ticket_that_a_kdc_takes_no_longer_is_its_users_to_renew() {
    let change = |configuration: &mut Value| configuration["auth"]["negotiate"] = json!({});
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let own = ticket(&world, "bob", US).await;
    world.time.pass(std::time::Duration::from_secs(3601)).await;
    let answer = get_with(&world, &own, "/whoami").await;
    let (code, message, remedy) = answer.error();
    assert_eq!(code, "EVIDENCE_REFUSED", "{message}");
    assert!(message.contains("the ticket that bob came with"), "{message}");
    assert!(remedy.contains("new ticket"), "{remedy}");
    assert_eq!(answer.body["result"]["structuredContent"]["error"]["blame"], "caller");
}

#[tokio::test(start_paused = true)]
async fn another_services_word_for_a_user_is_not_the_users() {
    let setup = Setup {
        change,
        realm: |realm| {
            let second = realm.account_mut(SECOND_SERVICE).unwrap();
            second.allowed_to_delegate_to.push(US.into());
        },
        ..Setup::default()
    };
    let world = World::with(setup).await;
    let service = Principal::new(Name::user(SECOND_SERVICE), REALM);
    let keytab = {
        let realm = world.kdcs.realm();
        realm.keytab(realm.account(SECOND_SERVICE).unwrap())
    };
    let keys = krb_client::files::client_keys(&keytab, &service).unwrap();
    let front = world.client_with(SECOND_SERVICE, keys);
    let bob = Principal::new(Name::user("bob"), REALM);
    let evidence = front.s4u().evidence(&bob).await.unwrap();
    let proxied = front.s4u().proxy_ticket_once(&evidence, &spn(US)).await.unwrap();
    let refused = get_with(&world, &proxied, "/whoami").await;
    assert!(reason(&refused).contains("another service"), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_login_is_bound_to_the_certificate_that_clients_see() {
    let change = |configuration: &mut Value| {
        configuration["auth"]["negotiate"] = json!({ "certificateFile": "ca.pem" });
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let pem = std::fs::read_to_string(world.folder().join("ca.pem")).unwrap();
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let certificate = Base64::decode_vec(&base64).unwrap();
    let right = ChannelBindings::tls_server_end_point_of(&certificate).unwrap();
    let wrong = ChannelBindings::tls_server_end_point(&[1; 32]);
    let own = ticket(&world, "bob", US).await;
    let passes = async |bindings: Option<&ChannelBindings>| {
        let answer = get(&world, &begin(&world, &own, bindings).1, "/whoami").await;
        if answer.status == 401 {
            assert!(reason(&answer).contains("TLS certificate"), "{answer:?}");
            return false;
        }
        answer.content().contains("bob")
    };
    for (bindings, expected) in [(None, false), (Some(&wrong), false), (Some(&right), true)] {
        assert_eq!(passes(bindings).await, expected);
    }

    // It is renewed. Whoever comes makes nobody read it more often than once a second.
    let renewed = include_str!("../../delegation/src/network/testdata/new-ca.pem");
    let base64: String = renewed.lines().filter(|line| !line.starts_with('-')).collect();
    let renewed_to = Base64::decode_vec(&base64).unwrap();
    let renewed_to = ChannelBindings::tls_server_end_point_of(&renewed_to).unwrap();
    world.time.pass(std::time::Duration::from_secs(1)).await;
    assert!(passes(Some(&right)).await);
    let file = world.folder().join("ca.pem");
    std::fs::write(&file, renewed).unwrap();
    for _ in 0..3 {
        assert!(passes(Some(&right)).await);
        assert!(!passes(Some(&renewed_to)).await);
    }
    world.time.pass(std::time::Duration::from_secs(1)).await;
    assert!(passes(Some(&renewed_to)).await);
    assert!(!passes(Some(&right)).await);
    // What cannot be read leaves the one before.
    for broken in [Some("no certificate"), None] {
        match broken {
            Some(text) => std::fs::write(&file, text).unwrap(),
            None => std::fs::remove_file(&file).unwrap(),
        }
        world.time.pass(std::time::Duration::from_secs(2)).await;
        assert!(passes(Some(&renewed_to)).await && !passes(None).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_ticket_reaches_the_targets_of_the_account_that_it_is_to() {
    let change = |configuration: &mut Value| {
        change(configuration);
        further_account(configuration, "second", SECOND_SERVICE);
        configuration["targets"][0]["account"] = json!("second");
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let own = ticket(&world, "bob", US).await;
    let (code, message, remedy) = get_with(&world, &own, "/whoami").await.error();
    assert_eq!(code, "EVIDENCE_REFUSED", "{message}");
    assert!(remedy.contains("auth.negotiate"), "{remedy}");
}

/// Where the account comes itself, nothing else would ask whose name that is.
#[tokio::test(start_paused = true)]
async fn a_ticket_to_one_account_reaches_nothing_as_another_one_that_comes_itself() {
    let change = |configuration: &mut Value| {
        change(configuration);
        let account = further_account(configuration, "reports", SERVICE_AS_ITSELF);
        account["delegation"] = json!({ "mode": "service-account" });
        configuration["targets"][1]["account"] = json!("reports");
    };
    let policy = r#"@id("reports") permit (principal, action == Action::"http:get",
        resource == Target::"intranet") when { context.path == "/whoami" };"#;
    let world = World::with(Setup { change, policy: policy.into(), ..Setup::default() }).await;
    let own = ticket(&world, "bob", US).await;
    let (_, authorization) = begin(&world, &own, None);
    let url = json!({ "url": format!("http://{INTRANET}/whoami") });
    let answer = world.call_with(Some(&authorization), "kerberos-http-request", url).await;
    let (code, message, _) = answer.error();
    assert_eq!(code, "EVIDENCE_REFUSED", "{message}");
    assert_eq!(world.visits(INTRANET), []);
}

#[tokio::test(start_paused = true)]
async fn policy_sees_no_claims_and_without_the_setting_no_ticket_is_taken() {
    let policy = r#"@id("staff") permit (principal, action, resource)
        when { principal.roles.contains("staff") };"#;
    let world = World::with(Setup { change, policy: policy.into(), ..Setup::default() }).await;
    let own = ticket(&world, "erin", US).await;
    assert_eq!(get_with(&world, &own, "/whoami").await.code(), "POLICY_DENIED");
    let missing = world.call(None, "user-info", json!({})).await;
    assert_eq!(missing.status, 401);

    let world = World::new().await;
    let own = ticket(&world, "erin", US).await;
    let refused = get_with(&world, &own, "/whoami").await;
    assert_eq!(refused.status, 401);
    assert!(refused.challenge.unwrap().starts_with("Bearer "));
    assert_eq!(world.visits(WEBAPP), []);
}
