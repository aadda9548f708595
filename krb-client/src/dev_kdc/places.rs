//! How many connections there are at once, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// All connections of a listener.
pub(super) const MAX_CONNECTIONS: usize = 512;
/// Those of one address, so that one client leaves room for others.
pub(super) const MAX_OF_ADDRESS: usize = 256;

#[derive(Default)]
pub(super) struct Places {
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place, until dropped.
pub(super) struct Place {
    places: Arc<Places>,
    address: IpAddr,
}

impl Places {
    /// A place for a connection from there, if there is one left.
    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (all, own) = (taken.values().sum::<usize>(), taken.get(&address).copied());
        if all >= MAX_CONNECTIONS || own.unwrap_or(0) >= MAX_OF_ADDRESS {
            return None;
        }
        *taken.entry(address).or_default() += 1;
        Some(Place { places: self.clone(), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others_and_places_come_back() {
        let places = Arc::new(Places::default());
        let of = |number: u8| IpAddr::from([127, 0, 0, number]);
        let mut held: Vec<_> = (0..MAX_OF_ADDRESS).map(|_| places.take(of(1)).unwrap()).collect();
        assert!(places.take(of(1)).is_none());
        held.extend((0..MAX_CONNECTIONS - MAX_OF_ADDRESS).map(|_| places.take(of(2)).unwrap()));
        assert!(places.take(of(3)).is_none(), "there are no more");
        held.pop();
        assert!(places.take(of(1)).is_none(), "it has its share");
        assert!(places.take(of(3)).is_some());
        held.clear();
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
