use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{AsExchange, Exchange, ExchangeError, Step, TgsExchange, TgsGoal, TicketOptions};
use crate::{Context, Credential, Name};

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
    Service(Box<TgsExchange>),
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

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        match &self.stage {
            Stage::Tgt(exchange) => exchange.realm(),
            Stage::Service(exchange) => exchange.realm(),
        }
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
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
                    let goal = TgsGoal::Service(service);
                    let exchange = TgsExchange::new(Arc::new(tgt), goal, options);
                    self.stage = Stage::Service(Box::new(exchange));
                }
                Ok(Step::Continue)
            }
            Stage::Service(exchange) => exchange.receive(cx, reply),
        }
    }
}
