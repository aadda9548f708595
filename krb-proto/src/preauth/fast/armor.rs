use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::ap::{ApReqOptions, ApRequest};
use crate::crypto::{CryptoError, Key};
use crate::der::DecodeError;
use crate::iana::{ApOptions, KeyUsage};
use crate::{Context, Credential};

/// The armor key of an AP-REQ, in an AS-REQ or in a TGS-REQ (RFC 6113 sections 5.4.1.1 and 5.4.2):
/// from the authenticator's subkey and the ticket's session key.
///
/// # Errors
/// None for keys of the enctypes here; [`CryptoError`] by its signature.
pub fn armor_key(subkey: &Key, session_key: &Key) -> Result<Key, CryptoError> {
    subkey.fx_cf2(b"subkeyarmor", session_key, b"ticketarmor")
}

/// The armor key of a TGS-REQ that carries armor of its own (RFC 6113 section 5.4.2): both that
/// armor's key and the subkey of PA-TGS-REQ go into it.
///
/// # Errors
/// As [`armor_key`].
pub fn explicit_tgs_armor_key(armor_key: &Key, tgs_subkey: &Key) -> Result<Key, CryptoError> {
    armor_key.fx_cf2(b"explicitarmor", tgs_subkey, b"tgsarmor")
}

/// The reply key after the KDC has put a key of its own into it (RFC 6113 section 5.4.3).
///
/// # Errors
/// As [`armor_key`].
pub fn strengthened(reply_key: &Key, strengthen_key: &Key) -> Result<Key, CryptoError> {
    strengthen_key.fx_cf2(b"strengthenkey", reply_key, b"replykey")
}

/// A ticket for the KDC that armors requests (FX_FAST_ARMOR_AP_REQUEST, RFC 6113 section 5.4.1.1),
/// with the subkey that stays the same for a whole conversation.
#[derive(Clone)]
pub struct ArmorTicket {
    ticket: Arc<Credential>,
    subkey: Key,
    armor_key: Key,
}

impl ArmorTicket {
    /// KrbFastArmor's type for an AP-REQ.
    pub const AP_REQUEST: i32 = 1;

    /// Makes the subkey and with it the armor key.
    ///
    /// # Errors
    /// As [`armor_key`].
    pub fn new(ticket: Arc<Credential>, cx: &mut Context<'_>) -> Result<Self, CryptoError> {
        let subkey = Key::generate(ticket.session_key.enctype(), cx.rng)?;
        let armor_key = armor_key(&subkey, &ticket.session_key)?;
        Ok(Self { ticket, subkey, armor_key })
    }

    /// The armor key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.armor_key
    }

    /// The AP-REQ that goes into KrbFastArmor, with a fresh authenticator.
    ///
    /// # Errors
    /// If the ticket is not DER.
    pub fn ap_request(&self, cx: &mut Context<'_>) -> Result<Vec<u8>, DecodeError> {
        let options = ApReqOptions {
            usage: KeyUsage::AP_REQ_AUTHENTICATOR,
            ap_options: ApOptions::NONE,
            checksum: None,
            subkey: Some(&self.subkey),
            sequence_number: None,
            authorization_data: None,
        };
        Ok(ApRequest::new(&self.ticket, &options, cx)?.message)
    }
}
