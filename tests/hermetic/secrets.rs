//! No secret reaches any place that somebody reads: records, their copies, logs, answers.

use std::io::Write;
use std::net::UdpSocket;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use krb_tests::world::{Setup, World};
use serde_json::{Value, json};
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::{DefaultGuard, NoSubscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

/// Everything that is logged, at every level.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// What is logged on this thread from now on, as long as the second value lives.
    pub(crate) fn listen() -> (Self, DefaultGuard) {
        // Where there is but one who listens, what another thread is the first to say is asked of that
        // thread, where nobody does, and then said nowhere.
        static ANOTHER: OnceLock<Dispatch> = OnceLock::new();
        ANOTHER.get_or_init(|| Dispatch::new(NoSubscriber::default()));
        let log = Self::default();
        let writer = log.clone();
        // What the server's own log takes at most: these two print whole messages below.
        let most = Targets::new()
            .with_default(LevelFilter::TRACE)
            .with_targets([("rmcp", LevelFilter::WARN), ("hyper", LevelFilter::INFO)]);
        let lines = fmt::layer().with_writer(move || writer.clone()).with_filter(most);
        (log, tracing_subscriber::registry().with(lines).set_default())
    }

    pub(crate) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const KEY: &str = "canary-of-the-chain-0123456789abcdef";
const HEADER: &str = "canary-of-the-collector";
const QUERY: &str = "canary-in-the-query";
const CONTENT: &str = "canary-in-the-content";
const PASSWORD: &str = "canary-in-the-url";

static DAEMON: OnceLock<UdpSocket> = OnceLock::new();

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_a_record_a_copy_a_log_or_an_answer() {
    let (log, _logged) = Log::listen();

    let daemon = DAEMON.get_or_init(|| UdpSocket::bind("127.0.0.1:0").unwrap());
    let change = |configuration: &mut Value| {
        let address = DAEMON.get().unwrap().local_addr().unwrap();
        // Nobody takes it there, so that the request with the secret field is tried again and again.
        let nobody = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        configuration["audit"]["key"] = json!(KEY);
        configuration["audit"]["checkpoints"] = json!({ "file": "heads" });
        configuration["audit"]["sinks"] = json!([
            { "kind": "syslog", "address": format!("udp:{address}"), "required": true },
            { "kind": "otlp", "url": format!("http://{nobody}/v1/logs"),
              "headers": { "Authorization": format!("Bearer {HEADER}") } }
        ]);
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    let mut secrets = vec![KEY.to_owned(), HEADER.into(), QUERY.into(), PASSWORD.into()];
    let mut answers = String::new();
    let mut call = async |token: &str, tool: &str, arguments: Value| {
        let answer = world.call(Some(token), tool, arguments).await;
        answers += &format!("{answer:?}\n");
    };
    let http = "kerberos-http-request";
    let alice = world.idp.issuer.token("alice");
    call(&alice, http, json!({ "url": World::url("/whoami") })).await;
    call(&alice, http, json!({ "url": World::url(&format!("/documents/alice?x={QUERY}")) })).await;
    call(&alice, http, json!({ "url": format!("https://alice:{PASSWORD}@nobody.test/") })).await;
    // Refused for their form, and recorded.
    for address in [
        format!("//web.w25ad.net/?token={QUERY}"),
        format!("/whoami?token={QUERY}"),
        format!("web.w25ad.net/#{QUERY}"),
        format!("http:alice:{PASSWORD}@web.w25ad.net/"),
        format!(r"http:\\alice:{PASSWORD}@web.w25ad.net/"),
        format!("http:/alice:{PASSWORD}@web.w25ad.net/"),
        format!("alice:{PASSWORD}@web.w25ad.net/"),
        format!("http://alice:x/{PASSWORD}@web.w25ad.net/"),
    ] {
        call(&alice, http, json!({ "url": address })).await;
    }
    let file = format!("//alice:{PASSWORD}@files.w25ad.net/corp/data.csv");
    call(&alice, "kerberos-file-read", json!({ "path": file })).await;
    let cookie = json!({ "url": World::url("/whoami"), "headers": format!("Cookie: {PASSWORD}") });
    call(&alice, http, cookie).await;
    let post = json!({ "url": World::url("/whoami"), "method": "POST", "body": CONTENT });
    call(&alice, http, post).await;
    call(&alice, "user-info", json!({})).await;
    call(&alice, "no-such-tool", json!({ "password": PASSWORD })).await;
    for (_, token) in world.idp.issuer.bad_tokens("alice") {
        call(&token, "user-info", json!({})).await;
        secrets.push(token);
    }
    secrets.push(alice);
    // What makes a token one: whoever has this has it.
    let signatures = secrets.clone();
    let signatures = signatures.iter().filter_map(|token| token.split('.').nth(2));
    secrets.extend(signatures.filter(|text| text.len() > 20).map(str::to_owned));
    let records = world.audit_records().await;
    assert!(records.len() > 10, "{records:#?}");

    let mut copies = Vec::new();
    daemon.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length) = daemon.recv(&mut buffer) {
        copies.extend_from_slice(&buffer[..length]);
        copies.push(b'\n');
        if copies.windows(12).filter(|bytes| bytes == b"\"checkpoint\"").count() > 0 {
            break;
        }
    }
    let read = |name: &str| std::fs::read_to_string(world.folder().join(name)).unwrap();
    let places = [
        ("the log", read("audit.jsonl")),
        ("its head", read("audit.jsonl.head")),
        ("heads elsewhere", read("heads")),
        ("the copy", String::from_utf8_lossy(&copies).into_owned()),
        ("the server's log", log.text()),
    ];
    assert!(places.iter().all(|(place, text)| !text.is_empty() || panic!("{place} is empty")));
    for secret in &secrets {
        for (place, text) in &places {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(line, None, "{place}: {secret}");
        }
    }
    for secret in [KEY, HEADER].iter().chain(&[PASSWORD]) {
        assert!(!answers.contains(secret), "an answer: {secret}");
    }
    let content = places.iter().any(|(_, text)| text.contains(CONTENT));
    assert!(!content, "what is sent stands nowhere");
}
