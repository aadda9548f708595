//! A page in a real browser: it may call from an allowed origin, and not from another.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use krb_tests::{Lab, Server, Setup, issuer};
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use crate::lab;

const CHROMIUM: &str = "/usr/bin/chromium";
/// The page's port; the lab's network is its own.
const PORT: u16 = 18_080;
const ALLOWED: &str = "http://127.0.0.1:18080";
const OTHER: &str = "http://localhost:18080";

/// Serves the same page on every path until the test's process ends.
fn serve(page: String) {
    let listener = TcpListener::bind(("127.0.0.1", PORT)).expect("the page's port");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (page, mut stream) = (page.clone(), stream);
            std::thread::spawn(move || {
                let _ = stream.read(&mut [0; 8192]);
                let head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\
                            Cache-Control: no-store";
                let length = page.len();
                let _ = write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{page}");
            });
        }
    });
}

/// What the page of that address looks like once its script is done.
async fn visit(lab: &Lab, url: &str) -> String {
    let profile = lab.scratch(&format!("chromium-{}", url.len()));
    let mut command = Command::new(CHROMIUM);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--disable-dev-shm-usage", "--virtual-time-budget=60000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .args(["--dump-dom", url])
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = timeout(Duration::from_secs(120), command.output()).await;
    let output = output.expect("the browser ends in time").expect("the browser starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("<html"), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_calls_from_an_allowed_origin_and_not_from_another() {
    let lab = lab!();
    if !Path::new(CHROMIUM).exists() {
        assert_ne!(std::env::var("LAB_REQUIRED").as_deref(), Ok("1"), "no {CHROMIUM}");
        krb_tests::skipped(&format!("no {CHROMIUM}; `tests/run` installs it"));
        return;
    }
    let issuer = issuer().await;
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        // Not a server of this machine only, to which all its pages could speak.
        configuration["server"]["publicUrl"] = json!("https://mcp.example.com/mcp");
        configuration["server"]["allowedOrigins"] = json!([ALLOWED]);
    };
    let server = Server::start(lab, &setup);
    let call = json!({
        "jsonrpc": "2.0", "id": 1, "method": "tools/call",
        "params": {
            "name": "kerberos-file-read",
            "arguments": { "path": lab.unc("reports/data.csv") }
        }
    });
    let (url, token) = (server.url(), issuer.token("alice"));
    let metadata = url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp");
    serve(format!(
        "<!doctype html><html><body><pre id=out>nothing</pre><script>
        const out = document.getElementById('out');
        const say = (what, text) => out.textContent += '\\n' + what + ': ' + text;
        const post = (headers) => fetch({url:?}, {{
            method: 'POST', body: JSON.stringify({call}), headers: {{
                'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25',
                'accept': 'application/json, text/event-stream', ...headers
            }}
        }});
        (async () => {{
            try {{
                const r = await post({{}});
                say('challenge', r.status + ' ' + r.headers.get('www-authenticate'));
            }} catch (e) {{ say('challenge', e); }}
            try {{
                const r = await post({{ 'authorization': 'Bearer {token}' }});
                say('call', r.status + ' ' + await r.text());
            }} catch (e) {{ say('call', e); }}
            try {{
                const headers = {{ 'mcp-protocol-version': '2025-11-25' }};
                const r = await fetch({metadata:?}, {{ headers }});
                say('metadata', (await r.json()).resource);
            }} catch (e) {{ say('metadata', e); }}
            say('done', 'yes');
        }})();
        </script></body></html>"
    ));

    let allowed = visit(lab, &format!("{ALLOWED}/")).await;
    assert!(allowed.contains("challenge: 401 Bearer resource_metadata="), "{allowed}");
    assert!(allowed.contains("call: 200 ") && allowed.contains("1,42"), "{allowed}");
    assert!(allowed.contains("metadata: https://mcp.example.com/mcp"), "{allowed}");
    let calls = server.audit_records().iter().filter(|r| r["phase"] == "closing").count();
    assert_eq!(calls, 1);

    let refused = visit(lab, &format!("{OTHER}/")).await;
    assert!(refused.contains("challenge: TypeError"), "{refused}");
    assert!(refused.contains("call: TypeError") && !refused.contains("1,42"), "{refused}");
    // Nothing in it is secret.
    assert!(refused.contains("metadata: https://mcp.example.com/mcp"), "{refused}");
    let calls = server.audit_records().iter().filter(|r| r["phase"] == "closing").count();
    assert_eq!(calls, 1, "the call was not made");
}
