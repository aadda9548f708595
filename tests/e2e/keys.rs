//! Keys that are right but numbered otherwise, salts that only the KDC knows, secrets that are
//! replaced under a running server, and a KDC that replaces its own.

use std::path::PathBuf;
use std::time::Duration;

use krb_client::files;
use krb_proto::crypto::Key;
use krb_proto::formats::{Keytab, KeytabEntry};
use krb_proto::iana::EncType;
use krb_proto::{KerberosTime, Name, Principal};
use krb_tests::{Lab, Server, Setup, issuer, pac};
use serde_json::{Value, json};

use crate::lab;

/// A keytab by MIT's `ktutil addent`, without `.keytab`, which takes the version on trust.
fn ktutil(lab: &Lab, account: &str, password: &str, kvno: u32) -> String {
    let name = lab.scratch(&format!("ktutil-{kvno}")).to_string_lossy().into_owned();
    let principal = lab.principal(account);
    let script = format!(
        "addent -password -p {principal} -k {kvno} -e aes256-cts-hmac-sha1-96\n{password}\n\
         wkt {name}.keytab\nquit\n"
    );
    lab.shell(&format!("rm -f {name}.keytab; ktutil >/dev/null <<'END'\n{script}END"));
    name
}

#[tokio::test]
async fn the_right_keys_open_evidence_whatever_version_they_are_said_to_have() {
    let lab = lab!();
    let issuer = issuer().await;
    let (account, password) = (lab.var("SVC_ACCOUNT"), lab.var("SVC_PASSWORD"));
    let exported = files::read_keytab(&lab.keytab("mcp")).await.unwrap();
    let principal = Principal::new(Name::user(&account), lab.realm());
    let true_kvno = exported.keys_for(&principal).map(|entry| entry.kvno).max().unwrap();
    for kvno in [0, 1, 255, true_kvno, true_kvno + 1, true_kvno + 256] {
        let mut setup = Setup::new(lab, &issuer.url());
        setup.keytab = ktutil(lab, &account, &password, kvno);
        let server = Server::start(lab, &setup);
        let answer = server.get(&issuer.token("alice"), &lab.url("/whoami")).await;
        let page = pac::page(answer.content());
        assert_eq!(page.remote_user, lab.principal("ALICE_ADMIN"), "kvno {kvno}");
    }
    // A wrong key of the right version stays wrong, and the remedy says what the wire proves.
    let mut setup = Setup::new(lab, &issuer.url());
    setup.keytab = ktutil(lab, &account, "another password", true_kvno);
    let server = Server::start(lab, &setup);
    let answer = server.get(&issuer.token("alice"), &lab.url("/whoami")).await;
    let (code, message, _) = answer.error();
    assert_eq!(code, "SERVICE_NOT_TRUSTED", "{message}");
}

fn by_password(configuration: &mut Value) {
    let account = &mut configuration["kerberos"]["serviceAccount"];
    let username = account["username"].take();
    let password = match username.as_str().unwrap() {
        "SVC-MCP-SERVER" => "Passw0rd!mcp",
        "svc-new-name" => "Passw0rd!svc-renamed",
        _ => "Passw0rd!computer",
    };
    *account = json!({ "username": username, "password": password });
}

#[tokio::test]
async fn a_password_is_enough_whatever_salt_the_kdc_took() {
    let lab = lab!();
    let issuer = issuer().await;
    for account in ["SVC-MCP-SERVER", "svc-new-name", "SVC-COMPUTER$"] {
        let mut setup = Setup::new(lab, &issuer.url());
        setup.account = account.into();
        setup.change = by_password;
        let server = Server::start(lab, &setup);
        let answer = server.get(&issuer.token("alice"), &lab.url("/whoami")).await;
        let page = pac::page(answer.content());
        assert_eq!(page.remote_user, lab.principal("ALICE_ADMIN"), "{account}");
        let file = server.read(&issuer.token("alice"), &lab.unc("reports/data.csv")).await;
        assert!(!file.content().is_empty(), "{account}");
    }
}

/// Writes a keytab as a tool does that is careful: another file, renamed.
fn replace_keytab(lab: &Lab, path: &PathBuf, account: &str, password: &str, kvno: u32) {
    let principal = Principal::new(Name::user(account), lab.realm());
    let salt = krb_proto::preauth::default_salt(&principal);
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let key = Key::from_password(enctype, password.as_bytes(), &salt, None).unwrap();
    let entry = KeytabEntry {
        principal,
        timestamp: KerberosTime::from_unix(1_800_000_000),
        kvno,
        enctype,
        key_bytes: key.as_bytes().to_vec().into(),
    };
    let new = path.with_extension("new");
    std::fs::write(&new, Keytab { entries: vec![entry] }.to_bytes().unwrap()).unwrap();
    std::fs::rename(new, path).unwrap();
}

#[tokio::test]
async fn a_keytab_that_is_replaced_under_a_running_server_is_used() {
    // Alone, since another test gives this account passwords, too.
    let lab = lab!(alone);
    let issuer = issuer().await;
    // So that it can be run again in the same lab.
    lab.shell("\"$SET_PASSWORD\" svc-rotated 'Passw0rd!svc-rotated'");
    let name = lab.scratch("rotated");
    let path = name.with_extension("keytab");
    replace_keytab(lab, &path, "svc-rotated", "Passw0rd!svc-rotated", 2);
    let mut setup = Setup::new(lab, &issuer.url());
    setup.account = "svc-rotated".into();
    setup.keytab = name.to_string_lossy().into_owned();
    let server = Server::start(lab, &setup);
    let who = async |user: &str| {
        let answer = server.get(&issuer.token_for(user), &lab.url("/whoami")).await;
        pac::page(answer.content()).remote_user
    };
    assert_eq!(who("bob").await, lab.principal("bob"));

    // Half of a file, for a while: the keys before it go on.
    let log = server.log();
    std::fs::write(&path, [5, 2, 0, 0]).unwrap();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(who("rene").await, lab.principal("rene"));
    assert!(log.line(|line| line.contains("was read before stays in use")).is_some());

    lab.shell("\"$SET_PASSWORD\" svc-rotated 'An0ther!password'");
    replace_keytab(lab, &path, "svc-rotated", "An0ther!password", 3);
    // Evidence is sealed with the new key from now on; the server knew the old one only.
    assert_eq!(who("phoenix").await, lab.principal("phoenix"));
    // bob's evidence is sealed with the old one. The KDC takes it no more, so it is got anew.
    let file = server.read(&issuer.token_for("bob"), &lab.unc("reports/bob.csv")).await;
    assert!(file.content().contains("bob"));
}

#[tokio::test]
async fn a_kdc_that_replaces_its_key_is_logged_in_to_again() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let alice = issuer.token("alice");
    let answer = server.get(&alice, &lab.url("/whoami")).await;
    assert_eq!(pac::page(answer.content()).remote_user, lab.principal("ALICE_ADMIN"));

    for _ in 0..3 {
        lab.shell("\"$SET_PASSWORD\" krbtgt 'becomes a r4ndom one'");
    }
    let log = server.log();
    let answer = server.get(&issuer.token_for("bob"), &lab.url("/whoami")).await;
    assert_eq!(pac::page(answer.content()).remote_user, lab.principal("bob"));
    assert!(log.line(|line| line.contains("logging in again")).is_some());
    // With evidence of before, at a target that she has no ticket to.
    let file = server.read(&alice, &lab.unc("reports/data.csv")).await;
    assert!(!file.content().is_empty());
}
