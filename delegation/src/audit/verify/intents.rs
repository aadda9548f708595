//! What was begun, until its outcome is found.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::report::{OpenIntent, Verification};

/// So many are told.
const MAX_TOLD: usize = 1000;
/// So many are remembered; a server has far fewer calls at once.
const MAX_OPEN: usize = 1 << 20;

/// Intents without an outcome, by their number.
#[derive(Default)]
pub(super) struct Intents {
    open: BTreeMap<u64, OpenIntent>,
    by_id: BTreeMap<String, u64>,
    run: String,
}

impl Intents {
    pub(super) fn note(
        &mut self,
        seq: u64,
        record: &Map<String, Value>,
        report: &mut Verification,
    ) {
        let text =
            |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let event_id = text("eventId");
        event_id.split('-').next().unwrap_or_default().clone_into(&mut self.run);
        if let Some(closed) = self.by_id.remove(&text("intentId")) {
            self.open.remove(&closed);
        }
        match &*text("phase") {
            "intent" if self.open.len() >= MAX_OPEN => report.open_intent_count += 1,
            "intent" => {
                self.by_id.insert(event_id.clone(), seq);
                let intent = OpenIntent {
                    event_id,
                    timestamp: text("timestamp"),
                    request_id: text("requestId"),
                    subject: text("subject"),
                    legacy_name: text("legacyName"),
                    action: text("action"),
                    target: text("target"),
                    path: text("path"),
                    may_be_running: false,
                };
                self.open.insert(seq, intent);
            }
            // The last ones before it went with a file that was taken away, and are said again.
            "reopened" => {
                let again = record.get("again").and_then(Value::as_u64).unwrap_or(0);
                let repeated = self.open.split_off(&seq.saturating_sub(again));
                for intent in repeated.into_values() {
                    self.by_id.remove(&intent.event_id);
                }
            }
            _ => {}
        }
    }

    pub(super) fn end(self, report: &mut Verification) {
        report.open_intent_count += self.open.len() as u64;
        let run = self.run;
        let told = self.open.into_values().take(MAX_TOLD).map(|intent| {
            let may_be_running = intent.event_id.split('-').next() == Some(&*run);
            OpenIntent { may_be_running, ..intent }
        });
        report.open_intents = told.collect();
    }
}
