use alloc::vec::Vec;

use super::{Mechanism, Padata, ReplyFacts, RequestFacts};
use crate::Context;
use crate::asn1::{
    EncryptedData, KrbError, PaData, PaSpake, SpakeResponse, SpakeSecondFactor, SpakeSupport,
};
use crate::crypto::Key;
use crate::der::{self, List};
use crate::exchange::ExchangeError;
use crate::iana::{ErrorCode, KeyUsage, PaType};
use crate::preauth::find_padata;
use crate::preauth::spake::{Agreement, SF_NONE, Side, SpakeError, SpakeGroup, Transcript};

/// PA-SPAKE (RFC 9588) without a second factor: the client says which groups it has, the KDC
/// challenges, the client responds. The reply is encrypted in a key that only who knows the
/// password has come to.
#[derive(Clone)]
pub(super) struct Spake {
    key: Key,
    /// What was sent of our groups: it is a part of the transcript.
    support: Option<Vec<u8>>,
    challenge: Option<Challenge>,
    reply_key: Option<Key>,
}

#[derive(Clone)]
struct Challenge {
    group: SpakeGroup,
    pubkey: Vec<u8>,
    message: Vec<u8>,
}

impl Spake {
    /// `hint` is what the KDC lists under PA-SPAKE: nothing, or a challenge in advance.
    pub(super) fn new(key: Key, hint: &[u8]) -> Result<Self, ExchangeError> {
        let mut spake = Self { key, support: None, challenge: None, reply_key: None };
        if !hint.is_empty() {
            spake.take(hint)?;
        }
        Ok(spake)
    }

    fn take(&mut self, message: &[u8]) -> Result<(), ExchangeError> {
        let spake = der::decode(message).map_err(ExchangeError::Malformed)?;
        let PaSpake::Challenge(challenge) = spake else {
            return Err(SpakeError::OutOfStep.into());
        };
        if self.challenge.is_some() {
            return Err(SpakeError::OutOfStep.into());
        }
        let Some(group) = SpakeGroup::from_number(challenge.group) else {
            return match self.support {
                Some(_) => Err(SpakeError::Group(challenge.group).into()),
                // The KDC could not know which groups we have; now we say.
                None => Ok(()),
            };
        };
        if !challenge.factors.iter().any(|factor| factor.factor_type == SF_NONE) {
            return Err(SpakeError::SecondFactor.into());
        }
        let (pubkey, message) = (challenge.pubkey.to_vec(), message.to_vec());
        self.challenge = Some(Challenge { group, pubkey, message });
        Ok(())
    }

    /// Which groups we have.
    fn offer(&mut self) -> Vec<u8> {
        let groups = SpakeGroup::ALL.map(SpakeGroup::number);
        let message = PaSpake::Support(SpakeSupport { groups: List::of(&groups) });
        let message = der::encode(&message);
        self.support = Some(message.clone());
        message
    }

    /// Our half, drawn anew for each request that is built.
    fn respond(
        &self,
        challenge: &Challenge,
        body: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<(Vec<u8>, Key), ExchangeError> {
        let agreement = Agreement::new(challenge.group, Side::Client, &self.key, cx.rng)
            .map_err(ExchangeError::OwnKey)?;
        let transcript =
            Transcript::new(challenge.group, self.support.as_deref(), &challenge.message);
        let keys = agreement.keys(&challenge.pubkey, transcript, body)?;
        let factor = der::encode(&SpakeSecondFactor { factor_type: SF_NONE, data: None });
        let factor_key = keys.message_key(1).map_err(ExchangeError::OwnKey)?;
        let cipher = factor_key.encrypt(KeyUsage::SPAKE, &factor, cx.rng);
        let message = der::encode(&PaSpake::Response(SpakeResponse {
            pubkey: agreement.public(),
            factor: EncryptedData { etype: factor_key.enctype(), kvno: None, cipher: &cipher },
        }));
        Ok((message, keys.reply_key().map_err(ExchangeError::OwnKey)?))
    }
}

impl Mechanism for Spake {
    fn pa_type(&self) -> PaType {
        PaType::SPAKE
    }

    fn padata(
        &mut self,
        request: &RequestFacts<'_>,
        cx: &mut Context<'_>,
    ) -> Result<Padata, ExchangeError> {
        let message = match &self.challenge {
            Some(challenge) => {
                let (message, reply_key) = self.respond(challenge, request.body, cx)?;
                self.reply_key = Some(reply_key);
                message
            }
            None => self.offer(),
        };
        Ok(Vec::from([(PaType::SPAKE, message)]))
    }

    fn challenge(&mut self, padata: List<'_, PaData<'_>>) -> Result<bool, ExchangeError> {
        let Some(message) = find_padata(padata, PaType::SPAKE) else { return Ok(false) };
        self.take(message)?;
        Ok(true)
    }

    /// The KDC's challenge is too old to be answered: it is asked for another one, and nothing else.
    fn refusal(
        &mut self,
        error: &KrbError<'_>,
        _hints: List<'_, PaData<'_>>,
    ) -> Result<bool, ExchangeError> {
        let expired = error.error_code == ErrorCode::PREAUTH_EXPIRED;
        Ok(expired && self.challenge.take().is_some())
    }

    /// RFC 9588 section 8: what was proven so is not proven again in a way that gives guesses at the
    /// password to whoever asks for it.
    fn replaced(&self) -> Result<(), ExchangeError> {
        match self.reply_key {
            Some(_) => Err(SpakeError::Abandoned.into()),
            None => Ok(()),
        }
    }

    fn reply_key(&mut self, _reply: &ReplyFacts<'_>) -> Result<Key, ExchangeError> {
        // A reply to a request that proved nothing yet.
        self.reply_key.clone().ok_or(SpakeError::OutOfStep.into())
    }
}

#[cfg(test)]
mod tests {
    use std::{assert, assert_eq};

    use super::*;
    use crate::asn1::SpakeChallenge;
    use crate::iana::EncType;
    use crate::preauth::spake as kdc;
    use crate::{Random, Timestamp};

    struct Counter(u8);

    impl Random for Counter {
        fn fill(&mut self, out: &mut [u8]) {
            out.iter_mut().for_each(|octet| {
                self.0 = self.0.wrapping_mul(29).wrapping_add(7);
                *octet = self.0;
            });
        }
    }

    fn key() -> Key {
        Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[1; 32]).unwrap()
    }

    fn padata(spake: &mut Spake, body: &[u8]) -> Vec<u8> {
        let mut cx = Context { now: Timestamp::default(), kdc_offset: 0, rng: &mut Counter(1) };
        let padata = spake.padata(&RequestFacts { body, nonce: 1 }, &mut cx);
        let [(PaType::SPAKE, message)] = &padata.unwrap()[..] else { panic!("one PA-SPAKE") };
        message.clone()
    }

    fn challenge(group: i32, pubkey: &[u8], factor_type: i32) -> Vec<u8> {
        let factors = [SpakeSecondFactor { factor_type, data: None }];
        let factors = List::of(&factors);
        der::encode(&PaSpake::Challenge(SpakeChallenge { group, pubkey, factors }))
    }

    fn take(spake: &mut Spake, message: &[u8]) -> Result<bool, ExchangeError> {
        let padata = [PaData { padata_type: PaType::SPAKE, padata_value: message }];
        spake.challenge(List::of(&padata))
    }

    fn reply_key(spake: &mut Spake) -> Result<Key, ExchangeError> {
        let padata = List::of(&[]);
        let server = crate::Principal::krbtgt(b"R");
        spake.reply_key(&ReplyFacts {
            request: b"",
            server: &server,
            padata,
            enctype: key().enctype(),
        })
    }

    #[test]
    fn a_kdc_comes_to_the_same_key_in_every_group() {
        for group in SpakeGroup::ALL {
            let mut spake = Spake::new(key(), b"").unwrap();
            let support = padata(&mut spake, b"body");
            let kdc = kdc::challenge(&[group], &key(), &support, &mut Counter(5)).unwrap();
            assert!(reply_key(&mut spake).is_err(), "nothing is agreed on yet");
            assert!(spake.replaced().is_ok(), "nothing is proven yet");
            assert_eq!(take(&mut spake, &kdc.message), Ok(true));
            let response = padata(&mut spake, b"body");
            let agreed = kdc::verify_response(&kdc.state, &key(), &response, b"body").unwrap();
            assert_eq!(reply_key(&mut spake), Ok(agreed));
            assert_eq!(spake.replaced(), Err(SpakeError::Abandoned.into()));
        }
    }

    #[test]
    fn a_challenge_in_advance_saves_a_round_trip() {
        let group = SpakeGroup::Edwards25519;
        let kdc = Agreement::new(group, Side::Kdc, &key(), &mut Counter(5)).unwrap();
        let challenge = challenge(group.number(), kdc.public(), SF_NONE);
        let mut spake = Spake::new(key(), &challenge).unwrap();
        let response = padata(&mut spake, b"body");
        let PaSpake::Response(response) = der::decode(&response).unwrap() else { panic!() };
        let transcript = Transcript::new(group, None, &challenge);
        let keys = kdc.keys(response.pubkey, transcript, b"body").unwrap();
        assert_eq!(reply_key(&mut spake), Ok(keys.reply_key().unwrap()));
    }

    #[test]
    fn a_group_that_we_do_not_have_is_answered_once() {
        let unknown = challenge(5, b"element", SF_NONE);
        let mut spake = Spake::new(key(), &unknown).unwrap();
        let support = padata(&mut spake, b"body");
        assert!(matches!(der::decode(&support), Ok(PaSpake::Support(_))));
        assert_eq!(take(&mut spake, &unknown), Err(SpakeError::Group(5).into()));
    }

    #[test]
    fn what_is_not_due_is_refused() {
        let kdc = Agreement::new(SpakeGroup::P256, Side::Kdc, &key(), &mut Counter(5)).unwrap();
        let honest = challenge(2, kdc.public(), SF_NONE);
        let mut spake = Spake::new(key(), &honest).unwrap();
        assert_eq!(take(&mut spake, &honest), Err(SpakeError::OutOfStep.into()), "a second one");
        let support = Spake::new(key(), b"").unwrap().offer();
        assert_eq!(Spake::new(key(), &support).err(), Some(SpakeError::OutOfStep.into()));
        let factor = challenge(2, kdc.public(), 2);
        assert_eq!(Spake::new(key(), &factor).err(), Some(SpakeError::SecondFactor.into()));
        assert_eq!(spake.challenge(List::of(&[])), Ok(false), "the refusal stands");
    }
}
