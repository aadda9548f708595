//! What an operator does.

use super::FILES;
use super::config::StateConfig;
use super::directory::Directory;
use super::failure::StateError;
use super::pins::{self, Pin, PinList};
use super::revocations::{self, Revocation, RevocationList, Whose};

/// What an operator does: in the files alone, whether or not a server runs.
#[derive(Debug)]
pub struct Operator {
    directory: Directory,
}

impl Operator {
    /// Opens the state of this configuration.
    ///
    /// # Errors
    /// If there is none, or it is not to be believed.
    pub fn new(config: &StateConfig) -> Result<Self, StateError> {
        let path = config.directory.as_ref().ok_or(StateError::None)?;
        Ok(Self { directory: Directory::open(path, FILES, config)? })
    }

    /// All revocations.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn revocations(&self) -> Result<Vec<Revocation>, StateError> {
        let list: RevocationList = self.directory.read(revocations::FILE)?;
        Ok(list.entries)
    }

    /// Ends somebody's access.
    ///
    /// # Errors
    /// If that is not on the disk: then nothing has been revoked.
    pub fn revoke(&self, whose: Whose, now: i64) -> Result<Revocation, StateError> {
        self.change(|list| list.revoke(whose, now))
    }

    /// Lifts a revocation.
    ///
    /// # Errors
    /// If there is none.
    pub fn lift(&self, whose: &Whose, now: i64) -> Result<Revocation, StateError> {
        self.change(|list| list.lift(whose, now))
    }

    fn change(
        &self,
        change: impl FnOnce(&mut RevocationList) -> Result<Revocation, StateError>,
    ) -> Result<Revocation, StateError> {
        self.directory.update(revocations::FILE, change)
    }

    /// All pins.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn pins(&self) -> Result<Vec<Pin>, StateError> {
        let list: PinList = self.directory.read(pins::FILE)?;
        Ok(list.pins)
    }

    /// Approves the pins for which that holds; returns how many it holds for.
    ///
    /// # Errors
    /// If that is not on the disk: then nothing has been approved.
    pub fn approve(&self, of: impl Fn(&Pin) -> bool) -> Result<usize, StateError> {
        self.change_pins(|pins| {
            let found = pins.iter_mut().filter(|pin| of(pin));
            found.map(|pin| pin.approved = true).count()
        })
    }

    /// Puts a pin that an operator knows in the place of what is there.
    ///
    /// # Errors
    /// If that is not on the disk.
    pub fn pin(&self, pin: Pin) -> Result<(), StateError> {
        self.change_pins(|pins| {
            pins.retain(|other| !other.is_of(&pin.issuer, &pin.subject, &pin.realm));
            pins.push(pin);
        })
    }

    /// Releases the pins for which that holds: at the next sight, the subject is whoever it is then.
    /// Returns how many.
    ///
    /// # Errors
    /// If that is not on the disk: then none has been released.
    pub fn release(&self, of: impl Fn(&Pin) -> bool) -> Result<usize, StateError> {
        self.change_pins(|pins| {
            let before = pins.len();
            pins.retain(|pin| !of(pin));
            before - pins.len()
        })
    }

    fn change_pins<R>(&self, change: impl FnOnce(&mut Vec<Pin>) -> R) -> Result<R, StateError> {
        self.directory.update(pins::FILE, |list: &mut PinList| {
            list.generation += 1;
            Ok(change(&mut list.pins))
        })
    }
}
