//! A Redis (`redis-server`, with its `redis-cli`) of a test's own.

use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A Redis, which keeps what it is told. It ends with its value.
pub struct Redis {
    process: Child,
    folder: PathBuf,
    arguments: Vec<String>,
}

impl Redis {
    /// Where it listens.
    pub const ADDRESS: &str = "127.0.0.12:6379";
    /// And with TLS, if it does.
    pub const TLS_ADDRESS: &str = "127.0.0.1:6380";

    /// Starts one that has nothing yet.
    #[must_use]
    pub fn start(folder: &Path) -> Self {
        Self::with(folder, &[])
    }

    /// The same with a certificate and its key, in PEM.
    ///
    /// # Panics
    /// If a file cannot be written.
    #[must_use]
    pub fn with_tls(folder: &Path, certificate: &str, key: &str) -> Self {
        std::fs::create_dir_all(folder).expect("a folder");
        let put = |name: &str, text: &str| {
            let file = folder.join(name);
            std::fs::write(&file, text).expect("a file");
            file.display().to_string()
        };
        let (certificate, key) = (put("tls.pem", certificate), put("tls.key", key));
        let more = ["--bind", "127.0.0.12", "127.0.0.1", "--tls-port", "6380"];
        let tls =
            ["--tls-auth-clients", "no", "--tls-cert-file", &certificate, "--tls-key-file", &key];
        Self::with(folder, &[&more[..], &tls].concat())
    }

    fn with(folder: &Path, more: &[&str]) -> Self {
        let _ = std::fs::remove_dir_all(folder.join("appendonlydir"));
        std::fs::create_dir_all(folder).expect("a folder");
        let arguments: Vec<_> = more.iter().map(ToString::to_string).collect();
        let process = Self::spawn(folder, &arguments);
        Self { process, folder: folder.to_owned(), arguments }
    }

    fn spawn(folder: &Path, more: &[String]) -> Child {
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.12", "--port", "6379", "--appendonly", "yes"]);
        // It keeps what it was told when it is killed; machines do not fail here.
        command.args(["--appendfsync", "no", "--save", "", "--dir"]).arg(folder).args(more);
        let process = command.stdout(Stdio::null()).stdin(Stdio::null()).spawn();
        let process = process.expect("redis-server, which `tests/lab install` gets");
        let begun = Instant::now();
        let address: SocketAddr = Self::ADDRESS.parse().expect("an address");
        while TcpStream::connect(address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(20), "Redis does not answer");
            sleep(Duration::from_millis(20));
        }
        process
    }

    /// Ends it at once.
    ///
    /// # Panics
    /// If it cannot be ended.
    pub fn kill(&mut self) {
        self.process.kill().expect("killed");
        self.process.wait().expect("ended");
    }

    /// Starts it again, with what it kept.
    pub fn again(&mut self) {
        self.process = Self::spawn(&self.folder, &self.arguments);
    }

    /// What whoever has the store in their hands tells it.
    ///
    /// # Panics
    /// If it does not do it.
    #[allow(clippy::must_use_candidate)] // most are told for what they do
    pub fn command(&self, arguments: &[&str]) -> String {
        let (host, port) = Self::ADDRESS.split_once(':').expect("an address");
        let mut command = Command::new("redis-cli");
        let output = command.args(["-e", "-h", host, "-p", port]).args(arguments).output();
        let output = output.expect("redis-cli, which comes with redis-server");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Does this with each key `n`, the one of this number `i`, whose value is `v`, in Lua. `first` and
    /// `before` are for it to keep something in.
    pub fn with_each(&self, what: &str) {
        let each = "local first, before for i, n in ipairs(redis.call('KEYS', '*')) do local v = redis.call('GET', n)";
        let count =
            self.command(&["EVAL", &format!("{each} {what} end return redis.call('DBSIZE')"), "0"]);
        assert_ne!(count, "0", "there is something");
    }

    /// All that it has on its disk.
    ///
    /// # Panics
    /// If it cannot be read.
    #[must_use]
    pub fn contents(&self) -> Vec<u8> {
        let folder = std::fs::read_dir(self.folder.join("appendonlydir")).expect("its folder");
        let files = folder.map(|file| std::fs::read(file.expect("a file").path()));
        files.flat_map(|bytes| bytes.expect("its bytes")).collect()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
