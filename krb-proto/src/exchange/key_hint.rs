use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{AsExchange, ClientSecret, Exchange, ExchangeError, Step, TicketOptions};
use crate::iana::EncType;
use crate::preauth::KeyHint;
use crate::{Context, Credential, Principal};

/// Asks a KDC how it makes the account's key of one enctype of its password: salt and parameters.
///
/// It is the first half of a login, in which nothing is proven, so no KDC counts it as a try at the
/// password. What it says is not authenticated unless there is armor; it is good for making a key
/// that something else then proves right or wrong, such as a ticket that it opens.
#[derive(Clone)]
pub struct KeyHintExchange(AsExchange);

impl KeyHintExchange {
    /// Asks for the key of `account`.
    #[must_use]
    pub fn new(account: Principal, enctype: EncType) -> Self {
        let options = TicketOptions { enctypes: Vec::from([enctype]), ..TicketOptions::default() };
        Self(AsExchange::new(account, ClientSecret::Keys(Vec::new()), options))
    }

    /// With FAST, as [`AsExchange::armored`].
    #[must_use]
    pub fn armored(self, ticket: Arc<Credential>) -> Self {
        Self(self.0.armored(ticket))
    }
}

impl Exchange for KeyHintExchange {
    type Output = KeyHint;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        self.0.realm()
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        self.0.request(cx)
    }

    fn receive(&mut self, cx: &Context<'_>, reply: &[u8]) -> Result<Step<KeyHint>, ExchangeError> {
        let outcome = self.0.receive(cx, reply);
        // Without a key the login goes no further, which is no failure here.
        match (self.0.key_hint(), outcome) {
            (Some(hint), _) => Ok(Step::Done(hint.clone())),
            (None, Ok(_)) => Ok(Step::Continue),
            (None, Err(error)) => Err(error),
        }
    }
}
