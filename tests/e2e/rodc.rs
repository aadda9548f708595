//! A read-only domain controller: it gives tickets of its own for those whose keys it has, and hands on what
//! the others ask to the writable one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use krb_client::{AccountSecret, Armor, Client, ClientConfig, ClientError, KdcSource, files};
use krb_proto::asn1::Ticket;
use krb_proto::exchange::{ClientSecret, open_ticket};
use krb_proto::iana::{ErrorCode, NameType, PacBufferType};
use krb_proto::pac::Pac;
use krb_proto::{Credential, Name, Principal, der};
use krb_tests::{Lab, skipped};

use crate::lab;

/// The domain, by its read-only domain controller.
struct Branch {
    realm: String,
    domain: String,
    read_only: SocketAddr,
    writable: SocketAddr,
}

/// If the lab runs it.
async fn branch(lab: &Lab) -> Option<Branch> {
    let kdc = |ip: &str| -> SocketAddr { format!("{}:88", lab.var(ip)).parse().unwrap() };
    let read_only = kdc("RODC_IP");
    let connect = tokio::net::TcpStream::connect(read_only);
    if !matches!(tokio::time::timeout(Duration::from_secs(5), connect).await, Ok(Ok(_))) {
        skipped("no read-only domain controller; `tests/lab up rodc` makes and starts it");
        return None;
    }
    let (realm, domain, writable) = (lab.realm(), lab.var("DOMAIN"), kdc("DC_IP"));
    Some(Branch { realm, domain, read_only, writable })
}

impl Branch {
    fn of(&self, name: &str) -> Principal {
        Principal::new(Name::user(name), &self.realm)
    }

    fn config(
        &self,
        account: &str,
        secret: impl Into<AccountSecret>,
        kdcs: &[SocketAddr],
    ) -> ClientConfig {
        ClientConfig::new(self.of(account), secret, KdcSource::Addresses(kdcs.to_vec()))
    }

    /// A user who asks the read-only one.
    fn user(&self, name: &str, password: &str) -> Client {
        Client::new(self.config(name, secret(password), &[self.read_only]))
    }

    fn web(&self, host: &str) -> Name {
        Name::new(NameType::SRV_INST, ["HTTP", &format!("{host}.{}", self.domain)])
    }
}

fn secret(password: &str) -> ClientSecret {
    ClientSecret::Password(password.as_bytes().to_vec().into())
}

async fn keys(lab: &Lab, keytab: &str, account: &Principal) -> ClientSecret {
    let keytab = files::read_keytab(&lab.keytab(keytab)).await.unwrap();
    files::client_keys(&keytab, account).unwrap()
}

/// Which read-only domain controller's key a ticket is sealed with: the upper half of its version
/// (MS-KILE 3.1.5.8).
fn sealed_by(ticket: &Credential) -> u32 {
    let ticket: Ticket<'_> = der::decode(&ticket.ticket).unwrap();
    ticket.enc_part.kvno.unwrap().get() >> 16
}

/// Which one signed the PAC; the ticket opens with the service's key, which signed it, too.
async fn signed_by(lab: &Lab, keytab: &str, ticket: &Credential) -> Option<u32> {
    let keytab = files::read_keytab(&lab.keytab(keytab)).await.unwrap();
    let keys = keytab.keys_for(&ticket.server).filter_map(|entry| entry.key().ok());
    let (opened, key) = open_ticket(ticket, |_, _| keys).unwrap();
    assert_eq!(opened.client, ticket.client);
    let pac = Pac::parse(&opened.pac).unwrap();
    let signature = pac.signature(PacBufferType::KDC_SIGNATURE).unwrap().unwrap();
    pac.verify_server_signature(&key).unwrap();
    signature.rodc_identifier.map(u32::from)
}

fn code(error: &ClientError) -> Option<ErrorCode> {
    error.refusal().map(|refusal| refusal.code)
}

#[tokio::test]
async fn whose_keys_it_has_gets_tickets_of_its_own() {
    let lab = lab!();
    let Some(branch) = branch(lab).await else { return };
    let paul = branch.user("paul", "Passw0rd!paul");
    let own = sealed_by(&paul.tgt().await.unwrap());
    assert_ne!(own, 0, "its krbtgt account has a number");
    let ticket = paul.ticket(&branch.web("branch-web")).await.unwrap();
    assert_eq!(signed_by(lab, "rodc", &ticket).await, Some(own));
    // It has no keys of this service: the writable one takes a ticket of its.
    let web = Name::new(NameType::SRV_INST, ["HTTP", &lab.var("WEB_HOST")]);
    let ticket = paul.ticket(&web).await.unwrap();
    assert_eq!(signed_by(lab, "web", &ticket).await, None);
    // And so it does when it is asked itself.
    let tgt = paul.adopt(paul.tgt().await.unwrap());
    let elsewhere = branch.config("paul", secret("Passw0rd!paul"), &[branch.writable]);
    let ticket = Client::new(elsewhere).ticket_once(&tgt, &branch.web("branch-web")).await.unwrap();
    assert_eq!(signed_by(lab, "rodc", &ticket).await, None);
}

#[tokio::test]
async fn whose_keys_it_has_not_is_handed_on() {
    let lab = lab!();
    let Some(branch) = branch(lab).await else { return };
    let bob = branch.user("bob", "Passw0rd!bob");
    assert_eq!(sealed_by(&bob.tgt().await.unwrap()), 0, "the writable one's");
    bob.ticket(&branch.web("branch-web")).await.unwrap();
    // Those that are wrong, too: it may be that it does not know the new ones yet.
    for user in ["bob", "paul"] {
        let refused = branch.user(user, "another one").tgt().await.unwrap_err();
        assert_eq!(code(&refused), Some(ErrorCode::PREAUTH_FAILED), "{refused}");
    }
    let refused = branch.user("nobody-at-all", "another one").tgt().await.unwrap_err();
    assert_eq!(code(&refused), Some(ErrorCode::C_PRINCIPAL_UNKNOWN), "{refused}");
}

#[tokio::test]
async fn a_service_of_the_branch_comes_for_those_whose_keys_it_has() {
    let lab = lab!();
    let Some(branch) = branch(lab).await else { return };
    let keys = keys(lab, "rodc", &branch.of("svc-branch")).await;
    let service = Client::new(branch.config("svc-branch", keys, &[branch.read_only]));
    let own = sealed_by(&service.tgt().await.unwrap());
    assert_ne!(own, 0);
    let evidence = service.s4u().evidence(&branch.of("paul")).await.unwrap();
    assert_eq!(signed_by(lab, "rodc", &evidence).await, Some(own));
    service.open(&evidence).unwrap();
    // The writable one takes evidence of the read-only one's.
    let web = Name::new(NameType::SRV_INST, ["HTTP", &lab.var("WEB_HOST")]);
    for (keytab, target, by) in
        [("rodc", &branch.web("branch-web"), Some(own)), ("web", &web, None)]
    {
        let ticket = service.s4u().proxy_ticket(&evidence, "", target).await.unwrap();
        assert_eq!(ticket.client, branch.of("paul"));
        assert_eq!(signed_by(lab, keytab, &ticket).await, by);
    }
    // For others it is handed on, and there Samba does not take the read-only one's ticket ("PAC check failed").
    let refused = service.s4u().evidence(&branch.of("bob")).await.unwrap_err();
    assert_eq!(code(&refused), Some(ErrorCode::C_PRINCIPAL_UNKNOWN), "{refused}");
}

/// pia has the password again that the lab gave her, and nobody else's tests hang on her keys: the
/// read-only one drops them when it learns that they are old, until she logs in again.
struct Back<'a>(&'a Lab);

impl Drop for Back<'_> {
    fn drop(&mut self) {
        self.0.shell("\"$SET_PASSWORD\" pia 'Passw0rd!pia'");
    }
}

#[tokio::test]
async fn a_password_is_changed_at_the_writable_one() {
    let lab = lab!(alone);
    let Some(branch) = branch(lab).await else { return };
    let Branch { read_only, writable, .. } = branch;
    let _back = Back(lab);
    // By whose key her ticket is sealed, or what is refused.
    let login = async |kdc: SocketAddr, password: &str| {
        let client = Client::new(branch.config("pia", secret(password), &[kdc]));
        let tgt = client.tgt().await.map_err(|error| code(&error).expect("a refusal"))?;
        Ok::<_, ErrorCode>(sealed_by(&tgt))
    };
    // Another one each time: there is a history of them.
    let (before, now) = ("Passw0rd!pia", krb_client::Clock::now(&krb_client::SystemClock));
    let after = format!("Another one {}", now.seconds.unix());
    branch.user("pia", before).change_password(&after).await.unwrap();
    assert_eq!(login(writable, &after).await, Ok(0));
    assert_eq!(login(writable, before).await, Err(ErrorCode::PREAUTH_FAILED));
    // Of the new one it knows nothing yet, and so asks; the old one is good there until it does.
    assert_eq!(login(read_only, &after).await, Ok(0));
    match login(read_only, before).await {
        Ok(by) => assert_ne!(by, 0, "the writable one gave a ticket for the old password"),
        Err(refused) => assert_eq!(refused, ErrorCode::PREAUTH_FAILED),
    }
    // No password is changed with it: that ticket is the writable one's to give.
    let old = branch.user("pia", before).change_password("Another one again").await.unwrap_err();
    assert!(old.to_string().contains("PREAUTH_FAILED"), "{old}");
}

#[tokio::test]
async fn in_the_armor_of_its_tickets_nobody_is_handed_on() {
    let lab = lab!();
    let Some(branch) = branch(lab).await else { return };
    let in_armor = async |user: &str, password: &str| {
        let mut config = branch.config(user, secret(password), &[branch.read_only]);
        config.armor = Some(Armor::Client(branch.user("paul", "Passw0rd!paul")));
        Client::new(config).tgt().await
    };
    in_armor("paul", "Passw0rd!paul").await.unwrap();
    // The writable one's answer has a cookie of its, which the read-only one takes for its own.
    let refused = in_armor("bob", "Passw0rd!bob").await.unwrap_err();
    assert_eq!(code(&refused), Some(ErrorCode::BAD_INTEGRITY), "{refused}");
}

/// The writable one's KDC comes back however the test ends.
struct Alone<'a>(&'a Lab);

impl Drop for Alone<'_> {
    fn drop(&mut self) {
        self.0.shell("\"$LAB_CONTROL\" start kdc");
    }
}

#[tokio::test]
async fn without_the_writable_one_it_serves_its_own() {
    let lab = lab!(alone);
    let Some(branch) = branch(lab).await else { return };
    lab.shell("\"$LAB_CONTROL\" stop kdc");
    let _alone = Alone(lab);
    let paul = branch.user("paul", "Passw0rd!paul");
    assert_ne!(sealed_by(&paul.tgt().await.unwrap()), 0);
    paul.ticket(&branch.web("branch-web")).await.unwrap();
    // It has nobody to hand them on to, and says so: nobody is told that the password is wrong.
    for (user, password) in [("bob", "Passw0rd!bob"), ("paul", "a wrong one")] {
        let began = Instant::now();
        let nobody = branch.user(user, password).tgt().await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(
            matches!(nobody, ClientError::Login(_) | ClientError::Unreachable(_)),
            "{nobody:?}"
        );
        let text = nobody.to_string();
        assert!(text.contains("SVC_UNAVAILABLE"), "{text}");
    }
}
