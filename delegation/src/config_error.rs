//! What is wrong with the configuration.

/// A setting that this server will not start with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{setting}: {}{problem}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ConfigError {
    /// Where in the configuration, for example `targets[1].spn`.
    pub setting: String,
    /// In the file that the setting names, from 1.
    pub line: Option<usize>,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl ConfigError {
    /// An error about one setting.
    pub fn new(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { setting: setting.into(), line: None, problem: problem.into() }
    }

    /// The same, on this line of the file that the setting names.
    #[must_use]
    pub fn on_line(self, line: Option<usize>) -> Self {
        Self { line, ..self }
    }
}
