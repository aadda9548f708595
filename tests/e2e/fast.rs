//! FAST (RFC 6113) with real KDCs: the service account's exchanges, armored by another account's
//! ticket. That a ticket comes at all means that the KDC answered inside of the armor: nothing
//! else is taken. MIT's KDC says so in the ticket as well.

use std::sync::Arc;

use krb_client::{Ccaches, Client, ClientConfig, ClientError, KdcSource, OsRandom, files};
use krb_proto::exchange::{
    AsExchange, ClientSecret, Exchange, ExchangeError, Step, TgsArmor, TgsExchange, TgsGoal,
    TicketOptions,
};
use krb_proto::iana::{ErrorCode, NameType};
use krb_proto::{Context, Credential, Name, Principal};
use krb_tests::Lab;

use crate::lab;

/// A KDC, a service account of its realm, and another account, whose ticket is the armor.
struct Realm {
    name: String,
    kdcs: KdcSource,
    account: Principal,
    keytab: &'static str,
    armor: (&'static str, &'static str),
}

impl Realm {
    fn samba(lab: &Lab) -> Self {
        let kdc = format!("{}:88", lab.var("DC_IP")).parse().unwrap();
        Self {
            name: lab.realm(),
            kdcs: KdcSource::Addresses(vec![kdc]),
            account: Principal::new(Name::user(&lab.var("SVC_ACCOUNT")), lab.realm()),
            keytab: "mcp",
            armor: ("bob", "Passw0rd!bob"),
        }
    }

    fn mit(lab: &Lab) -> Self {
        let name = lab.var("MIT_REALM");
        Self {
            kdcs: KdcSource::Addresses(vec![lab.var("MIT_KDC").parse().unwrap()]),
            account: Principal::new(Name::user(&lab.var("MIT_ACCOUNT")), &name),
            keytab: "mit",
            armor: ("bob", "Passw0rd!bob"),
            name,
        }
    }

    fn config(&self, account: &Principal, secret: ClientSecret) -> ClientConfig {
        ClientConfig::new(account.clone(), secret, self.kdcs.clone())
    }

    async fn keytab(&self, lab: &Lab) -> ClientSecret {
        let keytab = files::read_keytab(&lab.keytab(self.keytab)).await.unwrap();
        files::client_keys(&keytab, &self.account).unwrap()
    }

    async fn armor(&self) -> Arc<Credential> {
        let (name, password) = self.armor;
        let bob = Principal::new(Name::user(name), &self.name);
        let secret = password_of(password);
        Client::new(self.config(&bob, secret)).tgt().await.unwrap()
    }

    async fn armored(&self, secret: ClientSecret) -> ClientConfig {
        let mut config = self.config(&self.account, secret);
        config.armor = Some(self.armor().await.into());
        config
    }
}

fn password_of(password: &str) -> ClientSecret {
    ClientSecret::Password(password.as_bytes().to_vec().into())
}

/// The service account's ticket-granting ticket, and a ticket to itself in a user's name.
async fn evidence(config: ClientConfig, user: &Principal) -> Result<(), ClientError> {
    let client = Client::new(config);
    client.tgt().await?;
    let evidence = client.s4u().evidence(user).await?;
    assert_eq!((&evidence.client, &evidence.server), (user, client.account()));
    Ok(())
}

#[tokio::test]
async fn mits_kdc_answers_inside_of_the_armor() {
    let lab = lab!();
    let mit = Realm::mit(lab);
    let alice = Principal::new(Name::user("alice"), &mit.name);
    evidence(mit.armored(mit.keytab(lab).await).await, &alice).await.unwrap();
    evidence(mit.armored(password_of("Passw0rd!mit")).await, &alice).await.unwrap();
}

#[tokio::test]
async fn sambas_kdc_answers_inside_of_the_armor() {
    let lab = lab!();
    let samba = Realm::samba(lab);
    let alice = Principal::new(Name::user("ALICE_ADMIN"), &samba.name);
    let secret = samba.keytab(lab).await;
    evidence(samba.armored(secret.clone()).await, &alice).await.unwrap();

    let client = Client::new(samba.armored(secret).await);
    let evidence = client.s4u().evidence(&alice).await.unwrap();
    let target = Name::new(NameType::SRV_INST, ["cifs", &lab.var("FILESERVER_HOST")]);
    let ticket = client.s4u().proxy_ticket(&evidence, "", &target).await.unwrap();
    assert_eq!((&ticket.client, &ticket.server.name), (&alice, &target));

    let unknown = Name::new(NameType::SRV_INST, ["cifs", "not-in-the-list.example"]);
    let refused = client.s4u().proxy_ticket(&evidence, "", &unknown).await.unwrap_err();
    assert!(refused.refusal().is_some(), "{refused}");
}

/// `kvno`, with a ticket of ours, for a service that wants tickets got by encrypted challenge.
async fn kvno(lab: &Lab, tgt: &Credential, name: &str) -> bool {
    let cache = lab.scratch(&format!("fast-{name}.cc"));
    let caches = Ccaches::new(cache.to_str().unwrap());
    let stored = caches.default_cache().await.unwrap();
    stored.initialize_with(&tgt.client, &[tgt]).await.unwrap();
    let realm = lab.var("MIT_REALM");
    let service = format!("HTTP/fast.{}@{realm}", realm.to_lowercase());
    lab.run("kvno", &["-c", &cache.to_string_lossy(), &service]).status.success()
}

#[tokio::test]
async fn mits_kdc_marks_the_ticket_as_got_by_encrypted_challenge() {
    let lab = lab!();
    let mit = Realm::mit(lab);
    let secret = mit.keytab(lab).await;
    let armored = Client::new(mit.armored(secret.clone()).await).tgt().await.unwrap();
    assert!(kvno(lab, &armored, "armored").await);
    let plain = Client::new(mit.config(&mit.account, secret)).tgt().await.unwrap();
    assert!(!kvno(lab, &plain, "plain").await, "a timestamp leaves no such mark");
}

/// One round trip of an exchange, and the KDC's reply.
async fn round_trip<E: Exchange>(
    kdc: &str,
    exchange: &mut E,
) -> Result<(E::Output, Vec<u8>), ExchangeError> {
    let now = krb_client::Clock::now(&krb_client::SystemClock);
    let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
    let request = exchange.request(&mut cx).unwrap();
    let reply = crate::mit_kdc::ask(kdc, &request).await;
    match exchange.receive(&cx, &reply)? {
        Step::Done(output) => Ok((output, reply)),
        Step::Continue => panic!("one round trip is enough"),
    }
}

#[tokio::test]
async fn mits_kdc_says_that_it_has_fast() {
    let lab = lab!();
    let mit = Realm::mit(lab);
    let secret = mit.keytab(lab).await;
    let mut exchange = AsExchange::new(mit.account.clone(), secret, TicketOptions::default());
    round_trip(&lab.var("MIT_KDC"), &mut exchange).await.unwrap();
    assert!(exchange.fast_available());
}

#[tokio::test]
async fn mits_kdc_hides_who_asks() {
    let lab = lab!();
    let mit = Realm::mit(lab);
    let secret = mit.keytab(lab).await;
    let exchange = AsExchange::new(mit.account.clone(), secret, TicketOptions::default());
    let mut exchange = exchange.armored_hiding_client(mit.armor().await);
    let (tgt, reply) = round_trip(&lab.var("MIT_KDC"), &mut exchange).await.unwrap();
    assert_eq!(tgt.client, mit.account);
    let name = &mit.account.name.components[0][..];
    assert!(!reply.windows(name.len()).any(|octets| octets == name), "it is named in the reply");
}

#[tokio::test]
async fn sambas_kdc_takes_armor_beside_the_ticket_granting_ticket_and_mits_does_not() {
    let lab = lab!();
    let samba = format!("{}:88", lab.var("DC_IP"));
    for (realm, kdc, user) in
        [(Realm::samba(lab), samba, "ALICE_ADMIN"), (Realm::mit(lab), lab.var("MIT_KDC"), "alice")]
    {
        let user = Principal::new(Name::user(user), &realm.name);
        let secret = realm.keytab(lab).await;
        let tgt = Client::new(realm.config(&realm.account, secret)).tgt().await.unwrap();
        let fast = TgsArmor::Explicit(realm.armor().await);
        let options = TicketOptions { fast, ..TicketOptions::default() };
        let mut exchange = TgsExchange::new(
            tgt,
            TgsGoal::S4uSelf { user: user.clone(), service: realm.account.name.clone() },
            options,
        );
        match round_trip(&kdc, &mut exchange).await {
            Ok((evidence, _)) => {
                assert_eq!(evidence.client, user);
                assert_eq!(realm.keytab, "mcp", "MIT's KDC permits no such armor");
            }
            Err(ExchangeError::Refused(refusal)) => {
                assert_eq!((realm.keytab, refusal.code), ("mit", ErrorCode::PREAUTH_FAILED));
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_refused_inside_of_the_armor() {
    let lab = lab!();
    for realm in [Realm::mit(lab), Realm::samba(lab)] {
        let client = Client::new(realm.armored(password_of("wrong")).await);
        let refused = client.tgt().await.unwrap_err();
        let code = refused.refusal().map(|refusal| refusal.code);
        assert_eq!(code, Some(ErrorCode::PREAUTH_FAILED), "{}: {refused}", realm.name);
    }
}
