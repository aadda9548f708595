use alloc::sync::Arc;
use alloc::vec::Vec;

use super::mechanism::Padata;
use super::{ExchangeError, OwnTicketError};
use crate::crypto::Key;
use crate::iana::{FastOptions, PaType};
use crate::preauth::borrow_padata;
use crate::preauth::fast::{ArmorTicket, RequestToSeal, seal_request};
use crate::{Context, Credential, Principal};

/// FAST around an AS exchange.
#[derive(Clone)]
pub(super) struct AsArmor {
    ticket: Arc<Credential>,
    options: FastOptions,
    /// Made with the first request.
    armor: Option<ArmorTicket>,
}

impl AsArmor {
    pub(super) fn new(ticket: Arc<Credential>, options: FastOptions) -> Self {
        Self { ticket, options, armor: None }
    }

    pub(super) fn hides_client(&self) -> bool {
        self.options.contains(FastOptions::HIDE_CLIENT_NAMES)
    }

    /// The armor key, once there has been a request.
    pub(super) fn key(&self) -> Option<&Key> {
        self.armor.as_ref().map(ArmorTicket::key)
    }

    /// Makes the armor key, which stays for the whole exchange. `false` if it was made before.
    pub(super) fn begin(
        &mut self,
        realm: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<bool, ExchangeError> {
        let begins = self.armor.is_none();
        self.begun(realm, cx)?;
        Ok(begins)
    }

    fn begun(&mut self, realm: &[u8], cx: &mut Context<'_>) -> Result<&ArmorTicket, ExchangeError> {
        if self.armor.is_none() && !self.ticket.server.is_same(&Principal::krbtgt(realm)) {
            return Err(OwnTicketError::NotOfTheRealm.into());
        }
        Ok(match &mut self.armor {
            Some(armor) => armor,
            none => none.insert(
                ArmorTicket::new(self.ticket.clone(), cx).map_err(OwnTicketError::SessionKey)?,
            ),
        })
    }

    /// The padata that stand outside, with everything else sealed in them.
    pub(super) fn seal(
        &mut self,
        realm: &[u8],
        padata: &Padata,
        body: &[u8],
        outer_body: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Padata, ExchangeError> {
        let options = self.options;
        let armor = self.begun(realm, cx)?;
        let ap_request = armor.ap_request(cx).map_err(OwnTicketError::Malformed)?;
        let request = RequestToSeal {
            armor_key: armor.key(),
            armor: Some(&ap_request),
            bound_to: outer_body,
            options,
            padata: &borrow_padata(padata),
            body,
        };
        let sealed = seal_request(&request, cx.rng).map_err(ExchangeError::OwnRequest)?;
        Ok(Vec::from([(PaType::FX_FAST, sealed)]))
    }
}
