use super::config::{ModuleExchangeConfig, TokenExchangeConfig};
use crate::ConfigError;

/// The settings of an exchange, and where each of them stands: what is to be changed is named so.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) config: TokenExchangeConfig,
    /// Where the exchange of the issuer stands.
    section: String,
    /// And the issuer itself.
    idp: String,
    /// Where what a module has of its own stands.
    module: Option<(String, ModuleExchangeConfig)>,
}

/// What remedies speak of: `{.NAME}` stands for where it is.
pub(super) const NAMES: [&str; 8] = [
    "tokenEndpoint",
    "clientId",
    "clientSecret",
    "clientKey",
    "clientAuthentication",
    "audience",
    "defaultScope",
    "actors",
];

impl Settings {
    /// Those of an issuer, which stand in one section, and the issuer in another.
    pub(super) fn new(config: TokenExchangeConfig, section: &str, idp: String) -> Self {
        Self { config, section: section.into(), idp, module: None }
    }

    /// The same with what a module has of its own.
    pub(super) fn with_module(&self, section: String, module: &ModuleExchangeConfig) -> Self {
        let config = module.over(&self.config);
        Self { config, module: Some((section, module.clone())), ..self.clone() }
    }

    /// The whole name of a setting, where the value that is used stands.
    pub(super) fn name(&self, setting: &str) -> String {
        let of_module = self.module.as_ref().filter(|(_, module)| match setting {
            "audience" => module.audience.is_some(),
            "resource" => module.resource.is_some(),
            "defaultScope" => module.default_scope.is_some(),
            _ => false,
        });
        let section = of_module.map_or(&self.section, |(section, _)| section);
        format!("{section}.{setting}")
    }

    /// Where the exchange of the issuer stands.
    pub(super) fn section(&self) -> &str {
        &self.section
    }

    /// The whole name of a setting of the issuer.
    pub(super) fn of_issuer(&self, setting: &str) -> String {
        format!("{}.{setting}", self.idp)
    }

    /// A text with what is configured: `{client}`, `{audience}`, `{scope}`, and `{.NAME}` for where a
    /// setting stands.
    pub(super) fn fill(&self, text: &str) -> String {
        let named = NAMES.iter().fold(text.to_owned(), |text, name| {
            let place = format!("{{.{name}}}");
            if text.contains(&place) { text.replace(&place, &self.name(name)) } else { text }
        });
        named
            .replace("{client}", &self.config.client_id)
            .replace("{audience}", &self.config.audience.as_slice().join(", "))
            .replace("{scope}", self.config.default_scope.as_deref().unwrap_or_default())
    }

    /// Finds what would not do.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.config.check().map_err(|(setting, problem)| self.error(setting, problem))
    }

    pub(super) fn error(&self, setting: &str, problem: impl Into<String>) -> ConfigError {
        ConfigError::new(self.name(setting), problem.into())
    }
}
