use tokio::sync::oneshot;
use tokio::time::Instant;

use super::record::{CallFields, Phase, Record, ResultFields, text};
use super::writer::{Answer, Job};
use super::{Audit, CloseFacts};
use crate::Failure;
use crate::policy::Permit;

/// Proof that the intent record of a permit has been written: the only thing that later stages take.
/// It must be closed; dropped, it leaves a closing record with outcome `ABANDONED` as well as it can.
#[must_use = "close it with the call's outcome"]
#[derive(Debug)]
pub struct Announced {
    pub(super) permit: Permit,
    pub(super) record: IntentRecord,
}

impl Announced {
    /// What was announced.
    #[must_use]
    pub const fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Writes the closing record.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if the record was not written; the
    /// result must then not be given to the caller.
    pub async fn close(
        self,
        result: Result<(), &Failure>,
        facts: CloseFacts,
    ) -> Result<(), Failure> {
        self.record.close(result, facts).await
    }
}

/// An intent record that has been written, until its closing record is.
#[derive(Debug)]
pub(super) struct IntentRecord {
    audit: Audit,
    fields: CallFields,
    // The intent record's event id, until closed.
    id: Option<String>,
    started: Instant,
}

impl IntentRecord {
    pub(super) async fn write(audit: &Audit, fields: CallFields) -> Result<Self, Failure> {
        let intent = Self {
            audit: audit.clone(),
            fields: fields.clone(),
            id: None,
            started: Instant::now(),
        };
        let record = Record::new(Phase::Intent, fields, ResultFields::default());
        let (to, answer) = oneshot::channel();
        let job = Job::Write(Box::new(record), Answer::Intended(Box::new(intent), to));
        audit.submit(job, answer).await.map(|intent| *intent)
    }

    pub(super) async fn close(
        mut self,
        result: Result<(), &Failure>,
        facts: CloseFacts,
    ) -> Result<(), Failure> {
        let ended = match result {
            Ok(()) => ResultFields { outcome: Some("OK"), ..ResultFields::default() },
            Err(failure) => ResultFields::of(failure),
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

    pub(super) fn written_as(&mut self, id: String) {
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
        if let Some(record) = self.closing(ResultFields::abandoned()) {
            self.audit.post(record);
        }
    }
}
