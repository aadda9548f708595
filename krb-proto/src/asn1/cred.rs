use super::{EncryptedData, EncryptionKey, HostAddress, PrincipalName, Ticket};
use crate::KerberosTime;
use crate::der::{
    Encoded, Int, KerberosFlags, KerberosString, List, Microseconds, UInt32, sequence,
};

sequence! {
    /// KRB-CRED (RFC 4120 section 5.8.1).
    pub struct KrbCred<'a>: [APPLICATION 22] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<22>,
        [2] tickets: List<'a, Encoded<'a, Ticket<'a>>>,
        [3] enc_part: EncryptedData<'a>,
    }

    /// KrbCredInfo (RFC 4120 section 5.8.1): what belongs to the ticket in the same place.
    pub struct KrbCredInfo<'a> {
        [0] key: EncryptionKey<'a>,
        [1] prealm: Option<KerberosString<'a>>,
        [2] pname: Option<PrincipalName<'a>>,
        [3] flags: Option<KerberosFlags<'a>>,
        [4] authtime: Option<KerberosTime>,
        [5] starttime: Option<KerberosTime>,
        [6] endtime: Option<KerberosTime>,
        [7] renew_till: Option<KerberosTime>,
        [8] srealm: Option<KerberosString<'a>>,
        [9] sname: Option<PrincipalName<'a>>,
        [10] caddr: Option<List<'a, HostAddress<'a>>>,
    }

    /// EncKrbCredPart (RFC 4120 section 5.8.1).
    pub struct EncKrbCredPart<'a>: [APPLICATION 29] {
        [0] ticket_info: List<'a, KrbCredInfo<'a>>,
        [1] nonce: Option<UInt32>,
        [2] timestamp: Option<KerberosTime>,
        [3] usec: Option<Microseconds>,
        [4] s_address: Option<HostAddress<'a>>,
        [5] r_address: Option<HostAddress<'a>>,
    }
}
