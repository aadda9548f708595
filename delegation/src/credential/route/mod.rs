//! The routes from what was announced to a credential for it, each in a file of its own. A permit
//! carries its route; here, and nowhere else, one route is told from another.

mod protocol_transition;

use super::ServiceCredential;
use super::kerberos::Kerberos;
use crate::Failure;
use crate::call::Announced;

/// How a permit gets its credential.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Route {
    /// A KDC gives this server's account evidence in the user's name, and for that a ticket
    /// (MS-SFU, S4U2Self and S4U2Proxy).
    ProtocolTransition,
}

impl Route {
    /// The credential for what was announced.
    pub(crate) async fn credential<'a>(
        self,
        kerberos: &Kerberos,
        announced: &'a Announced,
    ) -> Result<ServiceCredential<'a>, Failure> {
        match self {
            Self::ProtocolTransition => protocol_transition::credential(kerberos, announced).await,
        }
    }
}
