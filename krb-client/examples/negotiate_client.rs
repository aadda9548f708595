//! A page behind Kerberos, asked for with reqwest: as the account itself, and in a user's name.
//!
//! ```sh
//! cargo run -p krb-client --features dev-kdc,reqwest,tower --example negotiate_client
//! ```
//!
//! KDC and web server are in the same process.

#![allow(clippy::print_stdout, reason = "a program that says what it does")]

use std::error::Error;

use axum::routing::get;
use axum::{Extension, Router};
use krb_client::accept::{Acceptor, AcceptorConfig, Caller, ServiceKeys};
use krb_client::dev_kdc::InMemory;
use krb_client::negotiate::{Negotiate, NegotiateLayer};
use krb_client::proto::kdc::{Account, Realm};
use krb_client::proto::{Name, Principal};
use krb_client::{Client, OsRandom};
use reqwest::redirect::Policy;
use tokio::net::TcpListener;

async fn whoami(Extension(caller): Extension<Caller>) -> String {
    match caller.delegated_by.first() {
        Some(by) => format!("{}, by way of {by}", caller.principal),
        None => caller.principal.to_string(),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let front = Account::service("svc-mcp").password("m").spn("HTTP/mcp.example.test");
    let front = front.set(|account| {
        account.trusted_to_auth_for_delegation = true;
        account.allowed_to_delegate_to = vec!["HTTP/web.example.test".into()];
    });
    let realm = Realm::new("EXAMPLE.TEST", &mut OsRandom)
        .with(Account::user("alice").password("alice's password"))
        .with(Account::service("svc-web").password("w").spn("HTTP/web.example.test"))
        .with(front);
    let kdc = InMemory::new(realm);

    let keytab = kdc.realms().keytab("svc-web").ok_or("no such account")?;
    let acceptor = Acceptor::new(AcceptorConfig::new(ServiceKeys::keytab(keytab)));
    let app = Router::new().route("/", get(whoami)).layer(NegotiateLayer::new(acceptor));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, app).await });

    let url = format!("http://web.example.test:{}/", address.port());
    let http = || {
        let builder = reqwest::Client::builder().redirect(Policy::none());
        builder.resolve("web.example.test", address).build()
    };
    let client = Client::new(kdc.client_config("svc-mcp").ok_or("no such account")?);
    let itself = Negotiate::as_itself(&client);
    println!("{}", itself.send(http()?.get(&url)).await?.text().await?);

    let alice = Principal::new(Name::user("alice"), "EXAMPLE.TEST");
    let evidence = client.s4u().evidence(&alice).await?;
    let account = client.prove(&evidence)?.account.ok_or("no account")?;
    let as_alice = Negotiate::as_user(&client, evidence, &account.sid.to_string());
    println!("{}", as_alice.send(http()?.get(&url)).await?.text().await?);
    Ok(())
}
