//! Tickets of a Samba 4.17 DC with the keys of the service and of krbtgt: a delegated one, with all
//! four signatures, and the TGT of the service that delegated, with two.

use super::*;
use crate::asn1::{EncTicketPart, Ticket};
use crate::authorization::find_pac;
use crate::der;
use crate::iana::{KeyUsage, PacBufferType, TicketFlags};

const SAMBA: &str = include_str!("../../../vectors/samba-4.17-delegated.txt");

fn key(name: &str) -> Key {
    Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &vector(SAMBA, name)).unwrap()
}

fn open(ticket: &str, key: &Key) -> zeroize::Zeroizing<Vec<u8>> {
    let ticket = vector(SAMBA, ticket);
    let ticket: Ticket<'_> = der::decode(&ticket).unwrap();
    key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap()
}

#[test]
fn a_delegated_ticket_says_who_delegated_and_is_signed_four_times() {
    let (service, krbtgt) = (key("service_key"), key("krbtgt_key"));
    let plaintext = open("delegated_ticket", &service);
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let bytes = find_pac(&part.authorization_data.unwrap()).unwrap().unwrap();
    let pac = Pac::parse(bytes).unwrap().verify_server_signature(&service).unwrap();
    pac.verify_kdc_signatures(&krbtgt, &part).unwrap();
    let client = pac.get::<ClientInfo>().unwrap().unwrap();
    client.check(&part.cname.to_name(), part.authtime).unwrap();
    let delegation = pac.get::<DelegationInfo>().unwrap().unwrap();
    assert_eq!(delegation.proxy_target, "HTTP/webapp.w25ad.net");
    assert_eq!(delegation.transited_services, ["svc-mcp-server@W25AD.NET"]);

    // The flag that the service must not set by itself.
    let flags = (part.flags.bits() ^ TicketFlags::FORWARDABLE.0).into();
    let flipped = EncTicketPart { flags, ..part };
    assert!(pac.verify_kdc_signatures(&krbtgt, &flipped).is_err());

    // With what we read and write in the buffers' places, Samba's own signatures come out again.
    // (Windows gives the texts of S4U_DELEGATION_INFO room for a NUL, and so do we; Samba does not.)
    let keys = PacKeys { server: &service, krbtgt: &krbtgt, rodc_identifier: None };
    let again = PacBuilder::from_pac(pac.as_pac())
        .with(&pac.logon_info().unwrap())
        .and_then(|builder| builder.with(&client))
        .and_then(|builder| builder.sign_into(&part, &keys))
        .unwrap();
    assert_eq!(*again, *plaintext);
}

#[test]
fn a_tgt_says_whose_it_is_and_is_signed_twice() {
    let krbtgt = key("krbtgt_key");
    let plaintext = open("tgt", &krbtgt);
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let bytes = find_pac(&part.authorization_data.unwrap()).unwrap().unwrap();
    let pac = Pac::parse(bytes).unwrap().verify_server_signature(&krbtgt).unwrap();
    pac.verify_kdc_signature(&krbtgt).unwrap();
    let kinds = [PacBufferType::TICKET_SIGNATURE, PacBufferType::EXTENDED_KDC_SIGNATURE];
    assert_eq!(kinds.map(|kind| pac.as_pac().signature(kind)), [Ok(None), Ok(None)]);
    let Requestor(sid) = pac.get().unwrap().unwrap();
    assert_eq!(sid, pac.logon_info().unwrap().user_sid().unwrap());
    let attributes: Attributes = pac.get().unwrap().unwrap();
    assert_eq!(attributes.flags, Attributes::PAC_WAS_GIVEN_IMPLICITLY);
}
