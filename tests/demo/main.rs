//! `krb-mcp demo` as a newcomer runs it: alone on the machine, with a browser, and until Ctrl-C. It
//! needs no lab.

mod alone;
mod page;
mod staying;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use krb_tests::lab::program;
use serde_json::Value;

/// A folder of a test's own, which goes with its value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.0).unwrap().next().is_none()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is somebody's to look at.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running demo that tells its story in JSON.
struct Demo {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Demo {
    fn start(temporary: &Path) -> Self {
        let mut process = Command::new(program("krb-mcp"))
            .args(["demo", "--json"])
            .env_clear()
            .env("TMPDIR", temporary)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// The next line.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the demo has ended");
        serde_json::from_str(&line).unwrap()
    }

    /// The next line about this.
    fn until(&mut self, event: &str) -> Value {
        loop {
            let line = self.next();
            if line["event"] == event {
                return line;
            }
        }
    }

    fn end(mut self, signal: &str) -> ExitStatus {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        self.process.wait().unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // A test that has failed has left it running.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the test needs is missing: where everything must be tested (`tests/run`), that is a failure.
fn skip(what: &str) {
    let required = std::env::var("PEERS_REQUIRED").is_ok_and(|value| value == "1");
    assert!(!required, "PEERS_REQUIRED=1, and {what}");
    krb_tests::skipped(&format!("{what}; `tests/run` installs it"));
}
