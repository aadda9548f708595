//! PA-SPAKE (RFC 9588), without a second factor. What the KDC has to know of its challenge when the
//! response comes stands in the cookie.

use alloc::vec::Vec;

use super::{Facts, Mechanism, Proof, Verified, cookie, key_hint, no_key, wrong_key};
use crate::Context;
use crate::asn1::PaSpake;
use crate::der;
use crate::iana::{ErrorCode, PaType};
use crate::kdc::refusal::{Padata, Refusal};
use crate::preauth::spake::{ChallengeError, challenge, verify_response};

pub(super) struct Spake;

impl Mechanism for Spake {
    fn padata_type(&self) -> PaType {
        PaType::SPAKE
    }

    fn fits(&self, facts: &Facts<'_>) -> bool {
        !facts.request.realm.policy.spake.is_empty()
    }

    /// Empty: the client says first which groups it has.
    fn offer(&self, facts: &Facts<'_>, _: &mut Context<'_>) -> Option<Vec<u8>> {
        facts.key().is_some().then(Vec::new)
    }

    fn verify(
        &self,
        facts: &Facts<'_>,
        value: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Verified, Refusal> {
        let key = facts.key().ok_or_else(no_key)?;
        match der::decode(value) {
            Ok(PaSpake::Support(_)) => {
                let groups = &facts.request.realm.policy.spake;
                let challenge = challenge(groups, key, value, cx.rng);
                let challenge = challenge.map_err(|error| refusal(facts, error))?;
                let cookie = cookie::seal(facts, PaType::SPAKE, &challenge.state, cx)?;
                let text = "the client is to answer the challenge (SPAKE)";
                let more = Refusal::new(ErrorCode::MORE_PREAUTH_DATA_REQUIRED, text);
                Err(more.with_padata(Padata::from([
                    (PaType::SPAKE, challenge.message),
                    (PaType::FX_COOKIE, cookie),
                ])))
            }
            Ok(PaSpake::Response(_)) => {
                let state = cookie::open(facts, PaType::SPAKE)?
                    .ok_or_else(|| refusal(facts, ChallengeError::OutOfStep))?;
                let body = facts.request.body_der;
                let reply_key = verify_response(&state, key, value, body)
                    .map_err(|error| refusal(facts, error))?;
                Ok(Verified { reply_key, padata: Padata::new(), proof: Proof::Key })
            }
            _ => Err(refusal(facts, ChallengeError::OutOfStep)),
        }
    }
}

fn refusal(facts: &Facts<'_>, error: ChallengeError) -> Refusal {
    let text = match error {
        ChallengeError::Proof => return wrong_key(facts),
        ChallengeError::NoGroup => "the client has none of the KDC's groups (SPAKE)",
        ChallengeError::PublicElement => "the client's element is none of its group (SPAKE)",
        ChallengeError::SecondFactor => "a second factor is not taken (SPAKE)",
        ChallengeError::OutOfStep => "the client's message is not the one that is due (SPAKE)",
        ChallengeError::Crypto(_) => "the client's key is of no use (SPAKE)",
    };
    Refusal::new(ErrorCode::PREAUTH_FAILED, text).with_padata(key_hint(facts))
}
