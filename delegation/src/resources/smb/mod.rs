//! Files over SMB 3.1.1: the crate `smb2` carries the data, the session is set up by us
//! ([`session`]). Nothing else names that crate.

mod config;
mod failure;
mod name;
mod operation;
mod session;
mod socket;
mod tap;
mod unc;

use std::borrow::Cow;
use std::sync::Arc;

use super::kept::{self, Keep as _, Kept};
use super::{Action, Answered, CallContext, Effect, Found, Kind, Named, Wrong};
use crate::Failure;
use crate::credential::{ServiceCredential, Standing};
use crate::network::Network;
use crate::targets::{Names, Root, fold};
use failure::Place;
use session::Session;

pub use config::{Config, Endpoint};
pub use operation::*;

/// The file client.
pub(super) struct Client {
    network: Network,
    kept: Kept,
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
        Named { name, spn: spn.into(), names, account: account.as_deref() }
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

    fn effect(task: &Task) -> Effect {
        task.verb.effect()
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
        Answered { status: None, bytes: outcome.content_bytes(), rows: None, changed: None }
    }

    fn new(network: &Network, kept: &Kept) -> Self {
        Self { network: network.clone(), kept: kept.clone() }
    }

    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        task: &Task,
    ) -> Result<Outcome, Failure> {
        let place =
            Place { target: credential.permit().target(), share: &task.share, path: &task.path };
        let standing = self.kept.standing(credential);
        let kept =
            standing.as_ref().and_then(|on| self.kept.take(on, &*cx.clock, |_: &Session| true));
        if let Some(mut session) = kept
            && session.is_settled().await
        {
            match self.run(session, task, &place, standing.as_ref()).await {
                Run::Answered(outcome) => return outcome,
                Run::Lost(failure) if task.verb.effect() == Effect::Each => return Err(failure),
                // The file server may have ended it long ago, and with it the caller's others.
                Run::Lost(_) => self.kept.end(|on| Some(on) == standing.as_ref()),
            }
        }
        let session = Session::log_in(&self.network, cx, credential, &place).await?;
        match self.run(session, task, &place, standing.as_ref()).await {
            Run::Answered(outcome) => outcome,
            Run::Lost(failure) => Err(failure),
        }
    }
}

/// What became of a session in which something was done.
enum Run {
    /// It was answered.
    Answered(Result<Outcome, Failure>),
    /// It broke.
    Lost(Failure),
}

impl Client {
    /// Does something in a session, and keeps that if it may be. Given up in the middle, the session ends.
    async fn run(
        &self,
        mut session: Session,
        task: &Task,
        place: &Place<'_>,
        standing: Option<&Standing>,
    ) -> Run {
        let outcome = task.verb.run(&mut session, place, &task.written).await;
        if session.is_lost() {
            return match outcome {
                Err(failure) => Run::Lost(failure),
                Ok(_) => Run::Answered(outcome),
            };
        }
        match standing {
            Some(standing) => self.kept.put(standing.clone(), session),
            None => kept::end(session),
        }
        Run::Answered(outcome)
    }
}
