//! What outlives a call: who was revoked, and which account each subject is.
//!
//! It lies in a directory whose files are sealed. `krb-mcp revoke` and `krb-mcp pins` write there, and
//! a running server sees it within a quarter of a second.

mod config;
mod directory;
mod failure;
mod operator;
mod pins;
mod revocations;
mod who;

use std::sync::Arc;
use std::time::Duration;

pub use config::{PinsMode, StateConfig};
pub use failure::{NotPinned, Revoked, StateError};
pub use operator::Operator;
pub use pins::{Pin, Pins};
pub use revocations::{Revocation, RevocationList, Revocations, Whose};
pub use who::Who;

use crate::ConfigError;
use directory::Directory;

/// How often it is looked whether a file was replaced.
const LOOK: Duration = Duration::from_millis(250);

/// What outlives a call.
#[derive(Debug)]
pub struct State {
    config: StateConfig,
    revocations: Revocations,
    pins: Pins,
}

impl State {
    /// Reads what there is, and writes nothing.
    ///
    /// # Errors
    /// If a file is not to be believed.
    pub fn new(config: StateConfig) -> Result<Arc<Self>, ConfigError> {
        let pins = Pins::new(config.pins);
        let state = Self { config, revocations: Revocations::default(), pins };
        match &state.config.directory {
            Some(path) => {
                let read = || match Directory::look(path, &state.config)? {
                    None => Ok(()),
                    Some(directory) => state.read_all(&directory),
                };
                read().map_err(|error| setting(&error))?;
            }
            None if state.config.key.is_some() || state.config.pins == PinsMode::Approved => {
                let problem = "is needed where there are other settings of state";
                return Err(ConfigError::new("state.directory", problem));
            }
            None => {}
        }
        Ok(Arc::new(state))
    }

    /// Makes the directory where it is missing, and goes on looking whether somebody changed it.
    ///
    /// # Errors
    /// If the directory cannot be used.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), ConfigError> {
        let Some(path) = &self.config.directory else { return Ok(()) };
        let directory = Directory::open(path, &self.config);
        let directory = Arc::new(directory.map_err(|error| setting(&error))?);
        // Before they are read: what is changed meanwhile is read again.
        let mut read = FILES.map(|file| directory.stamp(file));
        self.read_all(&directory).map_err(|error| setting(&error))?;
        self.pins.keep_in(directory.clone());
        let state = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK).await;
                let Some(state) = state.upgrade() else { return };
                for (file, read) in FILES.into_iter().zip(&mut read) {
                    let stamp = directory.stamp(file);
                    if stamp != *read {
                        state.read_again(&directory, file);
                    }
                    *read = stamp;
                }
            }
        });
        Ok(())
    }

    /// Who was revoked.
    #[must_use]
    pub const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// Which account each subject is.
    #[must_use]
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    fn read_again(&self, directory: &Directory, file: &'static str) {
        match self.read(directory, file) {
            Ok(()) => tracing::debug!(file, "the state has been read again"),
            Err(error) => {
                tracing::error!(%error, "nobody is served until the state can be read");
                match file {
                    revocations::FILE => self.revocations.lose(),
                    _ => self.pins.lose(),
                }
            }
        }
    }

    fn read_all(&self, directory: &Directory) -> Result<(), StateError> {
        FILES.into_iter().try_for_each(|file| self.read(directory, file))
    }

    fn read(&self, directory: &Directory, file: &'static str) -> Result<(), StateError> {
        match file {
            revocations::FILE => self.revocations.read(directory),
            _ => self.pins.read(directory),
        }
    }
}

const FILES: [&str; 2] = [revocations::FILE, pins::FILE];

fn setting(error: &StateError) -> ConfigError {
    ConfigError::new(error.setting(), error.to_string())
}

#[cfg(test)]
mod tests;
