use alloc::sync::Arc;
use alloc::vec::Vec;

use super::mechanism::Padata;
use super::{ExchangeError, OwnTicketError};
use crate::crypto::Key;
use crate::iana::FastOptions;
use crate::preauth::borrow_padata;
use crate::preauth::fast::{
    ArmorTicket, RequestToSeal, armor_key, explicit_tgs_armor_key, seal_request,
};
use crate::{Context, Credential};

/// FAST (RFC 6113 section 5.4) in a TGS exchange.
#[derive(Clone, Debug, Default)]
pub enum TgsArmor {
    /// None.
    #[default]
    Off,
    /// The ticket that the request is made with armors it.
    Implicit,
    /// Another ticket-granting ticket of the realm armors it as well, such as the host's, so that
    /// the KDC knows both. Samba's KDC takes it, MIT's permits none.
    Explicit(Arc<Credential>),
}

/// The armor of one TGS-REQ.
pub(super) struct Armor {
    pub(super) key: Key,
    explicit: Option<ArmorTicket>,
}

impl Armor {
    pub(super) fn new(
        wanted: &TgsArmor,
        subkey: &Key,
        session_key: &Key,
        cx: &mut Context<'_>,
    ) -> Result<Option<Self>, ExchangeError> {
        Ok(match wanted {
            TgsArmor::Off => None,
            TgsArmor::Implicit => Some(Self {
                key: armor_key(subkey, session_key).map_err(ExchangeError::OwnKey)?,
                explicit: None,
            }),
            TgsArmor::Explicit(ticket) => {
                let armor =
                    ArmorTicket::new(ticket.clone(), cx).map_err(OwnTicketError::SessionKey)?;
                let key =
                    explicit_tgs_armor_key(armor.key(), subkey).map_err(ExchangeError::OwnKey)?;
                Some(Self { key, explicit: Some(armor) })
            }
        })
    }

    /// PA-FX-FAST, with everything but PA-TGS-REQ in it.
    pub(super) fn seal(
        &self,
        ap_req: &[u8],
        padata: &Padata,
        body: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Vec<u8>, ExchangeError> {
        let armor = self.explicit.as_ref().map(|armor| armor.ap_request(cx)).transpose();
        let armor = armor.map_err(OwnTicketError::Malformed)?;
        let request = RequestToSeal {
            armor_key: &self.key,
            armor: armor.as_deref(),
            bound_to: ap_req,
            options: FastOptions::NONE,
            padata: &borrow_padata(padata),
            body,
        };
        seal_request(&request, cx.rng).map_err(ExchangeError::OwnRequest)
    }
}
