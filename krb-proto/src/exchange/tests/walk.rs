//! Ways over realms, with KDCs that say what a test has them say.

use std::string::String;

use super::*;
use crate::asn1::{EncTicketPart, PaForUser, PaPacOptions};
use crate::iana::{NameType, PacOptions};

const HOME: &str = REALM;

/// The key in every ticket for a KDC is that of its name; so none opens what another was for.
fn key_of(server: &Principal) -> Key {
    let sum = server.to_string().bytes().fold(7u8, |sum, byte| sum.wrapping_mul(31) ^ byte);
    key(EncType::AES256_CTS_HMAC_SHA1_96, sum)
}

fn home_tgt() -> Arc<Credential> {
    let mut answer = tgt_answer();
    answer.session_key = key_of(&answer.server);
    Arc::new(credential_of(&answer))
}

/// What a KDC sees of a request.
#[derive(Clone, PartialEq, Debug)]
struct Seen {
    /// Whose KDC.
    realm: String,
    /// The ticket that it came with.
    with: String,
    service: String,
    /// The user that S4U2Self names, both ways, signed with this request's keys.
    user: Option<String>,
    /// Client and server of the additional ticket.
    evidence: Option<(String, String)>,
}

/// Reads a request as a strict KDC does, and prepares the ticket that it asks for.
fn read(realm: &[u8], request: &[u8]) -> (Seen, Answer) {
    let request: TgsReq<'_> = der::decode(request).unwrap();
    let sent = request.padata.unwrap();
    let value = |wanted| crate::preauth::find_padata(sent, wanted);
    let ap_req: ApReq<'_> = der::decode(value(PaType::TGS_REQ).unwrap()).unwrap();
    let header = ap_req.ticket.sname.in_realm(ap_req.ticket.realm);
    let session_key = key_of(&header);
    let plain =
        session_key.decrypt(KeyUsage::TGS_REQ_AUTHENTICATOR, ap_req.authenticator.cipher).unwrap();
    let authenticator: Authenticator<'_> = der::decode(&plain).unwrap();
    assert_eq!(authenticator.cname.in_realm(authenticator.crealm), service(), "the client is us");
    let checksum = authenticator.cksum.unwrap();
    let body_der = request.req_body.der();
    session_key
        .verify_checksum(
            KeyUsage::TGS_REQ_CHECKSUM,
            checksum.cksumtype,
            body_der,
            checksum.checksum,
        )
        .unwrap();
    let subkey = authenticator.subkey.unwrap();
    let subkey = Key::new(subkey.keytype, subkey.keyvalue.0).unwrap();
    let body: &KdcReqBody<'_> = &request.req_body;
    assert_eq!(body.realm.0, realm, "sent to the realm that it is for");
    let nonce = body.nonce.get();
    let user = value(PaType::FOR_USER).map(|for_user| {
        let for_user: PaForUser<'_> = der::decode(for_user).unwrap();
        let user = for_user.user_name.in_realm(for_user.user_realm);
        let signed = crate::preauth::for_user_checksum_input(&user);
        let Checksum { cksumtype, checksum } = for_user.cksum;
        session_key
            .verify_checksum(KeyUsage::NON_KERB_CHECKSUM, cksumtype, &signed, checksum)
            .unwrap();
        let named: PaS4uX509User<'_> = der::decode(value(PaType::S4U_X509_USER).unwrap()).unwrap();
        let Checksum { cksumtype, checksum } = named.checksum;
        let usage = KeyUsage::PA_S4U_X509_USER_REQUEST;
        subkey.verify_checksum(usage, cksumtype, named.user_id.der(), checksum).unwrap();
        assert_eq!(named.user_id.nonce.get(), nonce);
        let cname = named.user_id.cname.unwrap();
        assert_eq!(cname.in_realm(named.user_id.crealm), user);
        user.to_string()
    });
    let evidence = body.additional_tickets.map(|tickets| {
        assert!(KdcOptions(body.kdc_options.bits()).contains(KdcOptions::CNAME_IN_ADDL_TKT));
        let ticket = tickets.iter().next().unwrap();
        let part = service_key().decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
        let part: EncTicketPart<'_> = der::decode(&part).unwrap();
        let client = part.cname.in_realm(part.crealm).to_string();
        (client, ticket.sname.in_realm(ticket.realm).to_string())
    });
    let server = body.sname.unwrap().in_realm(body.realm);
    let seen = Seen {
        realm: String::from_utf8(realm.to_vec()).unwrap(),
        with: header.to_string(),
        service: server.name.components.iter().map(|c| String::from_utf8_lossy(c)).fold(
            String::new(),
            |all, part| {
                if all.is_empty() { part.into_owned() } else { all + "/" + &part }
            },
        ),
        user,
        evidence,
    };
    let answer = Answer {
        client: service(),
        server,
        nonce,
        session_key: key(EncType::AES256_CTS_HMAC_SHA1_96, 3),
        reply_key: subkey,
        usage: KeyUsage::TGS_REP_SUBKEY,
        starttime: NOW,
        endtime: body.till.unix(),
        renew_till: None,
        addresses: vec![],
        flags: TicketFlags::FORWARDABLE,
        padata: vec![],
        encrypted_padata: vec![],
        outer_client: None,
    };
    (seen, answer)
}

/// Goes the way to its end. `kdcs` makes of each request's honest answer what the KDC gives.
fn walk(
    goal: TgsGoal,
    mut kdcs: impl FnMut(&Seen, &mut Answer),
) -> (Vec<Seen>, Result<Credential, ExchangeError>) {
    let (mut rng, mut way) = (Counter(1), Vec::new());
    let mut exchange = TgsWalk::new(home_tgt(), goal, TicketOptions::default());
    for _ in 0..100 {
        let realm = exchange.realm().unwrap().to_vec();
        let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let (seen, mut answer) = read(&realm, &request);
        kdcs(&seen, &mut answer);
        if answer.server.name.is_krbtgt() {
            answer.session_key = key_of(&answer.server);
        }
        way.push(seen);
        match with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep())) {
            Ok(Step::Continue) => {}
            Ok(Step::Done(ticket)) => return (way, Ok(ticket)),
            Err(error) => return (way, Err(error)),
        }
    }
    panic!("a way without an end");
}

fn refer(answer: &mut Answer, realm: &str) {
    answer.server.name = Name::krbtgt(realm.as_bytes());
}

/// Its KDC knows resource-based delegation.
fn resource_based(answer: &mut Answer) {
    let flags = PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION.0.into();
    answer.encrypted_padata = vec![(PaType::PAC_OPTIONS, der::encode(&PaPacOptions { flags }))];
}

fn seen(realm: &str, with: &str, service: &str) -> Seen {
    let (realm, with, service) = (realm.into(), with.into(), service.into());
    Seen { realm, with, service, user: None, evidence: None }
}

fn mismatch(outcome: Result<Credential, ExchangeError>) -> Mismatch {
    match outcome.map(drop) {
        Err(ExchangeError::Mismatch(mismatch)) => mismatch,
        other => panic!("{other:?}"),
    }
}

const TARGET: &str = "cifs/fileserver.w25ad.net";

#[test]
fn a_service_is_found_where_the_referrals_lead() {
    let next = |seen: &Seen| match seen.realm.as_str() {
        HOME => Some("B"),
        "B" => Some("C"),
        _ => None,
    };
    let (way, ticket) = walk(TgsGoal::Service(target()), |seen, answer| {
        if let Some(realm) = next(seen) {
            refer(answer, realm);
        }
    });
    assert_eq!(
        way,
        [
            seen(HOME, "krbtgt/W25AD.NET@W25AD.NET", TARGET),
            seen("B", "krbtgt/B@W25AD.NET", TARGET),
            seen("C", "krbtgt/C@B", TARGET),
        ]
    );
    let ticket = ticket.unwrap();
    assert_eq!((ticket.server, ticket.client), (Principal::new(target(), "C"), service()));
}

#[test]
fn a_refusal_says_where_no_more_than_the_way_was_asked_for() {
    let mut away = tgt_answer();
    away.server.name = Name::krbtgt(b"B");
    let away = Arc::new(credential_of(&away));
    let us = service().name;
    let s4u_self = TgsGoal::S4uSelf { user: Principal::new(Name::user("a"), "B"), service: us };
    for (tgt, goal, no_way_to) in [
        (home_tgt(), TgsGoal::Service(Name::krbtgt(b"B")), Some("B")),
        (home_tgt(), TgsGoal::Service(Name::krbtgt(HOME.as_bytes())), None),
        (home_tgt(), TgsGoal::Service(target()), None),
        (home_tgt(), s4u_self.clone(), None),
        (away.clone(), s4u_self, Some(HOME)),
        (away, TgsGoal::Service(Name::krbtgt(HOME.as_bytes())), Some(HOME)),
    ] {
        for code in [ErrorCode::S_PRINCIPAL_UNKNOWN, ErrorCode::POLICY] {
            let mut exchange =
                TgsExchange::new(tgt.clone(), goal.clone(), TicketOptions::default());
            with_context(&mut Counter(1), |cx| exchange.request(cx)).unwrap();
            let reply = error(code, None);
            let outcome = with_context(&mut Counter(2), |cx| exchange.receive(cx, &reply));
            let Err(ExchangeError::Refused(refusal)) = outcome else { panic!("{code}") };
            let expected = no_way_to.filter(|_| code == ErrorCode::S_PRINCIPAL_UNKNOWN);
            assert_eq!(refusal.no_way_to.as_deref(), expected.map(str::as_bytes));
            assert_eq!(refusal.to_string().contains("no way"), expected.is_some(), "{refusal}");
        }
    }
}

#[test]
fn circles_and_endless_ways_are_left() {
    let looping = |realms: &'static [(&str, &str)]| {
        walk(TgsGoal::Service(target()), move |seen, answer| {
            let next = realms.iter().find(|(realm, _)| *realm == seen.realm).unwrap().1;
            refer(answer, next);
        })
    };
    for (realms, again, requests) in [
        (&[(HOME, HOME)][..], HOME, 1),
        (&[(HOME, "B"), ("B", "B")], "B", 2),
        (&[(HOME, "B"), ("B", HOME)], HOME, 2),
        (&[(HOME, "B"), ("B", "C"), ("C", "B")], "B", 3),
    ] {
        let (way, outcome) = looping(realms);
        let circle = ReferralError::Loop(again.into());
        assert_eq!(outcome.unwrap_err(), ExchangeError::Referral(circle));
        assert_eq!(way.len(), requests);
    }
    let onwards = |last: usize| {
        let mut count = 0;
        walk(TgsGoal::Service(target()), move |_, answer| {
            count += 1;
            if count <= last {
                refer(answer, &std::format!("R{count}"));
            }
        })
    };
    for hops in [9, 10] {
        assert!(onwards(hops).1.is_ok(), "{hops}");
    }
    let (way, outcome) = onwards(11);
    assert_eq!(outcome.unwrap_err(), ExchangeError::Referral(ReferralError::TooLong));
    assert_eq!(way.len(), 11);
}

#[test]
fn a_referral_is_no_service_ticket_and_a_ticket_elsewhere_no_referral() {
    // The KDC of one realm speaks for another.
    let forged = walk(TgsGoal::Service(target()), |_, answer| {
        answer.server = Principal::krbtgt(b"B");
    });
    assert!(matches!(mismatch(forged.1), Mismatch::Server { .. }));
    // A ticket for another service is not followed.
    let other = walk(TgsGoal::Service(target()), |_, answer| {
        answer.server.name = Name::new(NameType::SRV_INST, ["krbtgt", "B", "C"]);
    });
    assert!(matches!(mismatch(other.1), Mismatch::Server { .. }));
    // Nor does anybody else come along.
    let somebody = walk(TgsGoal::Service(target()), |_, answer| {
        refer(answer, "B");
        answer.client = alice();
    });
    assert!(matches!(mismatch(somebody.1), Mismatch::Client { .. }));
    // Whoever asks in one realm alone gets no referral.
    let mut exchange = TgsExchange::new(
        home_tgt(),
        TgsGoal::Service(target()),
        TicketOptions { canonicalize: true, ..Default::default() },
    );
    let mut rng = Counter(1);
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (_, mut answer) = read(HOME.as_bytes(), &request);
    refer(&mut answer, "B");
    let outcome = with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep()));
    assert!(matches!(outcome, Err(ExchangeError::Mismatch(Mismatch::Server { .. }))));
    // And what is asked of one realm is not looked for elsewhere.
    for goal in [TgsGoal::Renew, TgsGoal::Forward, TgsGoal::Proxy(target())] {
        let referred = walk(goal, |_, answer| refer(answer, "B"));
        assert!(matches!(mismatch(referred.1), Mismatch::Server { .. }));
    }
}

#[test]
fn what_another_realm_says_of_delegation_holds_if_its_ticket_did() {
    let ticket = |from_here: TicketFlags, from_there: TicketFlags| {
        let (_, ticket) = walk(TgsGoal::Service(target()), move |seen, answer| {
            if seen.realm == HOME {
                refer(answer, "B");
                answer.flags |= from_here;
            } else {
                answer.flags |= from_there;
            }
        });
        ticket.unwrap().flags.contains(TicketFlags::OK_AS_DELEGATE)
    };
    let (ok, none) = (TicketFlags::OK_AS_DELEGATE, TicketFlags::NONE);
    assert!(ticket(ok, ok));
    assert!(!ticket(none, ok));
    assert!(!ticket(ok, none));
    let (_, at_home) = walk(TgsGoal::Service(target()), |_, answer| answer.flags |= ok);
    assert!(at_home.unwrap().flags.contains(ok));
}

fn far_user() -> Principal {
    Principal::new(Name::user("alice"), "U")
}

fn s4u_self_goal() -> TgsGoal {
    TgsGoal::S4uSelf { user: far_user(), service: service().name }
}

/// Three realms in a line: ours, M between, the user's.
fn towards_and_back(seen: &Seen, answer: &mut Answer) {
    match (seen.realm.as_str(), seen.user.is_some()) {
        (HOME, false) => refer(answer, "M"),
        ("U", true) => refer(answer, "M"),
        ("M", true) => refer(answer, HOME),
        (HOME, true) => answer.client = far_user(),
        _ => {}
    }
}

#[test]
fn evidence_for_a_user_of_another_realm_comes_back_from_there() {
    let (way, evidence) = walk(s4u_self_goal(), towards_and_back);
    let named = |realm: &str, with: &str, service: &str| Seen {
        user: Some("alice@U".into()),
        ..seen(realm, with, service)
    };
    let enterprise = "svc-mcp-server@W25AD.NET";
    assert_eq!(
        way,
        [
            seen(HOME, "krbtgt/W25AD.NET@W25AD.NET", "krbtgt/U"),
            seen("M", "krbtgt/M@W25AD.NET", "krbtgt/U"),
            named("U", "krbtgt/U@M", enterprise),
            named("M", "krbtgt/M@U", enterprise),
            named(HOME, "krbtgt/W25AD.NET@M", "svc-mcp-server"),
        ]
    );
    let evidence = evidence.unwrap();
    assert_eq!((evidence.client, evidence.server), (far_user(), service()));
}

#[test]
fn a_way_back_that_does_not_lead_home_in_the_users_name_is_refused() {
    let (way, outcome) = walk(s4u_self_goal(), |seen, answer| {
        towards_and_back(seen, answer);
        if seen.user.is_some() && seen.realm == HOME {
            answer.client = service();
        }
    });
    assert_eq!(mismatch(outcome), Mismatch::S4uIgnored);
    assert_eq!(way.len(), 5);
    // The user's own realm makes a ticket to our name there: it is not for us.
    let (_, outcome) = walk(s4u_self_goal(), |seen, answer| match seen.realm.as_str() {
        HOME => refer(answer, "U"),
        _ => answer.client = far_user(),
    });
    let Mismatch::Server { expected, found } = mismatch(outcome) else { panic!("another server") };
    assert_eq!((expected, &found.realm[..]), (service(), &b"U"[..]));
    // Our own realm refers on.
    let (_, outcome) = walk(s4u_self_goal(), |seen, answer| {
        towards_and_back(seen, answer);
        if seen.user.is_some() && seen.realm == HOME {
            answer.client = service();
            refer(answer, "X");
        }
    });
    assert!(matches!(mismatch(outcome), Mismatch::Server { .. }));
    // Back to where it began.
    let (_, outcome) = walk(s4u_self_goal(), |seen, answer| {
        towards_and_back(seen, answer);
        if seen.user.is_some() && seen.realm == "M" {
            refer(answer, "U");
        }
    });
    let circle = ReferralError::Loop(b"U".to_vec());
    assert_eq!(outcome.unwrap_err(), ExchangeError::Referral(circle));
    // A user of ours is asked for here, and nowhere else.
    let goal = TgsGoal::S4uSelf { user: alice(), service: service().name };
    let (way, outcome) = walk(goal, |_, answer| refer(answer, "B"));
    assert!(matches!(mismatch(outcome), Mismatch::Server { .. }));
    assert_eq!(way.len(), 1);
}

#[test]
fn each_kdcs_copy_of_the_user_is_verified() {
    for at in ["U", "M", HOME] {
        let (_, outcome) = walk(s4u_self_goal(), |seen, answer| {
            towards_and_back(seen, answer);
            if seen.user.is_some() {
                let user = if seen.realm == at { alice() } else { far_user() };
                let usage = KeyUsage::PA_S4U_X509_USER_REPLY;
                let copy = copy(answer, &user, answer.nonce, S4uOptions::SIGN_REPLY, usage);
                answer.padata = vec![(PaType::S4U_X509_USER, copy)];
            }
        });
        assert_eq!(mismatch(outcome), Mismatch::S4uUser(S4uReplyError::User), "{at}");
    }
}

fn evidence() -> Arc<Credential> {
    let mut answer = tgt_answer();
    (answer.client, answer.server) = (far_user(), service());
    Arc::new(credential_of(&answer))
}

fn s4u_proxy_goal() -> TgsGoal {
    TgsGoal::S4uProxy { evidence: evidence(), target: target() }
}

/// The target is in T, behind M.
fn proxied(seen: &Seen, answer: &mut Answer) {
    if seen.evidence.is_some() {
        answer.client = far_user();
        resource_based(answer);
        match seen.realm.as_str() {
            HOME => refer(answer, "M"),
            "M" => refer(answer, "T"),
            _ => {}
        }
    }
}

#[test]
fn resource_based_delegation_reaches_another_realm() {
    let (way, ticket) = walk(s4u_proxy_goal(), proxied);
    let with = |realm: &str, with: &str, of: &str| Seen {
        evidence: Some(("alice@U".into(), of.into())),
        ..seen(realm, with, TARGET)
    };
    assert_eq!(
        way,
        [
            with(HOME, "krbtgt/W25AD.NET@W25AD.NET", "svc-mcp-server@W25AD.NET"),
            seen(HOME, "krbtgt/W25AD.NET@W25AD.NET", "krbtgt/M"),
            with("M", "krbtgt/M@W25AD.NET", "krbtgt/M@W25AD.NET"),
            seen("M", "krbtgt/M@W25AD.NET", "krbtgt/T"),
            with("T", "krbtgt/T@M", "krbtgt/T@M"),
        ]
    );
    let ticket = ticket.unwrap();
    assert_eq!((ticket.client, ticket.server), (far_user(), Principal::new(target(), "T")));
}

#[test]
fn an_ordinary_referral_is_not_taken_for_one_in_the_users_name() {
    // What a KDC gives that left the evidence out of account.
    let (way, outcome) = walk(s4u_proxy_goal(), |seen, answer| {
        proxied(seen, answer);
        answer.client = service();
        answer.encrypted_padata.clear();
    });
    assert_eq!(mismatch(outcome), Mismatch::NotResourceBased);
    assert_eq!(way.len(), 1);
    // In our name if it says so, as MIT's: the last ticket is the user's all the same.
    let ours = |last: Principal| {
        walk(s4u_proxy_goal(), move |seen, answer| {
            proxied(seen, answer);
            answer.client = if seen.realm == "T" { last.clone() } else { service() };
        })
    };
    let (way, ticket) = ours(far_user());
    assert_eq!((way.len(), ticket.unwrap().client), (5, far_user()));
    assert_eq!(mismatch(ours(service()).1), Mismatch::S4uIgnored);
    assert!(matches!(mismatch(ours(alice()).1), Mismatch::Client { .. }));
    // In anybody else's it is none.
    let (way, outcome) = walk(s4u_proxy_goal(), |seen, answer| {
        proxied(seen, answer);
        answer.client = alice();
    });
    assert!(matches!(mismatch(outcome), Mismatch::Client { .. }));
    assert_eq!(way.len(), 1);
    // At every KDC that sends on, and at the last.
    for at in [HOME, "M", "T"] {
        let (_, outcome) = walk(s4u_proxy_goal(), |seen, answer| {
            proxied(seen, answer);
            if seen.realm == at {
                answer.encrypted_padata.clear();
            }
        });
        assert_eq!(mismatch(outcome), Mismatch::NotResourceBased, "{at}");
        let (_, outcome) = walk(s4u_proxy_goal(), |seen, answer| {
            proxied(seen, answer);
            if seen.realm == at {
                let flags = PacOptions::CLAIMS.0.into();
                let value = der::encode(&PaPacOptions { flags });
                answer.encrypted_padata = vec![(PaType::PAC_OPTIONS, value)];
            }
        });
        assert_eq!(mismatch(outcome), Mismatch::NotResourceBased, "{at}");
    }
    // Within the realm the user's name on the ticket says enough; Samba says no more.
    let (_, ticket) = walk(s4u_proxy_goal(), |_, answer| answer.client = far_user());
    assert_eq!(ticket.unwrap().client, far_user());
    // The evidence's way leads in a circle.
    let (_, outcome) = walk(s4u_proxy_goal(), |seen, answer| {
        proxied(seen, answer);
        if seen.evidence.is_some() && seen.realm == "M" {
            refer(answer, HOME);
        }
    });
    let circle = ReferralError::Loop(HOME.into());
    assert_eq!(outcome.unwrap_err(), ExchangeError::Referral(circle));
}

#[test]
fn no_walk_is_longer_than_any_needs() {
    // Each realm on the evidence's way is far from the one before.
    let mut asked = 0;
    let (way, outcome) = walk(s4u_proxy_goal(), |seen, answer| {
        asked += 1;
        if seen.evidence.is_some() {
            answer.client = far_user();
            resource_based(answer);
            refer(answer, &std::format!("T{asked}"));
        } else if asked % 4 != 0 {
            refer(answer, &std::format!("B{asked}"));
        }
    });
    assert_eq!(outcome.unwrap_err(), ExchangeError::Referral(ReferralError::TooLong));
    assert_eq!(way.len(), 24);
}

/// An armor of our realm is none elsewhere; every hop is armored all the same.
#[test]
fn every_hop_is_armored() {
    let options =
        TicketOptions { fast: TgsArmor::Explicit(home_tgt()), ..TicketOptions::default() };
    let mut exchange = TgsWalk::new(home_tgt(), TgsGoal::Service(target()), options);
    let mut rng = Counter(1);
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let request: TgsReq<'_> = der::decode(&request).unwrap();
    let fast = request.padata.unwrap().iter().any(|pa| pa.padata_type == PaType::FX_FAST);
    assert!(fast);
    let mut answer = tgt_answer();
    answer.server.name = Name::krbtgt(b"B");
    exchange.referred(credential_of(&answer), b"B").unwrap();
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let request: TgsReq<'_> = der::decode(&request).unwrap();
    let fast = request.padata.unwrap().iter().find(|pa| pa.padata_type == PaType::FX_FAST);
    let armor = crate::preauth::fast::RequestPlaintext::armor(fast.unwrap().padata_value);
    assert_eq!(armor, Ok(None), "the ticket that it is made with armors it");
}
