use crate::identity::ClaimTypes;

/// What policies may speak of beside what the schema has for all: what the configuration and the program
/// around this one say.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Claims of users (`principal.claims`).
    pub claims: ClaimTypes,
    /// The names of tools that calls come through (`context.tool`); none: any.
    pub tools: Vec<&'static str>,
}
