use crate::Failure;
use crate::credential::kerberos::Kerberos;
use crate::credential::{ServiceCredential, WithTicket};

/// The user's own ticket, with the checks of any evidence; then a ticket in the name of the account
/// that it proves.
pub(super) async fn credential<'a>(
    kerberos: &Kerberos,
    announced: WithTicket<'a>,
) -> Result<ServiceCredential<'a>, Failure> {
    let evidence = kerberos.evidence_of_its_own(announced).await?;
    kerberos.credential_once(evidence).await
}
