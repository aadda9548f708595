use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use super::ndr::{Reader, Room, Writer};
use super::{PacBuffer, PacError, PacErrorKind as Kind};
use crate::Random;
use crate::crypto::Key;
use crate::iana::{EncType, KeyUsage, PacBufferType};

/// PAC_CREDENTIAL_INFO (MS-PAC 2.6.1): secrets for a client that logged on with PKINIT and so has
/// no password to make them from, sealed with the key of its AS reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CredentialInfo {
    /// EncryptionType.
    pub enctype: EncType,
    /// SerializedData: sealed.
    pub sealed: Vec<u8>,
}

/// SECPKG_SUPPLEMENTAL_CRED (MS-PAC 2.6.3).
#[derive(Clone, PartialEq, Eq)]
pub struct SupplementalCredential {
    /// PackageName, as `NTLM`.
    pub package_name: String,
    /// Credentials: NTLM_SUPPLEMENTAL_CREDENTIAL (MS-PAC 2.6.4) for `NTLM`.
    pub credentials: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for SupplementalCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.credentials.len();
        write!(f, "SupplementalCredential({}, {secret} secret bytes)", self.package_name)
    }
}

const FIELD: &str = "PAC_CREDENTIAL_INFO";
/// The bytes of a SECPKG_SUPPLEMENTAL_CRED without what it points to.
const CREDENTIAL: usize = 16;

impl CredentialInfo {
    /// Opens PAC_CREDENTIAL_DATA (MS-PAC 2.6.2) with the key that the AS reply was sealed with.
    ///
    /// # Errors
    /// [`Kind::Sealed`], or if what was sealed is malformed.
    pub fn open(&self, reply_key: &Key) -> Result<Vec<SupplementalCredential>, PacError> {
        let plaintext = reply_key
            .decrypt(KeyUsage::PAC_CREDENTIALS, &self.sealed)
            .map_err(|error| PacError::new(Kind::Sealed(error), 8, FIELD))?;
        let mut ndr = Reader::open(&plaintext)?;
        // The array is part of the structure, so its conformant count stands before that.
        let conformant = ndr.u32("CredentialCount")?;
        let count = ndr.u32("CredentialCount")?;
        if conformant != count {
            return Err(ndr.error(Kind::BadLength, "CredentialCount"));
        }
        let heads = ndr.elements(count, CREDENTIAL, "Credentials", |ndr| {
            let name = ndr.string_header("PackageName")?;
            Ok((name, ndr.u32("CredentialSize")?, ndr.pointer("Credentials")?))
        })?;
        let credentials = heads
            .into_iter()
            .map(|(name, size, credentials)| {
                Ok(SupplementalCredential {
                    package_name: ndr.string(name, "PackageName")?,
                    credentials: ndr.octets(credentials, size, "Credentials")?.to_vec().into(),
                })
            })
            .collect::<Result<_, PacError>>()?;
        ndr.finish("PAC_CREDENTIAL_DATA")?;
        Ok(credentials)
    }

    /// Seals credentials with the key that the AS reply is sealed with.
    ///
    /// # Errors
    /// [`Kind::TooLong`].
    pub fn seal(
        credentials: &[SupplementalCredential],
        reply_key: &Key,
        rng: &mut dyn Random,
    ) -> Result<Self, PacError> {
        let mut ndr = Writer::new();
        let count = ndr.count(credentials.len(), "CredentialCount");
        ndr.u32(count);
        ndr.u32(count);
        let write_head = |credential: &SupplementalCredential| {
            let name = ndr.string_header(&credential.package_name, Room::Exact, "PackageName");
            (name, ndr.counted_pointer(credential.credentials.len(), "CredentialSize"))
        };
        let heads: Vec<_> = credentials.iter().map(write_head).collect();
        for ((name, pointer), credential) in heads.into_iter().zip(credentials) {
            ndr.string(name);
            ndr.octets(pointer, &credential.credentials);
        }
        let plaintext = Zeroizing::new(ndr.finish()?);
        let sealed = reply_key.encrypt(KeyUsage::PAC_CREDENTIALS, &plaintext, rng);
        Ok(Self { enctype: reply_key.enctype(), sealed })
    }
}

impl PacBuffer for CredentialInfo {
    const TYPE: PacBufferType = PacBufferType::CREDENTIAL_INFO;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        let truncated = PacError::new(Kind::Truncated, buffer.len(), FIELD);
        let (version, rest) = buffer.split_first_chunk().ok_or(truncated)?;
        let (enctype, sealed) = rest.split_first_chunk().ok_or(truncated)?;
        if *version != [0; 4] {
            return Err(PacError::new(Kind::BadHeader, 0, FIELD));
        }
        Ok(Self { enctype: EncType(i32::from_le_bytes(*enctype)), sealed: sealed.to_vec() })
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        Ok([&[0; 4][..], &self.enctype.0.to_le_bytes(), &self.sealed].concat())
    }
}
