//! FAST (RFC 6113 section 5.4).

use super::{Checksum, EncryptedData, EncryptionKey, KdcReqBody, PaData, PrincipalName};
use crate::KerberosTime;
use crate::der::{
    Encoded, KerberosFlags, KerberosString, List, Microseconds, UInt32, choice, sequence,
};

choice! {
    /// PA-FX-FAST-REQUEST (RFC 6113 section 5.4.2).
    pub enum PaFxFastRequest<'a> {
        [0] ArmoredData(KrbFastArmoredReq<'a>),
        ...
    }

    /// PA-FX-FAST-REPLY (RFC 6113 section 5.4.3).
    pub enum PaFxFastReply<'a> {
        [0] ArmoredData(KrbFastArmoredRep<'a>),
        ...
    }
}

sequence! {
    /// KrbFastArmor (RFC 6113 section 5.4.1).
    pub struct KrbFastArmor<'a> {
        [0] armor_type: i32,
        [1] armor_value: &'a [u8],
        ...
    }

    /// KrbFastArmoredReq (RFC 6113 section 5.4.2). `armor` is absent in a TGS-REQ, whose
    /// PA-TGS-REQ is the armor.
    pub struct KrbFastArmoredReq<'a> {
        [0] armor: Option<KrbFastArmor<'a>>,
        [1] req_checksum: Checksum<'a>,
        [2] enc_fast_req: EncryptedData<'a>,
        ...
    }

    /// KrbFastReq (RFC 6113 section 5.4.2). `fast_options` are
    /// [`FastOptions`](crate::iana::FastOptions).
    pub struct KrbFastReq<'a> {
        [0] fast_options: KerberosFlags<'a>,
        [1] padata: List<'a, PaData<'a>>,
        [2] req_body: Encoded<'a, KdcReqBody<'a>>,
        ...
    }

    /// KrbFastArmoredRep (RFC 6113 section 5.4.3).
    pub struct KrbFastArmoredRep<'a> {
        [0] enc_fast_rep: EncryptedData<'a>,
        ...
    }

    /// KrbFastResponse (RFC 6113 section 5.4.3).
    pub struct KrbFastResponse<'a> {
        [0] padata: List<'a, PaData<'a>>,
        [1] strengthen_key: Option<EncryptionKey<'a>>,
        [2] finished: Option<KrbFastFinished<'a>>,
        [3] nonce: UInt32,
        ...
    }

    /// KrbFastFinished (RFC 6113 section 5.4.3).
    pub struct KrbFastFinished<'a> {
        [0] timestamp: KerberosTime,
        [1] usec: Microseconds,
        [2] crealm: KerberosString<'a>,
        [3] cname: PrincipalName<'a>,
        [4] ticket_checksum: Checksum<'a>,
        ...
    }
}
