//! From a configuration to a pipeline: parse, plan, start. Everything of the world outside that the
//! stages touch, other than files, is a part that is given to them, so that a test can give others.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use krb_client::{Carry, Clock, Entropy, OsRandom, SystemClock, Transport};
use tokio::time::Instant;

use crate::audit::{self, Audit, AuditConfig};
use crate::credential::kerberos::{Kerberos, KerberosConfig, NegotiateConfig};
use crate::event::Metrics;
use crate::identity::{ClaimTypes, Claimed, Nonces, Presented, TrustedIdp, Verifier};
use crate::network::{Fetch, Network, NetworkConfig, Tcp};
use crate::pipeline::Delegation;
use crate::policy::{Policies, Policy, PolicyFile, Tool, Words};
use crate::resources::{CallContext, Resources};
use crate::state::{State, StateConfig};
use crate::targets::{Target, TargetConfig, Targets};
use crate::token_exchange::{ExchangeSettings, TokenExchanger};
use crate::{ConfigError, Failure};

/// No target is looked at for longer.
const LOOK_TIME: Duration = Duration::from_secs(20);

/// What the pipeline is built from: the configuration's sections, but for `network`, of which
/// [`Parts::of_the_system`] makes the rest, and the policy file, which is followed from then on. Other files that they name are
/// read, or looked at, by [`Plan::new`]; [`Plan::start`] opens the audit log.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `auth.trustedIDPs`.
    pub trusted_idps: Vec<TrustedIdp>,
    /// `auth.dpopNonces`.
    pub dpop_nonces: bool,
    /// `auth.negotiate`.
    pub negotiate: Option<NegotiateConfig>,
    /// `delegation`.
    pub exchange: ExchangeSettings,
    /// `kerberos`.
    pub kerberos: KerberosConfig,
    /// The Cedar policy file.
    pub policy: PolicyFile,
    /// The tools that calls come through, of which policies may speak.
    pub tools: Vec<Tool>,
    /// `targets`.
    pub targets: Vec<TargetConfig>,
    /// `audit`.
    pub audit: AuditConfig,
    /// `state`.
    pub state: StateConfig,
}

/// What the stages reach the world outside with.
#[derive(Clone)]
pub struct Parts {
    /// The time, for tokens, tickets and records. Waiting goes by tokio's time: a clock that is moved
    /// has to move that, too.
    pub clock: Arc<dyn Clock>,
    /// Randomness for keys, nonces and identifiers.
    pub random: Arc<dyn Entropy>,
    /// What carries messages to KDCs.
    pub kdcs: Arc<dyn Carry>,
    /// How identity providers are asked.
    pub idp: Arc<dyn Fetch>,
    /// How names are resolved, and resources connected to.
    pub network: Network,
}

impl Parts {
    /// Those of the system: its clock and randomness, and real connections to everybody.
    ///
    /// # Errors
    /// If the network's settings do not do.
    pub fn of_the_system(network: &NetworkConfig) -> Result<Self, ConfigError> {
        let network = Network::new(network, Arc::new(Tcp))?;
        Ok(Self {
            clock: Arc::new(SystemClock),
            random: Arc::new(OsRandom),
            kdcs: Arc::new(Transport::tcp()),
            idp: Arc::new(network.http_client()?),
            network,
        })
    }
}

/// Every stage, built and checked; nothing has been begun. What gets here will start.
pub struct Plan {
    verifier: Verifier,
    exchanger: TokenExchanger,
    targets: Targets,
    policies: Policies,
    remarks: Vec<String>,
    kerberos: Kerberos,
    resources: Resources,
    audit: AuditConfig,
    state: Arc<State>,
    collectors: Option<Arc<dyn Fetch>>,
    parts: Parts,
}

impl Plan {
    /// Builds every stage; reads what the configuration names, asks nobody over the network, and
    /// writes nothing. The parts are got while the policies are read, which takes longest.
    ///
    /// # Errors
    /// The first setting that does not do.
    pub async fn new(
        settings: Settings,
        parts: impl FnOnce() -> Result<Parts, ConfigError>,
    ) -> Result<Self, ConfigError> {
        let targets = Targets::new(settings.targets)?.served(&settings.kerberos)?;
        let wants_tickets = |idp: &TrustedIdp| idp.claim_mappings.kerberos_ticket.is_some();
        if settings.kerberos.delivered_tickets.is_none()
            && let Some(index) = settings.trusted_idps.iter().position(wants_tickets)
        {
            let setting = format!("auth.trustedIDPs[{index}].claimMappings.kerberosTicket");
            return Err(ConfigError::new(setting, "needs the section kerberos.deliveredTickets"));
        }
        let mut remarks = targets.remarks(&settings.kerberos.all_kdcs());
        remarks.extend(covering_nobody(&settings.trusted_idps, &settings.kerberos.realms())?);
        let claims = ClaimTypes::of(&settings.trusted_idps)?;
        let policies = settings.policy.begin(&targets, Words { claims, tools: settings.tools })?;
        let parts = parts()?;
        let state = State::new(settings.state, &parts.network)?;
        let mut verifier = Verifier::new(settings.trusted_idps, &parts.idp, parts.clock.clone())?;
        if let Some(shared) = state.shared() {
            verifier = verifier.with_replays(shared.clone());
        }
        if settings.dpop_nonces {
            verifier = verifier.with_nonces(match state.shared() {
                Some(shared) => shared.nonces(),
                None => Nonces::of_this_process(&*parts.random),
            });
        }
        let collectors = match settings.audit.needs_http() {
            // Of its own: its connections live in the log's threads.
            true => Some(Arc::new(parts.network.http_client()?) as Arc<dyn Fetch>),
            false => None,
        };
        audit::check(&settings.audit, collectors.as_ref())?;
        let exchanger = TokenExchanger::new(&settings.exchange, &verifier, &parts.idp)?;
        exchanger.check_modules(&targets)?;
        Ok(Self {
            exchanger,
            verifier,
            remarks,
            targets,
            kerberos: Kerberos::new(
                &settings.kerberos,
                settings.negotiate.as_ref(),
                &parts,
                &state,
            )
            .await?,
            resources: Resources::new(&parts.network, &state),
            policies: Policies::new(policies, parts.clock.clone())?,
            audit: settings.audit,
            state,
            collectors,
            parts,
        })
    }

    /// What is well to know: which targets are one to Kerberos, and which are on a domain controller;
    /// which realms an issuer may name accounts of, and there are none.
    #[must_use]
    pub fn remarks(&self) -> &[String] {
        &self.remarks
    }

    /// What can be reached.
    #[must_use]
    pub const fn targets(&self) -> &Targets {
        &self.targets
    }

    /// What is wrong with targets, as far as that shows without a user: a service that logs in in users'
    /// places with a password or a certificate does so, and is looked at. Each by its target's name.
    pub async fn lacking(&self) -> Vec<String> {
        let mut lacking = Vec::new();
        for target in self.targets.iter() {
            let cx = CallContext {
                deadline: Instant::now() + LOOK_TIME,
                clock: self.parts.clock.clone(),
                random: self.parts.random.clone(),
            };
            let lacks = self.resources.lacks(&cx, target).await;
            lacking.extend(lacks.iter().map(|one| format!("target {}: {one}", target.name())));
        }
        lacking
    }

    /// The policies, as their file is now.
    pub async fn policy(&self) -> Arc<Policy> {
        self.policies.current().await
    }

    /// Whom a caller's token stands for at a target, or here: it is verified and exchanged, as for a
    /// call.
    ///
    /// # Errors
    /// Why it stands for nobody.
    pub async fn claimed(&self, token: &str, at: Option<&Target>) -> Result<Claimed, String> {
        let caller = self.verifier.admit(&Presented::bearer(token)).await;
        let caller = caller.map_err(|error| error.to_string())?;
        let subject = self.exchanger.exchange(&caller, at, 0, self.state.max_age()).await;
        let told = |failure: Failure| format!("{}. {}", failure.message, failure.remedy);
        Ok(Claimed::proven(subject.map_err(told)?))
    }

    /// Opens the audit log and the state, and is ready for calls. Within a runtime: it goes on looking
    /// at the state.
    ///
    /// # Errors
    /// If either cannot be written.
    pub fn start(self) -> Result<Delegation, ConfigError> {
        let Self { verifier, exchanger, targets, policies, kerberos, resources, .. } = self;
        let (audit, collectors, state) = (self.audit, self.collectors, self.state);
        for remark in self.remarks {
            tracing::warn!("{remark}");
        }
        state.start()?;
        let Parts { clock, random, network, .. } = self.parts;
        let audit = Audit::open_with(&audit, clock.clone(), &*random, collectors.as_ref())?;
        let asked = exchanger.asked().clone();
        let metrics = Metrics::new(&audit, policies.is_current(), asked);
        Ok(Delegation {
            audit,
            metrics,
            verifier,
            exchanger,
            targets,
            policies,
            kerberos,
            resources,
            state,
            network,
            ends: AtomicBool::new(false),
            clock,
            random,
        })
    }
}

/// What is to be said of realms that issuers may name accounts of, and that no service account is of.
fn covering_nobody(idps: &[TrustedIdp], ours: &[&str]) -> Result<Vec<String>, ConfigError> {
    let mut remarks = Vec::new();
    for (index, idp) in idps.iter().enumerate() {
        let Some(may_assert) = &idp.may_assert else { continue };
        let setting = format!("auth.trustedIDPs[{index}].mayAssert.realms");
        let strange = may_assert.strange_realms(ours);
        let strange = strange.map_err(|problem| ConfigError::new(&*setting, problem))?;
        let what = "is no service account's realm, and lets the issuer name nobody";
        remarks.extend(strange.iter().map(|realm| format!("{setting}: {realm} {what}")));
    }
    Ok(remarks)
}
