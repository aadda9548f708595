use alloc::vec::Vec;

use super::super::acceptor::krb_error;
use super::super::checksum::Extensions;
use super::super::{Acceptor, AcceptorOptions, Oid};
use super::{Conversation, IakerbDialect, IakerbError, Proxy};
use crate::asn1::{AsReq, TgsReq};
use crate::crypto::Key;
use crate::der;
use crate::iana::ErrorCode;
use crate::{Context, Principal, Timestamp};

/// The service's side: a proxy until the client logs in.
#[derive(Default)]
pub struct IakerbAcceptor {
    pub(super) conversation: Conversation,
    awaited: Option<Awaited>,
    /// What the client speaks.
    dialect: IakerbDialect,
}

/// What the client waits for.
enum Awaited {
    /// The answer of this realm's KDC.
    Answer(Vec<u8>),
    /// The service's realm.
    Realm,
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
    /// The client does not know its realm and takes the service's: give it to
    /// [`IakerbAcceptor::name_realm`] (MIT krb5 since 1.22).
    AskedForRealm,
    /// The client has logged in; the answer goes to it.
    Done(Acceptor, Option<Vec<u8>>),
}

impl IakerbAcceptor {
    /// Takes a token of the client. What is no request to a KDC is not passed on.
    ///
    /// # Errors
    /// Those of [`Acceptor::accept`], [`IakerbError::Finished`] and
    /// [`IakerbError::TooLong`].
    pub fn step(
        &mut self,
        token: &[u8],
        options: &AcceptorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<IakerbStep, IakerbError> {
        if self.awaited.is_some() {
            return Err(IakerbError::OutOfStep);
        }
        let Some(proxy) = Proxy::from_token(token)? else {
            let conversation = self.conversation.bound(self.dialect);
            let bound = |extensions: Extensions<'_>, subkey: Option<&Key>| match conversation {
                Some(conversation) => conversation.verify(extensions, subkey),
                None => Ok(()),
            };
            let (acceptor, answer) = Acceptor::accept_for(Oid::IAKERB, bound, token, options, cx)?;
            return Ok(IakerbStep::Done(acceptor, answer));
        };
        let (realm, message) = (proxy.realm.octets(), proxy.message);
        let asks_for_realm = realm.is_empty() && message.is_empty();
        if !asks_for_realm && der::decode::<AsReq<'_>>(message).is_err() {
            der::decode::<TgsReq<'_>>(message).map_err(IakerbError::Malformed)?;
        }
        self.conversation.add(token)?;
        self.dialect = IakerbDialect::of(&proxy.realm);
        if asks_for_realm {
            self.awaited = Some(Awaited::Realm);
            return Ok(IakerbStep::AskedForRealm);
        }
        self.awaited = Some(Awaited::Answer(realm.to_vec()));
        Ok(IakerbStep::Ask { realm: realm.to_vec(), message: message.to_vec() })
    }

    /// Makes a token that names the service's realm; `None` if it has none.
    ///
    /// # Errors
    /// [`IakerbError::NotAsked`] if the client has not asked, [`IakerbError::TooLong`].
    pub fn name_realm(
        &mut self,
        realm: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Vec<u8>, IakerbError> {
        let Some(Awaited::Realm) = self.awaited.take() else {
            return Err(IakerbError::NotAsked);
        };
        let message = match realm {
            Some(_) => Vec::new(),
            None => krb_error(ErrorCode::IAKERB_KDC_NOT_FOUND, &Principal::krbtgt(b""), now),
        };
        self.answer(realm.unwrap_or_default(), &message)
    }

    /// Makes a token of the KDC's answer; `None` if there is none.
    ///
    /// # Errors
    /// [`IakerbError::NotAsked`] if none is due, [`IakerbError::TooLong`].
    pub fn relay(&mut self, answer: Option<&[u8]>, now: Timestamp) -> Result<Vec<u8>, IakerbError> {
        let Some(Awaited::Answer(realm)) = self.awaited.take() else {
            return Err(IakerbError::NotAsked);
        };
        match answer {
            Some(answer) => self.answer(&realm, answer),
            None => {
                let krbtgt = Principal::krbtgt(&realm);
                let silence = krb_error(ErrorCode::IAKERB_KDC_NO_RESPONSE, &krbtgt, now);
                self.answer(&realm, &silence)
            }
        }
    }

    fn answer(&mut self, realm: &[u8], message: &[u8]) -> Result<Vec<u8>, IakerbError> {
        let realm = self.dialect.write(realm);
        let token = Proxy { realm, cookie: None, message }.to_token(false);
        self.conversation.add(&token)?;
        Ok(token)
    }
}
