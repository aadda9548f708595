//! PKINIT: whose certificate gets in where, and that the client believes the KDC.

use std::assert_eq;
use std::boxed::Box;
use std::vec;

use super::*;
use crate::iana::{ErrorCode, NtStatus, TicketFlags};
use crate::kdc::Compat;
use crate::pkinit::tests::pki::{
    JUNE, Key, Spec, email, for_kdc, for_login, host_name, kdc_name, key_identifier, name, names,
    principal, sid, upn,
};
use crate::pkinit::{
    CertificateMapping, Group, KdcPkinit, PathError, PkinitConfig, PkinitError, SignedDataError,
    TrustAnchors,
};

fn root() -> Vec<u8> {
    Spec::ca("ca", "ca").signed(&Key::new(1), &Key::new(1))
}

fn anchors() -> TrustAnchors {
    TrustAnchors::from_der([root()]).unwrap()
}

/// A realm whose KDC has a certificate.
fn certified(compat: Compat) -> World {
    let mut spec = Spec::kdc("ca");
    spec.extensions[0] = kdc_name(REALM);
    let certificate = spec.signed(&Key::new(2), &Key::new(1));
    let signer = Arc::new(Key::new(2).signer(&[&certificate]));
    let mut world = World::new(realm().compat(compat));
    world.realm.pkinit = Some(KdcPkinit::new(signer, anchors()));
    world.now = JUNE;
    world
}

fn card(extensions: &[Vec<u8>], groups: &[Group], by: u8) -> ClientSecret {
    let mut spec = Spec::client(key_identifier(b"the card"));
    spec.extensions.extend_from_slice(extensions);
    let certificate = spec.signed(&Key::new(3), &Key::new(by));
    ClientSecret::Certificate(Arc::new(PkinitConfig {
        signer: Some(Box::new(Key::new(3).signer(&[&certificate]))),
        anchors: anchors(),
        groups: groups.to_vec(),
        kdc_hosts: vec![],
    }))
}

fn alices() -> Vec<u8> {
    names(&[principal(&["alice"], REALM)])
}

fn login(world: &mut World, secret: ClientSecret) -> Result<Arc<Credential>, ExchangeError> {
    world.login_with(user("alice"), secret, TicketOptions::default())
}

fn code(world: &mut World, secret: ClientSecret) -> ErrorCode {
    refused(login(world, secret)).code
}

#[test]
fn a_certificate_gets_a_ticket_granting_ticket() {
    for group in [Group::P256, Group::P384, Group::Modp14, Group::Modp16] {
        let mut world = certified(Compat::Strict);
        let tgt = login(&mut world, card(&[alices()], &[group], 1)).unwrap();
        assert_eq!(tgt.client, user("alice"));
        assert!(tgt.flags.contains(TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT));
        assert_eq!(world.events.len(), 2, "{group:?}");
    }
}

fn nobody() -> ClientSecret {
    let groups = vec![Group::P256, Group::Modp14];
    let config = PkinitConfig { signer: None, anchors: anchors(), groups, kdc_hosts: vec![] };
    ClientSecret::Certificate(Arc::new(config))
}

fn nobodys_login(world: &mut World) -> Result<Arc<Credential>, ExchangeError> {
    let nobody_here = Principal::anonymous(REALM.as_bytes());
    world.login_with(nobody_here, nobody(), TicketOptions::default())
}

#[test]
fn nobody_gets_a_ticket_that_is_armor_and_gets_no_other() {
    let mut world = certified(Compat::Strict);
    let tgt = nobodys_login(&mut world).unwrap();
    assert_eq!(tgt.client, Principal::anonymous(b"WELLKNOWN:ANONYMOUS"));
    assert!(tgt.flags.contains(TicketFlags::ANONYMOUS | TicketFlags::INITIAL), "{:?}", tgt.flags);
    let armored = AsExchange::new(user("alice"), password(), TicketOptions::default());
    assert_eq!(world.run(armored.armored(tgt.clone())).unwrap().client, user("alice"));
    for goal in [TgsGoal::Service(spn("HTTP/web.example.test")), TgsGoal::Forward] {
        assert_eq!(refused(world.tgs(&tgt, goal)).code, ErrorCode::POLICY);
    }
    let other =
        AsExchange::new(Principal::anonymous(REALM.as_bytes()), nobody(), TicketOptions::default());
    let changepw = other.to_server(crate::kpasswd::PasswordChange::service());
    assert_eq!(refused(world.run(changepw)).code, ErrorCode::POLICY);
    // Nobody signs for somebody.
    assert_eq!(code(&mut world, nobody()), ErrorCode::PREAUTH_FAILED);
    // It is there where the KDC can prove itself, and not in AD.
    world.realm.pkinit = None;
    assert_eq!(refused(nobodys_login(&mut world)).code, ErrorCode::C_PRINCIPAL_UNKNOWN);
    let mut ad = certified(Compat::Ad);
    assert_eq!(refused(nobodys_login(&mut ad)).code, ErrorCode::C_PRINCIPAL_UNKNOWN);
}

/// A KDC that gives the key alone could be somebody between two logins.
#[test]
fn nobodys_session_key_without_the_kdcs_part_is_not_used() {
    use crate::asn1::AsRep;
    use crate::der;

    let mut world = certified(Compat::Strict);
    let nobody_here = Principal::anonymous(REALM.as_bytes());
    let mut exchange = AsExchange::new(nobody_here, nobody(), TicketOptions::default());
    let now = Timestamp::new(JUNE, 5);
    let outcome = loop {
        let cx = &mut Context { now, kdc_offset: 0, rng: &mut world.rng };
        let request = exchange.request(cx).unwrap();
        let mut reply = world.ask(&request);
        if let Ok(whole) = der::decode::<AsRep<'_>>(&reply) {
            let padata: Vec<_> = whole.padata.unwrap().iter().collect();
            assert!(padata.iter().any(|pa| pa.padata_type == crate::iana::PaType::PKINIT_KX));
            let rest: Vec<_> = padata
                .into_iter()
                .filter(|pa| pa.padata_type != crate::iana::PaType::PKINIT_KX)
                .collect();
            reply = der::encode(&AsRep { padata: Some(der::List::of(&rest)), ..whole });
        }
        let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
        match exchange.receive(&cx, &reply) {
            Ok(Step::Continue) => {}
            Ok(Step::Done(_)) => panic!("it was taken"),
            Err(error) => break error,
        }
    };
    assert_eq!(outcome, ExchangeError::Pkinit(PkinitError::NotContributed));
}

#[test]
fn it_is_done_inside_of_fast_too() {
    let mut world = certified(Compat::Strict);
    let armor = world.service_login("svc-mcp");
    let secret = card(&[alices()], &[Group::P256], 1);
    let exchange = AsExchange::new(user("alice"), secret, TicketOptions::default());
    assert_eq!(world.run(exchange.armored(armor)).unwrap().client, user("alice"));
}

#[test]
fn a_kdc_without_a_certificate_does_not_offer_it() {
    let mut world = certified(Compat::Strict);
    world.realm.pkinit = None;
    let refused = login(&mut world, card(&[alices()], &[Group::P256], 1)).unwrap_err();
    assert_eq!(refused, ExchangeError::NoCommonMechanism);
}

#[test]
fn the_kdc_names_the_groups_that_it_takes() {
    let mut world = certified(Compat::Ad2025);
    let alice = world.realm.account("alice").unwrap();
    let own = [sid(&world.realm.sid(alice).unwrap().to_string())];
    world.realm.pkinit.as_mut().unwrap().groups = vec![Group::Modp14];
    let secret = card(&own, &[Group::P256, Group::P384, Group::Modp14], 1);
    login(&mut world, secret).unwrap();
    assert_eq!(world.events.len(), 3);
    let Outcome::Refused(refusal) = &world.events[1].outcome else { panic!("another group") };
    assert_eq!(refusal.code, ErrorCode::DH_KEY_PARAMETERS_NOT_ACCEPTED);
    // And where there is none that both have, that is what the client hears.
    let secret = card(&own, &[Group::P256], 1);
    assert_eq!(code(&mut world, secret), ErrorCode::DH_KEY_PARAMETERS_NOT_ACCEPTED);
}

#[test]
fn who_is_not_known_to_a_trusted_ca_is_refused() {
    let mut world = certified(Compat::Strict);
    let secret = card(&[alices()], &[Group::P256], 9);
    assert_eq!(code(&mut world, secret), ErrorCode::CANT_VERIFY_CERTIFICATE);
    world.realm.pkinit.as_mut().unwrap().anchors = Arc::new(TrustAnchors::default());
    let secret = card(&[alices()], &[Group::P256], 1);
    assert_eq!(code(&mut world, secret), ErrorCode::CANT_VERIFY_CERTIFICATE);
}

/// A whole login, against KDCs that are each not the realm's in one respect.
#[test]
fn a_kdc_that_is_not_the_realms_gets_nobody_to_log_in() {
    let as_kdc = |extensions: &[Vec<u8>], issuer: &'static str, by: u8| {
        let mut world = certified(Compat::Strict);
        let mut spec = Spec::kdc(issuer);
        spec.extensions = extensions.to_vec();
        let certificate = spec.signed(&Key::new(2), &Key::new(by));
        let signer = Arc::new(Key::new(2).signer(&[&certificate]));
        world.realm.pkinit = Some(KdcPkinit::new(signer, anchors()));
        login(&mut world, card(&[alices()], &[Group::P256], 1)).map(drop)
    };
    let realms = || kdc_name(REALM);
    as_kdc(&[realms(), for_kdc()], "ca", 1).unwrap();
    let stranger = Err(ExchangeError::Pkinit(PkinitError::NotTheKdc));
    for (what, extensions) in [
        ("EKU", vec![realms(), for_login()]),
        ("realm", vec![kdc_name("OTHER.TEST"), for_kdc()]),
        ("SAN", vec![host_name("kdc.example.test"), for_kdc()]),
        ("SAN of a user", vec![names(&[principal(&["alice"], REALM)]), for_kdc()]),
        ("no SAN", vec![for_kdc()]),
    ] {
        assert_eq!(as_kdc(&extensions, "ca", 1), stranger, "{what}");
    }
    for (what, issuer, by) in [("a CA of that name", "ca", 9), ("another CA", "other", 9)] {
        let refused = as_kdc(&[realms(), for_kdc()], issuer, by).unwrap_err();
        let ExchangeError::Pkinit(PkinitError::SignedData(why)) = refused else {
            panic!("{what}: {refused}")
        };
        assert_eq!(why, SignedDataError::Path(PathError::NoPath), "{what}");
    }
}

/// Every form of a mapping, in each profile.
#[test]
fn a_certificate_is_for_whom_it_is_mapped_to() {
    let domain_sid = realm().domain_sid().clone();
    let alice = realm().account("alice").unwrap().relative_id().unwrap();
    let sid_of = |rid: u32| sid(&domain_sid.with_rid(rid).unwrap().to_string());
    let with_upn = names(&[upn("alice@example.test")]);
    let by_key = CertificateMapping::KeyIdentifier(b"the card".to_vec());
    let (issuer, serial) = (name("ca"), vec![2, 1, 3]);
    let by_serial = CertificateMapping::IssuerSerial { issuer: issuer.clone(), serial };
    let by_names = CertificateMapping::IssuerSubject { issuer, subject: name("alice") };
    let by_mail = CertificateMapping::Email("a@b.test".to_string());
    let mail = names(&[email("a@b.test")]);
    let (mismatch, weak) =
        (Err(ErrorCode::CLIENT_NAME_MISMATCH), Err(ErrorCode::CERTIFICATE_MISMATCH));
    let outside = Err(ErrorCode::CLIENT_NOT_TRUSTED);
    type Expected = [Result<(), ErrorCode>; 3];
    type Case = (&'static str, Vec<Vec<u8>>, Option<CertificateMapping>, bool, Expected);
    // Strict, AD, Server 2025.
    let cases: Vec<Case> = vec![
        ("SID", vec![sid_of(alice)], None, false, [Ok(()); 3]),
        ("another's SID", vec![with_upn.clone(), sid_of(alice + 1)], None, false, [weak; 3]),
        ("UPN alone", vec![with_upn], None, false, [weak, Ok(()), weak]),
        ("another's UPN", vec![names(&[upn("bob@example.test")])], None, false, [mismatch; 3]),
        ("principal", vec![alices()], None, false, [Ok(()), mismatch, mismatch]),
        (
            "another's principal",
            vec![names(&[principal(&["bob"], REALM)])],
            None,
            false,
            [mismatch; 3],
        ),
        ("serial number", vec![], Some(by_serial), false, [Ok(()); 3]),
        ("key identifier", vec![], Some(by_key.clone()), true, [Ok(()); 3]),
        ("the same, not in NTAuth", vec![], Some(by_key), false, [outside, Ok(()), outside]),
        ("names", vec![], Some(by_names), true, [weak, Ok(()), weak]),
        ("mail", vec![mail], Some(by_mail), true, [weak, Ok(()), weak]),
        ("nothing", vec![], None, true, [mismatch; 3]),
    ];
    for (what, extensions, mapping, nt_auth, expected) in cases {
        for (compat, expected) in
            [Compat::Strict, Compat::Ad, Compat::Ad2025].into_iter().zip(expected)
        {
            let mut world = certified(compat);
            let account = world.realm.account_mut("alice").unwrap();
            account.certificate_mappings = mapping.clone().into_iter().collect();
            if nt_auth {
                world.realm.pkinit.as_mut().unwrap().nt_auth = Arc::new(anchors());
            }
            let secret = card(&extensions, &[Group::P256], 1);
            let outcome = login(&mut world, secret).map(|_| ());
            let outcome = outcome.map_err(|error| refused::<()>(Err(error)).code);
            assert_eq!(outcome, expected, "{what}, {compat:?}");
        }
    }
}

#[test]
fn an_account_that_needs_a_card_takes_no_password() {
    let mut world = certified(Compat::Strict);
    world.realm.account_mut("alice").unwrap().smartcard_required = true;
    let refusal = refused(world.login("alice"));
    assert_eq!(refusal.code, ErrorCode::POLICY);
    assert_eq!(refusal.nt_status, Some(NtStatus::SMARTCARD_LOGON_REQUIRED));
    login(&mut world, card(&[alices()], &[Group::P256], 1)).unwrap();
    world.realm.account_mut("alice").unwrap().disabled = true;
    let secret = card(&[alices()], &[Group::P256], 1);
    assert_eq!(code(&mut world, secret), ErrorCode::CLIENT_REVOKED, "rights come before");
}

/// A proof is for one request: what else the request says counts with it.
#[test]
fn a_proof_in_another_request_is_none() {
    use crate::asn1::{AsReq, KrbError};
    use crate::der;

    let mut world = certified(Compat::Strict);
    let secret = card(&[alices()], &[Group::P256], 1);
    let mut requests = Vec::new();
    for _ in 0..2 {
        let mut exchange = AsExchange::new(user("alice"), secret.clone(), TicketOptions::default());
        let now = Timestamp::new(JUNE, 5);
        let request =
            exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut world.rng }).unwrap();
        let reply = world.ask(&request);
        let cx = Context { now, kdc_offset: 0, rng: &mut world.rng };
        exchange.receive(&cx, &reply).unwrap();
        let cx = &mut Context { now, kdc_offset: 0, rng: &mut world.rng };
        requests.push(exchange.request(cx).unwrap());
    }
    let [one, two]: [AsReq<'_>; 2] = [0, 1].map(|at| der::decode(&requests[at]).unwrap());
    let mixed = der::encode(&AsReq { req_body: two.req_body, ..one });
    let reply = world.ask(&mixed);
    let error: KrbError<'_> = der::decode(&reply).unwrap();
    assert_eq!(error.error_code, ErrorCode::MODIFIED);
    // Stale by the skew and a second.
    world.now += 301;
    let reply = world.ask(&requests[0]);
    let error: KrbError<'_> = der::decode(&reply).unwrap();
    assert_eq!((error.error_code, error.stime.unix()), (ErrorCode::SKEW, JUNE + 301));
}
