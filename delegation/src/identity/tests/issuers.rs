//! What an issuer may say of accounts, and what it may not.

use super::*;
use crate::{Blame, Code};

const SID: &str = "S-1-5-21-1-2-3-1103";

fn settings(one: Value, others: &[Value]) -> Result<(), String> {
    let config = |change: &Value, number: usize| {
        let mut config =
            json!({ "issuer": format!("https://idp{number}.example"), "audience": "mcp-oauth" });
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    };
    let all = std::iter::once(&one).chain(others).enumerate();
    let idps = all.map(|(number, change)| config(change, number)).collect();
    let verifier = Verifier::new(idps, &http(), Arc::new(TestClock::at(NOW)));
    verifier.map(drop).map_err(|error| error.setting)
}

#[test]
fn of_several_issuers_each_has_to_say_what_it_may_assert() {
    let declared = || json!({ "mayAssert": { "realms": ["W25AD.NET"] } });
    let error = |index: usize| Err(format!("auth.trustedIDPs[{index}].mayAssert"));
    assert_eq!(settings(json!({}), &[]), Ok(()), "one alone");
    assert_eq!(settings(declared(), &[declared()]), Ok(()));
    assert_eq!(settings(declared(), &[json!({})]), error(1));
    assert_eq!(settings(json!({}), &[declared()]), error(0));
    assert_eq!(settings(json!({ "mayAssert": {} }), &[]), error(0), "it says nothing");
}

#[test]
fn claims_that_users_write_need_a_word_of_danger() {
    for (change, setting) in [
        (json!({ "legacyUsername": "preferred_username" }), "legacyUsername"),
        (json!({ "legacyUsername": "Email" }), "legacyUsername"),
        (json!({ "legacyUsername": "name" }), "legacyUsername"),
        (json!({ "upn": "email" }), "upn"),
        (json!({ "upn": "https://claims.example/email" }), "upn"),
        (json!({ "sid": "nickname" }), "sid"),
        (json!({ "roles": "profile" }), "roles"),
        (json!({ "roles": "address.locality" }), "roles"),
        (json!({ "scopes": "website" }), "scopes"),
        (json!({ "permissions": "userinfo.zoneinfo" }), "permissions"),
        (json!({ "userId": "preferred_username" }), "userId"),
        (json!({ "userId": ["tid", "email"] }), "userId"),
    ] {
        let refused = Err(format!("auth.trustedIDPs[0].claimMappings.{setting}"));
        assert_eq!(settings(json!({ "claimMappings": change }), &[]), refused, "{change}");
        let taken = json!({
            "claimMappings": change, "security": { "dangerUserEditableClaims": true }
        });
        assert_eq!(settings(taken, &[]), Ok(()), "{change}");
    }
    // Names that only look like it.
    for change in [
        json!({ "legacyUsername": "legacy_name" }),
        json!({ "upn": "upn", "sid": "onprem_sid", "userId": ["tid", "oid"] }),
        json!({ "roles": "realm_access.roles", "permissions": "resource_access.email-app.roles" }),
    ] {
        assert_eq!(settings(json!({ "claimMappings": change }), &[]), Ok(()), "{change}");
    }
}

#[test]
fn an_issuer_and_its_subject_never_run_together() {
    for issuer in ["https://idp.example/a|b", "https://idp.example/a b", "https://idp.example/\n"] {
        let refused = settings(json!({ "issuer": issuer }), &[]);
        assert_eq!(refused, Err("auth.trustedIDPs[0].issuer".into()), "{issuer:?}");
    }
}

/// What a token of a user says, with an issuer that is held to this.
async fn subject(idp: &Idp, change: Value, claims: Value) -> Result<Subject, crate::Failure> {
    let mut exchanged = idp.exchanged_claims();
    exchanged.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
    idp.exchange_with(idp.verifier_with(change), 200, idp.answer(&exchanged)).await
}

#[tokio::test]
async fn what_an_issuer_may_not_name_is_refused_before_a_kdc_is_asked() {
    let idp = idp().await;
    let held_to = |may_assert: Value| json!({ "claimMappings": { "sid": "object_sid" }, "mayAssert": may_assert });
    let claims = json!({ "object_sid": SID });
    for may_assert in [
        json!({ "accounts": [SID] }),
        json!({ "accounts": ["alice_admin"] }),
        json!({ "realms": ["OTHER.TEST"] }),
        json!({ "groups": ["S-1-5-21-1-2-3-9"], "upnSuffixes": ["x"] }),
    ] {
        // Evidence will tell of the last two.
        subject(&idp, held_to(may_assert), claims.clone()).await.unwrap();
    }
    for may_assert in [json!({ "accounts": ["bob"] }), json!({ "accounts": ["S-1-5-21-1-2-3-9"] })]
    {
        let failure = subject(&idp, held_to(may_assert), claims.clone()).await.unwrap_err();
        assert_eq!(failure.code, Code::IssuerMayNotAssert, "{failure}");
        assert_eq!(failure.blame, Blame::IdentityProvider);
        assert!(failure.remedy.contains("mayAssert.accounts"), "{failure:?}");
        assert!(failure.message.contains("ALICE_ADMIN"), "{failure}");
    }
}

#[tokio::test]
async fn an_account_may_be_meant_by_its_upn() {
    let idp = idp().await;
    let by_upn = || json!({ "claimMappings": { "upn": "upn" } });
    let named = subject(&idp, by_upn(), json!({ "upn": "alice@w25ad.net" })).await.unwrap();
    assert_eq!(named.legacy_name(), &AccountName::Upn(Upn::new("alice@w25ad.net").unwrap()));
    // The account's bare name is none, and is not looked for elsewhere.
    for (claims, what) in [
        (json!({}), "no claim upn"),
        (json!({ "upn": "ALICE_ADMIN" }), "NAME@SUFFIX"),
        (json!({ "upn": "a@b@c" }), "NAME@SUFFIX"),
        (json!({ "upn": ["alice@w25ad.net"] }), "no claim upn"),
    ] {
        let failure = subject(&idp, by_upn(), claims).await.unwrap_err();
        assert_eq!(failure.code, Code::LegacyNameRefused, "{failure}");
        assert!(failure.message.contains(what), "{failure}");
        assert!(failure.remedy.contains("userPrincipalName"), "{failure:?}");
    }
    let mut held_to = by_upn();
    held_to["mayAssert"] = json!({ "upnSuffixes": ["partner.example"] });
    let failure = subject(&idp, held_to, json!({ "upn": "alice@w25ad.net" })).await.unwrap_err();
    assert_eq!(failure.code, Code::IssuerMayNotAssert, "{failure}");
    let both = json!({ "claimMappings": { "upn": "upn", "legacyUsername": "legacy_name" } });
    assert_eq!(settings(both, &[]), Err("auth.trustedIDPs[0].claimMappings.upn".into()));
}

/// Two issuers that know a subject of the same name, signed with keys of the same name.
#[tokio::test]
async fn the_same_subject_at_two_issuers_is_two_people() {
    let (ours, theirs) = (idp().await, idp().await);
    let config = |idp: &Idp, realm: &str| {
        let config = json!({
            "issuer": idp.url, "audience": "mcp-oauth", "mayAssert": { "realms": [realm] },
            "tokenExchange": {
                "tokenEndpoint": format!("{}/token", idp.url), "clientId": "mcp-oauth",
                "clientSecret": "s3cret+&", "audience": "mcp-oauth"
            }
        });
        serde_json::from_value(config).unwrap()
    };
    let idps = vec![config(&ours, "W25AD.NET"), config(&theirs, "OTHER.TEST")];
    let verifier = Verifier::new(idps, &http(), ours.clock.clone()).unwrap();
    let sid = SID.parse().unwrap();
    let alice = |realm: &'static [u8]| Proven {
        realm,
        name: "ALICE_ADMIN",
        sid: &sid,
        groups: &[],
        upn: None,
    };
    for (idp, other, realm) in
        [(&ours, &theirs, &b"W25AD.NET"[..]), (&theirs, &ours, b"OTHER.TEST")]
    {
        let caller = verifier.verify(idp.token()).await.unwrap();
        assert_eq!((caller.issuer(), caller.subject()), (&idp.url[..], "a1b2"));
        let subject = idp.exchanger(&verifier).exchange(&caller, None, 0, None).await.unwrap();
        assert_eq!((subject.issuer(), subject.subject()), (&idp.url[..], "a1b2"));
        for claimed in [&b"W25AD.NET"[..], b"OTHER.TEST"] {
            assert_eq!(subject.may_be(&alice(claimed)).is_ok(), claimed == realm);
        }
        // To the other one its token does not go.
        let of_the_other = other.exchanger(&other.verifier());
        let failure = of_the_other.exchange(&caller, None, 0, None).await.unwrap_err();
        assert_eq!(failure.code, Code::TokenExchangeFailed, "{failure}");
        // Nor does the name of an issuer make its token.
        let foreign = BearerToken::new(other.sign(&idp.claims()));
        assert!(verifier.verify(foreign).await.is_err());
    }
}
