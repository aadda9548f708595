use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use krb_client::files;
use krb_proto::formats::Keytab;

use crate::Failure;
use crate::output::Unusable;

/// Others that change keytabs are waited for so long; each takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Changes a keytab in one step: who reads it finds the old one or the new one. One that is not
/// there begins empty. Two that change it at once do so one after the other.
pub(super) async fn edit<T>(
    path: &Path,
    change: impl FnOnce(&mut Keytab) -> Result<T, Failure>,
) -> Result<T, Failure> {
    // The file that a link leads to, not the link, is what is replaced.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let _lock =
        lock_folder_of(&path).await.map_err(|error| Unusable::new(path.display(), error))?;
    let mut keytab = match path.try_exists() {
        Ok(false) => Keytab::default(),
        _ => files::read_keytab(&path).await?,
    };
    let outcome = change(&mut keytab)?;
    files::write_keytab(&path, &keytab).await?;
    Ok(outcome)
}

/// The file itself is another one after each change, so its folder is what is locked.
#[cfg(unix)]
async fn lock_folder_of(path: &Path) -> io::Result<Option<File>> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = File::open(folder.unwrap_or(Path::new(".")))?;
    let locked = async {
        loop {
            match folder.try_lock() {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(5)).await,
                // A file system without locks has nobody who could be waited for.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(());
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
    };
    match tokio::time::timeout(PATIENCE, locked).await {
        Ok(outcome) => outcome.map(|()| Some(folder)),
        Err(_) => Err(io::Error::other("somebody else keeps its folder locked")),
    }
}

#[cfg(not(unix))]
async fn lock_folder_of(_path: &Path) -> io::Result<Option<File>> {
    Ok(None)
}
