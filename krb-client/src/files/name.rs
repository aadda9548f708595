use std::path::PathBuf;

use crate::ClientError;

/// The file that the name of a credential cache means. As MIT's library reads such names: `FILE:`
/// in front says that it is one, other words in front of a colon are types of caches that are no
/// files (`KCM:`, `KEYRING:`, `DIR:`…), and a single letter is a drive. What has a slash or a dot
/// in front of its first colon is a path here, and an unknown type to MIT.
///
/// # Errors
/// [`ClientError::NotAFile`].
pub fn ccache_path(name: &str) -> Result<PathBuf, ClientError> {
    path(name, "credential cache", &["FILE"])
}

/// The file that the name of a keytab means, as [`ccache_path`]; `WRFILE:` is a file as well.
///
/// # Errors
/// [`ClientError::NotAFile`].
pub fn keytab_path(name: &str) -> Result<PathBuf, ClientError> {
    path(name, "keytab", &["FILE", "WRFILE"])
}

fn path(name: &str, what: &'static str, files: &[&str]) -> Result<PathBuf, ClientError> {
    let Some((kind, rest)) = name.split_once(':') else { return Ok(name.into()) };
    if files.contains(&kind) {
        return Ok(rest.into());
    }
    let drive = kind.len() == 1 && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    if drive || kind.contains(['/', '\\', '.']) {
        return Ok(name.into());
    }
    Err(ClientError::NotAFile { what, name: name.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_files_or_are_refused() {
        for (name, path) in [
            ("FILE:/tmp/a", "/tmp/a"),
            ("FILE:a:b", "a:b"),
            ("FILE:KCM:", "KCM:"),
            ("/tmp/a", "/tmp/a"),
            ("alice.cc", "alice.cc"),
            ("./a:b", "./a:b"),
            ("/tmp/a:b", "/tmp/a:b"),
            ("a.b:c", "a.b:c"),
            (r"C:\Users\alice\cc", r"C:\Users\alice\cc"),
            ("c:cc", "c:cc"),
        ] {
            assert_eq!(ccache_path(name).unwrap(), PathBuf::from(path), "{name}");
            assert_eq!(keytab_path(name).unwrap(), PathBuf::from(path), "{name}");
        }
        assert_eq!(keytab_path("WRFILE:/tmp/a").unwrap(), PathBuf::from("/tmp/a"));
        for name in [
            "KCM:",
            "KCM:1000",
            "KEYRING:persistent:0",
            "API:",
            "MEMORY:x",
            "DIR:/tmp/cc",
            "DIR::/tmp/cc/tkt",
            "MSLSA:",
            "WRFILE:/tmp/a",
            "file:/tmp/a",
            "ab:c",
            ":x",
            "1:x",
        ] {
            let error = ccache_path(name).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
            assert!(error.contains("FILE:"), "says what there is: {error}");
        }
        for name in ["MEMORY:x", "SRVTAB:/etc/x", "KDB:", "HDB:", "ab:c"] {
            assert!(keytab_path(name).is_err(), "{name}");
        }
    }
}
