//! The flow, top to bottom: identity → policy → intent record → evidence → ticket → resource →
//! closing record.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use krb_client::{Clock, Entropy};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::audit::Audit;
use crate::call::{Announced, Attempt, GivenUp};
use crate::credential::kerberos::{Kerberos, NotAccepted};
use crate::event::{Event, Metrics};
use crate::identity::{AuthenticationError, Caller, Presented, Subject, Verifier};
use crate::network::Network;
use crate::policy::{Policies, Policy};
use crate::resources::{CallContext, Resources};
use crate::state::{Revoked, State, Who};
use crate::targets::{Resolved, Target, Targets, Unresolved};
use crate::token_exchange::TokenExchanger;
use crate::{
    Answer, Blame, Failure, Outcome, Question, Request, TraceContext, UserInfo, credential,
};

/// One thing that a caller wants done.
#[derive(Clone, Debug)]
pub struct Call {
    /// The request's id, in every log.
    pub request_id: String,
    /// Where it belongs in its caller's trace, if that was said.
    pub trace: Option<TraceContext>,
    /// The MCP tool it came through.
    pub tool: &'static str,
    /// What to do.
    pub request: Request,
    /// How long it may take.
    pub deadline: Duration,
    /// Raised when nobody waits for the answer any more.
    pub cancel: CancellationToken,
}

/// The whole way from a bearer token to a resource.
pub struct Delegation {
    pub(crate) verifier: Verifier,
    pub(crate) exchanger: TokenExchanger,
    pub(crate) targets: Targets,
    pub(crate) policies: Policies,
    pub(crate) kerberos: Kerberos,
    pub(crate) resources: Resources,
    pub(crate) audit: Audit,
    pub(crate) metrics: Metrics,
    pub(crate) state: Arc<State>,
    pub(crate) network: Network,
    /// Whether it is about to end.
    pub(crate) ends: AtomicBool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Entropy>,
}

impl Delegation {
    /// Verifies what a request came with. Everything else comes after this.
    ///
    /// # Errors
    /// [`AuthenticationError`]: the token is no good, or its issuer's keys cannot be had.
    pub async fn authenticate(
        &self,
        presented: &Presented<'_>,
    ) -> Result<Arc<Caller>, AuthenticationError> {
        let admitted =
            self.verifier.admit(presented).await.and_then(|caller| match self.outlived(&caller) {
                Some(reason) => Err(AuthenticationError::Unauthorized(reason)),
                None => Ok(caller),
            });
        admitted.inspect_err(|error| match error {
            // Everybody's first proof is without a nonce.
            AuthenticationError::Nonce(_) => {}
            error => self.unauthorized(error.reason()),
        })
    }

    /// A nonce for a client's next proof of possession, if proofs have to have one.
    #[must_use]
    pub fn nonce(&self) -> Option<String> {
        self.verifier.nonce()
    }

    /// Are users' own tickets taken (Negotiate)?
    #[must_use]
    pub const fn negotiates(&self) -> bool {
        self.kerberos.accepts()
    }

    /// Takes a user's own ticket in place of a token: what stands behind `Negotiate`. Returns who it
    /// is, and what to answer so that the client knows us.
    ///
    /// # Errors
    /// [`NotAccepted`]: the ticket is no good here.
    pub async fn accept(&self, token: &[u8]) -> Result<(Arc<Caller>, Vec<u8>), NotAccepted> {
        let accepted = self.kerberos.accept(token).await.and_then(|(caller, answer)| {
            match self.outlived(&caller) {
                Some(reason) => Err(NotAccepted::because(reason)),
                None => Ok((Arc::new(caller), answer)),
            }
        });
        accepted.inspect_err(|error| self.unauthorized(error.reason))
    }

    /// Why what a caller came with is of no use any more, if it is from before a revocation of theirs.
    /// Of whoever is revoked now, a call says more than a status could.
    fn outlived(&self, caller: &Caller) -> Option<&'static str> {
        match self.state.revocations().admits(&Who::caller(caller)) {
            Err(revoked @ Revoked::Token) => Some(revoked.reason()),
            _ => None,
        }
    }

    /// Counts a request that came without a usable token.
    pub fn unauthorized(&self, reason: &'static str) {
        self.audit.unauthorized(reason);
        self.metrics.turned_away(reason);
    }

    /// Counts a call that is not begun because its caller makes too many.
    pub fn limited(&self, caller: &Caller) {
        self.audit.limited(caller);
        self.metrics.turned_away("too many calls");
    }

    /// Figures over all calls.
    #[must_use]
    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Does one thing as the caller, or says why not. Allowed or not, it is in the audit log
    /// before the answer goes out, however it ends.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn call(&self, caller: &Caller, call: Call) -> Result<Outcome, Failure> {
        let attempt = self.attempt(caller, &call.request_id, call.tool);
        let span = attempt.span();
        self.run(attempt, caller, call).instrument(span).await
    }

    async fn run(
        &self,
        mut attempt: Attempt,
        caller: &Caller,
        call: Call,
    ) -> Result<Outcome, Failure> {
        let who = Who::caller(caller);
        let limits = Limits { until: Instant::now() + call.deadline, call: &call, who };
        if let Some(trace) = &call.trace {
            attempt.belongs_to(trace);
        }
        attempt.asks(&call.request.action(), call.request.address());

        match &call.request {
            Request::Question(question) => {
                let (attempt, subject) = self.exchange(attempt, caller, None, limits).await?;
                let policy = self.policies.current().await;
                self.answer(attempt, &policy, &subject, *question).await
            }
            Request::Operation(operation) => {
                // Which target it is decides what the identity provider is asked for; nothing is said
                // of it before it is known who asks.
                let place = self.targets.resolve(operation).map(|place| place.by(call.tool));
                let target = place.as_ref().ok().map(Resolved::target);
                let (mut attempt, subject) = self.exchange(attempt, caller, target, limits).await?;
                if let Ok(place) = &place {
                    attempt.finds(place);
                }
                let policy = self.policies.current().await;
                let place = place.map_err(|why| unresolved(why, &policy, &subject).into());
                match place.and_then(|place| policy.decide(subject, place)) {
                    Ok(permit) => {
                        let announced = attempt.intent(permit).await?;
                        self.perform(caller, announced, limits).await
                    }
                    Err(denial) => Err(attempt.denied(denial).await),
                }
            }
        }
    }

    /// Which account the caller is, for what is to be done at a target or here.
    async fn exchange(
        &self,
        mut attempt: Attempt,
        caller: &Caller,
        target: Option<&Target>,
        limits: Limits<'_>,
    ) -> Result<(Attempt, Subject), Failure> {
        let generation = self.state.revocations().latest();
        let subject = match caller.ticket() {
            // What a ticket proves is not exchanged for anything.
            Some(ticket) => Ok(Subject::with_ticket(caller, ticket)),
            None => {
                let max_age = self.state.max_age();
                let exchange = self.exchanger.exchange(caller, target, generation, max_age);
                self.keep(limits, Blame::IdentityProvider, exchange).await
            }
        };
        let subject = match subject {
            Ok(subject) => subject,
            Err(failure) => return Err(attempt.failed(failure).await),
        };
        attempt.is_of(&subject);
        match self.state.revocations().admits(&limits.who.named(&subject)) {
            Ok(()) => Ok((attempt, subject)),
            Err(revoked) => Err(attempt.failed(revoked.into()).await),
        }
    }

    /// Records a call that cannot be begun, because its arguments make no sense. Returns what the
    /// caller is told.
    pub async fn refuse(
        &self,
        caller: &Caller,
        request_id: &str,
        tool: &'static str,
        failure: Failure,
    ) -> Failure {
        self.attempt(caller, request_id, tool).failed(failure).await
    }

    fn attempt(&self, caller: &Caller, request_id: &str, tool: &'static str) -> Attempt {
        Attempt::begin(&self.audit, &self.metrics, caller, request_id, tool)
    }

    /// What this server knows itself, once policy allows that it is told.
    async fn answer(
        &self,
        attempt: Attempt,
        policy: &Policy,
        subject: &Subject,
        question: Question,
    ) -> Result<Outcome, Failure> {
        match policy.decide_here(subject, question.action()) {
            Ok(policies) => attempt.answered(&policies, policy.hash()).await?,
            Err(denial) => return Err(attempt.denied(denial).await),
        }
        let targets = policy.usable(subject);
        Ok(Outcome::Here(match question {
            Question::UserInfo => Answer::User(UserInfo::new(subject, targets)),
            Question::ListTargets => Answer::Targets { targets },
        }))
    }

    /// What was announced, and its closing record.
    async fn perform(
        &self,
        caller: &Caller,
        announced: Announced,
        limits: Limits<'_>,
    ) -> Result<Outcome, Failure> {
        let who = limits.who.named(announced.permit().subject());
        let limits = Limits { who, ..limits };
        let result = self.keep(limits, Blame::Kdc, self.reach(&announced, limits)).await;
        if result.as_ref().is_err_and(|failure| failure.code.is_of_a_wrong_account()) {
            let generation = self.state.revocations().latest();
            let target = Some(announced.permit().target());
            self.exchanger.reject(caller, target, generation).await;
        }
        let permit = announced.permit();
        let result = match result {
            Ok(outcome) => Ok(outcome.by(permit)),
            Err(failure) => Err(announced.doubt().explain(failure).by(permit.stand_in())),
        };
        announced.close(result.as_ref().map(drop)).await?;
        result
    }

    /// The credential and the resource: what the intent record announced.
    async fn reach(&self, announced: &Announced, limits: Limits<'_>) -> Result<Outcome, Failure> {
        let credential = credential::credential(&self.kerberos, announced).await?;
        let (clock, random) = (self.clock.clone(), self.random.clone());
        let cx = CallContext { deadline: limits.until, clock, random };
        let account = credential.account();
        let who = limits.who.proved(&account.name, &account.sid);
        let outcome = tokio::select! {
            biased;
            revoked = self.state.revocations().revoked(&who) => Err(revoked.into()),
            outcome = self.resources.perform(&cx, &credential) => outcome,
        }?;
        if let Some(answered) = outcome.answered() {
            announced.tell(Event::Answered(answered));
        }
        Ok(outcome)
    }

    /// Whose doing it is if the time is up before the work is done: a resource sees to that itself.
    async fn keep<T>(
        &self,
        limits: Limits<'_>,
        whose: Blame,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let Limits { until, call, who } = limits;
        tokio::select! {
            biased;
            revoked = self.state.revocations().revoked(&who) => Err(revoked.into()),
            () = call.cancel.cancelled() => Err(GivenUp::Cancelled.into()),
            result = timeout_at(until, work) => {
                result.unwrap_or_else(|_| Err(GivenUp::OutOfTime(call.deadline, whose).into()))
            }
        }
    }

    /// Ends the sessions that are kept, and writes what the audit log still holds back. The last
    /// thing before the process ends.
    pub async fn shutdown(&self) {
        self.resources.close().await;
        if self.audit.flush().await.is_err() {
            tracing::error!("the audit log could not be flushed");
        }
    }
}

fn unresolved(why: Unresolved, policy: &Policy, subject: &Subject) -> Failure {
    let usable = policy.usable(subject);
    let addresses = usable.iter().flat_map(|usable| &usable.addresses);
    why.explain(&addresses.map(String::as_str).collect::<Vec<_>>())
}

/// When a call has to end, whatever it is at.
#[derive(Clone, Copy)]
struct Limits<'a> {
    until: Instant,
    call: &'a Call,
    /// It ends when nothing may be done for them any more.
    who: Who<'a>,
}
