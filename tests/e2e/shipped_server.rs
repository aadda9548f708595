//! What ships: nothing of the tests is in it, and it runs statically linked from an empty root that
//! holds only it and its configuration.

use std::path::Path;
use std::process::Command;

use krb_tests::lab::{program, shipped_server};
use krb_tests::{Lab, Server, Setup, issuer};

use crate::lab;

/// How many lines of a program's strings match.
fn strings(lab: &Lab, program: &Path, pattern: &str) -> usize {
    let program = program.display();
    let line = format!("strings -n 4 '{program}' | grep -ciE '{pattern}' || true");
    lab.shell(&line).trim().parse().unwrap()
}

#[test]
fn nothing_of_the_tests_issuer_ships() {
    let lab = lab!();
    let issuer = "krb_mcp[0-9:]+demo|demo issuer";
    assert_eq!(strings(lab, &shipped_server(), issuer), 0);
    assert_ne!(strings(lab, &program("main-job"), issuer), 0, "where it is used it is seen");
    let help = lab.run(&shipped_server().display().to_string(), &["help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains("serve") && !help.contains("demo"), "{help}");
    assert_eq!(strings(lab, &shipped_server(), "DEMO\\.TEST"), 0);
    let asked = std::process::Command::new(shipped_server()).arg("demo").output().unwrap();
    assert_eq!(asked.status.code(), Some(2));
    let said = String::from_utf8(asked.stderr).unwrap();
    assert!(said.contains("unrecognized subcommand 'demo'"), "{said}");
    assert!(said.contains("cargo run --release -p krb-mcp -- demo"), "{said}");
}

#[tokio::test]
async fn it_runs_in_an_empty_root() {
    let lab = lab!();
    let binary = shipped_server();
    let dynamic = lab.shell(&format!("readelf -d '{}' | grep -c NEEDED || true", binary.display()));
    assert_eq!(dynamic.trim(), "0", "it needs no shared library");
    let libraries = strings(lab, &binary, "libgssapi|libkrb5");
    assert_eq!(libraries, 0, "nor opens a Kerberos library by name");

    let issuer = issuer().await;
    let root = lab.scratch("empty-root");
    let copy = |from: &Path, to: &str| std::fs::copy(from, root.join(to)).map(drop);
    std::fs::create_dir_all(&root).unwrap();
    copy(&binary, "krb-mcp").unwrap();
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
