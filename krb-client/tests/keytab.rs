//! `krb keytab`: what becomes of a keytab, read back with the library.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use krb_client::proto::Principal;
use krb_client::proto::crypto::Key;
use krb_client::proto::formats::Keytab;
use krb_client::proto::iana::EncType;

const AES256: EncType = EncType::AES256_CTS_HMAC_SHA1_96;
const AES128: EncType = EncType::AES128_CTS_HMAC_SHA1_96;

/// A folder of its own, gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krb-keytab-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("password"), "secret\n").unwrap();
        Self(path)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_krb"));
        command.arg("keytab").args(arguments).current_dir(&self.0).env_clear();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn add(&self, arguments: &[&str]) -> String {
        self.ok(&[&["add", "-k", "k", "--password-file", "password"], arguments].concat())
    }

    fn read(&self, name: &str) -> Keytab {
        Keytab::from_bytes(&std::fs::read(self.0.join(name)).unwrap()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn key_of(enctype: EncType, password: &[u8], salt: &str) -> Vec<u8> {
    Key::from_password(enctype, password, salt.as_bytes(), None).unwrap().as_bytes().to_vec()
}

/// As Active Directory salts them (MS-KILE 3.1.1.2), whoever the principal is.
#[test]
fn keys_are_made_with_the_salt_of_the_account() {
    for (arguments, salt) in [
        (&["Alice@EXAMPLE.COM"][..], "EXAMPLE.COMAlice"),
        (&["WEB1$@EXAMPLE.COM"], "EXAMPLE.COMhostweb1.example.com"),
        (&["HTTP/web@EXAMPLE.COM"], "EXAMPLE.COMHTTPweb"),
        (&["HTTP/web@EXAMPLE.COM", "--account", "svc-Web"], "EXAMPLE.COMsvc-Web"),
        (&["HTTP/web@EXAMPLE.COM", "--account", "Web1$"], "EXAMPLE.COMhostweb1.example.com"),
        (&["renamed@EXAMPLE.COM", "--salt", "EXAMPLE.COMbefore"], "EXAMPLE.COMbefore"),
    ] {
        let scratch = Scratch::new("salt");
        scratch.add(&[arguments, &["--kvno", "7"]].concat());
        let keytab = scratch.read("k");
        let principal = Principal::parse(arguments[0], None).unwrap();
        let made: Vec<_> = keytab.keys_for(&principal).collect();
        let [strong, other] = made.as_slice() else { panic!("{keytab:?}") };
        assert_eq!((strong.enctype, strong.kvno), (AES256, 7));
        assert_eq!(*strong.key_bytes, key_of(AES256, b"secret", salt), "{salt}");
        assert_eq!((other.enctype, other.kvno), (AES128, 7));
        assert_eq!(*other.key_bytes, key_of(AES128, b"secret", salt), "{salt}");
    }
}

#[test]
fn versions_go_on_and_keys_of_one_version_are_replaced() {
    let scratch = Scratch::new("versions");
    let versions = || -> Vec<(u32, EncType)> {
        scratch.read("k").entries.iter().map(|entry| (entry.kvno, entry.enctype)).collect()
    };
    scratch.add(&["a@R", "-e", "aes256-cts"]);
    scratch.add(&["a@R", "-e", "aes256-cts"]);
    assert_eq!(versions(), [(1, AES256), (2, AES256)]);
    scratch.add(&["a@R", "--kvno", "2", "-e", "aes256-cts", "-e", "rc4-hmac"]);
    assert_eq!(versions(), [(1, AES256), (2, AES256), (2, EncType::RC4_HMAC)]);
    let listed = scratch.ok(&["list", "-k", "k", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["keys"][2]["enctype"], "arcfour-hmac");
    assert_eq!(listed["keys"][0]["principal"], "a@R");
    // Where services look.
    let named = scratch.command(&["list"]).env("KRB5_KTNAME", "FILE:k").output().unwrap();
    assert!(String::from_utf8(named.stdout).unwrap().starts_with("k: 3 keys\n"));

    scratch.ok(&["remove", "-k", "k", "-e", "rc4-hmac"]);
    scratch.ok(&["remove", "-k", "k", "a@R", "--kvno", "1"]);
    assert_eq!(versions(), [(2, AES256)]);
    // Who names no realm means the default one.
    std::fs::write(scratch.0.join("krb5.conf"), "[libdefaults]\n default_realm = R\n").unwrap();
    for arguments in [
        &["add", "-k", "k", "--password-file", "password", "a", "-e", "aes128-cts"][..],
        &["remove", "-k", "k", "a", "-e", "aes128-cts"],
    ] {
        let output = scratch.command(arguments).env("KRB5_CONFIG", "krb5.conf").output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(versions(), [(2, AES256)]);
    // A key by itself, which no other user sees in a file or on standard input.
    let key = format!("aes128-cts:{}\n", "0f".repeat(16));
    std::fs::write(scratch.0.join("key"), &key).unwrap();
    let add = ["add", "-k", "k", "c@R", "--kvno", "9", "--key-file"];
    scratch.ok(&[&add[..], &["key"]].concat());
    assert_eq!(*scratch.read("k").entries[1].key_bytes, [0x0f; 16]);
    let key = std::fs::File::open(scratch.0.join("key")).unwrap();
    let output = scratch.command(&[&add[..], &["-"]].concat()).stdin(key).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    scratch.ok(&["remove", "-k", "k", "c@R"]);
    let nothing = scratch.run(&["remove", "-k", "k", "b@R"]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8(nothing.stderr).unwrap().contains("no such key"));
    assert_eq!(scratch.run(&["remove", "-k", "k"]).status.code(), Some(2), "all of them?");
    assert_eq!(scratch.run(&["remove", "-k", "absent", "b@R"]).status.code(), Some(4));
    assert!(!scratch.0.join("absent").exists());
}

#[test]
fn keytabs_are_merged_and_what_is_there_already_stays_once() {
    let scratch = Scratch::new("merge");
    scratch.add(&["a@R", "-e", "aes256-cts"]);
    std::fs::copy(scratch.0.join("k"), scratch.0.join("one")).unwrap();
    scratch.add(&["b@R", "-e", "aes256-cts"]);
    let told = scratch.ok(&["merge", "-k", "one", "k"]);
    assert!(told.starts_with("one: 1 keys added\n"), "{told}");
    assert_eq!(scratch.read("one").entries.len(), 2);
    scratch.ok(&["merge", "-k", "new", "k", "one"]);
    assert_eq!(scratch.read("new"), scratch.read("k"));
}

/// A password that AD manages: both of it, and octets that are no text.
#[test]
fn a_managed_password_becomes_the_keys_of_two_versions() {
    let scratch = Scratch::new("managed");
    let (current, previous) = (b"\x3d\xd8a\0\n\0".as_slice(), b"b\0".as_slice());
    let data = [current, b"\0\0", previous, b"\0\0", &36_000_000_000_u64.to_le_bytes(), &[0; 8]];
    let data = data.concat();
    let offsets = [16, 24, 28, 36_u16].map(u16::to_le_bytes);
    let length = 16 + data.len() as u32;
    let blob = [&[1, 0, 0, 0][..], &length.to_le_bytes(), offsets.as_flattened(), &data].concat();
    std::fs::write(scratch.0.join("blob"), blob).unwrap();
    let told = scratch.ok(&[
        "add",
        "-k",
        "k",
        "svc$@EXAMPLE.COM",
        "--kvno",
        "5",
        "--managed-password",
        "blob",
    ]);
    assert!(told.contains("in 1 hours"), "{told}");
    let keytab = scratch.read("k");
    let salt = "EXAMPLE.COMhostsvc.example.com";
    let found = |kvno, enctype| {
        let mut entries = keytab.entries.iter();
        entries.find(|it| it.kvno == kvno && it.enctype == enctype).unwrap().key_bytes.to_vec()
    };
    assert_eq!(keytab.entries.len(), 4);
    assert_eq!(found(5, AES256), key_of(AES256, "\u{fffd}a\n".as_bytes(), salt));
    assert_eq!(found(4, AES128), key_of(AES128, b"b", salt));
}

#[test]
fn a_keytab_is_its_owners_alone_and_is_replaced_where_a_link_leads() {
    let scratch = Scratch::new("file");
    symlink("real", scratch.0.join("k")).unwrap();
    std::fs::write(scratch.0.join("real"), [5, 2]).unwrap();
    scratch.add(&["a@R"]);
    assert!(scratch.0.join("k").is_symlink());
    assert_eq!(scratch.read("real").entries.len(), 2);
    let mode = std::fs::metadata(scratch.0.join("real")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 3, "nothing is left beside them");
    // What makes no sense stays as it is.
    std::fs::write(scratch.0.join("real"), b"no keytab").unwrap();
    let refused = scratch.run(&["add", "-k", "k", "a@R", "--password-file", "password"]);
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
    assert_eq!(std::fs::read(scratch.0.join("real")).unwrap(), b"no keytab");
}

#[test]
fn those_who_change_it_at_once_all_do() {
    let scratch = Scratch::new("at-once");
    let start = |number: usize| {
        let principal = format!("p{number}@R");
        let arguments =
            ["add", "-k", "k", &principal, "-e", "aes128-cts", "--password-file", "password"];
        scratch.command(&arguments).spawn().unwrap()
    };
    let running: Vec<_> = (0..8).map(start).collect();
    for child in running {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(scratch.read("k").entries.len(), 8);
}

#[test]
fn a_password_is_read_where_nobody_can_be_asked() {
    use std::io::Write as _;
    let scratch = Scratch::new("asked");
    let typed = |text: &str| {
        let mut command = scratch.command(&["add", "-k", "k", "a@R", "-e", "aes128-cts"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(typed("secret\nsecret\n").status.success());
    assert_eq!(*scratch.read("k").entries[0].key_bytes, key_of(AES128, b"secret", "Ra"));
    for (text, why) in [("secret\nother\n", "two different"), ("", "nothing was answered")] {
        let refused = typed(text);
        assert_eq!(refused.status.code(), Some(1));
        assert!(String::from_utf8(refused.stderr).unwrap().contains(why), "{text}");
    }
}
