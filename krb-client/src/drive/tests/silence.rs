//! Many KDCs of which some are silent, in virtual time.

use std::collections::HashMap;
use std::io::{Error, ErrorKind};
use std::sync::atomic::{AtomicUsize, Ordering};

use krb_proto::formats::krb5_conf::ServerAddress;
use tokio::time::{advance, sleep, sleep_until, timeout};

use super::*;
use crate::resolver::testing;
use crate::{Carrying, Resolver};

/// As the client has it.
const PATIENCE: Patience =
    Patience { per_kdc: Duration::from_secs(1), overall: Duration::from_secs(10) };

/// How a KDC is.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Is {
    /// It answers, after so many milliseconds.
    Well(u64),
    /// It answers with an error after so many milliseconds.
    Saying(ErrorCode, u64),
    /// It answers what is no message of the protocol, at once.
    Babbling,
    /// No answer: its machine is away, or it takes connections and nothing comes.
    Silent,
    Refusing,
}

/// KDCs that are a table.
#[derive(Default)]
pub(super) struct Kdcs {
    are: Mutex<HashMap<SocketAddr, Is>>,
    /// Who was asked, and when.
    asked: Mutex<Vec<(SocketAddr, Instant)>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

struct Open<'a>(&'a Kdcs);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Carry for Arc<Kdcs> {
    fn carry(&self, kdc: Endpoint, _: Vec<u8>, until: Instant) -> Carrying<'_> {
        Box::pin(self.answer(kdc.address().unwrap(), until))
    }
}

impl Kdcs {
    async fn answer(&self, kdc: SocketAddr, until: Instant) -> Result<Vec<u8>, Error> {
        self.asked.lock().unwrap().push((kdc, Instant::now()));
        let now_open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(now_open, Ordering::SeqCst);
        let _open = Open(self);
        let is = self.are.lock().unwrap().get(&kdc).cloned().unwrap_or(Is::Refusing);
        match is {
            Is::Refusing => Err(ErrorKind::ConnectionRefused.into()),
            Is::Well(ms) if Instant::now() + Duration::from_millis(ms) < until => {
                sleep(Duration::from_millis(ms)).await;
                Ok(b"done".to_vec())
            }
            Is::Saying(code, ms) => {
                sleep(Duration::from_millis(ms)).await;
                Ok(error(code, NOW))
            }
            Is::Babbling => Ok(b"HTTP/1.1 400 Bad Request".to_vec()),
            Is::Silent | Is::Well(_) => {
                sleep_until(until).await;
                Err(Error::new(ErrorKind::TimedOut, "no answer in time"))
            }
        }
    }
}

pub(super) fn address(number: usize) -> SocketAddr {
    (Ipv4Addr::new(10, 0, 0, number as u8), 88).into()
}

impl Kdcs {
    pub(super) fn set(&self, number: usize, is: Is) {
        self.are.lock().unwrap().insert(address(number), is);
    }

    /// Who was asked since this was last asked for.
    pub(super) fn take_asked(&self) -> Vec<(SocketAddr, Instant)> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// `count` of them, those in `silent` being so.
fn table(count: usize, silent: &[usize], way: &Is) -> (Arc<Kdcs>, Driver) {
    let kdcs = Arc::new(Kdcs::default());
    for number in 0..count {
        kdcs.set(number, if silent.contains(&number) { way.clone() } else { Is::Well(5) });
    }
    let source = KdcSource::Addresses((0..count).map(address).collect());
    (kdcs.clone(), driver_of(source, kdcs, PATIENCE))
}

/// The KDC that is asked first, and whether the list need not be looked at before.
fn preferred(driver: &Driver) -> Option<(SocketAddr, bool)> {
    let (kdc, fresh) = driver.memory.preferred("R")?;
    Some((kdc.address().unwrap(), fresh))
}

/// How long a call takes.
async fn took(driver: &Driver) -> Duration {
    let began = Instant::now();
    driver.run(Probe::default()).await.unwrap();
    began.elapsed()
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Twelve of sixty, in places that are hard, and in some that are drawn.
fn twelves() -> Vec<Vec<usize>> {
    let mut twelves =
        vec![(0..12).collect(), (48..60).collect(), (0..60).step_by(5).collect::<Vec<_>>()];
    for _ in 0..100 {
        twelves.push(rand::seq::index::sample(&mut rand::rng(), 60, 12).into_vec());
    }
    twelves
}

#[tokio::test(start_paused = true)]
async fn with_any_twelve_of_sixty_silent_a_call_costs_one_patience_more_at_most() {
    for way in [Is::Silent, Is::Refusing, Is::Saying(ErrorCode::SVC_UNAVAILABLE, 5)] {
        for silent in twelves() {
            let (kdcs, driver) = table(60, &silent, &way);
            let first = took(&driver).await;
            assert!(first <= ms(1000 + 5), "{first:?} with {way:?} at {silent:?}");
            assert_eq!(took(&driver).await, ms(5), "begins with the one that answered");
            assert_eq!(kdcs.open.load(Ordering::SeqCst), 0, "nothing is left of the others");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_only_one_of_sixty_that_is_well_is_found() {
    let ways = [Is::Silent, Is::Refusing, Is::Saying(ErrorCode::SVC_UNAVAILABLE, 5)];
    for well in 0..60 {
        let (kdcs, driver) = table(60, &[], &Is::Silent);
        let drawn = || ways[rand::random_range(0..ways.len())].clone();
        (0..60).filter(|number| *number != well).for_each(|number| kdcs.set(number, drawn()));
        let first = took(&driver).await;
        assert!(first < Duration::from_secs(6), "{first:?}, the one being {well}");
        assert!(kdcs.most_open.load(Ordering::SeqCst) <= 16);
    }
}

#[tokio::test(start_paused = true)]
async fn kdcs_that_answer_are_asked_one_at_a_time() {
    // Whatever the answer is: a wrong password counts towards a lock-out wherever it is sent.
    for is in [Is::Well(290), Is::Saying(ErrorCode::PREAUTH_FAILED, 290)] {
        let (kdcs, driver) = table(60, &(0..60).collect::<Vec<_>>(), &is);
        for _ in 0..3 {
            let _ = driver.run(Probe::default()).await;
        }
        let asked = kdcs.take_asked();
        assert_eq!(asked.len(), 3, "{is:?}: {asked:?}");
        assert!(asked.iter().all(|(kdc, _)| *kdc == asked[0].0), "and always the same: {asked:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_answers_and_is_no_kdc_costs_nobody_a_call() {
    for babbling in [vec![0], vec![0, 1, 2], vec![0, 30, 59]] {
        let (kdcs, driver) = table(60, &babbling, &Is::Babbling);
        assert_eq!(took(&driver).await, ms(5), "{babbling:?}");
        kdcs.take_asked();
        assert_eq!(took(&driver).await, ms(5));
        assert_eq!(kdcs.take_asked().len(), 1, "it is not begun with again");
    }
    // If there is nobody else, that is what is said; it is not asked again and again.
    let (kdcs, driver) = table(2, &[0, 1], &Is::Babbling);
    let error = driver.run(Probe::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::Exchange(ExchangeError::Malformed(_))), "{error}");
    assert_eq!(kdcs.take_asked().len(), 2);
    let (kdcs, driver) = table(60, &(0..60).collect::<Vec<_>>(), &Is::Babbling);
    driver.run(Probe::default()).await.unwrap_err();
    assert_eq!(kdcs.take_asked().len(), MAX_SPOILT + 1);
}

#[tokio::test(start_paused = true)]
async fn a_no_makes_no_kdc_the_first_to_ask() {
    let (kdcs, driver) = table(3, &[1], &Is::Saying(ErrorCode::C_PRINCIPAL_UNKNOWN, 1));
    kdcs.set(0, Is::Silent);
    driver.run(Probe::default()).await.unwrap_err();
    assert!(preferred(&driver).is_none());
    kdcs.set(0, Is::Well(5));
    kdcs.set(1, Is::Silent);
    kdcs.set(2, Is::Silent);
    took(&driver).await;
    let well = Some((address(0), true));
    assert_eq!(preferred(&driver), well);
    // Nor does it end the turn of one that is: that somebody is unknown is an answer.
    kdcs.set(0, Is::Saying(ErrorCode::C_PRINCIPAL_UNKNOWN, 1));
    driver.run(Probe::default()).await.unwrap_err();
    assert_eq!(preferred(&driver), well);
}

#[tokio::test(start_paused = true)]
async fn slow_kdcs_are_not_asked_more_because_they_are_slow() {
    let (kdcs, driver) = table(60, &(0..60).collect::<Vec<_>>(), &Is::Well(450));
    assert_eq!(took(&driver).await, ms(450));
    let first = kdcs.take_asked().len();
    assert!((2..=4).contains(&first), "nobody knew: {first}");
    for _ in 0..3 {
        assert_eq!(took(&driver).await, ms(450));
        assert_eq!(kdcs.take_asked().len(), 1, "known to take its time");
    }
}

#[tokio::test(start_paused = true)]
async fn sixteen_are_asked_within_one_patience_and_never_more_at_once() {
    let (kdcs, driver) = table(60, &(0..60).collect::<Vec<_>>(), &Is::Silent);
    let began = Instant::now();
    let error = driver.run(Probe::default()).await.unwrap_err();
    assert_eq!(began.elapsed(), PATIENCE.overall);
    let asked = kdcs.take_asked();
    let by = |time| asked.iter().filter(|(_, at)| *at - began <= time).count();
    assert_eq!([ms(0), ms(250), ms(350), ms(450), ms(650), ms(800)].map(by), [1, 1, 2, 4, 8, 16]);
    assert_eq!(kdcs.most_open.load(Ordering::SeqCst), 16);
    assert_eq!(kdcs.open.load(Ordering::SeqCst), 0);
    let ClientError::Unreachable(unreachable) = &error else { panic!("{error}") };
    let mut tried: Vec<_> =
        unreachable.tried.iter().filter_map(|failure| failure.kdc.address()).collect();
    tried.sort();
    assert_eq!(tried, (0..60).map(address).collect::<Vec<_>>(), "each, and each once");
}

#[tokio::test(start_paused = true)]
async fn a_single_kdc_is_asked_three_times_with_twice_the_patience_each() {
    let (kdcs, driver) = table(1, &[0], &Is::Silent);
    let began = Instant::now();
    driver.run(Probe::default()).await.unwrap_err();
    let asked: Vec<_> =
        kdcs.take_asked().iter().map(|(_, at)| (*at - began).as_millis() / 100).collect();
    assert_eq!(asked, [0, 10, 31], "in tenths of a second");
}

#[tokio::test(start_paused = true)]
async fn one_that_comes_back_is_heard_in_a_later_try() {
    let (kdcs, driver) = table(2, &[0, 1], &Is::Silent);
    kdcs.set(1, Is::Refusing);
    let call = tokio::spawn(async move { driver.run(Probe::default()).await });
    sleep(ms(500)).await;
    kdcs.set(1, Is::Well(5));
    call.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_nothing_open() {
    let (kdcs, driver) = table(60, &(0..60).collect::<Vec<_>>(), &Is::Silent);
    for patience in [0, 1, 299, 301, 800, 1100, 5000] {
        assert!(timeout(ms(patience), driver.run(Probe::default())).await.is_err());
        assert_eq!(kdcs.open.load(Ordering::SeqCst), 0, "after {patience} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn those_that_failed_lately_are_asked_last_and_not_forgotten() {
    let (kdcs, driver) = table(60, &(0..12).collect::<Vec<_>>(), &Is::Silent);
    took(&driver).await;
    kdcs.take_asked();
    // The one that answered is silent now, too; who was silent is not asked before the others.
    kdcs.set(12, Is::Silent);
    assert_eq!(took(&driver).await, ms(300 + 5));
    let asked: Vec<_> = kdcs.take_asked().into_iter().map(|(kdc, _)| kdc).collect();
    assert_eq!(asked, [address(12), address(16)], "13 to 15 were overtaken by 12");
    // And if nobody else is left they are.
    (12..60).for_each(|number| kdcs.set(number, Is::Refusing));
    kdcs.set(7, Is::Well(5));
    assert!(took(&driver).await < ms(1000));
}

#[tokio::test(start_paused = true)]
async fn the_first_in_the_list_is_tried_again_in_time() {
    let (kdcs, driver) = table(3, &[0], &Is::Silent);
    took(&driver).await;
    kdcs.set(0, Is::Well(5));
    for (minutes, first) in [(1, 1), (8, 1), (2, 0)] {
        kdcs.take_asked();
        advance(Duration::from_secs(60 * minutes)).await;
        took(&driver).await;
        assert_eq!(kdcs.take_asked()[0].0, address(first), "after {minutes} minutes more");
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_round_trip_goes_to_the_kdc_of_the_first() {
    let (kdcs, driver) = table(5, &[0, 1], &Is::Silent);
    kdcs.set(2, Is::Saying(ErrorCode::PREAUTH_REQUIRED, 5));
    driver.run(Twice::default()).await.unwrap();
    let asked: Vec<_> = kdcs.take_asked().into_iter().map(|(kdc, _)| kdc).collect();
    assert_eq!(asked, [0, 1, 2, 3, 2].map(address));
}

/// Is told to pre-authenticate, and then content with being told so again.
#[derive(Clone, Default)]
struct Twice {
    told: usize,
    /// As many as the requests: the reply must be to the last.
    requests: usize,
}

impl Exchange for Twice {
    type Output = ();

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        Ok(b"R")
    }

    fn request(&mut self, _: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        self.requests += 1;
        Ok(b"ask".to_vec())
    }

    fn receive(&mut self, _: &Context<'_>, _: &[u8]) -> Result<Step<()>, ExchangeError> {
        self.told += 1;
        assert_eq!(self.requests, self.told, "each copy made one request");
        Ok(if self.told == 2 { Step::Done(()) } else { Step::Continue })
    }
}

// Names. The name server is a real one on loopback, so these go by real time, and are told apart by
// much more than a slow machine needs.

/// KDCs by name, `kdcN.example.com` at 10.0.0.N, found by DNS that answers only where `dns` says so.
async fn named(
    count: usize,
    dns: impl Fn(usize) -> bool + Send + Sync + 'static,
    by_srv: bool,
) -> (Arc<Kdcs>, Driver, testing::Asked) {
    let (resolver, asked) = testing::resolver(move |name, kind| {
        let number = name.strip_prefix("kdc").and_then(|name| name.split('.').next());
        Some(match (number.map(|number| number.parse().unwrap()), kind) {
            (None, testing::SRV) => testing::records((0..count).map(|number| {
                testing::srv(number as u16, 100, 88, &format!("kdc{number}.example.com"))
            })),
            (Some(number), _) if !dns(number) => return None,
            (Some(number), testing::A) => {
                testing::records([testing::address([10, 0, 0, number as u8])])
            }
            _ => testing::nothing(),
        })
    })
    .await;
    let kdcs = Arc::new(Kdcs::default());
    (0..count).for_each(|number| kdcs.set(number, Is::Well(5)));
    let host = |number| ServerAddress::direct(format!("kdc{number}.example.com"), 88);
    let hosts = (0..count).map(host).collect();
    let source = match by_srv {
        true => KdcSource::Dns(resolver),
        false => KdcSource::Hosts(hosts, resolver),
    };
    (kdcs.clone(), driver_of(source, kdcs, PATIENCE), asked)
}

#[tokio::test]
async fn names_are_looked_up_as_they_are_needed() {
    for by_srv in [true, false] {
        let (kdcs, mut driver, asked) = named(60, |_| true, by_srv).await;
        driver.patience.per_kdc *= 20; // a slow machine has time to answer for the first
        took(&driver).await;
        let names = asked.lock().unwrap().keys().filter(|(_, kind)| *kind == testing::A).count();
        assert!((1..=8).contains(&names), "{names}");
        assert_eq!(kdcs.take_asked()[0].0, address(0), "by priority, or as configured");
        sleep(ms(300)).await; // what was begun ends
        asked.lock().unwrap().clear();
        took(&driver).await;
        assert!(asked.lock().unwrap().is_empty(), "the one that answered needs no look-up");
    }
}

#[tokio::test]
async fn names_that_dns_is_silent_about_cost_next_to_nothing() {
    for by_srv in [true, false] {
        for silent in [0..1, 0..3, 0..12] {
            thrice(async || {
                let names = silent.clone();
                let dns = move |number| !names.contains(&number);
                let (kdcs, driver, _) = named(60, dns, by_srv).await;
                let first = took(&driver).await;
                let asked = kdcs.take_asked();
                let known = (silent.end..60).map(address).find(|kdc| *kdc == asked[0].0);
                assert!(known.is_some(), "{asked:?}");
                (first >= ms(1000)).then(|| format!("{first:?} with {silent:?}"))
            })
            .await;
        }
    }
}

#[tokio::test]
async fn names_that_dns_is_silent_about_and_kdcs_that_are_cost_one_patience() {
    thrice(async || {
        // The first five have no address that anybody knows of, the next seven do not answer.
        let (kdcs, mut driver, _) = named(60, |number| number >= 5, true).await;
        driver.patience.per_kdc *= 3; // a busy machine needs a part of it
        (5..12).for_each(|number| kdcs.set(number, Is::Silent));
        let first = took(&driver).await;
        let answered = preferred(&driver).unwrap().0;
        assert!((12..60).map(address).any(|kdc| kdc == answered), "{answered}");
        (first >= ms(3 * 1500)).then(|| format!("{first:?}"))
    })
    .await;
}

#[tokio::test]
async fn when_dns_is_silent_the_kdc_that_answered_is_asked_all_the_same() {
    thrice(async || {
        let first = call_while_dns_is_silent().await;
        (first >= ms(1000)).then(|| format!("{first:?}"))
    })
    .await;
}

async fn call_while_dns_is_silent() -> Duration {
    let answers = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let dns = answers.clone();
    let (resolver, _) = testing::resolver(move |name, kind| {
        dns.load(Ordering::SeqCst).then(|| match kind {
            testing::SRV => testing::records([testing::srv(0, 0, 88, "kdc0.example.com")]),
            testing::A if name.starts_with("kdc0.") => {
                testing::records([testing::address([10, 0, 0, 0])])
            }
            _ => testing::nothing(),
        })
    })
    .await;
    let kdcs = Arc::new(Kdcs::default());
    kdcs.set(0, Is::Well(5));
    let driver = driver_of(KdcSource::Dns(resolver), kdcs, PATIENCE);
    took(&driver).await;
    // No answer from DNS any more, and a realm that nobody has looked for: nobody is known.
    answers.store(false, Ordering::SeqCst);
    driver.memory.expire_preferred();
    took(&driver).await
}

#[tokio::test]
async fn an_error_names_what_dns_did_not_know() {
    let hosts = HashMap::from([("kdc1.example.com".into(), vec![address(1).ip()])]);
    let resolver = Resolver::new(&[], hosts).unwrap();
    let kdcs = Arc::new(Kdcs::default());
    kdcs.set(1, Is::Refusing);
    let names = ["kdc0", "kdc1"]
        .map(|name| ServerAddress::direct(format!("{name}.example.com"), 88))
        .to_vec();
    let driver = driver_of(KdcSource::Hosts(names, resolver), kdcs, PATIENCE);
    let error = driver.run(Probe::default()).await.unwrap_err().to_string();
    for part in ["realm R", "10.0.0.1:88: connection refused", "kdc0.example.com"] {
        assert!(error.contains(part), "{error}");
    }
}
