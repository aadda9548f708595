//! A PAC's buffers, reached with the signature made right: a KDC may be hostile too.
#![no_main]

use krb_proto::crypto::Key;
use krb_proto::iana::{EncType, KeyUsage};
use krb_proto::pac::Pac;
use libfuzzer_sys::fuzz_target;

/// Signs the input as PAC, if it has a server checksum of the right size; the signatures' places
/// are found as MS-PAC 2.3 lays them out.
fn sign(input: &[u8], key: &Key) -> Option<Vec<u8>> {
    let word = |at: usize| Some(u32::from_le_bytes(*input.get(at..)?.first_chunk()?) as usize);
    let place = |kind: usize| {
        (0..word(0)?.min(64)).map(|i| 8 + 16 * i).find(|&at| word(at) == Some(kind)).and_then(|at| word(at + 8))
    };
    let (server, kdc) = (place(6)?, place(7)?);
    let mut signed = input.to_vec();
    for at in [server, kdc] {
        signed.get_mut(at..at + 4)?.copy_from_slice(&16i32.to_le_bytes());
        signed.get_mut(at + 4..at + 16)?.fill(0);
    }
    let checksum = key.checksum(KeyUsage::NON_KERB_CHECKSUM, &signed);
    signed.get_mut(server + 4..server + 16)?.copy_from_slice(&checksum);
    Some(signed)
}

fuzz_target!(|input: &[u8]| {
    let key = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).expect("a key");
    let signed = sign(input, &key).unwrap_or_else(|| input.to_vec());
    let Ok(pac) = Pac::parse(&signed) else { return };
    let Ok(pac) = pac.verify_server_signature(&key) else { return };
    if let Ok(logon) = pac.logon_info() {
        let _ = logon.user_sid();
        let _ = logon.group_sids().count();
    }
    let _ = pac.upn_dns_info();
});
