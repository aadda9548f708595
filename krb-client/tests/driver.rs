//! The driver from outside: any exchange, over any transport, each realm's KDCs in a place of their
//! own.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use krb_client::proto::Context;
use krb_client::proto::exchange::{Exchange, ExchangeError, Step};
use krb_client::{
    Carry, Carrying, ClientError, Driver, Endpoint, KdcSource, OsRandom, Patience, SystemClock,
};
use tokio::time::Instant;

const HERE: ([u8; 4], u16) = ([10, 0, 0, 1], 88);
const THERE: ([u8; 4], u16) = ([10, 0, 0, 2], 88);

/// Two KDCs in memory, each of which knows one realm, and who was asked.
#[derive(Clone, Default)]
struct InMemory(Arc<Mutex<Vec<SocketAddr>>>);

impl Carry for InMemory {
    fn carry(&self, kdc: Endpoint, asked: Vec<u8>, _: Instant) -> Carrying<'_> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(kdc.address());
        let known = [(HERE, &b"HERE"[..]), (THERE, b"THERE")];
        let reply = match known.into_iter().find(|(at, _)| kdc == SocketAddr::from(*at).into()) {
            Some((_, realm)) if asked == realm => Ok(asked),
            _ => Err(ErrorKind::ConnectionRefused.into()),
        };
        Box::pin(std::future::ready(reply))
    }
}

/// Asks the KDCs of one realm after the other, as a referral makes an exchange do.
#[derive(Clone)]
struct Through(Vec<&'static str>);

impl Exchange for Through {
    type Output = ();

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        Ok(self.0[0].as_bytes())
    }

    fn request(&mut self, _: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        Ok(self.0[0].to_ascii_uppercase().into_bytes())
    }

    fn receive(&mut self, _: &Context<'_>, _: &[u8]) -> Result<Step<()>, ExchangeError> {
        self.0.remove(0);
        Ok(if self.0.is_empty() { Step::Done(()) } else { Step::Continue })
    }
}

fn driver() -> (Driver, InMemory) {
    let kdc = |at: ([u8; 4], u16)| KdcSource::Addresses(vec![at.into()]);
    let realms = [(b"HERE".to_vec(), kdc(HERE)), (b"THERE".to_vec(), kdc(THERE))];
    let (transport, clock) = (InMemory::default(), Arc::new(SystemClock));
    let carry = Arc::new(transport.clone());
    (Driver::new(realms, carry, Patience::default(), clock, Arc::new(OsRandom)), transport)
}

#[tokio::test]
async fn each_realm_is_asked_where_it_is() {
    let (driver, transport) = driver();
    driver.run(Through(vec!["HERE", "THERE", "here"])).await.unwrap();
    let asked = transport.0.lock().unwrap().clone();
    assert_eq!(asked, [HERE, THERE, HERE].map(SocketAddr::from), "in whatever case it is written");
}

#[tokio::test]
async fn a_realm_that_nobody_named_is_not_looked_for_at_anothers_kdcs() {
    let (driver, transport) = driver();
    let error = driver.run(Through(vec!["HERE", "ELSEWHERE"])).await.unwrap_err();
    let ClientError::Unreachable(unreachable) = &error else { panic!("{error}") };
    assert_eq!(unreachable.realm, "ELSEWHERE");
    assert_eq!(
        error.to_string(),
        "no KDC of realm ELSEWHERE answered: nothing says where its KDCs are"
    );
    assert_eq!(transport.0.lock().unwrap().len(), 1, "nobody was asked for it");
}
