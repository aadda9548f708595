//! The commands that log in and get tickets, against the KDC for development behind its sockets.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use krb_client::dev_kdc::{Bind, DevKdc, RealmFile};
use krb_client::files;
use krb_client::proto::kdc::Account;
use serde_json::Value;

const REALM_FILE: &str = r#"
[[realm]]
name = "EXAMPLE.TEST"

[realm.users]
alice = { password = "alice's password" }
dave = { password = "dave's password", not_delegated = true }
grace = { password = "grace's password", must_change_password = true }
eve = { password = "eve's password", disabled = true }
heidi = { password = "heidi's password", one_time_password = "755224" }
ivan = { password = "ivan's password", one_time_password = "755224", one_time_pin = "0000" }

[realm.services.svc-mcp]
spns = ["HTTP/mcp.example.test"]
trusted_to_auth_for_delegation = true
allowed_to_delegate_to = ["HTTP/web.example.test"]

[realm.services.svc-web]
spns = ["HTTP/web.example.test"]

[realm.services.svc-db]
spns = ["postgres/db.example.test"]
"#;

const WEB: &str = "HTTP/web.example.test";

/// A realm, and a folder with the files that others find it by; both gone at the end.
struct World {
    /// `None` once it has ended.
    kdc: Option<DevKdc>,
    folder: PathBuf,
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl World {
    async fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("krb-commands-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = RealmFile::parse(REALM_FILE).unwrap();
        let kdc = DevKdc::start(file.realms(), Bind::loopback()).await.unwrap();
        std::fs::write(folder.join("krb5.conf"), kdc.krb5_conf()).unwrap();
        for account in ["svc-mcp", "svc-web"] {
            let keytab = kdc.realms().keytab(account).unwrap();
            files::write_keytab(&folder.join(account), &keytab).await.unwrap();
        }
        Self { kdc: Some(kdc), folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_krb"));
        command.args(arguments);
        command
    }

    /// Another program, where `krb` would run.
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.folder).env_clear();
        command.env("PATH", "/usr/bin:/bin").env("TMPDIR", &self.folder);
        command.env("KRB5_CONFIG", "krb5.conf").env("KRB5CCNAME", "FILE:cc");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs it, and types these lines.
    async fn run(&self, arguments: &[&str], typed: &str) -> Ended {
        let (mut command, typed) = (self.command(arguments), typed.to_owned());
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = command.spawn().unwrap();
            let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
            child.wait_with_output().unwrap()
        });
        Ended(ended.await.unwrap())
    }

    async fn ok(&self, arguments: &[&str]) -> String {
        self.run(arguments, "").await.ok()
    }

    async fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(arguments).await).unwrap()
    }

    /// The account's ticket-granting ticket in this cache.
    async fn log_in(&self, account: &str, cache: &str) {
        self.ok(&["kinit", "-k", "-t", account, "-c", cache, account]).await;
    }

    fn files(&self) -> usize {
        std::fs::read_dir(&self.folder).unwrap().count()
    }
}

struct Ended(Output);

impl Ended {
    fn complaint(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    #[track_caller]
    fn ok(&self) -> String {
        assert!(self.0.status.success(), "{}", self.complaint());
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    #[track_caller]
    fn refused(&self, status: i32, why: &str) -> String {
        let complaint = self.complaint();
        assert_eq!(self.0.status.code(), Some(status), "{complaint}");
        assert!(complaint.contains(why), "{complaint}, not {why}");
        complaint
    }
}

/// A PIN is asked for by those who want one, after the value, which is then not asked for again.
#[tokio::test(flavor = "multi_thread")]
async fn a_pin_is_asked_for_where_the_kdc_wants_one() {
    let world = World::new("pin").await;
    world.log_in("svc-mcp", "FILE:armor").await;
    let otp = ["kinit", "-V", "-T", "FILE:armor", "--otp"];
    let log_in = async |account, typed| world.run(&[&otp[..], &[account]].concat(), typed).await;
    log_in("heidi", "755224\nnothing more\n").await.ok();
    log_in("ivan", "755224\n0000\n").await.ok();
    log_in("ivan", "755224\n0001\n").await.refused(1, "Password incorrect");
    log_in("ivan", "755225\n0000\n").await.refused(1, "Password incorrect");
    log_in("ivan", "755224\n").await.refused(1, "PIN for ivan@EXAMPLE.TEST");
}

/// Whoever types a password is asked for what is wanted; a script is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_password_that_is_wanted_is_not_called_a_wrong_password() {
    let world = World::new("token").await;
    world.log_in("svc-mcp", "FILE:armor").await;
    let armored = ["kinit", "-T", "FILE:armor"];
    let log_in =
        async |account, typed| world.run(&[&armored[..], &[account]].concat(), typed).await;
    log_in("heidi", "755224\n").await.refused(
        1,
        "heidi@EXAMPLE.TEST: the KDC takes a one-time password, and this was none: use --otp",
    );
    log_in("alice", "755224\n").await.refused(1, "Password incorrect");
    log_in("alice", "alice's password\n").await.ok();
    let mut command = world.program("script");
    let krb = env!("CARGO_BIN_EXE_krb");
    command.args(["-qefc", &format!("{krb} kinit -T FILE:armor -c FILE:heidi heidi"), "/dev/null"]);
    let asked = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().ok()?;
        child.stdin.take().unwrap().write_all(b"755224\n755224\n").unwrap();
        Some(child.wait_with_output().unwrap())
    });
    let Some(asked) = asked.await.unwrap() else {
        return eprintln!("skipped: there is no program `script` here");
    };
    let shown = String::from_utf8(asked.stdout).unwrap();
    assert!(asked.status.success() && shown.contains("One-time password for heidi"), "{shown}");
    let held = world.json(&["klist", "--json", "FILE:heidi"]).await;
    assert_eq!(held["principal"], "heidi@EXAMPLE.TEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_typed_a_wrong_password_is_told_so_and_nobody_else() {
    let mut world = World::new("wrong").await;
    let said = world.run(&["kinit", "-V", "alice"], "alice's password\n").await.ok();
    assert!(said.contains("alice@EXAMPLE.TEST") && said.contains("FILE:cc"), "{said}");
    assert!(said.ends_with("Authenticated to Kerberos v5\n"), "{said}");
    world.ok(&["klist", "-s"]).await;
    // What is good once is shown to nobody who has not shown himself.
    world.run(&["kinit", "--otp", "alice"], "123456\n").await.refused(2, "-T");
    world.run(&["kinit", "alice"], "bob's password\n").await.refused(1, "Password incorrect");
    std::fs::write(world.folder.join("wrong"), "bob's password\n").unwrap();
    let from_file = world.run(&["kinit", "--password-file", "wrong", "alice"], "").await;
    assert!(!from_file.refused(1, "").contains("Password incorrect"), "nobody typed it");
    let nobody = world.run(&["kinit", "nobody"], "x\n").await;
    assert!(!nobody.refused(1, "").contains("Password incorrect"));
    world.run(&["kinit", "-k", "-t", "absent", "svc-mcp"], "").await.refused(4, "absent");
    // What was there stays there.
    world.ok(&["klist", "-s"]).await;
    world.kdc.take().unwrap().stop().await;
    world.run(&["kinit", "alice"], "alice's password\n").await.refused(3, "no KDC");
    world.run(&["kvno", WEB], "").await.refused(3, "no KDC");
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_asked_for_as_the_command_line_says() {
    let world = World::new("options").await;
    let kinit = ["kinit", "--json", "-k", "-t", "svc-mcp"];
    // MIT's kinit asks for no less renewal than life.
    let ticket =
        world.json(&[&kinit[..], &["-l", "2h", "-r", "1h", "-F", "svc-mcp"]].concat()).await;
    assert!(
        ticket["renewTill"].as_str().unwrap() >= ticket["endtime"].as_str().unwrap(),
        "{ticket}"
    );
    assert!(!ticket["flags"].as_str().unwrap().contains("forwardable"), "{ticket}");
    world.ok(&["kinit", "-R"]).await;
    let ticket = world.json(&[&kinit[..], &["-f", "-p", "svc-mcp"]].concat()).await;
    let flags = ticket["flags"].as_str().unwrap();
    assert!(flags.contains("forwardable") && flags.contains("proxiable"), "{ticket}");
    assert_eq!(ticket["renewTill"], Value::Null);
    // Not renewable: it is refused.
    world.run(&["kinit", "-R"], "").await.refused(1, "");
    let service =
        world.json(&[&kinit[..], &["-S", WEB, "-c", "service", "svc-mcp"]].concat()).await;
    assert_eq!(service["server"], format!("{WEB}@EXAMPLE.TEST"));
    // Whose it is is known from the cache, and from the keytab.
    let again = world.json(&kinit).await;
    assert_eq!(again["client"], "svc-mcp@EXAMPLE.TEST");
    // With keys it is the keytab that says so, whoever is in the cache.
    let other = world.json(&["kinit", "--json", "-k", "-t", "svc-web"]).await;
    assert_eq!(other["client"], "svc-web@EXAMPLE.TEST");
    assert_eq!(world.run(&["kinit", "-l", "soon"], "").await.0.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_has_expired_is_changed() {
    let world = World::new("expired").await;
    let typed = "grace's password\nanother one 1!\nanother one 1!\n";
    let ended = world.run(&["kinit", "grace"], typed).await;
    ended.ok();
    assert!(ended.complaint().contains("Password expired. You must change it now."));
    world.run(&["kinit", "grace"], "grace's password\n").await.refused(1, "Password incorrect");
    world.run(&["kinit", "grace"], "another one 1!\n").await.ok();
    // Nobody is asked for another one who did not type the first.
    std::fs::write(world.folder.join("old"), "grace's password\n").unwrap();
    world.run(&["kinit", "--password-file", "old", "grace"], "").await.refused(1, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_changed() {
    let world = World::new("kpasswd").await;
    world.run(&["kpasswd", "alice"], "wrong\n").await.refused(1, "Password incorrect");
    world
        .run(&["kpasswd", "alice"], "alice's password\none\ntwo\n")
        .await
        .refused(1, "two different");
    let typed = "alice's password\nanother one 1!\nanother one 1!\n";
    assert_eq!(world.run(&["kpasswd", "alice"], typed).await.ok(), "Password changed.\n");
    world.run(&["kinit", "alice"], "another one 1!\n").await.ok();
    // The cache says whose.
    std::fs::write(world.folder.join("old"), "another one 1!\n").unwrap();
    std::fs::write(world.folder.join("new"), "a third one 2!\n").unwrap();
    let files = ["--password-file", "old", "--new-password-file", "new", "--json"];
    let changed = world.json(&[&["kpasswd"], &files[..]].concat()).await;
    assert_eq!(
        (&changed["principal"], &changed["changed"]),
        (&"alice@EXAMPLE.TEST".into(), &true.into())
    );
    world.run(&["kinit", "alice"], "a third one 2!\n").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn service_tickets_are_got_kept_and_opened() {
    let world = World::new("kvno").await;
    world.log_in("svc-mcp", "FILE:cc").await;
    let told = world.ok(&["kvno", "-k", "svc-web", WEB]).await;
    let kvno = world.kdc.as_ref().unwrap().realms().keytab("svc-web").unwrap().entries[0].kvno;
    assert_eq!(told, format!("{WEB}@EXAMPLE.TEST: kvno = {kvno}, keytab entry valid\n"));
    // Another's keys do not.
    let other = world.run(&["kvno", "-k", "svc-mcp", WEB], "").await;
    assert_eq!(other.0.status.code(), Some(1));
    let absent = ["kvno", "--cached-only", "postgres/db.example.test"];
    world.run(&absent, "").await.refused(1, "not in the cache");
    world.ok(&["kvno", "--cached-only", WEB]).await;
    let both =
        world.run(&["kvno", "HTTP/absent.example.test", "postgres/db.example.test"], "").await;
    both.refused(1, "HTTP/absent.example.test: ");
    let told = String::from_utf8(both.0.stdout).unwrap();
    assert!(told.contains("postgres/db.example.test"), "goes on");
    let asked = ["kvno", "--json", "-e", "aes128-cts", "--no-store", "-S", "HTTP"];
    let asked = world.json(&[&asked[..], &["web.example.test"]].concat()).await;
    assert_eq!(asked["tickets"][0]["sessionEnctype"], "aes128-cts-hmac-sha1-96");
    // A host's name in capitals is that in small letters.
    let asked = world.ok(&["kvno", "--no-store", "-S", "HTTP", "WEB.Example.Test."]).await;
    assert!(asked.starts_with(WEB), "{asked}");
    // A service of another realm is none of ours.
    let elsewhere = format!("{WEB}@NOWHERE");
    world.run(&["kvno", &elsewhere], "").await.refused(1, "no way to realm \"NOWHERE\"");
    world.run(&["kinit", "-S", &elsewhere, "alice"], "").await.refused(1, "the account's realm");
    // User to user: sealed with what only the other's login knows.
    world.run(&["kinit", "-c", "FILE:alice", "alice"], "alice's password\n").await.ok();
    let told = world.json(&["kvno", "--json", "--u2u", "FILE:alice", "alice"]).await;
    assert_eq!(told["tickets"][0]["server"], "alice@EXAMPLE.TEST");
}

/// What is in the cache is not written into it again, and what cannot be written is told all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_is_there_is_not_stored_again() {
    let world = World::new("stored").await;
    world.log_in("svc-mcp", "FILE:cc").await;
    let cc = world.folder.join("cc");
    let length = || std::fs::metadata(&cc).unwrap().len();
    let before = length();
    assert_eq!(world.ok(&["kvno", WEB, WEB]).await.lines().count(), 2);
    let one = length() - before;
    let told = world.ok(&["kvno", "--json", WEB]).await;
    assert_eq!(length(), before + one, "{told}");
    let held = world.json(&["klist", "--json"]).await;
    assert_eq!(held["tickets"].as_array().unwrap().len(), 2, "{held}");
    // The cache is where nobody writes: as root does in spite of its mode, a cache that others read is taken.
    std::fs::set_permissions(&cc, PermissionsExt::from_mode(0o644)).unwrap();
    let known = world.run(&["kvno", WEB], "").await;
    assert!(
        known.ok().contains("kvno = ") && known.complaint().is_empty(),
        "{}",
        known.complaint()
    );
    let new = world.run(&["kvno", "postgres/db.example.test"], "").await;
    assert!(
        new.ok().contains("kvno = ") && new.complaint().contains("not kept"),
        "{}",
        new.complaint()
    );
    assert_eq!(length(), before + one);
    // Where somebody named a cache, it is to be there.
    let out = world.run(&["kvno", "--json", "--out-cache", "FILE:absent/cc", WEB], "").await;
    out.refused(4, "absent/cc");
    let told: Value = serde_json::from_slice(&out.0.stdout).unwrap();
    assert_eq!(
        (&told["error"]["exitStatus"], &told["failures"]),
        (&4.into(), &Value::Array(vec![]))
    );
    assert_eq!(told["tickets"].as_array().unwrap().len(), 1, "{told}");
}

/// Who is meant, what the KDC said, and what an administrator changes: in words, and as JSON.
#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_says_whom_it_is_about_and_what_helps() {
    let world = World::new("refusals").await;
    world.log_in("svc-mcp", "FILE:cc").await;
    for (arguments, typed, who, helps, name) in [
        (
            &["kinit", "eve"][..],
            "x\n",
            "eve@EXAMPLE.TEST",
            "Enable-ADAccount 'eve'",
            "CLIENT_REVOKED",
        ),
        (
            &["kinit", "nobody"],
            "x\n",
            "nobody@EXAMPLE.TEST",
            "sAMAccountName",
            "C_PRINCIPAL_UNKNOWN",
        ),
        (
            &["kpasswd", "eve"],
            "x\n",
            "eve@EXAMPLE.TEST",
            "Enable-ADAccount 'eve'",
            "CLIENT_REVOKED",
        ),
        (&["kinit", "-R"], "", "svc-mcp@EXAMPLE.TEST", "kinit -r", "BADOPTION"),
    ] {
        let complaint = world.run(arguments, typed).await.refused(1, who);
        assert!(complaint.contains(helps), "{complaint}");
        let told = world.run(&[arguments, &["--json"]].concat(), typed).await;
        assert_eq!(told.complaint(), complaint);
        let told: Value = serde_json::from_slice(&told.0.stdout).unwrap();
        let error = &told["error"];
        assert!(error["codeName"].as_str().unwrap().ends_with(name), "{told}");
        assert!(error["remedy"].as_str().unwrap().contains(helps), "{told}");
        assert!(error["message"].as_str().unwrap().starts_with(who), "{told}");
        assert_eq!((&error["exitStatus"], error["code"].is_u64()), (&1.into(), true), "{told}");
    }
    for (arguments, who, helps) in [
        (&["HTTP/nosuch"][..], "svc-mcp@EXAMPLE.TEST", "setspn -S 'HTTP/nosuch'"),
        (&["-I", "nobody", "-P", WEB], "S4U2Self", "Get-ADUser 'nobody'"),
        (&["-I", "dave", "-P", WEB], "S4U2Proxy", "dave may not be delegated"),
        (
            &["-I", "alice", "-P", "postgres/db.example.test"],
            "S4U2Proxy",
            "msDS-AllowedToDelegateTo",
        ),
    ] {
        let complaint = world.run(&[&["kvno"], arguments].concat(), "").await.refused(1, who);
        assert!(complaint.contains(helps), "{complaint}");
    }
    // Beside what goes well stands what does not.
    let both = world.run(&["kvno", "--json", "HTTP/nosuch", WEB], "").await;
    both.refused(1, "HTTP/nosuch");
    let told: Value = serde_json::from_slice(&both.0.stdout).unwrap();
    assert_eq!(told["tickets"][0]["server"], format!("{WEB}@EXAMPLE.TEST"));
    let failure = &told["failures"][0];
    assert_eq!(
        (&failure["service"], &failure["error"]["code"]),
        (&"HTTP/nosuch".into(), &7.into())
    );
    let typed = world.run(&["kinit", "--json", "alice"], "wrong\n").await;
    typed.refused(1, "Password incorrect");
    let told: Value = serde_json::from_slice(&typed.0.stdout).unwrap();
    assert_eq!(
        (&told["error"]["message"], &told["error"]["code"]),
        (&"Password incorrect".into(), &24.into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_in_a_users_name_stand_alone() {
    let world = World::new("s4u").await;
    world.log_in("svc-mcp", "FILE:cc").await;
    for (option, user) in [("-I", "alice"), ("-U", "alice@EXAMPLE.TEST")] {
        world.ok(&["kvno", option, user, "-P", "--out-cache", "FILE:user", WEB]).await;
        let held = world.json(&["klist", "--json", "FILE:user"]).await;
        assert_eq!(held["tickets"].as_array().unwrap().len(), 1, "{held}");
        assert_eq!(held["tickets"][0]["server"], format!("{WEB}@EXAMPLE.TEST"));
        assert!(held["principal"].as_str().unwrap().starts_with("alice"), "{held}");
    }
    // An enterprise name is one for all who name users.
    let s4u = ["s4u", "-k", "svc-mcp", "-c", "FILE:user", "-E", "alice@EXAMPLE.TEST", WEB];
    assert!(world.ok(&s4u).await.contains(WEB));
    let exec = ["exec", "-k", "svc-mcp", "-E", "alice@EXAMPLE.TEST", WEB, "--", "true"];
    world.ok(&exec).await;
    world.ok(&["doctor", "-k", "svc-mcp", "-E", "alice@EXAMPLE.TEST", WEB]).await;
    // A certificate's user is whose the KDC says that it is, in whichever form it is read.
    let der = b"\x30\x05 frank's \xff";
    let frank = Account::user("frank").password("frank's password").certificate(der);
    world
        .kdc
        .as_ref()
        .unwrap()
        .realms()
        .realm("EXAMPLE.TEST", |realm| realm.insert(frank))
        .unwrap();
    std::fs::write(world.folder.join("frank.der"), der).unwrap();
    let pem = "-----BEGIN CERTIFICATE-----\nMAUgZnJhbmsncyD/\n-----END CERTIFICATE-----\n";
    std::fs::write(world.folder.join("frank.pem"), pem).unwrap();
    for file in ["frank.der", "frank.pem"] {
        world.ok(&["kvno", "-u", "-F", file, "-P", "--out-cache", "FILE:user", WEB]).await;
        let held = world.json(&["klist", "--json", "FILE:user"]).await;
        assert_eq!(held["principal"], "frank@EXAMPLE.TEST", "{file}");
    }
    world.run(&["kvno", "-F", "absent", "-P", WEB], "").await.refused(4, "absent");
    world.run(&["kvno", "-F", "krb5.conf", "-P", WEB], "").await.refused(4, "no certificate");
    let elsewhere = format!("{WEB}@NOWHERE");
    let kvno = ["kvno", "-I", "alice", "-P", "--out-cache", "FILE:none", &elsewhere];
    world.run(&kvno, "").await.refused(1, "in realm EXAMPLE.TEST");
    let s4u = ["s4u", "-k", "svc-mcp", "-c", "FILE:none", "alice", &elsewhere];
    world.run(&s4u, "").await.refused(1, "in realm EXAMPLE.TEST");
    assert!(!world.folder.join("none").exists());
    // To itself without -P, and nowhere else.
    world.ok(&["kvno", "-I", "alice", "svc-mcp"]).await;
    world.run(&["kvno", "-I", "alice", WEB], "").await.refused(1, "with -P");
    world.run(&["kvno", "-P", WEB], "").await.refused(1, "in whose name");
    world.run(&["kvno", "-I", "dave", "-P", WEB], "").await.refused(1, "");
    // In one cache each stands once.
    world.ok(&["kvno", "-I", "alice", "-P", "--out-cache", "FILE:user", WEB, WEB]).await;
    let held = world.json(&["klist", "--json", "FILE:user"]).await;
    assert_eq!(held["tickets"].as_array().unwrap().len(), 1, "{held}");
    // The cache of the service has none of it.
    let held = world.json(&["klist", "--json"]).await;
    let tickets = held["tickets"].as_array().unwrap();
    assert!(tickets.iter().all(|ticket| ticket["client"] == "svc-mcp@EXAMPLE.TEST"), "{held}");
}

/// Whatever the account was called when its password was set.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_as_the_kdc_says() {
    let world = World::new("salt").await;
    let add = ["keytab", "add", "-k", "mine", "-f", "alice@EXAMPLE.TEST"];
    world.run(&add, "alice's password\nalice's password\n").await.ok();
    world.ok(&["kinit", "-k", "-t", "mine", "alice"]).await;
    let unknown = ["keytab", "add", "-k", "other", "-f", "nobody@EXAMPLE.TEST"];
    world.run(&unknown, "x\nx\n").await.refused(1, "");
    assert!(!world.folder.join("other").exists());
}

/// What the program sees, and what is left of it.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_runs_with_one_ticket_and_nothing_is_left() {
    let world = World::new("exec").await;
    let krb = env!("CARGO_BIN_EXE_krb");
    let script = format!(
        "{krb} klist --json; echo $KRB5CCNAME $KRB5_CLIENT_KTNAME $KRB5_KTNAME; stat -c %a ${{KRB5CCNAME#FILE:}} \
         ${{KRB5CCNAME%/cc}} 2>/dev/null; exit 7"
    );
    let files = world.files();
    let exec = ["exec", "-k", "svc-mcp", "alice", WEB, "--", "sh", "-c", &script];
    let mut command = world.command(&exec);
    command.env("KRB5_CLIENT_KTNAME", "FILE:svc-mcp").env("KRB5_KTNAME", "FILE:svc-mcp");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(7), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let end = text.rfind('}').unwrap() + 1;
    let held: Value = serde_json::from_str(&text[..end]).unwrap();
    assert_eq!(held["principal"], "alice@EXAMPLE.TEST");
    assert_eq!(held["tickets"].as_array().unwrap().len(), 1, "{held}");
    assert_eq!(held["tickets"][0]["server"], format!("{WEB}@EXAMPLE.TEST"));
    let rest = &text[end..];
    assert!(!rest.contains("svc-mcp"), "the service's keys are not handed on: {rest}");
    assert!(rest.contains("\n600\n"), "{rest}");
    assert_eq!(world.files(), files, "nothing is left");

    for (program, status) in [("/absent/program", 127), ("/etc/passwd", 126)] {
        let exec = ["exec", "-k", "svc-mcp", "alice", WEB, "--", program];
        world.run(&exec, "").await.refused(status, program);
    }
    let exec = ["exec", "-k", "svc-mcp", "dave", WEB, "--", "touch", "ran"];
    world.run(&exec, "").await.refused(1, "dave");
    assert_eq!(world.files(), files, "it did not run");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_what_krb_is_told() {
    let world = World::new("signals").await;
    let files = world.files();
    let script = "trap 'exit 9' TERM; trap 'exit 8' HUP; echo ready; while :; do sleep 0.1; done";
    for (signal, status) in [("TERM", 9), ("HUP", 8)] {
        let mut command =
            world.command(&["exec", "-k", "svc-mcp", "alice", WEB, "--", "sh", "-c", script]);
        let ended = tokio::task::spawn_blocking(move || {
            let mut child = command.stdin(Stdio::null()).spawn().unwrap();
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            assert_eq!(line, "ready\n");
            let pid = child.id().to_string();
            assert!(
                Command::new("kill").args([format!("-{signal}"), pid]).status().unwrap().success()
            );
            child.wait().unwrap()
        });
        let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap().unwrap();
        assert_eq!(ended.code(), Some(status), "{signal}");
        assert_eq!(world.files(), files, "nothing is left");
    }
}

/// nohup, or a shell for what runs in the background, has both ignore it.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_that_is_ignored_is_not_passed_on() {
    let world = World::new("ignored").await;
    let krb = env!("CARGO_BIN_EXE_krb");
    let script = "echo ready; sleep 1; echo survived";
    let ignoring =
        format!("trap '' HUP INT; exec {krb} exec -k svc-mcp alice {WEB} -- sh -c '{script}'");
    let mut command = world.program("/bin/sh");
    command.args(["-c", &ignoring]).stdin(Stdio::null());
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        for signal in ["-HUP", "-INT"] {
            let pid = child.id().to_string();
            assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        }
        line.clear();
        out.read_line(&mut line).unwrap();
        (line, child.wait().unwrap())
    });
    let ended = tokio::time::timeout(Duration::from_secs(60), ended).await.unwrap().unwrap();
    assert_eq!((ended.0.as_str(), ended.1.code()), ("survived\n", Some(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_finds_what_is_wrong_and_what_helps() {
    let mut world = World::new("doctor").await;
    let doctor = ["doctor", "--json", "-k", "svc-mcp"];
    let found = world.json(&[&doctor[..], &["alice", WEB]].concat()).await;
    let lights = |found: &Value, what: &str| -> Vec<String> {
        let all = found["findings"].as_array().unwrap().iter();
        all.filter(|it| it["what"] == what).map(|it| it["light"].as_str().unwrap().into()).collect()
    };
    for what in [
        "configuration",
        "cache",
        "servers",
        "port",
        "clock",
        "account",
        "enctypes",
        "keytab",
        "login",
        "SPN",
        "keys",
        "delegation",
        "S4U2Self",
        "S4U2Proxy",
    ] {
        assert_eq!(
            lights(&found, what).first().map(String::as_str),
            Some("green"),
            "{what}: {found}"
        );
    }
    assert_ne!(found["worst"], "red");
    let of = |found: &Ended| -> Value { serde_json::from_slice(&found.0.stdout).unwrap() };
    // Not listed; not to be delegated; no such user; other keys.
    for (arguments, what) in [
        (&["alice", "postgres/db.example.test"][..], "S4U2Proxy"),
        (&["dave", WEB], "user"),
        (&["nobody", WEB], "S4U2Self"),
    ] {
        let ended = world.run(&[&doctor[..], arguments].concat(), "").await;
        assert_eq!(ended.0.status.code(), Some(1), "{what}");
        let found = of(&ended);
        assert_eq!(lights(&found, what), ["red"], "{found}");
        let all = found["findings"].as_array().unwrap();
        assert!(all.iter().all(|it| it["light"] == "green" || it["remedy"].is_string()), "{found}");
    }
    let other = ["keytab", "add", "-k", "wrong", "svc-mcp@EXAMPLE.TEST"];
    world.run(&other, "guess\nguess\n").await.ok();
    let found = of(&world.run(&["doctor", "--json", "-k", "wrong"], "").await);
    assert_eq!(lights(&found, "login"), ["red"], "{found}");
    // The user alone is to blame, and not the account, which may hand on what it may.
    let found = of(&world.run(&[&doctor[..], &["dave", WEB]].concat(), "").await);
    assert_eq!(lights(&found, "S4U2Proxy"), ["red"], "{found}");
    assert!(!found.to_string().contains("TrustedToAuthForDelegation"), "{found}");
    // Much is known of an account without its keys, and of a cache that cannot be reached.
    for cache in ["XYZ:a", "MEMORY:a", "FILE:absent/cc"] {
        let mut command = world.command(&["doctor", "--json", "--client", "alice", "-k", "absent"]);
        command.env("KRB5CCNAME", cache);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        for (what, light) in
            [("cache", "yellow"), ("keytab", "red"), ("clock", "green"), ("account", "green")]
        {
            assert_eq!(lights(&found, what), [light], "{cache}, {what}: {found}");
        }
    }
    // Keys that are right, by another version.
    let mut keytab = world.kdc.as_ref().unwrap().realms().keytab("svc-mcp").unwrap();
    keytab.entries.iter_mut().for_each(|entry| entry.kvno += 7);
    files::write_keytab(&world.folder.join("versions"), &keytab).await.unwrap();
    let found = world.json(&["doctor", "--json", "-k", "versions"]).await;
    assert_eq!(lights(&found, "keytab"), ["green", "yellow"], "{found}");
    // What is to blame has its own name.
    for (arguments, what, why) in [
        (&["-k", "absent"][..], "keytab", "absent"),
        (&["--client", "svc-mcp", "--password-file", "absent"], "password", "absent"),
        (&["--client", "a@b@c", "-k", "svc-mcp"], "account", "a@b@c"),
        (&["-k", "svc-mcp", "-T", "FILE:absent"], "armor", "absent"),
    ] {
        let found = of(&world.run(&[&["doctor", "--json"], arguments].concat(), "").await);
        let all = found["findings"].as_array().unwrap();
        let red = all.iter().find(|it| it["light"] == "red").unwrap();
        assert!(red["what"] == what && red["said"].as_str().unwrap().contains(why), "{found}");
        assert_eq!(found["error"], Value::Null);
    }
    // JSON is JSON where it cannot go on, too.
    let ended = world.run(&[&doctor[..], &["a@b@c", WEB]].concat(), "").await;
    ended.refused(1, "a@b@c");
    let found = of(&ended);
    assert_eq!(lights(&found, "login"), ["green"], "{found}");
    assert!(found["error"]["message"].as_str().unwrap().contains("a@b@c"), "{found}");
    // A KDC proxy that is never asked is no green light.
    let conf = std::fs::read_to_string(world.folder.join("krb5.conf")).unwrap();
    let (kdc, proxy) = (kdc_line(&conf), "kdc = https://proxy.example.test/KdcProxy");
    for (lines, light) in [(proxy.to_owned(), "red"), (format!("{proxy}\n{kdc}"), "yellow")] {
        std::fs::write(world.folder.join("proxied.conf"), conf.replace(&kdc, &lines)).unwrap();
        let mut command = world.command(&doctor);
        command.env("KRB5_CONFIG", "proxied.conf");
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(lights(&found, "servers")[0], light, "{found}");
        assert_eq!(lights(&found, "login").is_empty(), light == "red", "{found}");
    }
    let named = ["doctor", "--kdc", "https://proxy.example.test/KdcProxy"];
    world.run(&named, "").await.refused(2, "speaks no HTTPS");

    std::fs::set_permissions(world.folder.join("svc-mcp"), PermissionsExt::from_mode(0o644))
        .unwrap();
    let found = of(&world.run(&doctor, "").await);
    assert_eq!(lights(&found, "keytab"), ["green", "red"], "{found}");
    world.kdc.take().unwrap().stop().await;
    let found = of(&world.run(&doctor, "").await);
    assert_eq!(lights(&found, "port"), ["red"], "{found}");
}

/// Where the realm's KDC is, in its krb5.conf.
fn kdc_line(conf: &str) -> String {
    conf.lines().map(str::trim).find(|line| line.starts_with("kdc = ")).unwrap().to_owned()
}
