//! Apache with mod_auth_gssapi: whom a page sees. And curl, with it and with our own server.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;
use std::time::Duration;

use axum::routing::get;
use axum::{Extension, Router};
use krb_client::Client;
use krb_client::accept::{Acceptor, AcceptorConfig, Caller, ServiceKeys};
use krb_client::negotiate::{Negotiate, NegotiateError, NegotiateLayer};
use krb_client::proto::Principal;
use tokio::process::{Child, Command};

use crate::mit::{here, kinit, kinit_with_keys, kvno};
use crate::world::{Ended, World, installed};

const APACHE: &str = "/usr/sbin/apache2";
const MODULE: &str = "/usr/lib/apache2/modules/mod_auth_gssapi.so";
const CURL: &str = "/usr/bin/curl";
const HOST: &str = "web.example.test";

fn apache() -> bool {
    here()
        && installed(APACHE, "apache2")
        && installed(MODULE, "libapache2-mod-auth-gssapi")
        && installed(CURL, "curl")
}

/// A running Apache, ended when dropped.
struct Apache {
    _process: Child,
    address: SocketAddr,
}

impl Apache {
    async fn start(world: &World) -> Self {
        let keytab = world.keytab("svc-web").await;
        // Where this runs as root, Apache's children do not, and are to read it.
        std::fs::set_permissions(&keytab, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::create_dir_all(world.file("htdocs")).unwrap();
        let page = "REMOTE_USER=<!--#echo encoding=\"none\" var=\"REMOTE_USER\" -->\n";
        std::fs::write(world.file("htdocs/whoami"), page).unwrap();
        // A free port is only known to be one until somebody else takes it.
        for _ in 0..5 {
            let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
            let template = include_str!("programs/httpd.conf");
            let folder = world.file("");
            let folder = folder.to_str().unwrap().trim_end_matches('/');
            let conf = template.replace("@FOLDER@", folder);
            let conf = conf.replace("@ADDRESS@", &address.to_string());
            std::fs::write(world.file("httpd.conf"), conf).unwrap();
            let mut command = Command::new(APACHE);
            // One process, so that nothing is left when it is ended.
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.args(["-X", "-f"]).arg(world.file("httpd.conf")).env_clear();
            command.env("KRB5_CONFIG", world.file("krb5.conf")).kill_on_drop(true);
            let mut process = command.spawn().unwrap();
            for _ in 0..1000 {
                if process.try_wait().unwrap().is_some() {
                    break;
                }
                if tokio::net::TcpStream::connect(address).await.is_ok() {
                    return Self { _process: process, address };
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        let log = std::fs::read_to_string(world.file("error.log")).unwrap_or_default();
        panic!("Apache does not start: {log}");
    }

    async fn page(&self, world: &World, cache: &str) -> Ended {
        page(world, cache, self.address).await
    }
}

/// What curl is told there.
async fn page(world: &World, cache: &str, at: SocketAddr) -> Ended {
    let resolve = format!("{HOST}:{}:127.0.0.1", at.port());
    let url = format!("http://{HOST}:{}/whoami", at.port());
    let words = ["-sS", "--fail", "--negotiate", "-u", ":", "--resolve", &resolve, &url];
    world.program(CURL, cache).args(words).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_sees_who_came_and_in_whose_name() {
    if !apache() {
        return;
    }
    let world = World::new().await;
    let apache = Apache::start(&world).await;
    kinit(&world, "bob", &["bob"], "bob's password").await.ok();
    let page = apache.page(&world, "bob").await.ok();
    assert_eq!(page.trim(), "REMOTE_USER=bob@EXAMPLE.TEST");
    // A cache with alice's ticket in it that the front end got, and nothing else.
    kinit_with_keys(&world, "mcp", "svc-mcp").await.ok();
    let cache = format!("FILE:{}", world.file("alice").display());
    let words = ["-I", "alice", "-P", "--out-cache", &cache, "HTTP/web.example.test"];
    kvno(&world, "mcp", &words).await.ok();
    let page = apache.page(&world, "alice").await.ok();
    assert_eq!(page.trim(), "REMOTE_USER=alice@EXAMPLE.TEST");
    apache.page(&world, "nobody").await.refused("401");
}

/// Our client's login at Apache, in person and in alice's name; and what nobody is let in for.
#[tokio::test(flavor = "multi_thread")]
async fn it_takes_logins_of_our_client() {
    if !apache() {
        return;
    }
    let world = World::new().await;
    let apache = Apache::start(&world).await;
    let url = format!("http://{HOST}:{}/whoami", apache.address.port());
    let ask = || {
        let http = reqwest::Client::builder().resolve(HOST, apache.address).no_proxy();
        http.build().unwrap().get(&url)
    };
    let client = |account| Client::new(world.kdc.client_config(account).unwrap());
    let bob = Negotiate::as_itself(&client("bob"));
    let page = bob.send(ask()).await.unwrap().text().await.unwrap();
    assert_eq!(page.trim(), "REMOTE_USER=bob@EXAMPLE.TEST");
    let front = client("svc-mcp");
    let alice = Principal::parse("alice@EXAMPLE.TEST", None).unwrap();
    let evidence = front.s4u().evidence(&alice).await.unwrap();
    let sid = front.prove(&evidence).unwrap().account.unwrap().sid.to_string();
    let page = Negotiate::as_user(&front, evidence, &sid).send(ask()).await.unwrap();
    assert_eq!(page.text().await.unwrap().trim(), "REMOTE_USER=alice@EXAMPLE.TEST");
    // A key of which Apache knows nothing.
    let realms = world.kdc.realms();
    realms.realm("EXAMPLE.TEST", |realm| realm.set_password("svc-web", "another")).unwrap();
    let dave = Negotiate::as_itself(&client("dave"));
    let refused = dave.send(ask()).await.unwrap_err();
    assert!(matches!(refused, NegotiateError::Refused { .. }), "{refused}");
}

/// And curl's, by MIT's library, at a server of axum's behind our layer.
#[tokio::test(flavor = "multi_thread")]
async fn curl_logs_in_at_our_layer() {
    if !here() || !installed(CURL, "curl") {
        return;
    }
    let world = World::new().await;
    let keys = ServiceKeys::keytab_file(world.keytab("svc-web").await);
    let layer = NegotiateLayer::new(Acceptor::new(AcceptorConfig::new(keys)));
    let whoami = async |Extension(caller): Extension<Caller>| {
        format!("{} by {:?}", caller.principal, caller.delegated_by)
    };
    let app = Router::new().route("/whoami", get(whoami)).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });

    kinit(&world, "bob", &["bob"], "bob's password").await.ok();
    assert_eq!(page(&world, "bob", address).await.ok(), "bob@EXAMPLE.TEST by []");
    kinit_with_keys(&world, "mcp", "svc-mcp").await.ok();
    let cache = format!("FILE:{}", world.file("alice").display());
    let words = ["-I", "alice", "-P", "--out-cache", &cache, "HTTP/web.example.test"];
    kvno(&world, "mcp", &words).await.ok();
    let said = page(&world, "alice", address).await.ok();
    assert_eq!(said, "alice@EXAMPLE.TEST by [\"svc-mcp@EXAMPLE.TEST\"]");
    page(&world, "nobody", address).await.refused("401");
}
