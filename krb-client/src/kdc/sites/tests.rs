use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::kdc::{Endpoint, Way};
use crate::resolver::testing;
use crate::testing::thrice;

const REALM: &str = "EXAMPLE.COM";

fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    [&[tag, 0x82][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn name(text: &str) -> Vec<u8> {
    let mut name = Vec::new();
    for label in text.split('.').filter(|label| !label.is_empty()) {
        name.push(label.len() as u8);
        name.extend(label.as_bytes());
    }
    name.push(0);
    name
}

/// The answer to a ping, whose message ID it has.
fn answer(ping: &[u8], domain: &str, site: &[u8]) -> Vec<u8> {
    let mut value = vec![23, 0, 0, 0];
    value.extend([0; 20]);
    for text in [domain, domain, "dc.example.com", "EXAMPLE", "DC", "", "Elsewhere"] {
        value.extend(name(text));
    }
    value.extend(site);
    value.extend([5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]);
    let attribute = [element(4, b"netlogon"), element(0x31, &element(4, &value))].concat();
    let entry = [element(4, b""), element(0x30, &element(0x30, &attribute))].concat();
    element(0x30, &[&ping[2..8], &element(0x64, &entry)].concat())
}

/// How a domain controller answers pings.
#[derive(Clone)]
enum Says {
    Site(&'static str),
    /// Octets where the site's name should be.
    Octets(&'static [u8]),
    OfAnother,
    Nonsense,
    Nothing,
}

/// A domain controller's LDAP port, and how often it was asked.
async fn controller(says: Says) -> (u16, Arc<AtomicUsize>) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (port, asked) = (socket.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    tokio::spawn(async move {
        let mut ping = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut ping).await {
            count.fetch_add(1, Ordering::SeqCst);
            let ping = &ping[..length];
            let answer = match says {
                Says::Site(site) => answer(ping, "example.com", &name(site)),
                Says::Octets(site) => answer(ping, "example.com", site),
                Says::OfAnother => answer(ping, "other.test", &name("Paris")),
                Says::Nonsense => b"nonsense".to_vec(),
                Says::Nothing => continue,
            };
            socket.send_to(&answer, from).await.unwrap();
        }
    });
    (port, asked)
}

/// A domain with these LDAP ports, two KDCs in Paris, and those and one more in all.
async fn domain(ports: Vec<u16>) -> (Sites, testing::Asked) {
    let (resolver, asked) = testing::resolver(move |name, kind| {
        let kdcs =
            |numbers: &[u16]| {
                testing::records(numbers.iter().map(|number| {
                    testing::srv(*number, 100, 88, &format!("kdc{number}.example.com"))
                }))
            };
        Some(match (name, kind) {
            ("_ldap._tcp.dc._msdcs.example.com", testing::SRV) => {
                let record = |(at, port): (usize, &u16)| {
                    testing::srv(at as u16, 100, *port, "dc.example.com")
                };
                testing::records(ports.iter().enumerate().map(record))
            }
            ("dc.example.com", testing::A) => testing::records([testing::address([127, 0, 0, 1])]),
            ("_kerberos._tcp.paris._sites.example.com", testing::SRV) => kdcs(&[2, 3]),
            ("_kerberos._tcp.example.com", testing::SRV) => kdcs(&[1, 2, 3]),
            _ => testing::no_such_name(),
        })
    })
    .await;
    // Known, so that neither comes too late for the other.
    for name in ["_kerberos._tcp.paris._sites.example.com", "_kerberos._tcp.example.com"] {
        resolver.services(name).await.unwrap();
    }
    (Sites::new(resolver), asked)
}

async fn kdcs(sites: &Sites) -> Vec<String> {
    let places = sites.places(REALM, Service::Kdc).await.unwrap();
    let word = |place| match place {
        Place::Host { host, port: 88, way: Way::Tcp } => host,
        Place::At(Endpoint::Tcp(address)) => address.to_string(),
        other => panic!("{other:?}"),
    };
    let names = places.into_iter().map(word);
    names.map(|host| host.trim_end_matches(".example.com").to_owned()).collect()
}

#[tokio::test]
async fn the_kdcs_of_our_site_go_first_and_the_others_are_not_lost() {
    thrice(async || {
        let (port, pings) = controller(Says::Site("Paris")).await;
        let (sites, _) = domain(vec![port]).await;
        let began = Instant::now();
        for _ in 0..3 {
            // At port 88, whatever port LDAP has.
            let (found, took) = (kdcs(&sites).await, began.elapsed());
            if took >= PATIENCE && found == ["kdc1", "kdc2", "kdc3"] {
                return Some(format!("no answer after {took:?}"));
            }
            assert_eq!(found, ["kdc2", "kdc3", "kdc1"]);
        }
        assert_eq!(sites.site(REALM).await.as_deref(), Some("Paris"));
        assert_eq!(pings.load(Ordering::SeqCst), 1, "asked once for all");
        None
    })
    .await;
}

#[tokio::test]
async fn without_a_site_all_kdcs_are_asked() {
    for says in [
        Says::Site(""),
        Says::Site("Rome"), // DNS has no such site
        Says::Octets(b"\x05a.b/c\x00"),
        Says::Octets(b"\x05a b\\c\x00"),
        Says::Octets(b"\x03\xff\xfe\xfd\x00"),
        Says::OfAnother,
        Says::Nonsense,
        Says::Nothing,
    ] {
        thrice(async || {
            let (port, _) = controller(says.clone()).await;
            let (sites, asked) = domain(vec![port]).await;
            let began = Instant::now();
            assert_eq!(kdcs(&sites).await, ["kdc1", "kdc2", "kdc3"]);
            let took = began.elapsed();
            let asked = asked.lock().unwrap();
            let beside = |name: &str| name.contains("a.b") || name.contains("a b");
            assert!(!asked.keys().any(|(name, _)| beside(name)), "{asked:?}");
            (took >= OVERALL * 2).then(|| format!("{took:?}"))
        })
        .await;
    }
}

#[tokio::test]
async fn silent_controllers_hold_up_nobody() {
    thrice(async || {
        let mut ports = Vec::new();
        for _ in 0..3 {
            ports.push(controller(Says::Nothing).await.0);
        }
        ports.push(controller(Says::Site("Paris")).await.0);
        let (sites, _) = domain(ports).await;
        let began = Instant::now();
        let (found, took) = (kdcs(&sites).await, began.elapsed());
        let late = took >= OVERALL;
        assert!(late || found == ["kdc2", "kdc3", "kdc1"], "{found:?} after {took:?}");
        late.then(|| format!("{took:?}"))
    })
    .await;
}

#[tokio::test]
async fn a_domain_without_controllers_in_dns_has_its_kdcs_all_the_same() {
    let (sites, _) = domain(Vec::new()).await;
    assert_eq!(kdcs(&sites).await, ["kdc1", "kdc2", "kdc3"]);
}
