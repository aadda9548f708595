//! Users' own tickets, with MIT's kinit and curl: the web server and the file server say who came.

use krb_tests::{Lab, Redis, Server, Setup, issuer, pac};
use serde_json::{Value, json};

use crate::{lab, replicas};

/// What the server answers to `curl --negotiate` of a user who has logged in by `kinit` with these
/// options: the status of HTTP, and the JSON-RPC answer.
fn curl(
    lab: &Lab,
    server: &Server,
    user: &str,
    kinit: &str,
    tool: &str,
    with: Value,
) -> (String, Value) {
    let message = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": { "name": tool, "arguments": with }
    });
    let cache = lab.scratch(&format!("cache-{user}{kinit}"));
    let body = lab.scratch(&format!("body-{user}{kinit}"));
    std::fs::write(&body, message.to_string()).unwrap();
    let (host, port) = (lab.var("MCP_HOST"), server.port());
    let said = lab.shell(&format!(
        "export KRB5CCNAME=FILE:{cache}
         echo 'Passw0rd!{user}' | kinit {kinit} {principal} >/dev/null
         curl -s -m 30 --noproxy '*' --resolve {host}:{port}:127.0.0.1 --negotiate -u : \
           -H 'Content-Type: application/json' --data @{body} -w '\\n%{{http_code}}' \
           http://{host}:{port}/mcp",
        cache = cache.display(),
        body = body.display(),
        principal = lab.principal(user),
    ));
    let (answer, status) = said.rsplit_once('\n').unwrap();
    (status.to_owned(), serde_json::from_str(answer).unwrap_or_default())
}

fn start(lab: &Lab, issuer: &str) -> Server {
    let mut setup = Setup::new(lab, issuer);
    setup.change = take_tickets;
    Server::start(lab, &setup)
}

fn take_tickets(configuration: &mut Value) {
    let host = krb_tests::lab().unwrap().var("MCP_HOST");
    configuration["server"]["allowedHosts"] = json!([host]);
    configuration["auth"]["negotiate"] = json!({});
}

#[tokio::test]
async fn alice_comes_with_curl_and_her_own_ticket_and_arrives_as_herself() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = start(lab, &issuer.url());
    let url = json!({ "url": lab.url("/whoami") });
    let (status, answer) = curl(lab, &server, "ALICE_ADMIN", "-f", "kerberos-http-request", url);
    assert_eq!(status, "200", "{answer:#}");
    let page = answer["result"]["structuredContent"]["data"]["body"].as_str().unwrap();
    let page = pac::page(page);
    assert_eq!(page.remote_user, lab.principal("ALICE_ADMIN"));
    assert_eq!(page.pac_account.as_deref(), Some("ALICE_ADMIN"));

    let path = json!({ "path": lab.unc("reports/data.csv") });
    let (_, answer) = curl(lab, &server, "ALICE_ADMIN", "-f", "kerberos-file-read", path);
    let content = &answer["result"]["structuredContent"]["data"]["content"];
    assert_eq!(*content, lab.shell("cat \"$LAB/share/reports/data.csv\""), "{answer:#}");
    for record in server.audit_records() {
        assert_eq!(record["issuer"], format!("kerberos:{}", lab.realm()));
        assert_eq!(record["delegationMode"], "own-ticket");
        assert!(record["subject"].as_str().unwrap().starts_with("S-1-5-21-"));
    }
}

/// What came for one replica is good at no other.
#[tokio::test]
async fn a_login_that_one_replica_took_is_refused_by_the_other() {
    let lab = lab!(alone);
    let _redis = Redis::start(&lab.scratch("redis-logins"));
    let issuer = issuer().await;
    let mut setup = replicas::setup(lab, &issuer.url());
    setup.change = |configuration| {
        replicas::share(configuration);
        take_tickets(configuration);
    };
    let (one, other) = (Server::start(lab, &setup), Server::start(lab, &setup));
    let cache = lab.scratch("cache-login");
    let kinit = format!(
        "echo 'Passw0rd!bob' | KRB5CCNAME=FILE:{} kinit {} >/dev/null",
        cache.display(),
        lab.principal("bob")
    );
    lab.shell(&kinit);
    let host = lab.var("MCP_HOST");
    let curl = |server: &Server, login: &str| {
        let port = server.port();
        lab.shell(&format!(
            "KRB5CCNAME=FILE:{} curl -sv -m 30 --noproxy '*' --resolve {host}:{port}:127.0.0.1 {login} \
               -H 'Content-Type: application/json' -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}}' \
               http://{host}:{port}/mcp 2>&1",
            cache.display()
        ))
    };
    for (first, second) in [(&one, &other), (&other, &one)] {
        let took = curl(first, "--negotiate -u :");
        assert!(took.contains("< HTTP/1.1 200"), "{took}");
        let sent = took.lines().find_map(|line| line.strip_prefix("> Authorization: "));
        let again = format!("-H 'Authorization: {}'", sent.expect("a login"));
        for server in [second, first] {
            let refused = curl(server, &again);
            assert!(refused.contains("< HTTP/1.1 401"), "{refused}");
        }
    }
    let records = other.audit_records();
    let replayed = "the login came before, or too many come";
    assert!(records.iter().any(|record| record["message"] == replayed), "{records:#?}");
}

#[tokio::test]
async fn tickets_that_cannot_be_delegated_are_told_apart() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = start(lab, &issuer.url());
    for (user, kinit, code, blame, says) in [
        ("ALICE_ADMIN", "-F", "EVIDENCE_REFUSED", "caller", "kinit -f"),
        ("dave", "-f", "USER_NOT_DELEGATABLE", "account", "NOT_DELEGATED"),
    ] {
        let url = json!({ "url": lab.url("/whoami") });
        let (_, answer) = curl(lab, &server, user, kinit, "kerberos-http-request", url);
        let error = &answer["result"]["structuredContent"]["error"];
        assert_eq!((&error["code"], &error["blame"]), (&json!(code), &json!(blame)), "{answer:#}");
        assert!(error["remedy"].as_str().unwrap().contains(says), "{error:#}");
    }
}
