//! The flow, top to bottom: identity → policy → intent record → evidence → ticket → resource →
//! closing record.

use std::sync::Arc;
use std::time::Duration;

use krb_client::{Clock, SystemClock};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::audit::{Audit, AuditConfig, CallIds, CloseFacts, Who};
use crate::identity::{AuthenticationError, BearerToken, Caller, Subject, TrustedIdp, Verifier};
use crate::kerberos::{Account, Kerberos, KerberosConfig};
use crate::network::{Network, NetworkConfig};
use crate::policy::{Permit, Policy};
use crate::resources::{CallContext, Resources, ServiceCredential};
use crate::targets::{TargetConfig, Targets};
use crate::token_exchange::{TokenExchangeConfig, TokenExchanger};
use crate::{Code, ConfigError, Failure, Operation, Outcome};

/// What the pipeline is built from: the configuration's sections, files already read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `auth.trustedIDPs`.
    pub trusted_idps: Vec<TrustedIdp>,
    /// `delegation.tokenExchange`.
    pub token_exchange: TokenExchangeConfig,
    /// `kerberos`.
    pub kerberos: KerberosConfig,
    /// `network`.
    pub network: NetworkConfig,
    /// The text of the Cedar policy file.
    pub policy: String,
    /// `targets`.
    pub targets: Vec<TargetConfig>,
    /// `audit`.
    pub audit: AuditConfig,
}

/// One thing that a caller wants done.
#[derive(Clone, Debug)]
pub struct Call {
    /// The request's id, in every log.
    pub request_id: String,
    /// The MCP tool it came through.
    pub tool: &'static str,
    /// What to do.
    pub operation: Operation,
    /// How long it may take.
    pub deadline: Duration,
    /// Raised when nobody waits for the answer any more.
    pub cancel: CancellationToken,
}

/// Who a caller is to the resources.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserInfo {
    /// Issuer of the token.
    pub issuer: String,
    /// The token's `sub`.
    pub subject: String,
    /// The client that the token was issued to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The account's sAMAccountName, as the identity provider maps it.
    pub legacy_name: String,
    /// Roles.
    pub roles: Vec<String>,
    /// Scopes.
    pub scopes: Vec<String>,
}

/// The whole way from a bearer token to a resource.
pub struct Delegation {
    verifier: Verifier,
    exchanger: TokenExchanger,
    targets: Targets,
    policy: Policy,
    kerberos: Kerberos,
    resources: Resources,
    audit: Audit,
    clock: Arc<dyn Clock>,
}

impl Delegation {
    /// Builds every stage; asks nobody over the network.
    ///
    /// # Errors
    /// The first setting that does not do.
    pub async fn start(settings: Settings) -> Result<Self, ConfigError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let network = Network::new(&settings.network)?;
        let targets = Targets::new(settings.targets)?;
        let verifier = Verifier::new(settings.trusted_idps, network.http_client()?)?;
        Ok(Self {
            exchanger: TokenExchanger::new(
                settings.token_exchange,
                &verifier,
                network.http_client()?,
            )?,
            verifier,
            policy: Policy::from_cedar(&settings.policy, &targets)?,
            targets,
            kerberos: Kerberos::new(&settings.kerberos, network.resolver(), clock.clone()).await?,
            resources: Resources::new(&network)?,
            audit: Audit::open(&settings.audit, clock.clone())?,
            clock,
        })
    }

    /// Verifies a bearer token. Everything else comes after this.
    ///
    /// # Errors
    /// [`AuthenticationError`]: the token is no good, or its issuer's keys cannot be had.
    pub async fn authenticate(&self, token: BearerToken) -> Result<Caller, AuthenticationError> {
        let now = self.clock.now().seconds.unix();
        self.verifier.verify(token, now).await.inspect_err(|error| {
            self.audit.unauthorized(error.reason());
        })
    }

    /// Counts a request that came without a usable token.
    pub fn unauthorized(&self, reason: &'static str) {
        self.audit.unauthorized(reason);
    }

    /// Does one thing as the caller, or says why not. Allowed or not, it is in the audit log
    /// before the answer goes out.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn call(&self, caller: &Caller, call: Call) -> Result<Outcome, Failure> {
        let deadline = Instant::now() + call.deadline;
        let permit = self.permit(caller, &call, deadline).await?;
        let ids = CallIds { request_id: &call.request_id, tool: call.tool };
        let record = self.audit.intent(&permit, ids).await?;

        let mut facts = CloseFacts::default();
        let result = tokio::select! {
            result = timeout_at(deadline, self.reach(&permit, &call, deadline, &mut facts)) => {
                result.unwrap_or_else(|_| Err(out_of_time(call.deadline)))
            }
            () = call.cancel.cancelled() => Err(cancelled()),
        };
        facts.bytes = result.as_ref().ok().map(Outcome::content_bytes);
        record.close(result.as_ref().map(drop), facts).await?;
        result
    }

    /// Identity and policy: what happens before anything is done.
    async fn permit(
        &self,
        caller: &Caller,
        call: &Call,
        deadline: Instant,
    ) -> Result<Permit, Failure> {
        let ids = CallIds { request_id: &call.request_id, tool: call.tool };
        let (action, address) = (call.operation.action(), call.operation.address());
        let exchanged = timeout_at(deadline, self.exchange(caller)).await;
        let subject = match exchanged.unwrap_or_else(|_| Err(out_of_time(call.deadline))) {
            Ok(subject) => Arc::new(subject),
            Err(failure) => {
                self.audit.failed(who(caller), ids, &action, address, &failure).await?;
                return Err(failure);
            }
        };
        let decision = self
            .targets
            .resolve(&call.operation)
            .and_then(|place| self.policy.decide(&subject, &call.operation, place));
        if let Err(failure) = &decision {
            self.audit.denied(Who::from(&*subject), ids, &action, address, failure).await?;
        }
        decision
    }

    async fn exchange(&self, caller: &Caller) -> Result<Subject, Failure> {
        self.exchanger.exchange(caller, self.clock.now().seconds.unix()).await
    }

    /// Kerberos and the resource: what the intent record announced.
    async fn reach(
        &self,
        permit: &Permit,
        call: &Call,
        deadline: Instant,
        facts: &mut CloseFacts,
    ) -> Result<Outcome, Failure> {
        let evidence = self.kerberos.evidence(permit).await?;
        note(facts, evidence.account());
        let (evidence, credential) = self.kerberos.service_credential(permit, evidence).await?;
        note(facts, evidence.account());
        let ServiceCredential::Kerberos(ticket) = &credential;
        facts.ticket_flags = Some(ticket.flags.0);
        let cx = CallContext { deadline, clock: self.clock.clone() };
        self.resources.perform(&cx, &credential, permit, &call.operation).await
    }

    /// Says who the caller is to the resources, without reaching any.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn user_info(
        &self,
        caller: &Caller,
        request_id: String,
    ) -> Result<UserInfo, Failure> {
        const ACTION: &str = "user:info";
        let ids = CallIds { request_id: &request_id, tool: "user-info" };
        let subject = match self.exchange(caller).await {
            Ok(subject) => subject,
            Err(failure) => {
                self.audit.failed(who(caller), ids, ACTION, "", &failure).await?;
                return Err(failure);
            }
        };
        match self.policy.decide_user_info(&subject) {
            Ok(policies) => {
                self.audit.answered(Who::from(&subject), ids, ACTION, &policies).await?;
            }
            Err(failure) => {
                self.audit.denied(Who::from(&subject), ids, ACTION, "", &failure).await?;
                return Err(failure);
            }
        }
        Ok(UserInfo {
            issuer: subject.issuer().into(),
            subject: subject.subject().into(),
            client_id: subject.client_id().map(Into::into),
            legacy_name: subject.legacy_name().as_str().into(),
            roles: subject.roles().to_vec(),
            scopes: subject.scopes().to_vec(),
        })
    }

    /// Writes what the audit log still holds back. The last thing before the process ends.
    pub async fn shutdown(&self) {
        if let Err(failure) = self.audit.flush().await {
            tracing::error!(%failure, "the audit log could not be flushed");
        }
    }
}

fn note(facts: &mut CloseFacts, account: &Account) {
    facts.account = Some(account.name.clone());
    facts.sid = Some(account.sid.to_string());
}

/// The caller as the audit log names them before the exchanged token has said more.
fn who(caller: &Caller) -> Who<'_> {
    Who {
        issuer: caller.issuer(),
        subject: caller.subject(),
        client_id: caller.client_id(),
        legacy_name: None,
    }
}

fn out_of_time(limit: Duration) -> Failure {
    Failure::new(
        Code::DeadlineExceeded,
        format!("the call was not done within {} seconds", limit.as_secs()),
        "Try again; if it happens often, look at the KDCs and the resource, or raise \
         server.callTimeoutSeconds.",
    )
}

fn cancelled() -> Failure {
    Failure::new(Code::Cancelled, "the caller gave up before the call was done", "Nothing to do.")
}
