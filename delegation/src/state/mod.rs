//! What outlives a call: who was revoked.
//!
//! It lies in a directory whose files are sealed. `krb-mcp revoke` writes there, and a running server
//! sees it within a quarter of a second.

mod config;
mod directory;
mod failure;
mod revocations;
mod who;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub use config::StateConfig;
pub use failure::{Revoked, StateError};
pub use revocations::{Revocation, RevocationList, Revocations, Whose};
pub use who::Who;

use crate::ConfigError;
use directory::{Directory, Stamp};

/// How often it is looked whether a file was replaced.
const LOOK: Duration = Duration::from_millis(250);
const REVOCATIONS: &str = "revocations";

/// What outlives a call.
#[derive(Debug)]
pub struct State {
    config: StateConfig,
    revocations: Revocations,
}

impl State {
    /// Reads what there is, and writes nothing.
    ///
    /// # Errors
    /// If a file is not to be believed.
    pub fn new(config: StateConfig) -> Result<Arc<Self>, ConfigError> {
        let state = Self { config, revocations: Revocations::default() };
        if let Some(path) = &state.config.directory {
            let read = || match Directory::look(path, &state.config)? {
                None => Ok(()),
                Some(directory) => state.read_revocations(&directory),
            };
            read().map_err(|error| setting(&error))?;
        }
        Ok(Arc::new(state))
    }

    /// Makes the directory where it is missing, and goes on looking whether somebody is revoked.
    ///
    /// # Errors
    /// If the directory cannot be used.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), ConfigError> {
        let Some(path) = &self.config.directory else { return Ok(()) };
        let directory = Directory::open(path, &self.config);
        let directory = directory.map_err(|error| setting(&error))?;
        // Before it is read: what is changed meanwhile is read again.
        let mut read = directory.stamp(REVOCATIONS);
        self.read_revocations(&directory).map_err(|error| setting(&error))?;
        let state = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(state) = state.upgrade() else { return };
                read = state.look_again(&directory, read);
            }
        });
        Ok(())
    }

    /// Who was revoked.
    #[must_use]
    pub const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    fn look_again(&self, directory: &Directory, read: Option<Stamp>) -> Option<Stamp> {
        let stamp = directory.stamp(REVOCATIONS);
        if stamp != read {
            match self.read_revocations(directory) {
                Ok(()) => tracing::info!("who was revoked has been read again"),
                Err(error) => {
                    tracing::error!(%error, "nobody is served until it is known who was revoked");
                    self.revocations.lose();
                }
            }
        }
        stamp
    }

    fn read_revocations(&self, directory: &Directory) -> Result<(), StateError> {
        let list: Option<RevocationList> = directory.read(REVOCATIONS)?;
        if self.revocations.replace(&list.unwrap_or_default()) {
            return Ok(());
        }
        let path = self.config.directory.clone().unwrap_or_default().join(REVOCATIONS);
        Err(StateError::Broken { path, what: "it is older than the one before".to_owned() })
    }
}

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
        let path: &PathBuf = config.directory.as_ref().ok_or(StateError::None)?;
        Ok(Self { directory: Directory::open(path, config)? })
    }

    /// All revocations.
    ///
    /// # Errors
    /// If they cannot be read.
    pub fn revocations(&self) -> Result<Vec<Revocation>, StateError> {
        let list: Option<RevocationList> = self.directory.read(REVOCATIONS)?;
        Ok(list.unwrap_or_default().entries)
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
        self.directory.update(REVOCATIONS, |list: Option<RevocationList>| {
            let mut list = list.unwrap_or_default();
            let changed = change(&mut list)?;
            Ok((list, changed))
        })
    }
}

fn setting(error: &StateError) -> ConfigError {
    ConfigError::new(error.setting(), error.to_string())
}

#[cfg(test)]
mod tests;
