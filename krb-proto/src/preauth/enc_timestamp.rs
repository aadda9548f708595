use alloc::vec::Vec;

use crate::Context;
use crate::asn1::{EncryptedData, PaEncTsEnc};
use crate::crypto::Key;
use crate::der::{self, Microseconds};
use crate::iana::KeyUsage;

/// PA-ENC-TIMESTAMP (RFC 4120 section 5.2.7.2): the peer's time, encrypted in the client's key.
#[must_use]
pub fn enc_timestamp(key: &Key, cx: &mut Context<'_>) -> Vec<u8> {
    let now = cx.peer_time();
    let plaintext = der::encode(&PaEncTsEnc {
        patimestamp: now.seconds,
        pausec: Some(Microseconds(now.microseconds)),
    });
    let cipher = key.encrypt(KeyUsage::PA_ENC_TIMESTAMP, &plaintext, cx.rng);
    der::encode(&EncryptedData { etype: key.enctype(), kvno: None, cipher: &cipher })
}
