//! What the log's thread is given to do.

use super::record::Body;

/// The record did not reach the log. Why is the operator's business and stands in the server's log.
#[derive(Debug)]
pub(crate) struct NotWritten;

/// Something for the writer to do, and who is told: with the event id, once a record is written.
pub(super) enum Job {
    /// Write a record.
    Write(Body, Answer),
    /// Write all counts, and bring copies up to date.
    Flush(Answer),
}

/// What is done about it, by the writer's thread. It must not wait.
pub(super) type Answer = Box<dyn FnOnce(Result<String, NotWritten>) + Send>;

impl Job {
    /// Says that it was not done.
    pub(super) fn refuse(self) {
        let (Self::Write(_, answer) | Self::Flush(answer)) = self;
        answer(Err(NotWritten));
    }
}
