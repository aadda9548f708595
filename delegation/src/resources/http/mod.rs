//! Web applications that speak Negotiate (RFC 4559).

mod address;
mod answer;
mod channel;
mod client;
mod config;
mod excerpt;
mod failure;
mod headers;
mod limits;
mod operation;

use std::borrow::Cow;
use std::sync::Arc;

use super::kept::Kept;
use super::{Action, Answered, CallContext, Effect, Found, Kind, Named, Wrong};
use crate::Failure;
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::targets::{Names, Root};

pub(super) use client::Client;
pub use config::{Config, Endpoint};
pub use operation::*;

impl Kind for Client {
    type Config = Config;
    type Endpoint = Endpoint;
    type Operation = Operation;
    type Asked = Asked;
    type Task = Task;
    type Outcome = Outcome;

    const ADDRESS: &'static str = "URL";
    const ACTIONS: &'static [Action] = ACTIONS;

    fn named(config: &Config) -> Named<'_> {
        let Config { name, spn, names, account, .. } = config;
        Named { name, spn: spn.into(), names, account: account.as_deref() }
    }

    fn endpoint(config: Config, names: &mut Names) -> Result<Endpoint, Wrong> {
        config.check(names)
    }

    fn check_apart(new: &Endpoint, old: &Endpoint, of: &str) -> Result<(), Wrong> {
        new.check_apart(old, of)
    }

    fn host(endpoint: &Endpoint) -> &str {
        endpoint.base.host_str().unwrap_or_default()
    }

    fn port(endpoint: &Endpoint) -> u16 {
        // Only http and https URLs pass the configuration, and both have a default.
        endpoint.base.port_or_known_default().unwrap_or_default()
    }

    fn roots(endpoint: &Endpoint, names: &Names) -> Vec<Root> {
        vec![endpoint.root(names)]
    }

    fn action(operation: &Operation) -> Cow<'static, str> {
        action_name(&operation.method).into()
    }

    fn address(operation: &Operation) -> &str {
        &operation.url
    }

    fn read(operation: &Operation) -> Result<Asked, Failure> {
        Asked::read(operation)
    }

    fn find(
        asked: &Asked,
        endpoint: &Arc<Endpoint>,
        names: &Names,
    ) -> Result<Option<Found<Task>>, Failure> {
        asked.find(endpoint, names)
    }

    fn effect(task: &Task) -> Effect {
        effect(&task.method)
    }

    fn check_literal(piece: &str) -> Result<(), String> {
        if piece.contains(['?', '#']) {
            return Err("policy sees neither a URL's query nor its fragment".into());
        }
        match address::policy_text(piece) {
            Some(text) if text == piece => Ok(()),
            Some(text) => Err(format!("there it is written {text:?} (escaped, in lower case)")),
            None => Err("it has a '%' without two digits, a ';' or a separator in disguise".into()),
        }
    }

    // A query may hold what is secret.
    fn recorded_path(task: &Task) -> String {
        task.url.path().to_owned()
    }

    fn answered(response: &Outcome) -> Answered {
        Answered {
            status: Some(response.status),
            bytes: response.body.len() as u64,
            rows: None,
            changed: None,
        }
    }

    fn new(network: &Network, _: &Kept) -> Self {
        Self { network: network.clone() }
    }

    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        task: &Task,
    ) -> Result<Outcome, Failure> {
        self.request(cx, credential, task).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an entry of `targets` describes.
    pub(super) fn endpoint(config: &str) -> Endpoint {
        let config: Config = serde_json::from_str(config).unwrap();
        config.check(&mut Names::default()).unwrap()
    }
}
