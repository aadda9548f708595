use krb_proto::asn1::{
    AdAndOr, AdCammac, AdKdcIssued, AuthorizationData, EncTicketPart, KerbAdRestrictionEntry,
    LsapTokenInfoIntegrity,
};
use krb_proto::der::{self, List};
use krb_proto::iana::{AdType, EncType};

use super::decoder::{Decoder, name, realm};
use super::keys::Named;
use super::ticket::checksum;
use super::tree::{Fields, Tree};

impl Decoder {
    /// What a ticket says beside its names; `ticket` is the one that it stands in, and `key` the one
    /// that opened it.
    pub(super) fn authorization_data(
        &mut self,
        data: &AuthorizationData<'_>,
        ticket: Option<&EncTicketPart<'_>>,
        key: Option<&Named>,
    ) -> Tree {
        Tree::list(data.iter().map(|element| {
            let kind = match element.ad_type.name() {
                Some(name) => format!("{} ({name})", element.ad_type.0),
                None => element.ad_type.to_string(),
            };
            let value = self.authorization_element(element.ad_type, element.ad_data, ticket, key);
            Fields::default().with("ad-type", kind).with("ad-data", value)
        }))
    }

    fn authorization_element(
        &mut self,
        kind: AdType,
        octets: &[u8],
        ticket: Option<&EncTicketPart<'_>>,
        key: Option<&Named>,
    ) -> Tree {
        match kind {
            AdType::IF_RELEVANT => match der::decode::<AuthorizationData<'_>>(octets) {
                Ok(inner) => self.deeper("AD-IF-RELEVANT", octets, |decoder| {
                    decoder.authorization_data(&inner, ticket, key)
                }),
                Err(error) => self.malformed("AD-IF-RELEVANT", octets, error),
            },
            AdType::WIN2K_PAC => self.pac(octets, ticket, key),
            AdType::KDC_ISSUED => {
                self.decoded("AD-KDCIssued", octets, |decoder, issued: AdKdcIssued<'_>| {
                    Fields::of("AD-KDCIssued")
                        .with("ad-checksum", checksum(&issued.ad_checksum))
                        .with_some("i-realm", issued.i_realm.map(realm))
                        .with_some("i-sname", issued.i_sname.map(name))
                        .with("elements", decoder.authorization_data(&issued.elements, ticket, key))
                })
            }
            AdType::AND_OR => self.decoded("AD-AND-OR", octets, |decoder, and_or: AdAndOr<'_>| {
                Fields::of("AD-AND-OR")
                    .with("condition-count", and_or.condition_count)
                    .with("elements", decoder.authorization_data(&and_or.elements, ticket, key))
            }),
            AdType::CAMMAC => self.decoded("AD-CAMMAC", octets, |decoder, cammac: AdCammac<'_>| {
                Fields::of("AD-CAMMAC")
                    .with("elements", decoder.authorization_data(&cammac.elements, ticket, key))
                    .with("kdc-verifier", cammac.kdc_verifier.is_some())
                    .with("svc-verifier", cammac.svc_verifier.is_some())
            }),
            AdType::ETYPE_NEGOTIATION => {
                self.decoded("AD-ETYPE-NEGOTIATION", octets, |_, list: List<'_, EncType>| {
                    let etypes = list.iter().map(|etype| etype.to_string());
                    Fields::default().with("etypes", Tree::list(etypes))
                })
            }
            AdType::TOKEN_RESTRICTIONS => self.restrictions(octets),
            AdType::AP_OPTIONS => match octets.first_chunk() {
                Some(options) => format!("{:#x}", u32::from_le_bytes(*options)).into(),
                None => Tree::octets(octets),
            },
            AdType::CLIENT_TARGET => utf16(octets),
            _ => Tree::octets(octets),
        }
    }

    fn restrictions(&mut self, octets: &[u8]) -> Tree {
        type Entries<'a> = List<'a, KerbAdRestrictionEntry<'a>>;
        self.decoded("KERB-AD-RESTRICTION-ENTRY", octets, |_, list: Entries<'_>| {
            let entries = list.iter().map(|entry| {
                let fields = Fields::default().with("restriction-type", entry.restriction_type);
                match LsapTokenInfoIntegrity::from_bytes(entry.restriction) {
                    Some(integrity) => fields
                        .show("flags", format_args!("{:#x}", integrity.flags))
                        .show("token-il", format_args!("{:#x}", integrity.token_il))
                        .with("machine-id", Tree::octets(&integrity.machine_id)),
                    None => fields.with("restriction", Tree::octets(entry.restriction)),
                }
            });
            Fields::default().with("entries", Tree::list(entries))
        })
    }
}

/// Text of Windows', which may end in a NUL.
fn utf16(octets: &[u8]) -> Tree {
    let (units, rest) = octets.as_chunks::<2>();
    let text =
        String::from_utf16(&units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>());
    match text {
        Ok(text) if rest.is_empty() => text.trim_end_matches('\0').into(),
        _ => Tree::octets(octets),
    }
}
