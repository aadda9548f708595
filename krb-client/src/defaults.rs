use std::env;
use std::ffi::OsString;
use std::io::{Error, ErrorKind};

use krb_proto::formats::Krb5Conf;
use krb_proto::formats::krb5_conf::expand_tokens;

use crate::ClientError;
use crate::cache_error::CacheError;
use crate::files::{failed, read_text};

/// What MIT's library takes where nothing is configured; the client keytab is Debian's.
const CCACHE: &str = "FILE:/tmp/krb5cc_%{uid}";
const KEYTAB: &str = "FILE:/etc/krb5.keytab";
const CLIENT_KEYTAB: &str = "FILE:/etc/krb5/user/%{euid}/client.keytab";
const REPLAY_CACHE: &str = "dfl:";
pub(crate) const REPLAY_FOLDER: &str = "/var/tmp";

/// The names of the cache and of the keytabs that programs take if nobody says which.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Defaults {
    /// The credential cache, or a collection of caches.
    pub ccache: String,
    /// The keytab that services accept with.
    pub keytab: String,
    /// The keytab that programs log in with.
    pub client_keytab: String,
    /// Where services remember logins in common ([`AcceptorConfig`](crate::accept::AcceptorConfig)'s
    /// `with_replay_cache`).
    pub replay_cache: String,
}

impl Defaults {
    /// What the configuration says (`default_ccache_name`, `default_keytab_name`,
    /// `default_client_keytab_name`, `default_rcache_name`), else what MIT's library takes.
    ///
    /// # Errors
    /// [`ClientError`], if a name in the configuration has a token that is not known.
    pub fn of(conf: Option<&Krb5Conf>) -> Result<Self, ClientError> {
        Self::expanded(conf, "/tmp", REPLAY_FOLDER)
    }

    /// The same, where the environment does not say otherwise: `KRB5CCNAME`, `KRB5_KTNAME`,
    /// `KRB5_CLIENT_KTNAME`, `KRB5RCACHENAME`; `TMPDIR` for `%{TEMP}`; and `KRB5RCACHEDIR` or `TMPDIR` for
    /// the folder of the replay cache `dfl:`.
    ///
    /// # Errors
    /// As [`Self::of`]; and [`ClientError::File`] that names the variable, if it is not UTF-8.
    pub fn from_environment(conf: Option<&Krb5Conf>) -> Result<Self, ClientError> {
        Self::in_environment(conf, env::var_os)
    }

    fn in_environment(
        conf: Option<&Krb5Conf>,
        value_of: impl Fn(&'static str) -> Option<OsString>,
    ) -> Result<Self, ClientError> {
        let set = |name| {
            let Some(value) = value_of(name).filter(|value| !value.is_empty()) else {
                return Ok(None);
            };
            // Another one in its place is nobody's wish.
            let other =
                |_| failed(name.as_ref())(Error::new(ErrorKind::InvalidData, "it is no UTF-8"));
            value.into_string().map(Some).map_err(other)
        };
        let temporary = set("TMPDIR").ok().flatten();
        let replays = set("KRB5RCACHEDIR")?.or_else(|| temporary.clone());
        let replays = replays.as_deref().unwrap_or(REPLAY_FOLDER);
        let defaults = Self::expanded(conf, temporary.as_deref().unwrap_or("/tmp"), replays)?;
        Ok(Self {
            ccache: set("KRB5CCNAME")?.unwrap_or(defaults.ccache),
            keytab: set("KRB5_KTNAME")?.unwrap_or(defaults.keytab),
            client_keytab: set("KRB5_CLIENT_KTNAME")?.unwrap_or(defaults.client_keytab),
            replay_cache: set("KRB5RCACHENAME")?
                .map_or(defaults.replay_cache, |name| with_folder(name, replays)),
        })
    }

    fn expanded(
        conf: Option<&Krb5Conf>,
        temporary: &str,
        replays: &str,
    ) -> Result<Self, ClientError> {
        let name = |relation: &str, default: &str| {
            let configured = conf.and_then(|conf| conf.value(&["libdefaults", relation]));
            let name = configured.unwrap_or(default);
            let expanded = expand_tokens(name, |token| value(token, temporary));
            expanded.map_err(|error| CacheError::Token { name: name.to_owned(), error })
        };
        Ok(Self {
            ccache: name("default_ccache_name", CCACHE)?,
            keytab: name("default_keytab_name", KEYTAB)?,
            client_keytab: name("default_client_keytab_name", CLIENT_KEYTAB)?,
            replay_cache: with_folder(name("default_rcache_name", REPLAY_CACHE)?, replays),
        })
    }
}

/// A replay cache's name. The one that a user's services have in common is a file in that folder.
fn with_folder(name: String, folder: &str) -> String {
    #[cfg(unix)]
    if name.starts_with(REPLAY_CACHE) {
        return replay_cache_of_the_user(folder);
    }
    name
}

#[cfg(unix)]
pub(crate) fn replay_cache_of_the_user(folder: &str) -> String {
    format!("file2:{folder}/krb5_{}.rcache2", nix::unistd::geteuid())
}

fn value(token: &str, temporary: &str) -> Option<String> {
    match token {
        "TEMP" => Some(temporary.to_owned()),
        #[cfg(unix)]
        "uid" | "USERID" => Some(nix::unistd::getuid().to_string()),
        #[cfg(unix)]
        "euid" => Some(nix::unistd::geteuid().to_string()),
        #[cfg(unix)]
        "username" => user_name(&nix::unistd::geteuid().to_string()),
        _ => None,
    }
}

/// The name of a user in `/etc/passwd`. Nobody else is asked: what else knows users speaks through
/// the C library.
#[cfg(unix)]
fn user_name(uid: &str) -> Option<String> {
    let users = read_text("/etc/passwd".as_ref(), 1 << 20).ok()?;
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use krb_proto::formats::krb5_conf::NoIncludes;

    use super::*;

    fn of(libdefaults: &str) -> Result<Defaults, ClientError> {
        let text = format!("[libdefaults]\n{libdefaults}\n");
        Defaults::of(Some(&Krb5Conf::parse("krb5.conf", text.as_bytes(), &mut NoIncludes).unwrap()))
    }

    #[test]
    fn names_are_what_mits_library_takes() {
        let uid = nix::unistd::getuid();
        let defaults = Defaults::of(None).unwrap();
        assert_eq!(defaults.ccache, format!("FILE:/tmp/krb5cc_{uid}"));
        assert_eq!(defaults.keytab, "FILE:/etc/krb5.keytab");
        assert!(defaults.client_keytab.contains(&format!("/{uid}/")), "{defaults:?}");
        assert_eq!(defaults.replay_cache, format!("file2:/var/tmp/krb5_{uid}.rcache2"));
        assert_eq!(of("default_rcache_name = none:").unwrap().replay_cache, "none:");
        let replays = |set: &[(&str, &str)]| {
            let value_of = |name| set.iter().find(|(set, _)| *set == name);
            let value_of = |name| value_of(name).map(|(_, value)| OsString::from(*value));
            Defaults::in_environment(None, value_of).unwrap().replay_cache
        };
        assert_eq!(replays(&[("TMPDIR", "/t")]), format!("file2:/t/krb5_{uid}.rcache2"));
        let set = [("TMPDIR", "/t"), ("KRB5RCACHEDIR", "/r"), ("KRB5RCACHENAME", "dfl:")];
        assert_eq!(replays(&set), format!("file2:/r/krb5_{uid}.rcache2"));
        assert_eq!(replays(&[("KRB5RCACHENAME", "none:")]), "none:");
        assert_eq!(of("default_realm = R").unwrap(), defaults);
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_named_and_not_passed_over() {
        use std::os::unix::ffi::OsStringExt as _;

        for name in ["KRB5CCNAME", "KRB5_KTNAME", "KRB5_CLIENT_KTNAME", "KRB5RCACHENAME"] {
            let with = |value: &[u8]| {
                let value = OsString::from_vec(value.to_vec());
                Defaults::in_environment(None, |asked| (asked == name).then(|| value.clone()))
            };
            let error = with(b"FILE:/tmp/\xff").unwrap_err().to_string();
            assert!(error.starts_with(name) && error.contains("UTF-8"), "{error}");
            assert_eq!(with(b"").unwrap(), Defaults::of(None).unwrap());
            assert_ne!(with(b"FILE:/tmp/a").unwrap(), Defaults::of(None).unwrap());
        }
    }

    #[test]
    fn tokens_of_configured_names_are_replaced_or_named() {
        let uid = nix::unistd::getuid();
        for (name, expanded) in [
            ("KEYRING:persistent:%{uid}", format!("KEYRING:persistent:{uid}")),
            ("DIR:%{TEMP}/cc_%{USERID}%{null}", format!("DIR:/tmp/cc_{uid}")),
            ("KCM:", "KCM:".to_owned()),
        ] {
            assert_eq!(of(&format!("default_ccache_name = {name}")).unwrap().ccache, expanded);
        }
        if uid.is_root() {
            let defaults = of("default_ccache_name = FILE:/run/%{username}").unwrap();
            assert_eq!(defaults.ccache, "FILE:/run/root");
        }
        let error = of("default_keytab_name = FILE:%{LIBDIR}/keytab").unwrap_err().to_string();
        assert!(error.contains("%{LIBDIR}"), "{error}");
    }
}
