use super::{Checksum, PrincipalName};
use crate::der::{Encoded, KerberosFlags, KerberosString, UInt32, sequence};

sequence! {
    /// PA-FOR-USER (MS-SFU 2.2.1).
    pub struct PaForUser<'a> {
        [0] user_name: PrincipalName<'a>,
        [1] user_realm: KerberosString<'a>,
        [2] cksum: Checksum<'a>,
        [3] auth_package: KerberosString<'a>,
    }

    /// S4UUserID (MS-SFU 2.2.2).
    pub struct S4uUserId<'a> {
        [0] nonce: UInt32,
        [1] cname: Option<PrincipalName<'a>>,
        [2] crealm: KerberosString<'a>,
        [3] subject_certificate: Option<&'a [u8]>,
        [4] options: Option<KerberosFlags<'a>>,
        ...
    }

    /// PA-S4U-X509-USER (MS-SFU 2.2.2). The checksum covers the DER of `user_id`.
    pub struct PaS4uX509User<'a> {
        [0] user_id: Encoded<'a, S4uUserId<'a>>,
        [1] checksum: Checksum<'a>,
    }
}
