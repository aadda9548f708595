//! krb5.conf from disks.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::{Path, PathBuf};

use krb_proto::formats::krb5_conf::{ConfError, Includes, Krb5Conf, MAX_BYTES};

const DEFAULT: &str = "/etc/krb5.conf";
/// No more entries of a directory are looked at.
const MAX_ENTRIES: usize = 4096;

/// Why there is no krb5.conf.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Krb5ConfError {
    /// Something is wrong in it, or in a file that it includes.
    #[error(transparent)]
    Content(#[from] ConfError),
    /// It cannot be read.
    #[error("{path}: {error}")]
    File {
        /// Which file.
        path: String,
        /// Why not.
        error: Error,
    },
    /// None of the files is there.
    #[error("there is no {0}; name files that exist, or none (KRB5_CONFIG)")]
    Missing(String),
}

/// Reads these files as one configuration, as MIT's library reads a list in `KRB5_CONFIG`: files
/// that do not exist are passed over, as long as one does. Unlike there, one that exists and may not
/// be read is an error: what it says is meant.
///
/// # Errors
/// [`Krb5ConfError`].
pub async fn read_krb5_conf(paths: Vec<PathBuf>) -> Result<Krb5Conf, Krb5ConfError> {
    let read = tokio::task::spawn_blocking(move || read(&paths)).await;
    read.unwrap_or_else(|error| Err(Krb5ConfError::Missing(error.to_string())))
}

/// Reads the files that `KRB5_CONFIG` lists, or `/etc/krb5.conf` if it is not set; then it is an
/// empty configuration if there is no such file. It is one as well where the variable is set and
/// lists none, as to MIT's library.
///
/// # Errors
/// [`Krb5ConfError`].
pub async fn krb5_conf_from_environment() -> Result<Krb5Conf, Krb5ConfError> {
    listed(std::env::var_os("KRB5_CONFIG")).await
}

pub(super) async fn listed(list: Option<OsString>) -> Result<Krb5Conf, Krb5ConfError> {
    match list {
        Some(list) if list.is_empty() => Ok(Krb5Conf::default()),
        Some(list) => read_krb5_conf(std::env::split_paths(&list).collect()).await,
        None => match read_krb5_conf(vec![DEFAULT.into()]).await {
            Err(Krb5ConfError::Missing(_)) => Ok(Krb5Conf::default()),
            read => read,
        },
    }
}

fn read(paths: &[PathBuf]) -> Result<Krb5Conf, Krb5ConfError> {
    let mut conf = None;
    for path in paths.iter().filter(|path| !path.as_os_str().is_empty()) {
        let bytes = match read_file(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(Krb5ConfError::File { path: path.display().to_string(), error });
            }
        };
        let before: Krb5Conf = conf.take().unwrap_or_default();
        conf = Some(before.with_file(&path.display().to_string(), &bytes, &mut Disk)?);
    }
    let names = || paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>();
    conf.ok_or_else(|| Krb5ConfError::Missing(names().join(", ")))
}

/// A file's bytes, one more than are allowed at most, so that whoever counts sees it. What is no file
/// might never end, or never begin.
fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    // Who names it wants an empty configuration.
    if path == Path::new("/dev/null") {
        return Ok(Vec::new());
    }
    if !std::fs::metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "it is not a regular file"));
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

struct Disk;

impl Includes for Disk {
    fn file(&mut self, name: &str) -> Result<Vec<u8>, String> {
        read_file(name.as_ref()).map_err(|error| error.to_string())
    }

    fn directory(&mut self, name: &str) -> Result<Vec<String>, String> {
        let entries = std::fs::read_dir(name).map_err(|error| error.to_string())?;
        let names = entries.take(MAX_ENTRIES).map(|entry| entry.map(|entry| entry.file_name()));
        let names = names.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        // Names that are not UTF-8 are none that are included.
        Ok(names.into_iter().filter_map(|name| name.into_string().ok()).collect())
    }
}
