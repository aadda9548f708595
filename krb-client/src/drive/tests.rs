//! The driver against small KDCs on loopback that misbehave as real ones do.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Mutex;

use krb_proto::asn1::KrbError;
use krb_proto::der::{self};
use krb_proto::exchange::ExchangeError;
use krb_proto::iana::ErrorCode;
use krb_proto::{Name, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::*;
use crate::resolver::testing::{both, bound};
use crate::testing::thrice;
use crate::{OsRandom, Transport};

mod faults;
mod silence;
mod sockets;

const NOW: i64 = 1_800_000_000;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::new(NOW, 0)
    }
}

fn error(code: ErrorCode, stime: i64) -> Vec<u8> {
    let sname = Name::krbtgt(b"R");
    der::encode(&KrbError::new(code, Timestamp::new(stime, 0), b"R", &sname))
}

/// A KDC that answers its n-th request with the n-th reply, the last one for ever.
async fn kdc(replies: Vec<Vec<u8>>) -> (SocketAddr, Arc<Mutex<usize>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (listener.local_addr().unwrap(), kdc_at(listener, replies))
}

fn kdc_at(listener: TcpListener, replies: Vec<Vec<u8>>) -> Arc<Mutex<usize>> {
    let count = Arc::new(Mutex::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Whoever asked may have given up: that is the end of the connection, not of the KDC.
            let _ = reply(stream, &replies, &counted).await;
        }
    });
    count
}

async fn reply(
    mut stream: TcpStream,
    replies: &[Vec<u8>],
    count: &Mutex<usize>,
) -> std::io::Result<()> {
    let length = stream.read_u32().await?;
    stream.read_exact(&mut vec![0; length as usize]).await?;
    let number = {
        let mut count = count.lock().unwrap();
        *count += 1;
        *count - 1
    };
    let reply = &replies[number.min(replies.len() - 1)];
    stream.write_u32(reply.len() as u32).await?;
    stream.write_all(reply).await
}

/// A KDC that accepts connections and says nothing.
async fn frozen() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            open.push(stream);
        }
    });
    address
}

/// A port where nobody listens, not even another test's KDC: it is held.
fn refusing() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let _held = socket;
        std::future::pending::<()>().await;
    });
    address
}

/// Sends the time it was given, and is done when it hears "done".
#[derive(Clone, Default)]
struct Probe {
    offsets: Arc<Mutex<Vec<i64>>>,
}

impl Exchange for Probe {
    type Output = ();

    fn realm(&self) -> Result<&[u8], ExchangeError> {
        Ok(b"R")
    }

    fn request(&mut self, cx: &mut Context<'_>) -> Result<Vec<u8>, ExchangeError> {
        self.offsets.lock().unwrap().push(cx.kdc_offset);
        Ok(b"ask".to_vec())
    }

    fn receive(&mut self, _: &Context<'_>, reply: &[u8]) -> Result<Step<()>, ExchangeError> {
        match reply {
            b"done" => Ok(Step::Done(())),
            b"more" => Ok(Step::Continue),
            _ if crate::transport::error_and_time(reply).is_some() => {
                Err(ExchangeError::NoCommonEnctype)
            }
            _ => Err(ExchangeError::Malformed(der::decode::<KrbError<'_>>(reply).unwrap_err())),
        }
    }
}

/// More than KDCs that answer need, however slow the machine.
const PATIENT: Patience =
    Patience { per_kdc: Duration::from_secs(10), overall: Duration::from_secs(60) };

fn driver(kdcs: Vec<SocketAddr>, transport: Transport) -> Driver {
    driver_of(KdcSource::Addresses(kdcs), transport, PATIENT)
}

fn driver_of(kdcs: KdcSource, transport: impl Carry + 'static, patience: Patience) -> Driver {
    let (realms, transport) = ([(b"R".to_vec(), kdcs)], Arc::new(transport));
    Driver::new(realms, transport, patience, Arc::new(Fixed), Arc::new(OsRandom))
}

#[tokio::test]
async fn it_goes_on_to_a_kdc_that_answers() {
    let (good, count) = kdc(vec![b"done".to_vec()]).await;
    let (busy, _) = kdc(vec![error(ErrorCode::SVC_UNAVAILABLE, NOW)]).await;
    let kdcs = vec![refusing(), frozen().await, busy, good];
    let mut driver = driver(kdcs, Transport::tcp());
    driver.patience.per_kdc = Duration::from_secs(2); // a part of it is spent on the silent one
    driver.run(Probe::default()).await.unwrap();
    assert_eq!(*count.lock().unwrap(), 1);
}

#[tokio::test]
async fn when_none_answers_the_error_names_each() {
    let (refusing, frozen) = (refusing(), frozen().await);
    let mut driver = driver(vec![refusing, frozen], Transport::tcp());
    let (per_kdc, overall) = (Duration::from_millis(50), Duration::from_millis(1500));
    driver.patience = Patience { per_kdc, overall };
    let error = driver.run(Probe::default()).await.unwrap_err();
    let ClientError::Unreachable(unreachable) = &error else { panic!("{error}") };
    let mut tried: Vec<_> =
        unreachable.tried.iter().filter_map(|failure| failure.kdc.address()).collect();
    tried.sort_by_key(|kdc| *kdc != refusing); // whoever failed last is the last
    assert_eq!(tried, [refusing, frozen], "each once, though each was asked again");
    assert!(error.to_string().contains("no KDC of realm R answered"), "{error}");
}

#[tokio::test]
async fn kdcs_that_refuse_at_once_are_not_asked_again() {
    let started = Instant::now();
    let driver = driver(vec![refusing()], Transport::tcp());
    driver.run(Probe::default()).await.unwrap_err();
    assert!(started.elapsed() < PATIENT.per_kdc);
}

#[tokio::test]
async fn the_deadline_ends_everything() {
    let mut driver = driver(vec![frozen().await; 100], Transport::tcp());
    driver.patience.overall = Duration::from_millis(200);
    let started = Instant::now();
    driver.run(Probe::default()).await.unwrap_err();
    assert!(started.elapsed() < PATIENT.per_kdc);
}

#[tokio::test]
async fn a_clock_is_corrected_once_and_remembered() {
    let skew = error(ErrorCode::SKEW, NOW + 1200);
    let (address, _) = kdc(vec![skew, b"more".to_vec(), b"done".to_vec()]).await;
    let probe = Probe::default();
    let offsets = probe.offsets.clone();
    let driver = driver(vec![address], Transport::tcp());
    driver.run(probe).await.unwrap();
    let offsets = offsets.lock().unwrap();
    assert_eq!(offsets.iter().filter(|&&offset| offset == 1200).count(), 2, "{offsets:?}");
    assert_eq!(driver.memory.offset(&address.into()), 1200);
}

#[tokio::test]
async fn a_clock_too_far_away_is_not_followed() {
    let skew = error(ErrorCode::SKEW, NOW + 1801);
    let (address, count) = kdc(vec![skew]).await;
    driver(vec![address], Transport::tcp()).run(Probe::default()).await.unwrap_err();
    assert_eq!(*count.lock().unwrap(), 1, "the exchange hears of it at once");
}

#[tokio::test]
async fn a_kdc_that_goes_on_complaining_of_the_clock_is_heard_once_more_and_no_further() {
    let skew = error(ErrorCode::SKEW, NOW + 60);
    let (address, count) = kdc(vec![skew]).await;
    driver(vec![address], Transport::tcp()).run(Probe::default()).await.unwrap_err();
    assert_eq!(*count.lock().unwrap(), 2);
}

#[tokio::test]
async fn an_exchange_that_never_ends_is_ended() {
    let (address, count) = kdc(vec![b"more".to_vec()]).await;
    let error = driver(vec![address], Transport::tcp()).run(Probe::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::Exchange(ExchangeError::TooManyRounds)));
    assert_eq!(*count.lock().unwrap(), MAX_ROUNDS);
}

#[tokio::test]
async fn udp_falls_back_to_tcp_when_the_answer_does_not_fit() {
    let (tcp, udp, address) = both(Ipv4Addr::LOCALHOST).await;
    let count = kdc_at(tcp, vec![b"done".to_vec()]);
    tokio::spawn(async move {
        let mut buffer = [0; 100];
        let (_, from) = udp.recv_from(&mut buffer).await.unwrap();
        udp.send_to(&error(ErrorCode::RESPONSE_TOO_BIG, NOW), from).await.unwrap();
    });
    driver(vec![address], Transport::udp_up_to(u32::MAX)).run(Probe::default()).await.unwrap();
    assert_eq!(*count.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_kdc_whose_answer_fits_no_datagram_and_that_has_no_tcp_leads_to_the_next() {
    let (_held, udp, address) = bound(Ipv4Addr::LOCALHOST).await;
    tokio::spawn(async move {
        let mut buffer = [0; 100];
        while let Ok((_, from)) = udp.recv_from(&mut buffer).await {
            udp.send_to(&error(ErrorCode::RESPONSE_TOO_BIG, NOW), from).await.unwrap();
        }
    });
    for limit in [1, 1465] {
        let (good, count) = kdc(vec![b"done".to_vec()]).await;
        let both = driver(vec![address, good], Transport::udp_up_to(limit));
        both.run(Probe::default()).await.unwrap();
        assert_eq!(*count.lock().unwrap(), 1);
        let alone = driver(vec![address], Transport::udp_up_to(limit));
        let error = alone.run(Probe::default()).await.unwrap_err();
        assert!(matches!(error, ClientError::Unreachable(_)), "{limit}: {error}");
    }
}

#[tokio::test]
async fn a_reply_of_an_impossible_length_is_no_reply() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_u32(0x8000_0000).await.unwrap();
        }
    });
    let error = driver(vec![address], Transport::tcp()).run(Probe::default()).await.unwrap_err();
    assert!(error.to_string().contains("announced a reply of 2147483648 bytes"), "{error}");
}
