//! One service account: evidence and tickets by it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use krb_client::{
    Account, AccountSecret, Client, ClientConfig, ClientError, Clock, Realms, S4u, SharedTickets,
    UserTicket,
};
use krb_proto::iana::{NameType, TicketFlags};
use krb_proto::pac::Sid;
use krb_proto::{Credential, Name, Principal};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

use super::config::{Configured, ServiceAccount, section};
use super::failure::{self, Doubt, Evidenced, NotDelivered, Ours, Source};
use super::never_impersonate::NeverImpersonate;
use super::{pins, proof};
use crate::call::Announced;
use crate::credential::{Evidence, Route, ServiceCredential};
use crate::event::Event;
use crate::exposed::Judge;
use crate::identity::{AccountName, Proven, Subject};
use crate::plan::Parts;
use crate::secret::Secret;
use crate::sha256::sha256;
use crate::state::{State, Who};
use crate::{ConfigError, Failure, Holds};

/// Evidence that is another account's than is meant, or of whom nobody has said yet who is meant, is asked
/// for anew if it is so old, since the name may have been given to somebody else: a claim that is wrong
/// makes nobody ask more often than that.
const ASKED_ANEW: Duration = Duration::from_secs(5);

/// How long KDCs may be silent before that counts: what they said before is used for so long.
const LATELY: Duration = Duration::from_secs(15 * 60);

const KEYTAB: &str = "serviceAccount.keytab";
const PASSWORD: &str = "serviceAccount.password";

/// S4U for one service account, and the account's own tickets.
pub(super) struct Service {
    client: Client,
    s4u: S4u,
    account: Principal,
    // Where it is configured, and the SPN that it is said to have.
    setting: String,
    spn: String,
    has_keytab: bool,
    warns: bool,
    never_impersonate: NeverImpersonate,
    // Learnt from the KDC when it is first needed.
    own: OnceCell<Account>,
    state: Arc<State>,
    clock: Arc<dyn Clock>,
}

/// For whom evidence is asked for.
struct Asker {
    /// Evidence that was got for one is not used for another: with the name, that one may have meant
    /// somebody else.
    id: Vec<u8>,
    /// Whose it should be, if that is known.
    meant: Option<Sid>,
}

impl Asker {
    /// No other subject of any issuer is this one: an issuer is one that is configured, without a NUL.
    fn new(subject: &Subject, meant: Option<Sid>) -> Self {
        let id = sha256([subject.issuer(), subject.subject()].join("\0").as_bytes());
        Self { id: id.to_vec(), meant }
    }
}

/// A ticket to us, with the account that its PAC proves, whoever that is.
struct Opened {
    ticket: UserTicket,
    account: Account,
}

impl Service {
    /// Reads the account's keytab or password and sets up the client, which goes on looking whether
    /// they were replaced, beside that of another account. No KDC is asked.
    ///
    /// # Errors
    /// If the configuration is contradictory or the keytab has no key for the account.
    pub(super) async fn new(
        config: &Configured<'_>,
        beside: Option<&Self>,
        never_impersonate: NeverImpersonate,
        state: &Arc<State>,
        parts: &Parts,
    ) -> Result<Self, ConfigError> {
        let ServiceAccount { username, keytab, password } = config.account;
        let account = Principal::new(Name::user(username), config.realm);
        let (secret, setting) = match (keytab, password) {
            (Some(path), None) => (keytab_again(path, config.setting(KEYTAB)), KEYTAB),
            (None, Some(password)) => (read_again(password, config.setting(PASSWORD)), PASSWORD),
            _ => {
                let problem = "give either keytab or password";
                return Err(ConfigError::new(config.setting("serviceAccount"), problem));
            }
        };
        let resolver = parts.network.resolver();
        let mut realms = Realms::default();
        for (realm, kdcs) in config.other_realms {
            let kdcs = config.kdcs(&format!("otherRealms.{realm}"), kdcs, resolver)?;
            realms = realms.with(realm, kdcs);
        }
        let realms = realms.with(config.realm, config.kdcs("kdcs", config.kdcs, resolver)?);
        let mut client = ClientConfig::in_realms(account.clone(), secret, realms);
        client.transport = parts.kdcs.clone();
        client.clock = parts.clock.clone();
        client.random = parts.random.clone();
        client.max_age = config.max_age;
        client.shared = state.shared().map(|shared| Arc::clone(shared) as Arc<dyn SharedTickets>);
        let client = match beside {
            Some(other) => other.client.beside(client),
            None => Client::new(client),
        };
        let read = client.read_secret().await;
        read.map_err(|error| ConfigError::new(config.setting(setting), error.to_string()))?;
        Ok(Self {
            s4u: client.s4u(),
            client,
            never_impersonate,
            own: OnceCell::new(),
            account,
            setting: section(config.name),
            spn: config.spn.to_owned(),
            has_keytab: keytab.is_some(),
            warns: config.delegation.warn_on_access,
            state: state.clone(),
            clock: parts.clock.clone(),
        })
    }

    /// Logs in, where that is worth a try to be told how it stands.
    pub(super) async fn find_out(&self) {
        self.client.find_out().await;
    }

    /// Why nothing can be done with this account, if nothing can.
    pub(super) fn trouble(&self) -> Option<String> {
        let trouble = self.client.trouble(LATELY)?;
        Some(format!("{}: {trouble}", self.setting))
    }

    /// The setting of its secret, and what is wrong with what stands there now, if that is not used.
    pub(super) async fn secret_trouble(&self) -> (String, Option<String>) {
        let of = if self.has_keytab { KEYTAB } else { PASSWORD };
        let trouble = self.client.secret_trouble().await;
        (format!("{}.{of}", self.setting), trouble)
    }

    /// Gets evidence for the subject of an announced call, and makes sure that it is
    /// [believed](Self::believe).
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong with it.
    pub(super) async fn evidence<'a>(
        &self,
        announced: &'a Announced,
    ) -> Result<Evidence<'a>, Failure> {
        let subject = announced.permit().subject();
        let asked = subject.legacy_name();
        let name = match asked {
            AccountName::Sam(name) => Name::user(name.as_str()),
            AccountName::Upn(upn) => Name::enterprise(upn.as_str()),
        };
        let revocations = self.state.revocations();
        let who = Who::subject(subject);
        // Nothing from before a revocation of theirs is used after it, even once it was lifted.
        let mut epoch = revocations.generation(&who);
        let meant = pins::meant(self.state.pins(), subject, &self.account.realm).await?;
        let asker = Asker::new(subject, meant);
        // Side by side, so that the first call does not wait for the one after the other.
        let (own, opened) =
            tokio::join!(self.own_account(), self.open_evidence(&name, epoch, &asker));
        let (mut opened, own) = (opened?, own?);
        let proved = who.proved(&opened.account.name, &opened.account.sid);
        revocations.admits(&proved)?;
        let since = revocations.generation(&proved);
        if since != epoch {
            epoch = since;
            opened = self.open_evidence(&name, epoch, &asker).await?;
        }
        let found = opened.account.name.clone();
        let in_its_spelling = match asked {
            AccountName::Sam(name) => {
                let name = name.as_str();
                found == name || found.to_lowercase() != name.to_lowercase()
            }
            AccountName::Upn(_) => false,
        };
        if !in_its_spelling {
            // The KDC looks names up without regard to case but repeats the one that was sent, and
            // resources that go by the name do regard it: ask again in the directory's spelling. So
            // with a UPN, which such a resource takes for nobody's account.
            let before = opened.account.sid;
            opened = self.open_evidence(&Name::user(&found), epoch, &asker).await?;
            if opened.account.sid != before {
                self.s4u.forget_user(&Principal::new(name, &self.account.realm));
                return Err(Doubt::AnotherName { sent: found, account: opened.account.name }.into());
            }
        }
        self.believe(announced, opened, own).await
    }

    /// What must hold of a ticket before anybody may use it as evidence for an announced call, wherever
    /// it came from, beside what opening it has shown (the PAC is the KDC's, and made for it): its name
    /// is the account's name, since name-based resources go by it; nobody ended the account's access;
    /// it is not one that is never impersonated; the subject's issuer may name it; its SID is the one
    /// that this subject means; and what policy waited for to see is so.
    async fn believe<'a>(
        &self,
        announced: &'a Announced,
        Opened { ticket, account }: Opened,
        own: &Account,
    ) -> Result<Evidence<'a>, Failure> {
        let sent = &ticket.client.name;
        if !sent.same_components(&Name::user(&account.name)) {
            let (sent, account) = (sent.to_string(), account.name);
            return Err(Doubt::AnotherName { sent, account }.into());
        }
        let subject = announced.permit().subject();
        let proved = Who::subject(subject).proved(&account.name, &account.sid);
        self.state.revocations().admits(&proved)?;
        self.never_impersonate.check(&account, &own.sid)?;
        subject.may_be(&self.proven(&account))?;
        let now = self.clock.now().seconds.unix();
        pins::check(self.state.pins(), subject, &self.account.realm, &account, now).await?;
        Evidence::new(announced, account, ticket)
    }

    /// A ticket to the announced call's target in the name of the evidence's account.
    ///
    /// # Errors
    /// A [`Failure`] that says which right is missing.
    pub(super) async fn service_credential<'a>(
        &self,
        evidence: Evidence<'a>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        match self.proxy(&evidence).await {
            Err(error) if error.refuses_a_ticket() => {
                // The evidence is no longer good: the account was deleted, or created anew, or a
                // key changed since it was issued. Once more from the start, with all its checks.
                self.s4u.forget_user(&evidence.ticket.client);
                let evidence = self.evidence(evidence.announced).await?;
                let ticket = self.proxy(&evidence).await;
                self.credential(evidence, ticket)
            }
            ticket => self.credential(evidence, ticket),
        }
    }

    /// A user's own ticket as evidence, which is to us or of no use, and [believed](Self::believe).
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong with it.
    pub(super) async fn evidence_of_its_own<'a>(
        &self,
        announced: &'a Announced,
    ) -> Result<Evidence<'a>, Failure> {
        let target = announced.permit().target();
        let own = announced.permit().subject().ticket();
        let own = own.filter(|own| own.to.as_deref() == target.account());
        let own = own.ok_or(failure::NotForUs { target, by: &self.account })?;
        let (ticket, account) = (own.ticket.clone(), own.account.clone());
        self.believe(announced, Opened { ticket, account }, self.own_account().await?).await
    }

    /// A ticket to the announced call's target in the name of the evidence's account, for this call
    /// and no other.
    ///
    /// # Errors
    /// A [`Failure`] that says which right is missing.
    pub(super) async fn credential_once<'a>(
        &self,
        evidence: Evidence<'a>,
    ) -> Result<ServiceCredential<'a>, Failure> {
        let target = service_name(evidence.permit().target().spn());
        let ticket = self.s4u.proxy_ticket_once(&evidence.ticket, &target).await;
        self.credential(evidence, ticket)
    }

    /// A ticket to the announced call's target with a ticket of the user's that was delivered. It is
    /// evidence, if it is to us; a ticket-granting ticket is asked for a ticket to us first, so that a
    /// PAC says whose it is. The account must be the one that the token names, and the evidence
    /// [believed](Self::believe).
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong with it.
    pub(super) async fn credential_delivered<'a>(
        &self,
        announced: &'a Announced,
        ticket: Credential,
    ) -> Result<ServiceCredential<'a>, Failure> {
        let realm = &self.account.realm;
        if ticket.client.realm != *realm || ticket.server.realm != *realm {
            return Err(NotDelivered("it is a ticket of another realm".into()).into());
        }
        let is_tgt = ticket.target_realm() == Some(realm);
        let delivered = self.client.adopt(Arc::new(ticket));
        let evidence = if is_tgt {
            let own = service_name(&self.spn);
            let ticket = self.client.ticket_once(&delivered, &own).await;
            ticket.map_err(|error| failure::delivered(&self.ours(), &error))?
        } else {
            delivered.clone()
        };
        self.client.see_to_keys_for(&evidence.ticket).await;
        let account = self.open(&evidence)?;
        // No KDC was asked for the account by the name that the token gives.
        let named = announced.permit().subject().legacy_name();
        let found = match named {
            AccountName::Sam(_) => Some(&account.name),
            AccountName::Upn(_) => account.upn.as_ref(),
        };
        if found.is_none_or(|found| found.to_lowercase() != named.as_str().to_lowercase()) {
            let found = found.unwrap_or(&account.name).clone();
            return Err(Doubt::NotTheMapped { meant: named.as_str().to_owned(), found }.into());
        }
        let opened = Opened { ticket: evidence, account };
        let evidence = self.believe(announced, opened, self.own_account().await?).await?;
        let target = service_name(announced.permit().target().spn());
        let ticket = if is_tgt {
            self.client.ticket_once(&delivered, &target).await
        } else {
            self.s4u.proxy_ticket_once(&evidence.ticket, &target).await
        };
        self.credential(evidence, ticket)
    }

    /// The account's client.
    pub(super) const fn client(&self) -> &Client {
        &self.client
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
                Ok(ServiceCredential::new(announced, account, ticket))
            }
            Err(error) => {
                let forwardable = evidence.ticket.flags.contains(TicketFlags::FORWARDABLE);
                let spn = evidence.permit().target().spn();
                let source = match evidence.permit().route() {
                    Route::OwnTicket => Source::User,
                    Route::DeliveredTicket => Source::Provider,
                    Route::ProtocolTransition
                    | Route::ServiceAccount
                    | Route::DatabaseImpersonation => Source::Kdc,
                };
                let evidence = Evidenced { account: &evidence.account, forwardable, source };
                Err(failure::proxy(evidence, &self.ours(), spn, &error))
            }
        }
    }

    async fn proxy(&self, evidence: &Evidence<'_>) -> Result<UserTicket, ClientError> {
        let sid = evidence.account.sid.to_string();
        let target = service_name(evidence.permit().target().spn());
        self.s4u.proxy_ticket(&evidence.ticket, &sid, &target).await
    }

    async fn own_ticket(&self, spn: &str) -> Result<UserTicket, Failure> {
        let ticket = self.client.ticket(&service_name(spn)).await;
        ticket.map_err(|error| failure::own_ticket(&self.ours(), spn, &error))
    }

    /// Evidence for the subject of an announced call, and what the target is logged in at with if that
    /// is a ticket of the account's own.
    ///
    /// # Errors
    /// A [`Failure`] that says what does not hold: who may not be delegated is not impersonated, either.
    pub(super) async fn credential_impersonated<'a>(
        &self,
        announced: &'a Announced,
    ) -> Result<ServiceCredential<'a>, Failure> {
        let target = announced.permit().target();
        let evidence = self.evidence(announced).await?;
        if evidence.account.may_not_be_delegated() {
            return Err(failure::NotImpersonated { account: &evidence.account.name, target }.into());
        }
        let login = match target.is_logged_in_by_kerberos() {
            true => Some(self.own_ticket(target.spn()).await?),
            false => None,
        };
        if let Some(ticket) = &login {
            announced.tell(Event::Ticket(ticket));
        }
        Ok(ServiceCredential::impersonated(evidence, login))
    }

    /// A ticket to the announced call's target in the account's own name, whoever calls.
    ///
    /// # Errors
    /// A [`Failure`] that says what is wrong with the account or the target.
    pub(super) async fn credential_of_its_own<'a>(
        &self,
        announced: &'a Announced,
    ) -> Result<ServiceCredential<'a>, Failure> {
        let target = announced.permit().target();
        if announced.permit().waits_for_groups() {
            return Err(failure::NoGroups(target).into());
        }
        let subject = announced.permit().subject();
        if subject.ticket().is_some_and(|own| own.to.as_deref() != target.account()) {
            return Err(failure::NotForUs { target, by: &self.account }.into());
        }
        subject.may_be_unproven(&self.account.realm)?;
        self.never_impersonate.check_named(subject.legacy_name().as_str(), subject.sid())?;
        let account = self.own_account().await?.clone();
        self.never_impersonate.check_itself(&account)?;
        announced.tell(Event::AsService(&account));
        if self.warns {
            let (account, target) = (&*account.name, target.name());
            tracing::warn!(account, target, "a resource is used as the service account");
        }
        let ticket = self.own_ticket(target.spn()).await?;
        announced.tell(Event::Ticket(&ticket));
        Ok(ServiceCredential::new(announced, account, ticket))
    }

    /// The service's own account, as a ticket in its own name proves it: the configuration may
    /// spell its name in any way that the KDC takes.
    async fn own_account(&self) -> Result<&Account, Failure> {
        let learn = || async {
            let nobody = Asker { id: Vec::new(), meant: None };
            let own = self.open_evidence(&self.account.name, 0, &nobody).await;
            let opened = own.map_err(failure::own_account)?;
            Ok(opened.account)
        };
        self.own.get_or_try_init(learn).await
    }

    /// An account of the realm that was asked, for its subject's issuer.
    fn proven<'a>(&'a self, account: &'a Account) -> Proven<'a> {
        let Account { name, sid, groups, .. } = account;
        Proven { realm: &self.account.realm, name, sid, groups, upn: account.upn.as_deref() }
    }

    /// What failures call it.
    fn ours(&self) -> Ours<'_> {
        let Self { account, setting, spn, .. } = self;
        Ours { name: account.name.to_string(), setting, spn }
    }

    /// S4U2Self for a name, its ticket opened with our own key and its PAC verified. One that was got
    /// in another epoch or for somebody else is not used, and one that was got before and is not of the
    /// account that is meant is got anew: evidence is kept by its name, which may be somebody else's by
    /// now. Whose the new one is has yet to be looked at.
    async fn open_evidence(
        &self,
        name: &Name,
        epoch: u64,
        asker: &Asker,
    ) -> Result<Opened, Failure> {
        let user = Principal::new(name.clone(), &self.account.realm);
        let get = || self.s4u.evidence_for(&asker.id, &user, epoch);
        let explain = |error| failure::evidence(&name.to_string(), &self.ours(), &error);
        let open =
            |ticket: &UserTicket| self.open(ticket).inspect_err(|_| self.s4u.forget_user(&user));
        let mut ticket = get().await.map_err(explain)?;
        if let Some(age) = self.state.max_age()
            && !ticket.is_younger_than(age, &*self.clock)
        {
            self.s4u.forget_user(&user);
            ticket = get().await.map_err(explain)?;
        }
        let mut account = open(&ticket)?;
        if asker.meant.as_ref() != Some(&account.sid)
            && !ticket.is_younger_than(ASKED_ANEW, &*self.clock)
        {
            self.s4u.forget_user(&user);
            ticket = get().await.map_err(explain)?;
            account = open(&ticket)?;
        }
        Ok(Opened { ticket, account })
    }

    fn open(&self, credential: &Credential) -> Result<Account, Failure> {
        let (ticket, key) = self.client.open(credential).map_err(|error| {
            failure::unbelievable(&self.account.name.to_string(), self.has_keytab, &error)
        })?;
        Ok(proof::account(&ticket, &key)?)
    }
}

/// The keytab, again and again, unless anybody may have changed it.
fn keytab_again(path: &Path, setting: String) -> AccountSecret {
    let judge = Judge::new(setting, [(path, Holds::Secret)]);
    let fits = move |path: &Path| judge.look(path, Holds::Secret).map_err(std::io::Error::other);
    AccountSecret::keytab_if(path, fits)
}

/// The password, again and again, since what it is read from may be replaced.
fn read_again(password: &Secret, setting: String) -> AccountSecret {
    let password = password.clone();
    let file = password.file();
    let judge = Judge::new(setting, file.as_deref().map(|file| (file, Holds::Secret)));
    AccountSecret::password(move || {
        if let Some(file) = password.file() {
            judge.look(&file, Holds::Secret).map_err(std::io::Error::other)?;
        }
        let text = password.resolve().map_err(std::io::Error::other)?;
        Ok(Zeroizing::new(text.as_bytes().to_vec()))
    })
}

/// `service/host` as a name, NT-SRV-INST.
fn service_name(spn: &str) -> Name {
    Name::new(NameType::SRV_INST, spn.split('/'))
}
