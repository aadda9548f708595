use crate::Failure;
use crate::call::Announced;
use crate::credential::ServiceCredential;
use crate::credential::kerberos::Kerberos;

/// A call whose permit says that it reaches its resource as the service account. A ticket in the
/// account's own name is got for nothing else, and this module's parent makes it of such permits
/// alone: no call of another route can end here, whatever it fails with.
pub struct AsService<'a>(&'a Announced);

impl<'a> AsService<'a> {
    pub(super) const fn of(announced: &'a Announced) -> Self {
        Self(announced)
    }

    pub(in crate::credential) const fn announced(&self) -> &'a Announced {
        self.0
    }
}

/// A ticket of the account's own, for whoever policy lets use it so.
pub(super) async fn credential<'a>(
    kerberos: &Kerberos,
    announced: AsService<'a>,
) -> Result<ServiceCredential<'a>, Failure> {
    kerberos.credential_of_its_own(announced).await
}
