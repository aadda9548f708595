//! The routes from what was announced to a credential for it, each in a file of its own. A permit
//! carries its route; here, and nowhere else, one route is told from another.

mod protocol_transition;
mod service_account;

use super::ServiceCredential;
use super::kerberos::Kerberos;
use crate::Failure;
use crate::call::Announced;
pub use service_account::AsService;

/// How a permit gets its credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Route {
    /// A KDC gives this server's account evidence in the user's name, and for that a ticket
    /// (MS-SFU, S4U2Self and S4U2Proxy).
    ProtocolTransition,
    /// The server's account comes itself, whoever calls. Only where it is configured for that.
    ServiceAccount,
}

impl Route {
    /// As records name it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProtocolTransition => "protocol-transition",
            Self::ServiceAccount => "service-account",
        }
    }

    /// What records and answers say of it beside, in the words of the seeds.
    #[must_use]
    pub const fn warning(self) -> Option<&'static str> {
        match self {
            Self::ProtocolTransition => None,
            Self::ServiceAccount => Some("Resource accessed as service account, not user"),
        }
    }

    /// Whether what is set up with its credential, such as a session, may serve later calls that
    /// have the same one.
    pub(crate) const fn may_be_kept(self) -> bool {
        match self {
            Self::ProtocolTransition | Self::ServiceAccount => true,
        }
    }

    /// The credential for what was announced, by the route of its permit.
    pub(crate) async fn credential<'a>(
        kerberos: &Kerberos,
        announced: &'a Announced,
    ) -> Result<ServiceCredential<'a>, Failure> {
        match announced.permit().route() {
            Self::ProtocolTransition => protocol_transition::credential(kerberos, announced).await,
            Self::ServiceAccount => {
                service_account::credential(kerberos, AsService::of(announced)).await
            }
        }
    }
}
