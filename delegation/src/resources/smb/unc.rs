//! UNC paths (MS-DTYP section 2.2.57), strictly: one spelling per file as far as text can tell.

use super::failure::Misasked;
use crate::targets::{fold, is_host};

const MAX_BYTES: usize = 4096;
// The longest name that NTFS and SMB servers store, in UTF-16 units.
const MAX_COMPONENT: usize = 255;

/// `\\host\share\dir\file`, with every component checked.
#[derive(Debug)]
pub(super) struct UncPath {
    // With `\` only, without the two in front.
    text: String,
}

impl UncPath {
    pub(super) fn host(&self) -> &str {
        self.text.split('\\').next().unwrap_or_default()
    }

    pub(super) fn share(&self) -> &str {
        self.text.split('\\').nth(1).unwrap_or_default()
    }

    /// Below the share, without a `\` in front; empty for the share itself.
    pub(super) fn path(&self) -> String {
        self.text.splitn(3, '\\').nth(2).unwrap_or_default().to_owned()
    }

    /// `/share/dir/file`, folded.
    pub(super) fn policy_path(&self) -> String {
        let behind_host = self.text.split_once('\\').map_or("", |(_, rest)| rest);
        format!("/{}", fold(&behind_host.replace('\\', "/")))
    }
}

/// Reads a UNC path. `/` is taken as `\`, and one at the end does not count.
pub(super) fn parse(text: &str) -> Result<UncPath, Misasked> {
    if text.len() > MAX_BYTES {
        return Err(Misasked::Unc("is longer than 4096 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(Misasked::Unc("has a control character"));
    }
    let text = text.replace('/', "\\");
    let Some(text) = text.strip_prefix("\\\\") else {
        return Err(Misasked::Unc("does not begin with \\\\host\\share"));
    };
    if text.starts_with("?\\") || text.starts_with(".\\") {
        return Err(Misasked::Unc("is a device path"));
    }
    let text = text.strip_suffix('\\').unwrap_or(text);
    let mut components = text.split('\\');
    if !components.next().is_some_and(is_host) {
        return Err(Misasked::Unc("has no valid host name after the first \\\\"));
    }
    let mut has_share = false;
    for component in components {
        check(component)?;
        has_share = true;
    }
    if !has_share {
        return Err(Misasked::Unc("names no share"));
    }
    Ok(UncPath { text: text.to_owned() })
}

fn check(component: &str) -> Result<(), Misasked> {
    let problem = if component.is_empty() {
        "has an empty component (two separators in a row)"
    } else if matches!(component, "." | "..") {
        "has a . or .. component"
    } else if component.ends_with(['.', ' ']) {
        // Some servers drop them, so that two spellings would name one file.
        "has a component that ends in a dot or space"
    } else if component.contains(':') {
        "has a ':' (a drive or an alternate data stream)"
    } else if component.contains(['*', '?', '"', '<', '>', '|']) {
        "has a wildcard or another character that no file name may have"
    } else if is_previous_version(component) {
        // It leads to a file as it was, under a path that no policy was written for.
        "has a component that names a previous version (@GMT-…)"
    } else if component.encode_utf16().count() > MAX_COMPONENT {
        "has a component of more than 255 characters"
    } else if is_device(component) {
        "has a component that is a device name (CON, NUL, COM1, …)"
    } else if matches!(&*fold(component), folded if folded.is_empty() || folded.ends_with(['.', ' ']))
    {
        "has a component that without its invisible characters is no name"
    } else {
        return Ok(());
    };
    Err(Misasked::Unc(problem))
}

/// Whether a path may have a component of this name. Servers list other names, too.
pub(super) fn is_plain_component(name: &str) -> bool {
    !name.contains(['/', '\\']) && !name.chars().any(char::is_control) && check(name).is_ok()
}

fn is_device(component: &str) -> bool {
    let base = component.split('.').next().unwrap_or_default().trim_end_matches(' ');
    let base = base.to_ascii_uppercase();
    if matches!(&*base, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$") {
        return true;
    }
    let port = base.strip_prefix("COM").or_else(|| base.strip_prefix("LPT"));
    port.is_some_and(|port| {
        let mut chars = port.chars();
        matches!(chars.next(), Some('0'..='9' | '¹' | '²' | '³')) && chars.next().is_none()
    })
}

// MS-SMB2 section 2.2.13, MS-FSCC: `@GMT-YYYY.MM.DD-HH.MM.SS`. Servers differ in how exactly they
// read it; as a real name it hardly exists.
fn is_previous_version(component: &str) -> bool {
    component.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("@GMT-"))
}

/// Whether a name has the form by which file servers make short names of long ones: `LONGNA~1.TXT`.
/// It may be a file's own name all the same.
pub(super) fn is_short_alias(component: &str) -> bool {
    let (base, extension) = component.split_once('.').unwrap_or((component, ""));
    let Some((stem, number)) = base.rsplit_once('~') else { return false };
    base.chars().count() <= 8
        && extension.chars().count() <= 3
        && !stem.is_empty()
        && !number.is_empty()
        // Windows counts in decimal, Samba's hash is in base 36.
        && number.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Failure;

    fn problem(text: &str) -> String {
        Failure::from(parse(text).expect_err(text)).message
    }

    #[test]
    fn both_separators_are_read() {
        for text in [r"\\Files\corp\a b\c.txt", "//Files/corp/a b/c.txt", r"\\Files/corp\a b/c.txt"]
        {
            let unc = parse(text).unwrap();
            assert_eq!((unc.host(), unc.share(), &*unc.path()), ("Files", "corp", r"a b\c.txt"));
        }
        let root = parse(r"\\files\corp").unwrap();
        assert_eq!((root.share(), &*root.path()), ("corp", ""));
        for text in [r"\\files\corp\", "//files/corp/"] {
            let root = parse(text).unwrap();
            assert_eq!((root.share(), &*root.path()), ("corp", ""), "{text}");
        }
        assert_eq!(parse("//files/corp/a/b/").unwrap().path(), r"a\b");
    }

    #[test]
    fn ordinary_odd_names_pass() {
        for name in [
            "~",
            "@GMT",
            "a@GMT-1",
            "~$draft.docx",
            "data~longer~1name.csv",
            ".hidden",
            "console",
            "nul1",
            "COM10",
        ] {
            parse(&format!(r"\\files\corp\{name}")).unwrap();
        }
        parse("\\\\files\\corp\\re\u{301}sume\u{301}.txt").unwrap();
    }

    #[test]
    fn tricks_are_refused() {
        for (text, part) in [
            ("", "begin"),
            (r"C:\corp\x", "begin"),
            (r"\files\corp", "begin"),
            ("smb://files/corp", "begin"),
            (r"\\?\UNC\files\corp\x", "device path"),
            (r"\\.\pipe\lsass", "device path"),
            ("//?/c:/x", "device path"),
            (r"\\files", "no share"),
            (r"\\\corp\x", "host name"),
            (r"\\fi les\corp", "host name"),
            (r"\\files@8080\corp\x", "host name"),
            (r"\\..\corp\x", "host name"),
            (r"\\files\corp\\", "empty component"),
            ("//files/corp//", "empty component"),
            ("//files/corp/a//", "empty component"),
            ("//files/", "no share"),
            ("///", "host name"),
            (r"\\files\\corp", "empty component"),
            (r"\\files\corp\..\secret", ".."),
            ("//files/corp/a/../../x", ".."),
            (r"\\files\..\x", ".."),
            (r"\\files\corp\.", ".."),
            (r"\\files\corp\... ", "dot or space"),
            (r"\\files\corp\secret.", "dot or space"),
            (r"\\files\corp\x::$DATA", "':'"),
            (r"\\files\corp\c:\x", "':'"),
            (r"\\files\corp\*.csv", "wildcard"),
            ("\\\\files\\corp\\a\"b", "wildcard"),
            (r"\\files\corp\NUL", "device name"),
            (r"\\files\corp\aux.txt", "device name"),
            (r"\\files\corp\Com1 .log", "device name"),
            (r"\\files\corp\LPT²", "device name"),
            ("//files/corp/\u{200b}/a", "invisible"),
            ("//files/corp/..\u{ad}/a", "invisible"),
            ("//files/corp/a.\u{fe0f}", "invisible"),
            (r"\\files\corp\@GMT-2026.11.28-12.00.00\a", "previous version"),
            (r"\\files\corp\a\@gmt-x", "previous version"),
            ("\\\\files\\corp\\a\0b", "control"),
            ("\\\\files\\corp\\a\u{85}b", "control"),
            ("\\\\files\\corp\\a\r\n", "control"),
        ] {
            let problem = problem(text);
            assert!(problem.contains(part), "{text:?}: {problem}");
        }
    }

    #[test]
    fn lengths_have_limits() {
        let long = |n: usize| format!(r"\\files\corp\{}", "a".repeat(n));
        parse(&long(255)).unwrap();
        assert!(problem(&long(256)).contains("255"));

        let prefix = r"\\files\corp";
        let deep = |bytes: usize| {
            let mut text = prefix.to_owned();
            while text.len() + 2 <= bytes {
                text.push_str(r"\a");
            }
            text.extend(std::iter::repeat_n('a', bytes - text.len()));
            text
        };
        assert_eq!(deep(4096).len(), 4096);
        parse(&deep(4096)).unwrap();
        assert!(problem(&deep(4097)).contains("4096"));
    }

    proptest! {
        #[test]
        fn what_passes_has_no_way_out(text in r"(\\\\|//)[a-z.]{1,6}[\\/][a-z.~:* \\/\x00é]{0,20}") {
            if let Ok(unc) = parse(&text) {
                prop_assert!(!unc.share().is_empty());
                for part in unc.path().split('\\').filter(|_| !unc.path().is_empty()) {
                    prop_assert!(!part.is_empty() && part != "." && part != "..");
                    prop_assert!(!part.contains(['/', ':', '*', '\0']));
                }
            }
        }
    }
}
