//! What an operator does.

use super::FILES;
use super::config::StateConfig;
use super::directory::Directory;
use super::failure::StateError;
use super::pin::{self, Pin, PinChange, PinList};
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
        self.directory.update(revocations::FILE, change).map(|(changed, _)| changed)
    }

    /// All pins.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn pins(&self) -> Result<Vec<Pin>, StateError> {
        let list: PinList = self.directory.read(pin::FILE)?;
        Ok(list.pins)
    }

    /// Changes pins; returns how many.
    ///
    /// # Errors
    /// If that is not on the disk: then nothing has been changed.
    pub fn change_pins(&self, change: &PinChange) -> Result<usize, StateError> {
        let changed = self.directory.update(pin::FILE, |list: &mut PinList| {
            list.generation += 1;
            Ok(change.make(&mut list.pins))
        });
        changed.map(|(count, _)| count)
    }
}
