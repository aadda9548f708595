use alloc::vec::Vec;

use crate::crypto::Key;
use crate::iana::{EncType, KeyUsage};
use crate::pac::Pac;

/// Signs the input as PAC, if it has a server checksum of the right size; the signatures' places
/// are found as MS-PAC 2.3 lays them out.
fn sign(input: &[u8], key: &Key) -> Option<Vec<u8>> {
    let word = |at: usize| Some(u32::from_le_bytes(*input.get(at..)?.first_chunk()?) as usize);
    let place = |kind: usize| {
        let mut entries = (0..word(0)?.min(64)).map(|i| 8 + 16 * i);
        entries.find(|&at| word(at) == Some(kind)).and_then(|at| word(at + 8))
    };
    let (server, kdc) = (place(6)?, place(7)?);
    let mut signed = input.to_vec();
    for at in [server, kdc] {
        signed.get_mut(at..at + 4)?.copy_from_slice(&16_i32.to_le_bytes());
        signed.get_mut(at + 4..at + 16)?.fill(0);
    }
    let checksum = key.checksum(KeyUsage::NON_KERB_CHECKSUM, &signed);
    signed.get_mut(server + 4..server + 16)?.copy_from_slice(&checksum);
    Some(signed)
}

/// A PAC's buffers, reached with the signature made right: a KDC may be hostile too.
pub fn pac(input: &[u8]) {
    let Ok(key) = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]) else { return };
    let signed = sign(input, &key).unwrap_or_else(|| input.to_vec());
    let Ok(pac) = Pac::parse(&signed) else { return };
    let Ok(pac) = pac.verify_server_signature(&key) else { return };
    if let Ok(logon) = pac.logon_info() {
        let _ = logon.user_sid();
        let _ = logon.group_sids().count();
    }
    let _ = pac.upn_dns_info();
}
