use alloc::vec::Vec;

use super::{LogonInfo, PacError, PacErrorKind as Kind, UpnDnsInfo};
use crate::crypto::{CryptoError, Key};
use crate::iana::{ChecksumType, KeyUsage};

const LOGON_INFO: u32 = 1;
const SERVER_CHECKSUM: u32 = 6;
const KDC_CHECKSUM: u32 = 7;
const UPN_DNS_INFO: u32 = 12;

/// AD writes about ten; each takes sixteen bytes of header.
const MAX_BUFFERS: usize = 64;

/// A PAC (PACTYPE, MS-PAC 2.3) whose structure is sound and of which nothing else is known.
#[derive(Debug)]
pub struct Pac<'a> {
    bytes: &'a [u8],
    buffers: Vec<Buffer>,
}

#[derive(Clone, Copy, Debug)]
struct Buffer {
    kind: u32,
    offset: usize,
    length: usize,
}

impl<'a> Pac<'a> {
    /// Reads the directory of buffers.
    ///
    /// # Errors
    /// If one lies outside of the PAC, overlaps another or is there twice.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacError> {
        let word = |at: usize| {
            let word = bytes.get(at..).and_then(<[u8]>::first_chunk);
            word.map(|word| u32::from_le_bytes(*word)).ok_or(PacError::new(
                Kind::Truncated,
                at,
                "PACTYPE",
            ))
        };
        let (count, version) = (word(0)? as usize, word(4)?);
        if version != 0 {
            return Err(PacError::new(Kind::BadHeader, 4, "PACTYPE version"));
        }
        if count > MAX_BUFFERS {
            return Err(PacError::new(Kind::BadLength, 0, "PACTYPE count"));
        }
        let directory_end = 8 + 16 * count;
        let mut buffers: Vec<Buffer> = Vec::with_capacity(count);
        for at in (8..directory_end).step_by(16) {
            let (kind, length) = (word(at)?, word(at + 4)? as usize);
            let (offset, high) = (word(at + 8)? as usize, word(at + 12)?);
            let end = offset.checked_add(length).filter(|&end| high == 0 && end <= bytes.len());
            let overlaps = |other: &Buffer| {
                offset < other.offset + other.length && other.offset < offset + length
            };
            if end.is_none() || offset % 8 != 0 || offset < directory_end {
                return Err(PacError::new(Kind::BadLength, at, "PAC_INFO_BUFFER"));
            }
            if length > 0 && buffers.iter().any(overlaps) {
                return Err(PacError::new(Kind::BadLength, at, "PAC_INFO_BUFFER"));
            }
            if buffers.iter().any(|other| other.kind == kind) {
                return Err(PacError::new(Kind::Duplicate, at, "PAC_INFO_BUFFER"));
            }
            buffers.push(Buffer { kind, offset, length });
        }
        Ok(Self { bytes, buffers })
    }

    fn find(&self, kind: u32) -> Option<Buffer> {
        self.buffers.iter().copied().find(|buffer| buffer.kind == kind)
    }

    fn contents(&self, buffer: Buffer) -> &'a [u8] {
        self.bytes.get(buffer.offset..buffer.offset + buffer.length).unwrap_or_default()
    }

    /// Verifies the server signature (MS-PAC 2.8.1) with the key of the service that the ticket
    /// is for: the KDC, which alone knows that key beside us, made this PAC.
    ///
    /// The signature's type must be the one of the key's enctype: HMAC-MD5 under an AES key is a
    /// downgrade (CVE-2022-37967 and its kin), not something that an AD-compatible KDC sends.
    ///
    /// # Errors
    /// If a signature is missing or the server's does not hold.
    pub fn verify_server_signature(self, key: &Key) -> Result<VerifiedPac<'a>, PacError> {
        let missing = |field| PacError::new(Kind::Missing, 0, field);
        let server = self.find(SERVER_CHECKSUM).ok_or(missing("server checksum"))?;
        let kdc = self.find(KDC_CHECKSUM).ok_or(missing("KDC checksum"))?;
        let (checksum_type, signature) = self.signature(server)?;
        let at = |error| PacError::new(Kind::Signature(error), server.offset, "server checksum");
        if checksum_type != key.checksum_type() {
            return Err(at(CryptoError::ChecksumTypeNotAllowed(checksum_type)));
        }
        // Both signatures are made over the PAC with zeros in the place of either.
        let mut signed = self.bytes.to_vec();
        for buffer in [server, kdc] {
            let (_, signature) = self.signature(buffer)?;
            let start = buffer.offset + 4;
            if let Some(place) = signed.get_mut(start..start + signature.len()) {
                place.fill(0);
            }
        }
        key.verify_checksum(KeyUsage::NON_KERB_CHECKSUM, checksum_type, &signed, signature)
            .map_err(at)?;
        Ok(VerifiedPac(self))
    }

    /// PAC_SIGNATURE_DATA (MS-PAC 2.8): type, signature and, from a read-only DC, its number
    /// behind it. The signature's length follows from its type.
    fn signature(&self, buffer: Buffer) -> Result<(ChecksumType, &'a [u8]), PacError> {
        let error = PacError::new(Kind::BadLength, buffer.offset, "PAC_SIGNATURE_DATA");
        let (kind, rest) = self.contents(buffer).split_first_chunk().ok_or(error)?;
        let kind = ChecksumType(i32::from_le_bytes(*kind));
        let length = match kind {
            ChecksumType::HMAC_SHA1_96_AES128 | ChecksumType::HMAC_SHA1_96_AES256 => 12,
            ChecksumType::HMAC_MD5 | ChecksumType::HMAC_SHA256_128_AES128 => 16,
            ChecksumType::CMAC_CAMELLIA128 | ChecksumType::CMAC_CAMELLIA256 => 16,
            ChecksumType::HMAC_SHA384_192_AES256 => 24,
            _ => rest.len(),
        };
        rest.get(..length).map(|signature| (kind, signature)).ok_or(error)
    }
}

/// A PAC that the KDC made for us.
#[derive(Debug)]
pub struct VerifiedPac<'a>(Pac<'a>);

impl VerifiedPac<'_> {
    /// LOGON_INFO: who it is.
    ///
    /// # Errors
    /// If it is missing or malformed.
    pub fn logon_info(&self) -> Result<LogonInfo, PacError> {
        let buffer = self.0.find(LOGON_INFO);
        let buffer = buffer.ok_or(PacError::new(Kind::Missing, 0, "LOGON_INFO"))?;
        LogonInfo::parse(self.0.contents(buffer))
    }

    /// UPN_DNS_INFO, if it is there.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn upn_dns_info(&self) -> Result<Option<UpnDnsInfo>, PacError> {
        let buffer = self.0.find(UPN_DNS_INFO);
        buffer.map(|buffer| UpnDnsInfo::parse(self.0.contents(buffer))).transpose()
    }
}
