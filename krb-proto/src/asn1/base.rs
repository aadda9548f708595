use alloc::vec::Vec;
use core::fmt;

use crate::der::{
    DecodeContents, Encode, EncodeContents, Fault, Int, KerberosString, List, Reader, UInt32,
    Writer, sequence,
};
use crate::iana::{AdType, ChecksumType, EncType, NameType, PaType};
use crate::{Name, Principal};

/// The components of a PrincipalName: a received list of at least one, or our own octets.
#[derive(Clone, Copy)]
pub enum NameString<'a> {
    /// As received.
    Received(List<'a, KerberosString<'a>>),
    /// To be written.
    Components(&'a [Vec<u8>]),
}

impl<'a> NameString<'a> {
    /// The components as octets.
    pub fn iter(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (received, components) = match *self {
            Self::Received(list) => (Some(list.iter()), [].iter()),
            Self::Components(components) => (None, components.iter()),
        };
        received.into_iter().flatten().map(|s| s.0).chain(components.map(Vec::as_slice))
    }
}

impl PartialEq for NameString<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for NameString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(KerberosString)).finish()
    }
}

impl<'a> DecodeContents<'a> for NameString<'a> {
    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        List::decode_contents(contents).map(Self::Received)
    }
}

impl EncodeContents for NameString<'_> {
    const TAG: u8 = List::<KerberosString<'_>>::TAG;

    #[inline]
    fn encode_contents(&self, writer: &mut Writer) {
        match self {
            Self::Received(list) => list.encode_contents(writer),
            Self::Components(components) => {
                for component in components.iter().rev() {
                    KerberosString(component).encode(writer);
                }
            }
        }
    }

    #[inline]
    fn contents_len(&self) -> usize {
        match self {
            Self::Received(list) => list.contents_len(),
            Self::Components(components) => {
                components.iter().map(|component| KerberosString(component).encoded_len()).sum()
            }
        }
    }
}

/// Octets that never appear in `Debug`.
#[derive(Clone, Copy, PartialEq)]
pub struct SecretOctets<'a>(pub &'a [u8]);

impl fmt::Debug for SecretOctets<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} secret bytes>", self.0.len())
    }
}

impl<'a> DecodeContents<'a> for SecretOctets<'a> {
    #[inline]
    fn decode_contents(contents: Reader<'a>) -> Result<Self, Fault> {
        <&[u8]>::decode_contents(contents).map(Self)
    }
}

impl EncodeContents for SecretOctets<'_> {
    const TAG: u8 = <&[u8]>::TAG;

    #[inline]
    fn encode_contents(&self, writer: &mut Writer) {
        self.0.encode_contents(writer);
    }

    #[inline]
    fn contents_len(&self) -> usize {
        self.0.len()
    }
}

/// AuthorizationData (RFC 4120 section 5.2.6).
pub type AuthorizationData<'a> = List<'a, AuthorizationDataElement<'a>>;

sequence! {
    /// PrincipalName (RFC 4120 section 5.2.2).
    pub struct PrincipalName<'a> {
        [0] name_type: NameType,
        [1] name_string: NameString<'a>,
    }

    /// HostAddress (RFC 4120 section 5.2.5).
    pub struct HostAddress<'a> {
        [0] addr_type: i32,
        [1] address: &'a [u8],
    }

    /// One element of AuthorizationData (RFC 4120 section 5.2.6).
    pub struct AuthorizationDataElement<'a> {
        [0] ad_type: AdType,
        [1] ad_data: &'a [u8],
    }

    /// PA-DATA (RFC 4120 section 5.2.7).
    pub struct PaData<'a> {
        [1] padata_type: PaType,
        [2] padata_value: &'a [u8],
    }

    /// EncryptedData (RFC 4120 section 5.2.9).
    pub struct EncryptedData<'a> {
        [0] etype: EncType,
        [1] kvno: Option<UInt32>,
        [2] cipher: &'a [u8],
    }

    /// EncryptionKey (RFC 4120 section 5.2.9).
    pub struct EncryptionKey<'a> {
        [0] keytype: EncType,
        [1] keyvalue: SecretOctets<'a>,
    }

    /// Checksum (RFC 4120 section 5.2.9).
    pub struct Checksum<'a> {
        [0] cksumtype: ChecksumType,
        [1] checksum: &'a [u8],
    }

    /// Ticket (RFC 4120 section 5.3).
    pub struct Ticket<'a>: [APPLICATION 1] {
        [0] tkt_vno: Int<5>,
        [1] realm: KerberosString<'a>,
        [2] sname: PrincipalName<'a>,
        [3] enc_part: EncryptedData<'a>,
    }
}

impl PrincipalName<'_> {
    /// The name as an owned value.
    #[must_use]
    pub fn to_name(&self) -> Name {
        Name::new(self.name_type, self.name_string.iter())
    }

    /// The name in a realm, as an owned value.
    #[must_use]
    pub fn in_realm(&self, realm: KerberosString<'_>) -> Principal {
        Principal::new(self.to_name(), realm.0)
    }

    /// Has the name these components, whatever the types say?
    pub(crate) fn has_components_of(&self, name: &Name) -> bool {
        self.name_string.iter().eq(name.components.iter().map(Vec::as_slice))
    }

    /// Is the name in that realm this one ([`Principal::is_same`])?
    pub(crate) fn is_same(&self, realm: KerberosString<'_>, other: &Principal) -> bool {
        self.has_components_of(&other.name) && realm.0 == other.realm
    }
}

impl<'a> From<&'a Name> for PrincipalName<'a> {
    fn from(name: &'a Name) -> Self {
        Self { name_type: name.name_type, name_string: NameString::Components(&name.components) }
    }
}
