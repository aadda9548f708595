use alloc::boxed::Box;
use alloc::vec::Vec;

use super::super::{GssError, Initiator, InitiatorOptions, Oid};
use super::{Conversation, IakerbDialect, IakerbError, Proxy};
use crate::crypto::Key;
use crate::exchange::{Exchange, Step};
use crate::{Context, Credential};

/// The client's side: an exchange with KDCs, whose every message goes through the service, and then
/// a login with the ticket that comes of it.
pub struct IakerbInitiator {
    conversation: Conversation,
    dialect: IakerbDialect,
    state: State,
}

enum State {
    Exchanging(Box<dyn Exchange<Output = Credential> + Send>),
    Login(Initiator),
    Failed,
}

impl IakerbInitiator {
    /// Starts an exchange that yields a ticket for the service, such as
    /// [`Login`](crate::exchange::Login); returns the first token. `dialect` is what the service
    /// speaks.
    ///
    /// # Errors
    /// [`IakerbError::Exchange`] if the exchange cannot start.
    pub fn new(
        exchange: Box<dyn Exchange<Output = Credential> + Send>,
        dialect: IakerbDialect,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Vec<u8>), IakerbError> {
        let mut this =
            Self { conversation: Conversation::default(), dialect, state: State::Failed };
        let token = this.ask(exchange, None, cx)?;
        Ok((this, token))
    }

    /// Takes the service's token. `Some` is a token to be sent to it, also when the context
    /// [is complete](Self::is_complete) on this side; `None` means that it is complete. `options`
    /// are those of the login.
    ///
    /// # Errors
    /// [`IakerbError`]; after one the context is of no further use.
    pub fn step(
        &mut self,
        token: &[u8],
        options: &InitiatorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Option<Vec<u8>>, IakerbError> {
        match core::mem::replace(&mut self.state, State::Failed) {
            State::Exchanging(exchange) => self.exchange(exchange, token, options, cx).map(Some),
            State::Login(mut initiator) => {
                let complete = initiator.is_complete();
                let result = initiator.step(token);
                if result.is_ok() || complete {
                    self.state = State::Login(initiator);
                }
                result.map(|()| None).map_err(IakerbError::Gss)
            }
            State::Failed => Err(IakerbError::Gss(GssError::NotEstablished)),
        }
    }

    fn exchange(
        &mut self,
        mut exchange: Box<dyn Exchange<Output = Credential> + Send>,
        token: &[u8],
        options: &InitiatorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Vec<u8>, IakerbError> {
        let proxy = Proxy::from_token(token)?.ok_or(GssError::UnexpectedToken)?;
        self.conversation.add(token)?;
        match exchange.receive(cx, proxy.message).map_err(IakerbError::Exchange)? {
            Step::Continue => self.ask(exchange, proxy.cookie, cx),
            Step::Done(credential) => {
                let conversation = self.conversation.bound(self.dialect);
                let bind = |subkey: &Key| conversation.map(|c| c.finished(subkey));
                let (login, token) = Initiator::start(Oid::IAKERB, bind, &credential, options, cx)?;
                self.state = State::Login(login);
                Ok(token)
            }
        }
    }

    fn ask(
        &mut self,
        mut exchange: Box<dyn Exchange<Output = Credential> + Send>,
        cookie: Option<&[u8]>,
        cx: &mut Context<'_>,
    ) -> Result<Vec<u8>, IakerbError> {
        let message = exchange.request(cx).map_err(IakerbError::Exchange)?;
        let realm = self.dialect.write(exchange.realm().map_err(IakerbError::Exchange)?);
        let proxy = Proxy { realm, cookie, message: &message };
        let token = proxy.to_token(self.conversation.octets.is_empty());
        self.conversation.add(&token)?;
        self.state = State::Exchanging(exchange);
        Ok(token)
    }

    /// The login that follows the exchange.
    #[must_use]
    pub const fn login(&self) -> Option<&Initiator> {
        match &self.state {
            State::Login(login) => Some(login),
            _ => None,
        }
    }

    /// The login that follows the exchange.
    #[must_use]
    pub const fn login_mut(&mut self) -> Option<&mut Initiator> {
        match &mut self.state {
            State::Login(login) => Some(login),
            _ => None,
        }
    }

    /// Is the context established, and the service's identity proven if that was asked for?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.login().is_some_and(Initiator::is_complete)
    }
}
