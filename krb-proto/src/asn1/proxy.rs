use crate::der::{KerberosString, sequence};

sequence! {
    /// KDC-PROXY-MESSAGE (MS-KKDCP 2.2.2). `kerb_message` begins with its length in four bytes, as
    /// over TCP. `dclocator_hint` are the flags of DsrGetDcName.
    pub struct KdcProxyMessage<'a> {
        [0] kerb_message: &'a [u8],
        [1] target_domain: Option<KerberosString<'a>>,
        [2] dclocator_hint: Option<i32>,
    }
}
