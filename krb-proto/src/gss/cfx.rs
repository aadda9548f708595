//! Per-message tokens of RFC 4121 section 4.2, called CFX.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::context::Role;
use super::{GssError, Protection, SecurityContext};
use crate::Random;
use crate::iana::KeyUsage;

const HEADER: usize = 16;
const MIC_ID: [u8; 2] = [0x04, 0x04];
const WRAP_ID: [u8; 2] = [0x05, 0x04];

const SENT_BY_ACCEPTOR: u8 = 1;
const SEALED: u8 = 2;
const ACCEPTOR_SUBKEY: u8 = 4;

/// The sixteen octets in front of a token (RFC 4121 sections 4.2.6.1 and 4.2.6.2).
#[derive(Clone, Copy)]
struct Header([u8; HEADER]);

impl Header {
    /// EC and RRC are 0; a MIC token has 0xff in their place.
    fn new(id: [u8; 2], flags: u8, sequence_number: u64) -> Self {
        let mut octets = [0xff; HEADER];
        octets[..2].copy_from_slice(&id);
        octets[2] = flags;
        octets[8..].copy_from_slice(&sequence_number.to_be_bytes());
        let header = Self(octets);
        if id == WRAP_ID { header.with_ec(0).with_rrc(0) } else { header }
    }

    fn with_ec(mut self, ec: u16) -> Self {
        self.0[4..6].copy_from_slice(&ec.to_be_bytes());
        self
    }

    fn with_rrc(mut self, rrc: u16) -> Self {
        self.0[6..8].copy_from_slice(&rrc.to_be_bytes());
        self
    }

    fn flags(&self) -> u8 {
        self.0[2]
    }

    fn ec(&self) -> u16 {
        u16::from_be_bytes([self.0[4], self.0[5]])
    }

    fn rrc(&self) -> u16 {
        u16::from_be_bytes([self.0[6], self.0[7]])
    }

    fn sequence_number(&self) -> u64 {
        let [.., a, b, c, d, e, f, g, h] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

impl SecurityContext {
    pub(super) fn cfx_get_mic(&mut self, message: &[u8]) -> Vec<u8> {
        let header = Header::new(MIC_ID, self.flags_to_send(), self.take_sequence_number());
        let checksum = self.checksum(self.role.sign_usage(), message, header);
        [&header.0[..], &checksum].concat()
    }

    pub(super) fn cfx_verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<(), GssError> {
        let (header, checksum) = self.open_header(MIC_ID, token)?;
        if header.flags() & SEALED != 0 || header.0[3..8] != [0xff; 5] {
            return Err(GssError::BadMessage);
        }
        self.verify(self.role.peer().sign_usage(), message, header, checksum)?;
        Ok(self.received.accept(header.sequence_number())?)
    }

    pub(super) fn cfx_wrap(
        &mut self,
        message: &[u8],
        protection: Protection,
        rng: &mut dyn Random,
    ) -> Vec<u8> {
        let (flags, number) = (self.flags_to_send(), self.take_sequence_number());
        let usage = self.role.seal_usage();
        match protection {
            Protection::Confidentiality => {
                let header = Header::new(WRAP_ID, flags | SEALED, number);
                let plaintext = Zeroizing::new([message, &header.0].concat());
                let cipher = self.key.encrypt(usage, &plaintext, rng);
                [&header.0[..], &cipher].concat()
            }
            Protection::Integrity => {
                let header = Header::new(WRAP_ID, flags, number);
                let checksum = self.checksum(usage, message, header);
                let header = header.with_ec(checksum.len() as u16);
                [&header.0[..], message, &checksum].concat()
            }
        }
    }

    pub(super) fn cfx_unwrap(&mut self, token: &[u8]) -> Result<(Vec<u8>, Protection), GssError> {
        let (header, body) = self.open_header(WRAP_ID, token)?;
        if header.0[3] != 0xff {
            return Err(GssError::BadMessage);
        }
        let usage = self.role.peer().seal_usage();
        let ec = usize::from(header.ec());
        let mut body = body.to_vec();
        if !body.is_empty() {
            let rotation = usize::from(header.rrc()) % body.len();
            body.rotate_left(rotation);
        }
        let (message, protection) = if header.flags() & SEALED != 0 {
            let plaintext = self.key.decrypt(usage, &body).map_err(|_| GssError::BadMessage)?;
            // The copy inside protects every field of the header in front but the rotation.
            let (message, copy) =
                plaintext.split_last_chunk::<HEADER>().ok_or(GssError::BadMessage)?;
            if *copy != header.with_rrc(0).0 {
                return Err(GssError::BadMessage);
            }
            let end = message.len().checked_sub(ec).ok_or(GssError::BadMessage)?;
            (message[..end].to_vec(), Protection::Confidentiality)
        } else {
            let end = body.len().checked_sub(ec).ok_or(GssError::BadMessage)?;
            let signed_header = header.with_ec(0).with_rrc(0);
            self.verify(usage, &body[..end], signed_header, &body[end..])?;
            body.truncate(end);
            (body, Protection::Integrity)
        };
        self.received.accept(header.sequence_number())?;
        Ok((message, protection))
    }

    fn flags_to_send(&self) -> u8 {
        let sender = if self.role == Role::Acceptor { SENT_BY_ACCEPTOR } else { 0 };
        let subkey = if self.acceptor_subkey { ACCEPTOR_SUBKEY } else { 0 };
        sender | subkey
    }

    /// Splits a token of the peer. One that we sent ourselves, or that is protected with another
    /// of the context's keys than the one agreed on, is refused. Unknown flags are ignored, as RFC
    /// 4121 section 4.2.2 demands; they are covered by the protection.
    fn open_header<'a>(
        &self,
        id: [u8; 2],
        token: &'a [u8],
    ) -> Result<(Header, &'a [u8]), GssError> {
        let (header, body) = token.split_first_chunk().ok_or(GssError::BadMessage)?;
        let header = Header(*header);
        if header.0[..2] != id {
            return Err(GssError::UnexpectedToken);
        }
        let from_acceptor = header.flags() & SENT_BY_ACCEPTOR != 0;
        let acceptor_subkey = header.flags() & ACCEPTOR_SUBKEY != 0;
        if from_acceptor == (self.role == Role::Acceptor) || acceptor_subkey != self.acceptor_subkey
        {
            return Err(GssError::BadMessage);
        }
        Ok((header, body))
    }

    /// Both kinds of signature are over the message and then the header (RFC 4121 section 4.2.4).
    fn checksum(&self, usage: KeyUsage, message: &[u8], header: Header) -> Vec<u8> {
        self.key.checksum(usage, &[message, &header.0].concat())
    }

    fn verify(
        &self,
        usage: KeyUsage,
        message: &[u8],
        header: Header,
        checksum: &[u8],
    ) -> Result<(), GssError> {
        let data = [message, &header.0].concat();
        self.key
            .verify_checksum(usage, self.key.checksum_type(), &data, checksum)
            .map_err(|_| GssError::BadMessage)
    }
}

impl Role {
    /// RFC 4121 section 2.
    const fn sign_usage(self) -> KeyUsage {
        match self {
            Self::Initiator => KeyUsage::INITIATOR_SIGN,
            Self::Acceptor => KeyUsage::ACCEPTOR_SIGN,
        }
    }

    /// RFC 4121 section 2: of Wrap tokens, encrypted or not.
    const fn seal_usage(self) -> KeyUsage {
        match self {
            Self::Initiator => KeyUsage::INITIATOR_SEAL,
            Self::Acceptor => KeyUsage::ACCEPTOR_SEAL,
        }
    }
}

#[cfg(test)]
mod tests;
