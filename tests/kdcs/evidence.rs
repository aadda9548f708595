//! Evidence for a user (S4U2Self).

use krb_client::ClientError;
use krb_proto::exchange::{EvidenceError, ExchangeError, Mismatch};
use krb_proto::iana::{ErrorCode, TicketFlags};
use krb_proto::{Name, Principal};

use crate::world::refusal;
use crate::{Domain, domain, has};

pub(crate) const OF_A_USER: &str =
    "S4U2Self: names the user, opens with the service's key, forwardable";
pub(crate) const BY_ENTERPRISE_NAME: &str = "S4U2Self for a user by an enterprise name";
pub(crate) const OF_NOBODY: &str = "S4U2Self for an unknown user";
pub(crate) const OF_A_DISABLED: &str = "S4U2Self for a disabled user";
pub(crate) const OF_AN_EXPIRED: &str = "S4U2Self for an expired user";
pub(crate) const OF_A_SENSITIVE: &str =
    "S4U2Self for a user who may not be forwarded: evidence that is not forwardable";
pub(crate) const WITHOUT_THE_FLAG: &str =
    "S4U2Self for a service without the flag (AD's TRUSTED_TO_AUTH_FOR_DELEGATION): the same";
pub(crate) const BY_CERTIFICATE: &str = "S4U2Self by certificate";

#[tokio::test]
async fn it_names_the_user_and_opens_with_the_services_key() {
    let domain = domain!(OF_A_USER);
    let (client, user) = (domain.client(&domain.service), domain.user(domain.ordinary));
    let evidence = client.s4u().evidence(&user).await.unwrap();
    assert_eq!(evidence.client, user);
    assert_eq!(evidence.server, domain.service.principal);
    assert!(evidence.flags.contains(TicketFlags::FORWARDABLE), "{:?}", evidence.flags);
    match client.open(&evidence) {
        Ok((ticket, _)) => {
            assert!(domain.pac);
            assert_eq!(ticket.client, user);
            domain.saw("yes");
        }
        // Nothing else says who that is.
        Err(EvidenceError::NoPac) => {
            assert!(!domain.pac);
            domain.saw("yes, without a PAC: we do nothing with it");
        }
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test]
async fn it_names_a_user_by_an_enterprise_name() {
    let domain = domain!(BY_ENTERPRISE_NAME);
    let named = Name::enterprise(&domain.user(domain.ordinary).to_string());
    let sent = Principal::new(named, &domain.realm);
    match domain.client(&domain.service).s4u().evidence(&sent).await {
        Ok(evidence) if evidence.client == sent => domain.saw("yes, by the name that was sent"),
        Ok(evidence) => {
            assert_eq!(evidence.client, domain.user(domain.ordinary));
            domain.saw("yes, by the account's own name");
        }
        refused => domain.saw_refusal(refused),
    }
}

async fn is_forwardable(domain: &Domain, service: &crate::world::Service, user: &str) -> bool {
    let client = domain.client(service);
    let evidence = client.s4u().evidence(&domain.user(user)).await.unwrap();
    evidence.flags.contains(TicketFlags::FORWARDABLE)
}

#[tokio::test]
async fn a_sensitive_users_may_not_be_forwarded() {
    let domain = domain!(OF_A_SENSITIVE);
    let sensitive = has!(domain.sensitive);
    assert!(!is_forwardable(&domain, &domain.service, sensitive).await);
    domain.saw("yes");
}

#[tokio::test]
async fn a_service_without_the_flag_gets_none_that_may_be_forwarded() {
    let domain = domain!(WITHOUT_THE_FLAG);
    let without = has!(domain.without_flag);
    assert!(!is_forwardable(&domain, without, domain.ordinary).await);
    domain.saw("yes");
}

async fn refused(domain: &Domain, user: &str, code: ErrorCode) {
    let client = domain.client(&domain.service);
    let refused = client.s4u().evidence(&domain.user(user)).await;
    assert_eq!(refusal(refused.clone()), Some(code), "{user}");
    domain.saw_refusal(refused);
}

#[tokio::test]
async fn there_is_none_for_who_is_not_there() {
    let domain = domain!(OF_NOBODY);
    if crate::table::world() == "mit-test" {
        domain.saw("- (the test database knows every user that it is asked to impersonate)");
        return;
    }
    refused(&domain, "nobody-at-all", ErrorCode::C_PRINCIPAL_UNKNOWN).await;
}

#[tokio::test]
async fn there_is_none_for_a_disabled_user() {
    let domain = domain!(OF_A_DISABLED);
    let (user, code) = *has!(domain.disabled);
    refused(&domain, user, code).await;
}

#[tokio::test]
async fn there_is_none_for_an_expired_user() {
    let domain = domain!(OF_AN_EXPIRED);
    let user = has!(domain.expired);
    refused(&domain, user, ErrorCode::NAME_EXP).await;
}

/// A KDC that reads none must not pass for one that does.
#[tokio::test]
async fn a_certificate_names_its_user_where_the_kdc_reads_it() {
    let domain = domain!(BY_CERTIFICATE);
    let client = domain.client(&domain.service);
    let (certificate, user) = &domain.certificate;
    let realm = Some(domain.realm.as_bytes());
    match client.s4u().evidence_by_certificate(certificate, realm).await {
        Ok(evidence) => {
            assert!(evidence.client.is_same(&domain.user(user)), "{}", evidence.client);
            let (ticket, _) = client.open(&evidence).expect("it opens");
            assert!(ticket.client.is_same(&domain.user(user)), "{}", ticket.client);
            domain.saw("yes");
        }
        Err(ClientError::Exchange(ExchangeError::Mismatch(Mismatch::S4uIgnored))) => {
            domain.saw("no: it gives the service's own ticket, which is found out");
        }
        refused => domain.saw(&format!("no: {}", refusal(refused).expect("a refusal").0)),
    }
}
