use alloc::vec::Vec;

use super::super::acceptor::krb_error;
use super::super::{Acceptor, AcceptorOptions, GssError, Oid};
use super::{Conversation, Proxy, RealmForm};
use crate::asn1::{AsReq, TgsReq};
use crate::der;
use crate::iana::ErrorCode;
use crate::{Context, Principal, Timestamp};

/// The service's side: a proxy until the client logs in.
#[derive(Default)]
pub struct IakerbAcceptor {
    pub(super) conversation: Conversation,
    /// Whose KDC's answer is due, and how the client wrote it.
    awaited: Option<(Vec<u8>, RealmForm)>,
}

/// What is to be done with a client's token.
#[derive(Debug)]
pub enum IakerbStep {
    /// Send this AS-REQ or TGS-REQ to a KDC of the realm, and take the answer to
    /// [`IakerbAcceptor::relay`].
    Ask {
        /// Whose KDC; the client chooses it, and nobody has authenticated the client.
        realm: Vec<u8>,
        /// The message.
        message: Vec<u8>,
    },
    /// The client has logged in; the answer goes to it.
    Done(Acceptor, Option<Vec<u8>>),
}

impl IakerbAcceptor {
    /// Takes a token of the client. What is no request to a KDC is not passed on.
    ///
    /// # Errors
    /// Those of [`Acceptor::accept`], [`GssError::IakerbFinished`] and
    /// [`GssError::IakerbTooLong`].
    pub fn step(
        &mut self,
        token: &[u8],
        options: &AcceptorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<IakerbStep, GssError> {
        if self.awaited.is_some() {
            return Err(GssError::NegotiationOutOfStep);
        }
        let Some(proxy) = Proxy::from_token(token)? else {
            let conversation = self.conversation.octets();
            let (acceptor, answer) =
                Acceptor::accept_for(Oid::IAKERB, conversation, token, options, cx)?;
            return Ok(IakerbStep::Done(acceptor, answer));
        };
        if der::decode::<AsReq<'_>>(proxy.message).is_err() {
            der::decode::<TgsReq<'_>>(proxy.message)?;
        }
        self.conversation.add(token)?;
        let realm = proxy.realm.octets().to_vec();
        self.awaited = Some((realm.clone(), RealmForm::of(&proxy.realm)));
        Ok(IakerbStep::Ask { realm, message: proxy.message.to_vec() })
    }

    /// Makes a token of the KDC's answer; `None` if there is none.
    ///
    /// # Errors
    /// [`GssError::NegotiationOutOfStep`] if none is due, [`GssError::IakerbTooLong`].
    pub fn relay(&mut self, answer: Option<&[u8]>, now: Timestamp) -> Result<Vec<u8>, GssError> {
        let (realm, form) = self.awaited.take().ok_or(GssError::NegotiationOutOfStep)?;
        let silence;
        let message = match answer {
            Some(answer) => answer,
            None => {
                let krbtgt = Principal::krbtgt(&realm);
                silence = krb_error(ErrorCode::IAKERB_KDC_NO_RESPONSE, &krbtgt, now);
                &silence
            }
        };
        let token = Proxy { realm: form.write(&realm), cookie: None, message }.to_token(false);
        self.conversation.add(&token)?;
        Ok(token)
    }
}
