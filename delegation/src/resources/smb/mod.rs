//! Files over SMB 3.1.1: the crate `smb2` carries the data, the session is set up by us
//! ([`session`]). Nothing else names that crate.

mod failure;
mod name;
mod session;
mod tap;

use std::sync::Arc;

use smb2::pack::FileTime;
use smb2::types::Command;
use smb2::types::status::NtStatus;
use smb2::{DirectoryEntry as SmbEntry, Error, ReparseTag, Tree};

use super::content::{MAX_CONTENT, encode};
use super::{CallContext, Resource};
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::targets::{FileTask, FileVerb, is_plain_component};
use crate::{Code, DirectoryEntry, EntryKind, Failure, FileContent, Outcome};
use failure::Place;
use session::Session;

/// More entries than a person reads are cut off with an error rather than silently.
const MAX_ENTRIES: usize = 10_000;

/// The file client.
pub(super) struct Files {
    network: Network,
}

impl Files {
    pub(super) fn new(network: &Network) -> Self {
        Self { network: network.clone() }
    }
}

impl Resource for Files {
    type Task = FileTask;

    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        task: &FileTask,
    ) -> Result<Outcome, Failure> {
        let FileTask { verb, share, path, written } = task;
        let place = Place { target: credential.permit().target(), share, path };
        let mut session = Session::log_in(&self.network, cx, credential, &place).await?;
        let outcome = match verb {
            FileVerb::Read => read_file(&mut session, &place, written).await.map(Outcome::File),
            FileVerb::List => list_directory(&mut session, &place)
                .await
                .map(|entries| Outcome::Directory { path: written.clone(), entries }),
        };
        session.log_off();
        outcome
    }
}

async fn connect_tree(session: &mut Session, place: &Place<'_>) -> Result<Arc<Tree>, Failure> {
    let tree = Tree::connect(&mut session.connection, place.share).await;
    tree.map(Arc::new).map_err(|error| place.failure("opening the share", &error))
}

async fn read_file(
    session: &mut Session,
    place: &Place<'_>,
    written: &str,
) -> Result<FileContent, Failure> {
    let tree = connect_tree(session, place).await?;
    let failed = |error| place.failure("reading", &error);
    let file = tree
        .open_file_reader(session.connection.clone(), &place.slashed())
        .await
        .map_err(failed)?;
    let size = file.size();
    let content = if let Err(failure) = name::check(place, file.resolved_path()) {
        Err(failure)
    } else if file.info().is_directory {
        // The server opens directories too, and would call their content empty.
        Err(failed(Error::Protocol {
            status: NtStatus::FILE_IS_A_DIRECTORY,
            command: Command::Create,
        }))
    } else if size > MAX_CONTENT {
        Err(Failure::new(
            Code::TooLarge,
            format!("{} has {size} bytes; at most {MAX_CONTENT} are returned", place.path),
            "Read a smaller file.",
        ))
    } else if size == 0 {
        Ok(Vec::new())
    } else {
        file.read_at(0, size).await.map_err(failed)
    };
    // The file closes with the session if this fails.
    let _ = file.close().await;
    let content = content?;
    let size = content.len() as u64;
    let (encoding, content) = encode(content);
    Ok(FileContent { path: written.to_owned(), size, encoding, content })
}

async fn list_directory(
    session: &mut Session,
    place: &Place<'_>,
) -> Result<Vec<DirectoryEntry>, Failure> {
    let tree = connect_tree(session, place).await?;
    let failed = |error| place.failure("listing", &error);
    let mut connection = session.connection.clone();
    if !place.path.is_empty() {
        let resolved = name::resolve(&tree, &mut connection, place.path).await.map_err(failed)?;
        name::check(place, resolved.as_deref())?;
    }
    let mut reader = tree
        .open_directory_reader(session.connection.clone(), &place.slashed())
        .await
        .map_err(failed)?;
    let mut entries = Vec::new();
    while let Some(batch) = reader.next_batch().await.map_err(failed)? {
        let named = batch.into_iter().filter(|entry| entry.name != "." && entry.name != "..");
        entries.extend(named.map(entry));
        if entries.len() > MAX_ENTRIES {
            return Err(Failure::new(
                Code::TooLarge,
                format!("the directory has more than {MAX_ENTRIES} entries"),
                "List a directory further down.",
            ));
        }
    }
    // The handle closes with the session if this fails.
    let _ = reader.close().await;
    name::mark(&tree, &mut connection, place, &mut entries).await;
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
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
