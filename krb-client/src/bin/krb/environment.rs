//! What MIT's programs read from the environment, read for all subcommands here: `KRB5_CONFIG`,
//! `KRB5CCNAME`, `KRB5_KTNAME`, `KRB5_CLIENT_KTNAME` and `KRB5_TRACE`.

use std::fs::File;
use std::sync::Arc;

use krb_client::proto::exchange::TicketOptions;
use krb_client::proto::formats::Krb5Conf;
use krb_client::proto::formats::krb5_conf::LibDefaults;
use krb_client::{
    AccountSecret, Armor, Ccaches, ClientConfig, Defaults, Driver, OsRandom, Patience, Realms,
    SystemClock, TRACE,
};
use krb_proto::Principal;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::progress::Exchanges;
use crate::trace::AsMit;
use crate::{Failure, complain};

/// How this machine is configured.
pub(crate) struct Environment {
    pub(crate) realms: Realms,
    pub(crate) defaults: Defaults,
}

impl Environment {
    pub(crate) async fn read() -> Result<Self, Failure> {
        let realms = Realms::from_environment().await?;
        let defaults = Defaults::from_environment(realms.conf())?;
        Ok(Self { realms, defaults })
    }

    /// A principal as it is typed; in the default realm if it names none.
    pub(crate) fn principal(&self, text: &str) -> Result<Principal, Failure> {
        Principal::parse(text, self.realms.default_realm())
            .map_err(|error| format!("{text}: {error}").into())
    }

    /// `[libdefaults]`, as it is for this realm.
    pub(crate) fn libdefaults(&self, realm: &str) -> Result<LibDefaults, Failure> {
        Ok(match self.realms.conf() {
            Some(conf) => conf.libdefaults(Some(realm))?,
            None => Krb5Conf::default().libdefaults(Some(realm))?,
        })
    }

    /// What a ticket-granting ticket is asked for unless the command line says otherwise.
    pub(crate) fn ticket_options(&self, realm: &str) -> Result<TicketOptions, Failure> {
        let defaults = self.libdefaults(realm)?;
        Ok(TicketOptions {
            forwardable: defaults.forwardable,
            proxiable: defaults.proxiable,
            canonicalize: defaults.canonicalize,
            lifetime: match defaults.ticket_lifetime {
                0 => TicketOptions::default().lifetime,
                seconds => seconds.into(),
            },
            renewable: (defaults.renew_lifetime > 0).then(|| defaults.renew_lifetime.into()),
            ..TicketOptions::default()
        })
    }

    /// A client of an account; its KDCs are where this machine's configuration says.
    pub(crate) fn client(
        &self,
        account: Principal,
        secret: impl Into<AccountSecret>,
    ) -> ClientConfig {
        let mut config = ClientConfig::in_realms(account, secret, self.realms.clone());
        config.transport = Arc::new(self.realms.transport());
        config
    }

    /// The caches, of which one, or one collection, is the default.
    pub(crate) fn caches(&self, name: Option<&str>) -> Ccaches {
        Ccaches::new(name.unwrap_or(&self.defaults.ccache))
    }

    /// What armors exchanges: the ticket-granting ticket in a cache.
    pub(crate) async fn armor(&self, cache: &str, realm: &[u8]) -> Result<Armor, Failure> {
        let cache = self.caches(Some(cache)).default_cache().await?;
        Ok(cache.tgt(realm).await?.into())
    }
}

/// A principal as it is typed, of a command that needs nothing else of the configuration.
pub(crate) async fn principal(text: &str) -> Result<Principal, Failure> {
    match Principal::parse(text, None) {
        Ok(principal) => Ok(principal),
        Err(_) => Environment::read().await?.principal(text),
    }
}

/// What carries exchanges in which nobody logs in.
pub(crate) fn driver(realms: Realms) -> Driver {
    let (transport, clock) = (Arc::new(realms.transport()), Arc::new(SystemClock));
    Driver::new(realms, transport, Patience::default(), clock, Arc::new(OsRandom))
}

/// Tells where `KRB5_TRACE` says what goes on, if it says so; and on standard error, of a command that has
/// a log. Who is shown what is waited for hears it so, too. As to MIT's library, a file that cannot be opened is no reason to do nothing.
pub(crate) fn trace(has_log: bool, shows_progress: bool) {
    let file = named("KRB5_TRACE").and_then(|file| {
        let opened = File::options().append(true).create(true).open(&file);
        opened.map_err(|error| complain(&format!("KRB5_TRACE={file}: {error}: not traced"))).ok()
    });
    let lines = file.map(|file| {
        let ours = Targets::new()
            .with_target("krb_client", LevelFilter::TRACE)
            .with_target("krb_proto", LevelFilter::TRACE);
        tracing_subscriber::fmt::layer().event_format(AsMit).with_writer(file).with_filter(ours)
    });
    let log = has_log.then(|| {
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
        lines.with_filter(LevelFilter::INFO)
    });
    let progress = shows_progress
        .then(|| Exchanges.with_filter(Targets::new().with_target(TRACE, LevelFilter::TRACE)));
    if lines.is_some() || log.is_some() || progress.is_some() {
        tracing_subscriber::registry().with(lines).with(log).with(progress).init();
    }
}

/// An empty value is as good as none.
fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.is_empty())
}
