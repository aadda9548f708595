//! The examples run.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use krb_client::negotiate::Negotiate;
use krb_client::proto::Principal;
use krb_client::proto::exchange::ClientSecret;
use krb_client::{Client, ClientConfig, Realms, Resolver, read_krb5_conf};

/// Cargo builds them beside the tests, unless it is asked for some targets alone.
fn example(name: &str) -> Command {
    let here: PathBuf = std::env::current_exe().unwrap();
    let program = here.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(program.exists(), "build it as well: cargo build --all-features --examples");
    Command::new(program)
}

#[test]
fn a_page_is_asked_for_as_the_account_itself_and_in_a_users_name() {
    let ended = example("negotiate_client").output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(said, "svc-mcp@EXAMPLE.TEST\nalice@EXAMPLE.TEST, by way of svc-mcp@EXAMPLE.TEST\n");
}

/// A program that goes on until this ends, and its folder.
struct Running(Child, PathBuf);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

/// As it says itself: with the krb5.conf that it writes, alice's password and the address of its page.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_lets_in_whom_its_kdc_knows() {
    let folder = std::env::temp_dir().join(format!("krb-example-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let conf = folder.join("krb5.conf");
    let server = example("negotiate_server").arg(&conf).stdout(Stdio::piped()).spawn().unwrap();
    let mut server = Running(server, folder);
    let said = BufReader::new(server.0.stdout.take().unwrap()).lines();
    let said: Vec<_> = said.take(3).map(Result::unwrap).collect();
    let [export, kinit, curl] = said.as_slice() else { panic!("it has ended: {said:?}") };
    assert_eq!(*export, format!("export KRB5_CONFIG={}", conf.display()));
    let (_, password) = kinit.split_once("her password is: ").unwrap();
    let (_, url) = curl.split_once("--negotiate -u : ").unwrap();

    let resolver = Resolver::from_system(Resolver::hosts_of_machine());
    let conf = read_krb5_conf(vec![conf]).await.unwrap();
    let realms = Realms::default().with_conf(conf, resolver).unwrap();
    let alice = Principal::parse("alice", realms.default_realm()).unwrap();
    let password = ClientSecret::Password(password.as_bytes().to_vec().into());
    let alice = Client::new(ClientConfig::in_realms(alice, password, realms));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = Negotiate::as_itself(&alice).send(http.get(url)).await.unwrap();
    assert!(page.text().await.unwrap().starts_with("You are alice@EXAMPLE.TEST (S-1-5-21-"));
    let stranger = http.get(url).send().await.unwrap();
    assert_eq!(stranger.status(), reqwest::StatusCode::UNAUTHORIZED);
}
