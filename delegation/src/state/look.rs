//! Looking whether somebody replaced a file: beside the runtime, since a share may hang and pins are many.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::directory::Directory;
use super::{FILES, State, revocations};
use crate::reader::Reader;

/// How often it is looked whether a file was replaced.
pub(super) const LOOK: Duration = Duration::from_millis(250);

impl State {
    /// Goes on looking, at each file for itself.
    pub(super) fn look_on(self: &Arc<Self>, directory: &Arc<Directory>) {
        for (file, _) in FILES {
            let (state, directory) = (Arc::downgrade(self), directory.clone());
            tokio::spawn(async move {
                let (reader, mut problem) = (Reader::default(), None);
                loop {
                    sleep(LOOK).await;
                    let Some(state) = state.upgrade() else { return };
                    problem = state.look(&directory, file, &reader, problem).await;
                }
            });
        }
    }

    /// Reads a file, unless what is known is what it says. What is wrong with it is said once, and it is
    /// read again until nothing is: it may be the machine's trouble, and the file the same all the while.
    async fn look(
        self: &Arc<Self>,
        directory: &Arc<Directory>,
        file: &'static str,
        reader: &Reader,
        before: Option<String>,
    ) -> Option<String> {
        let (state, directory) = (self.clone(), directory.clone());
        let read = move || {
            let known = match file {
                revocations::FILE => state.revocations.stamp(),
                _ => state.pins.stamp(),
            };
            let is_known = known.is_some() && known == directory.stamp(file);
            if !is_known {
                state.read(&directory, file).map_err(|error| error.to_string())?;
            }
            Ok(!is_known)
        };
        match reader.read(read).await {
            Ok(_) if before.is_some() => tracing::info!(file, "the state can be read again"),
            Ok(true) => tracing::debug!(file, "the state has been read again"),
            Ok(false) => {}
            Err(error) => {
                match file {
                    revocations::FILE => self.revocations.lose(),
                    _ => self.pins.lose(),
                }
                if before.as_ref() != Some(&error) {
                    tracing::error!(file, %error, "nobody is served until the state can be read");
                }
                return Some(error);
            }
        }
        None
    }
}
