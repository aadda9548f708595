//! Implementations in C, each a small program that answers questions line by line: it is compiled
//! here, so that no C comes into any crate.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

/// A program of `peers/`.
pub struct Program {
    name: &'static str,
    /// What prints the compiler's arguments for the library; Debian packages install it.
    config: &'static [&'static str],
    /// That package.
    package: &'static str,
    /// Libraries that the configuration does not name.
    libraries: &'static [&'static str],
}

pub static MIT_ASN1: Program = mit("mit_asn1");
pub static MIT_CRYPTO: Program = mit("mit_crypto");
pub static MIT_GSS: Program = mit("mit_gss");
pub static HEIMDAL_ASN1: Program = Program {
    name: "heimdal_asn1",
    config: &["krb5-config.heimdal", "--cflags", "--libs", "krb5"],
    package: "heimdal-multidev",
    libraries: &["-lasn1", "-lroken", "-lcom_err"],
};

const fn mit(name: &'static str) -> Program {
    Program {
        name,
        config: &["krb5-config.mit", "--cflags", "--libs", "krb5", "gssapi"],
        package: "krb5-multidev",
        libraries: &[],
    }
}

/// Where the programs and their files are while the tests run.
static SCRATCH: LazyLock<PathBuf> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("krb-differential-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a scratch directory");
    path
});

/// A file for a peer to read.
pub fn scratch(name: &str) -> PathBuf {
    SCRATCH.join(name)
}

/// A running peer.
pub struct Peer {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    /// Compiles and starts the program. `None` with a loud word if its library is not installed,
    /// a failure where `PEERS_REQUIRED=1`.
    pub fn start(program: &Program) -> Option<Self> {
        Self::start_with(program, &[])
    }

    /// The same, with these variables.
    pub fn start_with(program: &Program, variables: &[(&str, &str)]) -> Option<Self> {
        let executable = program.compile()?;
        let mut child = Command::new(executable)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the peer starts");
        let input = child.stdin.take().expect("piped");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Some(Self { child, input, output })
    }

    /// Asks for one thing: a line of words. The answer is `ok` and octets, or `no` and a reason.
    pub fn ask(&mut self, words: &[&str]) -> Result<Vec<u8>, String> {
        let question = words.join(" ");
        writeln!(self.input, "{question}").expect("the peer listens");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the peer answers");
        match line.trim_end().split_once(' ') {
            Some(("ok", octets)) => Ok(unhex(octets)),
            Some(("no", why)) => Err(why.to_owned()),
            _ => panic!("asked {question}, the peer said {line:?} and ends"),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Program {
    /// Once in a run of the tests: later calls find the program.
    fn compile(&self) -> Option<PathBuf> {
        static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _guard = ONE_AT_A_TIME.lock();
        let executable = scratch(self.name);
        if executable.exists() {
            return Some(executable);
        }
        let Some(flags) = output(self.config) else {
            let required = std::env::var("PEERS_REQUIRED").is_ok_and(|value| value == "1");
            assert!(!required, "PEERS_REQUIRED=1, and {} is not installed", self.package);
            krb_tests::skipped(&format!(
                "no {}, for {}; tests/run installs it",
                self.package, self.name
            ));
            return None;
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("differential/peers");
        let compiled = Command::new("cc")
            .args(["-std=gnu11", "-O1", "-Wall", "-Wno-deprecated-declarations", "-o"])
            .arg(&executable)
            .arg(folder.join(format!("{}.c", self.name)))
            .args(flags.split_whitespace())
            .args(self.libraries)
            .status()
            .expect("a C compiler");
        assert!(compiled.success(), "{} does not compile", self.name);
        Some(executable)
    }
}

fn output(command: &[&str]) -> Option<String> {
    let (program, arguments) = command.split_first()?;
    let output = Command::new(program).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).expect("UTF-8"))
}

/// Octets as a word; `-` if there are none.
pub fn hex(octets: &[u8]) -> String {
    match octets {
        [] => "-".to_owned(),
        _ => octets.iter().map(|octet| format!("{octet:02x}")).collect(),
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|&c| c != '-')
        .map(|c| c.to_digit(16).expect("hexadecimal digits") as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
