//! Batches: statement after statement, and what those do that are about the session.

use std::time::Duration;

use tokio::io::AsyncWrite;

use super::super::Fault;
use super::super::output::{Output, Stop};
use super::super::request::{Call, Parameter};
use super::super::sql::evaluate::{Typed, convert, truth};
use super::super::sql::parser::statements;
use super::super::sql::syntax::{Scope, Statement, Way};
use super::super::token::{self, SqlError};
use super::super::value::{self, Value};
use super::scope::assign;
use super::{Failed, Scoped, Session};

impl Session {
    /// A batch, or the text of a module; `proc` says which DONE its statements have.
    pub(in super::super) async fn run<W: AsyncWrite + Unpin + Send>(
        &mut self,
        text: &str,
        scope: &mut Scoped,
        done: u8,
        out: &mut Output<W>,
    ) -> Result<bool, Stop> {
        let parsed = match statements(text) {
            Ok(parsed) => parsed,
            Err(error) => {
                self.last_error = Some(error.clone());
                out.send(&token::error(&error)).await?;
                out.done(done, token::ERROR, 0).await?;
                return Ok(false);
            }
        };
        let mut fine = true;
        for (statement, line) in parsed {
            let ended = Box::pin(self.statement(&statement, scope, done, out)).await;
            match ended {
                Ok(()) => {}
                Err(Failed::Stop(stop)) => return Err(stop),
                Err(Failed::Sql(mut error)) => {
                    error.line = line;
                    self.last_error = Some(error.clone());
                    fine = false;
                    out.send(&token::error(&error)).await?;
                    out.done(done, token::ERROR, 0).await?;
                    if error.class >= 20 {
                        out.end().await?;
                        return Err(Stop::Broken(std::io::ErrorKind::ConnectionAborted.into()));
                    }
                    // What is not there ends the batch, what goes wrong ends its statement: the
                    // next one runs, as whomever it then is.
                    if [208, 102, 137].contains(&error.number) {
                        break;
                    }
                }
            }
        }
        Ok(fine)
    }

    async fn statement<W: AsyncWrite + Unpin + Send>(
        &mut self,
        statement: &Statement,
        scope: &mut Scoped,
        done: u8,
        out: &mut Output<W>,
    ) -> Result<(), Failed> {
        match statement {
            Statement::Declare(name, ty, value) => {
                let value = match value {
                    Some(value) => convert(self.value(value, scope)?.1, *ty)?,
                    None => Value::Null,
                };
                scope.insert(name.clone(), (*ty, value));
            }
            Statement::Assign(name, value) => {
                let value = self.value(value, scope)?.1;
                assign(scope, name, value)?;
            }
            Statement::Set(name, value) => {
                self.settings.insert(name.clone(), value.clone());
            }
            Statement::Select(select) => return self.select(select, scope, done, out).await,
            Statement::ExecuteAs(scope_of, whom, way) => {
                let whom = self.text(whom, scope)?;
                self.execute_as(scope_of, &whom, way, scope)?;
                out.done(done, 0, 0).await?;
            }
            Statement::Revert(cookie) => {
                let cookie = match cookie {
                    Some(cookie) => match self.value(cookie, scope)?.1 {
                        Value::Bytes(bytes) => Some(bytes),
                        _ => Some(Vec::new()),
                    },
                    None => None,
                };
                if self.shared.has(Fault::NeverReverts) {
                    out.wait(Duration::from_secs(3600)).await?;
                }
                if !self.shared.has(Fault::RevertsNothing) {
                    self.contexts.revert(cookie.as_deref())?;
                }
                out.done(done, 0, 0).await?;
            }
            Statement::Use(name) => {
                let old = self.change_database(name)?;
                out.send(&token::changed_database(name, &old)).await?;
                out.done(done, 0, 0).await?;
            }
            Statement::Begin => {
                self.transaction = self.shared.next_transaction();
                out.send(&token::changed_transaction(8, self.transaction)).await?;
                out.done(done, 0, 0).await?;
            }
            Statement::Commit | Statement::Rollback => {
                let number = if matches!(statement, Statement::Commit) { 3902 } else { 3903 };
                if self.transaction == 0 {
                    let what = "The request has no corresponding BEGIN TRANSACTION.";
                    return Err(SqlError::new(number, 16, what).into());
                }
                let kind = if number == 3902 { 9 } else { 10 };
                out.send(&token::changed_transaction(kind, self.transaction)).await?;
                self.transaction = 0;
                out.done(done, 0, 0).await?;
            }
            Statement::If(condition, then) => {
                if truth(&self.value(condition, scope)?.1) == Some(true) {
                    return Box::pin(self.statement(&then.0, scope, done, out)).await;
                }
            }
            Statement::Wait(delay) => {
                let delay = self.text(delay, scope)?;
                let Some(Value::Moment(_, ticks, _)) = value::moment(&delay) else {
                    return Err(SqlError::new(148, 15, "Incorrect time syntax.").into());
                };
                out.wait(Duration::from_micros(ticks.unsigned_abs() / 10)).await?;
                out.done(done, 0, 0).await?;
            }
            Statement::Raise(message, class, state) => {
                let message = self.text(message, scope)?;
                let small = |typed: Typed| match typed.1 {
                    Value::Int(number) => u8::try_from(number).unwrap_or(1),
                    _ => 1,
                };
                let class = small(self.value(class, scope)?);
                let state = small(self.value(state, scope)?);
                if class <= 10 {
                    out.send(&token::info(50000, &message)).await?;
                } else {
                    return Err(SqlError::new(50000, class, message).with_state(state).into());
                }
            }
            Statement::Print(message) => {
                let message = self.text(message, scope)?;
                out.send(&token::info(0, &message)).await?;
            }
            Statement::Execute(name, arguments) => {
                let mut parameters = Vec::new();
                for (name, argument) in arguments {
                    let (ty, value) = self.value(argument, scope)?;
                    let name = name.clone().unwrap_or_default();
                    parameters.push(Parameter { name, ty, value });
                }
                let call = Call { name: name.clone(), parameters };
                return Box::pin(self.procedure(call, out)).await.map(|_| ());
            }
            change => {
                let count = self.change(change, scope)?;
                out.done(done, token::COUNT, count).await?;
            }
        }
        Ok(())
    }

    pub(super) fn use_database(&mut self) -> Result<(), SqlError> {
        let shared = self.shared.clone();
        self.contexts.use_database(&shared.directory(), &self.database)
    }

    /// USE: which one it was.
    fn change_database(&mut self, name: &str) -> Result<String, SqlError> {
        if !self.shared.directory().databases.contains_key(name) {
            let what = format!("Database '{name}' does not exist.");
            return Err(SqlError::new(911, 16, what));
        }
        let old = std::mem::replace(&mut self.database, name.to_owned());
        self.use_database().inspect_err(|_| self.database.clone_from(&old)).map(|()| old)
    }

    fn execute_as(
        &mut self,
        kind: &Scope,
        whom: &str,
        way: &Way,
        scope: &mut Scoped,
    ) -> Result<(), SqlError> {
        let directory = self.shared.directory();
        let database = self.database.clone();
        let how = (kind, whom, way);
        if self.shared.has(Fault::ImpersonatesNobody) {
            if let Way::Cookie(name) = way {
                assign(scope, name, Value::Bytes(vec![7; 50]))?;
            }
            return Ok(());
        }
        let cookie = self.contexts.execute_as(&directory, &database, how, self.depth)?;
        drop(directory);
        if let (Way::Cookie(name), Some(cookie)) = (way, cookie) {
            assign(scope, name, Value::Bytes(cookie))?;
        }
        Ok(())
    }
}
