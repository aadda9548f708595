//! Per-message tokens: of RFC 4121 section 4.2, or of RFC 4757 section 7 where the context key is
//! one of RC4.

use alloc::vec::Vec;

use super::context::Role;
use super::{GssError, SecurityContext};
use crate::Random;
use crate::iana::EncType;

/// What a Wrap token does for its message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protection {
    /// Signed.
    Integrity,
    /// Signed and encrypted.
    Confidentiality,
}

impl SecurityContext {
    /// Signs a message that travels elsewhere (GSS_GetMIC): the token to be sent beside it.
    #[must_use]
    pub fn get_mic(&mut self, message: &[u8]) -> Vec<u8> {
        if self.has_rc4_tokens() { self.rc4_get_mic(message) } else { self.cfx_get_mic(message) }
    }

    /// Verifies the peer's token for a message that came elsewhere (GSS_VerifyMIC).
    ///
    /// # Errors
    /// [`GssError::UnexpectedToken`] and [`GssError::BadMessage`] for one that is not the peer's
    /// for this message, [`GssError::Malformed`] for the frame of one of RC4,
    /// [`GssError::Sequence`] for one that is out of order.
    pub fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<(), GssError> {
        if self.has_rc4_tokens() {
            self.rc4_verify_mic(message, token)
        } else {
            self.cfx_verify_mic(message, token)
        }
    }

    /// Protects a message (GSS_Wrap): the token to be sent in its place. No rotation is applied.
    #[must_use]
    pub fn wrap(
        &mut self,
        message: &[u8],
        protection: Protection,
        rng: &mut dyn Random,
    ) -> Vec<u8> {
        if self.has_rc4_tokens() {
            self.rc4_wrap(message, protection, rng)
        } else {
            self.cfx_wrap(message, protection, rng)
        }
    }

    /// Takes the peer's protected message out of its token (GSS_Unwrap), whatever its rotation and
    /// filler, and says how it was protected.
    ///
    /// # Errors
    /// As [`Self::verify_mic`].
    pub fn unwrap(&mut self, token: &[u8]) -> Result<(Vec<u8>, Protection), GssError> {
        if self.has_rc4_tokens() { self.rc4_unwrap(token) } else { self.cfx_unwrap(token) }
    }

    fn has_rc4_tokens(&self) -> bool {
        self.key.enctype() == EncType::RC4_HMAC
    }

    pub(super) fn take_sequence_number(&mut self) -> u64 {
        let number = self.next_to_send;
        self.next_to_send = number.wrapping_add(1);
        number
    }
}

impl Role {
    pub(super) const fn peer(self) -> Self {
        match self {
            Self::Initiator => Self::Acceptor,
            Self::Acceptor => Self::Initiator,
        }
    }
}
