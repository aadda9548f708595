use schemars::JsonSchema;
use serde::Deserialize;

/// What kind of server it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// PostgreSQL.
    Postgresql,
    /// Microsoft SQL Server.
    SqlServer,
}

impl Engine {
    /// The TCP port unless said otherwise.
    pub(super) const fn port(self) -> u16 {
        match self {
            Self::Postgresql => 5432,
            Self::SqlServer => 1433,
        }
    }

    /// What users are called there unless said otherwise.
    pub(super) const fn template(self) -> &'static str {
        match self {
            Self::Postgresql => "{name:lower}",
            Self::SqlServer => r"{domain}\{name}",
        }
    }
}
