//! Replies with members left out, replies to other requests, signatures that anybody can make, and
//! names that another implementation would cut short.

use std::string::String;

use super::*;
use crate::crypto::CryptoError;
use crate::der::absent::without_each_member;
use crate::iana::ChecksumType;

/// A started AS exchange and the honest answer to its request.
fn as_exchange() -> (AsExchange, Counter, Answer) {
    let mut rng = Counter(1);
    let secret = ClientSecret::Keys(vec![service_key()]);
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let answer = as_answer(&request, service_key());
    (exchange, rng, answer)
}

fn outcome(reply: &[u8]) -> Result<Step<Credential>, ExchangeError> {
    let (mut exchange, mut rng, _) = as_exchange();
    with_context(&mut rng, |cx| exchange.receive(cx, reply))
}

/// The AS-REP with another plaintext of its encrypted part.
fn sealed(answer: &Answer, part: &[u8]) -> Vec<u8> {
    let cipher = answer.reply_key.encrypt(answer.usage, part, &mut Counter(7));
    let reply = answer.as_rep();
    let mut reply: AsRep<'_> = der::decode(&reply).unwrap();
    reply.enc_part.cipher = &cipher;
    der::encode(&reply)
}

#[test]
fn a_reply_with_anything_left_out_is_refused_unless_it_is_optional() {
    let (_, _, mut answer) = as_exchange();
    answer.padata = vec![(PaType::PW_SALT, vec![1])];
    answer.encrypted_padata = vec![(PaType::PAC_OPTIONS, vec![1])];
    assert!(matches!(outcome(&answer.as_rep()), Ok(Step::Done(_))));

    let taken = |list: Vec<(Vec<u8>, Vec<u8>)>| -> Vec<String> {
        let taken =
            list.into_iter().filter(|(_, reply)| matches!(outcome(reply), Ok(Step::Done(_))));
        taken.map(|(path, _)| path.iter().map(|tag| std::format!("{tag:02x} ")).collect()).collect()
    };
    // padata, and the ticket's kvno.
    let reply = taken(without_each_member(&answer.as_rep()));
    assert_eq!(reply, ["6b 30 a2 ", "6b 30 a5 61 30 a3 30 a1 "]);

    let plaintext = answer.reply_key.decrypt(answer.usage, &answer.enc_part(0x7a));
    let parts = without_each_member(&plaintext.unwrap());
    let replies = parts.into_iter().map(|(path, part)| (path, sealed(&answer, &part))).collect();
    // starttime and encrypted-pa-data.
    assert_eq!(taken(replies), ["7a 30 a6 ", "7a 30 ac "]);
}

#[test]
fn an_error_with_anything_left_out_is_no_success() {
    let hint = hint(EncType::AES256_CTS_HMAC_SHA1_96, Some(b"salt"), None);
    let error = error(ErrorCode::PREAUTH_REQUIRED, Some(&hint));
    for (path, error) in without_each_member(&error) {
        let step = outcome(&error);
        assert!(!matches!(step, Ok(Step::Done(_))), "{path:02x?}");
    }
    // The same inside of what the error carries.
    for (path, hint) in without_each_member(&hint) {
        let error = super::error(ErrorCode::PREAUTH_REQUIRED, Some(&hint));
        assert!(!matches!(outcome(&error), Ok(Step::Done(_))), "{path:02x?}");
    }
}

#[test]
fn a_replayed_as_reply_is_refused() {
    let (mut exchange, mut rng, old) = as_exchange();
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let answer = as_answer(&request, service_key());
    let replayed = with_context(&mut rng, |cx| exchange.receive(cx, &old.as_rep())).unwrap_err();
    assert_eq!(replayed, ExchangeError::Mismatch(Mismatch::Nonce));
    let (mut exchange, mut rng, _) = as_exchange();
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    assert!(with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).is_ok());
}

#[test]
fn a_checksum_without_a_key_is_no_signature_of_the_kdc() {
    // The lengths of CRC-32, MD4, MD5 and SHA-1.
    for (cksumtype, length) in [(1, 4), (2, 16), (7, 16), (14, 20)] {
        let checksum = vec![0; length];
        let checksum = Checksum { cksumtype: ChecksumType(cksumtype), checksum: &checksum };
        let error = s4u_self(|answer| {
            let user_id = der::encode(&S4uUserId {
                nonce: UInt32::new(answer.nonce),
                cname: Some((&alice().name).into()),
                crealm: KerberosString(REALM.as_bytes()),
                subject_certificate: None,
                options: Some(S4uOptions::SIGN_REPLY.0.into()),
            });
            let user_id = Encoded::from_der(&user_id).unwrap();
            let copy = der::encode(&PaS4uX509User { user_id, checksum });
            answer.padata = vec![(PaType::S4U_X509_USER, copy)];
        })
        .unwrap_err();
        let refused = CryptoError::ChecksumTypeNotAllowed(ChecksumType(cksumtype));
        let expected = Mismatch::S4uUser(S4uReplyError::Checksum(refused));
        assert_eq!(error, ExchangeError::Mismatch(expected));

        let (mut exchange, mut rng, mut answer) = as_exchange();
        answer.flags |= TicketFlags::ENC_PA_REP;
        answer.encrypted_padata = vec![(PaType::REQ_ENC_PA_REP, der::encode(&checksum))];
        let error =
            with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).unwrap_err();
        assert_eq!(error, ExchangeError::Mismatch(Mismatch::RequestChecksum));
    }
}

#[test]
fn a_name_that_goes_on_behind_a_nul_is_another_name() {
    let longer = Principal::new(Name::user("ALICE_ADMIN\0.evil"), REALM);
    let found = longer.clone();
    let error = s4u_self(move |answer| answer.client = longer.clone()).unwrap_err();
    assert_eq!(error, ExchangeError::Mismatch(Mismatch::Client { expected: alice(), found }));
}
