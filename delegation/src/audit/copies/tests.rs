use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

use krb_client::{OsRandom, SystemClock};
use serde_json::{Value, json};

use super::*;
use crate::Code;
use crate::Failure;
use crate::audit::verify::Material;
use crate::audit::{Audit, AuditConfig};
use crate::call::testing::{caller, permit};
use crate::call::{Announced, Attempt};
use crate::event::Metrics;

/// Long enough for whatever is to happen, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(20);

struct Log {
    folder: PathBuf,
    config: AuditConfig,
}

impl Log {
    fn new(name: &str, sink: &Value) -> Self {
        let folder = std::env::temp_dir().join(format!("copies-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let config = json!({"sync": false, "sinks": [sink]});
        let mut config: AuditConfig = serde_json::from_value(config).unwrap();
        config.resolve_paths(&folder);
        Self { folder, config }
    }

    fn open(&self) -> Audit {
        let http: Arc<dyn Fetch> = Arc::new(reqwest::Client::builder().no_proxy().build().unwrap());
        let (clock, http) = (Arc::new(SystemClock), self.config.needs_http().then_some(&http));
        Audit::open_with(&self.config, clock, &OsRandom, http).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.join("audit.jsonl")).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

async fn intend(audit: &Audit) -> Result<Announced, Failure> {
    let mut attempt = Attempt::begin(audit, &Metrics::of(audit), &caller(), "r-1", "a-tool");
    attempt.asks("file:read", r"\\files\corp\data.csv");
    attempt.intent(permit()).await
}

async fn call(audit: &Audit) {
    intend(audit).await.unwrap().close(Ok(())).await.unwrap();
}

/// A signed head, which comes between records once a second has passed.
fn is_head(text: &str) -> bool {
    text.contains("\"phase\":\"checkpoint\"")
}

/// The next that is a record.
fn record(mut next: impl FnMut() -> String) -> String {
    loop {
        let text = next();
        if !is_head(&text) {
            return text;
        }
    }
}

/// Those that are records.
fn records(texts: &[String]) -> Vec<String> {
    texts.iter().filter(|text| !is_head(text)).cloned().collect()
}

#[tokio::test]
async fn a_daemon_gets_records_by_udp_in_rfc_5424s_form() {
    let daemon = UdpSocket::bind("127.0.0.1:0").unwrap();
    daemon.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = format!("udp:{}", daemon.local_addr().unwrap());
    let log = Log::new("udp", &json!({"kind": "syslog", "address": address}));
    call(&log.open()).await;
    let (mut buffer, process) = ([0; 8192], std::process::id());
    let mut next = || {
        let length = daemon.recv(&mut buffer).unwrap();
        std::str::from_utf8(&buffer[..length]).unwrap().to_owned()
    };
    for line in log.lines() {
        let message = record(&mut next);
        let (head, text) = message.split_once(" audit - ").unwrap();
        assert_eq!(text, line);
        let head: Vec<&str> = head.split(' ').collect();
        assert_eq!(head[0], "<86>1", "authpriv, informational");
        assert_eq!(head[1], &line[TIMES], "the record's own time");
        assert_eq!((head[3], head[4]), ("krb-mcp", &*process.to_string()));
    }
}

const TIMES: std::ops::Range<usize> = 14..38;

#[tokio::test]
async fn the_machines_own_daemon_gets_them_in_the_form_it_reads() {
    let folder = std::env::temp_dir().join(format!("copies-{}-socket", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("log");
    let daemon = UnixDatagram::bind(&path).unwrap();
    daemon.set_read_timeout(Some(PATIENCE)).unwrap();
    let address = format!("unix:{}", path.display());
    let log = Log::new("unix", &json!({"kind": "syslog", "address": address}));
    let audit = log.open();
    call(&audit).await;
    let mut buffer = [0; 8192];
    let mut next = || {
        let length = daemon.recv(&mut buffer).unwrap();
        std::str::from_utf8(&buffer[..length]).unwrap().to_owned()
    };
    for line in log.lines() {
        let expected = format!("<86>krb-mcp[{}]: {line}", std::process::id());
        assert_eq!(record(&mut next), expected);
    }
    std::fs::remove_dir_all(folder).ok();
}

/// Reads a counted frame (RFC 6587 section 3.4.1).
fn frame(reader: &mut impl std::io::BufRead) -> String {
    let mut length = Vec::new();
    reader.read_until(b' ', &mut length).unwrap();
    let length: usize = String::from_utf8(length).unwrap().trim_end().parse().unwrap();
    let mut message = vec![0; length];
    reader.read_exact(&mut message).unwrap();
    String::from_utf8(message).unwrap()
}

#[tokio::test]
async fn a_daemon_that_ends_the_connection_misses_nothing_by_tcp() {
    let daemon = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", daemon.local_addr().unwrap());
    let log = Log::new("tcp", &json!({"kind": "syslog", "address": address}));
    let audit = log.open();
    for round in 0..3 {
        call(&audit).await;
        let (stream, _) = daemon.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut reader = BufReader::new(stream);
        for line in &log.lines()[2 * round..] {
            assert!(record(|| frame(&mut reader)).ends_with(&**line), "round {round}");
        }
        drop(reader);
    }
}

/// P7: what a dead collector misses is not the log's loss, and nobody waits for it.
#[tokio::test]
async fn a_dead_collector_holds_up_nothing_and_the_file_is_complete() {
    // It takes connections and answers none.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/logs", silent.local_addr().unwrap());
    let refused = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/v1/logs", refused.local_addr().unwrap());
    drop(refused);
    for (name, url) in [("silent", url), ("nobody", nobody)] {
        let log = Log::new(name, &json!({"kind": "otlp", "url": url}));
        let audit = log.open();
        let metrics = Metrics::of(&audit);
        let begun = Instant::now();
        for _ in 0..5 {
            call(&audit).await;
        }
        // Each would wait for some seconds otherwise.
        assert!(begun.elapsed() < Duration::from_secs(15), "{name}: {:?}", begun.elapsed());
        assert_eq!(log.lines().len(), 10);
        // The end waits for it, and not for ever.
        let begun = Instant::now();
        audit.flush().await.unwrap();
        let took = begun.elapsed();
        assert!(took < DRAIN_TIME + PATIENCE, "{name}: {took:?}");
        assert!(Material::of(&log.config).unwrap().verify().unwrap().is_whole);
        // What does not fit is counted.
        let state = Arc::new(State {
            waiting: AtomicUsize::new(MAX_WAITING),
            bytes: AtomicUsize::new(0),
            unsaid: AtomicU64::new(0),
            lost: audit.losses().get_or_create(&[("sink", "otlp")]).clone(),
        });
        let (parcels, _arriving) = sync_channel(1);
        let copy = Copy { name: "otlp", wants_records: true, is_required: false, parcels, state };
        assert!(!copy.put(&vec![Line::checkpoint("x".into())].into(), Parcel::Lines));
        assert_eq!(copy.state.waiting.load(Ordering::Relaxed), MAX_WAITING);
        let text = metrics.text();
        assert!(text.contains("krb_mcp_audit_copies_lost_total{sink=\"otlp\"} 1\n"), "{text}");
    }
}

/// Answers requests with these statuses, and then with 200; gives what it was sent.
fn collector(statuses: &'static [u16]) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/v1/logs", listener.local_addr().unwrap());
    let (to, taken) = sync_channel(1000);
    std::thread::spawn(move || {
        let mut statuses = statuses.iter();
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            loop {
                let (mut line, mut length, mut token) = (String::new(), 0, false);
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    let field = line.to_ascii_lowercase();
                    if let Some(value) = field.strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    token |= field.starts_with("authorization: bearer collectors-token");
                    line.clear();
                }
                if length == 0 {
                    break;
                }
                assert!(token, "the header field is sent");
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let status = statuses.next().copied().unwrap_or(200);
                let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\n{{}}");
                reader.get_mut().write_all(answer.as_bytes()).unwrap();
                if status == 200 {
                    to.send(serde_json::from_slice(&body).unwrap()).unwrap();
                }
            }
        }
    });
    (url, taken)
}

fn otlp(url: &str, required: bool) -> Value {
    let headers = json!({"Authorization": "Bearer collectors-token"});
    json!({"kind": "otlp", "url": url, "headers": headers, "required": required})
}

fn texts(request: &Value) -> Vec<String> {
    let records = request["resourceLogs"][0]["scopeLogs"][0]["logRecords"].as_array().unwrap();
    let text = |record: &Value| record["body"]["stringValue"].as_str().unwrap().to_owned();
    records.iter().map(text).collect()
}

#[tokio::test]
async fn a_collector_that_is_busy_is_asked_again_and_gets_all_in_order() {
    let (url, taken) = collector(&[503, 429]);
    let log = Log::new("busy", &otlp(&url, false));
    let audit = log.open();
    for _ in 0..3 {
        call(&audit).await;
    }
    audit.flush().await.unwrap();
    let mut got = Vec::new();
    // The records, and a signed head as the last.
    while records(&got).len() < 6 || !is_head(got.last().unwrap()) {
        got.extend(texts(&taken.recv_timeout(PATIENCE).unwrap()));
    }
    assert_eq!(records(&got), log.lines());
    // What it has is as good as heads that were kept.
    let kept = log.folder.join("kept");
    std::fs::write(&kept, got.join("\n")).unwrap();
    let mut material = Material::of(&log.config).unwrap();
    material.add_checkpoints(kept);
    assert!(material.verify().unwrap().is_whole);
}

#[tokio::test]
async fn what_a_copy_missed_is_said_in_it() {
    let (url, taken) = collector(&[400]);
    let log = Log::new("missed", &otlp(&url, false));
    let audit = log.open();
    call(&audit).await;
    let mut got = Vec::new();
    while !got.iter().any(|text: &String| text.contains("\"phase\":\"lost\"")) {
        call(&audit).await;
        got.extend(taken.try_iter().flat_map(|request| texts(&request)));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let lost: Value = serde_json::from_str(&got[0]).unwrap();
    assert_eq!(lost["phase"], "lost");
    let count = usize::try_from(lost["count"].as_u64().unwrap()).unwrap();
    assert!(count > 0);
    assert!(records(&got[1..]).iter().zip(&log.lines()[count..]).all(|(got, line)| got == line));
}

#[tokio::test]
async fn a_call_waits_for_a_copy_that_is_required_and_fails_without_it() {
    let (url, taken) = collector(&[]);
    let log = Log::new("required", &otlp(&url, true));
    let audit = log.open();
    let intent = intend(&audit).await.unwrap();
    assert_eq!(records(&texts(&taken.recv_timeout(PATIENCE).unwrap())), log.lines());
    intent.close(Ok(())).await.unwrap();

    let refused = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("tcp:{}", refused.local_addr().unwrap());
    drop(refused);
    let sink = json!({"kind": "syslog", "address": address, "required": true});
    let log = Log::new("closed", &sink);
    let audit = log.open();
    let begun = Instant::now();
    assert_eq!(intend(&audit).await.err().unwrap().code, Code::AuditUnavailable);
    assert!(begun.elapsed() < REQUIRED_TIME + PATIENCE, "{:?}", begun.elapsed());
}
