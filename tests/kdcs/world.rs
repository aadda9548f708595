//! One domain, whoever's KDC it has: accounts that mean the same in each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use krb_client::{Carry, Client, ClientConfig, ClientError, Clock, KdcSource, SystemClock, files};
use krb_proto::exchange::ClientSecret;
use krb_proto::formats::Keytab;
use krb_proto::iana::{ErrorCode, NameType};
use krb_proto::{Name, Principal, Timestamp};
use krb_tests::Lab;
use krb_tests::world::Time;
use tokio::time::Instant;

use crate::table::BEHAVIOUR;

/// For an answer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// What a KDC has, or why not.
pub(crate) type Has<T> = Result<T, &'static str>;

/// A domain and its KDC.
pub(crate) struct Domain {
    /// What is looked at: a row of the table.
    pub(crate) row: &'static str,
    pub(crate) realm: String,
    pub(crate) kdc: SocketAddr,
    pub(crate) transport: Arc<dyn Carry>,
    /// The time that the KDC goes by, if it is not the machine's.
    pub(crate) time: Option<Time>,
    /// May get evidence for anybody, and is granted S4U2Proxy to `granted`.
    pub(crate) service: Service,
    /// Is granted the same, and what it gets by S4U2Self may not be forwarded.
    pub(crate) without_flag: Has<Service>,
    /// A user of whom there is nothing to say.
    pub(crate) ordinary: &'static str,
    /// Users whose tickets may not be forwarded; who are disabled, and the code that says so; who are
    /// expired; who must change the password.
    pub(crate) sensitive: Has<&'static str>,
    pub(crate) disabled: Has<(&'static str, ErrorCode)>,
    pub(crate) expired: Has<&'static str>,
    pub(crate) must_change: Has<&'static str>,
    /// A member of Protected Users.
    pub(crate) protected: Has<&'static str>,
    /// A user's certificate, as the KDC knows it.
    pub(crate) certificate: (Vec<u8>, &'static str),
    /// Tickets have a PAC.
    pub(crate) pac: bool,
    /// A service that S4U2Proxy is granted to.
    pub(crate) granted: Has<Name>,
    /// One that it is not granted to.
    pub(crate) not_granted: Name,
    /// Resource-based delegation.
    pub(crate) let_in: Has<LetIn>,
}

/// A service that is in nobody's list, and the front ends that it lets in.
pub(crate) struct LetIn {
    pub(crate) by: Name,
    /// What this one gets by S4U2Self may be forwarded.
    pub(crate) front_end: Service,
    /// It may not: there is a list, and no flag.
    pub(crate) without_flag: Service,
    /// Has neither list nor flag.
    pub(crate) plain: Service,
}

/// An account with its keys.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) principal: Principal,
    pub(crate) secret: ClientSecret,
}

impl Service {
    pub(crate) fn new(name: &str, realm: &str, keytab: &Keytab) -> Self {
        let principal = Principal::new(Name::user(name), realm);
        let secret = files::client_keys(keytab, &principal).expect("its keys");
        Self { principal, secret }
    }

    pub(crate) async fn of_lab(lab: &Lab, name: &str, realm: &str, keytab: &str) -> Self {
        let keytab = files::read_keytab(&lab.keytab(keytab)).await.expect("a keytab");
        Self::new(name, realm, &keytab)
    }
}

/// `HTTP/host`.
pub(crate) fn http(host: &str) -> Name {
    Name::new(NameType::SRV_INST, ["HTTP", host])
}

impl Domain {
    /// A client of this account.
    pub(crate) fn client(&self, service: &Service) -> Client {
        self.client_with(service, service.secret.clone(), 0)
    }

    /// The same with another secret, and a clock that is ahead by so many seconds.
    pub(crate) fn client_with(
        &self,
        service: &Service,
        secret: ClientSecret,
        wrong_by: i64,
    ) -> Client {
        Client::new(self.config(service, secret, wrong_by))
    }

    /// What such a client is made of.
    pub(crate) fn config(
        &self,
        service: &Service,
        secret: ClientSecret,
        wrong_by: i64,
    ) -> ClientConfig {
        let kdcs = KdcSource::Addresses(vec![self.kdc]);
        let mut config = ClientConfig::new(service.principal.clone(), secret, kdcs);
        config.transport = self.transport.clone();
        config.clock = match &self.time {
            None => Arc::new(Moved(wrong_by)),
            Some(time) => {
                let clock = time.clock();
                clock.set_wrong_by(wrong_by);
                clock
            }
        };
        config
    }

    /// Compares what was seen with the table.
    pub(crate) fn saw(&self, seen: &str) {
        BEHAVIOUR.compare(self.row, seen).unwrap_or_else(|wrong| panic!("{wrong}"));
    }

    /// The same of a refusal, which the table has by its code.
    pub(crate) fn saw_refusal<T>(&self, result: Result<T, ClientError>) {
        let code = refusal(result).expect("a KDC's refusal");
        self.saw(&code.0.to_string());
    }

    /// What the KDC answers to a message; nothing if it hangs up.
    pub(crate) async fn ask(&self, message: Vec<u8>) -> Vec<u8> {
        let until = Instant::now() + PATIENCE;
        let ask = || self.transport.carry(self.kdc.into(), message.clone(), until);
        match ask().await {
            Ok(answer) => answer,
            // A connection that was kept may be closed meanwhile, and then the others are known to be.
            Err(_) => ask().await.unwrap_or_default(),
        }
    }

    /// The time that the KDC goes by.
    pub(crate) fn now(&self) -> Timestamp {
        self.time.as_ref().map_or_else(|| SystemClock.now(), |time| time.clock().now())
    }

    /// A user.
    pub(crate) fn user(&self, name: &str) -> Principal {
        Principal::new(Name::user(name), &self.realm)
    }
}

/// The machine's clock, moved.
struct Moved(i64);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0)
    }
}

/// The code of a KDC's refusal.
pub(crate) fn refusal<T>(result: Result<T, ClientError>) -> Option<ErrorCode> {
    let error = result.err().expect("a refusal");
    error.refusal().map(|refusal| refusal.code)
}
