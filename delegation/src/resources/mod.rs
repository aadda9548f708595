//! The resources, each kind in a folder of its own, listed once below. A resource client sees a
//! credential and the task that it is for; it never sees a JWT or a KDC.

mod content;
mod doubt;
mod failure;
pub mod http;
mod kept;
mod kind;
mod registry;
pub mod smb;
pub mod sql;

use std::borrow::Cow;
use std::sync::Arc;

use krb_client::{Clock, Entropy};
use schemars::JsonSchema;
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use tokio::time::Instant;

use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::policy::Permit;
use crate::state::State;
use crate::targets::{Names, Root, Target, Unresolved};
use crate::{Answer, ConfigError, Failure, Request, Visit, open_files};
pub(crate) use doubt::{Doubt, Effect};
use failure::{NotProven, Silent};
use kept::Kept;
pub use kind::{Action, Beside};
pub(crate) use kind::{Answered, Form, Found, Impersonator, Kind, Named, Recorded, Wrong};

registry::kinds! {
    /// `{"kind": "smb", …}`: shares of one file server.
    Smb: smb,
    /// `{"kind": "http", …}`: one web application.
    Http: http,
    /// `{"kind": "sql", …}`: databases of one server.
    Sql: sql,
}

/// What came back when the service account came in the user's place, and that it did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AsService {
    /// What came back.
    outcome: Box<Outcome>,
    delegation_mode: &'static str,
    actual_identity: String,
    warning: &'static str,
}

impl Serialize for AsService {
    /// What came back, and beside its members those that say so.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { outcome, delegation_mode, actual_identity, warning } = self;
        let mut answer = serde_json::to_value(outcome).map_err(S::Error::custom)?;
        if let Some(members) = answer.as_object_mut() {
            members.insert("delegationMode".into(), (*delegation_mode).into());
            members.insert("actualIdentity".into(), actual_identity.as_str().into());
            members.insert("warning".into(), (*warning).into());
        }
        answer.serialize(serializer)
    }
}

impl Outcome {
    /// The same, with what is to be said of the route by which it came.
    pub(crate) fn by(self, permit: &Permit) -> Self {
        let route = permit.route();
        match (permit.actual_identity(), route.warning()) {
            (Some(actual), Some(warning)) => Self::AsService(AsService {
                outcome: Box::new(self),
                delegation_mode: route.as_str(),
                actual_identity: actual.to_owned(),
                warning,
            }),
            _ => self,
        }
    }
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
