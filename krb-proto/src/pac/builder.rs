use alloc::vec;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::container::{MAX_BUFFERS, Pac};
use super::signature::SIGNATURE_TYPE;
use super::{PacBuffer, PacError, PacErrorKind as Kind};
use crate::asn1::EncTicketPart;
use crate::authorization;
use crate::crypto::Key;
use crate::iana::{KeyUsage, PacBufferType};

/// A PAC in the making.
///
/// ```
/// # use krb_proto::{KerberosTime, Name, crypto::Key, iana::EncType};
/// use krb_proto::pac::{ClientInfo, LogonInfo, Pac, PacBuilder, PacKeys};
///
/// # let key = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[1; 32])?;
/// let alice = LogonInfo::new("alice", "EXAMPLE", "S-1-5-21-1-2-3".parse()?, 1104);
/// let client = ClientInfo::new(&Name::user("alice"), KerberosTime::from_unix(1_800_000_000));
/// let keys = PacKeys { server: &key, krbtgt: &key, rodc_identifier: None };
/// let tgt = PacBuilder::new().with(&alice)?.with(&client.ok_or("not UTF-8")?)?.sign(&keys)?;
///
/// let pac = Pac::parse(&tgt)?.verify_server_signature(&key)?;
/// pac.verify_kdc_signature(&key)?;
/// assert_eq!(pac.logon_info()?, alice);
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Clone, Default, Debug)]
pub struct PacBuilder {
    buffers: Vec<(PacBufferType, Vec<u8>)>,
}

/// What a KDC signs a PAC with.
#[derive(Clone, Copy, Debug)]
pub struct PacKeys<'k> {
    /// The key of the service that the ticket is for.
    pub server: &'k Key,
    /// The key of krbtgt.
    pub krbtgt: &'k Key,
    /// RODCIdentifier: the upper half of the key's version number if it is a read-only DC's.
    pub rodc_identifier: Option<u16>,
}

impl<'k> PacKeys<'k> {
    /// The key of one of the signatures, and the identifier that stands behind it.
    fn of(&self, kind: PacBufferType) -> (&'k Key, Option<u16>) {
        match kind {
            PacBufferType::SERVER_SIGNATURE => (self.server, None),
            _ => (self.krbtgt, self.rodc_identifier),
        }
    }
}

impl PacBuilder {
    /// A PAC without buffers.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffers: Vec::new() }
    }

    /// A PAC with the buffers of another one, in their order. Its signatures mark where the new
    /// ones go.
    #[must_use]
    pub fn from_pac(pac: &Pac<'_>) -> Self {
        Self { buffers: pac.buffers().map(|(kind, buffer)| (kind, buffer.to_vec())).collect() }
    }

    /// With one more buffer, or another one in the place of that of its type.
    ///
    /// # Errors
    /// If something in it is too long.
    pub fn with<B: PacBuffer>(self, buffer: &B) -> Result<Self, PacError> {
        buffer.to_bytes().map(|bytes| self.with_buffer(B::TYPE, bytes))
    }

    /// The same with a buffer's bytes.
    #[must_use]
    pub fn with_buffer(mut self, kind: PacBufferType, bytes: Vec<u8>) -> Self {
        match self.buffers.iter_mut().find(|(other, _)| *other == kind) {
            Some((_, buffer)) => *buffer = bytes,
            None => self.buffers.push((kind, bytes)),
        }
        self
    }

    /// The buffer of this type.
    #[must_use]
    pub fn get(&self, kind: PacBufferType) -> Option<&[u8]> {
        self.buffers.iter().find(|(other, _)| *other == kind).map(|(_, buffer)| &buffer[..])
    }

    /// Without the buffer of this type.
    #[must_use]
    pub fn without(mut self, kind: PacBufferType) -> Self {
        self.buffers.retain(|(other, _)| *other != kind);
        self
    }

    /// The PAC for a TGT: with server and KDC signature, without the two others.
    ///
    /// # Errors
    /// If there are too many buffers, or too long ones.
    pub fn sign(&self, keys: &PacKeys<'_>) -> Result<Vec<u8>, PacError> {
        let draft = self
            .clone()
            .without(PacBufferType::TICKET_SIGNATURE)
            .without(PacBufferType::EXTENDED_KDC_SIGNATURE)
            .with_empty_signatures(keys, &[]);
        draft.signed(keys, None)
    }

    /// The DER of an EncTicketPart for a service, with the PAC and its four signatures in it. An
    /// older PAC in `ticket` makes room for the new one; without one it becomes the first element
    /// of the authorization data.
    ///
    /// # Errors
    /// If there are too many buffers, or too long ones, or the ticket's authorization data is
    /// malformed.
    pub fn sign_into(
        &self,
        ticket: &EncTicketPart<'_>,
        keys: &PacKeys<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, PacError> {
        let with_pac =
            |pac: &[u8]| authorization::with_pac(ticket, pac).map_err(PacError::in_ticket);
        let more = [PacBufferType::TICKET_SIGNATURE, PacBufferType::EXTENDED_KDC_SIGNATURE];
        let draft = self.clone().with_empty_signatures(keys, &more);
        with_pac(&draft.signed(keys, Some(&with_pac(&[0])?))?)
    }

    /// With zeros where signatures will be.
    fn with_empty_signatures(self, keys: &PacKeys<'_>, more: &[PacBufferType]) -> Self {
        let both = [PacBufferType::SERVER_SIGNATURE, PacBufferType::KDC_SIGNATURE];
        both.iter().chain(more).fold(self, |draft, &kind| {
            let (key, rodc_identifier) = keys.of(kind);
            let mut bytes = key.checksum_type().0.to_le_bytes().to_vec();
            let identifier = rodc_identifier.map_or(0, |_| size_of::<u16>());
            bytes.resize(SIGNATURE_TYPE + key.checksum_len() + identifier, 0);
            draft.with_buffer(kind, bytes)
        })
    }

    /// Lays the buffers out and signs in the order of MS-PAC 2.8.
    fn signed(self, keys: &PacKeys<'_>, ticket: Option<&[u8]>) -> Result<Vec<u8>, PacError> {
        let mut layout = Layout::of(&self.buffers)?;
        if let Some(ticket) = ticket {
            layout.sign(PacBufferType::TICKET_SIGNATURE, keys, Some(ticket));
            layout.sign(PacBufferType::EXTENDED_KDC_SIGNATURE, keys, None);
        }
        let server = layout.sign(PacBufferType::SERVER_SIGNATURE, keys, None);
        layout.sign(PacBufferType::KDC_SIGNATURE, keys, Some(&server));
        Ok(layout.bytes)
    }
}

/// A PACTYPE with its signatures coming in.
struct Layout {
    bytes: Vec<u8>,
    offsets: Vec<(PacBufferType, usize)>,
}

impl Layout {
    fn of(buffers: &[(PacBufferType, Vec<u8>)]) -> Result<Self, PacError> {
        let too_long = |at| PacError::new(Kind::TooLong, at, "PACTYPE");
        if buffers.len() > MAX_BUFFERS {
            return Err(too_long(0));
        }
        // cBuffers, and Version 0.
        let mut bytes = (buffers.len() as u64).to_le_bytes().to_vec();
        let mut offset = 8 + 16 * buffers.len();
        let mut offsets = vec![];
        for (kind, buffer) in buffers {
            let length = u32::try_from(buffer.len()).map_err(|_| too_long(bytes.len()))?;
            let start = u32::try_from(offset).map_err(|_| too_long(bytes.len()))?;
            bytes.extend(kind.0.to_le_bytes());
            bytes.extend(length.to_le_bytes());
            bytes.extend(u64::from(start).to_le_bytes());
            offsets.push((*kind, offset));
            offset += buffer.len().next_multiple_of(8);
        }
        for (_, buffer) in buffers {
            bytes.extend(buffer);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
        }
        Ok(Self { bytes, offsets })
    }

    /// Signs `data`, or else the bytes as they are: what has to be zeros still is, an RODC's
    /// identifier among it.
    fn sign(&mut self, kind: PacBufferType, keys: &PacKeys<'_>, data: Option<&[u8]>) -> Vec<u8> {
        let (key, rodc_identifier) = keys.of(kind);
        let signature = key.checksum(KeyUsage::NON_KERB_CHECKSUM, data.unwrap_or(&self.bytes));
        let places = self.offsets.iter().filter(|(other, _)| *other == kind);
        for start in places.map(|(_, offset)| offset + SIGNATURE_TYPE) {
            let end = start + signature.len();
            self.bytes[start..end].copy_from_slice(&signature);
            if let Some(identifier) = rodc_identifier {
                self.bytes[end..end + size_of::<u16>()].copy_from_slice(&identifier.to_le_bytes());
            }
        }
        signature
    }
}
