//! User-to-user (draft-swift-win2k-krb-user2user, MS-KILE 3.1.5.2): the service has no key of its
//! own but a TGT, and the client needs that TGT to get a ticket for it.
//!
//! The client sends a [`TgtRequest`], the service answers with [`tgt_reply`], the client asks its
//! KDC ([`TgsGoal::UserToUser`](crate::exchange::TgsGoal::UserToUser)) and goes on
//! with an [`Initiator`](super::Initiator) that has
//! [`user_to_user`](super::InitiatorOptions::user_to_user).

use alloc::vec::Vec;

use super::token::{TokenId, frame_message, unframe_message};
use super::{GssError, Oid};
use crate::asn1::{KerbTgtReply, KerbTgtRequest};
use crate::der::{self, Encoded, Int, KerberosString};
use crate::{Credential, Name};

/// A client's question for the service's TGT, and what it knows of the service.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct TgtRequest {
    /// The service's name.
    pub server: Option<Name>,
    /// The service's realm.
    pub realm: Option<Vec<u8>>,
}

impl TgtRequest {
    /// The token.
    #[must_use]
    pub fn to_token(&self) -> Vec<u8> {
        let message = der::encode(&KerbTgtRequest {
            pvno: Int,
            msg_type: Int,
            server_name: self.server.as_ref().map(Into::into),
            realm: self.realm.as_deref().map(KerberosString),
        });
        frame_message(Oid::KRB5_USER_TO_USER, TokenId::TGT_REQUEST, &message)
    }

    /// Reads the token.
    ///
    /// # Errors
    /// Those of a malformed or misplaced token.
    pub fn from_token(token: &[u8]) -> Result<Self, GssError> {
        let message = message(token, TokenId::TGT_REQUEST)?;
        let request: KerbTgtRequest<'_> = der::decode(message)?;
        Ok(Self {
            server: request.server_name.map(|name| name.to_name()),
            realm: request.realm.map(|realm| realm.0.to_vec()),
        })
    }
}

/// The service's answer: its TGT, without the session key, which is of no use to anybody else.
///
/// # Errors
/// [`GssError::BadTicket`].
pub fn tgt_reply(tgt: &Credential) -> Result<Vec<u8>, GssError> {
    let ticket = Encoded::from_der(&tgt.ticket).map_err(GssError::BadTicket)?;
    let message = der::encode(&KerbTgtReply { pvno: Int, msg_type: Int, ticket });
    Ok(frame_message(Oid::KRB5_USER_TO_USER, TokenId::TGT_REPLY, &message))
}

/// The service's TGT, DER, out of its answer. Nothing says that it is the service's: the KDC will
/// refuse a ticket for one name with the TGT of another.
///
/// # Errors
/// Those of a malformed or misplaced token.
pub fn ticket_of_tgt_reply(token: &[u8]) -> Result<Vec<u8>, GssError> {
    let reply: KerbTgtReply<'_> = der::decode(message(token, TokenId::TGT_REPLY)?)?;
    Ok(reply.ticket.der().to_vec())
}

fn message(token: &[u8], due: TokenId) -> Result<&[u8], GssError> {
    let (id, message) = unframe_message(Oid::KRB5_USER_TO_USER, token)?;
    if id == due { Ok(message) } else { Err(GssError::UnexpectedToken) }
}

#[cfg(test)]
mod tests;
