//! What happens in a call, told once, by the stage in which it happens. Whoever keeps books about
//! calls is told all of it and takes what concerns it: the [audit record](crate::audit), the
//! [trace](Trace) and the [metrics](Metrics) are made of the same events, and of nothing else.

mod metrics;
mod trace;

use std::time::Duration;

use krb_client::UserTicket;
use tokio::time::Instant;

use crate::credential::kerberos::Account;
use crate::identity::{Caller, Subject};
use crate::policy::Permit;
use crate::resources::Answered;
use crate::targets::Resolved;
use crate::{Code, Failure, TraceContext};
pub(crate) use metrics::Meter;
pub use metrics::Metrics;
pub(crate) use trace::Trace;

/// Something that happened in a call. It borrows what the stage earned; none holds a token or a key
/// that a teller could print.
#[derive(Clone, Copy)]
pub(crate) enum Event<'a> {
    /// A caller's call was taken in.
    Begun { request_id: &'a str, tool: &'static str, caller: &'a Caller },
    /// Its caller said which trace it belongs to.
    Traced(&'a TraceContext),
    /// Its arguments were understood.
    Asked { action: &'a str, address: &'a str },
    /// The identity provider said which account the caller is.
    Exchanged(&'a Subject),
    /// It is known what is asked for, and at which resource.
    Found(&'a Resolved),
    /// Policy forbids it, by these, or nothing permits it. `asked` says which policies it was, if any.
    Denied { policies: &'a [String], asked: Option<&'a str> },
    /// Policy allows, by these, what this server answers itself.
    AllowedHere { policies: &'a [String], asked: &'a str },
    /// Policy allows something at a resource, or will if the account's groups confirm it.
    Allowed(&'a Permit),
    /// They do, by these.
    Confirmed { policies: &'a [String] },
    /// The intent record is written.
    Announced,
    /// A KDC said which account it is, now or a short while ago.
    Evidence { account: &'a Account, ticket: &'a UserTicket },
    /// The service account comes itself, and which account that is.
    AsService(&'a Account),
    /// There is a ticket to the resource in the account's name.
    Ticket(&'a UserTicket),
    /// The resource did what was asked.
    Answered(Answered),
    /// The stage under way failed, and with it the call.
    Failed(&'a Failure),
    /// Its last record is written: the call is over, and its caller is told.
    Closed,
    /// It ended without anybody who could be told; it may have been done, and nobody knows.
    Abandoned { in_doubt: bool },
}

/// What a call is at, from one event to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Understanding what is asked.
    Request,
    /// The exchange of the caller's token.
    Exchange,
    /// Finding the target, and policy.
    Policy,
    /// Writing the intent record.
    Intent,
    /// Evidence: from the store or from a KDC.
    Evidence,
    /// A ticket to the resource: from the store or from a KDC.
    Ticket,
    /// The resource.
    Resource,
    /// Writing the last record.
    Closing,
}

impl Stage {
    /// Its name in logs and metrics.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Exchange => "exchange",
            Self::Policy => "policy",
            Self::Intent => "intent",
            Self::Evidence => "evidence",
            Self::Ticket => "ticket",
            Self::Resource => "resource",
            Self::Closing => "closing",
        }
    }
}

impl Event<'_> {
    /// What the call is at from here on.
    const fn begins(&self) -> Stage {
        match self {
            Self::Begun { .. } | Self::Traced(_) => Stage::Request,
            Self::Asked { .. } => Stage::Exchange,
            Self::Exchanged(_) | Self::Found(_) => Stage::Policy,
            Self::Allowed(_) => Stage::Intent,
            Self::Announced => Stage::Evidence,
            Self::Evidence { .. } | Self::Confirmed { .. } | Self::AsService(_) => Stage::Ticket,
            Self::Ticket(_) => Stage::Resource,
            Self::Denied { .. }
            | Self::AllowedHere { .. }
            | Self::Answered(_)
            | Self::Failed(_)
            | Self::Closed
            | Self::Abandoned { .. } => Stage::Closing,
        }
    }
}

/// An event, and what it is the end of.
pub(crate) struct Told<'a> {
    pub(crate) event: Event<'a>,
    /// The stage that was under way.
    pub(crate) stage: Stage,
    /// How long it took.
    pub(crate) took: Duration,
    /// How long the call has taken.
    pub(crate) since_begin: Duration,
}

/// Where a call is, and since when.
#[derive(Debug)]
pub(crate) struct Watch {
    begun: Instant,
    stage: Stage,
    since: Instant,
}

impl Watch {
    pub(crate) fn start() -> Self {
        let now = Instant::now();
        Self { begun: now, stage: Stage::Request, since: now }
    }

    /// The event with the stage that it ends.
    pub(crate) fn told<'a>(&mut self, event: Event<'a>) -> Told<'a> {
        let now = Instant::now();
        let stage = std::mem::replace(&mut self.stage, event.begins());
        let since = std::mem::replace(&mut self.since, now);
        let (took, since_begin) = (now - since, now - self.begun);
        Told { event, stage, took, since_begin }
    }
}

/// What became of a call, as far as has been told.
#[derive(Clone, Copy, Debug, Default)]
struct Ending(Option<Code>);

impl Ending {
    fn note(&mut self, event: &Event<'_>) {
        if let Event::Failed(failure) = event {
            self.0 = Some(failure.code);
        }
    }

    /// As the audit log names it.
    fn outcome(self, event: &Event<'_>) -> Option<&'static str> {
        match event {
            Event::Closed => Some(self.0.map_or("OK", Code::as_str)),
            Event::Abandoned { .. } => Some("ABANDONED"),
            _ => None,
        }
    }
}

/// `store` or `kdc`: where a ticket came from.
pub(crate) fn source(ticket: &UserTicket) -> &'static str {
    if ticket.was_stored() { "store" } else { "kdc" }
}
