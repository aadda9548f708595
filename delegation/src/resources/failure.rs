//! What may go wrong at a resource of any kind.

use std::fmt::Display;

use crate::targets::Target;
use crate::{Code, Failure};

/// It was reached, and the call's time is up.
pub(super) struct Silent<'a>(pub(super) &'a Target);

impl From<Silent<'_>> for Failure {
    fn from(Silent(target): Silent<'_>) -> Self {
        Self::new(
            Code::ResourceTimeout,
            format!("{} had not answered when the call's time was up", target.name()),
            "Check that it runs and how busy it is, ask it for less, or raise \
             server.callTimeoutSeconds.",
        )
    }
}

/// It did not prove that it is the one the ticket is for, or refused the ticket.
pub(super) struct NotProven<'a>(pub(super) &'a Target, pub(super) &'a dyn Display);

impl From<NotProven<'_>> for Failure {
    fn from(NotProven(target, error): NotProven<'_>) -> Self {
        Self::new(
            Code::ResourceRefused,
            format!("{} did not complete the Kerberos exchange: {error}", target.name()),
            format!(
                "KRB_AP_ERR_MODIFIED means that {} is registered on another account than the one \
                 that the service runs under (servicePrincipalName), or that its keytab is old; \
                 KRB_AP_ERR_SKEW that its clock differs. Anything else: something on the way \
                 changes or drops the service's answer.",
                target.spn()
            ),
        )
    }
}
