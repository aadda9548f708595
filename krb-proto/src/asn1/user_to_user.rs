//! User-to-user: the service's TGT, asked for and sent within the application's protocol
//! (draft-swift-win2k-krb-user2user section 3; MS-KILE 3.1.5.2).

use super::{PrincipalName, Ticket};
use crate::der::{Encoded, Int, KerberosString, sequence};

sequence! {
    /// KERB-TGT-REQUEST.
    pub struct KerbTgtRequest<'a> {
        [0] pvno: Int<5>,
        [1] msg_type: Int<16>,
        [2] server_name: Option<PrincipalName<'a>>,
        [3] realm: Option<KerberosString<'a>>,
    }

    /// KERB-TGT-REPLY.
    pub struct KerbTgtReply<'a> {
        [0] pvno: Int<5>,
        [1] msg_type: Int<17>,
        [2] ticket: Encoded<'a, Ticket<'a>>,
    }
}
