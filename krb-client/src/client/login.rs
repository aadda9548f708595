//! Logins: the AS exchange, whatever the account proves itself with.

use std::sync::Arc;

use krb_proto::exchange::{
    AsExchange, ClientSecret, Exchange, ExchangeError, KnownKey, Step, TgsExchange, TgsGoal,
    TicketOptions,
};
use krb_proto::iana::TicketFlags;
use krb_proto::{Context, Credential, Name, Principal};

use super::{Client, Inner, tickets};
use crate::ClientError;
use crate::keyring::LoginWith;

/// Who needs a ticket renews the only one there is when no more of it is left, in seconds.
const RENEWED_WITH: i64 = 120;

impl Client {
    /// A ticket to a server of the account's realm straight from its AS, with the account's secret and
    /// no other ticket: a ticket-granting one with these options, or one that no other is taken for,
    /// such as to `kadmin/changepw` ([`PasswordChange::service`]). It is kept nowhere.
    ///
    /// [`PasswordChange::service`]: krb_proto::kpasswd::PasswordChange::service
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn initial(
        &self,
        server: &Name,
        options: TicketOptions,
    ) -> Result<Credential, ClientError> {
        self.ask_as(server, options).await
    }

    /// The version of the account's key by which the KDC sealed its reply to the last login, if there was
    /// one and it said which. Nothing vouches for it.
    #[must_use]
    pub fn key_version(&self) -> Option<u32> {
        self.inner.contact.key_version()
    }

    /// A new ticket-granting ticket; or, of an account of which there is nothing but one, that.
    pub(super) async fn log_in(&self, options: TicketOptions) -> Result<Credential, ClientError> {
        if let Some(ticket) = self.inner.keyring.ticket() {
            return self.keep_up(ticket, Some(RENEWED_WITH)).await;
        }
        let outcome = self.ask_as(&Name::krbtgt(&self.account().realm), options).await;
        let Inner { keyring, contact, clock, .. } = &*self.inner;
        contact.logged_in(&outcome, keyring.which(), clock.monotonic());
        outcome
    }

    /// The same while there is one that is good still, of which much may be left: so that it need not
    /// succeed at once.
    pub(super) async fn log_in_early(
        &self,
        options: TicketOptions,
    ) -> Result<Credential, ClientError> {
        match self.inner.keyring.ticket() {
            Some(ticket) => self.keep_up(ticket, None).await,
            None => self.log_in(options).await,
        }
    }

    async fn ask_as(
        &self,
        server: &Name,
        options: TicketOptions,
    ) -> Result<Credential, ClientError> {
        let Inner { account, keyring, login, .. } = &*self.inner;
        // Before anybody is asked for a one-time password.
        let armor = self.armor().await?;
        // The newest there is, if it can be had; else the one before.
        let looked = keyring.look().await;
        let LoginWith { secret, known, which } =
            keyring.login().await.map_err(|error| match (looked, &error) {
                (Err(unreadable), ClientError::NoKey { .. }) => unreadable,
                _ => error,
            })?;
        let canonicalize = options.canonicalize || login.canonicalize;
        let options = TicketOptions { canonicalize, ..options };
        let mut exchange = self.login_of(account, secret, options);
        if *server != Name::krbtgt(&account.realm) {
            exchange = exchange.to_server(server.clone());
        }
        if let Some(known) = known {
            exchange = exchange.with_known_key(known);
        }
        if let Some(armor) = armor {
            exchange = exchange.armored(armor);
        }
        let outcome = self.run(Login(exchange)).await;
        let LoggedIn { ticket, known, key_version } =
            outcome.inspect_err(|error| keyring.login_failed(which, error))?;
        if let Some(known) = known {
            keyring.learn(which, known);
        }
        self.inner.contact.sealed_with(key_version);
        Ok(ticket)
    }

    /// A login as the configuration lets it be: with which enctypes, and whether what passwords could be
    /// guessed at is sent.
    pub(super) fn login_of(
        &self,
        who: &Principal,
        secret: ClientSecret,
        options: TicketOptions,
    ) -> AsExchange {
        let realms = self.inner.driver.realms();
        let options = tickets::permitted(options, realms.login_enctypes());
        let exchange = AsExchange::new(who.clone(), secret, options);
        match realms.may_send_timestamp(&who.realm) {
            true => exchange,
            false => exchange.without_timestamp(),
        }
    }

    /// The only ticket there is, renewed if it can be and no more than this many seconds of it are left,
    /// if that is said.
    async fn keep_up(
        &self,
        ticket: Arc<Credential>,
        left: Option<i64>,
    ) -> Result<Credential, ClientError> {
        let now = self.inner.clock.now().seconds;
        let times = &ticket.times;
        let ended = || ClientError::TicketEnded { client: ticket.client.to_string() };
        if times.endtime <= now {
            return Err(ended());
        }
        let may_be_renewed = ticket.flags.contains(TicketFlags::RENEWABLE)
            && times.renew_till.is_some_and(|till| till > times.endtime);
        if !may_be_renewed || left.is_some_and(|left| now.plus_seconds(left) < times.endtime) {
            return Ok(Credential::clone(&ticket));
        }
        let renewed = self.renew(&ticket).await?;
        self.inner.keyring.keep_ticket(renewed.clone().into());
        Ok(renewed)
    }

    /// A ticket-granting ticket of the account once more, with the life that it had, if it is
    /// renewable and has not ended.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn renew(&self, ticket: &Arc<Credential>) -> Result<Credential, ClientError> {
        self.again(ticket, TgsGoal::Renew).await
    }

    /// A postdated ticket-granting ticket, made good once its time has come.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn validate(&self, ticket: &Arc<Credential>) -> Result<Credential, ClientError> {
        self.again(ticket, TgsGoal::Validate).await
    }

    async fn again(
        &self,
        ticket: &Arc<Credential>,
        goal: TgsGoal,
    ) -> Result<Credential, ClientError> {
        let options = TicketOptions { fast: self.tgs_armor(), ..self.inner.login.clone() };
        self.run(TgsExchange::new(ticket.clone(), goal, options)).await
    }
}

/// A login, and what it shows of the account's key.
#[derive(Clone)]
struct Login(AsExchange);

struct LoggedIn {
    ticket: Credential,
    /// How the KDC makes it of the password.
    known: Option<KnownKey>,
    key_version: Option<u32>,
}

impl Exchange for Login {
    type Output = LoggedIn;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        self.0.realm()
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        self.0.request(cx)
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Self::Output>, ExchangeError> {
        Ok(match self.0.receive(cx, reply)? {
            Step::Continue => Step::Continue,
            Step::Done(ticket) => Step::Done(LoggedIn {
                ticket,
                known: self.0.known_key(),
                key_version: self.0.key_version(),
            }),
        })
    }
}
