use crate::Failure;
use crate::call::Announced;
use crate::credential::ServiceCredential;
use crate::credential::kerberos::Kerberos;

/// Evidence for the permit's subject, with all its checks; then a ticket in the name of the account
/// that it proves.
pub(super) async fn credential<'a>(
    kerberos: &Kerberos,
    announced: &'a Announced,
) -> Result<ServiceCredential<'a>, Failure> {
    let evidence = kerberos.evidence(announced).await?;
    kerberos.service_credential(evidence).await
}
