//! A `krb-mcp` process of the test's own, and calls to it as plain `curl` makes them.

use std::fmt::Display;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Lab;
use crate::lab::shipped_server;
use crate::logs::Mark;
use crate::memory::Memory;

/// How a server is set up; the default serves the lab's file and web servers to everybody.
pub struct Setup {
    /// The service account's name.
    pub account: String,
    /// Its keytab in the lab.
    pub keytab: String,
    /// The Cedar policies.
    pub policy: String,
    /// Further targets.
    pub targets: Vec<Value>,
    /// `kerberos.onlyMembersOf`.
    pub only_members_of: Vec<String>,
    /// The issuer's URL.
    pub issuer: String,
    /// Further issuers.
    pub issuers: Vec<Value>,
    /// Changes to the configuration.
    pub change: fn(&mut Value),
}

/// Everybody may do everything with every target.
pub const ALLOW_ALL: &str = "@id(\"all\") permit (principal, action, resource);";

impl Setup {
    /// The default, for tokens of this issuer.
    #[must_use]
    pub fn new(lab: &Lab, issuer: &str) -> Self {
        Self {
            account: lab.var("SVC_ACCOUNT"),
            keytab: "mcp".into(),
            policy: ALLOW_ALL.into(),
            targets: Vec::new(),
            only_members_of: Vec::new(),
            issuer: issuer.into(),
            issuers: Vec::new(),
            change: |_| {},
        }
    }

    /// Writes configuration and policy into a folder.
    ///
    /// # Panics
    /// If it cannot be written.
    pub fn write(&self, lab: &Lab, folder: &Path) {
        let configuration = self.configuration(lab).to_string();
        std::fs::write(folder.join("policy.cedar"), &self.policy).expect("policy.cedar");
        std::fs::write(folder.join("krb-mcp.jsonc"), configuration).expect("krb-mcp.jsonc");
    }

    fn configuration(&self, lab: &Lab) -> Value {
        let (fileserver, web) = (lab.var("FILESERVER_HOST"), lab.var("WEB_HOST"));
        let short = fileserver.split('.').next().unwrap_or_default().to_owned();
        let mut targets = vec![
            json!({
                "name": "fileserver", "kind": "smb", "host": fileserver,
                "spn": format!("cifs/{fileserver}"), "names": [short, fileserver],
                "shares": ["corp"]
            }),
            json!({
                "name": "webapp", "kind": "http", "url": format!("https://{web}"),
                "spn": format!("HTTP/{web}")
            }),
        ];
        targets.extend(self.targets.iter().cloned());
        let mut configuration = json!({
            "server": {
                "listen": "127.0.0.1:0",
                "publicUrl": "http://localhost:3000/mcp"
            },
            "auth": { "trustedIDPs": [{
                "name": "requestor-jwt", "issuer": self.issuer, "audience": "mcp-oauth",
                "algorithms": ["ES256"]
            }] },
            "delegation": { "tokenExchange": {
                "tokenEndpoint": format!("{}/token", self.issuer),
                "clientId": "mcp-oauth", "clientSecret": "mcp-oauth-secret",
                "audience": "mcp-oauth", "defaultScope": "openid profile email"
            } },
            "kerberos": {
                "servicePrincipalName": format!("HTTP/{}", lab.var("MCP_HOST")),
                "realm": lab.realm(),
                "serviceAccount": {
                    "username": self.account, "keytab": lab.keytab(&self.keytab)
                },
                "kdcs": [format!("{}:88", lab.var("DC_IP"))],
                "onlyMembersOf": self.only_members_of
            },
            "network": {
                "nameservers": [format!("{}:53", lab.var("DC_IP"))],
                "caFile": lab.var("CA_FILE")
            },
            "policy": { "file": "policy.cedar" },
            "targets": targets,
            "audit": { "file": "audit.jsonl", "sync": false }
        });
        (self.change)(&mut configuration);
        let issuers = configuration["auth"]["trustedIDPs"].as_array_mut();
        issuers.expect("a list").extend(self.issuers.iter().cloned());
        configuration
    }
}

/// A running server; it ends with its value.
pub struct Server {
    process: Child,
    address: SocketAddr,
    folder: PathBuf,
    http: reqwest::Client,
    said: String,
}

impl Server {
    /// Writes the configuration, starts the server and waits until it listens.
    ///
    /// # Panics
    /// If it does not start.
    #[must_use]
    pub fn start(lab: &Lab, setup: &Setup) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let folder = lab.scratch(&format!("server-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&folder).expect("the server's folder");
        setup.write(lab, &folder);
        let mut command = Command::new(shipped_server());
        command.args(["serve", "--log-format", "json", "--config"]);
        command.arg(folder.join("krb-mcp.jsonc"));
        Self::spawn(command, folder)
    }

    /// Starts a server by a command of the caller's own.
    ///
    /// # Panics
    /// If it does not say that it listens.
    #[must_use]
    pub fn spawn(mut command: Command, folder: PathBuf) -> Self {
        command.stderr(Stdio::piped()).stdin(Stdio::null());
        let mut process = command.spawn().expect("krb-mcp starts");
        let mut log = BufReader::new(process.stderr.take().expect("its log"));
        let mut said = String::new();
        let address = loop {
            let mut line = String::new();
            if log.read_line(&mut line).expect("its log") == 0 {
                panic!("the server ended before it listened:\n{said}");
            }
            let entry: Value = serde_json::from_str(&line).unwrap_or_default();
            said += &line;
            if entry["message"] == "listening" {
                break entry["address"].as_str().and_then(|a| a.parse().ok()).expect("an address");
            }
        };
        // Somebody has to go on reading, or the server waits for the pipe.
        let file = folder.join("server.log");
        std::thread::spawn(move || {
            let mut copy = std::fs::File::create(file).expect("server.log");
            let _ = std::io::copy(&mut log, &mut copy);
        });
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { process, address, folder, http, said }
    }

    /// What it said until it listened, that included.
    #[must_use]
    pub fn said(&self) -> &str {
        &self.said
    }

    /// The MCP endpoint.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/mcp", self.address)
    }

    /// Waits until it is ready: it has logged in by then, and asks KDCs for what calls need alone.
    ///
    /// # Panics
    /// If it is not within 30 seconds.
    pub async fn ready(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let answer = self.http.get(format!("http://{}/readyz", self.address)).send().await;
            if answer.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            assert!(Instant::now() < until, "it does not become ready");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The folder with its configuration, its logs and whatever it keeps.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The port that it listens on, on the loopback.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The memory of its process.
    #[must_use]
    pub fn memory(&self) -> Memory {
        Memory::of(self.id())
    }

    /// A place in the server's own log.
    #[must_use]
    pub fn log(&self) -> Mark {
        Mark::end_of(self.folder.join("server.log"))
    }

    /// A place in the server's audit log.
    #[must_use]
    pub fn audit(&self) -> Mark {
        Mark::end_of(self.folder.join("audit.jsonl"))
    }

    /// All records of the audit log.
    ///
    /// # Panics
    /// If a line is no JSON.
    #[must_use]
    pub fn audit_records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.join("audit.jsonl")).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
    }

    /// `krb-mcp revoke` with these arguments, for this server's configuration: did it say that it was
    /// done, and if not, why?
    ///
    /// # Errors
    /// What it said.
    ///
    /// # Panics
    /// If it does not start.
    pub fn revoke(&self, arguments: &[&str]) -> Result<(), String> {
        self.operator("revoke", arguments).map(drop)
    }

    /// A command of an operator with these arguments, for this server's configuration: what it printed.
    ///
    /// # Errors
    /// What it said when it failed.
    ///
    /// # Panics
    /// If it does not start.
    pub fn operator(&self, command: &str, arguments: &[&str]) -> Result<String, String> {
        let configuration = self.folder.join("krb-mcp.jsonc");
        let mut program = Command::new(shipped_server());
        program.arg(command).args(arguments).arg("--config").arg(configuration);
        let output = program.output().expect("krb-mcp");
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).expect("text"))
        } else {
            Err(format!("{output:?}"))
        }
    }

    /// Calls a tool as plain `curl` does: no `initialize`, no `Accept`.
    ///
    /// # Panics
    /// If there is no HTTP answer.
    pub async fn call(&self, token: Option<&str>, tool: &str, arguments: Value) -> Answer {
        let request = json!({
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": { "name": tool, "arguments": arguments }
        });
        self.post(token, request).await
    }

    /// Posts a JSON-RPC message as plain `curl` does.
    ///
    /// # Panics
    /// If there is no HTTP answer.
    pub async fn post(&self, token: Option<impl Display>, message: Value) -> Answer {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let fields: Vec<_> = bearer.iter().map(|field| ("authorization", &**field)).collect();
        self.post_with(&fields, message).await
    }

    /// The same with these header fields.
    ///
    /// # Panics
    /// If there is no HTTP answer.
    pub async fn post_with(&self, fields: &[(&str, &str)], message: Value) -> Answer {
        let mut http = self.http.post(self.url()).json(&message);
        for (name, value) in fields {
            http = http.header(*name, *value);
        }
        let response = http.send().await.expect("an HTTP answer");
        let status = response.status().as_u16();
        let field = |name| response.headers().get(name)?.to_str().ok().map(str::to_owned);
        let (challenge, nonce) = (field("www-authenticate"), field("dpop-nonce"));
        let body = response.bytes().await.expect("the answer's body");
        Answer { status, challenge, nonce, body: serde_json::from_slice(&body).unwrap_or_default() }
    }

    /// Reads a file.
    pub async fn read(&self, token: &str, path: &str) -> Answer {
        self.call(Some(token), "kerberos-file-read", json!({ "path": path })).await
    }

    /// Gets a URL.
    pub async fn get(&self, token: &str, url: &str) -> Answer {
        self.call(Some(token), "kerberos-http-request", json!({ "url": url })).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Whatever it still does ends with the test.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The HTTP answer to a tool call.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `WWW-Authenticate`.
    pub challenge: Option<String>,
    /// `DPoP-Nonce`.
    pub nonce: Option<String>,
    /// The JSON-RPC answer; null if it was none.
    pub body: Value,
}

impl Answer {
    /// The tool's data.
    ///
    /// # Panics
    /// If the call failed.
    #[must_use]
    pub fn data(&self) -> &Value {
        let result = &self.body["result"]["structuredContent"];
        assert_eq!(result["status"], "success", "{self:#?}");
        &result["data"]
    }

    /// The content of a file or of a page.
    ///
    /// # Panics
    /// If the call failed.
    #[must_use]
    pub fn content(&self) -> &str {
        let data = self.data();
        data["content"].as_str().or(data["body"].as_str()).unwrap_or_else(|| panic!("{self:#?}"))
    }

    /// Code, message and remedy of a failed call.
    ///
    /// # Panics
    /// If the call succeeded.
    #[must_use]
    pub fn error(&self) -> (String, String, String) {
        let result = &self.body["result"];
        assert_eq!(result["isError"], true, "{self:#?}");
        let error = &result["structuredContent"]["error"];
        let text = |field: &str| error[field].as_str().unwrap_or_default().to_owned();
        (text("code"), text("message"), text("remedy"))
    }

    /// The failure's code alone.
    #[must_use]
    pub fn code(&self) -> String {
        self.error().0
    }
}
