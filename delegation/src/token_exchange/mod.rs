//! The caller's token for one that names an account: OAuth 2.0 Token Exchange (RFC 8693), or the
//! on-behalf-of grant of RFC 7523. A token goes to its own issuer only.

mod actor;
mod breaker;
mod cache;
mod config;
mod exchange;
mod failure;
mod refusals;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::identity::{Caller, Subject, TrustedIdp, Verifier};
use crate::network::Fetch;
use crate::targets::{Target, Targets};
use crate::{ConfigError, Failure, Holds, Visit};
use cache::{Cache, Exchanged, Keep};
pub use config::{
    ActorTokenConfig, CacheConfig, Grant, ModuleConfig, ModuleExchangeConfig, TokenExchangeConfig,
    TokenType,
};
use exchange::{ActorToken, Endpoint, Exchange};
use failure::{ExchangeError, NoExchange};
use settings::Settings;

/// The `delegation` section of the configuration.
#[derive(Clone, Debug, Default)]
pub struct ExchangeSettings {
    /// `delegation.tokenExchange`: for callers of one issuer that has no settings of its own.
    pub token_exchange: Option<TokenExchangeConfig>,
    /// `delegation.modules`: what differs for a kind of resource, or one target.
    pub modules: BTreeMap<String, ModuleConfig>,
}

impl TokenExchangeConfig {
    /// Shows each file that it names; `section` is where it stands.
    pub fn each_file(&mut self, section: &str, visit: &mut Visit<'_>) {
        self.client_key.iter_mut().for_each(|key| key.each_file(section, visit));
        if let Some(token) = &mut self.actor_token {
            visit(&format!("{section}.actorToken.file"), Holds::Secret, &mut token.file);
        }
    }

    /// Is this, as `delegation.tokenExchange`, for callers of this one of the identity providers?
    #[must_use]
    pub fn is_for(&self, idp: &TrustedIdp, idps: &[TrustedIdp]) -> bool {
        idp.token_exchange.is_none()
            && meant(self, idps.iter()).is_ok_and(|issuer| issuer == idp.issuer)
    }
}

/// Exchanges callers' tokens.
pub struct TokenExchanger {
    issuers: Vec<Issuer>,
    /// All that are configured, whoever they are for.
    modules: Vec<String>,
    asked: Asked,
}

/// Where answers came from: `cache`, `cached refusal`, `provider`, or nowhere, because the provider is
/// `left alone`.
pub(crate) type Asked = Family<[(&'static str, &'static str); 1], Counter>;

/// How callers of one issuer are exchanged.
struct Issuer {
    name: String,
    usual: Arc<Exchange>,
    /// By kind of resource or name of a target.
    modules: HashMap<String, Arc<Exchange>>,
    cache: Option<Arc<Cache>>,
}

impl TokenExchanger {
    /// An exchanger whose tokens `verifier` verifies.
    ///
    /// # Errors
    /// The first setting that does not do.
    pub fn new(
        settings: &ExchangeSettings,
        verifier: &Verifier,
        idp: &Arc<dyn Fetch>,
    ) -> Result<Self, ConfigError> {
        let shared = match &settings.token_exchange {
            Some(config) => Some((config, meant(config, verifier.idps())?)),
            None => None,
        };
        let (mut issuers, mut without) = (Vec::new(), None);
        for (index, idp_config) in verifier.idps().enumerate() {
            let own = idp_config.token_exchange.as_ref();
            let (config, section) = match (own, shared) {
                (Some(own), _) => (own, format!("auth.trustedIDPs[{index}].tokenExchange")),
                (None, Some((config, issuer))) if issuer == idp_config.issuer => {
                    (config, "delegation.tokenExchange".to_owned())
                }
                _ => {
                    without = without.or(Some(index));
                    continue;
                }
            };
            if own.is_some_and(|own| own.idp_name.is_some()) {
                let problem =
                    "is for delegation.tokenExchange: what stands here is for this issuer";
                return Err(ConfigError::new(format!("{section}.idpName"), problem));
            }
            let place = format!("auth.trustedIDPs[{index}]");
            let own = Settings::new(config.clone(), &section, place);
            let name = (&*idp_config.name, &*idp_config.issuer);
            issuers.push(Issuer::new(own, name, &settings.modules, verifier, idp)?);
        }
        if issuers.is_empty() {
            let problem = "must be given, here or for one of auth.trustedIDPs, or no token could be \
                           exchanged";
            return Err(ConfigError::new("delegation.tokenExchange", problem));
        }
        if let Some(index) = without {
            let problem = "must be given: delegation.tokenExchange is for another issuer, and each call \
                           of this one's users would fail";
            let setting = format!("auth.trustedIDPs[{index}].tokenExchange");
            return Err(ConfigError::new(setting, problem));
        }
        for (module, ModuleConfig { token_exchange }) in &settings.modules {
            let Some(name) = &token_exchange.idp_name else { continue };
            if !verifier.idps().any(|known| known.name == *name) {
                let setting = format!("delegation.modules.{module}.tokenExchange.idpName");
                let problem = "is the name of none of auth.trustedIDPs";
                return Err(ConfigError::new(setting, problem));
            }
        }
        let modules = settings.modules.keys().cloned().collect();
        Ok(Self { issuers, modules, asked: Asked::default() })
    }

    /// Refuses modules that are neither a kind of resource nor a target.
    ///
    /// # Errors
    /// The first such.
    pub(crate) fn check_modules(&self, targets: &Targets) -> Result<(), ConfigError> {
        for module in &self.modules {
            let fits = |target: &Target| target.name() == module || target.kind() == module;
            if !targets.iter().any(fits) {
                let problem = "is neither the name of a target nor the kind of one";
                return Err(ConfigError::new(format!("delegation.modules.{module}"), problem));
            }
        }
        Ok(())
    }

    /// Of each secret, key and token that is read: the setting, and what is wrong with what stands
    /// there now, if that is not what is used.
    pub(crate) async fn troubles(&self) -> Vec<(String, Option<String>)> {
        let mut troubles = Vec::new();
        for issuer in &self.issuers {
            troubles.extend(issuer.usual.endpoint().troubles().await);
        }
        troubles
    }

    /// Where answers came from so far.
    pub(crate) const fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Exchanges a caller's token for what is to be done at a target, or here. Nothing is used that was
    /// kept for another `generation` of the revocations, or for `max_age`.
    ///
    /// # Errors
    /// [`Failure`]; there is no falling back to the caller's own token.
    pub async fn exchange(
        &self,
        caller: &Caller,
        target: Option<&Target>,
        generation: u64,
        max_age: Option<Duration>,
    ) -> Result<Subject, Failure> {
        let issuer = self.issuer(caller)?;
        self.obtain(issuer, issuer.exchange_for(target), caller, generation, max_age).await
    }

    /// Forgets what a caller's token was exchanged for: what it said has proved to be wrong.
    pub async fn reject(&self, caller: &Caller, target: Option<&Target>, generation: u64) {
        let Ok(issuer) = self.issuer(caller) else { return };
        let exchange = issuer.exchange_for(target);
        let actor = exchange.endpoint().actor().await;
        let cache = issuer.cache.as_ref();
        let key = cache.and_then(|cache| {
            let actor = actor.as_ref().map(|actor| actor.as_str());
            Some((cache, cache.key(&exchange.asked, caller, actor, generation)?))
        });
        if let Some((cache, key)) = key {
            cache.reject(&key);
        }
    }

    fn issuer(&self, caller: &Caller) -> Result<&Issuer, Failure> {
        let found = self.issuers.iter().find(|issuer| issuer.name == caller.issuer());
        found.ok_or_else(|| NoExchange(caller.issuer().to_owned()).into())
    }

    async fn obtain(
        &self,
        issuer: &Issuer,
        exchange: &Arc<Exchange>,
        caller: &Caller,
        generation: u64,
        max_age: Option<Duration>,
    ) -> Result<Subject, Failure> {
        let explain = |error: ExchangeError| error.explain(&exchange.settings);
        exchange.allows(caller).map_err(explain)?;
        let actor = exchange.endpoint().actor().await;
        let kept = issuer.cache.as_ref().and_then(|cache| {
            let actor = actor.as_ref().map(|actor| actor.as_str());
            Some((cache, Arc::new(cache.key(&exchange.asked, caller, actor, generation)?)))
        });
        let Some((cache, key)) = kept else {
            let obtained = exchange.obtain(caller, actor.as_deref()).await;
            return self.count(obtained.map(|obtained| obtained.subject)).map_err(explain);
        };
        match cache.find(&key, max_age) {
            Some(Ok(claims)) => {
                self.count_from("cache");
                return exchange.again(caller, &claims).map_err(explain);
            }
            Some(Err(refusal)) => {
                self.count_from("cached refusal");
                return Err(refusal);
            }
            None => {}
        }
        let work = || {
            let (exchange, caller, asked) =
                (Arc::clone(exchange), caller.clone(), self.asked.clone());
            async move { asked_once(&exchange, &caller, actor.as_deref(), &asked).await }
        };
        match cache.find_or_exchange(&key, caller, max_age, work).await {
            Some(exchanged) => match &exchanged.result {
                Ok(claims) => exchange.again(caller, claims).map_err(explain),
                Err(failure) => Err(failure.clone()),
            },
            None => Err(explain(ExchangeError::Silent)),
        }
    }

    fn count<T>(&self, asked: Result<T, ExchangeError>) -> Result<T, ExchangeError> {
        self.count_from(from(&asked));
        asked
    }

    fn count_from(&self, from: &'static str) {
        self.asked.get_or_create(&[("from", from)]).inc();
    }
}

const fn from<T>(asked: &Result<T, ExchangeError>) -> &'static str {
    match asked {
        Err(ExchangeError::LeftAlone(_)) => "left alone",
        _ => "provider",
    }
}

/// An exchange that others may be waiting for.
async fn asked_once(
    exchange: &Exchange,
    caller: &Caller,
    actor: Option<&ActorToken>,
    asked: &Asked,
) -> Exchanged {
    let obtained = exchange.obtain(caller, actor).await;
    asked.get_or_create(&[("from", from(&obtained))]).inc();
    match obtained {
        Ok(obtained) => {
            // A ticket is for one call.
            let ends = obtained.ends.filter(|_| obtained.subject.delivered().is_none());
            let keep = ends.map_or(Keep::No, Keep::Until);
            Exchanged { result: Ok(obtained.claims), keep }
        }
        Err(error) => {
            let keep = if error.is_definite() { Keep::Refusal } else { Keep::No };
            Exchanged { result: Err(error.explain(&exchange.settings)), keep }
        }
    }
}

impl Issuer {
    fn new(
        settings: Settings,
        (name, issuer): (&str, &str),
        modules: &BTreeMap<String, ModuleConfig>,
        verifier: &Verifier,
        idp: &Arc<dyn Fetch>,
    ) -> Result<Self, ConfigError> {
        settings.check()?;
        let endpoint = Arc::new(Endpoint::new(&settings, issuer, verifier, idp.clone())?);
        let mut special = HashMap::new();
        for (module, ModuleConfig { token_exchange }) in modules {
            if token_exchange.idp_name.as_ref().is_some_and(|idp| idp != name) {
                continue;
            }
            let section = format!("delegation.modules.{module}.tokenExchange");
            let settings = settings.with_module(section, token_exchange);
            settings.check()?;
            let exchange = Exchange::new(settings, issuer, Arc::clone(&endpoint));
            special.insert(module.clone(), Arc::new(exchange));
        }
        let cache = &settings.config.cache;
        let cache = cache.enabled.then(|| Cache::new(cache, verifier.clock().clone()));
        let cache = cache
            .transpose()
            .map_err(|_| settings.error("cache", "this machine has no randomness for it"))?;
        let usual = Arc::new(Exchange::new(settings, issuer, endpoint));
        Ok(Self { name: issuer.into(), usual, modules: special, cache: cache.map(Arc::new) })
    }

    /// What is said of the target goes before what is said of its kind.
    fn exchange_for(&self, target: Option<&Target>) -> &Arc<Exchange> {
        let of = |target: &Target| {
            self.modules.get(target.name()).or_else(|| self.modules.get(target.kind()))
        };
        target.and_then(of).unwrap_or(&self.usual)
    }
}

/// The issuer whose callers `delegation.tokenExchange` is for.
fn meant<'a>(
    config: &TokenExchangeConfig,
    idps: impl Iterator<Item = &'a TrustedIdp>,
) -> Result<&'a str, ConfigError> {
    let error = |problem: &str| ConfigError::new("delegation.tokenExchange.idpName", problem);
    let idps: Vec<_> = idps.collect();
    if let Some(name) = &config.idp_name {
        let mut named = idps.iter().filter(|idp| idp.name == *name);
        return match (named.next(), named.next()) {
            (Some(idp), None) => Ok(&idp.issuer),
            (Some(_), Some(_)) => Err(error("is the name of several of auth.trustedIDPs")),
            (None, _) => Err(error("is the name of none of auth.trustedIDPs")),
        };
    }
    if let [only] = &*idps {
        return Ok(&only.issuer);
    }
    let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
    let mut beside =
        idps.iter().filter(|idp| origin(&idp.issuer) == origin(&config.token_endpoint));
    match (beside.next(), beside.next()) {
        (Some(idp), None) => Ok(&idp.issuer),
        _ => Err(error("must be given: it is not plain which one of auth.trustedIDPs is meant")),
    }
}
