//! What a ticket-granting ticket is good for beside tickets to services.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use krb_client::{Client, ClientError};
use krb_proto::exchange::{TgsGoal, TicketOptions, opens};
use krb_proto::iana::{ErrorCode, TicketFlags};
use krb_proto::{Credential, Name};

use crate::world::refusal;
use crate::{Domain, domain};

pub(crate) const RENEWED: &str = "a ticket is renewed";
pub(crate) const FORWARDED: &str = "a ticket is forwarded, for an address";
pub(crate) const PROXIED: &str = "a proxy for an address (RFC 4120 section 2.5)";
pub(crate) const POSTDATED: &str =
    "a postdated ticket: INVALID, validated too early, then in its time";
pub(crate) const USER_TO_USER: &str = "user-to-user";

/// A ticket-granting ticket with these options, and its client.
async fn initial(
    domain: &Domain,
    options: TicketOptions,
) -> (Client, Result<Arc<Credential>, ClientError>) {
    let client = domain.client(&domain.service);
    let tgt = client.initial(&Name::krbtgt(domain.realm.as_bytes()), options).await;
    (client, tgt.map(Arc::new))
}

fn elsewhere() -> TicketOptions {
    let address = IpAddr::from([192, 0, 2, 7]);
    TicketOptions { addresses: vec![address.into()], ..TicketOptions::default() }
}

#[tokio::test]
async fn it_is_renewed() {
    let domain = domain!(RENEWED);
    let renewable = TicketOptions { renewable: Some(7 * 86400), ..TicketOptions::default() };
    let (client, tgt) = initial(&domain, renewable).await;
    let tgt = tgt.unwrap();
    // MIT's gives some that may be for no time at all.
    let is_renewable = tgt.times.renew_till.is_some_and(|till| till > tgt.times.endtime);
    if !tgt.flags.contains(TicketFlags::RENEWABLE) || !is_renewable {
        domain.saw("no: it gives none that may be");
        return;
    }
    let renewed = client.renew(&tgt).await.unwrap();
    assert!(renewed.times.endtime >= tgt.times.endtime);
    assert_eq!(renewed.times.authtime, tgt.times.authtime);
    assert_eq!(renewed.times.renew_till, tgt.times.renew_till);
    domain.saw("yes");
}

#[tokio::test]
async fn it_is_forwarded() {
    let domain = domain!(FORWARDED);
    let forwarded = domain.client(&domain.service).forward(elsewhere()).await.unwrap();
    assert!(forwarded.flags.contains(TicketFlags::FORWARDED), "{:?}", forwarded.flags);
    domain.saw("yes");
}

#[tokio::test]
async fn it_gives_proxies() {
    let domain = domain!(PROXIED);
    let mut config = domain.config(&domain.service, domain.service.secret.clone(), 0);
    config.login.proxiable = true;
    let client = Client::new(config);
    match client.proxy(&domain.not_granted, elsewhere()).await {
        Ok(proxy) => {
            assert!(proxy.flags.contains(TicketFlags::PROXY), "{:?}", proxy.flags);
            domain.saw("yes");
        }
        refused => domain.saw_refusal(refused),
    }
}

#[tokio::test]
async fn it_begins_later() {
    let domain = domain!(POSTDATED);
    // On a busy machine the time may have come before the second question is asked.
    for ahead in [4, 60] {
        let start = domain.now().plus_seconds(ahead).seconds;
        let later = TicketOptions { start: Some(start), lifetime: 600, ..TicketOptions::default() };
        let (client, tgt) = initial(&domain, later).await;
        let tgt = match tgt {
            Ok(tgt) => tgt,
            refused => return domain.saw_refusal(refused),
        };
        let flags = TicketFlags::INVALID | TicketFlags::POSTDATED;
        assert!(tgt.flags.contains(flags), "{:?}", tgt.flags);
        assert_eq!(tgt.times.starttime, start);
        let early = client.validate(&tgt).await;
        if domain.now().seconds >= start && ahead < 60 {
            continue;
        }
        assert_eq!(refusal(early), Some(ErrorCode::TKT_NYV));
        tokio::time::sleep(Duration::from_secs(ahead.unsigned_abs() + 1)).await;
        return validated(&domain, &client, &tgt).await;
    }
}

async fn validated(domain: &Domain, client: &Client, tgt: &Arc<Credential>) {
    match client.validate(tgt).await {
        Ok(valid) => {
            assert!(!valid.flags.contains(TicketFlags::INVALID), "{:?}", valid.flags);
            assert_eq!(valid.times.endtime, tgt.times.endtime);
            domain.saw("yes, 33, yes");
        }
        refused => domain.saw(&format!("yes, 33, {}", refusal(refused).expect("a refusal").0)),
    }
}

#[tokio::test]
async fn it_is_what_a_peer_without_keys_gets_its_ticket_under() {
    let domain = domain!(USER_TO_USER);
    let client = domain.client(&domain.service);
    let own = client.tgt().await.unwrap();
    let goal = || TgsGoal::UserToUser {
        service: domain.service.principal.name.clone(),
        service_tgt: own.ticket.clone(),
    };
    match client.ask(goal(), TicketOptions::default()).await {
        Ok(ticket) => {
            let opened = opens(&ticket.ticket, |_, _| [own.session_key.clone()]);
            assert!(opened, "it is sealed with the session key");
            domain.saw("yes");
        }
        refused => domain.saw_refusal(refused),
    }
}
