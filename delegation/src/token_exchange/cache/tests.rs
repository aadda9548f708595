//! Whose is whose, how long and how much.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use serde_json::json;
use tokio::time::{sleep, timeout};

use super::key::Salt;
use super::*;
use crate::identity::BearerToken;
use crate::testing::TestClock;
use crate::{Blame, Code};

const NOW: i64 = 1_800_000_000;

struct Fixture {
    cache: Arc<Cache>,
    clock: Arc<TestClock>,
    asked: AtomicUsize,
}

fn config() -> CacheConfig {
    CacheConfig { enabled: true, ..CacheConfig::default() }
}

fn fixture() -> Fixture {
    bounded(usize::MAX, usize::MAX)
}

fn bounded(sessions: usize, bytes: usize) -> Fixture {
    let clock = Arc::new(TestClock::at(NOW));
    let bounds = Bounds { sessions, bytes, entries: 10, idle: Duration::from_secs(900) };
    let cache = Cache::bounded(&config(), bounds, clock.clone()).unwrap();
    Fixture { cache: Arc::new(cache), clock, asked: AtomicUsize::new(0) }
}

/// Alice's caller with this token, which ends so many seconds from now.
fn caller(token: &str, left: i64) -> Caller {
    let token = BearerToken::new(token.to_owned());
    Caller::with_token("https://idp.example", "alice", Some("agent"), token, NOW + left)
}

fn claims(number: usize) -> Claims {
    let claims = json!({ "sub": "alice", "legacy_name": "ALICE_ADMIN", "n": number });
    Claims::from_json(claims.to_string().as_bytes()).unwrap()
}

impl Fixture {
    fn key(&self, caller: &Caller) -> Arc<Key> {
        self.key_for(caller, 0)
    }

    fn key_for(&self, caller: &Caller, asked: u8) -> Arc<Key> {
        self.key_after(caller, asked, 0)
    }

    fn key_after(&self, caller: &Caller, asked: u8, generation: u64) -> Arc<Key> {
        Arc::new(self.cache.key(&[asked; 32], caller, None, generation).unwrap())
    }

    async fn exchange(&self, caller: &Caller, keep: Keep) -> Result<Claims, Failure> {
        self.exchange_for(caller, 0, keep).await
    }

    async fn exchange_for(
        &self,
        caller: &Caller,
        asked: u8,
        keep: Keep,
    ) -> Result<Claims, Failure> {
        self.exchange_by(self.key_for(caller, asked), caller, keep).await
    }

    /// What a call of this caller's comes to: the answer has the number of the question as `n`.
    async fn exchange_by(
        &self,
        key: Arc<Key>,
        caller: &Caller,
        keep: Keep,
    ) -> Result<Claims, Failure> {
        if let Some(found) = self.cache.find(&key, None) {
            return found;
        }
        let exchange = || {
            let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                sleep(Duration::from_millis(100)).await;
                let refusal = Failure::new(Code::TokenExchangeFailed, "no", "do");
                let result = if keep == Keep::Refusal { Err(refusal) } else { Ok(claims(number)) };
                Exchanged { result, keep }
            }
        };
        self.cache.find_or_exchange(&key, caller, None, exchange).await.unwrap().result.clone()
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn pass(&self, seconds: i64) {
        self.clock.pass(seconds);
    }

    fn sessions(&self) -> usize {
        let sessions = self.cache.lock();
        sessions.check();
        sessions.figures().0
    }
}

const LONG: Keep = Keep::Until(NOW + 100_000);

#[test]
fn one_octet_of_the_token_and_every_other_input_makes_another_key() {
    let it = fixture();
    let long = "x".repeat(1800);
    let token = |text: &str| BearerToken::new(text.to_owned());
    let one = |issuer: &str, subject: &str, client: Option<&str>, text: &str| {
        Caller::with_token(issuer, subject, client, token(text), NOW)
    };
    let key = |caller: &Caller, asked: u8, actor: Option<&str>, generation: u64| {
        it.cache.key(&[asked; 32], caller, actor, generation).unwrap().entry
    };
    let caller = one("i", "s", Some("c"), &long);
    let same = key(&caller, 0, Some("a"), 0);
    assert_eq!(key(&caller, 0, Some("a"), 0), same);
    let mut others = vec![
        key(&caller, 1, Some("a"), 0),
        key(&caller, 0, Some("b"), 0),
        key(&caller, 0, None, 0),
        key(&caller, 0, Some(""), 0),
        key(&caller, 0, Some("a"), 1),
        key(&one("j", "s", Some("c"), &long), 0, Some("a"), 0),
        key(&one("i", "t", Some("c"), &long), 0, Some("a"), 0),
        key(&one("i", "s", Some("d"), &long), 0, Some("a"), 0),
        key(&one("i", "s", None, &long), 0, Some("a"), 0),
        // The same octets in other fields.
        key(&one("is", "c", None, &long), 0, Some("a"), 0),
        key(&one("i", "sc", None, &long), 0, Some("a"), 0),
        key(&one("i", "s", Some("ca"), &long), 0, None, 0),
        // The first, the last and the length.
        key(&one("i", "s", Some("c"), &format!("y{}", &long[1..])), 0, Some("a"), 0),
        key(&one("i", "s", Some("c"), &format!("{}y", &long[1..])), 0, Some("a"), 0),
        key(&one("i", "s", Some("c"), &long[1..]), 0, Some("a"), 0),
    ];
    others.push(same);
    let all = others.len();
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), all);
    // Another process, another key.
    let elsewhere = fixture();
    assert_ne!(elsewhere.cache.key(&[0; 32], &caller, Some("a"), 0).unwrap().entry, same);
}

/// A provider that takes its time makes nothing younger.
#[tokio::test(start_paused = true)]
async fn what_was_exchanged_is_as_old_as_the_question() {
    for (more, is_kept) in [(54, true), (55, false)] {
        let it = fixture();
        let caller = caller("token", 10_000);
        let slow = || {
            let clock = it.clock.clone();
            async move {
                clock.pass(5);
                Exchanged { result: Ok(claims(1)), keep: LONG }
            }
        };
        let key = it.key(&caller);
        it.cache.find_or_exchange(&key, &caller, None, slow).await.unwrap();
        it.pass(more);
        assert_eq!(it.cache.find(&key, None).is_some(), is_kept, "{more}");
    }
}

#[test]
fn a_key_that_lacks_a_part_is_none() {
    let it = fixture();
    let token = |text: &str| BearerToken::new(text.to_owned());
    for (issuer, subject, text) in [("", "s", "t"), ("i", "", "t"), ("i", "s", "")] {
        let caller = Caller::with_token(issuer, subject, Some("c"), token(text), NOW);
        assert!(it.cache.key(&[0; 32], &caller, None, 0).is_none(), "{issuer} {subject} {text}");
    }
}

#[test]
fn what_is_sealed_opens_with_that_token_only_and_only_where_it_was_put() {
    let it = fixture();
    let key = it.key(&caller("one", 300));
    let salt = salt().unwrap();
    let secret = b"{\"legacy_name\":\"ALICE_ADMIN\"}";
    let sealed = key.seal(&salt, secret).unwrap().to_vec();
    assert!(!sealed.windows(5).any(|part| part == b"ALICE"));
    let open = |key: &Key, salt: &Salt, sealed: &[u8]| {
        key.open(salt, Zeroizing::new(sealed.to_vec())).map(|opened| opened.to_vec())
    };
    assert_eq!(open(&key, &salt, &sealed).as_deref(), Some(secret.as_slice()));
    // Another token; the same token in another place, after a revocation, with another session's salt.
    assert_eq!(open(&it.key(&caller("two", 300)), &salt, &sealed), None);
    assert_eq!(open(&it.key_for(&caller("one", 300), 1), &salt, &sealed), None);
    let later = it.cache.key(&[0; 32], &caller("one", 300), None, 1).unwrap();
    assert_eq!(open(&later, &salt, &sealed), None);
    assert_eq!(open(&key, &super::salt().unwrap(), &sealed), None);
    for octet in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[octet] ^= 1;
        assert_eq!(open(&key, &salt, &changed), None, "{octet}");
    }
    for length in 0..sealed.len() {
        assert_eq!(open(&key, &salt, &sealed[..length]), None, "{length}");
    }
    assert_ne!(key.seal(&salt, secret).unwrap().to_vec(), sealed, "another nonce each time");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_used_until_the_least_of_all_ends() {
    for (ends, token_left, ttl) in [
        // The exchanged token, the caller's, and the setting say the least; 10 s of margin.
        (Keep::Until(NOW + 40), 300, 30),
        (LONG, 50, 40),
        (LONG, 300, 60),
        (Keep::Until(NOW + 300), 300, 60),
    ] {
        let it = fixture();
        let alice = caller("token", token_left);
        let found = it.exchange(&alice, ends).await.unwrap();
        assert_eq!(found.text("legacy_name"), Some("ALICE_ADMIN"));
        it.pass(ttl - 1);
        assert_eq!(
            it.exchange(&alice, ends).await.unwrap().text("legacy_name"),
            Some("ALICE_ADMIN")
        );
        assert_eq!(it.asked(), 1, "{ends:?} {token_left}");
        it.pass(1);
        it.exchange(&alice, ends).await.unwrap();
        assert_eq!(it.asked(), 2, "{ends:?} {token_left}");
    }
    // Nobody says how long, or too short to be of use.
    for (keep, left) in [(Keep::No, 300), (Keep::Until(NOW + 10), 300), (LONG, 10), (LONG, -5)] {
        let it = fixture();
        for _ in 0..2 {
            it.exchange(&caller("token", left), keep).await.unwrap();
        }
        assert_eq!((it.asked(), it.sessions()), (2, 0), "{keep:?} {left}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_prolongs_nothing() {
    let it = fixture();
    let alice = caller("token", 300);
    it.exchange(&alice, LONG).await.unwrap();
    it.pass(-3600);
    it.exchange(&alice, LONG).await.unwrap();
    assert_eq!(it.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_new_token_of_the_same_application_ends_the_session_of_the_old_one() {
    let it = fixture();
    let (old, new) = (caller("old", 300), caller("new", 600));
    it.exchange(&old, LONG).await.unwrap();
    assert_eq!(it.sessions(), 1);
    it.exchange(&new, LONG).await.unwrap();
    assert_eq!(it.sessions(), 1);
    it.exchange(&old, LONG).await.unwrap();
    assert_eq!(it.asked(), 3, "the old one is good still, and has nothing kept");
    it.exchange(&new, LONG).await.unwrap();
    assert_eq!((it.asked(), it.sessions()), (3, 2), "an older one ends nobody's session");
    // Another application of hers, and another user, are not concerned.
    let token = |text: &str| BearerToken::new(text.to_owned());
    let issuer = "https://idp.example";
    let other = Caller::with_token(issuer, "alice", Some("phone"), token("o"), NOW + 900);
    let bob = Caller::with_token(issuer, "bob", Some("agent"), token("b"), NOW + 900);
    it.exchange(&other, LONG).await.unwrap();
    it.exchange(&bob, LONG).await.unwrap();
    assert_eq!(it.sessions(), 4);
}

#[tokio::test(start_paused = true)]
async fn sessions_end_with_their_token_and_when_they_are_idle() {
    let it = fixture();
    it.exchange(&caller("short", 100), LONG).await.unwrap();
    let token = |text: &str| BearerToken::new(text.to_owned());
    let of = |user: &str| {
        let token = token(user);
        Caller::with_token("https://idp.example", user, None, token, NOW + 100_000)
    };
    it.exchange(&of("idle"), LONG).await.unwrap();
    assert_eq!(it.sessions(), 2);
    it.pass(100);
    it.exchange(&of("x"), LONG).await.unwrap();
    assert_eq!(it.sessions(), 2, "the token of one has ended");
    it.pass(800);
    it.exchange(&of("y"), LONG).await.unwrap();
    assert_eq!(it.sessions(), 2, "one was idle for 900 s");
}

#[tokio::test(start_paused = true)]
async fn nothing_that_came_before_a_revocation_is_found_after_it() {
    let it = fixture();
    let alice = caller("token", 300);
    it.exchange(&alice, LONG).await.unwrap();
    let after = it.key_after(&alice, 0, 1);
    assert!(it.cache.find(&after, None).is_none());
    // What is under way meanwhile is not joined, and lands where nobody looks any more.
    let [before, after] = [0, 1].map(|generation| it.key_after(&alice, 1, generation));
    let under_way = it.exchange_by(before.clone(), &alice, LONG);
    let revoked = async {
        sleep(Duration::from_millis(50)).await;
        it.exchange_by(after.clone(), &alice, LONG).await
    };
    let (first, second) = tokio::join!(under_way, revoked);
    assert_eq!(it.asked(), 3);
    let number = |claims: Result<Claims, Failure>| claims.unwrap().get("n").unwrap().as_u64();
    assert_eq!((number(first), number(second)), (Some(2), Some(3)));
    for (key, its_own) in [(before, Some(2)), (after, Some(3))] {
        assert_eq!(number(it.cache.find(&key, None).unwrap()), its_own);
    }
}

#[tokio::test(start_paused = true)]
async fn nine_others_get_what_the_first_gave_up_waiting_for() {
    let it = fixture();
    let alice = caller("token", 300);
    let first = timeout(Duration::from_millis(20), it.exchange(&alice, LONG));
    assert!(first.await.is_err());
    let mut others = tokio::task::JoinSet::new();
    let it = Arc::new(it);
    for _ in 0..9 {
        let (it, alice) = (it.clone(), alice.clone());
        others.spawn(async move { it.exchange(&alice, LONG).await });
    }
    let all = others.join_all().await;
    assert!(all.iter().all(|found| found.as_ref().unwrap().text("sub") == Some("alice")));
    assert_eq!(it.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_rejected_is_neither_found_nor_waited_for_again() {
    let it = fixture();
    let alice = caller("token", 300);
    it.exchange(&alice, LONG).await.unwrap();
    it.cache.reject(&it.key(&alice));
    assert!(it.cache.find(&it.key(&alice), None).is_none());
    // Under way: whoever has rejected what it will come to does not join it.
    let first = it.exchange(&alice, LONG);
    let second = async {
        sleep(Duration::from_millis(50)).await;
        it.cache.reject(&it.key(&alice));
        it.exchange(&alice, LONG).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(it.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_definite_refusal_is_remembered_for_three_seconds() {
    let it = fixture();
    let alice = caller("token", 300);
    for _ in 0..5 {
        let failure = it.exchange(&alice, Keep::Refusal).await.unwrap_err();
        assert_eq!(
            (failure.code, failure.blame),
            (Code::TokenExchangeFailed, Blame::IdentityProvider)
        );
    }
    assert_eq!(it.asked(), 1);
    // It is nobody else's, and of nothing else.
    it.exchange(&caller("other", 300), Keep::Refusal).await.unwrap_err();
    it.exchange_for(&alice, 1, LONG).await.unwrap();
    assert_eq!(it.asked(), 3);
    it.pass(3);
    it.exchange(&alice, LONG).await.unwrap();
    assert_eq!(it.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn entries_sessions_and_bytes_are_bounded() {
    let it = bounded(3, 4096);
    let alice = caller("token", 300);
    for asked in 0..20 {
        it.exchange_for(&alice, asked, LONG).await.unwrap();
        it.sessions();
    }
    let kept =
        (0..20).filter(|asked| it.cache.find(&it.key_for(&alice, *asked), None).is_some()).count();
    assert_eq!(kept, 10);
    for user in 0..10 {
        let token = BearerToken::new(format!("{user}"));
        let caller = Caller::with_token("i", &format!("{user}"), None, token, NOW + 300);
        it.exchange(&caller, LONG).await.unwrap();
        assert!(it.sessions() <= 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_sessions_take_less_than_ten_megabytes() {
    let it = fixture();
    // The claims of a token of 1.8 KB: the rest is its header and its signature.
    let roles: Vec<String> =
        (0..60).map(|number| format!("a-role-of-the-realm-{number}")).collect();
    let claims = json!({ "sub": "alice", "legacy_name": "ALICE_ADMIN", "roles": roles });
    let json = claims.to_string();
    assert!((1300..1900).contains(&json.len()), "{}", json.len());
    for user in 0..1000 {
        let token = BearerToken::new(format!("{user}{}", "x".repeat(1800)));
        let caller = Caller::with_token("i", &format!("{user}"), None, token, NOW + 300);
        let claims = Claims::from_json(json.as_bytes()).unwrap();
        let exchange = || async { Exchanged { result: Ok(claims), keep: LONG } };
        it.cache.find_or_exchange(&it.key(&caller), &caller, None, exchange).await.unwrap();
    }
    let sessions = it.cache.lock();
    let (count, bytes) = sessions.figures();
    // Beside what is sealed: the session, its entry, and its places in the order of use, of ends and of
    // users, with what a table has of room to spare.
    let beside = count * Sessions::BYTES_BESIDE;
    assert_eq!(count, 1000);
    assert!(bytes + beside < 4 << 20, "{bytes} {beside}");
}

proptest! {
    #[test]
    fn every_place_agrees_whatever_happens(
        steps in prop::collection::vec((0..6_u8, 0..6_u8, 0..4_u8, 1..200_usize), 1..60)
    ) {
        let idle = Duration::from_secs(20);
        let mut all = Sessions::new(Bounds { sessions: 4, bytes: 600, entries: 3, idle });
        let (mut wall, mut salts) = (NOW, std::collections::HashMap::new());
        for (step, session, user, size) in steps {
            wall += i64::from(step);
            let now = Moment::now(&TestClock::at(wall));
            let (name, owner) = ([session; 32], Owner {
                application: [user; 32], ends: NOW + i64::from(session) * 30 + 10,
            });
            match step {
                0 | 1 => drop(salts.insert(name, all.salt(name, owner, Zeroizing::new([step; 32]), now))),
                2 | 3 => if let Some(salt) = salts.get(&name) {
                    let kept = Kept::Sealed(vec![0; size].into_boxed_slice());
                    let entry = Entry { name: [user; 32], kept, since: now, time: idle };
                    all.keep(&name, salt, entry);
                },
                4 => drop(all.find(&name, &[user; 32], None, now).map(|found| found.0)),
                _ => all.forget(&name, &[user; 32]),
            }
            all.check();
        }
    }
}
