use std::net::Ipv4Addr;

use tokio::time::{Instant, sleep, timeout};

use super::testing::*;
use super::*;
use crate::testing::thrice;

const SERVICE: &str = "_kerberos._tcp.example.com";

fn count(asked: &Asked, name: &str, kind: u16) -> usize {
    asked.lock().unwrap().get(&(name.to_owned(), kind)).copied().unwrap_or(0)
}

#[tokio::test]
async fn without_a_name_server_addresses_are_still_addresses() {
    let hosts = HashMap::from([("Kdc.Example.com".into(), vec![Ipv4Addr::LOCALHOST.into()])]);
    // What a machine without /etc/resolv.conf gives.
    let reason = "there is no name server (/etc/resolv.conf: No such file or directory)";
    let resolver = Resolver::with(Dns::None(reason.into()), hosts);
    for host in ["127.0.0.1", "kdc.example.com", "kdc.example.com."] {
        assert_eq!(resolver.addresses(host).await.unwrap(), [Ipv4Addr::LOCALHOST], "{host}");
    }
    assert_eq!(resolver.addresses("[::1]").await.unwrap().len(), 1);
    let error = resolver.addresses("other.example.com").await.unwrap_err().to_string();
    assert_eq!(error, format!("cannot resolve other.example.com: {reason}"));
    assert!(resolver.services(SERVICE).await.unwrap_err().to_string().ends_with(reason));
}

#[tokio::test]
async fn sixty_records_fit_no_datagram_and_come_all_the_same() {
    let (resolver, _) = resolver(|_, kind| {
        assert_eq!(kind, SRV);
        Some(records((0..60).map(|i| srv(0, 100, 88, &format!("kdc{i}.example.com")))))
    })
    .await;
    let mut found = resolver.services(SERVICE).await.unwrap();
    let again = resolver.services(SERVICE).await.unwrap();
    assert_ne!(found, again, "drawn anew: the same order has one chance in 60!");
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 60);
    assert!(found.contains(&("kdc59.example.com".to_owned(), 88)));
}

#[tokio::test]
async fn a_dot_says_that_there_is_no_such_service() {
    let (resolver, _) = resolver(|_, _| Some(records([srv(0, 0, 0, ".")]))).await;
    let error = resolver.services(SERVICE).await.unwrap_err().to_string();
    assert!(error.contains(SERVICE) && error.contains("no such service"), "{error}");
}

#[tokio::test]
async fn that_there_is_nothing_is_said_plainly() {
    let (resolver, _) =
        resolver(|name, _| Some(if name.starts_with("kdc") { nothing() } else { no_such_name() }))
            .await;
    for (host, reason) in [("kdc.example.com", "no A"), ("absent.example.com", "no such name")] {
        let error = resolver.addresses(host).await.unwrap_err().to_string();
        assert!(error.contains(host) && error.contains(reason), "{error}");
    }
    let error = resolver.services("_kerberos._tcp.absent").await.unwrap_err().to_string();
    assert!(error.contains("no such name"), "{error}");
}

#[tokio::test]
async fn a_name_that_is_not_there_is_asked_for_again_soon() {
    // A day, a second, nothing said at all: between 5 seconds and a minute each time.
    for soa in [Some(86_400), Some(1), None] {
        let (resolver, asked) = resolver(move |_, _| Some(no_such_name().with_soa(soa))).await;
        for _ in 0..3 {
            resolver.addresses("absent.example.com").await.unwrap_err();
        }
        assert_eq!(count(&asked, "absent.example.com", A), 1, "kept for a while: {soa:?}");
        let Dns::Servers { resolver, .. } = &resolver.dns else { panic!() };
        assert_eq!(resolver.options().negative_max_ttl, Some(Duration::from_secs(60)));
        assert_eq!(resolver.options().negative_min_ttl, Some(Duration::from_secs(5)));
        assert_eq!(resolver.options().positive_max_ttl, Some(Duration::from_secs(3600)));
    }
}

#[tokio::test]
async fn what_is_not_there_without_a_soa_is_asked_for_again_after_five_seconds() {
    thrice(async || {
        let (resolver, asked) = resolver(|_, _| Some(no_such_name())).await;
        let mut times = Vec::new();
        for wait in [0, 4, 2] {
            sleep(Duration::from_secs(wait)).await;
            resolver.addresses("absent.example.com").await.unwrap_err();
            times.push(count(&asked, "absent.example.com", A));
        }
        (times != [1, 1, 2]).then(|| format!("asked for {times:?} times"))
    })
    .await;
}

#[tokio::test]
async fn a_question_for_ipv6_that_is_never_answered_costs_next_to_nothing() {
    thrice(async || {
        let (resolver, _) =
            resolver(|_, kind| (kind == A).then(|| records([address([127, 0, 0, 9])]))).await;
        let started = Instant::now();
        let found = resolver.addresses("kdc.example.com").await.unwrap();
        assert_eq!(found, [Ipv4Addr::new(127, 0, 0, 9)]);
        let took = started.elapsed();
        (took >= Duration::from_secs(1)).then(|| format!("{took:?}"))
    })
    .await;
}

#[tokio::test]
async fn ipv6_goes_first() {
    // The one kind is not waited for for long once the other is there.
    thrice(async || {
        let (resolver, _) = resolver(|_, kind| {
            Some(records([if kind == AAAA {
                address6("2001:db8::1")
            } else {
                address([192, 0, 2, 1])
            }]))
        })
        .await;
        let found = resolver.addresses("kdc.example.com").await.unwrap();
        if found.len() < 2 {
            return Some(format!("{found:?}"));
        }
        assert_eq!(found.iter().map(IpAddr::is_ipv6).collect::<Vec<_>>(), [true, false]);
        None
    })
    .await;
}

#[tokio::test]
async fn callers_that_give_up_keep_nobody_from_an_answer() {
    thrice(async || {
        let begun = Instant::now();
        // Each gives up long before the server answers: a look-up that was theirs would never end.
        let late = |_: &str, kind| {
            let says = if kind == A { records([address([127, 0, 0, 9])]) } else { nothing() };
            Some(says.late(Duration::from_millis(300)))
        };
        let (resolver, asked) = resolver(late).await;
        let (patience, mut given_up) = (Duration::from_millis(20), 0);
        while timeout(patience, resolver.addresses("kdc.example.com")).await.is_err() {
            given_up += 1;
            assert!(begun.elapsed() < Duration::from_secs(9), "asked {asked:?}");
        }
        let for_each = count(&asked, "kdc.example.com", A) >= given_up;
        (given_up <= 5 || for_each).then(|| format!("{given_up} gave up, {asked:?}"))
    })
    .await;
}
