//! What a file holds, or a named secret is, while the server runs: whatever replaces it is used from
//! then on, however it got there (a file that is written anew, a link that is swapped). What is half
//! written, or of no use, changes nothing and says so.

use std::fmt;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use krb_client::files::read_text;
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use crate::Holds;
use crate::exposed::Judge;
use crate::reader::Reader;
use crate::secret::{Secret, read_secret};
use crate::sha256::sha256;

/// How old what was read may be when it is used.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What has changed is looked at again after this, since it may still be in the making.
const SETTLE: Duration = Duration::from_millis(100);
/// Many times a key's, a token's or a secret's.
const MAX_FILE: u64 = 64 << 10;
/// Stands between the texts of two files, and in none.
pub(crate) const PAIR: char = '\0';

/// Where a text stands.
#[derive(Clone)]
pub(crate) enum Place {
    /// In a file, which is a secret.
    File(PathBuf),
    /// In a file with certificates, of so many bytes at most: what stands between them may be in any
    /// encoding.
    Certificates(PathBuf, u64),
    /// In a file with certificates and one with their key, of so many bytes at most each, with `PAIR`
    /// between them.
    Pair(PathBuf, PathBuf, u64),
    /// Where a secret of the configuration is.
    Secret(Secret),
    /// In a file of secrets, where one was found at first: what the environment has under its name may
    /// be older.
    SecretFile(PathBuf),
}

impl Place {
    fn read(&self) -> Result<Zeroizing<String>, String> {
        match self {
            Self::File(path) => {
                let text = read_text(path, MAX_FILE);
                text.map_err(|error| format!("{}: {error}", path.display()))
            }
            Self::Certificates(path, limit) => {
                let text = read_certificates(path, *limit);
                text.map_err(|problem| format!("{}: {problem}", path.display()))
            }
            Self::Pair(one, other, limit) => {
                let read = |path: &Path| {
                    let text = read_text(path, *limit);
                    text.map_err(|error| format!("{}: {error}", path.display()))
                };
                let (one, other) = (read(one)?, read(other)?);
                // As long as both: no copy is left where it grew.
                let mut both = Zeroizing::new(String::with_capacity(one.len() + 1 + other.len()));
                both.push_str(&one);
                both.push(PAIR);
                both.push_str(&other);
                Ok(both)
            }
            Self::Secret(secret) => secret.resolve().map_err(|error| error.to_string()),
            Self::SecretFile(path) => {
                read_secret(path).map_err(|error| format!("{}: {error}", path.display()))
            }
        }
    }

    /// Reads it again, if it is still where it can be: a pipe would wait for its writer, and whoever
    /// needs what it says for that. What anybody may have changed is not read.
    fn read_again(&self, judge: &Judge) -> Result<Zeroizing<String>, String> {
        for (path, holds) in self.files() {
            is_file(path).map_err(|problem| format!("{}: {problem}", path.display()))?;
            judge.look(path, holds)?;
        }
        self.read()
    }

    /// The files that it is in, if it is in any, and what they hold.
    fn files(&self) -> Vec<(&Path, Holds)> {
        match self {
            Self::File(path) | Self::SecretFile(path) => vec![(path, Holds::Secret)],
            Self::Certificates(path, _) => vec![(path, Holds::Rules)],
            Self::Pair(one, other, _) => vec![(one, Holds::Rules), (other, Holds::Secret)],
            Self::Secret(_) => vec![],
        }
    }

    /// What is wrong with what it says, told with where that stands: in both files where there are two.
    fn told(&self, problem: String) -> String {
        let files = self.files().into_iter().map(|(path, _)| path.display().to_string());
        let files = files.collect::<Vec<_>>();
        if files.is_empty() { problem } else { format!("{}: {problem}", files.join(" and ")) }
    }

    /// Where it is from now on.
    fn settled(self) -> Self {
        match self {
            Self::Secret(secret) => {
                secret.file().map_or_else(|| Self::Secret(secret), Self::SecretFile)
            }
            place => place,
        }
    }
}

fn read_certificates(path: &Path, limit: u64) -> Result<Zeroizing<String>, String> {
    match read_text(path, limit) {
        Ok(text) => return Ok(text),
        Err(error) if error.kind() == ErrorKind::InvalidData => {}
        Err(error) => return Err(error.to_string()),
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut content = Zeroizing::new(Vec::new());
    file.take(limit + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if content.len() as u64 > limit {
        return Err(format!("it is larger than {limit} bytes"));
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(&content).into_owned()))
}

pub(crate) fn is_file(path: &Path) -> Result<(), String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_file() { Ok(()) } else { Err("it is no file".into()) }
}

/// What was made of the text, as it stands there now.
/// Clones are one.
pub(crate) struct Followed<T>(Arc<Shared<T>>);

struct Shared<T> {
    /// Which setting names it.
    setting: String,
    place: Place,
    make: Make<T>,
    seen: Mutex<Seen<T>>,
    /// Held while the place is looked at.
    looking: tokio::sync::Mutex<()>,
    reader: Reader,
    judge: Arc<Judge>,
}

type Make<T> = Box<dyn Fn(&str) -> Result<T, String> + Send + Sync>;

struct Seen<T> {
    at: Instant,
    value: Arc<T>,
    /// Of the text that `value` was made of.
    used: [u8; 32],
    /// Of the text that was read last.
    last: [u8; 32],
    /// What is wrong with what stands there now, once it was said.
    problem: Option<String>,
    /// How often it was replaced.
    replaced: u64,
}

/// A secret of the configuration as it is: a password, a client's secret.
pub(crate) type Password = Followed<Zeroizing<String>>;

impl Password {
    /// Reads it, and follows it from now on.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn of(setting: String, secret: Secret) -> Result<Self, String> {
        let make = |text: &str| match text {
            "" => Err("is empty".to_owned()),
            text => Ok(Zeroizing::new(text.to_owned())),
        };
        Self::open(setting, Place::Secret(secret), make)
    }
}

impl<T: Send + Sync + 'static> Followed<T> {
    /// Reads it, and follows it from now on.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn open(
        setting: String,
        place: Place,
        make: impl Fn(&str) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let place = place.settled();
        let text = place.read()?;
        let value = make(&text).map_err(|problem| place.told(problem))?;
        let (value, used) = (Arc::new(value), sha256(text.as_bytes()));
        let at = Instant::now();
        let seen = Seen { at, value, used, last: used, problem: None, replaced: 0 };
        let (make, seen) = (Box::new(make), Mutex::new(seen));
        let (looking, reader) = Default::default();
        let judge = Arc::new(Judge::new(setting.clone(), place.files()));
        Ok(Self(Arc::new(Shared { setting, place, make, seen, looking, reader, judge })))
    }

    /// What is used now, and how often it was replaced before.
    pub(crate) async fn current(&self) -> (Arc<T>, u64) {
        if self.0.is_due() {
            let shared = Arc::clone(&self.0);
            // In a task of its own, since whoever began it may give up.
            let look = async move {
                if let Ok(_one) = shared.looking.try_lock() {
                    shared.look().await;
                }
            };
            if let Err(error) = tokio::spawn(look).await {
                tracing::error!(%error, "a file was not looked at");
            }
        }
        let seen = self.0.seen();
        (Arc::clone(&seen.value), seen.replaced)
    }

    /// What was used when it was looked at last.
    pub(crate) fn latest(&self) -> Arc<T> {
        Arc::clone(&self.0.seen().value)
    }

    /// Is there another than the one that was current when it had been replaced so often? Looks, though
    /// it is not yet time.
    pub(crate) async fn is_newer_than(&self, replaced: u64) -> bool {
        let shared = Arc::clone(&self.0);
        // In a task of its own, since whoever asks may give up.
        let look = async move {
            let _one = shared.looking.lock().await;
            if shared.seen().replaced == replaced {
                shared.look().await;
            }
        };
        if let Err(error) = tokio::spawn(look).await {
            tracing::error!(%error, "a file was not looked at");
        }
        self.0.seen().replaced != replaced
    }

    /// The setting, and what is wrong with what stands there now, if it is not what is used.
    pub(crate) async fn trouble(&self) -> (String, Option<String>) {
        self.current().await;
        (self.0.setting.clone(), self.0.seen().problem.clone())
    }
}

impl<T> Clone for Followed<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> PartialEq for Followed<T> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<T> Eq for Followed<T> {}

impl<T> fmt::Debug for Followed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Followed").field(&self.0.setting).finish()
    }
}

impl<T> Shared<T> {
    fn seen(&self) -> MutexGuard<'_, Seen<T>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to look. Who is told so looks; others meanwhile are not.
    fn is_due(&self) -> bool {
        if matches!(self.place, Place::Secret(Secret::Plain(_))) {
            return false;
        }
        let mut seen = self.seen();
        let due = seen.at.elapsed() >= LOOK_EVERY;
        if due {
            seen.at = Instant::now();
        }
        due
    }

    async fn look(&self) {
        let text = match self.read().await {
            Ok(text) => text,
            Err(problem) => return self.complain(problem),
        };
        let found = sha256(text.as_bytes());
        {
            let mut seen = self.seen();
            if found == seen.used {
                // It may have been away meanwhile.
                (seen.last, seen.problem) = (found, None);
                return;
            }
            if found == seen.last && seen.problem.is_some() {
                return;
            }
        }
        // Half of a file is a file as well: it has to be the same a while later.
        sleep(SETTLE).await;
        match self.read().await {
            Ok(again) if *again == *text => {}
            _ => return,
        }
        let made = (self.make)(&text);
        let mut seen = self.seen();
        seen.last = found;
        match made {
            Ok(value) => {
                (seen.value, seen.used, seen.problem) = (Arc::new(value), found, None);
                seen.replaced += 1;
                tracing::info!(setting = self.setting, "what it names has changed and is used");
            }
            Err(problem) => {
                drop(seen);
                self.complain(self.place.told(problem));
            }
        }
    }

    async fn read(&self) -> Result<Zeroizing<String>, String> {
        let (place, judge) = (self.place.clone(), Arc::clone(&self.judge));
        self.reader.read(move || place.read_again(&judge)).await
    }

    /// Says once that what stands there now is of no use.
    fn complain(&self, problem: String) {
        let mut seen = self.seen();
        if seen.problem.as_ref() != Some(&problem) {
            let setting = &self.setting;
            tracing::warn!(
                setting,
                problem,
                "what it names cannot be used; what was read before stays in use"
            );
            seen.problem = Some(problem);
        }
    }
}

#[cfg(test)]
mod tests;
