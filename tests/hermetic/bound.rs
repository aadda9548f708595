//! Tokens that are bound to a client's key, from the request to the web application.

use std::time::Duration;

use krb_mcp::demo::ProofKey;
use krb_tests::world::World;
use serde_json::json;

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
