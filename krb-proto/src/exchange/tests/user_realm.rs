//! Looking for a user's realm.

use std::string::String;

use super::*;

/// What a KDC says of a user.
enum Word {
    Here,
    There(&'static str),
    Code(ErrorCode),
}

fn wrong_realm(code: ErrorCode, crealm: Option<&str>) -> Vec<u8> {
    let sname = Name::krbtgt(REALM.as_bytes());
    der::encode(&KrbError {
        crealm: crealm.map(|realm| KerberosString(realm.as_bytes())),
        ..KrbError::new(code, Timestamp::new(NOW, 0), REALM.as_bytes(), &sname)
    })
}

/// Asks until an answer is found; with it, the realms that were asked.
fn look(mut word: impl FnMut(&str) -> Word) -> (Vec<String>, Result<Vec<u8>, ExchangeError>) {
    let (mut rng, mut asked) = (Counter(1), Vec::new());
    let mut exchange = UserRealm::new(Name::enterprise("alice@corp.example"), REALM.as_bytes());
    for _ in 0..100 {
        let realm = String::from_utf8(exchange.realm().unwrap().to_vec()).unwrap();
        let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let request: AsReq<'_> = der::decode(&request).unwrap();
        let body: &KdcReqBody<'_> = &request.req_body;
        assert!(request.padata.is_none(), "nothing is proven");
        assert!(KdcOptions(body.kdc_options.bits()).contains(KdcOptions::CANONICALIZE));
        assert_eq!(body.cname.unwrap().to_name(), Name::enterprise("alice@corp.example"));
        assert_eq!(body.realm.0, realm.as_bytes());
        let reply = match word(&realm) {
            Word::Here => wrong_realm(ErrorCode::PREAUTH_REQUIRED, None),
            Word::There(realm) => wrong_realm(ErrorCode::WRONG_REALM, Some(realm)),
            Word::Code(code) => wrong_realm(code, None),
        };
        asked.push(realm);
        match with_context(&mut rng, |cx| exchange.receive(cx, &reply)) {
            Ok(Step::Continue) => {}
            Ok(Step::Done(realm)) => return (asked, Ok(realm)),
            Err(error) => return (asked, Err(error)),
        }
    }
    panic!("a search without an end");
}

#[test]
fn the_realm_that_knows_the_user_is_found() {
    let (asked, realm) = look(|_| Word::Here);
    assert_eq!((asked.len(), realm), (1, Ok(REALM.into())));
    let (asked, realm) = look(|realm| match realm {
        REALM => Word::There("B"),
        "B" => Word::There("C"),
        _ => Word::Here,
    });
    assert_eq!(
        (asked, realm.unwrap()),
        ([REALM, "B", "C"].map(String::from).to_vec(), b"C".to_vec())
    );
    let (_, unknown) = look(|_| Word::Code(ErrorCode::C_PRINCIPAL_UNKNOWN));
    assert!(matches!(unknown, Err(ExchangeError::Refused(_))));
    let (_, nowhere) = look(|_| Word::Code(ErrorCode::WRONG_REALM));
    assert!(matches!(nowhere, Err(ExchangeError::Refused(_))), "another, and not which");
}

/// MS-SFU 2.2.2: in an AS-REQ it is no structure.
#[test]
fn a_certificate_is_sent_as_it_is() {
    let mut exchange = UserRealm::of_certificate(b"its DER", REALM.as_bytes());
    let request = with_context(&mut Counter(1), |cx| exchange.request(cx)).unwrap();
    let request: AsReq<'_> = der::decode(&request).unwrap();
    let sent = crate::preauth::find_padata(request.padata.unwrap(), PaType::S4U_X509_USER);
    assert_eq!(sent, Some(&b"its DER"[..]));
    let body: &KdcReqBody<'_> = &request.req_body;
    let nobody = Name::new(crate::iana::NameType::X500_PRINCIPAL, [""]);
    assert_eq!(body.cname.unwrap().to_name(), nobody);
}

#[test]
fn it_is_not_looked_for_in_circles_or_without_end() {
    for back in [REALM, "B"] {
        let (asked, outcome) = look(|realm| Word::There(if realm == REALM { "B" } else { back }));
        let circle = ReferralError::Loop(back.into());
        assert_eq!(outcome, Err(ExchangeError::Referral(circle)));
        assert_eq!(asked.len(), 2);
    }
    const REALMS: [&str; 11] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"];
    for (hops, found) in [(9, true), (10, true), (11, false)] {
        let mut next = REALMS[..hops].iter();
        let (_, outcome) =
            look(move |_| next.next().map_or(Word::Here, |realm| Word::There(realm)));
        assert_eq!(outcome.is_ok(), found, "{hops}");
    }
}
