use crate::identity::ClaimTypes;

/// What policies may speak of beside what the schema has for all: what the configuration and the program
/// around this one say.
#[derive(Clone, Debug, Default)]
pub struct Words {
    /// Claims of users (`principal.claims`).
    pub claims: ClaimTypes,
    /// The tools that calls come through (`context.tool`); none: any.
    pub tools: Vec<Tool>,
}

/// A tool, as policy knows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tool {
    /// What it is called.
    pub name: &'static str,
    /// The actions that are done through it.
    pub actions: &'static [&'static str],
}
