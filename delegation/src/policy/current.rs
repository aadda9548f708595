//! The policies as they stand in their file now. Whatever replaces it is used from then on, for every
//! call that has not been decided; what is of no use changes nothing, and says so.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use krb_client::Clock;
use krb_client::files::read_text;
use prometheus_client::metrics::gauge::Gauge;

use super::load::Reading;
use super::{Policy, Words};
use crate::exposed::{Exposed, exposed};
use crate::followed::is_file;
use crate::reader::Reader;
use crate::targets::Targets;
use crate::{ConfigError, Holds};

/// How old what was read of the file may be when a call is decided.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What has changed is looked at again after this, since it may still be in the making.
const SETTLE: Duration = Duration::from_millis(100);
/// More than policies may be.
const MAX_FILE: u64 = 2 << 20;

/// A file of policies, and what it said when the configuration was read.
#[derive(Clone, Debug)]
pub struct PolicyFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it said.
    pub text: String,
}

impl PolicyFile {
    /// Begins to read the policies, which may speak of these words.
    ///
    /// # Errors
    /// If there are too many of them.
    pub(crate) fn begin(self, targets: &Targets, words: Words) -> Result<Begun, ConfigError> {
        let reading = Reading::begin(self.text.clone(), targets.clone(), words.clone())?;
        Ok(Begun { file: self, targets: targets.clone(), words, reading })
    }
}

/// A file of policies that are being read: beside whatever else is done.
pub(crate) struct Begun {
    file: PolicyFile,
    targets: Targets,
    words: Words,
    reading: Reading,
}

/// The policies in use, and the file that they are read from.
pub struct Policies(Arc<Followed>);

struct Followed {
    path: PathBuf,
    targets: Targets,
    words: Arc<Words>,
    clock: Arc<dyn Clock>,
    /// 1 as long as what stands in the file is what is used.
    is_current: Gauge,
    state: Mutex<State>,
    /// Held while the file is looked at.
    looking: tokio::sync::Mutex<()>,
    reader: Reader,
}

struct State {
    policy: Arc<Policy>,
    looked: Duration,
    /// What the file said last, whether or not it could be used.
    seen: String,
    /// What is wrong with what stands there now, once it was said.
    problem: Option<String>,
}

impl Policies {
    /// The policies of a file, which is looked at again from now on.
    ///
    /// # Errors
    /// As [`Policy::from_cedar`].
    pub(crate) fn new(begun: Begun, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let Begun { file, targets, words, reading } = begun;
        let policy = reading.end()?;
        let state = State { policy, looked: clock.monotonic(), seen: file.text, problem: None };
        let is_current = Gauge::default();
        is_current.set(1);
        Ok(Self(Arc::new(Followed {
            path: file.path,
            targets,
            words: Arc::new(words),
            clock,
            is_current,
            state: Mutex::new(state),
            looking: tokio::sync::Mutex::default(),
            reader: Reader::default(),
        })))
    }

    /// The policies to decide a call by: those that the file holds, or held a second ago. While a new
    /// file is read, other calls go by the old one.
    pub async fn current(&self) -> Arc<Policy> {
        if self.0.is_due() {
            let followed = Arc::clone(&self.0);
            // In a task of its own, since whoever began it may give up.
            if let Err(error) = tokio::spawn(async move { followed.look().await }).await {
                tracing::error!(%error, "the policy file was not looked at");
            }
        }
        Arc::clone(&self.0.state().policy)
    }

    /// What is wrong with what stands in the file now, if that is not what is used.
    pub(crate) async fn trouble(&self) -> Option<String> {
        self.current().await;
        self.0.state().problem.clone()
    }

    /// 1 as long as what stands in the file is what is used, else 0.
    pub(crate) fn is_current(&self) -> Gauge {
        self.0.is_current.clone()
    }
}

impl Followed {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to look. Who is told so looks; others meanwhile are not.
    fn is_due(&self) -> bool {
        let now = self.clock.monotonic();
        let mut state = self.state();
        let due = now.saturating_sub(state.looked) >= LOOK_EVERY;
        if due {
            state.looked = now;
        }
        due
    }

    async fn look(&self) {
        let Ok(_one) = self.looking.try_lock() else { return };
        let text = match self.read().await {
            Ok(text) => text,
            Err(problem) => return self.complain(problem),
        };
        if text == self.state().seen {
            // It may have been away meanwhile.
            return self.keep();
        }
        // Half of a file is a file as well: it has to be the same a while later.
        tokio::time::sleep(SETTLE).await;
        match self.read().await {
            Ok(again) if again == text => {}
            _ => return,
        }
        let (file, targets) = (text.clone(), self.targets.clone());
        let words = Arc::clone(&self.words);
        let read = move || Policy::with_words(&file, &targets, &words);
        let policy = match tokio::task::spawn_blocking(read).await {
            Ok(Ok(policy)) => policy,
            Ok(Err(error)) => {
                self.state().seen = text;
                return self.complain(error.to_string());
            }
            Err(error) => return self.complain(error.to_string()),
        };
        let mut state = self.state();
        tracing::info!(
            file = %self.path.display(), hash = &**policy.hash(), before = &**state.policy.hash(),
            "the policy file has changed and is used"
        );
        *state = State { policy, looked: state.looked, seen: text, problem: None };
        self.is_current.set(1);
    }

    async fn read(&self) -> Result<String, String> {
        let path = self.path.clone();
        let read = move || match exposed(&path, Holds::Rules) {
            // Whoever that is did not mean what stands there, or meant nothing good.
            Some(Exposed::ToChanges(problem)) => Err(problem),
            // A pipe would wait for its writer, though something else takes its place meanwhile.
            _ => is_file(&path)
                .and_then(|()| read_text(&path, MAX_FILE).map_err(|error| error.to_string()))
                .map(|text| text.to_string())
                .map_err(|problem| format!("cannot be read: {problem}")),
        };
        self.reader.read(read).await
    }

    /// The file says again what it said last. If that was of no use, it still is not.
    fn keep(&self) {
        let mut state = self.state();
        if state.problem.is_some() && state.policy.is_of(&state.seen) {
            state.problem = None;
            self.is_current.set(1);
        }
    }

    /// Says once that what stands there now is of no use.
    fn complain(&self, problem: String) {
        let mut state = self.state();
        self.is_current.set(0);
        if state.problem.as_ref() != Some(&problem) {
            tracing::error!(
                file = %self.path.display(), problem, hash = &**state.policy.hash(),
                "the policy file cannot be used; the policies that were read before stay in use"
            );
            state.problem = Some(problem);
        }
    }
}
