use super::{EncryptedData, HostAddress, PaData, PrincipalName, Ticket};
use crate::KerberosTime;
use crate::der::{Encoded, Int, KerberosFlags, KerberosString, List, UInt32, sequence};
use crate::iana::EncType;

sequence! {
    /// KDC-REQ-BODY (RFC 4120 section 5.4.1).
    pub struct KdcReqBody<'a> {
        [0] kdc_options: KerberosFlags<'a>,
        [1] cname: Option<PrincipalName<'a>>,
        [2] realm: KerberosString<'a>,
        [3] sname: Option<PrincipalName<'a>>,
        [4] from: Option<KerberosTime>,
        [5] till: KerberosTime,
        [6] rtime: Option<KerberosTime>,
        [7] nonce: UInt32,
        [8] etype: List<'a, EncType>,
        [9] addresses: Option<List<'a, HostAddress<'a>>>,
        [10] enc_authorization_data: Option<EncryptedData<'a>>,
        [11] additional_tickets: Option<List<'a, Encoded<'a, Ticket<'a>>>>,
    }

    /// AS-REQ (RFC 4120 section 5.4.1).
    pub struct AsReq<'a>: [APPLICATION 10] {
        [1] pvno: Int<5>,
        [2] msg_type: Int<10>,
        [3] padata: Option<List<'a, PaData<'a>>>,
        [4] req_body: Encoded<'a, KdcReqBody<'a>>,
    }

    /// TGS-REQ (RFC 4120 section 5.4.1).
    pub struct TgsReq<'a>: [APPLICATION 12] {
        [1] pvno: Int<5>,
        [2] msg_type: Int<12>,
        [3] padata: Option<List<'a, PaData<'a>>>,
        [4] req_body: Encoded<'a, KdcReqBody<'a>>,
    }

    /// AS-REP (RFC 4120 section 5.4.2).
    pub struct AsRep<'a>: [APPLICATION 11] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<11>,
        [2] padata: Option<List<'a, PaData<'a>>>,
        [3] crealm: KerberosString<'a>,
        [4] cname: PrincipalName<'a>,
        [5] ticket: Encoded<'a, Ticket<'a>>,
        [6] enc_part: EncryptedData<'a>,
    }

    /// TGS-REP (RFC 4120 section 5.4.2).
    pub struct TgsRep<'a>: [APPLICATION 13] {
        [0] pvno: Int<5>,
        [1] msg_type: Int<13>,
        [2] padata: Option<List<'a, PaData<'a>>>,
        [3] crealm: KerberosString<'a>,
        [4] cname: PrincipalName<'a>,
        [5] ticket: Encoded<'a, Ticket<'a>>,
        [6] enc_part: EncryptedData<'a>,
    }
}
