//! A Redis in the hands of somebody who wants in, and one that is full, read-only, or not for everybody:
//! nothing of it is believed that it made up, and what is wrong is said.

use std::time::{Duration, Instant};

use krb_tests::logs::Mark;
use krb_tests::{Redis, Server, issuer, pac};
use serde_json::{Value, json};

use crate::lab;
use crate::replicas::{Replicas, asked, kept, ready, replicas, setup, was_asked};

const USERS: [&str; 7] = ["ALICE_ADMIN", "bob", "erin", "many", "molly", "rené", "rene"];

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

/// Waits until they are out, as they are within two seconds.
async fn out(servers: &[&Server], token: &str, page: &str) {
    let begun = Instant::now();
    for server in servers {
        loop {
            let called = begun.elapsed();
            if server.get(token, page).await.body["result"]["isError"] == true {
                break;
            }
            assert!(called < Duration::from_secs(2), "still in");
        }
        assert_eq!(server.get(token, page).await.code(), "REVOKED");
    }
}

#[tokio::test]
async fn values_that_are_swapped_repeated_cut_or_changed_are_nobodys_tickets() {
    let lab = lab!(alone);
    let Replicas { redis, issuer, one, other, page, .. } = replicas(lab).await;
    for user in USERS {
        assert!(one.get(&issuer.token_for(user), &page).await.content().contains(user));
    }
    kept(&redis, 2 * USERS.len()).await; // evidence, and a ticket to the page
    // What is done to all values, and then who comes whom the other one knows nothing of.
    for (user, what) in [
        ("ALICE_ADMIN", None),
        (
            "erin",
            Some(
                "if not before then first = v else redis.call('SET', before, v, 'KEEPTTL') end before = n \
                 redis.call('SET', n, first, 'KEEPTTL')",
            ),
        ),
        ("many", Some("first = first or v redis.call('SET', n, first, 'KEEPTTL')")),
        ("molly", Some("redis.call('SET', n, string.sub(v, 1, -2), 'KEEPTTL')")),
        (
            "rené",
            Some(
                "redis.call('SET', n, string.sub(v, 1, -2) .. \
                 string.char((string.byte(v, -1) + 1) % 256), 'KEEPTTL')",
            ),
        ),
        ("rene", Some("redis.call('DEL', n) redis.call('RPUSH', n, v)")),
    ] {
        if let Some(what) = what {
            // Tickets are what ends by itself; which account each subject is stays as it is.
            redis.with_each(&format!("if redis.call('PTTL', n) > 0 then {what} end"));
        }
        let kdc = Mark::end_of(lab.var("KDC_LOG"));
        let answer = other.get(&issuer.token_for(user), &page).await;
        let page = pac::page(answer.content());
        assert_eq!(page.remote_user, lab.principal(user));
        assert_eq!(page.pac_account.as_deref(), Some(user));
        let was_asked = if what.is_some() { was_asked(&kdc) } else { asked(&kdc) > 0 };
        assert_eq!(was_asked, what.is_some(), "{user}: {}", kdc.since());
    }
}

#[tokio::test]
async fn a_store_that_goes_back_forgets_or_makes_up_lets_nobody_in_again() {
    let lab = lab!(alone);
    let Replicas { redis, issuer, setup, one, other, bob, page } = replicas(lab).await;
    let [alice, erin] = ["ALICE_ADMIN", "erin"].map(|user| issuer.token_for(user));
    for server in [&one, &other] {
        assert!(server.get(&alice, &page).await.content().contains("ALICE_ADMIN"));
    }
    one.revoke(&["erin"]).expect("revoked");
    out(&[&one, &other], &erin, &page).await;
    // As it is now it is put back later, her tickets with it.
    redis.with_each("redis.call('COPY', n, n, 'DB', 1, 'REPLACE')");
    other.revoke(&["ALICE_ADMIN"]).expect("revoked");
    out(&[&one, &other], &alice, &page).await;

    for back in [&["SWAPDB", "0", "1"][..], &["FLUSHALL"]] {
        redis.command(back);
        pass(2).await;
        let fresh = Server::start(lab, &setup);
        ready(&fresh, &bob, &page).await;
        for server in [&one, &other, &fresh] {
            for token in [&alice, &erin] {
                assert_eq!(server.get(token, &page).await.code(), "REVOKED", "{back:?}");
            }
            assert!(server.get(&bob, &page).await.content().contains("bob"), "{back:?}");
        }
    }

    redis.with_each("redis.call('SET', n, string.reverse(v))");
    pass(2).await;
    for server in [&one, &other] {
        assert_eq!(server.get(&alice, &page).await.code(), "REVOKED");
        assert!(server.get(&bob, &page).await.content().contains("bob"), "what is known goes on");
    }
    let fresh = Server::start(lab, &setup);
    let (code, _, remedy) = fresh.get(&bob, &page).await.error();
    assert_eq!((&*code, remedy.contains("state.redis")), ("STATE_UNAVAILABLE", true), "{remedy}");
    let problem = one.revoke(&["bob"]).unwrap_err();
    assert!(problem.contains("not sealed by a replica with state.redis.key"), "{problem}");
    redis.command(&["FLUSHALL"]);
    ready(&fresh, &bob, &page).await;
    assert_eq!(fresh.get(&alice, &page).await.code(), "REVOKED", "it was told again");

    // Let in again, nothing from before is used for her.
    one.revoke(&["--lift", "ALICE_ADMIN"]).expect("lifted");
    ready(&other, &alice, &page).await;
    assert_eq!(fresh.get(&erin, &page).await.code(), "REVOKED");
}

#[tokio::test]
async fn keys_are_replaced_one_replica_after_the_other_and_all_hear_each_other() {
    const NEW: &str = "fedcba9876543210fedcba9876543210";
    let lab = lab!(alone);
    let _redis = Redis::start(&lab.scratch("redis"));
    let issuer = issuer().await;
    let old = setup(lab, &issuer.url());
    let [mut both, mut turned, mut new] = [(); 3].map(|()| setup(lab, &issuer.url()));
    both.change = |configuration| shared(configuration, &json!({ "otherKey": NEW }));
    turned.change = |configuration| {
        let before = "0123456789abcdef0123456789abcdef";
        shared(configuration, &json!({ "key": NEW, "otherKey": before }));
    };
    new.change = |configuration| shared(configuration, &json!({ "key": NEW }));
    let [old, both, turned, new] = [old, both, turned, new].map(|setup| Server::start(lab, &setup));
    let (page, bob) = (lab.url("/whoami"), issuer.token_for("bob"));
    for server in [&old, &both, &turned, &new] {
        ready(server, &bob, &page).await;
    }
    for (by, hear) in [
        (&old, [&old, &both, &turned]),
        (&both, [&old, &both, &turned]),
        (&turned, [&both, &turned, &new]),
        (&new, [&both, &turned, &new]),
    ] {
        by.revoke(&["bob"]).expect("revoked");
        out(&hear, &bob, &page).await;
        by.revoke(&["--lift", "bob"]).expect("lifted");
        for server in hear {
            ready(server, &bob, &page).await;
        }
    }
}

/// The section `state.redis` with these settings in the place of the usual ones.
fn shared(configuration: &mut Value, with: &Value) {
    let mut redis = json!({
        "address": Redis::ADDRESS, "dangerPlain": true, "key": "0123456789abcdef0123456789abcdef"
    });
    let settings = with.as_object().unwrap().clone();
    redis.as_object_mut().unwrap().extend(settings);
    configuration["state"] = json!({ "redis": redis });
}

#[tokio::test]
async fn a_store_that_is_full_evicts_is_read_only_or_knows_us_not_is_said_so_and_nothing_is_lost() {
    let lab = lab!(alone);
    let Replicas { redis, issuer, one, other, bob, page, .. } = replicas(lab).await;
    let alice = issuer.token_for("ALICE_ADMIN");
    one.revoke(&["ALICE_ADMIN"]).expect("revoked");
    out(&[&one, &other], &alice, &page).await;
    let set = |name: &str, value: &str| drop(redis.command(&["CONFIG", "SET", name, value]));
    let goes_on = async || {
        for server in [&one, &other] {
            assert_eq!(server.get(&alice, &page).await.code(), "REVOKED");
            assert!(server.get(&bob, &page).await.content().contains("bob"));
        }
    };
    let cannot = async |word: &str| {
        let problem = one.revoke(&["bob"]).unwrap_err();
        assert!(problem.contains("the shared store (state.redis): "), "{problem}");
        assert!(problem.contains(word), "{word}: {problem}");
        pass(1).await;
        goes_on().await;
    };

    set("maxmemory", "1");
    cannot("OOM").await;
    set("maxmemory", "100mb");
    set("maxmemory-policy", "allkeys-lru");
    cannot("must be noeviction").await;
    set("maxmemory-policy", "noeviction");
    redis.command(&["REPLICAOF", "127.0.0.12", "9"]);
    cannot("read only replica").await;
    redis.command(&["REPLICAOF", "NO", "ONE"]);
    set("requirepass", "right");
    cannot("NOAUTH").await;

    let [mut right, mut wrong] = [(); 2].map(|()| setup(lab, &issuer.url()));
    wrong.change = |configuration| shared(configuration, &json!({ "password": "wrong" }));
    right.change = |configuration| shared(configuration, &json!({ "password": "right" }));
    let server = Server::start(lab, &wrong);
    assert_eq!(server.get(&bob, &page).await.code(), "STATE_UNAVAILABLE");
    let problem = server.revoke(&["bob"]).unwrap_err();
    assert!(problem.contains("Password authentication failed"), "{problem}");
    let server = Server::start(lab, &right);
    ready(&server, &bob, &page).await;
    assert_eq!(server.get(&alice, &page).await.code(), "REVOKED");
    server.revoke(&["bob"]).expect("revoked");
    out(&[&server], &bob, &page).await;
}

#[tokio::test]
async fn with_tls_the_store_proves_who_it_is() {
    let lab = lab!(alone);
    let certificate = include_str!("../../delegation/src/network/testdata/new.pem");
    let key = include_str!("../../delegation/src/network/testdata/new.key");
    let _redis = Redis::with_tls(&lab.scratch("redis"), certificate, key);
    let issuer = issuer().await;
    let [mut believed, mut unknown] = [(); 2].map(|()| setup(lab, &issuer.url()));
    unknown.change = |configuration| {
        shared(configuration, &json!({ "address": Redis::TLS_ADDRESS, "dangerPlain": false }));
    };
    believed.change = |configuration| {
        shared(configuration, &json!({ "address": Redis::TLS_ADDRESS, "dangerPlain": false }));
        let ca = &mut configuration["network"]["caFile"];
        let others = std::fs::read_to_string(ca.as_str().unwrap()).unwrap();
        let own = include_str!("../../delegation/src/network/testdata/new-ca.pem");
        let file = std::env::temp_dir().join(format!("krb-redis-ca-{}.pem", std::process::id()));
        std::fs::write(&file, format!("{others}\n{own}")).unwrap();
        *ca = json!(file);
    };
    let (page, bob) = (lab.url("/whoami"), issuer.token_for("bob"));
    let server = Server::start(lab, &unknown);
    assert_eq!(server.get(&bob, &page).await.code(), "STATE_UNAVAILABLE");
    let problem = server.revoke(&["bob"]).unwrap_err();
    assert!(problem.contains("certificate"), "{problem}");
    let server = Server::start(lab, &believed);
    ready(&server, &bob, &page).await;
    server.revoke(&["bob"]).expect("revoked");
    out(&[&server], &bob, &page).await;
}
