use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::tgs::{PendingTgs, TgsRequest, TicketOptions};
use super::{AsExchange, Exchange, ExchangeError, Request, Step};
use crate::iana::KdcOptions;
use crate::{Context, Credential, Name};

/// The plain TGS exchange within one realm (RFC 4120 section 3.3): a ticket of the TGT's client for
/// a service. A referral to another realm is refused: it is a ticket for something else.
#[derive(Clone)]
pub struct ServiceTicket {
    tgt: Arc<Credential>,
    service: Name,
    options: TicketOptions,
    service_tgt: Option<Vec<u8>>,
    pending: Option<PendingTgs>,
}

impl ServiceTicket {
    /// Asks with `tgt` for a ticket to `service`.
    #[must_use]
    pub const fn new(tgt: Arc<Credential>, service: Name, options: TicketOptions) -> Self {
        Self { tgt, service, options, service_tgt: None, pending: None }
    }

    /// Asks for a ticket that is encrypted with the session key of this TGT of the service, DER
    /// (user-to-user, RFC 4120 section 3.7). The KDC sees to it that it is the service's.
    #[must_use]
    pub fn user_to_user(self, service_tgt: Vec<u8>) -> Self {
        Self { service_tgt: Some(service_tgt), ..self }
    }

    fn tgs_request(&self) -> TgsRequest<'_> {
        TgsRequest {
            tgt: &self.tgt,
            server: &self.service,
            kdc_options: match self.service_tgt {
                Some(_) => KdcOptions::ENC_TKT_IN_SKEY,
                None => KdcOptions::NONE,
            },
            ticket: &self.options,
            additional_ticket: self.service_tgt.as_deref(),
        }
    }
}

impl Exchange for ServiceTicket {
    type Output = Credential;

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Request, ExchangeError> {
        let (request, pending) = self.tgs_request().build(cx, |_, _| Ok(Vec::new()))?;
        self.pending = Some(pending);
        Ok(request)
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        let pending = self.pending.take().ok_or(ExchangeError::TooManyRounds)?;
        let (credential, _) = self.tgs_request().verify(&pending, &self.tgt.client, reply, cx)?;
        Ok(Step::Done(credential))
    }
}

/// A TGT, and with it a ticket for a service: all that a login needs, in one exchange.
#[derive(Clone)]
pub struct Login {
    service: Name,
    options: TicketOptions,
    stage: Stage,
}

#[derive(Clone)]
enum Stage {
    Tgt(Box<AsExchange>),
    Service(Box<ServiceTicket>),
}

impl Login {
    /// Goes through `tgt`, then asks for a ticket to `service`.
    #[must_use]
    pub fn new(tgt: AsExchange, service: Name, options: TicketOptions) -> Self {
        Self { service, options, stage: Stage::Tgt(Box::new(tgt)) }
    }
}

impl Exchange for Login {
    type Output = Credential;

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Request, ExchangeError> {
        match &mut self.stage {
            Stage::Tgt(exchange) => exchange.request(cx),
            Stage::Service(exchange) => exchange.request(cx),
        }
    }

    fn receive(
        &mut self,
        cx: &Context<'_>,
        reply: &[u8],
    ) -> Result<Step<Credential>, ExchangeError> {
        match &mut self.stage {
            Stage::Tgt(exchange) => {
                if let Step::Done(tgt) = exchange.receive(cx, reply)? {
                    let (service, options) = (self.service.clone(), self.options.clone());
                    let exchange = ServiceTicket::new(Arc::new(tgt), service, options);
                    self.stage = Stage::Service(Box::new(exchange));
                }
                Ok(Step::Continue)
            }
            Stage::Service(exchange) => exchange.receive(cx, reply),
        }
    }
}
