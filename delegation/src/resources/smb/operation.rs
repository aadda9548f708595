//! What can be done with files, each thing in a file of its own.

mod list;
mod read;

use serde::Serialize;

use super::Endpoint;
use super::failure::{Misasked, Place};
use super::session::Session;
use super::unc::{self, UncPath};
use crate::Failure;
use crate::resources::{Action, Effect, Form, Found};
use crate::targets::Names;
pub use list::{DirectoryEntry, EntryKind};
pub use read::FileContent;

/// Something to do with a file or a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// What.
    pub verb: Verb,
    /// `\\host\share\dir\file`; `/` is taken as `\`.
    pub path: String,
}

/// What can be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Verb {
    /// Read a whole file.
    Read,
    /// List a directory.
    List,
}

pub(super) const ACTIONS: &[Action] = &[Verb::List.action(), Verb::Read.action()];

impl Verb {
    pub(super) const fn action(self) -> Action {
        match self {
            Self::Read => Action { name: "file:read", form: Form::Leaf },
            Self::List => Action { name: "file:list", form: Form::Folder },
        }
    }

    /// Of one that does more than read, whoever sends it says so to the call's doubt.
    pub(super) const fn effect(self) -> Effect {
        match self {
            Self::Read | Self::List => Effect::None,
        }
    }

    pub(super) async fn run(
        self,
        session: &mut Session,
        place: &Place<'_>,
        written: &str,
    ) -> Result<Outcome, Failure> {
        match self {
            Self::Read => read::read(session, place, written).await.map(Outcome::File),
            Self::List => list::list(session, place)
                .await
                .map(|entries| Outcome::Directory { path: written.to_owned(), entries }),
        }
    }
}

/// What came back.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Outcome {
    /// A file's bytes.
    File(FileContent),
    /// A directory's entries.
    Directory {
        /// The path asked for.
        path: String,
        /// Its entries, without `.` and `..`, sorted by name.
        entries: Vec<DirectoryEntry>,
    },
}

impl Outcome {
    pub(super) fn content_bytes(&self) -> u64 {
        match self {
            Self::File(file) => file.size,
            Self::Directory { entries, .. } => entries.len() as u64,
        }
    }
}

/// Something to do on a share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// What.
    pub verb: Verb,
    /// The share as configured.
    pub share: String,
    /// Path below the share with `\` between components; empty for the share itself.
    pub path: String,
    /// The whole path as the user wrote it, for the answer.
    pub written: String,
}

/// An operation whose path was read.
pub(crate) struct Asked {
    verb: Verb,
    unc: UncPath,
    written: String,
}

impl Asked {
    pub(super) fn read(Operation { verb, path }: &Operation) -> Result<Self, Failure> {
        Ok(Self { verb: *verb, unc: unc::parse(path)?, written: path.clone() })
    }

    pub(super) fn find(
        &self,
        endpoint: &Endpoint,
        names: &Names,
    ) -> Result<Option<Found<Task>>, Failure> {
        let Self { verb, unc, written } = self;
        if !names.has(unc.host()) {
            return Ok(None);
        }
        let Some(share) = endpoint.share(unc.share()) else { return Ok(None) };
        let path = unc.path();
        let form = verb.action().form;
        if form == Form::Leaf && path.is_empty() {
            return Err(Misasked::Share.into());
        }
        let end = if form == Form::Folder { "/" } else { "" };
        let policy_path = format!("{}{end}", unc.policy_path());
        let (verb, share, written) = (*verb, share.clone(), written.clone());
        let action = verb.action().name.into();
        Ok(Some(Found { task: Task { verb, share, path, written }, action, policy_path }))
    }
}
