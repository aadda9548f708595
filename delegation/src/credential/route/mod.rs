//! The routes from what was announced to a credential for it, each in a file of its own. A permit
//! carries its route; here, and nowhere else, one is taken.

mod database_impersonation;
mod delivered_ticket;
mod own_ticket;
mod protocol_transition;
mod service_account;

use super::ServiceCredential;
use super::kerberos::Kerberos;
use super::way::Way;
use crate::Failure;
use crate::call::Announced;

/// The credential for what was announced, by the route of its permit.
pub(crate) async fn credential<'a>(
    kerberos: &Kerberos,
    announced: &'a Announced,
) -> Result<ServiceCredential<'a>, Failure> {
    match Way::of(announced) {
        Way::ProtocolTransition(announced) => {
            protocol_transition::credential(kerberos, announced).await
        }
        Way::OwnTicket(announced) => own_ticket::credential(kerberos, announced).await,
        Way::DeliveredTicket(announced) => delivered_ticket::credential(kerberos, announced).await,
        Way::ServiceAccount(announced) => service_account::credential(kerberos, announced).await,
        Way::DatabaseImpersonation(announced) => {
            database_impersonation::credential(kerberos, announced).await
        }
    }
}
