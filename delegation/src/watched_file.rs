//! Files that are replaced while the server runs, as mounted secrets and certificates are.

use std::fmt;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_client::files::read_text;
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::sha256::sha256;

/// How old what was read of a file may be.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a file holds, read again when it was replaced. What is half written, cannot be read or is of no
/// use changes nothing until it can be used.
pub(crate) struct WatchedFile<T> {
    path: PathBuf,
    /// What it is to people.
    what: &'static str,
    /// In bytes.
    limit: u64,
    parse: Parse<T>,
    seen: Mutex<Seen<T>>,
}

type Parse<T> = Box<dyn Fn(&[u8]) -> Result<T, String> + Send + Sync>;

struct Seen<T> {
    at: Instant,
    /// Of what was read last, good or not.
    digest: [u8; 32],
    /// Why the last look found nothing to read, once it was said.
    is_missed: Option<String>,
    /// What is wrong with what was read last.
    is_no_good: Option<String>,
    /// Of the last content that could be used.
    value: Arc<T>,
}

impl<T> WatchedFile<T> {
    /// Reads a file that must be of use now. Text comes in UTF-8, whichever editor wrote it; what is no
    /// such text comes as it is.
    pub(crate) fn open(
        path: PathBuf,
        what: &'static str,
        limit: u64,
        parse: impl Fn(&[u8]) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let problem = |problem: String| format!("{}: {problem}", path.display());
        let content = read(&path, limit).map_err(problem)?;
        let value = Arc::new(parse(&content).map_err(problem)?);
        let digest = sha256(&content);
        let seen = Mutex::new(Seen {
            at: Instant::now(),
            digest,
            is_missed: None,
            is_no_good: None,
            value,
        });
        Ok(Self { path, what, limit, parse: Box::new(parse), seen })
    }

    /// What it holds now.
    pub(crate) fn current(&self) -> Arc<T> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.at.elapsed() >= LOOK_AGAIN {
            self.look(&mut seen);
        }
        Arc::clone(&seen.value)
    }

    /// What is wrong with what stands there now, if that is not what is used.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.current();
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.is_missed.clone().or_else(|| seen.is_no_good.clone())
    }

    fn look(&self, seen: &mut Seen<T>) {
        seen.at = Instant::now();
        let (file, what) = (self.path.display(), self.what);
        let content = match is_file(&self.path).and_then(|()| read(&self.path, self.limit)) {
            Ok(content) => content,
            Err(problem) => {
                if seen.is_missed.as_ref() != Some(&problem) {
                    tracing::warn!(
                        %file, what, problem, "a file cannot be read; what stood in it is used"
                    );
                    seen.is_missed = Some(problem);
                }
                return;
            }
        };
        seen.is_missed = None;
        let digest = sha256(&content);
        if std::mem::replace(&mut seen.digest, digest) == digest {
            return;
        }
        match (self.parse)(&content) {
            Ok(value) => {
                (seen.value, seen.is_no_good) = (Arc::new(value), None);
                tracing::info!(%file, what, "a file has changed and is used");
            }
            Err(problem) => {
                tracing::warn!(%file, what, problem, "a file is no good; what stood in it is used");
                seen.is_no_good = Some(problem);
            }
        }
    }
}

impl<T> fmt::Debug for WatchedFile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WatchedFile").field(&self.path).finish()
    }
}

/// What is no text is read as it is: between certificates words may stand in any encoding.
fn read(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, String> {
    match read_text(path, limit) {
        Ok(text) => return Ok(Zeroizing::new(text.as_bytes().to_vec())),
        Err(error) if error.kind() == ErrorKind::InvalidData => {}
        Err(error) => return Err(error.to_string()),
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut content = Zeroizing::new(Vec::new());
    file.take(limit + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
    if content.len() as u64 > limit {
        return Err(format!("it is larger than {limit} bytes"));
    }
    Ok(content)
}

/// Reading a pipe would wait for its writer, and whoever needs the file for that.
pub(crate) fn is_file(path: &Path) -> Result<(), String> {
    let metadata = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if metadata.is_file() { Ok(()) } else { Err("it is no file".into()) }
}
