//! Whoever may change a file that says who is believed, or read one with a key in it, needs no other
//! way in. Its owner and its group are the operator's to choose: in Kubernetes secrets are root's, and a
//! group reads them.

#[cfg(unix)]
use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use krb_delegation::secret::Secret;
use krb_delegation::{ConfigError, Holds};

use super::Config;

/// Who may do it, of the three that a mode speaks of.
const ANYBODY_READS: u32 = 0o004;
const ANYBODY_WRITES: u32 = 0o002;
/// Of a folder: who made a name in it, and nobody else, may put another thing in its place.
const STICKY: u32 = 0o1000;
/// More links on the way to one file would be a circle, to systems as well.
const MAX_LINKS: usize = 40;

/// What there is to say of one file.
enum Exposed {
    /// It is not to be believed.
    ToChanges(String),
    /// Its secret may be known.
    ToReaders(String),
}

impl Config {
    /// Refuses what it says if anybody on this machine may change it, or a file that it names; returns
    /// what is to be said of those that anybody may read and should not. The configuration was read
    /// from `file`.
    ///
    /// # Errors
    /// The first file that anybody may change.
    pub(crate) fn exposed(&self, file: &Path) -> Result<Vec<String>, ConfigError> {
        let has_one = self.secrets.iter().any(|secret| matches!(secret, Secret::Plain(_)));
        let itself = if has_one { Holds::Secret } else { Holds::Rules };
        let mut found = vec![("this file".to_owned(), exposed(file, itself))];
        self.clone().each_file(&mut |setting, holds, path| {
            found.push((setting.to_owned(), exposed(path, holds)));
        });
        for secret in &self.secrets {
            if let (Some(name), Some(path)) = (secret.name(), secret.file()) {
                let setting = format!("{{\"$secret\": \"{name}\"}}");
                found.push((setting, exposed(&path, Holds::Secret)));
            }
        }
        let mut warnings = Vec::new();
        for (setting, exposed) in found {
            match exposed {
                Some(Exposed::ToChanges(problem)) => {
                    return Err(ConfigError::new(setting, problem));
                }
                Some(Exposed::ToReaders(problem)) => warnings.push(format!("{setting}: {problem}")),
                None => {}
            }
        }
        Ok(warnings)
    }
}

/// Links are followed: Kubernetes' own may be anybody's to read. What is not there, or is no file, is for
/// whoever reads it to complain of.
fn exposed(path: &Path, holds: Holds) -> Option<Exposed> {
    let mode = mode_of_file(path)?;
    let (path, shown) = (path, path.display());
    if holds != Holds::State && mode & ANYBODY_WRITES != 0 && !is_read_only(path) {
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
    let device = std::fs::metadata(file).ok()?.dev();
    folders(file).into_iter().find_map(|folder| {
        let metadata = std::fs::metadata(&folder).ok()?;
        let mode = metadata.mode() & 0o7777;
        let is_open = mode & ANYBODY_WRITES != 0 && mode & STICKY == 0;
        // What is mounted so that nobody changes it is so with its folders.
        (is_open && !(metadata.dev() == device && is_read_only(file))).then_some((folder, mode))
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

/// Whether it is mounted so that nobody here changes it: engines on other systems show every file as
/// anybody's.
fn is_read_only(file: &Path) -> bool {
    let opened = OpenOptions::new().append(true).open(file);
    opened.is_err_and(|error| error.kind() == ErrorKind::ReadOnlyFilesystem)
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;
    use crate::testing::Directory;

    const MINIMUM: &str = include_str!("../../examples/minimum.jsonc");

    /// As Kubernetes mounts them: behind links, whose own modes say nothing.
    fn found(modes: [(&str, u32); 3], text: &str) -> Result<Vec<String>, String> {
        let directory = Directory::new();
        create_dir(directory.0.join("..1")).unwrap();
        for (name, mode) in modes {
            let text = if name == "krb-mcp.jsonc" { text } else { "" };
            let file = directory.write(&format!("..1/{name}"), text);
            set_permissions(file, Permissions::from_mode(mode)).unwrap();
            symlink(Path::new("..1").join(name), directory.0.join(name)).unwrap();
        }
        let file = directory.0.join("krb-mcp.jsonc");
        let found = Config::load(&file).unwrap().exposed(&file);
        let place = |text: String| text.replace(&directory.0.display().to_string(), "DIR");
        found
            .map(|warnings| warnings.into_iter().map(place).collect())
            .map_err(|error| place(error.to_string()))
    }

    #[test]
    fn groups_and_owners_are_the_operators_and_anybody_is_not() {
        let modes = |configuration, policy, keytab| {
            [("krb-mcp.jsonc", configuration), ("policy.cedar", policy), ("mcp.keytab", keytab)]
        };
        for good in [modes(0o644, 0o644, 0o440), modes(0o660, 0o664, 0o600)] {
            assert_eq!(found(good, MINIMUM), Ok(vec![]));
        }
        let readable = "DIR/mcp.keytab may be read by anybody on this machine (mode 0644): chmod o-r, \
                        in Kubernetes defaultMode: 0440";
        assert_eq!(
            found(modes(0o644, 0o644, 0o644), MINIMUM),
            Ok(vec![format!("kerberos.serviceAccount.keytab: {readable}")])
        );
        let plain = MINIMUM.replace(r#"{ "$secret": "MCP_OAUTH_CLIENT_SECRET" }"#, r#""hunter2""#);
        let warnings = found(modes(0o644, 0o644, 0o600), &plain).unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(
            warnings[0].starts_with("this file: DIR/krb-mcp.jsonc may be read"),
            "{warnings:?}"
        );
        for (bad, setting) in [
            (modes(0o666, 0o644, 0o600), "this file"),
            (modes(0o644, 0o646, 0o600), "policy.file"),
            (modes(0o644, 0o644, 0o602), "kerberos.serviceAccount.keytab"),
        ] {
            let error = found(bad, MINIMUM).unwrap_err();
            assert!(error.starts_with(setting) && error.contains("may be changed by"), "{error}");
        }
    }

    /// Whoever may write a folder needs no right to a file in it, nor to the folders below.
    #[test]
    fn a_folder_that_anybody_writes_is_as_a_file_that_they_do() {
        let directory = Directory::new();
        for folder in ["links", "far", "far/near"] {
            create_dir(directory.0.join(folder)).unwrap();
        }
        let file = directory.write("far/near/policy.cedar", "");
        set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        let named = directory.0.join("links/policy.cedar");
        symlink("../far/../far/near/policy.cedar", &named).unwrap();
        let open = |folder: &str, mode| {
            let folder = directory.0.join(folder);
            set_permissions(folder, Permissions::from_mode(mode)).unwrap();
        };
        for holds in [Holds::Rules, Holds::Secret] {
            for folder in ["links", "far", "far/near"] {
                open(folder, 0o777);
                let Some(Exposed::ToChanges(problem)) = exposed(&named, holds) else {
                    panic!("{folder}: nothing is said")
                };
                let said = format!("the folder {} may", directory.0.join(folder).display());
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
        symlink("round", directory.0.join("round")).unwrap();
        assert!(exposed(&directory.0.join("round"), Holds::Rules).is_none(), "it is no file");
    }
}
