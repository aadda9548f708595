//! What is wrong with the configuration.

/// A setting that this server will not start with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    /// Where in the configuration, for example `targets[1].spn`.
    pub setting: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl ConfigError {
    /// An error about one setting.
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), problem: problem.into() }
    }
}
