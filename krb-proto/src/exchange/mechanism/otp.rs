use alloc::vec::Vec;

use super::{Mechanism, Padata, ReplyFacts, RequestFacts};
use crate::Context;
use crate::crypto::Key;
use crate::exchange::ExchangeError;
use crate::iana::PaType;
use crate::preauth::{OneTimePassword, otp_lacks_pin, otp_request};

/// A one-time password (RFC 6560), inside FAST only: the reply is encrypted in the armor key.
#[derive(Clone)]
pub(super) struct Otp {
    otp: OneTimePassword,
    armor_key: Key,
    challenge: Vec<u8>,
}

impl Otp {
    pub(super) fn new(otp: OneTimePassword, armor_key: Key, challenge: &[u8]) -> Self {
        Self { otp, armor_key, challenge: challenge.to_vec() }
    }
}

impl Mechanism for Otp {
    fn pa_type(&self) -> PaType {
        PaType::OTP_CHALLENGE
    }

    fn padata(
        &mut self,
        _request: &RequestFacts<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Padata, ExchangeError> {
        let value = otp_request(&self.challenge, &self.otp, &self.armor_key, cx.rng)
            .map_err(ExchangeError::Malformed)?;
        let value = value.ok_or_else(|| match otp_lacks_pin(&self.challenge, &self.otp) {
            true => ExchangeError::PinWanted,
            false => ExchangeError::NoCommonMechanism,
        })?;
        Ok(Vec::from([(PaType::OTP_REQUEST, value.to_vec())]))
    }

    fn reply_key(&mut self, _reply: &ReplyFacts<'_>) -> Result<Key, ExchangeError> {
        Ok(self.armor_key.clone())
    }
}
