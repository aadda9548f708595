use std::cell::RefCell;
use std::io::Write;
use std::sync::Arc;

use krb_client::{OsRandom, SystemClock};
use tracing::Level;

use super::Attempt;
use super::testing::{account, caller, permit, ticket};
use crate::audit::{Audit, AuditConfig};
use crate::event::{Event, Metrics};
use crate::resources::Answered;
use crate::{Code, Failure};

fn books() -> (Audit, Metrics) {
    let config = AuditConfig::to("/dev/null", false);
    let audit = Audit::open(&config, Arc::new(SystemClock), &OsRandom).unwrap();
    let metrics = Metrics::of(&audit);
    (audit, metrics)
}

fn begin((audit, metrics): &(Audit, Metrics)) -> Attempt {
    Attempt::begin(audit, metrics, &caller(), "r-1", "kerberos-file-read")
}

fn failure() -> Failure {
    Failure::new(Code::AccessDenied, "no", "ask").caused_by("STATUS_ACCESS_DENIED")
}

#[tokio::test]
async fn every_call_is_counted_once_however_it_ends() {
    let books = books();
    let done = begin(&books).intent(permit()).await.unwrap();
    assert!(books.1.text().contains("krb_mcp_calls_running 1\n"));
    done.tell(Event::Evidence { account: &account(), ticket: &ticket(0) });
    done.tell(Event::Ticket(&ticket(0)));
    done.tell(Event::Answered(Answered { status: None, bytes: 11, rows: None, changed: None }));
    done.close(Ok(())).await.unwrap();
    begin(&books).failed(failure()).await;
    begin(&books).denied(failure().into()).await;
    drop(begin(&books));
    drop(begin(&books).intent(permit()).await);
    books.1.turned_away("expired");

    let text = books.1.text();
    for (outcome, count) in [("OK", 1), ("ACCESS_DENIED", 2), ("ABANDONED", 2)] {
        let labels = format!("tool=\"kerberos-file-read\",outcome=\"{outcome}\"");
        assert!(text.contains(&format!("krb_mcp_calls_total{{{labels}}} {count}\n")), "{text}");
    }
    for line in [
        "krb_mcp_calls_running 0",
        "krb_mcp_call_seconds_count{tool=\"kerberos-file-read\"} 5",
        "krb_mcp_stage_seconds_count{stage=\"resource\"} 1",
        "krb_mcp_tickets_total{kind=\"evidence\",source=\"kdc\"} 1",
        "krb_mcp_tickets_total{kind=\"service\",source=\"kdc\"} 1",
        "krb_mcp_content_bytes_total 11",
        "krb_mcp_turned_away_total{reason=\"expired\"} 1",
        "krb_mcp_audit_records_lost_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    for name in ["agent", "ALICE_ADMIN", "fileserver", "data.csv", "idp.example.com"] {
        assert!(!text.contains(name), "{name}: {text}");
    }
}

#[tokio::test]
async fn what_could_not_be_recorded_is_counted_as_the_caller_is_told() {
    let config = AuditConfig::to("/dev/full", true);
    let audit = Audit::open(&config, Arc::new(SystemClock), &OsRandom).unwrap();
    let metrics = Metrics::of(&audit);
    let books = (audit, metrics);
    assert_eq!(begin(&books).failed(failure()).await.code, Code::AuditUnavailable);
    assert_eq!(begin(&books).intent(permit()).await.err().unwrap().code, Code::AuditUnavailable);
    let text = books.1.text();
    let labels = "tool=\"kerberos-file-read\",outcome=\"AUDIT_UNAVAILABLE\"";
    assert!(text.contains(&format!("krb_mcp_calls_total{{{labels}}} 2\n")), "{text}");
    assert!(text.contains("krb_mcp_audit_records_lost_total 2\n"), "{text}");
    assert!(text.contains("krb_mcp_calls_running 0\n"), "{text}");
}

thread_local! {
    static LINES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The log of the test in whose thread it is written.
struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_cause_of_a_failure_is_for_the_log_alone() {
    // Every test has this log: what a thread without one comes to first would be silent for all.
    let log = tracing_subscriber::fmt().with_ansi(false).with_max_level(Level::INFO);
    tracing::subscriber::set_global_default(log.with_writer(|| Lines).finish()).unwrap();
    let call = begin(&books()).intent(permit()).await.unwrap();
    call.tell(Event::Evidence { account: &account(), ticket: &ticket(0) });
    call.tell(Event::Ticket(&ticket(0)));
    call.close(Err(&failure())).await.unwrap();
    let text = String::from_utf8(LINES.take()).unwrap();
    assert_eq!(text.lines().count(), 1, "one line for a call: {text}");
    for part in [
        "request_id=\"r-1\"",
        "tool=\"kerberos-file-read\"",
        "subject=\"42\"",
        "account=\"ALICE_ADMIN\"",
        "outcome=\"ACCESS_DENIED\"",
        "at=\"resource\"",
        "blame=\"resource\"",
        "cause=\"STATUS_ACCESS_DENIED\"",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let told = serde_json::to_string(&failure()).unwrap();
    assert!(told.contains("\"blame\":\"resource\"") && !told.contains("STATUS"), "{told}");
}
