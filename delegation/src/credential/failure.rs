//! What may go wrong with a credential of any kind.

use crate::targets::Target;
use crate::{Blame, Code, Failure};

/// No ticket is for whoever logs in there.
pub(super) struct NoLogin<'a>(pub(super) &'a Target);

impl From<NoLogin<'_>> for Failure {
    fn from(NoLogin(target): NoLogin<'_>) -> Self {
        Self::new(
            Code::Internal,
            format!("nobody logs in at {} by Kerberos", target.name()),
            "Report this with the server's log of this call.",
        )
    }
}

/// What was known of the user grew too old before the resource was asked.
pub(super) struct Stale<'a>(pub(super) &'a Target);

impl From<Stale<'_>> for Failure {
    fn from(Stale(target): Stale<'_>) -> Self {
        let target = target.name();
        Self::new(
            Code::DeadlineExceeded,
            format!("what the KDC said of the user became too old before {target} was asked"),
            "Call again. If it happens often, look at who sets this machine's clock, and at how \
             long the target takes to be reached.",
        )
        .blamed_on(Blame::Server)
    }
}
