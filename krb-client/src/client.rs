use std::sync::Arc;
use std::time::Duration;

use krb_proto::exchange::{
    AsExchange, ClientSecret, Exchange, S4uProxy, S4uSelf, TgsArmor, TicketOptions,
};
use krb_proto::{Credential, Name, Principal};

use crate::drive::{Driver, Patience};
use crate::kdc::Offsets;
use crate::store::{TicketKey, TicketStore};
use crate::{ClientError, Clock, KdcSource, SystemClock, Transport};

/// A TGT is fetched anew when it has less than this left.
const TGT_MAX_AGE: i64 = 8 * 3600;

/// What a client needs to know.
#[derive(Clone)]
#[non_exhaustive]
pub struct ClientConfig {
    /// The service account that S4U is done with.
    pub account: Principal,
    /// Its keys or its password.
    pub secret: ClientSecret,
    /// Where its realm's KDCs are.
    pub kdcs: KdcSource,
    /// TCP unless asked otherwise.
    pub transport: Transport,
    /// Patience with one KDC, doubled in each further pass. 1 second.
    pub kdc_timeout: Duration,
    /// Patience with a whole exchange. 10 seconds.
    pub timeout: Duration,
    /// How long tickets in a user's name are used, whatever their end: a KDC does not take them
    /// back when the user is disabled, leaves a group or may no longer be delegated. 15 minutes.
    pub max_age: Duration,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// A ticket-granting ticket of the realm, such as the host's, that armors everything (FAST, RFC
    /// 6113): nobody between here and the KDC can guess at the account's password, or change what
    /// the KDC answers. A KDC without FAST is then refused. `None` unless asked otherwise.
    pub armor: Option<Arc<Credential>>,
}

impl ClientConfig {
    /// A configuration with the defaults named at the fields.
    #[must_use]
    pub fn new(account: Principal, secret: ClientSecret, kdcs: KdcSource) -> Self {
        Self {
            account,
            secret,
            kdcs,
            transport: Transport::Tcp,
            kdc_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(10),
            max_age: Duration::from_secs(15 * 60),
            clock: Arc::new(SystemClock),
            armor: None,
        }
    }
}

/// Gets tickets, for a service account and in users' names, and keeps them. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    account: Principal,
    secret: ClientSecret,
    armor: Option<Arc<Credential>>,
    max_age: i64,
    driver: Driver,
    store: Arc<TicketStore>,
}

impl Client {
    /// A client; it does nothing until it is asked for a ticket.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let ClientConfig { account, secret, kdcs, transport, clock, armor, .. } = config;
        let store = TicketStore::new(clock.clone());
        let patience = Patience { per_kdc: config.kdc_timeout, overall: config.timeout };
        let driver = Driver { kdcs, transport, patience, clock, offsets: Offsets::default() };
        let max_age = i64::try_from(config.max_age.as_secs()).unwrap_or(i64::MAX / 2);
        Self { inner: Arc::new(Inner { account, secret, armor, max_age, driver, store }) }
    }

    /// The service account.
    #[must_use]
    pub fn account(&self) -> &Principal {
        &self.inner.account
    }

    async fn run<E>(&self, exchange: E) -> Result<Credential, ClientError>
    where
        E: Exchange<Output = Credential>,
    {
        self.inner.driver.run(exchange).await
    }

    /// The service account's own ticket-granting ticket.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tgt(&self) -> Result<Arc<Credential>, ClientError> {
        let client = self.clone();
        let fetch = || async move {
            let Inner { account, secret, armor, .. } = &*client.inner;
            let options = TicketOptions::default();
            let mut exchange = AsExchange::new(account.clone(), secret.clone(), options);
            if let Some(armor) = armor {
                exchange = exchange.armored(armor.clone());
            }
            client.run(exchange).await
        };
        self.inner.store.get(TicketKey::Tgt, TGT_MAX_AGE, fetch).await
    }

    /// Evidence for a user (S4U2Self): a ticket to the service account itself. It names who was
    /// asked for; only its PAC says who that is (`krb_proto::exchange::open_ticket`).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn evidence(&self, user: &Principal) -> Result<Arc<Credential>, ClientError> {
        let (client, user) = (self.clone(), user.clone());
        let key = TicketKey::Evidence { user: user.clone() };
        let fetch = || async move {
            let tgt = client.tgt().await?;
            let service = client.account().name.clone();
            client.run(S4uSelf::new(tgt, user, service, client.user_ticket())).await
        };
        self.inner.store.get(key, self.inner.max_age, fetch).await
    }

    /// A ticket to `target` in the name of the evidence's user (S4U2Proxy). `sid` is the account
    /// that the evidence proved: a ticket got for another account of that name is not handed out.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn proxy_ticket(
        &self,
        evidence: &Arc<Credential>,
        sid: &str,
        target: &Name,
    ) -> Result<Arc<Credential>, ClientError> {
        let (client, evidence, target) = (self.clone(), evidence.clone(), target.clone());
        let key = TicketKey::Proxy {
            user: evidence.client.clone(),
            sid: sid.to_owned(),
            target: target.clone(),
        };
        let fetch = || async move {
            let tgt = client.tgt().await?;
            client.run(S4uProxy::new(tgt, evidence, target, client.user_ticket())).await
        };
        self.inner.store.get(key, self.inner.max_age, fetch).await
    }

    /// Drops all tickets in a user's name, as when the KDC says that they were revoked.
    pub fn forget_user(&self, user: &Principal) {
        self.inner.store.forget(|key| match key {
            TicketKey::Tgt => false,
            TicketKey::Evidence { user: of } | TicketKey::Proxy { user: of, .. } => of == user,
        });
    }

    /// Tickets in a user's name are asked for an hour: longer than they are used, so that a clock
    /// that is wrong by as much as we correct does not make them useless.
    fn user_ticket(&self) -> TicketOptions {
        let fast = if self.inner.armor.is_some() { TgsArmor::Implicit } else { TgsArmor::Off };
        TicketOptions { lifetime: 3600, fast, ..TicketOptions::default() }
    }
}
