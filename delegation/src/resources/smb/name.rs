//! Policy decides on the name that was asked for, so what the file server opens must be known by
//! that name: servers make short names for long ones (`LONGNA~1.TXT`), and for those that SMB cannot
//! carry (Samba's `A4WTMA~A.TXT` for `a:b.txt`). No form tells them from real names, so the server
//! is asked.

use smb2::client::Connection;
use smb2::{ErrorKind, Tree};

use super::failure::{Place, SmbError};
use super::unc::is_short_alias;
use super::{DirectoryEntry, Session};
use crate::Failure;
use crate::targets::fold;

/// How many names of a listing are asked about; each takes a round trip.
const MAX_ASKED: usize = 100;

/// The name by which the server knows what is at a path; `None` if it does not say (before SMB 3.1.1
/// and before Windows Server 1803).
pub(super) async fn resolve(
    tree: &Tree,
    connection: &mut Connection,
    path: &str,
) -> smb2::Result<Option<String>> {
    match tree.resolve(connection, &path.replace('\\', "/")).await {
        Ok(resolved) => Ok(Some(resolved.path)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether `opened`, the server's name, is the one that policy has judged.
///
/// # Errors
/// It is another one, or the server does not say and the path's form is that of a short name. The
/// other name is not told: policy may forbid it.
pub(super) fn check(place: &Place<'_>, opened: Option<&str>) -> Result<(), Failure> {
    if is_own(place.path, opened) {
        return Ok(());
    }
    Err(place.wrong(&SmbError::AnotherName))
}

fn is_own(asked: &str, opened: Option<&str>) -> bool {
    match opened {
        // The same to policy. A `\` in a name of the server's would be a separator to us.
        Some(opened) => !opened.contains('\\') && fold(&asked.replace('\\', "/")) == fold(opened),
        None => !asked.split('\\').any(is_short_alias),
    }
}

/// Marks what has the form of a short name and is none of the server's own. What the user may not
/// open is left alone: reading it says so.
pub(super) async fn mark(
    tree: &Tree,
    session: &Session,
    place: &Place<'_>,
    entries: &mut [DirectoryEntry],
) {
    let mut connection = session.connection.clone();
    let suspects = entries.iter_mut().filter(|entry| is_short_alias(&entry.name));
    for entry in suspects.filter(|entry| entry.readable).take(MAX_ASKED) {
        let path = match place.path {
            "" => entry.name.clone(),
            folder => format!("{folder}\\{}", entry.name),
        };
        match resolve(tree, &mut connection, &path).await {
            Ok(opened) => entry.readable = is_own(&path, opened.as_deref()),
            // The connection is no more, or the server has had enough.
            Err(error) if error.kind() != ErrorKind::AccessDenied => return session.note(&error),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_own_name_decides() {
        assert!(is_own(r"reports\report~1.txt", Some("reports/report~1.txt")));
        assert!(is_own(r"Reports\Data.CSV", Some("reports/data.csv")));
        assert!(!is_own(r"REPORT~1\data.csv", Some("reports of the year/data.csv")));
        assert!(!is_own("A4WTMA~A.TXT", Some("a:b.txt")));
        assert!(!is_own(r"a\b", Some("a\\b")), "a name with a backslash in it");
        assert!(!is_own("a", Some("")));
        // The server does not say: what looks like a short name is taken for one.
        assert!(is_own(r"reports\data.csv", None));
        assert!(!is_own(r"REPORT~1\data.csv", None));
        assert!(!is_own("report~1.txt", None));
    }
}
