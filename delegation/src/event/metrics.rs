//! Figures over all calls, in the text format that Prometheus reads.
//!
//! Nothing in them names a user, a target or a path, and no label is anybody's text but settings' names:
//! there are as many series as the program has tools, codes and stages, and as the configuration names
//! files.

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::{Ending, Event, Told, source};
use crate::audit::Audit;
use crate::token_exchange::Asked;

/// A label's name and its value.
type Label = (&'static str, &'static str);
type Counters<const LABELS: usize> = Family<[Label; LABELS], Counter>;
type Times = Family<[Label; 1], Histogram, fn() -> Histogram>;

/// From a ticket in the store to a call's longest time, in seconds.
const BUCKETS: [f64; 12] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// What is counted and measured. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    calls: Counters<2>,
    running: Gauge,
    times: Times,
    stages: Times,
    tickets: Counters<2>,
    bytes: Counter,
    turned_away: Counters<1>,
    ready: Gauge,
    files: Family<[(&'static str, String); 1], Gauge>,
}

impl Metrics {
    /// Figures that begin at zero; what the audit log loses, `policy_is_current` and `exchanges` are
    /// kept elsewhere.
    pub(crate) fn new(audit: &Audit, policy_is_current: Gauge, exchanges: Asked) -> Self {
        let times = || Times::new_with_constructor(|| Histogram::new(BUCKETS));
        let (calls, tickets) = (Counters::default(), Counters::default());
        let (running, bytes) = (Gauge::default(), Counter::default());
        let (times, stages, turned_away) = (times(), times(), Counters::default());
        let mut registry = Registry::with_prefix("krb_mcp");
        let r = &mut registry;
        r.register("calls", "Calls that are over, by tool and outcome", calls.clone());
        r.register("calls_running", "Calls under way", running.clone());
        r.register("call_seconds", "Time of a call, by tool", times.clone());
        r.register("stage_seconds", "Time of a stage of a call", stages.clone());
        let help = "Tickets in users' names, by kind, from the store or from a KDC";
        r.register("tickets", help, tickets.clone());
        r.register("content_bytes", "Content that resources gave", bytes.clone());
        let help = "Requests without a usable token, or beyond their caller's limits, by reason";
        r.register("turned_away", help, turned_away.clone());
        let help = "Exchanges of callers' tokens, by where the answer came from";
        r.register("exchanges", help, exchanges);
        let lost = audit.lost().clone();
        r.register("audit_records_lost", "Audit records that could not be written", lost);
        let help = "Audit records that are missing from a copy, by where it is";
        r.register("audit_copies_lost", help, audit.losses().clone());
        let help = "1 if what stands in the policy file is what is used, 0 if it cannot be";
        r.register("policy_current", help, policy_is_current);
        let (ready, files) = (Gauge::default(), Family::default());
        let help = "1 if calls can be served, 0 if none can";
        registry.register("ready", help, ready.clone());
        let help =
            "1 if what stands in a file or secret is what is used, 0 if it cannot be, by setting";
        registry.register("file_current", help, files.clone());
        let registry = Arc::new(registry);
        Self { registry, calls, running, times, stages, tickets, bytes, turned_away, ready, files }
    }

    /// Those of a log alone.
    #[cfg(test)]
    pub(crate) fn of(audit: &Audit) -> Self {
        Self::new(audit, Gauge::default(), Asked::default())
    }

    /// Counts a request that became no call, for one of a few reasons.
    pub(crate) fn turned_away(&self, reason: &'static str) {
        self.turned_away.get_or_create(&[("reason", reason)]).inc();
    }

    /// Takes note of whether calls can be served.
    pub(crate) fn is_ready(&self, is_ready: bool) {
        self.ready.set(is_ready.into());
    }

    /// Takes note of whether what stands in a file or secret is what is used.
    pub(crate) fn file_is_current(&self, setting: &str, is_current: bool) {
        let file = self.files.get_or_create(&[("setting", setting.to_owned())]);
        file.set(is_current.into());
    }

    /// The figures as OpenMetrics text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// What the figures need to remember of one call.
pub(crate) struct Meter {
    metrics: Metrics,
    tool: &'static str,
    ending: Ending,
}

impl Meter {
    /// For a call that has begun.
    pub(crate) fn new(metrics: &Metrics, tool: &'static str) -> Self {
        metrics.running.inc();
        Self { metrics: metrics.clone(), tool, ending: Ending::default() }
    }

    /// Counts what happened.
    pub(crate) fn note(&mut self, told: &Told<'_>) {
        let Told { event, stage, took, since_begin } = told;
        let Self { metrics, tool, ending } = self;
        ending.note(event);
        metrics.stages.get_or_create(&[("stage", stage.as_str())]).observe(took.as_secs_f64());
        let ticket = |kind, source| {
            metrics.tickets.get_or_create(&[("kind", kind), ("source", source)]).inc();
        };
        match event {
            Event::Evidence { ticket: evidence, .. } => ticket("evidence", source(evidence)),
            Event::Ticket(service) => ticket("service", source(service)),
            Event::Answered(answered) => {
                metrics.bytes.inc_by(answered.bytes);
            }
            _ => {}
        }
        if let Some(outcome) = ending.outcome(event) {
            metrics.running.dec();
            metrics.calls.get_or_create(&[("tool", *tool), ("outcome", outcome)]).inc();
            metrics.times.get_or_create(&[("tool", *tool)]).observe(since_begin.as_secs_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_operators_page_has_every_figure() {
        let (page, source) = (include_str!("../../../docs/watch.md"), include_str!("metrics.rs"));
        let registered = source.split(".register(\"").skip(1);
        let names: Vec<_> = registered.filter_map(|rest| Some(rest.split_once('"')?.0)).collect();
        assert!(names.len() > 10, "{names:?}");
        for name in &names {
            let name = format!("`krb_mcp_{name}");
            assert!(page.contains(&name), "docs/watch.md has no {name}`");
        }
        for figure in page.split("`krb_mcp_").skip(1).filter_map(|rest| rest.split('`').next()) {
            assert!(names.contains(&figure.trim_end_matches("_total")), "there is no {figure}");
        }
    }
}
