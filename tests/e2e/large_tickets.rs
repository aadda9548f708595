//! A ticket of 25 KB.

use krb_tests::{Server, Setup, issuer, pac};
use serde_json::json;

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
    assert!(message.contains("header"), "{message}");
    assert!(remedy.contains("LimitRequestFieldSize"), "{remedy}");
}
