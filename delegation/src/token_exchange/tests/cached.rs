//! How often the identity provider is asked.

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_unless_it_is_enabled() {
    let one = Idp::new().one(json!({}));
    one.idp.answers_properly();
    let alice = one.alice().await;
    for _ in 0..3 {
        one.exchange(&alice).await.unwrap();
    }
    assert_eq!(one.idp.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn one_exchange_serves_all_calls_of_a_token_and_of_no_other() {
    let one = Idp::new().one(cached());
    one.idp.answers_properly();
    let alice = one.alice().await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let (exchanger, alice) = (one.exchanger.clone(), alice.clone());
        calls.spawn(async move { exchanger.exchange(&alice, None, 0, None).await });
    }
    for subject in calls.join_all().await {
        assert_eq!(subject.unwrap().legacy_name().as_str(), "ALICE_ADMIN");
    }
    assert_eq!(one.idp.asked(), 1);
    // Another token of hers, and bob.
    let again = one.caller(json!({ "exp": NOW + 301 })).await;
    one.exchange(&again).await.unwrap();
    let bob = one.caller(json!({ "sub": "bob" })).await;
    assert_eq!(one.exchange(&bob).await.unwrap().subject(), "bob");
    assert_eq!(one.idp.asked(), 3);
    one.idp.pass(60);
    one.exchange(&bob).await.unwrap();
    assert_eq!(one.idp.asked(), 4, "ttlSeconds");
}

#[tokio::test(start_paused = true)]
async fn what_an_exchanged_token_is_good_for_is_what_says_the_least() {
    // The case, and whether the second call asks again.
    for (case, expires_in, claims, asks_again) in [
        ("the usual", json!(300), json!({}), false),
        ("as a text", json!("300"), json!({}), false),
        ("short by expires_in", json!(15), json!({}), true),
        ("short by exp", json!(300), json!({ "exp": NOW + 15 }), true),
        ("unknown", Value::Null, json!({}), true),
    ] {
        let one = Idp::new().one(cached());
        let mut answer = one.idp.proper(URL, claims);
        answer["expires_in"] = expires_in;
        one.idp.answers(move |_| (200, answer.clone()));
        let alice = one.alice().await;
        one.exchange(&alice).await.expect(case);
        one.idp.pass(5);
        one.exchange(&alice).await.expect(case);
        assert_eq!(one.idp.asked() == 2, asks_again, "{case}");
    }
    for over in [json!(-1), json!(0), json!(0.5), json!("-300"), json!(i64::MIN)] {
        for change in [cached(), json!({})] {
            let one = Idp::new().one(change);
            let mut answer = one.idp.proper(URL, json!({}));
            answer["expires_in"] = over.clone();
            one.idp.answers(move |_| (200, answer.clone()));
            let alice = one.alice().await;
            for asked in 1..3 {
                let failure = one.exchange(&alice).await.unwrap_err();
                assert_eq!(failure.code, Code::ExchangedTokenRefused, "{over}");
                assert_eq!(one.idp.asked(), asked, "{over}");
            }
        }
    }
    for odd in [json!("soon"), json!([300]), json!({})] {
        let one = Idp::new().one(cached());
        let mut answer = one.idp.proper(URL, json!({}));
        answer["expires_in"] = odd;
        one.idp.answers(move |_| (200, answer.clone()));
        let failure = one.exchange(&one.alice().await).await.unwrap_err();
        assert_eq!(failure.code, Code::TokenExchangeFailed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_proves_nothing_is_never_kept() {
    for (change, code) in [
        (json!({ "aud": "another" }), Code::ExchangedTokenRefused),
        (json!({ "sub": "bob" }), Code::ExchangedTokenRefused),
        (json!({ "iss": "https://evil.example" }), Code::ExchangedTokenRefused),
        (json!({ "exp": NOW - 100 }), Code::ExchangedTokenRefused),
        (json!({ "act": { "sub": "agent" } }), Code::ExchangedTokenRefused),
        (json!({ "legacy_name": "alice@w25ad.net" }), Code::LegacyNameRefused),
        (json!({ "legacy_name": null }), Code::LegacyNameRefused),
    ] {
        let one = Idp::new().one(cached());
        let answer = one.idp.proper(URL, change.clone());
        one.idp.answers(move |_| (200, answer.clone()));
        let alice = one.alice().await;
        assert_eq!(one.exchange(&alice).await.unwrap_err().code, code, "{change}");
        // What is refused for certain is not asked for at once again, and the set-up can be mended.
        one.idp.answers_properly();
        one.idp.pass(3);
        assert!(one.exchange(&alice).await.is_ok(), "{change}");
    }
    // A wrong signature.
    let one = Idp::new().one(cached());
    let other = Idp::new().proper(URL, json!({}));
    one.idp.answers(move |_| (200, other.clone()));
    let alice = one.alice().await;
    for _ in 0..2 {
        assert_eq!(one.exchange(&alice).await.unwrap_err().code, Code::ExchangedTokenRefused);
    }
    assert_eq!(one.idp.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn only_definite_refusals_are_remembered() {
    let refusal = |error: &str, description: &str| json!({ "error": error, "error_description": description });
    for (status, answer, is_remembered) in [
        (400, refusal("invalid_target", ""), true),
        (400, refusal("invalid_scope", ""), true),
        (401, refusal("invalid_client", ""), true),
        (403, refusal("access_denied", "Client is not within the token audience"), true),
        (400, refusal("invalid_grant", "revoked"), true),
        // Perhaps a directory that is down.
        (400, refusal("invalid_request", "Invalid token"), false),
        (400, refusal("invalid_request", "something"), false),
        (400, refusal("interaction_required", "AADSTS50076"), false),
        (429, refusal("slow_down", ""), false),
        (503, json!({}), false),
        (404, json!({}), false),
    ] {
        let one = Idp::new().one(cached());
        let said = answer.clone();
        one.idp.answers(move |_| (status, said.clone()));
        let alice = one.alice().await;
        for _ in 0..2 {
            one.exchange(&alice).await.unwrap_err();
        }
        assert_eq!(one.idp.asked() == 1, is_remembered, "{status} {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claims_challenge_reaches_the_caller_and_is_asked_for_anew_each_time() {
    let claims = r#"{"access_token":{"capolids":{"essential":true,"values":["x"]}}}"#;
    for error in ["interaction_required", "invalid_grant"] {
        let one = Idp::new().one(cached());
        let answer = json!({
            "error": error, "error_description": "AADSTS50076: use multi-factor authentication",
            "claims": claims
        });
        one.idp.answers(move |_| (400, answer.clone()));
        let alice = one.alice().await;
        for asked in 1..3 {
            let failure = one.exchange(&alice).await.unwrap_err();
            assert_eq!(failure.code, Code::InteractionRequired);
            assert_eq!(failure.claims.as_ref().map(|claims| claims.as_str()), Some(claims));
            assert_eq!(one.idp.asked(), asked, "no retry, and nothing remembered");
        }
    }
    // What is no JSON object, or too long, is passed on to nobody.
    for odd in [json!("no json"), json!("[]"), json!(format!("{{\"a\":\"{}\"}}", "x".repeat(5000)))]
    {
        let one = Idp::new().one(json!({}));
        let answer = json!({ "error": "interaction_required", "claims": odd });
        one.idp.answers(move |_| (400, answer.clone()));
        let failure = one.exchange(&one.alice().await).await.unwrap_err();
        assert_eq!((failure.code, failure.claims), (Code::InteractionRequired, None));
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_down_is_left_alone_and_nothing_takes_its_place() {
    for change in [json!({}), cached()] {
        let one = Idp::new().one(change);
        one.idp.answers(|_| (0, json!({})));
        let mut callers = Vec::new();
        for number in 0..20 {
            callers.push(one.caller(json!({ "sub": format!("user-{number}") })).await);
        }
        for caller in &callers {
            let failure = one.exchange(caller).await.unwrap_err();
            assert_eq!(failure.code, Code::IdentityProviderUnreachable);
            assert!(!failure.remedy.contains("Log in"), "{failure:?}");
        }
        assert_eq!(one.idp.asked(), 5);
        tokio::time::advance(Duration::from_secs(5)).await;
        one.idp.answers_properly();
        for caller in &callers {
            one.exchange(caller).await.unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_invalid_tokens_of_many_users_is_an_outage_and_of_one_is_not() {
    let one = Idp::new().one(json!({}));
    let invalid = json!({ "error": "invalid_request", "error_description": "Invalid token" });
    one.idp.answers(move |_| (400, invalid.clone()));
    let alice = one.alice().await;
    for _ in 0..30 {
        assert_eq!(one.exchange(&alice).await.unwrap_err().code, Code::SubjectTokenRefused);
    }
    assert_eq!(one.idp.asked(), 30);
    let mut codes = Vec::new();
    for number in 0..10 {
        let caller = one.caller(json!({ "sub": format!("user-{number}") })).await;
        codes.push(one.exchange(&caller).await.unwrap_err().code);
    }
    assert_eq!(codes[..4], [Code::SubjectTokenRefused; 4]);
    assert_eq!(codes[4..], [Code::IdentityProviderUnreachable; 6]);
}

#[tokio::test(start_paused = true)]
async fn what_a_wrong_account_came_of_is_asked_for_again() {
    let one = Idp::new().one(cached());
    one.idp.answers_properly();
    let alice = one.alice().await;
    one.exchange(&alice).await.unwrap();
    one.exchanger.reject(&alice, None, 0).await;
    one.exchange(&alice).await.unwrap();
    assert_eq!(one.idp.asked(), 2);
    // After her access was ended, and given back.
    one.exchanger.exchange(&alice, None, 1, None).await.unwrap();
    assert_eq!(one.idp.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_kept_token_is_judged_by_the_time_that_it_is() {
    // The issuer's clock may be off by a minute, so the token outlives its `exp` when it is fresh; what
    // is kept does not.
    let one = Idp::new().one(cached());
    let answer = one.idp.proper(URL, json!({ "exp": NOW + 30 }));
    one.idp.answers(move |_| (200, answer.clone()));
    let alice = one.alice().await;
    one.exchange(&alice).await.unwrap();
    one.idp.pass(19);
    one.exchange(&alice).await.unwrap();
    assert_eq!(one.idp.asked(), 1);
    one.idp.pass(1);
    one.exchange(&alice).await.unwrap();
    assert_eq!(one.idp.asked(), 2);
}
