use super::*;

fn exchange(secret: ClientSecret) -> AsExchange {
    AsExchange::new(service(), secret, TicketOptions::default())
        .armored(armor_ticket(EncType::AES256_CTS_HMAC_SHA1_96))
}

fn keytab() -> ClientSecret {
    ClientSecret::Keys(vec![service_key()])
}

fn ask(exchange: &mut AsExchange, rng: &mut Counter) -> Vec<u8> {
    with_context(rng, |cx| exchange.request(cx)).unwrap()
}

/// The honest answer to a request with the client's challenge in it.
fn answer(message: &[u8], opened: &Opened) -> (Answer, Sealed) {
    let sent = opened.padata.iter().find(|pa| pa.0 == PaType::ENCRYPTED_CHALLENGE).unwrap();
    let key = service_key();
    let time = open_challenge(Challenger::Client, opened.fast.armor_key(), &key, &sent.1).unwrap();
    assert_eq!(time, Timestamp::new(NOW, 42));
    assert!(opened.padata.iter().all(|pa| pa.0 != PaType::ENC_TIMESTAMP));
    let strengthen_key = Key::generate(key.enctype(), &mut Counter(50)).unwrap();
    let mut answer = as_answer(message, strengthened(&key, &strengthen_key).unwrap());
    let body: KdcReqBody<'_> = der::decode(&opened.body).unwrap();
    answer.client = body.cname.unwrap().in_realm(body.realm);
    answer.nonce = body.nonce.get();
    let mut sealed = Sealed::new(opened.fast.armor_key().clone(), &answer);
    let challenge =
        seal_challenge(Challenger::Kdc, opened.fast.armor_key(), &key, time, &mut Counter(4))
            .unwrap();
    sealed.padata.push((PaType::ENCRYPTED_CHALLENGE, challenge));
    sealed.strengthen_key = Some(strengthen_key);
    (answer, sealed)
}

/// One round trip with a keytab, whose answer a test may change: before it is sealed, and after.
fn round_trip(
    exchange: &mut AsExchange,
    change: impl Fn(&mut Answer, &mut Sealed),
) -> Result<Credential, ExchangeError> {
    let mut rng = Counter(1);
    let message = ask(exchange, &mut rng);
    let opened = open_as(&message);
    let (mut answer, mut sealed) = answer(&message, &opened);
    change(&mut answer, &mut sealed);
    if answer.padata.is_empty() {
        answer.padata = vec![(PaType::FX_FAST, sealed.fx_fast())];
    }
    match with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep()))? {
        Step::Done(credential) => Ok(credential),
        Step::Continue => panic!("one round trip is enough"),
    }
}

#[test]
fn a_keytab_needs_one_round_trip_inside_fast_too() {
    for enctype in [17, 18, 19, 20, 25, 26].map(EncType) {
        let mut exchange = AsExchange::new(service(), keytab(), TicketOptions::default())
            .armored(armor_ticket(enctype));
        let credential = round_trip(&mut exchange, |_, sealed| {
            assert_eq!(sealed.armor_key.enctype(), enctype);
        })
        .unwrap();
        assert_eq!(credential.server, Principal::krbtgt(REALM.as_bytes()));
        assert!(!exchange.fast_available(), "the KDC did not say so");
    }
}

#[test]
fn a_kdc_that_strengthens_nothing_is_taken() {
    round_trip(&mut exchange(keytab()), |answer, sealed| {
        sealed.strengthen_key = None;
        answer.reply_key = service_key();
    })
    .unwrap();
}

#[test]
fn whatever_differs_inside_the_armor_is_refused() {
    type Change = fn(&mut Answer, &mut Sealed);
    let mallory = Principal::new(Name::user("mallory"), REALM);
    let fast = |error| Mismatch::Fast(error);
    let failed = CryptoError::IntegrityCheckFailed;
    let cases: Vec<(&str, Change, Mismatch)> = vec![
        ("no armor", |a, _| a.padata = hints(&[]), fast(FastError::Missing)),
        (
            "another armor key",
            |_, s| s.armor_key = key(EncType::AES256_CTS_HMAC_SHA1_96, 9),
            fast(FastError::Crypto(failed)),
        ),
        (
            "another enctype than the armor key's",
            |_, s| s.armor_key = key(EncType::AES128_CTS_HMAC_SHA1_96, 9),
            fast(FastError::EncType(EncType::AES128_CTS_HMAC_SHA1_96)),
        ),
        ("another nonce", |_, s| s.nonce ^= 1, fast(FastError::Nonce)),
        ("no finished", |_, s| s.finished = false, fast(FastError::NotFinished)),
        ("a wrong checksum", |_, s| s.checksum.1[0] ^= 1, fast(FastError::Checksum(failed))),
        ("a short checksum", |_, s| s.checksum.1.truncate(4), fast(FastError::Checksum(failed))),
        (
            "a checksum of a weak type",
            |a, s| {
                let md5 = s.armor_key.hmac_md5(KeyUsage::FAST_FINISHED, &a.ticket());
                s.checksum = (crate::iana::ChecksumType::HMAC_MD5, md5.to_vec());
            },
            fast(FastError::ChecksumType(crate::iana::ChecksumType::HMAC_MD5)),
        ),
        (
            "another ticket",
            |a, _| a.session_key = key(EncType::AES256_CTS_HMAC_SHA1_96, 66),
            fast(FastError::Checksum(failed)),
        ),
        (
            "another client inside",
            |_, s| s.client.name = Name::user("mallory"),
            Mismatch::Client { expected: mallory.clone(), found: service() },
        ),
        (
            "another client outside",
            |a, _| a.outer_client = Some(Principal::new(Name::user("mallory"), REALM)),
            Mismatch::Client { expected: service(), found: mallory.clone() },
        ),
        (
            "another client on both sides",
            |a, s| {
                a.outer_client = Some(Principal::new(Name::user("mallory"), REALM));
                s.client.name = Name::user("mallory");
            },
            Mismatch::Client { expected: service(), found: mallory.clone() },
        ),
        ("no challenge", |_, s| s.padata.clear(), fast(FastError::NoKdcChallenge)),
        (
            "the client's own challenge",
            |_, s| {
                let now = Timestamp::new(NOW, 42);
                let rng = &mut Counter(4);
                s.padata[0].1 =
                    seal_challenge(Challenger::Client, &s.armor_key, &service_key(), now, rng)
                        .unwrap();
            },
            fast(FastError::Crypto(failed)),
        ),
    ];
    for (what, change, mismatch) in cases {
        let refused = round_trip(&mut exchange(keytab()), change).unwrap_err();
        assert_eq!(refused, ExchangeError::Mismatch(mismatch), "{what}");
    }
}

#[test]
fn the_strengthening_of_the_reply_key_cannot_be_left_out() {
    let refused = |change: fn(&mut Answer, &mut Sealed)| {
        round_trip(&mut exchange(keytab()), change).unwrap_err()
    };
    let failed = ExchangeError::Crypto(CryptoError::IntegrityCheckFailed);
    assert_eq!(refused(|_, sealed| sealed.strengthen_key = None), failed);
    assert_eq!(refused(|answer, _| answer.reply_key = service_key()), failed);
}

#[test]
fn no_octet_of_the_armored_part_can_be_changed() {
    let mut rng = Counter(1);
    let mut exchange = exchange(keytab());
    let message = ask(&mut exchange, &mut rng);
    let opened = open_as(&message);
    let (mut answer, sealed) = answer(&message, &opened);
    let honest = sealed.fx_fast();
    for octet in 0..honest.len() {
        let mut changed = honest.clone();
        changed[octet] ^= 1 << (octet % 8);
        answer.padata = vec![(PaType::FX_FAST, changed)];
        // Each reply needs a request of its own; the KDC's is for the first.
        let mut exchange = super::as_exchange::exchange(keytab());
        assert_eq!(ask(&mut exchange, &mut Counter(1)), message);
        let refused = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep()));
        assert!(
            matches!(refused, Err(ExchangeError::Mismatch(Mismatch::Fast(_)))),
            "octet {octet}: {refused:?}"
        );
    }
}

#[test]
fn a_reply_to_another_request_is_refused() {
    let mut rng = Counter(1);
    let mut exchange = exchange(keytab());
    let first = ask(&mut exchange, &mut rng);
    let (mut answer, sealed) = answer(&first, &open_as(&first));
    answer.padata = vec![(PaType::FX_FAST, sealed.fx_fast())];
    ask(&mut exchange, &mut rng);
    let refused = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep()));
    assert_eq!(refused.unwrap_err(), FastError::Nonce.into());
}

#[test]
fn a_password_is_asked_for_inside_of_the_armor() {
    let mut rng = Counter(1);
    let password = zeroize::Zeroizing::new(b"secret".to_vec());
    let mut exchange = exchange(ClientSecret::Password(password));
    let first = open_as(&ask(&mut exchange, &mut rng));
    assert!(first.padata.iter().all(|pa| pa.0 == PaType::REQ_ENC_PA_REP), "{:?}", first.padata);

    let mut offer = hints(&[PaType::ENC_TIMESTAMP, PaType::ENCRYPTED_CHALLENGE]);
    offer.push((PaType::FX_COOKIE, b"state".to_vec()));
    let code = ErrorCode::PREAUTH_REQUIRED;
    let reply = armored_error(&first, code, code, offer);
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap();
    assert!(matches!(step, Step::Continue));
    let message = ask(&mut exchange, &mut rng);
    let second = open_as(&message);
    assert_eq!(
        second.fast.armor_key(),
        first.fast.armor_key(),
        "one armor key for the whole exchange"
    );
    assert!(second.padata.contains(&(PaType::FX_COOKIE, b"state".to_vec())));
    let salt = default_salt(&service());
    let key = Key::from_password(EncType::AES256_CTS_HMAC_SHA1_96, b"secret", &salt, None).unwrap();
    let sent = second.padata.iter().find(|pa| pa.0 == PaType::ENCRYPTED_CHALLENGE).unwrap();
    open_challenge(Challenger::Client, second.fast.armor_key(), &key, &sent.1).unwrap();
    assert!(second.padata.iter().all(|pa| pa.0 != PaType::ENC_TIMESTAMP), "although it is listed");

    // The error of the first request does not answer the second.
    let replayed = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    assert_eq!(replayed, FastError::Nonce.into());
}

#[test]
fn the_error_inside_counts_and_not_the_one_outside() {
    let mut rng = Counter(1);
    let mut exchange = exchange(keytab());
    let opened = open_as(&ask(&mut exchange, &mut rng));
    let status = [0xc0000072u32.to_le_bytes(), [0; 4], 1u32.to_le_bytes()].concat();
    let reply = armored_error(
        &opened,
        ErrorCode::PREAUTH_REQUIRED,
        ErrorCode::CLIENT_REVOKED,
        vec![(PaType::PW_SALT, status)],
    );
    let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    let ExchangeError::Refused(refusal) = refused else { panic!("{refused}") };
    assert_eq!(refusal.code, ErrorCode::CLIENT_REVOKED);
    assert_eq!(refusal.nt_status, Some(crate::iana::NtStatus(0xc000_0072)));
}

#[test]
fn an_error_without_armor_ends_the_exchange_and_steers_nothing() {
    let data = der::encode(&List::of(&padata(&hints(&[
        PaType::ENC_TIMESTAMP,
        PaType::ENCRYPTED_CHALLENGE,
    ]))));
    for code in [
        ErrorCode::PREAUTH_REQUIRED,
        ErrorCode::PREAUTH_FAILED,
        ErrorCode::ETYPE_NOSUPP,
        ErrorCode::MORE_PREAUTH_DATA_REQUIRED,
        ErrorCode::RESPONSE_TOO_BIG,
    ] {
        for secret in
            [keytab(), ClientSecret::Password(zeroize::Zeroizing::new(b"secret".to_vec()))]
        {
            let mut rng = Counter(1);
            let mut exchange = exchange(secret);
            ask(&mut exchange, &mut rng);
            let reply = error(code, Some(&data));
            let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
            let ExchangeError::Refused(refusal) = refused else { panic!("{refused}") };
            assert_eq!(refusal.code, code);
        }
    }
}

#[test]
fn an_armored_error_says_which() {
    let mut rng = Counter(1);
    let mut exchange = exchange(keytab());
    let opened = open_as(&ask(&mut exchange, &mut rng));
    let body: KdcReqBody<'_> = der::decode(&opened.body).unwrap();
    let hints = hints(&[]);
    let list = padata(&hints);
    let response = KrbFastResponse {
        padata: List::of(&list),
        strengthen_key: None,
        finished: None,
        nonce: body.nonce,
    };
    let value = seal_response(opened.fast.armor_key(), &response, &mut Counter(3));
    let data = der::encode(&List::of(&padata(&[(PaType::FX_FAST, value)])));
    let reply = error(ErrorCode::PREAUTH_REQUIRED, Some(&data));
    let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    assert_eq!(refused, FastError::NoInnerError.into());
}

#[test]
fn rounds_are_counted() {
    let mut rng = Counter(1);
    let mut exchange = exchange(ClientSecret::Password(zeroize::Zeroizing::new(b"x".to_vec())));
    // A KDC that is never content: each error turns the last mechanism down or asks for more.
    for round in 0..20 {
        let opened = open_as(&ask(&mut exchange, &mut rng));
        let code = ErrorCode::PREAUTH_REQUIRED;
        let reply = armored_error(&opened, code, code, hints(&[PaType::ENCRYPTED_CHALLENGE]));
        match with_context(&mut rng, |cx| exchange.receive(cx, &reply)) {
            Ok(Step::Continue) => {}
            Ok(Step::Done(_)) => panic!("there was no ticket"),
            Err(_) => return assert_eq!(round, 1, "the challenge is made once"),
        }
    }
    panic!("without end");
}

#[test]
fn the_kdc_says_that_it_has_fast_where_nobody_can_change_it() {
    let run = |flag: bool, checksum: bool, fast: bool| {
        let mut rng = Counter(1);
        let mut exchange = AsExchange::new(service(), keytab(), TicketOptions::default());
        let message = ask(&mut exchange, &mut rng);
        let mut answer = as_answer(&message, service_key());
        if flag {
            answer.flags |= TicketFlags::ENC_PA_REP;
        }
        if checksum {
            let checksum = service_key().checksum(KeyUsage::AS_REQ_CHECKSUM, &message);
            let cksumtype = service_key().checksum_type();
            let value = der::encode(&Checksum { cksumtype, checksum: &checksum });
            answer.encrypted_padata.push((PaType::REQ_ENC_PA_REP, value));
        }
        if fast {
            answer.encrypted_padata.push((PaType::FX_FAST, vec![]));
        }
        with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep()))
            .map(|_| exchange.fast_available())
    };
    assert_eq!(run(true, true, true), Ok(true));
    assert_eq!(run(true, true, false), Ok(false));
    assert_eq!(run(false, true, true), Ok(false), "without the flag it means nothing");
    assert_eq!(run(true, false, true), Err(Mismatch::RequestChecksum.into()));
}

#[test]
fn the_client_can_be_hidden() {
    let anonymous = Name::new(crate::iana::NameType::WELLKNOWN, ["WELLKNOWN", "ANONYMOUS"]);
    let hide = |answer: &mut Answer, _: &mut Sealed| {
        let name = Name::new(crate::iana::NameType::WELLKNOWN, ["WELLKNOWN", "ANONYMOUS"]);
        answer.outer_client = Some(Principal::new(name, "WELLKNOWN:ANONYMOUS"));
    };
    let hidden = || {
        AsExchange::new(service(), keytab(), TicketOptions::default())
            .armored_hiding_client(armor_ticket(EncType::AES256_CTS_HMAC_SHA1_96))
    };
    let opened = open_as(&ask(&mut hidden(), &mut Counter(1)));
    assert_eq!(opened.outer_client, Some(anonymous));
    let body: KdcReqBody<'_> = der::decode(&opened.body).unwrap();
    assert_eq!(body.cname.unwrap().to_name(), service().name, "inside it is named");
    assert_eq!(round_trip(&mut hidden(), hide).unwrap().client, service());
    assert!(round_trip(&mut exchange(keytab()), hide).is_err(), "it was not asked for");
}

#[test]
fn armor_of_another_realm_is_misuse() {
    let mut ticket = (*armor_ticket(EncType::AES256_CTS_HMAC_SHA1_96)).clone();
    ticket.server = Principal::krbtgt(b"ELSEWHERE");
    let mut exchange =
        AsExchange::new(service(), keytab(), TicketOptions::default()).armored(Arc::new(ticket));
    let refused = with_context(&mut Counter(1), |cx| exchange.request(cx)).unwrap_err();
    assert!(matches!(refused, ExchangeError::OwnTicket(_)));
}

#[test]
fn armor_is_known_by_its_name_whatever_type_a_file_gives_it() {
    let mut ticket = (*armor_ticket(EncType::AES256_CTS_HMAC_SHA1_96)).clone();
    ticket.server.name.name_type = crate::iana::NameType::UNKNOWN;
    let mut exchange =
        AsExchange::new(service(), keytab(), TicketOptions::default()).armored(Arc::new(ticket));
    with_context(&mut Counter(1), |cx| exchange.request(cx)).unwrap();
}

/// The KDC's own pieces around an honest exchange: out of the armor, and back into it.
#[test]
fn a_kdc_answers_in_the_armor_that_it_was_asked_in() {
    let mut rng = Counter(1);
    let mut exchange = exchange(keytab());
    let message = ask(&mut exchange, &mut rng);
    let opened = open_as(&message);
    let (mut answer, sealed) = answer(&message, &opened);
    let (ticket, key) = (answer.ticket(), service_key());
    let challenge = padata(&sealed.padata);
    let reply = with_context(&mut Counter(8), |cx| {
        opened.fast.seal_reply(&challenge, &answer.client, &ticket, &key, cx)
    });
    let reply = reply.unwrap();
    assert_ne!(reply.reply_key, key, "strengthened");
    answer.reply_key = reply.reply_key;
    answer.padata = vec![(PaType::FX_FAST, reply.fx_fast)];
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep()));
    assert!(matches!(step, Ok(Step::Done(_))), "{step:?}");
}

#[test]
fn a_kdc_refuses_what_it_does_not_know_or_cannot_open() {
    let message = ask(&mut exchange(keytab()), &mut Counter(1));
    let request: AsReq<'_> = der::decode(&message).unwrap();
    let value = find_padata(request.padata.unwrap(), PaType::FX_FAST).unwrap();
    let body = request.req_body.der();
    let open = |value: &[u8], body: &[u8]| {
        let policy = RequestPolicy::new(&tgs_keys);
        KdcFast::open_as(value, body, &policy, Timestamp::new(NOW, 0)).map(|_| ())
    };
    assert_eq!(open(value, body), Ok(()));
    assert_eq!(open(value, b"else").unwrap_err().code(), ErrorCode::MODIFIED);
    for octet in 0..value.len() {
        let mut changed = value.to_vec();
        changed[octet] ^= 1 << (octet % 8);
        // In the clear part of the ticket there are hints.
        if RequestPlaintext::armor(&changed) == RequestPlaintext::armor(value) {
            assert!(open(&changed, body).is_err(), "octet {octet}");
        }
    }
    // Sealed by somebody who knows the armor key and asks for what is not known here.
    let fast = open_as(&message).fast;
    let sealed = |options: u32, armor: Option<&[u8]>| {
        let request = crate::preauth::fast::RequestToSeal {
            armor_key: fast.armor_key(),
            armor,
            bound_to: body,
            options: crate::iana::FastOptions(options),
            padata: &[],
            body,
        };
        crate::preauth::fast::seal_request(&request, &mut Counter(1)).unwrap()
    };
    let armor = RequestPlaintext::armor(value).unwrap();
    assert_eq!(open(&sealed(0x4000_0000, armor), body), Ok(()), "hide-client-names");
    assert_eq!(open(&sealed(0x0000_8000, armor), body), Ok(()), "not critical");
    let unknown = open(&sealed(0x2000_0000, armor), body).unwrap_err();
    assert_eq!(unknown.code(), ErrorCode::UNKNOWN_CRITICAL_FAST_OPTIONS);
    assert_eq!(open(&sealed(0, None), body), Err(FastRequestError::NoArmor));
}
