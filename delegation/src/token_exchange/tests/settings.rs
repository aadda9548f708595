//! Whose settings are whose.

use super::*;

const OTHER: &str = "https://other.example";

fn idps(own: Value) -> Value {
    let idp = |name: &str, issuer: &str| json!({ "name": name, "issuer": issuer, "audience": "us", "algorithms": ["ES256"] });
    let mut other = idp("other", OTHER);
    other["tokenExchange"] = own;
    json!([idp("idp", URL), other])
}

#[tokio::test(start_paused = true)]
async fn a_token_goes_to_its_own_issuer_only() {
    let idp = Idp::new();
    idp.answers_properly();
    let mut own = usual();
    own["tokenEndpoint"] = json!(format!("{OTHER}/token"));
    let both = idp.verifier(idps(own));
    // What is configured for this one is for no caller of the other's.
    let one = idp.verifier(json!([idps(Value::Null)[0]]));
    for (verifier, reaches) in [(&both, true), (&one, false)] {
        let exchanger = idp.exchanger_of(verifier, json!({ "tokenExchange": usual() })).unwrap();
        let before = idp.asked();
        for issuer in [URL, OTHER] {
            let caller = admit(&both, &idp.sign(&Idp::claims(issuer))).await;
            let exchanged = exchanger.exchange(&caller, None, 0, None).await;
            if issuer == URL || reaches {
                assert_eq!(exchanged.unwrap().issuer(), issuer);
                assert_eq!(idp.last().url, format!("{issuer}/token"));
            } else {
                let failure = exchanged.unwrap_err();
                assert_eq!(failure.code, Code::TokenExchangeFailed);
                assert!(failure.message.contains(OTHER), "{failure}");
                assert_eq!(idp.asked(), before + 1, "the other's token went nowhere");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_issuers_with_the_same_subject_share_nothing() {
    let idp = Idp::new();
    idp.answers_properly();
    let own = |endpoint: &str| {
        let mut own = usual();
        own["tokenEndpoint"] = json!(format!("{endpoint}/token"));
        own["cache"] = json!({ "enabled": true });
        own
    };
    let verifier = idp.verifier(idps(own(OTHER)));
    let exchanger = idp.exchanger_of(&verifier, json!({ "tokenExchange": own(URL) })).unwrap();
    for _ in 0..2 {
        for issuer in [URL, OTHER] {
            let caller = admit(&verifier, &idp.sign(&Idp::claims(issuer))).await;
            let subject = exchanger.exchange(&caller, None, 0, None).await.unwrap();
            assert_eq!((subject.issuer(), subject.subject()), (issuer, "alice"));
        }
    }
    // Signatures differ each time, so each of the four is a token of its own.
    assert_eq!(idp.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_asked_for_may_differ_by_kind_and_by_target() {
    let idp = Idp::new();
    idp.answers_properly();
    let verifier = idp.verifier(json!([{
        "name": "idp", "issuer": URL, "audience": "us", "algorithms": ["ES256"]
    }]));
    let mut exchange = usual();
    exchange["cache"] = json!({ "enabled": true });
    let exchanger = idp
        .exchanger_of(
            &verifier,
            json!({
                "tokenExchange": exchange,
                "modules": {
                    "http": { "tokenExchange": { "audience": "web", "scope": "web" } },
                    "intranet": { "tokenExchange": { "audience": "intranet" } },
                    "smb": { "tokenExchange": { "idpName": "idp", "audience": "files" } }
                }
            }),
        )
        .unwrap();
    let target = |name: &str| {
        json!({
            "name": name, "kind": "http", "url": format!("https://{name}.example"),
            "spn": format!("HTTP/{name}.example")
        })
    };
    let files = json!({
        "name": "files", "kind": "smb", "host": "files.example", "spn": "cifs/files.example",
        "names": ["files"], "shares": ["corp"]
    });
    let targets = json!([target("intranet"), target("wiki"), files]);
    let targets = Targets::new(serde_json::from_value(targets).unwrap()).unwrap();
    exchanger.check_modules(&targets).unwrap();
    let caller = admit(&verifier, &idp.sign(&Idp::claims(URL))).await;
    for round in 0..2 {
        for (name, audience) in [("intranet", "intranet"), ("wiki", "web"), ("files", "files")] {
            let target = targets.iter().find(|target| target.name() == name).unwrap();
            exchanger.exchange(&caller, Some(target), 0, None).await.unwrap();
            if round == 0 {
                assert_eq!(idp.last().get("audience"), Some(audience));
                assert_eq!(idp.last().get("scope"), (name == "wiki").then_some("web"));
            }
        }
        exchanger.exchange(&caller, None, 0, None).await.unwrap();
        assert_eq!(idp.asked(), 4, "each has an entry of its own");
    }
    let only = json!([target("intranet"), target("wiki")]);
    let only = Targets::new(serde_json::from_value(only).unwrap()).unwrap();
    let error = exchanger.check_modules(&only).unwrap_err();
    assert_eq!(error.setting, "delegation.modules.smb");
}

#[test]
fn no_module_is_overlooked_whosever_it_is() {
    let idp = Idp::new();
    let mut own = usual();
    own["tokenEndpoint"] = json!(format!("{OTHER}/token"));
    let verifier = idp.verifier(idps(own));
    let none = Targets::new(Vec::new()).unwrap();
    for name in ["idp", "other"] {
        let modules = json!({ "smb": { "tokenExchange": { "idpName": name } } });
        let delegation = json!({ "tokenExchange": usual(), "modules": modules });
        let exchanger = idp.exchanger_of(&verifier, delegation).unwrap();
        let error = exchanger.check_modules(&none).unwrap_err();
        assert_eq!(error.setting, "delegation.modules.smb");
    }
}

#[test]
fn an_issuer_whose_callers_nobody_could_exchange_is_refused() {
    let idp = Idp::new();
    let refused = |idps: Value, delegation: Value| {
        let error = idp.exchanger_of(&idp.verifier(idps), delegation).err().unwrap();
        assert!(error.problem.contains("must be given"), "{error}");
        error.setting
    };
    let shared = || json!({ "tokenExchange": usual() });
    assert_eq!(refused(idps(Value::Null), shared()), "auth.trustedIDPs[1].tokenExchange");
    let mut own = usual();
    own["tokenEndpoint"] = json!(format!("{OTHER}/token"));
    assert_eq!(refused(idps(own), json!({})), "auth.trustedIDPs[0].tokenExchange");
}

#[tokio::test(start_paused = true)]
async fn remedies_name_the_setting_that_was_used() {
    let idp = Idp::new();
    let mut own = usual();
    own["tokenEndpoint"] = json!(format!("{OTHER}/token"));
    let verifier = idp.verifier(idps(own));
    let modules = json!({ "http": { "tokenExchange": { "audience": "web" } } });
    let delegation = json!({ "tokenExchange": usual(), "modules": modules });
    let exchanger = idp.exchanger_of(&verifier, delegation).unwrap();
    let target = json!([{
        "name": "wiki", "kind": "http", "url": "https://wiki.example", "spn": "HTTP/wiki.example"
    }]);
    let targets = Targets::new(serde_json::from_value(target).unwrap()).unwrap();
    let wiki = targets.iter().next();
    let refusal = |description: &'static str, error: &'static str| {
        idp.answers(move |_| (400, json!({ "error": error, "error_description": description })));
    };
    for (issuer, section) in
        [(URL, "delegation.tokenExchange"), (OTHER, "auth.trustedIDPs[1].tokenExchange")]
    {
        let caller = admit(&verifier, &idp.sign(&Idp::claims(issuer))).await;
        let remedy =
            async |target| exchanger.exchange(&caller, target, 0, None).await.unwrap_err().remedy;
        refusal("Audience not found", "invalid_client");
        assert!(remedy(None).await.contains(&format!("check {section}.audience,")));
        let of_module = "check delegation.modules.http.tokenExchange.audience,";
        assert!(remedy(wiki).await.contains(of_module));
        refusal("", "invalid_client");
        assert!(remedy(wiki).await.contains(&format!("Check {section}.clientId (us)")));
        idp.answers(|_| (0, Value::Null));
        assert!(remedy(wiki).await.contains(&format!("check {section}.tokenEndpoint,")));
        idp.answers(move |_| (200, idp_answer(&json!({ "access_token": "opaque" }))));
        let said = remedy(None).await;
        let index = usize::from(issuer == OTHER);
        assert!(said.contains(&format!("auth.trustedIDPs[{index}].introspection")), "{said}");
    }
}

/// A token of this kind, in the form of an answer.
fn idp_answer(change: &Value) -> Value {
    let mut answer = json!({
        "token_type": "Bearer", "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"
    });
    answer.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
    answer
}

#[test]
fn settings_that_would_not_do_are_refused_by_name() {
    let idp = Idp::new();
    let refused = |idps: Value, change: Value| {
        let mut exchange = usual();
        exchange.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let delegation = json!({ "tokenExchange": exchange });
        idp.exchanger_of(&idp.verifier(idps), delegation).err().map(|error| error.setting)
    };
    let one = || json!([{ "name": "idp", "issuer": URL, "audience": "us" }]);
    assert_eq!(refused(one(), json!({})), None);
    for (change, setting) in [
        (json!({ "tokenEndpoint": "http://idp.example/token" }), "tokenEndpoint"),
        (json!({ "clientSecret": null }), "clientSecret"),
        (json!({ "clientSecret": "" }), "clientSecret"),
        (json!({ "clientKey": { "file": "/x" } }), "clientKey"),
        (json!({ "clientAuthentication": "private_key_jwt" }), "clientKey"),
        (
            json!({ "clientAuthentication": "private_key_jwt", "clientSecret": null,
                 "clientKey": { "file": "/no/such.pem" } }),
            "clientKey.file",
        ),
        (json!({ "actorToken": { "file": "/no/such" } }), "actorToken.file"),
        (json!({ "audience": [] }), "audience"),
        (json!({ "audience": ["us", ""] }), "audience"),
        (json!({ "resource": "files" }), "resource"),
        (json!({ "resource": "https://files.example/#a" }), "resource"),
        (json!({ "grant": "jwt-bearer" }), "defaultScope"),
        (json!({ "cache": { "enabled": true, "ttlSeconds": 0 } }), "cache.ttlSeconds"),
        (json!({ "cache": { "enabled": true, "ttlSeconds": 3601 } }), "cache.ttlSeconds"),
        (json!({ "cache": { "sessionTimeoutMs": 999 } }), "cache.sessionTimeoutMs"),
        (json!({ "cache": { "maxEntriesPerSession": 0 } }), "cache.maxEntriesPerSession"),
        (json!({ "idpName": "nobody" }), "idpName"),
    ] {
        let named = refused(one(), change.clone());
        assert_eq!(named, Some(format!("delegation.tokenExchange.{setting}")), "{change}");
    }
    // Two issuers beside the endpoint, or none.
    let realm =
        |name: &str, issuer: &str| json!({ "name": name, "issuer": issuer, "audience": "us" });
    let two = |a: &str, b: &str| json!([realm("a", a), realm("b", b)]);
    let realms = two("https://idp.example/a", "https://idp.example/b");
    assert_eq!(refused(realms.clone(), json!({})).unwrap(), "delegation.tokenExchange.idpName");
    let first = "auth.trustedIDPs[0].tokenExchange";
    assert_eq!(refused(realms, json!({ "idpName": "b" })).unwrap(), first, "b's is known");
    let elsewhere = two(OTHER, "https://third.example");
    assert_eq!(refused(elsewhere, json!({})).unwrap(), "delegation.tokenExchange.idpName");
    let second = "auth.trustedIDPs[1].tokenExchange";
    assert_eq!(refused(two(URL, OTHER), json!({})).unwrap(), second, "the first's is known");
    let none = idp.exchanger_of(&idp.verifier(one()), json!({})).err().unwrap();
    assert_eq!(none.setting, "delegation.tokenExchange");
    let module = json!({
        "tokenExchange": usual(),
        "modules": { "smb": { "tokenExchange": { "idpName": "nobody" } } }
    });
    let module = idp.exchanger_of(&idp.verifier(one()), module).err().unwrap();
    assert_eq!(module.setting, "delegation.modules.smb.tokenExchange.idpName");
}
