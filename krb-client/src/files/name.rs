use std::path::PathBuf;

use crate::ClientError;

/// The file that the name of a keytab means. As MIT's library reads such names: `FILE:` or `WRFILE:`
/// in front says that it is one, other words in front of a colon are types of keytabs that are no
/// files, and a single letter is a drive. What has a slash or a dot in front of its first colon is a
/// path here, and an unknown type to MIT.
///
/// # Errors
/// [`ClientError::NotAFile`].
pub fn keytab_path(name: &str) -> Result<PathBuf, ClientError> {
    match name.split_once(':') {
        None => Ok(name.into()),
        Some(("FILE" | "WRFILE", rest)) => Ok(rest.into()),
        Some((kind, _)) if is_path(kind) => Ok(name.into()),
        Some(_) => Err(ClientError::NotAFile { what: "keytab", name: name.to_owned() }),
    }
}

/// Does a name that begins so, and goes on with a colon, mean a file all the same?
pub(crate) fn is_path(kind: &str) -> bool {
    let is_drive = kind.len() == 1 && kind.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_drive || kind.contains(['/', '\\', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_files_or_are_refused() {
        for (name, path) in [
            ("FILE:/tmp/a", "/tmp/a"),
            ("WRFILE:/tmp/a", "/tmp/a"),
            ("FILE:a:b", "a:b"),
            ("FILE:KDB:", "KDB:"),
            ("/tmp/a", "/tmp/a"),
            ("alice.keytab", "alice.keytab"),
            ("./a:b", "./a:b"),
            ("/tmp/a:b", "/tmp/a:b"),
            ("a.b:c", "a.b:c"),
            (r"C:\Users\alice\keytab", r"C:\Users\alice\keytab"),
            ("c:keytab", "c:keytab"),
        ] {
            assert_eq!(keytab_path(name).unwrap(), PathBuf::from(path), "{name}");
        }
        for name in
            ["MEMORY:x", "SRVTAB:/etc/x", "KDB:", "HDB:", "ab:c", "file:/tmp/a", ":x", "1:x"]
        {
            let error = keytab_path(name).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
            assert!(error.contains("FILE:"), "says what there is: {error}");
        }
    }
}
