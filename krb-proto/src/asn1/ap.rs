use super::{AuthorizationData, Checksum, EncryptedData, EncryptionKey, PrincipalName, Ticket};
use crate::KerberosTime;
use crate::der::{Encoded, Int, KerberosFlags, KerberosString, Microseconds, UInt32, sequence};

sequence! {
    /// AP-REQ (RFC 4120 section 5.5.1).
    pub struct ApReq<'a>: [APPLICATION 14] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<14>,
        [2] ap_options: KerberosFlags<'a>,
        [3] ticket: Encoded<'a, Ticket<'a>>,
        [4] authenticator: EncryptedData<'a>,
    }

    /// Authenticator (RFC 4120 section 5.5.1).
    pub struct Authenticator<'a>: [APPLICATION 2] {
        [0] authenticator_vno: Int<5>,
        [1] crealm: KerberosString<'a>,
        [2] cname: PrincipalName<'a>,
        [3] cksum: Option<Checksum<'a>>,
        [4] cusec: Microseconds,
        [5] ctime: KerberosTime,
        [6] subkey: Option<EncryptionKey<'a>>,
        [7] seq_number: Option<UInt32>,
        [8] authorization_data: Option<AuthorizationData<'a>>,
    }

    /// AP-REP (RFC 4120 section 5.5.2).
    pub struct ApRep<'a>: [APPLICATION 15] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<15>,
        [2] enc_part: EncryptedData<'a>,
    }

    /// EncAPRepPart (RFC 4120 section 5.5.2).
    pub struct EncApRepPart<'a>: [APPLICATION 27] {
        [0] ctime: KerberosTime,
        [1] cusec: Microseconds,
        [2] subkey: Option<EncryptionKey<'a>>,
        [3] seq_number: Option<UInt32>,
    }
}
