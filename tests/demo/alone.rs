//! On a machine that has nothing: an ordinary user, no network, no files but the program's own. Its
//! system calls say so.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use krb_tests::lab::program;
use serde_json::Value;

use crate::{Folder, skip};

/// Where a system's Kerberos would show.
const KERBEROS: [&str; 8] =
    ["/etc/krb5", "krb5.conf", "krb5cc", "libkrb5", "libk5crypto", "libgss", "libheim", "gssproxy"];

/// A line of the trace that has to do with a system's Kerberos; the demo's own files, for those who
/// want to try other programs, are none.
fn is_kerberos(line: &str, own: &str) -> bool {
    KERBEROS.iter().any(|part| line.contains(part)) && !line.contains(own)
}

/// A new network with nothing but a loopback, and no rights.
fn prelude() -> Option<Vec<&'static str>> {
    let up = "ip link set lo up && exec \"$@\"";
    let root = ["unshare", "--net", "sh", "-c", up, "sh"].into_iter();
    let drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs"];
    let as_root: Vec<_> = root.chain(drop).collect();
    let as_user = vec!["unshare", "--map-root-user", "--net", "sh", "-c", up, "sh"];
    [as_root, as_user].into_iter().find(|words| {
        let (first, rest) = words.split_first().unwrap();
        Command::new(first)
            .args(rest)
            .arg("true")
            .output()
            .is_ok_and(|tried| tried.status.success())
    })
}

#[test]
fn it_needs_no_kerberos_no_network_and_no_rights() {
    let Some(prelude) = prelude() else {
        return skip("a network of one's own cannot be had (unshare, ip)");
    };
    if Command::new("strace").arg("-V").output().is_err() {
        return skip("there is no strace");
    }
    let folder = Folder::new("demo-alone");
    // As /tmp is: whoever may write it puts nothing in the place of another's.
    let everybody = Permissions::from_mode(0o1777);
    std::fs::set_permissions(folder.path(), everybody).unwrap();
    // Its own folder may be closed to other users.
    let copy = folder.path().join("krb-mcp");
    std::fs::copy(program("krb-mcp"), &copy).unwrap();
    let trace = folder.path().join("trace");
    let (first, rest) = prelude.split_first().unwrap();
    let output = Command::new(first)
        .args(rest)
        .args(["strace", "-f", "-y", "-qq", "-s", "256", "-e", "trace=%file,%network,execve", "-o"])
        .arg(&trace)
        .args(["env", "--ignore-environment", "HOME=/nonexistent", "PATH=/nonexistent"])
        .arg(format!("TMPDIR={}", folder.path().display()))
        .arg(&copy)
        .args(["demo", "--once", "--json"])
        .output()
        .unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{log}\n{told}");
    let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
    assert_eq!((&last["event"], &last["ok"]), (&"ended".into(), &true.into()), "{told}");

    let trace = std::fs::read_to_string(trace).unwrap();
    assert!(trace.contains("mcp.keytab"), "the trace shows its files");
    let own = format!("{}/krb-mcp-demo-", folder.path().display());
    let kerberos: Vec<_> = trace.lines().filter(|line| is_kerberos(line, &own)).collect();
    assert_eq!(kerberos, [""; 0], "nothing of the system's Kerberos is looked for");
    assert!(is_kerberos(r#"openat(AT_FDCWD, "/etc/krb5.conf", O_RDONLY) = -1"#, &own));
    assert!(is_kerberos(r#"openat(AT_FDCWD, "/usr/lib/libgssapi_krb5.so.2", O_RDONLY)"#, &own));

    let connected = trace.lines().filter(|line| line.contains("connect("));
    let elsewhere = |line: &&str| !line.contains("inet_addr(\"127.0.0.1\")");
    let elsewhere: Vec<_> = connected.clone().filter(elsewhere).collect();
    assert_eq!(elsewhere, [""; 0], "it speaks to itself alone");
    assert_ne!(connected.count(), 0);
    let started = trace.lines().filter(|line| line.contains("execve(") && !line.contains("= -1"));
    let others: Vec<_> = started.filter(|line| !line.contains("krb-mcp")).collect();
    assert!(others.iter().all(|line| line.contains("/env\"")), "no other program: {others:?}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert_eq!(left.len(), 2, "the program and its trace: {left:?}");
}
