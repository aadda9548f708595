//! `krb kdc`: from its start to its end.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// A folder of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krb-kdc-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/example-realm.toml");

fn kdc(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_krb"));
    command.args(["kdc", "--realm-file"]).args(arguments).current_dir(&scratch.0).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Ends with the test, whatever becomes of that.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    fn line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line
    }

    /// Sends SIGTERM, and says how it ended within ten seconds.
    fn terminate(&mut self) -> bool {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(10) {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }
}

#[test]
fn it_says_when_it_is_ready_and_where_and_ends_when_it_is_told_to() {
    let scratch = Scratch::new("ready");
    let files = ["--write-krb5-conf", "krb5.conf", "--write-keytab", "svc-mcp=mcp.keytab"];
    let arguments = [&[EXAMPLE, "--json"], &files[..]].concat();
    let mut traced = kdc(&scratch, &arguments);
    let mut running = Running(traced.env("KRB5_TRACE", "trace").spawn().unwrap());
    let ready: serde_json::Value = serde_json::from_str(&running.line()).unwrap();
    assert_eq!((&ready["ready"], &ready["realms"][0]), (&true.into(), &"EXAMPLE.TEST".into()));
    // It listens, and what it wrote is there.
    let address: SocketAddr = ready["kdc"].as_str().unwrap().parse().unwrap();
    assert!(address.ip().is_loopback());
    TcpStream::connect(address).unwrap();
    let conf = std::fs::read_to_string(ready["krb5_config"].as_str().unwrap()).unwrap();
    assert!(conf.contains(&format!("kdc = {address}")), "{conf}");
    let mode = std::fs::metadata(scratch.0.join("mcp.keytab")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(running.terminate());
    assert!(scratch.0.join("trace").exists());
    let mut log = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(log.contains("for development and tests"), "{log}");
    assert!(TcpStream::connect(address).is_err());
}

/// With our own client, as a stranger to both would see it.
#[test]
fn its_log_says_who_asked_for_what_and_which_right_was_missing() {
    let scratch = Scratch::new("log");
    let arguments = [EXAMPLE, "--json", "--write-keytab", "svc-mcp=mcp.keytab"];
    let mut running = Running(kdc(&scratch, &arguments).spawn().unwrap());
    let ready: serde_json::Value = serde_json::from_str(&running.line()).unwrap();
    let ask = |user: &str, spn: &str| {
        let mut krb = Command::new(env!("CARGO_BIN_EXE_krb"));
        krb.args(["s4u", "--client", "svc-mcp@EXAMPLE.TEST", "-k", "mcp.keytab", "-c", "user.cc"]);
        krb.args(["--kdc", ready["kdc"].as_str().unwrap(), user, spn]);
        let output = krb.current_dir(&scratch.0).env_clear().output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    assert!(ask("alice", "HTTP/web.example.test").0);
    assert!(ask("alice", "cifs/files.example.test").0);
    // And the client says which of them it was, and what it means.
    for (user, spn, exchange, meaning) in [
        ("dana", "HTTP/web.example.test", "S4U2Proxy: ", "or dana may not be delegated"),
        ("alice", "HTTP/mcp.example.test", "S4U2Proxy: ", "in msDS-AllowedToDelegateTo of svc-mcp"),
        ("nobody", "HTTP/web.example.test", "S4U2Self: ", "the KDC finds no account for nobody"),
    ] {
        let (done, said) = ask(user, spn);
        assert!(!done && said.contains(exchange) && said.contains(meaning), "{said}");
    }
    assert!(running.terminate());
    let mut log = String::new();
    running.0.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let line = |parts: &[&str]| {
        let found = log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(found, "no line with {parts:?} in\n{log}");
    };
    line(&["INFO", "login by svc-mcp@EXAMPLE.TEST", "granted until"]);
    line(&[
        "INFO",
        "S4U2Proxy by svc-mcp@EXAMPLE.TEST",
        "alice",
        "HTTP/web.example.test",
        "granted",
    ]);
    line(&[
        "WARN",
        "S4U2Proxy",
        "dana",
        "KDC_ERR_BADOPTION (13)",
        "(not_delegated, protected_user)",
    ]);
    line(&["WARN", "S4U2Proxy", "HTTP/mcp.example.test", "(13)", "msDS-AllowedToDelegateTo"]);
    line(&["WARN", "S4U2Self", "nobody", "(6)", "userPrincipalName"]);
}

#[test]
fn without_a_word_of_files_it_says_what_would_be_of_use() {
    let scratch = Scratch::new("text");
    let mut running = Running(kdc(&scratch, &[EXAMPLE]).spawn().unwrap());
    let line = running.line();
    assert!(line.starts_with("ready: EXAMPLE.TEST at 127.0.0.1:"), "{line}");
    assert!(line.contains("passwords are changed at 127.0.0.1:"), "{line}");
    assert!(running.terminate());
}

#[test]
fn what_cannot_be_done_is_said_before_it_listens() {
    let scratch = Scratch::new("refused");
    let wrong = scratch.0.join("wrong.toml");
    std::fs::write(&wrong, "[[realm]]\nname = \"R\"\nfoo = 1").unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, complaint, code) in [
        (&["absent.toml"][..], "absent.toml: ", 4),
        (&[wrong.to_str().unwrap()], "wrong.toml: line 3: unknown field `foo`", 4),
        (&[EXAMPLE, "--listen", "nowhere"], "an IP address", 1),
        (&[EXAMPLE, "--listen", &taken], "listening on 127.0.0.1:", 1),
        (&[EXAMPLE, "--write-keytab", "svc-mcp"], "write ACCOUNT=FILE", 1),
        (&[EXAMPLE, "--write-keytab", "nobody=x.keytab"], "no account nobody", 1),
        (&[EXAMPLE, "--write-krb5-conf", "absent/krb5.conf"], "absent/krb5.conf: ", 4),
    ] {
        let Output { status, stdout, stderr } = kdc(&scratch, arguments).output().unwrap();
        let stderr = String::from_utf8(stderr).unwrap();
        assert!(status.code() == Some(code) && stdout.is_empty(), "{arguments:?}: {status}");
        assert!(stderr.contains(complaint), "{arguments:?}: {stderr}");
    }
}
