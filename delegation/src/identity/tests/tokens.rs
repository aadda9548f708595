//! What a token must say, and how it must be signed.

use super::*;

#[tokio::test]
async fn a_good_token_names_its_caller() {
    let idp = idp().await;
    let token = idp.sign(&idp.claims());
    let caller = idp.verifier().verify(BearerToken::new(token.clone())).await.unwrap();
    assert_eq!((caller.issuer(), caller.subject()), (&idp.url[..], "a1b2"));
    assert_eq!(caller.client_id(), Some("contextflow"));
    assert!(!format!("{caller:?}").contains(&token[..20]), "no token in Debug");
}

#[tokio::test]
async fn claims_that_do_not_hold_are_refused() {
    let idp = idp().await;
    let good = idp.claims();
    for (claim, value, reason) in [
        ("exp", json!(NOW - 60), "the token has expired"),
        ("exp", Value::Null, "the token has no expiry"),
        ("exp", json!("soon"), "a time in the token is not a number"),
        ("nbf", json!(NOW + 61), "the token is not valid yet"),
        ("iat", json!(NOW + 61), "the token was issued in the future"),
        ("aud", json!("contextflow"), "the token is for another audience"),
        ("aud", json!(["a", 7]), "the token is for another audience"),
        ("aud", Value::Null, "the token is for another audience"),
        ("iss", json!("https://evil.example"), "the token is of an issuer that is not trusted"),
        ("sub", Value::Null, "the token has no subject"),
        ("sub", json!(""), "the token has no subject"),
        ("cnf", json!({}), "the token is bound in a way that is not supported"),
    ] {
        let token = idp.sign(&with(&good, claim, value.clone()));
        assert_eq!(refusal(&idp, token).await, reason, "{claim} = {value}");
    }
    // One second inside of the tolerance each passes.
    for (claim, value) in [("exp", NOW - 59), ("nbf", NOW + 60), ("iat", NOW + 60)] {
        let token = idp.sign(&with(&good, claim, json!(value)));
        assert!(idp.verifier().verify(BearerToken::new(token)).await.is_ok(), "{claim}");
    }
}

#[tokio::test]
async fn signatures_that_prove_nothing_are_refused() {
    let idp = idp().await;
    let good = idp.claims();
    let token = idp.sign(&good);
    let (message, signature) = token.rsplit_once('.').unwrap();
    let payload = message.split_once('.').unwrap().1;
    let header = |header: Value| {
        format!("{}.{payload}", Base64UrlUnpadded::encode_string(header.to_string().as_bytes()))
    };
    let hs256 = |secret: &[u8], kid: &str| {
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(kid.into());
        jsonwebtoken::encode(&header, &good, &EncodingKey::from_secret(secret).unwrap()).unwrap()
    };
    const ALGORITHM: &str = "the token's signature algorithm is not accepted";
    const UNKNOWN_KEY: &str = "the token is signed with a key that its issuer does not list";
    for (what, token, reason) in [
        ("alg none", format!("{}.", header(json!({ "alg": "none" }))), ALGORITHM),
        ("the public key as a secret", hs256(&idp.key.point, "k1"), ALGORITHM),
        ("a listed symmetric key", hs256(b"secret", "secret"), ALGORITHM),
        ("an unknown key", idp.sign_with(&good, |h| h.kid = Some("k2".into())), UNKNOWN_KEY),
        (
            "another algorithm's key",
            format!("{}.{signature}", header(json!({ "alg": "RS256", "kid": "k1" }))),
            UNKNOWN_KEY,
        ),
        ("no signature", format!("{message}."), "the token's signature is wrong"),
        (
            "a key of its own",
            format!("{}.{signature}", header(json!({ "alg": "ES256", "jwk": {} }))),
            "the token brings a key of its own",
        ),
        (
            "a key's address",
            format!(
                "{}.{signature}",
                header(json!({ "alg": "ES256", "jku": "https://evil.example" }))
            ),
            "the token brings a key of its own",
        ),
        (
            "crit",
            format!("{}.{signature}", header(json!({ "alg": "ES256", "crit": ["x"] }))),
            "the token asks for an extension that is not supported",
        ),
        (
            "a logout token",
            idp.sign_with(&good, |h| h.typ = Some("logout+jwt".into())),
            "the token is not an access token",
        ),
        ("garbage", "garbage".into(), "the token is malformed"),
        ("five parts", "a.b.c.d.e".into(), "the token is malformed"),
        ("too long", "x".repeat(16 * 1024 + 1), "the token is too long"),
    ] {
        assert_eq!(refusal(&idp, token).await, reason, "{what}");
    }
    let at_jwt = idp.sign_with(&good, |h| h.typ = Some("at+jwt".into()));
    assert!(idp.verifier().verify(BearerToken::new(at_jwt)).await.is_ok());
}

#[tokio::test]
async fn numbers_at_their_limits_neither_overflow_nor_let_anybody_in() {
    const NO_NUMBER: &str = "a time in the token is not a number";
    const OUT_OF_RANGE: &str = "a time in the token is out of range";
    const LAST: i64 = 253_402_300_799;
    let idp = idp().await;
    let plain = idp.verifier();
    let aged = idp.verifier_with(json!({ "security": { "maxTokenAge": 31_536_000 } }));
    let text = with(&idp.claims(), "exp", json!(LAST)).to_string();
    // The payload is written as text: some numbers are no JSON values of ours.
    let token = |claim: &str, number: &str| {
        let old = if claim == "exp" { format!("\"exp\":{LAST}") } else { "\"exp\"".into() };
        let new = match claim {
            "exp" => format!("\"exp\":{number}"),
            _ => format!("\"{claim}\":{number},\"exp\""),
        };
        let text = with(&serde_json::from_str(&text).unwrap(), "iat", Value::Null).to_string();
        assert!(text.contains(&old), "{text}");
        idp.sign_text(&text.replacen(&old, &new, 1))
    };
    let verify = async |verifier: &Verifier, claim: &str, number: &str| {
        let verified = verifier.verify(BearerToken::new(token(claim, number))).await;
        verified.map(drop).map_err(|error| error.reason())
    };
    for (number, reason) in [
        ("-1", OUT_OF_RANGE),
        ("-9223372036854775808", OUT_OF_RANGE),
        ("-9223372036854775809", OUT_OF_RANGE),
        ("253402300800", OUT_OF_RANGE),
        ("1800000300000", OUT_OF_RANGE),
        ("9223372036854775807", OUT_OF_RANGE),
        ("9223372036854775808", OUT_OF_RANGE),
        ("18446744073709551615", OUT_OF_RANGE),
        ("18446744073709551616", OUT_OF_RANGE),
        ("1e18", OUT_OF_RANGE),
        ("1e308", OUT_OF_RANGE),
        ("-1e308", OUT_OF_RANGE),
        ("1e309", "the token is malformed"),
        ("NaN", "the token is malformed"),
        ("Infinity", "the token is malformed"),
        ("\"1800000300\"", NO_NUMBER),
        ("\"NaN\"", NO_NUMBER),
        ("null", NO_NUMBER),
        ("true", NO_NUMBER),
        ("[1800000300]", NO_NUMBER),
        ("{}", NO_NUMBER),
    ] {
        for claim in ["exp", "nbf", "iat"] {
            let refused = Err(reason);
            assert_eq!(verify(&plain, claim, number).await, refused, "{claim} {number}");
            assert_eq!(
                verify(&aged, claim, number).await,
                refused,
                "{claim} {number}, with an age"
            );
        }
    }
    // At the limits themselves a time means what it says.
    for (claim, number, expected) in [
        ("exp", "253402300799", Ok(())),
        ("exp", "0", Err("the token has expired")),
        ("exp", "-0.0", Err("the token has expired")),
        ("exp", "1.8e9", Ok(())),
        ("exp", "1799999941.9", Ok(())),
        ("exp", "1799999940.9", Err("the token has expired")),
        ("nbf", "0", Ok(())),
        ("nbf", "253402300799", Err("the token is not valid yet")),
        ("iat", "0", Ok(())),
        ("iat", "253402300799", Err("the token was issued in the future")),
    ] {
        assert_eq!(verify(&plain, claim, number).await, expected, "{claim} {number}");
    }
    for (iat, expected) in [
        (0, Err("the token is too old")),
        (NOW - 31_536_000 - 61, Err("the token is too old")),
        (NOW - 31_536_000 - 60, Ok(())),
    ] {
        assert_eq!(verify(&aged, "iat", &iat.to_string()).await, expected, "{iat}");
    }
}

#[tokio::test]
async fn claims_of_the_wrong_type_do_not_count_as_absent() {
    let idp = idp().await;
    let null = |claim: &str| {
        let mut claims = idp.claims();
        claims[claim] = Value::Null;
        claims
    };
    const TYPE: &str = "the token is not an access token";
    const CLIENT: &str = "the token's client is not a text";
    for (claims, reason) in [
        (with(&idp.claims(), "azp", json!(7)), CLIENT),
        (with(&idp.claims(), "client_id", json!(["contextflow"])), CLIENT),
        (null("azp"), CLIENT),
        (with(&idp.claims(), "client_id", json!("another")), "the token names two clients"),
        (with(&idp.claims(), "typ", json!("ID")), TYPE),
        (with(&idp.claims(), "typ", json!("Refresh")), TYPE),
        (with(&idp.claims(), "typ", json!(["Bearer"])), TYPE),
        (null("typ"), TYPE),
        (with(&idp.claims(), "sub", json!(7)), "the token has no subject"),
        (null("cnf"), "the token is bound in a way that is not supported"),
        (
            with(&idp.claims(), "iss", json!([idp.url])),
            "the token is of an issuer that is not trusted",
        ),
        (
            with(&idp.claims(), "aud", json!({ "mcp-oauth": true })),
            "the token is for another audience",
        ),
    ] {
        assert_eq!(refusal(&idp, idp.sign(&claims)).await, reason, "{claims}");
    }
    let keycloak = with(&idp.claims(), "typ", json!("Bearer"));
    let keycloak = with(&keycloak, "client_id", json!("contextflow"));
    assert!(idp.verifier().verify(BearerToken::new(idp.sign(&keycloak))).await.is_ok());
}

#[tokio::test]
async fn a_token_that_names_no_client_has_none() {
    let idp = idp().await;
    let token = idp.sign(&with(&idp.claims(), "azp", Value::Null));
    let caller = idp.verifier().verify(BearerToken::new(token)).await.unwrap();
    assert_eq!(caller.client_id(), None);
}

#[test]
fn a_path_to_roles_takes_the_longest_name_at_each_step() {
    let claims = Claims::new(json!({
        "roles": ["top"],
        "https://claims.example/roles": ["namespaced"],
        "realm_access": { "roles": ["realm"] },
        "resource_access": {
            "my.client": { "roles": ["dotted"] },
            "my": { "roles": ["short"], "client": { "roles": ["never"] } },
            "other": { "roles": "one two", "roles.more": ["deep"] }
        },
        "a.b": { "c": ["not this"] },
        "a.b.c": ["this"],
        "number": 7
    }));
    for (path, roles) in [
        ("roles", vec!["top"]),
        ("https://claims.example/roles", vec!["namespaced"]),
        ("realm_access.roles", vec!["realm"]),
        ("resource_access.my.client.roles", vec!["dotted"]),
        ("resource_access.my.roles", vec!["short"]),
        ("resource_access.other.roles", vec!["one", "two"]),
        ("resource_access.other.roles.more", vec!["deep"]),
        ("a.b.c", vec!["this"]),
        ("resource_access.another.client.roles", vec![]),
        ("resource_access", vec![]),
        ("roles.more", vec![]),
        ("number", vec![]),
        ("", vec![]),
        (".", vec![]),
        ("resource_access..my", vec![]),
    ] {
        assert_eq!(claims.texts(path), roles, "{path}");
    }
}
