//! ccache and keytab files, as MIT's tools read and write them, and text as editors write it.

mod bytes;
mod name;
mod text;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use krb_proto::crypto::SUPPORTED;
use krb_proto::exchange::ClientSecret;
use krb_proto::formats::{CredentialCache, FormatError, Keytab};
use krb_proto::{Credential, Principal};
use zeroize::Zeroizing;

use crate::ClientError;
pub use name::{ccache_path, keytab_path};
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

/// Reads a ccache or a keytab.
pub(crate) fn read_bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, ClientError> {
    bytes::read_bytes(path, MAX_FILE).map_err(failed(path))
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

/// Reads a FILE ccache of any version.
///
/// # Errors
/// [`ClientError`].
pub async fn read_ccache(path: &Path) -> Result<CredentialCache, ClientError> {
    read(path, CredentialCache::from_bytes).await
}

/// The ticket-granting ticket of a realm in a ccache, such as armor is (`kinit -T`).
///
/// # Errors
/// [`ClientError`].
pub async fn read_tgt(path: &Path, realm: &[u8]) -> Result<Credential, ClientError> {
    let krbtgt = Principal::krbtgt(realm);
    let cache = read_ccache(path).await?;
    let entry = cache.entries.iter().find(|entry| entry.server.is_same(&krbtgt));
    let error =
        || ClientError::NoTicket { path: path.display().to_string(), server: krbtgt.clone() };
    entry.and_then(|entry| entry.credential().ok()).ok_or_else(error)
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

/// Writes a FILE ccache (version 4) that holds these tickets, with mode 0600, in one step: a
/// reader finds the old file or the new one.
///
/// # Errors
/// [`ClientError`].
pub async fn write_ccache(
    path: &Path,
    default_principal: &Principal,
    credentials: &[&Credential],
) -> Result<(), ClientError> {
    let mut cache = CredentialCache::new(default_principal.clone());
    cache.entries.extend(credentials.iter().map(|&credential| credential.into()));
    write_secret(path, cache.to_bytes()).await
}

/// Writes a keytab file, with mode 0600 and in one step, as [`write_ccache`] does.
///
/// # Errors
/// [`ClientError`].
pub async fn write_keytab(path: &Path, keytab: &Keytab) -> Result<(), ClientError> {
    let named = |error| ClientError::Format { path: path.display().to_string(), error };
    write_secret(path, keytab.to_bytes().map_err(named)?).await
}

async fn write_secret(path: &Path, bytes: Zeroizing<Vec<u8>>) -> Result<(), ClientError> {
    let target = path.to_owned();
    let task = tokio::task::spawn_blocking(move || replace_file(&target, &bytes));
    task.await.map_err(std::io::Error::other).flatten().map_err(failed(path))
}

fn replace_file(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    });
    if written.is_err() {
        // Nothing half-written stays behind; that the removal may fail too changes nothing.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

#[cfg(test)]
mod tests;
