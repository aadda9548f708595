//! An MIT KDC, which reads PA-S4U-X509-USER where Samba ignores it.

use std::sync::Arc;

use krb_client::{Client, ClientConfig, KdcSource, OsRandom, files};
use krb_proto::asn1::{KrbError, TgsReq};
use krb_proto::der;
use krb_proto::exchange::{
    AsExchange, ClientSecret, Exchange, ExchangeError, Step, TgsExchange, TgsGoal, TicketOptions,
};
use krb_proto::formats::{CacheEntry, CredentialCache};
use krb_proto::iana::{ErrorCode, NameType, PaType};
use krb_proto::{Context, Name, Principal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::lab;
use krb_tests::Lab;

async fn client(lab: &Lab) -> (Client, Principal) {
    let account = Principal::new(Name::user(&lab.var("MIT_ACCOUNT")), lab.var("MIT_REALM"));
    let keytab = files::read_keytab(&lab.keytab("mit")).await.unwrap();
    let secret = files::client_keys(&keytab, &account).unwrap();
    let kdcs = KdcSource::Addresses(vec![lab.var("MIT_KDC").parse().unwrap()]);
    (Client::new(ClientConfig::new(account.clone(), secret, kdcs)), account)
}

pub(crate) async fn ask(kdc: &str, message: &[u8]) -> Vec<u8> {
    let mut kdc = TcpStream::connect(kdc).await.unwrap();
    kdc.write_all(&(message.len() as u32).to_be_bytes()).await.unwrap();
    kdc.write_all(message).await.unwrap();
    let mut reply = vec![0; kdc.read_u32().await.unwrap() as usize];
    kdc.read_exact(&mut reply).await.unwrap();
    reply
}

#[tokio::test]
async fn it_answers_both_padata_and_its_copy_verifies() {
    let lab = lab!();
    let (client, account) = client(lab).await;
    let alice = Principal::new(Name::user("alice"), lab.var("MIT_REALM"));
    let mut exchange = TgsExchange::new(
        client.tgt().await.unwrap(),
        TgsGoal::S4uSelf { user: alice.clone(), service: account.name.clone() },
        TicketOptions::default(),
    );
    let now = krb_client::Clock::now(&krb_client::SystemClock);
    let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
    let request = exchange.request(&mut cx).unwrap();
    let reply = ask(&lab.var("MIT_KDC"), &request).await;
    let copy = [0xa1, 0x04, 0x02, 0x02, 0x00, 0x82]; // padata-type 130
    assert!(reply.windows(6).any(|w| w == copy), "the KDC sends its copy back");
    let Step::Done(evidence) = exchange.receive(&cx, &reply).unwrap() else { panic!("done") };
    assert_eq!(evidence.client, alice);
}

/// Its reply is sealed with the account's key of the first enctype in the request.
#[tokio::test]
async fn a_key_of_one_enctype_is_enough_at_mits_kdc() {
    let lab = lab!();
    let account = Principal::new(Name::user(&lab.var("MIT_ACCOUNT")), lab.var("MIT_REALM"));
    let keytab = files::read_keytab(&lab.keytab("mit")).await.unwrap();
    let kdcs = KdcSource::Addresses(vec![lab.var("MIT_KDC").parse().unwrap()]);
    let keys: Vec<_> = keytab.keys_for(&account).map(|entry| entry.key().unwrap()).collect();
    assert_eq!(keys.len(), 4);
    for key in keys {
        let secret = ClientSecret::Keys(vec![key.clone()]);
        let client = Client::new(ClientConfig::new(account.clone(), secret, kdcs.clone()));
        client.tgt().await.unwrap_or_else(|error| panic!("{}: {error}", key.enctype()));
    }
}

/// This KDC says nothing of s2kparams.
#[tokio::test]
async fn evidence_opens_with_a_key_made_of_the_password_as_this_kdc_makes_it() {
    let lab = lab!();
    let account = Principal::new(Name::user(&lab.var("MIT_ACCOUNT")), lab.var("MIT_REALM"));
    let secret = ClientSecret::Password(b"Passw0rd!mit".to_vec().into());
    let kdcs = KdcSource::Addresses(vec![lab.var("MIT_KDC").parse().unwrap()]);
    let client = Client::new(ClientConfig::new(account, secret, kdcs));
    let alice = Principal::new(Name::user("alice"), lab.var("MIT_REALM"));
    let evidence = client.s4u().evidence(&alice).await.unwrap();
    let (ticket, _) = client.open(&evidence).unwrap();
    assert_eq!((ticket.client, ticket.authtime), (alice, evidence.times.authtime));
}

fn padata_value(request: &[u8], padata_type: PaType) -> Vec<u8> {
    let request: TgsReq<'_> = der::decode(request).unwrap();
    let mut padata = request.padata.unwrap().iter();
    padata.find(|pa| pa.padata_type == padata_type).unwrap().padata_value.to_vec()
}

#[tokio::test]
async fn it_refuses_a_wrong_checksum() {
    let lab = lab!();
    let (client, account) = client(lab).await;
    let alice = Principal::new(Name::user("alice"), lab.var("MIT_REALM"));
    let tgt: Arc<_> = client.tgt().await.unwrap();
    let mut exchange = TgsExchange::new(
        tgt,
        TgsGoal::S4uSelf { user: alice, service: account.name },
        TicketOptions::default(),
    );
    let now = krb_client::Clock::now(&krb_client::SystemClock);
    let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
    let mut message = exchange.request(&mut cx).unwrap();
    // The padata's value ends in its checksum.
    let value = padata_value(&message, PaType::S4U_X509_USER);
    let start = message.windows(value.len()).position(|w| w == value).unwrap();
    message[start + value.len() - 1] ^= 1;
    let reply = ask(&lab.var("MIT_KDC"), &message).await;
    match exchange.receive(&cx, &reply).unwrap_err() {
        ExchangeError::Refused(refusal) => assert_eq!(refusal.code, ErrorCode::MODIFIED),
        other => panic!("{other}"),
    }
}

/// Logs alice in by SPAKE, which this KDC offers before encrypted timestamps.
async fn login(lab: &Lab, password: &str) -> (Vec<ErrorCode>, Result<Principal, ExchangeError>) {
    let alice = Principal::new(Name::user("alice"), lab.var("MIT_REALM"));
    let secret = ClientSecret::Password(password.as_bytes().to_vec().into());
    let mut exchange = AsExchange::new(alice, secret, TicketOptions::default());
    let now = krb_client::Clock::now(&krb_client::SystemClock);
    let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
    let mut refusals = Vec::new();
    loop {
        let request = exchange.request(&mut cx).unwrap();
        let reply = ask(&lab.var("MIT_KDC"), &request).await;
        refusals.extend(der::decode(&reply).map(|error: KrbError<'_>| error.error_code));
        match exchange.receive(&cx, &reply) {
            Ok(Step::Continue) => {}
            Ok(Step::Done(credential)) => return (refusals, Ok(credential.client)),
            Err(error) => return (refusals, Err(error)),
        }
    }
}

#[tokio::test]
async fn spake_proves_the_password_and_takes_no_other() {
    let lab = lab!();
    let rounds = [ErrorCode::PREAUTH_REQUIRED, ErrorCode::MORE_PREAUTH_DATA_REQUIRED];
    let (refusals, client) = login(lab, "Passw0rd!alice").await;
    assert_eq!(refusals, rounds, "the KDC asked, and challenged");
    assert_eq!(client.unwrap().name, Name::user("alice"));
    let (refusals, client) = login(lab, "another").await;
    assert_eq!(refusals[..2], rounds);
    assert_eq!(refusals[2..], [ErrorCode::PREAUTH_FAILED]);
    assert!(matches!(client, Err(ExchangeError::Refused(_))));
}

/// A name with a port is one of a service's, and no host's.
#[tokio::test]
async fn mits_library_finds_a_ticket_to_a_service_with_a_port() {
    let lab = lab!();
    let alice = Principal::new(Name::user("alice"), lab.var("MIT_REALM"));
    let secret = ClientSecret::Password(b"Passw0rd!alice".to_vec().into());
    let kdcs = KdcSource::Addresses(vec![lab.var("MIT_KDC").parse().unwrap()]);
    let client = Client::new(ClientConfig::new(alice.clone(), secret, kdcs));
    let spn = format!("MSSQLSvc/sql.{}:1433", lab.var("MIT_REALM").to_lowercase());
    let ticket = client.ticket(&Name::new(NameType::SRV_INST, spn.split('/'))).await.unwrap();
    let mut cache = CredentialCache::new(alice);
    cache.entries.push(CacheEntry::from(&*ticket));
    let file = lab.scratch("ticket-with-a-port");
    std::fs::write(&file, &*cache.to_bytes()).unwrap();
    // There is no other ticket in it by which a KDC could be asked for one.
    let said = lab.shell(&format!(
        "export KRB5CCNAME=FILE:{} && klist && kvno --cached-only {spn}@{}",
        file.display(),
        lab.var("MIT_REALM")
    ));
    assert!(said.contains(&format!("{spn}@")) && said.contains("kvno = "), "{said}");
}
