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

/// What is in the image: the program, where configuration and secrets are mounted, and the two volumes
/// that it writes to.
const IMAGE: &str = "etc etc/krb-mcp krb-mcp run run/secrets var var/lib var/lib/krb-mcp var/log \
                     var/log/krb-mcp";

#[tokio::test]
async fn it_runs_from_its_image() {
    let lab = lab!();
    let binary = shipped_server();
    let dynamic = lab.shell(&format!("readelf -d '{}' | grep -c NEEDED || true", binary.display()));
    assert_eq!(dynamic.trim(), "0", "it needs no shared library");
    let libraries = strings(lab, &binary, "libgssapi|libkrb5");
    assert_eq!(libraries, 0, "nor opens a Kerberos library by name");

    let place = lab.scratch("image");
    std::fs::create_dir_all(place.join("config")).unwrap();
    // As volumes are where Kubernetes mounts them: to be looked into by everybody.
    for volume in ["log", "lib"] {
        std::fs::create_dir_all(place.join(volume)).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o2775);
        std::fs::set_permissions(place.join(volume), mode).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../mcp-server/deploy/image");
    lab.shell(&format!(
        "cd '{}'; for layout in first second; do '{script}' --binary '{}' $layout 2>&1; done
         diff -r first second
         umoci unpack --image first unpacked",
        place.display(),
        binary.display()
    ));
    let root = place.join("unpacked/rootfs");
    let found = lab.shell(&format!("cd '{}'; find . -mindepth 1 -printf '%P\\n'", root.display()));
    let mut found: Vec<_> = found.lines().collect();
    found.sort_unstable();
    assert_eq!(found.join(" "), IMAGE);
    let process = std::fs::read(place.join("unpacked/config.json")).unwrap();
    let process = &serde_json::from_slice::<serde_json::Value>(&process).unwrap()["process"];
    assert_eq!(process["user"], serde_json::json!({ "uid": 65532, "gid": 65532 }));
    let serve = ["/krb-mcp", "serve", "--config", "/etc/krb-mcp/krb-mcp.jsonc"];
    assert_eq!(process["args"], serde_json::json!(serve));

    let issuer = issuer().await;
    let copy = |from: &Path, to: &str| std::fs::copy(from, place.join("config").join(to)).map(drop);
    copy(&lab.keytab("mcp"), "mcp.keytab").unwrap();
    copy(Path::new(&lab.var("CA_FILE")), "ca.pem").unwrap();
    let mut setup = Setup::new(lab, &issuer.url());
    setup.change = |configuration| {
        configuration["kerberos"]["serviceAccount"]["keytab"] = "mcp.keytab".into();
        configuration["network"]["caFile"] = "ca.pem".into();
        configuration["audit"]["file"] = "/var/log/krb-mcp/audit.jsonl".into();
        configuration["state"] = serde_json::json!({ "directory": "/var/lib/krb-mcp/state" });
    };
    setup.write(lab, &place.join("config"));
    // As the folder of a ConfigMap is, which is mounted read-only; engines add the other one.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(place.join("config"), mode).unwrap();
    std::fs::create_dir(root.join("proc")).unwrap();

    // As a container engine starts it: nobody's number, no capability, and nothing to be written to
    // but the volume of the log.
    let mut command = Command::new("bwrap");
    command.args(["--unshare-user", "--unshare-pid", "--unshare-ipc", "--die-with-parent"]);
    command.args(["--uid", "65532", "--gid", "65532", "--cap-drop", "ALL", "--clearenv"]);
    command.arg("--ro-bind").arg(&root).arg("/");
    command.arg("--ro-bind").arg(place.join("config")).arg("/etc/krb-mcp");
    command.args(["--proc", "/proc"]);
    command.arg("--bind").arg(place.join("log")).arg("/var/log/krb-mcp");
    command.arg("--bind").arg(place.join("lib")).arg("/var/lib/krb-mcp");
    command.args(serve).args(["--log-format", "json"]);
    let server = Server::spawn(command, place.join("log"));
    let token = issuer.token("alice");
    assert!(server.read(&token, &lab.unc("reports/data.csv")).await.content().contains("1,42"));
    assert_eq!(server.get(&token, &lab.url("/whoami")).await.data()["status"], 200);
}
