//! Further KDCs of MIT's realm, by its database: one that takes over, and some that are not the realm's.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use krb_client::{Client, ClientError, KdcSource};
use krb_proto::Name;
use krb_proto::exchange::{ExchangeError, TicketOptions};
use krb_proto::pkinit::{Group, PkinitError};
use krb_tests::Lab;

use crate::lab;
use crate::logins::{Realm, certificate, password, pki};

/// One more, until it is dropped.
struct Kdc {
    process: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Kdc {
    /// With the certificate and key in `IDENTITY.pem` and `IDENTITY.key`.
    fn start(lab: &Lab, name: &str, identity: &Path) -> Self {
        let (ip, _) = lab.var("MIT_KDC").rsplit_once(':').map(owned).expect("ADDRESS:PORT");
        let address = TcpListener::bind((&*ip, 0)).unwrap().local_addr().unwrap();
        let file = |kind: &str| lab.scratch(&format!("{name}.{kind}"));
        let (profile, log, folder) = (file("conf"), file("log"), lab.var("LAB"));
        let replaced = [
            (format!("{ip}:88"), address.to_string()),
            (pki(lab, "kdc").display().to_string(), identity.display().to_string()),
            (format!("{folder}/log/mit.log"), log.display().to_string()),
        ];
        let text = fs::read_to_string(format!("{folder}/mit/kdc.conf")).unwrap();
        let text = replaced.iter().fold(text, |text, (theirs, ours)| {
            assert!(text.contains(theirs), "{theirs}: {text}");
            text.replace(theirs, ours)
        });
        fs::write(&profile, text).unwrap();
        let mut command = Command::new("/usr/sbin/krb5kdc");
        command.args(["-n", "-r", &lab.var("MIT_REALM")]).env("KRB5_KDC_PROFILE", &profile);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = process.spawn().unwrap();
        let kdc = Self { process, address, log };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", kdc.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        kdc
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

fn owned((ip, port): (&str, &str)) -> (String, String) {
    (ip.to_owned(), port.to_owned())
}

impl Drop for Kdc {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn when_a_kdc_dies_another_one_takes_over_at_once() {
    let lab = lab!();
    let identity = pki(lab, "kdc");
    let [first, second] = ["first", "second"].map(|name| Kdc::start(lab, name, &identity));
    let kdc = KdcSource::Addresses(vec![first.address, second.address]);
    let mit = Realm { kdc, ..Realm::mit(lab) };
    // So much patience that nobody asks the second one for the first one's slowness.
    let mut config = mit.config("bob", password("Passw0rd!bob"));
    (config.kdc_timeout, config.timeout) = (Duration::from_secs(10), Duration::from_secs(60));
    let bob = Client::new(config);
    let krbtgt = Name::krbtgt(mit.name.as_bytes());
    let log_in = async || bob.initial(&krbtgt, TicketOptions::default()).await;
    log_in().await.unwrap();
    let logins = |kdc: &Kdc| kdc.said().matches("AS_REQ").count();
    assert!(logins(&first) > 0, "{}", first.said());
    assert_eq!(logins(&second), 0, "the first one answers");
    drop(first);
    for _ in 0..3 {
        let begun = Instant::now();
        log_in().await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    }
    assert!(logins(&second) >= 3, "{}", second.said());
}

/// By the realm's own CA, and not for its KDC.
#[tokio::test]
async fn a_kdc_whose_certificate_is_for_something_else_gets_nobody() {
    let lab = lab!();
    let folder = lab.scratch("strange-kdcs");
    let component = concat!(env!("CARGO_MANIFEST_DIR"), "/lab.d/mit/component.sh");
    let (realm, folder_text) = (lab.var("MIT_REALM"), folder.display().to_string());
    // The purpose 5 is a KDC's, 4 a client's (RFC 4556 sections 3.2.4 and 3.2.2).
    lab.shell(&format!(
        "mkdir -p {folder_text} && cd {folder_text} && cp \"$MIT_PKI\"/ca.* . && . {component} && {{
            certificate ca right 5 2 krbtgt {realm} && certificate ca purpose 4 2 krbtgt {realm} &&
            certificate ca name 5 1 alice && certificate ca other-service 5 2 krbtgt OTHER.TEST &&
            MIT_REALM=OTHER.TEST certificate ca realm 5 2 krbtgt OTHER.TEST; }} 2>&1"
    ));
    for name in ["right", "purpose", "name", "other-service", "realm"] {
        let kdc = Kdc::start(lab, &format!("strange-{name}"), &folder.join(name));
        let mit = Realm { kdc: KdcSource::Addresses(vec![kdc.address]), ..Realm::mit(lab) };
        let secret = certificate(lab, "ca.pem", &[Group::Modp14]).await;
        let outcome = Client::new(mit.config("alice", secret)).tgt().await;
        match (name, outcome) {
            ("right", Ok(tgt)) => assert_eq!(tgt.client.to_string(), format!("alice@{realm}")),
            ("right", Err(refused)) => panic!("{refused}: {}", kdc.said()),
            (_, Err(ClientError::Exchange(ExchangeError::Pkinit(why)))) => {
                assert_eq!(why, PkinitError::NotTheKdc, "{name}");
            }
            (_, other) => panic!("{name}: {other:?}"),
        }
    }
}
