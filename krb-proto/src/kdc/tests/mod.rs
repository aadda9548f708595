//! Our client's exchanges against the KDC: every right has a test that removes it and sees the
//! refusal.

mod cross_realm;
mod fast;
mod garbage;
mod kpasswd;
mod lifetimes;
mod login;
mod names;
mod otp;
#[cfg(feature = "pkinit")]
mod pkinit;
mod profiles;
mod raw;
mod request;
mod s4u_proxy;
mod s4u_self;
mod sealed;
mod service;
#[cfg(feature = "spake")]
mod spake;
mod states;
mod tgt;

use std::string::ToString;
use std::sync::Arc;
use std::vec::Vec;

use zeroize::Zeroizing;

use super::{Account, Event, Outcome, Realm, handle};
use crate::exchange::{
    AsExchange, ClientSecret, Exchange, ExchangeError, KdcRefusal, Step, TgsExchange, TgsGoal,
    TicketOptions,
};
use crate::gss::testing::TestRng;
use crate::iana::NameType;
use crate::{Context, Credential, KerberosTime, Name, Principal, Timestamp};

pub(super) const REALM: &str = "EXAMPLE.TEST";
pub(super) const NOW: i64 = 1_800_000_000;
pub(super) const PASSWORD: &str = "correct horse";

/// The realm of most tests: a user, a service that may delegate to another, and that other.
pub(super) fn realm() -> Realm {
    let rng = &mut TestRng(11);
    let random = |account: Account, rng: &mut TestRng| {
        account.random_keys(crate::crypto::SUPPORTED.get(..1).unwrap(), rng).unwrap()
    };
    Realm::new(REALM, rng)
        .with(Account::user("alice").password(PASSWORD).groups([1201, 1202]))
        .with(random(
            Account::service("svc-mcp").spn("HTTP/mcp.example.test").set(|account| {
                account.trusted_to_auth_for_delegation = true;
                account.allowed_to_delegate_to = vec_of(&["HTTP/web.example.test"]);
            }),
            rng,
        ))
        .with(random(Account::computer("WEB$").spn("HTTP/web.example.test"), rng))
}

pub(super) fn password() -> ClientSecret {
    ClientSecret::Password(Zeroizing::new(PASSWORD.into()))
}

pub(super) fn vec_of(texts: &[&str]) -> Vec<std::string::String> {
    texts.iter().map(ToString::to_string).collect()
}

pub(super) fn time(unix: i64) -> KerberosTime {
    KerberosTime::from_unix(unix)
}

pub(super) fn user(name: &str) -> Principal {
    Principal::new(Name::user(name), REALM)
}

pub(super) fn spn(text: &str) -> Name {
    Name::new(NameType::SRV_INST, text.split('/'))
}

/// A conversation at a time, with randomness that no other has.
pub(super) struct World {
    pub(super) realm: Realm,
    pub(super) now: i64,
    pub(super) rng: TestRng,
    pub(super) events: Vec<Event>,
}

impl World {
    pub(super) fn new(realm: Realm) -> Self {
        Self { realm, now: NOW, rng: TestRng(77), events: Vec::new() }
    }

    /// One request.
    pub(super) fn ask(&mut self, request: &[u8]) -> Vec<u8> {
        let now = Timestamp::new(self.now, 5);
        let reply =
            handle(&mut Context { now, kdc_offset: 0, rng: &mut self.rng }, &self.realm, request);
        self.events.push(reply.event);
        reply.message
    }

    /// An exchange from its beginning to its end.
    pub(super) fn run<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Output, ExchangeError> {
        for _ in 0..16 {
            let now = Timestamp::new(self.now, 5);
            let request =
                exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut self.rng })?;
            let reply = self.ask(&request);
            let cx = Context { now, kdc_offset: 0, rng: &mut self.rng };
            if let Step::Done(done) = exchange.receive(&cx, &reply)? {
                return Ok(done);
            }
        }
        panic!("an exchange without an end");
    }

    /// What the last refusal said.
    pub(super) fn refusal(&self) -> &super::Refusal {
        match &self.events.last().unwrap().outcome {
            super::Outcome::Refused(refusal) => refusal,
            other => panic!("not refused: {other:?}"),
        }
    }

    pub(super) fn login(&mut self, name: &str) -> Result<Arc<Credential>, ExchangeError> {
        let secret = ClientSecret::Password(Zeroizing::new(PASSWORD.into()));
        self.login_with(user(name), secret, TicketOptions::default())
    }

    pub(super) fn login_with(
        &mut self,
        client: Principal,
        secret: ClientSecret,
        options: TicketOptions,
    ) -> Result<Arc<Credential>, ExchangeError> {
        self.run(AsExchange::new(client, secret, options)).map(Arc::new)
    }

    /// A service's own ticket-granting ticket, got with its keytab.
    pub(super) fn service_login(&mut self, name: &str) -> Arc<Credential> {
        let keytab = self.realm.keytab(self.realm.account(name).unwrap());
        let keys = keytab.login_keys(&user(name), crate::crypto::SUPPORTED);
        let options = TicketOptions::default();
        self.login_with(user(name), ClientSecret::Keys(keys), options).unwrap()
    }

    pub(super) fn tgs(
        &mut self,
        tgt: &Arc<Credential>,
        goal: TgsGoal,
    ) -> Result<Credential, ExchangeError> {
        self.run(TgsExchange::new(tgt.clone(), goal, TicketOptions::default()))
    }
}

/// S4U of svc-mcp.
impl World {
    pub(super) fn evidence(
        &mut self,
        tgt: &Arc<Credential>,
        name: &str,
    ) -> Result<Credential, ExchangeError> {
        self.tgs(tgt, TgsGoal::S4uSelf { user: user(name), service: Name::user("svc-mcp") })
    }

    pub(super) fn proxy(
        &mut self,
        tgt: &Arc<Credential>,
        evidence: &Arc<Credential>,
        target: &str,
    ) -> Result<Credential, ExchangeError> {
        self.proxy_knowing(true, tgt, evidence, target)
    }

    /// A client that knows of resource-based delegation, or not.
    pub(super) fn proxy_knowing(
        &mut self,
        rbcd: bool,
        tgt: &Arc<Credential>,
        evidence: &Arc<Credential>,
        target: &str,
    ) -> Result<Credential, ExchangeError> {
        let goal = TgsGoal::S4uProxy { evidence: evidence.clone(), target: spn(target) };
        let mut exchange = TgsExchange::new(tgt.clone(), goal, TicketOptions::default());
        let now = Timestamp::new(self.now, 5);
        let mut request =
            exchange.request(&mut Context { now, kdc_offset: 0, rng: &mut self.rng })?;
        if !rbcd {
            // Padata are not signed: PA-PAC-OPTIONS becomes something that nobody knows.
            let pac_options = [0xa1, 0x04, 0x02, 0x02, 0x00, 0xa7];
            let at = request.windows(6).position(|window| window == pac_options).unwrap();
            request[at + 4] = 0x7f;
        }
        let reply = self.ask(&request);
        let cx = Context { now, kdc_offset: 0, rng: &mut self.rng };
        match exchange.receive(&cx, &reply)? {
            Step::Done(credential) => Ok(credential),
            Step::Continue => panic!("one round trip is enough"),
        }
    }
}

/// The KDC's refusal in an exchange's error.
#[track_caller]
pub(super) fn refused<T: std::fmt::Debug>(result: Result<T, ExchangeError>) -> KdcRefusal {
    match result.unwrap_err() {
        ExchangeError::Refused(refusal) => refusal,
        other => panic!("not a refusal of the KDC: {other}"),
    }
}
