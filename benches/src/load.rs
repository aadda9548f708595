//! A KDC under load: requests that are made beforehand, each one of its own, sent by a few clients
//! at once, each of which waits for the answer before it sends the next.

use std::fs;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use krb_client::{Clock, OsRandom, SystemClock};
use krb_proto::asn1::KrbError;
use krb_proto::crypto::Key;
use krb_proto::exchange::{
    AsExchange, ClientSecret, Exchange, Step, TgsExchange, TgsGoal, TicketOptions,
};
use krb_proto::iana::{EncType, NameType};
use krb_proto::preauth::default_salt;
use krb_proto::{Context, Credential, Name, Principal, der};

/// The enctype of all keys.
pub const ENCTYPE: EncType = EncType::AES256_CTS_HMAC_SHA1_96;
/// The realm that each KDC has.
pub const REALM: &str = "B.TEST";
/// Who logs in.
pub const USER: &str = "alice";
/// Her password.
pub const PASSWORD: &str = "alice's password";
/// What she asks a ticket for.
pub const SERVICE: [&str; 2] = ["HTTP", "w.b.test"];

/// Clients that ask at once.
const CLIENTS: usize = 8;
/// Requests of a measurement, unless its time is over before.
const REQUESTS: usize = 40_000;
const TIME: Duration = Duration::from_secs(1);
/// For an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// What an answer begins with, if it is one.
pub(crate) const AS_REP: u8 = 0x6b;
pub(crate) const TGS_REP: u8 = 0x6d;

#[derive(Clone, Copy, Debug)]
enum Protocol {
    Udp,
    /// A connection for each request, as MIT's and AD's clients make it.
    Tcp,
    /// One connection for all, where the KDC keeps it (RFC 4120 section 7.2.2).
    Kept,
}

/// Measures the KDC at an address, the processes of `group`, and returns lines as the programs in
/// `peers/` print them: for both exchanges by UDP, TCP and kept TCP the time from one answer to the next, and
/// the processor time for each.
///
/// # Errors
/// If it does not answer, or with something else than a ticket.
pub fn measure(who: &str, kdc: SocketAddr, group: i32) -> Result<String> {
    let mut lines = String::new();
    for protocol in [Protocol::Udp, Protocol::Tcp, Protocol::Kept] {
        for (exchange, tag) in [("AS", AS_REP), ("TGS", TGS_REP)] {
            let requests = requests(kdc, exchange)?;
            let (cpu, begun) = (processor_time(group)?, Instant::now());
            let answered = fire(kdc, protocol, &requests, tag)?;
            let (time, cpu) = (begun.elapsed(), processor_time(group)? - cpu);
            let protocol = format!("{protocol:?}").to_uppercase();
            for (what, time) in [("time", time), ("cpu", cpu)] {
                let each = time.as_nanos() as f64 / answered as f64;
                lines += &format!("kdc/{exchange}/{protocol}/{what}\t{who}\t{each:.0}\t0\n");
            }
        }
    }
    Ok(lines)
}

fn alice() -> Principal {
    Principal::new(Name::user(USER), REALM)
}

fn options() -> TicketOptions {
    TicketOptions { enctypes: vec![ENCTYPE], ..TicketOptions::default() }
}

/// What the exchange sends when it begins.
pub(crate) fn request(mut exchange: impl Exchange) -> Result<Vec<u8>> {
    let mut cx = Context { now: SystemClock.now(), kdc_offset: 0, rng: &mut OsRandom };
    exchange.request(&mut cx).map_err(Error::other)
}

fn requests(kdc: SocketAddr, exchange: &str) -> Result<Vec<Vec<u8>>> {
    let salt = default_salt(&alice());
    let key = Key::from_password(ENCTYPE, PASSWORD.as_bytes(), &salt, None);
    let login = || -> Result<AsExchange> {
        let key = key.clone().map_err(Error::other)?;
        Ok(AsExchange::new(alice(), ClientSecret::Keys(vec![key]), options()))
    };
    if exchange == "AS" {
        return (0..REQUESTS).map(|_| request(login()?)).collect();
    }
    let tgt = Arc::new(run(kdc, login()?)?);
    let goal = TgsGoal::Service(Name::new(NameType::SRV_INST, SERVICE));
    let ticket = || TgsExchange::new(tgt.clone(), goal.clone(), options());
    (0..REQUESTS).map(|_| request(ticket())).collect()
}

/// An exchange to its end.
pub(crate) fn run(
    kdc: SocketAddr,
    mut exchange: impl Exchange<Output = Credential>,
) -> Result<Credential> {
    loop {
        let mut cx = Context { now: SystemClock.now(), kdc_offset: 0, rng: &mut OsRandom };
        let request = exchange.request(&mut cx).map_err(Error::other)?;
        let reply = ask(&mut connect(kdc)?, &request)?;
        match exchange.receive(&cx, &reply) {
            Ok(Step::Done(credential)) => return Ok(credential),
            Ok(Step::Continue) => {}
            Err(error) => return Err(Error::other(format!("{kdc}: {error}"))),
        }
    }
}

/// Sends requests until there are none left or time is over; returns how many were answered.
fn fire(kdc: SocketAddr, protocol: Protocol, requests: &[Vec<u8>], tag: u8) -> Result<usize> {
    let (next, until) = (AtomicUsize::new(0), Instant::now() + TIME);
    let client = || -> Result<usize> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.connect(kdc)?;
        let (mut buffer, mut answered, mut kept) = (vec![0; 1 << 16], 0, None);
        while Instant::now() < until {
            let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
            let reply = match protocol {
                Protocol::Tcp => ask(&mut connect(kdc)?, request)?,
                Protocol::Kept => ask_over(kdc, &mut kept, request)?,
                Protocol::Udp => {
                    socket.send(request)?;
                    let length = socket.recv(&mut buffer)?;
                    buffer[..length].to_vec()
                }
            };
            if reply.first() != Some(&tag) {
                let code = der::decode::<KrbError<'_>>(&reply).map(|error| error.error_code);
                return Err(Error::other(format!("{kdc} by {protocol:?}: {code:?}")));
            }
            answered += 1;
        }
        Ok(answered)
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).sum()
    })
}

/// Over the connection that was kept, where the KDC has not hung up, or over a new one, which is kept.
pub(crate) fn ask_over(
    kdc: SocketAddr,
    kept: &mut Option<TcpStream>,
    request: &[u8],
) -> Result<Vec<u8>> {
    // It may be closed between the look and the question.
    let before = kept.take().filter(is_open);
    let again = before.and_then(|mut stream| Some((ask(&mut stream, request).ok()?, stream)));
    let (reply, stream) = match again {
        Some(answered) => answered,
        None => {
            let mut stream = connect(kdc)?;
            (ask(&mut stream, request)?, stream)
        }
    };
    *kept = Some(stream);
    Ok(reply)
}

fn connect(kdc: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(kdc)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Whether the KDC has not hung up after its last answer.
fn is_open(stream: &TcpStream) -> bool {
    let mut octet = [0];
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut octet));
    let waits = peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
    waits && stream.set_nonblocking(false).is_ok()
}

fn ask(stream: &mut TcpStream, request: &[u8]) -> Result<Vec<u8>> {
    let length = u32::try_from(request.len()).map_err(Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), request].concat())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}

/// What the processes of a group have taken so far, those included that ended.
pub(crate) fn processor_time(group: i32) -> Result<Duration> {
    let ticks = rustix::param::clock_ticks_per_second();
    let mut taken = 0;
    for entry in fs::read_dir("/proc")? {
        // Other entries have none, and a process may end now.
        let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else { continue };
        // The name, in parentheses, may hold anything.
        let fields: Vec<i64> = stat
            .rsplit_once(')')
            .map_or("", |(_, rest)| rest)
            .split_whitespace()
            .map(|field| field.parse().unwrap_or_default())
            .collect();
        if fields.get(2) == Some(&group.into()) {
            taken += fields.get(11..15).map_or(0, |times| times.iter().sum());
        }
    }
    Ok(Duration::from_secs_f64(taken as f64 / ticks as f64))
}
