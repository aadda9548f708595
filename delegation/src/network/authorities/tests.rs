use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::super::{ConnectError, Fetch as _, HttpClient, Network, NetworkConfig, Tcp};
use super::*;

/// Longer than what was read of a file is used.
const LOOK_AGAIN: Duration = Duration::from_millis(1100);

// Two CAs and a certificate of each for web.example, valid for a hundred years:
// openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -addext basicConstraints=critical,CA:TRUE
// openssl x509 -req -CA … -extfile <(echo subjectAltName=DNS:web.example)
const OLD_CA: &str = include_str!("../testdata/old-ca.pem");
const NEW_CA: &str = include_str!("../testdata/new-ca.pem");
const OLD: [&str; 2] = [include_str!("../testdata/old.pem"), include_str!("../testdata/old.key")];
const NEW: [&str; 2] = [include_str!("../testdata/new.pem"), include_str!("../testdata/new.key")];

/// A web server with this certificate, one answer a connection.
async fn serve([certificate, key]: [&str; 2]) -> SocketAddr {
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
        }
    });
    address
}

/// A CA file in the manner of a mounted secret: a link that is exchanged.
struct Link(PathBuf);

impl Link {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("krb-ca-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.join("ca.pem")
    }

    fn point_at(&self, name: &str, content: &str) {
        let (file, link) = (self.0.join(name), self.0.join("link"));
        std::fs::write(&file, content).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::fs::rename(&link, self.path()).unwrap();
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

struct Clients {
    network: Network,
    http: HttpClient,
}

impl Clients {
    fn new(ca_file: PathBuf) -> Self {
        let config = NetworkConfig {
            nameservers: vec!["192.0.2.1".into()],
            ca_file: Some(ca_file),
            hosts: [("web.example".to_owned(), [127, 0, 0, 1].into())].into(),
        };
        let network = Network::new(&config, Arc::new(Tcp)).unwrap();
        Self { http: network.http_client().unwrap(), network }
    }

    /// Whether each of both kinds of client believes the server.
    async fn each_believes(&self, server: SocketAddr) -> [bool; 2] {
        let url: url::Url = format!("https://web.example:{}/", server.port()).parse().unwrap();
        let own = match self.network.connect(&url).await {
            Ok(connection) => connection.certificate().is_some(),
            Err(ConnectError::Untrusted(_)) => false,
            Err(error) => panic!("{error}"),
        };
        let request = hyper::Request::get(url.as_str()).body(hyper::body::Bytes::new()).unwrap();
        [own, self.http.fetch(request, 100).await.is_ok()]
    }

    async fn believe(&self, server: SocketAddr) -> bool {
        let [own, pooled] = self.each_believes(server).await;
        assert_eq!(own, pooled);
        own
    }

    /// Waits for ten seconds until it is so: the file may be looked at between the two connections.
    async fn come_to_believe(&self, server: SocketAddr) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.each_believes(server).await != [true; 2] {
            assert!(Instant::now() < until, "still not");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_ca_file_that_is_replaced_is_used_from_then_on() {
    let (old, new) = (serve(OLD).await, serve(NEW).await);
    let link = Link::new();
    link.point_at("1", OLD_CA);
    let clients = Clients::new(link.path());
    assert!(clients.believe(old).await);
    assert!(!clients.believe(new).await);

    link.point_at("2", NEW_CA);
    clients.come_to_believe(new).await;
    assert!(!clients.believe(old).await);

    // Half written, empty, gone: what stood in it is believed.
    for content in [&OLD_CA[..OLD_CA.len() / 2], ""] {
        std::fs::write(link.path(), content).unwrap();
        tokio::time::sleep(LOOK_AGAIN * 2).await;
        assert!(clients.believe(new).await, "{content:?}");
        assert!(!clients.believe(old).await, "{content:?}");
    }
    std::fs::remove_file(link.path()).unwrap();
    tokio::time::sleep(LOOK_AGAIN * 2).await;
    assert!(clients.believe(new).await);
    // Nor is it waited for what a pipe will never say.
    let made = std::process::Command::new("mkfifo").arg(link.path()).status().unwrap();
    assert!(made.success());
    tokio::time::sleep(LOOK_AGAIN * 2).await;
    assert!(clients.believe(new).await);

    link.point_at("3", &format!("{NEW_CA}{OLD_CA}"));
    clients.come_to_believe(old).await;
    assert!(clients.believe(new).await);
}

/// Each half of such a file is a whole one, and believes others than were meant.
#[tokio::test(start_paused = true)]
async fn a_ca_file_that_is_still_written_is_not_used() {
    let path = std::env::temp_dir().join(format!("krb-ca-half-{}.pem", std::process::id()));
    let both = format!("{OLD_CA}{NEW_CA}");
    std::fs::write(&path, &both).unwrap();
    let file = CaFile::open(&path, Reading::Strict, Arc::new(default_provider())).unwrap();
    let first = file.file.latest();
    tokio::time::sleep(LOOK_AGAIN).await;
    std::fs::write(&path, OLD_CA).unwrap();
    let write = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::fs::write(&path, &both).unwrap();
    };
    tokio::join!(file.look(), write);
    assert!(Arc::ptr_eq(&file.file.latest(), &first));
    std::fs::write(&path, OLD_CA).unwrap();
    tokio::time::sleep(LOOK_AGAIN).await;
    file.look().await;
    assert!(!Arc::ptr_eq(&file.file.latest(), &first), "as it stays it is used");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_ca_file_must_be_usable_when_the_server_starts() {
    let link = Link(std::env::temp_dir().join(format!("krb-ca-start-{}", std::process::id())));
    std::fs::create_dir_all(&link.0).unwrap();
    let large = " ".repeat(usize::try_from(MAX_FILE).unwrap() + 1);
    let key = NEW[1];
    for (content, part) in [("", "no certificate"), (key, "no certificate"), (&large, "")] {
        std::fs::write(link.path(), content).unwrap();
        let error = verifier(Some(&link.path())).unwrap_err();
        assert_eq!(error.setting, "network.caFile");
        assert!(error.problem.contains(part), "{error}");
    }
    std::fs::write(link.path(), &OLD_CA[..OLD_CA.len() / 2]).unwrap();
    assert!(verifier(Some(&link.path())).is_err());
    std::fs::write(link.path(), OLD_CA).unwrap();
    assert!(verifier(Some(&link.path())).is_ok());
    // Between certificates words may stand in any encoding.
    std::fs::write(link.path(), [b"# M\xfcller\n", OLD_CA.as_bytes()].concat()).unwrap();
    assert!(verifier(Some(&link.path())).is_ok());
}

/// A system's bundle may hold what this library does not take; a file that was meant may not.
#[test]
fn one_of_a_systems_cas_that_is_of_no_use_spoils_none_of_the_others() {
    let bad = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".as_slice();
    let both = [bad, OLD_CA.as_bytes()].concat();
    let provider = Arc::new(default_provider());
    assert!(verifier_of(&both, Reading::Lenient, &provider).is_ok());
    assert!(verifier_of(&both, Reading::Strict, &provider).is_err());
    assert!(verifier_of(bad, Reading::Lenient, &provider).is_err(), "none is left");
}
