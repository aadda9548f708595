//! Whoever may change a file that says who is believed, or read one with a key in it, needs no other
//! way in. Its owner and its group are the operator's to choose: in Kubernetes secrets are root's, and a
//! group reads them.

#[cfg(unix)]
mod mounts;

use std::collections::HashMap;
#[cfg(unix)]
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::Holds;
#[cfg(unix)]
use mounts::nobody_changes;

/// Who may do it, of the three that a mode speaks of.
const ANYBODY_READS: u32 = 0o004;
const ANYBODY_WRITES: u32 = 0o002;
/// Of a folder: who made a name in it, and nobody else, may put another thing in its place.
const STICKY: u32 = 0o1000;
/// More links on the way to one file would be a circle, to systems as well.
const MAX_LINKS: usize = 40;

/// What there is to say of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exposed {
    /// It is not to be believed.
    ToChanges(String),
    /// Its secret may be known.
    ToReaders(String),
}

/// What there is to say of a file, if anything. Links are followed: Kubernetes' own may be anybody's to
/// read. What is not there, or is no file, is for whoever reads it to complain of.
#[must_use]
pub fn exposed(path: &Path, holds: Holds) -> Option<Exposed> {
    let mode = mode_of_file(path)?;
    let (path, shown) = (path, path.display());
    if holds != Holds::State && mode & ANYBODY_WRITES != 0 && !nobody_changes(path) {
        let problem = format!(
            "{shown} may be changed by anybody on this machine (mode {mode:04o}): chmod o-w"
        );
        return Some(Exposed::ToChanges(problem));
    }
    if holds != Holds::State
        && let Some((folder, mode)) = replaceable(path)
    {
        let problem = format!(
            "anybody on this machine may put another file in the place of {shown}: the folder {} may \
             be written by them (mode {mode:04o}): chmod o-w, or chmod +t",
            folder.display()
        );
        return Some(Exposed::ToChanges(problem));
    }
    (holds == Holds::Secret && mode & ANYBODY_READS != 0).then(|| {
        Exposed::ToReaders(format!(
            "{shown} may be read by anybody on this machine (mode {mode:04o}): chmod o-r, in \
             Kubernetes defaultMode: 0440"
        ))
    })
}

#[cfg(unix)]
fn mode_of_file(path: &Path) -> Option<u32> {
    let metadata = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some(std::os::unix::fs::MetadataExt::mode(&metadata) & 0o777)
}

#[cfg(not(unix))]
fn mode_of_file(_: &Path) -> Option<u32> {
    None
}

/// A folder on the way to a file, of those that hold it, each other and the links that lead there, in which
/// anybody may exchange any name.
#[cfg(unix)]
fn replaceable(file: &Path) -> Option<(PathBuf, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    folders(file).into_iter().find_map(|folder| {
        let mode = std::fs::metadata(&folder).ok()?.mode() & 0o7777;
        let is_open = mode & ANYBODY_WRITES != 0 && mode & STICKY == 0;
        (is_open && !nobody_changes(&folder)).then_some((folder, mode))
    })
}

#[cfg(not(unix))]
fn replaceable(_: &Path) -> Option<(PathBuf, u32)> {
    None
}

/// The folders in which a name is looked up on the way to a file, by links, too.
#[cfg(unix)]
fn folders(file: &Path) -> Vec<PathBuf> {
    let Ok(file) = std::path::absolute(file) else { return Vec::new() };
    let parts = |path: &Path| -> Vec<OsString> { path.iter().rev().map(OsStr::to_owned).collect() };
    let (mut at, mut rest, mut found, mut links) = (PathBuf::new(), parts(&file), Vec::new(), 0);
    while let Some(part) = rest.pop() {
        match part.to_str() {
            Some("..") => {
                at.pop();
                continue;
            }
            Some("/") => {
                at = PathBuf::from("/");
                continue;
            }
            _ => {}
        }
        if !found.contains(&at) {
            found.push(at.clone());
        }
        at.push(part);
        if let Ok(target) = std::fs::read_link(&at) {
            links += 1;
            if links > MAX_LINKS {
                break;
            }
            at.pop();
            rest.extend(parts(&target));
        }
    }
    found
}

#[cfg(not(unix))]
fn nobody_changes(_: &Path) -> bool {
    false
}

/// Judges files again while the server runs. What it found when it was made is said by whoever starts the
/// server.
#[derive(Debug)]
pub(crate) struct Judge {
    /// Which setting names them.
    setting: String,
    /// What was said of them last.
    told: Mutex<HashMap<PathBuf, String>>,
}

impl Judge {
    pub(crate) fn new<'a>(
        setting: String,
        files: impl IntoIterator<Item = (&'a Path, Holds)>,
    ) -> Self {
        let readable = |(path, holds)| match exposed(path, holds) {
            Some(Exposed::ToReaders(problem)) => Some((path.to_owned(), problem)),
            _ => None,
        };
        let told = Mutex::new(files.into_iter().filter_map(readable).collect());
        Self { setting, told }
    }

    /// Looks at one. That anybody may read a secret is said once.
    ///
    /// # Errors
    /// Anybody may change it: it is not to be believed.
    pub(crate) fn look(&self, path: &Path, holds: Holds) -> Result<(), String> {
        let found = exposed(path, holds);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match found {
            Some(Exposed::ToChanges(problem)) => return Err(problem),
            Some(Exposed::ToReaders(problem)) => {
                if told.get(path) != Some(&problem) {
                    tracing::warn!(setting = self.setting, problem, "what was replaced is exposed");
                    told.insert(path.to_owned(), problem);
                }
            }
            None => {
                told.remove(path);
            }
        }
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::{Permissions, create_dir, remove_dir_all, set_permissions, write};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    /// Whoever may write a folder needs no right to a file in it, nor to the folders below.
    #[test]
    fn a_folder_that_anybody_writes_is_as_a_file_that_they_do() {
        let directory = std::env::temp_dir().join(format!("krb-exposed-{}", std::process::id()));
        let _ = remove_dir_all(&directory);
        create_dir(&directory).unwrap();
        for folder in ["links", "far", "far/near"] {
            create_dir(directory.join(folder)).unwrap();
        }
        let file = directory.join("far/near/policy.cedar");
        write(&file, "").unwrap();
        set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let named = directory.join("links/policy.cedar");
        symlink("../far/../far/near/policy.cedar", &named).unwrap();
        let open = |folder: &str, mode| {
            let folder = directory.join(folder);
            set_permissions(folder, Permissions::from_mode(mode)).unwrap();
        };
        for holds in [Holds::Rules, Holds::Secret] {
            for folder in ["links", "far", "far/near"] {
                open(folder, 0o777);
                let Some(Exposed::ToChanges(problem)) = exposed(&named, holds) else {
                    panic!("{folder}: nothing is said")
                };
                let said = format!("the folder {} may", directory.join(folder).display());
                assert!(problem.contains(&said) && problem.contains("0777"), "{problem}");
                assert!(exposed(&named, Holds::State).is_none());
                // As /tmp, and as Kubernetes' volumes.
                for good in [0o1777, 0o775] {
                    open(folder, good);
                    let said = exposed(&named, Holds::Rules);
                    assert!(said.is_none(), "{folder} {good:o}");
                }
            }
        }
        symlink("round", directory.join("round")).unwrap();
        assert!(exposed(&directory.join("round"), Holds::Rules).is_none(), "it is no file");
        remove_dir_all(&directory).unwrap();
    }
}
