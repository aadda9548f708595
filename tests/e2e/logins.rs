//! Clients of all kinds of accounts, with real KDCs: what they prove themselves with, and what they get.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use krb_client::{
    AccountSecret, Armor, Client, ClientConfig, ClientError, KdcSource, Transport, files,
};
use krb_proto::exchange::{ClientSecret, ExchangeError, TicketOptions};
use krb_proto::iana::{ErrorCode, KpasswdResult, NameType, TicketFlags};
use krb_proto::kpasswd::{KpasswdError, PasswordChange};
use krb_proto::pkinit::{Group, PathError, PkinitConfig, PkinitError, SignedDataError};
use krb_proto::preauth::OneTimePassword;
use krb_proto::{Name, Principal};
use krb_tests::Lab;
use krb_tests::lab::program;

use crate::lab;

/// A realm, and where its KDC is.
pub(crate) struct Realm {
    pub(crate) name: String,
    pub(crate) kdc: KdcSource,
}

impl Realm {
    pub(crate) fn mit(lab: &Lab) -> Self {
        let kdc = lab.var("MIT_KDC").parse().unwrap();
        Self { name: lab.var("MIT_REALM"), kdc: KdcSource::Addresses(vec![kdc]) }
    }

    fn samba(lab: &Lab) -> Self {
        let kdc = format!("{}:88", lab.var("DC_IP")).parse().unwrap();
        Self { name: lab.realm(), kdc: KdcSource::Addresses(vec![kdc]) }
    }

    fn of(&self, name: &str) -> Principal {
        Principal::new(Name::user(name), &self.name)
    }

    pub(crate) fn config(&self, account: &str, secret: impl Into<AccountSecret>) -> ClientConfig {
        ClientConfig::new(self.of(account), secret, self.kdc.clone())
    }
}

pub(crate) fn password(text: &str) -> ClientSecret {
    ClientSecret::Password(text.as_bytes().to_vec().into())
}

pub(crate) fn pki(lab: &Lab, name: &str) -> PathBuf {
    PathBuf::from(lab.var("MIT_PKI")).join(name)
}

pub(crate) async fn certificate(lab: &Lab, anchors: &str, groups: &[Group]) -> ClientSecret {
    let signer = files::read_signer(&pki(lab, "alice.pem"), &pki(lab, "alice.key")).await.unwrap();
    ClientSecret::Certificate(Arc::new(PkinitConfig {
        signer: Some(Box::new(signer)),
        anchors: files::read_anchors(&[pki(lab, anchors)]).await.unwrap(),
        groups: groups.to_vec(),
        kdc_hosts: Vec::new(),
    }))
}

#[tokio::test]
async fn a_certificate_logs_in_and_a_kdc_of_another_ca_gets_nobody() {
    let lab = lab!();
    let mit = Realm::mit(lab);
    // MIT 1.20 has no elliptic curves for it, and says what it has.
    for groups in [&[Group::Modp14][..], &[Group::Modp16], &[Group::P256, Group::Modp14]] {
        let secret = certificate(lab, "ca.pem", groups).await;
        let tgt = Client::new(mit.config("alice", secret)).tgt().await.unwrap();
        assert_eq!(tgt.client, mit.of("alice"));
        assert!(tgt.flags.contains(TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT));
    }
    let secret = certificate(lab, "stranger.pem", &[Group::Modp14]).await;
    let refused = Client::new(mit.config("alice", secret)).tgt().await.unwrap_err();
    let no_path = PkinitError::SignedData(SignedDataError::Path(PathError::NoPath));
    assert!(
        matches!(&refused, ClientError::Exchange(ExchangeError::Pkinit(why)) if *why == no_path),
        "{refused}"
    );
    // Another user's certificate.
    let secret = certificate(lab, "ca.pem", &[Group::Modp14]).await;
    let refused = Client::new(mit.config("gwen", secret)).tgt().await.unwrap_err();
    assert_eq!(refused.refusal().map(|it| it.code), Some(ErrorCode::CLIENT_NAME_MISMATCH));
}

#[tokio::test]
async fn nobody_logs_in_and_armors_the_logins_of_others() {
    let lab = lab!();
    let mit = Realm::mit(lab);
    let anchors = files::read_anchors(&[pki(lab, "ca.pem")]).await.unwrap();
    let mut nobody = mit.config("", AccountSecret::anonymous(anchors));
    nobody.account = Principal::anonymous(mit.name.as_bytes());
    let nobody = Client::new(nobody);
    let tgt = nobody.tgt().await.unwrap();
    assert_eq!(tgt.client, Principal::anonymous(b"WELLKNOWN:ANONYMOUS"));
    let mut config = mit.config("alice", password("Passw0rd!alice"));
    config.armor = Some(Armor::Client(nobody));
    assert_eq!(Client::new(config).tgt().await.unwrap().client, mit.of("alice"));
    // A KDC that is not the realm's does not pass for it.
    let anchors = files::read_anchors(&[pki(lab, "stranger.pem")]).await.unwrap();
    let mut nobody = mit.config("", AccountSecret::anonymous(anchors));
    nobody.account = Principal::anonymous(mit.name.as_bytes());
    let mut config = mit.config("alice", password("Passw0rd!alice"));
    config.armor = Some(Armor::Client(Client::new(nobody)));
    let refused = Client::new(config).tgt().await.unwrap_err();
    assert!(matches!(refused, ClientError::Armor(_)), "{refused}");
}

#[test]
fn krb_logs_nobody_in_and_mits_kinit_armors_with_that_and_the_other_way_round() {
    let lab = lab!();
    let (realm, ca) = (lab.var("MIT_REALM"), pki(lab, "ca.pem"));
    let conf = lab.scratch("nobody.conf");
    let text = format!(
        "[libdefaults]\ndefault_realm = {realm}\ndns_lookup_kdc = false\npkinit_anchors = FILE:{}\n\
         [realms]\n{realm} = {{\n\tkdc = {}\n}}\n",
        ca.display(),
        lab.var("MIT_KDC")
    );
    std::fs::write(&conf, text).unwrap();
    let krb = program("krb");
    let programs = [format!("{} kinit", krb.display()), "kinit".to_owned()];
    for (number, [first, second]) in
        [[&programs[0], &programs[1]], [&programs[1], &programs[0]]].into_iter().enumerate()
    {
        let [armor, own] = ["armor", "own"].map(|it| lab.scratch(&format!("{it}{number}.cc")));
        let (armor, own) = (armor.display(), own.display());
        let with = format!("KRB5_CONFIG={} KRB5CCNAME=FILE:{own}", conf.display());
        lab.shell(&format!("{with} {first} -n -c FILE:{armor} @{realm}"));
        let list = lab.shell(&format!("{with} klist FILE:{armor}"));
        assert!(list.contains("WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS"), "{list}");
        lab.shell(&format!(
            "echo 'Passw0rd!alice' | {with} {second} -T FILE:{armor} alice@{realm}"
        ));
        let list = lab.shell(&format!("{with} klist FILE:{own}"));
        assert!(list.contains(&format!("Default principal: alice@{realm}")), "{list}");
    }
}

#[tokio::test]
async fn a_one_time_password_logs_in_inside_of_armor_and_is_asked_for_each_time() {
    let lab = lab!();
    let mit = Realm::mit(lab);
    let bob = Client::new(mit.config("bob", password("Passw0rd!bob")));
    let asked = Arc::new(AtomicUsize::new(0));
    let config = |value: &'static str| {
        let count = asked.clone();
        let secret = AccountSecret::one_time_password(move || {
            count.fetch_add(1, Ordering::SeqCst);
            let value = value.as_bytes().to_vec().into();
            Ok(OneTimePassword { value, pin: None })
        });
        let mut config = mit.config("otto", secret);
        config.armor = Some(Armor::Client(bob.clone()));
        config
    };
    let otto = Client::new(config("123456"));
    for number in 1..3 {
        let options = TicketOptions::default();
        let tgt = otto.initial(&Name::krbtgt(mit.name.as_bytes()), options).await.unwrap();
        assert_eq!((tgt.client, asked.load(Ordering::SeqCst)), (mit.of("otto"), number));
    }
    let refused = Client::new(config("654321")).tgt().await.unwrap_err();
    assert_eq!(refused.refusal().map(|it| it.code), Some(ErrorCode::PREAUTH_FAILED), "{refused}");
    // Without armor it is shown to nobody.
    let mut bare = config("123456");
    bare.armor = None;
    let refused = Client::new(bare).tgt().await.unwrap_err();
    assert!(
        matches!(refused, ClientError::Exchange(ExchangeError::NoCommonMechanism)),
        "{refused}"
    );
}

#[test]
fn krb_asks_for_a_one_time_password_and_shows_it_in_armor() {
    let lab = lab!();
    let (realm, krb) = (lab.var("MIT_REALM"), program("krb"));
    let krb = krb.display();
    let conf = lab.scratch("otp.conf");
    let text = format!(
        "[libdefaults]\ndefault_realm = {realm}\ndns_lookup_kdc = false\n[realms]\n{realm} = {{\n\tkdc = \
         {}\n}}\n",
        lab.var("MIT_KDC")
    );
    std::fs::write(&conf, text).unwrap();
    let [armor, own] = ["armor", "otto"].map(|it| lab.scratch(&format!("otp-{it}.cc")));
    let (armor, own) = (armor.display(), own.display());
    let with = format!("KRB5_CONFIG={}", conf.display());
    lab.shell(&format!("echo 'Passw0rd!bob' | {with} {krb} kinit -c FILE:{armor} bob"));
    let kinit = format!("{with} {krb} kinit -T FILE:{armor} --otp -c FILE:{own} otto");
    let wrong = lab.shell(&format!("echo 654321 | {kinit} 2>&1 || true"));
    assert!(wrong.contains("Password incorrect"), "{wrong}");
    lab.shell(&format!("echo 123456 | {kinit}"));
    let list = lab.shell(&format!("klist FILE:{own}"));
    assert!(list.contains(&format!("Default principal: otto@{realm}")), "{list}");
}

fn kept(error: &ClientError) -> Option<KpasswdResult> {
    match error {
        ClientError::Kpasswd(KpasswdError::Refused(refusal)) if refusal.authenticated => {
            Some(refusal.result)
        }
        _ => None,
    }
}

/// Changes it there and back; or back and there, if a run before this one ended between.
async fn changes(realm: &Realm, user: &str, first: &str, transport: Arc<Transport>) {
    let there = format!("Other {first} 1");
    let is_first = Client::new(realm.config(user, password(first))).tgt().await.is_ok();
    let (mut before, next) =
        if is_first { (first.to_owned(), &*there) } else { (there.clone(), first) };
    for next in [next, &before.clone()] {
        let mut config = realm.config(user, password(&before));
        config.transport = transport.clone();
        let client = Client::new(config);
        client.change_password(next).await.unwrap();
        client.tgt().await.unwrap();
        let refused = Client::new(realm.config(user, password(&before))).tgt().await.unwrap_err();
        let code = refused.refusal().map(|refusal| refusal.code);
        assert_eq!(code, Some(ErrorCode::PREAUTH_FAILED), "{refused}");
        before = next.to_owned();
    }
}

#[tokio::test]
async fn a_password_is_changed_at_mits_kadmind() {
    let lab = lab!(alone);
    let mit = Realm::mit(lab);
    for transport in [Transport::tcp(), Transport::udp_up_to(u32::MAX)] {
        changes(&mit, "gwen", "Passw0rd!gwen", Arc::new(transport)).await;
    }
    // Who must change it can, and can do nothing else before.
    let changed = Client::new(mit.config("hugo", password("Another one 1"))).tgt().await;
    if changed.is_err() {
        // The first time in this lab.
        let hugo = Client::new(mit.config("hugo", password("Passw0rd!hugo")));
        let refused = hugo.tgt().await.unwrap_err();
        assert_eq!(refused.refusal().map(|it| it.code), Some(ErrorCode::KEY_EXPIRED));
        hugo.change_password("Another one 1").await.unwrap();
        hugo.tgt().await.unwrap();
    }
    // Another's, without the right to.
    let alice = Client::new(mit.config("alice", password("Passw0rd!alice")));
    let refused = alice.set_password(&mit.of("gwen"), "Something 1").await.unwrap_err();
    assert_eq!(kept(&refused), Some(KpasswdResult::ACCESS_DENIED), "{refused}");
}

#[tokio::test]
async fn tickets_are_renewed_validated_forwarded_and_proxied_at_mits_kdc() {
    let lab = lab!();
    let mit = Realm::mit(lab);
    let mut config = mit.config("alice", password("Passw0rd!alice"));
    config.login =
        TicketOptions { renewable: Some(86_400), proxiable: true, ..TicketOptions::default() };
    let alice = Client::new(config);
    let tgt = alice.tgt().await.unwrap();
    let renewed = alice.renew(&tgt).await.unwrap();
    assert!(renewed.times.endtime >= tgt.times.endtime);

    let here = std::net::IpAddr::from([127, 0, 0, 1]);
    let addressed = TicketOptions { addresses: vec![here.into()], ..TicketOptions::default() };
    let forwarded = alice.forward(addressed.clone()).await.unwrap();
    assert!(forwarded.flags.contains(TicketFlags::FORWARDED), "{}", forwarded.flags);
    let web = Name::new(NameType::SRV_INST, ["HTTP", &format!("web.{}", mit.name.to_lowercase())]);
    // MIT's KDC takes no ticket-granting ticket for that, against RFC 4120 section 5.4.1.
    let refused = alice.proxy(&web, addressed).await.unwrap_err();
    assert_eq!(refused.refusal().map(|it| it.code), Some(ErrorCode::SERVER_NOMATCH), "{refused}");

    // Not good before its time has come, and then once it is validated.
    let krbtgt = Name::krbtgt(mit.name.as_bytes());
    let postdated = async |seconds| {
        let now = krb_client::Clock::now(&krb_client::SystemClock).seconds;
        let start = Some(now.plus_seconds(seconds));
        let options = TicketOptions { start, ..TicketOptions::default() };
        let ticket = alice.initial(&krbtgt, options).await.unwrap();
        assert!(ticket.flags.contains(TicketFlags::INVALID), "{}", ticket.flags);
        Arc::new(ticket)
    };
    let early = alice.validate(&postdated(3600).await).await.unwrap_err();
    assert_eq!(early.refusal().map(|it| it.code), Some(ErrorCode::TKT_NYV), "{early}");
    let soon = postdated(1).await;
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let valid = alice.validate(&soon).await.unwrap();
    assert!(!valid.flags.contains(TicketFlags::INVALID), "{}", valid.flags);
}

#[tokio::test]
async fn a_peer_without_keys_is_reached_with_its_ticket_at_mits_and_sambas_kdc() {
    let lab = lab!();
    for (realm, from, to) in
        [(Realm::mit(lab), "alice", "bob"), (Realm::samba(lab), "bob", "svc-web")]
    {
        let client =
            |name: &str| Client::new(realm.config(name, password(&format!("Passw0rd!{name}"))));
        let peers = client(to).tgt().await.unwrap();
        let ticket = client(from).user_to_user(&Name::user(to), &peers.ticket).await.unwrap();
        let key = peers.session_key.clone();
        let opens = krb_proto::exchange::opens(&ticket.ticket, |_, _| [key]);
        assert!(opens, "{}", realm.name);
        assert_eq!(ticket.client, realm.of(from));
    }
}

#[tokio::test]
async fn a_password_is_changed_at_samba_and_an_expired_one_too() {
    let lab = lab!(alone);
    let samba = Realm::samba(lab);
    // A ticket for it is to be had straight from the AS, and with no other.
    let grace = Client::new(samba.config("grace", password("Passw0rd!grace")));
    let refused = grace.tgt().await.unwrap_err();
    assert_eq!(refused.refusal().map(|it| it.code), Some(ErrorCode::KEY_EXPIRED), "{refused}");
    let options = TicketOptions { lifetime: 300, ..TicketOptions::default() };
    let ticket = grace.initial(&PasswordChange::service(), options).await.unwrap();
    assert!(ticket.flags.contains(TicketFlags::INITIAL));
    // Samba demands a password that is good, and says what that is.
    let weak = grace.change_password("a").await.unwrap_err();
    assert_eq!(kept(&weak), Some(KpasswdResult::SOFT_ERROR), "{weak}");
    assert!(weak.to_string().contains("characters"), "{weak}");
}

#[tokio::test]
async fn an_enterprise_name_logs_in_at_samba_as_the_account() {
    let lab = lab!();
    let samba = Realm::samba(lab);
    let mut config = samba.config("", password("Passw0rd!erin"));
    let suffix = lab.var("UPN_SUFFIX");
    config.account = Principal::new(Name::enterprise(&format!("erin@{suffix}")), &samba.name);
    let erin = Client::new(config);
    assert_eq!(erin.tgt().await.unwrap().client, samba.of("erin"));
    let web = Name::new(NameType::SRV_INST, ["HTTP", &lab.var("WEB_HOST")]);
    assert_eq!(erin.ticket(&web).await.unwrap().client, samba.of("erin"));
}
