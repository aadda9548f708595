use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Mechanism, Padata, ReplyFacts, RequestFacts};
use crate::asn1::{KrbError, PaData, TypedData};
use crate::crypto::Key;
use crate::der::{self, List};
use crate::exchange::ExchangeError;
use crate::iana::{ErrorCode, PaType};
use crate::pkinit::{KeyUse, Pkinit, PkinitConfig, PkinitError, contribution};
use crate::preauth::find_padata;
use crate::principal::ANONYMOUS_REALM;
use crate::{Context, Principal};

/// PA-PK-AS-REQ (RFC 4556): the client signs, and the reply is encrypted in a key that client and
/// KDC agree on.
#[derive(Clone)]
pub(super) struct PkInit {
    pkinit: Pkinit,
    client: Principal,
}

impl PkInit {
    /// `hints` may hold the KDC's freshness token.
    pub(super) fn new(
        config: Arc<PkinitConfig>,
        client: &Principal,
        hints: List<'_, PaData<'_>>,
    ) -> Self {
        // Keys are derived for nobody of nowhere, whatever realm was asked (as MIT does, RFC 8062).
        let client = match client.is_anonymous() {
            true => Principal::anonymous(ANONYMOUS_REALM),
            false => client.clone(),
        };
        let mut mechanism = Self { pkinit: Pkinit::new(config), client };
        mechanism.take_freshness_token(hints);
        mechanism
    }

    fn take_freshness_token(&mut self, hints: List<'_, PaData<'_>>) -> bool {
        let token = find_padata(hints, PaType::AS_FRESHNESS);
        token.inspect(|token| self.pkinit.set_freshness_token(token)).is_some()
    }
}

impl Mechanism for PkInit {
    fn pa_type(&self) -> PaType {
        PaType::PK_AS_REQ
    }

    fn padata(
        &mut self,
        request: &RequestFacts<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Padata, ExchangeError> {
        let value = self.pkinit.request(request.body, request.nonce, cx)?;
        Ok(Vec::from([(PaType::PK_AS_REQ, value)]))
    }

    /// Another group where the KDC names one, and another token where the first was too old
    /// (RFC 8070 section 2.3).
    fn refusal(
        &mut self,
        error: &KrbError<'_>,
        hints: List<'_, PaData<'_>>,
    ) -> Result<bool, ExchangeError> {
        match error.error_code {
            ErrorCode::DH_KEY_PARAMETERS_NOT_ACCEPTED => {
                self.take_freshness_token(hints);
                let groups = find_padata(hints, PaType::TD_DH_PARAMETERS).or(typed_groups(error));
                groups.map_or(Ok(false), |groups| Ok(self.pkinit.change_group(groups)?))
            }
            ErrorCode::PREAUTH_EXPIRED => Ok(self.take_freshness_token(hints)),
            _ => Ok(false),
        }
    }

    fn reply_key(&mut self, reply: &ReplyFacts<'_>) -> Result<Key, ExchangeError> {
        let pk_as_rep = find_padata(reply.padata, PaType::PK_AS_REP).ok_or(PkinitError::NoReply)?;
        let key = self.pkinit.reply_key(&KeyUse {
            client: &self.client,
            server: reply.server,
            enctype: reply.enctype,
            as_req: reply.request,
            pk_as_rep,
        })?;
        Ok(key)
    }

    /// Nobody's is made of both sides' parts.
    fn session_key(
        &self,
        padata: List<'_, PaData<'_>>,
        reply_key: &Key,
        session_key: &Key,
    ) -> Result<(), ExchangeError> {
        if self.client.is_anonymous() {
            let part = find_padata(padata, PaType::PKINIT_KX);
            contribution::verify(part, reply_key, session_key)?;
        }
        Ok(())
    }
}

/// RFC 4556 section 3.2.2 puts the groups into TYPED-DATA; under FAST they are padata.
fn typed_groups<'a>(error: &KrbError<'a>) -> Option<&'a [u8]> {
    let data: List<'_, TypedData<'_>> = der::decode(error.e_data?).ok()?;
    data.iter().find(|data| data.data_type == PaType::TD_DH_PARAMETERS.0)?.data_value
}
