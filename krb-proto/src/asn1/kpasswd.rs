use super::{PrincipalName, SecretOctets};
use crate::der::{KerberosString, sequence};

sequence! {
    /// ChangePasswdData (RFC 3244 section 2): the user data of a set-password request's KRB-PRIV.
    pub struct ChangePasswdData<'a> {
        [0] newpasswd: SecretOctets<'a>,
        [1] targname: Option<PrincipalName<'a>>,
        [2] targrealm: Option<KerberosString<'a>>,
    }
}
