//! From nothing to the first service ticket, in one process: what a test of an application does.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use krb_client::dev_kdc::{Bind, DevKdc};
use krb_client::{Driver, KdcSource, OsRandom, Patience, SystemClock, Transport};
use krb_proto::exchange::{AsExchange, ClientSecret, TgsExchange, TgsGoal, TicketOptions};
use krb_proto::iana::NameType;
use krb_proto::kdc::{Account, Realm};
use krb_proto::{Name, Principal};

use crate::load::{ENCTYPE, PASSWORD, REALM, SERVICE, USER};

/// Makes a realm, starts its KDC, logs in with a password and gets a ticket, all by TCP.
///
/// # Errors
/// If anything of it fails.
pub async fn run() -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    let service = Account::service("svc-web").spn(&SERVICE.join("/"));
    let realm = Realm::new(REALM, &mut OsRandom)
        .with(Account::user(USER).password(PASSWORD))
        .with(service.random_keys(&[ENCTYPE], &mut OsRandom)?);
    let kdc = DevKdc::start(realm, Bind::loopback()).await?;

    let kdcs = KdcSource::Addresses(vec![kdc.addresses().kdc]);
    let (clock, random) = (Arc::new(SystemClock), Arc::new(OsRandom));
    let (transport, patience) = (Arc::new(Transport::tcp()), Patience::default());
    let driver = Driver::new([(REALM.into(), kdcs)], transport, patience, clock, random);
    let alice = Principal::new(Name::user(USER), REALM);
    let secret = ClientSecret::Password(PASSWORD.as_bytes().to_vec().into());
    let options = TicketOptions { enctypes: vec![ENCTYPE], ..TicketOptions::default() };
    let tgt = driver.run(AsExchange::new(alice, secret, options.clone())).await?;
    let goal = TgsGoal::Service(Name::new(NameType::SRV_INST, SERVICE));
    driver.run(TgsExchange::new(Arc::new(tgt), goal, options)).await?;
    Ok(begun.elapsed())
}
