//! A world in memory: the whole server, from the HTTP request to the web application that says who
//! came, with a KDC, an identity provider and web applications of its own, and a time that goes on as
//! soon as everybody waits for it. Nothing in it has a socket; the only files are the server's own:
//! its configuration, its keytab, its policy, its audit log.

pub mod directory;
mod idp;
mod kdcs;
mod random;
mod time;
mod web;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, HOST};
use krb_client::{Client, ClientConfig, KdcSource};
use krb_delegation::network::{Network, NetworkConfig};
use krb_delegation::plan::Parts;
use krb_mcp::demo::webapp::{Document, Visit, WebApp};
use krb_mcp::{Config, Server};
use krb_proto::exchange::ClientSecret;
use krb_proto::kdc::Realm;
use krb_proto::{Name, Principal};
use serde_json::{Value, json};
use tower::ServiceExt;

pub use idp::{Idp, IdpIs};
use kdcs::Several;
pub use kdcs::{Is, Kdcs, Seen, count, granted};
pub use random::Seeded;
pub use time::{Shown, Time};
pub use web::{SiteIs, Sites};

use crate::Answer;
use crate::server::ALLOW_ALL;
use directory::{
    INTRANET, OTHER, REALM, SECOND_SERVICE, SECOND_WEBAPP, SERVICE, SERVICE_AS_ITSELF, STAFF,
    WEBAPP, sid,
};

/// What a world is like; the default lets everybody do everything that the KDC and the applications
/// allow.
pub struct Setup {
    /// The service account's name.
    pub account: &'static str,
    /// The Cedar policies.
    pub policy: String,
    /// Changes to the configuration.
    pub change: fn(&mut Value),
    /// Changes to the directory, before the service's keytab is written.
    pub realm: fn(&mut Realm),
    /// What is done in the server's folder before it starts.
    pub before: fn(&Path),
    /// How many KDCs there are.
    pub kdcs: u8,
    /// Where the server's randomness begins.
    pub seed: u64,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            account: SERVICE,
            policy: ALLOW_ALL.into(),
            change: |_| {},
            realm: |_| {},
            before: |_| {},
            kdcs: 1,
            seed: 1,
        }
    }
}

/// The number of the other realm's KDC.
pub const SECOND_KDC: u8 = 100;

/// All of it.
pub struct World {
    /// The true time.
    pub time: Time,
    /// The server's clock.
    pub clock: Arc<Shown>,
    /// The web applications' clock.
    pub web_clock: Arc<Shown>,
    /// The KDCs, and the directory behind them.
    pub kdcs: Kdcs,
    /// The KDC of the other realm, whose number is [`SECOND_KDC`], and the directory behind it.
    pub second: Kdcs,
    /// The identity provider.
    pub idp: Arc<Idp>,
    /// The web applications' servers.
    pub sites: Sites,
    applications: Vec<(&'static str, WebApp)>,
    server: Server,
    router: Router,
    folder: Folder,
}

impl World {
    /// The usual one.
    pub async fn new() -> Self {
        Self::with(Setup::default()).await
    }

    /// Another one.
    ///
    /// # Panics
    /// If the server does not take its configuration.
    pub async fn with(setup: Setup) -> Self {
        let time = Time::begin();
        let mut realm = directory::directory(&Seeded::new(0));
        (setup.realm)(&mut realm);
        let folder = Folder::new();
        let account = realm.account(setup.account).expect("the service's account");
        folder.write("mcp.keytab", realm.keytab(account).to_bytes().expect("a keytab"));
        let second = directory::second_directory(&Seeded::new(2));
        for (file, realm, name) in [
            ("second.keytab", &realm, SECOND_SERVICE),
            ("reports.keytab", &realm, SERVICE_AS_ITSELF),
            ("second-realm.keytab", &second, SERVICE),
        ] {
            let account = realm.account(name).expect("a service's account");
            folder.write(file, realm.keytab(account).to_bytes().expect("a keytab"));
        }
        folder.write("policy.cedar", &setup.policy);
        folder.write("ca.pem", CA);
        let file = folder.write("krb-mcp.jsonc", configuration(&setup).to_string());

        (setup.before)(&folder.0);

        let (sites, web_clock) = (Sites::default(), time.clock());
        let applications = [
            (WEBAPP, "svc-webapp", &realm),
            (INTRANET, "svc-intranet", &realm),
            (OTHER, "svc-other", &realm),
            (SECOND_WEBAPP, "svc-webapp", &second),
        ];
        let applications = applications.map(|(host, account, realm)| {
            let account = realm.account(account).expect("the application's account");
            let web = WebApp::new(realm.keytab(account), documents(realm), web_clock.clone());
            sites.add(address(host), web.router());
            (host, web)
        });
        let kdcs = Kdcs::new(realm, setup.kdcs, &time);
        let second = Kdcs::numbered(second, [SECOND_KDC].into_iter(), &time);
        let (clock, idp) = (time.clock(), Arc::new(Idp::new(&time)));
        let config = Config::load(&file).expect("the configuration");
        let network = NetworkConfig { ca_file: config.network.ca_file.clone(), ..hosts() };
        let parts = Parts {
            clock: clock.clone(),
            random: Arc::new(Seeded::new(setup.seed)),
            kdcs: Arc::new(Several(vec![kdcs.clone(), second.clone()])),
            idp: idp.clone(),
            network: Network::new(&network, Arc::new(sites.clone())).expect("a network"),
        };
        let server = Server::with(&file, &config, parts).await.expect("the server");
        let router = server.router();
        let applications = applications.into();
        Self {
            time,
            clock,
            web_clock,
            kdcs,
            second,
            idp,
            sites,
            applications,
            server,
            router,
            folder,
        }
    }

    /// A URL of the application that everybody may try.
    #[must_use]
    pub fn url(path: &str) -> String {
        format!("http://{WEBAPP}{path}")
    }

    /// A client of a user, who has the password that all users have.
    #[must_use]
    pub fn client(&self, user: &str) -> Client {
        self.client_with(user, ClientSecret::Password(b"Passw0rd!".to_vec().into()))
    }

    /// A client of an account that has this secret.
    #[must_use]
    pub fn client_with(&self, account: &str, secret: ClientSecret) -> Client {
        let kdcs = KdcSource::Addresses(vec![Kdcs::address(1)]);
        let mut config =
            ClientConfig::new(Principal::new(Name::user(account), REALM), secret, kdcs);
        config.transport = Arc::new(self.kdcs.clone());
        config.clock = self.time.clock();
        Client::new(config)
    }

    /// From now on the web server of an application is so.
    pub fn set_site(&self, host: &str, is: SiteIs) {
        self.sites.set(address(host), is);
    }

    /// What an application saw.
    ///
    /// # Panics
    /// If there is none of this name.
    #[must_use]
    pub fn visits(&self, host: &str) -> Vec<Visit> {
        let (_, web) = self.applications.iter().find(|(name, _)| *name == host).expect("a host");
        web.visits_from(0)
    }

    /// Lets the server find out how it stands, as one that serves does.
    pub fn find_out(&self) {
        tokio::spawn(self.server.keep_finding_out());
    }

    /// Lets the server know that it is about to end.
    pub fn ends(&self) {
        self.server.ends();
    }

    /// What a path that is not MCP's answers: a status and a text.
    pub async fn probe(&self, path: &str) -> (u16, String) {
        got(&self.router, path).await
    }

    /// The same where the metrics are.
    pub async fn side(&self, path: &str) -> (u16, String) {
        got(&self.server.metrics(), path).await
    }

    /// Calls a tool as plain `curl` does.
    ///
    /// # Panics
    /// If there is no HTTP answer.
    pub async fn call(&self, token: Option<&str>, tool: &str, arguments: Value) -> Answer {
        let authorization = token.map(|token| format!("Bearer {token}"));
        self.call_with(authorization.as_deref(), tool, arguments).await
    }

    /// The same with that `Authorization`.
    pub async fn call_with(
        &self,
        authorization: Option<&str>,
        tool: &str,
        arguments: Value,
    ) -> Answer {
        let fields: Vec<_> =
            authorization.map(|field| ("authorization", field)).into_iter().collect();
        self.call_with_fields(&fields, tool, arguments).await
    }

    /// The same with these header fields.
    ///
    /// # Panics
    /// If there is no HTTP answer.
    pub async fn call_with_fields(
        &self,
        fields: &[(&str, &str)],
        tool: &str,
        arguments: Value,
    ) -> Answer {
        let message = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments }
        });
        let mut request = Request::post("/mcp")
            .header(HOST, "localhost:3000")
            .header(CONTENT_TYPE, "application/json");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(message.to_string())).expect("a request");
        let answered = self.router.clone().oneshot(request).await;
        let (head, body) = answered.expect("a router always answers").into_parts();
        let field = |name| head.headers.get(name)?.to_str().ok().map(str::to_owned);
        let (challenge, nonce) = (field("www-authenticate"), field("dpop-nonce"));
        let body = to_bytes(body, 4 << 20).await.expect("the answer's body");
        let body = serde_json::from_slice(&body).unwrap_or_default();
        Answer { status: head.status.as_u16(), challenge, nonce, body }
    }

    /// Gets a URL with this token.
    pub async fn get(&self, token: &str, url: &str) -> Answer {
        self.call(Some(token), "kerberos-http-request", json!({ "url": url })).await
    }

    /// Gets a path of the application that everybody may try, as a user whose account has this name,
    /// with a fresh token.
    pub async fn get_as(&self, account: &str, path: &str) -> Answer {
        self.get(&self.idp.issuer.token_for(account), &Self::url(path)).await
    }

    /// All records of the audit log, those that are only counted so far among them.
    ///
    /// # Panics
    /// If a line is no JSON.
    pub async fn audit_records(&self) -> Vec<Value> {
        self.server.flush().await;
        let text = std::fs::read_to_string(self.audit_file()).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// Where the audit log is.
    #[must_use]
    pub fn audit_file(&self) -> PathBuf {
        self.folder.0.join("audit.jsonl")
    }

    /// The folder with the server's files.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder.0
    }
}

/// Puts a further service account of the same realm into the configuration, with a keytab of its own.
pub fn further_account<'a>(
    configuration: &'a mut Value,
    name: &str,
    username: &str,
) -> &'a mut Value {
    let mut account = configuration["kerberos"].clone();
    account["servicePrincipalName"] = json!(format!("HTTP/{name}.example.test"));
    account["serviceAccount"] = json!({ "username": username, "keytab": format!("{name}.keytab") });
    let place = &mut configuration["kerberos"]["accounts"][name];
    *place = account;
    place
}

async fn got(router: &Router, path: &str) -> (u16, String) {
    let request = Request::get(path).header(HOST, "localhost").body(Body::empty());
    let answered = router.clone().oneshot(request.expect("a request")).await;
    let (head, body) = answered.expect("a router always answers").into_parts();
    let body = to_bytes(body, 4 << 20).await.expect("the answer's body");
    (head.status.as_u16(), String::from_utf8_lossy(&body).into_owned())
}

/// What each application has to read.
fn documents(realm: &Realm) -> Vec<Document> {
    let document = |name: &str, readers| Document {
        name: name.into(),
        text: format!("The text of {name}."),
        readers,
    };
    let staff = realm.domain_sid().with_rid(STAFF).expect("a SID");
    let mut documents = vec![
        document("report", vec![staff]),
        document("alice", vec![sid(realm, "ALICE_ADMIN")]),
        document("bob", vec![sid(realm, "bob")]),
    ];
    documents
        .extend(realm.account("phoenix").map(|_| document("phoenix", vec![sid(realm, "phoenix")])));
    documents
}

fn address(host: &str) -> SocketAddr {
    SocketAddr::new(hosts().hosts[host], 80)
}

/// Where everything is, since there is no DNS.
fn hosts() -> NetworkConfig {
    let at = |number: u8| IpAddr::from([10, 0, 1, number]);
    let hosts = [(WEBAPP, 1), (INTRANET, 2), (OTHER, 3), (SECOND_WEBAPP, 4)];
    NetworkConfig {
        nameservers: vec!["192.0.2.1".into()],
        hosts: hosts.map(|(host, number)| (host.to_owned(), at(number))).into(),
        ..NetworkConfig::default()
    }
}

fn configuration(setup: &Setup) -> Value {
    let targets = [("webapp", WEBAPP), ("intranet", INTRANET), ("other", OTHER)];
    let targets = targets.map(|(name, host)| {
        json!({
            "name": name, "kind": "http", "url": format!("http://{host}"),
            "spn": format!("HTTP/{host}"), "dangerPlainHttp": true
        })
    });
    let kdcs = (1..=setup.kdcs).map(Kdcs::address);
    let mut configuration = json!({
        "server": { "publicUrl": "http://localhost:3000/mcp" },
        "auth": { "trustedIDPs": [{
            "name": "idp", "issuer": Idp::URL, "audience": "mcp-oauth", "algorithms": ["ES256"]
        }] },
        "delegation": { "tokenExchange": {
            "tokenEndpoint": format!("{}/token", Idp::URL),
            "clientId": "mcp-oauth", "clientSecret": "mcp-oauth-secret", "audience": "mcp-oauth"
        } },
        "kerberos": {
            "servicePrincipalName": "HTTP/mcp-server.example.test",
            "realm": REALM,
            "serviceAccount": { "username": setup.account, "keytab": "mcp.keytab" },
            "kdcs": kdcs.collect::<Vec<_>>()
        },
        "network": { "caFile": "ca.pem" },
        "policy": { "file": "policy.cedar" },
        "targets": targets,
        "audit": { "file": "audit.jsonl", "sync": false }
    });
    (setup.change)(&mut configuration);
    configuration
}

/// Some CA: TLS is not spoken here, but a server believes somebody.
const CA: &str = include_str!("../../../delegation/src/network/testdata/old-ca.pem");

/// A folder that goes with its value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("krb-world-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let file = self.0.join(name);
        std::fs::write(&file, content).expect("a file");
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
