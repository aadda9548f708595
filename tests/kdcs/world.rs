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
use krb_tests::{Lab, lab};
use tokio::time::Instant;

/// For an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A domain and its KDC.
pub(crate) struct Domain {
    pub(crate) realm: String,
    kdc: SocketAddr,
    transport: Arc<dyn Carry>,
    /// The time that the KDC goes by, if it is not the machine's.
    time: Option<Time>,
    /// May get evidence for anybody, and is granted S4U2Proxy to `granted`.
    pub(crate) service: Service,
    /// Is granted the same, and what it gets by S4U2Self may not be forwarded.
    pub(crate) without_flag: Option<Service>,
    /// A user of whom there is nothing to say.
    pub(crate) ordinary: &'static str,
    /// Users whose tickets may not be forwarded; who are disabled, and the code that says so; who are
    /// expired; who must change the password.
    pub(crate) sensitive: Option<&'static str>,
    pub(crate) disabled: Option<(&'static str, ErrorCode)>,
    pub(crate) expired: Option<&'static str>,
    pub(crate) must_change: Option<&'static str>,
    /// Tickets have a PAC.
    pub(crate) pac: bool,
    /// A service that S4U2Proxy is granted to.
    pub(crate) granted: Option<Name>,
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

/// The domain that `KDC_WORLD` names; `None`, with a loud word, if there is none.
pub(crate) async fn domain() -> Option<Domain> {
    let world = std::env::var("KDC_WORLD").unwrap_or_else(|_| "embedded".into());
    match &*world {
        "embedded" => Some(embedded()),
        "samba" => Some(samba(lab()?).await),
        "mit" => Some(mit(lab()?).await),
        "heimdal" => Some(heimdal(lab()?).await),
        other => panic!("KDC_WORLD={other}: embedded, samba, mit or heimdal"),
    }
}

fn embedded() -> Domain {
    let (realm, time) = (directory(&Seeded::new(0)), Time::begin());
    let service = |name: &str| {
        let account = realm.account(name).expect("the account");
        Service::new(name, REALM, &realm.keytab(account))
    };
    Domain {
        service: service(SERVICE),
        without_flag: Some(service(SERVICE_WITHOUT_THE_FLAG)),
        realm: REALM.into(),
        kdc: Kdcs::address(1),
        transport: Arc::new(Kdcs::new(realm, 1, &time)),
        time: Some(time),
        pac: true,
        ordinary: "bob",
        sensitive: Some("dave"),
        disabled: Some(("eve", ErrorCode::POLICY)),
        expired: Some("frank"),
        must_change: Some("grace"),
        granted: Some(http(WEBAPP)),
        not_granted: http(OTHER),
    }
}

async fn samba(lab: &Lab) -> Domain {
    let realm = lab.realm();
    let kdc = format!("{}:88", lab.var("DC_IP"));
    Domain {
        service: Service::of_lab(lab, &lab.var("SVC_ACCOUNT"), &realm, "mcp").await,
        without_flag: Some(Service::of_lab(lab, "svc-ko", &realm, "ko").await),
        kdc: kdc.parse().expect("an address"),
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: true,
        ordinary: "bob",
        sensitive: Some("dave"),
        disabled: Some(("eve", ErrorCode::POLICY)),
        expired: Some("frank"),
        must_change: Some("grace"),
        granted: Some(http(&lab.var("WEB_HOST"))),
        not_granted: http(&format!("other.{}", lab.var("DOMAIN"))),
        realm,
    }
}

async fn mit(lab: &Lab) -> Domain {
    let realm = lab.var("MIT_REALM");
    let kdc = lab.var("MIT_KDC");
    Domain {
        service: Service::of_lab(lab, &lab.var("MIT_ACCOUNT"), &realm, "mit").await,
        // Without S4U2Proxy there is nothing that the flag could keep from being forwarded
        // (MS-SFU 3.2.5.1.2), so this KDC makes no difference.
        without_flag: None,
        kdc: kdc.parse().expect("an address"),
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: true,
        ordinary: "alice",
        sensitive: Some("dave"),
        disabled: Some(("eve", ErrorCode::CLIENT_REVOKED)),
        expired: Some("frank"),
        must_change: None,
        granted: None,
        not_granted: http(&format!("web.{}", realm.to_lowercase())),
        realm,
    }
}

async fn heimdal(lab: &Lab) -> Domain {
    let realm = lab.var("HEIMDAL_REALM");
    let web = |host: &str| http(&format!("{host}.{}", realm.to_lowercase()));
    let kdc = lab.var("HEIMDAL_KDC");
    Domain {
        service: Service::of_lab(lab, "svc-mcp", &realm, "heimdal").await,
        without_flag: Some(Service::of_lab(lab, "svc-ko", &realm, "heimdal").await),
        kdc: kdc.parse().expect("an address"),
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: false,
        ordinary: "alice",
        sensitive: Some("dave"),
        disabled: Some(("eve", ErrorCode::POLICY)),
        expired: Some("frank"),
        must_change: None,
        granted: Some(web("web")),
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
        Client::new(config)
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
