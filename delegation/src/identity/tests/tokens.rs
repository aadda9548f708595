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

/// Every registered claim, with every type but its own.
#[tokio::test]
async fn no_registered_claim_passes_with_a_wrong_type() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let kinds = [json!(null), json!(true), json!(7), json!("text"), json!(["x", 7]), json!({})];
    let (text, number, texts, object) = (3, 2, 4, 5);
    for (claim, own) in [
        ("iss", text),
        ("sub", text),
        ("aud", texts),
        ("exp", number),
        ("nbf", number),
        ("iat", number),
        ("jti", text),
        ("auth_time", number),
        ("azp", text),
        ("client_id", text),
        ("acr", text),
        ("amr", texts),
        ("scope", texts),
        ("sid", text),
        ("nonce", text),
        ("act", object),
        ("may_act", object),
        ("typ", text),
        ("cnf", object),
    ] {
        for (index, value) in kinds.iter().enumerate() {
            // A text is one of the forms that these have.
            let may_be_text = ["aud", "amr", "scope"].contains(&claim) && index == text;
            if (index == own && own != texts) || may_be_text {
                continue;
            }
            let mut claims = idp.claims();
            claims[claim] = value.clone();
            let refused = verifier.verify(BearerToken::new(idp.sign(&claims))).await;
            assert!(
                matches!(refused, Err(AuthenticationError::Unauthorized(_))),
                "{claim} = {value}"
            );
        }
    }
    // Of the right type and unknown, they do no harm.
    let mut claims = idp.claims();
    let all = json!({
        "jti": "x", "auth_time": NOW, "acr": "1", "amr": ["pwd"], "scope": "openid", "sid": "s",
        "nonce": "n", "act": { "sub": "a1b2" }, "may_act": { "sub": "x" }, "nbf": NOW
    });
    claims.as_object_mut().unwrap().extend(all.as_object().unwrap().clone());
    verifier.verify(BearerToken::new(idp.sign(&claims))).await.unwrap();
}

#[tokio::test]
async fn a_header_says_each_thing_once_and_in_its_type() {
    let idp = idp().await;
    let verifier = idp.verifier();
    let claims = Base64UrlUnpadded::encode_string(idp.claims().to_string().as_bytes());
    let signed = |header: &str, claims: &str| {
        let message = format!("{}.{claims}", Base64UrlUnpadded::encode_string(header.as_bytes()));
        let signing = &idp.key.signing;
        let made = jsonwebtoken::crypto::sign(message.as_bytes(), signing, Algorithm::ES256);
        BearerToken::new(format!("{message}.{}", made.unwrap()))
    };
    let good = r#"{"alg":"ES256","kid":"k1","typ":"JWT","cty":"x"}"#;
    verifier.verify(signed(good, &claims)).await.unwrap();
    const MALFORMED: &str = "the token is malformed";
    for (header, reason) in [
        (r#"{"kid":"k1"}"#, MALFORMED),
        (r#"{"alg":null,"kid":"k1"}"#, MALFORMED),
        (r#"{"alg":["ES256"],"kid":"k1"}"#, MALFORMED),
        (r#"{"alg":"ES256","kid":null}"#, MALFORMED),
        (r#"{"alg":"ES256","kid":7}"#, MALFORMED),
        (r#"{"alg":"ES256","kid":"k1","typ":null}"#, MALFORMED),
        (r#"{"alg":"none","alg":"ES256","kid":"k1"}"#, MALFORMED),
        (r#"{"alg":"ES256","kid":"k2","kid":"k1"}"#, MALFORMED),
        (r#"{"alg":"ES256","kid":"k1","x":{"y":1,"y":2}}"#, MALFORMED),
        (r#"{"alg":"ES256","kid":"k1","jku":null}"#, "the token brings a key of its own"),
        (r#"{"alg":"ES256","kid":"k1","x5u":"https://x"}"#, "the token brings a key of its own"),
        (r#"{"alg":"ES256","kid":"k1","x5c":[]}"#, "the token brings a key of its own"),
        (
            r#"{"alg":"ES256","kid":"k1","crit":null}"#,
            "the token asks for an extension that is not supported",
        ),
        (
            r#"{"alg":"ES256","kid":"k1","b64":true}"#,
            "the token asks for an extension that is not supported",
        ),
    ] {
        let refused = verifier.verify(signed(header, &claims)).await.unwrap_err();
        assert_eq!(refused.reason(), reason, "{header}");
    }
    // The same of claims: whoever reads the first of two and whoever reads the last see two tokens.
    let twice = idp.claims().to_string().replacen('{', r#"{"sub":"somebody-else","#, 1);
    let refused =
        verifier.verify(signed(good, &Base64UrlUnpadded::encode_string(twice.as_bytes())));
    assert_eq!(refused.await.unwrap_err().reason(), MALFORMED);
}

#[tokio::test]
async fn an_issuer_may_be_held_to_rfc_9068_and_to_more_claims() {
    let idp = idp().await;
    let typed = |typ: Option<&str>| {
        let typ = typ.map(str::to_owned);
        BearerToken::new(idp.sign_with(&idp.claims(), move |header| header.typ = typ.clone()))
    };
    let (lax, strict) =
        (idp.verifier(), idp.verifier_with(json!({ "security": { "requireAtJwt": true } })));
    for (typ, with_lax, with_strict) in [
        (Some("at+jwt"), true, true),
        (Some("application/at+jwt"), true, true),
        (Some("AT+JWT"), true, true),
        (Some("JWT"), true, false),
        (None, true, false),
        (Some("dpop+jwt"), false, false),
        (Some("logout+jwt"), false, false),
        (Some("oauth-id-jag+jwt"), false, false),
        (Some("token-introspection+jwt"), false, false),
        (Some("secevent+jwt"), false, false),
        (Some("application/jwt"), false, false),
        (Some(""), false, false),
    ] {
        for (verifier, taken) in [(&lax, with_lax), (&strict, with_strict)] {
            let verified = verifier.verify(typed(typ)).await;
            assert_eq!(verified.is_ok(), taken, "{typ:?}");
            if let Err(error) = verified {
                assert_eq!(error.reason(), "the token is not an access token", "{typ:?}");
            }
        }
    }
    // What only ID tokens and logout tokens have, whatever they are called.
    for claim in ["at_hash", "c_hash", "s_hash", "events"] {
        let other = with(&idp.claims(), claim, json!("x"));
        assert_eq!(refusal(&idp, idp.sign(&other)).await, "the token is not an access token");
    }
    let more = idp.verifier_with(json!({ "security": { "requiredClaims": ["jti", "azp"] } }));
    let refused = more.verify(idp.token()).await.unwrap_err();
    assert_eq!(refused.reason(), "the token lacks a claim that is required");
    let complete = with(&idp.claims(), "jti", json!("1"));
    more.verify(BearerToken::new(idp.sign(&complete))).await.unwrap();
}

/// As Entra issues them: `sub` is another for each application, `tid` and `oid` stay.
#[tokio::test]
async fn a_subject_may_be_several_claims_together() {
    let idp = idp().await;
    let verifier = idp.verifier_with(json!({ "claimMappings": { "userId": ["tid", "oid"] } }));
    let claims = |sub: &str, tid: Value, oid: Value| {
        let claims = with(&idp.claims(), "sub", json!(sub));
        with(&with(&with(&claims, "tid", tid), "oid", oid), "upn", json!("alice@corp.example"))
    };
    let subject = async |claims: &Value| {
        let verified = verifier.verify(BearerToken::new(idp.sign(claims))).await;
        verified.map(|caller| caller.subject().to_owned()).map_err(|error| error.reason())
    };
    let (one, other) =
        (claims("app-1", json!("t"), json!("o")), claims("app-2", json!("t"), json!("o")));
    assert_eq!(subject(&one).await, Ok("t/o".to_owned()));
    assert_eq!(subject(&other).await, Ok("t/o".to_owned()), "the same person");
    // The same address, another person.
    assert_eq!(subject(&claims("app-1", json!("t"), json!("p"))).await, Ok("t/p".to_owned()));
    let none = Err("the token has no subject");
    for (tid, oid) in [
        (Value::Null, json!("o")),
        (json!("t"), Value::Null),
        (json!(""), json!("o")),
        (json!("t"), json!(7)),
        // Written together, these would be another's.
        (json!("t/o"), json!("p")),
        (json!("t"), json!("o/p")),
    ] {
        assert_eq!(subject(&claims("app-1", tid, oid)).await, none);
    }
    assert_eq!(subject(&with(&one, "sub", Value::Null)).await, none, "RFC 9068 wants it");
    let long = with(&one, "oid", json!("x".repeat(510)));
    assert_eq!(subject(&long).await.map(|subject| subject.len()), Ok(512));
    let longer = with(&one, "oid", json!("x".repeat(511)));
    assert_eq!(subject(&longer).await, Err("the token's subject is too long"));
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
        "number": 7, "mixed": ["a", 7], "null": null, "lists": [["a"]]
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
        ("roles.more", vec![]),
        ("", vec![]),
        (".", vec![]),
        ("resource_access..my", vec![]),
    ] {
        let roles = roles.into_iter().map(str::to_owned).collect();
        assert_eq!(claims.texts(path), Ok(roles), "{path}");
    }
    // What is there and no list of texts is not taken for nothing.
    for path in ["resource_access", "number", "mixed", "null", "lists"] {
        assert_eq!(claims.texts(path), Err(WrongType), "{path}");
    }
}
