//! The resources, each behind the same small trait. A resource client sees a credential and the task
//! that it is for; it never sees a JWT or a KDC.

mod content;
mod http;
mod smb;

use std::sync::Arc;

use krb_client::Clock;
use krb_proto::gss::GssError;
use tokio::time::Instant;

use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::targets::Task;
use crate::{Code, Failure, Outcome};

/// The limits of one call.
#[derive(Clone)]
pub struct CallContext {
    /// When it must be done.
    pub deadline: Instant,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// A kind of resource.
trait Resource {
    /// What can be done there.
    type Task;

    /// Does what the credential is for, as whoever it is for.
    async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
        task: &Self::Task,
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

    /// Does what the credential is for.
    ///
    /// # Errors
    /// [`Failure`], in the resource's own words where it has some.
    pub async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
    ) -> Result<Outcome, Failure> {
        let done = async {
            match credential.permit().task() {
                Task::File(task) => self.files.perform(cx, credential, task).await,
                Task::Web(task) => self.web.perform(cx, credential, task).await,
            }
        };
        tokio::time::timeout_at(cx.deadline, done)
            .await
            .unwrap_or_else(|_| Err(silent(credential.permit().target().name())))
    }
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
