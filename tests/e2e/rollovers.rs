//! What an operator replaces under a running server, as Kubernetes does it: by a link that is swapped.
//! Calls go on all the while; and what becomes of them when the server is told to end, or is killed.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::routing::post;
use krb_proto::crypto::Key;
use krb_proto::formats::{Keytab, KeytabEntry};
use krb_proto::iana::EncType;
use krb_proto::{KerberosTime, Name, Principal};
use krb_tests::lab::shipped_server;
use krb_tests::server::ALLOW_ALL;
use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::lab;
use crate::replicas::{Replicas, replicas};

/// Within this a replaced file is to be used.
const SOON: Duration = Duration::from_secs(5);

/// A mounted Secret or ConfigMap: its files lead through `..data` to a folder that is swapped.
struct Volume {
    path: PathBuf,
    generation: AtomicUsize,
}

impl Volume {
    fn new(path: PathBuf, files: &[(&str, &[u8])]) -> Self {
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("0")).unwrap();
        for (name, content) in files {
            fs::write(path.join("0").join(name), content).unwrap();
            symlink(Path::new("..data").join(name), path.join(name)).unwrap();
        }
        symlink("0", path.join("..data")).unwrap();
        Self { path, generation: AtomicUsize::new(0) }
    }

    /// Another content of one file.
    fn swap(&self, name: &str, content: &[u8]) {
        self.swap_as(name, content, 0o644);
    }

    /// The same, with this mode.
    fn swap_as(&self, name: &str, content: &[u8], mode: u32) {
        let before = self.generation.fetch_add(1, Ordering::SeqCst);
        let (before, now) = (before.to_string(), (before + 1).to_string());
        fs::create_dir(self.path.join(&now)).unwrap();
        for entry in fs::read_dir(self.path.join(before)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), self.path.join(&now).join(entry.file_name())).unwrap();
        }
        let file = self.path.join(&now).join(name);
        fs::write(&file, content).unwrap();
        fs::set_permissions(file, Permissions::from_mode(mode)).unwrap();
        symlink(&now, self.path.join("..data_tmp")).unwrap();
        fs::rename(self.path.join("..data_tmp"), self.path.join("..data")).unwrap();
    }
}

/// Where it is, for configurations.
static TOKEN_ENDPOINT: OnceLock<String> = OnceLock::new();

fn start(lab: &Lab, setup: &Setup, name: &str, volume: &Volume) -> Server {
    let folder = lab.scratch(name);
    fs::create_dir_all(&folder).unwrap();
    setup.write(lab, &folder);
    let mut command = Command::new(shipped_server());
    command.args(["serve", "--log-format", "json", "--config"]).arg(folder.join("krb-mcp.jsonc"));
    command.env("CREDENTIALS_DIRECTORY", &volume.path);
    Server::spawn(command, folder)
}

/// Calls without end, and what went wrong in them.
struct Load {
    done: Arc<AtomicUsize>,
    failed: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    callers: JoinSet<()>,
}

impl Load {
    fn begin(server: &Arc<Server>, calls: &[(String, String)]) -> Self {
        let (done, failed, stop) =
            (Arc::<AtomicUsize>::default(), Arc::<Mutex<Vec<String>>>::default(), Arc::default());
        let mut callers = JoinSet::new();
        for (token, url) in calls {
            let (token, url) = (token.clone(), url.clone());
            let (server, done, failed) = (server.clone(), done.clone(), failed.clone());
            let stop: Arc<AtomicBool> = Arc::clone(&stop);
            callers.spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let answer = server.get(&token, &url).await;
                    match &answer.body["result"]["structuredContent"]["status"] {
                        Value::String(status) if status == "success" => {
                            done.fetch_add(1, Ordering::SeqCst);
                        }
                        _ => failed.lock().unwrap().push(format!("{answer:?}")),
                    }
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
        Self { done, failed, stop, callers }
    }

    fn failures(&self) -> Vec<String> {
        self.failed.lock().unwrap().clone()
    }

    async fn end(mut self) -> (usize, Vec<String>) {
        self.stop.store(true, Ordering::SeqCst);
        while self.callers.join_next().await.is_some() {}
        (self.done.load(Ordering::SeqCst), self.failures())
    }
}

/// Waits until something is so; how long that took.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < SOON, "{what}: not within {SOON:?}");
        sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

/// A token endpoint that takes the secrets that it is told to take, in front of the issuer's.
#[derive(Clone)]
struct Gate {
    issuer: String,
    taken: Arc<Mutex<BTreeSet<&'static str>>>,
    seen: Arc<Mutex<String>>,
}

impl Gate {
    async fn start(issuer: String) -> Self {
        let gate = Self { issuer, taken: Arc::default(), seen: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token", listener.local_addr().unwrap());
        TOKEN_ENDPOINT.set(url).unwrap();
        let app = Router::new().route("/token", post(pass)).with_state(gate.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        gate
    }

    fn takes(&self, secrets: &[&'static str]) {
        *self.taken.lock().unwrap() = secrets.iter().copied().collect();
    }
}

async fn pass(
    State(gate): State<Gate>,
    Form(mut form): Form<Vec<(String, String)>>,
) -> (StatusCode, String) {
    let mut is_taken = false;
    for (_, value) in form.iter_mut().filter(|(name, _)| name == "client_secret") {
        is_taken = gate.taken.lock().unwrap().contains(value.as_str());
        *gate.seen.lock().unwrap() = std::mem::replace(value, "mcp-oauth-secret".into());
    }
    if !is_taken {
        let body = json!({ "error": "invalid_client", "error_description": "another secret" });
        return (StatusCode::UNAUTHORIZED, body.to_string());
    }
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http.post(format!("{}/token", gate.issuer)).form(&form).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_secret_is_replaced_under_load_and_no_call_is_lost() {
    let lab = lab!();
    let issuer = issuer().await;
    let gate = Gate::start(issuer.url()).await;
    let volume = Volume::new(lab.scratch("client-secret"), &[("CLIENT_SECRET", b"the old one\n")]);
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        let exchange = &mut configuration["delegation"]["tokenExchange"];
        exchange["tokenEndpoint"] = TOKEN_ENDPOINT.get().unwrap().as_str().into();
        exchange["clientSecret"] = json!({ "$secret": "CLIENT_SECRET" });
    };
    gate.takes(&["the old one"]);
    let server = Arc::new(start(lab, &setup, "rollover-secret", &volume));
    let url = lab.url("/whoami");
    let calls = ["alice", "alice", "bob"].map(|user| {
        let user = if user == "bob" { issuer.token_for("bob") } else { issuer.token(user) };
        (user, url.clone())
    });
    let load = Load::begin(&server, &calls);
    sleep(Duration::from_secs(2)).await;

    gate.takes(&["the old one", "the new one"]);
    volume.swap("CLIENT_SECRET", b"the new one\n");
    let is_new = async || *gate.seen.lock().unwrap() == "the new one";
    let took = until("the new secret", is_new).await;
    println!("the new secret was used after {took:?}");
    sleep(Duration::from_millis(500)).await;
    gate.takes(&["the new one"]);
    sleep(Duration::from_secs(1)).await;
    let (done, failed) = load.end().await;
    assert!(failed.is_empty(), "of {done}: {failed:#?}");
    assert!(done > 20, "{done}");

    // Both at once: who is refused looks at once whether there is a newer one.
    gate.takes(&["a third one"]);
    volume.swap("CLIENT_SECRET", b"a third one");
    assert!(server.get(&calls[0].0, &url).await.data()["status"] == 200);
    // The old one is refused where it must be.
    volume.swap("CLIENT_SECRET", b"the old one");
    sleep(Duration::from_secs(2)).await;
    assert_eq!(server.get(&calls[0].0, &url).await.code(), "TOKEN_EXCHANGE_FAILED");
}

fn entry(lab: &Lab, password: &str, kvno: u32) -> KeytabEntry {
    let principal = Principal::new(Name::user("svc-rotated"), lab.realm());
    let salt = krb_proto::preauth::default_salt(&principal);
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let key = Key::from_password(enctype, password.as_bytes(), &salt, None).unwrap();
    let key_bytes = key.as_bytes().to_vec().into();
    let timestamp = KerberosTime::from_unix(1_800_000_000);
    KeytabEntry { principal, timestamp, kvno, enctype, key_bytes }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keytab_and_a_policy_are_replaced_under_load_and_what_is_broken_is_named() {
    let lab = lab!();
    let issuer = issuer().await;
    lab.shell("\"$SET_PASSWORD\" svc-rotated 'Passw0rd!svc-rotated'");
    let old = || entry(lab, "Passw0rd!svc-rotated", 2);
    let keytab = |entries| Keytab { entries }.to_bytes().unwrap();
    let files: &[(&str, &[u8])] =
        &[("mcp.keytab", &keytab(vec![old()])), ("policy.cedar", ALLOW_ALL.as_bytes())];
    let volume = Volume::new(lab.scratch("rollover-files/volume"), files);
    let mut setup = Setup::new(lab, &issuer.url());
    setup.account = "svc-rotated".into();
    setup.change = |configuration| {
        configuration["kerberos"]["serviceAccount"]["keytab"] = "volume/mcp.keytab".into();
        configuration["policy"]["file"] = "volume/policy.cedar".into();
        configuration["server"]["metrics"] = json!({ "listen": "127.0.0.1:0" });
    };
    let server = Arc::new(start(lab, &setup, "rollover-files", &volume));
    let said = server.said().lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let metrics = said.into_iter().find(|entry| entry["message"] == "metrics").unwrap();
    let metrics = metrics["address"].as_str().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let side = async |path: &str| {
        let answer = http.get(format!("http://{metrics}{path}")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    until("ready", async || side("/readyz").await.0 == 200).await;
    let users = ["bob", "rene", "phoenix"];
    let calls = users.map(|user| (issuer.token_for(user), lab.url("/whoami")));
    let load = Load::begin(&server, &calls);
    sleep(Duration::from_secs(1)).await;

    // First a keytab with both keys, then the new password: each of them is good all the time.
    volume.swap("mcp.keytab", &keytab(vec![entry(lab, "An0ther!password", 3), old()]));
    sleep(SOON).await;
    lab.shell("\"$SET_PASSWORD\" svc-rotated 'An0ther!password'");
    let late = issuer.token_for("ALICE_ADMIN");
    let answer = server.get(&late, &lab.url("/whoami")).await;
    assert_eq!(answer.data()["status"], 200, "evidence that is sealed with the new key");

    // Half of a file: what was read before goes on, and it is said.
    let log = server.log();
    volume.swap("policy.cedar", &ALLOW_ALL.as_bytes()[..20]);
    until("named", async || side("/readyz").await.1.contains("\"policy.file: ")).await;
    assert_eq!(side("/readyz").await.0, 200);
    let figures = side("/metrics").await.1;
    assert!(figures.contains("krb_mcp_file_current{setting=\"policy.file\"} 0"), "{figures}");
    assert!(log.line(|line| line.contains("the policy file cannot be used")).is_some());
    volume.swap("mcp.keytab", b"\x05\x02");
    until("named", async || side("/readyz").await.1.contains("serviceAccount.keytab: ")).await;
    // And one that somebody else may have put there.
    let deny = "@id(\"no\") forbid (principal, action, resource);";
    volume.swap_as("policy.cedar", deny.as_bytes(), 0o666);
    let named = "volume/policy.cedar may be changed by anybody";
    until("named", async || side("/readyz").await.1.contains(named)).await;
    assert!(side("/metrics").await.1.contains("krb_mcp_policy_current 0"));
    assert!(log.line(|line| line.contains(named)).is_some());
    let latest = keytab(vec![entry(lab, "An0ther!password", 3)]);
    volume.swap_as("mcp.keytab", &latest, 0o666);
    let named = "volume/mcp.keytab may be changed by anybody";
    until("named", async || side("/readyz").await.1.contains(named)).await;
    volume.swap("mcp.keytab", &latest);
    volume.swap("policy.cedar", ALLOW_ALL.as_bytes());
    until("well", async || side("/readyz").await.1.contains("\"warnings\":[]")).await;
    let (done, failed) = load.end().await;
    assert!(failed.is_empty(), "of {done}: {failed:#?}");
    assert!(done > 20, "{done}");

    volume.swap("policy.cedar", deny.as_bytes());
    let refused = async || {
        let answer = server.get(&calls[0].0, &calls[0].1).await;
        answer.body["result"]["structuredContent"]["error"]["code"] == "POLICY_DENIED"
    };
    println!("the new policy was in force after {:?}", until("refused", refused).await);
}

/// Calls that end however the server does.
async fn call_until_it_ends(server: &Arc<Server>, token: String, url: String) -> JoinSet<()> {
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (address, token, url) = (server.url(), token.clone(), url.clone());
        callers.spawn(async move {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let call = json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "kerberos-http-request", "arguments": { "url": url } }
            });
            while http.post(&address).bearer_auth(&token).json(&call).send().await.is_ok() {}
        });
    }
    until_closed(server, 40).await;
    callers
}

/// Waits until so many calls have their closing records.
async fn until_closed(server: &Server, calls: usize) {
    let begun = Instant::now();
    while records_with(server, "\"intentId\":") < calls {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {calls} calls");
        sleep(Duration::from_millis(50)).await;
    }
}

/// How many records have this, of a log that is being written to.
fn records_with(server: &Server, text: &str) -> usize {
    let log = fs::read(server.folder().join("audit.jsonl")).unwrap_or_default();
    String::from_utf8_lossy(&log).lines().filter(|line| line.contains(text)).count()
}

fn verified(server: &Server) -> Value {
    let file = server.folder().join("krb-mcp.jsonc");
    let mut command = Command::new(shipped_server());
    let output = command.args(["audit", "verify", "--json", "--config"]).arg(file).output();
    serde_json::from_slice(&output.unwrap().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_told_to_end_closes_all_and_one_that_is_killed_leaves_what_was_open() {
    let lab = lab!();
    let issuer = issuer().await;
    for (signal, closes_all) in [("TERM", true), ("KILL", false)] {
        let server = Arc::new(Server::start(lab, &Setup::new(lab, &issuer.url())));
        let mut callers =
            call_until_it_ends(&server, issuer.token("alice"), lab.url("/whoami")).await;
        let begun = Instant::now();
        lab.shell(&format!("kill -{signal} {}", server.id()));
        while callers.join_next().await.is_some() {}
        let state = || fs::read_to_string(format!("/proc/{}/stat", server.id()));
        let is_over = async || !state().is_ok_and(|stat| !stat.contains(") Z "));
        until("its end", is_over).await;
        println!("{signal}: over after {:?}", begun.elapsed());
        let (closed, open) = closed_and_open(&server);
        assert!(closed > 20, "{signal}: {closed}");
        assert!(!closes_all || open.is_empty(), "{open:?}");
    }
}

/// How many calls have a closing record, and the intents without one, as `audit verify` names them, too.
fn closed_and_open(server: &Server) -> (usize, BTreeSet<String>) {
    let records = server.audit_records();
    let closed: BTreeSet<_> =
        records.iter().filter_map(|record| record["intentId"].as_str()).collect();
    let intents = records.iter().filter(|record| record["phase"] == "intent");
    let ids = intents.filter_map(|record| record["eventId"].as_str());
    let open: BTreeSet<_> = ids.filter(|id| !closed.contains(id)).map(str::to_owned).collect();
    let found = verified(server);
    assert_eq!(found["isWhole"], true, "{found}");
    let named = found["openIntents"].as_array().unwrap().iter();
    let named: BTreeSet<_> =
        named.filter_map(|one| one["eventId"].as_str().map(str::to_owned)).collect();
    assert_eq!(named, open);
    (closed.len(), open)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_ends_and_the_other_goes_on() {
    let lab = lab!(alone);
    let Replicas { redis: _redis, issuer: _issuer, one, other, bob, page, .. } =
        replicas(lab).await;
    let (one, other) = (Arc::new(one), Arc::new(other));
    let mut callers = call_until_it_ends(&one, bob.clone(), page.clone()).await;
    let load = Load::begin(&other, &[(bob.clone(), page.clone()), (bob, page)]);
    until_closed(&other, 40).await;
    lab.shell(&format!("kill -TERM {}", one.id()));
    while callers.join_next().await.is_some() {}
    sleep(Duration::from_secs(1)).await;
    let (done, failed) = load.end().await;
    assert!(failed.is_empty() && done > 20, "of {done}: {failed:#?}");
    for server in [&one, &other] {
        // Closing records need not be written when the call is answered.
        let intents = records_with(server, "\"phase\":\"intent\"");
        until_closed(server, intents).await;
        let (closed, open) = closed_and_open(server);
        assert!(closed > 20 && open.is_empty(), "{closed} {open:?}");
    }
}
