//! Per-message tokens under RC4 keys (RFC 4757 section 7, in the form of RFC 1964 section 1.2).
//! Broken as the cipher is, a token is taken only whole: its checksum is what says so.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::context::Role;
use super::token::{frame, unframe};
use super::{GssError, Oid, Protection, SecurityContext};
use crate::Random;
use crate::crypto::{constant_time_eq, rc4_gss_stream};
use crate::iana::KeyUsage;

/// TOK_ID, SGN_ALG (HMAC-MD5), SEAL_ALG (none or RC4) and filler: what the checksum begins with.
const MIC: [u8; 8] = [0x01, 0x01, 0x11, 0x00, 0xff, 0xff, 0xff, 0xff];
const SIGNED: [u8; 8] = [0x02, 0x01, 0x11, 0x00, 0xff, 0xff, 0xff, 0xff];
const SEALED: [u8; 8] = [0x02, 0x01, 0x11, 0x00, 0x10, 0x00, 0xff, 0xff];

/// Octets of SND_SEQ, of SGN_CKSUM and of the confounder.
const FIELD: usize = 8;
/// A message is padded to a multiple of one octet, with one octet that says so.
const PADDING: u8 = 1;

/// The salts of checksums (section 7.2 and 7.3): 15 for GSS_GetMIC, and for GSS_Wrap 13, which key
/// usage 23 stands for.
const MIC_USAGE: KeyUsage = KeyUsage(15);
const WRAP_USAGE: KeyUsage = KeyUsage::ACCEPTOR_SIGN;

/// A token behind its frame.
struct Token<'a> {
    header: [u8; FIELD],
    hidden_number: [u8; FIELD],
    checksum: [u8; FIELD],
    body: &'a [u8],
}

impl<'a> Token<'a> {
    fn read(token: &'a [u8]) -> Result<Self, GssError> {
        let rest = unframe(Oid::KRB5, token)?.rest();
        let read = |rest: &'a [u8]| {
            let (header, rest) = rest.split_first_chunk()?;
            let (hidden_number, rest) = rest.split_first_chunk()?;
            let (checksum, body) = rest.split_first_chunk()?;
            let (header, hidden_number, checksum) = (*header, *hidden_number, *checksum);
            Some(Self { header, hidden_number, checksum, body })
        };
        read(rest).ok_or(GssError::BadMessage)
    }

    fn write(&self) -> Vec<u8> {
        frame(Oid::KRB5, |writer| {
            writer.prepend(self.body);
            writer.prepend(&self.checksum);
            writer.prepend(&self.hidden_number);
            writer.prepend(&self.header);
        })
    }
}

impl SecurityContext {
    pub(super) fn rc4_get_mic(&mut self, message: &[u8]) -> Vec<u8> {
        let checksum = self.rc4_checksum(MIC_USAGE, &MIC, message);
        let number = self.take_sequence_number() as u32;
        let hidden_number = self.rc4_hide(number, self.role, &checksum);
        Token { header: MIC, hidden_number, checksum, body: &[] }.write()
    }

    pub(super) fn rc4_verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<(), GssError> {
        let token = Token::read(token)?;
        if token.header[..2] != MIC[..2] {
            return Err(GssError::UnexpectedToken);
        }
        if token.header != MIC || !token.body.is_empty() {
            return Err(GssError::BadMessage);
        }
        let number = self.rc4_reveal(&token)?;
        self.rc4_verify(MIC_USAGE, &token, message)?;
        Ok(self.received.accept_low_bits(number)?)
    }

    pub(super) fn rc4_wrap(
        &mut self,
        message: &[u8],
        protection: Protection,
        rng: &mut dyn Random,
    ) -> Vec<u8> {
        let mut body = Zeroizing::new(Vec::with_capacity(FIELD + message.len() + 1));
        body.resize(FIELD, 0);
        rng.fill(&mut body);
        body.extend_from_slice(message);
        body.push(PADDING);
        let header = if protection == Protection::Integrity { SIGNED } else { SEALED };
        let checksum = self.rc4_checksum(WRAP_USAGE, &header, &body);
        let number = self.take_sequence_number() as u32;
        if protection == Protection::Confidentiality {
            self.rc4_seal(number, &mut body);
        }
        let hidden_number = self.rc4_hide(number, self.role, &checksum);
        Token { header, hidden_number, checksum, body: &body }.write()
    }

    pub(super) fn rc4_unwrap(&mut self, token: &[u8]) -> Result<(Vec<u8>, Protection), GssError> {
        let token = Token::read(token)?;
        let protection = match token.header {
            SIGNED => Protection::Integrity,
            SEALED => Protection::Confidentiality,
            [a, b, ..] if [a, b] != SIGNED[..2] => return Err(GssError::UnexpectedToken),
            _ => return Err(GssError::BadMessage),
        };
        let number = self.rc4_reveal(&token)?;
        let mut body = Zeroizing::new(token.body.to_vec());
        if protection == Protection::Confidentiality {
            self.rc4_seal(number, &mut body);
        }
        self.rc4_verify(WRAP_USAGE, &token, &body)?;
        let message = match body.get(FIELD..) {
            Some([message @ .., PADDING]) => message.to_vec(),
            _ => return Err(GssError::BadMessage),
        };
        self.received.accept_low_bits(number)?;
        Ok((message, protection))
    }

    /// The first half of HMAC-MD5 over the token's beginning and the message.
    fn rc4_checksum(&self, usage: KeyUsage, header: &[u8; FIELD], message: &[u8]) -> [u8; FIELD] {
        let data = Zeroizing::new([header, message].concat());
        let [a, b, c, d, e, f, g, h, ..] = self.key.hmac_md5(usage, &data);
        [a, b, c, d, e, f, g, h]
    }

    fn rc4_verify(&self, usage: KeyUsage, token: &Token<'_>, body: &[u8]) -> Result<(), GssError> {
        let expected = self.rc4_checksum(usage, &token.header, body);
        if constant_time_eq(&expected, &token.checksum) {
            Ok(())
        } else {
            Err(GssError::BadMessage)
        }
    }

    /// SND_SEQ: the number big-endian, the direction four times, encrypted.
    fn rc4_hide(&self, number: u32, sender: Role, checksum: &[u8; FIELD]) -> [u8; FIELD] {
        let [a, b, c, d] = number.to_be_bytes();
        let direction = direction(sender);
        let mut field = [a, b, c, d, direction, direction, direction, direction];
        rc4_gss_stream(self.key.as_bytes(), 0, checksum, &mut field);
        field
    }

    /// The number of a token of the peer; one that we sent ourselves is refused.
    fn rc4_reveal(&self, token: &Token<'_>) -> Result<u32, GssError> {
        let mut field = token.hidden_number;
        rc4_gss_stream(self.key.as_bytes(), 0, &token.checksum, &mut field);
        let [a, b, c, d, sender @ ..] = field;
        if sender != [direction(self.role.peer()); 4] {
            return Err(GssError::BadMessage);
        }
        Ok(u32::from_be_bytes([a, b, c, d]))
    }

    /// Encrypts and decrypts, with the key's every octet changed by 0xf0 and the number as salt.
    fn rc4_seal(&self, number: u32, body: &mut [u8]) {
        rc4_gss_stream(self.key.as_bytes(), 0xf0, &number.to_be_bytes(), body);
    }
}

const fn direction(sender: Role) -> u8 {
    match sender {
        Role::Initiator => 0,
        Role::Acceptor => 0xff,
    }
}

#[cfg(test)]
mod tests;
