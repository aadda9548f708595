//! What somebody on the way hears of a session.

use krb_tests::tds::{Encryption, Server};
use krb_tests::{Setup, issuer};
use serde_json::{Value, json};

use super::{ask, crowded, impersonating, options, row, target};
use crate::databases::overheard::{Overheard, lead_here};
use crate::databases::stalling::Stalling;
use crate::lab;

#[tokio::test]
async fn who_listens_on_the_way_reads_no_name_no_password_no_statement_and_no_row() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let token = issuer.token("alice");
    let host = lab.var("SQL_HOST");
    for (encryption, word) in [(Encryption::Required, "tls"), (Encryption::Strict, "strict")] {
        let _database = Server::start(options(lab, encryption).await).await;
        let (port, overheard) = Overheard::of(format!("{}:1433", lab.var("SQL_IP"))).await;
        let there =
            json!({ "port": port, "spn": format!("MSSQLSvc/{host}:1433"), "encryption": word });
        let mut setup = Setup::new(lab, &issuer.url());
        setup.targets = vec![target(lab, "own", there.clone()), impersonating(lab, "as", there)];
        setup.change = |configuration| lead_here(configuration, "SQL_HOST");
        let server = krb_tests::Server::start(lab, &setup);
        for target in ["own", "as"] {
            let sql = "SELECT name, owner FROM people WHERE id = 1";
            let answer = ask(&server, &token, target, sql).await;
            assert_eq!(row(&answer)["name"], "one of hers");
        }
        let own = lab.windows_name("ALICE_ADMIN");
        let secrets = [
            "one of hers",
            &own,
            "ALICE_ADMIN",
            "FROM people",
            "Passw0rd!sql",
            "svc-sql",
            "people",
        ];
        overheard.has_none_of(&secrets);
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_anywhere_ends_the_call_on_time_and_nothing_else_is_tried() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let host = lab.var("SQL_HOST");
    for (encryption, word) in [(Encryption::Required, "tls"), (Encryption::Strict, "strict")] {
        let (options, _) = crowded(lab, encryption).await;
        let database = Server::start(options).await;
        let stalling = Stalling::before(format!("{}:1433", lab.var("SQL_IP"))).await;
        let there = json!({
            "port": stalling.port, "spn": format!("MSSQLSvc/{host}:1433"), "encryption": word
        });
        let targets = vec![target(lab, "own", there.clone()), impersonating(lab, "as", there)];
        let change = |configuration: &mut Value| {
            configuration["server"]["callTimeoutSeconds"] = 4.into();
            lead_here(configuration, "SQL_HOST");
        };
        let sql = "SELECT name FROM many";
        stalling.ends_on_time(lab, &issuer, targets, sql, change).await;
        // Whoever gives up leaves, whatever is still on its way.
        let violations = database.take_violations();
        assert!(violations.iter().all(|what| what.contains("left amid")), "{violations:?}");
    }
}
