//! PA-ENCRYPTED-CHALLENGE (RFC 6113 section 5.4.6), inside FAST only.

use alloc::vec::Vec;

use super::{Facts, Mechanism, Proof, Verified, key_hint, wrong_key};
use crate::Context;
use crate::iana::{ErrorCode, PaType};
use crate::kdc::refusal::{Padata, Refusal};
use crate::preauth::fast::{Challenger, open_challenge, seal_challenge};

pub(super) struct EncryptedChallenge;

impl Mechanism for EncryptedChallenge {
    fn padata_type(&self) -> PaType {
        PaType::ENCRYPTED_CHALLENGE
    }

    /// Outside of FAST there is nothing to make its key of.
    fn fits(&self, facts: &Facts<'_>) -> bool {
        facts.request.armor.is_some()
    }

    fn offer(&self, facts: &Facts<'_>, _: &mut Context<'_>) -> Option<Vec<u8>> {
        facts.key().is_some().then(Vec::new)
    }

    /// It does not say which of the account's keys it was made with, so those are tried that the
    /// client may use.
    fn verify(
        &self,
        facts: &Facts<'_>,
        value: &[u8],
        cx: &mut Context<'_>,
    ) -> Result<Verified, Refusal> {
        let Some(armor_key) = facts.request.armor else {
            return Err(wrong_key(facts));
        };
        let mut keys =
            facts.enctypes.iter().filter_map(|enctype| facts.account.keys.current(*enctype));
        let opened = keys.find_map(|key| {
            let time = open_challenge(Challenger::Client, armor_key, key, value).ok()?;
            Some((key, time))
        });
        let (key, time) = opened.ok_or_else(|| wrong_key(facts))?;
        facts.check_skew(time.seconds)?;
        let ours = seal_challenge(Challenger::Kdc, armor_key, key, cx.now, cx.rng);
        let text = "the client's armor makes no key";
        let ours = ours.map_err(|_| {
            Refusal::new(ErrorCode::ETYPE_NOSUPP, text).with_padata(key_hint(facts))
        })?;
        let padata = Padata::from([(PaType::ENCRYPTED_CHALLENGE, ours)]);
        Ok(Verified { reply_key: key.clone(), padata, proof: Proof::Key })
    }
}
