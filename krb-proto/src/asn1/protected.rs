use super::{Checksum, EncryptedData, HostAddress};
use crate::KerberosTime;
use crate::der::{Int, Microseconds, UInt32, sequence};

sequence! {
    /// KRB-SAFE-BODY (RFC 4120 section 5.6.1).
    pub struct KrbSafeBody<'a> {
        [0] user_data: &'a [u8],
        [1] timestamp: Option<KerberosTime>,
        [2] usec: Option<Microseconds>,
        [3] seq_number: Option<UInt32>,
        [4] s_address: HostAddress<'a>,
        [5] r_address: Option<HostAddress<'a>>,
    }

    /// KRB-SAFE (RFC 4120 section 5.6.1).
    pub struct KrbSafe<'a>: [APPLICATION 20] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<20>,
        [2] safe_body: KrbSafeBody<'a>,
        [3] cksum: Checksum<'a>,
    }

    /// KRB-PRIV (RFC 4120 section 5.7.1).
    pub struct KrbPriv<'a>: [APPLICATION 21] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<21>,
        [3] enc_part: EncryptedData<'a>,
    }

    /// EncKrbPrivPart (RFC 4120 section 5.7.1).
    pub struct EncKrbPrivPart<'a>: [APPLICATION 28] {
        [0] user_data: &'a [u8],
        [1] timestamp: Option<KerberosTime>,
        [2] usec: Option<Microseconds>,
        [3] seq_number: Option<UInt32>,
        [4] s_address: HostAddress<'a>,
        [5] r_address: Option<HostAddress<'a>>,
    }
}
