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
}

impl Target {
    /// `//HOST/SHARE`, also with backslashes or as a URL, or `https://HOST/PATH/`.
    pub(super) fn read(text: &str) -> Result<Self, Error> {
        let problem = |problem: &str| ConfigError::new("--target", problem.to_owned());
        let form = "must be //FILESERVER/SHARE or https://WEBSERVER/PATH/";
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
            _ => Err(problem(form).into()),
        }
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
        }
    }
}

fn is_host(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_part)
}
