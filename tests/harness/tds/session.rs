//! A session: what requests do.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWrite;

use super::contexts::Contexts;
use super::directory::Table;
use super::output::{Output, Stop};
use super::request::{Call, Parameter};
use super::sql::evaluate::{Names, Typed, convert, evaluate, truth};
use super::sql::parser::{declarations, statements};
use super::sql::syntax::{Expression, Item, Scope, Select, Source, Statement, Way};
use super::token::{self, Column, SqlError};
use super::value::{Type, Value};
use super::{Fault, Shared};

const NAME: Type = Type::NVarChar(Some(50));

/// A table of ours, for tests: `many` has ten million rows, `slow` one, after a minute.
fn is(path: &[String], name: &str) -> bool {
    path.last().is_some_and(|last| last.eq_ignore_ascii_case(name))
}

pub(super) type Scoped = BTreeMap<String, Typed>;

/// How a statement failed.
pub(super) enum Failed {
    Sql(SqlError),
    Stop(Stop),
}

impl From<SqlError> for Failed {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Stop> for Failed {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

struct Temporary {
    table: Table,
    /// The module it was made in, and ends with.
    depth: usize,
}

pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) contexts: Contexts,
    pub(super) database: String,
    home: String,
    number: u16,
    temporary: BTreeMap<String, Temporary>,
    settings: BTreeMap<String, String>,
    keys: BTreeMap<String, (Value, bool)>,
    pub(super) transaction: u64,
    prepared: BTreeMap<i64, (Vec<(String, Type)>, String)>,
    depth: usize,
    last_error: Option<SqlError>,
}

/// Where a column's name has its value.
struct Row<'a> {
    session: &'a Session,
    scope: &'a Scoped,
    columns: &'a [(String, Type)],
    values: &'a [Value],
}

impl Names for Row<'_> {
    fn variable(&self, name: &str) -> Result<Typed, SqlError> {
        let global = |number: i64| Ok((Type::Int, Value::Int(number)));
        match name {
            "@@trancount" => global((self.session.transaction != 0).into()),
            "@@spid" => global(self.session.number.into()),
            "@@rowcount" | "@@error" | "@@lock_timeout" | "@@options" | "@@microsoftversion" => {
                global(0)
            }
            "@@version" => Ok(text("Microsoft SQL Server (a server for tests)")),
            "@@servername" => Ok(text("SQL")),
            _ => self.scope.get(name).cloned().ok_or_else(|| {
                let what = format!("Must declare the scalar variable \"{name}\".");
                SqlError::new(137, 15, what).with_state(2)
            }),
        }
    }

    fn column(&self, name: &str) -> Result<Typed, SqlError> {
        let at = self.columns.iter().position(|(column, _)| column.eq_ignore_ascii_case(name));
        let at =
            at.ok_or_else(|| SqlError::new(207, 16, format!("Invalid column name '{name}'.")))?;
        Ok((self.columns[at].1, self.values[at].clone()))
    }

    fn call(&self, name: &str, arguments: &[Typed]) -> Result<Typed, SqlError> {
        self.session.function(name, arguments)
    }
}

fn text(text: &str) -> Typed {
    (Type::NVarChar(Some(128)), Value::Text(text.to_owned()))
}

impl Session {
    pub(super) fn new(
        shared: Arc<Shared>,
        login: &str,
        database: &str,
        number: u16,
    ) -> Result<Self, SqlError> {
        let user = {
            let directory = shared.directory();
            let cannot = || {
                let what = format!(
                    "Cannot open database \"{database}\" requested by the login. The login failed."
                );
                SqlError::new(4060, 11, what)
            };
            let known = directory.databases.contains_key(database);
            directory.user_of(database, login).filter(|_| known).ok_or_else(cannot)?
        };
        Ok(Self {
            shared,
            contexts: Contexts::new(login, user),
            database: database.to_owned(),
            home: database.to_owned(),
            number,
            temporary: BTreeMap::new(),
            settings: BTreeMap::new(),
            keys: BTreeMap::new(),
            transaction: 0,
            prepared: BTreeMap::new(),
            depth: 0,
            last_error: None,
        })
    }

    /// Its number, its login, and as whom it acts.
    pub(super) fn speaker(&self) -> (u16, String, String) {
        let user = self.contexts.now().user.clone();
        (self.number, self.contexts.original().to_owned(), user)
    }

    /// The last error of `run`.
    pub(super) fn last_error(&self) -> Option<&SqlError> {
        self.last_error.as_ref()
    }

    /// A request of the transaction manager's (2.2.6.9): what it changes.
    pub(super) fn transaction_request(&mut self, body: &[u8]) -> Result<Vec<u8>, Stop> {
        let body = super::request::headers(body, self.transaction)?;
        let (kind, wanted) = match body {
            [5, 0, ..] => (8, self.transaction == 0),
            [7, 0, ..] => (9, self.transaction != 0),
            [8, 0, ..] => (10, self.transaction != 0),
            other => return Err(super::packet::wrong(format!("transaction {other:02x?}")).into()),
        };
        if !wanted {
            return Err(
                super::packet::wrong("a transaction that is not there, or is already").into()
            );
        }
        if kind == 8 {
            self.transaction = self.shared.next_transaction();
        }
        let change = super::token::changed_transaction(kind, self.transaction);
        if kind != 8 {
            self.transaction = 0;
        }
        Ok(change)
    }

    /// RESETCONNECTION: as it was after the login.
    pub(super) fn reset(&mut self) -> Result<(), SqlError> {
        if self.contexts.is_impersonating() {
            let what = "The connection has been dropped because the principal that opened it subsequently assumed a new security context, and then tried to reset the connection under its impersonated security context. This scenario is not supported. See \"Impersonation Overview\" in Books Online.";
            return Err(SqlError::new(18059, 20, what));
        }
        self.temporary.clear();
        self.settings.clear();
        self.keys.clear();
        self.prepared.clear();
        self.transaction = 0;
        self.database = self.home.clone();
        let directory = self.shared.directory();
        self.contexts.use_database(&directory, &self.home)
    }

    fn names<'a>(&'a self, scope: &'a Scoped) -> Row<'a> {
        Row { session: self, scope, columns: &[], values: &[] }
    }

    fn value(&self, expression: &Expression, scope: &Scoped) -> Result<Typed, SqlError> {
        evaluate(expression, &self.names(scope))
    }

    fn text(&self, expression: &Expression, scope: &Scoped) -> Result<String, SqlError> {
        match self.value(expression, scope)?.1 {
            Value::Text(text) => Ok(text),
            other => Err(SqlError::new(214, 16, format!("{other:?} is no text."))),
        }
    }

    fn function(&self, name: &str, arguments: &[Typed]) -> Result<Typed, SqlError> {
        let now = self.contexts.now();
        Ok(match (name, arguments) {
            ("suser_sname" | "suser_name" | "system_user", []) => match &now.login {
                Some(login) => text(login),
                // What a user without a login is called at the server.
                None => text(&format!("S-1-9-3-{}", now.user.len())),
            },
            ("original_login", []) => text(self.contexts.original()),
            ("user_name" | "current_user" | "session_user" | "user", []) => text(&now.user),
            ("db_name", []) => text(&self.database),
            ("app_name" | "host_name", []) => text("app"),
            ("is_srvrolemember", [(_, Value::Text(role))]) => {
                let directory = self.shared.directory();
                let login = now.login.as_deref().and_then(|login| directory.login(login));
                let is = role.eq_ignore_ascii_case("sysadmin") && login.is_some_and(|l| l.sysadmin);
                (Type::Int, Value::Int(is.into()))
            }
            ("session_context", [(_, Value::Text(key))]) => {
                let value = self.keys.get(&key.to_lowercase()).map(|(value, _)| value.clone());
                (Type::NVarChar(Some(4000)), value.unwrap_or(Value::Null))
            }
            // Of ours, for tests: what SET options are not as they were.
            ("settings_changed", []) => {
                let changed: Vec<_> =
                    self.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
                text(&changed.join(" "))
            }
            ("len", [(_, Value::Text(text))]) => {
                let length = text.encode_utf16().count();
                (Type::Int, Value::Int(i64::try_from(length).expect("short")))
            }
            ("len", [(_, Value::Null)]) => (Type::Int, Value::Null),
            ("replicate", [(_, Value::Text(text)), (_, Value::Int(times))]) => {
                let text = text.repeat(usize::try_from(*times).unwrap_or(0));
                (Type::NVarChar(None), Value::Text(text))
            }
            ("isnull" | "coalesce", [first, second]) => {
                if first.1 == Value::Null {
                    second.clone()
                } else {
                    first.clone()
                }
            }
            ("count" | "count_big", _) => (Type::Int, Value::Int(0)),
            ("serverproperty", _) => text("16.0.1000.6"),
            ("object_id", [(_, Value::Text(name)), ..]) => {
                let name = name.rsplit('.').next().unwrap_or_default().trim_matches(['[', ']']);
                let there = self.temporary.contains_key(&name.to_lowercase());
                (Type::Int, if there { Value::Int(1) } else { Value::Null })
            }
            _ => {
                let what = format!("'{name}' is not a recognized built-in function name.");
                return Err(SqlError::new(195, 15, what));
            }
        })
    }

    /// A batch, or the text of a module; `proc` says which DONE its statements have.
    pub(super) async fn run<W: AsyncWrite + Unpin + Send>(
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
                let Some(Value::Moment(_, ticks, _)) = super::value::moment(&delay) else {
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

    fn use_database(&mut self) -> Result<(), SqlError> {
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

    /// A procedure; in it impersonation, tables and settings last as long as it does. What it
    /// returns beside its results.
    pub(super) async fn procedure<W: AsyncWrite + Unpin + Send>(
        &mut self,
        call: Call,
        out: &mut Output<W>,
    ) -> Result<Option<(u16, String, i64)>, Failed> {
        let mut parameters = call.parameters;
        let missing = || SqlError::new(201, 16, "Procedure expects a parameter that is missing.");
        let text_of = |parameter: Option<&Parameter>| match parameter.map(|p| &p.value) {
            Some(Value::Text(text)) => Ok(text.clone()),
            Some(Value::Null) => Ok(String::new()),
            _ => Err(missing()),
        };
        let name = call.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match name.trim_matches(['[', ']']) {
            "sp_executesql" => {
                let text = text_of(parameters.first())?;
                let declared = match parameters.get(1) {
                    Some(_) => declarations(&text_of(parameters.get(1))?)?,
                    None => Vec::new(),
                };
                let given = parameters.drain(parameters.len().min(2)..).collect();
                self.module(&text, &declared, given, out).await?;
                Ok(None)
            }
            kind @ ("sp_prepexec" | "sp_prepare") => {
                let declared = declarations(&text_of(parameters.get(1))?)?;
                let text = text_of(parameters.get(2))?;
                let handle = i64::try_from(self.prepared.len()).expect("few") + 1;
                self.prepared.insert(handle, (declared.clone(), text.clone()));
                if kind == "sp_prepexec" {
                    let given = parameters.split_off(parameters.len().min(3));
                    self.module(&text, &declared, given, out).await?;
                }
                let name = parameters.first().map(|p| p.name.clone()).unwrap_or_default();
                Ok(Some((0, name, handle)))
            }
            "sp_execute" => {
                let Some(Value::Int(handle)) = parameters.first().map(|p| p.value.clone()) else {
                    return Err(missing().into());
                };
                let unknown = || SqlError::new(8179, 16, "Could not find prepared statement.");
                let (declared, text) = self.prepared.get(&handle).cloned().ok_or_else(unknown)?;
                self.module(&text, &declared, parameters.split_off(1), out).await?;
                Ok(None)
            }
            "sp_unprepare" => Ok(None),
            "sp_set_session_context" | "sp_getapplock" => {
                let key = text_of(parameters.first())?.to_lowercase();
                let value = parameters.get(1).map_or(Value::Null, |p| p.value.clone());
                let read_only = matches!(parameters.get(2), Some(p) if p.value == Value::Int(1));
                if self.keys.get(&key).is_some_and(|(_, fixed)| *fixed) {
                    let what = format!(
                        "Cannot set key '{key}' in the session context. The key has been set as read_only for this session."
                    );
                    return Err(SqlError::new(15664, 16, what).into());
                }
                self.keys.insert(key, (value, read_only));
                Ok(None)
            }
            // A procedure of the database's: whose it is, and what it was given.
            "who_am_i" => {
                let declared: Vec<_> = parameters.iter().map(|p| (p.name.clone(), p.ty)).collect();
                let text = "SELECT SUSER_SNAME() AS login, USER_NAME() AS [user], @told AS told";
                self.module(text, &declared, parameters, out).await?;
                Ok(None)
            }
            other => {
                let what = format!("Could not find stored procedure '{other}'.");
                Err(SqlError::new(2812, 16, what).with_state(62).into())
            }
        }
    }

    async fn module<W: AsyncWrite + Unpin + Send>(
        &mut self,
        text: &str,
        declared: &[(String, Type)],
        given: Vec<Parameter>,
        out: &mut Output<W>,
    ) -> Result<(), Failed> {
        if self.depth >= 32 {
            let what = "Maximum stored procedure nesting level exceeded (limit 32).";
            return Err(SqlError::new(217, 16, what).into());
        }
        let mut scope = Scoped::new();
        for (at, (name, ty)) in declared.iter().enumerate() {
            let named = given.iter().find(|p| p.name.eq_ignore_ascii_case(name));
            let by_place = given.get(at).filter(|p| p.name.is_empty());
            let Some(parameter) = named.or(by_place) else {
                let what = format!(
                    "The parameterized query expects the parameter '{name}', which was not supplied."
                );
                return Err(SqlError::new(8178, 16, what).into());
            };
            scope.insert(name.clone(), (*ty, convert(parameter.value.clone(), *ty)?));
        }
        if given.len() > declared.len() {
            let what = "Procedure or function has too many arguments specified.";
            return Err(SqlError::new(8144, 16, what).into());
        }
        let (settings, database) = (self.settings.clone(), self.database.clone());
        self.depth += 1;
        let ended = Box::pin(self.run(text, &mut scope, token::DONE_IN_PROC, out)).await;
        self.depth -= 1;
        self.settings = settings;
        let depth = self.depth;
        self.temporary.retain(|_, temporary| temporary.depth <= depth);
        self.contexts.leave(depth);
        if database != self.database {
            let left = std::mem::replace(&mut self.database, database);
            self.use_database()?;
            out.send(&token::changed_database(&self.database, &left)).await?;
        }
        ended.map(|_| ()).map_err(Failed::Stop)
    }

    /// The rows that the one who asks may see.
    fn table(&self, path: &[String]) -> Result<Table, SqlError> {
        let name = path.last().cloned().unwrap_or_default();
        let key = name.to_lowercase();
        if let Some(temporary) = self.temporary.get(&key) {
            return Ok(temporary.table.clone());
        }
        let user = &self.contexts.now().user;
        let directory = self.shared.directory();
        let database = directory.databases.get(&self.database);
        let schema = path.len().checked_sub(2).map(|at| path[at].to_lowercase());
        let catalogue = schema.as_deref() == Some("information_schema");
        if let (true, Some(database)) = (catalogue, database) {
            return super::catalogue::view(&self.database, database, user, &key);
        }
        let table = database.and_then(|database| database.tables.get(&key));
        let table = table.ok_or_else(|| {
            SqlError::new(208, 16, format!("Invalid object name '{}'.", path.join(".")))
        })?;
        if user != "dbo" && table.readers.as_ref().is_some_and(|may| !may.contains(user)) {
            let what = format!(
                "The SELECT permission was denied on the object '{name}', database '{}', schema '{}'.",
                self.database, table.schema
            );
            return Err(SqlError::new(229, 14, what).with_state(5));
        }
        let mut table = table.clone();
        if let (Some(owner), true) = (&table.owner, user != "dbo") {
            let at = table.columns.iter().position(|(column, _)| column == owner);
            table.rows.retain(|row| at.is_some_and(|at| row[at] == Value::Text(user.clone())));
        }
        Ok(table)
    }

    async fn select<W: AsyncWrite + Unpin + Send>(
        &mut self,
        select: &Select,
        scope: &mut Scoped,
        done: u8,
        out: &mut Output<W>,
    ) -> Result<(), Failed> {
        // Rows without end are not made before they are sent.
        let mut table = match &select.from {
            None => Table { rows: vec![Vec::new()], ..Table::default() },
            Some(Source::Table(path)) if is(path, "many") || is(path, "slow") => {
                let columns = vec![("n".into(), Type::BigInt), ("name".into(), NAME)];
                Table { columns, ..Table::default() }
            }
            Some(Source::Table(path)) => self.table(path)?,
            Some(Source::Numbers(_)) => {
                Table { columns: vec![("n".into(), Type::BigInt)], ..Table::default() }
            }
        };
        let endless = match &select.from {
            Some(Source::Table(path)) if is(path, "many") => Some(10_000_000),
            Some(Source::Table(path)) if is(path, "slow") => {
                out.wait(Duration::from_secs(60)).await?;
                Some(1)
            }
            Some(Source::Numbers(count)) => match self.value(count, scope)?.1 {
                Value::Int(count) => Some(count),
                _ => return Err(SqlError::new(8116, 16, "Argument data type is invalid.").into()),
            },
            _ => None,
        };
        let mut items: Vec<(Expression, Item)> = select.items.clone();
        if items.is_empty() {
            let all = table.columns.iter();
            items = all
                .map(|(name, _)| (Expression::Column(name.clone()), Item::Named(name.clone())))
                .collect();
        }
        let counts = |(expression, _): &(Expression, Item)| matches!(expression, Expression::Call(name, _) if name.starts_with("count"));
        let is_count = items.len() == 1 && items.iter().all(counts);
        let top = match &select.top {
            Some(top) => match self.value(top, scope)?.1 {
                Value::Int(top) => Some(u64::try_from(top).unwrap_or(0)),
                _ => None,
            },
            None => None,
        };
        self.sort(&mut table, select, scope)?;
        let assigns = items.iter().any(|(_, item)| matches!(item, Item::Assigned(_)));
        let nulls = vec![Value::Null; table.columns.len()];
        let types = {
            let names = Row { session: self, scope, columns: &table.columns, values: &nulls };
            let ty = |(expression, _): &(Expression, Item)| Ok(evaluate(expression, &names)?.0);
            // An expression may fail with NULL and be fine with a row.
            let first = table.rows.first().unwrap_or(&nulls);
            let names_first = Row { session: self, scope, columns: &table.columns, values: first };
            items
                .iter()
                .map(|item| ty(item).or_else(|_: SqlError| Ok(evaluate(&item.0, &names_first)?.0)))
                .collect::<Result<Vec<Type>, SqlError>>()?
        };
        let name_of = |item: &Item| match item {
            Item::Named(name) | Item::Assigned(name) => name.clone(),
        };
        let columns: Vec<Column> =
            items.iter().zip(&types).map(|((_, item), ty)| (name_of(item), *ty, true)).collect();
        if !assigns && select.into.is_none() {
            out.send(&token::columns(&columns)).await?;
        }
        let mut kept = Vec::new();
        let mut count = 0;
        let mut produced = 0;
        let rows = std::mem::take(&mut table.rows);
        let mut rows = rows.into_iter();
        loop {
            let values = match endless {
                Some(end) if produced < end => {
                    produced += 1;
                    let mut values = vec![Value::Int(produced)];
                    values.resize(table.columns.len(), Value::Text("one of many".into()));
                    values
                }
                Some(_) => break,
                None => match rows.next() {
                    Some(values) => values,
                    None => break,
                },
            };
            if top.is_some_and(|top| count >= top) {
                break;
            }
            let results = {
                let names = Row { session: self, scope, columns: &table.columns, values: &values };
                if let Some(condition) = &select.condition
                    && truth(&evaluate(condition, &names)?.1) != Some(true)
                {
                    continue;
                }
                let value = |((item, _), ty): (&(Expression, Item), &Type)| {
                    convert(evaluate(item, &names)?.1, *ty)
                };
                let all = items.iter().zip(&types).map(value);
                all.collect::<Result<Vec<Value>, SqlError>>()?
            };
            count += 1;
            if is_count {
                continue;
            }
            if assigns {
                for ((_, item), value) in items.iter().zip(results) {
                    if let Item::Assigned(name) = item {
                        assign(scope, name, value)?;
                    }
                }
            } else if select.into.is_some() {
                kept.push(results);
            } else {
                out.row(&token::row(&columns, &results)).await?;
            }
        }
        if is_count {
            let number = Value::Int(i64::try_from(count).expect("few"));
            count = 1;
            out.row(&token::row(&columns, &[number])).await?;
        }
        if let Some(name) = &select.into {
            let columns = columns.into_iter().map(|(name, ty, _)| (name, ty)).collect();
            self.make(name, Table { columns, rows: kept, ..Table::default() })?;
        }
        out.done(done, token::COUNT, count).await?;
        Ok(())
    }

    fn sort(&self, table: &mut Table, select: &Select, scope: &Scoped) -> Result<(), SqlError> {
        for (by, descending) in select.order.iter().rev() {
            let mut keyed = Vec::new();
            for values in std::mem::take(&mut table.rows) {
                let names = Row { session: self, scope, columns: &table.columns, values: &values };
                keyed.push((evaluate(by, &names)?.1, values));
            }
            keyed.sort_by(|(a, _), (b, _)| {
                let order = super::sql::evaluate::compare(a, b).ok().flatten();
                let order = order.unwrap_or(std::cmp::Ordering::Equal);
                if *descending { order.reverse() } else { order }
            });
            table.rows = keyed.into_iter().map(|(_, values)| values).collect();
        }
        Ok(())
    }

    fn make(&mut self, name: &str, table: Table) -> Result<(), SqlError> {
        let key = name.to_lowercase();
        if key.starts_with('#') {
            if self.temporary.contains_key(&key) {
                let what = format!("There is already an object named '{name}' in the database.");
                return Err(SqlError::new(2714, 16, what).with_state(6));
            }
            self.temporary.insert(key, Temporary { table, depth: self.depth });
            return Ok(());
        }
        if self.contexts.now().user != "dbo" {
            let what = format!("CREATE TABLE permission denied in database '{}'.", self.database);
            return Err(SqlError::new(262, 14, what));
        }
        let table = Table { schema: "dbo".into(), ..table };
        let mut directory = self.shared.directory();
        directory.databases.entry(self.database.clone()).or_default().tables.insert(key, table);
        Ok(())
    }

    /// What changes tables; how many rows.
    fn change(&mut self, statement: &Statement, scope: &Scoped) -> Result<u64, SqlError> {
        match statement {
            Statement::CreateTable(name, columns) => {
                self.make(name, Table { columns: columns.clone(), ..Table::default() })?;
                Ok(0)
            }
            Statement::Insert(path, rows) => {
                let mut table = self.table(path)?;
                let mut new = Vec::new();
                for row in rows {
                    let mut values = Vec::new();
                    for (value, (_, ty)) in row.iter().zip(&table.columns) {
                        values.push(convert(self.value(value, scope)?.1, *ty)?);
                    }
                    if row.len() != table.columns.len() {
                        let what = "Column name or number of supplied values does not match.";
                        return Err(SqlError::new(213, 16, what));
                    }
                    new.push(values);
                }
                let count = new.len() as u64;
                self.with_rows(path, &mut table, |rows| rows.extend(new));
                Ok(count)
            }
            Statement::Update(path, set, condition) => {
                let mut table = self.table(path)?;
                let mut count = 0;
                let mut rows = std::mem::take(&mut table.rows);
                for values in &mut rows {
                    let names = Row { session: self, scope, columns: &table.columns, values };
                    let hit = match condition {
                        Some(condition) => truth(&evaluate(condition, &names)?.1) == Some(true),
                        None => true,
                    };
                    if !hit {
                        continue;
                    }
                    let mut changed = values.clone();
                    for (column, value) in set {
                        let at =
                            table.columns.iter().position(|(c, _)| c.eq_ignore_ascii_case(column));
                        let at = at.ok_or_else(|| {
                            SqlError::new(207, 16, format!("Invalid column name '{column}'."))
                        })?;
                        changed[at] = convert(evaluate(value, &names)?.1, table.columns[at].1)?;
                    }
                    *values = changed;
                    count += 1;
                }
                self.with_rows(path, &mut table, |own| *own = rows);
                Ok(count)
            }
            Statement::Delete(path, condition) => {
                let mut table = self.table(path)?;
                let mut kept = Vec::new();
                let before = table.rows.len();
                for values in std::mem::take(&mut table.rows) {
                    let names =
                        Row { session: self, scope, columns: &table.columns, values: &values };
                    let hit = match condition {
                        Some(condition) => truth(&evaluate(condition, &names)?.1) == Some(true),
                        None => true,
                    };
                    if !hit {
                        kept.push(values);
                    }
                }
                let count = (before - kept.len()) as u64;
                self.with_rows(path, &mut table, |own| *own = kept);
                Ok(count)
            }
            Statement::Drop(path) => {
                self.table(path)?;
                let key = path.last().map(|name| name.to_lowercase()).unwrap_or_default();
                self.temporary.remove(&key);
                Ok(0)
            }
            other => Err(SqlError::new(102, 15, format!("{other:?} changes nothing."))),
        }
    }

    fn with_rows(
        &mut self,
        path: &[String],
        table: &mut Table,
        change: impl FnOnce(&mut Vec<Vec<Value>>),
    ) {
        let key = path.last().map(|name| name.to_lowercase()).unwrap_or_default();
        if let Some(temporary) = self.temporary.get_mut(&key) {
            change(&mut temporary.table.rows);
            return;
        }
        let _ = table;
        let mut directory = self.shared.directory();
        let database = directory.databases.entry(self.database.clone()).or_default();
        change(&mut database.tables.entry(key).or_default().rows);
    }
}

fn assign(scope: &mut Scoped, name: &str, value: Value) -> Result<(), SqlError> {
    let what = || SqlError::new(137, 15, format!("Must declare the scalar variable \"{name}\"."));
    let place = scope.get_mut(&name.to_ascii_lowercase()).ok_or_else(what)?;
    place.1 = convert(value, place.0)?;
    Ok(())
}
