//! The tests' SQL Server (`tests/harness/tds`) as a process of its own, which whoever measures can have: it
//! lives until it is ended, and says what clients do against the protocol.
//!
//! `sql-server ADDRESS PORT KEYTAB SERVICE CERTIFICATE KEY USER…`: with TLS, and these users of `app`.

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use krb_client::files;
use krb_tests::tds::{Directory, Encryption, Options, Server};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, port, keytab, service, certificate, key, users @ ..] = &arguments[..] else {
        eprintln!("usage: sql-server ADDRESS PORT KEYTAB SERVICE CERTIFICATE KEY USER...");
        return ExitCode::from(2);
    };
    let users: Vec<&str> = users.iter().map(String::as_str).collect();
    let mut options = Options::new(Directory::with_users(&users));
    options.address = address.parse().expect("an address");
    options.port = port.parse().expect("a port");
    let keytab = files::read_keytab(Path::new(keytab)).await.expect("a keytab");
    options.keytab = Some((keytab, service.clone()));
    let (certificate, key) = (Path::new(certificate), Path::new(key));
    let server = Server::start(options.encrypted(Encryption::Required, certificate, key)).await;
    server.stop_listening();
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for violation in server.take_violations() {
            eprintln!("{violation}");
        }
    }
}
