//! The steps so far, for the page.

use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use super::addresses::Addresses;
use super::step::Step;
use super::webapp::lock;

/// Steps that are remembered; later ones take the place of the last.
const MAX: usize = 500;

/// What has happened.
#[derive(Default)]
pub(super) struct Story {
    addresses: OnceLock<Addresses>,
    steps: Mutex<Vec<Step>>,
}

impl Story {
    /// Where everything is.
    pub(super) fn begins_at(&self, addresses: Addresses) {
        // It begins once.
        let _ = self.addresses.set(addresses);
    }

    pub(super) fn goes_on(&self, step: Step) {
        let mut steps = lock(&self.steps);
        if steps.len() == MAX {
            steps.pop();
        }
        steps.push(step);
    }

    /// What is to be told after this step.
    pub(super) fn after(&self, number: u64) -> Value {
        let steps = lock(&self.steps);
        let steps: Vec<&Step> = steps.iter().filter(|step| step.number > number).collect();
        json!({ "addresses": self.addresses.get(), "steps": steps })
    }
}
