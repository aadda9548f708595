//! The resources, each kind in a folder of its own, listed once below. A resource client sees a
//! credential and the task that it is for; it never sees a JWT or a KDC.

mod content;
pub mod http;
mod kind;
mod registry;
pub mod smb;

use std::borrow::Cow;
use std::sync::Arc;

use krb_client::{Clock, Entropy};
use krb_proto::spnego::SpnegoError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::targets::{Names, Root, Target, unknown};
use crate::{Answer, Code, ConfigError, Failure, Request};

pub use kind::Action;
pub(crate) use kind::{Answered, Form, Found, Kind, Named, Wrong};

registry::kinds! {
    /// `{"kind": "smb", …}`: shares of one file server.
    Smb: smb,
    /// `{"kind": "http", …}`: one web application.
    Http: http,
}

/// The limits of one call.
#[derive(Clone)]
pub struct CallContext {
    /// When it must be done.
    pub deadline: Instant,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn Entropy>,
}

impl Resources {
    /// Does what the credential is for.
    ///
    /// # Errors
    /// [`Failure`], in the resource's own words where it has some.
    pub async fn perform(
        &self,
        cx: &CallContext,
        credential: &ServiceCredential<'_>,
    ) -> Result<Outcome, Failure> {
        tokio::time::timeout_at(cx.deadline, self.reach(cx, credential))
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
fn gss_failure(target: &str, spn: &str, error: &SpnegoError) -> Failure {
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
