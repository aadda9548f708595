use krb_delegation::ConfigError;
use serde_json::{Value, json};
use url::Url;

use super::Error;

/// The first target.
pub(super) struct Target {
    host: String,
    is: Is,
}

enum Is {
    Share(String),
    Web(Url),
    /// Its engine, its port if it is not the usual one, and its name.
    Database(&'static str, Option<u16>, String),
}

pub(super) const FORM: &str = "//FILESERVER/SHARE, https://WEBSERVER/PATH/, \
     postgresql://DBSERVER/DATABASE or sqlserver://DBSERVER/DATABASE";

impl Target {
    /// `//HOST/SHARE`, also with backslashes or as a URL, `https://HOST/PATH/`, or a database's URL.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let problem = |problem: &str| ConfigError::new("--target", problem.to_owned());
        let form = &format!("must be {FORM}");
        let slashes = text.replace('\\', "/");
        let unc = slashes.strip_prefix("smb:").unwrap_or(&slashes);
        if let Some(path) = unc.strip_prefix("//") {
            let mut parts = path.trim_end_matches('/').split('/');
            return match (parts.next(), parts.next(), parts.next()) {
                (Some(host), Some(share), None) if is_host(host) && !share.is_empty() => {
                    Ok(Self { host: host.to_lowercase(), is: Is::Share(share.to_owned()) })
                }
                _ => Err(problem(form).into()),
            };
        }
        let url = Url::parse(text).map_err(|_| problem(form))?;
        match (url.scheme(), url.host_str()) {
            ("https", Some(host)) => Ok(Self { host: host.to_owned(), is: Is::Web(url) }),
            ("http", _) => {
                let plain = "must be https: on the way everybody could change what is asked for in \
                             the user's name";
                Err(problem(plain).into())
            }
            ("postgresql" | "postgres", Some(_)) => {
                Self::database("postgresql", &url).ok_or_else(|| problem(form).into())
            }
            ("sqlserver" | "mssql", Some(_)) => {
                Self::database("sqlserver", &url).ok_or_else(|| problem(form).into())
            }
            _ => Err(problem(form).into()),
        }
    }

    /// Nobody's name and password is part of it: users come themselves.
    fn database(engine: &'static str, url: &Url) -> Option<Self> {
        let (host, database) = (url.host_str()?, url.path().strip_prefix('/')?);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
        let is_one = is_host(host) && !database.is_empty() && database.chars().all(is_plain);
        let has_more = !url.username().is_empty()
            || url.password().is_some()
            || url.query().is_some()
            || url.fragment().is_some();
        (is_one && !has_more).then(|| Self {
            host: host.to_lowercase(),
            is: Is::Database(engine, url.port(), database.to_owned()),
        })
    }

    /// As the configuration has it.
    pub(super) fn setting(&self) -> Value {
        let host = &self.host;
        let short = host.split('.').next().unwrap_or_default();
        match &self.is {
            Is::Share(share) => {
                let mut names = vec![short, host];
                names.dedup();
                json!({
                    "name": short, "kind": "smb", "host": host, "spn": format!("cifs/{host}"),
                    "names": names, "shares": [share]
                })
            }
            Is::Web(url) => json!({
                "name": short, "kind": "http", "url": url, "spn": format!("HTTP/{host}")
            }),
            Is::Database(engine, port, database) => {
                let mut setting = json!({
                    "name": short, "kind": "sql", "engine": engine, "host": host,
                    "databases": [database]
                });
                if let Some(port) = port {
                    setting["port"] = json!(port);
                }
                setting
            }
        }
    }
}

fn is_host(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_part)
}
