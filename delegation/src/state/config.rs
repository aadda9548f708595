use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// The `state` section of the configuration: what outlives a restart. Left out, nothing does: a
/// restart forgets which account each subject is, and nobody can be revoked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StateConfig {
    /// A directory for it, of this server's alone. It is made where it is missing.
    pub directory: Option<PathBuf>,
    /// The key that its files are sealed with, 32 characters or more (`openssl rand -base64 32`).
    /// Left out, one is made and kept beside them: that finds torn and edited files, but keeps out
    /// nobody who can write to the directory.
    pub key: Option<Secret>,
    /// Which account a subject is taken for where tokens have no SID claim: with `first-sight` the one
    /// that it was when it first came; with `approved` the one that an operator approved (`krb-mcp
    /// pins approve`), and until then nothing is done in its name.
    #[schemars(with = "String")]
    pub pins: PinsMode,
}

/// Which account a subject is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PinsMode {
    /// The one that it was at first sight.
    #[default]
    FirstSight,
    /// The one that an operator approved (`krb-mcp pins approve`). Until then nothing is done in its
    /// name.
    Approved,
}
