use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// So many values at most, each with its end; beyond, what ends first goes first. Putting one in
/// looks at a handful of the others, however many there are.
///
/// What was put out is handed back, so that it is dropped where nobody waits for it.
pub(super) struct Shelf<K, E, V> {
    by_key: HashSet<ByKey<K, E, V>>,
    /// In the order in which they end, and in which they came.
    by_end: BTreeSet<ByEnd<K, E, V>>,
    max_entries: usize,
    came: u64,
}

/// All that is known of a value in one place, since there may be very many.
struct Stored<K, E, V> {
    key: K,
    place: (E, u64),
    value: V,
}

struct ByKey<K, E, V>(Arc<Stored<K, E, V>>);

impl<K, E, V> Borrow<K> for ByKey<K, E, V> {
    fn borrow(&self) -> &K {
        &self.0.key
    }
}

impl<K: PartialEq, E, V> PartialEq for ByKey<K, E, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl<K: Eq, E, V> Eq for ByKey<K, E, V> {}

impl<K: Hash, E, V> Hash for ByKey<K, E, V> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

struct ByEnd<K, E, V>(Arc<Stored<K, E, V>>);

impl<K, E, V> Borrow<(E, u64)> for ByEnd<K, E, V> {
    fn borrow(&self) -> &(E, u64) {
        &self.0.place
    }
}

impl<K, E: PartialEq, V> PartialEq for ByEnd<K, E, V> {
    fn eq(&self, other: &Self) -> bool {
        self.0.place == other.0.place
    }
}

impl<K, E: Eq, V> Eq for ByEnd<K, E, V> {}

impl<K, E: Ord, V> PartialOrd for ByEnd<K, E, V> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K, E: Ord, V> Ord for ByEnd<K, E, V> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.place.cmp(&other.0.place)
    }
}

/// What was on a shelf.
pub(super) struct PutOut<K, E, V>(
    #[allow(dead_code, reason = "it is only dropped")] Arc<Stored<K, E, V>>,
);

impl<K: Eq + Hash, E: Ord + Copy, V> Shelf<K, E, V> {
    pub(super) fn new(max_entries: usize) -> Self {
        Self { by_key: HashSet::new(), by_end: BTreeSet::new(), max_entries, came: 0 }
    }

    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.by_key.get(key).map(|ByKey(stored)| &stored.value)
    }

    /// Puts a value in, in the place of the one that was there.
    pub(super) fn insert(&mut self, key: K, end: E, value: V) -> [Option<PutOut<K, E, V>>; 2] {
        let replaced = self.remove(&key);
        let mut first = None;
        if self.by_key.len() >= self.max_entries
            && let Some(ByEnd(ends_first)) = self.by_end.pop_first()
        {
            self.by_key.remove(&ends_first.key);
            first = Some(PutOut(ends_first));
        }
        self.came += 1;
        let place = (end, self.came);
        let stored = Arc::new(Stored { key, place, value });
        self.by_end.insert(ByEnd(stored.clone()));
        self.by_key.insert(ByKey(stored));
        [replaced, first]
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<PutOut<K, E, V>> {
        let ByKey(stored) = self.by_key.take(key)?;
        self.by_end.remove(&stored.place);
        Some(PutOut(stored))
    }

    /// Removes every value of whose key that holds. This one looks at all.
    pub(super) fn remove_all(&mut self, of: impl Fn(&K) -> bool) {
        self.by_key.retain(|ByKey(stored)| {
            let kept = !of(&stored.key);
            if !kept {
                self.by_end.remove(&stored.place);
            }
            kept
        });
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        assert_eq!(self.by_key.len(), self.by_end.len());
        self.by_key.len()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::cmp::Ordering;
    use std::hash::Hasher;

    use super::*;

    thread_local!(static STEPS: Cell<u64> = const { Cell::new(0) });

    /// A number that counts how often any is looked at.
    #[derive(Clone, Copy)]
    struct Counted(u64);

    impl Counted {
        fn look(self) -> u64 {
            STEPS.set(STEPS.get() + 1);
            self.0
        }
    }

    impl PartialEq for Counted {
        fn eq(&self, other: &Self) -> bool {
            self.look() == other.0
        }
    }

    impl Eq for Counted {}

    impl PartialOrd for Counted {
        fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
            Some(self.cmp(other))
        }
    }

    impl Ord for Counted {
        fn cmp(&self, other: &Self) -> Ordering {
            self.look().cmp(&other.0)
        }
    }

    impl Hash for Counted {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.look().hash(state);
        }
    }

    /// Steps for a thousand values put on a full shelf of that size.
    fn steps(size: u64) -> u64 {
        let mut shelf = Shelf::new(size as usize);
        // Ends that are in no order, none twice.
        let end = |number: u64| Counted(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for number in 0..size {
            shelf.insert(Counted(number), end(number), ());
        }
        STEPS.set(0);
        for number in size..size + 1000 {
            shelf.insert(Counted(number), end(number), ());
        }
        assert_eq!(shelf.len(), size as usize);
        STEPS.get()
    }

    #[test]
    fn putting_one_in_does_not_look_at_all() {
        let (few, many) = (steps(1000), steps(100_000));
        assert!(few > 1000, "{few}: nothing was counted");
        // Comparisons grow as the logarithm does: 2.03 times as many here; a scan is 100 times.
        assert!(4 * many <= 9 * few, "{few} steps among 1,000, {many} among 100,000");
    }

    #[test]
    fn what_ends_first_goes_first_and_what_is_replaced_leaves_nothing() {
        let mut shelf = Shelf::new(2);
        shelf.insert("a", 1, "old");
        shelf.insert("a", 9, "new");
        shelf.insert("b", 5, "b");
        assert_eq!((shelf.get(&"a"), shelf.len()), (Some(&"new"), 2));
        shelf.insert("c", 7, "c");
        assert_eq!((shelf.get(&"a"), shelf.get(&"b"), shelf.len()), (Some(&"new"), None, 2));
        shelf.remove_all(|key| *key == "a");
        shelf.insert("d", 1, "d");
        assert_eq!((shelf.get(&"c"), shelf.get(&"d"), shelf.len()), (Some(&"c"), Some(&"d"), 2));
        shelf.remove(&"c");
        assert_eq!(shelf.len(), 1);
    }
}
