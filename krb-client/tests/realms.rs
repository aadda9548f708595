//! Users and services of other realms: the client against embedded KDCs in memory, each realm's at an
//! address of its own. Who a ticket names is asked of the service that it is for.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use krb_client::dev_kdc::{InMemory, Realms};
use krb_client::proto::crypto::{Key, SUPPORTED};
use krb_client::proto::exchange::{
    ClientSecret, ExchangeError, OpenedTicket, TgsGoal, TicketOptions, open_ticket,
};
use krb_client::proto::formats::krb5_conf::{Krb5Conf, NoIncludes};
use krb_client::proto::iana::{ErrorCode, NameType, NtStatus, TicketFlags};
use krb_client::proto::kdc::{Account, Realm, Trust, Trustee};
use krb_client::proto::pac::{Pac, Sid};
use krb_client::proto::{Credential, Name, Principal};
use krb_client::remedy::{Names, Step, of_error};
use krb_client::{
    Carry, Carrying, Client, ClientConfig, ClientError, Endpoint, KdcSource, OsRandom, Resolver,
};
use tokio::time::Instant;

const HOME: &str = "HOME.TEST";
const MIDDLE: &str = "MIDDLE.TEST";
const AWAY: &str = "AWAY.TEST";
const REALMS: [&str; 3] = [HOME, MIDDLE, AWAY];

const WEB: &str = "HTTP/web.home.test";
const FILES: &str = "cifs/files.away.test";
/// A service away whose name says nothing of its realm.
const ODD: &str = "HTTP/odd.example.net";

/// Where a realm's KDC is.
fn address(realm: &str) -> SocketAddr {
    let number = REALMS.iter().position(|known| *known == realm).unwrap();
    ([10, 0, 0, number as u8], 88).into()
}

/// Carries to the realms, and knows which one was asked at which address.
#[derive(Clone)]
struct Wire {
    kdcs: InMemory,
    asked: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Carry for Wire {
    fn carry(&self, kdc: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).extend(kdc.address());
        self.kdcs.carry(kdc, message, until)
    }
}

struct World {
    realms: Realms,
    wire: Wire,
    client: Client,
}

fn keyed(account: Account) -> Account {
    account.random_keys(&SUPPORTED[..1], &mut OsRandom).unwrap()
}

fn spn(text: &str) -> Name {
    Name::new(NameType::SRV_INST, text.split('/'))
}

fn of(user: &str, realm: &str) -> Principal {
    Principal::new(Name::user(user), realm)
}

impl World {
    /// Our service at home, which may delegate to the web server there; users and a file server away,
    /// which lets our service act for others. `between`: there is a realm between the two.
    fn new(between: bool) -> Self {
        Self::told(between, "away.test")
    }

    /// The same, where the KDC at home was told that this domain is behind the one between.
    fn told(between: bool, behind: &str) -> Self {
        let [home, middle, away] = REALMS.map(|name| Realm::new(name, &mut OsRandom));
        let sids = [&home, &middle, &away].map(|realm| realm.domain_sid().clone());
        let to = |realm: usize, behind: &str| {
            let trust = Trust::new(REALMS[realm]).password("between us");
            // Through a realm between come users of others.
            let trust = if between { trust } else { trust.domain_sid(sids[realm].clone()) };
            trust.domain(behind).set(|trust| trust.transitive = true)
        };
        let home = home
            .with(Account::user("alice").password("alice at home"))
            .with(Account::user("carol").password("carol at home"))
            .with(keyed(Account::service("svc-mcp").spn("HTTP/mcp.home.test").set(|account| {
                account.trusted_to_auth_for_delegation = true;
                account.allowed_to_delegate_to = vec![WEB.into()];
            })));
        let home = home.with(keyed(Account::computer("WEB$").spn(WEB)));
        let service = home.sid(home.account("svc-mcp").unwrap()).unwrap();
        let files = Account::computer("FILES$").spn(FILES).spn(ODD);
        let files = files.set(|account| account.allowed_to_act = vec![Trustee::Sid(service)]);
        let away = away
            .with(keyed(files))
            .with(Account::user("alice").password("alice away"))
            .with(Account::user("bob").password("bob away"));
        let realms = if between {
            let middle = middle.with(to(0, "home.test")).with(to(2, "away.test"));
            vec![home.with(to(1, behind)), middle, away.with(to(1, "home.test"))]
        } else {
            vec![home.with(to(2, "away.test")), away.with(to(0, "home.test"))]
        };
        Self::of(Realms::new(realms), if between { &[MIDDLE, AWAY] } else { &[AWAY] })
    }

    fn of(realms: Realms, others: &[&str]) -> Self {
        let wire = Wire { kdcs: InMemory::new(realms.clone()), asked: Arc::default() };
        let keytab = realms.keytab("svc-mcp").unwrap();
        let service = of("svc-mcp", HOME);
        let keys = krb_client::files::client_keys(&keytab, &service).unwrap();
        let kdcs = |realm: &str| KdcSource::Addresses(vec![address(realm)]);
        let named = others.iter().chain(&[HOME]);
        let named = named.map(|realm| (realm.as_bytes().to_vec(), kdcs(realm)));
        let named = krb_client::Realms::from(named);
        let no_dns = Resolver::new(&[], Default::default()).unwrap();
        let conf = if others.contains(&MIDDLE) { CONF } else { NO_DNS };
        let conf = Krb5Conf::parse("krb5.conf", conf.as_bytes(), &mut NoIncludes).unwrap();
        let mut config =
            ClientConfig::in_realms(service, keys, named.with_conf(conf, no_dns).unwrap());
        config.transport = Arc::new(wire.clone());
        Self { realms, wire, client: Client::new(config) }
    }

    /// The realms that were asked since the last time.
    fn asked(&self) -> Vec<&'static str> {
        let asked = std::mem::take(&mut *self.wire.asked.lock().unwrap());
        let realm = |at: SocketAddr| REALMS.into_iter().find(|realm| address(realm) == at);
        asked.into_iter().map(|at| realm(at).unwrap()).collect()
    }

    /// What the ticket's service finds in it, with its own key.
    fn open(&self, ticket: &Credential, service: &str) -> (OpenedTicket, Key) {
        let keytab = self.realms.keytab(service).unwrap();
        let keys: Vec<_> = keytab.entries.iter().filter_map(|entry| entry.key().ok()).collect();
        open_ticket(ticket, |_, _| keys).unwrap()
    }

    /// Whom the ticket's service sees: the account's SID.
    fn seen(&self, ticket: &Credential, service: &str) -> Sid {
        let (opened, key) = self.open(ticket, service);
        let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
        pac.logon_info().unwrap().user_sid().unwrap()
    }

    fn sid(&self, user: &str, realm: &str) -> Sid {
        let sid = self.realms.realm(realm, |realm| realm.sid(realm.account(user)?));
        sid.flatten().unwrap()
    }
}

#[tokio::test]
async fn a_user_of_another_realm_and_a_target_in_another() {
    let world = World::new(false);
    let alice = of("alice", AWAY);
    let evidence = world.client.s4u().evidence(&alice).await.unwrap();
    // Our login, a ticket to there, S4U2Self there and at home.
    assert_eq!(world.asked(), [HOME, HOME, AWAY, HOME]);
    assert_eq!(evidence.client, alice);
    let sid = world.sid("alice", AWAY);
    assert_eq!(world.seen(&evidence, "svc-mcp"), sid);
    assert_ne!(sid, world.sid("alice", HOME), "there is another of that name at home");

    // At home, by our list.
    let sid_text = sid.to_string();
    let web = world.client.s4u().proxy_ticket(&evidence, &sid_text, &spn(WEB)).await.unwrap();
    assert_eq!(world.asked(), [HOME]);
    assert_eq!((web.client.clone(), &web.server.realm[..]), (alice.clone(), HOME.as_bytes()));
    assert_eq!(world.seen(&web, "WEB$"), sid);
    // A user of ours away, because the target lets us.
    let alice = of("alice", HOME);
    let evidence = world.client.s4u().evidence(&alice).await.unwrap();
    assert_eq!(world.asked(), [HOME]);
    let sid = world.seen(&evidence, "svc-mcp");
    assert_eq!(sid, world.sid("alice", HOME));
    let files =
        world.client.s4u().proxy_ticket(&evidence, &sid.to_string(), &spn(FILES)).await.unwrap();
    assert_eq!(world.asked(), [HOME, HOME, AWAY]);
    assert_eq!((files.client.clone(), &files.server.realm[..]), (alice, AWAY.as_bytes()));
    assert_eq!(world.seen(&files, "FILES$@AWAY.TEST"), sid);
}

const NO_DNS: &str = "
[libdefaults]
    dns_lookup_kdc = false
";

const CONF: &str = "
[libdefaults]
    dns_lookup_kdc = false
[domain_realm]
    odd.example.net = AWAY.TEST
[capaths]
    HOME.TEST = {
        AWAY.TEST = MIDDLE.TEST
    }
";

#[tokio::test]
async fn a_service_is_asked_for_in_the_realm_that_is_named_and_in_no_other() {
    let world = World::new(false);
    let options = TicketOptions::default;
    let service = |name: &Name| TgsGoal::Service(name.clone());
    let at_home = world.client.ask(service(&Name::krbtgt(AWAY.as_bytes())), options()).await;
    assert_eq!(at_home.unwrap().server.realm, HOME.as_bytes(), "the way there");
    let there = world.client.ask_in(AWAY.as_bytes(), service(&spn(ODD)), options()).await.unwrap();
    assert_eq!(there.server, Principal::new(spn(ODD), AWAY), "its name says nothing of its realm");
    // What has one name in both is the other one's. (This KDC gives it to its own clients alone.)
    let name = Name::krbtgt(AWAY.as_bytes());
    let theirs = world.client.ask_in(AWAY.as_bytes(), service(&name), options()).await.unwrap_err();
    assert_eq!(theirs.refusal().unwrap().code, ErrorCode::POLICY);
    let here = world.client.ask_in(HOME.as_bytes(), service(&spn(WEB)), options()).await.unwrap();
    assert_eq!(here.server, Principal::new(spn(WEB), HOME));
    // A service of ours is none of theirs, nor of nobody's.
    let back = world.client.ask_in(AWAY.as_bytes(), service(&spn(WEB)), options()).await;
    assert!(matches!(back, Err(ClientError::Exchange(ExchangeError::Referral(_)))), "{back:?}");
    let nowhere = world.client.ask_in(b"NOWHERE", service(&spn(WEB)), options()).await.unwrap_err();
    assert_eq!(nowhere.refusal().unwrap().no_way_to.as_deref(), Some(&b"NOWHERE"[..]));
}

#[tokio::test]
async fn a_realm_that_nobody_knows_is_not_laid_to_the_service_account() {
    let world = World::new(false);
    let names = Names { account: "svc-mcp", user: "bob", target: WEB };
    let told = async |user: &Principal| {
        let error = world.client.s4u().evidence(user).await.unwrap_err();
        (error.to_string(), of_error(Step::S4uSelf, &error, &names).unwrap().to_string())
    };
    let (error, remedy) = told(&of("bob", "NOWHERE")).await;
    assert!(error.contains("no way to realm \"NOWHERE\""), "{error}");
    assert!(remedy.contains("no way to the realm") && !remedy.contains("SPN"), "{remedy}");
    // Of a user of ours nothing of the kind is said.
    let (error, _) = told(&of("nobody", HOME)).await;
    assert!(!error.contains("no way"), "{error}");
}

#[tokio::test]
async fn krb5_conf_shows_the_way_where_no_kdc_does() {
    let world = World::new(true);
    let ticket = world.client.ticket(&spn(ODD)).await.unwrap();
    assert_eq!(world.asked(), [HOME, HOME, MIDDLE, AWAY]);
    assert_eq!(
        (ticket.client.clone(), &ticket.server.realm[..]),
        (of("svc-mcp", HOME), AWAY.as_bytes())
    );
    let (opened, _) = world.open(&ticket, "FILES$@AWAY.TEST");
    assert_eq!(opened.client, of("svc-mcp", HOME));
    // Of another such host nothing is said.
    let error = world.client.ticket(&spn("HTTP/other.example.net")).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, ErrorCode::S_PRINCIPAL_UNKNOWN);
    // A way without a realm in between is not gone: home shares no keys with there.
    assert_eq!(world.asked(), [HOME]);
}

#[tokio::test]
async fn krb5_conf_shows_the_way_to_a_users_realm_as_well() {
    // Asked for the realm away, the KDC at home knows no way.
    let world = World::told(true, "elsewhere.test");
    let bob = of("bob", AWAY);
    let evidence = world.client.s4u().evidence(&bob).await.unwrap();
    assert_eq!(world.asked(), [HOME, HOME, MIDDLE, AWAY, MIDDLE, HOME]);
    assert_eq!(world.open(&evidence, "svc-mcp").0.client, bob);
}

#[tokio::test]
async fn a_certificate_is_asked_for_in_its_users_realm_and_is_a_name_from_there_on() {
    let World { realms, .. } = World::new(false);
    realms.realm(AWAY, |away| {
        let bob = away.account("bob").unwrap().clone();
        away.remove("bob");
        away.insert(bob.certificate(b"bob's"));
    });
    let world = World::of(realms, &[AWAY]);
    let s4u = world.client.s4u();
    let evidence = s4u.evidence_by_certificate(b"bob's", Some(AWAY.as_bytes())).await.unwrap();
    assert_eq!(world.asked(), [HOME, HOME, AWAY, HOME]);
    assert_eq!(evidence.client, of("bob", AWAY));
    let sid = world.sid("bob", AWAY);
    assert_eq!(world.seen(&evidence, "svc-mcp"), sid);
    let web = s4u.proxy_ticket(&evidence, &sid.to_string(), &spn(WEB)).await.unwrap();
    assert_eq!(world.seen(&web, "WEB$"), sid);
}

#[tokio::test]
async fn a_realm_between_is_gone_through_there_and_back() {
    let world = World::new(true);
    let bob = of("bob", AWAY);
    let evidence = world.client.s4u().evidence(&bob).await.unwrap();
    assert_eq!(world.asked(), [HOME, HOME, MIDDLE, AWAY, MIDDLE, HOME]);
    // No SID: our realm cannot tell those of a further one from a lie.
    assert_eq!(world.open(&evidence, "svc-mcp").0.client, bob);
    let web = world.client.s4u().proxy_ticket(&evidence, "none", &spn(WEB)).await.unwrap();
    assert_eq!(world.open(&web, "WEB$").0.client, bob);
    // Where nobody is trusted to speak for a further realm, the way ends.
    world.realms.realm(HOME, |home| home.trust_mut(MIDDLE).unwrap().transitive = false);
    let refused = world.client.s4u().evidence(&of("alice", AWAY)).await.unwrap_err();
    assert!(refused.refusal().is_some(), "{refused}");
}

#[tokio::test]
async fn each_right_that_a_way_hangs_on_is_looked_at() {
    let world = World::new(false);
    let evidence = world.client.s4u().evidence(&of("alice", HOME)).await.unwrap();
    let sid = world.sid("alice", HOME).to_string();
    // The target no longer lets us.
    world.realms.realm(AWAY, |away| away.account_mut("FILES$").unwrap().allowed_to_act.clear());
    let refused = world.client.s4u().proxy_ticket(&evidence, &sid, &spn(FILES)).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().nt_status, Some(NtStatus::NOT_FOUND));
    // A user who must not be delegated gives evidence that is good for nothing.
    world.realms.realm(AWAY, |away| away.account_mut("alice").unwrap().not_delegated = true);
    let sensitive = world.client.s4u().evidence(&of("alice", AWAY)).await.unwrap();
    assert!(!sensitive.flags.contains(TicketFlags::FORWARDABLE));
    let refused =
        world.client.s4u().proxy_ticket(&sensitive, "S-1-5-21", &spn(WEB)).await.unwrap_err();
    assert!(refused.refusal().is_some(), "{refused}");
    // Nobody of that name there, though there is one here.
    let unknown = world.client.s4u().evidence(&of("svc-mcp", AWAY)).await.unwrap_err();
    assert!(unknown.refusal().is_some(), "{unknown}");
}

/// A plain ticket to another realm and one in a user's name are alike but for who is in them.
#[tokio::test]
async fn what_is_got_for_one_user_serves_no_other() {
    let world = Arc::new(World::new(false));
    let users = [("alice", AWAY), ("bob", AWAY), ("alice", HOME), ("carol", HOME)];
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..30 {
        let (user, realm) = users[round % users.len()];
        let world = world.clone();
        tasks.spawn(async move {
            let evidence = world.client.s4u().evidence(&of(user, realm)).await.unwrap();
            let sid = world.sid(user, realm);
            assert_eq!(world.seen(&evidence, "svc-mcp"), sid);
            let (target, service) =
                if realm == HOME { (FILES, "FILES$@AWAY.TEST") } else { (WEB, "WEB$") };
            let asked = sid.to_string();
            let ticket =
                world.client.s4u().proxy_ticket(&evidence, &asked, &spn(target)).await.unwrap();
            assert_eq!(world.seen(&ticket, service), sid);
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
}

#[tokio::test]
async fn only_realms_that_were_named_are_gone_to() {
    let World { realms, .. } = World::new(false);
    let world = World::of(realms, &[]);
    let unreachable = world.client.s4u().evidence(&of("bob", AWAY)).await.unwrap_err();
    assert!(
        matches!(&unreachable, ClientError::Unreachable(it) if it.realm == AWAY),
        "{unreachable}"
    );
    let ours = world.client.s4u().evidence(&of("alice", HOME)).await.unwrap();
    let sid = world.sid("alice", HOME).to_string();
    let refused = world.client.s4u().proxy_ticket(&ours, &sid, &spn(FILES)).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Unreachable(it) if it.realm == AWAY), "{refused}");
    assert!(world.asked().iter().all(|realm| *realm == HOME), "nobody else was asked");
}

#[tokio::test]
async fn the_realm_of_a_user_is_found_by_the_suffix() {
    let world = World::new(false);
    let realm = async |name: &str| world.client.s4u().user_realm(&Name::enterprise(name)).await;
    assert_eq!(realm("bob@away.test").await.unwrap(), AWAY.as_bytes());
    assert_eq!(world.asked(), [HOME, AWAY]);
    assert_eq!(realm("alice@home.test").await.unwrap(), HOME.as_bytes());
    let unknown = realm("mallory@away.test").await.unwrap_err();
    assert!(unknown.refusal().is_some(), "{unknown}");
    // And a login goes there by itself.
    let kdcs = |realm: &str| KdcSource::Addresses(vec![address(realm)]);
    let bob = Principal::new(Name::enterprise("bob@away.test"), HOME);
    let secret = ClientSecret::Password(b"bob away".to_vec().into());
    let mut config = ClientConfig::new(bob, secret, kdcs(HOME));
    config.realms = config.realms.with(AWAY, kdcs(AWAY));
    config.transport = Arc::new(world.wire.clone());
    world.asked();
    let bob = Client::new(config);
    assert_eq!(bob.tgt().await.unwrap().client, of("bob", AWAY));
    let asked = world.asked();
    assert!(asked[0] == HOME && asked[1..].iter().all(|realm| *realm == AWAY), "{asked:?}");
    assert_eq!(bob.ticket(&spn(FILES)).await.unwrap().client, of("bob", AWAY));
    assert_eq!(world.asked(), [AWAY]);
    // KDCs that send from one to the other.
    world.realms.realm(AWAY, |away| {
        let trust = away.trust_mut(HOME).unwrap();
        *trust = trust.clone().domain("away.test");
    });
    let lost = realm("mallory@away.test").await;
    assert!(matches!(
        lost,
        Err(ClientError::Exchange(ExchangeError::Referral(_) | ExchangeError::Refused(_)))
    ));
    let lost = Principal::new(Name::enterprise("mallory@away.test"), HOME);
    let secret = ClientSecret::Password(b"any".to_vec().into());
    let mut config = ClientConfig::new(lost, secret, kdcs(HOME));
    config.realms = config.realms.with(AWAY, kdcs(AWAY));
    config.transport = Arc::new(world.wire.clone());
    let lost = Client::new(config).tgt().await.unwrap_err();
    assert!(matches!(lost, ClientError::Exchange(ExchangeError::Referral(_))), "{lost}");
}
