//! What may have been done though nobody said so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::Failure;

/// What a task does to what a resource has: whether it may be done again by who does not know whether
/// it was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Effect {
    /// It reads, and nothing else.
    None,
    /// Done twice is done once.
    Once,
    /// It has one each time.
    Each,
}

/// Whether what a call asks for may have been done and nobody knows: from when it goes out to the
/// resource on, until that has refused it. Clones are one: it outlives whoever is given up in the middle.
#[derive(Clone, Debug)]
pub(crate) struct Doubt {
    effect: Effect,
    is_out: Arc<AtomicBool>,
}

impl Doubt {
    /// Of a call with this effect, of which nothing has gone out.
    pub(crate) fn of(effect: Effect) -> Self {
        Self { effect, is_out: Arc::default() }
    }

    /// It goes out: from now on the resource may do it.
    pub(crate) fn begin(&self) {
        self.is_out.store(true, Ordering::SeqCst);
    }

    /// The resource has not done it, and will not.
    pub(crate) fn end(&self) {
        self.is_out.store(false, Ordering::SeqCst);
    }

    /// Whether it may have been done.
    pub(crate) fn is_there(&self) -> bool {
        self.effect != Effect::None && self.is_out.load(Ordering::SeqCst)
    }

    /// What its caller is told of it.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match self.is_there() {
            true => failure.in_doubt(self.effect == Effect::Once),
            false => failure,
        }
    }
}
