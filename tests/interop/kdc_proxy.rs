//! The client over HTTPS (MS-KKDCP): reqwest with rustls, a web server's TLS, and behind it the embedded
//! KDC's own proxy.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use krb_client::proto::Principal;
use krb_client::proto::exchange::ClientSecret;
use krb_client::{
    Client, ClientConfig, ClientError, Realms, ReqwestHttps, Resolver, Transport, read_krb5_conf,
};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::world::{PATIENCE, REALM, World};

macro_rules! testdata {
    ($name:literal) => {
        include_str!(concat!("../../delegation/src/network/testdata/", $name))
    };
}

const HOST: &str = "web.example";
const CA: &str = testdata!("new-ca.pem");
const OTHER_CA: &str = testdata!("old-ca.pem");

/// What a web server does with whoever has come.
#[derive(Clone)]
enum Does {
    PassesOn(SocketAddr),
    Answers(String),
    /// Answers without an end.
    Babbles,
}

struct WebServer {
    address: SocketAddr,
    /// How many have come, and believed the certificate.
    visits: Arc<AtomicUsize>,
}

impl WebServer {
    async fn start(does: Does) -> Self {
        let [certificate, key] = [testdata!("new.pem"), testdata!("new.key")];
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config.with_no_client_auth().with_single_cert(vec![certificate], key)
            });
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let visits = Arc::new(AtomicUsize::new(0));
        let count = visits.clone();
        tokio::spawn(async move {
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(socket).await else { continue };
                count.fetch_add(1, Ordering::SeqCst);
                let does = does.clone();
                tokio::spawn(async move {
                    match does {
                        Does::PassesOn(to) => {
                            let mut behind = TcpStream::connect(to).await.unwrap();
                            let _ = copy_bidirectional(&mut stream, &mut behind).await;
                        }
                        Does::Answers(answer) => {
                            let _ = stream.read(&mut [0; 8192]).await;
                            let _ = stream.write_all(answer.as_bytes()).await;
                            let _ = stream.shutdown().await;
                        }
                        Does::Babbles => {
                            let _ = stream.read(&mut [0; 8192]).await;
                            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
                            while stream.write_all(&[b'x'; 65_536]).await.is_ok() {}
                        }
                    }
                });
            }
        });
        Self { address, visits }
    }

    fn visits(&self) -> usize {
        self.visits.load(Ordering::SeqCst)
    }

    /// alice, who knows no other way to the realm than this one, and believes this CA.
    async fn alice(&self, world: &World, ca: &str) -> Client {
        let proxy = format!("https://{HOST}:{}/KdcProxy", self.address.port());
        let conf = format!(
            "[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\n[realms]\n{REALM} = {{\n\
             kdc = {proxy}\nkpasswd_server = {proxy}\n}}\n"
        );
        let resolver = Resolver::from_system(Resolver::hosts_of_machine());
        let file = world.file(&format!("proxied-{}.conf", self.address.port()));
        std::fs::write(&file, conf).unwrap();
        let conf = read_krb5_conf(vec![file]).await.unwrap();
        let realms = Realms::default().with_conf(conf, resolver).unwrap();
        let password = ClientSecret::Password(b"alice's password".to_vec().into());
        let alice = Principal::parse("alice", Some(REALM)).unwrap();
        let mut config = ClientConfig::in_realms(alice, password, realms);
        let ca = reqwest::Certificate::from_pem(ca.as_bytes()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([ca]).no_proxy();
        // The name is in no DNS.
        let https = ReqwestHttps::new(http.resolve(HOST, self.address)).unwrap();
        config.transport = Arc::new(Transport::tcp().with_https(Arc::new(https)));
        Client::new(config)
    }
}

fn unreachable(error: &ClientError) -> String {
    assert!(error.to_string().contains("no KDC"), "{error}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_and_changes_of_passwords_go_through_a_kdc_proxy() {
    let world = World::new().await;
    let proxy = world.kdc.addresses().proxy.unwrap();
    let web = WebServer::start(Does::PassesOn(proxy)).await;
    let alice = web.alice(&world, CA).await;
    assert_eq!(alice.tgt().await.unwrap().client, *alice.account());
    let service = Principal::parse("HTTP/web.example.test", Some(REALM)).unwrap().name;
    alice.ticket(&service).await.unwrap();
    alice.change_password("another one 1!").await.unwrap();
    assert!(web.alice(&world, CA).await.tgt().await.is_err(), "it is another password now");
    assert!(web.visits() > 0);
    // Who is not known to be the proxy gets nothing.
    let visits = web.visits();
    let refused = web.alice(&world, OTHER_CA).await.tgt().await.unwrap_err();
    assert!(unreachable(&refused).contains("certificate"), "{refused}");
    assert_eq!(web.visits(), visits);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kdc_proxy_answers_is_bounded_and_leads_nowhere_else() {
    let world = World::new().await;
    let proxy = world.kdc.addresses().proxy.unwrap();
    let elsewhere = WebServer::start(Does::PassesOn(proxy)).await;
    let to = format!("https://{HOST}:{}/KdcProxy", elsewhere.address.port());
    for (does, why) in [
        (
            Does::Answers(format!(
                "HTTP/1.1 307 Elsewhere\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n"
            )),
            "307",
        ),
        (Does::Answers("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n".into()), "502"),
        (Does::Answers("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno".into()), "malformed"),
        (Does::Babbles, "too long"),
    ] {
        let web = WebServer::start(does).await;
        let alice = web.alice(&world, CA).await;
        let outcome = tokio::time::timeout(PATIENCE, alice.tgt()).await;
        let refused = outcome.expect("it ends").unwrap_err();
        assert!(unreachable(&refused).contains(why), "{refused}, not {why}");
        assert!(web.visits() > 0);
    }
    assert_eq!(elsewhere.visits(), 0);
}
