//! The `audit` section of the configuration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error};

use super::chain::{ChainKey, MIN_KEY};
use super::copies::SinkConfig;
use crate::ConfigError;
use crate::secret::Secret;

const MIN_SEGMENT: u64 = 64 << 10;
const MAX_TIME: u64 = 366 * 24 * 60 * 60;

/// The `audit` section of the configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AuditConfig {
    /// File to append to (created with mode 0600), or `-` for standard output. It is the record; a
    /// call goes on only when its record is there.
    #[serde(default = "default_file")]
    pub file: String,
    /// Whether a record must be on the disk (fdatasync), not only with the operating system,
    /// before a call goes on. Without it, records of the last seconds are lost with the power.
    #[serde(default = "yes")]
    pub sync: bool,
    /// The key of the chain that the records form, 32 characters or more (`openssl rand -hex 32`).
    /// Without one, who can write the file can make it anew and nobody sees it.
    pub key: Option<Secret>,
    /// Keys that were used before it, so that what they chained can still be verified.
    #[serde(default)]
    pub previous_keys: Vec<Secret>,
    /// Where signed heads of the chain are kept beside the log: on another volume, or another
    /// machine.
    pub checkpoints: Option<CheckpointConfig>,
    /// Where records are copied to as well. What a copy cannot take does not hold up a call, unless it
    /// is required.
    #[serde(default)]
    pub sinks: Vec<SinkConfig>,
    /// When the file is put aside and a new one is begun. Left out: never by this server.
    pub rotation: Option<RotationConfig>,
    /// Always done; only `true` is taken.
    #[serde(default = "yes", deserialize_with = "always")]
    pub log_all_attempts: bool,
    /// Always done; only `true` is taken.
    #[serde(default = "yes", deserialize_with = "always")]
    pub include_user_context: bool,
    /// Always done; only `true` is taken.
    #[serde(default = "yes", deserialize_with = "always")]
    pub warn_service_account_mode: bool,
}

/// Where signed heads are kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CheckpointConfig {
    /// File that a line is appended to.
    pub file: PathBuf,
    /// How often, in seconds, if there were records.
    #[serde(default = "minute")]
    pub interval_seconds: u64,
}

/// When the file is put aside, as `FILE.NUMBER` with the number of its last record.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotationConfig {
    /// Before it would have more bytes than this.
    pub max_bytes: Option<u64>,
    /// Once its first record is so old.
    pub max_age_seconds: Option<u64>,
    /// How many of those that were put aside are kept; the oldest are removed, and a record says so.
    /// Left out: all.
    pub keep: Option<u32>,
}

fn default_file() -> String {
    "audit.jsonl".into()
}

const fn yes() -> bool {
    true
}

const fn minute() -> u64 {
    60
}

fn always<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match bool::deserialize(deserializer)? {
        true => Ok(true),
        false => Err(D::Error::custom("this is always done; only `true` is taken")),
    }
}

/// The keys of a chain: what is written with, and what was.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    pub(super) key: ChainKey,
    pub(super) previous: Vec<ChainKey>,
}

impl AuditConfig {
    /// A log in this file.
    #[must_use]
    pub fn to(file: impl Into<String>, sync: bool) -> Self {
        Self {
            file: file.into(),
            sync,
            key: None,
            previous_keys: Vec::new(),
            checkpoints: None,
            sinks: Vec::new(),
            rotation: None,
            log_all_attempts: true,
            include_user_context: true,
            warn_service_account_mode: true,
        }
    }

    /// Whether the chain has a key.
    #[must_use]
    pub const fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Whether a collector is told, which is reached by HTTP.
    #[must_use]
    pub fn needs_http(&self) -> bool {
        self.sinks.iter().any(|sink| matches!(sink, SinkConfig::Otlp(_)))
    }

    /// Paths below `base`.
    pub fn resolve_paths(&mut self, base: &Path) {
        if self.file != "-" {
            self.file = base.join(&self.file).to_string_lossy().into_owned();
        }
        if let Some(checkpoints) = &mut self.checkpoints {
            checkpoints.file = base.join(&checkpoints.file);
        }
    }

    /// The log's file, if it is one.
    pub(super) fn path(&self) -> Option<&Path> {
        (self.file != "-").then(|| Path::new(&self.file))
    }

    pub(super) fn keys(&self) -> Result<Keys, ConfigError> {
        let key = match &self.key {
            Some(secret) => key_of("audit.key", secret)?,
            None => ChainKey::none(),
        };
        let previous = self.previous_keys.iter();
        let previous = previous.map(|secret| key_of("audit.previousKeys", secret));
        Ok(Keys { key, previous: previous.collect::<Result<_, _>>()? })
    }

    pub(super) fn check_numbers(&self) -> Result<(), ConfigError> {
        let wrong = |setting: &str, problem: String| Err(ConfigError::new(setting, problem));
        if let Some(checkpoints) = &self.checkpoints
            && !(1..=MAX_TIME).contains(&checkpoints.interval_seconds)
        {
            let problem = format!("must be from 1 to {MAX_TIME} seconds");
            return wrong("audit.checkpoints.intervalSeconds", problem);
        }
        let Some(RotationConfig { max_bytes, max_age_seconds, keep }) = &self.rotation else {
            return Ok(());
        };
        if self.file == "-" {
            return wrong("audit.rotation", "standard output is not rotated".into());
        }
        if max_bytes.is_none() && max_age_seconds.is_none() {
            return wrong("audit.rotation", "needs maxBytes or maxAgeSeconds".into());
        }
        if max_bytes.is_some_and(|bytes| bytes < MIN_SEGMENT) {
            return wrong("audit.rotation.maxBytes", format!("must be {MIN_SEGMENT} or more"));
        }
        if max_age_seconds.is_some_and(|seconds| !(1..=MAX_TIME).contains(&seconds)) {
            let problem = format!("must be from 1 to {MAX_TIME} seconds");
            return wrong("audit.rotation.maxAgeSeconds", problem);
        }
        if *keep == Some(0) {
            return wrong("audit.rotation.keep", "must be 1 or more".into());
        }
        Ok(())
    }
}

impl CheckpointConfig {
    pub(super) const fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_seconds)
    }
}

fn key_of(setting: &str, secret: &Secret) -> Result<ChainKey, ConfigError> {
    let text = secret.resolve().map_err(|error| ConfigError::new(setting, error.to_string()))?;
    ChainKey::new(&text).ok_or_else(|| {
        let problem =
            format!("must have {MIN_KEY} characters or more, as `openssl rand -hex 32` makes them");
        ConfigError::new(setting, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(json: &str) -> Result<AuditConfig, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn the_seeds_block_loads_and_today_s_does() {
        let seeds = r#"{
            "logAllAttempts": true,
            "includeUserContext": true,
            "warnServiceAccountMode": true
        }"#;
        let config_of = |json| config(json).unwrap();
        assert_eq!(config_of(seeds).file, "audit.jsonl");
        let today = config_of(r#"{"file": "/var/log/a.jsonl", "sync": false}"#);
        assert!((&*today.file, today.sync, today.has_key()) == ("/var/log/a.jsonl", false, false));
        for weaker in ["logAllAttempts", "includeUserContext", "warnServiceAccountMode"] {
            let error = config(&format!(r#"{{"{weaker}": false}}"#)).unwrap_err();
            assert!(error.contains("always done"), "{error}");
        }
        config(r#"{"files": "x"}"#).unwrap_err();
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (json, setting) in [
            (r#"{"key": "short"}"#, "audit.key"),
            (r#"{"key": {"$secret": "NO_SUCH_SECRET"}}"#, "audit.key"),
            (r#"{"previousKeys": [""]}"#, "audit.previousKeys"),
            (r#"{"rotation": {}}"#, "audit.rotation"),
            (r#"{"file": "-", "rotation": {"maxBytes": 1000000}}"#, "audit.rotation"),
            (r#"{"rotation": {"maxBytes": 1}}"#, "audit.rotation.maxBytes"),
            (r#"{"rotation": {"maxAgeSeconds": 0}}"#, "audit.rotation.maxAgeSeconds"),
            (r#"{"rotation": {"maxAgeSeconds": 60, "keep": 0}}"#, "audit.rotation.keep"),
            (
                r#"{"checkpoints": {"file": "x", "intervalSeconds": 0}}"#,
                "audit.checkpoints.intervalSeconds",
            ),
        ] {
            let config = config(json).unwrap();
            let error = config.keys().map(drop).and_then(|()| config.check_numbers()).unwrap_err();
            assert_eq!(error.setting, setting, "{json}");
        }
    }
}
