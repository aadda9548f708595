//! What somebody on the way hears of a session.

use krb_tests::{Server, Setup, issuer};
use serde_json::json;

use super::{ask, row, stored, target};
use crate::databases::overheard::{Overheard, lead_here};
use crate::lab;

#[tokio::test]
async fn who_listens_on_the_way_reads_no_name_no_password_no_statement_and_no_row() {
    let lab = lab!();
    let issuer = issuer().await;
    let token = issuer.token("alice");
    let spn = format!("postgres/{}", lab.var("POSTGRES_HOST"));
    let (port, overheard) = Overheard::of(format!("{}:5432", lab.var("POSTGRES_IP"))).await;
    let there = |encryption: &str| json!({ "port": port, "spn": spn, "encryption": encryption });
    let mut by_password = there("tls");
    by_password["login"] =
        json!({ "mode": "role", "username": "mcp_login", "password": "Passw0rd!mcp_login" });
    by_password["statements"] = json!({
        "own": { "sql": "SELECT body AS b FROM public.notes WHERE body LIKE 'note 1 %'", "access": "read" }
    });
    let mut setup = Setup::new(lab, &issuer.url());
    setup.targets = vec![
        target(lab, "gss", there("gss")),
        target(lab, "tls", there("tls")),
        target(lab, "role", by_password),
    ];
    setup.change = |configuration| lead_here(configuration, "POSTGRES_HOST");
    let server = Server::start(lab, &setup);
    for target in ["gss", "tls"] {
        let sql = "SELECT body AS b FROM notes WHERE body LIKE 'note 1 %'";
        assert_eq!(row(&ask(&server, &token, target, sql).await)["b"], "note 1 of ALICE_ADMIN");
    }
    let answer = stored(&server, &token, "role", "own", json!({})).await;
    assert_eq!(row(&answer)["b"], "note 1 of ALICE_ADMIN");
    let secrets = [
        "note 1 of",
        "ALICE_ADMIN",
        "FROM notes",
        "public.notes",
        "Passw0rd",
        "mcp_login",
        "DISCARD",
    ];
    overheard.has_none_of(&secrets);
}
