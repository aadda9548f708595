use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::{ArmorTicket, FastError, open, verify, with_sealed};
use crate::Random;
use crate::asn1::{Checksum, KrbFastArmor, KrbFastArmoredReq, KrbFastReq, PaData, PaFxFastRequest};
use crate::crypto::Key;
use crate::der::{self, DecodeError, Encoded, List};
use crate::iana::{FastOptions, KeyUsage};

/// What goes into a PA-FX-FAST-REQUEST (RFC 6113 section 5.4.2).
pub struct RequestToSeal<'a> {
    /// The armor key.
    pub armor_key: &'a Key,
    /// The AP-REQ that tells the KDC the armor key; `None` in a TGS-REQ, whose PA-TGS-REQ does.
    pub armor: Option<&'a [u8]>,
    /// What the channel is bound to: the DER of the outer KDC-REQ-BODY in an AS-REQ, the AP-REQ of
    /// PA-TGS-REQ in a TGS-REQ.
    pub bound_to: &'a [u8],
    /// Options.
    pub options: FastOptions,
    /// The request's padata.
    pub padata: &'a [PaData<'a>],
    /// The request's KDC-REQ-BODY, DER. It stands for the outer one, which the KDC does not read.
    pub body: &'a [u8],
}

/// Makes the value of PA-FX-FAST in a request.
///
/// # Errors
/// If `body` is no KDC-REQ-BODY.
pub fn seal_request(
    request: &RequestToSeal<'_>,
    rng: &mut dyn Random,
) -> Result<Vec<u8>, DecodeError> {
    let RequestToSeal { armor_key, armor, bound_to, options, padata, body } = request;
    // The OTP and its PIN may be in here.
    let plaintext = der::encode_secret(&KrbFastReq {
        fast_options: options.0.into(),
        padata: List::of(padata),
        req_body: Encoded::from_der(body)?,
    });
    let checksum = armor_key.checksum(KeyUsage::FAST_REQUEST_CHECKSUM, bound_to);
    Ok(with_sealed(armor_key, KeyUsage::FAST_ENC, &plaintext, rng, |enc_fast_req| {
        der::encode(&PaFxFastRequest::ArmoredData(KrbFastArmoredReq {
            armor: armor.map(|armor_value| KrbFastArmor {
                armor_type: ArmorTicket::AP_REQUEST,
                armor_value,
            }),
            req_checksum: Checksum { cksumtype: armor_key.checksum_type(), checksum: &checksum },
            enc_fast_req,
        }))
    }))
}

/// A KrbFastReq out of its armor, at the KDC.
pub struct RequestPlaintext(Zeroizing<Vec<u8>>);

impl RequestPlaintext {
    /// The AP-REQ of the armor in a PA-FX-FAST-REQUEST, which the armor key comes from; `None` if
    /// the armor is implicit.
    ///
    /// # Errors
    /// [`FastError::Malformed`], and [`FastError::Armor`] for armor of another type.
    pub fn armor(value: &[u8]) -> Result<Option<&[u8]>, FastError> {
        let PaFxFastRequest::ArmoredData(request) = der::decode(value)?;
        match request.armor {
            Some(armor) if armor.armor_type != ArmorTicket::AP_REQUEST => {
                Err(FastError::Armor(armor.armor_type))
            }
            armor => Ok(armor.map(|armor| armor.armor_value)),
        }
    }

    /// Opens a PA-FX-FAST-REQUEST that came with what it is bound to (see
    /// [`RequestToSeal::bound_to`]).
    ///
    /// # Errors
    /// [`FastError`].
    pub fn open(armor_key: &Key, value: &[u8], bound_to: &[u8]) -> Result<Self, FastError> {
        let PaFxFastRequest::ArmoredData(request) = der::decode(value)?;
        verify(armor_key, KeyUsage::FAST_REQUEST_CHECKSUM, bound_to, &request.req_checksum)?;
        open(armor_key, KeyUsage::FAST_ENC, &request.enc_fast_req).map(Self)
    }

    /// The request: options, padata and KDC-REQ-BODY.
    ///
    /// # Errors
    /// If it is malformed.
    pub fn request(&self) -> Result<KrbFastReq<'_>, DecodeError> {
        der::decode(&self.0)
    }

    /// Critical options (RFC 6113 section 5.4.2: bits 0 to 15) beside `known`: a KDC that does not
    /// know one must answer KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTIONS.
    ///
    /// # Errors
    /// If the request is malformed.
    pub fn unknown_critical_options(&self, known: FastOptions) -> Result<FastOptions, DecodeError> {
        let options = FastOptions(self.request()?.fast_options.bits());
        Ok(FastOptions(options.0 & 0xffff_0000).without(known))
    }
}
