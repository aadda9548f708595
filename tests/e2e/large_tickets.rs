//! A ticket of 25 KB.

use krb_tests::{Server, Setup, issuer, pac};
use serde_json::json;
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::lab;

#[tokio::test]
async fn a_ticket_with_600_foreign_groups_passes_where_the_resource_takes_it() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    let web = lab.var("WEB_HOST");
    setup.targets.push(json!({
        "name": "default-limit", "kind": "http", "url": format!("http://{web}:8081"),
        "spn": format!("HTTP/{web}"), "dangerPlainHttp": true
    }));
    let server = Server::start(lab, &setup);
    let token = issuer.token_for("huge");
    let file = server.read(&token, &lab.unc("reports/huge.csv")).await;
    assert!(file.content().contains("huge"));
    let page = server.get(&token, &lab.url("/whoami")).await;
    assert_eq!(pac::page(page.content()).remote_user, lab.principal("huge"));

    let (code, message, remedy) =
        server.get(&token, &format!("http://{web}:8081/whoami")).await.error();
    assert_eq!(code, "RESOURCE_REFUSED", "{message}");
    assert!(message.contains("header") && message.contains("groups"), "{message}");
    for setting in ["LimitRequestFieldSize", "large_client_header_buffers", "MaxRequestBytes"] {
        assert!(remedy.contains(setting), "{remedy}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer_is_no_riddle() {
    let lab = lab!();
    let issuer = issuer().await;
    // As the JDK's HttpServer does with a header that is too large.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let _ = client.read(&mut [0; 1024]).await;
        }
    });
    let mut setup = Setup::new(lab, &issuer.url());
    setup.targets.push(json!({
        "name": "closing", "kind": "http", "url": format!("http://{at}"),
        "spn": format!("HTTP/{}", lab.var("WEB_HOST")), "dangerPlainHttp": true
    }));
    let server = Server::start(lab, &setup);
    let get =
        async |user| server.get(&issuer.token_for(user), &format!("http://{at}/")).await.error();
    let (code, message, remedy) = get("huge").await;
    assert_eq!(code, "RESOURCE_UNREACHABLE", "{message}");
    assert!(message.contains("groups"), "{message}");
    assert!(remedy.contains("maxReqHeaderSize") && remedy.contains("proxy"), "{remedy}");
    let (code, message, remedy) = get("bob").await;
    assert_eq!(code, "RESOURCE_UNREACHABLE", "{message}");
    assert!(!message.contains("groups") && !remedy.contains("maxReqHeaderSize"), "{message}");
}

#[tokio::test]
async fn a_token_that_smb_cannot_carry_is_not_sent() {
    let lab = lab!(alone);
    // 1,700 foreign groups are 68 KB of PAC.
    lab.shell(concat!(env!("CARGO_MANIFEST_DIR"), "/lab.d/dc/foreign-groups giant 1700"));
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token_for("giant");
    let (code, message, remedy) = server.read(&token, &lab.unc("reports/huge.csv")).await.error();
    assert_eq!(code, "RESOURCE_REFUSED", "{message}");
    assert!(message.contains("65535") && message.contains("170"), "{message}");
    assert!(remedy.contains("groups"), "{remedy}");
    // Apache's limit here is 64 KB, too: the size is said, and what to set.
    let (code, message, remedy) = server.get(&token, &lab.url("/whoami")).await.error();
    assert_eq!(code, "RESOURCE_REFUSED", "{message}");
    assert!(message.contains("groups") && remedy.contains("LimitRequestFieldSize"), "{message}");
}
