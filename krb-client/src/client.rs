use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_proto::exchange::{
    AsExchange, ClientSecret, Exchange, S4uProxy, S4uSelf, TgsArmor, TicketOptions,
};
use krb_proto::{Credential, Name, Principal};

use crate::drive::{Driver, Patience};
use crate::kdc::Memory;
use crate::store::{TicketKey, TicketStore};
use crate::{ClientError, Clock, KdcSource, SystemClock, Transport, UserTicket};

/// A TGT is used for so long at most, whatever its end.
const TGT_MAX_AGE: Duration = Duration::from_secs(8 * 3600);
/// A TGT that the KDC refuses is dropped no more often than this: not every KDC that refuses means
/// the TGT, and what it means must not make everybody log in again and again.
const TGT_DROPPED_EVERY: Duration = Duration::from_secs(30);

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
    /// back when the user is disabled, leaves a group or may no longer be delegated. It counts from
    /// the fetch of the evidence, by the clock and by one that nobody can set. 15 minutes.
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
    max_age: Duration,
    clock: Arc<dyn Clock>,
    driver: Driver,
    store: Arc<TicketStore>,
    /// When a refused TGT was last dropped, by the clock that cannot be set.
    tgt_dropped: Mutex<Option<Duration>>,
}

impl Client {
    /// A client; it does nothing until it is asked for a ticket.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let ClientConfig { account, secret, kdcs, transport, max_age, clock, armor, .. } = config;
        let store = TicketStore::new(clock.clone());
        let patience = Patience { per_kdc: config.kdc_timeout, overall: config.timeout };
        let memory = Memory::default();
        let driver = Driver { kdcs, transport, patience, clock: clock.clone(), memory };
        let tgt_dropped = Mutex::default();
        let inner = Inner { account, secret, armor, max_age, clock, driver, store, tgt_dropped };
        Self { inner: Arc::new(inner) }
    }

    /// The service account.
    #[must_use]
    pub fn account(&self) -> &Principal {
        &self.inner.account
    }

    async fn run<E>(&self, exchange: E) -> Result<Credential, ClientError>
    where
        E: Exchange<Output = Credential> + Clone + Send,
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
        let held = self.inner.store.get(TicketKey::Tgt, None, TGT_MAX_AGE, fetch).await?;
        Ok(held.credential)
    }

    /// Runs an exchange with the TGT; if the KDC refuses a ticket, which may be that one, once more
    /// with a new TGT.
    async fn run_with_tgt<E>(
        &self,
        exchange: impl Fn(Arc<Credential>) -> E,
    ) -> Result<Credential, ClientError>
    where
        E: Exchange<Output = Credential> + Clone + Send,
    {
        let login = async || self.tgt().await.map_err(|error| ClientError::Login(error.into()));
        let tgt = login().await?;
        match self.run(exchange(tgt.clone())).await {
            Err(error) if error.refuses_a_ticket() && self.is_replaced(&tgt) => {
                tracing::info!(%error, "logging in again: the KDC may mean the service's own ticket");
                self.run(exchange(login().await?)).await
            }
            outcome => outcome,
        }
    }

    /// Sees to it that a refused TGT is not used again. `false` if it was the last one's turn too
    /// short a while ago.
    fn is_replaced(&self, refused: &Arc<Credential>) -> bool {
        let Inner { store, clock, tgt_dropped, .. } = &*self.inner;
        let mut dropped = tgt_dropped.lock().unwrap_or_else(PoisonError::into_inner);
        if !store.has(&TicketKey::Tgt, refused) {
            return true; // somebody else saw to it
        }
        let now = clock.monotonic();
        if dropped.is_some_and(|last| now.saturating_sub(last) < TGT_DROPPED_EVERY) {
            return false;
        }
        *dropped = Some(now);
        store.forget(|key| *key == TicketKey::Tgt);
        true
    }

    /// Evidence for a user (S4U2Self): a ticket to the service account itself. It names who was
    /// asked for; only its PAC says who that is (`krb_proto::exchange::open_ticket`).
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn evidence(&self, user: &Principal) -> Result<UserTicket, ClientError> {
        let (client, asked) = (self.clone(), user.clone());
        let fetch = || async move {
            let (service, options) = (client.account().name.clone(), client.user_ticket());
            let exchange = |tgt| S4uSelf::new(tgt, asked.clone(), service.clone(), options.clone());
            client.run_with_tgt(exchange).await
        };
        self.inner.store.evidence(user.clone(), self.inner.max_age, fetch).await
    }

    /// A ticket to `target` in the name of the evidence's user (S4U2Proxy). `sid` is the account
    /// that the evidence proved: a ticket got for another account of that name is not handed out.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn proxy_ticket(
        &self,
        evidence: &UserTicket,
        sid: &str,
        target: &Name,
    ) -> Result<UserTicket, ClientError> {
        let (client, asked) = (self.clone(), target.clone());
        let credential = evidence.held.credential.clone();
        let fetch = || async move {
            let options = client.user_ticket();
            let exchange =
                |tgt| S4uProxy::new(tgt, credential.clone(), asked.clone(), options.clone());
            client.run_with_tgt(exchange).await
        };
        self.inner.store.proxied(evidence, sid, target.clone(), fetch).await
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

#[cfg(test)]
mod tests;
