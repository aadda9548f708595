//! The four signatures of a PAC (MS-PAC 2.8), all with key usage 17.
//!
//! | signature | key | over |
//! |---|---|---|
//! | ticket | krbtgt | the EncTicketPart, in which one zero byte stands for the PAC |
//! | extended KDC | krbtgt | the PAC, with zeros for extended KDC, server and KDC signature |
//! | server | the service | the PAC, with zeros for server and KDC signature |
//! | KDC | krbtgt | the server signature |
//!
//! They are made in this order. A TGT has the last two only. The zeros go from SignatureType to the
//! buffer's end: an RODC writes its RODCIdentifier, which stands there too, after it has signed.

use super::container::{Pac, VerifiedPac};
use super::{PacError, PacErrorKind as Kind};
use crate::asn1::EncTicketPart;
use crate::authorization;
use crate::crypto::{CryptoError, Key};
use crate::iana::{ChecksumType, KeyUsage, PacBufferType};

/// PAC_SIGNATURE_DATA (MS-PAC 2.8).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PacSignature<'a> {
    /// SignatureType.
    pub checksum_type: ChecksumType,
    /// Signature: as long as its type says.
    pub signature: &'a [u8],
    /// RODCIdentifier: which read-only DC made it, if one did.
    pub rodc_identifier: Option<u16>,
}

/// Bytes before the signature itself.
pub(super) const SIGNATURE_TYPE: usize = 4;

impl<'a> PacSignature<'a> {
    pub(super) fn from_bytes(buffer: &'a [u8], offset: usize) -> Result<Self, PacError> {
        let error = PacError::new(Kind::BadLength, offset, "PAC_SIGNATURE_DATA");
        let (checksum_type, rest) = buffer.split_first_chunk().ok_or(error)?;
        let checksum_type = ChecksumType(i32::from_le_bytes(*checksum_type));
        let length = match checksum_type {
            ChecksumType::HMAC_SHA1_96_AES128 | ChecksumType::HMAC_SHA1_96_AES256 => 12,
            ChecksumType::HMAC_MD5 | ChecksumType::HMAC_SHA256_128_AES128 => 16,
            ChecksumType::CMAC_CAMELLIA128 | ChecksumType::CMAC_CAMELLIA256 => 16,
            ChecksumType::HMAC_SHA384_192_AES256 => 24,
            _ => rest.len(),
        };
        let (signature, rest) = rest.split_at_checked(length).ok_or(error)?;
        let rodc_identifier = match rest {
            [] => None,
            [low, high] => Some(u16::from_le_bytes([*low, *high])),
            _ => return Err(error),
        };
        Ok(Self { checksum_type, signature, rodc_identifier })
    }

    /// Compares with the signature that `data` should have. Its type must be the key's own: the
    /// allow-list has one entry.
    fn verify(&self, key: &Key, data: &[u8]) -> Result<(), CryptoError> {
        if self.checksum_type != key.checksum_type() {
            return Err(CryptoError::ChecksumTypeNotAllowed(self.checksum_type));
        }
        let usage = KeyUsage::NON_KERB_CHECKSUM;
        key.verify_checksum(usage, self.checksum_type, data, self.signature)
    }
}

/// The signatures in whose place the PAC has zeros when it is signed.
fn zeroed_for(kind: PacBufferType) -> &'static [PacBufferType] {
    const ALL: &[PacBufferType] = &[
        PacBufferType::SERVER_SIGNATURE,
        PacBufferType::KDC_SIGNATURE,
        PacBufferType::EXTENDED_KDC_SIGNATURE,
    ];
    if kind == PacBufferType::SERVER_SIGNATURE { &ALL[..2] } else { ALL }
}

const fn name(kind: PacBufferType) -> &'static str {
    match kind.name() {
        Some(name) => name,
        None => "PAC_SIGNATURE_DATA",
    }
}

impl<'a> Pac<'a> {
    /// One of the four signatures, if it is there.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn signature(&self, kind: PacBufferType) -> Result<Option<PacSignature<'a>>, PacError> {
        let found = self.find(kind);
        found.map(|(offset, buffer)| PacSignature::from_bytes(buffer, offset)).transpose()
    }

    /// Verifies the server signature (MS-PAC 2.8.4) with the key of the service that the ticket
    /// is for: the KDC, which alone knows that key beside us, made this PAC.
    ///
    /// The signature's type must be the one of the key's enctype: HMAC-MD5 under an AES key is a
    /// downgrade (CVE-2022-37967 and its kin), not something that an AD-compatible KDC sends.
    ///
    /// # Errors
    /// If a signature is missing or the server's does not hold.
    pub fn verify_server_signature(self, key: &Key) -> Result<VerifiedPac<'a>, PacError> {
        self.verify_own_bytes(PacBufferType::SERVER_SIGNATURE, key)?;
        Ok(VerifiedPac(self))
    }
}

impl Pac<'_> {
    fn required(&self, kind: PacBufferType) -> Result<(usize, PacSignature<'_>), PacError> {
        let missing = PacError::new(Kind::Missing, 0, name(kind));
        let (offset, buffer) = self.find(kind).ok_or(missing)?;
        Ok((offset, PacSignature::from_bytes(buffer, offset)?))
    }

    fn verify(&self, kind: PacBufferType, key: &Key, data: &[u8]) -> Result<(), PacError> {
        let (offset, signature) = self.required(kind)?;
        let verified = signature.verify(key, data);
        verified.map_err(|error| PacError::new(Kind::Signature(error), offset, name(kind)))
    }

    /// Verifies a signature that is made over the PAC itself.
    pub(super) fn verify_own_bytes(&self, kind: PacBufferType, key: &Key) -> Result<(), PacError> {
        let mut signed = self.bytes.to_vec();
        for &zeroed in zeroed_for(kind) {
            let (offset, _) = self.required(zeroed)?;
            let length = self.find(zeroed).map_or(0, |(_, buffer)| buffer.len());
            if let Some(place) = signed.get_mut(offset + SIGNATURE_TYPE..offset + length) {
                place.fill(0);
            }
        }
        self.verify(kind, key, &signed)
    }
}

impl VerifiedPac<'_> {
    /// Verifies the KDC signature (MS-PAC 2.8.5) with krbtgt's key. In a TGT it is the only one
    /// beside the server signature; in a service ticket see [`Self::verify_kdc_signatures`].
    ///
    /// # Errors
    /// If it is missing or does not hold.
    pub fn verify_kdc_signature(&self, krbtgt: &Key) -> Result<(), PacError> {
        let (_, server) = self.0.required(PacBufferType::SERVER_SIGNATURE)?;
        self.0.verify(PacBufferType::KDC_SIGNATURE, krbtgt, server.signature)
    }

    /// Verifies the ticket signature (MS-PAC 2.8.2) with krbtgt's key: nobody changed the ticket
    /// that the PAC came in, not even the service that could (CVE-2020-17049, "Bronze Bit").
    ///
    /// # Errors
    /// If it is missing or does not hold, or the ticket's authorization data is malformed.
    pub fn verify_ticket_signature(
        &self,
        krbtgt: &Key,
        ticket: &EncTicketPart<'_>,
    ) -> Result<(), PacError> {
        let signed = authorization::with_pac(ticket, &[0]).map_err(PacError::in_ticket)?;
        self.0.verify(PacBufferType::TICKET_SIGNATURE, krbtgt, &signed)
    }

    /// Verifies the extended KDC signature (MS-PAC 2.8.3), known as the full PAC signature, with
    /// krbtgt's key. The KDC signature is made over the server signature alone, and who has the
    /// service's key may find another PAC with the same one (CVE-2022-37967).
    ///
    /// # Errors
    /// If it is missing or does not hold.
    pub fn verify_extended_kdc_signature(&self, krbtgt: &Key) -> Result<(), PacError> {
        self.0.verify_own_bytes(PacBufferType::EXTENDED_KDC_SIGNATURE, krbtgt)
    }

    /// Verifies all that krbtgt's key signed in a service ticket. A KDC does so before it takes a
    /// ticket for evidence. All three signatures must be there: whoever can forge one can as well
    /// leave it out.
    ///
    /// # Errors
    /// If one is missing or does not hold.
    pub fn verify_kdc_signatures(
        &self,
        krbtgt: &Key,
        ticket: &EncTicketPart<'_>,
    ) -> Result<(), PacError> {
        self.verify_kdc_signature(krbtgt)?;
        self.verify_extended_kdc_signature(krbtgt)?;
        self.verify_ticket_signature(krbtgt, ticket)
    }
}
