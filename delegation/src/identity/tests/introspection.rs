//! Opaque tokens, of which their issuer is asked.

use super::*;
use crate::identity::introspection::{self, MAX_LENGTH, REST, WAIT};

const BELIEVED: i64 = introspection::BELIEVED.as_secs().cast_signed();

/// What the issuer's form of such a token is, is its own business.
const OPAQUE: &str = "mF_9.B5f-4.1JqM~/+==";

impl Idp {
    fn asks(&self) -> Verifier {
        self.verifier_with(self.introspection())
    }

    fn introspection(&self) -> Value {
        json!({ "introspection": {
            "endpoint": format!("{}/introspect", self.url), "clientId": "mcp-oauth",
            "clientSecret": "s3cret+&"
        } })
    }

    fn active(&self) -> Value {
        with(&self.claims(), "active", json!(true))
    }

    fn says(&self, answer: &Value) {
        self.says_with(200, answer.to_string());
    }

    fn says_with(&self, status: u16, answer: String) {
        self.served().introspected = (status, answer);
    }

    fn asked(&self) -> usize {
        self.served().introspections.len()
    }
}

async fn verify(verifier: &Verifier, token: &str) -> Result<String, AuthenticationError> {
    let caller = verifier.verify(BearerToken::new(token.to_owned())).await;
    caller.map(|caller| caller.subject().to_owned())
}

fn unauthorized<T>(text: &'static str) -> Result<T, AuthenticationError> {
    Err(AuthenticationError::Unauthorized(text))
}

fn alice() -> Result<String, AuthenticationError> {
    Ok("a1b2".to_owned())
}

const UNAVAILABLE: Result<String, AuthenticationError> =
    Err(AuthenticationError::Unavailable("the token's issuer does not say what it is"));
const NOT_ACTIVE: &str = "the token is not active";

#[tokio::test]
async fn the_issuer_is_asked_once_in_a_minute() {
    let idp = idp().await;
    let verifier = idp.asks();
    idp.says(&idp.active());
    for _ in 0..5 {
        assert_eq!(verify(&verifier, OPAQUE).await, alice());
    }
    assert_eq!(idp.asked(), 1);
    let request = idp.served().introspections[0].clone();
    assert!(request.contains("token=mF_9.B5f-4.1JqM%7E%2F%2B%3D%3D&"), "{request}");
    let basic = "authorization: Basic bWNwLW9hdXRoOnMzY3JldCUyQiUyNg==";
    assert!(request.to_ascii_lowercase().contains(&basic.to_ascii_lowercase()), "{request}");
    idp.clock.set(NOW + BELIEVED - 1);
    assert_eq!(verify(&verifier, OPAQUE).await, alice());
    assert_eq!(idp.asked(), 1);
    // Revoked meanwhile.
    idp.says(&json!({ "active": false }));
    idp.clock.set(NOW + BELIEVED);
    assert_eq!(verify(&verifier, OPAQUE).await, unauthorized(NOT_ACTIVE));
    assert_eq!(idp.asked(), 2);
}

/// By whichever clock says more, and not at all once one of them was set back behind the answer.
#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_answer_younger() {
    for (passes, back, passes_then, expected) in [
        (50, 40, 9, alice()),
        (50, 40, 10, unauthorized(NOT_ACTIVE)),
        (0, 3600, 61, unauthorized(NOT_ACTIVE)),
        (0, 1, 0, unauthorized(NOT_ACTIVE)),
    ] {
        let idp = idp().await;
        let verifier = idp.asks();
        idp.says(&with(&idp.active(), "iat", json!(NOW - 7200)));
        assert_eq!(verify(&verifier, OPAQUE).await, alice());
        idp.says(&json!({ "active": false }));
        idp.clock.pass(passes);
        idp.clock.set_back(back);
        idp.clock.pass(passes_then);
        assert_eq!(verify(&verifier, OPAQUE).await, expected, "{passes} {back} {passes_then}");
    }
}

#[tokio::test]
async fn what_an_issuer_says_late_is_as_old_as_the_question() {
    for (more, expected) in [(BELIEVED - 31, alice()), (BELIEVED - 30, unauthorized(NOT_ACTIVE))] {
        let idp = idp().await;
        let verifier = idp.asks();
        idp.says(&idp.active());
        idp.served().delay = Duration::from_millis(300);
        let meanwhile = async {
            while idp.asked() == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            idp.clock.pass(30);
        };
        assert_eq!(tokio::join!(verify(&verifier, OPAQUE), meanwhile).0, alice());
        idp.served().delay = Duration::ZERO;
        idp.says(&json!({ "active": false }));
        idp.clock.pass(more);
        assert_eq!(verify(&verifier, OPAQUE).await, expected, "{more}");
    }
}

#[tokio::test]
async fn what_an_issuer_says_is_checked_as_a_token_is() {
    let idp = idp().await;
    let good = idp.active();
    const AUDIENCE: &str = "the token is for another audience";
    const BOUND: &str = "the token is bound in a way that is not supported";
    for (claim, value, reason) in [
        ("active", Value::Null, NOT_ACTIVE),
        ("active", json!(false), NOT_ACTIVE),
        ("active", json!("true"), NOT_ACTIVE),
        ("active", json!(1), NOT_ACTIVE),
        ("aud", Value::Null, AUDIENCE),
        ("aud", json!("contextflow"), AUDIENCE),
        ("aud", json!([]), AUDIENCE),
        ("iss", json!("https://evil.example"), "the token is of another issuer"),
        ("iss", json!(7), "the token is of another issuer"),
        ("exp", Value::Null, "the token has no expiry"),
        ("exp", json!(NOW - 60), "the token has expired"),
        ("exp", json!("soon"), "a time in the token is not a number"),
        ("nbf", json!(NOW + 61), "the token is not valid yet"),
        ("iat", json!(NOW + 61), "the token was issued in the future"),
        ("sub", Value::Null, "the token has no subject"),
        ("client_id", json!("another"), "the token names two clients"),
        ("typ", json!("Refresh"), "the token is not an access token"),
        ("token_type", json!("N_A"), "the token is not an access token"),
        ("token_type", json!(7), "the token is not an access token"),
        ("cnf", json!({}), BOUND),
        ("cnf", json!({ "jwk": {} }), BOUND),
        (
            "cnf",
            json!({ "jkt": "x" }),
            "the token is bound to a key: send it as DPoP, with a proof",
        ),
        (
            "cnf",
            json!({ "x5t#S256": "x" }),
            "the token is bound to a client certificate, and none came with it",
        ),
    ] {
        idp.says(&with(&good, claim, value.clone()));
        assert_eq!(verify(&idp.asks(), OPAQUE).await, unauthorized(reason), "{claim} = {value}");
    }
    // An issuer need not say who it is; and says what kind of token it is in its own way.
    for (claim, value) in [
        ("iss", Value::Null),
        ("token_type", json!("bearer")),
        ("token_type", json!("DPoP")),
        ("typ", json!("Bearer")),
        ("username", json!("alice")),
    ] {
        idp.says(&with(&good, claim, value.clone()));
        assert_eq!(verify(&idp.asks(), OPAQUE).await, alice(), "{claim} = {value}");
    }
    // Twice is not once.
    idp.says_with(200, good.to_string().replacen('{', "{\"active\":false,", 1));
    assert_eq!(verify(&idp.asks(), OPAQUE).await, UNAVAILABLE);
}

#[tokio::test]
async fn it_is_believed_no_longer_than_it_is_valid() {
    let idp = idp().await;
    let verifier = idp.asks();
    // Half a minute, of the tolerance.
    idp.says(&with(&idp.active(), "exp", json!(NOW - 30)));
    assert_eq!(verify(&verifier, OPAQUE).await, alice());
    idp.clock.set(NOW + 29);
    assert_eq!(verify(&verifier, OPAQUE).await, alice());
    assert_eq!(idp.asked(), 1);
    idp.clock.set(NOW + 30);
    assert_eq!(verify(&verifier, OPAQUE).await, unauthorized("the token has expired"));
}

#[tokio::test]
async fn what_is_refused_is_remembered_for_a_moment_only() {
    let idp = idp().await;
    let verifier = idp.asks();
    idp.says(&json!({ "active": false }));
    for _ in 0..5 {
        assert_eq!(verify(&verifier, OPAQUE).await, unauthorized(NOT_ACTIVE));
    }
    assert_eq!(idp.asked(), 1);
    assert_eq!(verify(&verifier, "another").await, unauthorized(NOT_ACTIVE));
    assert_eq!(idp.asked(), 2);
    idp.says(&idp.active());
    idp.clock.set(NOW + 10);
    assert_eq!(verify(&verifier, OPAQUE).await, alice());
}

#[tokio::test]
async fn an_issuer_that_cannot_say_has_not_said_no() {
    let idp = idp().await;
    let verifier = idp.asks();
    let good = idp.active().to_string();
    for (status, answer) in [
        (500, good.clone()),
        (401, good.clone()),
        (302, good.clone()),
        (200, "active".into()),
        (200, "[]".into()),
        (200, format!("{{\"x\":\"{}\",\"active\":true}}", "x".repeat(70_000))),
    ] {
        idp.says_with(status, answer.clone());
        assert_eq!(verify(&verifier, OPAQUE).await, UNAVAILABLE, "{status} {answer:.20}");
        let asked = idp.asked();
        // It is left alone for a moment, whoever comes.
        idp.says_with(200, good.clone());
        assert_eq!(verify(&verifier, "another").await, UNAVAILABLE);
        assert_eq!(idp.asked(), asked);
        pass(REST).await;
    }
    assert_eq!(verify(&verifier, OPAQUE).await, alice());
    // Nobody answers at all.
    let url = json!({ "introspection": {
        "endpoint": "http://127.0.0.1:1/", "clientId": "c", "clientSecret": "s"
    } });
    assert_eq!(verify(&idp.verifier_with(url), OPAQUE).await, UNAVAILABLE);
}

#[tokio::test]
async fn a_silent_issuer_costs_a_bounded_wait() {
    let idp = idp().await;
    let verifier = idp.asks();
    idp.served().silent = true;
    let call = tokio::spawn(async move { verify(&verifier, OPAQUE).await });
    while idp.asked() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    pass(WAIT).await;
    let answer = tokio::time::timeout(Duration::from_secs(2), call).await;
    assert_eq!(answer.unwrap().unwrap(), UNAVAILABLE);
}

#[tokio::test]
async fn many_with_one_token_ask_once_whoever_leaves() {
    let idp = idp().await;
    let verifier = idp.asks();
    idp.says(&idp.active());
    idp.served().delay = Duration::from_millis(100);
    // The one who asks leaves before there is an answer.
    let first = verify(&verifier, OPAQUE);
    assert!(tokio::time::timeout(Duration::from_millis(20), first).await.is_err());
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let verifier = verifier.clone();
        all.spawn(async move { verify(&verifier, OPAQUE).await });
    }
    while let Some(result) = all.join_next().await {
        assert_eq!(result.unwrap(), alice());
    }
    assert_eq!(idp.asked(), 1);
}

#[tokio::test]
async fn strangers_cannot_ask_as_often_as_they_like() {
    let idp = idp().await;
    let verifier = idp.asks();
    idp.says(&json!({ "active": false }));
    idp.served().delay = Duration::from_millis(20);
    let mut all = tokio::task::JoinSet::new();
    for number in 0..100 {
        let verifier = verifier.clone();
        all.spawn(async move { verify(&verifier, &format!("garbage-{number}")).await });
    }
    while let Some(result) = all.join_next().await {
        assert_eq!(result.unwrap(), unauthorized(NOT_ACTIVE));
    }
    let most = idp.served().waiting.1;
    assert!((2..=16).contains(&most), "{most} at once");
    let asked = idp.asked();
    let long = "x".repeat(MAX_LENGTH + 1);
    assert_eq!(verify(&verifier, &long).await, unauthorized("the token is too long"));
    assert_eq!(idp.asked(), asked);
}

#[tokio::test]
async fn whoever_was_known_does_not_wait_for_strangers() {
    let idp = idp().await;
    let verifier = idp.asks();
    idp.says(&idp.active());
    assert_eq!(verify(&verifier, OPAQUE).await, alice());
    // It is no longer believed, and many come who may be anybody.
    idp.clock.set(NOW + BELIEVED);
    idp.served().delay = Duration::from_millis(50);
    let mut strangers = tokio::task::JoinSet::new();
    for number in 0..200 {
        let verifier = verifier.clone();
        strangers.spawn(async move { verify(&verifier, &format!("garbage-{number}")).await });
    }
    while idp.asked() < 17 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(verify(&verifier, OPAQUE).await, alice());
    let asked = idp.asked();
    assert!(asked < 100, "{asked} before");
    let most = idp.served().waiting.1;
    assert!((2..=17).contains(&most), "{most} at once");
}

#[tokio::test]
async fn what_is_a_jwt_is_verified_here_and_nobody_is_asked() {
    let idp = idp().await;
    let verifier = idp.asks();
    idp.says(&idp.active());
    assert_eq!(verify(&verifier, &idp.sign(&idp.claims())).await, alice());
    let foreign = SigningKey::generate().sign(&idp.claims(), |_| {});
    assert_eq!(verify(&verifier, &foreign).await, unauthorized("the token's signature is wrong"));
    assert_eq!(verify(&verifier, "e30.e30.e30").await, unauthorized("the token is malformed"));
    assert_eq!(idp.asked(), 0);
    // And where no issuer is asked, an opaque token is none.
    assert_eq!(verify(&idp.verifier(), OPAQUE).await, unauthorized("the token is malformed"));
}

#[tokio::test]
async fn whoever_came_with_an_opaque_token_is_exchanged_by_it() {
    let idp = idp().await;
    let verifier = idp.asks();
    idp.says(&idp.active());
    let caller = verifier.verify(BearerToken::new(OPAQUE.into())).await.unwrap();
    let answer = idp.answer(&idp.exchanged_claims()).to_string();
    idp.served().exchanged = Some((200, answer));
    let subject = idp.exchanger(&verifier).exchange(&caller, None, 0, None).await.unwrap();
    assert_eq!((subject.subject(), subject.legacy_name().as_str()), ("a1b2", "ALICE_ADMIN"));
    let request = idp.served().exchange_request.clone();
    assert!(request.contains("subject_token=mF_9.B5f-4.1JqM%7E%2F%2B%3D%3D&"), "{request}");
}

#[tokio::test]
async fn settings_say_unambiguously_who_is_asked() {
    let (one, other) = (idp().await, idp().await);
    let config = |idp: &Idp, more: Value| {
        let mut config = json!({
            "issuer": idp.url, "audience": "mcp-oauth", "mayAssert": { "realms": ["W25AD.NET"] }
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    };
    let both = vec![config(&one, one.introspection()), config(&other, other.introspection())];
    let error = Verifier::new(both, &http(), one.clock.clone()).err().unwrap();
    assert_eq!(error.setting, "auth.trustedIDPs[1].introspection");
    for (name, value) in [
        ("endpoint", json!("http://idp.example/introspect")),
        ("endpoint", json!("introspect")),
        ("clientId", json!("")),
        ("clientSecret", json!("")),
        ("clientSecret", json!({ "$secret": "NO_SUCH_SECRET" })),
        ("clientSecret", Value::Null),
        ("clientKey", json!({ "file": "/no/such.pem" })),
    ] {
        let mut more = one.introspection();
        more["introspection"][name] = value;
        let error = Verifier::new(vec![config(&one, more)], &http(), one.clock.clone());
        let setting = format!("auth.trustedIDPs[0].introspection.{name}");
        assert_eq!(error.err().unwrap().setting, setting);
    }
}

#[tokio::test]
async fn an_opaque_token_that_came_in_exchange_is_what_its_issuer_says() {
    let idp = idp().await;
    let answer = |token: &str| {
        let mut answer = idp.answer(&json!({}));
        answer["access_token"] = json!(token);
        answer
    };
    // Without introspection the operator reads what to set.
    let failure = idp.exchange(200, answer(OPAQUE)).await.unwrap_err();
    assert_eq!(failure.code, crate::Code::ExchangedTokenRefused);
    assert!(failure.remedy.contains("auth.trustedIDPs[0].introspection"), "{failure:?}");
    // What is said of it is judged like the claims of any other.
    let good = with(&idp.exchanged_claims(), "active", json!(true));
    let mut number = 0;
    let mut exchange = async |said: &Value| {
        number += 1;
        idp.says(said);
        let answer = answer(&format!("opaque-{number}"));
        idp.exchange_with(idp.asks(), 200, answer).await.map_err(|failure| failure.code)
    };
    let subject = exchange(&good).await.unwrap();
    assert_eq!(subject.legacy_name().as_str(), "ALICE_ADMIN");
    assert!(exchange(&with(&good, "iss", Value::Null)).await.is_ok(), "who answers is known");
    for (claim, value) in [
        ("active", json!(false)),
        ("iss", json!("https://evil.example")),
        ("sub", json!("somebody-else")),
        ("aud", json!("another-server")),
        ("aud", Value::Null),
        ("exp", json!(NOW - 61)),
        ("token_type", json!("refresh_token")),
        ("client_id", json!("another")),
        ("cnf", json!({ "jkt": "x" })),
    ] {
        let refused = exchange(&with(&good, claim, value.clone())).await.map(drop);
        assert_eq!(refused, Err(crate::Code::ExchangedTokenRefused), "{claim} = {value}");
    }
}

#[tokio::test]
async fn an_issuer_is_asked_as_the_client_that_is_configured() {
    let idp = idp().await;
    let ask = async |change: Value| {
        let mut config = idp.introspection();
        config["introspection"]
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        idp.says(&idp.active());
        assert_eq!(verify(&idp.verifier_with(config), OPAQUE).await, alice());
        idp.served().introspections.last().unwrap().clone()
    };
    let request = ask(json!({ "clientAuthentication": "client_secret_post" })).await;
    assert!(request.contains("client_id=mcp-oauth&client_secret=s3cret%2B%26&token="), "{request}");
    assert!(!request.to_ascii_lowercase().contains("authorization:"), "{request}");
    let path = std::env::temp_dir().join(format!("introspection-{}.pem", std::process::id()));
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).unwrap();
    let text = base64ct::Base64::encode_string(pkcs8.as_ref());
    std::fs::write(
        &path,
        format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n"),
    )
    .unwrap();
    let request = ask(json!({
        "clientAuthentication": "private_key_jwt", "clientSecret": null,
        "clientKey": { "file": path, "keyId": "k" }
    }))
    .await;
    std::fs::remove_file(path).unwrap();
    let assertion = request.split("client_assertion=").nth(1).unwrap().split('&').next().unwrap();
    let claims = Base64UrlUnpadded::decode_vec(assertion.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("mcp-oauth"), &json!(idp.url)));
    assert!(!request.contains("client_secret"), "{request}");
}

#[tokio::test]
async fn a_token_that_lets_somebody_else_act_is_not_sent() {
    let idp = idp().await;
    let verifier = idp.asks();
    let exchanger = idp.exchanger(&verifier);
    idp.served().exchanged = Some((200, idp.answer(&idp.exchanged_claims()).to_string()));
    for (number, (may_act, is_sent)) in [
        (json!({ "sub": "another" }), false),
        (json!({}), false),
        (json!({ "sub": "mcp-oauth" }), true),
        (Value::Null, true),
    ]
    .into_iter()
    .enumerate()
    {
        idp.says(&with(&idp.active(), "may_act", may_act.clone()));
        let token = BearerToken::new(format!("opaque-{number}"));
        let caller = verifier.verify(token).await.unwrap();
        idp.served().exchange_request.clear();
        let exchanged = exchanger.exchange(&caller, None, 0, None).await;
        assert_eq!(!idp.served().exchange_request.is_empty(), is_sent, "{may_act}");
        match exchanged {
            Ok(_) => assert!(is_sent, "{may_act}"),
            Err(failure) => {
                assert!(!is_sent && failure.message.contains("may_act"), "{may_act}: {failure}");
            }
        }
    }
}
