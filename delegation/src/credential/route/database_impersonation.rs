use crate::Failure;
use crate::credential::kerberos::Kerberos;
use crate::credential::{Impersonated, ServiceCredential};

/// Evidence for the permit's subject, with all its checks, and no ticket in their name; where the
/// service account logs in itself, one of its own.
pub(super) async fn credential<'a>(
    kerberos: &Kerberos,
    announced: Impersonated<'a>,
) -> Result<ServiceCredential<'a>, Failure> {
    kerberos.credential_impersonated(announced).await
}
