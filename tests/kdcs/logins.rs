//! The service's own ticket.

use krb_client::{Armor, ClientError};
use krb_proto::crypto::Key;
use krb_proto::exchange::{ClientSecret, ExchangeError, Mismatch};
use krb_proto::iana::{EncType, ErrorCode, TicketFlags};
use krb_proto::{Name, Principal};

use crate::domain;
use crate::world::{Service, refusal};

pub(crate) const OWN_TICKET: &str = "the service's own ticket";
pub(crate) const WRONG_KEY: &str = "a login with a wrong key";
pub(crate) const NOBODY: &str = "a login of an account that is not there";
pub(crate) const ARMORED: &str = "a login in armor (FAST)";
pub(crate) const ENTERPRISE: &str = "a login by an enterprise name, the account's with the realm's";

#[tokio::test]
async fn the_service_gets_its_own_ticket() {
    let domain = domain!(OWN_TICKET);
    let tgt = domain.client(&domain.service).tgt().await.unwrap();
    assert_eq!(tgt.client, domain.service.principal);
    assert_eq!(tgt.server, Principal::krbtgt(domain.realm.as_bytes()));
    assert!(tgt.flags.contains(TicketFlags::INITIAL), "{:?}", tgt.flags);
    let life = tgt.times.endtime.unix() - tgt.times.authtime.unix();
    assert!((60..=10 * 3600).contains(&life), "{life} seconds, which is a working day at most");
    let proved = tgt.flags.contains(TicketFlags::PRE_AUTHENT);
    domain.saw(if proved { "yes" } else { "yes, without pre-authentication" });
}

#[tokio::test]
async fn another_key_proves_nothing() {
    let domain = domain!(WRONG_KEY);
    let key = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).unwrap();
    let wrong = ClientSecret::Keys(vec![key]);
    let refused = domain.client_with(&domain.service, wrong, 0).tgt().await;
    assert_eq!(refusal(refused.clone()), Some(ErrorCode::PREAUTH_FAILED));
    domain.saw_refusal(refused);
}

#[tokio::test]
async fn who_is_not_there_does_not_log_in() {
    let domain = domain!(NOBODY);
    let nobody = Service {
        principal: Principal::new(Name::user("svc-nobody"), &domain.realm),
        secret: domain.service.secret.clone(),
    };
    domain.saw_refusal(domain.client(&nobody).tgt().await);
}

#[tokio::test]
async fn a_ticket_of_the_realms_is_armor_for_others() {
    let domain = domain!(ARMORED);
    let mut config = domain.config(&domain.service, domain.service.secret.clone(), 0);
    config.armor = Some(Armor::Client(domain.client(&domain.service)));
    let armored = krb_client::Client::new(config);
    match armored.tgt().await {
        Ok(_) => {}
        Err(ClientError::Exchange(ExchangeError::Mismatch(Mismatch::Client { .. }))) => {
            domain.saw("no: its KrbFastFinished names nobody, and is not believed");
            return;
        }
        Err(other) => panic!("{other}"),
    }
    armored.s4u().evidence(&domain.user(domain.ordinary)).await.unwrap();
    domain.saw("yes");
}

#[tokio::test]
async fn an_enterprise_name_is_the_accounts() {
    let domain = domain!(ENTERPRISE);
    let account = &domain.service.principal;
    let named = Name::enterprise(&account.to_string());
    let service = Service {
        principal: Principal::new(named, &domain.realm),
        secret: domain.service.secret.clone(),
    };
    match domain.client(&service).tgt().await {
        Ok(tgt) => {
            assert!(tgt.client.is_same(account), "{}", tgt.client);
            domain.saw("yes, answered with the account's own name");
        }
        refused => domain.saw_refusal(refused),
    }
}
