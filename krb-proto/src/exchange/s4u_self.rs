use alloc::sync::Arc;
use alloc::vec::Vec;

use super::tgs::{PendingTgs, TgsRequest, TicketOptions};
use super::{Exchange, ExchangeError, Mismatch, Request, Step};
use crate::iana::{KdcOptions, PaType, PacOptions};
use crate::preauth::{for_user, pac_options, s4u_x509_user, verify_s4u_x509_user_reply};
use crate::{Context, Credential, Name, Principal};

/// S4U2Self by name within one realm (MS-SFU 3.1.5.1.1): a ticket to ourselves in a user's name.
///
/// The user is named twice, by PA-FOR-USER (which Samba and Heimdal read) and PA-S4U-X509-USER
/// (which MIT and Windows prefer), always the same name in both. What comes back names who was
/// *sent*; only the PAC says which account the KDC found ([`super::open_ticket`]).
#[derive(Clone)]
pub struct S4uSelf {
    tgt: Arc<Credential>,
    user: Principal,
    service: Name,
    options: TicketOptions,
    pending: Option<PendingTgs>,
}

impl S4uSelf {
    /// Asks with `tgt` for a ticket to `service`, which is the TGT's own account (by its account
    /// name or one of its SPNs), in the name of `user`.
    #[must_use]
    pub fn new(
        tgt: Arc<Credential>,
        user: Principal,
        service: Name,
        options: TicketOptions,
    ) -> Self {
        Self { tgt, user, service, options, pending: None }
    }

    fn tgs_request(&self) -> TgsRequest<'_> {
        TgsRequest {
            tgt: &self.tgt,
            server: &self.service,
            kdc_options: KdcOptions::NONE,
            ticket: &self.options,
            additional_ticket: None,
        }
    }
}

impl Exchange for S4uSelf {
    type Output = Credential;

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Request, ExchangeError> {
        let (request, pending) = self.tgs_request().build(cx, |nonce, subkey| {
            Ok(Vec::from([
                (PaType::FOR_USER, for_user(&self.user, &self.tgt.session_key)),
                (PaType::S4U_X509_USER, s4u_x509_user(&self.user, nonce, subkey)?),
                (
                    PaType::PAC_OPTIONS,
                    pac_options(PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION),
                ),
            ]))
        })?;
        self.pending = Some(pending);
        Ok(request)
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        let pending = self.pending.take().ok_or(ExchangeError::TooManyRounds)?;
        let (credential, padata) = self.tgs_request().verify(&pending, &self.user, reply, cx)?;
        for (padata_type, value) in &padata {
            if *padata_type == PaType::S4U_X509_USER {
                verify_s4u_x509_user_reply(value, &self.user, pending.nonce, &pending.subkey)
                    .map_err(|error| ExchangeError::Mismatch(Mismatch::S4uUser(error)))?;
            }
        }
        Ok(Step::Done(credential))
    }
}
