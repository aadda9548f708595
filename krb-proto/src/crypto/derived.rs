//! The keys that were derived from one key so far, by usage.

use alloc::boxed::Box;

use once_cell::race::OnceBox;

use crate::iana::KeyUsage;

/// For how many usages derived keys are kept. A session key has about ten; whoever asks for ever
/// more must not fill the memory.
const MAX_KEPT: usize = 16;

/// Derived keys in the order in which they were first asked for. An entry once made stays where it
/// is until all of them are dropped, so that readers need no lock.
pub(super) struct Derived<T: ?Sized> {
    first: OnceBox<Entry<T>>,
}

struct Entry<T: ?Sized> {
    usage: KeyUsage,
    keys: Box<T>,
    next: OnceBox<Entry<T>>,
}

impl<T: ?Sized> Derived<T> {
    pub(super) const fn none() -> Self {
        Self { first: OnceBox::new() }
    }

    /// Calls `with` with the keys of a usage; `derive` makes them, if they are not there yet. Two
    /// threads that ask at the same time may both derive them, and one result is kept.
    pub(super) fn with<R>(
        &self,
        usage: KeyUsage,
        derive: impl Fn() -> Box<T>,
        with: impl FnOnce(&T) -> R,
    ) -> R {
        let mut place = &self.first;
        for _ in 0..MAX_KEPT {
            let entry = place
                .get_or_init(|| Box::new(Entry { usage, keys: derive(), next: OnceBox::new() }));
            if entry.usage == usage {
                return with(&entry.keys);
            }
            place = &entry.next;
        }
        with(&derive())
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicU32, Ordering};
    use std::thread;

    use super::*;

    /// Counts how often keys are derived; they are the usage's number.
    #[derive(Default)]
    struct Counter(AtomicU32);

    impl Counter {
        fn ask(&self, derived: &Derived<u32>, usage: u32) -> u32 {
            let derive = || {
                self.0.fetch_add(1, Ordering::Relaxed);
                Box::new(usage)
            };
            derived.with(KeyUsage(usage), derive, |keys| *keys)
        }
    }

    #[test]
    fn keys_are_derived_once_for_as_many_usages_as_are_kept() {
        let (derived, counter) = (Derived::none(), Counter::default());
        let kept = MAX_KEPT as u32;
        for _ in 0..3 {
            for usage in 0..kept {
                assert_eq!(counter.ask(&derived, usage), usage);
            }
        }
        assert_eq!(counter.0.load(Ordering::Relaxed), kept);
        for _ in 0..3 {
            assert_eq!(counter.ask(&derived, kept), kept, "one too many to be kept");
        }
        assert_eq!(counter.0.load(Ordering::Relaxed), kept + 3);
        assert_eq!(counter.ask(&derived, kept - 1), kept - 1);
        assert_eq!(counter.0.load(Ordering::Relaxed), kept + 3);
    }

    #[test]
    fn threads_that_ask_together_get_the_keys_they_asked_for() {
        let (derived, counter) = (Derived::none(), Counter::default());
        thread::scope(|scope| {
            for first in 0..4 {
                let (derived, counter) = (&derived, &counter);
                scope.spawn(move || {
                    for usage in (0..8).cycle().skip(first).take(64) {
                        assert_eq!(counter.ask(derived, usage), usage);
                    }
                });
            }
        });
        let before = counter.0.load(Ordering::Relaxed);
        (0..8).for_each(|usage| assert_eq!(counter.ask(&derived, usage), usage));
        assert_eq!(counter.0.load(Ordering::Relaxed), before, "all of them were kept");
    }
}
