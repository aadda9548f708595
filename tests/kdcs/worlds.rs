//! The domains, one for each KDC.

use std::net::SocketAddr;
use std::sync::Arc;

use krb_client::{Entropy, Transport};
use krb_proto::iana::{EncType, ErrorCode};
use krb_proto::kdc::{Account, Trustee};
use krb_tests::world::directory::{
    OTHER, REALM, SERVICE, SERVICE_WITHOUT_THE_FLAG, WEBAPP, directory,
};
use krb_tests::world::{Kdcs, Seeded, Time};
use krb_tests::{Lab, lab, skipped};

use crate::table;
use crate::world::{Domain, LetIn, PATIENCE, Service, http};

/// The domain that `KDC_WORLD` names, for a row of the table; `None`, with a loud word, if there is
/// none.
pub(crate) async fn domain(row: &'static str) -> Option<Domain> {
    let domain = match &*table::world() {
        "embedded" => embedded(),
        "samba" => samba(lab()?).await,
        "samba422" => samba422(lab()?).await?,
        "mit" => mit(lab()?).await,
        "mit-kldap" => mit_kldap(lab()?).await?,
        "mit-test" => mit_test(lab()?).await?,
        "heimdal" => heimdal(lab()?).await,
        other => panic!("KDC_WORLD={other}: none of those in docs/tests.md"),
    };
    Some(Domain { row, ..domain })
}

/// A certificate that nobody was told of.
const UNKNOWN_CERTIFICATE: &[u8] = b"\x30\x00";

fn embedded() -> Domain {
    let (mut realm, time) = (directory(&Seeded::new(0)), Time::begin());
    let bob = realm.remove("bob").expect("bob").certificate(b"bob's");
    realm.insert(bob);
    let seeds = Seeded::new(1);
    let mut random: &dyn Entropy = &seeds;
    let aes = [EncType::AES256_CTS_HMAC_SHA1_96];
    for (name, host, flag) in
        [("svc-rb", "rb", true), ("svc-plain", "plain", false), ("svc-rweb", "rweb", false)]
    {
        let account = Account::service(name).random_keys(&aes, &mut random).expect("AES keys");
        realm.insert(account.spn(&format!("HTTP/{host}.example.test")).set(|account| {
            account.trusted_to_auth_for_delegation = flag;
        }));
    }
    realm.account_mut("svc-rweb").expect("the account").allowed_to_act =
        ["svc-rb", SERVICE_WITHOUT_THE_FLAG, "svc-plain"]
            .map(|name| Trustee::Account(name.into()))
            .into();
    let service = |name: &str| {
        let account = realm.account(name).expect("the account");
        Service::new(name, REALM, &realm.keytab(account))
    };
    Domain {
        service: service(SERVICE),
        row: "",
        without_flag: Ok(service(SERVICE_WITHOUT_THE_FLAG)),
        let_in: Ok(LetIn {
            by: http("rweb.example.test"),
            front_end: service("svc-rb"),
            without_flag: service(SERVICE_WITHOUT_THE_FLAG),
            plain: service("svc-plain"),
        }),
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
        protected: Ok("paula"),
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
        protected: Ok("carol"),
        granted: Ok(http(&lab.var("WEB_HOST"))),
        not_granted: http(&format!("other.{}", lab.var("DOMAIN"))),
        let_in: Ok(LetIn {
            by: http(&format!("rweb.{}", lab.var("DOMAIN"))),
            front_end: Service::of_lab(lab, "svc-rb", &realm, "rb").await,
            without_flag: Service::of_lab(lab, "svc-ko", &realm, "ko").await,
            plain: Service::of_lab(lab, "svc-plain", &realm, "rb").await,
        }),
        realm,
    }
}

/// A component of the lab that is there only if it was named.
async fn runs(kdc: SocketAddr, component: &str) -> Option<()> {
    let connect = tokio::net::TcpStream::connect(kdc);
    if matches!(tokio::time::timeout(PATIENCE, connect).await, Ok(Ok(_))) {
        return Some(());
    }
    assert!(std::env::var("LAB_REQUIRED").as_deref() != Ok("1"), "the lab has no {component}");
    skipped(&format!("the lab has no {component}; `tests/lab up {component}` starts it"));
    None
}

async fn samba422(lab: &Lab) -> Option<Domain> {
    let realm = lab.var("SAMBA422_REALM");
    let kdc: SocketAddr = lab.var("SAMBA422_KDC").parse().expect("an address");
    runs(kdc, "samba422").await?;
    let web = |host: &str| http(&format!("{host}.{}", realm.to_lowercase()));
    let service = async |name: &str| Service::of_lab(lab, name, &realm, "samba422").await;
    Some(Domain {
        row: "",
        service: service("svc-mcp").await,
        without_flag: Ok(service("svc-ko").await),
        certificate: (UNKNOWN_CERTIFICATE.to_vec(), "bob"),
        kdc,
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: true,
        ordinary: "bob",
        sensitive: Ok("dave"),
        disabled: Ok(("eve", ErrorCode::POLICY)),
        expired: Ok("frank"),
        must_change: Ok("grace"),
        protected: Ok("carol"),
        granted: Ok(web("web")),
        not_granted: web("other"),
        let_in: Ok(LetIn {
            by: web("rweb"),
            front_end: service("svc-rb").await,
            without_flag: service("svc-ko").await,
            plain: service("svc-plain").await,
        }),
        realm,
    })
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
        protected: Err("only AD has that group"),
        granted: Err("db2 keeps no list for S4U2Proxy"),
        not_granted: http(&format!("web.{}", realm.to_lowercase())),
        let_in: Err("db2 keeps no list for S4U2Proxy"),
        realm,
    }
}

/// MIT's with its accounts in LDAP, which has a place for the front end's list.
async fn mit_kldap(lab: &Lab) -> Option<Domain> {
    let realm = lab.var("KLDAP_REALM");
    let kdc: SocketAddr = lab.var("KLDAP_KDC").parse().expect("an address");
    runs(kdc, "kldap").await?;
    let web = |host: &str| http(&format!("{host}.{}", realm.to_lowercase()));
    let none = "its schema has no place for the services' own lists";
    Some(Domain {
        row: "",
        service: Service::of_lab(lab, "svc-mcp", &realm, "kldap").await,
        without_flag: Ok(Service::of_lab(lab, "svc-ko", &realm, "kldap").await),
        certificate: (UNKNOWN_CERTIFICATE.to_vec(), "alice"),
        kdc,
        transport: Arc::new(Transport::tcp()),
        time: None,
        pac: true,
        ordinary: "alice",
        sensitive: Ok("dave"),
        disabled: Ok(("eve", ErrorCode::CLIENT_REVOKED)),
        expired: Ok("frank"),
        must_change: Ok("grace"),
        protected: Err("only AD has that group"),
        granted: Ok(web("web")),
        not_granted: web("other"),
        let_in: Err(none),
        realm,
    })
}

/// MIT's on its own test database, which knows no states of accounts, and every user.
async fn mit_test(lab: &Lab) -> Option<Domain> {
    let realm = lab.var("HERE_REALM");
    let kdc: SocketAddr = lab.var("HERE_KDC").parse().expect("an address");
    runs(kdc, "realms").await?;
    let service = async |name: &str| Service::of_lab(lab, name, &realm, "realms").await;
    let none = "the test database knows no such state";
    Some(Domain {
        row: "",
        service: service("svc-mcp").await,
        without_flag: Ok(service("svc-ko").await),
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
        protected: Err("only AD has that group"),
        granted: Ok(http("web.s.test")),
        not_granted: http("rweb.s.test"),
        let_in: Ok(LetIn {
            by: http("rweb.s.test"),
            front_end: service("svc-rb").await,
            without_flag: service("svc-ko").await,
            plain: service("svc-rb").await,
        }),
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
        protected: Err("only AD has that group"),
        granted: Ok(web("web")),
        not_granted: web("other"),
        let_in: Err("Heimdal has no lists of the services' own"),
        realm,
    }
}
