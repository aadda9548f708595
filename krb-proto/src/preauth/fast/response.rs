use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{FastError, open, verify, with_sealed};
use crate::Random;
use crate::asn1::{
    KrbError, KrbFastArmoredRep, KrbFastFinished, KrbFastResponse, PaData, PaFxFastReply,
};
use crate::crypto::Key;
use crate::der::{self, List};
use crate::iana::{KeyUsage, PaType};
use crate::preauth::find_padata;

/// Makes the value of PA-FX-FAST in a reply (RFC 6113 section 5.4.3), at the KDC.
#[must_use]
pub fn seal_response(
    armor_key: &Key,
    response: &KrbFastResponse<'_>,
    rng: &mut dyn Random,
) -> Vec<u8> {
    let plaintext = der::encode_secret(response);
    with_sealed(armor_key, KeyUsage::FAST_REP, &plaintext, rng, |enc_fast_rep| {
        der::encode(&PaFxFastReply::ArmoredData(KrbFastArmoredRep { enc_fast_rep }))
    })
}

/// A KrbFastResponse out of its armor, at the client.
pub struct ResponsePlaintext(Zeroizing<Vec<u8>>);

impl ResponsePlaintext {
    /// Opens the PA-FX-FAST among the padata of a reply or of an error.
    ///
    /// # Errors
    /// [`FastError`]; [`FastError::Missing`] if there is none.
    pub fn open(armor_key: &Key, padata: List<'_, PaData<'_>>) -> Result<Self, FastError> {
        let value = find_padata(padata, PaType::FX_FAST).ok_or(FastError::Missing)?;
        let PaFxFastReply::ArmoredData(reply) = der::decode(value)?;
        open(armor_key, KeyUsage::FAST_REP, &reply.enc_fast_rep).map(Self)
    }

    /// The response, if it answers the request whose (inner) nonce this is.
    ///
    /// # Errors
    /// [`FastError`].
    pub fn response(&self, nonce: u32) -> Result<KrbFastResponse<'_>, FastError> {
        let response: KrbFastResponse<'_> = der::decode(&self.0)?;
        if response.nonce.get() != nonce {
            return Err(FastError::Nonce);
        }
        Ok(response)
    }

    /// The response to a request that was refused, and the KRB-ERROR in it (PA-FX-ERROR, RFC 6113
    /// section 5.4.4). The padata beside it are the error's METHOD-DATA.
    ///
    /// # Errors
    /// [`FastError`].
    pub fn error(&self, nonce: u32) -> Result<(KrbError<'_>, List<'_, PaData<'_>>), FastError> {
        let padata = self.response(nonce)?.padata;
        let value = find_padata(padata, PaType::FX_ERROR).ok_or(FastError::NoInnerError)?;
        Ok((der::decode(value)?, padata))
    }
}

/// The KrbFastFinished of a reply, which vouches for the ticket (its DER) and names its client.
///
/// # Errors
/// [`FastError`].
pub fn verify_finished<'a>(
    armor_key: &Key,
    response: &KrbFastResponse<'a>,
    ticket: &[u8],
) -> Result<KrbFastFinished<'a>, FastError> {
    let finished = response.finished.ok_or(FastError::NotFinished)?;
    verify(armor_key, KeyUsage::FAST_FINISHED, ticket, &finished.ticket_checksum)?;
    Ok(finished)
}
