use std::net::IpAddr;
use std::path::PathBuf;

use krb_proto::formats::krb5_conf::NoIncludes;

use super::*;
use crate::kdc::{Endpoint, Place, Way};
use crate::resolver::testing::*;
use crate::testing::thrice;

const HERE: &str = "EXAMPLE.COM";

fn conf(text: &str) -> Krb5Conf {
    Krb5Conf::parse("krb5.conf", text.as_bytes(), &mut NoIncludes).unwrap()
}

fn configured(text: &str, resolver: Resolver) -> Realms {
    Realms::default().with_conf(conf(text), resolver).unwrap()
}

fn no_dns() -> Resolver {
    Resolver::new(&[], HashMap::new()).unwrap()
}

/// The servers of a realm, each as one word.
async fn places(realms: &Realms, realm: &str, service: Service) -> Result<Vec<String>, String> {
    let source = realms.source(realm, service)?;
    let places = source.places(realm, service).await.map_err(|error| error.to_string())?;
    let word = |place| match place {
        Place::At(Endpoint::Udp(address)) => format!("udp/{address}"),
        Place::At(Endpoint::Tcp(address)) => format!("tcp/{address}"),
        Place::At(endpoint) => endpoint.to_string(),
        Place::Host { host, port, way: Way::Any } => format!("{host}:{port}"),
        Place::Host { host, port, way: Way::Tcp } => format!("tcp/{host}:{port}"),
        Place::Host { host, port, way: Way::Udp } => format!("udp/{host}:{port}"),
    };
    Ok(places.into_iter().map(word).collect())
}

async fn kdcs(realms: &Realms, realm: &str) -> Result<Vec<String>, String> {
    places(realms, realm, Service::Kdc).await
}

async fn kpasswd(realms: &Realms, realm: &str) -> Result<Vec<String>, String> {
    places(realms, realm, Service::Kpasswd).await
}

const CONF: &str = "
[libdefaults]
    default_realm = EXAMPLE.COM
    dns_lookup_kdc = false
[realms]
    EXAMPLE.COM = {
        kdc = kdc1.example.com
        kdc = 192.0.2.1:750
        kdc = [2001:db8::1]
        kdc = https://proxy.example.com/TENANT/KdcProxy
        kpasswd_server = pw.example.com
        admin_server = admin.example.com
    }
    ADMIN.TEST = {
        kdc = kdc.admin.test
        admin_server = admin.admin.test
    }
    ONE.TEST = {
        kdc = one.one.test:750
    }
    WRONG.TEST = {
        kdc = kdc.wrong.test:none
    }
[domain_realm]
    .example.com = EXAMPLE.COM
    odd.example.com = ONE.TEST
[capaths]
    EXAMPLE.COM = {
        ONE.TEST = ADMIN.TEST
        ADMIN.TEST = .
    }
";

#[tokio::test]
async fn servers_are_as_the_file_names_them() {
    let realms = configured(CONF, no_dns());
    let four = [
        "kdc1.example.com:88",
        "192.0.2.1:750",
        "[2001:db8::1]:88",
        "https://proxy.example.com/TENANT/KdcProxy",
    ];
    for realm in [HERE, "example.com"] {
        assert_eq!(kdcs(&realms, realm).await.unwrap(), four, "{realm}");
    }
    assert_eq!(kpasswd(&realms, HERE).await.unwrap(), ["pw.example.com:464"]);
    assert_eq!(kpasswd(&realms, "ADMIN.TEST").await.unwrap(), ["admin.admin.test:464"]);
    assert_eq!(kpasswd(&realms, "ONE.TEST").await.unwrap(), ["one.one.test:464"]);
    assert_eq!(realms.default_realm(), Some(HERE));
}

#[tokio::test]
async fn the_way_to_a_service_is_as_the_file_says() {
    let realms = configured(CONF, no_dns());
    for (own, service, way) in [
        (HERE, "HTTP/odd.example.com", &["ADMIN.TEST", "ONE.TEST"][..]),
        ("ONE.TEST", "HTTP/www.example.com", &[HERE]),
        ("ONE.TEST", "HTTP/odd.example.com", &[]),
        (HERE, "HTTP/www.nobody.test", &[]),
        (HERE, "alice", &[]),
        (HERE, "krbtgt/odd.example.com", &[]),
    ] {
        let name = Name::new(krb_proto::iana::NameType::SRV_INST, service.split('/'));
        let found = realms.way_to(own.as_bytes(), &name).await;
        let way: Vec<_> = way.iter().map(|realm| realm.as_bytes().to_vec()).collect();
        assert_eq!(found, way, "{own} {service}");
    }
    let name = Name::new(krb_proto::iana::NameType::SRV_INST, ["HTTP", "odd.example.com"]);
    assert!(Realms::default().way_to(HERE.as_bytes(), &name).await.is_empty());
}

#[tokio::test]
async fn why_nobody_knows_is_said() {
    let realms = configured(CONF, no_dns());
    let error = kdcs(&realms, "WRONG.TEST").await.unwrap_err();
    assert!(error.contains("krb5.conf line 22"), "{error}");
    let error = kdcs(&realms, "OTHER.TEST").await.unwrap_err();
    assert!(error.contains("dns_lookup_kdc"), "{error}");
    let error = kdcs(&Realms::default(), HERE).await.unwrap_err();
    assert_eq!(error, "nothing says where its KDCs are");
}

#[tokio::test]
async fn what_the_caller_says_counts_first_and_others_last() {
    let address = "192.0.2.9:99".parse().unwrap();
    let at = |address| KdcSource::Addresses(vec![address]);
    let realms = configured(CONF, no_dns()).with("One.Test", at(address));
    assert_eq!(kdcs(&realms, "ONE.TEST").await.unwrap(), ["192.0.2.9:99"]);
    assert_eq!(kpasswd(&realms, "ONE.TEST").await.unwrap(), ["192.0.2.9:464"]);
    assert_eq!(kdcs(&realms, HERE).await.unwrap().len(), 4);
    let realms = realms.with_others(at("192.0.2.10:88".parse().unwrap()));
    assert_eq!(kdcs(&realms, "OTHER.TEST").await.unwrap(), ["192.0.2.10:88"]);
    assert_eq!(kdcs(&realms, HERE).await.unwrap().len(), 4);
    let realms = realms.with_kpasswd("one.test", at("192.0.2.11:1464".parse().unwrap()));
    assert_eq!(kpasswd(&realms, "ONE.TEST").await.unwrap(), ["192.0.2.11:1464"]);
}

/// Name, type, and of each record the priority, the port and the target.
type Records = (&'static str, u16, &'static [(u16, u16, &'static str)]);

/// A zone of this one realm, with these records by name and type, which are known: none comes too late
/// for another one.
async fn zone(all: &[Records]) -> Resolver {
    let records_of = all.to_vec();
    let zone = move |name: &str, kind| {
        let found = records_of.iter().find(|(known, of, _)| *known == name && *of == kind);
        let data = |(priority, port, target): &(u16, u16, &str)| match kind {
            URI => uri(*priority, 0, target),
            TXT => txt(target),
            _ => srv(*priority, 0, *port, target),
        };
        Some(found.map_or_else(no_such_name, |(.., data_of)| records(data_of.iter().map(data))))
    };
    let (resolver, _) = resolver(zone).await;
    for (name, kind, _) in all {
        let _ = match *kind {
            URI => resolver.uris(name).await.map(drop),
            TXT => resolver.texts(name).await.map(drop),
            _ => resolver.services(name).await.map(drop),
        };
    }
    resolver
}

const TCP: &str = "_kerberos._tcp.example.com";
const UDP: &str = "_kerberos._udp.example.com";

#[tokio::test]
async fn who_is_listed_for_tcp_and_udp_is_asked_over_either() {
    let dns = zone(&[
        (TCP, SRV, &[(1, 88, "both.example.com"), (2, 88, "tcp.example.com")]),
        (UDP, SRV, &[(1, 88, "both.example.com"), (1, 750, "both.example.com")]),
    ])
    .await;
    let realms = configured("", dns);
    assert_eq!(
        kdcs(&realms, HERE).await.unwrap(),
        ["both.example.com:88", "tcp/tcp.example.com:88", "udp/both.example.com:750"]
    );
    let none = kpasswd(&realms, HERE).await.unwrap_err();
    assert!(none.contains("_kpasswd._tcp"), "{none}");
}

#[tokio::test]
async fn a_service_that_is_said_not_to_be_there_is_not_looked_for() {
    let dns = zone(&[(TCP, SRV, &[(0, 0, ".")]), (UDP, SRV, &[(0, 88, "kdc.example.com")])]).await;
    let realms = configured("", dns);
    assert_eq!(kdcs(&realms, HERE).await.unwrap(), ["udp/kdc.example.com:88"]);
    let dns = zone(&[(TCP, SRV, &[(0, 0, ".")]), (UDP, SRV, &[(0, 0, ".")])]).await;
    let error = kdcs(&configured("", dns), HERE).await.unwrap_err();
    assert!(error.contains("no such service"), "{error}");
}

const URIS: &[(u16, u16, &str)] = &[
    (3, 0, "krb5srv:m:kkdcp:https://proxy.example.com/path"),
    (1, 0, "krb5srv:m:tcp:kdc.example.com"),
    (2, 0, "krb5srv::udp:192.0.2.1:750"),
    (0, 0, "https://nothing.example.com"),
];

#[tokio::test]
async fn uri_records_go_before_srv_records_unless_they_are_of_no_use() {
    let srv: Records = (TCP, SRV, &[(0, 88, "srv.example.com")]);
    let dns = zone(&[("_kerberos.example.com", URI, URIS), srv]).await;
    let realms = configured("", dns.clone());
    assert_eq!(
        kdcs(&realms, HERE).await.unwrap(),
        ["tcp/kdc.example.com:88", "udp/192.0.2.1:750", "https://proxy.example.com/path"]
    );
    let (origin, listed) = realms.listed(HERE, Service::Kdc).await.unwrap();
    let host = |host: &str, port, udp_only| Listed::Host { host: host.to_owned(), port, udp_only };
    assert_eq!(origin, Origin::Uri);
    assert_eq!(listed[..2], [host("kdc.example.com", 88, false), host("192.0.2.1", 750, true)]);
    assert!(matches!(&listed[2..], [Listed::Proxy(proxy)] if proxy.path == "path"), "{listed:?}");
    let realms = configured("[libdefaults]\ndns_uri_lookup = false", dns);
    assert_eq!(kdcs(&realms, HERE).await.unwrap(), ["tcp/srv.example.com:88"]);
    let dns = zone(&[("_kerberos.example.com", URI, &[(0, 0, "krb5srv:m:quic:a")]), srv]).await;
    let realms = configured("", dns);
    assert_eq!(kdcs(&realms, HERE).await.unwrap(), ["tcp/srv.example.com:88"]);
    let listed = realms.listed(HERE, Service::Kdc).await.unwrap();
    assert_eq!(listed, (Origin::Srv, vec![host("srv.example.com", 88, false)]));
    let realms = configured(CONF, no_dns());
    assert_eq!(realms.listed("ONE.TEST", Service::Kdc).await.unwrap().0, Origin::Configuration);
    assert!(realms.listed("OTHER.TEST", Service::Kdc).await.is_err());
}

#[tokio::test]
async fn a_name_server_that_is_silent_about_uris_holds_up_nobody() {
    thrice(async || {
        let (dns, _) = resolver(|name, kind| match kind {
            SRV if name == TCP => Some(records([srv(0, 0, 88, "kdc.example.com")])),
            _ => None,
        })
        .await;
        let began = tokio::time::Instant::now();
        let found = kdcs(&configured("", dns), HERE).await.unwrap();
        assert_eq!(found, ["tcp/kdc.example.com:88"]);
        let took = began.elapsed();
        (took >= std::time::Duration::from_secs(2)).then(|| format!("{took:?}"))
    })
    .await;
}

#[tokio::test]
async fn passwords_are_changed_where_dns_says_before_the_administrators_host() {
    let text = "[realms]\nEXAMPLE.COM = {\nadmin_server = admin.example.com\n}";
    let dns = zone(&[("_kpasswd._udp.example.com", SRV, &[(0, 464, "pw.example.com")])]).await;
    assert_eq!(kpasswd(&configured(text, dns), HERE).await.unwrap(), ["udp/pw.example.com:464"]);
    let dns = zone(&[]).await;
    assert_eq!(kpasswd(&configured(text, dns), HERE).await.unwrap(), ["admin.example.com:464"]);
}

#[tokio::test]
async fn the_realm_of_a_host_comes_from_the_file_and_from_dns_only_if_asked() {
    let txt: Records =
        ("_kerberos.other.test", TXT, &[(0, 0, "OTHER REALM"), (0, 0, "OTHER.TEST")]);
    let realms = configured(CONF, zone(&[txt]).await);
    for (host, realm) in [
        ("www.example.com", Some(HERE)),
        ("odd.example.com", Some("ONE.TEST")),
        ("www.other.test", None),
    ] {
        assert_eq!(realms.host_realm(host).await.as_deref(), realm, "{host}");
    }
    let asked = configured("[libdefaults]\ndns_lookup_realm = true", zone(&[txt]).await);
    assert_eq!(asked.host_realm("a.www.other.test.").await.as_deref(), Some("OTHER.TEST"));
    assert_eq!(asked.host_realm("www.nobody.test").await, None);
    assert_eq!(asked.host_realm("192.0.2.1").await, None);
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krb-client-{name}-{}", std::process::id()));
        std::fs::create_dir_all(path.join("conf.d")).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_list_of_files_is_one_configuration_with_what_they_include() {
    let folder = Folder::new("list");
    let included = folder.write("included", "[realms]\nEXAMPLE.COM = {\nkdc = included\n}\n");
    folder.write("conf.d/b.conf", "[realms]\nEXAMPLE.COM = {\nkdc = b\n}\n");
    folder.write("conf.d/a", "[realms]\nEXAMPLE.COM = {\nkdc = a\n}\n");
    folder.write("conf.d/a.rpmsave", "nonsense");
    let directory = folder.0.join("conf.d");
    let first = format!("include {}\nincludedir {}\n", included.display(), directory.display());
    let paths = vec![
        folder.0.join("missing"),
        folder.write("first", &first),
        folder.write("second", "[realms]\nEXAMPLE.COM = {\nkdc = second\n}\n"),
    ];
    let conf = read_krb5_conf(paths).await.unwrap();
    let kdcs: Vec<_> = conf.values(&["realms", HERE, "kdc"]).collect();
    assert_eq!(kdcs, ["included", "a", "b", "second"]);
}

#[tokio::test]
async fn the_null_device_is_an_empty_configuration() {
    let read = read_krb5_conf(vec!["/dev/null".into()]).await.unwrap();
    assert_eq!(read.values(&["libdefaults", "default_realm"]).next(), None);
}

#[tokio::test]
async fn a_list_without_files_is_an_empty_configuration() {
    assert_eq!(files::listed(Some("".into())).await.unwrap(), Krb5Conf::default());
    files::listed(Some("/nonexistent/krb5.conf".into())).await.unwrap_err();
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let folder = Folder::new("unusable");
    let wrong = folder.write("wrong", "[realms]\nEXAMPLE.COM = {\nkdc\n}\n");
    let own = folder.0.join("loop");
    folder.write("loop", &format!("include {}\n", own.display()));
    let long = folder.write("long", &"#".repeat(krb_proto::formats::krb5_conf::MAX_BYTES + 1));
    let fifo = folder.0.join("fifo");
    std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
    let includes = folder.write("includes", &format!("include {}\n", fifo.display()));
    for (path, text) in [
        (folder.0.join("missing"), "there is no "),
        (wrong, "line 3"),
        (own, "includes itself"),
        (long, "bytes in all"),
        (fifo, "not a regular file"),
        (includes, "not a regular file"),
        (folder.0.clone(), "not a regular file"),
    ] {
        let error = read_krb5_conf(vec![path.clone()]).await.unwrap_err().to_string();
        assert!(error.contains(text) && error.contains(&*path.to_string_lossy()), "{error}");
    }
}

#[tokio::test]
async fn a_list_of_realms_is_one_too() {
    let ip: IpAddr = [192, 0, 2, 1].into();
    let realms = Realms::from([(b"R".to_vec(), KdcSource::Addresses(vec![(ip, 88).into()]))]);
    assert_eq!(kdcs(&realms, "r").await.unwrap(), ["192.0.2.1:88"]);
}

#[tokio::test]
async fn servers_are_spoken_to_over_udp_where_the_file_wants_it() {
    // Nobody listens for connections there.
    let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        let mut message = [0; 100];
        while let Ok((length, from)) = server.recv_from(&mut message).await {
            server.send_to(&message[..length], from).await.unwrap();
        }
    });
    for (text, reached) in [
        ("", false),
        ("[libdefaults]\nudp_preference_limit = 100", true),
        ("[libdefaults]\nudp_preference_limit = 1", true), // after TCP
    ] {
        let transport = configured(text, no_dns()).transport();
        let until = tokio::time::Instant::now() + std::time::Duration::from_secs(10);
        let answer = crate::Carry::carry(&transport, address.into(), b"ask".to_vec(), until).await;
        assert_eq!(answer.is_ok(), reached, "{text}: {answer:?}");
    }
}
