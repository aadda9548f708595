//! One server at a time, as servers are.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use krb_proto::kkdcp::Proxied;
use krb_proto::{Name, Timestamp, der};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::*;
use crate::KdcProxy;
use crate::resolver::testing::{both, bound};
use crate::testing::thrice;

/// What a server does with a connection over which it has replied.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    Keep,
    /// As MIT's and Heimdal's KDCs.
    Close,
    /// It reads the next request and hangs up.
    CloseWhenAsked,
}

/// A server over TCP that sends back what it gets.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    async fn start(then: Then) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").await.unwrap(), then)
    }

    /// With UDP's port of the same number.
    async fn and_udp(ip: impl Into<IpAddr>, then: Then) -> (Self, UdpSocket) {
        let (listener, socket, _) = both(ip).await;
        (Self::at(listener, then), socket)
    }

    fn at(listener: TcpListener, then: Then) -> Self {
        let (address, connections) = (listener.local_addr().unwrap(), Arc::default());
        let count: Arc<AtomicUsize> = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, then));
            }
        });
        Self { address, connections }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, then: Then) -> Option<()> {
    for number in 0.. {
        let mut message = vec![0; stream.read_u32().await.ok()? as usize];
        stream.read_exact(&mut message).await.ok()?;
        if number > 0 && then == Then::CloseWhenAsked {
            return None;
        }
        stream.write_u32(message.len() as u32).await.ok()?;
        stream.write_all(&message).await.ok()?;
        if then == Then::Close {
            return None;
        }
    }
    None
}

/// A server over UDP that sends back what it gets.
fn datagrams(socket: UdpSocket) {
    tokio::spawn(async move {
        let mut message = vec![0; 1 << 16];
        while let Ok((length, from)) = socket.recv_from(&mut message).await {
            socket.send_to(&message[..length], from).await.unwrap();
        }
    });
}

/// More than a server needs that is well, however slow the machine.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where half of it is waited for on purpose.
const LESS: Duration = Duration::from_secs(6);

async fn ask_of(transport: &Transport, to: impl Into<Endpoint>, message: &[u8]) -> Result<Vec<u8>> {
    transport.carry(to.into(), message.to_vec(), Instant::now() + PATIENCE).await
}

#[tokio::test]
async fn a_connection_that_is_left_open_is_used_again() {
    let (server, transport) = (Server::start(Then::Keep).await, Transport::tcp());
    for number in 0..4 {
        assert_eq!(ask_of(&transport, server.address, &[number]).await.unwrap(), [number]);
    }
    assert_eq!(server.connections(), 1);
    // Several at once have one each.
    let asks = (0..20).map(|_| ask_of(&transport, server.address, b"ask"));
    let mut all = Together::default();
    asks.for_each(|ask| all.start(ask));
    for _ in 0..20 {
        all.next().await.unwrap();
    }
    assert_eq!(server.connections(), 20);
    assert_eq!(transport.tcp.idle(), 8, "and no more are kept");
}

#[tokio::test]
async fn a_server_that_closes_is_asked_over_a_new_one_each_time() {
    let (server, transport) = (Server::start(Then::Close).await, Transport::tcp());
    for number in 0..3 {
        assert_eq!(ask_of(&transport, server.address, b"ask").await.unwrap(), b"ask", "{number}");
        sleep(Duration::from_millis(50)).await; // what it closed is seen
    }
    assert_eq!((server.connections(), transport.tcp.idle()), (3, 0), "it is known for it");
}

#[tokio::test]
async fn one_that_was_closed_meanwhile_is_told_from_a_failure() {
    let (server, transport) = (Server::start(Then::CloseWhenAsked).await, Transport::tcp());
    ask_of(&transport, server.address, b"ask").await.unwrap();
    let error = ask_of(&transport, server.address, b"ask").await.unwrap_err();
    assert!(was_closed_meanwhile(&error), "{error}");
    ask_of(&transport, server.address, b"ask").await.unwrap();
    // Over a new connection it is the server's doing.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.read_u32().await.unwrap();
        }
    });
    let error = ask_of(&transport, address, b"ask").await.unwrap_err();
    assert!(!was_closed_meanwhile(&error), "{error}");
}

#[tokio::test]
async fn one_over_which_more_came_than_was_asked_for_is_not_kept() {
    let (server, transport) = (Server::start(Then::Keep).await, Transport::tcp());
    // Much more than is read at once.
    let long = vec![7; 10_000];
    assert!(ask_of(&transport, server.address, &long).await.unwrap() == long);
    assert_eq!(transport.tcp.idle(), 1);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_u32().await.unwrap();
        stream.write_all(b"\0\0\0\x02ok and more").await.unwrap();
        sleep(Duration::from_secs(5)).await;
    });
    assert_eq!(ask_of(&transport, address, b"ask").await.unwrap(), b"ok");
    assert_eq!(transport.tcp.idle(), 1, "the other server's");
}

#[tokio::test]
async fn one_is_kept_for_ten_seconds() {
    let (server, transport) = (Server::start(Then::Keep).await, Transport::tcp());
    ask_of(&transport, server.address, b"ask").await.unwrap();
    tokio::time::pause();
    for (more, kept) in [(9, 1), (2, 0)] {
        tokio::time::advance(Duration::from_secs(more)).await;
        tokio::task::yield_now().await;
        assert_eq!(transport.tcp.idle(), kept, "after {more} s more");
    }
}

#[tokio::test]
async fn an_answer_that_comes_late_is_no_answer_to_the_next_request() {
    // Two replies to the first request.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 5];
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(&[request, [0, 0, 0, 1, b'x']].concat()).await.unwrap();
            tokio::spawn(async move { stream.read_u8().await });
        }
    });
    let transport = Transport::tcp();
    for message in [b"a", b"b", b"c"] {
        assert_eq!(ask_of(&transport, address, message).await.unwrap(), message);
        sleep(Duration::from_millis(50)).await;
    }
}

const CHANGE: [u8; 12] = [0, 12, 0, 1, 0, 3, 1, 2, 3, 4, 5, 6];

/// Counts the datagrams that come, and answers none.
fn silent(socket: UdpSocket) -> Arc<AtomicUsize> {
    let count = Arc::<AtomicUsize>::default();
    let counts = count.clone();
    tokio::spawn(async move {
        while socket.recv_from(&mut [0; 100]).await.is_ok() {
            counts.fetch_add(1, Ordering::SeqCst);
        }
    });
    count
}

/// Waits until so many are counted, and finds no more.
async fn counted(count: &AtomicUsize, expected: usize) {
    let patience = Instant::now() + PATIENCE;
    while count.load(Ordering::SeqCst) < expected && Instant::now() < patience {
        sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(count.load(Ordering::SeqCst), expected);
}

#[tokio::test]
async fn a_change_of_a_password_has_a_connection_of_its_own() {
    assert!(kpasswd::is_request(&CHANGE));
    let of = [Transport::tcp(), Transport::udp_up_to(1), Transport::udp_up_to(1465)];
    for transport in of {
        let (server, socket) = Server::and_udp(Ipv4Addr::LOCALHOST, Then::Keep).await;
        let datagrams = silent(socket);
        for _ in 0..2 {
            ask_of(&transport, server.address, &CHANGE).await.unwrap();
        }
        assert_eq!(server.connections(), 2);
        assert_eq!(datagrams.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn a_change_of_a_password_that_is_not_answered_is_not_said_again() {
    // Read, and never answered, over either way.
    let (listener, socket, address) = both(Ipv4Addr::LOCALHOST).await;
    let by_datagram = silent(socket);
    let by_stream = Arc::new(AtomicUsize::new(0));
    let count = by_stream.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let count = count.clone();
            tokio::spawn(async move {
                while stream.read_exact(&mut [0; 4 + CHANGE.len()]).await.is_ok() {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    let transport = Transport::udp_up_to(1465);
    for (to, heard) in [(Endpoint::Direct(address), [1, 0]), (Endpoint::Udp(address), [1, 1])] {
        let until = Instant::now() + Duration::from_millis(500);
        let error = transport.carry(to, CHANGE.to_vec(), until).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        counted(&by_stream, heard[0]).await;
        counted(&by_datagram, heard[1]).await;
    }
    // Without a connection to be had, a datagram, and one alone.
    let (_held, socket, free) = bound(Ipv4Addr::LOCALHOST).await;
    let by_datagram = silent(socket);
    let until = Instant::now() + Duration::from_millis(500);
    let asked = transport.carry(free.into(), CHANGE.to_vec(), until).await;
    assert_eq!(asked.unwrap_err().kind(), ErrorKind::TimedOut);
    counted(&by_datagram, 1).await;
    // And nothing at all if datagrams are not used.
    let error = ask_of(&Transport::tcp(), free, &CHANGE).await.unwrap_err();
    assert!(is_unread(error.kind()), "{error}");
    assert_eq!(by_datagram.load(Ordering::SeqCst), 1);
}

/// A server whose queue is full, so that it answers no more who would connect; and UDP's port of the
/// same number.
async fn full() -> (SocketAddr, TcpListener, Vec<TcpStream>, UdpSocket) {
    let (socket, udp, address) = bound(Ipv4Addr::LOCALHOST).await;
    let listener = socket.listen(1).unwrap();
    let mut queued = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        queued.push(stream.unwrap());
    }
    (address, listener, queued, udp)
}

#[tokio::test]
async fn a_server_that_takes_no_connection_was_told_nothing() {
    let (address, _listener, _queued, socket) = full().await;
    let datagrams = silent(socket);
    for transport in [Transport::tcp(), Transport::udp_up_to(1465)] {
        thrice(async || {
            let until = Instant::now() + Duration::from_millis(800);
            let asked = transport.carry(address.into(), CHANGE.to_vec(), until).await;
            assert_eq!(asked.unwrap_err().kind(), ErrorKind::HostUnreachable);
            (Instant::now() >= until).then(|| "there is no time for another one".into())
        })
        .await;
    }
    assert_eq!(datagrams.load(Ordering::SeqCst), 0);
    // Once it was sent, no word of the network's says that it was not read.
    for kind in [ErrorKind::HostUnreachable, ErrorKind::ConnectionRefused, ErrorKind::BrokenPipe] {
        assert!(!is_unread(as_sent(kind.into()).kind()), "{kind}");
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_anywhere_is_a_failure_at_once() {
    let whole = [&[0, 0, 0, 8][..], b"a reply!"].concat();
    for end in 0..whole.len() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, part) = (listener.local_addr().unwrap(), whole[..end].to_vec());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut [0; 7]).await.unwrap();
            stream.write_all(&part).await.unwrap();
        });
        let began = Instant::now();
        let error = ask_of(&Transport::tcp(), address, b"ask").await.unwrap_err();
        assert_ne!(error.kind(), ErrorKind::TimedOut, "after {end}");
        assert!(began.elapsed() < PATIENCE / 2, "after {end}");
    }
}

#[tokio::test]
async fn the_preferred_way_goes_by_the_length() {
    let (server, socket) = Server::and_udp(Ipv4Addr::LOCALHOST, Then::Keep).await;
    datagrams(socket);
    let transport = Transport::udp_up_to(100);
    for (length, connections) in [(1, 0), (100, 0), (101, 1), (40_000, 1)] {
        let message = vec![7; length];
        assert_eq!(ask_of(&transport, server.address, &message).await.unwrap(), message);
        assert_eq!(server.connections(), connections, "{length}");
    }
    // 1 means TCP first, whatever the length.
    ask_of(&Transport::udp_up_to(1), server.address, b"ask").await.unwrap();
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_server_without_udp_is_reached_over_tcp() {
    // Nobody listens.
    let server = Server::start(Then::Keep).await;
    let transport = Transport::udp_up_to(1465);
    let began = Instant::now();
    ask_of(&transport, server.address, b"ask").await.unwrap();
    assert!(began.elapsed() < PATIENCE / 2, "{:?}", began.elapsed());
    // Datagrams lead nowhere.
    let (server, _silent) = Server::and_udp(Ipv4Addr::LOCALHOST, Then::Keep).await;
    let until = Instant::now() + LESS;
    transport.carry(server.address.into(), b"ask".to_vec(), until).await.unwrap();
}

#[tokio::test]
async fn a_server_without_tcp_is_reached_over_udp() {
    let (_held, socket, address) = bound(Ipv4Addr::LOCALHOST).await;
    datagrams(socket);
    for transport in [Transport::udp_up_to(1), Transport::udp_up_to(1465)] {
        assert_eq!(ask_of(&transport, address, b"ask").await.unwrap(), b"ask");
    }
    let error = ask_of(&Transport::tcp(), address, b"ask").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_server_that_is_listed_for_one_way_is_asked_over_that_alone() {
    let server = Server::start(Then::Keep).await;
    let transport = Transport::udp_up_to(1465);
    ask_of(&transport, Endpoint::Tcp(server.address), b"ask").await.unwrap();
    let error = ask_of(&transport, Endpoint::Udp(server.address), b"ask").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let error = ask_of(&Transport::tcp(), Endpoint::Udp(server.address), b"ask").await.unwrap_err();
    assert!(error.to_string().contains("UDP"), "{error}");
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn both_ways_lead_to_ipv6() {
    let (server, socket) = Server::and_udp(Ipv6Addr::LOCALHOST, Then::Keep).await;
    datagrams(socket);
    for transport in [Transport::tcp(), Transport::udp_up_to(1465)] {
        assert_eq!(ask_of(&transport, server.address, b"ask").await.unwrap(), b"ask");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_datagram_of_somebody_else_is_not_read() {
    let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        let mut message = [0; 100];
        let (length, from) = server.recv_from(&mut message).await.unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        stranger.send_to(b"another's", from).await.unwrap();
        sleep(Duration::from_millis(20)).await;
        server.send_to(&message[..length], from).await.unwrap();
    });
    let to = Endpoint::Udp(address);
    assert_eq!(ask_of(&Transport::udp_up_to(1465), to, b"ask").await.unwrap(), b"ask");
}

fn too_big() -> Vec<u8> {
    let (now, krbtgt) = (Timestamp::new(1_800_000_000, 0), Name::krbtgt(b"R"));
    der::encode(&KrbError::new(ErrorCode::RESPONSE_TOO_BIG, now, b"R", &krbtgt))
}

#[tokio::test]
async fn a_connection_that_comes_late_brings_what_fits_no_datagram_where_tcp_is_first() {
    thrice(async || {
        let brought = over_a_late_connection().await;
        brought.is_err().then(|| format!("{brought:?}"))
    })
    .await;
}

async fn over_a_late_connection() -> Result<()> {
    let (address, listener, queued, socket) = full().await;
    tokio::spawn(async move {
        let mut message = [0; 100];
        while let Ok((_, from)) = socket.recv_from(&mut message).await {
            socket.send_to(&too_big(), from).await.unwrap();
        }
    });
    // There is room again by the time that the system tries once more, which is after a second.
    tokio::spawn(async move {
        sleep(Duration::from_millis(500)).await;
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Then::Keep));
        }
        drop(queued);
    });
    let (transport, until) =
        (Transport::udp_up_to(1), Instant::now() + Duration::from_millis(1900));
    assert_eq!(transport.carry(address.into(), b"ask".to_vec(), until).await?, b"ask");
    Ok(())
}

#[tokio::test]
async fn an_answer_that_fits_no_datagram_comes_over_tcp_though_the_hint_is_late() {
    let (server, socket) = Server::and_udp(Ipv4Addr::LOCALHOST, Then::Keep).await;
    tokio::spawn(async move {
        let mut message = [0; 100];
        socket.recv_from(&mut message).await.unwrap();
        let (_, from) = socket.recv_from(&mut message).await.unwrap(); // the second one
        socket.send_to(&too_big(), from).await.unwrap();
    });
    let (transport, until) = (Transport::udp_up_to(1465), Instant::now() + LESS);
    let answer = transport.carry(server.address.into(), b"ask".to_vec(), until).await;
    assert_eq!(answer.unwrap(), b"ask");
}

#[tokio::test]
async fn whoever_gives_up_leaves_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, transport) = (listener.local_addr().unwrap(), Transport::tcp());
    let mut request = [0; 7];
    let reading = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_exact(&mut request).await.unwrap();
        stream
    };
    // Given up once it has been read.
    let mut stream = tokio::select! {
        answer = ask_of(&transport, address, b"ask") => panic!("{answer:?}"),
        stream = reading => stream,
    };
    assert_eq!(request, [0, 0, 0, 3, b'a', b's', b'k']);
    let read = timeout(PATIENCE, stream.read(&mut request)).await.unwrap();
    assert_eq!(read.unwrap(), 0, "it is closed");
    assert_eq!(transport.tcp.idle(), 0);
}

/// What a KDC proxy gets to see.
#[derive(Default)]
struct Proxy {
    seen: Mutex<Vec<(String, &'static str, Vec<u8>)>>,
    answers: Vec<u8>,
}

impl Https for Proxy {
    fn post<'a>(
        &'a self,
        url: &'a str,
        content_type: &'static str,
        body: Vec<u8>,
        limit: usize,
    ) -> Posting<'a> {
        assert!(limit > MAX_REPLY as usize);
        self.seen.lock().unwrap().push((url.to_owned(), content_type, body));
        Box::pin(std::future::ready(Ok(self.answers.clone())))
    }
}

#[tokio::test]
async fn a_proxy_is_told_the_realm_at_its_whole_url() {
    let endpoint = |host: &str, port, path: &str| {
        let (host, path, realm) = (host.into(), path.into(), "EXAMPLE.COM".into());
        Endpoint::Proxy(Arc::new(KdcProxy { host, port, path, realm }))
    };
    let answers = Proxied { message: b"reply", realm: None }.wrap().unwrap();
    let proxy = Arc::new(Proxy { answers, ..Proxy::default() });
    let transport = Transport::tcp().with_https(proxy.clone());
    for (to, url) in [
        (
            endpoint("login.example.com", 443, "TENANT/kerberos"),
            "https://login.example.com/TENANT/kerberos",
        ),
        (endpoint("proxy", 8443, "KdcProxy?a=b"), "https://proxy:8443/KdcProxy?a=b"),
        (endpoint("2001:db8::1", 443, ""), "https://[2001:db8::1]/"),
    ] {
        assert_eq!(ask_of(&transport, to, b"ask").await.unwrap(), b"reply");
        let (seen, content_type, body) = proxy.seen.lock().unwrap().pop().unwrap();
        assert_eq!((&*seen, content_type), (url, "application/kerberos"));
        let realm = Some(&b"EXAMPLE.COM"[..]);
        assert_eq!(Proxied::unwrap(&body), Ok(Proxied { message: b"ask", realm }));
    }
    let error = ask_of(&Transport::tcp(), endpoint("proxy", 443, ""), b"ask").await.unwrap_err();
    assert!(error.to_string().contains("HTTPS"), "{error}");
    let babbling = Arc::new(Proxy { answers: b"<html>".to_vec(), ..Proxy::default() });
    let transport = Transport::tcp().with_https(babbling);
    ask_of(&transport, endpoint("proxy", 443, ""), b"ask").await.unwrap_err();
}
