//! What goes wrong on the way, one thing at a time: the right outcome, soon, and nobody blamed who is
//! not to blame.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use krb_proto::formats::krb5_conf::ServerAddress;
use tokio::time::sleep;

use super::silence::{Is, Kdcs, address};
use super::*;
use crate::resolver::testing;
use crate::{Realms, Resolver};

const PATIENCE: Patience =
    Patience { per_kdc: Duration::from_secs(1), overall: Duration::from_secs(10) };

/// A KDC that sends the beginning of its reply and hangs up.
async fn cutting(part: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = cut(stream, &part).await;
        }
    });
    address
}

async fn cut(mut stream: TcpStream, part: &[u8]) -> std::io::Result<()> {
    let length = stream.read_u32().await?;
    stream.read_exact(&mut vec![0; length as usize]).await?;
    stream.write_all(part).await
}

#[tokio::test]
async fn a_reply_that_is_cut_anywhere_sends_the_call_to_another_kdc_at_once() {
    let whole = [&[0, 0, 0, 4][..], b"done"].concat();
    let (good, count) = kdc(vec![b"done".to_vec()]).await;
    for end in 0..whole.len() {
        let kdcs = vec![cutting(whole[..end].to_vec()).await, good];
        let driver = driver(kdcs, Transport::tcp());
        let began = Instant::now();
        driver.run(Probe::default()).await.unwrap();
        // Before another would be asked beside it.
        assert!(began.elapsed() < PATIENT.per_kdc / 4, "after {end}: {:?}", began.elapsed());
        assert_eq!(*count.lock().unwrap(), end + 1);
    }
}

/// A KDC that answers one request on each connection, and hangs up when it reads a second one.
async fn closing() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, connections) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = connections.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let mut request = [0; 7];
                stream.read_exact(&mut request).await.unwrap();
                stream.write_all(&[&[0, 0, 0, 4][..], b"done"].concat()).await.unwrap();
                let _ = stream.read_exact(&mut request).await;
            });
        }
    });
    (address, connections)
}

#[tokio::test]
async fn a_kdc_that_closes_what_it_left_open_is_asked_anew_and_not_blamed() {
    let (address, connections) = closing().await;
    let driver = driver(vec![address], Transport::tcp());
    driver.run(Probe::default()).await.unwrap();
    let probe = Probe::default();
    let built = probe.offsets.clone();
    let began = Instant::now();
    driver.run(probe).await.unwrap();
    assert!(began.elapsed() < PATIENT.per_kdc, "{:?}", began.elapsed());
    assert_eq!(built.lock().unwrap().len(), 2, "the request was made anew");
    assert_eq!(connections.load(Ordering::SeqCst), 2);
    assert!(driver.memory.aside(&address.into()).is_none());
}

#[tokio::test]
async fn round_trips_of_one_exchange_share_a_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let keeping = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for reply in [&b"more"[..], b"more", b"done"] {
            stream.read_exact(&mut [0; 7]).await.unwrap();
            stream.write_all(&[&[0, 0, 0, 4][..], reply].concat()).await.unwrap();
        }
        listener
    });
    let driver = driver_of(KdcSource::Addresses(vec![address]), Transport::tcp(), PATIENCE);
    driver.run(Probe::default()).await.unwrap();
    keeping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_a_name_with_eight_addresses_seven_may_be_dead() {
    for way in [Is::Silent, Is::Refusing] {
        for alive in 0..8 {
            let kdcs = Arc::new(Kdcs::default());
            (0..8).for_each(|number| kdcs.set(number, way.clone()));
            kdcs.set(alive, Is::Well(5));
            let addresses: Vec<IpAddr> = (0..8).map(|number| address(number).ip()).collect();
            let hosts = HashMap::from([("kdc.example.com".into(), addresses)]);
            let resolver = Resolver::new(&[], hosts).unwrap();
            let host = ServerAddress::direct("kdc.example.com", 88);
            let driver = driver_of(KdcSource::Hosts(vec![host], resolver), kdcs, PATIENCE);
            let began = Instant::now();
            driver.run(Probe::default()).await.unwrap();
            assert!(began.elapsed() < PATIENCE.per_kdc, "{way:?} {alive}: {:?}", began.elapsed());
        }
    }
}

fn found_by(resolver: Resolver, kdcs: Arc<Kdcs>) -> Driver {
    let realms = Realms::default().with("R", KdcSource::Dns(resolver));
    Driver::new(realms, Arc::new(kdcs), PATIENCE, Arc::new(Fixed), Arc::new(OsRandom))
}

#[tokio::test]
async fn dns_that_knows_nothing_is_said_to_know_nothing() {
    for (says, text) in [(true, "no such name"), (false, "has no SRV record")] {
        let nothing =
            move |_: &str, _| Some(if says { testing::no_such_name() } else { testing::nothing() });
        thrice(async || {
            let (resolver, _) = testing::resolver(nothing).await;
            let began = Instant::now();
            let driver = found_by(resolver, Arc::default());
            let error = driver.run(Probe::default()).await.unwrap_err().to_string();
            let took = began.elapsed();
            assert!(error.contains("_kerberos._tcp.R") && error.contains(text), "{error}");
            (took >= Duration::from_secs(2)).then(|| format!("{took:?}"))
        })
        .await;
    }
}

#[tokio::test]
async fn dns_that_lies_costs_no_call_while_it_names_one_kdc() {
    thrice(async || {
        let took = call_while_dns_lies().await;
        (took >= Duration::from_secs(3)).then(|| format!("{took:?}"))
    })
    .await;
}

async fn call_while_dns_lies() -> Duration {
    let (resolver, _) = testing::resolver(|name, kind| {
        Some(match (name.split('.').next().unwrap(), kind) {
            ("_kerberos", testing::URI) => {
                testing::records([testing::uri(0, 0, "https://elsewhere.example.com/")])
            }
            (_, testing::SRV) => testing::records([
                testing::srv(0, 0, 88, "nobody.example.com"), // no such name
                testing::srv(0, 0, 88, "web.example.com"),
                testing::srv(0, 0, 0, "web.example.com"), // no such port
                testing::srv(1, 0, 88, "away.example.com"),
                testing::srv(2, 0, 88, "kdc.example.com"),
            ]),
            ("web", testing::A) => testing::records([testing::address([10, 0, 0, 1])]),
            ("away", testing::A) => testing::records([testing::address([10, 0, 0, 2])]),
            ("kdc", testing::A) => testing::records([testing::address([10, 0, 0, 3])]),
            _ => testing::no_such_name(),
        })
    })
    .await;
    let kdcs = Arc::new(Kdcs::default());
    for (number, is) in [(1, Is::Babbling), (2, Is::Refusing), (3, Is::Well(5))] {
        kdcs.set(number, is);
    }
    let driver = found_by(resolver, kdcs.clone());
    let began = Instant::now();
    driver.run(Probe::default()).await.unwrap();
    let took = began.elapsed();
    assert_eq!(kdcs.take_asked().last().unwrap().0, address(3));
    took
}

/// Goes through realms, so many round trips in each.
#[derive(Clone)]
struct Long {
    realms: Vec<String>,
    trips: usize,
    done: usize,
}

impl Exchange for Long {
    type Output = usize;

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        Ok(self.realms[self.done / self.trips].as_bytes())
    }

    fn request(&mut self, _: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        Ok(b"ask".to_vec())
    }

    fn receive(&mut self, _: &Context<'_>, _: &[u8]) -> Result<Step<usize>, ExchangeError> {
        self.done += 1;
        let all = self.done == self.realms.len() * self.trips;
        Ok(if all { Step::Done(self.done) } else { Step::Continue })
    }
}

#[tokio::test(start_paused = true)]
async fn round_trips_are_counted_in_each_realm() {
    for (realms, trips, goes) in [
        (1, MAX_ROUNDS, true),
        (1, MAX_ROUNDS + 1, false),
        (12, 5, true),
        (5, MAX_ROUNDS, false), // the sum
    ] {
        let kdcs = Arc::new(Kdcs::default());
        kdcs.set(0, Is::Well(5));
        let everywhere = Realms::default().with_others(KdcSource::Addresses(vec![address(0)]));
        let (clock, random) = (Arc::new(Fixed), Arc::new(OsRandom));
        let driver = Driver::new(everywhere, Arc::new(kdcs), PATIENCE, clock, random);
        let realms = (0..realms).map(|number| format!("R{number}")).collect();
        let outcome = driver.run(Long { realms, trips, done: 0 }).await;
        assert_eq!(outcome.is_ok(), goes, "{trips}: {outcome:?}");
    }
}

#[tokio::test]
async fn nothing_goes_on_after_a_driver_is_gone() {
    let (good, _) = kdc(vec![b"done".to_vec()]).await;
    sleep(Duration::from_millis(10)).await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let kdcs = vec![frozen().await, refusing(), good];
    let driver = driver_of(KdcSource::Addresses(kdcs), Transport::tcp(), PATIENCE);
    for _ in 0..3 {
        driver.run(Probe::default()).await.unwrap();
        let given_up = driver.run(Probe::default());
        let _ = tokio::time::timeout(Duration::from_millis(1), given_up).await;
    }
    drop(driver);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(11)).await;
    sleep(Duration::from_millis(1)).await;
    assert_eq!(alive(), before + 2, "those of frozen() and refusing() are the test's own");
}

#[cfg(feature = "dev-kdc")]
mod replayed {
    use std::io::ErrorKind;

    use krb_proto::Principal;
    use krb_proto::exchange::{AsExchange, ClientSecret, TicketOptions};
    use krb_proto::kdc::{Account, Realm};

    use super::*;
    use crate::Carrying;
    use crate::dev_kdc::InMemory;

    /// At the first address somebody gives the same answers as last time; the KDC is at the second.
    struct Replaying {
        kdc: InMemory,
        recorded: Mutex<Vec<Vec<u8>>>,
        replays: bool,
    }

    impl Carry for Arc<Replaying> {
        fn carry(&self, to: Endpoint, message: Vec<u8>, until: Instant) -> Carrying<'_> {
            Box::pin(async move {
                if self.replays && to == address(0).into() {
                    let mut recorded = self.recorded.lock().unwrap();
                    let last = recorded.pop();
                    return last.ok_or_else(|| ErrorKind::ConnectionRefused.into());
                }
                let reply = self.kdc.carry(to, message, until).await?;
                self.recorded.lock().unwrap().push(reply.clone());
                Ok(reply)
            })
        }
    }

    #[tokio::test]
    async fn a_reply_to_somebody_else_is_none_and_another_kdc_is_asked() {
        let realm =
            Realm::new("R.TEST", &mut OsRandom).with(Account::user("alice").password("secret"));
        let kdc = InMemory::new(realm);
        let log_in = async |carry: Arc<Replaying>| {
            let kdcs = KdcSource::Addresses(vec![address(0), address(1)]);
            let realms = Realms::default().with("R.TEST", kdcs);
            let (clock, random) = (Arc::new(crate::SystemClock), Arc::new(OsRandom));
            let driver = Driver::new(realms, Arc::new(carry), PATIENCE, clock, random);
            let alice = Principal::new(Name::user("alice"), "R.TEST");
            let secret = ClientSecret::Password(b"secret".to_vec().into());
            driver.run(AsExchange::new(alice, secret, TicketOptions::default())).await
        };
        let carry = |replays, recorded| {
            let (kdc, recorded) = (kdc.clone(), Mutex::new(recorded));
            Arc::new(Replaying { kdc, recorded, replays })
        };
        let recording = carry(false, Vec::new());
        log_in(recording.clone()).await.unwrap();
        let last = recording.recorded.lock().unwrap().pop().unwrap();
        let replaying = carry(true, vec![last]);
        let ticket = log_in(replaying.clone()).await.unwrap();
        assert_eq!(ticket.client.name, Name::user("alice"));
        assert!(replaying.recorded.lock().unwrap().len() >= 2, "the KDC was asked");
    }
}
