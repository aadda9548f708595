use super::config::Endpoint;
use crate::targets::Target;

/// Where something is done, and as whom.
pub(super) struct Place<'a> {
    pub(super) target: &'a Target,
    pub(super) endpoint: &'a Endpoint,
    /// As configured.
    pub(super) database: &'a str,
    /// What the user is called there.
    pub(super) identity: String,
}
