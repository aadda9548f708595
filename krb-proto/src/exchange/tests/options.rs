//! What kind of ticket was asked for, and replies that give more.

use core::net::{IpAddr, Ipv4Addr};

use super::*;
use crate::iana::NameType;

fn options() -> TicketOptions {
    TicketOptions { lifetime: 900, ..Default::default() }
}

fn as_exchange(options: TicketOptions) -> AsExchange {
    AsExchange::new(service(), ClientSecret::Keys(vec![service_key()]), options)
}

/// What comes of an AS-REP that differs so from the one that gives what the request asks.
fn initial(
    exchange: AsExchange,
    change: impl Fn(&mut Answer, &[u8]),
) -> Result<Credential, ExchangeError> {
    let (mut rng, mut exchange) = (Counter(1), exchange);
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let mut answer = as_answer(&request, service_key());
    change(&mut answer, &request);
    match with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep()))? {
        Step::Done(credential) => Ok(credential),
        Step::Continue => panic!("one round trip is enough"),
    }
}

/// The same of a TGS exchange with that ticket, and the request's body.
fn with_tgt(
    tgt: Credential,
    goal: TgsGoal,
    options: TicketOptions,
    change: impl Fn(&mut Answer, &KdcReqBody<'_>),
) -> Result<Credential, ExchangeError> {
    let mut rng = Counter(1);
    let mut exchange = TgsExchange::new(Arc::new(tgt), goal, options);
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (mut answer, _, body) = answer_tgs(&request, service());
    change(&mut answer, &der::decode(&body).unwrap());
    match with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep()))? {
        Step::Done(credential) => Ok(credential),
        Step::Continue => panic!("one round trip is enough"),
    }
}

fn service_ticket(
    options: TicketOptions,
    change: impl Fn(&mut Answer, &KdcReqBody<'_>),
) -> Result<Credential, ExchangeError> {
    with_tgt(credential_of(&tgt_answer()), TgsGoal::Service(target()), options, change)
}

fn mismatch(outcome: Result<Credential, ExchangeError>) -> Mismatch {
    match outcome.map(drop) {
        Err(ExchangeError::Mismatch(mismatch)) => mismatch,
        other => panic!("{other:?}"),
    }
}

fn asks(body: &KdcReqBody<'_>, options: KdcOptions) {
    assert_eq!(KdcOptions(body.kdc_options.bits()), options);
}

#[test]
fn what_is_asked_is_sent_and_nothing_else() {
    let now = KerberosTime::from_unix(NOW);
    let plain = TicketOptions { forwardable: false, ..options() };
    service_ticket(plain.clone(), |answer, body| {
        asks(body, KdcOptions::NONE);
        assert_eq!((body.from, body.till, body.rtime), (None, now.plus_seconds(900), None));
        assert!(body.addresses.is_none());
        answer.flags = TicketFlags::NONE;
    })
    .unwrap();
    let everything = TicketOptions {
        forwardable: true,
        proxiable: true,
        start: Some(now.plus_seconds(600)),
        allow_postdate: true,
        renewable: Some(7200),
        renewable_ok: true,
        addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST).into()],
        canonicalize: true,
        ..plain
    };
    service_ticket(everything.clone(), |answer, body| {
        asks(body, KdcOptions(0x5681_0010));
        assert_eq!(body.from, Some(now.plus_seconds(600)));
        assert_eq!((body.till, body.rtime), (now.plus_seconds(1500), Some(now.plus_seconds(7800))));
        let addresses: Vec<_> = body.addresses.unwrap().iter().collect();
        assert_eq!(addresses, [HostAddress { addr_type: 2, address: &[127, 0, 0, 1] }]);
        answer.flags = TicketFlags(0x5580_0000);
        answer.starttime = NOW + 600;
        answer.renew_till = Some(NOW + 7800);
        answer.addresses = everything.addresses.clone();
    })
    .unwrap();
    // A renewal that ends before the ticket would be of no use.
    let short = TicketOptions { renewable: Some(60), ..options() };
    service_ticket(short, |_, body| assert_eq!(body.rtime, Some(body.till))).unwrap();
}

#[test]
fn flags_that_were_not_asked_for_are_refused() {
    let plain = || TicketOptions { forwardable: false, ..options() };
    let asking: [(TicketFlags, TicketOptions); 5] = [
        (TicketFlags::FORWARDABLE, options()),
        (TicketFlags::PROXIABLE, TicketOptions { proxiable: true, ..plain() }),
        (TicketFlags::MAY_POSTDATE, TicketOptions { allow_postdate: true, ..plain() }),
        (TicketFlags::RENEWABLE, TicketOptions { renewable: Some(900), ..plain() }),
        (
            TicketFlags::INVALID,
            TicketOptions { start: Some(KerberosTime::from_unix(NOW)), ..plain() },
        ),
    ];
    for (flag, asking) in asking {
        let give = |answer: &mut Answer| {
            answer.flags = flag | TicketFlags::PRE_AUTHENT;
            answer.renew_till = Some(NOW + 900);
        };
        let refused = mismatch(service_ticket(plain(), |answer, _| give(answer)));
        assert_eq!(refused, Mismatch::Flags(flag));
        let refused = mismatch(initial(as_exchange(plain()), |answer, _| give(answer)));
        assert_eq!(refused, Mismatch::Flags(flag));
        service_ticket(asking.clone(), |answer, _| give(answer)).unwrap();
        initial(as_exchange(asking), |answer, _| give(answer)).unwrap();
    }
}

#[test]
fn a_ticket_may_be_renewed_for_no_longer_than_was_asked() {
    let renewable = TicketOptions { renewable: Some(7200), ..options() };
    // Instead of a longer life: for as long as that.
    let renewable_ok = TicketOptions { renewable_ok: true, ..options() };
    for (options, limit) in [(renewable, 7200), (renewable_ok, 900)] {
        for (seconds, taken) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
            let give = |answer: &mut Answer| {
                answer.flags |= TicketFlags::RENEWABLE;
                answer.renew_till = Some(NOW + seconds);
            };
            let outcome = service_ticket(options.clone(), |answer, _| give(answer));
            assert_eq!(outcome.is_ok(), taken, "{seconds}");
            let outcome = initial(as_exchange(options.clone()), |answer, _| give(answer));
            assert_eq!(outcome.is_ok(), taken, "{seconds}");
        }
        let unlimited = service_ticket(options, |answer, _| answer.flags |= TicketFlags::RENEWABLE);
        assert_eq!(mismatch(unlimited), Mismatch::Times);
    }
}

#[test]
fn a_postdated_ticket_begins_when_it_was_asked_to() {
    let options = TicketOptions { start: Some(KerberosTime::from_unix(NOW + 600)), ..options() };
    for (start, taken) in [(599, false), (600, true), (601, false)] {
        let give = |answer: &mut Answer| {
            answer.flags |= TicketFlags::POSTDATED | TicketFlags::INVALID;
            answer.starttime = NOW + start;
        };
        let outcome = service_ticket(options.clone(), |answer, _| give(answer));
        assert_eq!(outcome.is_ok(), taken, "{start}");
        let outcome = initial(as_exchange(options.clone()), |answer, _| give(answer));
        assert_eq!(outcome.is_ok(), taken, "{start}");
    }
    // Its life counts from there.
    let end = |seconds| {
        service_ticket(options.clone(), move |answer, _| {
            answer.starttime = NOW + 600;
            answer.endtime = NOW + seconds;
        })
    };
    end(1500).unwrap();
    assert_eq!(mismatch(end(1501)), Mismatch::Times);
}

#[test]
fn a_ticket_is_good_from_the_addresses_asked_for_and_no_others() {
    let [here, there, elsewhere]: [TicketAddress; 3] =
        [1, 2, 3].map(|last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last)).into());
    let options = TicketOptions { addresses: vec![here.clone(), there.clone()], ..options() };
    for (given, taken) in [
        (vec![], false),
        (vec![here.clone()], true),
        (vec![there.clone(), here.clone()], true),
        (vec![here.clone(), there, elsewhere.clone()], false),
        (vec![TicketAddress { kind: 24, ..here.clone() }], false),
    ] {
        let outcome =
            initial(as_exchange(options.clone()), |answer, _| answer.addresses = given.clone());
        assert_eq!(outcome.is_ok(), taken, "{given:?}");
        let outcome = service_ticket(options.clone(), |answer, _| answer.addresses = given.clone());
        assert_eq!(outcome.is_ok(), taken, "{given:?}");
    }
    // Who asks for none may be given a ticket that is good for less.
    initial(as_exchange(super::options::options()), |answer, _| {
        answer.addresses = vec![elsewhere.clone()];
    })
    .unwrap();
}

#[test]
fn an_initial_ticket_to_another_server_is_for_that_one() {
    let changepw = Name::new(crate::iana::NameType::SRV_INST, ["kadmin", "changepw"]);
    let exchange = || as_exchange(options()).to_server(changepw.clone());
    let ticket = initial(exchange(), |answer, _| assert_eq!(answer.server.name, changepw)).unwrap();
    assert_eq!(ticket.server, Principal::new(changepw.clone(), REALM));
    let refused = mismatch(initial(exchange(), |answer, _| {
        answer.server = Principal::krbtgt(REALM.as_bytes());
    }));
    assert!(matches!(refused, Mismatch::Server { .. }), "{refused}");
}

/// AD and MIT answer an alias with the account's own name.
#[test]
fn another_name_is_taken_if_asked_for_and_nobody_can_have_written_it() {
    let canonicalize = || TicketOptions { canonicalize: true, ..options() };
    let renamed = |answer: &mut Answer| answer.client.name = Name::user("Svc-MCP-Server");
    let proved = |answer: &mut Answer, request: &[u8]| {
        let checksum = service_key().checksum(KeyUsage::AS_REQ_CHECKSUM, request);
        let cksumtype = service_key().checksum_type();
        let value = der::encode(&Checksum { cksumtype, checksum: &checksum });
        answer.flags |= TicketFlags::ENC_PA_REP;
        answer.encrypted_padata = vec![(PaType::REQ_ENC_PA_REP, value)];
    };
    let ticket = initial(as_exchange(canonicalize()), |answer, request| {
        renamed(answer);
        proved(answer, request);
    })
    .unwrap();
    assert_eq!(ticket.client.name, Name::user("Svc-MCP-Server"));
    type Change<'a> = &'a dyn Fn(&mut Answer, &[u8]);
    let unproved: Change<'_> = &|answer, _| renamed(answer);
    let elsewhere: Change<'_> = &|answer, request| {
        answer.client.realm = b"ELSEWHERE.NET".to_vec();
        proved(answer, request);
    };
    let unasked: Change<'_> = &|answer, request| {
        renamed(answer);
        proved(answer, request);
    };
    for (options, change) in
        [(canonicalize(), unproved), (canonicalize(), elsewhere), (options(), unasked)]
    {
        let refused = mismatch(initial(as_exchange(options), change));
        assert!(matches!(refused, Mismatch::Client { .. }), "{refused}");
    }
}

/// AD has a name of its own for the account that has an SPN (krb5 #986): it is the service's then, where
/// nobody can have written it. What is a ticket-granting ticket is never one for something else.
#[test]
fn another_server_is_taken_if_asked_for_and_nobody_can_have_written_it() {
    let canonicalize = || TicketOptions { canonicalize: true, ..options() };
    let http = Name::new(NameType::SRV_INST, ["HTTP", "web.w25ad.net"]);
    let account = Name::user("WEB$");
    let asked = |options, server: &Name, found: &Name, proves: bool| {
        let exchange = as_exchange(options).to_server(server.clone());
        initial(exchange, |answer, request| {
            answer.server.name = found.clone();
            if proves {
                let checksum = service_key().checksum(KeyUsage::AS_REQ_CHECKSUM, request);
                let cksumtype = service_key().checksum_type();
                let value = der::encode(&Checksum { cksumtype, checksum: &checksum });
                answer.flags |= TicketFlags::ENC_PA_REP;
                answer.encrypted_padata = vec![(PaType::REQ_ENC_PA_REP, value)];
            }
        })
    };
    let ticket = asked(canonicalize(), &http, &account, true).unwrap();
    assert_eq!(ticket.server, Principal::new(account.clone(), REALM));
    let krbtgt = Name::krbtgt(REALM.as_bytes());
    for (options, server, found, proves) in [
        (canonicalize(), &http, &account, false),
        (options(), &http, &account, true),
        (canonicalize(), &http, &krbtgt, true),
        (canonicalize(), &krbtgt, &account, true),
    ] {
        let refused = mismatch(asked(options, server, found, proves));
        assert!(matches!(refused, Mismatch::Server { .. }), "{refused}");
    }
}

/// A renewable, postdated TGT.
fn renewable_tgt() -> Credential {
    let mut tgt = credential_of(&tgt_answer());
    tgt.flags = TicketFlags::FORWARDABLE | TicketFlags::RENEWABLE | TicketFlags::INVALID;
    tgt.times.renew_till = Some(KerberosTime::from_unix(NOW + 72_000));
    tgt
}

#[test]
fn a_renewed_ticket_is_what_it_was() {
    let krbtgt = Principal::krbtgt(REALM.as_bytes());
    let kept = KdcOptions::FORWARDABLE | KdcOptions::RENEWABLE;
    let renew = |end: i64, renew_till: i64, flags: TicketFlags| {
        with_tgt(renewable_tgt(), TgsGoal::Renew, options(), |answer, body| {
            asks(body, kept | KdcOptions::RENEW);
            assert_eq!(answer.server, krbtgt);
            (answer.endtime, answer.renew_till) = (NOW + end, Some(NOW + renew_till));
            answer.flags = TicketFlags::RENEWABLE | flags;
        })
    };
    let renewed = renew(72_000, 72_000, TicketFlags::FORWARDABLE).unwrap();
    assert_eq!((renewed.server, renewed.client), (krbtgt.clone(), service()));
    assert_eq!(mismatch(renew(72_001, 72_000, TicketFlags::NONE)), Mismatch::Times);
    assert_eq!(mismatch(renew(72_000, 72_001, TicketFlags::NONE)), Mismatch::Times);
    for more in [TicketFlags::PROXIABLE, TicketFlags::INVALID] {
        assert_eq!(mismatch(renew(72_000, 72_000, more)), Mismatch::Flags(more));
    }
    let validate = |end: i64, flags| {
        with_tgt(renewable_tgt(), TgsGoal::Validate, options(), |answer, body| {
            asks(body, kept | KdcOptions::VALIDATE);
            (answer.endtime, answer.flags) = (NOW + end, flags);
        })
    };
    validate(36_000, TicketFlags::FORWARDABLE).unwrap();
    assert_eq!(mismatch(validate(36_001, TicketFlags::FORWARDABLE)), Mismatch::Times);
    let invalid = validate(36_000, TicketFlags::INVALID);
    assert_eq!(mismatch(invalid), Mismatch::Flags(TicketFlags::INVALID));
}

#[test]
fn tickets_to_hand_on_are_asked_for_with_the_addresses_they_shall_have() {
    let there: TicketAddress = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9)).into();
    let options = TicketOptions { addresses: vec![there.clone()], ..options() };
    let krbtgt = Name::krbtgt(REALM.as_bytes());
    for (goal, by, server) in [
        (TgsGoal::Forward, KdcOptions::FORWARDED, krbtgt),
        (TgsGoal::Proxy(target()), KdcOptions::PROXY, target()),
    ] {
        let tgt = credential_of(&tgt_answer());
        let ticket = with_tgt(tgt, goal, options.clone(), |answer, body| {
            asks(body, KdcOptions::FORWARDABLE | by);
            answer.addresses = vec![there.clone()];
        })
        .unwrap();
        assert_eq!((ticket.server.name, ticket.client), (server, service()));
    }
}
