//! What elements of AuthorizationData hold.

use super::{AuthorizationData, Checksum, PrincipalName};
use crate::der::{
    Any, Decode, Encode, Fault, KerberosString, List, Reader, UInt32, Writer, sequence,
};
use crate::iana::EncType;

sequence! {
    /// AD-KDCIssued (RFC 4120 section 5.2.6.2).
    pub struct AdKdcIssued<'a> {
        [0] ad_checksum: Checksum<'a>,
        [1] i_realm: Option<KerberosString<'a>>,
        [2] i_sname: Option<PrincipalName<'a>>,
        [3] elements: AuthorizationData<'a>,
    }

    /// AD-AND-OR (RFC 4120 section 5.2.6.3).
    pub struct AdAndOr<'a> {
        [0] condition_count: i32,
        [1] elements: AuthorizationData<'a>,
    }

    /// Verifier-MAC (RFC 7751 section 3).
    pub struct VerifierMac<'a> {
        [0] identifier: Option<PrincipalName<'a>>,
        [1] kvno: Option<UInt32>,
        [2] enctype: Option<EncType>,
        [3] mac: Checksum<'a>,
    }

    /// AD-CAMMAC (RFC 7751 section 3).
    pub struct AdCammac<'a> {
        [0] elements: AuthorizationData<'a>,
        [1] kdc_verifier: Option<VerifierMac<'a>>,
        [2] svc_verifier: Option<VerifierMac<'a>>,
        [3] other_verifiers: Option<List<'a, Verifier<'a>>>,
    }

    /// KERB-AD-RESTRICTION-ENTRY (MS-KILE 2.2.6).
    pub struct KerbAdRestrictionEntry<'a> {
        [0] restriction_type: i32,
        [1] restriction: &'a [u8],
    }
}

/// Verifier (RFC 7751 section 3): a CHOICE whose one alternative has no tag of its own, and which
/// may get more.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Verifier<'a> {
    /// A Verifier-MAC.
    Mac(VerifierMac<'a>),
    /// An alternative of a later version, for those who know it.
    Other(Any<'a>),
}

impl<'a> Decode<'a> for Verifier<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        const CONTEXT: u8 = 0x80;
        match reader.peek_tag() {
            Some(tag) if tag & 0xc0 == CONTEXT => Any::decode(reader).map(Self::Other),
            _ => VerifierMac::decode(reader).map(Self::Mac),
        }
    }
}

impl Encode for Verifier<'_> {
    fn encode(&self, writer: &mut Writer) {
        match self {
            Self::Mac(mac) => mac.encode(writer),
            Self::Other(other) => other.encode(writer),
        }
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Mac(mac) => mac.encoded_len(),
            Self::Other(other) => other.encoded_len(),
        }
    }
}

/// LSAP_TOKEN_INFO_INTEGRITY (MS-KILE 2.2.5): 40 bytes, little-endian, in a
/// [`KerbAdRestrictionEntry`] of type 0. Windows since 2025 puts 32 more behind them, another
/// identifier of the machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LsapTokenInfoIntegrity {
    /// 0 for a full token, 1 for one that UAC restricted.
    pub flags: u32,
    /// The integrity level: 0x2000 medium, 0x3000 high, 0x4000 system.
    pub token_il: u32,
    /// Drawn at the machine's start: tells a loop-back logon.
    pub machine_id: [u8; 32],
}

impl LsapTokenInfoIntegrity {
    /// Reads the first 40 bytes; `None` if there are fewer.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (flags, rest) = bytes.split_first_chunk()?;
        let (token_il, machine_id) = rest.split_first_chunk()?;
        Some(Self {
            flags: u32::from_le_bytes(*flags),
            token_il: u32::from_le_bytes(*token_il),
            machine_id: *machine_id.first_chunk()?,
        })
    }

    /// The 40 bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; 40] {
        let mut bytes = [0; 40];
        let (flags, rest) = bytes.split_at_mut(4);
        let (token_il, machine_id) = rest.split_at_mut(4);
        flags.copy_from_slice(&self.flags.to_le_bytes());
        token_il.copy_from_slice(&self.token_il.to_le_bytes());
        machine_id.copy_from_slice(&self.machine_id);
        bytes
    }
}
