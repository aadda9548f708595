use super::job::NotWritten;
use crate::{Code, Failure};

impl From<NotWritten> for Failure {
    fn from(_: NotWritten) -> Self {
        Self::new(
            Code::AuditUnavailable,
            "the server's audit log cannot be written, so the call was refused or its result \
             withheld",
            "The server's operator must make the audit log writable again (the server's own log \
             says why it is not: a full disk, a removed directory, too slow a disk).",
        )
    }
}
