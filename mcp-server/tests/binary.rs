//! The program itself: it says where it listens, answers, and ends well.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use krb_client::proto::formats::{Keytab, KeytabEntry};
use krb_client::proto::iana::EncType;
use krb_client::proto::{KerberosTime, Name, Principal};

const PROGRAM: &str = env!("CARGO_BIN_EXE_krb-mcp");

/// The example with a password in place of the keytab, in a directory of its own.
fn configuration(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    let config = include_str!("../examples/krb-mcp.jsonc")
        .replace(r#""keytab": "mcp.keytab""#, r#""password": {"$secret": "KRB_MCP_TEST_SECRET"}"#)
        .replace("MCP_OAUTH_CLIENT_SECRET", "KRB_MCP_TEST_SECRET")
        .replace(r#""caFile": "ca.pem""#, r#""hosts": {}"#)
        .replace("127.0.0.1:9464", "127.0.0.1:0");
    fs::write(directory.join("policy.cedar"), include_str!("../examples/policy.cedar")).unwrap();
    let file = directory.join("krb-mcp.jsonc");
    fs::write(&file, config).unwrap();
    file
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn who_reads_no_further_is_not_told() {
    let once: &[&str] = &["demo", "--once"];
    let commands: [&[&str]; 2] = [&["completions", "bash"], once];
    for arguments in &commands[..if cfg!(feature = "demo") { 2 } else { 1 }] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = Command::new(PROGRAM);
        let child = command.args(*arguments).stdout(writer).stderr(Stdio::piped()).spawn();
        let output = child.unwrap().wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{arguments:?}");
    }
}

fn program(directory: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(directory).env("MCP_OAUTH_CLIENT_SECRET", "correct horse");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn a_first_configuration_is_one_that_check_passes() {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("init");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).unwrap();
    let entry = KeytabEntry {
        principal: Principal::new(Name::user("svc-mcp"), "W25AD.NET"),
        timestamp: KerberosTime::default(),
        kvno: 3,
        enctype: EncType::AES256_CTS_HMAC_SHA1_96,
        key_bytes: vec![7; 32].into(),
    };
    let keytab = Keytab { entries: vec![entry] }.to_bytes().unwrap();
    fs::write(directory.join("mcp.keytab"), &*keytab).unwrap();
    let mut init =
        vec!["config", "init", "--offline", "--issuer", "https://idp.w25ad.net/realms/x"];
    init.extend(["--target", "//fileserver.w25ad.net/corp"]);
    let (done, said) = program(&directory, &init);
    assert!(done, "{said}");
    assert!(said.contains("svc-mcp@W25AD.NET (version 3, aes256-cts-hmac-sha1-96)"), "{said}");
    assert!(said.contains("krb-mcp.jsonc is valid"), "{said}");
    assert!(said.contains("next: krb-mcp serve"), "{said}");
    assert!(program(&directory, &["check", "--config", "krb-mcp.jsonc"]).0);
    let (again, said) = program(&directory, &init);
    assert!(!again && said.contains("is there already"), "{said}");
}

#[test]
fn a_script_can_tell_an_answer_from_none() {
    let config = configuration("asked");
    let beside = |name: &str, text: &str| {
        let file = config.with_file_name(name);
        fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    beside(
        "policy.cedar",
        r#"@id("staff") permit (principal, action == Action::"user:info", resource)
           when { principal.roles.contains("staff") };"#,
    );
    let claims = |name: &str, role: &str| {
        let claims = serde_json::json!({
            "sub": "42", "legacy_name": "ALICE_ADMIN", "object_sid": "S-1-5-21-1-2-3-1104", "ldap_id": "5b5dbdff",
            "roles": [role]
        });
        beside(name, &claims.to_string())
    };
    let (staff, guest) = (claims("staff.json", "staff"), claims("guest.json", "guest"));
    let (broken, none) = (beside("broken.json", "{"), beside("none.json", "{}"));
    let config = config.to_str().unwrap();
    let check = ["policy", "check", "--config", config];
    let verify = ["audit", "verify"];
    for (command, more, expected) in [
        (&check[..], &[][..], 0),
        (&check, &["--claims", &staff], 0),
        (&check, &["--claims", &guest], 1),
        (&check, &["--claims", &staff, "--groups", "Staff"], 2),
        (&check, &["--claims", &staff, "--tool", "nothing"], 2),
        (&check, &["--claims", &staff, "--arguments", "[]"], 2),
        (&check, &["--claims", &staff, "--arguments", "{"], 2),
        (&check, &["--claim", &staff], 2),
        (&check, &["--claims", &broken], 4),
        (&check, &["--claims", &none], 4),
        (&check, &["--claims", "no/such"], 4),
        (&["policy", "check", "--config", "no/such"], &[], 4),
        (&verify, &["no/such"], 4),
        (&verify, &[], 2),
    ] {
        let mut program = Command::new(PROGRAM);
        program.args(command).args(more).env("KRB_MCP_TEST_SECRET", "correct horse");
        let output = program.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(expected), "{command:?} {more:?}: {said}");
    }
}

#[test]
fn the_schema_is_json_and_the_version_says_what_it_was_built_of() {
    let here = Path::new(".");
    let (_, schema) = program(here, &["config", "schema"]);
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["additionalProperties"], false);
    assert!(schema["properties"]["kerberos"].is_object());
    let short = format!("krb-mcp {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(program(here, &["-V"]).1, short);
    let (_, long) = program(here, &["--version"]);
    for fact in [short.trim_end(), "\nrevision ", "\ntarget   ", "\ncompiler rustc "] {
        assert!(long.contains(fact), "{long}");
    }
}

#[test]
fn it_serves_on_a_free_port_until_sigterm() {
    let mut server = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--config"])
        .arg(configuration("serve"))
        .env("KRB_MCP_TEST_SECRET", "correct horse")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(server.stderr.take().unwrap()).lines();
    let (mut lines, mut figures) = (Vec::new(), None);
    let address = loop {
        let Some(line) = log.next() else { panic!("it did not start: {lines:#?}") };
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let address = || line["address"].as_str().unwrap().parse::<SocketAddr>().unwrap();
        match line["message"].as_str() {
            Some("listening") => break address(),
            Some("metrics") => figures = Some(address()),
            _ => {}
        }
        lines.push(line);
    };
    assert!(get(address, "/healthz").starts_with("HTTP/1.1 200 OK"));
    assert!(get(address, "/mcp").contains("www-authenticate: Bearer resource_metadata="));
    assert!(get(address, "/metrics").starts_with("HTTP/1.1 404"), "where strangers may ask");
    let figures = get(figures.unwrap(), "/metrics");
    assert!(figures.contains("\nkrb_mcp_turned_away_total{reason=\"no_token\"} 1\n"), "{figures}");

    let killed = Command::new("kill").arg(server.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert!(server.wait().unwrap().success());
    let rest: Vec<String> = log.map(Result::unwrap).collect();
    assert!(rest.last().unwrap().contains("stopped"), "{rest:#?}");
    assert!(!format!("{lines:?}{rest:?}").contains("correct horse"));
}

/// Killed, not stopped: what it wrote is whole, and whoever changes it is found.
/// Pages of this machine may call a server that is for this machine alone, which one is not that was
/// given a socket for everybody.
#[test]
fn a_socket_that_is_passed_is_served_and_is_where_it_is() {
    let config = configuration("sockets");
    let text = fs::read_to_string(&config).unwrap();
    let public = text.lines().find(|line| line.contains("\"publicUrl\"")).unwrap();
    let local = "\"publicUrl\": \"http://localhost:8080/mcp\",";
    fs::write(&config, text.replace(public, local)).unwrap();
    for (listen, expected) in [("127.0.0.1:0", "HTTP/1.1 401"), ("0.0.0.0:0", "HTTP/1.1 403")] {
        let socket = TcpListener::bind(listen).unwrap();
        let port = socket.local_addr().unwrap().port();
        // As systemd does it: from the third on.
        let passing = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";
        let mut server = Command::new("sh")
            .args(["-c", passing, PROGRAM, "serve", "--config"])
            .arg(&config)
            .env("KRB_MCP_TEST_SECRET", "correct horse")
            .stdin(OwnedFd::from(socket))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(server.stderr.take().unwrap()).lines().map(Result::unwrap);
        let lines: Vec<_> = log.by_ref().take_while(|line| !line.contains("listening")).collect();
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let request = "POST /mcp HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost:5173\r\n\
                       Content-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(expected), "{listen}: {answer} {lines:#?}");
        assert!(Command::new("kill").arg(server.id().to_string()).status().unwrap().success());
        assert!(server.wait().unwrap().success());
    }
}

/// What would come to it, nobody would accept.
#[test]
fn a_socket_that_is_passed_for_nothing_is_refused() {
    let config = configuration("sockets-for-nothing");
    let with_metrics = fs::read_to_string(&config).unwrap();
    let metrics = with_metrics.lines().find(|line| line.contains("\"metrics\"")).unwrap();
    let without = with_metrics.replace(metrics, "");
    for (text, passed, more, says) in [
        (&without, 2, &[][..], "set server.metrics"),
        (&with_metrics, 3, &[], "3 came"),
        (&with_metrics, 1, &["--listen", "127.0.0.1:0"], "--listen is of no use"),
    ] {
        fs::write(&config, text).unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let passing = format!(
            "exec 3<&0 4<&0 5<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS={passed} exec \"$0\" \"$@\""
        );
        let output = Command::new("timeout")
            .args(["20", "sh", "-c", &passing, PROGRAM, "serve", "--config"])
            .arg(&config)
            .args(more)
            .env("KRB_MCP_TEST_SECRET", "correct horse")
            .stdin(OwnedFd::from(socket))
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("LISTEN_FDS") && error.contains(says), "{error}");
    }
}

#[test]
fn a_killed_servers_audit_log_is_verified() {
    let file = configuration("killed");
    let log = file.parent().unwrap().join("audit.jsonl");
    let _ = fs::remove_file(&log);
    let _ = fs::remove_file(log.with_extension("jsonl.head"));
    let mut server = Command::new(PROGRAM)
        .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--config"])
        .arg(&file)
        .env("KRB_MCP_TEST_SECRET", "correct horse")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log_lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let mut entries =
        log_lines.map(|line| serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap());
    let listening = entries.find(|entry| entry["message"] == "listening").unwrap();
    let address = listening["address"].as_str().unwrap().parse().unwrap();
    get(address, "/mcp");
    while fs::read_to_string(&log).unwrap().lines().count() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    server.kill().unwrap();
    server.wait().unwrap();

    let verify = |more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.args(["audit", "verify"]).args(more).arg("--config").arg(&file);
        let output = command.env("KRB_MCP_TEST_SECRET", "correct horse").output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, text) = verify(&[]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.starts_with("the log is whole: records 1 to 1\n"), "{text}");
    assert!(text.contains("chained without a key"), "{text}");
    let no_heads = file.with_file_name("policy.cedar");
    let (status, text) = verify(&["--checkpoint", no_heads.to_str().unwrap()]);
    assert_eq!(status, Some(1), "{text}");
    assert!(
        text.contains("the log is NOT whole") && text.contains("cedar: it holds no head"),
        "{text}"
    );
    let changed = fs::read_to_string(&log).unwrap().replace("no_token", "no_tokem");
    fs::write(&log, changed).unwrap();
    let (status, text) = verify(&[]);
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("the log is NOT whole") && text.contains(":1: record 1: "), "{text}");
    let (status, json) = verify(&["--json"]);
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((status, &found["problems"][0]["fault"]), (Some(1), &"changed".into()));
    let nothing = Command::new(PROGRAM).args(["audit", "verify"]).output().unwrap();
    assert_eq!(nothing.status.code(), Some(2), "what to verify must be said");
}

#[test]
fn a_mistake_in_the_configuration_is_explained() {
    let file = configuration("mistake");
    let text = fs::read_to_string(&file).unwrap().replace("\"realm\"", "\"Realm\"");
    fs::write(&file, text).unwrap();
    for command in ["serve", "check"] {
        let output = Command::new(PROGRAM).arg(command).arg("--config").arg(&file).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(1));
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(error.contains("krb-mcp.jsonc:") && error.contains("`Realm`"), "{error}");
    }
}

/// What `check` passes, `serve` starts; what `check` refuses, `serve` refuses with the same words.
#[test]
fn check_and_serve_find_the_same() {
    let mistakes = [
        ("KRB_MCP_TEST_SECRET", "NO_SUCH_SECRET"),
        (r#""password": {"#, r#""keytab": "/no/such/keytab", "password": {"#),
        ("dc.w25ad.net:88", "dc.w25ad.net:x"),
        ("10.0.0.2:53", "dns.w25ad.net"),
        (r#""hosts": {}"#, r#""caFile": "policy.cedar""#),
        (r#""sids": []"#, r#""sids": ["x"]"#),
        ("audit.jsonl", "no/such/audit.jsonl"),
        ("\"policy.cedar\"", "\"krb-mcp.jsonc\""),
    ];
    for (number, (old, new)) in mistakes.into_iter().enumerate() {
        let file = configuration(&format!("same-{number}"));
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains(old), "{old}");
        fs::write(&file, text.replace(old, new)).unwrap();
        let [check, serve] = ["check", "serve"].map(|command| {
            let mut program = Command::new(PROGRAM);
            program.arg(command).arg("--config").arg(&file);
            let output = program.env("KRB_MCP_TEST_SECRET", "x").output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{command}: {old} -> {new}");
            String::from_utf8(output.stderr).unwrap()
        });
        assert_eq!(check, serve);
        assert!(check.starts_with("krb-mcp: "), "{check}");
    }
}
