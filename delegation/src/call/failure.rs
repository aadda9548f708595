//! What it means that a call was given up.

use std::time::Duration;

use crate::{Blame, Code, Failure};

/// Why a call ends in the middle.
pub(crate) enum GivenUp {
    /// Its time is up, and whose doing that is.
    OutOfTime(Duration, Blame),
    /// Nobody waits for its answer.
    Cancelled,
}

impl From<GivenUp> for Failure {
    fn from(why: GivenUp) -> Self {
        match why {
            GivenUp::OutOfTime(limit, whose) => Self::new(
                Code::DeadlineExceeded,
                format!("the call had no outcome within {} seconds", limit.as_secs()),
                "If it happens often, look at the KDCs and the resource, or raise \
                 server.callTimeoutSeconds.",
            )
            .blamed_on(whose),
            GivenUp::Cancelled => Self::new(
                Code::Cancelled,
                "the caller gave up before there was an answer",
                "Where nobody meant to, look at the client's own patience.",
            ),
        }
    }
}
