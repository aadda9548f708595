//! The audit log: JSON lines, one before and one after everything that is done for a user, and one
//! for every refusal.
//!
//! It fails closed. A call goes on only when its intent record has been written, so nothing is
//! ever done that the log does not know of; while the log cannot be written every call fails, and
//! the first that can be written again ends that. An [`IntentRecord`] that is dropped (a cancelled
//! call, a panic) leaves a closing record that says so.
//!
//! Records hold no token, key, password, URL query or content.

mod record;
mod unauthorized;
mod writer;

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{SyncSender, sync_channel},
    },
    time::Instant,
};

use krb_client::Clock;
use serde::Deserialize;
use tokio::sync::oneshot;

use self::{
    record::{CallFields, Phase, Record, ResultFields, address, text},
    unauthorized::Counters,
    writer::{Answer, Job, NotWritten, Sink, Writer},
};
use crate::{Code, ConfigError, Failure, identity::Subject, policy::Permit, targets::Location};

// Records that may wait for the disk; a call beyond that fails.
const MAX_WAITING: usize = 1024;

/// The `audit` section of the configuration.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditConfig {
    /// File to append to (created with mode 0600), or `-` for standard output.
    pub file: String,
    /// Whether a record must be on the disk (fdatasync), not only with the operating system,
    /// before a call goes on. Without it, records of the last seconds are lost with the power.
    #[serde(default = "yes")]
    pub sync: bool,
}

const fn yes() -> bool {
    true
}

/// What identifies a call.
#[derive(Clone, Copy, Debug)]
pub struct CallIds<'a> {
    /// The request's id, as the server's other logs know it.
    pub request_id: &'a str,
    /// The MCP tool.
    pub tool: &'a str,
}

/// Who called, as far as it is known.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// Issuer of the token.
    pub issuer: &'a str,
    /// The token's `sub`.
    pub subject: &'a str,
    /// The client that the token was issued to.
    pub client_id: Option<&'a str>,
    /// The account's name, once the exchanged token has said it.
    pub legacy_name: Option<&'a str>,
}

impl<'a> From<&'a Subject> for Who<'a> {
    fn from(subject: &'a Subject) -> Self {
        Self {
            issuer: subject.issuer(),
            subject: subject.subject(),
            client_id: subject.client_id(),
            legacy_name: Some(subject.legacy_name().as_str()),
        }
    }
}

/// What is known at the end of a call.
#[derive(Clone, Debug, Default)]
pub struct CloseFacts {
    /// sAMAccountName from the PAC.
    pub account: Option<String>,
    /// SID from the PAC.
    pub sid: Option<String>,
    /// Flags of the service ticket (RFC 4120 section 5.3, bit 0 the highest).
    pub ticket_flags: Option<u32>,
    /// Bytes of content returned.
    pub bytes: Option<u64>,
}

/// The audit log. Clones write to the same log; once all are gone, what is left is written.
#[derive(Clone)]
pub struct Audit {
    jobs: SyncSender<Job>,
    counters: Arc<Mutex<Counters>>,
    clock: Arc<dyn Clock>,
}

impl Audit {
    /// Opens the log and starts the thread that writes it.
    ///
    /// # Errors
    /// If the file cannot be opened for appending, or the system gives no randomness or thread.
    pub fn open(config: &AuditConfig, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let problem = |setting: &str, e: &dyn std::fmt::Display| {
            ConfigError::new(setting, format!("cannot open {}: {e}", config.file))
        };
        let sink = Sink::open(config).map_err(|e| problem("audit.file", &e))?;
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|e| problem("audit", &e))?;
        let (jobs, waiting) = sync_channel(MAX_WAITING);
        let audit = Self { jobs, counters: Arc::default(), clock };
        let writer = Writer {
            jobs: waiting,
            sink,
            counters: Arc::clone(&audit.counters),
            clock: Arc::clone(&audit.clock),
            run: format!("{:016x}", u64::from_be_bytes(random)),
            number: 0,
        };
        std::thread::Builder::new()
            .name("audit".into())
            .spawn(|| writer.run())
            .map_err(|e| problem("audit", &e))?;
        Ok(audit)
    }

    /// Records what is about to be done, before it is done.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`] if the record was not written; then nothing may be done.
    pub async fn intent(
        &self,
        permit: &Permit,
        call: CallIds<'_>,
    ) -> Result<IntentRecord, Failure> {
        let path = match permit.location() {
            Location::File { share, path } if path.is_empty() => share.clone(),
            Location::File { share, path } => format!("{share}\\{path}"),
            Location::Web { url } => url.path().to_owned(),
        };
        self.intend(CallFields {
            target: Some(text(permit.target().name())),
            spn: Some(text(permit.target().spn())),
            path: Some(text(&path)),
            decision: Some("allow"),
            policies: permit.policies().iter().map(|id| text(id)).collect(),
            ..attempt(permit.subject().into(), call, permit.action(), "")
        })
        .await
    }

    /// Records an allowed call that the server answers itself, without any resource.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`] if the record was not written; the answer must then not be given.
    pub async fn answered(
        &self,
        who: Who<'_>,
        call: CallIds<'_>,
        action: &str,
        policies: &[String],
    ) -> Result<(), Failure> {
        let fields = CallFields {
            decision: Some("allow"),
            policies: policies.iter().map(|id| text(id)).collect(),
            ..attempt(who, call, action, "")
        };
        let result = ResultFields { outcome: Some("OK"), ..ResultFields::default() };
        self.write(Record::new(Phase::Closing, fields, result)).await
    }

    /// Records that a call was refused before anything was done.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`] if the record was not written.
    pub async fn denied(
        &self,
        who: Who<'_>,
        call: CallIds<'_>,
        action: &str,
        address: &str,
        failure: &Failure,
    ) -> Result<(), Failure> {
        let fields = CallFields { decision: Some("deny"), ..attempt(who, call, action, address) };
        self.write(Record::new(Phase::Denied, fields, failed(failure))).await
    }

    /// Records that a call failed before anything was decided or done, for example because the
    /// identity provider did not answer.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`] if the record was not written.
    pub async fn failed(
        &self,
        who: Who<'_>,
        call: CallIds<'_>,
        action: &str,
        address: &str,
        failure: &Failure,
    ) -> Result<(), Failure> {
        let fields = attempt(who, call, action, address);
        self.write(Record::new(Phase::Failed, fields, failed(failure))).await
    }

    /// Counts a request without a valid token: a record at once for the first in a minute, and at
    /// the minute's end one with the count if there were more. `reason` is one of a few literals,
    /// never text from the request.
    pub fn unauthorized(&self, reason: &'static str) {
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let first = counters.note(reason, self.clock.now().seconds);
        drop(counters);
        if first {
            self.post(Record::unauthorized(reason, 1, None));
        }
    }

    /// Writes what has been counted; for the end of the process.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`] if it was not written.
    pub async fn flush(&self) -> Result<(), Failure> {
        let (to, answer) = oneshot::channel();
        self.submit(Job::Flush(Answer::Written(to)), answer).await
    }

    async fn intend(&self, fields: CallFields) -> Result<IntentRecord, Failure> {
        let intent = IntentRecord {
            audit: self.clone(),
            fields: fields.clone(),
            id: None,
            started: Instant::now(),
        };
        let record = Record::new(Phase::Intent, fields, ResultFields::default());
        let (to, answer) = oneshot::channel();
        let job = Job::Write(Box::new(record), Answer::Intended(Box::new(intent), to));
        self.submit(job, answer).await.map(|intent| *intent)
    }

    async fn write(&self, record: Record) -> Result<(), Failure> {
        let (to, answer) = oneshot::channel();
        self.submit(Job::Write(Box::new(record), Answer::Written(to)), answer).await
    }

    async fn submit<T>(
        &self,
        job: Job,
        answer: oneshot::Receiver<Result<T, NotWritten>>,
    ) -> Result<T, Failure> {
        // Not `send`: that would block the runtime's thread.
        self.jobs.try_send(job).map_err(|_| unavailable())?;
        answer.await.ok().and_then(Result::ok).ok_or_else(unavailable)
    }

    fn post(&self, record: Record) {
        if self.jobs.try_send(Job::Write(Box::new(record), Answer::Nobody)).is_err() {
            tracing::error!("an audit record is lost: too many wait to be written");
        }
    }
}

impl std::fmt::Debug for Audit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Audit")
    }
}

/// Proof that a call's intent record has been written. It must be closed; dropped, it writes a
/// closing record with outcome `ABANDONED` as well as it can.
#[must_use = "close it with the call's outcome"]
#[derive(Debug)]
pub struct IntentRecord {
    audit: Audit,
    fields: CallFields,
    // The intent record's event id, until closed.
    id: Option<String>,
    started: Instant,
}

impl IntentRecord {
    /// Writes the closing record.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`] if the record was not written; the result must then not be
    /// given to the caller.
    pub async fn close(
        mut self,
        result: Result<(), &Failure>,
        facts: CloseFacts,
    ) -> Result<(), Failure> {
        let ended = match result {
            Ok(()) => ResultFields { outcome: Some("OK"), ..ResultFields::default() },
            Err(failure) => failed(failure),
        };
        let result = ResultFields {
            account: facts.account.as_deref().map(text),
            sid: facts.sid.as_deref().map(text),
            ticket_flags: facts.ticket_flags.map(|flags| format!("0x{flags:08x}")),
            bytes: facts.bytes,
            ..ended
        };
        match self.closing(result) {
            Some(record) => self.audit.write(record).await,
            None => Ok(()),
        }
    }

    fn written_as(&mut self, id: String) {
        self.id = Some(id);
    }

    // The closing record, once.
    fn closing(&mut self, result: ResultFields) -> Option<Record> {
        let id = self.id.take()?;
        let duration = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let result = ResultFields { duration_ms: Some(duration), ..result };
        let mut record = Record::new(Phase::Closing, self.fields.clone(), result);
        record.intent_id = Some(id);
        Some(record)
    }
}

impl Drop for IntentRecord {
    fn drop(&mut self) {
        let result = ResultFields {
            outcome: Some("ABANDONED"),
            message: Some("the call ended before its outcome was recorded".into()),
            ..ResultFields::default()
        };
        if let Some(record) = self.closing(result) {
            self.audit.post(record);
        }
    }
}

fn attempt(who: Who<'_>, call: CallIds<'_>, action: &str, written: &str) -> CallFields {
    CallFields {
        request_id: Some(text(call.request_id)),
        tool: Some(text(call.tool)),
        action: Some(text(action)),
        issuer: Some(text(who.issuer)),
        subject: Some(text(who.subject)),
        client_id: who.client_id.map(text),
        legacy_name: who.legacy_name.map(text),
        path: Some(address(written)).filter(|path| !path.is_empty()),
        ..CallFields::default()
    }
}

fn failed(failure: &Failure) -> ResultFields {
    ResultFields {
        outcome: Some(failure.code.as_str()),
        message: Some(text(&failure.message)),
        ..ResultFields::default()
    }
}

fn unavailable() -> Failure {
    Failure::new(
        Code::AuditUnavailable,
        "the server's audit log cannot be written, so the call was refused or its result withheld",
        "The server's operator must make the audit log writable again (the server's own log says \
         why it is not: a full disk, a removed directory, too slow a disk); then call again.",
    )
}

#[cfg(test)]
mod tests;
