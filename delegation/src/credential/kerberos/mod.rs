//! What the Kerberos stage does with an announced call: evidence that the user is who is meant, then
//! a ticket to the target in their name, each by the service account that the target names; or, where
//! that account is configured so, a ticket in its own name.

mod acceptance;
mod config;
mod delivered;
mod failure;
mod jwe;
mod never_impersonate;
mod pins;
mod proof;
mod service;

use std::collections::HashMap;
use std::sync::Arc;

pub use krb_client::Account;

use super::way::{AsService, Impersonated, Route, WithDelivered, WithTicket};
use super::{Evidence, ServiceCredential};
use crate::call::Announced;
use crate::identity::Caller;
use crate::plan::Parts;
use crate::state::State;
use crate::targets::{Served, Target};
use crate::{ConfigError, Failure};
use acceptance::Acceptance;
pub use acceptance::{NegotiateConfig, NotAccepted};
use config::Configured;
pub use config::{
    AccountConfig, DelegationMode, KerberosConfig, Mode, NeverImpersonateConfig, ServiceAccount,
};
use delivered::DeliveredTickets;
pub use delivered::DeliveredTicketsConfig;
use failure::{NoSuchAccount, NotDelivered};
use never_impersonate::NeverImpersonate;
use service::Service;

/// The service accounts. What is done for a call is done by the one that its target names, and by no
/// other one.
pub struct Kerberos {
    main: Service,
    named: HashMap<String, Service>,
    acceptance: Option<Acceptance>,
    delivered: Option<DeliveredTickets>,
}

impl Kerberos {
    /// Reads the service accounts' keytabs or passwords and sets up their clients, which go on
    /// looking whether they were replaced. No KDC is asked.
    ///
    /// # Errors
    /// If the configuration is contradictory or a keytab has no key for its account.
    pub async fn new(
        config: &KerberosConfig,
        negotiate: Option<&NegotiateConfig>,
        parts: &Parts,
        state: &Arc<State>,
    ) -> Result<Self, ConfigError> {
        let all = config.all()?;
        let never = |of: &Configured<'_>| {
            let others = all.iter().filter(|one| one.name != of.name);
            let others = others.filter(|one| one.realm.eq_ignore_ascii_case(of.realm));
            let ours = others.map(|one| one.account.username.clone()).collect();
            NeverImpersonate::new(&config.never_impersonate, &config.only_members_of, ours)
        };
        let (first, others) = all.split_first().ok_or(ConfigError::new("kerberos", "is empty"))?;
        let main = Service::new(first, None, never(first)?, state, parts).await?;
        let mut named = HashMap::new();
        for one in others {
            let service = Service::new(one, Some(&main), never(one)?, state, parts).await?;
            named.extend(one.name.map(|name| (name.to_owned(), service)));
        }
        let acceptance = match negotiate {
            Some(one) => {
                let named = |name: &String| named.get(name);
                let service = one.account.as_ref().map_or(Some(&main), named);
                let problem = "must be one of kerberos.accounts";
                let service = service.ok_or(ConfigError::new("auth.negotiate.account", problem))?;
                Some(Acceptance::new(one, service.client(), parts, state)?)
            }
            None => None,
        };
        let delivered = config.delivered_tickets.as_ref().map(DeliveredTickets::new).transpose()?;
        Ok(Self { main, named, acceptance, delivered })
    }

    /// A ticket to the announced call's target with the ticket that the exchanged token delivers. None
    /// of it is kept.
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong with the ticket, or which right is missing.
    pub async fn credential_delivered<'a>(
        &self,
        announced: WithDelivered<'a>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        let announced = announced.announced();
        let claim = announced.permit().subject().delivered();
        let ticket = match (&self.delivered, claim) {
            (Some(delivered), Some(claim)) => delivered.read(claim.as_str()),
            _ => Err("none is taken".into()),
        };
        let ticket = ticket.map_err(NotDelivered)?;
        let service = self.service(announced.permit().target())?;
        service.credential_delivered(announced, ticket).await
    }

    fn services(&self) -> impl Iterator<Item = &Service> {
        std::iter::once(&self.main).chain(self.named.values())
    }

    /// Logs in with each account of which it is not known how it stands with its KDCs.
    pub(crate) async fn find_out(&self) {
        for service in self.services() {
            service.find_out().await;
        }
    }

    /// Of each account why nothing can be done with it, if nothing can.
    pub(crate) fn standing(&self) -> Vec<Option<String>> {
        self.services().map(Service::trouble).collect()
    }

    /// Of each account's secret, and of the certificate that logins are bound to: the setting, and what
    /// is wrong with what stands there now, if that is not what is used.
    pub(crate) async fn troubles(&self) -> Vec<(String, Option<String>)> {
        let mut troubles = Vec::new();
        for service in self.services() {
            troubles.push(service.secret_trouble().await);
        }
        if let Some(acceptance) = &self.acceptance {
            troubles.extend(acceptance.trouble().await);
        }
        troubles
    }

    /// Are users' own tickets taken?
    #[must_use]
    pub const fn accepts(&self) -> bool {
        self.acceptance.is_some()
    }

    /// Takes a user's own ticket: SPNEGO's first token, which must be the only one. Returns who it is,
    /// and the token that proves who we are.
    ///
    /// # Errors
    /// [`NotAccepted`], where none are taken, too.
    pub(crate) async fn accept(&self, token: &[u8]) -> Result<(Caller, Vec<u8>), NotAccepted> {
        let acceptance = self.acceptance.as_ref().ok_or_else(NotAccepted::at_all)?;
        let (ticket, answer) = acceptance.accept(token).await?;
        Ok((Caller::with_ticket(ticket), answer))
    }

    /// A user's own ticket as evidence for an announced call, with the checks of any evidence.
    ///
    /// # Errors
    /// A [`Failure`] that says which of them does not hold.
    pub async fn evidence_of_its_own<'a>(
        &self,
        announced: WithTicket<'a>,
    ) -> Result<Evidence<'a>, Failure> {
        let announced = announced.announced();
        self.service(announced.permit().target())?.evidence_of_its_own(announced).await
    }

    /// A ticket to the announced call's target in the name of the evidence's account, which is kept
    /// nowhere.
    ///
    /// # Errors
    /// A [`Failure`] that says which right is missing.
    pub async fn credential_once<'a>(
        &self,
        evidence: Evidence<'a>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        self.service(evidence.permit().target())?.credential_once(evidence).await
    }

    /// Gets evidence for the subject of an announced call, and makes sure that it may be used: the PAC
    /// is the KDC's; the ticket's name is the account's name, since name-based resources go by it;
    /// nobody ended the account's access; it is not one that is never impersonated; the subject's issuer
    /// may name it; its SID is the one that this subject means.
    ///
    /// # Errors
    /// A [`Failure`] that says which of them does not hold.
    pub async fn evidence<'a>(&self, announced: &'a Announced) -> Result<Evidence<'a>, Failure> {
        self.service(announced.permit().target())?.evidence(announced).await
    }

    /// A ticket to the announced call's target in the name of the evidence's account.
    ///
    /// # Errors
    /// A [`Failure`] that says which right is missing.
    pub async fn service_credential<'a>(
        &self,
        evidence: Evidence<'a>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        let service = self.service(evidence.permit().target())?;
        service.service_credential(evidence).await
    }

    /// A ticket to the announced call's target in the name of its service account, whoever calls.
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong with the account or the target.
    pub async fn credential_of_its_own<'a>(
        &self,
        announced: AsService<'a>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        let announced = announced.announced();
        let service = self.service(announced.permit().target())?;
        service.credential_of_its_own(announced).await
    }

    /// Evidence for the subject of an announced call whose target is logged in at by somebody else, and
    /// what that is done with if it is the target's service account.
    ///
    /// # Errors
    /// A [`Failure`] that says what does not hold.
    pub async fn credential_impersonated<'a>(
        &self,
        announced: Impersonated<'a>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        let announced = announced.announced();
        let service = self.service(announced.permit().target())?;
        service.credential_impersonated(announced).await
    }

    /// The account that serves a target: never another one in its place.
    fn service(&self, target: &Target) -> Result<&Service, Failure> {
        match target.account() {
            None => Ok(&self.main),
            Some(name) => self.named.get(name).ok_or_else(|| NoSuchAccount(name).into()),
        }
    }
}

impl KerberosConfig {
    /// Who serves a target that names this account, or none.
    pub(crate) fn serves(&self, account: Option<&str>) -> Option<Served> {
        let (realm, service, delegation) = match account {
            None => (&self.realm, &self.service_account, self.delegation),
            Some(name) => {
                let AccountConfig { realm, service_account, delegation, .. } =
                    self.accounts.get(name)?;
                (realm, service_account, *delegation)
            }
        };
        let route = match delegation.mode {
            Mode::Impersonation => Route::ProtocolTransition,
            Mode::ServiceAccount => Route::ServiceAccount,
        };
        let identity = format!("{}@{realm}", service.username);
        Some(Served { identity, route, by_kerberos: true })
    }
}
