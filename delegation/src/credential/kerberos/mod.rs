//! What the Kerberos stage does with an announced call: evidence that the user is who is meant, then
//! a ticket to the target in their name.

mod account;
mod config;
mod failure;
mod never_impersonate;
mod pins;
mod proof;

use krb_client::{AccountSecret, Client, ClientConfig, ClientError, KdcSource, UserTicket};
use krb_proto::iana::TicketFlags;
use krb_proto::pac::Sid;
use krb_proto::{Credential, Name, Principal};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::{Evidence, ServiceCredential};
use crate::call::Announced;
use crate::event::Event;
use crate::plan::Parts;
use crate::secret::Secret;
use crate::{ConfigError, Failure};
pub use account::Account;
pub use config::{KerberosConfig, NeverImpersonateConfig, ServiceAccount};
use failure::Doubt;
use never_impersonate::NeverImpersonate;
use pins::Pins;

/// S4U for one service account.
pub struct Kerberos {
    client: Client,
    service: Principal,
    // The SPN that it is said to have.
    spn: String,
    has_keytab: bool,
    never_impersonate: NeverImpersonate,
    // Learnt from the KDC when it is first needed.
    own_sid: OnceCell<Sid>,
    pins: Pins,
}

/// A ticket of S4U2Self with the account that its PAC proves, whoever that is.
struct Opened {
    ticket: UserTicket,
    account: Account,
}

impl Kerberos {
    /// Reads the service account's keytab or password and sets up the client, which goes on looking
    /// whether they were replaced. No KDC is asked.
    ///
    /// # Errors
    /// If the configuration is contradictory or the keytab has no key for the account.
    pub async fn new(config: &KerberosConfig, parts: &Parts) -> Result<Self, ConfigError> {
        let ServiceAccount { username, keytab, password } = &config.service_account;
        let service = Principal::new(Name::user(username), &config.realm);
        let (secret, setting) = match (keytab, password) {
            (Some(path), None) => (AccountSecret::keytab(path), "kerberos.serviceAccount.keytab"),
            (None, Some(password)) => (read_again(password), "kerberos.serviceAccount.password"),
            _ => {
                return Err(ConfigError::new(
                    "kerberos.serviceAccount",
                    "give either keytab or password",
                ));
            }
        };
        let resolver = parts.network.resolver();
        let kdcs = if config.kdcs.is_empty() {
            KdcSource::Dns(resolver.clone())
        } else {
            let hosts = config.kdcs.iter().map(|kdc| config::host_and_port(kdc));
            let hosts = hosts
                .collect::<Result<_, _>>()
                .map_err(|error| ConfigError::new("kerberos.kdcs", error))?;
            KdcSource::Hosts(hosts, resolver.clone())
        };
        let mut client = ClientConfig::new(service.clone(), secret, kdcs);
        client.transport = parts.kdcs.clone();
        client.clock = parts.clock.clone();
        client.random = parts.random.clone();
        let client = Client::new(client);
        client.read_secret().await.map_err(|error| ConfigError::new(setting, error.to_string()))?;
        Ok(Self {
            client,
            never_impersonate: NeverImpersonate::new(
                &config.never_impersonate,
                &config.only_members_of,
            )?,
            own_sid: OnceCell::new(),
            service,
            spn: config.service_principal_name.clone(),
            has_keytab: keytab.is_some(),
            pins: Pins::default(),
        })
    }

    /// Gets evidence for the subject of an announced call and makes sure of four things before anybody may use
    /// it: the PAC is the KDC's; the ticket's name is the account's name, since name-based
    /// resources go by it; the account is not one that is never impersonated; its SID is the one
    /// that this subject means.
    ///
    /// # Errors
    /// A [`Failure`] that says which of them does not hold.
    pub async fn evidence<'a>(&self, announced: &'a Announced) -> Result<Evidence<'a>, Failure> {
        let subject = announced.permit().subject();
        let asked = subject.legacy_name().as_str();
        // Side by side, so that the first call does not wait for the one after the other.
        let (own, opened) = tokio::join!(self.own_sid(), self.open_evidence(asked));
        let (mut opened, own) = (opened?, own?);
        let found = opened.account.name.clone();
        if found != asked && found.to_lowercase() == asked.to_lowercase() {
            // The KDC looks names up without regard to case but repeats the one that was sent, and
            // resources that go by the name do regard it: ask again in the directory's spelling.
            opened = self.open_evidence(&found).await?;
        }
        let Opened { ticket, account } = opened;
        let sent = &ticket.client.name;
        if !sent.same_components(&Name::user(&account.name)) {
            let (sent, account) = (sent.to_string(), account.name);
            return Err(Doubt::AnotherName { sent, account }.into());
        }
        self.never_impersonate.check(&account, own)?;
        self.pins.check(subject, &account)?;
        announced.tell(Event::Evidence { account: &account, ticket: &ticket });
        Ok(Evidence { announced, account, ticket })
    }

    /// A ticket to the announced call's target in the name of the evidence's account.
    ///
    /// # Errors
    /// A [`Failure`] that says which right is missing.
    pub async fn service_credential<'a>(
        &self,
        evidence: Evidence<'a>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        match self.proxy(&evidence).await {
            Err(error) if error.refuses_a_ticket() => {
                // The evidence is no longer good: the account was deleted, or created anew, or a
                // key changed since it was issued. Once more from the start, with all its checks.
                self.client.forget_user(&evidence.ticket.client);
                let evidence = self.evidence(evidence.announced).await?;
                let ticket = self.proxy(&evidence).await;
                self.credential(evidence, ticket)
            }
            ticket => self.credential(evidence, ticket),
        }
    }

    fn credential<'a>(
        &self,
        evidence: Evidence<'a>,
        ticket: Result<UserTicket, ClientError>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        match ticket {
            Ok(ticket) => {
                let Evidence { announced, account, .. } = evidence;
                announced.tell(Event::Ticket(&ticket));
                Ok(ServiceCredential { announced, account, ticket })
            }
            Err(error) => {
                let service = self.service.name.to_string();
                let forwardable = evidence.ticket.flags.contains(TicketFlags::FORWARDABLE);
                let spn = evidence.permit().target().spn();
                Err(failure::proxy(&evidence.account, forwardable, &service, spn, &error))
            }
        }
    }

    async fn proxy(&self, evidence: &Evidence<'_>) -> Result<UserTicket, ClientError> {
        let sid = evidence.account.sid.to_string();
        let target = service_name(evidence.permit().target().spn());
        self.client.proxy_ticket(&evidence.ticket, &sid, &target).await
    }

    /// The service's own account, as a ticket in its own name proves it: the configuration may
    /// spell its name in any way that the KDC takes.
    async fn own_sid(&self) -> Result<&Sid, Failure> {
        let learn = || async {
            let own = self.service.name.to_string();
            let opened = self.open_evidence(&own).await.map_err(failure::own_account)?;
            Ok(opened.account.sid)
        };
        self.own_sid.get_or_try_init(learn).await
    }

    /// S4U2Self for a name, its ticket opened with our own key and its PAC verified.
    async fn open_evidence(&self, name: &str) -> Result<Opened, Failure> {
        let service = self.service.name.to_string();
        let user = Principal::new(Name::user(name), &self.service.realm);
        let ticket = self
            .client
            .evidence(&user)
            .await
            .map_err(|error| failure::evidence(name, &service, &self.spn, &error))?;
        let account = self.open(&ticket).inspect_err(|_| self.client.forget_user(&user))?;
        Ok(Opened { ticket, account })
    }

    fn open(&self, credential: &Credential) -> Result<Account, Failure> {
        let (ticket, key) = self.client.open(credential).map_err(|error| {
            failure::unbelievable(&self.service.name.to_string(), self.has_keytab, &error)
        })?;
        Ok(proof::account(&ticket, &key)?)
    }
}

/// The password, again and again, since what it is read from may be replaced.
fn read_again(password: &Secret) -> AccountSecret {
    let password = password.clone();
    AccountSecret::password(move || {
        let text = password.resolve().map_err(std::io::Error::other)?;
        Ok(Zeroizing::new(text.as_bytes().to_vec()))
    })
}

/// `service/host` as a name, NT-SRV-INST.
fn service_name(spn: &str) -> Name {
    Name::new(krb_proto::iana::NameType::SRV_INST, spn.split('/'))
}
