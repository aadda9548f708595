//! A client of one account: its logins, its keys, its tickets.

mod armor;
mod config;
mod login;
mod password;
mod renewed;
mod tickets;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use krb_proto::crypto::{Key, SUPPORTED};
use krb_proto::exchange::{
    EvidenceError, Exchange, ExchangeError, KeyHintExchange, OpenedTicket, TgsArmor, TicketOptions,
    open_ticket, opens,
};
use krb_proto::iana::{EncType, NameType};
use krb_proto::{Credential, Principal};
use tracing::Instrument;
use zeroize::Zeroizing;

use crate::contact::Contact;
use crate::keyring::Keyring;
use crate::sharing::Shared;
use crate::store::{Behalf, Held, Options, TicketKey, TicketStore};
use crate::trace::Traced;
use crate::{Carry, ClientError, Clock, Driver, Entropy, Patience, UserTicket};
pub use armor::Armor;
pub use config::ClientConfig;

/// A TGT is used for so long at most after it was fetched, and no longer than to its end (less the
/// minute that every ticket must have left): so a login once a working day proves that the account
/// may still do so.
const TGT_MAX_AGE: Duration = Duration::from_secs(8 * 3600);
/// A TGT that the KDC refuses is dropped no more often than this: not every KDC that refuses means
/// the TGT, and what it means must not make everybody log in again and again.
const TGT_DROPPED_EVERY: Duration = Duration::from_secs(30);

/// Gets an account's tickets, and keeps them. Cheap to clone. [`Client::s4u`] asks for tickets in the
/// names of others.
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
    armor: Option<Armor>,
    login: TicketOptions,
    /// What its tickets are got with.
    krbtgt: Arc<Principal>,
    /// What of the options of logins, and of tickets in users' names, is in the keys of tickets: made
    /// once, since it is looked up all the time.
    login_kept: Arc<Options>,
    pub(crate) user_kept: Arc<Options>,
    /// What passwords are changed over.
    transport: Arc<dyn Carry>,
    patience: Patience,
    random: Arc<dyn Entropy>,
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
        let store = TicketStore::of_size(config.max_tickets, config.clock.clone());
        Self::with_store(config, store)
    }

    /// A client of another account that keeps its tickets in this one's store, by this one's clock:
    /// there is one bound for all of them, this one's, and none is found by any other account than its own.
    #[must_use]
    pub fn beside(&self, config: ClientConfig) -> Self {
        let clock = self.inner.clock.clone();
        Self::with_store(ClientConfig { clock, ..config }, self.inner.store.clone())
    }

    fn with_store(config: ClientConfig, store: Arc<TicketStore>) -> Self {
        let ClientConfig { account, clock, random, transport, .. } = config;
        let transport: Arc<dyn Carry> = Arc::new(Traced(transport));
        let patience = Patience { per_kdc: config.kdc_timeout, overall: config.timeout };
        let realms = config.realms;
        let driver =
            Driver::new(realms, transport.clone(), patience, clock.clone(), random.clone());
        let keyring = Keyring::new(account.clone(), config.secret, clock.clone());
        let mut login = tickets::permitted(config.login, driver.realms().login_enctypes());
        login.canonicalize |= account.name.name_type == NameType::ENTERPRISE;
        let krbtgt = Arc::new(Principal::krbtgt(&account.realm));
        let inner = Inner {
            account: Arc::new(account),
            keyring,
            asking: tokio::sync::Mutex::default(),
            contact: Contact::default(),
            armor: config.armor,
            login_kept: Arc::new((&login).into()),
            user_kept: Arc::new((&tickets::user_ticket(driver.realms())).into()),
            login,
            krbtgt,
            transport,
            patience,
            random,
            max_age: config.max_age,
            shared: config.shared.map(Shared::new),
            clock,
            driver,
            store,
            tgt_dropped: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// The account.
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
        let Inner { account, clock, contact, driver, .. } = &*self.inner;
        let began = exchange.realm().unwrap_or_default().to_owned();
        let exchanges = std::any::type_name::<E>();
        let exchange_name = exchanges.rsplit("::").next().unwrap_or(exchanges);
        let realm = String::from_utf8_lossy(&began);
        let span = tracing::debug_span!("exchange", kind = exchange_name, %account, %realm);
        // In a place of its own, or all that waits for it would be as large, several times over.
        let outcome = Box::pin(driver.run(exchange).instrument(span)).await;
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
            let _ = self.log_in(self.inner.login.clone()).await;
        }
    }

    /// The key of a ticket that this account asks for.
    pub(crate) fn key(
        &self,
        target: &Principal,
        behalf: Behalf<'_>,
        options: &Arc<Options>,
    ) -> TicketKey {
        TicketKey::new(self.inner.account.clone(), target, behalf, options.clone())
    }

    fn tgt_key(&self) -> TicketKey {
        self.key(&self.inner.krbtgt, Behalf::Itself, &self.inner.login_kept)
    }

    /// The account's ticket-granting ticket: the one that is held, or that of a new login.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn tgt(&self) -> Result<Arc<Credential>, ClientError> {
        Ok(self.held_tgt().await?.credential)
    }

    async fn held_tgt(&self) -> Result<Held, ClientError> {
        let fetch = || self.clone().log_in_as_usual();
        self.inner.store.get(self.tgt_key(), None, TGT_MAX_AGE, fetch).await
    }

    /// The ticket-granting ticket of a new login. Whoever asks for one meanwhile gets the one that is
    /// held, and who asks for a new one too gets this.
    async fn new_tgt(&self) -> Result<Held, ClientError> {
        let fetch = || {
            let client = self.clone();
            async move { client.log_in_early(client.inner.login.clone()).await }
        };
        self.inner.store.get_anew(self.tgt_key(), TGT_MAX_AGE, fetch).await
    }

    async fn log_in_as_usual(self) -> Result<Credential, ClientError> {
        self.log_in(self.inner.login.clone()).await
    }

    /// The ticket that armors what is asked of the account's realm, if anything does.
    async fn armor(&self) -> Result<Option<Arc<Credential>>, ClientError> {
        let Inner { armor, account, .. } = &*self.inner;
        match armor {
            Some(armor) => armor.ticket(&account.realm).await.map(Some),
            None => Ok(None),
        }
    }

    /// Where logins are armored, requests with what comes of them are, too.
    pub(crate) fn tgs_armor(&self) -> TgsArmor {
        if self.inner.armor.is_some() { TgsArmor::Implicit } else { TgsArmor::Off }
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
        let tgt = self.tgt_key();
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
    /// replaced, or the KDC makes the key of the password otherwise than before. Tickets that anybody
    /// sends make it look, or ask the KDC, no more often than is good for either.
    pub async fn see_to_keys_for(&self, ticket: &[u8]) {
        let keyring = &self.inner.keyring;
        keyring.keep_up().await;
        let Some(enctype) = self.lacks_key_for(ticket) else { return };
        keyring.look_again().await;
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
        let Inner { account, keyring, .. } = &*self.inner;
        let mut exchange = KeyHintExchange::new(Principal::clone(account), enctype);
        if let Some(armor) = self.armor().await? {
            exchange = exchange.armored(armor);
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
