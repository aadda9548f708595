//! The service's side: who comes with a ticket of the embedded KDC, and who is not let in.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

mod in_common;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use krb_client::accept::{
    Accepted, Acceptor, AcceptorConfig, Caller, Negotiation, NotAccepted, Refusal, ServiceKeys,
    Step,
};
use krb_client::dev_kdc::{InMemory, Realms};
use krb_client::proto::ap::{ApReqOptions, ApRequest};
use krb_client::proto::asn1::KrbError;
use krb_client::proto::credential::TicketTimes;
use krb_client::proto::der::{self, Encoded, List};
use krb_client::proto::formats::Keytab;
use krb_client::proto::formats::krb5_conf::{Krb5Conf, NoIncludes};
use krb_client::proto::gss::{
    ChannelBindings, ChannelPolicy, GssError, Initiator, InitiatorOptions, Oid, Protection,
    TgtRequest, ticket_of_tgt_reply,
};
use krb_client::proto::iana::{ApOptions, EncType, ErrorCode, KeyUsage, NameType, TicketFlags};
use krb_client::proto::kdc::{Account, NewTicket, Realm, TicketKeys};
use krb_client::proto::pac::{ClientInfo, LogonInfo, PacBuilder};
use krb_client::proto::spnego::{NegState, NegTokenInit, NegTokenResp, SpnegoInitiator};
use krb_client::proto::{Context, Credential, KerberosTime, Name, Principal, Timestamp};
use krb_client::{AccountSecret, Carry, Carrying, Client, Clock, Endpoint, OsRandom, files};
use tokio::time::Instant;
use zeroize::Zeroizing;

const REALM: &str = "EXAMPLE.TEST";
const WEB: &str = "HTTP/web.example.test";
const DB: &str = "postgres/db.example.test";

/// Shows what it is told to, and never the same microsecond twice.
struct Hand(Mutex<Timestamp>, AtomicI64);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        let mut now = self.0.lock().unwrap();
        now.microseconds += 1;
        *now
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.1.load(Ordering::SeqCst).unsigned_abs())
    }
}

struct World {
    kdc: InMemory,
    clock: Arc<Hand>,
}

impl World {
    fn new() -> Self {
        let keyed = |account: Account| account.random_keys(&ENCTYPES, &mut OsRandom).unwrap();
        let web = keyed(Account::service("svc-web").spn(WEB).set(|account| {
            account.allowed_to_delegate_to = vec![DB.into()];
        }));
        let realm = Realm::new(REALM, &mut OsRandom)
            .with(Account::user("alice").password("a").upn("alice@example.test").groups([1200]))
            .with(Account::user("bob").password("b"))
            .with(web)
            .with(keyed(Account::service("svc-db").spn(DB)));
        let clock = Arc::new(Hand(Mutex::new(Timestamp::new(1_800_000_000, 0)), AtomicI64::new(9)));
        let realms = Realms::new([realm]).with_clock(clock.clone());
        Self { kdc: InMemory::new(realms), clock }
    }

    fn pass(&self, seconds: i64) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.plus_seconds(seconds);
        self.clock.1.fetch_add(seconds, Ordering::SeqCst);
    }

    fn client(&self, account: &str) -> Client {
        Client::new(self.kdc.client_config(account).unwrap())
    }

    fn keytab(&self, account: &str) -> Keytab {
        self.kdc.realms().keytab(account).unwrap()
    }

    async fn ticket(&self, user: &str, to: &str) -> Credential {
        let ticket = self.client(user).ticket(&spn(to)).await.unwrap();
        Credential::clone(&ticket)
    }

    fn config(&self, keys: ServiceKeys) -> AcceptorConfig {
        let mut config = AcceptorConfig::new(keys);
        config.clock = self.clock.clone();
        config
    }

    fn web(&self) -> Acceptor {
        Acceptor::new(self.config(ServiceKeys::keytab(self.keytab("svc-web"))))
    }

    fn cx<'a>(&self, random: &'a mut OsRandom) -> Context<'a> {
        Context { now: self.clock.now(), kdc_offset: 0, rng: random }
    }

    fn spnego(
        &self,
        ticket: &Credential,
        options: &InitiatorOptions<'_>,
    ) -> (SpnegoInitiator, Vec<u8>) {
        SpnegoInitiator::new(ticket, options, &mut self.cx(&mut OsRandom)).unwrap()
    }

    fn kerberos(
        &self,
        ticket: &Credential,
        options: &InitiatorOptions<'_>,
    ) -> (Initiator, Vec<u8>) {
        Initiator::new(ticket, options, &mut self.cx(&mut OsRandom)).unwrap()
    }

    fn token(&self, ticket: &Credential) -> Vec<u8> {
        self.spnego(ticket, &InitiatorOptions::default()).1
    }

    fn ap_req(&self, ticket: &Credential, ap_options: ApOptions) -> ApRequest {
        let options = ApReqOptions {
            usage: KeyUsage::AP_REQ_AUTHENTICATOR,
            ap_options,
            checksum: None,
            subkey: None,
            sequence_number: None,
            authorization_data: None,
        };
        ApRequest::new(ticket, &options, &mut self.cx(&mut OsRandom)).unwrap()
    }
}

const ENCTYPES: [EncType; 1] = [EncType::AES256_CTS_HMAC_SHA1_96];

fn spn(text: &str) -> Name {
    Name::new(NameType::SRV_INST, text.split('/'))
}

async fn accept(acceptor: &Acceptor, token: &[u8]) -> Result<Accepted, NotAccepted> {
    acceptor.accept(token, ChannelPolicy::Ignore).await
}

/// Why it was not taken.
async fn refused(acceptor: &Acceptor, token: &[u8]) -> &'static str {
    accept(acceptor, token).await.unwrap_err().why.text()
}

#[tokio::test]
async fn clocks_and_local_names_are_as_krb5_conf_says() {
    let world = World::new();
    let conf = |text: &str| Krb5Conf::parse("krb5.conf", text.as_bytes(), &mut NoIncludes).unwrap();
    let keys = || ServiceKeys::keytab(world.keytab("svc-web"));
    let ticket = world.ticket("alice", WEB).await;
    let [old, older] = [world.token(&ticket), world.token(&ticket)];
    world.pass(400);
    let wide = conf("[libdefaults]\nclockskew = 600\n");
    let wide = Acceptor::new(world.config(keys()).with_conf(&wide).unwrap());
    assert_eq!(refused(&world.web(), &old).await, "the client's clock is too far off");
    let caller = accept(&wide, &older).await.unwrap().caller;

    let local = |rules: &str| {
        let text = format!(
            "[libdefaults]\ndefault_realm = {REALM}\n[realms]\n{REALM} = {{\n{rules}\n}}\n"
        );
        caller.local_name(&conf(&text)).unwrap()
    };
    assert_eq!(local("").unwrap(), b"alice");
    assert_eq!(local("auth_to_local = RULE:[1:$1.$0]").unwrap(), b"alice.EXAMPLE.TEST");
    assert_eq!(local("auth_to_local = RULE:[2:$1]"), None);
    assert_eq!(caller.local_name(&conf("")).unwrap(), None, "nobody is local");
    assert_eq!(caller.local_name(&conf("[libdefaults]\ndefault_realm = OTHER\n")).unwrap(), None);
}

fn is_alice(world: &World, caller: &Caller) {
    let realms = world.kdc.realms();
    let sid = realms.realm(REALM, |realm| realm.sid(realm.account("alice")?)).flatten().unwrap();
    assert_eq!(caller.principal.to_string(), "alice@EXAMPLE.TEST");
    let account = caller.account.as_ref().unwrap();
    assert_eq!((&*account.name, &account.sid), ("alice", &sid));
    assert_eq!(account.upn.as_deref(), Some("alice@example.test"));
    let group = sid.domain().unwrap().with_rid(1200).unwrap();
    assert!(account.is(&group) && account.is(&sid), "{:?}", account.groups);
}

#[tokio::test]
async fn who_comes_is_whom_the_tickets_pac_proves_whatever_the_token_is_framed_in() {
    let world = World::new();
    let (web, ticket) = (world.web(), world.ticket("alice", WEB).await);
    let message = b"for the other end alone";

    let (mut login, token) = world.spnego(&ticket, &InitiatorOptions::default());
    let mut accepted = accept(&web, &token).await.unwrap();
    is_alice(&world, &accepted.caller);
    assert!(accepted.caller.delegated_by.is_empty());
    assert_eq!(login.step(&accepted.answer), Ok(None));
    let client = login.context_mut().unwrap();
    let sealed = client.wrap(message, Protection::Confidentiality, &mut OsRandom);
    let opened = accepted.context_mut().unwrap(&sealed);
    assert_eq!(opened, Ok((message.to_vec(), Protection::Confidentiality)));
    let mic = accepted.context_mut().get_mic(message);
    assert_eq!(client.verify_mic(message, &mic), Ok(()));

    let (mut login, token) = world.kerberos(&ticket, &InitiatorOptions::default());
    let accepted = accept(&web, &token).await.unwrap();
    is_alice(&world, &accepted.caller);
    assert_eq!(login.step(&accepted.answer), Ok(()));

    let options = InitiatorOptions { mutual: false, ..InitiatorOptions::default() };
    let (_, token) = world.kerberos(&ticket, &options);
    assert!(accept(&web, &token).await.unwrap().answer.is_empty(), "no proof is wanted");
}

#[tokio::test]
async fn an_ap_req_is_taken_without_gss_around_it() {
    let world = World::new();
    let (web, ticket) = (world.web(), world.ticket("alice", WEB).await);
    let bare = |ap_options| world.ap_req(&ticket, ap_options);
    let request = bare(ApOptions::MUTUAL_REQUIRED);
    let (caller, reply) = web.accept_ap_req(&request.message).await.unwrap();
    is_alice(&world, &caller);
    request.verify_reply(&ticket.session_key, &reply.unwrap()).unwrap();
    let again = web.accept_ap_req(&request.message).await.unwrap_err();
    assert!(matches!(again.why, Refusal::Replayed(_)), "{again}");
    let told: KrbError<'_> = der::decode(&again.answer).unwrap();
    assert_eq!(told.error_code, ErrorCode::REPEAT);
    let (_, reply) = web.accept_ap_req(&bare(ApOptions::NONE).message).await.unwrap();
    assert!(reply.is_none());
    // It is bound to no channel, so it is nothing for those who ask for GSS.
    assert!(accept(&web, &bare(ApOptions::NONE).message).await.is_err());
}

#[tokio::test]
async fn a_login_counts_once_and_in_its_time() {
    let world = World::new();
    let (web, ticket) = (world.web(), world.ticket("alice", WEB).await);
    let token = world.token(&ticket);
    accept(&web, &token).await.unwrap();
    for acceptor in [&web, &web.clone()] {
        let again = accept(acceptor, &token).await.unwrap_err();
        assert!(matches!(again.why, Refusal::Replayed(_)), "{again}");
        // What came again is told so, in a negotiation that failed.
        let told = NegTokenResp::from_token(&again.answer).unwrap();
        assert_eq!(told.neg_state, Some(NegState::REJECT));
        assert!(told.response_token.is_some());
    }
    for (seconds, taken) in [(300, true), (301, false), (-300, true), (-301, false)] {
        let token = world.token(&ticket);
        world.pass(seconds);
        let answer = accept(&web, &token).await;
        assert_eq!(answer.is_ok(), taken, "{seconds}");
        if let Err(refused) = answer {
            assert_eq!(refused.why.text(), "the client's clock is too far off");
            // The client's Kerberos learns what is wrong, and by how much.
            assert!(NegTokenResp::from_token(&refused.answer).unwrap().response_token.is_some());
        }
        world.pass(-seconds);
    }
    world.pass(11 * 3600);
    let token = world.token(&ticket);
    assert_eq!(refused(&web, &token).await, "the ticket is expired, or not valid yet");
}

#[tokio::test]
async fn a_login_is_bound_to_the_channel_that_it_came_by() {
    let world = World::new();
    let (web, ticket) = (world.web(), world.ticket("alice", WEB).await);
    let own = ChannelBindings::tls_server_end_point(b"our certificate's hash");
    let others = ChannelBindings::tls_server_end_point(b"a relay's certificate's hash");
    let (ignored, checked, demanded) =
        (ChannelPolicy::Ignore, ChannelPolicy::IfBound(&own), ChannelPolicy::Require(&own));
    for (bound, policy, expected) in [
        (Some(&own), ignored, Some(false)),
        (Some(&others), ignored, Some(false)),
        (None, ignored, Some(false)),
        (Some(&own), checked, Some(true)),
        (Some(&others), checked, None),
        (None, checked, Some(false)),
        (Some(&own), demanded, Some(true)),
        (Some(&others), demanded, None),
        (None, demanded, None),
    ] {
        let options = InitiatorOptions { channel_bindings: bound, ..InitiatorOptions::default() };
        for token in [world.spnego(&ticket, &options).1, world.kerberos(&ticket, &options).1] {
            match web.accept(&token, policy).await {
                Ok(accepted) => {
                    assert_eq!(expected, Some(accepted.caller.channel_bound), "{bound:?}");
                }
                Err(refused) => {
                    assert_eq!(expected, None, "{bound:?} {policy:?}");
                    let text = "the login is not bound to this server's TLS certificate";
                    assert_eq!(refused.why.text(), text);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_ticket_for_somebody_else_opens_nothing() {
    let world = World::new();
    let web = world.web();
    let ticket = world.ticket("alice", DB).await;
    let text = "the ticket is for another service, or of a kind that is not used here";
    assert_eq!(refused(&web, &world.token(&ticket)).await, text);
    // Of the right name, and sealed with another key.
    let forged = Forged { key: world.keytab("svc-db"), ..Forged::new(&world) };
    let text = "the ticket does not open with the service account's keys";
    assert_eq!(refused(&web, &world.token(&forged.ticket())).await, text);
    for token in [&b""[..], b"\x60\x00", b"NTLMSSP\0\x01\0\0\0", &[0x60; 4096]] {
        let text = refused(&web, token).await;
        assert!(
            ["the client's token is malformed", "the client offers no Kerberos"].contains(&text)
        );
    }
}

/// A ticket that no KDC made.
struct Forged<'a> {
    world: &'a World,
    key: Keytab,
    flags: TicketFlags,
    transited: &'a [u8],
    /// Whom the PAC proves.
    account: Option<LogonInfo>,
}

impl<'a> Forged<'a> {
    fn new(world: &'a World) -> Self {
        let key = world.keytab("svc-web");
        Self { world, key, flags: TicketFlags::NONE, transited: b"", account: None }
    }

    fn ticket(&self) -> Credential {
        let entries = &self.key.entries;
        let key = entries.iter().find_map(|entry| entry.key().ok()).unwrap();
        let now = self.world.clock.now().seconds;
        let (authtime, endtime): (KerberosTime, _) = (now, now.plus_seconds(600));
        let alice = Name::user("alice");
        let pac = self.account.as_ref().map(|account| {
            let client = ClientInfo::new(&alice, authtime).unwrap();
            PacBuilder::new().with(account).unwrap().with(&client).unwrap()
        });
        let new = NewTicket {
            client: &Principal::new(alice, REALM),
            server: &Principal::new(spn(WEB), REALM),
            session_key: &key,
            flags: self.flags,
            times: TicketTimes { authtime, starttime: authtime, endtime, renew_till: None },
            transited: self.transited,
            addresses: &[],
            authorization_data: &[],
            pac: pac.as_ref(),
        };
        let keys = TicketKeys { server: &key, kvno: None, krbtgt: &key };
        new.issue(&keys, &mut OsRandom).unwrap()
    }
}

/// A KDC without a directory says a name and nothing else: whether that is enough is the service's to
/// say.
#[tokio::test]
async fn who_is_no_account_comes_as_a_name_where_that_is_enough() {
    let world = World::new();
    let ticket = Forged::new(&world).ticket();
    let caller = accept(&world.web(), &world.token(&ticket)).await.unwrap().caller;
    assert_eq!((caller.principal.to_string(), caller.account), ("alice@EXAMPLE.TEST".into(), None));
    let mut config = world.config(ServiceKeys::keytab(world.keytab("svc-web")));
    config.demands_account = true;
    let demanding = Acceptor::new(config);
    let text = "the ticket's PAC is missing, or names no account";
    assert_eq!(refused(&demanding, &world.token(&ticket)).await, text);
    let ticket = world.ticket("alice", WEB).await;
    is_alice(&world, &accept(&demanding, &world.token(&ticket)).await.unwrap().caller);
}

/// Active Directory's KDCs check no path and do not say that they did, and vouch for the accounts in PACs
/// (MS-KILE). A name without an account is worth what the realms on its way are.
#[tokio::test]
async fn who_came_through_other_realms_is_an_account_or_by_a_checked_path() {
    let world = World::new();
    let account = LogonInfo::new("alice", "EXAMPLE", "S-1-5-21-1-2-3".parse().unwrap(), 1104);
    let (checked, unchecked) = (TicketFlags::TRANSITED_POLICY_CHECKED, TicketFlags::NONE);
    for (account, flags, is_taken) in [
        (Some(&account), unchecked, true),
        (Some(&account), checked, true),
        (None, checked, true),
        (None, unchecked, false),
    ] {
        let forged =
            Forged { flags, transited: b"CORP", account: account.cloned(), ..Forged::new(&world) };
        let (ticket, web) = (forged.ticket(), world.web());
        let accepted = accept(&web, &world.token(&ticket)).await;
        assert_eq!(accepted.is_ok(), is_taken, "{flags:?}: {accepted:?}");
        let request = world.ap_req(&ticket, ApOptions::NONE);
        assert_eq!(web.accept_ap_req(&request.message).await.is_ok(), is_taken, "{flags:?}");
        if let Ok(accepted) = accepted {
            let sid = accepted.caller.account.map(|account| account.sid.to_string());
            assert_eq!(sid.as_deref(), account.map(|_| "S-1-5-21-1-2-3-1104"));
        }
    }
}

/// The caller's own ticket takes the service on to another one, which sees both.
#[tokio::test]
async fn a_callers_ticket_is_evidence_for_going_on_in_their_name() {
    let world = World::new();
    let front = world.client("svc-web");
    let web = Acceptor::new(world.config(ServiceKeys::account(&front)));
    let ticket = world.ticket("alice", WEB).await;
    let caller = accept(&web, &world.token(&ticket)).await.unwrap().caller;
    let evidence = front.adopt(caller.ticket);
    let onward = front.s4u().proxy_ticket_once(&evidence, &spn(DB)).await.unwrap();

    let db = Acceptor::new(world.config(ServiceKeys::keytab(world.keytab("svc-db"))));
    let seen = accept(&db, &world.token(&onward)).await.unwrap().caller;
    is_alice(&world, &seen);
    assert_eq!(seen.delegated_by, ["svc-web@EXAMPLE.TEST"]);
}

#[tokio::test]
async fn what_a_client_hands_on_is_taken_where_that_is_wanted() {
    let world = World::new();
    let ticket = world.ticket("alice", WEB).await;
    let tgt = world.client("alice").tgt().await.unwrap();
    let options = InitiatorOptions { delegate: Some(&tgt), ..InitiatorOptions::default() };
    let keys = || ServiceKeys::keytab(world.keytab("svc-web"));
    for take_delegated in [true, false] {
        let mut config = world.config(keys());
        config.take_delegated = take_delegated;
        let token = world.spnego(&ticket, &options).1;
        let caller = accept(&Acceptor::new(config), &token).await.unwrap().caller;
        let handed_on: Vec<_> = caller.delegated.iter().map(|one| &one.ticket).collect();
        assert_eq!(handed_on, Vec::from_iter(take_delegated.then_some(&tgt.ticket)));
    }
}

/// A client that would rather speak something else is asked for its ticket, and both sign what was
/// offered; where nothing can be asked it is refused.
#[tokio::test]
async fn a_login_may_take_several_tokens_where_the_protocol_has_room_for_them() {
    let world = World::new();
    let (web, ticket) = (world.web(), world.ticket("alice", WEB).await);
    let ntlm = Oid(b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x0a");
    let offer = der::encode(&List::of(&[ntlm, Oid::KRB5]));
    let first = NegTokenInit {
        mech_types: Encoded::from_der(&offer).unwrap(),
        req_flags: None,
        mech_token: Some(b"NTLMSSP\0"),
        mech_list_mic: None,
    };
    let first = first.to_token();
    assert_eq!(refused(&web, &first).await, "the client's first token is no Kerberos ticket");

    let mut negotiation = web.negotiation();
    let mut step = async |token: &[u8]| negotiation.step(token, ChannelPolicy::Ignore).await;
    assert!(matches!(step(&first).await, Ok(Step::Continue(_))));
    let (mut login, token) = world.kerberos(&ticket, &InitiatorOptions::default());
    let next = |response_token, mech_list_mic| {
        let neg_state = Some(NegState::ACCEPT_INCOMPLETE);
        NegTokenResp { neg_state, supported_mech: None, response_token, mech_list_mic }.to_token()
    };
    let Step::Continue(answer) = step(&next(Some(&token), None)).await.unwrap() else {
        panic!("the client's signature is due");
    };
    let answer = NegTokenResp::from_token(&answer).unwrap();
    login.step(answer.response_token.unwrap()).unwrap();
    let mic = login.context_mut().unwrap().get_mic(&offer);
    let Step::Done(accepted) = step(&next(None, Some(&mic))).await.unwrap() else {
        panic!("the client has signed");
    };
    is_alice(&world, &accepted.caller);
    assert!(step(&first).await.is_err(), "it is over");
}

/// A negotiation of user-to-user with a service of this account's, and the ticket that it gave out.
async fn user_to_user(world: &World, account: &Client) -> (Negotiation, Vec<u8>) {
    let mut config = world.config(ServiceKeys::account(account));
    config.user_to_user = true;
    let mut negotiation = Acceptor::new(config).negotiation();
    let request = TgtRequest::default().to_token();
    let reply = match negotiation.step(&request, ChannelPolicy::Ignore).await.unwrap() {
        Step::Continue(reply) => Some(reply),
        _ => None,
    };
    (negotiation, ticket_of_tgt_reply(&reply.unwrap()).unwrap())
}

/// bob has no SPN, and a service of his has no key but that of his own ticket-granting ticket.
#[tokio::test]
async fn users_reach_services_of_users_where_those_offer_it() {
    let world = World::new();
    let bob = world.client("bob");
    let (mut negotiation, tgt) = user_to_user(&world, &bob).await;
    let alice = world.client("alice");
    let ticket = alice.user_to_user(&Name::user("bob"), &tgt).await.unwrap();
    let options = InitiatorOptions { user_to_user: true, ..InitiatorOptions::default() };
    let (mut login, token) = world.kerberos(&ticket, &options);
    let Step::Done(accepted) = negotiation.step(&token, ChannelPolicy::Ignore).await.unwrap()
    else {
        panic!("that is all");
    };
    is_alice(&world, &accepted.caller);
    assert_eq!(login.step(&accepted.answer), Ok(()));

    // Who does not offer it gives no ticket out, and takes none.
    let closed = Acceptor::new(world.config(ServiceKeys::account(&bob)));
    assert!(accept(&closed, &TgtRequest::default().to_token()).await.is_err());
    let (_, token) = world.kerberos(&ticket, &options);
    assert!(accept(&closed, &token).await.is_err());
}

/// A user's account whose password is read, and how often that was done and a KDC was asked.
struct Watched {
    client: Client,
    reads: Arc<AtomicUsize>,
    asked: Arc<Asked>,
}

/// Counts what KDCs are asked.
struct Asked(Arc<dyn Carry>, AtomicUsize);

impl Carry for Asked {
    fn carry(&self, kdc: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.carry(kdc, message, until)
    }
}

impl Watched {
    fn new(world: &World, account: &str, password: &'static str) -> Self {
        let mut config = world.kdc.client_config(account).unwrap();
        let (reads, asked) =
            (Arc::default(), Arc::new(Asked(config.transport.clone(), AtomicUsize::new(0))));
        let count: Arc<AtomicUsize> = Arc::clone(&reads);
        config.transport = asked.clone();
        config.secret = AccountSecret::password(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(Zeroizing::new(password.as_bytes().to_vec()))
        });
        Self { client: Client::new(config), reads, asked }
    }

    fn effort(&self) -> (usize, usize) {
        (self.reads.load(Ordering::SeqCst), self.asked.1.load(Ordering::SeqCst))
    }
}

/// Anybody can send tickets that nothing opens.
#[tokio::test]
async fn tickets_that_nothing_opens_make_nobody_look_without_end() {
    let world = World::new();
    let bob = Watched::new(&world, "bob", "b");
    let service = Acceptor::new(world.config(ServiceKeys::account(&bob.client)));
    let forged = Forged { key: world.keytab("svc-db"), ..Forged::new(&world) }.ticket();
    let begun = Instant::now();
    for _ in 0..6 {
        let text = "the ticket does not open with the service account's keys";
        assert_eq!(refused(&service, &world.token(&forged)).await, text);
    }
    // The first, and then twice a second.
    let most = 2 + begun.elapsed().as_millis() as usize / 500;
    let (reads, asked) = bob.effort();
    assert!(reads <= most && asked <= 1, "{reads} reads, {asked} questions");
}

/// In user-to-user the service's long-term key opens nothing, and what the client was given does, even
/// where the service has logged in anew meanwhile.
#[tokio::test]
async fn user_to_user_costs_no_look_and_takes_the_ticket_that_was_given_out() {
    let world = World::new();
    let bob = Watched::new(&world, "bob", "b");
    let (mut negotiation, tgt) = user_to_user(&world, &bob.client).await;
    world.pass(9 * 3600);
    let ticket = world.client("alice").user_to_user(&Name::user("bob"), &tgt).await.unwrap();
    assert_ne!(bob.client.tgt().await.unwrap().ticket, tgt, "bob logs in again");
    world.pass(3);
    let before = bob.effort();
    let options = InitiatorOptions { user_to_user: true, ..InitiatorOptions::default() };
    let (_, token) = world.kerberos(&ticket, &options);
    let Step::Done(accepted) = negotiation.step(&token, ChannelPolicy::Ignore).await.unwrap()
    else {
        panic!("that is all");
    };
    is_alice(&world, &accepted.caller);
    assert_eq!(bob.effort(), before);
}

/// A client reads a refusal where it looks for the answer.
#[tokio::test]
async fn a_refusal_has_the_form_in_which_the_token_came() {
    let world = World::new();
    let (web, ticket) = (world.web(), world.ticket("alice", WEB).await);
    let says = |outcome: Result<(), GssError>, expected: ErrorCode| match outcome {
        Err(GssError::Refused { code, .. }) => assert_eq!(code, expected),
        outcome => panic!("{outcome:?}"),
    };
    let (mut login, token) = world.kerberos(&ticket, &InitiatorOptions::default());
    accept(&web, &token).await.unwrap();
    let again = accept(&web, &token).await.unwrap_err();
    says(login.step(&again.answer), ErrorCode::REPEAT);

    let mut config = world.config(ServiceKeys::keytab(Forged::new(&world).key));
    config.demands_account = true;
    let demanding = Acceptor::new(config);
    let (mut login, token) =
        world.kerberos(&Forged::new(&world).ticket(), &InitiatorOptions::default());
    says(login.step(&accept(&demanding, &token).await.unwrap_err().answer), ErrorCode::GENERIC);

    // Of user-to-user it has that mechanism's name.
    let closed = Acceptor::new(world.config(ServiceKeys::account(&world.client("bob"))));
    let options = InitiatorOptions { user_to_user: true, ..InitiatorOptions::default() };
    let (mut login, token) = world.kerberos(&ticket, &options);
    says(login.step(&accept(&closed, &token).await.unwrap_err().answer), ErrorCode::GENERIC);
    for password in ["not bob's", "b"] {
        let bob = Watched::new(&world, "bob", password);
        let mut config = world.config(ServiceKeys::account(&bob.client));
        config.user_to_user = true;
        let request = TgtRequest::default().to_token();
        let refused = accept(&Acceptor::new(config), &request).await.unwrap_err();
        assert_eq!(matches!(refused.why, Refusal::NotAtOnce), password == "b", "{refused}");
        let no_reply = ticket_of_tgt_reply(&refused.answer);
        assert_eq!(no_reply, Err(GssError::UnexpectedToken), "it is one of the same mechanism");
    }
}

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("krb-client-accept-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A new key is used as soon as a ticket comes that it opens, and the one before goes on opening those
/// that are out; a file that is of no use changes nothing and says so.
#[tokio::test]
async fn a_keytab_is_followed_while_tickets_under_the_old_key_still_come() {
    let world = World::new();
    let folder = Folder::new();
    let file = folder.0.join("web.keytab");
    let web = Acceptor::new(world.config(ServiceKeys::keytab_file(&file)));
    assert!(web.read_keys().await.unwrap_err().to_string().contains("web.keytab"));
    files::write_keytab(&file, &world.keytab("svc-web")).await.unwrap();
    world.pass(1);
    let before = world.ticket("alice", WEB).await;
    is_alice(&world, &accept(&web, &world.token(&before)).await.unwrap().caller);

    let realms = world.kdc.realms();
    realms.realm(REALM, |realm| realm.set_password("svc-web", "a new one")).unwrap();
    let after = world.ticket("alice", WEB).await;
    assert!(accept(&web, &world.token(&after)).await.is_err(), "nobody has the key yet");
    files::write_keytab(&file, &world.keytab("svc-web")).await.unwrap();
    world.pass(1);
    for ticket in [&after, &before] {
        is_alice(&world, &accept(&web, &world.token(ticket)).await.unwrap().caller);
    }
    assert_eq!(web.keys_trouble().await, None);

    std::fs::write(&file, "half of it").unwrap();
    world.pass(3);
    is_alice(&world, &accept(&web, &world.token(&after)).await.unwrap().caller);
    assert!(web.keys_trouble().await.unwrap().contains("web.keytab"));
}
