//! Where a run finds the log, and goes on with it.

use std::io;
use std::path::{Path, PathBuf};

use super::config::{AuditConfig, Keys};
use super::head::End;
use super::log_file::{LogFile, Opened, Output, Stream};
use super::rotation::Rotation;
use super::segments::{self, Tail};

/// Finds whether a run could go on with the log's file, without opening it to be written.
pub(super) fn check(path: &Path, config: &AuditConfig, keys: &Keys) -> io::Result<()> {
    let tail = match path.metadata() {
        Ok(metadata) if metadata.is_file() => Tail::of(path)?,
        Ok(_) => return Ok(()),
        Err(_) => Tail::Empty,
    };
    let checkpoints = config.checkpoints.as_ref().map(|checkpoints| &*checkpoints.file);
    segments::end(path, tail, keys, checkpoints).map(drop)
}

/// What there is of the log.
pub(super) struct Start {
    pub(super) output: Output,
    pub(super) rotation: Rotation,
    /// Where the chain ends.
    pub(super) end: End,
    /// How many bytes stand behind its last record that are none.
    pub(super) torn: u64,
    /// Where its end is noted.
    pub(super) head: Option<PathBuf>,
}

impl Start {
    pub(super) fn open(config: &AuditConfig, keys: &Keys) -> io::Result<Self> {
        let checkpoints = config.checkpoints.as_ref().map(|checkpoints| &*checkpoints.file);
        match config.path() {
            Some(path) => Self::at(path, config, keys, checkpoints),
            None => Self::stream(Stream::new(Box::new(io::stdout())), keys, checkpoints),
        }
    }

    fn at(
        path: &Path,
        config: &AuditConfig,
        keys: &Keys,
        checkpoints: Option<&Path>,
    ) -> io::Result<Self> {
        let (file, tail) = match LogFile::open(path, config.sync)? {
            Opened::File(file, tail) => (file, tail),
            Opened::Other(out) => {
                return Self::stream(Stream::new(Box::new(out)), keys, checkpoints);
            }
        };
        let torn = match tail {
            Tail::Empty | Tail::Unreadable => 0,
            Tail::Unchained(torn) | Tail::Chained(_, torn) => torn,
        };
        let since = segments::first_time(path);
        let rotation = config.rotation.clone().unwrap_or_default();
        Ok(Self {
            end: segments::end(path, tail, keys, checkpoints)?,
            output: Output::File(file),
            rotation: Rotation::new(rotation, path.to_owned(), since),
            torn,
            head: Some(segments::head_file(path)),
        })
    }

    fn stream(stream: Stream, keys: &Keys, checkpoints: Option<&Path>) -> io::Result<Self> {
        let kept = checkpoints.map(|file| segments::last_head(file, keys)).transpose()?.flatten();
        Ok(Self {
            output: Output::Stream(stream),
            rotation: Rotation::new(Default::default(), PathBuf::new(), None),
            end: kept.unwrap_or(End::GENESIS),
            torn: 0,
            head: None,
        })
    }
}
