use crate::cache_error::CacheError;
use crate::files::is_path;

/// What stands before the first colon of a cache's name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    File,
    Dir,
    Memory,
    Keyring,
    Kcm,
}

/// The type and the rest of a cache's name. As MIT's library reads such names: a known word in front
/// of a colon is a type, a single letter a drive, and a name without a colon a file. What has a slash
/// or a dot in front of its first colon is a path here, and an unknown type to MIT.
///
/// # Errors
/// [`CacheError::UnknownType`].
pub(super) fn split(name: &str) -> Result<(Kind, &str), CacheError> {
    let Some((kind, rest)) = name.split_once(':') else { return Ok((Kind::File, name)) };
    let kind = match kind {
        "FILE" => Kind::File,
        "DIR" => Kind::Dir,
        "MEMORY" => Kind::Memory,
        "KEYRING" => Kind::Keyring,
        "KCM" => Kind::Kcm,
        _ if is_path(kind) => return Ok((Kind::File, name)),
        _ => return Err(CacheError::UnknownType { cache: name.to_owned() }),
    };
    Ok((kind, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_a_type_or_mean_files_or_are_refused() {
        for (name, kind, rest) in [
            ("FILE:/tmp/a", Kind::File, "/tmp/a"),
            ("FILE:a:b", Kind::File, "a:b"),
            ("FILE:KCM:", Kind::File, "KCM:"),
            ("/tmp/a", Kind::File, "/tmp/a"),
            ("alice.cc", Kind::File, "alice.cc"),
            ("./a:b", Kind::File, "./a:b"),
            ("/tmp/a:b", Kind::File, "/tmp/a:b"),
            ("a.b:c", Kind::File, "a.b:c"),
            (r"C:\Users\alice\cc", Kind::File, r"C:\Users\alice\cc"),
            ("c:cc", Kind::File, "c:cc"),
            ("DIR:/tmp/cc", Kind::Dir, "/tmp/cc"),
            ("DIR::/tmp/cc/tkt", Kind::Dir, ":/tmp/cc/tkt"),
            ("MEMORY:", Kind::Memory, ""),
            ("MEMORY:a:b", Kind::Memory, "a:b"),
            ("KEYRING:persistent:0", Kind::Keyring, "persistent:0"),
            ("KCM:", Kind::Kcm, ""),
        ] {
            assert_eq!(split(name).unwrap(), (kind, rest), "{name}");
        }
        for name in ["API:", "MSLSA:", "WRFILE:/tmp/a", "file:/tmp/a", "ab:c", ":x", "1:x"] {
            let error = split(name).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{name}: ")), "{error}");
            assert!(error.contains("FILE:"), "says what there is: {error}");
        }
    }
}
