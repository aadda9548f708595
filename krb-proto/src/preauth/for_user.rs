use alloc::vec::Vec;

use crate::Principal;
use crate::asn1::{Checksum, PaForUser};
use crate::crypto::Key;
use crate::der::{self, KerberosString};
use crate::iana::{ChecksumType, KeyUsage};

const AUTH_PACKAGE: &[u8] = b"Kerberos";

/// PA-FOR-USER (MS-SFU 2.2.1): names the user of an S4U2Self request. The checksum is always
/// KERB_CHECKSUM_HMAC_MD5, whatever the key, keyed with the TGT's session key (never a subkey).
#[must_use]
pub fn for_user(user: &Principal, session_key: &Key) -> Vec<u8> {
    let checksum =
        session_key.hmac_md5(KeyUsage::NON_KERB_CHECKSUM, &for_user_checksum_input(user));
    der::encode(&PaForUser {
        user_name: (&user.name).into(),
        user_realm: KerberosString(&user.realm),
        cksum: Checksum { cksumtype: ChecksumType::HMAC_MD5, checksum: &checksum },
        auth_package: KerberosString(AUTH_PACKAGE),
    })
}

/// The octets under PA-FOR-USER's checksum: name type as four bytes little-endian, every name
/// component, the realm and the package, with nothing between, all as they stand on the wire.
#[must_use]
pub fn for_user_checksum_input(user: &Principal) -> Vec<u8> {
    for_user_octets(user, AUTH_PACKAGE)
}

/// The same with the package that was sent.
pub(crate) fn for_user_octets(user: &Principal, package: &[u8]) -> Vec<u8> {
    let mut input = user.name.name_type.0.to_le_bytes().to_vec();
    user.name.components.iter().for_each(|component| input.extend_from_slice(component));
    input.extend_from_slice(&user.realm);
    input.extend_from_slice(package);
    input
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Name;

    #[test]
    fn the_checksum_covers_octets_not_characters() {
        let user = Principal::new(Name::user("rené"), "W25AD.NET");
        assert_eq!(
            for_user_checksum_input(&user),
            b"\x01\x00\x00\x00ren\xc3\xa9W25AD.NETKerberos",
            "MS-SFU 2.2.1"
        );
    }
}
