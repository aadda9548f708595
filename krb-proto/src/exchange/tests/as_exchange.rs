//! The AS exchange with passwords and keys: hints, counts, wrong keys, mechanisms.

use super::*;

#[test]
fn a_password_waits_for_the_kdcs_salt() {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let mut rng = Counter(1);
    let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    let first = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let first: AsReq<'_> = der::decode(&first).unwrap();
    let guessed = first.padata.unwrap().iter().any(|pa| pa.padata_type == PaType::ENC_TIMESTAMP);
    assert!(!guessed, "a wrong guess would count as a wrong password");

    let salt = b"W25AD.NETold-name";
    let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&hint(enctype, Some(salt), None)));
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap();
    assert!(matches!(step, Step::Continue));
    let second = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let key = Key::from_password(enctype, b"secret", salt, None).unwrap();
    let answer = as_answer(&second, key);
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).unwrap();
    assert!(matches!(step, Step::Done(_)));

    // A KDC that asks for pre-authentication again gets no third try.
    let again = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    assert!(matches!(again, ExchangeError::Refused(_)));
}

#[test]
fn no_timestamp_is_sent_by_who_sends_none() {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let sent = |message: &[u8]| {
        let request: AsReq<'_> = der::decode(message).unwrap();
        let padata = request.padata.unwrap();
        crate::preauth::find_padata(padata, PaType::ENC_TIMESTAMP).is_some()
    };
    for secret in [
        ClientSecret::Keys(vec![service_key()]),
        ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec())),
    ] {
        let mut rng = Counter(1);
        let exchange = AsExchange::new(service(), secret, TicketOptions::default());
        let mut exchange = exchange.without_timestamp();
        assert!(!sent(&with_context(&mut rng, |cx| exchange.request(cx)).unwrap()));
        let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&hint(enctype, None, None)));
        let ended = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
        assert_eq!(ended, ExchangeError::NoCommonMechanism);
    }
}

/// go-krb5 #159: an error names realms and clients that nobody vouches for. Where it gives no salt, our own
/// name makes it.
#[test]
fn a_salt_that_is_absent_is_made_of_our_own_name_whatever_the_error_names() {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let mut rng = Counter(1);
    let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (sname, mallory) = (Name::krbtgt(b"EVIL"), Name::user("mallory"));
    let hints = hint(enctype, None, None);
    let reply = der::encode(&KrbError {
        crealm: Some(KerberosString(b"EVIL")),
        cname: Some((&mallory).into()),
        e_data: Some(&hints),
        ..KrbError::new(ErrorCode::PREAUTH_REQUIRED, Timestamp::new(NOW, 5), b"EVIL", &sname)
    });
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap();
    assert!(matches!(step, Step::Continue));
    assert_eq!(exchange.realm(), Ok(REALM.as_bytes()));
    let second = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let key = Key::from_password(enctype, b"secret", &default_salt(&service()), None).unwrap();
    let answer = as_answer(&second, key.clone());
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).unwrap();
    assert!(matches!(step, Step::Done(_)));
    assert_eq!(exchange.known_key().map(|known| known.key().clone()), Some(key));
}

/// Our realm's KDC says that another one knows the client (RFC 6806 section 7).
#[test]
fn a_key_that_another_realm_makes_of_the_password_is_shown_to_that_one_only() {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let (mut rng, elsewhere) = (Counter(1), b"ELSEWHERE");
    let options = TicketOptions { canonicalize: true, ..Default::default() };
    let begin = || {
        let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
        AsExchange::new(service(), secret, options.clone())
    };
    let proves = |request: &[u8]| {
        let request: AsReq<'_> = der::decode(request).unwrap();
        crate::preauth::find_padata(request.padata.unwrap(), PaType::ENC_TIMESTAMP).is_some()
    };
    let sname = Name::krbtgt(REALM.as_bytes());
    let there = der::encode(&KrbError {
        crealm: Some(KerberosString(elsewhere)),
        ..KrbError::new(ErrorCode::WRONG_REALM, Timestamp::new(NOW, 5), REALM.as_bytes(), &sname)
    });
    let mut exchange = begin();
    let mut round = |exchange: &mut AsExchange, reply: &[u8]| {
        let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let step = with_context(&mut rng, |cx| exchange.receive(cx, reply)).unwrap();
        assert!(matches!(step, Step::Continue));
        request
    };
    round(&mut exchange, &there);
    let salted = hint(enctype, Some(b"salt of elsewhere"), None);
    let asks = error(ErrorCode::PREAUTH_REQUIRED, Some(&salted));
    assert!(!proves(&round(&mut exchange, &asks)), "it has asked for nothing yet");
    let last = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let key = Key::from_password(enctype, b"secret", b"salt of elsewhere", None).unwrap();
    let reply = as_answer(&last, key).as_rep();
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap();
    assert!(proves(&last) && matches!(step, Step::Done(_)));
    let known = exchange.known_key().unwrap();

    // The next login begins with our own realm again.
    let mut exchange = begin().with_known_key(known.clone());
    let first = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    assert!(!proves(&first), "nobody there makes that key");
    assert!(exchange.known_key().is_none());
    // Who begins there shows it at once.
    let of_there = Principal::new(service().name, "ELSEWHERE");
    let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
    let mut exchange = AsExchange::new(of_there, secret, options.clone()).with_known_key(known);
    assert!(proves(&with_context(&mut rng, |cx| exchange.request(cx)).unwrap()));
}

/// What one realm's KDC did not take is not yet tried at another's.
#[test]
fn keys_that_one_realm_refused_are_another_matter_in_the_next() {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let mut rng = Counter(1);
    let secret = ClientSecret::Keys(vec![Key::new(enctype, &[9; 32]).unwrap(), service_key()]);
    let options = TicketOptions { canonicalize: true, ..Default::default() };
    let mut exchange = AsExchange::new(service(), secret, options);
    let sname = Name::krbtgt(REALM.as_bytes());
    let there = der::encode(&KrbError {
        crealm: Some(KerberosString(b"ELSEWHERE")),
        ..KrbError::new(ErrorCode::WRONG_REALM, Timestamp::new(NOW, 5), REALM.as_bytes(), &sname)
    });
    let hints = hint(enctype, None, None);
    let [refused, asks] = [ErrorCode::PREAUTH_FAILED, ErrorCode::PREAUTH_REQUIRED]
        .map(|code| error(code, Some(&hints)));
    for reply in [refused, there, asks] {
        with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let step = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap();
        assert!(matches!(step, Step::Continue));
    }
    let last = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let answer = as_answer(&last, Key::new(enctype, &[9; 32]).unwrap());
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).unwrap();
    assert!(matches!(step, Step::Done(_)), "the best of them first");
}

#[test]
fn a_hostile_iteration_count_is_refused_before_any_work() {
    for count in [0u32, 1, 4095, (1 << 20) + 1, u32::MAX] {
        let mut rng = Counter(1);
        let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
        let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
        with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let params = count.to_be_bytes();
        let hint = hint(EncType::AES256_CTS_HMAC_SHA1_96, None, Some(&params));
        let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&hint));
        let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
        assert!(matches!(refused, ExchangeError::Crypto(_)), "{count}: {refused}");
    }
}

/// What was offered and cannot be done is this side's doing.
#[test]
fn an_enctype_that_no_key_is_made_of_here_is_no_fault_of_the_reply() {
    const DES3: EncType = EncType(16);
    let mut rng = Counter(1);
    let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
    let options = TicketOptions { enctypes: vec![DES3], ..Default::default() };
    let mut exchange = AsExchange::new(service(), secret, options);
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let hint = hint(DES3, None, None);
    let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&hint));
    let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    assert!(matches!(refused, ExchangeError::OwnKey(_)), "{refused}");
}

#[test]
fn the_rc4_key_of_a_password_is_made_where_rc4_was_named() {
    let mut rng = Counter(1);
    let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
    let enctypes = vec![EncType::RC4_HMAC];
    let named = TicketOptions { enctypes, ..TicketOptions::default() };
    let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&hint(EncType::RC4_HMAC, None, None)));
    for (options, goes_on) in [(named, true), (TicketOptions::default(), false)] {
        let mut exchange = AsExchange::new(service(), secret.clone(), options);
        with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let step = with_context(&mut rng, |cx| exchange.receive(cx, &reply));
        assert_eq!(step.is_ok(), goes_on);
    }
}

/// MIT's KDC seals the reply with the account's key of the first enctype in the request, whichever key the
/// client has proved itself with; and lists all of the account's in its hints.
#[test]
fn a_keytab_is_asked_for_what_it_has() {
    let (aes128, aes256) = (EncType::AES128_CTS_HMAC_SHA1_96, EncType::AES256_CTS_HMAC_SHA1_96);
    let requested = |message: &[u8]| {
        let request: AsReq<'_> = der::decode(message).unwrap();
        let padata = request.padata.unwrap();
        let proof = crate::preauth::find_padata(padata, PaType::ENC_TIMESTAMP).unwrap();
        let proof: EncryptedData<'_> = der::decode(proof).unwrap();
        (request.req_body.etype.iter().collect::<Vec<_>>(), proof.etype)
    };
    let mut rng = Counter(1);
    let usual = TicketOptions::default().enctypes;
    assert_eq!(usual[..2], [aes256, aes128]);
    let secret = ClientSecret::Keys(vec![key(aes128, 1), key(aes128, 2)]);
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    let first = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (asked, proved) = requested(&first);
    assert_eq!(
        (asked[..2].to_vec(), asked.len(), proved),
        (vec![aes128, aes256], usual.len(), aes128)
    );
    // The newest is not taken; the one before is of an enctype that is not the account's first.
    let entries =
        [aes256, aes128].map(|etype| EtypeInfo2Entry { etype, salt: None, s2kparams: None });
    let info = der::encode(&List::of(&entries));
    let method = |padata_type, padata_value| PaData { padata_type, padata_value };
    let methods = [method(PaType::ETYPE_INFO2, &info), method(PaType::ENC_TIMESTAMP, &[])];
    let hints = der::encode(&List::of(&methods));
    let reply = error(ErrorCode::PREAUTH_FAILED, Some(&hints));
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap();
    assert!(matches!(step, Step::Continue));
    let second = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    assert_eq!(requested(&second).1, aes128);
    let answer = as_answer(&second, key(aes128, 2));
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).unwrap();
    assert!(matches!(step, Step::Done(_)));

    // Whoever has both proves itself with the one in front.
    for (keys, expected) in [([aes256, aes128], aes256), ([aes128, aes256], aes128)] {
        let secret = ClientSecret::Keys(keys.map(|enctype| key(enctype, 1)).to_vec());
        let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
        let (asked, proved) =
            requested(&with_context(&mut rng, |cx| exchange.request(cx)).unwrap());
        assert_eq!((asked[0], proved), (expected, expected));
    }
}

#[test]
fn a_wrong_key_is_not_tried_twice() {
    let mut rng = Counter(1);
    let secret = ClientSecret::Keys(vec![service_key()]);
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let hint = hint(EncType::AES256_CTS_HMAC_SHA1_96, None, None);
    let reply = error(ErrorCode::PREAUTH_FAILED, Some(&hint));
    let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    assert!(matches!(refused, ExchangeError::Refused(_)), "each try counts towards a lock-out");
}

/// The account's password was changed; this KDC still has the one before.
#[test]
fn the_key_before_is_tried_where_the_newest_is_not_taken() {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let mut rng = Counter(1);
    let newest = Key::new(enctype, &[9; 32]).unwrap();
    let secret = ClientSecret::Keys(vec![newest, service_key()]);
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let refusal = error(ErrorCode::PREAUTH_FAILED, Some(&hint(enctype, None, None)));
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &refusal)).unwrap();
    assert!(matches!(step, Step::Continue));
    let second = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let answer = as_answer(&second, service_key());
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).unwrap();
    assert!(matches!(step, Step::Done(_)));
}

/// What a KDC lists in METHOD-DATA, beside ETYPE-INFO2.
fn method_data(mechanisms: &[(PaType, &[u8])]) -> Vec<u8> {
    let entry =
        [EtypeInfo2Entry { etype: EncType::AES256_CTS_HMAC_SHA1_96, salt: None, s2kparams: None }];
    let info = der::encode(&List::of(&entry));
    let mut list = vec![PaData { padata_type: PaType::ETYPE_INFO2, padata_value: &info }];
    list.extend(
        mechanisms.iter().map(|&(padata_type, padata_value)| PaData { padata_type, padata_value }),
    );
    der::encode(&List::of(&list))
}

#[test]
fn a_mechanism_that_this_side_cannot_do_is_named() {
    let mut rng = Counter(1);
    let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let data = method_data(&[(PaType(4711), b"")]);
    let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&data));
    let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    assert_eq!(refused, ExchangeError::NoCommonMechanism);
}

#[test]
fn a_mechanism_that_was_turned_down_is_not_tried_again() {
    let mut rng = Counter(1);
    let secret = ClientSecret::Keys(vec![service_key()]);
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let data = method_data(&[(PaType::ENC_TIMESTAMP, b"")]);
    for code in [ErrorCode::PREAUTH_REQUIRED, ErrorCode::MORE_PREAUTH_DATA_REQUIRED] {
        let reply = error(code, Some(&data));
        let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
        let ExchangeError::Refused(refusal) = &refused else { panic!("{refused}") };
        assert_eq!(refusal.code, code);
    }
}

#[test]
fn the_kdcs_cookie_is_echoed_and_only_the_last_one() {
    let mut rng = Counter(1);
    let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let data = method_data(&[(PaType::ENC_TIMESTAMP, b""), (PaType::FX_COOKIE, b"state")]);
    let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&data));
    with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap();
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let request: AsReq<'_> = der::decode(&request).unwrap();
    let cookie = crate::preauth::find_padata(request.padata.unwrap(), PaType::FX_COOKIE);
    assert_eq!(cookie, Some(&b"state"[..]));
}

#[test]
fn the_default_salt_is_realm_and_components() {
    let name = Name::new(crate::iana::NameType::SRV_HST, ["host", "a.b"]);
    assert_eq!(default_salt(&Principal::new(name, "R")), b"Rhosta.b");
}

#[test]
fn a_ticket_that_is_no_tgt_is_misuse() {
    let evidence = Arc::new(s4u_self(|_| {}).unwrap());
    let mut exchange = TgsExchange::new(
        evidence,
        TgsGoal::S4uSelf { user: alice(), service: service().name },
        TicketOptions::default(),
    );
    let refused = with_context(&mut Counter(1), |cx| exchange.request(cx)).unwrap_err();
    assert!(matches!(refused, ExchangeError::OwnTicket(_)));
}

fn ask_for_hint(reply: &[u8]) -> Result<Step<KeyHint>, ExchangeError> {
    let mut rng = Counter(1);
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let mut exchange = KeyHintExchange::new(service(), enctype);
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let request: AsReq<'_> = der::decode(&request).unwrap();
    let body: KdcReqBody<'_> = der::decode(request.req_body.der()).unwrap();
    assert_eq!(body.etype.iter().collect::<Vec<_>>(), [enctype], "of this kind of key only");
    let proves = [PaType::ENC_TIMESTAMP, PaType::ENCRYPTED_CHALLENGE];
    assert!(request.padata.unwrap().iter().all(|pa| !proves.contains(&pa.padata_type)));
    with_context(&mut rng, |cx| exchange.receive(cx, reply))
}

#[test]
fn a_kdc_is_asked_for_the_salt_without_a_try_at_the_password() {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let (salt, params) = (b"W25AD.NETold-name", 5000u32.to_be_bytes());
    let hints = hint(enctype, Some(salt), Some(&params));
    let expected = KeyHint { enctype, salt: Some(salt.to_vec()), s2kparams: Some(params.to_vec()) };
    let asked = ask_for_hint(&error(ErrorCode::PREAUTH_REQUIRED, Some(&hints))).unwrap();
    assert!(matches!(asked, Step::Done(hint) if hint == expected));

    // A KDC that asks for no pre-authentication answers at once; the hint stands in its reply.
    let mut rng = Counter(1);
    let mut login =
        AsExchange::new(service(), ClientSecret::Keys(vec![]), TicketOptions::default());
    let request = with_context(&mut rng, |cx| login.request(cx)).unwrap();
    let mut answer = as_answer(&request, service_key());
    let list: List<'_, PaData<'_>> = der::decode(&hints).unwrap();
    answer.padata = list.iter().map(|pa| (pa.padata_type, pa.padata_value.to_vec())).collect();
    let asked = ask_for_hint(&answer.as_rep()).unwrap();
    assert!(matches!(asked, Step::Done(hint) if hint == expected));

    let refused = ask_for_hint(&error(ErrorCode::C_PRINCIPAL_UNKNOWN, None)).unwrap_err();
    assert!(matches!(refused, ExchangeError::Refused(_)));
    let other = hint(EncType::AES128_CTS_HMAC_SHA1_96, Some(salt), None);
    let refused = ask_for_hint(&error(ErrorCode::PREAUTH_REQUIRED, Some(&other))).unwrap_err();
    assert_eq!(refused, ExchangeError::NoCommonEnctype);
}

#[test]
fn a_hostile_iteration_count_is_no_work_for_who_only_asks() {
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let hints = hint(enctype, None, Some(&u32::MAX.to_be_bytes()));
    let asked = ask_for_hint(&error(ErrorCode::PREAUTH_REQUIRED, Some(&hints))).unwrap();
    let Step::Done(hint) = asked else { panic!("done") };
    assert!(hint.key(&service(), b"secret").is_err());
}

/// What is wrong with what this side gave is not laid to the KDC, and needs none to be found.
#[test]
fn a_malformed_ticket_of_ours_is_not_the_kdcs_fault() {
    let ask = |goal: TgsGoal, tgt: Arc<Credential>, fast: TgsArmor| {
        let options = TicketOptions { fast, ..TicketOptions::default() };
        let mut exchange = TgsExchange::new(tgt, goal, options);
        with_context(&mut Counter(1), |cx| exchange.request(cx)).unwrap_err()
    };
    let damaged =
        |ticket: &Credential| Arc::new(Credential { ticket: vec![0x30], ..ticket.clone() });
    let service = || TgsGoal::Service(target());
    let user_to_user = TgsGoal::UserToUser { service: target(), service_tgt: vec![0x61] };
    let evidence = s4u_self(|_| {}).unwrap();
    let proxy = TgsGoal::S4uProxy { evidence: damaged(&evidence), target: target() };
    for error in [
        ask(service(), damaged(&tgt()), TgsArmor::Off),
        ask(user_to_user, tgt(), TgsArmor::Off),
        ask(proxy, tgt(), TgsArmor::Off),
        ask(service(), tgt(), TgsArmor::Explicit(damaged(&tgt()))),
    ] {
        let malformed = matches!(error, ExchangeError::OwnTicket(OwnTicketError::Malformed(_)));
        assert!(malformed && error.to_string().starts_with("this side's own ticket"), "{error}");
    }
    let session_key = Key::danger_new_rc4(&[1; 16]).unwrap();
    let rc4 = Arc::new(Credential { session_key, ..(*tgt()).clone() });
    for error in
        [ask(service(), rc4.clone(), TgsArmor::Off), ask(service(), tgt(), TgsArmor::Explicit(rc4))]
    {
        let key = matches!(error, ExchangeError::OwnTicket(OwnTicketError::SessionKey(_)));
        assert!(key, "{error}");
    }
    let mut exchange = TgsExchange::new(Arc::new(evidence), service(), TicketOptions::default());
    let no_tgt = Err(OwnTicketError::NotTicketGranting.into());
    assert_eq!(exchange.realm(), no_tgt, "known before any KDC is looked for");
    let reply = with_context(&mut Counter(1), |cx| exchange.receive(cx, b"\x7e"));
    assert_eq!(reply.unwrap_err(), ExchangeError::NoReplyDue);
}

/// Only one of the realm's KDCs knows SPAKE, or somebody on the way wants a weaker proof.
#[cfg(feature = "spake")]
#[test]
fn after_a_proof_by_spake_nothing_weaker_is_sent() {
    use crate::preauth::spake::{SpakeError, SpakeGroup, challenge};

    for proven in [false, true] {
        let mut rng = Counter(1);
        let secret = ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()));
        let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
        let mut round = |code: ErrorCode, hints: &[(PaType, &[u8])]| {
            let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
            let request: AsReq<'_> = der::decode(&request).unwrap();
            let sent = crate::preauth::find_padata(request.padata.unwrap(), PaType::SPAKE);
            let reply = error(code, Some(&method_data(hints)));
            let outcome = with_context(&mut rng, |cx| exchange.receive(cx, &reply));
            (sent.map(<[u8]>::to_vec), outcome)
        };
        round(ErrorCode::PREAUTH_REQUIRED, &[(PaType::SPAKE, b"")]).1.unwrap();
        if proven {
            let groups = SpakeGroup::ALL.map(SpakeGroup::number);
            let groups = List::of(&groups);
            let support = crate::asn1::PaSpake::Support(crate::asn1::SpakeSupport { groups });
            let support = der::encode(&support);
            let kdc = challenge(&SpakeGroup::ALL, &service_key(), &support, &mut Counter(3));
            let message = kdc.unwrap().message;
            let hints = [(PaType::SPAKE, &*message)];
            let (sent, outcome) = round(ErrorCode::MORE_PREAUTH_DATA_REQUIRED, &hints);
            assert_eq!(sent, Some(support));
            outcome.unwrap();
        }
        let weaker: (PaType, &[u8]) = (PaType::ENC_TIMESTAMP, b"");
        let (sent, outcome) = round(ErrorCode::PREAUTH_REQUIRED, &[weaker]);
        assert!(sent.is_some());
        if proven {
            assert_eq!(outcome.unwrap_err(), SpakeError::Abandoned.into());
        } else {
            assert!(matches!(outcome, Ok(Step::Continue)), "nothing was proven yet");
        }
    }
}
