//! The store: flights, ages, limits, under clocks that are moved.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use krb_proto::credential::TicketTimes;
use krb_proto::crypto::Key;
use krb_proto::exchange::{ExchangeError, KdcRefusal, TgsArmor, TicketOptions};
use krb_proto::iana::{EncType, ErrorCode, NameType, TicketFlags};
use krb_proto::{KerberosTime, Name, Principal, Timestamp};

use super::*;

const NOW: i64 = 1_800_000_000;

const KEEP: Duration = Duration::from_secs(900);

/// Both clocks, in seconds; a test moves each by itself.
struct TestClock {
    wall: AtomicI64,
    monotonic: AtomicU64,
}

impl TestClock {
    fn new() -> Arc<Self> {
        Arc::new(Self { wall: AtomicI64::new(NOW), monotonic: AtomicU64::new(0) })
    }

    fn set(&self, wall: i64, monotonic: u64) {
        self.wall.store(NOW + wall, Ordering::SeqCst);
        self.monotonic.store(monotonic, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::new(self.wall.load(Ordering::SeqCst), 0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.monotonic.load(Ordering::SeqCst))
    }
}

fn store() -> (Arc<TicketStore>, Arc<TestClock>) {
    let clock = TestClock::new();
    (TicketStore::of_size(MAX_ENTRIES, clock.clone()), clock)
}

fn user(name: &str) -> Principal {
    Principal::new(Name::user(name), "R")
}

fn key(target: &str, behalf: Behalf<'_>) -> TicketKey {
    key_to(&user(target), behalf)
}

fn key_to(target: &Principal, behalf: Behalf<'_>) -> TicketKey {
    let options = Arc::new((&TicketOptions::default()).into());
    TicketKey::new(Arc::new(user("service")), target, behalf, options)
}

/// A fetch that must not be begun.
fn never(why: &str) -> std::future::Ready<Result<Credential, ClientError>> {
    panic!("{why}")
}

/// A user who was asked for by nobody in particular.
fn named(user: &Principal) -> Behalf<'_> {
    Behalf::Named { user, asker: &[] }
}

fn evidence(name: &str) -> TicketKey {
    key("service", named(&user(name)))
}

fn number(number: u64) -> NonZeroU64 {
    NonZeroU64::new(number).unwrap()
}

fn proxy(evidence: &UserTicket, sid: &str, target: &str) -> TicketKey {
    let (user, evidence) = (&evidence.client, evidence.held.number);
    key(target, Behalf::Proved { user, sid, evidence })
}

fn credential(name: &str, endtime: i64) -> Credential {
    Credential {
        client: user(name),
        server: Principal::krbtgt(b"R"),
        session_key: Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[1; 32]).unwrap(),
        times: TicketTimes { endtime: KerberosTime::from_unix(endtime), ..TicketTimes::default() },
        flags: TicketFlags::NONE,
        ticket: Vec::new(),
    }
}

#[tokio::test]
async fn however_many_ask_one_fetches() {
    let (store, _) = store();
    let fetches = Arc::new(AtomicUsize::new(0));
    let ask = |name: &'static str| {
        let (store, fetches) = (store.clone(), fetches.clone());
        tokio::spawn(async move {
            let fetch = || async move {
                fetches.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                Ok(credential(name, NOW + 3600))
            };
            store.get(evidence(name), None, KEEP, fetch).await.unwrap().credential.client.clone()
        })
    };
    let asked: Vec<_> = (0..50).map(|i| ask(["alice", "bob"][i % 2])).collect();
    for (i, task) in asked.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), user(["alice", "bob"][i % 2]));
    }
    assert_eq!(fetches.load(Ordering::SeqCst), 2, "one for alice, one for bob");
}

#[tokio::test]
async fn a_failure_is_shared_but_not_kept() {
    let (store, _) = store();
    let fail = || async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Err::<Credential, _>(ClientError::Exchange(ExchangeError::NoCommonEnctype))
    };
    let (a, b) = tokio::join!(
        store.get(evidence("alice"), None, KEEP, fail),
        store.get(evidence("alice"), None, KEEP, || never("the first one is under way")),
    );
    assert!(a.is_err() && b.is_err());
    let again = || async { Ok(credential("alice", NOW + 3600)) };
    assert!(store.get(evidence("alice"), None, KEEP, again).await.is_ok());
}

fn refused(code: ErrorCode) -> ClientError {
    let (nt_status, text) = (None, None);
    let (server_time, no_way_to) = (Timestamp::new(NOW, 0), None);
    let refusal = KdcRefusal { code, nt_status, text, server_time, no_way_to };
    ClientError::Exchange(ExchangeError::Refused(refusal))
}

/// Asks for a ticket where a KDC would say that; was it asked?
async fn asks(store: &Arc<TicketStore>, key: TicketKey, says: &ClientError) -> bool {
    let (asked, says) = (Arc::new(AtomicUsize::new(0)), says.clone());
    let counted = asked.clone();
    let fetch = || async move {
        counted.fetch_add(1, Ordering::SeqCst);
        Err::<Credential, _>(says)
    };
    assert!(store.get(key, None, KEEP, fetch).await.is_err());
    asked.load(Ordering::SeqCst) == 1
}

#[tokio::test]
async fn a_kdcs_no_by_its_directory_is_kept_for_five_seconds_for_the_very_ticket() {
    let (store, clock) = store();
    let no = refused(ErrorCode::CLIENT_REVOKED);
    // By either clock, and not at all once the one that can be set was set back.
    for (wall, monotonic, is_asked) in
        [(0, 0, true), (0, 0, false), (4, 4, false), (5, 4, true), (9, 8, false), (9, 9, true)]
    {
        clock.set(wall, monotonic);
        assert_eq!(asks(&store, evidence("alice"), &no).await, is_asked, "{wall} {monotonic}");
    }
    clock.set(8, 9);
    assert!(asks(&store, evidence("alice"), &no).await);
    // Another user's, another target's, in another epoch: each is asked for.
    let others = [
        evidence("bob"),
        evidence("Alice"),
        evidence("alice").in_epoch(1),
        key("cifs", named(&user("alice"))),
    ];
    for other in others {
        assert!(asks(&store, other.clone(), &no).await);
        assert!(!asks(&store, other, &no).await);
    }
    assert!(!asks(&store, evidence("alice"), &no).await);
    let alice = User::new(&user("alice"));
    store.forget(|key| alice.is_named_by(key));
    assert!(asks(&store, evidence("alice"), &no).await, "forgotten");
    assert!(!asks(&store, evidence("bob"), &no).await);
    // What is got after it is what counts.
    clock.set(20, 20);
    let fetch = || async { Ok(credential("bob", NOW + 3600)) };
    assert!(store.get(evidence("bob"), None, KEEP, fetch).await.is_ok());
    assert!(store.get(evidence("bob"), None, KEEP, || never("it is there")).await.is_ok());
}

#[tokio::test]
async fn no_other_failure_is_kept_nor_one_of_the_accounts_own() {
    let (store, _) = store();
    let login = ClientError::Login(Box::new(refused(ErrorCode::CLIENT_REVOKED)));
    let others = [
        refused(ErrorCode::SKEW),
        refused(ErrorCode::TGT_REVOKED),
        refused(ErrorCode::GENERIC),
        refused(ErrorCode::ETYPE_NOSUPP),
        ClientError::Exchange(ExchangeError::NoCommonEnctype),
        ClientError::Abandoned,
        login,
    ];
    for error in others {
        for _ in 0..2 {
            assert!(asks(&store, evidence("alice"), &error).await, "{error}");
        }
    }
    for _ in 0..2 {
        let own = key("krbtgt", Behalf::Itself);
        assert!(asks(&store, own, &refused(ErrorCode::CLIENT_REVOKED)).await);
    }
}

#[tokio::test]
async fn no_more_refusals_are_kept_than_there_may_be() {
    let (store, clock) = store();
    let no = refused(ErrorCode::C_PRINCIPAL_UNKNOWN);
    for number in 0..=MAX_REFUSALS {
        clock.set(i64::from(number > 0), u64::from(number > 0));
        assert!(asks(&store, evidence(&number.to_string()), &no).await);
    }
    assert_eq!(store.refusals().len(), MAX_REFUSALS);
    assert!(asks(&store, evidence("0"), &no).await, "the oldest made room");
    assert!(!asks(&store, evidence(&MAX_REFUSALS.to_string()), &no).await);
}

#[tokio::test]
async fn a_fetch_outlives_whoever_began_it() {
    let (store, _) = store();
    let fetch = || async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        Ok(credential("alice", NOW + 3600))
    };
    let impatient = store.get(evidence("alice"), None, KEEP, fetch);
    assert!(tokio::time::timeout(Duration::from_millis(5), impatient).await.is_err());
    let waited = store.get(evidence("alice"), None, KEEP, || never("it goes on")).await;
    assert!(waited.is_ok());
}

#[tokio::test]
async fn tickets_are_kept_to_their_age_and_not_into_their_last_minute() {
    let (store, clock) = store();
    let fetches = AtomicUsize::new(0);
    let get = async |name: &'static str, lifetime: i64| {
        let fetch = || {
            fetches.fetch_add(1, Ordering::SeqCst);
            let end = clock.now().seconds.unix() + lifetime;
            async move { Ok(credential(name, end)) }
        };
        store.get(evidence(name), None, KEEP, fetch).await.unwrap();
        fetches.load(Ordering::SeqCst)
    };
    assert_eq!(get("alice", 36_000).await, 1);
    for (after, fetched) in [(899, 1), (900, 2), (901, 2)] {
        clock.set(after, after as u64);
        assert_eq!(get("alice", 36_000).await, fetched, "after {after} s");
    }
    clock.set(0, 1000);
    assert_eq!(get("bob", 300).await, 3);
    for (after, fetched) in [(239, 3), (240, 4)] {
        clock.set(after, 1000 + after as u64);
        assert_eq!(get("bob", 300).await, fetched, "after {after} s");
    }
    // Neither clock alone makes it live longer.
    for (wall, monotonic) in [(240, 2500), (1000, 2500 + 240), (999, 2500 + 241)] {
        let before = fetches.load(Ordering::SeqCst);
        clock.set(wall, monotonic);
        assert_eq!(get("bob", 300).await, before + 1, "{wall} {monotonic}");
    }
}

#[tokio::test]
async fn what_is_forgotten_while_it_is_fetched_is_not_kept() {
    let (store, _) = store();
    let fetch = || async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(credential("alice", NOW + 3600))
    };
    let flight = {
        let store = store.clone();
        tokio::spawn(async move { store.get(evidence("alice"), None, KEEP, fetch).await.is_ok() })
    };
    tokio::time::sleep(Duration::from_millis(5)).await;
    store.forget(|key| *key == evidence("alice"));
    assert!(flight.await.unwrap(), "whoever waits still gets it");
    let fetched = Arc::new(AtomicUsize::new(0));
    let again = fetched.clone();
    let fetch = || async move {
        again.fetch_add(1, Ordering::SeqCst);
        Ok(credential("alice", NOW + 3600))
    };
    store.get(evidence("alice"), None, KEEP, fetch).await.unwrap();
    assert_eq!(fetched.load(Ordering::SeqCst), 1);
}

/// A sequence of numbers that looks random and is the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// What a KDC of the test's own says in each ticket: whose it is, and when its evidence was asked
/// for by each clock.
fn issued(clock: &TestClock, name: &str) -> Credential {
    let (wall, monotonic) = (clock.now().seconds.unix(), clock.monotonic().as_secs());
    let ticket = format!("{name} {wall} {monotonic}").into_bytes();
    Credential { ticket, ..credential(name, wall + 36_000) }
}

/// Any sequence of calls, clocks that are set and time that passes: whatever is handed out belongs
/// to who asked, and is no older than its maximum age, counted from its evidence, while it says
/// that it may be used.
#[tokio::test]
async fn no_evidence_is_used_beyond_its_age_under_any_clock() {
    const NAMES: [&str; 3] = ["alice", "bob", "carol"];
    let (mut used, mut proxied_again) = (0, 0);
    for seed in 1..=150 {
        let mut random = Numbers(seed << 32 | 0x9e37_79b9);
        let (store, clock) = store();
        let (mut wall, mut monotonic) = (0i64, 0u64);
        let mut held: Vec<(&str, UserTicket)> = Vec::new();
        for _ in 0..200 {
            let name = NAMES[random.below(3) as usize];
            match random.below(8) {
                // Time passes; by the clock that can be set, or only by it, or without it.
                0 => (wall, monotonic) = (wall + 300, monotonic + 300),
                1 => wall += random.below(7200) as i64,
                2 => wall -= random.below(7200) as i64,
                3 => monotonic += random.below(400),
                4 => store.forget(|key| *key == evidence(name)),
                5 => held.truncate(2),
                _ => {
                    let now = clock.clone();
                    let fetch = || async move { Ok(issued(&now, name)) };
                    let evidence = store.evidence(evidence(name), KEEP, fetch).await.unwrap();
                    held.push((name, evidence));
                }
            }
            clock.set(wall, monotonic);
            if let Some((name, evidence)) = held.last().cloned() {
                let got = evidence.ticket.clone();
                let fetch = || async move {
                    Ok(Credential { ticket: got, ..issued(&TestClock::new(), name) })
                };
                let key = proxy(&evidence, name, ["cifs", "HTTP"][random.below(2) as usize]);
                let ticket = store.proxied(key, &evidence, fetch).await.unwrap();
                assert_eq!(ticket.ticket, evidence.ticket, "got with what was judged");
                proxied_again += usize::from(evidence.is_current(&*clock));
                held.push((name, ticket));
            }
            for (name, ticket) in held.iter().filter(|(_, ticket)| ticket.is_current(&*clock)) {
                let text = String::from_utf8(ticket.ticket.clone()).unwrap();
                let mut parts = text.split(' ');
                assert_eq!(parts.next(), Some(*name));
                let [by_wall, by_monotonic] = [NOW + wall, monotonic as i64]
                    .map(|now| now - parts.next().unwrap().parse::<i64>().unwrap());
                assert!(by_monotonic < 900, "seed {seed}: {by_monotonic} s old");
                assert!((0..900).contains(&by_wall), "seed {seed}: {by_wall} s old by the clock");
                used += 1;
            }
            held.retain(|(_, ticket)| ticket.is_current(&*clock));
        }
    }
    assert!(used > 1000 && proxied_again > 1000, "{used} {proxied_again}: the test tests little");
}

#[tokio::test]
async fn a_service_ticket_is_as_old_as_its_evidence() {
    let (store, clock) = store();
    let fetched = AtomicUsize::new(0);
    let get = async || {
        let fetch = |name| {
            fetched.fetch_add(1, Ordering::SeqCst);
            let end = clock.now().seconds.unix() + 36_000;
            async move { Ok(credential(name, end)) }
        };
        let evidence = store.evidence(evidence("alice"), KEEP, || fetch("alice")).await.unwrap();
        let key = proxy(&evidence, "S-1-5-21-1", "target");
        let ticket = store.proxied(key, &evidence, || fetch("alice")).await.unwrap();
        (evidence, ticket, fetched.load(Ordering::SeqCst))
    };
    // The evidence is 14 minutes old, less a second, when the service ticket is asked for.
    let fetch = || async { Ok(credential("alice", NOW + 36_000)) };
    let first = store.evidence(evidence("alice"), KEEP, fetch).await.unwrap();
    clock.set(839, 839);
    let (evidence, ticket, fetches) = get().await;
    assert_eq!((evidence.held.number, fetches), (first.held.number, 1));
    // It can still be used for a minute, but is handed out to nobody else.
    clock.set(840, 840);
    let (_, fresh, fetches) = get().await;
    assert_eq!(fetches, 3, "both anew");
    for (second, current) in [(899, true), (900, false)] {
        clock.set(second, second as u64);
        assert_eq!(ticket.is_current(&*clock), current, "{second}");
        assert!(fresh.is_current(&*clock));
    }
}

/// At its limit the store forgets tickets; it never gives one for another, and does not grow.
#[tokio::test]
async fn whatever_is_evicted_nobody_gets_anothers_ticket() {
    const LIMIT: usize = 40;
    let clock = TestClock::new();
    let store = TicketStore::of_size(LIMIT, clock.clone());
    let (mut random, fetches) = (Numbers(42), AtomicUsize::new(0));
    let issue = |of: &str, end: i64| {
        fetches.fetch_add(1, Ordering::SeqCst);
        Credential { ticket: of.as_bytes().to_vec(), ..credential("", NOW + 3600 + end) }
    };
    // Each differs from some other one in one member alone.
    let names = ["alice", "Alice", "alice$"].map(Name::user);
    let users =
        names.iter().flat_map(|name| ["R", "r"].map(|realm| Principal::new(name.clone(), realm)));
    let users: Vec<_> = users.collect();
    let mut fullest = 0;
    const SIDS: [&str; 3] = ["S-1-5-21-1-1104", "S-1-5-21-1-110", "S-1-5-21-11-104"];
    for step in 0..4000u32 {
        clock.set(step.into(), step.into());
        let (user, end) = (&users[random.below(6) as usize], random.below(600) as i64);
        let of = format!("{user:?}");
        let client = user.clone();
        let fetch = || {
            let issued = issue(&of, end);
            async move { Ok(Credential { client, ..issued }) }
        };
        let key = key("service", named(user));
        let evidence = store.evidence(key, KEEP, fetch).await.unwrap();
        assert_eq!(evidence.ticket, of.as_bytes());

        let sid = SIDS[random.below(3) as usize];
        let target = ["cifs/a", "cifs/ab"][random.below(2) as usize];
        let of = format!("{user:?} {sid} {target:?} {}", evidence.held.number);
        let fetch = || {
            let issued = issue(&of, end);
            async { Ok(issued) }
        };
        let ticket = store.proxied(proxy(&evidence, sid, target), &evidence, fetch).await.unwrap();
        assert_eq!(ticket.ticket, of.as_bytes());
        fullest = fullest.max(store.look().len());
    }
    assert_eq!(fullest, LIMIT, "filled to its limit and no further");
    let fetches = fetches.load(Ordering::SeqCst);
    assert!(fetches < 7000, "{fetches} of 8000 asked for: it keeps something, too");
}

#[tokio::test]
async fn what_expires_first_goes_first() {
    let clock = TestClock::new();
    let store = TicketStore::of_size(2, clock.clone());
    let names = ["first", "second", "third"];
    for (at, name) in names.into_iter().enumerate() {
        clock.set(at as i64, at as u64);
        let fetch = || async move { Ok(credential(name, NOW + 36_000)) };
        store.get(evidence(name), None, KEEP, fetch).await.unwrap();
    }
    let kept = |name| store.look().get(&evidence(name)).is_some();
    assert_eq!(names.map(kept), [false, true, true]);
}

/// One store can serve several accounts and realms: each member of a key alone tells tickets apart,
/// but FAST, which protects the exchange and is not in the ticket.
#[tokio::test]
async fn each_member_of_a_key_tells_tickets_apart() {
    let (store, _) = store();
    let usual = TicketOptions::default();
    let principal = |name: &str, realm| Arc::new(Principal::new(Name::user(name), realm));
    let (service, options) = (Arc::new(user("service")), Arc::new(Options::from(&usual)));
    let of = |account: &str, realm| {
        TicketKey::new(principal(account, realm), &user("cifs"), Behalf::Itself, options.clone())
    };
    let proved = |name: &str, sid: &str, evidence| {
        key("cifs", Behalf::Proved { user: &user(name), sid, evidence })
    };
    let asked = |options: &TicketOptions| {
        TicketKey::new(service.clone(), &user("cifs"), Behalf::Itself, Arc::new(options.into()))
    };
    let keys = [
        key("cifs", Behalf::Itself),
        key("HTTP", Behalf::Itself),
        key_to(&principal("cifs", "OTHER"), Behalf::Itself),
        of("other", "R"),
        of("service", "OTHER"),
        asked(&TicketOptions { lifetime: 3600, ..usual.clone() }),
        asked(&TicketOptions { forwardable: false, ..usual.clone() }),
        asked(&TicketOptions { enctypes: vec![], ..usual.clone() }),
        key("cifs", named(&user("alice"))),
        key("cifs", named(&user("alice"))).in_epoch(1),
        proved("alice", "S-1-5-21-1", number(1)),
        proved("bob", "S-1-5-21-1", number(1)),
        proved("alice", "S-1-5-21-2", number(1)),
        proved("alice", "S-1-5-21-1", number(2)),
    ];
    for (number, key) in keys.iter().enumerate() {
        let ticket = vec![number as u8];
        let fetch = || async { Ok(Credential { ticket, ..credential("", NOW + 3600) }) };
        store.get(key.clone(), None, KEEP, fetch).await.unwrap();
    }
    let armored = asked(&TicketOptions { fast: TgsArmor::Implicit, ..usual });
    for (number, key) in keys.iter().enumerate().chain([(0, &armored)]) {
        let fetch = || never("it is there");
        let held = store.get(key.clone(), None, KEEP, fetch).await.unwrap();
        assert_eq!(held.credential.ticket, [number as u8], "{key:?}");
    }
}

/// What another process got counts from when it was asked for, and no later than the KDC issued it.
#[tokio::test]
async fn a_ticket_of_another_process_is_no_younger_here() {
    let clock = TestClock::new();
    clock.set(500, 20);
    let now = Moment::now(&*clock);
    let shared = |asked_at: i64, starttime: i64| {
        let mut credential = credential("alice", NOW + 36_000);
        credential.times.starttime = KerberosTime::from_unix(NOW + starttime);
        let ticket = SharedTicket { asked_at: NOW + asked_at, credential };
        SharedTicket::from_bytes(&ticket.to_bytes()).unwrap()
    };
    for (asked_at, starttime, age) in
        [(0, 0, 500), (400, 400, 100), (900, 300, 200), (100, 400, 400)]
    {
        let since = shared(asked_at, starttime).since(now);
        assert_eq!(now.since(since), Some(Duration::from_secs(age)), "{asked_at} {starttime}");
    }
    let bytes = shared(0, 0).to_bytes();
    for length in 0..bytes.len() {
        assert!(SharedTicket::from_bytes(&bytes[..length]).is_none(), "{length}");
    }
}

#[test]
fn slots_are_of_one_key_each_and_of_no_process() {
    let cifs = |name: &str| key("cifs", named(&user(name)));
    let (a, alice) = (user("a"), user("alice"));
    let proved = |evidence| Behalf::Proved { user: &a, sid: "S-1-5-21-1", evidence };
    let keys = [
        cifs("alice"),
        cifs("bob"),
        cifs("alice").in_epoch(1),
        key("cifs", Behalf::Named { user: &alice, asker: b"one" }),
        key("cifs", Behalf::Named { user: &alice, asker: b"another" }),
        key("HTTP", named(&alice)),
        key("cifs", Behalf::Itself),
        key("cifs", proved(number(1))),
    ];
    let mut slots: Vec<_> = keys.iter().map(|key| key.slot(b"evidence")).collect();
    slots.push(keys[7].slot(b"other"));
    slots.sort();
    slots.dedup();
    assert_eq!(slots.len(), keys.len() + 1);
    assert_eq!(
        keys[7].slot(b"e"),
        key("cifs", proved(number(2))).slot(b"e"),
        "its number is this process's"
    );
}

/// Names that could be one another's if it were not said where each begins and ends.
#[test]
fn names_are_told_apart_wherever_they_end() {
    let parts =
        |parts: &[&str], realm| Principal::new(Name::new(NameType::PRINCIPAL, parts), realm);
    let (long, longer) = ("x".repeat(254), "x".repeat(255));
    let principals = [
        parts(&["ab"], "R"),
        parts(&["a", "b"], "R"),
        parts(&["ab", ""], "R"),
        parts(&[], "R"),
        parts(&[], ""),
        parts(&["a"], "Rb"),
        parts(&[&long], "R"),
        parts(&[&longer], "R"),
        parts(&[&longer, "b"], "R"),
        Principal::new(Name::enterprise("ab"), "R"),
    ];
    let mut keys = HashSet::new();
    for target in &principals {
        assert!(keys.insert(key_to(target, Behalf::Itself)), "{target:?}");
        for user in &principals {
            let key = key_to(target, named(user));
            for other in &principals {
                assert_eq!(User::new(other).is_named_by(&key), user == other, "{user:?} {other:?}");
            }
            assert!(key.is_in_a_users_name() && keys.insert(key), "{target:?} {user:?}");
            for sid in ["", "S-1-5", "S-1-5\0"] {
                let proved = key_to(target, Behalf::Proved { user, sid, evidence: number(1) });
                assert!(keys.insert(proved), "{target:?} {user:?} {sid:?}");
            }
        }
    }
    let slots: HashSet<_> = keys.iter().map(|key| key.slot(b"e")).collect();
    // Without its number, evidence of no SID is none.
    assert_eq!(slots.len(), keys.len() - principals.len() * principals.len());
}
