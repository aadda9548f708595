//! AP-REQ and AP-REP with members left out, also inside of what is encrypted.

use std::string::String;
use std::vec::Vec;

use super::super::*;
use crate::asn1::{EncTicketPart, Ticket};
use crate::der::absent::without_each_member;
use crate::gss::testing::{NOW, Service, TestRng, at};
use crate::iana::EncType;

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

fn paths(list: impl Iterator<Item = (Vec<u8>, bool)>) -> Vec<String> {
    list.filter(|(_, taken)| *taken)
        .map(|(path, _)| path.iter().map(|tag| std::format!("{tag:02x} ")).collect())
        .collect()
}

fn taken(service: &Service, message: &[u8]) -> bool {
    let keys = |name: &crate::Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    VerifiedRequest::verify(message, &RequestPolicy::new(&keys), NOW).is_ok()
}

#[test]
fn a_request_with_anything_left_out_is_refused_unless_it_is_optional() {
    let service = Service::new(AES);
    let credential = service.credential();
    let subkey = Key::generate(AES, &mut TestRng(9)).unwrap();
    let options = ApReqOptions {
        usage: KeyUsage::AP_REQ_AUTHENTICATOR,
        ap_options: ApOptions::NONE,
        checksum: Some((ChecksumType::GSSAPI, &[1; 24])),
        subkey: Some(&subkey),
        sequence_number: Some(1),
        authorization_data: None,
    };
    let message =
        ApRequest::new(&credential, &options, &mut at(NOW, &mut TestRng(3))).unwrap().message;
    assert!(taken(&service, &message));
    let request: ApReq<'_> = der::decode(&message).unwrap();
    let members = without_each_member(&message);
    // The keytab is asked for a key of any version if the ticket names none; this one has none.
    assert_eq!(paths(members.into_iter().map(|(p, m)| (p, taken(&service, &m)))), [""; 0]);

    let session_key = &credential.session_key;
    let usage = KeyUsage::AP_REQ_AUTHENTICATOR;
    let plaintext = session_key.decrypt(usage, request.authenticator.cipher).unwrap();
    let authenticators = without_each_member(&plaintext).into_iter().map(|(path, plaintext)| {
        let cipher = session_key.encrypt(usage, &plaintext, &mut TestRng(4));
        let authenticator = EncryptedData { cipher: &cipher, ..request.authenticator };
        let message = der::encode(&ApReq { authenticator, ..request });
        (path, taken(&service, &message))
    });
    // cksum, subkey, seq-number.
    assert_eq!(paths(authenticators), ["62 30 a3 ", "62 30 a6 ", "62 30 a7 "]);

    let ticket: Ticket<'_> = *request.ticket;
    let plaintext = service.key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let mut full: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    full.starttime = Some(full.authtime);
    full.renew_till = Some(full.endtime);
    let tickets = without_each_member(&der::encode(&full)).into_iter().map(|(path, plaintext)| {
        let cipher = service.key.encrypt(KeyUsage::TICKET, &plaintext, &mut TestRng(4));
        let enc_part = EncryptedData { cipher: &cipher, ..ticket.enc_part };
        let ticket = der::encode(&Ticket { enc_part, ..ticket });
        let ticket = Encoded::from_der(&ticket).unwrap();
        (path, taken(&service, &der::encode(&ApReq { ticket, ..request })))
    });
    // starttime, renew-till, authorization-data.
    assert_eq!(paths(tickets), ["63 30 a6 ", "63 30 a8 ", "63 30 aa "]);
}

#[test]
fn an_answer_with_anything_left_out_is_refused_unless_it_is_optional() {
    let service = Service::new(AES);
    let credential = service.credential();
    let options = ApReqOptions {
        usage: KeyUsage::AP_REQ_AUTHENTICATOR,
        ap_options: ApOptions::MUTUAL_REQUIRED,
        checksum: None,
        subkey: None,
        sequence_number: None,
        authorization_data: None,
    };
    let request = ApRequest::new(&credential, &options, &mut at(NOW, &mut TestRng(3))).unwrap();
    let keys = |name: &crate::Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    let verified =
        VerifiedRequest::verify(&request.message, &RequestPolicy::new(&keys), NOW).unwrap();
    let subkey = Key::generate(AES, &mut TestRng(9)).unwrap();
    let answer = verified.reply(Some(&subkey), Some(7), &mut TestRng(5));
    let session_key = &credential.session_key;
    let taken = |answer: &[u8]| request.verify_reply(session_key, answer).is_ok();
    assert!(taken(&answer));
    let members = without_each_member(&answer);
    assert_eq!(paths(members.into_iter().map(|(path, answer)| (path, taken(&answer)))), [""; 0]);

    let reply: ApRep<'_> = der::decode(&answer).unwrap();
    let plaintext = session_key.decrypt(KeyUsage::AP_REP, reply.enc_part.cipher).unwrap();
    let parts = without_each_member(&plaintext).into_iter().map(|(path, plaintext)| {
        let cipher = session_key.encrypt(KeyUsage::AP_REP, &plaintext, &mut TestRng(4));
        let enc_part = EncryptedData { cipher: &cipher, ..reply.enc_part };
        (path, taken(&der::encode(&ApRep { enc_part, ..reply })))
    });
    // subkey, seq-number.
    assert_eq!(paths(parts), ["7b 30 a2 ", "7b 30 a3 "]);
}
