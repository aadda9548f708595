//! Who may log in, what the databases hold, and who may become whom.

use std::collections::BTreeMap;

use super::token::SqlError;
use super::value::{Type, Value};

/// A login of the server's.
#[derive(Clone, Debug)]
pub struct Login {
    /// `DOMAIN\account`, or a name of the server's own.
    pub name: String,
    /// `None`: it logs in with a ticket.
    pub password: Option<String>,
    pub sysadmin: bool,
    /// What it was granted at the server.
    pub rights: Vec<&'static str>,
}

impl Login {
    /// Whether it has a right at the server: CONTROL SERVER has all others in it.
    pub(super) fn may(&self, right: &str) -> bool {
        self.sysadmin || self.rights.iter().any(|own| *own == right || *own == "CONTROL SERVER")
    }
}

/// A user of a database; without a login it is only there to be impersonated.
#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub login: Option<String>,
}

/// Someone (a login, or a user of the database) may impersonate someone of the same kind.
#[derive(Clone, Debug)]
pub struct Grant {
    pub database: Option<String>,
    pub grantee: String,
    pub whom: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) schema: String,
    pub(super) columns: Vec<(String, Type)>,
    pub(super) rows: Vec<Vec<Value>>,
    /// `None`: whoever has a user.
    pub(super) readers: Option<Vec<String>>,
    /// A column; everybody sees the rows in which it is their name, dbo all.
    pub(super) owner: Option<String>,
    /// Of its columns, as far as something was said of them when it was made.
    pub(super) rules: Vec<Rule>,
    /// What its columns' tables are called in a query; empty where that has one alone that is not named.
    pub(super) of: Vec<String>,
}

/// What holds for a column.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    pub(super) never_null: bool,
    /// It is the primary key, or of it.
    pub(super) is_key: bool,
    /// What it is where nothing is said, and how that was written.
    pub(super) default: Option<(Value, String)>,
}

impl Table {
    /// Its rows, under a name.
    pub(super) fn called(mut self, name: Option<&str>) -> Self {
        self.of = vec![name.unwrap_or_default().to_owned(); self.columns.len()];
        self
    }

    /// Where a column is: SQL Server's error if there is none, or more than one.
    pub(super) fn at(&self, of: Option<&str>, name: &str) -> Result<usize, SqlError> {
        let mut found = self.columns.iter().enumerate().filter(|(at, (column, _))| {
            let is_of = |of: &str| {
                self.of.get(*at).is_none_or(|own| own.is_empty() || own.eq_ignore_ascii_case(of))
            };
            column.eq_ignore_ascii_case(name) && of.is_none_or(is_of)
        });
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (None, _) => Err(SqlError::new(207, 16, format!("Invalid column name '{name}'."))),
            (Some(_), Some(_)) => {
                Err(SqlError::new(209, 16, format!("Ambiguous column name '{name}'.")))
            }
        }
    }

    /// Takes rows in that keep to what holds for its columns.
    pub(super) fn insert(&mut self, name: &str, rows: Vec<Vec<Value>>) -> Result<(), SqlError> {
        let keys: Vec<usize> = (0..self.columns.len()).filter(|at| self.rule(*at).is_key).collect();
        for row in rows {
            let never = |at: &usize| row[*at] == Value::Null && self.rule(*at).never_null;
            if let Some(at) = (0..row.len()).find(never) {
                let what = format!(
                    "Cannot insert the value NULL into column '{}', table '{name}'; column does not allow nulls. INSERT fails.",
                    self.columns[at].0
                );
                return Err(SqlError::new(515, 16, what));
            }
            let is_same = |other: &Vec<Value>| keys.iter().all(|at| other[*at] == row[*at]);
            if !keys.is_empty() && self.rows.iter().any(is_same) {
                let what = format!(
                    "Violation of PRIMARY KEY constraint 'PK_{name}'. Cannot insert duplicate key in object '{}.{name}'. The duplicate key value is ({:?}).",
                    self.schema, row[keys[0]]
                );
                return Err(SqlError::new(2627, 14, what));
            }
            self.rows.push(row);
        }
        Ok(())
    }

    pub(super) fn rule(&self, at: usize) -> Rule {
        self.rules.get(at).cloned().unwrap_or_default()
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Database {
    pub(super) users: Vec<User>,
    pub(super) tables: BTreeMap<String, Table>,
}

/// All that the server knows.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub logins: Vec<Login>,
    pub grants: Vec<Grant>,
    pub(super) databases: BTreeMap<String, Database>,
}

impl Directory {
    pub fn login(&self, name: &str) -> Option<&Login> {
        self.logins.iter().find(|login| login.name.eq_ignore_ascii_case(name))
    }

    /// The user that a login is in a database.
    pub(super) fn user_of(&self, database: &str, login: &str) -> Option<String> {
        if self.login(login)?.sysadmin {
            return Some("dbo".into());
        }
        let users = &self.databases.get(database)?.users;
        let is_it =
            |user: &&User| user.login.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(login));
        let user = users.iter().find(is_it).map(|user| user.name.clone());
        // Everybody is somebody in master.
        user.or_else(|| (database == "master").then(|| "guest".into()))
    }

    pub(super) fn may_impersonate(
        &self,
        database: Option<&str>,
        grantee: &str,
        whom: &str,
    ) -> bool {
        self.grants.iter().any(|grant| {
            grant.database.as_deref() == database
                && grant.grantee.eq_ignore_ascii_case(grantee)
                && grant.whom.eq_ignore_ascii_case(whom)
        })
    }

    /// The server of most tests: the database `app`, in which the login `svc-sql` may impersonate
    /// the users of `users` and, at the server, the same logins; `other`, which nobody of them has a
    /// user in; a login `sa`. Users whose names have a backslash have a login that comes with a ticket.
    #[must_use]
    pub fn with_users(users: &[&str]) -> Self {
        let mut directory = Self::default();
        let login = |name: &str, password: Option<&str>, sysadmin| Login {
            name: name.into(),
            password: password.map(Into::into),
            sysadmin,
            rights: Vec::new(),
        };
        directory.logins.push(login("sa", Some("Passw0rd!sa"), true));
        directory.logins.push(login("svc-sql", Some("Passw0rd!sql"), false));
        let mut app = Database::default();
        let user = |name: &str, login: Option<&str>| User {
            name: name.into(),
            login: login.map(Into::into),
        };
        app.users.push(user("dbo", Some("sa")));
        app.users.push(user("svc-sql", Some("svc-sql")));
        let is_windows = |name: &str| name.contains('\\');
        let grant = |database: Option<&str>, whom: &str| Grant {
            database: database.map(Into::into),
            grantee: "svc-sql".into(),
            whom: whom.into(),
        };
        for name in users {
            app.users.push(user(name, is_windows(name).then_some(name)));
            directory.grants.push(grant(Some("app"), name));
            if is_windows(name) {
                directory.logins.push(login(name, None, false));
                directory.grants.push(grant(None, name));
            }
        }
        directory.databases.insert("master".into(), Database::default());
        directory.databases.insert("other".into(), Database::default());
        directory.databases.insert("app".into(), app);
        directory
    }

    /// The logins of a user that nobody may impersonate, in `app`.
    #[must_use]
    pub fn and_nobodys(mut self, name: &str) -> Self {
        let user = User { name: name.into(), login: None };
        self.databases.entry("app".into()).or_default().users.push(user);
        self
    }
}

/// What `app` holds, said by `sa`; `{owner}` and `{other}` are the first two users.
pub(super) const CONTENT: &str = "
CREATE TABLE people (id bigint PRIMARY KEY, name nvarchar(50) NOT NULL DEFAULT N'nobody',
  owner nvarchar(128), salary money DEFAULT 0)
INSERT people VALUES (1, N'one of hers', N'{owner}', CAST(1.5 AS money)),
  (9007199254740993, N'another of hers', N'{owner}', CAST(922337203685477.5807 AS money)),
  (3, N'one of his', N'{other}', NULL)
CREATE TABLE payroll (id int NOT NULL, amount decimal(38, 10))
INSERT payroll VALUES (1, CAST(1234567890123456789012345678.0123456789 AS decimal(38, 10)))
CREATE TABLE kinds (tiny tinyint, small smallint, whole int, large bigint, yes bit, single real,
  double float, exact decimal(38, 10), rich money, poor smallmoney, text nvarchar(50),
  long nvarchar(max), old varchar(50), bytes varbinary(50), blob varbinary(max), day date,
  hour time(7), moment datetime2(7), placed datetimeoffset(7), ancient datetime,
  short smalldatetime, unique_id uniqueidentifier, tree xml, document json, numbers vector)
INSERT kinds VALUES (255, -32768, -2147483648, 9007199254740993, 1, 1.5, 0.1,
  CAST(-1234567890123456789012345678.0123456789 AS decimal(38, 10)),
  CAST(922337203685477.5807 AS money), CAST(-214748.3648 AS smallmoney),
  N'Zażółć 😀', N'{long}', 'caf\u{e9} \u{20ac}', 0x00ff10, 0xdeadbeef, '2024-02-29', '23:59:59.9999999',
  '9999-12-31 23:59:59.9999999', '2024-03-01 00:10:00.1234567 +05:30', '2024-02-29 12:34:56.790',
  '2024-02-29 12:34', '00112233-4455-6677-8899-AABBCCDDEEFF', '<a b=\"c\"/>', '{\"a\": [1, null]}',
  '[1.0, 2.5]')
INSERT kinds VALUES (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)
";
