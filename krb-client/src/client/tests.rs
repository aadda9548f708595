//! The client against a small KDC that logs the account in and refuses everything else.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use krb_proto::asn1::{AsReq, EtypeInfo2Entry, KrbError, PaData};
use krb_proto::der::{self, KerberosString, List};
use krb_proto::exchange::{ClientSecret, TgsGoal};
use krb_proto::formats::krb5_conf::{Krb5Conf, NoIncludes};
use krb_proto::iana::{EncType, ErrorCode, PaType};
use krb_proto::kdc::{Account, Realm, handle};
use krb_proto::kpasswd::is_request;
use krb_proto::preauth::find_padata;
use krb_proto::{Context, Name, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::{AccountSecret, Carrying, Endpoint, KdcSource, OsRandom, Resolver};

const NOW: i64 = 1_800_000_000;
const REALM: &str = "R";

struct Stopped(AtomicU64);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        Timestamp::new(NOW, 0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

fn key() -> Key {
    Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).unwrap()
}

fn account() -> Principal {
    Principal::new(Name::user("service"), REALM)
}

fn logged_in(request: &[u8]) -> Vec<u8> {
    let mut realm =
        Realm::new(REALM, &mut OsRandom).with(Account::service("service").keys(1, [key()]));
    realm.policy.lifetimes.ticket = 3600;
    let mut cx = Context { now: Timestamp::new(NOW, 0), kdc_offset: 0, rng: &mut OsRandom };
    handle(&mut cx, &realm, request).message
}

fn refused(code: ErrorCode) -> Vec<u8> {
    let sname = Name::krbtgt(REALM.as_bytes());
    der::encode(&KrbError::new(code, Timestamp::new(NOW, 0), REALM.as_bytes(), &sname))
}

/// How often it was asked for what.
#[derive(Default)]
struct Asked {
    logins: AtomicUsize,
    tickets: AtomicUsize,
}

impl Asked {
    fn so_far(&self) -> [usize; 2] {
        [&self.logins, &self.tickets].map(|count| count.load(Ordering::SeqCst))
    }
}

async fn kdc(code: ErrorCode) -> (Client, Arc<Asked>, Arc<Stopped>) {
    kdc_for(ClientSecret::Keys(vec![key()]).into(), Ok(()), code).await
}

/// A KDC that refuses logins so, if it does, and every other request so.
async fn kdc_for(
    secret: AccountSecret,
    login: Result<(), ErrorCode>,
    code: ErrorCode,
) -> (Client, Arc<Asked>, Arc<Stopped>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Asked::default());
    let counts = asked.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let length = stream.read_u32().await.unwrap();
            let mut message = vec![0; length as usize];
            stream.read_exact(&mut message).await.unwrap();
            let (count, reply) = match der::decode::<AsReq<'_>>(&message) {
                Ok(_) => {
                    let logged_in = |()| logged_in(&message);
                    (&counts.logins, login.map_or_else(refused, logged_in))
                }
                Err(_) => (&counts.tickets, refused(code)),
            };
            count.fetch_add(1, Ordering::SeqCst);
            stream.write_u32(reply.len() as u32).await.unwrap();
            stream.write_all(&reply).await.unwrap();
        }
    });
    let clock = Arc::new(Stopped(AtomicU64::new(1000)));
    let mut config = ClientConfig::new(account(), secret, KdcSource::Addresses(vec![address]));
    config.clock = clock.clone();
    (Client::new(config), asked, clock)
}

/// What is moved with everything that waits for it, and into each task.
#[tokio::test]
async fn what_waits_for_a_kdc_is_small() {
    let (client, ..) = kdc(ErrorCode::GENERIC).await;
    let (s4u, alice, target) = (client.s4u(), account(), Name::user("target"));
    let sizes = [
        size_of_val(&client.tgt()),
        size_of_val(&client.ticket(&target)),
        size_of_val(&client.ask(TgsGoal::Renew, TicketOptions::default())),
        size_of_val(&s4u.evidence(&alice)),
    ];
    assert!(sizes.iter().all(|size| *size < 4096), "{sizes:?}");
}

#[tokio::test]
async fn a_refused_tgt_is_got_anew_once() {
    for code in [20, 31, 32, 33, 35, 41, 44, 45].map(ErrorCode) {
        let (client, asked, _) = kdc(code).await;
        let alice = Principal::new(Name::user("alice"), REALM);
        let error = client.s4u().evidence(&alice).await.unwrap_err();
        assert_eq!(error.refusal().map(|refusal| refusal.code), Some(code));
        assert_eq!(asked.so_far(), [2, 2], "{code}");
    }
    for code in [6, 7, 12, 13, 18, 60].map(ErrorCode) {
        let (client, asked, _) = kdc(code).await;
        let alice = Principal::new(Name::user("alice"), REALM);
        client.s4u().evidence(&alice).await.unwrap_err();
        assert_eq!(asked.so_far(), [1, 1], "{code} says nothing of the ticket");
    }
}

#[tokio::test]
async fn a_kdc_that_always_refuses_makes_no_storm_of_logins() {
    let (client, asked, clock) = kdc(ErrorCode::BADKEYVER).await;
    let client = &client;
    let ask = async |name: String| {
        client.s4u().evidence(&Principal::new(Name::user(&name), REALM)).await.unwrap_err()
    };
    for number in 0..20 {
        ask(format!("user{number}")).await;
    }
    assert_eq!(asked.so_far(), [2, 21], "one of them logged in again");
    clock.0.fetch_add(29, Ordering::SeqCst);
    ask("alice".into()).await;
    assert_eq!(asked.so_far(), [2, 22]);
    clock.0.fetch_add(1, Ordering::SeqCst);
    ask("alice".into()).await;
    assert_eq!(asked.so_far(), [3, 24], "half a minute later it is tried again");

    // Many at once: still one login.
    clock.0.fetch_add(60, Ordering::SeqCst);
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50 {
        let client = client.clone();
        tasks.spawn(async move {
            let user = Principal::new(Name::user(&format!("user{number}")), REALM);
            client.s4u().evidence(&user).await.unwrap_err();
        });
    }
    tasks.join_all().await;
    let [logins, tickets] = asked.so_far();
    assert_eq!(logins, 4);
    assert!(tickets <= 24 + 100, "{tickets}: no more than two for each");
}

#[tokio::test]
async fn a_wrong_secret_is_not_tried_at_every_call() {
    // Another one each time that this says so.
    let number = Arc::new(AtomicU64::new(0));
    let now = number.clone();
    let secret = AccountSecret::password(move || {
        Ok(Zeroizing::new(format!("wrong {}", now.load(Ordering::SeqCst)).into_bytes()))
    });
    let wrong = Err(ErrorCode::PREAUTH_FAILED);
    let (client, asked, clock) = kdc_for(secret, wrong, ErrorCode::GENERIC).await;
    let alice = Principal::new(Name::user("alice"), REALM);
    let client = &client;
    let ask = async || client.s4u().evidence(&alice).await.unwrap_err();
    for _ in 0..20 {
        let error = ask().await;
        assert_eq!(error.refusal().map(|refusal| refusal.code), Some(ErrorCode::PREAUTH_FAILED));
    }
    assert_eq!(asked.so_far(), [1, 0], "each counts towards a lock-out");
    clock.0.fetch_add(29, Ordering::SeqCst);
    ask().await;
    assert_eq!(asked.so_far(), [1, 0]);
    clock.0.fetch_add(1, Ordering::SeqCst);
    ask().await;
    assert_eq!(asked.so_far(), [2, 0], "it may be the right one by now");
    number.fetch_add(1, Ordering::SeqCst);
    ask().await;
    assert_eq!(asked.so_far(), [3, 0], "another one is tried at once");

    let locked = Err(ErrorCode::CLIENT_REVOKED);
    let secret = ClientSecret::Keys(vec![key()]).into();
    let (client, asked, _) = kdc_for(secret, locked, ErrorCode::GENERIC).await;
    for _ in 0..3 {
        client.s4u().evidence(&alice).await.unwrap_err();
    }
    assert_eq!(asked.so_far(), [3, 0], "which says nothing of the secret");
}

/// Answers changes of passwords, and the logins behind them, in the place of those who could.
struct Between {
    realm: Realm,
    changes: AtomicUsize,
    /// The requests for tickets that came after a change.
    after: Mutex<Vec<Vec<u8>>>,
}

impl Carry for Between {
    fn carry(&self, _: Endpoint, message: Vec<u8>, _: Instant) -> Carrying<'_> {
        let entry = EtypeInfo2Entry {
            etype: EncType::AES256_CTS_HMAC_SHA1_96,
            salt: Some(KerberosString(b"chosen")),
            s2kparams: None,
        };
        let info = der::encode(&List::of(&[entry]));
        let method = |padata_type, padata_value| PaData { padata_type, padata_value };
        let methods = [method(PaType::ETYPE_INFO2, &info), method(PaType::ENC_TIMESTAMP, &[])];
        let methods = der::encode(&List::of(&methods));
        let reply = if is_request(&message) {
            self.changes.fetch_add(1, Ordering::SeqCst);
            refused(ErrorCode::GENERIC)
        } else if self.changes.load(Ordering::SeqCst) == 0 {
            let mut cx = Context { now: Timestamp::new(NOW, 0), kdc_offset: 0, rng: &mut OsRandom };
            handle(&mut cx, &self.realm, &message).message
        } else {
            self.after.lock().unwrap().push(message);
            let (sname, now) = (Name::krbtgt(REALM.as_bytes()), Timestamp::new(NOW, 0));
            der::encode(&KrbError {
                e_data: Some(&methods),
                ..KrbError::new(ErrorCode::PREAUTH_REQUIRED, now, REALM.as_bytes(), &sname)
            })
        };
        Box::pin(async move { Ok(reply) })
    }
}

/// Of a new password, too, whoever stands between is shown nothing that it could be guessed at by.
#[tokio::test]
async fn a_login_behind_a_change_of_password_is_as_krb5_conf_has_it() {
    let alice = Account::user("alice").password("old").set(|account| account.no_preauth = true);
    let between = Arc::new(Between {
        realm: Realm::new(REALM, &mut OsRandom).with(alice),
        changes: AtomicUsize::new(0),
        after: Mutex::default(),
    });
    let kdcs = KdcSource::Addresses(vec![([127, 0, 0, 1], 88).into()]);
    let alice = Principal::new(Name::user("alice"), REALM);
    let secret = ClientSecret::Password(Zeroizing::new(b"old".to_vec()));
    for (disabled, sent) in [(true, false), (false, true)] {
        let mut config = ClientConfig::new(alice.clone(), secret.clone(), kdcs.clone());
        let text = format!("[realms]\nR = {{\ndisable_encrypted_timestamp = {disabled}\n}}\n");
        let conf = Krb5Conf::parse("krb5.conf", text.as_bytes(), &mut NoIncludes).unwrap();
        let no_dns = Resolver::new(&[], HashMap::new()).unwrap();
        config.realms =
            config.realms.with_kpasswd(REALM, kdcs.clone()).with_conf(conf, no_dns).unwrap();
        config.clock = Arc::new(Stopped(AtomicU64::new(1000)));
        config.transport = between.clone();
        between.changes.store(0, Ordering::SeqCst);
        let error = Client::new(config).change_password("new").await.unwrap_err();
        assert!(matches!(error, ClientError::PasswordUnknown { .. }), "{error}");
        let asked = std::mem::take(&mut *between.after.lock().unwrap());
        let shows = |request: &Vec<u8>| {
            let request: AsReq<'_> = der::decode(request).unwrap();
            find_padata(request.padata.unwrap(), PaType::ENC_TIMESTAMP).is_some()
        };
        assert!(!asked.is_empty());
        assert_eq!(asked.iter().any(shows), sent, "{disabled}");
    }
}
