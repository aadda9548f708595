//! The client of any account, against embedded KDCs: in memory, and behind sockets where the transport
//! is what is looked at. What was asked of a KDC is what the KDC says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy takes only #[test] functions for tests"
)]

use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use krb_client::dev_kdc::{Bind, DevKdc, InMemory, Realms};
use krb_client::proto::exchange::{ClientSecret, TgsGoal, TicketOptions};
use krb_client::proto::formats::krb5_conf::{Krb5Conf, NoIncludes, ServerAddress, ServerTransport};
use krb_client::proto::iana::{EncType, ErrorCode, KpasswdResult, NameType, TicketFlags};
use krb_client::proto::kdc::{Account, Asked, Compat, Event, Outcome, Realm};
use krb_client::proto::kpasswd::{KpasswdError, PasswordChange, is_request};
use krb_client::proto::{Credential, Name, Principal, Timestamp};
use krb_client::{
    AccountSecret, Armor, Carry, Carrying, Ccaches, Client, ClientConfig, ClientError, Clock,
    Endpoint, KdcSource, OsRandom, Resolver, Transport, files,
};
use tokio::time::{Instant, timeout};

const REALM: &str = "EXAMPLE.TEST";
const PASSWORD: &str = "alice's password 1";
const NEW: &str = "Battery staple 2";

struct Hand(AtomicI64);

impl Hand {
    fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::new(self.0.load(Ordering::SeqCst), 0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst).unsigned_abs())
    }
}

/// A realm in memory, its clock, and what it was asked.
struct World {
    kdc: InMemory,
    clock: Arc<Hand>,
    events: Arc<Mutex<Vec<Event>>>,
}

fn spn(text: &str) -> Name {
    Name::new(NameType::SRV_INST, text.split('/'))
}

fn of(name: &str) -> Principal {
    Principal::new(Name::user(name), REALM)
}

fn secret(password: &str) -> ClientSecret {
    ClientSecret::Password(password.as_bytes().to_vec().into())
}

/// alice, a web server, and a service that may reach it in anybody's name.
fn realm(compat: Compat) -> Realm {
    let web = Account::service("svc-web").password("w").spn("HTTP/web.example.test");
    let mcp = Account::service("svc-mcp").password("m").spn("HTTP/mcp.example.test").set(|mcp| {
        mcp.trusted_to_auth_for_delegation = true;
        mcp.allowed_to_delegate_to = vec!["HTTP/web.example.test".into()];
    });
    let mut realm = Realm::new(REALM, &mut OsRandom).compat(compat);
    #[cfg(feature = "spake")]
    realm.policy.spake.clear();
    realm.with(Account::user("alice").password(PASSWORD)).with(mcp).with(web)
}

impl World {
    fn new() -> Self {
        Self::of(realm(Compat::Strict))
    }

    fn of(realm: Realm) -> Self {
        let clock = Arc::new(Hand(AtomicI64::new(1_800_000_000)));
        let events = Arc::new(Mutex::new(Vec::new()));
        let told = events.clone();
        let realms = Realms::new([realm]).with_clock(clock.clone());
        let realms = realms.observed_by(move |event| told.lock().unwrap().push(event.clone()));
        Self { kdc: InMemory::new(realms), clock, events }
    }

    fn change(&self, change: impl FnOnce(&mut Realm)) {
        self.kdc.realms().realm(REALM, change).unwrap();
    }

    /// With the account's keys.
    fn config(&self, account: &str) -> ClientConfig {
        self.kdc.client_config(account).unwrap()
    }

    fn client(&self, account: &str) -> Client {
        Client::new(self.config(account))
    }

    fn with(&self, account: &str, secret: impl Into<AccountSecret>) -> ClientConfig {
        let mut config = self.config("alice");
        (config.account, config.secret) = (of(account), secret.into());
        config
    }

    /// What was asked since the last time, and what was refused of it.
    fn asked(&self) -> Vec<(Asked, Option<ErrorCode>)> {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        let code = |event: &Event| match &event.outcome {
            Outcome::Refused(refusal) => Some(refusal.code),
            _ => None,
        };
        events.iter().map(|event| (event.asked, code(event))).collect()
    }

    async fn logs_in_with(&self, account: &str, password: &str) -> bool {
        let logged_in = Client::new(self.with(account, secret(password))).tgt().await.is_ok();
        self.asked();
        logged_in
    }
}

const LOGIN: (Asked, Option<ErrorCode>) = (Asked::Login, None);
const ASKS: (Asked, Option<ErrorCode>) = (Asked::Login, Some(ErrorCode::PREAUTH_REQUIRED));
const WRONG: (Asked, Option<ErrorCode>) = (Asked::Login, Some(ErrorCode::PREAUTH_FAILED));

#[tokio::test]
async fn enctypes_are_those_of_krb5_conf_and_rc4_is_one_where_it_is_named() {
    let world = World::of(realm(Compat::Ad2019));
    let rc4 = |account: &mut Account| account.enctypes = Some(vec![EncType::RC4_HMAC]);
    world.change(|realm| {
        realm.insert(Account::user("old").password("o").set(rc4));
    });
    let realms = |libdefaults: &str| {
        let text = format!("[libdefaults]\ndns_lookup_kdc = false\n{libdefaults}\n");
        let conf = Krb5Conf::parse("krb5.conf", text.as_bytes(), &mut NoIncludes).unwrap();
        let no_dns = Resolver::new(&[], HashMap::new()).unwrap();
        world.config("alice").realms.with_conf(conf, no_dns)
    };
    let client = |account: &str, secret: ClientSecret, libdefaults: &str| {
        let mut config = world.with(account, secret);
        config.realms = realms(libdefaults).unwrap();
        Client::new(config)
    };
    let [aes256, aes128] = [EncType::AES256_CTS_HMAC_SHA1_96, EncType::AES128_CTS_HMAC_SHA1_96];
    for (libdefaults, login, ticket) in [
        ("", aes256, aes256),
        ("permitted_enctypes = aes128-cts", aes128, aes128),
        ("default_tkt_enctypes = aes128-cts", aes128, aes256),
        ("default_tgs_enctypes = aes128-cts aes256-cts", aes256, aes128),
        ("permitted_enctypes = aes256-cts\ndefault_tgs_enctypes = aes", aes256, aes256),
    ] {
        let service = client("svc-mcp", secret("m"), libdefaults);
        assert_eq!(service.tgt().await.unwrap().session_key.enctype(), login, "{libdefaults}");
        let web = spn("HTTP/web.example.test");
        let own = service.ticket(&web).await.unwrap();
        let evidence = service.s4u().evidence(&of("alice")).await.unwrap();
        let users = service.s4u().proxy_ticket(&evidence, "", &web).await.unwrap();
        for got in [own, evidence, users] {
            assert_eq!(got.session_key.enctype(), ticket, "{libdefaults}");
        }
        // What somebody names is what they get.
        let options = TicketOptions { enctypes: vec![aes128], ..TicketOptions::default() };
        let named = service.ask(TgsGoal::Service(web), options).await.unwrap();
        assert_eq!(named.session_key.enctype(), aes128);
    }
    let keytab = world.kdc.realms().keytab("old").unwrap();
    for (libdefaults, taken) in [
        ("", false),
        ("allow_rc4 = true", false),
        ("permitted_enctypes = aes rc4", false),
        ("permitted_enctypes = DEFAULT +rc4-hmac\nallow_rc4 = true", true),
        ("permitted_enctypes = rc4\nallow_weak_crypto = true", true),
    ] {
        let by_password = client("old", secret("o"), libdefaults).tgt().await;
        assert_eq!(by_password.is_ok(), taken, "{libdefaults}: {by_password:?}");
        let realms = realms(libdefaults).unwrap();
        let keys = files::danger_client_keys(&keytab, &of("old"), realms.login_enctypes());
        assert_eq!(keys.is_ok(), taken, "{libdefaults}");
        if let Ok(keys) = keys {
            client("old", keys, libdefaults).ticket(&spn("HTTP/web.example.test")).await.unwrap();
        }
    }
    let error = realms("permitted_enctypes = rc4-hmac").err().unwrap().to_string();
    assert!(error.contains("line 3") && error.contains("allow_rc4"), "{error}");
}

#[tokio::test]
async fn no_timestamp_is_sent_to_the_kdcs_of_a_realm_of_which_krb5_conf_says_so() {
    let world = World::new();
    for (disabled, logs_in) in [("false", true), ("true", false)] {
        let text = format!(
            "[libdefaults]\ndns_lookup_kdc = false\n[realms]\nexample.test = {{\n\
             disable_encrypted_timestamp = {disabled}\n}}\n"
        );
        let conf = Krb5Conf::parse("krb5.conf", text.as_bytes(), &mut NoIncludes).unwrap();
        let no_dns = Resolver::new(&[], HashMap::new()).unwrap();
        for secret in [None, Some(secret("m"))] {
            let mut config = world.config("svc-mcp");
            config.secret = secret.map_or(config.secret, Into::into);
            config.realms = config.realms.with_conf(conf.clone(), no_dns.clone()).unwrap();
            let login = Client::new(config).tgt().await;
            assert_eq!(login.is_ok(), logs_in, "{login:?}");
        }
    }
}

#[tokio::test]
async fn a_cold_chain_is_three_round_trips() {
    let world = World::new();
    let chain = [LOGIN, (Asked::S4uSelf, None), (Asked::S4uProxy, None)];
    let delegate = async |client: &Client| {
        let evidence = client.s4u().evidence(&of("alice")).await.unwrap();
        client.s4u().proxy_ticket(&evidence, "", &spn("HTTP/web.example.test")).await.unwrap();
        world.asked()
    };
    assert_eq!(delegate(&world.client("svc-mcp")).await, chain);
    // With a password the KDC says once how it makes the key of it.
    let by_password = Client::new(world.with("svc-mcp", secret("m")));
    assert_eq!(delegate(&by_password).await, [&[ASKS], &chain[..]].concat());
    world.clock.pass(10 * 3600);
    assert_eq!(delegate(&by_password).await, chain);
}

#[tokio::test]
async fn a_salt_that_is_another_by_now_costs_one_try_and_a_wrong_password_no_second_one() {
    let world = World::new();
    let client = Client::new(world.with("alice", secret(PASSWORD)));
    client.tgt().await.unwrap();
    assert_eq!(world.asked(), [ASKS, LOGIN]);
    // The same password, set after the account had been renamed there and back.
    world.change(|realm| {
        let other = Account::user("former").password(PASSWORD);
        realm.insert(other);
        let former = realm.account("former").unwrap().clone();
        realm.remove("former");
        realm.insert(former.renamed("alice"));
    });
    world.clock.pass(10 * 3600);
    client.tgt().await.unwrap();
    assert_eq!(world.asked(), [WRONG, LOGIN]);
    world.clock.pass(10 * 3600);
    client.tgt().await.unwrap();
    assert_eq!(world.asked(), [LOGIN], "which is known from then on");
    // Another password, which has the salt that is known.
    let client = Client::new(world.with("svc-web", secret("w")));
    client.tgt().await.unwrap();
    world.change(|realm| assert!(realm.set_password("svc-web", NEW).is_some()));
    world.clock.pass(10 * 3600);
    world.asked();
    let refused = client.tgt().await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code, ErrorCode::PREAUTH_FAILED);
    assert_eq!(world.asked(), [WRONG], "each try counts towards a lock-out");
}

/// Who has proved a password without showing anything to guess at does so the next time, too.
#[cfg(feature = "spake")]
#[tokio::test]
async fn a_login_by_spake_is_not_followed_by_a_weaker_one() {
    let world = World::new();
    world.change(|realm| {
        realm.policy.spake = krb_client::proto::preauth::spake::SpakeGroup::ALL.into()
    });
    let client = Client::new(world.with("alice", secret(PASSWORD)));
    for _ in 0..2 {
        client.tgt().await.unwrap();
        let more = (Asked::Login, Some(ErrorCode::MORE_PREAUTH_DATA_REQUIRED));
        assert_eq!(world.asked(), [ASKS, more, LOGIN]);
        world.clock.pass(10 * 3600);
    }
}

#[tokio::test]
async fn a_ticket_comes_straight_from_the_as_for_any_server() {
    let world = World::new();
    for account in [world.config("alice"), world.with("alice", secret(PASSWORD))] {
        let client = Client::new(account);
        let options = TicketOptions { lifetime: 300, ..TicketOptions::default() };
        for server in [PasswordChange::service(), spn("HTTP/web.example.test")] {
            let ticket = client.initial(&server, options.clone()).await.unwrap();
            assert_eq!((&ticket.client, &ticket.server.name), (&of("alice"), &server));
            assert!(ticket.flags.contains(TicketFlags::INITIAL));
            assert_eq!(ticket.times.endtime.unix(), 1_800_000_000 + 300);
        }
        let tgt = client.initial(&Name::krbtgt(REALM.as_bytes()), options).await.unwrap();
        assert_eq!(tgt.target_realm(), Some(REALM.as_bytes()));
        let refused = client.initial(&spn("HTTP/nobody"), TicketOptions::default()).await;
        let refused = refused.unwrap_err();
        assert_eq!(refused.refusal().unwrap().code, ErrorCode::S_PRINCIPAL_UNKNOWN);
    }
}

#[tokio::test]
async fn tickets_are_renewed_forwarded_proxied_and_got_for_a_peer_without_keys() {
    let world = World::new();
    let mut config = world.config("alice");
    config.login = TicketOptions {
        lifetime: 3600,
        renewable: Some(7200),
        proxiable: true,
        ..TicketOptions::default()
    };
    let alice = Client::new(config);
    let tgt = alice.tgt().await.unwrap();
    world.clock.pass(1800);
    let renewed = alice.renew(&tgt).await.unwrap();
    assert_eq!(renewed.times.endtime.unix(), 1_800_000_000 + 1800 + 3600);
    assert_eq!(renewed.times.renew_till, tgt.times.renew_till);

    let there = std::net::IpAddr::from([192, 0, 2, 7]);
    let options = TicketOptions { addresses: vec![there.into()], ..TicketOptions::default() };
    let forwarded = alice.forward(options.clone()).await.unwrap();
    assert!(forwarded.flags.contains(TicketFlags::FORWARDED), "{}", forwarded.flags);
    assert_eq!(forwarded.target_realm(), Some(REALM.as_bytes()));
    let web = spn("HTTP/web.example.test");
    let proxied = alice.proxy(&web, options).await.unwrap();
    assert!(proxied.flags.contains(TicketFlags::PROXY), "{}", proxied.flags);
    world.asked();

    // To bob, who has no keytab at hand, with the ticket that he showed.
    let peers = world.client("svc-web").tgt().await.unwrap();
    let ticket = alice.user_to_user(&Name::user("svc-web"), &peers.ticket).await.unwrap();
    assert_eq!(world.asked(), [LOGIN, (Asked::UserToUser, None)]);
    let opened =
        krb_client::proto::exchange::opens(&ticket.ticket, |_, _| [peers.session_key.clone()]);
    assert!(opened, "it is sealed with the session key of his");
    let refused = alice.ask(TgsGoal::Validate, TicketOptions::default()).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code, ErrorCode::BADOPTION);
}

#[tokio::test]
async fn a_ticket_is_all_that_a_client_needs_until_it_ends() {
    let world = World::new();
    let mut config = world.config("alice");
    config.login =
        TicketOptions { lifetime: 3600, renewable: Some(7200), ..TicketOptions::default() };
    let tgt = Client::new(config).tgt().await.unwrap();
    world.asked();
    let heir = Client::new(world.with("alice", AccountSecret::ticket(tgt)));
    let web = spn("HTTP/web.example.test");
    heir.ticket(&web).await.unwrap();
    assert_eq!(world.asked(), [(Asked::Service, None)], "nobody logged in");
    world.clock.pass(3600 - 50);
    assert_eq!(heir.tgt().await.unwrap().times.endtime.unix(), 1_800_000_000 + 3550 + 3600);
    assert_eq!(world.asked(), [(Asked::Renewal, None)], "before it ends");
    heir.ticket(&web).await.unwrap();
    assert_eq!(world.asked(), [(Asked::Service, None)]);
    world.clock.pass(7200);
    let ended = heir.ticket(&web).await.unwrap_err();
    let ClientError::Login(ended) = ended else { panic!("{ended}") };
    assert!(matches!(*ended, ClientError::TicketEnded { .. }), "{ended}");
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn armor_comes_from_another_accounts_login_or_from_a_cache_and_is_renewed() {
    let world = World::new();
    let host = world.client("svc-web");
    let mut config = world.with("alice", secret(PASSWORD));
    config.armor = Some(Armor::Client(host.clone()));
    let alice = Client::new(config.clone());
    alice.tgt().await.unwrap();
    // Of the login it knows the client, since it opens the armor.
    assert_eq!(world.asked(), [LOGIN, ASKS, LOGIN]);
    world.clock.pass(10 * 3600);
    alice.tgt().await.unwrap();
    assert_eq!(world.asked(), [LOGIN, LOGIN], "the armor had ended, too");
    alice.ticket(&spn("HTTP/web.example.test")).await.unwrap();
    world.asked();

    let cache = Ccaches::new("MEMORY:armor").default_cache().await.unwrap();
    config.armor = Some(Armor::Ccache(cache.clone()));
    let alice = Client::new(config);
    let missing = alice.tgt().await.unwrap_err();
    assert!(matches!(missing, ClientError::Armor(_)), "{missing}");
    let tgt = host.tgt().await.unwrap();
    cache.initialize_with(&tgt.client, &[&tgt]).await.unwrap();
    alice.tgt().await.unwrap();
    // A ticket that has ended armors nothing, and what is not armored is not sent.
    world.clock.pass(11 * 3600);
    let mut config = world.with("alice", secret(PASSWORD));
    config.armor = Some(tgt.into());
    world.asked();
    Client::new(config).tgt().await.unwrap_err();
    assert!(world.asked().iter().all(|(_, refused)| refused.is_some()));
}

#[tokio::test]
async fn an_enterprise_name_is_answered_with_the_accounts_own() {
    let world = World::of(
        realm(Compat::Strict)
            .with(Account::user("bob").password("bob's").upn("robert@corp.example")),
    );
    let mut config = world.with("bob", secret("bob's"));
    config.account.name = Name::enterprise("robert@corp.example");
    let client = Client::new(config);
    assert_eq!(client.tgt().await.unwrap().client, of("bob"));
    assert_eq!(client.ticket(&spn("HTTP/web.example.test")).await.unwrap().client, of("bob"));
}

#[tokio::test]
async fn a_certificate_leads_to_its_user_alone() {
    let world = World::of(
        realm(Compat::Strict).with(Account::user("bob").password("b").certificate(b"bob's")),
    );
    let s4u = world.client("svc-mcp").s4u();
    for realm in [Some(REALM.as_bytes()), None] {
        let evidence = s4u.evidence_by_certificate(b"bob's", realm).await.unwrap();
        assert_eq!(evidence.client, of("bob"));
        let web = spn("HTTP/web.example.test");
        assert_eq!(s4u.proxy_ticket(&evidence, "", &web).await.unwrap().client, of("bob"));
    }
    let asked = world.asked();
    let count = |what| asked.iter().filter(|event| **event == (what, None)).count();
    assert_eq!([Asked::S4uSelf, Asked::S4uProxy].map(count), [2, 2], "nothing of it is kept");
    for realm in [Some(REALM.as_bytes()), None] {
        let unknown = s4u.evidence_by_certificate(b"nobody's", realm).await.unwrap_err();
        assert_eq!(unknown.refusal().unwrap().code, ErrorCode::C_PRINCIPAL_UNKNOWN);
    }
}

// Passwords.

fn kept(error: &ClientError) -> KpasswdResult {
    match error {
        ClientError::Kpasswd(KpasswdError::Refused(refusal)) if refusal.authenticated => {
            refusal.result
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_password_is_changed_and_known_from_then_on() {
    let world = World::new();
    let alice = Client::new(world.with("alice", secret(PASSWORD)));
    assert_eq!(kept(&alice.change_password("short").await.unwrap_err()), KpasswdResult::SOFT_ERROR);
    world.asked();
    alice.change_password(NEW).await.unwrap();
    assert_eq!(world.asked(), [LOGIN, (Asked::PasswordChange, None)]);
    assert!(world.logs_in_with("alice", NEW).await);
    assert!(!world.logs_in_with("alice", PASSWORD).await);
    alice.tgt().await.unwrap();
    assert_eq!(world.asked(), [ASKS, LOGIN], "with the new one, and no key of the old one");
}

#[tokio::test]
async fn an_expired_password_can_be_changed_and_another_accounts_by_who_may() {
    let world = World::of(realm(Compat::Strict).with(
        Account::user("helpdesk").password("h").set(|account| account.may_reset_passwords = true),
    ));
    world.change(|realm| realm.account_mut("alice").unwrap().must_change_password = true);
    let alice = Client::new(world.with("alice", secret(PASSWORD)));
    let refused = alice.tgt().await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code, ErrorCode::KEY_EXPIRED);
    alice.change_password(NEW).await.unwrap();
    alice.tgt().await.unwrap();

    let helpdesk = world.client("helpdesk");
    helpdesk.set_password(&of("alice"), "Something else 3").await.unwrap();
    assert!(world.logs_in_with("alice", "Something else 3").await);
    let denied = world.client("svc-web").set_password(&of("alice"), NEW).await.unwrap_err();
    assert_eq!(kept(&denied), KpasswdResult::ACCESS_DENIED);
}

/// Server 2025 changes the password and answers with a KRB-ERROR of result 0, which nobody vouches for
/// (SSSD #7751, msktutil #228).
#[tokio::test]
async fn a_change_that_nobody_vouches_for_is_proved_by_a_login() {
    let world = World::of(realm(Compat::Ad2025));
    let alice = Client::new(world.with("alice", secret(PASSWORD)));
    alice.change_password(NEW).await.unwrap();
    let asked = world.asked();
    assert_eq!(asked[asked.len() - 2..], [ASKS, LOGIN], "which took the new one: {asked:?}");
    assert!(world.logs_in_with("alice", NEW).await);
}

/// Changes passwords, or does not, and in no case is heard.
#[derive(Clone)]
struct Unheard {
    kdc: InMemory,
    passes_on: bool,
    error: ErrorKind,
    sent: Arc<AtomicUsize>,
}

impl Carry for Unheard {
    fn carry(&self, kdc: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        if !is_request(&message) {
            return self.kdc.carry(kdc, message, until);
        }
        self.sent.fetch_add(1, Ordering::SeqCst);
        let passed_on = self.passes_on.then(|| self.kdc.carry(kdc, message, until));
        Box::pin(async move {
            if let Some(passed_on) = passed_on {
                passed_on.await?;
            }
            Err(self.error.into())
        })
    }
}

#[tokio::test]
async fn what_became_of_a_change_that_nobody_answered_is_found_out() {
    for (passes_on, error) in [
        (true, ErrorKind::TimedOut),
        (false, ErrorKind::TimedOut),
        (true, ErrorKind::ConnectionReset),
        (false, ErrorKind::ConnectionRefused),
    ] {
        let world = World::new();
        let mut config = world.with("alice", secret(PASSWORD));
        let sent = Arc::new(AtomicUsize::new(0));
        let kdc = world.kdc.clone();
        config.transport = Arc::new(Unheard { kdc, passes_on, error, sent: sent.clone() });
        let two = [([10, 0, 0, 1], 464), ([10, 0, 0, 2], 464)].map(SocketAddr::from);
        config.realms = config.realms.with_kpasswd(REALM, KdcSource::Addresses(two.to_vec()));
        let outcome = Client::new(config).change_password(NEW).await;
        match (passes_on, outcome) {
            (true, Ok(())) => {}
            (false, Err(ClientError::PasswordUnknown { kept: true, reply, .. })) => {
                assert!(reply.contains("did not answer"), "{reply}");
            }
            (false, Err(ClientError::Unreachable(nobody))) => assert_eq!(nobody.tried.len(), 2),
            (_, other) => panic!("{passes_on} {error}: {other:?}"),
        }
        // Another server is asked only where nothing of the request can have been read.
        let expected = if error == ErrorKind::ConnectionRefused { 2 } else { 1 };
        assert_eq!(sent.load(Ordering::SeqCst), expected, "{error}");
        assert_eq!(world.logs_in_with("alice", NEW).await, passes_on);
    }
}

/// Takes no connections, and answers nobody who wants one: its queue is full.
async fn mute() -> (SocketAddr, tokio::net::TcpListener, Vec<tokio::net::TcpStream>) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let (address, mut queued) = (listener.local_addr().unwrap(), Vec::new());
    let connect = || timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address));
    while let Ok(stream) = connect().await {
        queued.push(stream.unwrap());
    }
    (address, listener, queued)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_server_that_is_down_does_not_use_up_the_time_of_the_next() {
    let kdc = DevKdc::start(realm(Compat::Strict), Bind::loopback()).await.unwrap();
    let (down, _listener, _queued) = mute().await;
    let client = |servers: KdcSource| {
        let mut config = kdc.client_config("alice").unwrap();
        config.secret = secret(PASSWORD).into();
        config.timeout = Duration::from_secs(10);
        config.realms = config.realms.with_kpasswd(REALM, servers);
        Client::new(config)
    };
    // Nothing was sent, so no login with the new one is tried: it would be one with a wrong password.
    let alice = client(KdcSource::Addresses(vec![down]));
    let error = alice.change_password(NEW).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Unreachable(nobody) if nobody.tried.len() == 1),
        "{error}"
    );
    let alice = client(KdcSource::Addresses(vec![down, kdc.addresses().kpasswd]));
    alice.change_password(NEW).await.unwrap();
    kdc.stop().await;
}

#[tokio::test(start_paused = true)]
async fn names_of_password_servers_that_dns_is_silent_about_are_given_up() {
    let world = World::new();
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let fixed = HashMap::from([("here".to_owned(), vec![[10, 0, 0, 1].into()])]);
    let resolver = Resolver::new(&[silent.local_addr().unwrap()], fixed).unwrap();
    let host = |host: &str| ServerAddress {
        host: host.to_owned(),
        port: 464,
        transport: ServerTransport::Direct,
    };
    let change = async |servers: KdcSource| {
        let mut config = world.with("alice", secret(PASSWORD));
        config.timeout = Duration::from_secs(1);
        config.realms = config.realms.with_kpasswd(REALM, servers);
        let change = async { Client::new(config).change_password(NEW).await };
        timeout(Duration::from_secs(4), change).await.unwrap()
    };
    let error = change(KdcSource::DnsSrv(resolver.clone())).await.unwrap_err();
    assert!(error.to_string().contains("in time"), "{error}");
    let many: Vec<_> = (0..200).map(|number| host(&format!("h{number}.test"))).collect();
    let error = change(KdcSource::Hosts(many, resolver.clone())).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Unreachable(nobody) if nobody.tried.is_empty()),
        "{error}"
    );
    assert!(!world.asked().contains(&WRONG), "no login with the new one");
    change(KdcSource::Hosts(vec![host("absent.test"), host("here")], resolver)).await.unwrap();
}

/// As if each password server were listed for UDP alone.
struct ByDatagram(Transport);

impl Carry for ByDatagram {
    fn carry(&self, to: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        let to = if is_request(&message) { Endpoint::Udp(to.address().unwrap()) } else { to };
        self.0.carry(to, message, until)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_over_tcp_and_over_udp() {
    let kdc = DevKdc::start(realm(Compat::Strict), Bind::loopback()).await.unwrap();
    let mut before = PASSWORD.to_owned();
    let transports: [(Arc<dyn Carry>, _); 3] = [
        (Arc::new(Transport::tcp()), NEW),
        (Arc::new(Transport::udp_up_to(1465)), "Something else 3"),
        (Arc::new(ByDatagram(Transport::udp_up_to(1465))), "Something else 4"),
    ];
    for (transport, new) in transports {
        let mut config = kdc.client_config("alice").unwrap();
        config.secret = secret(&before).into();
        config.transport = transport;
        let servers = KdcSource::Addresses(vec![kdc.addresses().kpasswd]);
        config.realms = config.realms.with_kpasswd(REALM, servers);
        let alice = Client::new(config);
        alice.change_password(new).await.unwrap();
        alice.tgt().await.unwrap();
        before = new.to_owned();
    }
    kdc.stop().await;
}

// Many.

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_calls_for_a_hundred_users_ask_for_what_they_need_and_no_more() {
    let mut realm = realm(Compat::Strict);
    for number in 0..100 {
        realm = realm.with(Account::user(&format!("user{number}")).password("p"));
    }
    let world = Arc::new(World::of(realm));
    let client = world.client("svc-mcp");
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..1000 {
        let s4u = client.s4u();
        tasks.spawn(async move {
            let user = of(&format!("user{}", number % 100));
            let evidence = s4u.evidence(&user).await.unwrap();
            let web = spn("HTTP/web.example.test");
            let ticket = s4u.proxy_ticket(&evidence, "", &web).await.unwrap();
            (user, Credential::clone(&ticket).client)
        });
    }
    for (user, client) in tasks.join_all().await {
        assert_eq!(user, client);
    }
    let asked = world.asked();
    let count = |what| asked.iter().filter(|event| **event == (what, None)).count();
    let counts = [Asked::Login, Asked::S4uSelf, Asked::S4uProxy].map(count);
    assert_eq!((counts, asked.len()), ([1, 100, 100], 201));
}
