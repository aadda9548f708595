//! A session: what requests do.

mod batch;
mod called;
mod functions;
mod scope;
mod select;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Shared;
use super::contexts::Contexts;
use super::directory::Table;
use super::output::Stop;
use super::packet::wrong;
use super::request;
use super::sql::evaluate::Typed;
use super::token::{SqlError, changed_transaction};
use super::value::{Type, Value};

/// Variables by their names.
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
    shared: Arc<Shared>,
    contexts: Contexts,
    database: String,
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
        let body = request::headers(body, self.transaction)?;
        let (kind, wanted) = match body {
            [5, 0, ..] => (8, self.transaction == 0),
            [7, 0, ..] => (9, self.transaction != 0),
            [8, 0, ..] => (10, self.transaction != 0),
            other => return Err(wrong(format!("transaction {other:02x?}")).into()),
        };
        if !wanted {
            return Err(wrong("a transaction that is not there, or is already").into());
        }
        if kind == 8 {
            self.transaction = self.shared.next_transaction();
        }
        let change = changed_transaction(kind, self.transaction);
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
}
