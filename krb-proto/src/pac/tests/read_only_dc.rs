//! Windows' tickets of a DC and of a read-only DC, from Heimdal's `lib/krb5/test_pac.c`, and what an
//! RODC's signatures are made over.

use std::vec::Vec;

use super::*;
use crate::asn1::{EncTicketPart, Ticket};
use crate::authorization::find_pac;
use crate::der;
use crate::iana::{KeyUsage, PacBufferType};

const HEIMDAL: &str = include_str!("../../../vectors/heimdal-test_pac.txt");
const RODC: u16 = 46_673;

pub(super) fn heimdal(name: &str) -> Vec<u8> {
    vector(HEIMDAL, name)
}

fn aes(name: &str) -> Key {
    Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &heimdal(name)).unwrap()
}

fn rc4(name: &str) -> Key {
    Key::danger_new_rc4(&heimdal(name)).unwrap()
}

/// The ticket's plaintext.
fn opened(name: &str, key: &Key) -> Vec<u8> {
    let ticket = heimdal(name);
    let ticket: Ticket<'_> = der::decode(&ticket).unwrap();
    key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap().to_vec()
}

/// The buffers and their lengths, but for the signature that those DCs do not make.
fn without_extended_signature(pac: &Pac<'_>) -> Vec<(PacBufferType, usize)> {
    let kinds = pac.buffers().filter(|(kind, _)| *kind != PacBufferType::EXTENDED_KDC_SIGNATURE);
    kinds.map(|(kind, buffer)| (kind, buffer.len())).collect()
}

#[test]
fn tickets_of_a_read_only_dc_verify_as_those_of_any_other() {
    let server = rc4("server_key");
    for (dc, rodc_identifier) in [("rwdc", None), ("rodc", Some(RODC))] {
        let tgt_key = aes(&std::format!("{dc}_tgt_key"));
        let krbtgt = rc4(&std::format!("{dc}_tgt_pac_key"));
        for kind in ["tgt", "service", "s4u2self", "s4u2proxy"] {
            let name = std::format!("{kind}_{}", if dc == "rodc" { dc } else { "ticket" });
            let key = if kind == "tgt" { &tgt_key } else { &server };
            let plaintext = opened(&name, key);
            let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
            let bytes = find_pac(&part.authorization_data.unwrap()).unwrap().unwrap();
            let pac = Pac::parse(bytes).unwrap().verify_server_signature(key).expect(&name);
            pac.verify_kdc_signature(&krbtgt).expect(&name);
            for (kind, buffer) in pac.as_pac().buffers() {
                if let Some(again) = buffers::rewritten(kind, buffer) {
                    assert_eq!(again.as_deref(), Ok(buffer), "{kind} of {name}");
                }
            }
            let signature = pac.as_pac().signature(PacBufferType::KDC_SIGNATURE).unwrap().unwrap();
            assert_eq!(signature.rodc_identifier, rodc_identifier, "{name}");

            let keys = PacKeys { server: key, krbtgt: &krbtgt, rodc_identifier };
            let builder = PacBuilder::from_pac(pac.as_pac());
            if kind == "tgt" {
                assert_eq!(builder.sign(&keys).unwrap(), bytes, "as Windows signed it");
                continue;
            }
            pac.verify_ticket_signature(&krbtgt, &part).expect(&name);
            // These DCs know no extended signature yet; the rest comes out as theirs.
            let again = builder.sign_into(&part, &keys).unwrap();
            let again: EncTicketPart<'_> = der::decode(&again).unwrap();
            let again = find_pac(&again.authorization_data.unwrap()).unwrap().unwrap();
            let again = Pac::parse(again).unwrap();
            let kinds = without_extended_signature(pac.as_pac());
            assert_eq!(without_extended_signature(&again), kinds);
            let ticket = |pac: &Pac<'_>| {
                pac.buffers()
                    .find(|(kind, _)| *kind == PacBufferType::TICKET_SIGNATURE)
                    .unwrap()
                    .1
                    .to_vec()
            };
            assert_eq!(ticket(&again), ticket(pac.as_pac()), "{name}");
        }
    }
}

/// Written apart from verifier and builder: MS-PAC 2.8.2 to 2.8.5 and MIT's `zero_signature`.
#[test]
fn everything_behind_the_signature_type_is_zeros_while_an_rodc_signs() {
    let (server, krbtgt) = (aes("rwdc_tgt_key"), aes("rodc_tgt_key"));
    let keys = PacKeys { server: &server, krbtgt: &krbtgt, rodc_identifier: Some(RODC) };
    let ticket = signatures::with_ticket(|part| PacBuilder::new().sign_into(part, &keys)).unwrap();
    let part: EncTicketPart<'_> = der::decode(&ticket).unwrap();
    let bytes = find_pac(&part.authorization_data.unwrap()).unwrap().unwrap();
    let (_, server_signature) = buffer(bytes, 6);
    for (kind, key, zeroed) in [(6, &server, &[6, 7][..]), (19, &krbtgt, &[6, 7, 19])] {
        let mut signed = bytes.to_vec();
        for &other in zeroed {
            let (start, behind) = buffer(bytes, other);
            signed[start..start + behind.len()].fill(0);
        }
        let expected = key.checksum(KeyUsage::NON_KERB_CHECKSUM, &signed);
        assert_eq!(buffer(bytes, kind).1[..expected.len()], expected, "signature {kind}");
    }
    let expected = krbtgt.checksum(KeyUsage::NON_KERB_CHECKSUM, server_signature);
    assert_eq!(buffer(bytes, 7).1[..expected.len()], expected, "over the signature alone");
    for kind in [7, 16, 19] {
        assert_eq!(buffer(bytes, kind).1[12..], RODC.to_le_bytes(), "signature {kind}");
    }
}

/// What stands behind the SignatureType of a buffer, and where.
fn buffer(pac: &[u8], kind: u32) -> (usize, &[u8]) {
    let word = |at: usize| u32::from_le_bytes(pac[at..at + 4].try_into().unwrap());
    let at = (0..word(0) as usize).map(|n| 8 + 16 * n).find(|&at| word(at) == kind).unwrap();
    let (length, offset) = (word(at + 4) as usize, word(at + 8) as usize);
    (offset + 4, &pac[offset + 4..offset + length])
}
