use futures_util::future::join_all;
use serde::Serialize;
use smb2::types::Command;
use smb2::types::status::NtStatus;
use smb2::{Error, FileReader};

use super::super::failure::SmbError;
use super::super::{Place, Session, name};
use crate::Failure;
use crate::resources::content::{MAX_CONTENT, encode};

/// So much is asked for in one piece.
const PIECE: usize = 256 << 10;

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
    } else {
        pieces(&file).await.map_err(failed)
    };
    session.close(file);
    let content = content?;
    let size = content.len() as u64;
    let (encoding, content) = encode(content);
    Ok(FileContent { path: written.to_owned(), size, encoding, content })
}

/// The whole of it. Of what is large, several pieces are asked for at once: one is decrypted here while
/// the server encrypts the next.
async fn pieces(file: &FileReader) -> smb2::Result<Vec<u8>> {
    let size = usize::try_from(file.size()).unwrap_or(usize::MAX);
    let pieces = (0..size).step_by(PIECE).map(|at| file.read_at(at as u64, PIECE as u64));
    // All are answered before it is closed, whatever one of them says.
    let mut content = Vec::new();
    for piece in join_all(pieces).await {
        let piece = piece?;
        // What has become shorter meanwhile ends with the first piece that is.
        let is_last = piece.len() < PIECE;
        match content.is_empty() {
            true => content = piece,
            false => content.extend_from_slice(&piece),
        }
        if is_last {
            break;
        }
    }
    Ok(content)
}
