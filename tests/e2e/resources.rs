//! What the resources make of an answer that is not theirs, or that somebody changed on its way;
//! and what becomes of their own refusals.

use std::net::SocketAddr;

use krb_proto::ap::ApRequestError;
use krb_proto::gss::{Acceptor, GssError};
use krb_proto::spnego::{NegState, NegTokenResp};
use krb_proto::{Principal, Timestamp};
use krb_tests::logs::Mark;
use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::{Value, json};

mod bindings;
mod names;
mod relay;

use crate::lab;
use relay::{Change, Relay};

const LOGON_FAILURE: u32 = 0xc000_006d;
const MORE_PROCESSING_REQUIRED: u32 = 0xc000_0016;
/// Offsets in an SMB2 message (MS-SMB2 2.2.1.2 and 2.2.6).
const HEADER: usize = 64;
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
        "spn": format!("HTTP/{}", lab.var("WEB_HOST")), "dangerPlainHttp": true
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
async fn a_refused_smb_login_says_why() {
    let lab = lab!();
    let issuer = issuer().await;
    let refusals: [(Change, &str, &str); 3] = [
        (
            |n, message| answer_login(n, message, LOGON_FAILURE, None),
            "STATUS_LOGON_FAILURE",
            "servicePrincipalName",
        ),
        // What Windows says with a KRB-ERROR.
        (
            |n, message| {
                let error = GssError::Request(ApRequestError::Skew);
                let server = Principal::parse("cifs/files@REALM", None).expect("a principal");
                let error = Acceptor::refusal(&error, &server, Timestamp::new(1_800_000_000, 0));
                let token = NegTokenResp {
                    neg_state: Some(NegState::ACCEPT_INCOMPLETE),
                    supported_mech: None,
                    response_token: Some(&error),
                    mech_list_mic: None,
                };
                answer_login(n, message, MORE_PROCESSING_REQUIRED, Some(&token.to_token()));
            },
            "KRB_AP_ERR_SKEW",
            "clock",
        ),
        // A server that has proven its identity and does not grant the session.
        (
            |n, message| answer_login(n, message, MORE_PROCESSING_REQUIRED, None),
            "did not finish the login",
            "",
        ),
    ];
    for (change, words, remedy_words) in refusals {
        let relay = Relay::smb(file_server(lab), change).await;
        let mut setup = Setup::new(lab, &issuer.url());
        setup.targets.push(smb_target(lab, relay.address()));
        let server = Server::start(lab, &setup);
        let path = "\\\\relayed\\corp\\reports\\data.csv";
        let (code, message, remedy) = server.read(&issuer.token("alice"), path).await.error();
        assert_eq!(code, "RESOURCE_REFUSED", "{message}");
        assert!(message.contains(words), "{message}");
        assert!(remedy.contains(remedy_words), "{remedy}");
    }
}

/// Puts another status, and another token if there is one, into the answer to SESSION_SETUP.
fn answer_login(n: usize, message: &mut Vec<u8>, status: u32, token: Option<&[u8]>) {
    if n != 1 {
        return;
    }
    message[STATUS..STATUS + 4].copy_from_slice(&status.to_le_bytes());
    if let Some(token) = token {
        message.truncate(HEADER);
        // StructureSize, SessionFlags, SecurityBufferOffset, SecurityBufferLength
        for field in [9, 0, 72, token.len() as u16] {
            message.extend(field.to_le_bytes());
        }
        message.extend(token);
    }
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
async fn what_the_web_application_refuses_is_no_success() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let alice = issuer.token("alice");
    // Whom the application does not let in, it does not let in.
    assert!(server.get(&alice, &lab.url("/private/")).await.content().contains("ALICE_ADMIN"));
    let refused = server.get(&issuer.token_for("bob"), &lab.url("/private/")).await;
    let (code, message, _) = refused.error();
    assert_eq!(code, "ACCESS_DENIED", "{message}");
    assert!(message.contains("403") && message.contains("You don't have permission"), "{message}");
    assert!(!message.contains('<'), "{message}");
    let intents = server.audit_records();
    assert!(intents.iter().any(|record| record.to_string().contains("ACCESS_DENIED")));
    // What it says of the thing that was asked for is its answer.
    let missing = server.get(&alice, &lab.url("/no-such-page")).await;
    assert_eq!(missing.data()["status"], 404);
    let headers = missing.data()["headers"].to_string().to_lowercase();
    assert!(!headers.contains("www-authenticate"), "the proof is ours alone: {headers}");
}

#[tokio::test]
async fn a_caller_cannot_say_by_a_header_field_who_came() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = Server::start(lab, &Setup::new(lab, &issuer.url()));
    let token = issuer.token("alice");
    for name in ["X-Remote-User", "X-WEBAUTH-USER", "X-MS-CLIENT-PRINCIPAL", "Proxy", "mail"] {
        let arguments = json!({ "url": lab.url("/whoami"), "headers": { name: "bob" } });
        let forged = server.call(Some(&token), "kerberos-http-request", arguments).await;
        assert_eq!(forged.code(), "INVALID_ARGUMENT", "{name}");
    }
    let arguments = json!({ "url": lab.url("/whoami"), "headers": { "If-None-Match": "\"x\"" } });
    let asked = server.call(Some(&token), "kerberos-http-request", arguments).await;
    assert_eq!(asked.data()["status"], 200);
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
    // Enough for all that comes before, at a server that begins beside others.
    setup.change = |configuration| configuration["server"]["callTimeoutSeconds"] = json!(8);
    let server = Server::start(lab, &setup);
    let answer = server.read(&issuer.token("alice"), "\\\\relayed\\corp\\reports\\data.csv").await;
    let (code, message, _) = answer.error();
    assert_eq!(code, "RESOURCE_TIMEOUT");
    assert!(message.contains("relayed"), "{message}");
}

fn replace(head: &mut Vec<u8>, from: &str, to: &str) {
    *head = String::from_utf8_lossy(head).replacen(from, to, 1).into_bytes();
}
