//! The configuration of identity providers.

use super::*;

#[test]
fn settings_that_would_let_anybody_in_are_refused() {
    let check = |change: Value| {
        let mut config = json!({ "issuer": "https://idp.example", "audience": "mcp-oauth" });
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let idps = vec![serde_json::from_value(config).unwrap()];
        Verifier::new(idps, &http(), Arc::new(TestClock::at(NOW)))
            .map(drop)
            .map_err(|error| error.setting)
    };
    assert_eq!(check(json!({})), Ok(()));
    assert_eq!(check(json!({ "security": { "maxTokenAge": 31_536_000 } })), Ok(()));
    for (change, setting) in [
        (json!({ "issuer": "http://idp.example" }), "issuer"),
        (json!({ "jwksUri": "http://idp.example/jwks" }), "jwksUri"),
        (json!({ "discoveryUrl": "ftp://idp.example" }), "discoveryUrl"),
        (json!({ "algorithms": ["HS256"] }), "algorithms"),
        (json!({ "algorithms": [] }), "algorithms"),
        (json!({ "audience": [] }), "audience"),
        (json!({ "claimMappings": { "sid": "sid" } }), "claimMappings.sid"),
        (json!({ "claimMappings": { "userId": [] } }), "claimMappings.userId"),
        (json!({ "claimMappings": { "userId": "" } }), "claimMappings.userId"),
        (
            json!({ "roleMappings": { "rejectUnmappedRoles": true } }),
            "roleMappings.rejectUnmappedRoles",
        ),
        (json!({ "roleMappings": { "roles": { "": ["x"] } } }), "roleMappings.roles"),
        (json!({ "roleMappings": { "defaultRole": "" } }), "roleMappings.defaultRole"),
        (json!({ "security": { "clockTolerance": 301 } }), "security.clockTolerance"),
        (json!({ "security": { "clockTolerance": -1 } }), "security.clockTolerance"),
        (json!({ "security": { "maxTokenAge": 0 } }), "security.maxTokenAge"),
        (json!({ "security": { "maxTokenAge": -1 } }), "security.maxTokenAge"),
        (json!({ "security": { "maxTokenAge": 31_536_001 } }), "security.maxTokenAge"),
        (json!({ "security": { "maxTokenAge": i64::MAX } }), "security.maxTokenAge"),
    ] {
        assert_eq!(check(change), Err(format!("auth.trustedIDPs[0].{setting}")));
    }
    assert_eq!(check(json!({ "issuer": "http://localhost:8080" })), Ok(()));
}
