//! What outlives a call: who was revoked, and which account each subject is.
//!
//! It lies in a directory whose files are sealed. `krb-mcp revoke` and `krb-mcp pins` write there, and
//! a running server sees it within a quarter of a second.

mod config;
mod directory;
mod failure;
mod look;
mod operator;
mod pin;
mod pins;
mod revocations;
mod shared;
mod who;

use std::sync::Arc;
use std::time::Duration;

pub use config::{PinsMode, RedisConfig, StateConfig};
pub use failure::{NotPinned, Revoked, StateError};
pub use operator::Operator;
pub use pin::{Pin, PinChange, PinOf};
pub use pins::Pins;
pub use revocations::{Revocation, RevocationList, Revocations, Whose};
pub use shared::Shared;
use shared::{Head, SharedPins};
pub use who::Who;

use tokio::time::timeout;

use crate::ConfigError;
use crate::network::Network;
use crate::reader::Reader;
use directory::{Directory, Files};

/// How often the shared store is asked, and for how long.
const ASK: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_millis(1500);
/// So old may be what is known of a user while it does not answer.
const ALONE: Duration = Duration::from_secs(60);

/// What outlives a call.
#[derive(Debug)]
pub struct State {
    config: StateConfig,
    revocations: Revocations,
    pins: Pins,
    shared: Option<Arc<Shared>>,
}

impl State {
    /// Reads what there is, and writes nothing.
    ///
    /// # Errors
    /// If a file is not to be believed.
    pub fn new(config: StateConfig, network: &Network) -> Result<Arc<Self>, ConfigError> {
        let shared = config.redis.as_ref().map(|redis| Shared::in_redis(redis, network));
        let shared = shared.transpose().map_err(|error| setting(&error))?;
        Self::with(config, shared)
    }

    /// That of a test which has none.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Arc<Self> {
        Self::with(StateConfig::default(), None).unwrap_or_else(|error| panic!("{error}"))
    }

    fn with(config: StateConfig, shared: Option<Shared>) -> Result<Arc<Self>, ConfigError> {
        let (revocations, shared) = (Revocations::default(), shared.map(Arc::new));
        let pins = Pins::new(config.pins, shared.clone().map(SharedPins::new));
        let state = Self { config, revocations, pins, shared };
        if state.shared.is_some() {
            // Nobody is served before the store, or what was known of it, has said who was revoked.
            state.revocations.lose();
        }
        match &state.config.directory {
            Some(path) => {
                let read = || match Directory::look(path, FILES, &state.config)? {
                    None => Ok(()),
                    Some(directory) => state.read_all(&directory),
                };
                read().map_err(|error| setting(&error))?;
            }
            None if state.config.key.is_some()
                || state.config.pins == PinsMode::Approved && state.shared.is_none() =>
            {
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
        let Some(path) = &self.config.directory else {
            self.pins.start(None);
            self.follow(None);
            return Ok(());
        };
        let directory = Directory::open(path, FILES, &self.config);
        let directory = Arc::new(directory.map_err(|error| setting(&error))?);
        self.read_all(&directory).map_err(|error| setting(&error))?;
        self.pins.start(Some(directory.clone()));
        if self.shared.is_some() {
            // What is there is a copy for the next start, which nobody else writes.
            self.follow(Some(directory));
        } else {
            self.look_on(&directory);
        }
        Ok(())
    }

    /// Who was revoked.
    #[must_use]
    pub const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// What all replicas have in common, if there is anything.
    #[must_use]
    pub const fn shared(&self) -> Option<&Arc<Shared>> {
        self.shared.as_ref()
    }

    /// How old what is known of a user may be at present, where that is less than usual: while the
    /// shared store does not answer, nobody knows whom another replica was told to refuse.
    #[must_use]
    pub fn max_age(&self) -> Option<Duration> {
        self.shared.as_ref().filter(|shared| !shared.is_here()).map(|_| ALONE)
    }

    /// Goes on asking the shared store who was revoked.
    fn follow(self: &Arc<Self>, directory: Option<Arc<Directory>>) {
        let Some(shared) = self.shared.clone() else { return };
        let state = Arc::downgrade(self);
        tokio::spawn(async move {
            let (mut known, mut is_told) = (None, true);
            let copy = directory.map(|directory| (directory, Reader::default()));
            loop {
                let Some(state) = state.upgrade() else { return };
                let asked =
                    timeout(PATIENCE, state.ask(&shared, known.as_ref(), copy.as_ref())).await;
                let asked = asked.unwrap_or_else(|_| Err("no answer".to_owned()));
                let was_here = shared.set_here(asked.is_ok());
                match asked {
                    Ok(head) => {
                        if !was_here {
                            tracing::info!("the shared store answers");
                        }
                        (known, is_told) = (Some(head), false);
                    }
                    Err(error) => {
                        // From the beginning, once it answers again.
                        known = None;
                        if was_here || std::mem::take(&mut is_told) {
                            tracing::error!(%error, "the shared store is away");
                        }
                    }
                }
                drop(state);
                tokio::time::sleep(ASK).await;
            }
        });
    }

    /// Asks for the number of the last revocation and, if it was sealed anew, for all of them; pins are
    /// asked for again when they are needed.
    async fn ask(
        &self,
        shared: &Shared,
        known: Option<&Head>,
        copy: Option<&(Arc<Directory>, Reader)>,
    ) -> Result<Head, String> {
        let head = shared.head().await.map_err(|away| away.to_string())?;
        if known == Some(&head) {
            return Ok(head);
        }
        let ours = self.revocations.list();
        let mut list = shared.revocations().await.map_err(|away| away.to_string())?;
        if !list.comes_after(&ours) {
            // It was restarted without its data, or put back to an older state. It is told again.
            tracing::warn!("the shared store has forgotten who was revoked, and is told again");
            let merge = |list: &mut RevocationList| {
                let mut merged = ours.clone();
                merged.merge(list)?;
                *list = merged;
                Ok(list.clone())
            };
            list = shared.change(merge).await.map_err(|error| error.to_string())?;
        } else if list.generation < head.number {
            return Err("its number of revocations is not that of its list".to_owned());
        }
        if !self.revocations.replace(&list) {
            return Err("its revocations are older than those that are known".to_owned());
        }
        if let Some((directory, writer)) = copy {
            // What was known once is known after a restart, whatever the store says then. Where the disk
            // stands still one waits for it, so that nothing older is written after it.
            let directory = directory.clone();
            let write = move || {
                let written = directory.update(revocations::FILE, |kept: &mut RevocationList| {
                    *kept = list;
                    Ok(())
                });
                written.map(drop).map_err(|error| error.to_string())
            };
            let written = writer.read(write).await;
            written.map_err(|error| format!("what it says cannot be written down: {error}"))?;
        }
        self.pins.look_again();
        Ok(head)
    }

    /// Which account each subject is.
    #[must_use]
    pub const fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Why nobody can be served, and why some cannot.
    pub(crate) fn trouble(&self) -> (Option<String>, Option<String>) {
        let (here, shared) = ("state.directory", "state.redis");
        let setting = if self.shared.is_some() { shared } else { here };
        let unknown = |what: &str| format!("{setting}: {what}; the log says why");
        let revocations = unknown("it cannot be read whose access was revoked");
        let pins = unknown("it cannot be read which account a subject is");
        (
            (!self.revocations.are_known()).then_some(revocations),
            (!self.pins.are_known()).then_some(pins),
        )
    }

    fn read_all(&self, directory: &Directory) -> Result<(), StateError> {
        FILES.iter().try_for_each(|(file, _)| self.read(directory, file))?;
        if self.shared.is_some() && self.revocations.latest() == 0 {
            // It was never written what the store says: that nobody is in it is no knowledge.
            self.revocations.lose();
        }
        Ok(())
    }

    fn read(&self, directory: &Directory, file: &'static str) -> Result<(), StateError> {
        match file {
            revocations::FILE => self.revocations.read(directory),
            _ => self.pins.read(directory),
        }
    }
}

const FILES: Files = &[(revocations::FILE, revocations::EMPTY), (pin::FILE, pin::EMPTY)];

fn setting(error: &StateError) -> ConfigError {
    let (setting, problem) = (error.setting(), error.to_string());
    let problem = problem.strip_prefix(&format!("{setting}: ")).unwrap_or(&problem);
    ConfigError::new(setting, problem)
}

#[cfg(test)]
mod tests;
