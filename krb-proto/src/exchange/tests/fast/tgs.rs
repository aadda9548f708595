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

    let value = &sent[1].1;
    let subkey = answer.reply_key.clone();
    let armor = RequestPlaintext::armor(value).unwrap();
    assert_eq!(armor.is_some(), explicit);
    let key = match armor {
        Some(ap_req) => explicit_tgs_armor_key(&armor_of(ap_req), &subkey).unwrap(),
        None => armor_key(&subkey, &tgt().session_key).unwrap(),
    };
    let plaintext = RequestPlaintext::open(&key, value, &sent[0].1).unwrap();
    let inner = plaintext.request().unwrap();
    assert_eq!(inner.req_body.der(), body);
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

    let mut sealed = Sealed::new(key, &answer);
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
    assert_eq!(refused(|_, s| s.strengthen_key = None), failed.into());
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
        let (answer, _, body) = answer_tgs(&message, alice());
        let armor_key = armor_key(&answer.reply_key, &tgt().session_key).unwrap();
        let opened = Opened { armor_key, padata: vec![], body, outer_client: None };
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
