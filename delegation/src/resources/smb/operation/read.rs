use serde::Serialize;
use smb2::Error;
use smb2::types::Command;
use smb2::types::status::NtStatus;

use super::super::failure::SmbError;
use super::super::{Place, Session, name};
use crate::Failure;
use crate::resources::content::{MAX_CONTENT, encode};

/// A file as the tool returns it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FileContent {
    /// The path asked for.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// `utf-8` or `base64`.
    pub encoding: &'static str,
    /// The content in that encoding.
    pub content: String,
}

pub(super) async fn read(
    session: &mut Session,
    place: &Place<'_>,
    written: &str,
) -> Result<FileContent, Failure> {
    let tree = session.tree(place).await?;
    let failed = |error| session.failure(place, "reading", &error);
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
        Err(place.wrong(&SmbError::TooLarge(size)))
    } else if size == 0 {
        Ok(Vec::new())
    } else {
        file.read_at(0, size).await.map_err(failed)
    };
    // If this fails, the file closes with the session.
    if file.close().await.is_err() {
        session.lose();
    }
    let content = content?;
    let size = content.len() as u64;
    let (encoding, content) = encode(content);
    Ok(FileContent { path: written.to_owned(), size, encoding, content })
}
