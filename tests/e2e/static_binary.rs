//! The server runs statically linked from an empty root that holds only it and its configuration.

use std::path::Path;
use std::process::Command;

use krb_tests::{Server, Setup, issuer};

use crate::lab;

#[tokio::test]
async fn the_static_server_runs_in_an_empty_root() {
    let lab = lab!();
    // `tests/run` builds it: another target, so another four minutes the first time.
    let Ok(binary) = std::env::var("KRB_MCP_STATIC") else {
        assert_ne!(std::env::var("LAB_REQUIRED").as_deref(), Ok("1"), "KRB_MCP_STATIC is not set");
        krb_tests::skipped("KRB_MCP_STATIC names no statically linked server");
        return;
    };
    let dynamic = lab.shell(&format!("readelf -d '{binary}' | grep -c NEEDED || true"));
    assert_eq!(dynamic.trim(), "0", "it needs no shared library");
    let words =
        lab.shell(&format!("strings -n 8 '{binary}' | grep -ciE 'libgssapi|libkrb5' || true"));
    assert_eq!(words.trim(), "0", "nor opens a Kerberos library by name");

    let issuer = issuer().await;
    let root = lab.scratch("empty-root");
    let copy = |from: &Path, to: &str| std::fs::copy(from, root.join(to)).map(drop);
    std::fs::create_dir_all(&root).unwrap();
    copy(Path::new(&binary), "krb-mcp").unwrap();
    copy(&lab.keytab("mcp"), "mcp.keytab").unwrap();
    copy(Path::new(&lab.var("CA_FILE")), "ca.pem").unwrap();
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        configuration["kerberos"]["serviceAccount"]["keytab"] = "mcp.keytab".into();
        configuration["network"]["caFile"] = "ca.pem".into();
    };
    setup.write(lab, &root);
    let files: Vec<_> =
        std::fs::read_dir(&root).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files.len(), 5, "the binary, its configuration and what that names: {files:?}");

    let mut command = Command::new("/usr/sbin/chroot");
    command.arg(&root).args(["/krb-mcp", "serve", "--log-format", "json"]);
    command.args(["--config", "/krb-mcp.jsonc"]).env_clear();
    let server = Server::spawn(command, root);
    let token = issuer.token("alice");
    assert!(server.read(&token, &lab.unc("reports/data.csv")).await.content().contains("1,42"));
    assert_eq!(server.get(&token, &lab.url("/whoami")).await.data()["status"], 200);
}
