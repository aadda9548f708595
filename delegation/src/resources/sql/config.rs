use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::engine::Engine;
use super::identity::Template;
use super::limits::{Connections, Limits, LimitsConfig};
use super::own::{self, Certificate};
use super::statement;
use super::stored::{self, Stored, StoredConfig};
use crate::followed::Password;
use crate::resources::{Impersonator, Wrong};
use crate::secret::Secret;
use crate::targets::{Names, Root, fold, is_host};

/// `{"kind": "sql", …}`: databases of one server.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Unique name: letters, digits, `.`, `_`, `-`. Users call it by this.
    pub name: String,
    /// What kind of server it is.
    pub engine: Engine,
    /// Host to connect to: the name that is in its certificate.
    pub host: String,
    /// TCP port; left out: 5432 or 1433.
    pub port: Option<u16>,
    /// SPN of the service; left out: `postgres/HOST` or `MSSQLSvc/HOST:PORT`.
    pub spn: Option<String>,
    /// The service account that asks for tickets, one of `kerberos.accounts`; left out: the one of
    /// `kerberos` itself.
    pub account: Option<String>,
    /// Further names by which users may call it.
    #[serde(default)]
    pub names: Vec<String>,
    /// Databases that may be used. The first is the one that a call means which names none.
    pub databases: Vec<String>,
    /// How a session becomes the user's.
    #[serde(default)]
    pub login: LoginConfig,
    /// What the user is called there, made of `{name}`, `{domain}`, `{upn}` and, in small letters,
    /// `{name:lower}` and so on; left out: `{name:lower}`, or `{domain}\{name}` at SQL Server.
    pub role_template: Option<String>,
    /// How what goes over the network is encrypted. Nothing goes without.
    #[serde(default)]
    pub encryption: Encryption,
    /// Statements that may be called by their names.
    #[serde(default)]
    pub statements: BTreeMap<String, StoredConfig>,
    /// Functions that free-form reads may call beside those that are known to change nothing, each as
    /// `schema.name` or `name`, quoted as the engine quotes where a name is not plain.
    #[serde(default)]
    pub read_functions: Vec<String>,
    /// The most of one call.
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// How a session becomes the user's.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LoginConfig {
    /// In which way.
    pub mode: Mode,
    /// With `impersonate`: as the database's user, or as the server's login, who then is somebody in
    /// every database.
    pub execute_as: Option<Principal>,
    /// Who logs in in the user's place, other than with `kerberos`; left out: the service account, by
    /// Kerberos.
    pub username: Option<String>,
    /// The password of that one.
    pub password: Option<Secret>,
    /// Or a certificate chain (PEM) of that one.
    pub certificate: Option<PathBuf>,
    /// And its key (PEM).
    pub key: Option<PathBuf>,
}

/// In which way a session becomes the user's.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// The user logs in, with a ticket got by S4U2Proxy.
    #[default]
    Kerberos,
    /// SQL Server: a service login, which runs EXECUTE AS.
    Impersonate,
    /// PostgreSQL: a service login, which runs SET ROLE. For `statements` alone: what users write could
    /// take the role back.
    Role,
    /// PostgreSQL: a login as the user's role, by whom `pg_ident.conf` lets do that.
    Mapped,
}

/// As what kind of principal SQL Server executes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Principal {
    /// A user of the database, with a login of its own or without, and nobody outside of it (`EXECUTE AS
    /// USER`).
    #[default]
    User,
    /// A login of the server's (`EXECUTE AS LOGIN`).
    Login,
}

impl Mode {
    /// Whether users may write statements themselves: nothing that they write leads out of it.
    pub(super) const fn takes_free_form(self) -> bool {
        match self {
            Self::Kerberos | Self::Impersonate | Self::Mapped => true,
            Self::Role => false,
        }
    }
}

/// How what goes over the network is encrypted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// By TLS, with a certificate that is verified.
    #[default]
    Tls,
    /// By Kerberos itself (PostgreSQL, `hostgssenc`).
    Gss,
    /// By TLS from the first byte (SQL Server, TDS 8).
    Strict,
}

/// A server, and what of it may be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub(super) engine: Engine,
    pub(super) host: String,
    pub(super) port: u16,
    /// As the operator spells them.
    pub(super) databases: Vec<String>,
    pub(super) login: Login,
    pub(super) encryption: Encryption,
    pub(super) identity: Template,
    pub(super) statements: BTreeMap<String, Stored>,
    /// As statements' calls are written.
    pub(super) read_functions: HashSet<String>,
    pub(super) limits: Limits,
    pub(super) connections: Connections,
}

/// Who logs in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Login {
    pub(super) mode: Mode,
    /// With `impersonate`.
    pub(super) execute_as: Principal,
    pub(super) by: By,
}

/// With what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum By {
    /// A ticket: the user's, or the service account's.
    Kerberos,
    /// A name and a password.
    Password {
        /// The name.
        username: String,
        /// As it stands there now.
        password: Password,
    },
    /// A certificate and its key.
    Certificate {
        /// Who it is; with `mapped` it is the user whose role is asked for.
        username: String,
        /// As both stand there now.
        certificate: Certificate,
    },
}

impl Config {
    pub(super) fn named_spn(&self) -> String {
        self.spn.clone().unwrap_or_else(|| match self.engine {
            Engine::Postgresql => format!("postgres/{}", self.host),
            Engine::SqlServer => format!("MSSQLSvc/{}:{}", self.host, self.tcp_port()),
        })
    }

    fn tcp_port(&self) -> u16 {
        self.port.unwrap_or_else(|| self.engine.port())
    }

    pub(super) fn check(self, names: &mut Names) -> Result<Endpoint, Wrong> {
        let port = self.tcp_port();
        let Self { name, engine, host, databases, login, encryption, .. } = self;
        let wrong = |field, problem: &str| Err((field, problem.to_owned()));
        if !is_host(&host) {
            return wrong("host", "must be a host name or an IPv4 address");
        }
        if port == 0 {
            return wrong("port", "must be 1 to 65535");
        }
        if databases.is_empty() {
            return wrong("databases", "must list the databases that may be used");
        }
        if !databases.iter().all(|database| is_database(database)) {
            let problem = "must be names of 1 to 63 bytes without /, quotes, brackets, ; = or \
                           control characters";
            return wrong("databases", problem);
        }
        let folded: HashSet<_> = databases.iter().map(|database| fold(database)).collect();
        if folded.len() != databases.len() {
            return wrong("databases", "two are one but for the case of their letters");
        }
        let login = login.check(engine, &name)?;
        match (engine, encryption) {
            (Engine::Postgresql, Encryption::Tls) | (Engine::SqlServer, Encryption::Tls) => {}
            (Engine::SqlServer, Encryption::Strict) => {}
            (Engine::Postgresql, Encryption::Gss) if login.by == By::Kerberos => {}
            (Engine::Postgresql, Encryption::Gss) => {
                return wrong("encryption", "gss needs a login by Kerberos");
            }
            (Engine::SqlServer, Encryption::Gss) => {
                return wrong("encryption", "must be tls or strict at SQL Server");
            }
            (Engine::Postgresql, Encryption::Strict) => {
                return wrong("encryption", "must be tls or gss at PostgreSQL");
            }
        }
        let template = self.role_template.as_deref().unwrap_or_else(|| engine.template());
        let identity = Template::read(template).map_err(|problem| ("roleTemplate", problem))?;
        let statements = stored::check(self.statements, engine)?;
        if login.mode == Mode::Role && statements.is_empty() {
            return wrong("statements", "login.mode role runs these alone, and there are none");
        }
        let read_functions = self.read_functions.iter().map(|text| {
            statement::function_name(engine, text).ok_or_else(|| {
                let problem = format!(
                    "{text:?} is no name or schema.name: quote what is not plain, as the engine does"
                );
                ("readFunctions", problem)
            })
        });
        let read_functions = read_functions.collect::<Result<_, Wrong>>()?;
        names.extend(Some(&name));
        Ok(Endpoint {
            engine,
            host,
            port,
            databases,
            login,
            encryption,
            identity,
            statements,
            read_functions,
            limits: self.limits.check()?,
            connections: Connections::new(self.limits.connections),
        })
    }
}

impl LoginConfig {
    fn check(self, engine: Engine, of: &str) -> Result<Login, Wrong> {
        let Self { mode, execute_as, username, password, certificate, key } = self;
        let wrong = |field, problem: String| Err((field, problem));
        match (engine, mode) {
            (_, Mode::Kerberos) => {}
            (Engine::Postgresql, Mode::Role | Mode::Mapped) => {}
            (Engine::SqlServer, Mode::Impersonate) => {}
            (Engine::Postgresql, Mode::Impersonate) => {
                return wrong(
                    "login.mode",
                    "must be kerberos, mapped or role at PostgreSQL".into(),
                );
            }
            (Engine::SqlServer, Mode::Role | Mode::Mapped) => {
                return wrong("login.mode", "must be kerberos or impersonate at SQL Server".into());
            }
        }
        if execute_as.is_some() && mode != Mode::Impersonate {
            return wrong("login.executeAs", "belongs to the mode impersonate".into());
        }
        let by = match (username, password, certificate, key) {
            (None, None, None, None) => By::Kerberos,
            _ if mode == Mode::Kerberos => {
                let problem = "with kerberos the user logs in: it has no username, no password and \
                               no certificate";
                return wrong("login", problem.into());
            }
            (Some(_), Some(_), None, None) if mode == Mode::Mapped => {
                let problem =
                    "mapped is by Kerberos or by certificate: no password is of all users";
                return wrong("login.password", problem.into());
            }
            (Some(username), Some(secret), None, None) => {
                By::Password { username, password: own::password(of, secret)? }
            }
            (Some(username), None, Some(chain), Some(key)) if engine == Engine::Postgresql => {
                By::Certificate { username, certificate: own::certificate(of, chain, key)? }
            }
            _ => {
                let problem = "give username and password, or at PostgreSQL username, certificate \
                               and key, or nothing of it";
                return wrong("login", problem.into());
            }
        };
        let execute_as = execute_as.unwrap_or_default();
        Ok(Login { mode, execute_as, by })
    }
}

impl Endpoint {
    /// Of what a service logs in with the setting, and what is wrong with what stands there now, if that
    /// is not what is used.
    pub(super) async fn trouble(&self) -> Option<(String, Option<String>)> {
        match &self.login.by {
            By::Kerberos => None,
            By::Password { password, .. } => Some(password.trouble().await),
            By::Certificate { certificate, .. } => Some(certificate.trouble().await),
        }
    }

    /// Who logs in in users' places.
    pub(super) fn impersonator(&self) -> Option<Impersonator> {
        match (self.login.mode, &self.login.by) {
            (Mode::Kerberos, _) => None,
            (_, By::Kerberos) => Some(Impersonator::ServiceAccount),
            (_, By::Password { username, .. } | By::Certificate { username, .. }) => {
                Some(Impersonator::Named(username.clone()))
            }
        }
    }

    pub(super) fn check_apart(&self, old: &Self, of: &str) -> Result<(), Wrong> {
        match self.databases.iter().find(|database| old.database(Some(database)).is_some()) {
            Some(database) => Err((
                "databases",
                format!("{database} already belongs to target {of} under the same name"),
            )),
            None => Ok(()),
        }
    }

    /// The database of that name, as the operator spells it; the first if none is named.
    pub(super) fn database(&self, name: Option<&str>) -> Option<&String> {
        let Some(name) = name else { return self.databases.first() };
        let asked = fold(name);
        self.databases.iter().find(|database| fold(database) == asked)
    }

    pub(super) fn roots(&self, names: &Names) -> Vec<Root> {
        let root = |database: &String| {
            let addresses = names.iter().map(|name| format!("{name}/{database}/")).collect();
            Root::new(vec![format!("/{}/", fold(database))], addresses)
        };
        self.databases.iter().map(root).collect()
    }
}

fn is_database(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.chars().any(|c| c.is_control() || "/\\\"'`[];=*".contains(c))
        && !matches!(text, "." | "..")
}
