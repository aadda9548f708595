use crate::Failure;
use crate::credential::kerberos::Kerberos;
use crate::credential::{AsService, ServiceCredential};

/// A ticket of the account's own, for whoever policy lets use it so.
pub(super) async fn credential<'a>(
    kerberos: &Kerberos,
    announced: AsService<'a>,
) -> Result<ServiceCredential<'a>, Failure> {
    kerberos.credential_of_its_own(announced).await
}
