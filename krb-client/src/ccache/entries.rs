//! What a new entry takes the place of, and how many there may be.

use krb_proto::formats::CacheEntry;

use crate::cache_error::CacheError;

/// A cache holds so many entries at most.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// Is `old` done with once `new` is there? A configuration entry is replaced by one of its name
/// alone. A ticket is by one of the same client to the same service: if it has ended; or if it was
/// asked for in the same way and does not outlast the new one.
pub(super) fn is_superseded(old: &CacheEntry, new: &CacheEntry, now: u32) -> bool {
    if !(old.client.is_same(&new.client) && old.server.is_same(&new.server)) {
        return false;
    }
    // Tickets of other users with the same ticket-granting ticket differ in what they were got with
    // (S4U2Proxy, user-to-user).
    let is_alike = old.enctype == new.enctype
        && old.is_skey == new.is_skey
        && old.second_ticket == new.second_ticket
        && old.authdata == new.authdata;
    new.is_configuration() || has_ended(old, now) || (is_alike && old.times[2] <= new.times[2])
}

/// Has a ticket ended? Configuration entries have no end.
pub(super) fn has_ended(entry: &CacheEntry, now: u32) -> bool {
    !entry.is_configuration() && entry.times[2] <= now
}

/// Which of these entries stay when `new` ones come, in their order. When there would be too many,
/// tickets that have ended go as well.
///
/// # Errors
/// [`CacheError::Full`].
pub(super) fn kept(
    old: &[CacheEntry],
    new: &[CacheEntry],
    now: u32,
    cache: &str,
) -> Result<Vec<bool>, CacheError> {
    let stays = |entry: &CacheEntry| !new.iter().any(|new| is_superseded(entry, new, now));
    let mut kept: Vec<bool> = old.iter().map(stays).collect();
    let is_full =
        |kept: &[bool]| kept.iter().filter(|kept| **kept).count() + new.len() > MAX_ENTRIES;
    if is_full(&kept) {
        kept.iter_mut().zip(old).for_each(|(kept, entry)| *kept &= !has_ended(entry, now));
    }
    if is_full(&kept) {
        return Err(CacheError::Full { cache: cache.to_owned(), limit: MAX_ENTRIES });
    }
    Ok(kept)
}

/// The same, of entries that are held in memory.
///
/// # Errors
/// [`CacheError::Full`].
pub(super) fn update(
    entries: &mut Vec<CacheEntry>,
    new: &[CacheEntry],
    now: u32,
    cache: &str,
) -> Result<(), CacheError> {
    let mut kept = kept(entries, new, now, cache)?.into_iter();
    entries.retain(|_| kept.next().unwrap_or(true));
    entries.extend_from_slice(new);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{configuration, ticket};
    use super::*;

    #[test]
    fn what_a_new_entry_takes_the_place_of() {
        let new = ticket("web", 2000);
        let with = |change: fn(&mut CacheEntry)| {
            let mut old = ticket("web", 1900);
            change(&mut old);
            old
        };
        for (old, gone) in [
            (with(|_| ()), true),
            (with(|old| old.times[2] = 2001), false),
            (with(|old| old.enctype.0 += 1), false),
            (with(|old| old.second_ticket = b"evidence".to_vec()), false),
            (with(|old| old.is_skey = true), false),
            (with(|old| old.authdata = vec![(1, vec![2])]), false),
            // It has ended: whatever it was.
            (with(|old| (old.times[2], old.is_skey) = (1000, true)), true),
            (ticket("files", 900), false),
            (configuration("fast_avail"), false),
        ] {
            assert_eq!(is_superseded(&old, &new, 1000), gone, "{old:?} {:?}", old.times);
        }
        let other_realm = with(|old| old.server.realm = b"OTHER".to_vec());
        assert!(!is_superseded(&other_realm, &new, 1000));
        let (old, new) = (configuration("fast_avail"), configuration("fast_avail"));
        assert!(is_superseded(&old, &new, 1000));
        assert!(!is_superseded(&configuration("pa_type"), &new, 1000));
    }

    #[test]
    fn a_cache_is_bounded_and_what_has_ended_makes_room() {
        let mut entries: Vec<_> =
            (0..MAX_ENTRIES).map(|i| ticket(&format!("web{i}"), 2000)).collect();
        entries[7].times[2] = 500;
        entries[8] = configuration("fast_avail");
        update(&mut entries, &[ticket("new", 2000)], 1000, "C").unwrap();
        assert_eq!(entries.len(), MAX_ENTRIES, "in the place of the one that has ended");
        assert!(entries[7].is_configuration(), "which has no end");
        let error = update(&mut entries, &[ticket("newer", 2000)], 1000, "C").unwrap_err();
        assert!(matches!(error, CacheError::Full { limit: MAX_ENTRIES, .. }), "{error}");
        update(&mut entries, &[ticket("new", 3000)], 1000, "C").unwrap();
        assert_eq!(entries.len(), MAX_ENTRIES);
    }
}
