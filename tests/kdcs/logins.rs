//! The service's own ticket.

use krb_proto::crypto::Key;
use krb_proto::exchange::ClientSecret;
use krb_proto::iana::{EncType, ErrorCode, TicketFlags};
use krb_proto::{Name, Principal};

use crate::domain;
use crate::world::{Service, refusal};

#[tokio::test]
async fn the_service_gets_its_own_ticket() {
    let domain = domain!();
    let tgt = domain.client(&domain.service).tgt().await.unwrap();
    assert_eq!(tgt.client, domain.service.principal);
    assert_eq!(tgt.server, Principal::krbtgt(domain.realm.as_bytes()));
    for flag in [TicketFlags::INITIAL, TicketFlags::PRE_AUTHENT] {
        assert!(tgt.flags.contains(flag), "{:?}", tgt.flags);
    }
    let life = tgt.times.endtime.unix() - tgt.times.authtime.unix();
    assert!((60..=10 * 3600).contains(&life), "{life} seconds, which is a working day at most");
}

#[tokio::test]
async fn another_key_proves_nothing() {
    let domain = domain!();
    let key = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).unwrap();
    let wrong = ClientSecret::Keys(vec![key]);
    let client = domain.client_with(&domain.service, wrong, 0);
    assert_eq!(refusal(client.tgt().await), Some(ErrorCode::PREAUTH_FAILED));
}

#[tokio::test]
async fn who_is_not_there_does_not_log_in() {
    let domain = domain!();
    let nobody = Service {
        principal: Principal::new(Name::user("svc-nobody"), &domain.realm),
        secret: domain.service.secret.clone(),
    };
    assert_eq!(refusal(domain.client(&nobody).tgt().await), Some(ErrorCode::C_PRINCIPAL_UNKNOWN));
}
