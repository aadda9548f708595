//! All that runs in a demonstration, in one process on ports of the loopback that were free.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use krb_client::SystemClock;
use krb_client::dev_kdc::{Bind, DevKdc, Realms};
use krb_client::proto::kdc::Realm;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::addresses::Addresses;
use super::kdc_log::KdcLog;
use super::place::Place;
use super::realm::{self, REALM, SERVICE, USERS, WEB};
use super::story::Story;
use super::webapp::{Document, WebApp};
use super::{Issuer, page};
use crate::config::Config;
use crate::http::MCP_PATH;
use crate::start::Server;

pub(super) type Failed = Box<dyn Error + Send + Sync>;

const CONFIG: &str = include_str!("files/krb-mcp.jsonc");
const POLICY: &str = include_str!("files/policy.cedar");
const CA: &str = include_str!("files/ca.pem");
/// How long everything may take to end.
const END: Duration = Duration::from_secs(3);

/// The realm, the identity provider, the web application and the MCP server, all running.
pub(super) struct World {
    pub(super) issuer: Issuer,
    pub(super) web: WebApp,
    pub(super) kdc_log: KdcLog,
    pub(super) addresses: Addresses,
    kdc: DevKdc,
    stop: CancellationToken,
    servers: Vec<JoinHandle<()>>,
    // The last to go: others write into it.
    place: Place,
}

impl World {
    /// Starts everything around this realm.
    pub(super) async fn start(realm: Realm, story: &Arc<Story>) -> Result<Self, Failed> {
        let place = Place::new()?;
        let (mcp, web) = (listen().await?, listen().await?);
        let (mcp_address, web_address) = (mcp.local_addr()?, web.local_addr()?);
        let issuer = Issuer::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        for user in USERS {
            issuer.add(user.subject, user.account);
        }

        let kdc_log = KdcLog::default();
        let notes = kdc_log.clone();
        let documents = documents(&realm);
        let realms = Realms::from(realm).observed_by(move |event| notes.note(event));
        let kdc = DevKdc::start(realms, Bind::loopback()).await?;
        let keys = |account| kdc.realms().keytab(account).ok_or("an account has no keys");
        let keytab = keys(WEB)?;
        place.write("mcp.keytab", keys(SERVICE)?.to_bytes()?)?;
        place.write("web.keytab", keytab.to_bytes()?)?;
        place.write("krb5.conf", kdc.krb5_conf())?;
        let web_app = WebApp::new(keytab, documents, Arc::new(SystemClock));

        let port = web_address.port();
        let addresses = Addresses {
            realm: REALM,
            kdc: kdc.addresses().kdc,
            identity_provider: issuer.url(),
            web_application: format!("http://web.demo.test:{port}"),
            page: format!("http://{web_address}/"),
            mcp: format!("http://{mcp_address}{MCP_PATH}"),
            mcp_address,
            web_port: port,
        };
        place.write("ca.pem", CA)?;
        place.write("policy.cedar", POLICY)?;
        let file = place.write("krb-mcp.jsonc", configuration(&addresses))?;
        let server = Server::new(&file, &Config::load(&file)?).await?;

        let stop = CancellationToken::new();
        let site = page::router(web_address, story.clone()).merge(web_app.router());
        let servers = vec![
            tokio::spawn(server.serve(mcp, stop.clone().cancelled_owned())),
            tokio::spawn(serve_web(web, site, stop.clone())),
        ];
        Ok(Self { issuer, web: web_app, kdc_log, addresses, kdc, stop, servers, place })
    }

    /// The folder with all files.
    pub(super) fn folder(&self) -> &Path {
        self.place.path()
    }

    /// Where one of the files is.
    pub(super) fn file(&self, name: &str) -> std::path::PathBuf {
        self.place.file(name)
    }

    /// Writes a fresh token of each user into `NAME.jwt`: they are good for five minutes.
    pub(super) fn write_tokens(&self) -> io::Result<()> {
        USERS.iter().try_for_each(|user| {
            let token = self.issuer.token(user.subject);
            self.place.write(&format!("{}.jwt", user.subject), token).map(drop)
        })
    }

    /// The SID of an account, in text.
    pub(super) fn sid(&self, account: &str) -> String {
        let sid = self.kdc.realms().realm(REALM, |realm| realm::sid_of(realm, account));
        sid.flatten().map(|sid| sid.to_string()).unwrap_or_default()
    }

    /// Ends everything, and takes the files away.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let ended = async {
            for server in self.servers {
                // What panicked has said so.
                let _ = server.await;
            }
        };
        let _ = timeout(END, ended).await;
        self.kdc.stop().await;
    }
}

async fn listen() -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await
}

async fn serve_web(listener: TcpListener, app: Router, stop: CancellationToken) {
    let server = axum::serve(listener, app).with_graceful_shutdown(stop.cancelled_owned());
    if let Err(error) = server.await {
        tracing::error!(%error, "the demo's web application ended");
    }
}

fn documents(realm: &Realm) -> Vec<Document> {
    let text = [
        ("alice", "Only alice reads this: the merger is called off."),
        ("bob", "Only bob reads this: the printer on the third floor is free."),
        ("carol", "Only carol reads this: the keys of the realm are under the doormat."),
    ];
    let of_users = USERS.iter().zip(text).map(|(user, (name, text))| Document {
        name: name.into(),
        text: text.into(),
        readers: realm::sid_of(realm, user.account).into_iter().collect(),
    });
    let handbook = Document {
        name: "handbook".into(),
        text: "All staff read this: tickets, please.".into(),
        readers: realm::staff(realm).into_iter().collect(),
    };
    of_users.chain([handbook]).collect()
}

fn configuration(addresses: &Addresses) -> String {
    CONFIG
        .replace("@MCP@", &addresses.mcp_address.to_string())
        .replace("@ISSUER@", &addresses.identity_provider)
        .replace("@KDC@", &addresses.kdc.to_string())
        .replace("@WEB@", &addresses.web_port.to_string())
}
