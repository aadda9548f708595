//! Keys that come and go, issuers that are slow, silent or lying, and strangers in between.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use krb_client::Clock;
use krb_proto::Timestamp;
use tokio::time::{Instant, sleep};

use super::*;
use crate::identity::key_set::KeySet;
use crate::identity::keys::{
    COOLDOWN, Keys, Listed, MAX_AGE, MIN_AGE, RETRY, STALE, Source, Unavailable, WAIT,
};

const A_MOMENT: Duration = Duration::from_millis(1);

/// An issuer under virtual time.
#[derive(Clone, Default)]
struct Script {
    /// How each fetch goes, in order; then each is good at once.
    steps: Arc<Mutex<VecDeque<Step>>>,
    fetches: Arc<AtomicUsize>,
    /// How long it says that its keys are good for.
    fresh: Arc<Mutex<Option<Duration>>>,
}

enum Step {
    After(Duration),
    Fails,
    Hangs,
    ListsNone,
}

/// Time as tokio's; nobody sets the clock.
struct Passing(Instant);

impl Clock for Passing {
    fn now(&self) -> Timestamp {
        Timestamp::new(NOW, 0)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

#[async_trait]
impl Source for Script {
    async fn fetch(&self) -> Result<Listed, String> {
        self.fetches.fetch_add(1, Ordering::SeqCst);
        let step = self.steps.lock().unwrap().pop_front();
        let mut keys = vec![SigningKey::generate().jwk(None)];
        match step {
            None => {}
            Some(Step::After(time)) => sleep(time).await,
            Some(Step::Fails) => return Err("no".into()),
            Some(Step::Hangs) => std::future::pending().await,
            Some(Step::ListsNone) => keys.clear(),
        }
        let document = json!({ "keys": keys });
        let set = KeySet::new(serde_json::from_value(document).unwrap());
        Ok(Listed { set, fresh: *self.fresh.lock().unwrap() })
    }
}

impl Script {
    fn new(steps: impl IntoIterator<Item = Step>) -> (Self, Arc<Keys>) {
        let steps = Arc::new(Mutex::new(steps.into_iter().collect()));
        let script = Self { steps, ..Self::default() };
        let clock = Arc::new(Passing(Instant::now()));
        let keys = Arc::new(Keys::new("https://idp.example", script.clone(), clock));
        (script, keys)
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_takes_nothing_from_the_others() {
    let slow = Duration::from_millis(300);
    let (script, keys) = Script::new([Step::After(slow)]);
    // The first caller causes the fetch and leaves; others come and leave all the time.
    for _ in 0..10 {
        let left = tokio::time::timeout(Duration::from_millis(20), keys.current()).await;
        assert!(left.is_err(), "the fetch takes longer");
    }
    let begun = Instant::now();
    assert!(keys.current().await.is_ok());
    assert!(begun.elapsed() <= slow - Duration::from_millis(200) + A_MOMENT);
    assert_eq!(script.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_silent_issuer_costs_a_bounded_wait_and_is_asked_again() {
    let (script, keys) = Script::new([Step::Hangs]);
    let begun = Instant::now();
    assert_eq!(keys.current().await.err(), Some(Unavailable));
    assert_eq!(begun.elapsed(), WAIT);
    // The fetch that hangs ends by itself, and the next one is good.
    sleep(Duration::from_secs(10)).await;
    assert!(keys.current().await.is_ok());
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_forgotten_soon_and_hammers_nobody() {
    let (script, keys) = Script::new([Step::Fails]);
    assert!(keys.current().await.is_err());
    for _ in 0..1000 {
        assert!(keys.current().await.is_err(), "it has just failed");
    }
    assert_eq!(script.fetches(), 1);
    sleep(RETRY).await;
    assert!(keys.current().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_last_good_keys_are_kept_for_a_day_and_no_longer() {
    let (script, keys) = Script::new([Step::After(Duration::ZERO)]);
    let good = keys.current().await.unwrap();
    for _ in 0..100_000 {
        script.steps.lock().unwrap().push_back(Step::Fails);
    }
    sleep(STALE - A_MOMENT).await;
    assert!(Arc::ptr_eq(&keys.current().await.unwrap(), &good));
    sleep(A_MOMENT).await;
    assert_eq!(keys.current().await.err(), Some(Unavailable));
    let day = STALE.as_secs() as usize;
    assert!(script.fetches() <= day / 60 + 10, "a minute apart if nobody asks");
    script.steps.lock().unwrap().clear();
    sleep(RETRY).await;
    assert!(keys.current().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn withdrawn_keys_leave_although_nobody_asks() {
    let (script, keys) = Script::new([]);
    let first = keys.current().await.unwrap();
    sleep(MAX_AGE - A_MOMENT).await;
    assert!(Arc::ptr_eq(&keys.current().await.unwrap(), &first));
    sleep(A_MOMENT * 2).await;
    assert_eq!(script.fetches(), 2, "without a caller");
    assert!(!Arc::ptr_eq(&keys.current().await.unwrap(), &first));
    // The task that does it ends with the keys.
    drop(keys);
    sleep(MAX_AGE * 3).await;
    assert!(script.fetches() <= 3);
}

#[tokio::test(start_paused = true)]
async fn keys_are_good_for_as_long_as_their_issuer_says_within_limits() {
    let seconds = Duration::from_secs;
    for (says, age) in [
        (None, MAX_AGE),
        (Some(seconds(0)), MIN_AGE),
        (Some(MIN_AGE - A_MOMENT), MIN_AGE),
        (Some(MIN_AGE + A_MOMENT), MIN_AGE + A_MOMENT),
        (Some(seconds(300)), seconds(300)),
        (Some(MAX_AGE + A_MOMENT), MAX_AGE),
        (Some(Duration::MAX), MAX_AGE),
    ] {
        let (script, keys) = Script::new([]);
        *script.fresh.lock().unwrap() = says;
        let first = keys.current().await.unwrap();
        sleep(age - A_MOMENT).await;
        assert_eq!(script.fetches(), 1, "{says:?}");
        sleep(A_MOMENT * 2).await;
        assert_eq!(script.fetches(), 2, "{says:?}: nobody had to ask");
        assert!(!Arc::ptr_eq(&keys.current().await.unwrap(), &first));
        // What is old is good until there is something newer, however short the issuer's word.
        for _ in 0..3000 {
            script.steps.lock().unwrap().push_back(Step::Fails);
        }
        let second = keys.current().await.unwrap();
        sleep(STALE - seconds(1)).await;
        assert!(Arc::ptr_eq(&keys.current().await.unwrap(), &second), "{says:?}");
        sleep(seconds(1)).await;
        assert_eq!(keys.current().await.err(), Some(Unavailable), "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn new_keys_arrive_at_once_and_strangers_cause_one_fetch_in_a_cooldown() {
    let (script, keys) = Script::new([]);
    let first = keys.current().await.unwrap();
    for _ in 0..1000 {
        assert_eq!(keys.newer(&first).await.map(|newer| newer.is_none()), Ok(true));
    }
    assert_eq!(script.fetches(), 1);
    sleep(COOLDOWN).await;
    let second = keys.newer(&first).await.unwrap().expect("newer keys");
    assert_eq!(script.fetches(), 2);
    // Who comes late with the old ones causes nothing.
    assert!(Arc::ptr_eq(&keys.newer(&first).await.unwrap().unwrap(), &second));
    assert_eq!(script.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_does_not_answer_has_not_said_that_a_key_is_unknown() {
    let (_, keys) = Script::new([Step::After(Duration::ZERO), Step::Hangs, Step::Fails]);
    let first = keys.current().await.unwrap();
    sleep(COOLDOWN).await;
    assert_eq!(keys.newer(&first).await.err(), Some(Unavailable), "it hangs");
    assert!(keys.current().await.is_ok(), "the keys that are there go on");
    sleep(Duration::from_secs(10)).await;
    assert_eq!(keys.newer(&first).await.err(), Some(Unavailable), "it fails");
    assert_eq!(keys.newer(&first).await.err(), Some(Unavailable), "it has just failed");
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_lists_no_key_is_believed_and_asked_again_soon() {
    let (script, keys) = Script::new([Step::ListsNone]);
    let none = keys.current().await.unwrap();
    assert!(none.is_empty());
    sleep(RETRY).await;
    assert!(!keys.newer(&none).await.unwrap().unwrap().is_empty());
    assert_eq!(script.fetches(), 2);
}

#[tokio::test]
async fn keys_are_fetched_once_and_strangers_cannot_cause_more() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (verifier, good) = (verifier.clone(), idp.token());
        all.spawn(async move { verifier.verify(good).await.map(drop) });
    }
    while let Some(result) = all.join_next().await {
        result.unwrap().unwrap();
    }
    assert_eq!(idp.served().key_requests, 1);
    for number in 0..1000 {
        let token = idp.sign_with(&idp.claims(), |h| h.kid = Some(format!("k{number}x")));
        assert!(verifier.verify(BearerToken::new(token)).await.is_err());
    }
    assert_eq!(idp.served().key_requests, 1, "within the cooldown");
}

#[tokio::test]
async fn a_thousand_unknown_keys_do_not_stand_in_the_way_of_a_new_one() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let flood = async || {
        for number in 0..1000 {
            let token = idp.sign_with(&idp.claims(), |h| h.kid = Some(format!("k{number}x")));
            assert!(verifier.verify(BearerToken::new(token)).await.is_err());
            if number % 100 == 0 {
                // Nor in that of the keys that there are.
                verifier.verify(idp.token()).await.unwrap();
            }
        }
    };
    flood().await;
    assert_eq!(idp.served().key_requests, 1);
    let new = SigningKey::generate();
    idp.served().keys.push(new.jwk(Some("k2")));
    pass(COOLDOWN).await;
    flood().await;
    assert_eq!(idp.served().key_requests, 2);
    let token = new.sign(&idp.claims(), |header| header.kid = Some("k2".into()));
    assert!(verifier.verify(BearerToken::new(token)).await.is_ok());
    assert_eq!(idp.served().key_requests, 2);
}

#[tokio::test]
async fn a_list_that_is_too_long_is_not_taken_and_the_last_good_one_stays() {
    let idp = idp().await;
    let verifier = idp.verifier();
    verifier.verify(idp.token()).await.unwrap();
    let good = idp.served().keys.clone();
    let padding = json!({ "kty": "unknown", "x": "x".repeat(256 * 1024) });
    idp.served().keys.push(padding);
    pass(COOLDOWN).await;
    let unknown = idp.sign_with(&idp.claims(), |header| header.kid = Some("k2".into()));
    let unknown = verifier.verify(BearerToken::new(unknown)).await.map(drop);
    assert_eq!(unknown, Err(AuthenticationError::Unavailable(Flaw::Keys.text())));
    assert_eq!(idp.served().key_requests, 2);
    assert!(verifier.verify(idp.token()).await.is_ok());
    // Of a list that is long in number the first hundred count.
    let mut keys: Vec<_> = (0..99).map(|_| json!({ "kty": "unknown" })).collect();
    for (before, expected) in [(99, true), (100, false)] {
        keys.resize(before, json!({ "kty": "unknown" }));
        let mut listed = keys.clone();
        listed.extend(good.last().cloned());
        idp.served().keys = listed;
        assert_eq!(idp.verifier().verify(idp.token()).await.is_ok(), expected, "{before}");
    }
}

#[tokio::test]
async fn forged_tokens_whose_senders_leave_at_once_cost_the_others_nothing() {
    let idp = idp().await;
    idp.served().delay = Duration::from_millis(200);
    let verifier = idp.verifier();
    let header = Base64UrlUnpadded::encode_string(br#"{"alg":"ES256","kid":"forged"}"#);
    let claims = Base64UrlUnpadded::encode_string(idp.claims().to_string().as_bytes());
    let forged = format!("{header}.{claims}.AAAA");
    let flood = tokio::spawn({
        let verifier = verifier.clone();
        async move {
            loop {
                let forged = BearerToken::new(forged.clone());
                let call = verifier.verify(forged);
                let _ = tokio::time::timeout(Duration::from_millis(20), call).await;
                sleep(Duration::from_millis(5)).await;
            }
        }
    });
    for _ in 0..20 {
        verifier.verify(idp.token()).await.unwrap();
        sleep(Duration::from_millis(10)).await;
    }
    flood.abort();
    assert_eq!(idp.served().key_requests, 1);
}

#[tokio::test]
async fn without_keys_nothing_is_said_of_a_token() {
    let idp = idp().await;
    let verifier = idp.verifier_with(json!({ "jwksUri": "http://127.0.0.1:1/jwks" }));
    let error = verifier.verify(idp.token()).await.unwrap_err();
    assert_eq!(error, AuthenticationError::Unavailable(Flaw::Keys.text()));
}

#[tokio::test]
async fn every_key_that_fits_is_tried_up_to_eight() {
    let idp = idp().await;
    let others: Vec<_> = (0..9).map(|_| SigningKey::generate()).collect();
    let token = |kid: Option<&str>| {
        let kid = kid.map(str::to_owned);
        BearerToken::new(idp.sign_with(&idp.claims(), |header| header.kid.clone_from(&kid)))
    };
    let list = |before: usize, kid: Option<&str>| {
        let mut keys: Vec<_> = others[..before].iter().map(|other| other.jwk(kid)).collect();
        keys.push(idp.key.jwk(kid));
        idp.served().keys = keys;
    };
    for listed_kid in [None, Some("k1")] {
        for token_kid in [None, Some("k1")] {
            for before in [0, 1, 7, 8] {
                list(before, listed_kid);
                let verified = idp.verifier().verify(token(token_kid)).await.map(drop);
                let expected = match (token_kid, listed_kid) {
                    // A token that names its key is never tried with another.
                    (Some(_), None) => {
                        Err("the token is signed with a key that its issuer does not list")
                    }
                    _ if before < 8 => Ok(()),
                    _ => Err("the token's signature is wrong"),
                };
                let expected = expected.map_err(AuthenticationError::Unauthorized);
                assert_eq!(verified, expected, "{token_kid:?} {listed_kid:?} {before}");
            }
        }
    }
    // Keys of other kinds do not count.
    list(0, None);
    let mut keys: Vec<_> = (0..8).map(|_| others[0].jwk(None)).collect();
    for (number, key) in keys.iter_mut().enumerate() {
        match number {
            0..3 => key["use"] = json!("enc"),
            3..5 => key["alg"] = json!("ES384"),
            5..7 => key["key_ops"] = json!(["sign"]),
            _ => key["kty"] = json!("unknown"),
        }
    }
    keys.extend(idp.served().keys.clone());
    idp.served().keys = keys;
    assert!(idp.verifier().verify(token(None)).await.is_ok());
}

#[tokio::test]
async fn issuers_with_keys_of_the_same_name_are_kept_apart() {
    let (one, other) = (idp().await, idp().await);
    let config = |idp: &Idp| {
        let config = json!({
            "issuer": idp.url, "audience": "mcp-oauth", "mayAssert": { "realms": ["W25AD.NET"] }
        });
        serde_json::from_value(config).unwrap()
    };
    let idps = vec![config(&one), config(&other)];
    let verifier = Verifier::new(idps, &http(), one.clock.clone()).unwrap();
    for _ in 0..500 {
        for idp in [&one, &other] {
            assert_eq!(verifier.verify(idp.token()).await.unwrap().issuer(), idp.url);
        }
        let foreign = other.sign(&one.claims());
        assert!(verifier.verify(BearerToken::new(foreign)).await.is_err());
    }
}

#[tokio::test]
async fn a_rotated_key_is_known_at_once_and_the_withdrawn_one_no_more() {
    let idp = idp().await;
    let verifier = idp.verifier();
    assert!(verifier.verify(idp.token()).await.is_ok());
    // Under a new name, under the old one, and under none.
    for (listed, named) in [(Some("k2"), Some("k2")), (Some("k2"), Some("k2")), (None, None)] {
        let new = SigningKey::generate();
        let named = named.map(str::to_owned);
        let token = new.sign(&idp.claims(), |header| header.kid.clone_from(&named));
        let verify = || verifier.verify(BearerToken::new(token.clone()));
        idp.served().keys = vec![new.jwk(listed)];
        assert!(verify().await.is_err(), "not yet: strangers could ask for it all the time");
        pass(COOLDOWN).await;
        assert!(verify().await.is_ok(), "{listed:?}");
        let old = verifier.verify(idp.token()).await;
        assert!(old.is_err(), "it is not listed any more");
    }
}

#[tokio::test]
async fn keys_are_rotated_under_load_and_no_good_token_is_refused() {
    let idp = idp().await;
    let verifier = idp.verifier();
    assert!(verifier.verify(idp.token()).await.is_ok());
    let (mut old, mut old_name) = (idp.key.clone(), "k1".to_owned());
    // So that many come while the list is on its way.
    idp.served().delay = Duration::from_millis(50);
    for rotation in 0..5 {
        pass(COOLDOWN).await;
        let (new, new_name) = (Arc::new(SigningKey::generate()), format!("k{}", rotation + 2));
        idp.served().keys = vec![new.jwk(Some(&new_name)), old.jwk(Some(&old_name))];
        let before = idp.served().key_requests;
        let mut all = tokio::task::JoinSet::new();
        for number in 0..200 {
            // Two in three have a token by the new key, and nobody has anybody's.
            let (key, name) = if number % 3 == 0 { (&old, &old_name) } else { (&new, &new_name) };
            let claims = with(&idp.claims(), "jti", json!(format!("{rotation}-{number}")));
            let token = key.sign(&claims, |header| header.kid = Some(name.clone()));
            let verifier = verifier.clone();
            all.spawn(async move { verifier.verify(BearerToken::new(token)).await.map(drop) });
        }
        while let Some(verified) = all.join_next().await {
            assert_eq!(verified.unwrap(), Ok(()), "{rotation}");
        }
        assert_eq!(idp.served().key_requests - before, 1, "one fetch for all of them");
        (old, old_name) = (new, new_name);
    }
    let first = verifier.verify(idp.token()).await;
    assert!(first.is_err(), "its key was withdrawn");
}
