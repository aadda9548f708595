//! Who there is. The accounts of the lab's directory under the same names, as far as stories are told
//! of them.

use krb_client::Entropy;
use krb_proto::iana::EncType;
use krb_proto::kdc::{Account, Realm};
use krb_proto::pac::Sid;
use krb_proto::{KerberosTime, Random};

/// The realm.
pub const REALM: &str = "EXAMPLE.TEST";
/// The account that S4U is done with.
pub const SERVICE: &str = "svc-mcp-server";
/// Another one of its kind, which may delegate to one application only.
pub const SECOND_SERVICE: &str = "svc-second";
/// One that is to come itself.
pub const SERVICE_AS_ITSELF: &str = "svc-reports";
/// Another realm, in which the service and some of the users have the same names.
pub const SECOND_REALM: &str = "SECOND.TEST";
/// The application of that realm.
pub const SECOND_WEBAPP: &str = "webapp.second.test";
/// One without TRUSTED_TO_AUTH_FOR_DELEGATION.
pub const SERVICE_WITHOUT_THE_FLAG: &str = "svc-ko";
/// One without an SPN.
pub const SERVICE_WITHOUT_SPN: &str = "svc-nospn";
/// The accounts of the web applications, each named as its SPN's host is.
pub const WEBAPP: &str = "webapp.example.test";
/// The other one that S4U2Proxy is granted to.
pub const INTRANET: &str = "intranet.example.test";
/// The one that it is not granted to.
pub const OTHER: &str = "other.example.test";
/// The group of those who may read the reports.
pub const STAFF: u32 = 1600;

const DOMAIN_ADMINS: u32 = 512;
const KEYS: [EncType; 1] = [EncType::AES256_CTS_HMAC_SHA1_96];

/// The directory.
///
/// # Panics
/// Never: AES keys can be made.
#[must_use]
pub fn directory(random: &dyn Entropy) -> Realm {
    let mut random = random;
    let rng: &mut dyn Random = &mut random;
    let spn = |host: &str| format!("HTTP/{host}");
    let mut realm = Realm::new(REALM, rng);
    let mut service = |name: &str, spn: Option<&str>| {
        let account = Account::service(name).random_keys(&KEYS, rng).expect("AES keys");
        spn.into_iter().fold(account, Account::spn)
    };
    let targets: Vec<_> = [WEBAPP, INTRANET].map(spn).into();
    let trusted = |account: Account, flag: bool| {
        account.set(|account| {
            account.trusted_to_auth_for_delegation = flag;
            account.allowed_to_delegate_to = targets.clone();
        })
    };
    for account in [
        trusted(service(SERVICE, Some("HTTP/mcp-server.example.test")), true),
        trusted(service(SERVICE_WITHOUT_THE_FLAG, Some("HTTP/ko.example.test")), false),
        trusted(service(SERVICE_WITHOUT_SPN, None), true),
        service("svc-webapp", Some(&spn(WEBAPP))),
        service("svc-intranet", Some(&spn(INTRANET))),
        service("svc-other", Some(&spn(OTHER))),
    ] {
        realm.insert(account);
    }
    let user = |name: &str| Account::user(name).password("Passw0rd!");
    let upn = |name: &str| format!("{name}@example.test");
    let past = KerberosTime::from_unix(1_700_000_000);
    for account in [
        user("ALICE_ADMIN").upn(&upn("alice")).groups([STAFF]),
        user("bob"),
        user("erin").groups([STAFF]),
        user("rené").groups([STAFF]),
        user("rene").groups([STAFF]),
        user("many").groups((0..300).map(|number| 2000 + number).chain([STAFF])),
        user("phoenix").groups([STAFF]),
        // `alice` is an account, and the UPN of another one; so is `ben`.
        user("alice").upn(&upn("alice.decoy")).groups([STAFF]),
        user("ben").upn(&upn("ben.decoy")).groups([STAFF]),
        user("molly").upn(&upn("ben")).groups([STAFF]),
        // Two accounts share this one.
        user("hal1").upn(&upn("hal")),
        user("hal2").upn(&upn("hal")),
        // Who cannot be used.
        user("dave").set(|dave| dave.not_delegated = true),
        user("paula").set(|paula| paula.protected_user = true),
        user("eve").set(|eve| eve.disabled = true),
        user("lucy").set(|lucy| lucy.locked = true),
        user("frank").set(|frank| frank.expires = Some(past)),
        user("grace").set(|grace| grace.must_change_password = true),
        // Who is not.
        user("Administrator").rid(500),
        user("dora").groups([DOMAIN_ADMINS]),
        Account::domain_controller("DC1$").password("Passw0rd!dc").groups([516]),
        Account::computer("FILESERVER$").password("Passw0rd!fs"),
    ] {
        realm.insert(account);
    }
    let more = [
        service(SECOND_SERVICE, Some("HTTP/second.example.test")).set(|second| {
            second.trusted_to_auth_for_delegation = true;
            second.allowed_to_delegate_to = vec![spn(INTRANET)];
        }),
        service(SERVICE_AS_ITSELF, Some("HTTP/reports.example.test")).groups([STAFF]),
    ];
    for account in more {
        realm.insert(account);
    }
    realm
}

/// The other realm's directory.
///
/// # Panics
/// Never: AES keys can be made.
#[must_use]
pub fn second_directory(random: &dyn Entropy) -> Realm {
    let mut random = random;
    let rng: &mut dyn Random = &mut random;
    let mut realm = Realm::new(SECOND_REALM, rng);
    let mut service = |name: &str, spn: &str| {
        Account::service(name).random_keys(&KEYS, rng).expect("AES keys").spn(spn)
    };
    let webapp = format!("HTTP/{SECOND_WEBAPP}");
    for account in [
        service(SERVICE, "HTTP/mcp-server.second.test").set(|service| {
            service.trusted_to_auth_for_delegation = true;
            service.allowed_to_delegate_to = vec![webapp.clone()];
        }),
        service("svc-webapp", &webapp),
        Account::user("bob").password("Passw0rd!").rid(4711),
        Account::user("ALICE_ADMIN").password("Passw0rd!"),
    ] {
        realm.insert(account);
    }
    realm
}

/// The SID of an account.
///
/// # Panics
/// If there is none.
#[must_use]
pub fn sid(realm: &Realm, name: &str) -> Sid {
    let account = realm.account(name).unwrap_or_else(|| panic!("no account {name}"));
    realm.sid(account).expect("a SID")
}
