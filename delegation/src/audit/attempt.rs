use super::intent::IntentRecord;
use super::record::{CallFields, Phase, Record, ResultFields, address, text};
use super::{Announced, Audit};
use crate::Failure;
use crate::identity::Subject;
use crate::policy::{Denial, Permit};

/// A call that has begun. It ends as one record, or as [`Announced`]; dropped, it writes a
/// record with outcome `ABANDONED` as well as it can.
#[must_use = "end it: failed, denied, answered, or intent"]
#[derive(Debug)]
pub struct Attempt {
    pub(super) audit: Audit,
    // None once a record was made of them.
    pub(super) fields: Option<CallFields>,
}

impl Attempt {
    /// Notes what is asked for, once the call's arguments have been understood.
    pub fn asks(&mut self, action: &str, written: &str) {
        if let Some(fields) = &mut self.fields {
            fields.action = Some(text(action));
            fields.path = Some(address(written)).filter(|path| !path.is_empty());
        }
    }

    /// Notes which account the caller is, once the exchanged token has said it.
    pub fn is_of(&mut self, subject: &Subject) {
        if let Some(fields) = &mut self.fields {
            fields.legacy_name = Some(text(subject.legacy_name().as_str()));
        }
    }

    /// Records that the call failed before anything was decided or done, for example because the
    /// identity provider did not answer. Returns what the caller is told: the failure, or that it
    /// could not be recorded.
    pub async fn failed(self, failure: Failure) -> Failure {
        self.refused(Phase::Failed, None, &[], failure).await
    }

    /// Records that the call was refused before anything was done. Returns what the caller is told.
    pub async fn denied(self, denial: Denial) -> Failure {
        let Denial { failure, policies } = denial;
        self.refused(Phase::Denied, Some("deny"), &policies, failure).await
    }

    /// Records an allowed call that the server answers itself, without any resource.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if the record was not written; the
    /// answer must then not be given.
    pub async fn answered(mut self, policies: &[String]) -> Result<(), Failure> {
        let fields = CallFields {
            decision: Some("allow"),
            policies: policies.iter().map(|id| text(id)).collect(),
            ..self.fields.take().unwrap_or_default()
        };
        let result = ResultFields { outcome: Some("OK"), ..ResultFields::default() };
        self.audit.write(Record::new(Phase::Closing, fields, result)).await
    }

    /// Records what a permit is about to do, before it is done. Nothing can be done with a permit
    /// but this.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if the record was not written; then
    /// nothing may be done.
    pub async fn intent(mut self, permit: Permit) -> Result<Announced, Failure> {
        let fields = CallFields {
            action: Some(text(permit.action())),
            target: Some(text(permit.target().name())),
            spn: Some(text(permit.target().spn())),
            path: Some(text(&permit.task().recorded_path())),
            decision: Some("allow"),
            policies: permit.policies().iter().map(|id| text(id)).collect(),
            ..self.fields.take().unwrap_or_default()
        };
        Ok(Announced { record: IntentRecord::write(&self.audit, fields).await?, permit })
    }

    async fn refused(
        mut self,
        phase: Phase,
        decision: Option<&'static str>,
        policies: &[String],
        failure: Failure,
    ) -> Failure {
        let policies = policies.iter().map(|id| text(id)).collect();
        let fields = CallFields { decision, policies, ..self.fields.take().unwrap_or_default() };
        let record = Record::new(phase, fields, ResultFields::of(&failure));
        self.audit.write(record).await.err().unwrap_or(failure)
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Some(fields) = self.fields.take() {
            self.audit.post(Record::new(Phase::Failed, fields, ResultFields::abandoned()));
        }
    }
}
