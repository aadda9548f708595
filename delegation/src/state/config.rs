use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// The `state` section of the configuration: what outlives a restart. Left out, nothing does: a
/// restart forgets which account each subject is, and nobody can be revoked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct StateConfig {
    /// A directory for it, of this server's alone. It is made where it is missing. Pins are in `redis`
    /// instead, where that is configured.
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
    /// A Redis or Valkey that all replicas use: for whose access was ended, for pins, for tickets, and
    /// for proofs of possession and users' own tickets that were used.
    pub redis: Option<RedisConfig>,
}

/// A Redis or Valkey that all replicas use. It is not trusted with what it keeps: values are sealed
/// and names are hashed under keys that it never sees.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedisConfig {
    /// `HOST` or `HOST:PORT`. It must not evict: `maxmemory-policy noeviction`, or no `maxmemory`.
    pub address: String,
    /// The key that all replicas seal with, 32 characters or more (`openssl rand -base64 32`).
    pub key: Secret,
    /// Another key that replicas may have at present. To replace a key, first give all replicas the
    /// new one here; then exchange the two; then take the old one out.
    pub other_key: Option<Secret>,
    /// Its user there.
    pub username: Option<String>,
    /// And its password.
    pub password: Option<Secret>,
    /// Speak without TLS. Values are sealed all the same; the password is not, and who is on the way
    /// can withhold what the store says.
    #[serde(default)]
    pub danger_plain: bool,
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
