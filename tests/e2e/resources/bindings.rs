//! A ticket is bound to the TLS connection that carries it (Extended Protection), as an acceptor of
//! MIT's sees it that computes its bindings with GnuTLS.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use krb_client::negotiate::{Negotiate, NegotiateError};
use krb_client::proto::Principal;
use krb_client::proto::exchange::ClientSecret;
use krb_client::{Client, ClientConfig, KdcSource};
use krb_tests::{Lab, Server, Setup, issuer, pac};
use reqwest::tls::TlsInfo;
use serde_json::{Value, json};

use crate::lab;

/// A program of `tests/lab.d/web/bound`; it ends with its value.
struct Bound {
    process: Child,
    out: BufReader<ChildStdout>,
    port: u16,
}

impl Bound {
    fn start(program: &str, arguments: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("lab.d/web/bound");
        // Debian's, which has its gssapi.
        let mut command = Command::new("/usr/bin/python3");
        command.arg(folder.join(program)).args(arguments).stdout(Stdio::piped());
        let mut process = command.spawn().expect("python3");
        let mut out = BufReader::new(process.stdout.take().expect("its output"));
        let mut port = String::new();
        out.read_line(&mut port).expect("its port");
        let port = port.trim().parse().expect("its port");
        Self { process, out, port }
    }

    fn acceptor(lab: &Lab, certificate: &Certificate, tls: &str) -> Self {
        let (keytab, ip) = (lab.keytab("web"), lab.var("WEB_IP"));
        let [file, key, keytab] = [&certificate.file, &certificate.key, &keytab]
            .map(|path| path.to_str().expect("a path"));
        Self::start("acceptor.py", &[&ip, file, key, keytab, "--tls", tls])
    }

    /// The next line that it says.
    fn says(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).expect("a line");
        line
    }

    fn url(&self, lab: &Lab) -> String {
        format!("https://{}:{}", lab.var("WEB_HOST"), self.port)
    }

    fn target(&self, lab: &Lab, name: &str) -> Value {
        json!({
            "name": name, "kind": "http", "url": self.url(lab),
            "spn": format!("HTTP/{}", lab.var("WEB_HOST"))
        })
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The web server's certificate by a CA of its own, whose signature algorithm makes the difference.
struct Certificate {
    ca: PathBuf,
    file: PathBuf,
    key: PathBuf,
}

const RSA: [&str; 2] = ["rsa:2048", "-sha256"];
const RSA_PSS: [&str; 2] =
    ["rsa:2048", "-sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1"];
const ECDSA: [&str; 2] = ["ec -pkeyopt ec_paramgen_curve:P-384", "-sha384"];
const ED25519: [&str; 2] = ["ed25519", ""];

impl Certificate {
    fn new(lab: &Lab, name: &str, [key, signature]: [&str; 2]) -> Self {
        let path = |what: &str| lab.scratch(&format!("bound-{name}{what}"));
        let (ca, file) = (path("-ca.pem"), path(".pem"));
        let prefix = path("");
        let (host, prefix) = (lab.var("WEB_HOST"), prefix.display());
        lab.shell(&format!(
            "openssl req -x509 -newkey {key} -nodes -days 30 -subj '/CN={name} CA' \
               -addext basicConstraints=critical,CA:TRUE \
               -keyout {prefix}-ca.key -out {prefix}-ca.pem 2>&1
             openssl req -newkey {key} -nodes -subj /CN={host} \
               -keyout {prefix}.key -out {prefix}.csr 2>&1
             openssl x509 -req -in {prefix}.csr -CA {prefix}-ca.pem -CAkey {prefix}-ca.key \
               -CAcreateserial -days 30 {signature} -extfile <(echo subjectAltName=DNS:{host}) \
               -out {prefix}.pem 2>&1"
        ));
        Self { ca, file, key: path(".key") }
    }
}

/// A CA file of these, by renaming, as whoever renews certificates does it.
fn write_ca_file(path: &Path, certificates: &[&Certificate]) {
    let read = |certificate: &&Certificate| std::fs::read_to_string(&certificate.ca).expect("a CA");
    let (all, new) =
        (certificates.iter().map(read).collect::<String>(), path.with_extension("new"));
    std::fs::write(&new, all).expect("a CA file");
    std::fs::rename(new, path).expect("a CA file");
}

/// A server of ours that believes the CAs of a file of `lab.scratch`, which `change` names.
fn server(lab: &Lab, issuer: &str, change: fn(&mut Value), targets: Vec<Value>) -> Server {
    let mut setup = Setup::new(lab, issuer);
    (setup.targets, setup.change) = (targets, change);
    Server::start(lab, &setup)
}

fn believes_all(configuration: &mut Value) {
    configuration["network"]["caFile"] = json!("../bound-all.pem");
}

fn believes_both(configuration: &mut Value) {
    configuration["network"]["caFile"] = json!("../bound-both.pem");
}

fn believes_one(configuration: &mut Value) {
    configuration["network"]["caFile"] = json!("../bound-one.pem");
}

#[tokio::test]
async fn a_server_that_demands_channel_bindings_gets_the_right_ones() {
    let lab = lab!();
    let issuer = issuer().await;
    let kinds = [
        ("rsa", RSA, "TLSv1_3"),
        ("rsa-pss", RSA_PSS, "TLSv1_3"),
        ("ecdsa", ECDSA, "TLSv1_2"),
        ("ed25519", ED25519, "TLSv1_3"),
    ];
    let certificates = kinds.map(|(name, how, _)| Certificate::new(lab, name, how));
    write_ca_file(&lab.scratch("bound-all.pem"), &certificates.each_ref());
    let mut acceptors: Vec<_> = std::iter::zip(&certificates, kinds)
        .map(|(certificate, (_, _, tls))| Bound::acceptor(lab, certificate, tls))
        .collect();
    let targets = std::iter::zip(&acceptors, kinds);
    let targets = targets.map(|(acceptor, (name, _, _))| acceptor.target(lab, name)).collect();
    let server = server(lab, &issuer.url(), believes_all, targets);
    let token = issuer.token_for("bob");
    for (acceptor, (name, _, tls)) in std::iter::zip(&mut acceptors, kinds) {
        let page = server.get(&token, &acceptor.url(lab)).await;
        let expected = format!("{} over {}", lab.principal("bob"), tls.replace('_', "."));
        assert_eq!(page.content(), expected, "{name}");
        assert!(acceptor.says().starts_with("200"), "{name}");
    }
}

#[tokio::test]
async fn a_ticket_that_a_tls_relay_passes_on_is_refused() {
    let lab = lab!();
    let issuer = issuer().await;
    let (own, other) = (Certificate::new(lab, "own", RSA), Certificate::new(lab, "other", ECDSA));
    write_ca_file(&lab.scratch("bound-both.pem"), &[&own, &other]);
    let mut acceptor = Bound::acceptor(lab, &own, "TLSv1_3");
    let (file, key) = (other.file.display().to_string(), other.key.display().to_string());
    let (ip, port) = (lab.var("WEB_IP"), acceptor.port.to_string());
    let relay = Bound::start("relay.py", &[&ip, &file, &key, &port]);
    let target = relay.target(lab, "relayed");
    let server = server(lab, &issuer.url(), believes_both, vec![target]);
    let answer = server.get(&issuer.token_for("bob"), &relay.url(lab)).await;
    let (code, message, remedy) = answer.error();
    assert!(["ACCESS_DENIED", "RESOURCE_REFUSED"].contains(&&*code), "{code}: {message}");
    assert!(remedy.contains("Extended Protection"), "{remedy}");
    let said = acceptor.says();
    assert!(said.starts_with("401") && said.contains("BadChannelBindings"), "{said}");

    // That the acceptor demands them at all: curl of Debian 12 sends none.
    let (ca, url) = (own.ca.display(), acceptor.url(lab));
    lab.shell(&format!(
        "export KRB5CCNAME=FILE:{}; echo 'Passw0rd!bob' | kinit bob >/dev/null
         curl -s -m 10 --cacert {ca} --negotiate -u : {url}",
        lab.scratch("bound-ccache").display()
    ));
    assert_eq!(acceptor.says().trim(), "401 no bindings");
}

#[tokio::test]
async fn a_ca_file_that_is_replaced_is_used_without_a_restart() {
    let lab = lab!();
    let issuer = issuer().await;
    let (old, new) = (Certificate::new(lab, "old", RSA), Certificate::new(lab, "new", ECDSA));
    let ca_file = lab.scratch("bound-one.pem");
    write_ca_file(&ca_file, &[&old]);
    let acceptors = [&old, &new].map(|it| Bound::acceptor(lab, it, "TLSv1_3"));
    let [old_target, new_target] = &acceptors;
    let targets = vec![old_target.target(lab, "old"), new_target.target(lab, "new")];
    let server = server(lab, &issuer.url(), believes_one, targets);
    let token = issuer.token_for("bob");
    assert!(server.get(&token, &old_target.url(lab)).await.content().contains("bob"));
    let (code, message, remedy) = server.get(&token, &new_target.url(lab)).await.error();
    assert_eq!(code, "RESOURCE_REFUSED");
    assert!(message.contains("certificate") && remedy.contains("network.caFile"), "{message}");

    write_ca_file(&ca_file, &[&new]);
    let until = Instant::now() + Duration::from_secs(5);
    loop {
        let answer = server.get(&token, &new_target.url(lab)).await;
        if answer.body["result"]["isError"] != true {
            assert!(answer.content().contains("bob"));
            break;
        }
        assert!(Instant::now() < until, "the new CA is not believed: {answer:#?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(server.get(&token, &old_target.url(lab)).await.code(), "RESOURCE_REFUSED");
}

/// The login of a program that takes krb-client's layer around reqwest, at servers that demand bindings,
/// and at Apache, which looks at none; a relay's certificate is not the server's.
#[tokio::test]
async fn a_login_around_reqwest_is_bound_to_the_certificate_that_answers() {
    let lab = lab!();
    let kdcs = KdcSource::Addresses(vec![format!("{}:88", lab.var("DC_IP")).parse().unwrap()]);
    let alice = Principal::parse(&lab.principal("ALICE_ADMIN"), None).unwrap();
    let password = ClientSecret::Password(b"Passw0rd!ALICE_ADMIN".to_vec().into());
    let client = Client::new(ClientConfig::new(alice, password, kdcs));
    let unbound = Negotiate::as_itself(&client);
    let bound = unbound.clone().certificates_by(|answer| {
        answer.extensions().get::<TlsInfo>()?.peer_certificate().map(<[u8]>::to_vec)
    });
    let http = |ca: &Path| {
        let ca = reqwest::Certificate::from_pem(&std::fs::read(ca).unwrap()).unwrap();
        let address = format!("{}:0", lab.var("WEB_IP")).parse().unwrap();
        let builder = reqwest::Client::builder().resolve(&lab.var("WEB_HOST"), address).no_proxy();
        builder.tls_certs_only([ca]).tls_info(true).build().unwrap()
    };
    for (name, kind) in [("layer-rsa", RSA), ("layer-ecdsa", ECDSA)] {
        let certificate = Certificate::new(lab, name, kind);
        let mut server = Bound::acceptor(lab, &certificate, "TLSv1_3");
        let (http, url) = (http(&certificate.ca), server.url(lab));
        let page = bound.send(http.get(&url)).await.unwrap().text().await.unwrap();
        assert!(page.starts_with(&lab.principal("ALICE_ADMIN")), "{page}");
        server.says(); // that there was no ticket first
        assert!(server.says().starts_with("200"));
        let refused = unbound.send(http.get(&url)).await.unwrap_err();
        assert!(matches!(refused, NegotiateError::Refused { bound: false, .. }), "{refused}");
    }
    let url = lab.url("/whoami").replace("http://", "https://");
    let http = http(Path::new(&lab.var("CA_FILE")));
    let page = bound.send(http.get(url)).await.unwrap().text().await.unwrap();
    assert_eq!(pac::page(&page).remote_user, lab.principal("ALICE_ADMIN"));
}
