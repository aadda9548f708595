use alloc::vec::Vec;

use super::SpnegoError;
use super::token::{NegState, NegTokenInit, NegTokenResp};
use crate::crypto::Key;
use crate::der::{self, Encoded, List};
use crate::gss::{Initiator, InitiatorOptions, Oid, SecurityContext, refusal};
use crate::{Context, Credential};

/// What is offered, the one that acceptors look at first in front: MIT, Heimdal, Samba and Windows
/// all take Kerberos by its own number.
const OFFER: &[Oid<'_>] = &[Oid::KRB5, Oid::MS_KRB5];

/// The DER of the offer: what the mechListMIC signs (RFC 4178 section 5).
fn offered() -> Vec<u8> {
    der::encode(&List::of(OFFER))
}

/// The client's side of a negotiation that offers Kerberos and nothing else.
#[derive(Debug)]
pub struct SpnegoInitiator {
    mechanism: Initiator,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    AwaitingFirstReply,
    AwaitingMic,
    Complete,
    Failed,
}

impl SpnegoInitiator {
    /// Starts a negotiation; returns the first token, which carries the mechanism's own first
    /// token with it.
    ///
    /// # Errors
    /// As [`Initiator::new`].
    pub fn new(
        credential: &Credential,
        options: &InitiatorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(Self, Vec<u8>), SpnegoError> {
        let (mechanism, mech_token) = Initiator::new(credential, options, cx)?;
        let mech_types = offered();
        let token = NegTokenInit {
            mech_types: Encoded::from_der(&mech_types)?,
            req_flags: None,
            mech_token: Some(&mech_token),
            mech_list_mic: None,
        }
        .to_token();
        Ok((Self { mechanism, state: State::AwaitingFirstReply }, token))
    }

    /// Takes the service's answer. `Some` is a token to be sent to it, also when the negotiation
    /// [is complete](Self::is_complete) on this side; `None` means that it is complete.
    ///
    /// # Errors
    /// Those of [`Initiator::step`]; [`SpnegoError::Rejected`]; and what the peer did wrong in the
    /// negotiation. After an error the negotiation is of no further use.
    pub fn step(&mut self, token: &[u8]) -> Result<Option<Vec<u8>>, SpnegoError> {
        let (state, answer) = match core::mem::replace(&mut self.state, State::Failed) {
            State::AwaitingFirstReply => self.first_reply(token)?,
            State::AwaitingMic => (self.last_reply(token)?, None),
            State::Failed => return Err(SpnegoError::Failed),
            State::Complete => {
                self.state = State::Complete;
                return Err(SpnegoError::Complete);
            }
        };
        self.state = state;
        Ok(answer)
    }

    /// RFC 4178 section 5: the MIC is optional, as Kerberos is the first choice of both sides. It
    /// becomes due when the acceptor, having all it needs, says that it is not done.
    fn first_reply(&mut self, token: &[u8]) -> Result<(State, Option<Vec<u8>>), SpnegoError> {
        let resp = read(token)?;
        if resp.supported_mech.is_some_and(|chosen| !OFFER.contains(&chosen)) {
            return Err(SpnegoError::NoCommonMechanism);
        }
        if let Some(token) = resp.response_token {
            if self.mechanism.is_complete() {
                return Err(SpnegoError::OutOfStep);
            }
            self.mechanism.step(token)?;
        }
        let mic_verified = self.verify_mic(&resp)?;
        match resp.neg_state.ok_or(SpnegoError::OutOfStep)? {
            NegState::ACCEPT_COMPLETED => Ok((State::Complete, None)),
            NegState::ACCEPT_INCOMPLETE | NegState::REQUEST_MIC if mic_verified => {
                Ok((State::Complete, Some(self.signed(NegState::ACCEPT_COMPLETED)?)))
            }
            NegState::ACCEPT_INCOMPLETE | NegState::REQUEST_MIC => {
                Ok((State::AwaitingMic, Some(self.signed(NegState::ACCEPT_INCOMPLETE)?)))
            }
            _ => Err(SpnegoError::OutOfStep),
        }
    }

    /// The answer to our MIC: the acceptor's.
    fn last_reply(&mut self, token: &[u8]) -> Result<State, SpnegoError> {
        let resp = read(token)?;
        // negState is optional after the first answer (RFC 4178 section 4.2.2).
        let completed = matches!(resp.neg_state, None | Some(NegState::ACCEPT_COMPLETED));
        if !completed || resp.supported_mech.is_some() || resp.response_token.is_some() {
            return Err(SpnegoError::OutOfStep);
        }
        if self.verify_mic(&resp)? { Ok(State::Complete) } else { Err(SpnegoError::MicMissing) }
    }

    /// Verifies the acceptor's MIC over the offer; `false` if there is none.
    fn verify_mic(&mut self, resp: &NegTokenResp<'_>) -> Result<bool, SpnegoError> {
        let context = self.mechanism.context_mut().ok_or(SpnegoError::NoReply)?;
        let Some(mic) = resp.mech_list_mic else { return Ok(false) };
        context.verify_mic(&offered(), mic).map_err(|_| SpnegoError::MicWrong)?;
        Ok(true)
    }

    fn signed(&mut self, state: NegState) -> Result<Vec<u8>, SpnegoError> {
        let context = self.mechanism.context_mut().ok_or(SpnegoError::NoReply)?;
        let mic = context.get_mic(&offered());
        let resp = NegTokenResp {
            neg_state: Some(state),
            supported_mech: None,
            response_token: None,
            mech_list_mic: Some(&mic),
        };
        Ok(resp.to_token())
    }

    /// Is the negotiation complete, and the service's identity proven if that was asked for?
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// The context key, see [`SecurityContext::session_key`]; `None` until complete.
    #[must_use]
    pub fn session_key(&self) -> Option<&Key> {
        self.context().map(SecurityContext::session_key)
    }

    /// The established context; `None` until complete.
    #[must_use]
    pub fn context(&self) -> Option<&SecurityContext> {
        self.mechanism.context().filter(|_| self.is_complete())
    }

    /// The established context, to protect messages with; `None` until complete.
    #[must_use]
    pub fn context_mut(&mut self) -> Option<&mut SecurityContext> {
        let complete = self.is_complete();
        self.mechanism.context_mut().filter(|_| complete)
    }
}

/// Reads an answer; one that rejects is an error, with the mechanism's reason if it holds one.
fn read(token: &[u8]) -> Result<NegTokenResp<'_>, SpnegoError> {
    let resp = NegTokenResp::from_token(token)?;
    if resp.neg_state == Some(NegState::REJECT) {
        return Err(resp
            .response_token
            .and_then(refusal)
            .map_or(SpnegoError::Rejected, Into::into));
    }
    Ok(resp)
}
