//! MIT krb5's signed PACs (`src/lib/krb5/krb/t_pac.c`), whose keys stand beside them, and PACs of
//! our own: all four signatures, their order, their types, and whom they hold for.

use std::vec;
use std::vec::Vec;

use super::*;
use crate::asn1::{
    AuthorizationData, AuthorizationDataElement, EncTicketPart, EncryptionKey, PrincipalName,
    SecretOctets, Ticket, TransitedEncoding,
};
use crate::authorization::find_pac;
use crate::der::{self, KerberosString, List};
use crate::iana::{AdType, ChecksumType, KeyUsage, TicketFlags};
use crate::{KerberosTime, Name, Principal};

const MIT: &str = include_str!("../../../vectors/mit-t_pac.txt");

pub(super) fn mit(name: &str) -> Vec<u8> {
    vector(MIT, name)
}

fn aes(key: &[u8]) -> Key {
    Key::new(EncType::AES256_CTS_HMAC_SHA1_96, key).unwrap()
}

fn signature_error(result: Result<(), PacError>) -> CryptoError {
    match result.unwrap_err().kind {
        PacErrorKind::Signature(error) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_saved_pac_verifies_and_is_made_again_byte_for_byte() {
    let saved = mit("saved_pac");
    let server = Key::danger_new_rc4(&mit("member_keyblock")).unwrap();
    let krbtgt = Key::danger_new_rc4(&mit("kdc_keyblock")).unwrap();
    let pac = Pac::parse(&saved).unwrap().verify_server_signature(&server).unwrap();
    pac.verify_kdc_signature(&krbtgt).unwrap();
    let error = signature_error(pac.verify_kdc_signature(&server));
    assert_eq!(error, CryptoError::IntegrityCheckFailed);

    let authtime = KerberosTime::from_unix(1_120_440_609);
    let client = pac.get::<ClientInfo>().unwrap().unwrap();
    assert_eq!(client.name, "w2003final$");
    client.check(&Name::user("w2003final$"), authtime).unwrap();
    for (name, time) in [
        (Name::user("w2003final"), authtime),
        (Name::user("w2003final$"), authtime.plus_seconds(1)),
        (Name::enterprise("w2003final$@WIN2K3.THINKER.LOCAL"), authtime),
    ] {
        let error = client.check(&name, time).unwrap_err();
        assert_eq!(error.kind, PacErrorKind::NotThisClient, "{name}");
    }

    let keys = PacKeys { server: &server, krbtgt: &krbtgt, rodc_identifier: None };
    let again = PacBuilder::from_pac(pac.as_pac())
        .with(&pac.logon_info().unwrap())
        .and_then(|builder| builder.with(&client))
        .and_then(|builder| builder.sign(&keys))
        .unwrap();
    assert_eq!(again, saved);
}

#[test]
fn the_s4u2self_pacs_of_windows_2008_verify() {
    // The KDC signature is HMAC-MD5, with a key that nobody has written down.
    let here = aes(&mit("s4u_srv_key"));
    let referral = aes(&mit("s4u_tgt_srv_key"));
    for (name, authtime, key, client) in [
        ("s4u_pac_regular", 1_538_430_362, &here, "w2k8u"),
        ("s4u_pac_enterprise", 1_538_437_551, &here, "w2k8u@abc"),
        ("s4u_pac_xrealm", 1_538_469_429, &referral, "w2k8u@ACME.COM"),
        ("s4u_pac_ent_xrealm", 1_538_484_998, &referral, "w2k8u@abc@ACME.COM"),
    ] {
        let bytes = mit(name);
        let pac = Pac::parse(&bytes).unwrap().verify_server_signature(key).unwrap();
        assert_eq!(pac.logon_info().unwrap().effective_name, "w2k8u");
        let info = pac.get::<ClientInfo>().unwrap().unwrap();
        let authtime = KerberosTime::from_unix(authtime);
        assert_eq!(info, ClientInfo { client_id: authtime.into(), name: client.into() }, "{name}");
        let (user, realm) = client.rsplit_once("@ACME.COM").unwrap_or((client, ""));
        if key == &referral {
            let principal = Principal::new(Name::user(user), "ACME.COM");
            assert_eq!(ClientInfo::with_realm(&principal, authtime), Some(info));
        } else {
            assert_eq!(realm, "");
            info.check(&Name::enterprise(user), authtime).unwrap();
        }
        let other = if key == &here { &referral } else { &here };
        assert!(Pac::parse(&bytes).unwrap().verify_server_signature(other).is_err());
        // An AES key does not vouch for HMAC-MD5.
        assert_eq!(
            signature_error(pac.verify_kdc_signature(key)),
            CryptoError::ChecksumTypeNotAllowed(ChecksumType::HMAC_MD5)
        );
    }
}

#[test]
fn what_mit_found_by_fuzzing_is_refused() {
    for name in ["fuzz1", "fuzz2"] {
        assert!(Pac::parse(&mit(name)).is_err(), "{name}");
    }
}

/// MIT's `ticket_data`: a ticket of a Windows Server 2022 KDC, opened.
fn opened_ticket() -> zeroize::Zeroizing<Vec<u8>> {
    let ticket = mit("ticket_data");
    let ticket: Ticket<'_> = der::decode(&ticket).unwrap();
    let key = aes(&mit("ticket_sig_server_key"));
    key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap()
}

#[test]
fn a_ticket_of_windows_2022_has_four_signatures() {
    let (server, krbtgt) = (mit("ticket_sig_server_key"), mit("ticket_sig_krbtgt_key"));
    let (server, krbtgt) = (aes(&server), aes(&krbtgt));
    let plaintext = opened_ticket();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let bytes = find_pac(&part.authorization_data.unwrap()).unwrap().unwrap();
    let pac = Pac::parse(bytes).unwrap().verify_server_signature(&server).unwrap();
    pac.verify_kdc_signatures(&krbtgt, &part).unwrap();
    let client = pac.get::<ClientInfo>().unwrap().unwrap();
    client.check(&Name::user("administrator"), part.authtime).unwrap();

    // Every buffer that we know, and the ticket, come out as Windows wrote them.
    let keys = PacKeys { server: &server, krbtgt: &krbtgt, rodc_identifier: None };
    let again = PacBuilder::from_pac(pac.as_pac())
        .with(&pac.logon_info().unwrap())
        .and_then(|builder| builder.with(&client))
        .and_then(|builder| builder.with(&pac.get::<UpnDnsInfo>().unwrap().unwrap()))
        .and_then(|builder| builder.sign_into(&part, &keys))
        .unwrap();
    assert_eq!(*again, *plaintext);
}

#[test]
fn bronze_bit_a_changed_ticket_loses_its_signature() {
    // CVE-2020-17049: a service, which has the ticket's key, sets "forwardable".
    let (server, krbtgt) = (mit("ticket_sig_server_key"), mit("ticket_sig_krbtgt_key"));
    let (server, krbtgt) = (aes(&server), aes(&krbtgt));
    let plaintext = opened_ticket();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let bytes = find_pac(&part.authorization_data.unwrap()).unwrap().unwrap();
    let pac = Pac::parse(bytes).unwrap().verify_server_signature(&server).unwrap();
    let flipped = part.flags.bits() ^ TicketFlags::FORWARDABLE.0;
    let changed = EncTicketPart { flags: flipped.into(), ..part };
    let error = signature_error(pac.verify_kdc_signatures(&krbtgt, &changed));
    assert_eq!(error, CryptoError::IntegrityCheckFailed);
    let later = EncTicketPart { endtime: part.endtime.plus_seconds(1), ..part };
    assert!(pac.verify_kdc_signatures(&krbtgt, &later).is_err());
    // Something beside the PAC is covered too.
    let mut elements: Vec<_> = part.authorization_data.unwrap().iter().collect();
    elements.push(AuthorizationDataElement { ad_type: AdType(-1), ad_data: b"x" });
    let more = EncTicketPart { authorization_data: Some(List::of(&elements)), ..part };
    assert!(pac.verify_kdc_signatures(&krbtgt, &more).is_err());
}

/// A ticket without authorization data of its own.
pub(in crate::pac) fn with_ticket<R>(test: impl FnOnce(&EncTicketPart<'_>) -> R) -> R {
    let name = Name::user("alice");
    test(&EncTicketPart {
        flags: 0x4000_0000.into(),
        key: EncryptionKey {
            keytype: EncType::AES256_CTS_HMAC_SHA1_96,
            keyvalue: SecretOctets(&[3; 32]),
        },
        crealm: KerberosString(b"EXAMPLE.COM"),
        cname: PrincipalName::from(&name),
        transited: TransitedEncoding { tr_type: 1, contents: &[] },
        authtime: KerberosTime::from_unix(1_800_000_000),
        starttime: None,
        endtime: KerberosTime::from_unix(1_800_036_000),
        renew_till: None,
        caddr: None,
        authorization_data: None,
    })
}

#[test]
fn every_enctype_signs_and_a_read_only_dc_says_who_it_is() {
    let key = |enctype, fill, length| Key::new(enctype, &vec![fill; length]).unwrap();
    let keys = |fill| {
        [
            key(EncType::AES128_CTS_HMAC_SHA1_96, fill, 16),
            key(EncType::AES256_CTS_HMAC_SHA1_96, fill, 32),
            key(EncType::AES128_CTS_HMAC_SHA256_128, fill, 16),
            key(EncType::AES256_CTS_HMAC_SHA384_192, fill, 32),
            key(EncType::CAMELLIA128_CTS_CMAC, fill, 16),
            key(EncType::CAMELLIA256_CTS_CMAC, fill, 32),
            Key::danger_new_rc4(&[fill; 16]).unwrap(),
        ]
    };
    let domain: Sid = "S-1-5-21-1-2-3".parse().unwrap();
    let builder = PacBuilder::new().with(&LogonInfo::new("alice", "X", domain, 1104)).unwrap();
    for (server, krbtgt) in keys(1).iter().zip(keys(2).iter().rev()) {
        for rodc_identifier in [None, Some(0x1234)] {
            let keys = PacKeys { server, krbtgt, rodc_identifier };
            let ticket = with_ticket(|part| builder.sign_into(part, &keys)).unwrap();
            let part: EncTicketPart<'_> = der::decode(&ticket).unwrap();
            let bytes = find_pac(&part.authorization_data.unwrap()).unwrap().unwrap();
            let pac = Pac::parse(bytes).unwrap().verify_server_signature(server).unwrap();
            pac.verify_kdc_signatures(krbtgt, &part).unwrap();
            assert!(pac.verify_kdc_signatures(server, &part).is_err());
            for kind in [7, 16, 19].map(PacBufferType) {
                let signature = pac.as_pac().signature(kind).unwrap().unwrap();
                assert_eq!(signature.rodc_identifier, rodc_identifier);
                assert_eq!(signature.checksum_type, krbtgt.checksum_type());
            }
            let server = pac.as_pac().signature(PacBufferType::SERVER_SIGNATURE);
            assert_eq!(server.unwrap().unwrap().rodc_identifier, None);
        }
    }
}

#[test]
fn a_missing_signature_is_no_better_than_a_wrong_one() {
    let (server, krbtgt) = (aes(&[1; 32]), aes(&[2; 32]));
    let keys = PacKeys { server: &server, krbtgt: &krbtgt, rodc_identifier: None };
    with_ticket(|part| {
        // A TGT's PAC, put into a service ticket.
        let bytes = PacBuilder::new().sign(&keys).unwrap();
        let pac = Pac::parse(&bytes).unwrap().verify_server_signature(&server).unwrap();
        pac.verify_kdc_signature(&krbtgt).unwrap();
        let error = pac.verify_kdc_signatures(&krbtgt, part).unwrap_err();
        let missing = |field| PacError { kind: PacErrorKind::Missing, offset: 0, field };
        assert_eq!(error, missing("EXTENDED_KDC_SIGNATURE"));
        assert_eq!(pac.verify_ticket_signature(&krbtgt, part), Err(missing("TICKET_SIGNATURE")));
    });
    for kind in [PacBufferType::SERVER_SIGNATURE, PacBufferType::KDC_SIGNATURE] {
        let whole = PacBuilder::new().sign(&keys).unwrap();
        let empty = Pac::parse(&whole).unwrap();
        let buffers: Vec<_> = empty.buffers().filter(|(other, _)| *other != kind).collect();
        // One buffer of sixteen bytes behind a directory of sixteen.
        let [(other, buffer)] = buffers.as_slice() else { panic!() };
        let mut bytes = vec![1, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([other.0, buffer.len() as u32, 24, 0].iter().flat_map(|w| w.to_le_bytes()));
        bytes.extend(*buffer);
        let error = Pac::parse(&bytes).unwrap().verify_server_signature(&server).unwrap_err();
        assert_eq!(error.kind, PacErrorKind::Missing);
    }
}

#[test]
fn a_signature_of_another_type_is_refused_before_it_is_compared() {
    // HMAC-MD5 with the bytes of an AES key, which Key::verify_checksum takes in PA-FOR-USER.
    let key = aes(&[1; 32]);
    let keys = PacKeys { server: &key, krbtgt: &key, rodc_identifier: None };
    let mut bytes = PacBuilder::new().sign(&keys).unwrap();
    let types = [8, 24].map(|at| u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()));
    for (unkeyed, at) in [-138, 7, 2, 14, 0, 15].iter().flat_map(|t| types.map(|at| (*t, at))) {
        let at = at as usize;
        let old = core::mem::replace(&mut bytes[at], 0);
        bytes[at..at + 4].copy_from_slice(&i32::to_le_bytes(unkeyed));
        assert!(verify_both(&bytes, &key).is_err(), "type {unkeyed}");
        bytes[at..at + 4].copy_from_slice(&16_i32.to_le_bytes());
        assert_eq!(bytes[at], old);
    }
    verify_both(&bytes, &key).unwrap();
}

fn verify_both(bytes: &[u8], key: &Key) -> Result<(), PacError> {
    Pac::parse(bytes)?.verify_server_signature(key)?.verify_kdc_signature(key)
}

#[test]
fn a_pac_in_its_place_keeps_its_neighbours() {
    let keys = PacKeys { server: &aes(&[1; 32]), krbtgt: &aes(&[2; 32]), rodc_identifier: None };
    let element = |ad_type, ad_data| AuthorizationDataElement { ad_type, ad_data };
    let inner = [element(AdType(-5), &b"one"[..]), element(AdType::WIN2K_PAC, b"an old PAC")];
    let container = der::encode(&List::of(&inner));
    let outer = [element(AdType(-6), &b"two"[..]), element(AdType::IF_RELEVANT, &container)];
    with_ticket(|part| {
        let part = EncTicketPart { authorization_data: Some(List::of(&outer)), ..*part };
        let ticket = PacBuilder::new().sign_into(&part, &keys).unwrap();
        let signed: EncTicketPart<'_> = der::decode(&ticket).unwrap();
        let data: Vec<_> = signed.authorization_data.unwrap().iter().collect();
        assert_eq!(data[0], outer[0]);
        let inner: AuthorizationData<'_> = der::decode(data[1].ad_data).unwrap();
        let inner: Vec<_> = inner.iter().collect();
        assert_eq!((inner.len(), inner[0].ad_data), (2, &b"one"[..]));
        let pac = Pac::parse(inner[1].ad_data).unwrap();
        let pac = pac.verify_server_signature(keys.server).unwrap();
        pac.verify_kdc_signatures(keys.krbtgt, &signed).unwrap();
    });
}
