//! PA-ENC-TIMESTAMP (RFC 4120 section 5.2.7.2).

use alloc::vec::Vec;

use super::{Facts, Mechanism, Proof, Verified, key_hint, no_key, wrong_key};
use crate::Context;
use crate::asn1::{EncryptedData, PaEncTsEnc};
use crate::der;
use crate::iana::{ErrorCode, KeyUsage, PaType};
use crate::kdc::refusal::{Padata, Refusal};

pub(super) struct EncTimestamp;

impl Mechanism for EncTimestamp {
    fn padata_type(&self) -> PaType {
        PaType::ENC_TIMESTAMP
    }

    /// Inside FAST the encrypted challenge has its place.
    fn fits(&self, facts: &Facts<'_>) -> bool {
        facts.request.armor.is_none()
    }

    fn offer(&self, facts: &Facts<'_>, _: &mut Context<'_>) -> Option<Vec<u8>> {
        facts.key().is_some().then(Vec::new)
    }

    fn verify(
        &self,
        facts: &Facts<'_>,
        value: &[u8],
        _: &mut Context<'_>,
    ) -> Result<Verified, Refusal> {
        let malformed = |_| {
            let text = "the encrypted timestamp cannot be read";
            Refusal::new(ErrorCode::PREAUTH_FAILED, text).with_padata(key_hint(facts))
        };
        let sealed: EncryptedData<'_> = der::decode(value).map_err(malformed)?;
        let usable = facts.enctypes.contains(&sealed.etype);
        let key = usable.then(|| facts.account.keys.current(sealed.etype)).flatten();
        let key = key.ok_or_else(|| no_key().with_padata(key_hint(facts)))?;
        let plaintext =
            key.decrypt(KeyUsage::PA_ENC_TIMESTAMP, sealed.cipher).map_err(|_| wrong_key(facts))?;
        let time: PaEncTsEnc = der::decode(&plaintext).map_err(malformed)?;
        facts.check_skew(time.patimestamp)?;
        Ok(Verified { reply_key: key.clone(), padata: Padata::new(), proof: Proof::Key })
    }
}
