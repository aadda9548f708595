use alloc::sync::Arc;
use alloc::vec::Vec;

use super::ExchangeError;
use super::mechanism::Padata;
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
    pub(super) fn new(ticket: Arc<Credential>) -> Self {
        Self { ticket, options: FastOptions::NONE, armor: None }
    }

    pub(super) fn hiding_client(mut self) -> Self {
        self.options |= FastOptions::HIDE_CLIENT_NAMES;
        self
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
        if self.armor.is_some() {
            return Ok(false);
        }
        if !self.ticket.server.is_same(&Principal::krbtgt(realm)) {
            let what = "the armor is not a ticket-granting ticket of the client's realm";
            return Err(ExchangeError::OwnTicket(what));
        }
        self.armor = Some(ArmorTicket::new(self.ticket.clone(), cx)?);
        Ok(true)
    }

    /// The padata that stand outside, with everything else sealed in them.
    pub(super) fn seal(
        &self,
        padata: &Padata,
        body: &[u8],
        outer_body: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Padata, ExchangeError> {
        let armor = self.armor.as_ref().ok_or(ExchangeError::OwnTicket("there is no armor key"))?;
        let request = RequestToSeal {
            armor_key: armor.key(),
            armor: Some(&armor.ap_request(cx)?),
            bound_to: outer_body,
            options: self.options,
            padata: &borrow_padata(padata),
            body,
        };
        Ok(Vec::from([(PaType::FX_FAST, seal_request(&request, cx.rng)?)]))
    }
}
