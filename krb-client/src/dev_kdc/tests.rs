//! The listeners, in front of a realm.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::time::Instant;

use krb_proto::asn1::{HostAddress, KrbError};
use krb_proto::exchange::{AsExchange, ClientSecret, TicketOptions};
use krb_proto::kdc::{Account, Realm};
use krb_proto::kkdcp::Proxied;
use krb_proto::kpasswd::PasswordChange;
use krb_proto::{Context, Principal, der};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::*;
use crate::{Carry, Clock, Driver, KdcSource, OsRandom, Patience, SystemClock, Transport};

/// With an answer, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(30);
const PASSWORD: &str = "alice's password";

fn realm(name: &str) -> Realm {
    Realm::new(name, &mut OsRandom).with(Account::user("alice").password(PASSWORD))
}

async fn started() -> DevKdc {
    DevKdc::start(realm("EXAMPLE.TEST"), Bind::loopback()).await.unwrap()
}

fn login(realm: &str) -> AsExchange {
    let alice = Principal::new(krb_proto::Name::user("alice"), realm);
    let secret = ClientSecret::Password(PASSWORD.as_bytes().to_vec().into());
    AsExchange::new(alice, secret, TicketOptions::default())
}

fn driver(realm: &str, kdc: SocketAddr, transport: impl Carry + 'static) -> Driver {
    let kdcs = KdcSource::Addresses(vec![kdc]);
    let (transport, patience) = (Arc::new(transport), Patience::default());
    let (clock, random) = (Arc::new(SystemClock), Arc::new(OsRandom));
    Driver::new([(realm.into(), kdcs)], transport, patience, clock, random)
}

/// A request that is answered, with an error.
fn request() -> Vec<u8> {
    use krb_proto::exchange::Exchange;
    let now = SystemClock.now();
    let mut cx = Context { now, kdc_offset: 0, rng: &mut OsRandom };
    login("EXAMPLE.TEST").request(&mut cx).unwrap()
}

fn code(reply: &[u8]) -> i32 {
    der::decode::<KrbError<'_>>(reply).unwrap().error_code.0
}

async fn send(stream: &mut TcpStream, length: u32, message: &[u8]) {
    stream.write_all(&[&length.to_be_bytes(), message].concat()).await.unwrap();
}

async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let received = async {
        let mut reply = vec![0; stream.read_u32().await.unwrap() as usize];
        stream.read_exact(&mut reply).await.unwrap();
        reply
    };
    tokio::time::timeout(PATIENCE, received).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_start_has_ports_of_its_own_the_same_for_tcp_and_udp() {
    let mut starting = JoinSet::new();
    for _ in 0..200 {
        starting.spawn(started());
    }
    let kdcs = starting.join_all().await;
    let mut ports = BTreeSet::new();
    for kdc in &kdcs {
        let Addresses { kdc, kpasswd, proxy } = kdc.addresses();
        for address in [Some(kdc), Some(kpasswd), proxy].into_iter().flatten() {
            assert!(address.ip().is_loopback());
            assert!(ports.insert(address.port()), "{address} twice");
        }
        // Both numbers are taken.
        for address in [kdc, kpasswd] {
            let (tcp, udp) = (TcpListener::bind(address).await, UdpSocket::bind(address).await);
            for error in [tcp.err(), udp.err()] {
                assert_eq!(error.map(|error| error.kind()), Some(ErrorKind::AddrInUse));
            }
        }
    }
    assert_eq!(ports.len(), 600);
}

#[tokio::test]
async fn a_port_that_is_taken_is_said_to_be() {
    let kdc = started().await;
    let address = kdc.addresses().kdc;
    let error = DevKdc::start(realm("R"), Bind::at(address)).await.err().unwrap();
    assert_eq!((error.address, error.protocol), (address, "TCP"));
    assert_eq!(error.error.kind(), ErrorKind::AddrInUse);
    // So is one that is taken for datagrams alone; some are for a neighbour's connection, too.
    for _ in 0..100 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let error = DevKdc::start(realm("R"), Bind::at(address)).await.err().unwrap();
        assert_eq!((error.address, error.error.kind()), (address, ErrorKind::AddrInUse));
        if error.protocol == "UDP" {
            return;
        }
    }
    panic!("none was taken for datagrams alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_logs_in_by_tcp_udp_and_memory() {
    let kdc = started().await;
    let address = kdc.addresses().kdc;
    for transport in [Transport::tcp(), Transport::udp_up_to(u32::MAX)] {
        let driver = driver("EXAMPLE.TEST", address, transport);
        let tgt = driver.run(login("EXAMPLE.TEST")).await.unwrap();
        assert_eq!(tgt.client.to_string(), "alice@EXAMPLE.TEST");
    }
    let memory = InMemory::new(kdc.realms().clone());
    let driver = driver("EXAMPLE.TEST", address, memory);
    driver.run(login("EXAMPLE.TEST")).await.unwrap();
    // What is changed counts at once, for all of them.
    let disable = |realm: &mut Realm| realm.account_mut("alice").unwrap().disabled = true;
    kdc.realms().realm("example.test", disable).unwrap();
    let error = driver.run(login("EXAMPLE.TEST")).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, ErrorCode::CLIENT_REVOKED);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_realms_answer_on_one_port() {
    let realms = Realms::from(vec![realm("ONE.TEST"), realm("TWO.TEST")]);
    let kdc = DevKdc::start(realms, Bind::loopback()).await.unwrap();
    for name in ["TWO.TEST", "ONE.TEST"] {
        let driver = driver(name, kdc.addresses().kdc, Transport::tcp());
        let tgt = driver.run(login(name)).await.unwrap();
        assert_eq!(tgt.server.to_string(), format!("krbtgt/{name}@{name}"));
    }
    let conf = kdc.krb5_conf();
    for part in
        ["default_realm = ONE.TEST", "\tTWO.TEST = {", ".two.test = TWO.TEST", "rdns = false"]
    {
        assert!(conf.contains(part), "{conf}");
    }
}

#[tokio::test]
async fn requests_on_one_connection_are_answered_in_their_order() {
    let kdc = started().await;
    let mut stream = TcpStream::connect(kdc.addresses().kdc).await.unwrap();
    let message = request();
    for _ in 0..3 {
        send(&mut stream, message.len() as u32, &message).await;
    }
    for _ in 0..3 {
        assert_eq!(code(&receive(&mut stream).await), 25, "pre-authentication is required");
    }
}

#[tokio::test]
async fn lengths_that_no_request_has_are_refused_with_61_and_the_connection_ends() {
    let kdc = started().await;
    for length in [0x8000_0000, 0xffff_ffff, tcp::MAX_REQUEST + 1] {
        let mut stream = TcpStream::connect(kdc.addresses().kdc).await.unwrap();
        send(&mut stream, length, b"").await;
        assert_eq!(code(&receive(&mut stream).await), 61, "{length:x}");
        assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
    }
    // The longest is read, and is none.
    let mut stream = TcpStream::connect(kdc.addresses().kdc).await.unwrap();
    let message = vec![0x6a; tcp::MAX_REQUEST as usize];
    send(&mut stream, tcp::MAX_REQUEST, &message).await;
    assert_eq!(code(&receive(&mut stream).await), 60);
    // To what is no message of the protocol nothing is said.
    send(&mut stream, 5, b"GET /").await;
    let ended = stream.read(&mut [0]).await;
    assert!(matches!(ended, Ok(0)) || ended.is_err());
}

/// The clock of the runtime stands still and jumps to the next thing that is waited for.
#[tokio::test(start_paused = true)]
async fn connections_that_say_nothing_or_little_are_closed() {
    let kdc = started().await;
    for begun in [&b""[..], b"\0\0", b"\0\0\0\x0a12345"] {
        let mut stream = TcpStream::connect(kdc.addresses().kdc).await.unwrap();
        stream.write_all(begun).await.unwrap();
        let ended = stream.read(&mut [0]).await;
        assert!(matches!(ended, Ok(0)) || ended.is_err(), "{begun:?}");
    }
}

#[tokio::test]
async fn answers_that_fit_no_datagram_are_left_to_tcp() {
    let kdc = started().await;
    kdc.realms().realm("EXAMPLE.TEST", |realm| {
        let alice = realm.account_mut("alice").unwrap();
        alice.no_preauth = true;
        alice.groups = (2000..2300).collect();
    });
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(kdc.addresses().kdc).await.unwrap();
    socket.send(&request()).await.unwrap();
    let mut reply = vec![0; 1 << 16];
    let received = tokio::time::timeout(PATIENCE, socket.recv(&mut reply)).await;
    let length = received.expect("an answer").unwrap();
    assert!(length <= udp::MAX_ANSWER);
    assert_eq!(code(&reply[..length]), 52);
    let mut stream = TcpStream::connect(kdc.addresses().kdc).await.unwrap();
    // One request: two are not always of the same length.
    let message = request();
    send(&mut stream, message.len() as u32, &message).await;
    assert!(receive(&mut stream).await.len() > udp::MAX_ANSWER);
}

#[tokio::test]
async fn garbage_is_not_answered_by_udp_and_others_are_served_afterwards() {
    let kdc = started().await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(kdc.addresses().kdc).await.unwrap();
    for garbage in [&b""[..], b"\x7e", b"\x6b\x84\xff\xff\xff\xff", &[0; 1400]] {
        socket.send(garbage).await.unwrap();
    }
    socket.send(&request()).await.unwrap();
    let mut reply = vec![0; 1 << 16];
    let received = tokio::time::timeout(PATIENCE, socket.recv(&mut reply)).await;
    let length = received.expect("an answer").unwrap();
    assert_eq!(code(&reply[..length]), 25, "the first answer is the request's");
}

async fn posted(kdc: &DevKdc, head: &str, body: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(kdc.addresses().proxy.unwrap()).await.unwrap();
    let head = format!("{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|octets| octets == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap(), body)
}

#[tokio::test]
async fn the_proxy_takes_what_ms_kkdcp_says_and_says_what_else_is_wrong() {
    let kdc = started().await;
    let proxied = Proxied { message: &request(), realm: Some(b"EXAMPLE.TEST") }.wrap().unwrap();
    let post = "POST /KdcProxy HTTP/1.1\r\nHost: kdc.example.test";
    let good = format!("{post}\r\nContent-Type: application/kerberos");
    let (head, body) = posted(&kdc, &good, &proxied).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.to_lowercase().contains("content-type: application/kerberos"), "{head}");
    assert_eq!(code(Proxied::unwrap(&body).unwrap().message), 25);
    let garbage = Proxied { message: b"\x7e", realm: None }.wrap().unwrap();
    for (head, body, status) in [
        (&good[..], &b"garbage"[..], "400"),
        (&good, &garbage, "400"),
        (post, &proxied, "415"),
        (&good.replace("POST", "PUT"), &proxied, "405"),
        (&good.replace("\r\nHost: kdc.example.test", ""), &proxied, "400"),
    ] {
        let (answer, _) = posted(&kdc, head, body).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}\n{answer}");
    }
}

/// MS-KKDCP carries both kinds of requests, and nothing beside a message says whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_changed_through_the_proxy() {
    const NEW: &[u8] = b"battery staple";
    let kdc = started().await;
    let driver = driver("EXAMPLE.TEST", kdc.addresses().kdc, Transport::tcp());
    let to_kpasswd = login("EXAMPLE.TEST").to_server(PasswordChange::service());
    let ticket = driver.run(to_kpasswd).await.unwrap();
    let sender = HostAddress { addr_type: 2, address: &[127, 0, 0, 1] };
    let mut cx = Context { now: SystemClock.now(), kdc_offset: 0, rng: &mut OsRandom };
    let new = str::from_utf8(NEW).unwrap();
    let (change, message) = PasswordChange::change(&ticket, new, sender, &mut cx).unwrap();
    let head = "POST / HTTP/1.1\r\nHost: kdc.example.test\r\nContent-Type: application/kerberos";
    let body = Proxied { message: &message, realm: Some(b"EXAMPLE.TEST") }.wrap().unwrap();
    let (head, body) = posted(&kdc, head, &body).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    change.receive(Proxied::unwrap(&body).unwrap().message).unwrap();

    let error = driver.run(login("EXAMPLE.TEST")).await.unwrap_err();
    assert_eq!(error.refusal().unwrap().code, ErrorCode::PREAUTH_FAILED);
    let alice = Principal::new(krb_proto::Name::user("alice"), "EXAMPLE.TEST");
    let secret = ClientSecret::Password(NEW.to_vec().into());
    driver.run(AsExchange::new(alice, secret, TicketOptions::default())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_it_is_gone() {
    let kdc = started().await;
    let Addresses { kdc: address, kpasswd, proxy } = kdc.addresses();
    // Whoever is connected is not waited for.
    let mut idle = TcpStream::connect(address).await.unwrap();
    let begun = Instant::now();
    kdc.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(idle.read(&mut [0]).await.unwrap_or(0), 0);
    for address in [Some(address), Some(kpasswd), proxy].into_iter().flatten() {
        TcpListener::bind(address).await.unwrap();
        UdpSocket::bind(address).await.unwrap();
    }
}
