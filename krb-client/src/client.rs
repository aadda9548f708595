//! A client of one account: its logins, its keys, its tickets.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_proto::crypto::{Key, SUPPORTED};
use krb_proto::exchange::{
    AsExchange, EvidenceError, Exchange, ExchangeError, KeyHintExchange, OpenedTicket,
    TicketOptions, open_ticket, opens,
};
use krb_proto::iana::EncType;
use krb_proto::{Credential, Principal};
use zeroize::Zeroizing;

use crate::contact::Contact;
use crate::keyring::Keyring;
use crate::sharing::Shared;
use crate::store::{Behalf, SharedTickets, TicketKey, TicketStore};
use crate::{
    AccountSecret, Carry, ClientError, Clock, Driver, Entropy, KdcSource, OsRandom, Patience,
    SystemClock, Transport, UserTicket,
};

/// A TGT is used for so long at most after it was fetched, and no longer than to its end (less the
/// minute that every ticket must have left): so a login once a working day proves that the account
/// may still do so.
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
    /// Its keys or its password; where they come from if they may be replaced.
    pub secret: AccountSecret,
    /// Where its realm's KDCs are.
    pub kdcs: KdcSource,
    /// Where the KDCs of other realms are, of those that users or targets may be of, and of those
    /// between. Nobody else's KDC is asked, whatever a referral says. None unless asked otherwise.
    pub other_realms: Vec<(Vec<u8>, KdcSource)>,
    /// [`Transport::Tcp`] unless asked otherwise.
    pub transport: Arc<dyn Carry>,
    /// Patience with one KDC, doubled in each further try; others are asked beside it before it ends.
    /// 1 second.
    pub kdc_timeout: Duration,
    /// Patience with a whole exchange. 10 seconds.
    pub timeout: Duration,
    /// How long tickets in a user's name are used, whatever their end: a KDC does not take them
    /// back when the user is disabled, leaves a group or may no longer be delegated. It counts from
    /// the fetch of the evidence, by the clock and by one that nobody can set. 15 minutes.
    pub max_age: Duration,
    /// The clock; the machine's unless asked otherwise.
    pub clock: Arc<dyn Clock>,
    /// Randomness; the system's unless asked otherwise.
    pub random: Arc<dyn Entropy>,
    /// A ticket-granting ticket of the realm, such as the host's, that armors everything (FAST, RFC
    /// 6113): nobody between here and the KDC can guess at the account's password, or change what
    /// the KDC answers. A KDC without FAST is then refused. `None` unless asked otherwise.
    pub armor: Option<Arc<Credential>>,
    /// Where tickets in users' names are kept for other processes, too. Nowhere unless asked otherwise.
    pub shared: Option<Arc<dyn SharedTickets>>,
}

impl ClientConfig {
    /// A configuration with the defaults named at the fields.
    #[must_use]
    pub fn new(account: Principal, secret: impl Into<AccountSecret>, kdcs: KdcSource) -> Self {
        let patience = Patience::default();
        Self {
            account,
            secret: secret.into(),
            kdcs,
            other_realms: Vec::new(),
            transport: Arc::new(Transport::Tcp),
            kdc_timeout: patience.per_kdc,
            timeout: patience.overall,
            max_age: Duration::from_secs(15 * 60),
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
            armor: None,
            shared: None,
        }
    }
}

/// Gets tickets, for a service account and in users' names, and keeps them. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) account: Arc<Principal>,
    keyring: Keyring,
    /// Held while the KDC is asked how it makes a key of the password.
    asking: tokio::sync::Mutex<()>,
    contact: Contact,
    pub(crate) armor: Option<Arc<Credential>>,
    pub(crate) max_age: Duration,
    pub(crate) shared: Option<Shared>,
    pub(crate) clock: Arc<dyn Clock>,
    driver: Driver,
    pub(crate) store: Arc<TicketStore>,
    /// When a refused TGT was last dropped, by the clock that cannot be set.
    tgt_dropped: Mutex<Option<Duration>>,
}

impl Client {
    /// A client; it does nothing until it is asked for a ticket.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let store = TicketStore::new(config.clock.clone());
        Self::with_store(config, store)
    }

    /// A client of another account that keeps its tickets in this one's store, by this one's clock:
    /// there is one bound for all of them, and none is found by any other account than its own.
    #[must_use]
    pub fn beside(&self, config: ClientConfig) -> Self {
        let clock = self.inner.clock.clone();
        Self::with_store(ClientConfig { clock, ..config }, self.inner.store.clone())
    }

    fn with_store(config: ClientConfig, store: Arc<TicketStore>) -> Self {
        let ClientConfig {
            account,
            secret,
            kdcs,
            other_realms,
            transport,
            max_age,
            clock,
            armor,
            random,
            shared,
            ..
        } = config;
        let shared = shared.map(Shared::new);
        let patience = Patience { per_kdc: config.kdc_timeout, overall: config.timeout };
        let realms = other_realms.into_iter().chain([(account.realm.clone(), kdcs)]);
        let driver = Driver::new(realms, transport, patience, clock.clone(), random);
        let tgt_dropped = Mutex::default();
        let keyring = Keyring::new(account.clone(), secret, clock.clone());
        let (account, asking) = (Arc::new(account), tokio::sync::Mutex::default());
        let inner = Inner {
            account,
            keyring,
            asking,
            contact: Contact::default(),
            armor,
            max_age,
            shared,
            clock,
            driver,
            store,
            tgt_dropped,
        };
        Self { inner: Arc::new(inner) }
    }

    /// The service account.
    #[must_use]
    pub fn account(&self) -> &Principal {
        &self.inner.account
    }

    /// Reads the account's secret, so that a program can say at its start what is wrong with it.
    /// Otherwise it is read when it is first needed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn read_secret(&self) -> Result<(), ClientError> {
        self.inner.keyring.look().await.map(drop)
    }

    pub(crate) async fn run<E>(&self, exchange: E) -> Result<E::Output, ClientError>
    where
        E: Exchange + Clone + Send,
    {
        let began = exchange.realm().unwrap_or_default().to_owned();
        let outcome = self.inner.driver.run(exchange).await;
        let Inner { account, clock, contact, .. } = &*self.inner;
        contact.exchanged(&outcome, &began, &account.realm, clock.monotonic());
        outcome
    }

    /// Why nothing can be asked for in the account's name: it has not logged in yet, or was refused
    /// when it last tried; or no KDC of its realm answered when one was last asked, and none has for
    /// so long.
    #[must_use]
    pub fn trouble(&self, lately: Duration) -> Option<String> {
        self.inner.contact.trouble(lately, self.inner.clock.monotonic())
    }

    /// What is wrong with what stands in the place of the account's secret, if it is not what is
    /// used. Looks, if that was not done within the last seconds.
    pub async fn secret_trouble(&self) -> Option<String> {
        self.inner.keyring.keep_up().await;
        self.inner.keyring.trouble()
    }

    /// Logs in, where that is worth a try to be told of [trouble](Self::trouble), or that there is
    /// none any more. What is wrong is not said here.
    pub async fn find_out(&self) {
        let Inner { keyring, contact, clock, .. } = &*self.inner;
        keyring.keep_up().await;
        let is_due = || contact.is_due(keyring.which(), clock.monotonic());
        if is_due() {
            let _ = self.tgt().await;
        }
        // The ticket of the last login says nothing of whether a KDC answers.
        if is_due() {
            let _ = self.log_in(TicketOptions::default()).await;
        }
    }

    /// The key of a ticket that this account asks for.
    pub(crate) fn key(
        &self,
        target: Arc<Principal>,
        behalf: Behalf,
        options: &TicketOptions,
    ) -> TicketKey {
        let account = self.inner.account.clone();
        TicketKey { account, target, behalf, options: options.into(), epoch: 0 }
    }

    fn tgt_key(&self, options: &TicketOptions) -> TicketKey {
        self.key(Principal::krbtgt(&self.account().realm).into(), Behalf::Itself, options)
    }

    /// The service account's own ticket-granting ticket.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tgt(&self) -> Result<Arc<Credential>, ClientError> {
        let client = self.clone();
        let options = TicketOptions::default();
        let key = self.tgt_key(&options);
        let fetch = || async move { client.log_in(options).await };
        let held = self.inner.store.get(key, None, TGT_MAX_AGE, fetch).await?;
        Ok(held.credential)
    }

    /// A new ticket-granting ticket.
    async fn log_in(&self, options: TicketOptions) -> Result<Credential, ClientError> {
        let Inner { account, keyring, armor, contact, clock, .. } = &*self.inner;
        // The newest there is, if it can be had; else the one before.
        let looked = keyring.look().await;
        let (secret, which) = keyring.login().map_err(|error| match (looked, &error) {
            (Err(unreadable), ClientError::NoKey { .. }) => unreadable,
            _ => error,
        })?;
        let mut exchange = AsExchange::new(Principal::clone(account), secret, options);
        if let Some(armor) = armor {
            exchange = exchange.armored(armor.clone());
        }
        let outcome = self.run(exchange).await;
        contact.logged_in(&outcome, which, clock.monotonic());
        outcome.inspect_err(|error| keyring.login_failed(which, error))
    }

    /// Runs an exchange with the TGT; if the KDC refuses a ticket, which may be that one, once more
    /// with a new TGT.
    pub(crate) async fn run_with_tgt<E>(
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
        let tgt = self.tgt_key(&TicketOptions::default());
        let mut dropped = tgt_dropped.lock().unwrap_or_else(PoisonError::into_inner);
        if !store.has(&tgt, refused) {
            return true; // somebody else saw to it
        }
        let now = clock.monotonic();
        if dropped.is_some_and(|last| now.saturating_sub(last) < TGT_DROPPED_EVERY) {
            return false;
        }
        *dropped = Some(now);
        store.forget(|key| *key == tgt);
        true
    }

    /// Opens a ticket to the account itself, such as evidence, with the account's long-term keys,
    /// those that were replaced of late among them. It has none before it was asked for a ticket, or
    /// to [read them](Self::read_secret).
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub fn open(&self, ticket: &Credential) -> Result<(OpenedTicket, Key), EvidenceError> {
        open_ticket(ticket, |enctype, kvno| self.inner.keyring.candidates(enctype, kvno))
    }

    /// Sees to it that a ticket to the account opens: if it does not, its secret may have been
    /// replaced, or the KDC makes the key of the password otherwise than before.
    pub async fn see_to_keys_for(&self, ticket: &[u8]) {
        let keyring = &self.inner.keyring;
        keyring.keep_up().await;
        let Some(enctype) = self.lacks_key_for(ticket) else { return };
        let _ = keyring.look().await;
        // One asks, and then all know.
        let _asking = self.inner.asking.lock().await;
        if self.lacks_key_for(ticket).is_some()
            && SUPPORTED.contains(&enctype)
            && let Some(password) = keyring.password_to_ask_for(enctype)
            && let Err(error) = self.make_key(password, enctype).await
        {
            tracing::warn!(%error, "the KDC does not say how it makes the account's key");
        }
    }

    /// The enctype of the key that a ticket to the account is sealed with, if there is no such key.
    fn lacks_key_for(&self, ticket: &[u8]) -> Option<EncType> {
        let mut sealed_with = None;
        let opens = opens(ticket, |enctype, kvno| {
            sealed_with = Some(enctype);
            self.own_keys(enctype, kvno)
        });
        sealed_with.filter(|_| !opens)
    }

    /// The account's long-term keys that a ticket to it may be sealed with, those that were replaced
    /// of late among them, best first.
    #[must_use]
    pub fn own_keys(&self, enctype: EncType, kvno: Option<u32>) -> Vec<Key> {
        self.inner.keyring.candidates(enctype, kvno)
    }

    /// A ticket in a user's name that was got elsewhere, such as their own, used from now on and for
    /// as long as any.
    #[must_use]
    pub fn adopt(&self, ticket: Arc<Credential>) -> UserTicket {
        UserTicket::of(ticket, &*self.inner.clock, self.inner.max_age)
    }

    /// Makes the account's key of this enctype of its password, as the KDC says that it does.
    async fn make_key(
        &self,
        password: Zeroizing<Vec<u8>>,
        enctype: EncType,
    ) -> Result<(), ClientError> {
        let Inner { account, keyring, armor, .. } = &*self.inner;
        let mut exchange = KeyHintExchange::new(Principal::clone(account), enctype);
        if let Some(armor) = armor {
            exchange = exchange.armored(armor.clone());
        }
        let (hint, account) = (self.run(exchange).await?, account.clone());
        // What the KDC says may mean seconds of work.
        let make = move || hint.key(&account, &password).map(|key| (password, key));
        let made = tokio::task::spawn_blocking(make).await.map_err(|_| ClientError::Abandoned)?;
        let (password, key) = made.map_err(ExchangeError::of_hint)?;
        keyring.add_derived(&password, key);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
