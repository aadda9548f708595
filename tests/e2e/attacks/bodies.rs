//! A body costs its size: eight of the worst at once take little memory, whatever stands in them.

use std::time::Duration;

use krb_tests::{Server, Setup, issuer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::lab;
use crate::replicas::ready;

const AT_ONCE: usize = 8;
const MIB: usize = 1 << 20;
/// Megabytes over what the server takes when nothing happens.
const BOUND: usize = 50;

/// A call whose arguments are `text`, as long as is taken, or longer.
fn body(arguments: &str, meta: &str) -> Vec<u8> {
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"kerberos-http-request","_meta":{{"x":{meta}}},"arguments":{arguments}}}}}"#
    )
    .into_bytes()
}

fn filled(piece: &str, size: usize) -> String {
    format!("[{}1]", piece.repeat(size / piece.len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_of_the_worst_bodies_at_once_cost_little_memory() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    // Takes connections and never answers, so that calls hold what they hold.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("its address"));
    setup.targets.push(json!({
        "name": "silent", "kind": "http", "url": url,
        "spn": format!("HTTP/{}", lab.var("WEB_HOST")), "dangerPlainHttp": true
    }));
    setup.change = |configuration| configuration["server"]["callTimeoutSeconds"] = json!(2);
    let server = Server::start(lab, &setup);
    let token = issuer.token("alice");
    // Everything that is loaded or fetched once, which may take longer than a call may.
    ready(&server, &token, &lab.url("/whoami")).await;
    assert_eq!(server.get(&token, &lab.url("/whoami")).await.data()["status"], 200);

    let long = |text: &str| json!({"url": url, "method": "POST", "body": text}).to_string();
    let worst = [
        ("empty lists", body(&filled("[],", 4 * MIB), "1")),
        ("objects", body(&filled(r#"{"a":1},"#, 4 * MIB), "1")),
        ("empty lists that fit", body(&filled("[],", MIB - 1024), "1")),
        ("depth", body(&"[".repeat(MIB - 1024), "1")),
        ("values in a call that runs", body(&long("x"), &filled(r#"{"a":1},"#, 8000))),
        ("a long text", body(&long(&"x".repeat(MIB - 1024)), "1")),
        ("a text of escapes", body(&long(&"\u{1}".repeat(MIB / 6 - 1024)), "1")),
    ];
    let mut figures = Vec::new();
    for (what, body) in worst {
        let before = server.memory().peak_from_now();
        let mut calls = JoinSet::new();
        for _ in 0..AT_ONCE {
            let request = reqwest::Client::builder().no_proxy().build().expect("a client");
            let request = request.post(server.url()).bearer_auth(&token).body(body.clone());
            calls.spawn(request.header("content-type", "application/json").send());
        }
        let mut statuses = Vec::new();
        while let Some(answer) = calls.join_next().await {
            statuses.push(answer.expect("no panic").expect("an answer").status().as_u16());
        }
        let more = server.memory().peak().saturating_sub(before);
        figures.push(format!("{what}: {more} MB more than {before} MB; {statuses:?}"));
        assert!(more < BOUND, "{figures:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    println!("{}", figures.join("\n"));
}
