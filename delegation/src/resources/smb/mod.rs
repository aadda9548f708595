//! Files over SMB 3.1.1: the crate `smb2` carries the data, the session is set up by us
//! ([`session`]). Nothing else names that crate.

mod config;
mod failure;
mod name;
mod operation;
mod session;
mod tap;
mod unc;

use std::borrow::Cow;
use std::sync::Arc;

use super::{Action, Answered, CallContext, Found, Kind, Named, Wrong};
use crate::Failure;
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::targets::{Names, Root, fold};
use failure::Place;
use session::Session;

pub use config::{Config, Endpoint};
pub use operation::*;

/// The file client.
pub(super) struct Client {
    network: Network,
}

impl Kind for Client {
    type Config = Config;
    type Endpoint = Endpoint;
    type Operation = Operation;
    type Asked = Asked;
    type Task = Task;
    type Outcome = Outcome;

    const ADDRESS: &'static str = "UNC path";
    const ACTIONS: &'static [Action] = ACTIONS;

    fn named(config: &Config) -> Named<'_> {
        let Config { name, spn, names, account, .. } = config;
        Named { name, spn, names, account: account.as_deref() }
    }

    fn endpoint(config: Config, names: &mut Names) -> Result<Endpoint, Wrong> {
        config.check(names)
    }

    fn check_apart(new: &Endpoint, old: &Endpoint, of: &str) -> Result<(), Wrong> {
        new.check_apart(old, of)
    }

    fn host(endpoint: &Endpoint) -> &str {
        &endpoint.host
    }

    fn port(endpoint: &Endpoint) -> u16 {
        endpoint.port
    }

    fn roots(endpoint: &Endpoint, names: &Names) -> Vec<Root> {
        endpoint.roots(names)
    }

    fn action(operation: &Operation) -> Cow<'static, str> {
        operation.verb.action().name.into()
    }

    fn address(operation: &Operation) -> &str {
        &operation.path
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

    fn check_literal(piece: &str) -> Result<(), String> {
        let folded = fold(piece);
        if folded != piece {
            return Err(format!(
                "there it is written {folded:?} (in lower case, composed, without invisible \
                 characters)"
            ));
        }
        if piece.chars().any(|c| c.is_control() || ":*?\"<>|".contains(c)) {
            return Err("it has a character that no file's name has".into());
        }
        Ok(())
    }

    fn recorded_path(Task { share, path, .. }: &Task) -> String {
        match &**path {
            "" => share.clone(),
            path => format!("{share}\\{path}"),
        }
    }

    fn answered(outcome: &Outcome) -> Answered {
        Answered { status: None, bytes: outcome.content_bytes() }
    }

    fn new(network: &Network) -> Self {
        Self { network: network.clone() }
    }

    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        task: &Task,
    ) -> Result<Outcome, Failure> {
        let Task { verb, share, path, written } = task;
        let place = Place { target: credential.permit().target(), share, path };
        let mut session = Session::log_in(&self.network, cx, credential, &place).await?;
        let outcome = verb.run(&mut session, &place, written).await;
        session.log_off();
        outcome
    }
}
