use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use krb_proto::formats::{CacheEntry, CredentialCache};

use super::file::CacheFile;
use super::place::Place;
use super::unique::letters;
use crate::cache_error::CacheError;
use crate::files::{read_text, replace};

/// The file in the folder that says which cache its name means.
const PRIMARY: &str = "primary";
/// What the names of caches begin with, and the name of the first.
const CACHE: &str = "tkt";
/// A name in the file is no longer.
const MAX_NAME: u64 = 4096;
/// So many caches of a folder are looked at.
const MAX_CACHES: usize = 1_000;

/// A cache in a folder of caches, of which a file says which one the folder's name means.
pub(super) struct Dir {
    folder: PathBuf,
    file: CacheFile,
}

impl Dir {
    /// `PATH` is the folder, `:PATH` one of its caches.
    pub(super) fn resolve(residual: &str) -> Result<Self, CacheError> {
        if let Some(path) = residual.strip_prefix(':') {
            let path = PathBuf::from(path);
            let is_cache = path.file_name().is_some_and(|name| is_cache(&name.to_string_lossy()));
            return match path.parent() {
                Some(folder) if is_cache => Ok(Self::at(folder.to_owned(), path)),
                _ => Err(CacheError::BadName {
                    cache: format!("DIR:{residual}"),
                    why: "the caches of a folder have names that begin with tkt",
                }),
            };
        }
        let folder = PathBuf::from(residual);
        let primary = primary(&folder)?;
        let path = folder.join(&primary);
        Ok(Self::at(folder, path))
    }

    fn at(folder: PathBuf, path: PathBuf) -> Self {
        let name = format!("DIR::{}", path.display());
        Self { folder, file: CacheFile::named(path, name) }
    }

    /// All there are in a folder, the primary one first.
    pub(super) fn all(residual: &str) -> Result<Vec<Self>, CacheError> {
        if residual.starts_with(':') {
            return Ok(vec![Self::resolve(residual)?]);
        }
        let folder = PathBuf::from(residual);
        // Where the file says nothing that makes sense, none of them is.
        let primary = primary(&folder).unwrap_or_default();
        let files = match fs::read_dir(&folder) {
            Ok(files) => files,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(CacheError::io(format!("DIR:{residual}"))(error)),
        };
        let names = files.filter_map(|file| file.ok()?.file_name().into_string().ok());
        let mut names: Vec<_> = names.filter(|name| is_cache(name)).take(MAX_CACHES).collect();
        names.sort_by(|a, b| (*a != primary, a).cmp(&(*b != primary, b)));
        Ok(names.into_iter().map(|name| Self::at(folder.clone(), folder.join(name))).collect())
    }

    /// A cache of a name that no other has, beside the others of the folder.
    pub(super) fn unique(residual: &str) -> Result<Self, CacheError> {
        if residual.starts_with(':') {
            return Err(CacheError::NoCollection { cache: format!("DIR:{residual}") });
        }
        let folder = PathBuf::from(residual);
        let path = folder.join(format!("{CACHE}{}", letters()));
        Ok(Self::at(folder, path))
    }
}

impl Place for Dir {
    fn name(&self) -> String {
        self.file.name()
    }

    fn read(&self) -> Result<CredentialCache, CacheError> {
        self.file.read()
    }

    fn initialize(&self, cache: &CredentialCache, now: u32) -> Result<(), CacheError> {
        make(&self.folder)?;
        self.file.initialize(cache, now)
    }

    fn store(&self, entries: &[CacheEntry], now: u32) -> Result<(), CacheError> {
        self.file.store(entries, now)
    }

    fn destroy(&self) -> Result<bool, CacheError> {
        self.file.destroy()
    }

    fn switch_to(&self) -> Result<(), CacheError> {
        let name = self.file.path().file_name().map(|name| name.to_string_lossy().into_owned());
        let line = format!("{}\n", name.unwrap_or_default());
        let primary = self.folder.join(PRIMARY);
        let named =
            |error| CacheError::Io { cache: primary.display().to_string(), error: Arc::new(error) };
        replace(&primary, line.as_bytes(), false).map_err(named)
    }
}

fn is_cache(name: &str) -> bool {
    name.starts_with(CACHE) && !name.contains('/')
}

/// The name of the cache that a folder's name means.
fn primary(folder: &Path) -> Result<String, CacheError> {
    let file = folder.join(PRIMARY);
    let text = match read_text(&file, MAX_NAME) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(CACHE.to_owned()),
        Err(error) => return Err(CacheError::io(file.display().to_string())(error)),
    };
    match text.strip_suffix('\n') {
        Some(name) if is_cache(name) => Ok(name.to_owned()),
        _ => Err(CacheError::BadName {
            cache: file.display().to_string(),
            why: "it should have one line, the name of a cache beside it, which begins with tkt",
        }),
    }
}

/// Makes the folder, for its owner alone, if there is none.
fn make(folder: &Path) -> Result<(), CacheError> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(CacheError::Io { cache: folder.display().to_string(), error: Arc::new(error) })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
