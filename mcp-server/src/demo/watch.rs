//! What others do while the demonstration stays up: every call that the audit log closes becomes a
//! step, and so does what came to the KDC or to the web application by another way.

use std::io;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::audit::{AuditLog, ends};
use super::kdc_log::Asking;
use super::script;
use super::step::Step;
use super::webapp::Visit;
use super::world::World;

/// How long what a call did may be there before the record that closes it.
const AGE: Duration = Duration::from_secs(2);

/// What has been seen and belongs to no call yet.
pub(super) struct Watch {
    number: u64,
    kdc: Vec<Asking>,
    visits: Vec<Visit>,
    next_visit: u64,
    intents: Vec<Value>,
    since: Instant,
}

impl Watch {
    /// From now on.
    pub(super) fn new(world: &World) -> Self {
        Self {
            number: script::LENGTH as u64,
            kdc: Vec::new(),
            visits: Vec::new(),
            next_visit: world.web.visits(),
            intents: Vec::new(),
            since: Instant::now(),
        }
    }

    /// The steps that others made since the last look.
    pub(super) fn look(&mut self, world: &World, audit: &mut AuditLog) -> io::Result<Vec<Step>> {
        let records = audit.news()?;
        let (kdc, visits) = (world.kdc_log.take(), world.web.visits_from(self.next_visit));
        if !(kdc.is_empty() && visits.is_empty()) {
            self.since = Instant::now();
        }
        self.next_visit = world.web.visits();
        self.kdc.extend(kdc);
        self.visits.extend(visits);
        let mut steps = Vec::new();
        for record in records {
            if ends(&record) {
                steps.push(self.call(record));
            } else {
                self.intents.push(record);
            }
        }
        if self.since.elapsed() > AGE && self.intents.is_empty() {
            steps.extend(self.rest());
        }
        Ok(steps)
    }

    /// A call, with what was done in its account's name.
    fn call(&mut self, record: Value) -> Step {
        let names = |field| record[field].as_str().unwrap_or_default().to_lowercase();
        let names = [names("account"), names("legacyName")];
        let is_its = |name: &str| !name.is_empty() && names.contains(&name.to_lowercase());
        let kdc = self.kdc.extract_if(.., |asking| asking.account().is_some_and(is_its));
        let kdc: Vec<_> = kdc.collect();
        let visits = self.visits.extract_if(.., |visit| {
            visit.visitor.as_ref().is_some_and(|visitor| is_its(&visitor.account))
        });
        let resource: Vec<_> = visits.collect();
        let opened = |intent: &mut Value| intent["requestId"] == record["requestId"];
        let mut audit: Vec<_> = self.intents.extract_if(.., opened).collect();
        let said = |field: &str| record[field].as_str();
        let title = match (said("subject"), said("tool")) {
            (Some(subject), Some(tool)) => format!("{subject} calls {tool}"),
            _ => "a request without a valid token".into(),
        };
        let (call, token) = match said("tool") {
            Some(tool) => (
                json!({ "tool": tool, "arguments": { "url": record["path"] } }),
                json!({ "subject": record["subject"], "issuer": record["issuer"] }),
            ),
            None => (Value::Null, Value::Null),
        };
        let milliseconds = record["durationMs"].as_u64().unwrap_or_default();
        audit.push(record);
        self.step(
            title,
            Step { call, token, kdc, resource, audit, milliseconds, ..Step::default() },
        )
    }

    /// What no call of the MCP server did.
    fn rest(&mut self) -> Vec<Step> {
        let mut steps = Vec::new();
        let kdc = std::mem::take(&mut self.kdc);
        if kdc.iter().any(|asking| !asking.is_first_leg()) {
            steps.push(self.step("somebody asks the KDC".into(), Step { kdc, ..Step::default() }));
        }
        let resource = std::mem::take(&mut self.visits);
        if !resource.is_empty() {
            let step = Step { resource, ..Step::default() };
            steps.push(self.step("somebody comes to the web application".into(), step));
        }
        steps
    }

    fn step(&mut self, title: String, step: Step) -> Step {
        self.number += 1;
        Step { number: self.number, title, ok: true, ..step }
    }
}
