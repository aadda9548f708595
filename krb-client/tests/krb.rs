//! The command line, up to where it would ask a KDC.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use krb_proto::formats::{CacheEntry, CredentialCache, Keytab, KeytabEntry};
use krb_proto::iana::{EncType, NameType, TicketFlags};
use krb_proto::{KerberosTime, Name, Principal};

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
fn caches_and_keytabs_that_are_of_no_use_are_refused_before_a_kdc_is_asked() {
    let scratch = Scratch::new("types");
    std::fs::write(scratch.0.join("password"), "secret\n").unwrap();
    let password = ["--password-file", "password"];
    for (option, cache) in
        [("-c", "API:"), ("-T", "API:"), ("-c", "XYZ:a"), ("-T", "XYZ:a"), ("-c", "MEMORY:a")]
    {
        let mut arguments = vec![option, cache];
        if option == "-T" {
            arguments.extend(["-c", "alice.cc"]);
        }
        arguments.extend(password);
        let (complaint, asked) = complaint(&scratch.0, &arguments);
        assert!(complaint.contains(cache) && complaint.contains("FILE:"), "{complaint}");
        assert!(!asked, "{option} {cache}");
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
    let mut from = ticket(web(), &alice, future);
    from.addresses = vec![(2, vec![192, 0, 2, 1])];
    from.authdata = vec![(1, Vec::new())];
    let (text, _) = list(&[from, both[0].clone()], &["-a", "-n", "-d"]);
    assert!(
        text.contains("addresses: 192.0.2.1\n") && text.contains("addresses: (none)"),
        "{text}"
    );
    assert_eq!(text.matches("AD-IF-RELEVANT").count(), 1, "{text}");
    assert!(list(&[], &["-V"]).0.contains(env!("CARGO_PKG_VERSION")));
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

/// `krb`, in a folder, with an environment of this alone: what it printed, what it complained of, and
/// whether it succeeded.
fn krb(folder: &Path, environment: &[(&str, &str)], arguments: &[&str]) -> (String, String, bool) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_krb"));
    command.args(arguments).current_dir(folder).env_clear();
    command.envs(environment.iter().copied());
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.success())
}

/// A cache of that principal, whose one ticket ends then.
fn cache_of(name: &str, endtime: u32) -> Vec<u8> {
    let principal = Principal::new(Name::user(name), "R");
    let mut cache = CredentialCache::new(principal.clone());
    cache.entries.push(CacheEntry {
        client: principal,
        server: Principal::krbtgt(b"R"),
        enctype: EncType::AES256_CTS_HMAC_SHA1_96,
        key_bytes: vec![1; 32].into(),
        times: [1_600_000_000, 0, endtime, 0],
        is_skey: false,
        flags: TicketFlags::NONE,
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket: b"no ticket".to_vec(),
        second_ticket: Vec::new(),
    });
    cache.to_bytes().to_vec()
}

#[test]
fn a_collection_is_listed_switched_and_taken_away() {
    let scratch = Scratch::new("collection");
    let folder = &scratch.0;
    std::fs::create_dir(folder.join("cc")).unwrap();
    std::fs::write(folder.join("cc/tkt"), cache_of("alice", u32::MAX)).unwrap();
    std::fs::write(folder.join("cc/tktbob"), cache_of("bob", 1_600_000_001)).unwrap();
    std::fs::write(folder.join("cc/tktbroken"), b"none").unwrap();
    let environment = [("KRB5CCNAME", "DIR:cc")];
    let krb = |arguments: &[&str]| krb(folder, &environment, arguments);

    let (list, complaint, done) = krb(&["klist", "-l"]);
    let rows: Vec<&str> = list.lines().skip(2).map(str::trim).collect();
    assert!(rows[0].starts_with("alice@R ") && rows[0].ends_with(" DIR::cc/tkt"), "{list}");
    assert!(
        rows[1].starts_with("bob@R ") && rows[1].ends_with("DIR::cc/tktbob (Expired)"),
        "{list}"
    );
    assert!(done && rows.len() == 2 && complaint.contains("tktbroken"), "{complaint}");
    let (all, _, done) = krb(&["klist", "-A", "--json"]);
    let all: serde_json::Value = serde_json::from_str(&all).unwrap();
    assert_eq!(all[1]["tickets"][0]["client"], "bob@R");
    let broken = &all[2];
    assert_eq!((&broken["cache"], done), (&"DIR::cc/tktbroken".into(), false));
    assert_eq!(broken["error"]["exitStatus"], 4, "{broken}");
    assert!(!krb(&["klist", "-A"]).2);

    assert_eq!(krb(&["kswitch", "-p", "bob@R"]), (String::new(), String::new(), true));
    let (listed, _, _) = krb(&["klist"]);
    assert!(listed.starts_with("Ticket cache: DIR::cc/tktbob\n"), "{listed}");
    let (_, complaint, done) = krb(&["kswitch", "-p", "carol@R"]);
    assert!(!done && complaint.contains("carol@R"), "{complaint}");
    let (_, complaint, done) = krb(&["kswitch", "-c", "DIR::cc/tktnone"]);
    assert!(!done && complaint.contains("no such credential cache"), "{complaint}");
    let (switched, _, done) = krb(&["kswitch", "--json", "-c", "DIR::cc/tkt"]);
    assert!(done && switched.contains("DIR::cc/tkt"), "{switched}");
    assert!(!krb(&["kswitch"]).2, "-c or -p");
    // Who names no realm means the default one.
    std::fs::write(folder.join("krb5.conf"), "[libdefaults]\n default_realm = R\n").unwrap();
    let configured = [("KRB5CCNAME", "DIR:cc"), ("KRB5_CONFIG", "krb5.conf")];
    let (switched, complaint, done) =
        self::krb(folder, &configured, &["kswitch", "--json", "-p", "alice"]);
    assert!(done && switched.contains("DIR::cc/tkt\""), "{switched}{complaint}");
    std::fs::write(folder.join("cc/tktcarol"), cache_of("carol", u32::MAX)).unwrap();
    let carol = ["kdestroy", "-q", "-p", "carol"];
    assert_eq!(self::krb(folder, &configured, &carol), (String::new(), String::new(), true));
    assert!(!folder.join("cc/tktcarol").exists());

    let (_, complaint, done) = krb(&["kdestroy"]);
    assert!(done && complaint.contains("-A"), "others are left: {complaint}");
    assert!(!folder.join("cc/tkt").exists() && folder.join("cc/tktbob").exists());
    let (gone, _, done) = krb(&["kdestroy", "-A", "--json"]);
    assert!(done && gone.contains("tktbob") && gone.contains("tktbroken"), "{gone}");
    // Of none nothing can be shown.
    for list in ["-l", "-A"] {
        assert!(!krb(&["klist", list]).2, "{list}");
    }
}

/// As MIT's kdestroy: who wants no cache has none.
#[test]
fn taking_away_what_is_not_there_is_said_and_no_failure() {
    let scratch = Scratch::new("kdestroy");
    let path = scratch.0.join("cc");
    std::fs::write(&path, cache_of("alice", u32::MAX)).unwrap();
    let name = format!("FILE:{}", path.display());
    let kdestroy =
        |more: &[&str]| krb(&scratch.0, &[], &[&["kdestroy", "-c", &name], more].concat());
    assert_eq!(kdestroy(&[]), (String::new(), String::new(), true));
    assert!(!path.exists());
    let (_, complaint, done) = kdestroy(&[]);
    assert!(done && complaint.contains("no such credential cache"), "{complaint}");
    assert_eq!(kdestroy(&["-q"]), (String::new(), String::new(), true));
    assert_eq!(kdestroy(&["-q", "--json"]).0, "{\n  \"destroyed\": []\n}\n");
}

#[test]
fn keys_of_a_keytab_are_listed_and_not_shown() {
    let scratch = Scratch::new("keytab");
    let keytab = Keytab {
        entries: vec![KeytabEntry {
            principal: Principal::new(Name::new(NameType::SRV_INST, ["HTTP", "web"]), "R"),
            timestamp: KerberosTime::from_unix(1_600_000_000),
            kvno: 7,
            enctype: EncType::AES256_CTS_HMAC_SHA1_96,
            key_bytes: vec![0xab; 32].into(),
        }],
    };
    std::fs::write(scratch.0.join("keytab"), &*keytab.to_bytes().unwrap()).unwrap();
    let environment = [("KRB5_KTNAME", "FILE:keytab"), ("KRB5_CLIENT_KTNAME", "FILE:none")];
    let klist = |arguments: &[&str]| krb(&scratch.0, &environment, arguments);
    let (text, _, done) = klist(&["klist", "-k", "-e", "-t"]);
    assert!(done && text.starts_with("Keytab name: FILE:keytab\nKVNO Timestamp"), "{text}");
    assert!(text.contains("\n   7 2020-09-13T12:26:40Z HTTP/web@R (aes256-cts"), "{text}");
    assert!(!text.contains("abab"), "{text}");
    assert!(klist(&["klist", "-k"]).0.ends_with("\n   7 HTTP/web@R\n"));
    let (json, _, _) = klist(&["klist", "-k", "--json", "./keytab"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["keys"][0]["kvno"], 7);
    let (_, complaint, done) = klist(&["klist", "-k", "-i"]);
    assert!(!done && complaint.contains("none: "), "{complaint}");
}

/// What scripts are told of a file that is not there, or makes no sense: 4, whichever it is.
#[test]
fn files_that_are_of_no_use_have_a_status_of_their_own() {
    let scratch = Scratch::new("statuses");
    let write = |name: &str, content: &str| std::fs::write(scratch.0.join(name), content).unwrap();
    write("password", "secret\n");
    write("broken.conf", "[libdefaults]\n ticket_lifetime = long\n");
    write("text", "neither this, nor that");
    let cc = ["KRB5CCNAME", "FILE:absent"];
    let add = ["keytab", "add", "-k", "new", "alice@R"];
    let s4u = ["s4u", "--client", "svc@R", "--kdc", "127.0.0.1:1", "-c", "out"];
    let to = ["alice", "HTTP/web"];
    for (variable, arguments) in [
        (cc, &["klist"][..]),
        (cc, &["kvno", "HTTP/web"]),
        (cc, &["kinit", "-R"]),
        (["KRB5CCNAME", "DIR:absent"], &["kinit", "-R", "alice@R"]),
        (cc, &["kswitch", "-c", "DIR::absent/tkt"]),
        (cc, &[&s4u[..], &["--password-file", "password", "-T", "FILE:absent"], &to].concat()),
        (cc, &[&s4u[..], &["--password-file", "absent"], &to].concat()),
        (cc, &[&s4u[..], &["-k", "absent"], &to].concat()),
        (cc, &["kinit", "--password-file", "absent", "alice@R"]),
        (cc, &[&add[..], &["--password-file", "absent"]].concat()),
        (cc, &[&add[..], &["--managed-password", "absent"]].concat()),
        (cc, &[&add[..], &["--managed-password", "text"]].concat()),
        (cc, &["decode", "absent"]),
        (cc, &["decode", "text"]),
        (["KRB5_CONFIG", "absent"], &["kinit", "alice@R"]),
        (["KRB5_CONFIG", "broken.conf"], &["kinit", "alice@R"]),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_krb"));
        command.args(arguments).current_dir(&scratch.0).env_clear().stdin(Stdio::null());
        let output = command.env(variable[0], variable[1]).output().unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(4), "{variable:?} {arguments:?}: {complaint}");
        let named = ["absent", "text", "broken.conf"].iter().any(|name| complaint.contains(name));
        assert!(named, "{arguments:?}: {complaint}");
    }
}

/// Whatever fails, a program that asked for JSON is told so in one object.
#[test]
fn a_failure_is_one_object_of_json() {
    let scratch = Scratch::new("failures");
    std::fs::write(scratch.0.join("cut"), [0x6e, 0x82, 1]).unwrap();
    std::fs::write(scratch.0.join("krb5.conf"), "").unwrap();
    let s4u = ["s4u", "--client", "svc@R", "-k", "absent", "-c", "out", "alice", "HTTP/web"];
    for arguments in [
        &["klist"][..],
        &["klist", "-k", "absent"],
        &["kinit", "-k", "-t", "absent", "alice@R"],
        &["kinit", "-R"],
        &["kvno", "HTTP/web"],
        &["kpasswd", "--password-file", "absent", "alice@R"],
        &["kswitch", "-p", "alice@R"],
        &["kdestroy", "-c", "XYZ:a"],
        &["keytab", "list", "-k", "absent"],
        &["keytab", "remove", "-k", "absent", "alice@R"],
        &["decode", "absent"],
        &["decode", "cut"],
        &s4u,
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_krb"));
        command.args(arguments).arg("--json").current_dir(&scratch.0).env_clear();
        command
            .env("KRB5CCNAME", "FILE:absent")
            .env("KRB5_CONFIG", "krb5.conf")
            .stdin(Stdio::null());
        let output = command.output().unwrap();
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        let error = &json["error"];
        assert_eq!(complaint, format!("krb: {}\n", error["message"].as_str().unwrap()));
        assert_eq!(
            error["exitStatus"],
            output.status.code().unwrap(),
            "{arguments:?}: {complaint}"
        );
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
    }
}

/// As MIT's programs do.
#[test]
fn a_trace_that_cannot_be_written_stops_nothing() {
    let scratch = Scratch::new("trace");
    std::fs::write(scratch.0.join("cc"), cache_of("alice", u32::MAX)).unwrap();
    let environment = [("KRB5CCNAME", "FILE:cc"), ("KRB5_TRACE", "absent/trace")];
    let (listed, complaint, done) = krb(&scratch.0, &environment, &["klist"]);
    assert!(
        done && listed.contains("alice@R") && complaint.contains("absent/trace"),
        "{complaint}"
    );
}

/// What a terminal would obey is in names, and JSON stays JSON.
#[test]
fn json_of_names_with_control_characters_can_be_read() {
    let scratch = Scratch::new("json");
    let hostile = "a\u{9b}31m\u{1b}[2J";
    std::fs::create_dir(scratch.0.join("cc")).unwrap();
    std::fs::write(scratch.0.join("cc/tkt"), cache_of("alice", u32::MAX)).unwrap();
    let name = format!("tkt{hostile}");
    std::fs::write(scratch.0.join("cc").join(&name), cache_of(hostile, u32::MAX)).unwrap();
    let cache = format!("DIR::cc/{name}");
    let run = |arguments: &[&str]| -> serde_json::Value {
        let (json, complaint, done) = krb(&scratch.0, &[("KRB5CCNAME", "DIR:cc")], arguments);
        assert!(done, "{complaint}");
        assert!(!json.contains(['\u{9b}', '\u{1b}']), "{json:?}");
        serde_json::from_str(&json).unwrap()
    };
    assert_eq!(run(&["klist", "--json", &cache])["cache"], *cache);
    assert_eq!(run(&["klist", "-l", "--json"])[1]["cache"], *cache);
    assert_eq!(run(&["kswitch", "--json", "-c", &cache])["primary"], *cache);
    assert_eq!(run(&["kdestroy", "--json", "-c", &cache])["destroyed"][0], *cache);
}

/// Ctrl-C at a prompt, and what others tell `krb` meanwhile.
#[cfg(target_os = "linux")]
#[test]
fn a_terminal_shows_again_what_is_typed_however_a_prompt_ends() {
    let scratch = Scratch::new("terminal");
    let krb = env!("CARGO_BIN_EXE_krb");
    // What runs in the background of a shell without a terminal ignores Ctrl-C.
    let inner = format!(
        "tty; sh -c 'echo \"pid $$\"; exec env --default-signal {krb} kinit alice@R'; echo \"ended $?\"; stty -a\n"
    );
    std::fs::write(scratch.0.join("inner.sh"), inner).unwrap();
    std::fs::write(scratch.0.join("krb5.conf"), "").unwrap();
    for (told, status) in
        [(None, 130), (Some("-INT"), 130), (Some("-TERM"), 143), (Some("-HUP"), 129)]
    {
        let mut command = Command::new("script");
        command.args(["-qefc", "sh inner.sh", "/dev/null"]).current_dir(&scratch.0);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("KRB5_CONFIG", "krb5.conf");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let Ok(mut child) = command.spawn() else {
            return eprintln!("skipped: there is no program `script` here");
        };
        let (mut typed, mut shown) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let mut text = String::new();
        while !text.contains("Password for") {
            let mut some = [0; 256];
            let read = shown.read(&mut some).unwrap();
            assert_ne!(read, 0, "{text}");
            text += &String::from_utf8_lossy(&some[..read]);
        }
        let pid = text.lines().find_map(|line| line.trim().strip_prefix("pid ")).unwrap();
        // Until then Ctrl-C is the terminal's, which tells the shell, too.
        let terminal = text.lines().next().unwrap().trim();
        let shows = || Command::new("stty").args(["-F", terminal, "-a"]).output().unwrap().stdout;
        let begun = std::time::Instant::now();
        while !String::from_utf8(shows()).unwrap().contains(" -echo ") {
            assert!(begun.elapsed().as_secs() < 60, "the answer would be shown");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        match told {
            None => typed.write_all(b"\x03").unwrap(),
            Some(signal) => {
                assert!(Command::new("kill").args([signal, pid]).status().unwrap().success());
            }
        }
        let mut rest = String::new();
        shown.read_to_string(&mut rest).unwrap();
        child.wait().unwrap();
        assert!(rest.contains(&format!("ended {status}")), "{told:?}: {rest}");
        assert!(rest.split_whitespace().any(|word| word == "echo"), "{told:?}: {rest}");
    }
}

/// Who sits at a terminal is told what is waited for; nobody else is.
#[cfg(target_os = "linux")]
#[test]
fn a_kdc_that_is_silent_is_named_on_a_terminal() {
    let scratch = Scratch::new("progress");
    let kdc = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = kdc.local_addr().unwrap();
    let conf = format!(
        "[realms]\n R = {{\n  kdc = {address}\n }}\n[libdefaults]\n udp_preference_limit = 1\n"
    );
    std::fs::write(scratch.0.join("krb5.conf"), conf).unwrap();
    std::fs::write(scratch.0.join("password"), "secret\n").unwrap();
    let krb = env!("CARGO_BIN_EXE_krb");
    let kinit = |seconds| format!("timeout {seconds} {krb} kinit --password-file password alice@R");
    let mut on_terminal = Command::new("script");
    on_terminal.args(["-qefc", &kinit(20), "/dev/null"]);
    let mut alone = Command::new("sh");
    alone.args(["-c", &kinit(5)]);
    let started = [on_terminal, alone].map(|mut command| {
        command.current_dir(&scratch.0).env_clear().env("PATH", "/usr/bin:/bin");
        command.env("KRB5_CONFIG", "krb5.conf").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    });
    let [Ok(mut on_terminal), Ok(alone)] = started else {
        return eprintln!("skipped: there is no program `script` here");
    };
    let told = format!("krb: waiting for an answer of {address}");
    let (mut terminal, mut shown) = (on_terminal.stdout.take().unwrap(), Vec::new());
    while !String::from_utf8_lossy(&shown).contains(&told) {
        let mut more = [0; 1000];
        let length = terminal.read(&mut more).unwrap();
        assert!(length > 0, "{}", String::from_utf8_lossy(&shown));
        shown.extend(&more[..length]);
    }
    on_terminal.kill().unwrap();
    on_terminal.wait().unwrap();
    let complaint = alone.wait_with_output().unwrap().stderr;
    assert_eq!(String::from_utf8(complaint).unwrap(), "");
}
