//! A name server on loopback that says what a test wants it to.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, UdpSocket};
use tokio::time::sleep;

use super::Resolver;

pub(crate) const A: u16 = 1;
pub(crate) const AAAA: u16 = 28;
pub(crate) const SRV: u16 = 33;
pub(crate) const TXT: u16 = 16;
pub(crate) const URI: u16 = 256;

/// What it says to a question.
pub(crate) struct Says {
    code: u8,
    records: Vec<(u32, Vec<u8>)>,
    /// The time to live and the minimum of a SOA record beside it.
    soa: Option<u32>,
    late: Duration,
}

impl Says {
    pub(crate) fn late(self, late: Duration) -> Self {
        Self { late, ..self }
    }

    pub(crate) fn with_soa(self, soa: Option<u32>) -> Self {
        Self { soa, ..self }
    }
}

/// NXDOMAIN.
pub(crate) fn no_such_name() -> Says {
    Says { code: 3, ..nothing() }
}

/// No record of this type.
pub(crate) fn nothing() -> Says {
    records([])
}

pub(crate) fn records(data: impl IntoIterator<Item = Vec<u8>>) -> Says {
    let records = data.into_iter().map(|data| (3600, data)).collect();
    Says { code: 0, records, soa: None, late: Duration::ZERO }
}

pub(crate) fn address(ip: [u8; 4]) -> Vec<u8> {
    Ipv4Addr::from(ip).octets().to_vec()
}

pub(crate) fn address6(ip: &str) -> Vec<u8> {
    ip.parse::<Ipv6Addr>().unwrap().octets().to_vec()
}

pub(crate) fn srv(priority: u16, weight: u16, port: u16, target: &str) -> Vec<u8> {
    let mut data: Vec<u8> =
        [priority, weight, port].into_iter().flat_map(u16::to_be_bytes).collect();
    for label in target.split('.').filter(|label| !label.is_empty()) {
        data.push(label.len() as u8);
        data.extend(label.as_bytes());
    }
    data.push(0);
    data
}

pub(crate) fn txt(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

pub(crate) fn uri(priority: u16, weight: u16, target: &str) -> Vec<u8> {
    [&priority.to_be_bytes()[..], &weight.to_be_bytes(), target.as_bytes()].concat()
}

/// How often each name was asked for, by name and type.
pub(crate) type Asked = Arc<Mutex<HashMap<(String, u16), usize>>>;

/// One port of TCP's and UDP's, at an address without a port. A number that is free for one may be
/// taken for the other. While the first is held nobody else's server answers there: who connects is
/// refused, unless it is listened at.
pub(crate) async fn bound(ip: impl Into<IpAddr>) -> (TcpSocket, UdpSocket, SocketAddr) {
    let (ip, mut held) = (ip.into(), Vec::new());
    while held.len() < 100 {
        let tcp = if ip.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.unwrap();
        tcp.bind((ip, 0).into()).unwrap();
        let address = tcp.local_addr().unwrap();
        match UdpSocket::bind(address).await {
            Ok(udp) => return (tcp, udp, address),
            Err(_) => held.push(tcp),
        }
    }
    panic!("no port is free for both");
}

/// The same, listened at.
pub(crate) async fn both(ip: impl Into<IpAddr>) -> (TcpListener, UdpSocket, SocketAddr) {
    let (tcp, udp, address) = bound(ip).await;
    (tcp.listen(1024).unwrap(), udp, address)
}

/// Starts one. Where `zone` gives nothing there is never an answer.
pub(crate) async fn name_server(
    zone: impl Fn(&str, u16) -> Option<Says> + Send + Sync + 'static,
) -> (SocketAddr, Asked) {
    let (tcp, udp, address) = both(Ipv4Addr::LOCALHOST).await;
    let (zone, asked) = (Arc::new(zone), Asked::default());
    let answer = {
        let asked = asked.clone();
        move |question: &[u8], limit: usize| {
            let (name, kind, end) = read(question);
            *asked.lock().unwrap().entry((name.clone(), kind)).or_insert(0) += 1;
            let says = zone(&name, kind)?;
            Some((write(question, kind, end, &says, limit), says.late))
        }
    };
    let by_tcp = answer.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let answer = by_tcp.clone();
            tokio::spawn(async move {
                while let Ok(length) = stream.read_u16().await {
                    let mut question = vec![0; length.into()];
                    stream.read_exact(&mut question).await.unwrap();
                    if let Some((answer, late)) = answer(&question, usize::MAX) {
                        sleep(late).await;
                        stream.write_u16(answer.len() as u16).await.unwrap();
                        stream.write_all(&answer).await.unwrap();
                    }
                }
            });
        }
    });
    tokio::spawn(async move {
        let (udp, mut question) = (Arc::new(udp), [0; 1500]);
        while let Ok((length, from)) = udp.recv_from(&mut question).await {
            if let Some((answer, late)) = answer(&question[..length], 1232) {
                let udp = udp.clone();
                tokio::spawn(async move {
                    sleep(late).await;
                    udp.send_to(&answer, from).await.unwrap();
                });
            }
        }
    });
    (address, asked)
}

/// A resolver that asks it.
pub(crate) async fn resolver(
    zone: impl Fn(&str, u16) -> Option<Says> + Send + Sync + 'static,
) -> (Resolver, Asked) {
    let (address, asked) = name_server(zone).await;
    (Resolver::new(&[address], HashMap::new()).unwrap(), asked)
}

/// Name and type of the question, and where it ends.
fn read(message: &[u8]) -> (String, u16, usize) {
    let (mut at, mut labels) = (12, Vec::new());
    while message[at] != 0 {
        let length = usize::from(message[at]);
        labels.push(String::from_utf8(message[at + 1..][..length].to_vec()).unwrap());
        at += 1 + length;
    }
    let kind = u16::from_be_bytes([message[at + 1], message[at + 2]]);
    (labels.join(".").to_ascii_lowercase(), kind, at + 5)
}

fn write(question: &[u8], kind: u16, end: usize, says: &Says, limit: usize) -> Vec<u8> {
    let record = |kind: u16, ttl: u32, data: &[u8]| {
        // The owner is the name of the question.
        let mut record = vec![0xc0, 12];
        record.extend([kind, 1].into_iter().flat_map(u16::to_be_bytes));
        record.extend(ttl.to_be_bytes());
        record.extend((data.len() as u16).to_be_bytes());
        record.extend(data);
        record
    };
    let soa = says.soa.map(|seconds| {
        let mut data = vec![0, 0]; // the root, twice
        data.extend([1, 3600, 600, 86_400, seconds].into_iter().flat_map(u32::to_be_bytes));
        record(6, seconds, &data)
    });
    let header = |truncated: bool, answers: usize, authorities: usize| {
        let mut message = question[..2].to_vec();
        message.extend([0x81 | u8::from(truncated) << 1, 0x80 | says.code, 0, 1]);
        message
            .extend([answers as u16, authorities as u16, 0].into_iter().flat_map(u16::to_be_bytes));
        message.extend(&question[12..end]);
        message
    };
    let mut message = header(false, says.records.len(), soa.iter().len());
    for (ttl, data) in &says.records {
        message.extend(record(kind, *ttl, data));
    }
    message.extend(soa.into_iter().flatten());
    if message.len() > limit { header(true, 0, 0) } else { message }
}
