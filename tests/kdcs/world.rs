//! One domain, whoever's KDC it has: accounts that mean the same in each.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use krb_client::{
    Carry, Client, ClientConfig, ClientError, Clock, KdcSource, SystemClock, Transport, files,
};
use krb_proto::exchange::ClientSecret;
use krb_proto::formats::Keytab;
use krb_proto::iana::{ErrorCode, NameType};
use krb_proto::{Name, Principal, Timestamp};
use krb_tests::world::directory::{
    OTHER, REALM, SERVICE, SERVICE_WITHOUT_THE_FLAG, WEBAPP, directory,
};
use krb_tests::world::{Kdcs, Seeded, Time};
use krb_tests::{Lab, lab, skipped};
use tokio::time::Instant;

use crate::table::{self, BEHAVIOUR};

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a KDC has, or why not.
pub(crate) type Has<T> = Result<T, &'static str>;

/// A domain and its KDC.
pub(crate) struct Domain {
    /// What is looked at: a row of the table.
    row: &'static str,
    pub(crate) realm: String,
    kdc: SocketAddr,
    transport: Arc<dyn Carry>,
    /// The time that the KDC goes by, if it is not the machine's.
    time: Option<Time>,
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
    /// A user's certificate, as the KDC knows it.
    pub(crate) certificate: (Vec<u8>, &'static str),
    /// Tickets have a PAC.
    pub(crate) pac: bool,
    /// A service that S4U2Proxy is granted to.
    pub(crate) granted: Has<Name>,
    /// One that it is not granted to.
    pub(crate) not_granted: Name,
}

/// An account with its keys.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) principal: Principal,
    pub(crate) secret: ClientSecret,
}

impl Service {
    fn new(name: &str, realm: &str, keytab: &Keytab) -> Self {
        let principal = Principal::new(Name::user(name), realm);
        let secret = files::client_keys(keytab, &principal).expect("its keys");
        Self { principal, secret }
    }

    async fn of_lab(lab: &Lab, name: &str, realm: &str, keytab: &str) -> Self {
        let keytab = files::read_keytab(&lab.keytab(keytab)).await.expect("a keytab");
        Self::new(name, realm, &keytab)
    }
}

/// `HTTP/host`.
fn http(host: &str) -> Name {
    Name::new(NameType::SRV_INST, ["HTTP", host])
}

/// The domain that `KDC_WORLD` names, for a row of the table; `None`, with a loud word, if there is
/// none.
pub(crate) async fn domain(row: &'static str) -> Option<Domain> {
    let domain = match &*table::world() {
        "embedded" => embedded(),
        "samba" => samba(lab()?).await,
        "mit" => mit(lab()?).await,
        "mit-test" => mit_test(lab()?).await?,
        "heimdal" => heimdal(lab()?).await,
        other => panic!("KDC_WORLD={other}: embedded, samba, mit, mit-test or heimdal"),
    };
    Some(Domain { row, ..domain })
}

/// A certificate that nobody was told of.
const UNKNOWN_CERTIFICATE: &[u8] = b"\x30\x00";

fn embedded() -> Domain {
    let (mut realm, time) = (directory(&Seeded::new(0)), Time::begin());
    let bob = realm.remove("bob").expect("bob").certificate(b"bob's");
    realm.insert(bob);
    let service = |name: &str| {
        let account = realm.account(name).expect("the account");
        Service::new(name, REALM, &realm.keytab(account))
    };
    Domain {
        service: service(SERVICE),
        row: "",
        without_flag: Ok(service(SERVICE_WITHOUT_THE_FLAG)),
        certificate: (b"bob's".to_vec(), "bob"),
        realm: REALM.into(),
        kdc: Kdcs::address(1),
        transport: Arc::new(Kdcs::new(realm, 1, &time)),
        time: Some(time),
        pac: true,
        ordinary: "bob",
        sensitive: Ok("dave"),
        disabled: Ok(("eve", ErrorCode::POLICY)),
        expired: Ok("frank"),
        must_change: Ok("grace"),
        granted: Ok(http(WEBAPP)),
        not_granted: http(OTHER),
    }
}

async fn samba(lab: &Lab) -> Domain {
    let realm = lab.realm();
    let kdc = format!("{}:88", lab.var("DC_IP"));
    Domain {
        service: Service::of_lab(lab, &lab.var("SVC_ACCOUNT"), &realm, "mcp").await,
        row: "",
        without_flag: Ok(Service::of_lab(lab, "svc-ko", &realm, "ko").await),
        certificate: (UNKNOWN_CERTIFICATE.to_vec(), "bob"),
        kdc: kdc.parse().expect("an address"),
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: true,
        ordinary: "bob",
        sensitive: Ok("dave"),
        disabled: Ok(("eve", ErrorCode::POLICY)),
        expired: Ok("frank"),
        must_change: Ok("grace"),
        granted: Ok(http(&lab.var("WEB_HOST"))),
        not_granted: http(&format!("other.{}", lab.var("DOMAIN"))),
        realm,
    }
}

async fn mit(lab: &Lab) -> Domain {
    let realm = lab.var("MIT_REALM");
    let kdc = lab.var("MIT_KDC");
    Domain {
        service: Service::of_lab(lab, &lab.var("MIT_ACCOUNT"), &realm, "mit").await,
        row: "",
        without_flag: Err(
            "MS-SFU 3.2.5.1.2 keeps back only what could be used for S4U2Proxy, of which \
                           db2 knows nothing",
        ),
        certificate: (UNKNOWN_CERTIFICATE.to_vec(), "alice"),
        kdc: kdc.parse().expect("an address"),
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: true,
        ordinary: "alice",
        sensitive: Ok("dave"),
        disabled: Ok(("eve", ErrorCode::CLIENT_REVOKED)),
        expired: Ok("frank"),
        must_change: Err("db2 keeps no list for S4U2Proxy"),
        granted: Err("db2 keeps no list for S4U2Proxy"),
        not_granted: http(&format!("web.{}", realm.to_lowercase())),
        realm,
    }
}

/// MIT's on its own test database, which knows no states of accounts, and every user.
async fn mit_test(lab: &Lab) -> Option<Domain> {
    let realm = lab.var("HERE_REALM");
    let kdc: SocketAddr = lab.var("HERE_KDC").parse().expect("an address");
    let connect = tokio::net::TcpStream::connect(kdc);
    if !matches!(tokio::time::timeout(PATIENCE, connect).await, Ok(Ok(_))) {
        skipped("no MIT realm on the test database; `tests/lab up realms` builds and starts it");
        return None;
    }
    let none = "the test database knows no such state";
    Some(Domain {
        row: "",
        service: Service::of_lab(lab, "svc-mcp", &realm, "realms").await,
        without_flag: Err("svc-rb has no list of its own"),
        certificate: (format!("alice@{realm}").into_bytes(), "alice"),
        kdc,
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: true,
        ordinary: "alice",
        sensitive: Ok("sensitive"),
        disabled: Err(none),
        expired: Err(none),
        must_change: Err(none),
        granted: Ok(http("web.s.test")),
        not_granted: http("rweb.s.test"),
        realm,
    })
}

async fn heimdal(lab: &Lab) -> Domain {
    let realm = lab.var("HEIMDAL_REALM");
    let web = |host: &str| http(&format!("{host}.{}", realm.to_lowercase()));
    let kdc = lab.var("HEIMDAL_KDC");
    Domain {
        service: Service::of_lab(lab, "svc-mcp", &realm, "heimdal").await,
        row: "",
        without_flag: Ok(Service::of_lab(lab, "svc-ko", &realm, "heimdal").await),
        certificate: (UNKNOWN_CERTIFICATE.to_vec(), "alice"),
        kdc: kdc.parse().expect("an address"),
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: false,
        ordinary: "alice",
        sensitive: Ok("dave"),
        disabled: Ok(("eve", ErrorCode::POLICY)),
        expired: Ok("frank"),
        must_change: Err("the lab's Heimdal has no such user"),
        granted: Ok(web("web")),
        not_granted: web("other"),
        realm,
    }
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
