use alloc::vec::Vec;

use crate::crypto::Key;
use crate::iana::{EncType, KeyUsage};
use crate::pac::xpress_huffman::{compress, decompress};
use crate::pac::{
    Attributes, ClientClaims, ClientInfo, CredentialInfo, DelegationInfo, DeviceInfo, LogonInfo,
    Pac, PacBuffer, PacBuilder, PacKeys, Requestor, UpnDnsInfo,
};

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
    let again = PacBuilder::from_pac(pac.as_pac());
    let keys = PacKeys { server: &key, krbtgt: &key, rodc_identifier: None };
    if let Ok(again) = again.sign(&keys) {
        let pac = Pac::parse(&again).and_then(|pac| pac.verify_server_signature(&key));
        let verified = pac.and_then(|pac| pac.verify_kdc_signature(&key));
        assert_eq!(verified, Ok(()), "our own PAC");
    }
    let _ = pac.get::<ClientInfo>();
    let _ = pac.get::<UpnDnsInfo>();
    let _ = pac.get::<ClientClaims>();
}

/// A buffer taken for one of every type: what we accept we can write, and it means the same.
pub fn pac_buffer(input: &[u8]) {
    same::<LogonInfo>(input);
    same::<CredentialInfo>(input);
    same::<ClientInfo>(input);
    same::<DelegationInfo>(input);
    same::<UpnDnsInfo>(input);
    same::<ClientClaims>(input);
    same::<DeviceInfo>(input);
    same::<Attributes>(input);
    same::<Requestor>(input);
}

fn same<B: PacBuffer + PartialEq + core::fmt::Debug>(input: &[u8]) {
    match B::from_bytes(input) {
        Ok(buffer) => {
            // The texts of UPN_DNS_INFO may lie over each other, and be too long one by one.
            let Ok(bytes) = buffer.to_bytes() else {
                assert_eq!(B::TYPE, UpnDnsInfo::TYPE, "{buffer:?}");
                return;
            };
            assert_eq!(B::from_bytes(&bytes), Ok(buffer));
        }
        // Claims are decompressed, and their offsets go by what came out.
        Err(error) => assert!(
            error.offset <= input.len() || B::TYPE == ClientClaims::TYPE,
            "{} {error}",
            B::TYPE
        ),
    }
}

/// Compressed data stand for what their length says or for nothing; what we compress comes out
/// as it went in.
pub fn xpress_huffman(input: &[u8]) {
    let compressed = compress(input);
    assert_eq!(decompress(&compressed, input.len()).as_deref(), Ok(input));
    let Some((length, data)) = input.split_first_chunk() else { return };
    let length = u32::from_le_bytes(*length) as usize % (1 << 18);
    if let Ok(output) = decompress(data, length) {
        assert_eq!(output.len(), length);
    }
}

#[cfg(test)]
mod tests {
    use std::vec;

    use super::*;
    use crate::oracles::tests::assert_seed;
    use crate::pac::{DomainGroups, GroupMembership, SidAndAttributes};

    #[test]
    fn seeds_of_the_buffers_that_no_real_pac_here_has() {
        let domain = |text: &str| text.parse().expect("a SID");
        let groups = vec![GroupMembership::enabled(515), GroupMembership::enabled(1234)];
        let device = DeviceInfo {
            user_id: 1105,
            primary_group_id: 515,
            account_domain_id: domain("S-1-5-21-1-2-3"),
            account_group_ids: groups.clone(),
            extra_sids: vec![SidAndAttributes::enabled(domain("S-1-18-1"))],
            domain_groups: vec![DomainGroups { domain: domain("S-1-5-21-4-5-6"), groups }],
        };
        let delegation = DelegationInfo {
            proxy_target: "cifs/fileserver.w25ad.net".into(),
            transited_services: vec!["svc-mcp-server@W25AD.NET".into()],
        };
        let credentials = CredentialInfo { enctype: EncType(18), sealed: vec![7; 40] };
        for (name, bytes) in [
            ("device_info", device.to_bytes()),
            ("delegation_info", delegation.to_bytes()),
            ("credential_info", credentials.to_bytes()),
        ] {
            assert_seed("pac_buffer", name, &bytes.expect("short enough"));
        }
    }
}
