//! Databases: SQL as the user, at PostgreSQL and SQL Server.
//!
//! What a caller writes is read by a parser ([`statement`]) before anybody is asked: one statement, and
//! what that does is what policy is asked about. The database's own rights are the wall behind it. The
//! engines ([`postgres`], [`sqlserver`]) log in and run what was let through.

mod catalog;
mod config;
mod engine;
mod failure;
mod identity;
mod limits;
mod operation;
mod own;
mod place;
mod postgres;
mod rows;
mod session;
mod sqlserver;
mod statement;
mod stored;
mod work;

use std::borrow::Cow;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::time::timeout_at;

use super::kept::{self, Kept};
use super::{
    Action, Answered, CallContext, Doubt, Effect, Found, Impersonator, Kind, Named, Recorded,
    Wrong, kind,
};
use crate::credential::{ServiceCredential, Standing};
use crate::network::Network;
use crate::targets::{Names, Root, Target, fold};
use crate::{Failure, Holds, Visit};
use failure::{Broken, Crowded, TooBig, TooLong};
use limits::{Connections, Open};
use place::Place;
use rows::{Rows, Taken};
use session::{Done, NotDone, Session};
use statement::Access;

pub use config::{Config, Encryption, Endpoint, LoginConfig, Mode, Principal};
pub use engine::Engine;
pub use limits::LimitsConfig;
pub use operation::*;
pub use rows::{Column, Row};
pub use stored::StoredConfig;

/// The client of databases.
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

    const ADDRESS: &'static str = "SQL target and database";
    const ACTIONS: &'static [Action] = ACTIONS;
    const TAKES_SERVICES: bool = false;

    fn each_file(config: &mut Config, visit: &mut Visit<'_>) {
        let LoginConfig { certificate, key, .. } = &mut config.login;
        if let Some(file) = certificate {
            visit("login.certificate", Holds::Rules, file);
        }
        if let Some(file) = key {
            visit("login.key", Holds::Secret, file);
        }
    }

    fn named(config: &Config) -> Named<'_> {
        let Config { name, names, account, .. } = config;
        let spn = config.named_spn().into();
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

    fn impersonator(endpoint: &Endpoint) -> Option<Impersonator> {
        endpoint.impersonator()
    }

    fn names_none(asked: &Asked) -> bool {
        asked.names_none()
    }

    fn action(operation: &Operation) -> Cow<'static, str> {
        operation.action().into()
    }

    fn address(operation: &Operation) -> &str {
        operation.address()
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
        match task.work.access {
            Access::Read => Effect::None,
            Access::Write | Access::Admin => Effect::Each,
        }
    }

    fn check_literal(piece: &str) -> Result<(), String> {
        let folded = fold(piece);
        match folded == piece {
            true => Ok(()),
            false => Err(format!("there it is written {folded:?} (in lower case, composed)")),
        }
    }

    fn recorded_path(task: &Task) -> String {
        task.place().to_owned()
    }

    fn recorded(task: &Task) -> Option<Recorded> {
        Some(task.recorded())
    }

    fn beside(outcome: &Outcome) -> kind::Beside {
        outcome.beside.members()
    }

    fn answered(outcome: &Outcome) -> Answered {
        let Beside { row_count, rows_affected, bytes, .. } = &outcome.beside;
        let (rows, changed) = (Some(*row_count as u64), *rows_affected);
        Answered { status: None, bytes: *bytes, rows, changed }
    }

    fn new(network: &Network, kept: &Kept) -> Self {
        Self { network: network.clone(), kept: kept.clone() }
    }

    async fn trouble(endpoint: &Endpoint) -> Option<(String, Option<String>)> {
        endpoint.trouble().await
    }

    async fn lacks(&self, cx: &CallContext, target: &Target, endpoint: &Endpoint) -> Vec<String> {
        // Who comes with a ticket has it in a user's call alone.
        let (
            Mode::Impersonate | Mode::Role,
            config::By::Password { username, .. } | config::By::Certificate { username, .. },
        ) = (endpoint.login.mode, &endpoint.login.by)
        else {
            return Vec::new();
        };
        let Some(database) = endpoint.database(None) else { return Vec::new() };
        let place = Place { target, endpoint, database, identity: username.clone() };
        let look = async {
            match endpoint.engine {
                Engine::Postgresql => {
                    postgres::Session::log_in(&self.network, cx, None, &place).await.map(kept::end)
                }
                Engine::SqlServer => {
                    sqlserver::Session::log_in(&self.network, cx, None, &place).await.map(kept::end)
                }
            }
        };
        match timeout_at(cx.deadline, look).await {
            Ok(Ok(())) => Vec::new(),
            Ok(Err(failure)) => vec![format!("{}. {}", failure.message, failure.remedy)],
            Err(_) => vec![format!("{} does not answer when {username} logs in", endpoint.host)],
        }
    }

    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        task: &Task,
    ) -> Result<Outcome, Failure> {
        let place = Place {
            target: credential.permit().target(),
            endpoint: &task.endpoint,
            database: &task.database,
            identity: task.endpoint.identity.of(credential.account(), task.endpoint.engine)?,
        };
        match task.endpoint.engine {
            Engine::Postgresql => {
                self.reach::<postgres::Session>(cx, credential, &place, task).await
            }
            Engine::SqlServer => {
                self.reach::<sqlserver::Session>(cx, credential, &place, task).await
            }
        }
    }
}

/// What became of a session in which something was run.
enum Run {
    /// It was answered.
    Answered(Result<Outcome, Failure>),
    /// It was of no use, and nothing was sent.
    Unused,
    /// It broke, and some rows had come or none.
    Lost { cause: String, is_untouched: bool },
}

impl Client {
    async fn reach<S: Session>(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        place: &Place<'_>,
        task: &Task,
    ) -> Result<Outcome, Failure> {
        let (standing, doubt) = (self.kept.standing(credential), credential.doubt());
        let fits = |session: &S| session.database() == task.database;
        let kept = standing.as_ref().and_then(|on| self.kept.take(on, &*cx.clock, fits));
        if let Some(session) = kept {
            match run(&self.kept, session, cx, place, task, standing.as_ref(), doubt).await {
                Run::Answered(outcome) => return outcome,
                // The server may have ended it long ago, and with it the caller's others.
                Run::Unused => self.kept.end(|on| Some(on) == standing.as_ref()),
                Run::Lost { is_untouched: true, .. } if task.work.access == Access::Read => {
                    self.kept.end(|on| Some(on) == standing.as_ref());
                }
                Run::Lost { cause, .. } => return Err(Broken(place.target, cause).into()),
            }
        }
        let open = self.leave::<S>(cx, place).await?;
        let mut session = S::log_in(&self.network, cx, Some(credential), place).await?;
        session.life_mut().open = Some(open);
        match run(&self.kept, session, cx, place, task, standing.as_ref(), doubt).await {
            Run::Answered(outcome) => outcome,
            Run::Unused => Err(Broken(place.target, "a new session is of no use".into()).into()),
            Run::Lost { cause, .. } => Err(Broken(place.target, cause).into()),
        }
    }
}

impl Client {
    /// Leave to open one more connection. Where a target has as many as it may, one that is kept for
    /// somebody ends.
    async fn leave<S: Session>(
        &self,
        cx: &CallContext,
        place: &Place<'_>,
    ) -> Result<Open, Failure> {
        let connections = &place.endpoint.connections;
        if let Some(open) = connections.free() {
            return Ok(open);
        }
        let waiting = connections.wait();
        self.kept.end_oldest(|session: &S| is_one(session, connections));
        let open = waiting.until(cx.deadline).await;
        open.ok_or_else(|| Crowded(place.target, place.endpoint.limits.connections).into())
    }
}

fn is_one<S: Session>(session: &S, of: &Connections) -> bool {
    session.life().open.as_ref().is_some_and(|open| of.have(open))
}

/// Runs something in a session, and keeps that if it may be and is as new. Given up in the middle, it
/// ends, and what it runs is cancelled at the server.
async fn run<S: Session>(
    kept: &Kept,
    mut session: S,
    cx: &CallContext,
    place: &Place<'_>,
    task: &Task,
    standing: Option<&Standing>,
    doubt: &Doubt,
) -> Run {
    let limits = task.endpoint.limits;
    let mut rows = Rows::new(task.skip, task.rows, limits.bytes);
    let times = (limits.time, cx.deadline);
    let outcome = match session.run(place, &task.work, &mut rows, times, doubt).await {
        None => Err(TooLong(place.target, limits.time.as_secs()).into()),
        Some(Err(NotDone::Lost(cause))) => {
            return Run::Lost { cause, is_untouched: rows.is_empty() };
        }
        Some(Err(NotDone::Unused)) => return Run::Unused,
        Some(Err(NotDone::Failed(failure))) => Err(failure),
        Some(Err(NotDone::Refused(said))) => {
            put_back(kept, session, standing, task);
            Err(said.explain(place))
        }
        Some(Ok(done)) => {
            put_back(kept, session, standing, task);
            outcome(place, task, done, rows)
        }
    };
    Run::Answered(outcome)
}

/// Keeps a session if it may be and is as new. What was done in it is known, and is told without waiting
/// for that: a server that takes its time with it takes none of the call's.
fn put_back<S: Session>(kept: &Kept, mut session: S, standing: Option<&Standing>, task: &Task) {
    if session.is_lost() {
        return;
    }
    let Some(standing) = standing.cloned() else { return kept::end(session) };
    let (kept, endpoint) = (kept.clone(), task.endpoint.clone());
    let mut cleaning = Box::pin(async move {
        if !session.clean().await {
            return kept::end(session);
        }
        kept.put(standing, session);
        // Who began to wait before this was kept has not seen it.
        let connections = &endpoint.connections;
        if connections.are_wanted() {
            kept.end_oldest(|session: &S| is_one(session, connections));
        }
    });
    // Where nothing is waited for, it is kept before the next call comes.
    if (&mut cleaning).now_or_never().is_none() {
        tokio::spawn(cleaning);
    }
}

fn outcome(place: &Place<'_>, task: &Task, done: Done, rows: Rows) -> Result<Outcome, Failure> {
    let Taken { columns, rows, more, bytes } = rows.into_parts();
    if more && rows.is_empty() {
        return Err(TooBig(place.target, task.endpoint.limits.bytes).into());
    }
    let beside = Beside {
        columns,
        row_count: rows.len(),
        rows_affected: done.changed,
        has_more: more,
        cursor: more.then(|| task.cursor(rows.len())).flatten(),
        bytes,
    };
    Ok(Outcome { rows, beside })
}

#[cfg(test)]
mod figures;
#[cfg(test)]
mod tests;
