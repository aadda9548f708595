use alloc::sync::Arc;
use alloc::vec::Vec;

use super::tgs::{PendingTgs, TgsRequest, TicketOptions};
use super::{Exchange, ExchangeError, Request, Step};
use crate::iana::{KdcOptions, PaType, PacOptions};
use crate::preauth::pac_options;
use crate::{Context, Credential, Name};

/// S4U2Proxy within one realm (MS-SFU 3.1.5.2.1): a ticket to another service in the name of the
/// evidence ticket's client.
///
/// Evidence that is not forwardable is sent all the same: with resource-based delegation Windows
/// takes it, so the KDC decides.
#[derive(Clone)]
pub struct S4uProxy {
    tgt: Arc<Credential>,
    evidence: Arc<Credential>,
    target: Name,
    options: TicketOptions,
    pending: Option<PendingTgs>,
}

impl S4uProxy {
    /// Asks with `tgt` for a ticket to `target` in the name of `evidence.client`. The evidence
    /// ticket goes out exactly as it was received.
    #[must_use]
    pub fn new(
        tgt: Arc<Credential>,
        evidence: Arc<Credential>,
        target: Name,
        options: TicketOptions,
    ) -> Self {
        Self { tgt, evidence, target, options, pending: None }
    }

    fn tgs_request(&self) -> TgsRequest<'_> {
        TgsRequest {
            tgt: &self.tgt,
            server: &self.target,
            kdc_options: KdcOptions::CNAME_IN_ADDL_TKT,
            ticket: &self.options,
            additional_ticket: Some(&self.evidence.ticket),
        }
    }
}

impl Exchange for S4uProxy {
    type Output = Credential;

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Request, ExchangeError> {
        let (request, pending) = self.tgs_request().build(cx, |_, _| {
            let options = PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION;
            Ok(Vec::from([(PaType::PAC_OPTIONS, pac_options(options))]))
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
        let client = &self.evidence.client;
        let (credential, _) = self.tgs_request().verify(&pending, client, reply, cx)?;
        Ok(Step::Done(credential))
    }
}
