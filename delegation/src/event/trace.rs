//! The server's own log of a call: a span that names it in every line that is written meanwhile, and
//! one line when it is over, with the cause where it failed: that is for nobody but the operator. What
//! its stages took is told at `debug`.

use std::time::Duration;

use tracing::field::Empty;
use tracing::{Level, Span, debug, enabled, info, info_span};

use super::{Ending, Event, Stage, Told, source};
use crate::Failure;
use crate::identity::Caller;
use crate::resources::Answered;

/// The trace of one call.
pub(crate) struct Trace {
    span: Span,
    ending: Ending,
    failed: Option<(Stage, Failure)>,
}

impl Trace {
    /// The trace of a call that has begun.
    pub(crate) fn new(caller: &Caller, request_id: &str, tool: &str) -> Self {
        let span = info_span!(
            "call",
            request_id,
            tool,
            issuer = caller.issuer(),
            subject = caller.subject(),
            account = Empty,
            trace_id = Empty,
        );
        Self { span, ending: Ending::default(), failed: None }
    }

    /// What is done within it belongs to the call.
    pub(crate) const fn span(&self) -> &Span {
        &self.span
    }

    /// Writes what happened.
    pub(crate) fn note(&mut self, told: &Told<'_>) {
        let Told { event, stage, took, since_begin } = told;
        self.ending.note(event);
        let is_over = matches!(event, Event::Closed | Event::Abandoned { .. });
        match event {
            Event::Traced(trace) => {
                self.span.record("trace_id", trace.trace_id());
            }
            Event::Evidence { account, .. } | Event::AsService(account) => {
                self.span.record("account", &*account.name);
            }
            Event::Failed(failure) => self.failed = Some((*stage, Failure::clone(failure))),
            _ => {}
        }
        // Entering it costs more than the rest where nothing is written.
        if !is_over && !enabled!(Level::DEBUG) {
            return;
        }
        let _entered = self.span.enter();
        let (stage, took) = (stage.as_str(), milliseconds(*took));
        match event {
            Event::Begun { .. } | Event::Found(_) | Event::Traced(_) => {}
            Event::Asked { action, .. } => debug!(action, "asked"),
            Event::Exchanged(subject) => {
                debug!(stage, took, name = subject.legacy_name().as_str(), "exchanged");
            }
            Event::Denied { policies, asked } => {
                debug!(stage, took, ?policies, policy_hash = asked, "denied");
            }
            Event::AllowedHere { policies, asked } => {
                debug!(stage, took, ?policies, policy_hash = asked, "allowed");
            }
            Event::Allowed(permit) => {
                let (target, policies) = (permit.target().name(), permit.policies());
                let (waits, policy_hash) = (permit.waits_for_groups(), permit.asked());
                debug!(stage, took, target, ?policies, waits, policy_hash, "allowed");
            }
            Event::Confirmed { policies } => debug!(?policies, "confirmed by the groups"),
            Event::Announced => debug!(stage, took, "announced"),
            Event::Evidence { account, ticket, .. } => {
                let (sid, from) = (&account.sid, source(ticket));
                debug!(stage, took, %sid, from, "evidence");
            }
            Event::AsService(account) => {
                debug!(stage, took, sid = %account.sid, "as the service account");
            }
            Event::Ticket(ticket) => {
                let (spn, from) = (&ticket.server, source(ticket));
                let enctype = ticket.session_key.enctype();
                let (flags, ends) = (ticket.flags.0, ticket.times.endtime);
                debug!(stage, took, %spn, from, %enctype, flags, %ends, "ticket");
            }
            Event::Answered(Answered { status, bytes, .. }) => {
                debug!(stage, took, status, bytes, "answered")
            }
            Event::Failed(failure) => debug!(stage, took, %failure, "failed"),
            Event::Closed | Event::Abandoned { .. } => {
                let outcome = self.ending.outcome(event);
                let milliseconds = milliseconds(*since_begin);
                let failed = self.failed.as_ref();
                let at = failed.map(|(stage, _)| stage.as_str());
                let blame = failed.map(|(_, failure)| failure.blame.as_str());
                let cause = failed.and_then(|(_, failure)| failure.cause.as_deref());
                info!(outcome, at, blame, cause, milliseconds, "tool call");
            }
        }
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
