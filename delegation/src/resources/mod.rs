//! The resources, each kind in a folder of its own, listed once below. A resource client sees a
//! credential and the task that it is for; it never sees a JWT or a KDC.

mod content;
mod failure;
pub mod http;
mod kind;
mod registry;
pub mod smb;

use std::borrow::Cow;
use std::sync::Arc;

use krb_client::{Clock, Entropy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::targets::{Names, Root, Target, Unresolved};
use crate::{Answer, ConfigError, Failure, Request};
use failure::{NotProven, Silent};
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
            .unwrap_or_else(|_| Err(Silent(credential.permit().target()).into()))
    }
}
