//! A web server behind Kerberos, and its KDC with it:
//!
//! ```sh
//! cargo run -p krb-client --features dev-kdc,tower --example negotiate_server
//! ```
//!
//! It writes the `krb5.conf` of its realm, and says how to come in.

#![allow(clippy::print_stdout, reason = "a program that says what it does")]

use std::error::Error;
use std::io::{Write, stdout};

use axum::routing::get;
use axum::{Extension, Router};
use krb_client::OsRandom;
use krb_client::accept::{Acceptor, AcceptorConfig, Caller, ServiceKeys};
use krb_client::dev_kdc::{Bind, DevKdc, Realms};
use krb_client::negotiate::NegotiateLayer;
use krb_client::proto::kdc::{Account, Realm};
use tokio::net::TcpListener;

async fn whoami(Extension(caller): Extension<Caller>) -> String {
    let sid = caller.account.map(|account| account.sid.to_string());
    format!("You are {} ({}).\n", caller.principal, sid.unwrap_or_default())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let realm = Realm::new("EXAMPLE.TEST", &mut OsRandom)
        .with(Account::user("alice").password("alice's password"))
        .with(Account::service("svc-web").password("web").spn("HTTP/localhost"));
    let kdc = DevKdc::start(Realms::new([realm]), Bind::loopback()).await?;
    let conf = std::env::args().nth(1).unwrap_or_else(|| "krb5.conf".into());
    std::fs::write(&conf, kdc.krb5_conf())?;

    // A server of one's own has ServiceKeys::keytab_file("http.keytab").
    let keytab = kdc.realms().keytab("svc-web").ok_or("no such account")?;
    let acceptor = Acceptor::new(AcceptorConfig::new(ServiceKeys::keytab(keytab)));
    let app = Router::new().route("/", get(whoami)).layer(NegotiateLayer::new(acceptor));

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("export KRB5_CONFIG={conf}");
    println!("kinit alice    # her password is: alice's password");
    println!("curl --negotiate -u : http://localhost:{}/", listener.local_addr()?.port());
    stdout().flush()?;
    axum::serve(listener, app).await?;
    Ok(())
}
