//! SPAKE pre-authentication (RFC 9588 section 4). Its module's tags are EXPLICIT.

use super::EncryptedData;
use crate::der::{List, choice, sequence};

choice! {
    /// PA-SPAKE (RFC 9588 section 4.1).
    pub enum PaSpake<'a> {
        [0] Support(SpakeSupport<'a>),
        [1] Challenge(SpakeChallenge<'a>),
        [2] Response(SpakeResponse<'a>),
        [3] EncData(EncryptedData<'a>),
        ...
    }
}

sequence! {
    /// SPAKESupport (RFC 9588 section 4.2): the groups that the client has, the preferred first.
    pub struct SpakeSupport<'a> {
        [0] groups: List<'a, i32>,
        ...
    }

    /// SPAKEChallenge (RFC 9588 section 4.3): the KDC's half of the key agreement.
    pub struct SpakeChallenge<'a> {
        [0] group: i32,
        [1] pubkey: &'a [u8],
        [2] factors: List<'a, SpakeSecondFactor<'a>>,
        ...
    }

    /// SPAKESecondFactor (RFC 9588 section 4.3). Type 1, SF-NONE, stands for no second factor.
    pub struct SpakeSecondFactor<'a> {
        [0] factor_type: i32,
        [1] data: Option<&'a [u8]>,
    }

    /// SPAKEResponse (RFC 9588 section 4.4): the client's half, and its second factor encrypted.
    pub struct SpakeResponse<'a> {
        [0] pubkey: &'a [u8],
        [1] factor: EncryptedData<'a>,
        ...
    }
}
