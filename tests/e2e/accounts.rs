//! Several service accounts of one domain: each with its own delegation list, and one that comes
//! itself. The file server and the web server say who came.

use krb_tests::logs::Mark;
use krb_tests::{Lab, Server, Setup, issuer, pac};
use serde_json::{Value, json};

use crate::lab;

/// The same settings for another account.
fn account(configuration: &Value, lab: &Lab, name: &str) -> Value {
    let mut account = configuration["kerberos"].clone();
    let members = account.as_object_mut().unwrap();
    members.remove("onlyMembersOf");
    account["servicePrincipalName"] = json!(format!("HTTP/{name}.{}", lab.var("DOMAIN")));
    account["serviceAccount"] =
        json!({ "username": format!("svc-{name}"), "keytab": lab.keytab(name) });
    account
}

#[tokio::test]
async fn a_target_that_is_not_in_its_own_accounts_list_is_refused_by_the_kdc() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        let lab = krb_tests::lab().unwrap();
        let narrow = account(configuration, lab, "narrow");
        configuration["kerberos"]["accounts"] = json!({ "narrow": narrow });
        for target in configuration["targets"].as_array_mut().unwrap() {
            target["account"] = json!("narrow");
        }
    };
    let server = Server::start(lab, &setup);
    let token = issuer.token("alice");
    let page = server.get(&token, &lab.url("/whoami")).await;
    let page = pac::page(page.content());
    assert_eq!(page.remote_user, lab.principal("ALICE_ADMIN"), "what is in its list");
    // The first account's list has the file server; that is no help.
    let (code, message, remedy) = server.read(&token, &lab.unc("reports/data.csv")).await.error();
    assert_eq!(code, "TARGET_NOT_ALLOWED", "{message}");
    assert!(message.contains("svc-narrow may not delegate to cifs/"), "{message}");
    assert!(remedy.contains("msDS-AllowedToDelegateTo of svc-narrow"), "{remedy}");
}

#[tokio::test]
async fn a_service_account_that_comes_itself_is_who_the_file_server_and_the_web_server_see() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        let lab = krb_tests::lab().unwrap();
        let mut reports = account(configuration, lab, "reports");
        // As the seeds print it.
        reports["delegation"] =
            json!({ "mode": "service-account", "warnOnAccess": true, "auditUserContext": true });
        configuration["kerberos"]["accounts"] = json!({ "reports": reports });
        for target in configuration["targets"].as_array_mut().unwrap() {
            target["account"] = json!("reports");
        }
    };
    setup.policy = r#"
        @id("reports") permit (principal, action, resource == Target::"fileserver")
            when { context.path like "/corp/reports/*" };
        @id("who") permit (principal, action, resource == Target::"webapp")
            when { context.path == "/whoami" };
    "#
    .into();
    let server = Server::start(lab, &setup);
    let token = issuer.token("bob");
    let file_server = Mark::end_of(lab.var("FILESERVER_AUDIT"));

    let answer = server.read(&token, &lab.unc("reports/svc-reports.csv")).await;
    assert_eq!(answer.content(), "account,amount\nsvc-reports,42\n");
    let actual = lab.principal("svc-reports");
    assert_eq!(answer.data()["actualIdentity"], actual);
    let line = file_server
        .line(|line| line.contains("|create_file|ok|") && line.contains("svc-reports.csv"))
        .expect("the file server's own audit line");
    let account = lab.windows_name("svc-reports").to_lowercase();
    assert!(line.to_lowercase().contains(&account), "{line}");

    let page = pac::page(server.get(&token, &lab.url("/whoami")).await.content());
    assert_eq!(page.remote_user, actual);
    assert_eq!(page.pac_account.as_deref(), Some("svc-reports"));

    // What the user himself could read, the account cannot, and the failure says so.
    let (code, message, _) = server.read(&token, &lab.unc("reports/bob.csv")).await.error();
    assert_eq!(code, "ACCESS_DENIED", "{message}");
    assert!(message.contains("svc-reports"), "{message}");
    let outside = server.read(&token, &lab.unc("bulk/bob/00.txt")).await;
    assert_eq!(outside.code(), "POLICY_DENIED");

    let records = server.audit_records();
    for record in records.iter().filter(|record| record["phase"] != "denied") {
        assert_eq!(record["delegationMode"], "service-account", "{record}");
        assert_eq!(record["actualIdentity"], actual);
        assert_eq!(record["requestedIdentity"], "bob");
        assert_eq!(record["warning"], "Resource accessed as service account, not user");
    }
    assert_eq!(records.len(), 7);
}
