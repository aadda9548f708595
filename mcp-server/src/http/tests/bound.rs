//! Tokens that are bound to a key or to a certificate: what the gate hands on, and its challenges.

use super::*;
use crate::http::bearer::{Authenticated, Gate, require};
use crate::http::metadata::Metadata;
use crate::serve::Peer;
use crate::testing::server_config;

const POINTER: &str =
    r#"resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp""#;
const ALGORITHMS: &str = r#"algs="ES256 ES384 EdDSA PS256 PS384 PS512 RS256 RS384 RS512""#;
const DPOP: (&str, &str) = ("authorization", "DPoP alice");
const PROOF: (&str, &str) = ("dpop", "a.b.c");

async fn challenges(headers: &[(&str, &str)]) -> (u16, Vec<String>, Vec<String>) {
    let (app, fake, _) = app("");
    let response = send(&app, post(headers, &read("x"))).await;
    let challenges = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
    let challenges = challenges.map(|value| value.to_str().unwrap().to_owned()).collect();
    (response.status().as_u16(), challenges, fake.events())
}

#[tokio::test]
async fn a_proof_is_handed_on_with_the_method_and_the_public_url() {
    let (app, fake, _) = app("");
    for scheme in ["DPoP alice", "dpop alice", "DPOP  alice "] {
        let request = post(&[("authorization", scheme), PROOF], &read("x"));
        assert_eq!(send(&app, request).await.status(), 200, "{scheme}");
        let shown = fake.events().remove(0);
        assert!(shown.contains(r#"Some("POST https://mcp.example.com/mcp")"#), "{shown}");
        assert!(!shown.contains("alice") && !shown.contains("a.b.c"), "{shown}");
        fake.events.lock().unwrap().clear();
    }
    // Another path of ours, behind a reverse proxy: what counts is what the client called.
    let config = crate::config::ServerConfig {
        public_url: "https://example.com/krb/mcp".parse().unwrap(),
        ..server_config("")
    };
    let other = crate::mcp::router(&config, vec![], Arc::clone(&fake), Default::default());
    let request = post(&[("authorization", "DPoP alice"), PROOF], &read("x"));
    assert_eq!(send(&other, request).await.status(), 200);
    let shown = fake.events().remove(0);
    assert!(shown.contains(r#"Some("POST https://example.com/krb/mcp")"#), "{shown}");
}

#[tokio::test]
async fn the_scheme_decides_what_is_asked_for_and_what_is_challenged() {
    let error = |code: &str, text: &str| format!(r#"error="{code}", error_description="{text}""#);
    let plain = [format!("Bearer {POINTER}"), format!("DPoP {ALGORITHMS}")];
    // Nothing, or nothing that is known.
    for headers in [&[][..], &[PROOF], &[("authorization", "DPoP"), PROOF]] {
        let (status, challenges, events) = challenges(headers).await;
        assert_eq!((status, challenges.as_slice()), (401, &plain[..]), "{headers:?}");
        assert_eq!(events, ["no_token"]);
    }
    let both = |code: &str, text: &str| {
        let first = format!("DPoP {}, {ALGORITHMS}, {POINTER}", error(code, text));
        vec![first, plain[0].clone()]
    };
    const BAD: &str = "invalid_dpop_proof";
    for (headers, code, text, event) in [
        (&[DPOP][..], BAD, "the request has no proof (DPoP field)", "no_proof"),
        (&[DPOP, PROOF, PROOF], BAD, "the request has more than one proof", "no_proof"),
        (&[DPOP, ("dpop", "\u{e4}")], BAD, "the proof is malformed", "no_proof"),
    ] {
        let (status, challenges, events) = challenges(headers).await;
        assert_eq!((status, challenges), (401, both(code, text)), "{headers:?}");
        assert_eq!(events, [event]);
    }
    for (token, code, text) in [
        ("DPoP expired", "invalid_token", "the token is 'expired'"),
        ("DPoP replayed", BAD, "the proof was used before (jti)"),
    ] {
        let (status, challenges, _) = challenges(&[("authorization", token), PROOF]).await;
        assert_eq!((status, challenges), (401, both(code, text)), "{token}");
    }
    // By the other scheme a proof is not asked for, nor looked at.
    let (status, challenges, _) = challenges(&[("authorization", "Bearer expired"), PROOF]).await;
    let first = format!("Bearer {}, {POINTER}", error("invalid_token", "the token is 'expired'"));
    assert_eq!((status, challenges), (401, vec![first, plain[1].clone()]));
}

#[tokio::test]
async fn what_follows_sees_no_proof_and_no_certificate() {
    let config = server_config(r#", "clientCertificateHeader": {"from": ["127.0.0.1"]}"#);
    let metadata = Metadata::new(&config, vec![]);
    let time = std::time::Duration::from_secs(1);
    let gate = Gate::new(Arc::new(Fake::default()), &config, &metadata, time);
    let handler = |request: Request<Body>| async move {
        assert!(request.extensions().get::<Arc<Authenticated<String>>>().is_some());
        let held = ["authorization", "dpop", "client-cert"];
        let held = held.map(|name| request.headers().contains_key(name).to_string()).join(" ");
        Response::new(Body::from(held))
    };
    let headers = [DPOP, PROOF, ("client-cert", ":AAAA:")];
    let response = require(&gate, post(&headers, &json!(null)), handler).await;
    assert_eq!(body(response).await, "false false false");
}

#[tokio::test]
async fn a_certificate_is_believed_from_the_proxy_only() {
    const FROM: &str =
        r#", "clientCertificateHeader": {"name": "X-Cert", "from": ["10.0.0.0/24", "::1"]}"#;
    let certificate = |more: &'static str, peer: Option<&'static str>, fields: &[&str]| {
        let headers: Vec<_> =
            fields.iter().map(|field| ("x-cert", *field)).chain([ALICE]).collect();
        let mut request = post(&headers, &read("x"));
        if let Some(peer) = peer {
            request.extensions_mut().insert(Peer(peer.parse().unwrap()));
        }
        async move {
            let (app, fake, _) = app(more);
            let status = send(&app, request).await.status().as_u16();
            (status, fake.events().first().cloned().unwrap_or_default())
        }
    };
    for peer in ["10.0.0.7", "::ffff:10.0.0.7", "::1"] {
        let (status, shown) = certificate(FROM, Some(peer), &[":AQID:"]).await;
        assert!(status == 200 && shown.contains("certificate: Some([1, 2, 3])"), "{peer} {shown}");
    }
    // As nginx writes it, which has no other way to put it into one line.
    let pem = "-----BEGIN%20CERTIFICATE-----%0AAQID%0A%2B%2F8A%0a-----END%20CERTIFICATE-----%0A";
    let (status, shown) = certificate(FROM, Some("::1"), &[pem]).await;
    let octets = "certificate: Some([1, 2, 3, 251, 255, 0])";
    assert!(status == 200 && shown.contains(octets), "{shown}");
    // Strangers, who could write anything there; and where nothing is configured, everybody.
    for (more, peer) in
        [(FROM, Some("10.0.1.7")), (FROM, Some("127.0.0.1")), (FROM, None), ("", Some("::1"))]
    {
        let (status, shown) = certificate(more, peer, &[":AQID:"]).await;
        assert!(status == 200 && !shown.contains("certificate"), "{peer:?} {shown}");
    }
    let (status, shown) = certificate(FROM, Some("::1"), &[]).await;
    assert!(status == 200 && !shown.contains("certificate"), "a client without one: {shown}");
    let two = format!("{pem}{pem}");
    let [cut, signed, binary] =
        [("%0A", "%"), ("%2B", "%+b"), ("%2F", "%ff")].map(|(from, to)| pem.replace(from, to));
    for wrong in [
        &[":AQID:", ":AQID:"][..],
        &["AQID"],
        &["::"],
        &[":AQI:"],
        &[":A QID:"],
        &[""],
        &["(null)"],
        &[&*two],
        &[&*cut],
        &[&*signed],
        &[&*binary],
        &["-----BEGIN CERTIFICATE-----%0A-----END CERTIFICATE-----"],
        &["-----BEGIN%20PRIVATE%20KEY-----AQID-----END%20PRIVATE%20KEY-----"],
    ] {
        let (status, shown) = certificate(FROM, Some("::1"), wrong).await;
        assert_eq!((status, shown.as_str()), (400, "malformed_authorization"), "{wrong:?}");
    }
}

#[tokio::test]
async fn certificates_are_announced_where_they_can_be_shown() {
    let (app, ..) = app(r#", "clientCertificateHeader": {"from": ["::1"]}"#);
    let response = send(&app, get("/.well-known/oauth-protected-resource")).await;
    let metadata = json_body(response).await;
    assert_eq!(metadata["tls_client_certificate_bound_access_tokens"], true);
}
