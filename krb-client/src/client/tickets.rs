//! Tickets that the account gets with its ticket-granting ticket.

use std::sync::Arc;

use krb_proto::crypto::SUPPORTED;
use krb_proto::exchange::{TgsGoal, TgsWalk, TicketOptions};
use krb_proto::iana::EncType;
use krb_proto::{Credential, Name, Principal};

use super::Client;
use crate::store::{Behalf, Held};
use crate::{ClientError, Realms, UserTicket};

impl Client {
    /// A ticket to `target` in the account's own name. The target is in the realm that our KDC says:
    /// its own, or one of [`ClientConfig::realms`]. It is used for as long as one in a user's
    /// name.
    ///
    /// [`ClientConfig::realms`]: crate::ClientConfig::realms
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ticket(&self, target: &Name) -> Result<UserTicket, ClientError> {
        let to = Principal::new(target.clone(), &self.account().realm);
        let key = self.key(&to, Behalf::Itself, &self.inner.user_kept);
        let fetch = || {
            let (client, asked, options) = (self.clone(), target.clone(), self.user_ticket());
            async move { client.ask(TgsGoal::Service(asked), options).await }
        };
        self.inner.store.evidence(key, self.inner.max_age, fetch).await
    }

    /// A ticket with somebody's ticket-granting ticket, such as one that a user handed on.
    /// It is kept nowhere.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ticket_once(
        &self,
        tgt: &UserTicket,
        target: &Name,
    ) -> Result<UserTicket, ClientError> {
        let (held, max_age) = (&tgt.held, tgt.max_age);
        let goal = TgsGoal::Service(target.clone());
        let exchange = TgsWalk::new(held.credential.clone(), goal, self.user_ticket());
        let ticket = Arc::new(self.run(exchange).await?);
        Ok(UserTicket::new(Held::new(ticket, held.since), max_age))
    }

    /// Whatever the account's ticket-granting ticket is good for, asked anew and kept nowhere. What is
    /// asked in the names of others is [`S4u`](crate::S4u)'s.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn ask(
        &self,
        goal: TgsGoal,
        options: TicketOptions,
    ) -> Result<Credential, ClientError> {
        let (realms, own) = (self.inner.driver.realms(), &self.account().realm);
        let way = match &goal {
            TgsGoal::Service(service) | TgsGoal::UserToUser { service, .. } => {
                realms.way_to(own, service).await
            }
            TgsGoal::S4uSelf { user: Principal { realm, .. }, .. }
            | TgsGoal::S4uSelfByCertificate { realm, .. } => realms.way_to_realm(own, realm),
            _ => Vec::new(),
        };
        self.ask_by(way, goal, options).await
    }

    /// The same for a service in this realm, whatever `[domain_realm]` or our KDC says of its host: the
    /// KDCs of that realm are asked for it, who may refer to another. The way there is that of
    /// `[capaths]`, or the one that the KDCs say. For a goal that is no service there is no realm.
    ///
    /// # Errors
    /// [`ClientError`]; a KDC that knows no way there refuses with the realm's name
    /// ([`KdcRefusal::no_way_to`](krb_proto::exchange::KdcRefusal::no_way_to)).
    pub async fn ask_in(
        &self,
        realm: &[u8],
        goal: TgsGoal,
        options: TicketOptions,
    ) -> Result<Credential, ClientError> {
        let mut way = self.inner.driver.realms().way_to_realm(&self.account().realm, realm);
        if way.is_empty() {
            way.push(realm.to_vec());
        }
        self.ask_by(way, goal, options).await
    }

    async fn ask_by(
        &self,
        way: Vec<Vec<u8>>,
        goal: TgsGoal,
        options: TicketOptions,
    ) -> Result<Credential, ClientError> {
        let options = TicketOptions { fast: self.tgs_armor(), ..self.as_permitted(options) };
        let (goal, options) = (Arc::new(goal), Arc::new(options));
        let exchange =
            |tgt| TgsWalk::new(tgt, goal.clone(), options.clone()).by_way_of(way.clone());
        self.run_with_tgt(exchange).await
    }

    /// A ticket to a service that has no key at hand but its ticket-granting ticket, DER, which it gave
    /// us (user-to-user, RFC 4120 section 3.7). It is kept nowhere.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn user_to_user(
        &self,
        service: &Name,
        service_tgt: &[u8],
    ) -> Result<Credential, ClientError> {
        let (service, service_tgt) = (service.clone(), service_tgt.to_vec());
        self.ask(TgsGoal::UserToUser { service, service_tgt }, self.user_ticket()).await
    }

    /// A ticket-granting ticket of the account to hand on to a host (RFC 4120 section 2.6), for the
    /// addresses among the options, if there are any.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn forward(&self, options: TicketOptions) -> Result<Credential, ClientError> {
        self.ask(TgsGoal::Forward, options).await
    }

    /// A ticket to `target` to hand on to who acts there from the addresses among the options (RFC 4120
    /// section 2.5). The login must have asked for a proxiable ticket.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn proxy(
        &self,
        target: &Name,
        options: TicketOptions,
    ) -> Result<Credential, ClientError> {
        self.ask(TgsGoal::Proxy(target.clone()), options).await
    }

    pub(crate) fn user_ticket(&self) -> TicketOptions {
        let options = user_ticket(self.inner.driver.realms());
        TicketOptions { fast: self.tgs_armor(), ..options }
    }

    /// Who names no enctypes is given those of krb5.conf.
    pub(super) fn as_permitted(&self, options: TicketOptions) -> TicketOptions {
        permitted(options, self.inner.driver.realms().ticket_enctypes())
    }
}

/// Tickets in a user's name are asked for an hour: longer than they are used, so that a clock that is
/// wrong by as much as we correct does not make them useless.
pub(super) fn user_ticket(realms: &Realms) -> TicketOptions {
    let enctypes = realms.ticket_enctypes().to_vec();
    TicketOptions { enctypes, lifetime: 3600, ..TicketOptions::default() }
}

pub(super) fn permitted(options: TicketOptions, enctypes: &[EncType]) -> TicketOptions {
    match options.enctypes == SUPPORTED {
        true => TicketOptions { enctypes: enctypes.to_vec(), ..options },
        false => options,
    }
}
