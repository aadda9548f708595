//! What must be true of every entry of `targets`, whatever its kind.

use std::sync::Arc;

use super::{Served, Target};
use crate::ConfigError;
use crate::resources::{Endpoint, Kind, Named, Wrong};

/// The hosts by which users may call a target.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub(crate) struct Names(Vec<String>);

impl Names {
    pub(crate) fn has(&self, host: &str) -> bool {
        self.0.iter().any(|name| name.eq_ignore_ascii_case(host))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|name| &**name)
    }

    pub(crate) fn extend(&mut self, host: Option<&str>) {
        self.0.extend(host.map(str::to_owned));
    }
}

impl Target {
    /// The target that an entry of the configuration describes. `setting` says where it stands.
    pub(crate) fn new<K: Kind>(
        config: K::Config,
        wrap: fn(Arc<K::Endpoint>) -> Endpoint,
        setting: &str,
    ) -> Result<Self, ConfigError> {
        let wrong =
            |(field, problem): Wrong| ConfigError::new(format!("{setting}.{field}"), problem);
        let Named { name, spn, names, account } = K::named(&config);
        if !is_plain_name(name) {
            let problem = "must be 1 to 64 letters, digits, '.', '_' or '-'";
            return Err(wrong(("name", problem.into())));
        }
        if !is_spn(&spn) {
            let problem = "must be service/host or service/host:port in ASCII, without a realm, \
                           for example cifs/files.example.com";
            return Err(wrong(("spn", problem.into())));
        }
        if !names.iter().all(|host| is_host(host)) {
            let problem = "must be host names: letters, digits, '.' and '-'";
            return Err(wrong(("names", problem.into())));
        }
        let account = account.map(str::to_owned);
        let (name, spn) = (name.to_owned(), spn.into_owned());
        let mut names = Names(names.to_vec());
        let endpoint = K::endpoint(config, &mut names).map_err(wrong)?;
        let (endpoint, served) = (wrap(Arc::new(endpoint)), Served::default());
        Ok(Self { name, spn, endpoint, names, account, served })
    }
}

/// Refuses two targets of one name, or that the same address would name.
pub(super) fn check_distinct(setting: &str, new: &Target, old: &Target) -> Result<(), ConfigError> {
    let name = &old.name;
    if new.name.eq_ignore_ascii_case(name) {
        return Err(ConfigError::new(
            format!("{setting}.name"),
            format!("{name} is already the name of another target (letter case does not count)"),
        ));
    }
    if !new.names.iter().any(|host| old.names.has(host)) {
        return Ok(());
    }
    new.endpoint
        .check_apart(&old.endpoint, name)
        .map_err(|(field, problem)| ConfigError::new(format!("{setting}.{field}"), problem))
}

fn is_plain_name(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b))
}

/// A DNS name, a NetBIOS name or an IPv4 address.
pub(crate) fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        })
}

fn is_spn(text: &str) -> bool {
    let Some((service, instance)) = text.split_once('/') else { return false };
    let (host, port) = match instance.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (instance, None),
    };
    is_plain_name(service)
        && is_host(host)
        && port.is_none_or(|port| {
            port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|p| p != 0)
        })
}
