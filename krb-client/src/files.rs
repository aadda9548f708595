//! Keytab files, as MIT's tools read and write them, and text as editors write it.

mod bytes;
#[cfg(feature = "pkinit")]
mod identity;
mod lock;
mod name;
mod text;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use krb_proto::Principal;
use krb_proto::crypto::SUPPORTED;
use krb_proto::exchange::ClientSecret;
use krb_proto::formats::{FormatError, Keytab};
use krb_proto::iana::EncType;
use zeroize::Zeroizing;

use crate::ClientError;
#[cfg(feature = "pkinit")]
pub use identity::{read_anchors, read_signer};
pub(crate) use lock::{PATIENCE, lock};
pub(crate) use name::is_path;
pub use name::keytab_path;
pub use text::read_text;

/// Neither a ccache nor a keytab is longer than this in any use that we know.
const MAX_FILE: u64 = 64 << 20;

pub(crate) fn failed(path: &Path) -> impl Fn(std::io::Error) -> ClientError {
    let path = path.display().to_string();
    move |error| ClientError::File { path: path.clone(), error: Arc::new(error) }
}

async fn read<T>(
    path: &Path,
    format: impl FnOnce(&[u8]) -> Result<T, FormatError>,
) -> Result<T, ClientError> {
    let name = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_bytes(&name));
    parse(path, &read.await.unwrap_or(Err(ClientError::Abandoned))?, format)
}

/// Reads a keytab.
pub(crate) fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    bytes::read_bytes(path, MAX_FILE).map_err(failed(path))
}

/// Reads what is open already, as one that is locked.
pub(crate) fn read_open(file: &mut std::fs::File) -> std::io::Result<Zeroizing<Vec<u8>>> {
    bytes::read_open(file, MAX_FILE)
}

pub(crate) fn parse<T>(
    path: &Path,
    bytes: &[u8],
    format: impl FnOnce(&[u8]) -> Result<T, FormatError>,
) -> Result<T, ClientError> {
    format(bytes).map_err(|error| ClientError::Format { path: path.display().to_string(), error })
}

/// Reads a keytab file.
///
/// # Errors
/// [`ClientError`].
pub async fn read_keytab(path: &Path) -> Result<Keytab, ClientError> {
    read(path, Keytab::from_bytes).await
}

/// The keys of an account in a keytab to log in with, in the order of [`Keytab::login_keys`]: per
/// enctype the newest and the one before, the strongest enctype that AD also takes first.
///
/// # Errors
/// If there is none of an enctype that this client uses.
pub fn client_keys(keytab: &Keytab, account: &Principal) -> Result<ClientSecret, ClientError> {
    let keys = keytab.login_keys(account, SUPPORTED);
    if keys.is_empty() {
        return Err(ClientError::NoKey { principal: account.to_string() });
    }
    Ok(ClientSecret::Keys(keys))
}

/// The same of these enctypes. RC4 is broken: of those who have it there only, and are to use it by
/// somebody's word, such as [`Realms::login_enctypes`](crate::Realms::login_enctypes).
///
/// # Errors
/// If there is none of these enctypes.
pub fn danger_client_keys(
    keytab: &Keytab,
    account: &Principal,
    enctypes: &[EncType],
) -> Result<ClientSecret, ClientError> {
    let keys = keytab.danger_login_keys(account, enctypes);
    if keys.is_empty() {
        return Err(ClientError::NoKey { principal: account.to_string() });
    }
    Ok(ClientSecret::Keys(keys))
}

/// Writes a keytab file, with mode 0600 and in one step: a reader finds the old file or the new one.
///
/// # Errors
/// [`ClientError`].
pub async fn write_keytab(path: &Path, keytab: &Keytab) -> Result<(), ClientError> {
    let named = |error| ClientError::Format { path: path.display().to_string(), error };
    write_secret(path, keytab.to_bytes().map_err(named)?).await
}

async fn write_secret(path: &Path, bytes: Zeroizing<Vec<u8>>) -> Result<(), ClientError> {
    let target = path.to_owned();
    let task = tokio::task::spawn_blocking(move || replace(&target, &bytes, true));
    task.await.map_err(std::io::Error::other).flatten().map_err(failed(path))
}

/// Is nothing in this place but a regular file, or a link to one or to nothing? A device, a pipe or a
/// folder has been named by mistake, and is not to be taken away: of root's `/dev/null` there is one.
pub(crate) fn may_be_taken_away(path: &Path) -> std::io::Result<()> {
    match std::fs::metadata(path) {
        Ok(there) if !there.is_file() => Err(no_regular_file()),
        _ => Ok(()),
    }
}

pub(crate) fn no_regular_file() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, "it is no regular file")
}

/// Puts a file of these bytes, for its owner alone (mode 0600), in the place of the one that is
/// there, in one step: a reader finds the old file or the new one. What is there and no file stays.
/// What has to outlive a loss of power is durable; the next login makes tickets anew, and would wait
/// for the disk otherwise.
pub(crate) fn replace(path: &Path, bytes: &[u8], durable: bool) -> std::io::Result<()> {
    may_be_taken_away(path)?;
    // Hidden, since in a folder of caches whatever is named like one is one.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".{name}.{:016x}", rand::random::<u64>()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        std::fs::rename(&temporary, path)
    });
    if written.is_err() {
        // Nothing half-written stays behind; that the removal may fail too changes nothing.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}
