//! The folder in which the demonstration's files stand.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// A new folder that only this user may enter; it goes with its value, and all that is in it.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new() -> io::Result<Self> {
        // Short, since commands are printed with it; if it is there, it is somebody else's.
        let unlike_others = Uuid::new_v4().simple().to_string();
        let name = format!("krb-mcp-demo-{}", unlike_others.get(..8).unwrap_or_default());
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot make {}: {error}; TMPDIR names another place", path.display()),
            )
        })?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where a file stands.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Writes a file, anew if it is there; whoever reads it finds the old one or the new one.
    pub(super) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> io::Result<PathBuf> {
        let (file, draft) = (self.file(name), self.file(&format!(".{name}")));
        let mut options = OpenOptions::new();
        let mut open = options.write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        open.write_all(content.as_ref())?;
        fs::rename(draft, &file)?;
        Ok(file)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %error, "the demo's files stay");
        }
    }
}
