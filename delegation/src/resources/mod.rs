//! The resources, each behind the same small trait. A resource client sees a ticket and a place;
//! it never sees a JWT or a KDC.

mod content;
mod http;
mod smb;

use std::sync::Arc;

use krb_client::{Clock, OsRandom, UserTicket};
use krb_proto::Context;
use krb_proto::gss::{GssError, InitiatorOptions};
use krb_proto::spnego::SpnegoInitiator;
use tokio::time::Instant;

use crate::network::Network;
use crate::policy::Permit;
use crate::targets::{Endpoint, Location};
use crate::{Code, Failure, Operation, Outcome};

/// What a resource is reached with; any number of contexts can be started with it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ServiceCredential {
    /// A ticket in the user's name.
    Kerberos(UserTicket),
}

/// The limits of one call.
#[derive(Clone)]
pub struct CallContext {
    /// When it must be done.
    pub deadline: Instant,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How many groups the user is in, as the evidence shows: each makes the ticket larger.
    pub groups: usize,
}

impl ServiceCredential {
    /// Starts a SPNEGO context: its state, and the token to send.
    fn start_spnego(
        &self,
        cx: &CallContext,
        options: &InitiatorOptions<'_>,
    ) -> Result<(SpnegoInitiator, Vec<u8>), GssError> {
        let Self::Kerberos(ticket) = self;
        let mut rng = OsRandom;
        let mut cx = Context { now: cx.clock.now(), kdc_offset: 0, rng: &mut rng };
        SpnegoInitiator::new(ticket, options, &mut cx)
    }
}

/// A kind of resource.
trait Resource {
    /// Does one thing at a place, as whoever the credential is for.
    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential,
        permit: &Permit,
        operation: &Operation,
    ) -> Result<Outcome, Failure>;
}

/// All kinds of resources.
pub struct Resources {
    files: smb::Files,
    web: http::Web,
}

impl Resources {
    /// Resource clients on this network.
    #[must_use]
    pub fn new(network: &Network) -> Self {
        Self { files: smb::Files::new(network), web: http::Web::new(network) }
    }

    /// Does what the permit allows.
    ///
    /// # Errors
    /// [`Failure`], in the resource's own words where it has some.
    pub async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential,
        permit: &Permit,
        operation: &Operation,
    ) -> Result<Outcome, Failure> {
        let done = async {
            match permit.target().endpoint() {
                Endpoint::Smb { .. } => self.files.perform(cx, credential, permit, operation).await,
                Endpoint::Http { .. } => self.web.perform(cx, credential, permit, operation).await,
            }
        };
        tokio::time::timeout_at(cx.deadline, done)
            .await
            .unwrap_or_else(|_| Err(silent(permit.target().name())))
    }
}

/// The operation does not fit the place that it was resolved to: a defect of ours.
fn misfit(permit: &Permit, place: &Location) -> Failure {
    Failure::new(
        Code::Internal,
        format!("{} cannot be done at {place:?}", permit.action()),
        "Report this with the server's log of this call.",
    )
}

fn silent(target: &str) -> Failure {
    Failure::new(
        Code::ResourceTimeout,
        format!("{target} was not done when the call's time was up"),
        "Check that it runs and how busy it is, ask it for less, or raise \
         server.callTimeoutSeconds.",
    )
}

/// A resource did not prove that it is the one the ticket is for, or refused the ticket.
fn gss_failure(target: &str, spn: &str, error: &GssError) -> Failure {
    Failure::new(
        Code::ResourceRefused,
        format!("{target} did not complete the Kerberos exchange: {error}"),
        format!(
            "KRB_AP_ERR_MODIFIED means that {spn} is registered on another account than the one \
             that the service runs under (servicePrincipalName), or that its keytab is old; \
             KRB_AP_ERR_SKEW that its clock differs. Anything else: something on the way changes \
             or drops the service's answer."
        ),
    )
}
