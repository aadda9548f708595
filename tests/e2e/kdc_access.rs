//! Reaching the domain's KDC: by DNS, over UDP, with a clock that is wrong.

use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use krb_client::{
    Client, ClientConfig, ClientError, Clock, KdcSource, Realms, Resolver, Sites, SystemClock,
    Transport, files, read_krb5_conf,
};
use krb_proto::iana::{ErrorCode, NameType};
use krb_proto::{Name, Principal, Timestamp};
use krb_tests::lab::shipped_server;
use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::lab;

async fn config(lab: &Lab) -> ClientConfig {
    let account = Principal::new(Name::user(&lab.var("SVC_ACCOUNT")), lab.realm());
    let keytab = files::read_keytab(&lab.keytab("mcp")).await.unwrap();
    let secret = files::client_keys(&keytab, &account).unwrap();
    ClientConfig::new(account, secret, KdcSource::Addresses(vec![kdc(lab)]))
}

fn kdc(lab: &Lab) -> SocketAddr {
    format!("{}:88", lab.var("DC_IP")).parse().unwrap()
}

/// All three exchanges; the ticket is for alice at the file server.
async fn delegate(lab: &Lab, config: ClientConfig) -> Result<(), ClientError> {
    let client = Client::new(config);
    let alice = Principal::new(Name::user("ALICE_ADMIN"), lab.realm());
    let target = Name::new(NameType::SRV_INST, ["cifs", &lab.var("FILESERVER_HOST")]);
    let evidence = client.s4u().evidence(&alice).await?;
    let ticket = client.s4u().proxy_ticket(&evidence, "", &target).await?;
    assert_eq!((&ticket.client, &ticket.server.name), (&alice, &target));
    Ok(())
}

#[tokio::test]
async fn it_is_found_by_dns() {
    let lab = lab!();
    let mut config = config(lab).await;
    config.realms = Realms::default().with(&lab.realm(), KdcSource::Dns(dns(lab)));
    delegate(lab, config).await.unwrap();
}

/// The domain's name server.
fn dns(lab: &Lab) -> Resolver {
    let nameserver = format!("{}:53", lab.var("DC_IP")).parse().unwrap();
    Resolver::new(&[nameserver], Default::default()).unwrap()
}

#[tokio::test]
async fn a_domain_controller_says_which_site_asks() {
    let lab = lab!();
    // A domain controller that does not answer within a second has no second chance.
    let mut sites = Sites::new(dns(lab));
    let mut site = sites.site(&lab.realm()).await;
    for _ in 1..5 {
        if site.is_none() {
            sites = Sites::new(dns(lab));
            site = sites.site(&lab.realm()).await;
        }
    }
    assert_eq!(site.as_deref(), Some("Default-First-Site-Name"));
    let mut config = config(lab).await;
    config.realms = Realms::default().with(&lab.realm(), KdcSource::Sites(sites.clone()));
    delegate(lab, config).await.unwrap();
    // Of another domain it says nothing, and nobody waits for that.
    let began = Instant::now();
    assert_eq!(sites.site("OTHER.TEST").await, None);
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn it_is_where_krb5_conf_says() {
    let lab = lab!();
    let conf = read_krb5_conf(vec![lab.var("KRB5_CONFIG").into()]).await.unwrap();
    let mut config = config(lab).await;
    let resolver = Resolver::new(&[], Resolver::hosts_of_machine()).unwrap();
    config.realms = Realms::default().with_conf(conf, resolver).unwrap();
    // As MIT's library asks: with datagrams as long as they fit.
    config.transport = Arc::new(Transport::udp_up_to(1465));
    delegate(lab, config).await.unwrap();
}

/// An address that takes connections and says nothing.
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

/// An address that does not answer to SYN: its queue of connections is full.
async fn dropping() -> SocketAddr {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) = timeout(Duration::from_millis(100), TcpStream::connect(address)).await {
        queue.push(stream.unwrap());
    }
    tokio::spawn(async move {
        let _open = (listener, queue);
        std::future::pending::<()>().await;
    });
    address
}

#[tokio::test]
async fn it_is_found_behind_twelve_that_are_silent() {
    let lab = lab!(alone);
    let mut config = config(lab).await;
    let mut kdcs = Vec::new();
    for _ in 0..4 {
        let refusing = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        kdcs.extend([frozen().await, dropping().await, refusing]);
    }
    kdcs.push(kdc(lab));
    config.realms = Realms::default().with(&lab.realm(), KdcSource::Addresses(kdcs));
    // Three exchanges: the first one finds it, the others begin with it. A busy machine may spoil some.
    let mut took = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        delegate(lab, config.clone()).await.unwrap();
        took.push(began.elapsed());
        if began.elapsed() < Duration::from_secs(2) {
            return;
        }
    }
    panic!("{took:?}");
}

#[tokio::test]
async fn answers_that_fit_no_datagram_come_over_tcp() {
    let lab = lab!();
    let mut config = config(lab).await;
    config.transport = Arc::new(Transport::udp_up_to(u32::MAX));
    delegate(lab, config).await.unwrap();
}

/// The machine's clock, moved.
struct Moved(i64);

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        SystemClock.now().plus_seconds(self.0)
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_corrected_by_half_an_hour_and_no_more() {
    let lab = lab!();
    for minutes in [-29, 29] {
        let mut config = config(lab).await;
        config.clock = Arc::new(Moved(60 * minutes));
        delegate(lab, config).await.unwrap_or_else(|error| panic!("{minutes} minutes: {error}"));
    }
    let mut config = config(lab).await;
    config.clock = Arc::new(Moved(-31 * 60));
    let error = delegate(lab, config).await.unwrap_err();
    assert_eq!(error.refusal().map(|refusal| refusal.code), Some(ErrorCode::SKEW), "{error}");
}

#[tokio::test]
async fn a_server_that_knows_its_hosts_needs_no_dns() {
    let lab = lab!();
    let issuer = issuer().await;
    let folder = lab.scratch("no-dns");
    std::fs::create_dir_all(&folder).unwrap();
    Setup::new(lab, &issuer.url()).write(lab, &folder);
    let file = folder.join("krb-mcp.jsonc");
    let mut configuration: Value =
        serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    configuration["network"] =
        json!({ "hosts": { lab.var("FILESERVER_HOST"): lab.var("FILESERVER_IP") } });
    std::fs::write(&file, configuration.to_string()).unwrap();

    // The machine names no DNS server.
    let mut command = Command::new("unshare");
    let script = "mount --bind /dev/null /etc/resolv.conf && exec \"$0\" \"$@\"";
    command.args(["-m", "sh", "-c", script]).arg(shipped_server());
    command.args(["serve", "--log-format", "json", "--config"]).arg(&file);
    let server = Server::spawn(command, folder);
    let token = issuer.token("alice");
    assert!(server.read(&token, &lab.unc("reports/data.csv")).await.content().contains("1,42"));
    // A name that it does not know: the answer says what is missing.
    let (_, message, _) = server.get(&token, &lab.url("/whoami")).await.error();
    assert!(message.contains("/etc/resolv.conf"), "{message}");
}
