//! As whom a session acts: EXECUTE AS and REVERT.

use krb_client::{Entropy, OsRandom};

use super::directory::Directory;
use super::sql::syntax::{Scope, Way};
use super::token::SqlError;

/// One EXECUTE AS, or the login itself.
#[derive(Clone, Debug)]
pub(super) struct Acting {
    /// `None`: a user without a login, known by its database alone.
    pub(super) login: Option<String>,
    pub(super) user: String,
    /// It is the user of this database, and nobody elsewhere.
    pub(super) only_in: Option<String>,
    way: Kept,
    /// The module it was said in; it ends with it. 0: none.
    depth: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Kept {
    Plain,
    NoRevert,
    Cookie(Vec<u8>),
}

/// The login, and what was executed as whom since.
#[derive(Clone, Debug)]
pub(super) struct Contexts(Vec<Acting>);

impl Contexts {
    pub(super) fn new(login: &str, user: String) -> Self {
        let login = Some(login.to_owned());
        Self(vec![Acting { login, user, only_in: None, way: Kept::Plain, depth: 0 }])
    }

    pub(super) fn now(&self) -> &Acting {
        self.0.last().expect("there is the login")
    }

    pub(super) fn original(&self) -> &str {
        self.0[0].login.as_deref().expect("a login")
    }

    pub(super) fn is_impersonating(&self) -> bool {
        self.0.len() > 1
    }

    /// Who it is after USE.
    pub(super) fn use_database(
        &mut self,
        directory: &Directory,
        database: &str,
    ) -> Result<(), SqlError> {
        let now = self.0.last_mut().expect("there is the login");
        let user = match (&now.only_in, &now.login) {
            (Some(only), _) if only == database => Some(now.user.clone()),
            (None, Some(login)) => directory.user_of(database, login),
            _ => None,
        };
        now.user = user.ok_or_else(|| no_access(now, database))?;
        Ok(())
    }

    pub(super) fn execute_as(
        &mut self,
        directory: &Directory,
        database: &str,
        (scope, whom, way): (&Scope, &str, &Way),
        depth: usize,
    ) -> Result<Option<Vec<u8>>, SqlError> {
        if depth > 0 && !matches!(way, Way::Plain) {
            let what = "Can only use either the 'No Revert' or 'Cookie' options with the 'Execute As' statement at the adhoc level or the session-level.";
            return Err(SqlError::new(15590, 16, what));
        }
        let now = self.now();
        let login =
            |name: &Option<String>| name.as_deref().and_then(|name| directory.login(name)).cloned();
        let own_login = login(&now.login);
        let is_sysadmin = own_login.as_ref().is_some_and(|login| login.sysadmin);
        let is_anybody = own_login.is_some_and(|login| login.may("IMPERSONATE ANY LOGIN"));
        let kind = match scope {
            Scope::User => (15517, "database"),
            Scope::Login => (15406, "server"),
        };
        let refused = || {
            let (number, kind) = kind;
            let what = format!(
                "Cannot execute as the {kind} principal because the principal \"{whom}\" does not exist, this type of principal cannot be impersonated, or you do not have permission."
            );
            SqlError::new(number, 16, what)
        };
        let (login, user, only_in) = match scope {
            Scope::User => {
                let users = directory.databases.get(database).map(|database| &database.users);
                let found = users
                    .and_then(|users| users.iter().find(|u| u.name.eq_ignore_ascii_case(whom)))
                    .ok_or_else(refused)?;
                let may = is_sysadmin
                    || now.user == "dbo"
                    || directory.may_impersonate(Some(database), &now.user, whom);
                if !may {
                    return Err(refused());
                }
                (found.login.clone(), found.name.clone(), Some(database.to_owned()))
            }
            Scope::Login => {
                let found = directory.login(whom).ok_or_else(refused)?;
                let own = now.login.as_deref().unwrap_or_default();
                if now.only_in.is_some()
                    || !(is_anybody || directory.may_impersonate(None, own, whom))
                {
                    return Err(refused());
                }
                let name = found.name.clone();
                let user = directory.user_of(database, &name);
                let who = Acting { login: Some(name.clone()), ..now.clone() };
                (Some(name), user.ok_or_else(|| no_access(&who, database))?, None)
            }
        };
        let (way, cookie) = match way {
            Way::Plain => (Kept::Plain, None),
            Way::NoRevert => (Kept::NoRevert, None),
            Way::Cookie(_) => {
                let mut cookie = vec![0; 50];
                let random: &dyn Entropy = &OsRandom;
                random.fill(&mut cookie);
                (Kept::Cookie(cookie.clone()), Some(cookie))
            }
        };
        self.0.push(Acting { login, user, only_in, way, depth });
        Ok(cookie)
    }

    /// Where the documentation leaves it open whether a module may take back what was said outside
    /// of it, it may: whoever depends on that it cannot fails.
    pub(super) fn revert(&mut self, cookie: Option<&[u8]>) -> Result<(), SqlError> {
        if !self.is_impersonating() {
            return Ok(());
        }
        let may = match (&self.now().way, cookie) {
            (Kept::Plain, None) => true,
            (Kept::Cookie(own), Some(cookie)) => own == cookie,
            _ => false,
        };
        if !may {
            let what = "The current security context cannot be reverted using this statement. A cookie may or may not be needed with 'Revert' statement depending on how the context was set with 'Execute As' statement.";
            return Err(SqlError::new(15357, 16, what));
        }
        self.0.pop();
        Ok(())
    }

    /// A module ends, and with it what was said in it.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.is_impersonating() && self.now().depth > depth {
            self.0.pop();
        }
    }
}

fn no_access(who: &Acting, database: &str) -> SqlError {
    let name = who.login.as_deref().unwrap_or(&who.user);
    let what = format!(
        "The server principal \"{name}\" is not able to access the database \"{database}\" under the current security context."
    );
    SqlError::new(916, 14, what)
}
