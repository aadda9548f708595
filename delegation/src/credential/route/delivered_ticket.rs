use crate::Failure;
use crate::credential::kerberos::Kerberos;
use crate::credential::{ServiceCredential, WithDelivered};

/// The ticket that the exchanged token delivers, with the checks of any evidence; then a ticket in the
/// name of the account that it proves.
pub(super) async fn credential<'a>(
    kerberos: &Kerberos,
    announced: WithDelivered<'a>,
) -> Result<ServiceCredential<'a>, Failure> {
    kerberos.credential_delivered(announced).await
}
