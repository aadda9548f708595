//! What a client says of itself in its authenticator's AuthorizationData (MS-KILE 3.2.5.8).

use alloc::vec::Vec;

use crate::asn1::{
    AuthorizationData, AuthorizationDataElement, KerbAdRestrictionEntry, LsapTokenInfoIntegrity,
};
use crate::der::{self, DecodeError, List};
use crate::iana::AdType;

/// KERB_AP_OPTIONS_CBT.
const CHANNEL_BINDINGS: u32 = 0x4000;
/// The restriction-type of LSAP_TOKEN_INFO_INTEGRITY.
const TOKEN_INFO_INTEGRITY: i32 = 0;

/// What a client says of itself. Nobody vouches for it but the client.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct ClientData {
    /// It binds itself to the channel wherever there is one (KERB_AP_OPTIONS_CBT), so that an
    /// acceptor may insist.
    pub always_binds: bool,
    /// The integrity level of its process, and its machine.
    pub integrity: Option<LsapTokenInfoIntegrity>,
}

impl ClientData {
    /// AuthorizationData that says this, DER; `None` where there is nothing to say. All stands in
    /// one AD-IF-RELEVANT, which a service that knows nothing of it passes over.
    #[must_use]
    pub fn to_authorization_data(self) -> Option<Vec<u8>> {
        let options = CHANNEL_BINDINGS.to_le_bytes();
        let integrity = self.integrity.map(|integrity| {
            // A list of entries, other than MS-KILE 2.2.6 prints it: so Windows writes and reads it.
            der::encode(&List::of(&[KerbAdRestrictionEntry {
                restriction_type: TOKEN_INFO_INTEGRITY,
                restriction: &integrity.to_bytes(),
            }]))
        });
        let integrity = integrity.as_deref().map(|ad_data| AuthorizationDataElement {
            ad_type: AdType::TOKEN_RESTRICTIONS,
            ad_data,
        });
        let options = self
            .always_binds
            .then_some(AuthorizationDataElement { ad_type: AdType::AP_OPTIONS, ad_data: &options });
        let elements: Vec<_> = integrity.into_iter().chain(options).collect();
        (!elements.is_empty()).then(|| {
            let relevant = der::encode(&List::of(&elements));
            let element =
                AuthorizationDataElement { ad_type: AdType::IF_RELEVANT, ad_data: &relevant };
            der::encode(&List::of(&[element]))
        })
    }

    /// Reads AuthorizationData, and each AD-IF-RELEVANT in it, but none in those.
    ///
    /// # Errors
    /// For an AD-IF-RELEVANT that is malformed.
    pub fn from_authorization_data(data: &AuthorizationData<'_>) -> Result<Self, DecodeError> {
        let mut found = Self::default();
        for element in data {
            if element.ad_type == AdType::IF_RELEVANT {
                let relevant: AuthorizationData<'_> = der::decode(element.ad_data)?;
                relevant.iter().for_each(|element| found.take(&element));
            } else {
                found.take(&element);
            }
        }
        Ok(found)
    }

    fn take(&mut self, element: &AuthorizationDataElement<'_>) {
        match element.ad_type {
            AdType::AP_OPTIONS => {
                let options = element.ad_data.first_chunk().copied().map_or(0, u32::from_le_bytes);
                self.always_binds |= options & CHANNEL_BINDINGS != 0;
            }
            AdType::TOKEN_RESTRICTIONS => {
                self.integrity = self.integrity.or_else(|| integrity(element.ad_data));
            }
            _ => (),
        }
    }
}

fn integrity(ad_data: &[u8]) -> Option<LsapTokenInfoIntegrity> {
    let entries: List<'_, KerbAdRestrictionEntry<'_>> = der::decode(ad_data).ok()?;
    let mut entries = entries.iter();
    let entry = entries.find(|entry| entry.restriction_type == TOKEN_INFO_INTEGRITY)?;
    LsapTokenInfoIntegrity::from_bytes(entry.restriction)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTEGRITY: LsapTokenInfoIntegrity =
        LsapTokenInfoIntegrity { flags: 1, token_il: 0x2000, machine_id: [7; 32] };

    fn read(der: &[u8]) -> Result<ClientData, DecodeError> {
        ClientData::from_authorization_data(&der::decode(der)?)
    }

    #[test]
    fn what_is_said_is_understood() {
        for always_binds in [true, false] {
            for integrity in [Some(INTEGRITY), None] {
                let said = ClientData { always_binds, integrity };
                match said.to_authorization_data() {
                    Some(der) => assert_eq!(read(&der), Ok(said)),
                    None => assert_eq!(said, ClientData::default()),
                }
            }
        }
    }

    /// MS-KILE 3.2.5.8: AP-OPTIONS of four octets, 0x4000 little-endian, in AD-IF-RELEVANT. As MIT's
    /// `client_aware_channel_bindings` sends it (krb5 src/lib/krb5/krb/mk_req_ext.c).
    #[test]
    fn the_octets_of_ap_options() {
        let said = ClientData { always_binds: true, integrity: None };
        let expected = b"\x30\x1d\x30\x1b\xa0\x03\x02\x01\x01\xa1\x14\x04\x12\
            \x30\x10\x30\x0e\xa0\x04\x02\x02\x00\x8f\xa1\x06\x04\x04\x00\x40\x00\x00";
        assert_eq!(said.to_authorization_data().unwrap(), expected);
    }

    /// Windows since 2025 puts a permanent machine id of 32 octets behind the 40.
    #[test]
    fn a_longer_integrity_is_read_as_far_as_it_is_known() {
        let entry = |restriction: &[u8]| {
            let entries = [KerbAdRestrictionEntry { restriction_type: 0, restriction }];
            element(AdType::TOKEN_RESTRICTIONS, &der::encode(&List::of(&entries)))
        };
        let longer = [&INTEGRITY.to_bytes()[..], &[9; 32]].concat();
        for (length, expected) in [(72, Some(INTEGRITY)), (40, Some(INTEGRITY)), (39, None)] {
            assert_eq!(read(&entry(&longer[..length])).unwrap().integrity, expected, "{length}");
        }
    }

    fn element(ad_type: AdType, ad_data: &[u8]) -> Vec<u8> {
        der::encode(&List::of(&[AuthorizationDataElement { ad_type, ad_data }]))
    }

    #[test]
    fn what_is_unknown_is_passed_over() {
        for (ad_type, ad_data) in [
            (AdType::AP_OPTIONS, &b"\x00\x40\x00"[..]),
            (AdType::AP_OPTIONS, b"\xff\xbf\xff\xff"),
            (AdType::TOKEN_RESTRICTIONS, b"\x30\x00"),
            (AdType::TOKEN_RESTRICTIONS, b"?"),
            (AdType(4711), b"?"),
        ] {
            let der = element(ad_type, ad_data);
            assert_eq!(read(&der), Ok(ClientData::default()));
            assert_eq!(read(&element(AdType::IF_RELEVANT, &der)), Ok(ClientData::default()));
        }
        assert!(read(&element(AdType::IF_RELEVANT, b"?")).is_err());
        let options = element(AdType::AP_OPTIONS, b"\x00\x40\x00\x00");
        assert!(read(&options).unwrap().always_binds, "outside of AD-IF-RELEVANT too");
        let twice = element(AdType::IF_RELEVANT, &element(AdType::IF_RELEVANT, &options));
        assert!(!read(&twice).unwrap().always_binds, "one level deep");
    }
}
