//! That the trace shows what was asked and answered, and nothing that is secret.

use std::sync::Mutex;

use krb_proto::exchange::{AsExchange, ClientSecret, Exchange, TicketOptions};
use krb_proto::iana::ErrorCode;
use krb_proto::kdc::{Account, Realm, handle};
use krb_proto::{Context, Name, Timestamp};
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::OsRandom;

const PASSWORD: &str = "alice's password";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// A KDC in memory.
struct Kdc(Realm);

impl Carry for Kdc {
    fn carry(&self, _: Endpoint, message: Vec<u8>, _: Instant) -> Carrying<'_> {
        let now = Timestamp::new(1_800_000_000, 0);
        let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
        Box::pin(std::future::ready(Ok(handle(&mut cx, &self.0, &message).message)))
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_login_is_told_message_by_message() {
    let realm = Realm::new("R", &mut OsRandom).with(Account::user("alice").password(PASSWORD));
    let traced = Traced(Arc::new(Kdc(realm)));
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().with_writer(lines.clone()).with_ansi(false);
    let subscriber = subscriber.with_max_level(Level::TRACE).finish();
    let _traced = tracing::subscriber::set_default(subscriber);

    let alice = Principal::new(Name::user("alice"), "R");
    let secret = ClientSecret::Password(PASSWORD.as_bytes().to_vec().into());
    let mut exchange = AsExchange::new(alice, secret, TicketOptions::default());
    let now = Timestamp::new(1_800_000_000, 0);
    let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
    let at: std::net::SocketAddr = ([10, 0, 0, 1], 88).into();
    let until = Instant::now() + std::time::Duration::from_secs(1);
    let request = exchange.request(&mut cx).unwrap();
    let reply = traced.carry(at.into(), request, until).await.unwrap();
    let error: KrbError<'_> = der::decode(&reply).unwrap();
    assert_eq!(error.error_code, ErrorCode::PREAUTH_REQUIRED);
    traced.carry(at.into(), b"what is this".to_vec(), until).await.unwrap();

    let told = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for expected in [
        "Sending to 10.0.0.1:88: AS-REQ of alice@R for krbtgt/R@R; enctypes aes256-cts",
        "Received from 10.0.0.1:88: KRB-ERROR KDC_ERR_PREAUTH_REQUIRED (25)",
        "ETYPE-INFO2 (19)",
        "Sending to 10.0.0.1:88: no message of Kerberos (12 bytes)",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains(PASSWORD));
}
