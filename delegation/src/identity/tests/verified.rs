//! A token that was verified is not verified again, and never passes where it would not pass anew.

use super::*;
use crate::identity::keys::{COOLDOWN, MAX_AGE, STALE};

const EXPIRED: Result<(), &str> = Err("the token has expired");

impl Idp {
    fn put_clock_to(&self, now: i64) {
        self.clock.set(now);
    }
}

async fn verify(verifier: &Verifier, token: &str) -> Result<(), &'static str> {
    let verified = verifier.verify(BearerToken::new(token.to_owned())).await;
    verified.map(drop).map_err(|error| error.reason())
}

/// The very caller that a token gave: another one for each time that it was verified.
async fn caller(verifier: &Verifier, token: &str) -> Arc<Caller> {
    verifier.verify(BearerToken::new(token.to_owned())).await.unwrap()
}

#[tokio::test]
async fn a_token_is_verified_once() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let (one, other) = (idp.sign(&idp.claims()), idp.sign(&with(&idp.claims(), "sub", json!("b"))));
    let first = caller(&verifier, &one).await;
    for _ in 0..10 {
        assert!(Arc::ptr_eq(&caller(&verifier, &one).await, &first));
        assert_eq!(caller(&verifier, &other).await.subject(), "b");
    }
    assert_eq!(first.token().as_str(), one);
    // The same claims, signed again, are another token.
    let again = idp.sign(&idp.claims());
    assert_ne!(again, one);
    assert!(!Arc::ptr_eq(&caller(&verifier, &again).await, &first));
}

#[tokio::test]
async fn what_differs_by_one_byte_is_another_token() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let token = idp.sign(&idp.claims());
    caller(&verifier, &token).await;
    for place in 0..token.len() {
        let mut changed = token.clone().into_bytes();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert!(verify(&verifier, &changed).await.is_err(), "{place} {changed}");
    }
    assert!(verify(&verifier, &token[..token.len() - 1]).await.is_err());
    assert!(verify(&verifier, &format!("{token}=")).await.is_err());
    assert_eq!(verify(&verifier, &token).await, Ok(()));
}

#[tokio::test]
async fn times_are_looked_at_whenever_it_comes() {
    let idp = idp().await;
    let verifier = idp.verifier_with(json!({ "security": { "maxTokenAge": 100 } }));
    let short = idp.sign(&with(&idp.claims(), "exp", json!(NOW + 30)));
    let later = idp.sign(&with(&idp.claims(), "nbf", json!(NOW)));
    for token in [&short, &later] {
        assert_eq!(verify(&verifier, token).await, Ok(()));
    }
    // The tolerance is a minute.
    for (now, short_is, later_is) in [
        (NOW + 89, Ok(()), Ok(())),
        (NOW + 90, EXPIRED, Ok(())),
        (NOW + 91, EXPIRED, Ok(())),
        (NOW + 160, EXPIRED, Ok(())),
        (NOW + 161, EXPIRED, Err("the token is too old")),
        (NOW - 60, Ok(()), Ok(())),
        (NOW - 61, Err("the token was issued in the future"), Err("the token is not valid yet")),
        (NOW, Ok(()), Ok(())),
    ] {
        idp.put_clock_to(now);
        let afresh = idp.verifier_with(json!({ "security": { "maxTokenAge": 100 } }));
        for (token, expected) in [(&short, short_is), (&later, later_is)] {
            assert_eq!(verify(&verifier, token).await, expected, "at {}", now - NOW);
            assert_eq!(verify(&afresh, token).await, expected, "verified anew, {}", now - NOW);
        }
    }
}

#[tokio::test]
async fn a_token_goes_with_its_key() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let token = idp.sign(&idp.claims());
    let first = caller(&verifier, &token).await;
    let old = idp.served().keys.clone();
    // Others come and go, and the key stays.
    let new = SigningKey::generate();
    idp.served().keys.insert(0, new.jwk(Some("k2")));
    pass(COOLDOWN).await;
    let of_the_new = new.sign(&idp.claims(), |header| header.kid = Some("k2".into()));
    assert_eq!(verify(&verifier, &of_the_new).await, Ok(()));
    assert!(Arc::ptr_eq(&caller(&verifier, &token).await, &first), "there is no reason to look");
    const NOT_LISTED: Result<(), &str> =
        Err("the token is signed with a key that its issuer does not list");
    const WRONG: Result<(), &str> = Err("the token's signature is wrong");
    for (keys, expected) in [
        // Withdrawn; another key under its name; the same key under another name, or for others.
        (vec![new.jwk(Some("k2"))], NOT_LISTED),
        (vec![new.jwk(Some("k1"))], WRONG),
        (vec![idp.key.jwk(Some("k3"))], NOT_LISTED),
        (vec![with(&idp.key.jwk(Some("k1")), "use", json!("enc"))], NOT_LISTED),
        // And back again.
        (old, Ok(())),
    ] {
        let said = format!("{keys:?}");
        idp.served().keys = keys;
        // Nobody brings a token that would make us look; but old keys are fetched anew.
        idp.pass(MAX_AGE).await;
        for _ in 0..200 {
            if verify(&verifier, &token).await == expected {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(verify(&verifier, &token).await, expected, "{said}");
    }
}

#[tokio::test]
async fn a_token_is_not_believed_longer_than_its_issuers_keys() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let token = idp.sign(&with(&idp.claims(), "exp", json!(NOW + 200_000)));
    assert_eq!(verify(&verifier, &token).await, Ok(()));
    idp.served().broken = true;
    let a_moment = Duration::from_secs(10); // real time passes, too
    idp.pass(STALE - a_moment).await;
    assert_eq!(verify(&verifier, &token).await, Ok(()));
    idp.pass(a_moment).await;
    assert_eq!(verify(&verifier, &token).await, Err(Flaw::Keys.text()));
}

/// A virtual machine that was paused, or a clock that was set back behind the last fetch: nobody knows
/// how old the keys are, and nobody waits for the pause between fetches to end.
#[tokio::test]
async fn keys_are_believed_for_a_day_by_whichever_clock_says_more() {
    let day = STALE.as_secs().cast_signed();
    let not_listed = Err("the token is signed with a key that its issuer does not list");
    for (passes, back, expected) in
        [(day - 1, 0, Ok(())), (day, 0, not_listed), (0, 5, not_listed), (9, 5, Ok(()))]
    {
        let idp = idp().await;
        let verifier = idp.verifier();
        let token = idp.sign(&with(&idp.claims(), "exp", json!(NOW + 200_000)));
        assert_eq!(verify(&verifier, &token).await, Ok(()));
        idp.served().keys = vec![SigningKey::generate().jwk(Some("k2"))];
        idp.clock.pass(passes);
        idp.clock.set_back(back);
        assert_eq!(verify(&verifier, &token).await, expected, "{passes} {back}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_token_many_times_at_once_is_one_caller() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let tokens: Vec<_> = ["one", "two"]
        .map(|name| (name, idp.sign(&with(&idp.claims(), "sub", json!(name)))))
        .into();
    let mut all = tokio::task::JoinSet::new();
    for number in 0..200 {
        let (verifier, (name, token)) = (verifier.clone(), tokens[number % 2].clone());
        all.spawn(async move { (name, caller(&verifier, &token).await) });
    }
    while let Some(result) = all.join_next().await {
        let (name, caller) = result.unwrap();
        assert_eq!(caller.subject(), name);
    }
    assert_eq!(idp.served().key_requests, 1);
}

#[tokio::test]
async fn what_was_refused_is_not_remembered() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let early = idp.sign(&with(&idp.claims(), "nbf", json!(NOW + 61)));
    assert_eq!(verify(&verifier, &early).await, Err("the token is not valid yet"));
    idp.put_clock_to(NOW + 1);
    assert_eq!(verify(&verifier, &early).await, Ok(()));
}

#[tokio::test]
async fn an_issuer_that_is_trusted_no_more_takes_its_tokens_along() {
    let (one, other) = (idp().await, idp().await);
    let config = |idp: &Idp| {
        let config = json!({
            "issuer": idp.url, "audience": "mcp-oauth", "mayAssert": { "realms": ["W25AD.NET"] }
        });
        serde_json::from_value(config).unwrap()
    };
    let (of_one, of_other) = (one.sign(&one.claims()), other.sign(&other.claims()));
    let clock = one.clock.clone();
    let both = Verifier::new(vec![config(&one), config(&other)], &http(), clock.clone()).unwrap();
    for token in [&of_one, &of_other] {
        assert_eq!(verify(&both, token).await, Ok(()));
    }
    // What a new configuration makes.
    let fewer = Verifier::new(vec![config(&other)], &http(), clock).unwrap();
    const UNTRUSTED: Result<(), &str> = Err("the token is of an issuer that is not trusted");
    assert_eq!(verify(&fewer, &of_one).await, UNTRUSTED);
    assert_eq!(verify(&fewer, &of_other).await, Ok(()));
}
