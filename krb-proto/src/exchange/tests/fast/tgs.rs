use super::*;

/// S4U2Self with FAST, as the KDC sees it: what stands outside and inside.
fn s4u_self_armored(
    fast: TgsArmor,
    change: impl Fn(&mut Answer, &mut Sealed),
) -> Result<Credential, ExchangeError> {
    let mut rng = Counter(1);
    let explicit = matches!(fast, TgsArmor::Explicit(_));
    let options = TicketOptions { fast, ..TicketOptions::default() };
    let mut exchange = TgsExchange::new(
        tgt(),
        TgsGoal::S4uSelf { user: alice(), service: service().name },
        options,
    );
    let message = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (mut answer, sent, body) = answer_tgs(&message, alice());
    let types: Vec<_> = sent.iter().map(|pa| pa.0).collect();
    assert_eq!(types, [PaType::TGS_REQ, PaType::FX_FAST]);

    let armor = RequestPlaintext::armor(&sent[1].1).unwrap();
    assert_eq!(armor.is_some(), explicit);
    let subkey = answer.reply_key.clone();
    let Opened { fast, body: inner, .. } = open_tgs(&message);
    assert_eq!(inner, body);
    let inner = fast.request().unwrap();
    let x509: PaS4uX509User<'_> =
        der::decode(find_padata(inner.padata, PaType::S4U_X509_USER).unwrap()).unwrap();
    subkey
        .verify_checksum(
            KeyUsage::PA_S4U_X509_USER_REQUEST,
            x509.checksum.cksumtype,
            x509.user_id.der(),
            x509.checksum.checksum,
        )
        .expect("keyed with the subkey under FAST too");

    let mut sealed = Sealed::new(fast.armor_key().clone(), &answer);
    let strengthen_key = Key::generate(subkey.enctype(), &mut Counter(50)).unwrap();
    sealed.padata.push((
        PaType::S4U_X509_USER,
        copy(
            &answer,
            &alice(),
            answer.nonce,
            S4uOptions::SIGN_REPLY,
            KeyUsage::PA_S4U_X509_USER_REPLY,
        ),
    ));
    answer.reply_key = strengthened(&subkey, &strengthen_key).unwrap();
    sealed.strengthen_key = Some(strengthen_key);
    change(&mut answer, &mut sealed);
    if answer.padata.is_empty() {
        answer.padata = vec![(PaType::FX_FAST, sealed.fx_fast())];
    }
    match with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep()))? {
        Step::Done(credential) => Ok(credential),
        Step::Continue => panic!("one round trip is enough"),
    }
}

#[test]
fn s4u_self_inside_fast() {
    for enctype in [17, 18, 19, 20].map(EncType) {
        let explicit = TgsArmor::Explicit(armor_ticket(enctype));
        assert_eq!(s4u_self_armored(explicit, |_, _| {}).unwrap().client, alice());
    }
    assert_eq!(s4u_self_armored(TgsArmor::Implicit, |_, _| {}).unwrap().client, alice());
}

#[test]
fn whatever_differs_in_an_armored_tgs_reply_is_refused() {
    type Change = fn(&mut Answer, &mut Sealed);
    let refused = |change: Change| s4u_self_armored(TgsArmor::Implicit, change).unwrap_err();
    assert_eq!(refused(|a, _| a.padata = hints(&[])), FastError::Missing.into());
    assert_eq!(refused(|_, s| s.nonce ^= 1), FastError::Nonce.into());
    assert_eq!(refused(|_, s| s.finished = false), FastError::NotFinished.into());
    let failed = CryptoError::IntegrityCheckFailed;
    assert_eq!(refused(|_, s| s.checksum.1[3] ^= 1), FastError::Checksum(failed).into());
    assert_eq!(refused(|_, s| s.strengthen_key = None), ExchangeError::Crypto(failed));
    for change in
        [(|a: &mut Answer, _: &mut Sealed| a.outer_client = Some(service())) as Change, |_, s| {
            s.client = service()
        }]
    {
        assert!(matches!(refused(change), ExchangeError::Mismatch(Mismatch::Client { .. })));
    }
    let ignored = refused(|a, s| {
        a.outer_client = Some(service());
        s.client = service();
    });
    assert_eq!(ignored, Mismatch::S4uIgnored.into());
}

#[test]
fn the_error_inside_an_armored_tgs_error_counts() {
    let mut rng = Counter(1);
    let options = TicketOptions { fast: TgsArmor::Implicit, ..TicketOptions::default() };
    let evidence = Arc::new(s4u_self(|_| {}).unwrap());
    let mut exchange =
        TgsExchange::new(tgt(), TgsGoal::S4uProxy { evidence, target: target() }, options);
    let mut code = |exchange: &mut TgsExchange, armored: bool| {
        let message = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let opened = open_tgs(&message);
        let reply = if armored {
            armored_error(&opened, ErrorCode::GENERIC, ErrorCode::BADOPTION, vec![])
        } else {
            error(ErrorCode::GENERIC, None)
        };
        match with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err() {
            ExchangeError::Refused(refusal) => refusal.code,
            other => panic!("{other}"),
        }
    };
    assert_eq!(code(&mut exchange, true), ErrorCode::BADOPTION);
    assert_eq!(code(&mut exchange, false), ErrorCode::GENERIC, "from a KDC without FAST");
}

/// What the KDC refuses, by what was changed on the way.
#[test]
fn a_kdc_opens_armor_that_holds_and_no_other() {
    let ask = |fast: TgsArmor| {
        let options = TicketOptions { fast, ..TicketOptions::default() };
        let mut exchange = TgsExchange::new(tgt(), TgsGoal::Service(target()), options);
        with_context(&mut Counter(1), |cx| exchange.request(cx)).unwrap()
    };
    let explicit = TgsArmor::Explicit(armor_ticket(EncType::AES128_CTS_HMAC_SHA1_96));
    let (implicit, explicit) = (ask(TgsArmor::Implicit), ask(explicit));
    let open = |message: &[u8],
                change: &dyn Fn(&mut Padata),
                keys: &crate::ap::KeyLookup<'_>,
                later: i64| {
        let request: TgsReq<'_> = der::decode(message).unwrap();
        let mut sent = owned(request.padata.unwrap());
        let tgs = RequestPolicy {
            usage: KeyUsage::TGS_REQ_AUTHENTICATOR,
            ..RequestPolicy::new(&tgs_keys)
        };
        let mut tgs = VerifiedRequest::verify(&sent[0].1, &tgs, Timestamp::new(NOW, 0)).unwrap();
        change(&mut sent);
        if sent.len() == 3 {
            tgs.subkey = None;
        }
        let now = Timestamp::new(NOW + later, 0);
        let policy = RequestPolicy::new(keys);
        KdcFast::open_tgs(
            &sent[1].1,
            &sent[0].1,
            tgs.subkey.as_ref(),
            &tgs.session_key,
            &policy,
            now,
        )
        .map(|_| ())
    };
    let none = |_: &Principal, _: Option<u32>, _: EncType| vec![];
    let unchanged = |_: &mut Padata| {};
    assert_eq!(open(&implicit, &unchanged, &none, 0), Ok(()), "needs no key of the KDC's");
    assert_eq!(open(&explicit, &unchanged, &tgs_keys, 0), Ok(()));
    let code = |outcome: Result<(), FastRequestError>| outcome.unwrap_err().code();
    assert_eq!(code(open(&explicit, &unchanged, &none, 0)), ErrorCode::SERVER_NOMATCH);
    assert_eq!(code(open(&explicit, &unchanged, &tgs_keys, 301)), ErrorCode::SKEW);
    assert_eq!(open(&explicit, &unchanged, &tgs_keys, 300), Ok(()));
    for message in [&implicit, &explicit] {
        let other = open(message, &|sent| sent[0].1[7] ^= 1, &tgs_keys, 0);
        assert_eq!(code(other), ErrorCode::MODIFIED, "bound to PA-TGS-REQ");
        let last = open(message, &|sent| *sent[1].1.last_mut().unwrap() ^= 1, &tgs_keys, 0);
        assert_eq!(code(last), ErrorCode::BAD_INTEGRITY);
        let subkey = open(message, &|sent| sent.push((PaType(0), vec![])), &tgs_keys, 0);
        assert_eq!(subkey, Err(FastRequestError::NoSubkey));
        assert_eq!(
            code(open(message, &|sent| sent[1].1.clear(), &tgs_keys, 0)),
            ErrorCode::PREAUTH_FAILED
        );
    }
}
