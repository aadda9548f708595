//! Two MIT realms that trust one another, on MIT's test database: users of one, services of both. Who
//! comes is what the service finds in the ticket, with its own key.

use std::net::SocketAddr;
use std::time::Duration;

use krb_client::{Client, ClientConfig, KdcSource, files};
use krb_proto::exchange::open_ticket;
use krb_proto::formats::Keytab;
use krb_proto::iana::{ErrorCode, NameType};
use krb_proto::{Credential, Name, Principal};
use krb_tests::{Lab, skipped};

use crate::lab;

struct Realms {
    here: String,
    there: String,
    keytab: Keytab,
    kdcs: [SocketAddr; 2],
}

/// The realms, if the lab runs them.
async fn realms(lab: &Lab) -> Option<Realms> {
    let kdcs = ["HERE_KDC", "THERE_KDC"].map(|name| lab.var(name).parse().unwrap());
    for kdc in kdcs {
        let connect = tokio::net::TcpStream::connect(kdc);
        if !matches!(tokio::time::timeout(Duration::from_secs(5), connect).await, Ok(Ok(_))) {
            skipped("no two MIT realms; `tests/lab up realms` builds and starts them");
            return None;
        }
    }
    let keytab = files::read_keytab(&lab.keytab("realms")).await.unwrap();
    Some(Realms { here: lab.var("HERE_REALM"), there: lab.var("THERE_REALM"), keytab, kdcs })
}

impl Realms {
    fn client(&self, account: &str) -> Client {
        let account = Principal::new(Name::user(account), &self.here);
        let secret = files::client_keys(&self.keytab, &account).unwrap();
        let [here, there] = self.kdcs.map(|kdc| KdcSource::Addresses(vec![kdc]));
        let realms = krb_client::Realms::default().with(&self.here, here).with(&self.there, there);
        Client::new(ClientConfig::in_realms(account, secret, realms))
    }

    fn of_here(&self, user: &str) -> Principal {
        Principal::new(Name::user(user), &self.here)
    }

    fn of_there(&self, user: &str) -> Principal {
        Principal::new(Name::user(user), &self.there)
    }

    /// Whom the ticket's service finds in it.
    fn seen(&self, ticket: &Credential) -> Principal {
        let keys = self.keytab.keys_for(&ticket.server).filter_map(|entry| entry.key().ok());
        open_ticket(ticket, |_, _| keys).unwrap().0.client
    }
}

fn http(host: &str) -> Name {
    Name::new(NameType::SRV_INST, ["HTTP", host])
}

#[tokio::test]
async fn a_user_of_the_other_realm_is_delegated_here() {
    let lab = lab!();
    let Some(realms) = realms(lab).await else { return };
    let client = realms.client("svc-mcp");
    for user in [realms.of_there("alice"), realms.of_there("bob"), realms.of_here("alice")] {
        let evidence = client.s4u().evidence(&user).await.unwrap();
        assert_eq!((&evidence.client, realms.seen(&evidence)), (&user, user.clone()));
        let web = client.s4u().proxy_ticket(&evidence, "none", &http("web.s.test")).await.unwrap();
        assert_eq!(realms.seen(&web), user);
        assert_eq!(web.server.realm, realms.here.as_bytes());
        // Not on our list.
        let refused = client.s4u().proxy_ticket(&evidence, "none", &http("rweb.s.test")).await;
        assert_eq!(refused.unwrap_err().refusal().unwrap().code, ErrorCode::BADOPTION);
    }
    // Not there is no reason here: this database knows every user that it is asked to impersonate.
}

#[tokio::test]
async fn a_target_of_the_other_realm_lets_us_act_for_our_users() {
    let lab = lab!();
    let Some(realms) = realms(lab).await else { return };
    let client = realms.client("svc-rb");
    let alice = realms.of_here("alice");
    let evidence = client.s4u().evidence(&alice).await.unwrap();
    for (target, realm) in [("rweb.s.test", &realms.here), ("uweb.u.test", &realms.there)] {
        let ticket = client.s4u().proxy_ticket(&evidence, "none", &http(target)).await.unwrap();
        assert_eq!(ticket.server.realm, realm.as_bytes(), "{target}");
        // Its name is of another type when it came over a referral (NT-MS-PRINCIPAL).
        assert!(ticket.client.is_same(&alice) && realms.seen(&ticket).is_same(&alice), "{target}");
    }
    // It lets nobody else.
    let other = realms.client("svc-mcp");
    let evidence = other.s4u().evidence(&alice).await.unwrap();
    let refused =
        other.s4u().proxy_ticket(&evidence, "none", &http("uweb.u.test")).await.unwrap_err();
    assert!(refused.refusal().is_some(), "{refused}");
    // Who may not be delegated is not.
    let sensitive = client.s4u().evidence(&realms.of_here("sensitive")).await.unwrap();
    let refused =
        client.s4u().proxy_ticket(&sensitive, "none", &http("uweb.u.test")).await.unwrap_err();
    assert_eq!(refused.refusal().unwrap().code, ErrorCode::BADOPTION);
}

#[tokio::test]
async fn the_realm_of_an_enterprise_name_is_found() {
    let lab = lab!();
    let Some(realms) = realms(lab).await else { return };
    let client = realms.client("svc-mcp");
    let found = async |name: &str| client.s4u().user_realm(&Name::enterprise(name)).await;
    assert_eq!(found("bob@u.example").await.unwrap(), realms.there.as_bytes());
    let unknown = found("mallory@u.example").await.unwrap_err();
    assert!(unknown.refusal().is_some(), "{unknown}");
}

/// MIT's test database reads the text of an enterprise name where a certificate would be.
#[tokio::test]
async fn a_certificates_realm_and_user_are_found_by_the_kdcs() {
    let lab = lab!();
    let Some(realms) = realms(lab).await else { return };
    let client = realms.client("svc-mcp");
    let of = |user: &str, realm: &str| format!("{user}@{realm}").into_bytes();
    for (certificate, user) in [
        (of("alice", &realms.here), realms.of_here("alice")),
        (of("alice", &realms.there), realms.of_there("alice")),
        (b"bob@u.example".to_vec(), realms.of_there("bob")),
    ] {
        for realm in [None, Some(&user.realm[..])] {
            let evidence = client.s4u().evidence_by_certificate(&certificate, realm).await.unwrap();
            assert!(evidence.client.is_same(&user), "{}", evidence.client);
            assert!(realms.seen(&evidence).is_same(&user), "{user}");
            let web = client.s4u().proxy_ticket(&evidence, "none", &http("web.s.test")).await;
            assert!(realms.seen(&web.unwrap()).is_same(&user), "{user}");
        }
    }
    let nobodys = of("mallory", &realms.here);
    let refused = client.s4u().evidence_by_certificate(&nobodys, None).await.unwrap_err();
    // That it has no key for whom it does not find.
    assert_eq!(refused.refusal().unwrap().code, ErrorCode::ETYPE_NOSUPP);
}
