//! A KDC in this process, and the files and variables with which other programs use it.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use krb_client::dev_kdc::{Bind, DevKdc, RealmFile};
use krb_client::files;
use krb_tests::skipped;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// Longer than any of the programs takes, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub const REALM: &str = "EXAMPLE.TEST";

/// The realm that most of these tests have.
pub const REALM_FILE: &str = include_str!("realm.toml");

pub struct World {
    pub kdc: DevKdc,
    folder: PathBuf,
}

impl World {
    /// The realm of `realm.toml`.
    pub async fn new() -> Self {
        Self::of(REALM_FILE).await
    }

    pub async fn of(realm_file: &str) -> Self {
        let file = RealmFile::parse(realm_file).unwrap();
        Self::at(file, Bind::loopback()).await.expect("an address of the loopback")
    }

    /// Listening there; `None` if there is no such address.
    pub async fn at(file: RealmFile, bind: Bind) -> Option<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let kdc = DevKdc::start(file.realms(), bind).await.ok()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("krb-interop-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("krb5.conf"), kdc.krb5_conf()).unwrap();
        Some(Self { kdc, folder })
    }

    /// A file of this world's.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A keytab of an account's keys, written once.
    pub async fn keytab(&self, account: &str) -> PathBuf {
        let file = self.file(&format!("{}.keytab", account.replace('/', "_")));
        let keytab = self.kdc.realms().keytab(account).unwrap();
        files::write_keytab(&file, &keytab).await.unwrap();
        file
    }

    /// A program in this world: it knows no other KDC, no other tickets, no other keys.
    pub fn program(&self, program: impl AsRef<Path>, cache: &str) -> Program {
        let mut command = Command::new(program.as_ref());
        let file = |name: &str| format!("FILE:{}", self.file(name).display());
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", &self.folder)
            .env("TMPDIR", &self.folder)
            .env("LC_ALL", "C.UTF-8")
            .env("KRB5_CONFIG", self.file("krb5.conf"))
            .env("KRB5CCNAME", file(cache))
            .env("KRB5_KTNAME", file("absent.keytab"))
            .env("KRB5RCACHENAME", "none:")
            .current_dir(&self.folder)
            .kill_on_drop(true);
        Program { command, input: String::new() }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub struct Program {
    command: Command,
    input: String,
}

impl Program {
    pub fn args<S: AsRef<std::ffi::OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Runs it as this user and group.
    pub fn by(mut self, user: u32, group: u32) -> Self {
        self.command.uid(user).gid(group);
        self
    }

    /// What it complains of goes to the end of this file.
    pub fn saying_to(mut self, file: &Path) -> Self {
        let file = std::fs::File::options().create(true).append(true).open(file).unwrap();
        self.command.stderr(file);
        self
    }

    /// Types these lines.
    pub fn typing(mut self, lines: &[&str]) -> Self {
        self.input = lines.iter().map(|line| format!("{line}\n")).collect();
        self
    }

    /// Starts it, to be talked to; it ends when it is dropped.
    pub fn start(mut self) -> Child {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped());
        self.command.spawn().unwrap_or_else(|error| panic!("{:?}: {error}", self.command))
    }

    /// Runs it to its end where nobody can wait for it but the whole thread.
    pub fn finish(mut self) {
        let _ = self.command.as_std_mut().stdout(Stdio::null()).stderr(Stdio::null()).status();
    }

    /// Runs it to its end.
    pub async fn run(mut self) -> Ended {
        let what = format!("{:?}", self.command.as_std());
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().unwrap_or_else(|error| panic!("{what}: {error}"));
        let mut input = child.stdin.take().unwrap();
        // Whoever asks for nothing may be gone by now.
        let _ = input.write_all(self.input.as_bytes()).await;
        drop(input);
        let output = tokio::time::timeout(PATIENCE, child.wait_with_output());
        let output = output.await.unwrap_or_else(|_| panic!("{what} does not end")).unwrap();
        Ended { what, output }
    }
}

pub struct Ended {
    what: String,
    output: Output,
}

impl Ended {
    pub fn is_ok(&self) -> bool {
        self.output.status.success()
    }

    /// All that it said.
    pub fn text(&self) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        text(&self.output.stdout) + &text(&self.output.stderr)
    }

    /// What it said, if it succeeded.
    #[track_caller]
    pub fn ok(&self) -> String {
        assert!(self.output.status.success(), "{}: {}", self.what, self.text());
        self.text()
    }

    /// What it said, if it failed and said this.
    #[track_caller]
    pub fn refused(&self, with: &str) -> String {
        let text = self.text();
        assert!(!self.output.status.success(), "{} succeeded: {text}", self.what);
        assert!(text.contains(with), "{}: {text}, not {with}", self.what);
        text
    }
}

/// Is a program of this Debian package there? If not, it is said loudly.
pub fn installed(program: &str, package: &str) -> bool {
    if Path::new(program).exists() {
        return true;
    }
    let required = std::env::var("PEERS_REQUIRED").is_ok_and(|value| value == "1");
    assert!(!required, "PEERS_REQUIRED=1, and {package} is not installed");
    skipped(&format!("no {program}; the package is {package}, tests/run installs it"));
    false
}
