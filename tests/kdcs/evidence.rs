//! Evidence for a user (S4U2Self).

use krb_proto::exchange::EvidenceError;
use krb_proto::iana::{ErrorCode, TicketFlags};

use crate::world::refusal;
use crate::{Domain, domain, has};

#[tokio::test]
async fn it_names_the_user_and_opens_with_the_services_key() {
    let domain = domain!();
    let (client, user) = (domain.client(&domain.service), domain.user(domain.ordinary));
    let evidence = client.s4u().evidence(&user).await.unwrap();
    assert_eq!(evidence.client, user);
    assert_eq!(evidence.server, domain.service.principal);
    assert!(evidence.flags.contains(TicketFlags::FORWARDABLE), "{:?}", evidence.flags);
    match client.open(&evidence) {
        Ok((ticket, _)) if domain.pac => assert_eq!(ticket.client, user),
        // Nothing else says who that is, so nothing is done with it.
        Err(EvidenceError::NoPac) if !domain.pac => {}
        other => panic!("{:?}", other.map(|(ticket, _)| ticket.client)),
    }
}

async fn is_forwardable(domain: &Domain, service: &crate::world::Service, user: &str) -> bool {
    let client = domain.client(service);
    let evidence = client.s4u().evidence(&domain.user(user)).await.unwrap();
    evidence.flags.contains(TicketFlags::FORWARDABLE)
}

#[tokio::test]
async fn a_sensitive_users_may_not_be_forwarded() {
    let domain = domain!();
    let sensitive = has!(domain.sensitive);
    assert!(!is_forwardable(&domain, &domain.service, sensitive).await);
}

#[tokio::test]
async fn a_service_without_the_flag_gets_none_that_may_be_forwarded() {
    let domain = domain!();
    let without = has!(domain.without_flag);
    assert!(!is_forwardable(&domain, without, domain.ordinary).await);
}

async fn refused(domain: &Domain, user: &str, code: ErrorCode) {
    let client = domain.client(&domain.service);
    assert_eq!(refusal(client.s4u().evidence(&domain.user(user)).await), Some(code), "{user}");
}

#[tokio::test]
async fn there_is_none_for_who_is_not_there() {
    let domain = domain!();
    refused(&domain, "nobody-at-all", ErrorCode::C_PRINCIPAL_UNKNOWN).await;
}

#[tokio::test]
async fn there_is_none_for_a_disabled_user() {
    let domain = domain!();
    let (user, code) = *has!(domain.disabled);
    refused(&domain, user, code).await;
}

#[tokio::test]
async fn there_is_none_for_an_expired_user() {
    let domain = domain!();
    let user = has!(domain.expired);
    refused(&domain, user, ErrorCode::NAME_EXP).await;
}
