//! The command line, up to where it would ask a KDC.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use krb_proto::formats::{CacheEntry, CredentialCache};
use krb_proto::iana::{EncType, NameType, TicketFlags};
use krb_proto::{Name, Principal};

/// A folder of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krb-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What `krb s4u` complains of, and whether it asked the KDC first.
fn complaint(folder: &Path, arguments: &[&str]) -> (String, bool) {
    let kdc = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = kdc.local_addr().unwrap().to_string();
    // Whoever is asked hangs up.
    kdc.set_nonblocking(true).unwrap();
    let command = Command::new(env!("CARGO_BIN_EXE_krb"))
        .args(["s4u", "--client", "svc@R", "--kdc", &address])
        .args(arguments)
        .args(["alice", "cifs/files.example.com"])
        .current_dir(folder)
        .env_clear()
        .output();
    let output = command.unwrap();
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    (String::from_utf8(output.stderr).unwrap(), kdc.accept().is_ok())
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn caches_and_keytabs_that_are_no_files_are_refused_before_a_kdc_is_asked() {
    let scratch = Scratch::new("types");
    std::fs::write(scratch.0.join("password"), "secret\n").unwrap();
    let password = ["--password-file", "password"];
    for cache in ["KCM:", "KCM:1000", "KEYRING:session:a", "API:", "MEMORY:a", "DIR:.", "XYZ:a"] {
        for option in ["-c", "-T"] {
            let mut arguments = vec![option, cache];
            if option == "-T" {
                arguments.extend(["-c", "alice.cc"]);
            }
            arguments.extend(password);
            let (complaint, asked) = complaint(&scratch.0, &arguments);
            assert!(complaint.contains(cache) && complaint.contains("FILE:"), "{complaint}");
            assert!(!asked, "{option} {cache}");
        }
    }
    for keytab in ["MEMORY:a", "SRVTAB:a", "XYZ:a"] {
        let (complaint, asked) = complaint(&scratch.0, &["-c", "alice.cc", "-k", keytab]);
        assert!(complaint.contains(keytab) && complaint.contains("FILE:"), "{complaint}");
        assert!(!asked, "{keytab}");
    }
    for keytab in ["WRFILE:absent", "FILE:absent", "absent", "./ab:sent"] {
        let (complaint, _) = complaint(&scratch.0, &["-c", "alice.cc", "-k", keytab]);
        assert!(complaint.contains("No such file"), "{keytab} is a file: {complaint}");
    }
    assert_eq!(files(&scratch.0), 1, "nothing was written");
}

#[test]
fn a_password_file_that_cannot_be_read_as_text_is_refused_before_a_kdc_is_asked() {
    let scratch = Scratch::new("passwords");
    let (latin, no_mark) = (b"p\xe4ssword\r\n".as_slice(), b"p\0w\0\r\0\n\0".as_slice());
    for (content, why) in
        [(latin, "UTF-8"), (no_mark, "byte order mark"), (b"", "empty"), (b"\r\nsecret", "empty")]
    {
        std::fs::write(scratch.0.join("password"), content).unwrap();
        let arguments = ["-c", "alice.cc", "--password-file", "password"];
        let (complaint, asked) = complaint(&scratch.0, &arguments);
        assert!(complaint.contains("password: ") && complaint.contains(why), "{complaint}");
        assert!(!asked, "{content:?}");
    }
}

#[test]
fn who_reads_no_further_is_not_told() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = Command::new(env!("CARGO_BIN_EXE_krb"));
    let child = command.args(["completions", "bash"]).stdout(writer).stderr(Stdio::piped());
    let output = child.spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn what_a_cache_holds_is_listed() {
    let scratch = Scratch::new("klist");
    let alice = Principal::new(Name::user("alice"), "R");
    let ticket = |server: Name, client: &Principal, endtime| CacheEntry {
        client: client.clone(),
        server: Principal::new(server, "R"),
        enctype: EncType::AES256_CTS_HMAC_SHA1_96,
        key_bytes: vec![1; 32].into(),
        times: [1_600_000_000, 0, endtime, 0],
        is_skey: false,
        flags: TicketFlags::FORWARDABLE,
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket: b"no ticket".to_vec(),
        second_ticket: Vec::new(),
    };
    let web = || Name::new(NameType::SRV_INST, ["HTTP", "web"]);
    let krbtgt = || Name::new(NameType::SRV_INST, ["krbtgt", "R"]);
    let bob = Principal::new(Name::user("bob"), "R");
    let (future, past) = (u32::MAX, 1_600_000_001);
    let list = |entries: &[CacheEntry], arguments: &[&str]| {
        let mut cache = CredentialCache::new(alice.clone());
        cache.entries = entries.to_vec();
        std::fs::write(scratch.0.join("cc"), cache.to_bytes()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_krb"));
        command.arg("klist").args(arguments).env_clear().env("KRB5CCNAME", "FILE:cc");
        let output = command.current_dir(&scratch.0).output().unwrap();
        (String::from_utf8(output.stdout).unwrap(), output.status.success())
    };
    let both = [ticket(web(), &alice, future), ticket(web(), &bob, past)];
    let (text, listed) = list(&both, &["-ef"]);
    assert!(listed);
    assert_eq!(text.matches("\nHTTP/web@R\n").count(), 2, "{text}");
    assert_eq!(text.matches(", expired\n  for client bob@R\n").count(), 1, "{text}");
    assert_eq!(
        text.matches("valid 2020-09-13T12:26:40Z to ").count(),
        2,
        "from the logon on: {text}"
    );
    assert!(text.contains("forwardable") && text.contains("ticket unreadable"), "{text}");
    let (text, _) = list(&both, &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["principal"], "alice@R");
    assert_eq!(json["tickets"][1]["client"], "bob@R");
    assert_eq!([&json["tickets"][0]["expired"], &json["tickets"][1]["expired"]], [false, true]);
    for (entries, of_use) in [
        (&both[..], true),
        (&both[1..], false),
        (&[], false),
        (&[both[0].clone(), ticket(krbtgt(), &alice, past)], false),
        (&[both[1].clone(), ticket(krbtgt(), &alice, future)], true),
    ] {
        assert_eq!(list(entries, &["-s"]), (String::new(), of_use), "{entries:?}");
    }
}
