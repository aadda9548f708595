//! What the KDC was asked for, and what it said.

use std::sync::{Arc, Mutex};

use krb_client::proto::iana::ErrorCode;
use krb_client::proto::kdc::{Asked, Event, Outcome};
use serde::Serialize;

use super::webapp::lock;

/// Requests that are remembered.
const MAX: usize = 1000;

/// What a KDC asks the client for, in the place of a ticket.
const FIRST_LEGS: [ErrorCode; 2] =
    [ErrorCode::PREAUTH_REQUIRED, ErrorCode::MORE_PREAUTH_DATA_REQUIRED];

/// One request to the KDC.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asking {
    /// `login`, `S4U2Self`, `S4U2Proxy`, or another.
    pub(super) asked: &'static str,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
    /// In whose name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    /// The ticket's service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<String>,
    pub(super) granted: bool,
    /// The ticket's flags, or why there is none.
    pub(super) says: String,
    /// The KDC's question for pre-authentication, with which nearly every login begins.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    first_leg: bool,
}

/// The last of them.
#[derive(Clone, Default)]
pub(super) struct KdcLog(Arc<Mutex<Vec<Asking>>>);

impl KdcLog {
    pub(super) fn note(&self, event: &Event) {
        let mut askings = lock(&self.0);
        if askings.len() < MAX {
            askings.push(Asking::from(event));
        }
    }

    /// What came since the last time.
    pub(super) fn take(&self) -> Vec<Asking> {
        std::mem::take(&mut *lock(&self.0))
    }
}

impl Asking {
    /// Was this asked, in the name of this account?
    pub(super) fn is(&self, asked: &str, account: &str) -> bool {
        self.asked == asked && self.account() == Some(account)
    }

    /// The account in whose name it was.
    pub(super) fn account(&self) -> Option<&str> {
        self.user.as_deref()?.split('@').next()
    }

    /// Is it how a login begins?
    pub(super) const fn is_first_leg(&self) -> bool {
        self.first_leg
    }
}

impl From<&Event> for Asking {
    fn from(event: &Event) -> Self {
        let (granted, says) = match &event.outcome {
            Outcome::Granted { flags, .. } => (true, flags.to_string()),
            Outcome::Refused(refusal) => (false, refusal.to_string()),
            other => (false, format!("{other:?}")),
        };
        Self {
            asked: match event.asked {
                Asked::Login => "login",
                Asked::S4uSelf => "S4U2Self",
                Asked::S4uProxy => "S4U2Proxy",
                Asked::Service => "ticket",
                _ => "other",
            },
            by: event.client.as_ref().map(ToString::to_string),
            user: event.user.as_ref().map(ToString::to_string),
            service: event.server.as_ref().map(ToString::to_string),
            granted,
            says,
            first_leg: matches!(
                &event.outcome,
                Outcome::Refused(refusal) if FIRST_LEGS.contains(&refusal.code)
            ),
        }
    }
}
