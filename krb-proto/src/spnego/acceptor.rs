use alloc::vec::Vec;

use super::SpnegoError;
use super::token::{NegState, NegTokenInit, NegTokenResp};
use crate::Context;
use crate::gss::{Acceptor, AcceptorOptions, Oid};

/// The service's side of a negotiation, which takes Kerberos and nothing else.
#[derive(Debug, Default)]
pub struct SpnegoAcceptor {
    state: State,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    AwaitingInit,
    /// The client's guess was wrong or absent: its Kerberos token is still to come.
    AwaitingToken(Offer),
    /// The client's MIC is due; ours has been sent.
    AwaitingMic(Offer, Acceptor),
    Complete(Acceptor),
    Failed,
}

/// What the client offered.
#[derive(Debug)]
struct Offer {
    /// DER of MechTypeList, as received: what both MICs sign.
    mech_types: Vec<u8>,
    /// Kerberos is not the client's first choice: MICs must be exchanged (RFC 4178 section 5).
    mic_due: bool,
}

impl SpnegoAcceptor {
    /// Waits for a client's first token.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a token of the client; `Some` is the answer.
    ///
    /// # Errors
    /// Those of [`Acceptor::accept`], and what the client did wrong in the negotiation. After an
    /// error the negotiation is of no further use; [`NegTokenResp::rejection`] tells the client.
    pub fn step(
        &mut self,
        token: &[u8],
        options: &AcceptorOptions<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Option<Vec<u8>>, SpnegoError> {
        let (state, answer) = match core::mem::replace(&mut self.state, State::Failed) {
            State::AwaitingInit => first_token(token, options, cx)?,
            State::AwaitingToken(offer) => {
                let resp = NegTokenResp::from_token(token)?;
                let mech_token = resp.response_token.ok_or(SpnegoError::OutOfStep)?;
                accept(mech_token, resp.mech_list_mic, None, offer, options, cx)?
            }
            State::AwaitingMic(offer, mut acceptor) => {
                let resp = NegTokenResp::from_token(token)?;
                let mic = resp.mech_list_mic.ok_or(SpnegoError::MicMissing)?;
                verify_mic(&mut acceptor, &offer, mic)?;
                (State::Complete(acceptor), None)
            }
            State::Complete(acceptor) => {
                self.state = State::Complete(acceptor);
                return Err(SpnegoError::Complete);
            }
            State::Failed => return Err(SpnegoError::Failed),
        };
        self.state = state;
        Ok(answer)
    }

    /// Is the negotiation complete?
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self.state, State::Complete(_))
    }

    /// The mechanism's context and client; `None` until complete.
    #[must_use]
    pub const fn acceptor(&self) -> Option<&Acceptor> {
        match &self.state {
            State::Complete(acceptor) => Some(acceptor),
            _ => None,
        }
    }

    /// The mechanism's context and client, for whoever needs the negotiation no more; `None` until
    /// complete.
    #[must_use]
    pub fn into_acceptor(self) -> Option<Acceptor> {
        match self.state {
            State::Complete(acceptor) => Some(acceptor),
            _ => None,
        }
    }

    /// The mechanism's context, to protect messages with; `None` until complete.
    #[must_use]
    pub const fn acceptor_mut(&mut self) -> Option<&mut Acceptor> {
        match &mut self.state {
            State::Complete(acceptor) => Some(acceptor),
            _ => None,
        }
    }
}

fn first_token(
    token: &[u8],
    options: &AcceptorOptions<'_>,
    cx: &mut Context<'_>,
) -> Result<(State, Option<Vec<u8>>), SpnegoError> {
    let init = NegTokenInit::from_token(token)?;
    let is_kerberos = |oid: &Oid<'_>| [Oid::KRB5, Oid::MS_KRB5].contains(oid);
    let chosen = init.mech_types.iter().find(is_kerberos).ok_or(SpnegoError::NoCommonMechanism)?;
    let first_choice = init.mech_types.iter().next() == Some(chosen);
    let offer = Offer { mech_types: init.mech_types.der().to_vec(), mic_due: !first_choice };
    match init.mech_token {
        // The token in the first message is of the client's first choice.
        Some(mech_token) if first_choice => {
            accept(mech_token, init.mech_list_mic, Some(chosen), offer, options, cx)
        }
        _ => {
            let resp = NegTokenResp {
                neg_state: Some(if first_choice {
                    NegState::ACCEPT_INCOMPLETE
                } else {
                    NegState::REQUEST_MIC
                }),
                supported_mech: Some(chosen),
                response_token: None,
                mech_list_mic: None,
            };
            Ok((State::AwaitingToken(offer), Some(resp.to_token())))
        }
    }
}

/// Takes the mechanism's token. Who has sent the mechanism's last token signs first (RFC 4178
/// section 5): the client if there is no AP-REP, else we do, with it.
fn accept(
    mech_token: &[u8],
    mic: Option<&[u8]>,
    chosen: Option<Oid<'_>>,
    offer: Offer,
    options: &AcceptorOptions<'_>,
    cx: &mut Context<'_>,
) -> Result<(State, Option<Vec<u8>>), SpnegoError> {
    let (mut acceptor, reply) = Acceptor::accept(mech_token, options, cx)?;
    let mic_due = match mic {
        Some(mic) => {
            verify_mic(&mut acceptor, &offer, mic)?;
            true
        }
        None if offer.mic_due && reply.is_none() => return Err(SpnegoError::MicMissing),
        None => offer.mic_due,
    };
    let complete = mic.is_some() || !mic_due;
    let own_mic = mic_due.then(|| acceptor.context_mut().get_mic(&offer.mech_types));
    let resp = NegTokenResp {
        neg_state: Some(if complete {
            NegState::ACCEPT_COMPLETED
        } else {
            NegState::ACCEPT_INCOMPLETE
        }),
        supported_mech: chosen,
        response_token: reply.as_deref(),
        mech_list_mic: own_mic.as_deref(),
    }
    .to_token();
    let state =
        if complete { State::Complete(acceptor) } else { State::AwaitingMic(offer, acceptor) };
    Ok((state, Some(resp)))
}

fn verify_mic(acceptor: &mut Acceptor, offer: &Offer, mic: &[u8]) -> Result<(), SpnegoError> {
    acceptor.context_mut().verify_mic(&offer.mech_types, mic).map_err(|_| SpnegoError::MicWrong)
}
