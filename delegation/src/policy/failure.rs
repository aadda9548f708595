//! What it means that policy says no.

use super::Principal;
use crate::targets::Resolved;
use crate::{Blame, Code, Failure};

/// Why something is denied. Which policy forbids it is for the record and not for the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Why {
    /// Nothing permits it, or something forbids it.
    Policy,
    /// A policy, or the question, cannot be evaluated: the server's log says how.
    Fault,
}

pub(super) fn denied(why: Why, who: Principal<'_>, action: &str, on: Option<&Resolved>) -> Failure {
    let at = on.map(|resolved| format!(" at {}", resolved.target().name())).unwrap_or_default();
    let blame = match why {
        Why::Policy => Blame::Caller,
        Why::Fault => Blame::Configuration,
    };
    Failure::new(
        Code::PolicyDenied,
        format!("no policy of this server allows {action}{at} for {}", who.legacy_name),
        "If the user should have this access, the server's operator can permit it in the policy \
         file, where no forbid stands against it; the audit record of this call holds the user, \
         action and path to write it for.",
    )
    .blamed_on(blame)
}
