use std::io::Write;
use std::sync::{Mutex, PoisonError};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use krb_client::proto::kdc::Account;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;

/// What was told, for those who told it.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<u8>>>);

impl Write for Told {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Told {
    fn lines(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The demonstration in a realm where somebody has changed an account.
async fn with(account: &str, change: impl FnOnce(&mut Account)) -> (bool, Vec<Value>) {
    let mut realm = realm::realm().unwrap();
    change(realm.account_mut(account).unwrap());
    let told = Told::default();
    let teller = Teller::Programs(Box::new(told.clone()));
    let options = Options { once: true, json: true };
    let ok = show(realm, options, teller, std::future::pending()).await.unwrap();
    (ok, told.lines())
}

/// The steps' checks that do not hold: number and words.
fn wrong(lines: &[Value]) -> Vec<(u64, String)> {
    let mut wrong = vec![];
    for line in lines.iter().filter(|line| line["event"] == "step") {
        let checks = line["checks"].as_array().unwrap();
        let failing: Vec<_> = checks.iter().filter(|check| check["holds"] != true).collect();
        assert_eq!(line["ok"] == true, failing.is_empty());
        let number = line["number"].as_u64().unwrap();
        wrong.extend(failing.iter().map(|check| (number, check["what"].to_string())));
    }
    wrong
}

fn asked(step: &Value) -> Vec<(&str, &str, bool)> {
    let kdc = step["kdc"].as_array().unwrap().iter();
    let kdc = kdc.filter(|asking| asking["firstLeg"] != true);
    kdc.map(|asking| {
        let user = asking["user"].as_str().unwrap_or_default();
        (asking["asked"].as_str().unwrap(), user, asking["granted"] == true)
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_ends_as_it_should_and_the_resource_says_who_came() {
    let (ok, lines) = with("bob", |_| ()).await;
    assert_eq!(wrong(&lines), []);
    assert!(ok);
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "step", "step", "step", "step", "step", "ended"]);
    assert_eq!((&lines[6]["right"], &lines[6]["of"]), (&json!(5), &json!(5)));
    let [alice, bob, forged, carol, payroll] = &lines[1..6] else { panic!("{lines:#?}") };

    let user = |name: &str| format!("{name}@DEMO.TEST");
    let own = user("svc-mcp");
    for (step, account) in [(alice, "ALICE_ADMIN"), (bob, "bob")] {
        let name = user(account);
        for asked_for in ["S4U2Self", "S4U2Proxy"] {
            assert!(asked(step).contains(&(asked_for, &name, true)), "{step:#}");
        }
        let visits = step["resource"].as_array().unwrap();
        assert_eq!(visits.len(), 1);
        assert_eq!(visits[0]["visitor"]["principal"], name);
        assert_eq!(visits[0]["visitor"]["account"], account);
        assert_eq!(visits[0]["visitor"]["delegatedBy"][0], own.as_str());
    }
    assert_eq!(alice["resource"][0]["status"], 200);
    assert_eq!(alice["token"]["subject"], "alice");
    let document = alice["answer"]["body"]["document"].as_str().unwrap();
    assert!(document.starts_with("Only alice"), "{document}");
    assert_eq!(alice["answer"]["body"]["readBy"], alice["resource"][0]["visitor"]);
    let phases: Vec<_> = alice["audit"].as_array().unwrap().iter().map(|r| &r["phase"]).collect();
    assert_eq!(phases, ["intent", "closing"]);

    assert_eq!(bob["resource"][0]["status"], 403);
    assert_eq!(bob["answer"]["code"], "ACCESS_DENIED");
    assert_ne!(alice["resource"][0]["visitor"]["sid"], bob["resource"][0]["visitor"]["sid"]);

    assert_eq!(forged["answer"]["status"], 401);
    assert_eq!(forged["token"]["subject"], "alice");
    assert_eq!(carol["answer"]["code"], "USER_NOT_DELEGATABLE");
    assert!(asked(carol).contains(&("S4U2Self", &user("carol"), true)));
    assert!(asked(carol).contains(&("S4U2Proxy", &user("carol"), false)));
    assert_eq!(payroll["answer"]["code"], "POLICY_DENIED");
    for step in [forged, payroll] {
        assert_eq!(step["kdc"], json!([]));
    }
    for step in [forged, carol, payroll] {
        assert_eq!(step["resource"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_ends_otherwise_is_no_success() {
    // alice's call must succeed, and does not.
    let (ok, lines) = with("ALICE_ADMIN", |alice| alice.not_delegated = true).await;
    assert!(!ok);
    let steps: Vec<_> = wrong(&lines).iter().map(|(number, _)| *number).collect();
    assert!(steps.iter().all(|number| *number == 1) && steps.len() == 4, "{steps:?}");
    assert_eq!(lines.last().unwrap()["ok"], false);
    // carol's must be refused, and is not.
    let (ok, lines) = with("carol", |carol| carol.not_delegated = false).await;
    assert!(!ok);
    assert!(wrong(&lines).iter().all(|(number, _)| *number == 4), "{lines:#?}");
    assert_eq!(lines[4]["resource"][0]["visitor"]["account"], "carol");
    // And a right that the service itself lacks.
    let (ok, lines) = with("svc-mcp", |service| service.allowed_to_delegate_to.clear()).await;
    assert!(!ok);
    assert_eq!(lines[1]["answer"]["code"], "TARGET_NOT_ALLOWED");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_behind_and_who_is_told_to_stop_stops() {
    let story = Arc::new(Story::default());
    let world = World::start(realm::realm().unwrap(), &story).await.unwrap();
    let folder = world.folder().to_owned();
    world.write_tokens().unwrap();
    for file in ["krb-mcp.jsonc", "policy.cedar", "mcp.keytab", "krb5.conf", "alice.jwt"] {
        let mode = std::os::unix::fs::MetadataExt::mode(&folder.join(file).metadata().unwrap());
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    world.stop().await;
    assert!(!folder.exists());

    let told = Told::default();
    let teller = Teller::Programs(Box::new(told.clone()));
    let options = Options { once: false, json: true };
    let ok = show(realm::realm().unwrap(), options, teller, std::future::ready(())).await.unwrap();
    assert!(!ok, "it did not get to its calls");
}

#[tokio::test]
async fn the_page_loads_nothing_and_answers_to_its_own_name() {
    let address = "127.0.0.1:4711".parse().unwrap();
    let router = page::router(address, Arc::default());
    let get = async |path: &str, host: &str| {
        let request = Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        (parts.status, parts.headers, String::from_utf8(body).unwrap())
    };
    let (status, headers, page) = get("/", "127.0.0.1:4711").await;
    assert_eq!(status, StatusCode::OK);
    let policy = headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    let nonce = policy.split("script-src 'nonce-").nth(1).unwrap().split('\'').next().unwrap();
    assert_eq!(page.matches(&format!("nonce=\"{nonce}\"")).count(), 2);
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    for elsewhere in ["src=", "href=", "url(", "@import", "innerHTML", "://"] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    let (_, other, _) = get("/", "localhost:4711").await;
    assert_ne!(other[header::CONTENT_SECURITY_POLICY], headers[header::CONTENT_SECURITY_POLICY]);
    let (status, _, story) = get("/story?after=0", "localhost:4711").await;
    assert_eq!((status, &*story), (StatusCode::OK, r#"{"addresses":null,"steps":[]}"#));
    for host in ["evil.example", "evil.example:4711", "127.0.0.1", ""] {
        for path in ["/", "/story"] {
            assert_eq!(get(path, host).await.0, StatusCode::MISDIRECTED_REQUEST, "{host} {path}");
        }
    }
}

#[test]
fn a_machine_without_a_loopback_is_told_how_to_get_one() {
    let error = |kind: std::io::ErrorKind| super::explained(std::io::Error::from(kind).into());
    let explained = error(std::io::ErrorKind::NetworkUnreachable).to_string();
    assert!(explained.ends_with("ip link set lo up"), "{explained}");
    let other = error(std::io::ErrorKind::BrokenPipe);
    assert!(other.downcast_ref::<std::io::Error>().is_some(), "as it was");
}
