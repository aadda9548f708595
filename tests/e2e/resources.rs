//! What the resources make of an answer that is not theirs, or that somebody changed on its way;
//! and what becomes of their own refusals.

use std::net::SocketAddr;

use krb_tests::logs::Mark;
use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::{Value, json};

mod relay;

use crate::lab;
use relay::{Change, Relay};

/// Offsets in an SMB2 message (MS-SMB2 2.2.1.2 and 2.2.6).
const STATUS: usize = 8;
const SIGNATURE: usize = 48;
const SESSION_FLAGS: usize = 66;
const IS_GUEST: u8 = 1;

fn smb_target(lab: &Lab, at: SocketAddr) -> Value {
    let host = lab.var("FILESERVER_HOST");
    json!({
        "name": "relayed", "kind": "smb", "host": at.ip(), "port": at.port(),
        "spn": format!("cifs/{host}"), "names": ["relayed"], "shares": ["corp"]
    })
}

fn http_target(lab: &Lab, at: SocketAddr) -> Value {
    json!({
        "name": "relayed", "kind": "http", "url": format!("http://{at}"),
        "spn": format!("HTTP/{}", lab.var("WEB_HOST"))
    })
}

fn file_server(lab: &Lab) -> String {
    format!("{}:445", lab.var("FILESERVER_HOST"))
}

fn web_server(lab: &Lab) -> String {
    format!("{}:80", lab.var("WEB_HOST"))
}

#[tokio::test]
async fn an_smb_message_changed_on_its_way_ends_the_call_before_anything_is_read() {
    let lab = lab!();
    let issuer = issuer().await;
    let token = issuer.token("alice");
    // The server's first message answers NEGOTIATE, the second SESSION_SETUP.
    let changes: [(&str, &str, Change); 6] = [
        ("nothing", "NOT_FOUND", |_, _| ()),
        ("NEGOTIATE's server GUID", "RESOURCE_REFUSED", |n, message| {
            if n == 0 {
                message[72] ^= 1;
            }
        }),
        ("the login's signature", "RESOURCE_REFUSED", |n, message| {
            if n == 1 {
                message[SIGNATURE] ^= 1;
            }
        }),
        ("a guest's login", "RESOURCE_REFUSED", |n, message| {
            if n == 1 {
                message[SESSION_FLAGS] |= IS_GUEST;
            }
        }),
        ("the proof of identity", "RESOURCE_REFUSED", |n, message| {
            if n == 1
                && let Some(last) = message.last_mut()
            {
                *last ^= 1;
            }
        }),
        ("an encrypted answer", "RESOURCE_", |n, message| {
            if n == 2
                && let Some(last) = message.last_mut()
            {
                *last ^= 1;
            }
        }),
    ];
    for (number, (what, code, change)) in changes.into_iter().enumerate() {
        let relay = Relay::smb(file_server(lab), change).await;
        let mut setup = Setup::new(lab, &issuer.url());
        setup.targets.push(smb_target(lab, relay.address()));
        let server = Server::start(lab, &setup);
        // There is no such file: a word of the file server about it shows how far the call came.
        let file = format!("changed-{number}.csv");
        let log = Mark::end_of(lab.var("FILESERVER_AUDIT"));
        let answer = server.read(&token, &format!("\\\\relayed\\corp\\reports\\{file}")).await;
        let (got, message, _) = answer.error();
        assert!(got.starts_with(code), "{what}: {got}: {message}");
        let opened = log.since().contains(&file);
        assert_eq!(opened, code == "NOT_FOUND", "{what}: {}", log.since());
    }
}

#[tokio::test]
async fn a_refused_smb_login_says_that_the_ticket_was_not_taken() {
    let lab = lab!();
    let issuer = issuer().await;
    let relay = Relay::smb(file_server(lab), |n, message| {
        if n == 1 {
            message[STATUS..STATUS + 4].copy_from_slice(&0xc000_006d_u32.to_le_bytes());
        }
    })
    .await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.targets.push(smb_target(lab, relay.address()));
    let server = Server::start(lab, &setup);
    let answer = server.read(&issuer.token("alice"), "\\\\relayed\\corp\\reports\\data.csv").await;
    let (code, message, remedy) = answer.error();
    assert_eq!(code, "RESOURCE_REFUSED");
    assert!(message.contains("STATUS_LOGON_FAILURE") && message.contains("cifs/"), "{message}");
    assert!(remedy.contains("servicePrincipalName"), "{remedy}");
}

#[tokio::test]
async fn a_web_page_without_proof_of_who_sent_it_is_not_believed() {
    let lab = lab!();
    let issuer = issuer().await;
    let token = issuer.token("alice");
    let changes: [(&str, &str, Change); 4] = [
        ("nothing", "", |_, _| ()),
        ("no proof", "RESOURCE_REFUSED", |_, head| {
            replace(head, "WWW-Authenticate", "X-Authenticate");
        }),
        ("an empty proof", "RESOURCE_REFUSED", |_, head| {
            replace(head, "Negotiate ", "Negotiate\r\nX: ");
        }),
        ("a changed proof", "RESOURCE_REFUSED", |_, head| {
            let text = String::from_utf8_lossy(head).into_owned();
            let at = text.find("Negotiate ").expect("a proof") + 180;
            head[at] = if head[at] == b'A' { b'B' } else { b'A' };
        }),
    ];
    for (what, code, change) in changes {
        let relay = Relay::http(web_server(lab), change).await;
        let mut setup = Setup::new(lab, &issuer.url());
        setup.targets.push(http_target(lab, relay.address()));
        let server = Server::start(lab, &setup);
        let answer = server.get(&token, &format!("http://{}/whoami", relay.address())).await;
        if code.is_empty() {
            assert_eq!(answer.data()["status"], 200);
        } else {
            assert_eq!(answer.code(), code, "{what}: {answer:#?}");
        }
    }
}

#[tokio::test]
async fn what_the_web_application_refuses_comes_back_as_its_answer() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token("alice");
    let missing = server.get(&token, &lab.url("/no-such-page")).await;
    assert_eq!(missing.data()["status"], 404);
    let headers = missing.data()["headers"].to_string().to_lowercase();
    assert!(!headers.contains("www-authenticate"), "the proof is ours alone: {headers}");
    let arguments = json!({ "url": lab.url("/whoami"), "headers": { "X-Remote-User": "bob" } });
    let forged = server.call(Some(&token), "kerberos-http-request", arguments).await;
    assert_eq!(forged.code(), "INVALID_ARGUMENT");
}

#[tokio::test]
async fn bytes_come_as_base64_and_a_directory_is_not_a_file() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token("alice");
    lab.shell("printf '\\377\\000\\376' > \"$LAB/share/large/bytes.bin\"");
    let bytes = server.read(&token, &lab.unc("large/bytes.bin")).await;
    assert_eq!(bytes.data()["encoding"], "base64");
    assert_eq!(bytes.content(), "/wD+");
    assert_eq!(server.read(&token, &lab.unc("reports")).await.code(), "INVALID_ARGUMENT");
    let list = |path: &str| {
        let arguments = json!({ "path": lab.unc(path) });
        server.call(Some(&token), "kerberos-list-directory", arguments)
    };
    assert_eq!(list("reports/data.csv").await.code(), "INVALID_ARGUMENT");
    assert_eq!(list("no-such-directory").await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_resource_that_is_silent_is_named_when_time_is_up() {
    let lab = lab!();
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = silent.local_addr().expect("its address");
    setup.targets.push(smb_target(lab, at));
    setup.change = |configuration| configuration["server"]["callTimeoutSeconds"] = json!(2);
    let server = Server::start(lab, &setup);
    let answer = server.read(&issuer.token("alice"), "\\\\relayed\\corp\\reports\\data.csv").await;
    let (code, message, _) = answer.error();
    assert_eq!(code, "RESOURCE_UNREACHABLE");
    assert!(message.contains("relayed"), "{message}");
}

fn replace(head: &mut Vec<u8>, from: &str, to: &str) {
    *head = String::from_utf8_lossy(head).replacen(from, to, 1).into_bytes();
}
