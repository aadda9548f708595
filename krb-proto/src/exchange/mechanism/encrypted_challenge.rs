use alloc::vec::Vec;

use super::{Mechanism, Padata, ReplyFacts, RequestFacts};
use crate::Context;
use crate::crypto::Key;
use crate::exchange::ExchangeError;
use crate::iana::PaType;
use crate::preauth::fast::{Challenger, FastError, open_challenge, seal_challenge};
use crate::preauth::find_padata;

/// PA-ENCRYPTED-CHALLENGE (RFC 6113 section 5.4.6), inside FAST only: the KDC answers with a
/// challenge of its own, and the reply is encrypted in the client's key.
#[derive(Clone)]
pub(super) struct EncryptedChallenge {
    key: Key,
    armor_key: Key,
}

impl EncryptedChallenge {
    pub(super) fn new(key: Key, armor_key: Key) -> Self {
        Self { key, armor_key }
    }
}

impl Mechanism for EncryptedChallenge {
    fn pa_type(&self) -> PaType {
        PaType::ENCRYPTED_CHALLENGE
    }

    fn padata(
        &mut self,
        _request: &RequestFacts<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Padata, ExchangeError> {
        let now = cx.peer_time();
        let value = seal_challenge(Challenger::Client, &self.armor_key, &self.key, now, cx.rng)
            .map_err(ExchangeError::OwnKey)?;
        Ok(Vec::from([(PaType::ENCRYPTED_CHALLENGE, value)]))
    }

    fn reply_key(&mut self, reply: &ReplyFacts<'_>) -> Result<Key, ExchangeError> {
        let value = find_padata(reply.padata, PaType::ENCRYPTED_CHALLENGE)
            .ok_or(FastError::NoKdcChallenge)?;
        open_challenge(Challenger::Kdc, &self.armor_key, &self.key, value)?;
        Ok(self.key.clone())
    }
}
