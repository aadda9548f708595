//! The lab as the tests see it: the variables that `tests/lab env` prints.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::skipped;

/// A running lab; the program runs inside of it (`tests/lab exec`).
pub struct Lab {
    scratch: PathBuf,
}

/// The lab, or `None` with a loud word if there is none. With `LAB_REQUIRED=1` its absence is a
/// failure.
///
/// # Panics
/// If there is no lab and one is required.
#[must_use]
pub fn lab() -> Option<&'static Lab> {
    static LAB: OnceLock<Option<Lab>> = OnceLock::new();
    let lab = LAB.get_or_init(|| {
        std::env::var_os("LAB")?;
        let scratch = std::env::temp_dir().join(format!("krb-tests-{}", std::process::id()));
        std::fs::create_dir_all(&scratch).expect("a scratch directory");
        Some(Lab { scratch })
    });
    if lab.is_none() {
        let required = std::env::var("LAB_REQUIRED").is_ok_and(|value| value == "1");
        assert!(!required, "LAB_REQUIRED=1, and this runs outside of the lab: use tests/run");
        skipped("no lab; `tests/run`, or `tests/lab exec`, has one");
    }
    lab.as_ref()
}

/// The lab while a test uses it, beside others or alone.
pub struct Held {
    lab: &'static Lab,
    alone: bool,
}

/// Enough to make use of the time in which a test waits, few enough for small machines. Those who
/// are to wait for each other need threads: `RUST_TEST_THREADS` is larger than this.
const AT_ONCE: usize = 4;

/// How many use the lab now; `None`: one that wants to be alone. Who wants that waits for the others
/// without holding up those who come: a long test would keep the rest waiting.
static USERS: Mutex<Option<usize>> = Mutex::new(Some(0));
static SOMEBODY_LEFT: Condvar = Condvar::new();

/// Waits until there is a place.
fn enter(place: impl Fn(&mut Option<usize>) -> bool) {
    let mut users = lock(&USERS);
    while !place(&mut users) {
        users = SOMEBODY_LEFT.wait(users).unwrap_or_else(PoisonError::into_inner);
    }
}

/// A test that fails leaves it as it should be.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    /// For tasks that the test waits for, which the compiler does not know.
    #[must_use]
    pub fn for_tasks(&self) -> &'static Lab {
        self.lab
    }
}

impl Deref for Held {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        self.lab
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut users = lock(&USERS);
        *users = Some(if self.alone { 0 } else { users.unwrap_or(1) - 1 });
        drop(users);
        SOMEBODY_LEFT.notify_all();
    }
}

impl Lab {
    /// For a test that minds nobody and that nobody minds.
    #[must_use]
    pub fn beside_others(&'static self) -> Held {
        enter(|users| {
            users.as_mut().filter(|number| **number < AT_ONCE).map(|number| *number += 1).is_some()
        });
        Held { lab: self, alone: false }
    }

    /// For a test that stops or changes what others use, or looks for what others may cause.
    #[must_use]
    pub fn alone(&'static self) -> Held {
        enter(|users| *users == Some(0) && users.take().is_some());
        Held { lab: self, alone: true }
    }

    /// A variable of the lab.
    ///
    /// # Panics
    /// If the lab does not set it.
    #[must_use]
    pub fn var(&self, name: &str) -> String {
        std::env::var(name).unwrap_or_else(|_| panic!("the lab sets no {name}"))
    }

    /// The realm.
    #[must_use]
    pub fn realm(&self) -> String {
        self.var("REALM")
    }

    /// `user@REALM`, as MIT's acceptors write it.
    #[must_use]
    pub fn principal(&self, user: &str) -> String {
        format!("{user}@{}", self.realm())
    }

    /// `DOMAIN\user`, as Windows writes it.
    #[must_use]
    pub fn windows_name(&self, user: &str) -> String {
        format!("{}\\{user}", self.var("NETBIOS"))
    }

    /// A UNC path on the file server's share.
    #[must_use]
    pub fn unc(&self, path: &str) -> String {
        format!("\\\\{}\\corp\\{}", self.var("FILESERVER_HOST"), path.replace('/', "\\"))
    }

    /// A URL on the web server.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("https://{}{path}", self.var("WEB_HOST"))
    }

    /// A file of the lab's keytab directory.
    #[must_use]
    pub fn keytab(&self, name: &str) -> PathBuf {
        Path::new(&self.var("KEYTABS")).join(format!("{name}.keytab"))
    }

    /// A path for this test run's own files.
    #[must_use]
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.scratch.join(name)
    }

    /// Runs a program to its end.
    ///
    /// # Panics
    /// If it cannot be started.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments);
        command.output().unwrap_or_else(|error| panic!("{program}: {error}"))
    }

    /// Runs a shell line to its end and returns what it printed.
    ///
    /// # Panics
    /// If it fails.
    pub fn shell(&self, line: &str) -> String {
        let output = self.run("bash", &["-euc", line]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "{line}\n{out}{err}");
        out
    }
}

/// The server as it ships; `tests/run` builds it and says where it is.
///
/// # Panics
/// If `SHIPPED_SERVER` does not say so.
#[must_use]
pub fn shipped_server() -> PathBuf {
    let path = std::env::var_os("SHIPPED_SERVER").map(PathBuf::from);
    path.filter(|path| path.is_file()).unwrap_or_else(|| {
        panic!("set it to the server as it ships: SHIPPED_SERVER=$(tests/shipped-server)")
    })
}

/// A program that was built beside this one.
///
/// # Panics
/// If it was not built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("this program's path");
    let mut folders = own.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    folders
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{name} is not built: cargo build --workspace --all-features"))
}
