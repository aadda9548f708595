use serde::Serialize;
use smb2::pack::FileTime;
use smb2::{DirectoryEntry as SmbEntry, DirectoryReader, ReparseTag};

use super::super::failure::SmbError;
use super::super::unc::is_plain_component;
use super::super::{Place, Session, name};
use crate::Failure;

/// More entries than a person reads are cut off with an error rather than silently.
const MAX_ENTRIES: usize = 10_000;

/// One entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DirectoryEntry {
    /// Its name, without the path.
    pub name: String,
    /// File or directory.
    pub kind: EntryKind,
    /// Size in bytes; 0 for directories.
    pub size: u64,
    /// Last change, RFC 3339, if the server said.
    pub modified: Option<String>,
    /// False for what cannot be read or listed by this name: the file server made it up for a file
    /// whose own name no path can have, or that policy would know by another name.
    #[serde(skip_serializing_if = "Clone::clone")]
    pub readable: bool,
}

/// The kind of a directory entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A file.
    File,
    /// A directory.
    Directory,
    /// A reparse point (link, junction, DFS link).
    Link,
}

pub(super) async fn list(
    session: &mut Session,
    place: &Place<'_>,
) -> Result<Vec<DirectoryEntry>, Failure> {
    let tree = session.tree(place).await?;
    let failed = |error| session.failure(place, "listing", &error);
    let mut connection = session.connection.clone();
    if !place.path.is_empty() {
        let resolved = name::resolve(&tree, &mut connection, place.path).await.map_err(failed)?;
        name::check(place, resolved.as_deref())?;
    }
    let mut reader = tree
        .open_directory_reader(session.connection.clone(), &place.slashed())
        .await
        .map_err(failed)?;
    let entries = read_all(&mut reader).await;
    // If this fails, the directory closes with the session.
    if reader.close().await.is_err() {
        session.lose();
    }
    let mut entries =
        entries.map_err(failed)?.ok_or_else(|| place.wrong(&SmbError::TooMany(MAX_ENTRIES)))?;
    name::mark(&tree, session, place, &mut entries).await;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

/// All entries; `None` if there are more than are told.
async fn read_all(reader: &mut DirectoryReader) -> smb2::Result<Option<Vec<DirectoryEntry>>> {
    let mut entries = Vec::new();
    while let Some(batch) = reader.next_batch().await? {
        let named = batch.into_iter().filter(|entry| entry.name != "." && entry.name != "..");
        entries.extend(named.map(entry));
        if entries.len() > MAX_ENTRIES {
            return Ok(None);
        }
    }
    Ok(Some(entries))
}

fn entry(entry: SmbEntry) -> DirectoryEntry {
    let kind = match (entry.reparse_tag, entry.is_directory) {
        (Some(tag), _) if is_link(tag) => EntryKind::Link,
        (_, true) => EntryKind::Directory,
        (_, false) => EntryKind::File,
    };
    DirectoryEntry {
        size: if entry.is_directory { 0 } else { entry.size },
        modified: rfc3339(entry.modified),
        readable: is_plain_component(&entry.name),
        name: entry.name,
        kind,
    }
}

/// Links and mount points; other reparse points (compression, deduplication) are plain files to a
/// reader.
fn is_link(tag: ReparseTag) -> bool {
    tag == ReparseTag::SYMLINK || tag == ReparseTag::MOUNT_POINT
}

fn rfc3339(time: FileTime) -> Option<String> {
    let since = time.to_system_time()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let seconds = i64::try_from(since.as_secs()).ok()?;
    Some(krb_proto::KerberosTime::from_unix(seconds).to_string())
}
