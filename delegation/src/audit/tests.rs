use std::path::{Path, PathBuf};
use std::time::Duration;

use krb_client::proto::KerberosTime;
use krb_client::{OsRandom, SystemClock};
use serde_json::{Value, json};

use super::log_file::GLANCE;
use super::verify::Material;
use super::*;
use crate::call::testing::{account, caller, permit, ticket};
use crate::call::{Announced, Attempt};
use crate::event::{Event, Metrics};
use crate::identity::Subject;
use crate::policy::Denial;
use crate::resources::Answered;
use crate::testing::TestClock;
use crate::{Code, Failure};

/// A log in a directory of its own, under a clock that the test moves.
struct Log {
    file: PathBuf,
    clock: TestClock,
    audit: Audit,
}

impl Log {
    fn new(name: &str) -> Self {
        Self::after(name, |_| {})
    }

    /// Where something stands already.
    fn after(name: &str, before: impl FnOnce(&Path)) -> Self {
        let directory = std::env::temp_dir().join(format!("audit-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        let file = directory.join("audit.jsonl");
        before(&file);
        let clock = TestClock::at(1_700_000_040);
        let config = AuditConfig::to(file.to_str().unwrap(), true);
        let audit = Audit::open(&config, Arc::new(clock.clone()), &OsRandom).unwrap();
        Self { file, clock, audit }
    }

    /// All records, of a log that is whole.
    async fn records(&self) -> Vec<Value> {
        self.audit.flush().await.unwrap();
        let config = AuditConfig::to(self.file.to_str().unwrap(), true);
        let verified = Material::of(&config).unwrap().verify().unwrap();
        assert!(verified.is_whole, "{:#?}", verified.problems);
        self.read()
    }

    fn read(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.file).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(directory) = self.file.parent() {
            std::fs::remove_dir_all(directory).ok();
        }
    }
}

fn begun(audit: &Audit, request_id: &str) -> Attempt {
    let metrics = Metrics::of(audit);
    Attempt::begin(audit, &metrics, &caller(), request_id, "kerberos-file-read")
}

fn attempt(audit: &Audit, action: &str, written: &str) -> Attempt {
    let mut attempt = begun(audit, "r-1");
    attempt.asks(action, written);
    attempt.is_of(&Subject::unproven(&caller(), "ALICE_ADMIN"));
    attempt
}

async fn intend(audit: &Audit) -> Result<Announced, Failure> {
    attempt(audit, "file:read", r"\\files\corp\data.csv").intent(permit()).await
}

fn failure() -> Failure {
    Failure::new(Code::AccessDenied, "the file server denied\n access", "ask its owner")
}

#[test]
fn heads_are_kept_in_no_file_of_the_logs_own() {
    let folder = std::env::temp_dir().join(format!("heads-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("logs")).unwrap();
    let check = |log: &str, heads: &str| {
        let config = json!({ "file": log, "checkpoints": { "file": heads } });
        let mut config: AuditConfig = serde_json::from_value(config).unwrap();
        config.resolve_paths(&folder);
        super::check(&config, None).map_err(|error| error.setting)
    };
    let refused = Err("audit.checkpoints.file".to_owned());
    for heads in ["", ".head", ".head.new", ".000000000012", ".1", ".2.gz", "-20261129"] {
        for path in ["", "./", "logs/../"] {
            let heads = format!("{path}audit.jsonl{heads}");
            assert_eq!(check("audit.jsonl", &heads), refused, "{heads}");
        }
    }
    for heads in ["heads", "audit.jsonl.heads", "logs/audit.jsonl", "logs/audit.jsonl.1", "audit"] {
        assert_eq!(check("audit.jsonl", heads), Ok(()), "{heads}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::symlink;

        symlink(&folder, folder.join("here")).unwrap();
        symlink("audit.jsonl", folder.join("link")).unwrap();
        let cases = [
            ("audit.jsonl", "here/audit.jsonl"),
            ("audit.jsonl", "link"),
            ("link", "audit.jsonl"),
            ("link", "link.1"),
            ("link", "here/audit.jsonl.head"),
        ];
        // Before the log is there, and then.
        for is_there in [false, true] {
            if is_there {
                std::fs::write(folder.join("audit.jsonl"), "").unwrap();
            }
            for (log, heads) in cases {
                assert_eq!(check(log, heads), refused, "{log} {heads} {is_there}");
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn an_intent_and_its_closing_record() {
    let log = Log::new("pair");
    let intent = intend(&log.audit).await.unwrap();
    // Written before the call goes on, without any flush.
    assert_eq!(log.read().len(), 1);
    log.clock.pass(2);
    intent.tell(Event::Evidence { account: &account(), ticket: &ticket(0) });
    intent.tell(Event::Ticket(&ticket(0x40a5_0000)));
    intent.tell(Event::Answered(Answered {
        status: Some(404),
        bytes: 11,
        rows: None,
        changed: None,
    }));
    intent.close(Ok(())).await.unwrap();

    let [mut intent, mut closing]: [Value; 2] = log.records().await.try_into().unwrap();
    assert_eq!((intent["seq"].take(), closing["seq"].take()), (json!(1), json!(2)));
    assert_eq!(intent["previous"].take(), "0".repeat(64), "the first of a file says so");
    assert_eq!(intent["keyId"].take(), "none");
    assert!([&mut intent, &mut closing].iter_mut().all(|r| r["chain"].take().is_string()));
    let id = intent["eventId"].take();
    let (run, number) = id.as_str().unwrap().split_once('-').unwrap();
    assert_eq!((run.len(), number), (16, "1"));
    assert_eq!(closing["eventId"].take(), format!("{run}-2"));
    assert_eq!(closing["intentId"].take(), id);
    assert!(closing["durationMs"].take().is_u64());
    let common = serde_json::json!({
        "requestId": "r-1", "tool": "kerberos-file-read", "action": "file:read",
        "source": "delegation:kerberos-ad", "chain": null, "seq": null,
        "issuer": "https://idp.example.com", "subject": "42", "userId": "42", "clientId": "agent",
        "legacyName": "ALICE_ADMIN", "resource": r"\\files\corp\data.csv",
        "tokenExchangeUsed": true, "target": "fileserver", "spn": "cifs/files.example.com",
        "path": r"corp\data.csv", "decision": "allow", "policies": ["staff-read"],
        "policyHash": "c89d38c0f5a6e1de", "delegationMode": "protocol-transition",
    });
    let with = |extra: Value| {
        let mut all = common.clone();
        all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        all
    };
    assert_eq!(
        intent,
        with(serde_json::json!({
            "timestamp": "2023-11-14T22:14:00.000Z", "eventId": null, "phase": "intent",
            "previous": null, "keyId": null
        }))
    );
    assert_eq!(
        closing,
        with(serde_json::json!({
            "timestamp": "2023-11-14T22:14:02.000Z", "eventId": null, "phase": "closing",
            "intentId": null, "account": "ALICE_ADMIN", "sid": "S-1-5-21-1-2-3-1104",
            "evidence": "kdc", "ticket": "kdc", "ticketEnctype": "aes256-cts-hmac-sha1-96",
            "ticketFlags": "0x40a50000", "ticketEnds": "2023-11-15T08:14:00Z", "outcome": "OK",
            "ticketSpn": "ALICE_ADMIN@R", "ticketAuthenticated": "1970-01-01T00:00:00Z",
            "ticketStarts": "1970-01-01T00:00:00Z", "success": true,
            "status": 404, "bytes": 11, "durationMs": null
        }))
    );
}

#[tokio::test]
async fn denials_and_failures_are_one_line_each() {
    let log = Log::new("denials");
    let denial = Denial {
        failure: failure(),
        policies: vec!["no-secrets".into()],
        asked: Some("0123".into()),
    };
    let denied = attempt(&log.audit, "file:read", "\\\\x\\y\n{}").denied(denial).await;
    let failed = attempt(&log.audit, "http:get", "http://w/?secret").failed(failure()).await;
    assert_eq!((denied, failed), (failure(), failure()), "what the caller is told");
    let [denied, failed]: [Value; 2] = log.records().await.try_into().unwrap();
    assert_eq!(denied["phase"], "denied");
    assert_eq!(denied["decision"], "deny");
    assert_eq!(denied["policies"], json!(["no-secrets"]));
    assert_eq!(denied["outcome"], "ACCESS_DENIED");
    assert_eq!(denied["path"], "\\\\x\\y\n{}");
    assert_eq!(failed["phase"], "failed");
    assert!(failed.get("decision").is_none());
    assert_eq!(failed["path"], "http://w/");
    assert_eq!(failed["error"], "the file server denied\n access");
    assert_eq!((&denied["success"], &failed["success"]), (&json!(false), &json!(false)));
}

/// What a resource says of a refusal may be anything: its caller is told, and nobody else.
#[tokio::test]
async fn a_record_has_this_servers_words_and_not_the_resources() {
    let log = Log::new("words");
    let failure = failure().quoting("no, bearer-of-a-secret");
    assert!(failure.message.contains("bearer-of-a-secret"), "the caller is told");
    intend(&log.audit).await.unwrap().close(Err(&failure)).await.unwrap();
    let records = log.records().await;
    assert_eq!(records[1]["error"], "the file server denied\n access");
    assert!(!format!("{records:?}").contains("bearer-of-a-secret"));
}

#[tokio::test]
async fn a_dropped_intent_is_abandoned_once_and_a_closed_one_is_not() {
    let log = Log::new("abandoned");
    drop(intend(&log.audit).await.unwrap());
    let closed = intend(&log.audit).await.unwrap();
    closed.close(Err(&failure())).await.unwrap();
    let records = log.records().await;
    let outcomes: Vec<&str> = records
        .iter()
        .filter(|record| record["phase"] == "closing")
        .map(|record| record["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["ABANDONED", "ACCESS_DENIED"]);
    assert_eq!(records.len(), 4);
}

#[tokio::test]
async fn a_dropped_attempt_leaves_a_record_and_an_ended_one_no_second() {
    let log = Log::new("attempts");
    drop(attempt(&log.audit, "file:read", "x"));
    attempt(&log.audit, "user:info", "").answered(&["self".into()], "0123").await.unwrap();
    let records = log.records().await;
    let seen: Vec<_> = records.iter().map(|r| (&r["phase"], &r["outcome"])).collect();
    assert_eq!(seen, [(&json!("failed"), &json!("ABANDONED")), (&json!("closing"), &json!("OK"))]);
}

/// What happened to the log's file, and whether records that follow may still be written.
type Accident = (&'static str, fn(&Path), bool);

#[tokio::test]
async fn a_file_that_is_taken_away_is_noticed_before_an_intent_is_called_written() {
    let accidents: [Accident; 5] = [
        ("removed", |file| std::fs::remove_file(file).unwrap(), true),
        ("rotated", |file| std::fs::rename(file, file.with_extension("1")).unwrap(), true),
        (
            "replaced",
            |file| {
                std::fs::write(file.with_extension("new"), "{\"else\":1}").unwrap();
                std::fs::rename(file.with_extension("new"), file).unwrap();
            },
            true,
        ),
        ("gone", |file| std::fs::remove_dir_all(file.parent().unwrap()).unwrap(), false),
        (
            "moved",
            |file| {
                let directory = file.parent().unwrap();
                let moved = directory.with_extension("moved");
                std::fs::rename(directory, &moved).unwrap();
                std::fs::remove_dir_all(moved).unwrap();
            },
            false,
        ),
    ];
    // Looked at before the next record is written, or found only when it has been written.
    for ((what, accident, goes_on), wait) in
        accidents.iter().flat_map(|it| [Duration::ZERO, 2 * GLANCE].map(|wait| (it, wait)))
    {
        let log = Log::new(what);
        intend(&log.audit).await.unwrap().close(Ok(())).await.unwrap();
        accident(&log.file);
        std::thread::sleep(wait);
        let intent = intend(&log.audit).await;
        if !goes_on {
            assert_eq!(intent.err().unwrap().code, Code::AuditUnavailable, "{what}");
            std::fs::create_dir_all(log.file.parent().unwrap()).unwrap();
            drop(intend(&log.audit).await.expect(what));
            let records = log.read();
            assert_eq!(records[0]["phase"], "reopened", "{what}: {records:?}");
            assert_eq!((&records[1]["phase"], &records[1]["count"]), (&json!("lost"), &json!(1)));
            assert_eq!(records[2]["phase"], "intent", "{what}");
            continue;
        }
        let intent = intent.expect(what);
        let text = std::fs::read_to_string(&log.file).unwrap();
        let mut lines =
            text.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let (last, before) = (lines.next().unwrap(), lines.next().unwrap());
        assert_eq!(last["phase"], "intent", "{what}: it stands in the file at the path");
        let count = |name: &str| before[name].as_u64().unwrap_or(0);
        let elsewhere = count("count") - count("again");
        assert_eq!((&before["phase"], elsewhere), (&json!("reopened"), 2), "{what}: {before}");
        intent.close(Ok(())).await.unwrap();
    }
}

#[tokio::test]
async fn half_a_line_of_the_run_before_does_not_swallow_the_first_record() {
    let log = Log::after("torn", |file| {
        std::fs::write(file, "{\"whole\":1}\n{\"half\":").unwrap();
    });
    attempt(&log.audit, "file:read", "x").failed(failure()).await;
    let text = std::fs::read_to_string(&log.file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[..2], ["{\"whole\":1}", "{\"half\":"]);
    assert_eq!(serde_json::from_str::<Value>(lines[2]).unwrap()["phase"], "failed");
}

#[tokio::test]
async fn what_could_not_be_written_is_counted_and_said() {
    let log = Log::new("lost");
    let directory = log.file.parent().unwrap().to_owned();
    std::fs::remove_dir_all(&directory).unwrap();
    // Or the first records go into the file that is gone, and verifying misses them.
    std::thread::sleep(2 * GLANCE);
    for _ in 0..3 {
        attempt(&log.audit, "file:read", "x").denied(failure().into()).await;
        log.audit.unauthorized("expired");
    }
    log.audit.flush().await.unwrap_err();
    std::fs::create_dir_all(&directory).unwrap();
    let records = log.records().await;
    let lost = records.iter().find(|record| record["phase"] == "lost").unwrap();
    // Three denials, and the record of the minute's first unauthorized request.
    assert_eq!(lost["count"], 4, "{records:?}");
    let counted = records.iter().find(|record| record["phase"] == "unauthorized").unwrap();
    assert_eq!(counted["count"], 3, "{records:?}");
}

#[tokio::test]
async fn a_call_cancelled_while_its_intent_is_written_is_abandoned() {
    let log = Log::new("cancelled");
    {
        let mut intent = std::pin::pin!(intend(&log.audit));
        let waker = std::task::Waker::noop();
        let mut context = std::task::Context::from_waker(waker);
        // Submitted by the first poll, never polled again.
        let _submitted = intent.as_mut().poll(&mut context);
    }
    let mut records = log.records().await;
    if records.len() < 2 {
        // The closing record follows the intent through the same queue.
        records = log.records().await;
    }
    assert_eq!(records[0]["phase"], "intent");
    assert_eq!(records[1]["outcome"], "ABANDONED");
}

#[tokio::test]
async fn a_full_disk_fails_every_call() {
    let config = AuditConfig::to("/dev/full", true);
    let audit = Audit::open(&config, Arc::new(SystemClock), &OsRandom).unwrap();
    for _ in 0..2 {
        let failure = intend(&audit).await.err().unwrap();
        assert_eq!(failure.code, Code::AuditUnavailable);
    }
    let denied = attempt(&audit, "file:read", "x").denied(failure().into()).await;
    assert_eq!(denied.code, Code::AuditUnavailable);
    // The second is only counted, and written by the flush.
    audit.unauthorized("expired");
    audit.unauthorized("expired");
    audit.flush().await.unwrap_err();
}

#[test]
fn unauthorized_requests_are_counted() {
    let at = KerberosTime::from_unix;
    let mut counters = Counters::default();
    assert!(counters.note(Kind::Unauthorized("expired"), at(60)));
    assert!(!counters.note(Kind::Unauthorized("expired"), at(119)));
    assert!(
        counters.note(Kind::Unauthorized("garbled"), at(119)),
        "another reason is counted apart"
    );
    assert_eq!(counters.take_ended(at(119)).records().count(), 0, "the minute is still running");
    assert!(counters.note(Kind::Unauthorized("expired"), at(120)), "a new minute's first");

    let ended = counters.take_ended(at(120));
    let shown: Vec<_> = ended.records().collect();
    let shown: Vec<_> = shown
        .iter()
        .map(|r| (r.fields.message.as_deref(), r.fields.count, r.fields.since.as_deref()))
        .collect();
    // One alone was recorded when it came.
    assert_eq!(shown, [(Some("expired"), Some(2), Some("1970-01-01T00:01:00Z"))]);
    assert!(!counters.note(Kind::Unauthorized("expired"), at(121)), "the running minute was kept");
    let taken = counters.take_all();
    assert_eq!(taken.records().count(), 1);
    assert_eq!(counters.take_all().records().count(), 0);
    // What could not be written is counted on.
    assert!(counters.note(Kind::Unauthorized("expired"), at(122)));
    counters.put_back(taken);
    assert_eq!(counters.take_all().records().next().unwrap().fields.count, Some(3));
}

#[tokio::test]
async fn a_flood_of_unauthorized_requests_is_two_records_a_minute() {
    let log = Log::new("flood");
    for _ in 0..10_000 {
        log.audit.unauthorized("expired");
    }
    let records = log.records().await;
    let counts: Vec<&Value> = records.iter().map(|record| &record["count"]).collect();
    assert_eq!(counts, [1, 10_000]);
    assert_eq!(records[0]["phase"], "unauthorized");
    assert_eq!(records[1]["since"], "2023-11-14T22:14:00Z");
}

#[tokio::test]
async fn a_flood_of_one_callers_calls_is_two_records_a_minute_with_its_name() {
    let log = Log::new("limited");
    let of = |subject: &str| Kind::Limited {
        issuer: "https://idp.example.com".into(),
        subject: subject.into(),
        client_id: None,
    };
    for _ in 0..10_000 {
        log.audit.count(of("alice"));
    }
    log.audit.count(of("bob"));
    let records = log.records().await;
    let limited: Vec<_> = records.iter().filter(|record| record["phase"] == "limited").collect();
    assert_eq!(limited.len(), 3, "{records:#?}");
    assert!(limited.iter().all(|record| record["outcome"] == "TOO_MANY_CALLS"));
    let summary = limited.iter().find(|record| record["count"] == 10_000).unwrap();
    assert_eq!(summary["subject"], "alice");
    assert_eq!(summary["since"], "2023-11-14T22:14:00Z");
    let alone = limited.iter().find(|record| record["subject"] == "bob").unwrap();
    assert_eq!(alone["count"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn records_of_concurrent_calls_stay_whole() {
    let log = Log::new("concurrent");
    let calls = (0..200).map(|n| {
        let audit = log.audit.clone();
        tokio::spawn(async move {
            let intent = begun(&audit, &n.to_string()).intent(permit()).await.unwrap();
            intent.close(Ok(())).await.unwrap();
        })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap();
    }
    let records = log.records().await;
    assert_eq!(records.len(), 400);
    for (index, record) in records.iter().enumerate() {
        let number = record["eventId"].as_str().unwrap().split_once('-').unwrap().1;
        assert_eq!(number, (index + 1).to_string(), "in order, without a gap");
        if record["phase"] == "closing" {
            let intent = records.iter().find(|r| r["eventId"] == record["intentId"]).unwrap();
            assert_eq!(intent["requestId"], record["requestId"]);
        }
    }
}

#[test]
fn the_log_is_private_and_appended_to() {
    let log = Log::new("private");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&log.file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&log.file, "{\"before\":true}\n").unwrap();
    let Log { ref audit, .. } = log;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(attempt(audit, "file:read", "x").denied(failure().into()));
    assert_eq!(log.read().len(), 2);
    assert_eq!(log.read()[0]["before"], true);
}
