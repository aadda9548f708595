//! Two servers and a Redis that they share: what one got the other uses, what one is told the other
//! knows, and when Redis is killed nothing is lost but time.

use std::time::{Duration, Instant};

use krb_mcp::demo::Issuer;
use krb_tests::logs::Mark;
use krb_tests::{Answer, Lab, Redis, Server, Setup, issuer};
use serde_json::{Value, json};

use crate::lab;

/// Replicas that share it.
pub(crate) fn setup(lab: &Lab, issuer: &str) -> Setup {
    let mut setup = Setup::new(lab, issuer);
    setup.change = share;
    setup
}

pub(crate) fn share(configuration: &mut Value) {
    let key = "0123456789abcdef0123456789abcdef";
    configuration["state"] = json!({
        "redis": { "address": Redis::ADDRESS, "dangerPlain": true, "key": key }
    });
}

/// Two servers at a Redis of the test's, each of which has served bob: it has logged in, and knows who
/// it is itself.
pub(crate) struct Replicas {
    pub(crate) redis: Redis,
    pub(crate) issuer: Issuer,
    pub(crate) setup: Setup,
    pub(crate) one: Server,
    pub(crate) other: Server,
    /// His token, and where he went.
    pub(crate) bob: String,
    pub(crate) page: String,
}

pub(crate) async fn replicas(lab: &Lab) -> Replicas {
    let redis = Redis::start(&lab.scratch("redis"));
    let issuer = issuer().await;
    let setup = setup(lab, &issuer.url());
    let (one, other) = (Server::start(lab, &setup), Server::start(lab, &setup));
    let (bob, page) = (issuer.token_for("bob"), lab.url("/whoami"));
    for server in [&one, &other] {
        ready(server, &bob, &page).await;
    }
    Replicas { redis, issuer, setup, one, other, bob, page }
}

/// Waits until Redis has so many tickets, which are what ends by itself there, and no longer than ten
/// seconds: no caller waits for them to be kept.
pub(crate) async fn kept(redis: &Redis, tickets: usize) {
    let count = "local c = 0 for _, n in ipairs(redis.call('KEYS', '*')) do \
                 if redis.call('PTTL', n) > 0 then c = c + 1 end end return c";
    let begun = Instant::now();
    while redis.command(&["EVAL", count, "0"]).parse::<usize>().expect("a number") < tickets
        && begun.elapsed() < Duration::from_secs(10)
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether the KDC was asked for tickets since, as it was if this is waited for.
pub(crate) fn was_asked(kdc: &Mark) -> bool {
    kdc.line(|line| line.contains("TGS-REQ")).is_some()
}

/// How often the KDC was asked for tickets since.
pub(crate) fn asked(kdc: &Mark) -> usize {
    // The KDC writes its line after it answered.
    std::thread::sleep(Duration::from_millis(300));
    kdc.since().lines().filter(|line| line.contains("TGS-REQ")).count()
}

/// Waits until a server has heard of Redis: nobody is served before.
pub(crate) async fn ready(server: &Server, token: &str, page: &str) {
    let begun = Instant::now();
    while server.get(token, page).await.body["result"]["isError"] == true {
        assert!(begun.elapsed() < Duration::from_secs(10), "not served");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn replicas_share_tickets_and_revocations_and_a_killed_redis_costs_only_time() {
    let lab = lab!(alone);
    let Replicas { mut redis, issuer, setup, one, other, bob, page } = replicas(lab).await;
    let (alice, file) = (issuer.token_for("ALICE_ADMIN"), lab.unc("reports/ALICE_ADMIN.csv"));
    assert!(one.get(&alice, &page).await.content().contains("ALICE_ADMIN"));
    assert!(one.read(&alice, &file).await.content().contains("ALICE_ADMIN"));
    kept(&redis, 2 + 3).await; // bob's and her evidence, his and her ticket to the page, hers to the file

    let kdc = Mark::end_of(lab.var("KDC_LOG"));
    assert!(other.get(&alice, &page).await.content().contains("ALICE_ADMIN"));
    assert!(other.read(&alice, &file).await.content().contains("ALICE_ADMIN"));
    assert_eq!(asked(&kdc), 0, "tickets that the other replica got: {}", kdc.since());
    let contents = redis.contents();
    for word in [&b"ALICE"[..], b"alice", b"cifs/"] {
        assert!(!contents.windows(word.len()).any(|part| part == word), "Redis knows of {word:?}");
    }

    // Revoked at one place, refused at both, where all is warm.
    one.revoke(&["ALICE_ADMIN"]).expect("revoked");
    let ended = Instant::now();
    for server in [&one, &other] {
        loop {
            let called = ended.elapsed();
            if server.get(&alice, &page).await.body["result"]["isError"] == true {
                break;
            }
            assert!(called < Duration::from_secs(2), "still in");
        }
    }
    assert_eq!(other.read(&alice, &file).await.code(), "REVOKED");

    // Killed and started again under load: bob goes on, alice stays out, nobody is anybody else.
    let load = async |server: &Server| {
        let until = Instant::now() + Duration::from_secs(6);
        let mut calls = 0;
        while Instant::now() < until {
            assert!(server.get(&bob, &page).await.content().contains("bob"));
            assert_eq!(server.get(&alice, &page).await.code(), "REVOKED");
            calls += 1;
        }
        calls
    };
    let (first, second, ()) = tokio::join!(load(&one), load(&other), async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        redis.kill();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(one.revoke(&["bob"]).is_err(), "what was not written is no success");
        redis.again();
    });
    assert!(first > 3 && second > 3, "{first} {second}");
    other.revoke(&["--lift", "ALICE_ADMIN"]).expect("lifted");
    let lifted = Instant::now();
    for server in [&one, &other] {
        while server.get(&alice, &page).await.body["result"]["isError"] == true {
            assert!(lifted.elapsed() < Duration::from_secs(4), "not back in");
        }
    }
    // A server that starts without Redis serves nobody; it does not know who is out.
    redis.kill();
    let fresh = Server::start(lab, &setup);
    assert_eq!(fresh.get(&bob, &page).await.code(), "STATE_UNAVAILABLE");
    redis.again();
    ready(&fresh, &bob, &page).await;
}

#[tokio::test]
async fn whom_an_operator_approved_every_replica_serves_and_whom_it_released_none() {
    let lab = lab!(alone);
    let mut redis = Redis::start(&lab.scratch("redis-pins"));
    let issuer = issuer().await;
    let mut setup = setup(lab, &issuer.url());
    setup.change = |configuration| {
        share(configuration);
        configuration["state"]["pins"] = json!("approved");
    };
    let servers = [Server::start(lab, &setup), Server::start(lab, &setup)];
    let (bob, page) = (issuer.token_for("bob"), lab.url("/whoami"));
    let becomes = async |server: &Server, is_it: fn(&Answer) -> bool| {
        let begun = Instant::now();
        while !is_it(&server.get(&bob, &page).await) {
            assert!(begun.elapsed() < Duration::from_secs(5), "it stays as it was");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let is_refused = |answer: &Answer| {
        answer.body["result"]["isError"] == true && answer.code() == "SID_MISMATCH"
    };
    let is_served = |answer: &Answer| {
        answer.body["result"]["isError"] != true && answer.content().contains("bob")
    };
    for server in &servers {
        becomes(server, is_refused).await;
    }
    // Seen by both, he waits once; said at one place, it is known to both.
    let waiting = servers[1].operator("pins", &["list", "--waiting", "--json"]).expect("listed");
    let waiting: Value = serde_json::from_str(&waiting).unwrap();
    assert_eq!(waiting.as_array().map(Vec::len), Some(1), "{waiting}");
    assert_eq!(waiting[0]["account"], "bob");
    let subject = waiting[0]["subject"].as_str().unwrap();
    servers[0].operator("pins", &["approve", "--all"]).expect("approved");
    for server in &servers {
        becomes(server, is_served).await;
    }
    servers[1].operator("pins", &["release", subject]).expect("released");
    for server in &servers {
        becomes(server, is_refused).await;
    }
    servers[1].operator("pins", &["approve", subject]).expect("approved");
    for server in &servers {
        becomes(server, is_served).await;
    }
    let contents = redis.contents();
    assert!(!contents.windows(3).any(|part| part == b"bob"), "Redis knows who was pinned");
    // What they know stays known while Redis is away, and an operator is not told that it was done.
    redis.kill();
    for server in &servers {
        becomes(server, is_served).await;
    }
    assert!(servers[0].operator("pins", &["release", subject]).is_err());
    redis.again();
}
