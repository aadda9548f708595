//! Tokens that are bound to a client's key, from the request to the web application.

use std::time::Duration;

use krb_mcp::demo::ProofKey;
use krb_tests::world::{Setup, World};
use serde_json::{Value, json};

const PUBLIC_URL: &str = "http://localhost:3000/mcp";

#[tokio::test(start_paused = true)]
async fn a_bound_token_reaches_the_application_with_a_fresh_proof_each_time() {
    let world = World::new().await;
    let key = ProofKey::generate().expect("a key");
    let token = world.idp.issuer.token_bound_to("alice", &key);
    let now = || krb_client::Clock::now(&*world.time.clock()).seconds.unix();
    let proof = |url: &str| key.proof(Some(&token), "POST", url, now());
    let send = async |scheme: &str, proof: &str| {
        let authorization = format!("{scheme} {token}");
        let fields = [("authorization", &*authorization), ("dpop", proof)];
        let arguments = json!({ "url": World::url("/whoami") });
        world.call_with_fields(&fields, "kerberos-http-request", arguments).await
    };
    let first = proof(PUBLIC_URL);
    assert!(send("DPoP", &first).await.content().contains("ALICE_ADMIN"));
    assert!(send("DPoP", &proof(PUBLIC_URL)).await.content().contains("ALICE_ADMIN"));

    let stranger = ProofKey::generate().expect("a key");
    let of_a_stranger = stranger.proof(Some(&token), "POST", PUBLIC_URL, now());
    let seen = world.kdcs.take_seen().len();
    assert!(seen > 0);
    for (what, scheme, proof, error) in [
        ("seen before", "DPoP", first.clone(), "invalid_dpop_proof"),
        (
            "for another server",
            "DPoP",
            proof("https://elsewhere.example/mcp"),
            "invalid_dpop_proof",
        ),
        ("of another key", "DPoP", of_a_stranger, "invalid_token"),
        ("as a bearer token", "Bearer", proof(PUBLIC_URL), "invalid_token"),
    ] {
        let answer = send(scheme, &proof).await;
        assert_eq!(answer.status, 401, "{what}: {answer:?}");
        let challenge = answer.challenge.expect("a challenge");
        assert!(challenge.starts_with(scheme), "{what}: {challenge}");
        assert!(challenge.contains(&format!("error=\"{error}\"")), "{what}: {challenge}");
    }
    assert_eq!(world.kdcs.take_seen().len(), 0);
    // Whatever a clock of the client's says, a proof does not outlive its two minutes.
    let in_advance = proof(PUBLIC_URL);
    world.time.pass(Duration::from_secs(120)).await;
    assert_eq!(send("DPoP", &in_advance).await.status, 401);
    assert!(send("DPoP", &proof(PUBLIC_URL)).await.content().contains("ALICE_ADMIN"));
}

#[tokio::test(start_paused = true)]
async fn where_nonces_are_asked_for_a_proof_that_was_made_in_advance_is_no_good() {
    let change = |configuration: &mut Value| {
        configuration["auth"]["dpopNonces"] = json!(true);
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let key = ProofKey::generate().expect("a key");
    let now = || krb_client::Clock::now(&*world.time.clock()).seconds.unix();
    let send = async |nonce: Option<&str>, made: i64| {
        // One of its own for each, since nonces outlive tokens.
        let token = world.idp.issuer.token_bound_to("alice", &key);
        let proof = key.proof_with(nonce, Some(&token), "POST", PUBLIC_URL, made);
        let authorization = format!("DPoP {token}");
        let fields = [("authorization", &*authorization), ("dpop", &*proof)];
        let arguments = json!({ "url": World::url("/whoami") });
        world.call_with_fields(&fields, "kerberos-http-request", arguments).await
    };
    let refused = async |nonce: Option<&str>, made: i64| {
        let answer = send(nonce, made).await;
        assert_eq!(answer.status, 401, "{answer:?}");
        let challenge = answer.challenge.expect("a challenge");
        assert!(challenge.starts_with("DPoP error=\"use_dpop_nonce\""), "{challenge}");
        answer.nonce.expect("a nonce for the next try")
    };
    let nonce = refused(None, now()).await;
    refused(Some("made-up"), now()).await;
    assert_eq!(world.kdcs.take_seen().len(), 0);
    // To be asked for one is nothing that anybody has to look at.
    let turned_away = async || {
        let records = world.audit_records().await;
        let records = records.iter().filter(|record| record["phase"] == "unauthorized").count();
        let figures = world.side("/metrics").await.1;
        (records, figures.matches("krb_mcp_turned_away_total{").count())
    };
    assert_eq!(turned_away().await, (0, 0));
    let answer = send(Some(&nonce), now()).await;
    assert!(answer.content().contains("ALICE_ADMIN"));
    // Each answer has the next one; the one before is good as long as it is young.
    let next = answer.nonce.expect("the next one");
    assert!(send(Some(&nonce), now()).await.content().contains("ALICE_ADMIN"));
    world.time.pass(Duration::from_secs(299)).await;
    assert!(send(Some(&next), now()).await.content().contains("ALICE_ADMIN"));
    world.time.pass(Duration::from_secs(1)).await;
    let fresh = refused(Some(&next), now()).await;
    // The nonce alone does not make an old proof a new one.
    assert_eq!(send(Some(&fresh), now() - 121).await.status, 401);
    assert_eq!(turned_away().await, (1, 1));
    assert!(send(Some(&fresh), now()).await.content().contains("ALICE_ADMIN"));
    // Whoever comes with a bearer token is told of none.
    let token = world.idp.issuer.token_for("bob");
    let answer = world.get(&token, &World::url("/whoami")).await;
    assert_eq!((answer.status, answer.nonce), (200, None));
}
