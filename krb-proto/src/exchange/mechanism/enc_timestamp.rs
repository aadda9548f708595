use alloc::vec::Vec;

use super::{Mechanism, Padata, ReplyFacts, RequestFacts};
use crate::Context;
use crate::crypto::Key;
use crate::exchange::ExchangeError;
use crate::iana::PaType;
use crate::preauth::enc_timestamp;

/// PA-ENC-TIMESTAMP (RFC 4120 section 5.2.7.2): the reply is encrypted in the client's key.
#[derive(Clone)]
pub(super) struct EncTimestamp {
    key: Key,
}

impl EncTimestamp {
    pub(super) fn new(key: Key) -> Self {
        Self { key }
    }
}

impl Mechanism for EncTimestamp {
    fn pa_type(&self) -> PaType {
        PaType::ENC_TIMESTAMP
    }

    fn padata(
        &mut self,
        _request: &RequestFacts<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Padata, ExchangeError> {
        Ok(Vec::from([(PaType::ENC_TIMESTAMP, enc_timestamp(&self.key, cx))]))
    }

    fn reply_key(&mut self, _reply: &ReplyFacts<'_>) -> Result<Key, ExchangeError> {
        Ok(self.key.clone())
    }
}
