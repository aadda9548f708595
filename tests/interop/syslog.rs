//! rsyslog: what it makes of audit records.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use krb_delegation::audit::verify::Material;
use krb_tests::world::{Setup, World};
use serde_json::{Value, json};

use crate::world::installed;

const RSYSLOGD: &str = "/usr/sbin/rsyslogd";
const PATIENCE: Duration = Duration::from_secs(20);
/// For the daemon to listen, which takes it a tenth of a second.
const START: Duration = Duration::from_secs(5);

/// A daemon, ended when dropped.
struct Daemon(Child);

impl Daemon {
    /// At two ports, unless they are taken meanwhile. Writes what it got to `got` in the folder.
    fn start(folder: &Path) -> Option<(Self, u16, u16)> {
        let (udp, tcp) = (free_port(), free_port());
        let conf = include_str!("programs/rsyslog.conf")
            .replace("@FOLDER@", folder.to_str().unwrap())
            .replace("@UDP@", &udp.to_string())
            .replace("@TCP@", &tcp.to_string());
        let file = folder.join("rsyslog.conf");
        std::fs::write(&file, conf).unwrap();
        let mut command = Command::new(RSYSLOGD);
        command.arg("-n").arg("-f").arg(file).arg("-i").arg(folder.join("rsyslog.pid"));
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Self(process.spawn().unwrap());
        let is_up = || folder.join("socket").exists() && listens(tcp);
        is_so_within(START, is_up).then_some((daemon, udp, tcp))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn listens(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

fn is_so_within(time: Duration, is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !is_so() {
        if begun.elapsed() >= time {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    assert!(is_so_within(PATIENCE, is_so), "{what}: not in time");
}

fn free_port() -> u16 {
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.local_addr().unwrap().port()
}

/// Where the daemon is, for what changes the configuration.
static PLACE: OnceLock<(String, u16, u16)> = OnceLock::new();

#[tokio::test(start_paused = true)]
async fn rsyslog_gets_every_record_whole_by_each_way() {
    if !installed(RSYSLOGD, "rsyslog") {
        return;
    }
    let folder = std::env::temp_dir().join(format!("rsyslog-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // Another test may take a port before the daemon does.
    let started = (0..5).find_map(|_| Daemon::start(&folder));
    let (_daemon, udp, tcp) = started.expect("rsyslogd in time");
    PLACE.get_or_init(|| (folder.join("socket").display().to_string(), udp, tcp));
    let change = |configuration: &mut Value| {
        let (socket, udp, tcp) = PLACE.get().unwrap();
        configuration["audit"]["sinks"] = json!([
            { "kind": "syslog", "address": format!("unix:{socket}") },
            { "kind": "syslog", "address": format!("udp:127.0.0.1:{udp}") },
            { "kind": "syslog", "address": format!("tcp:127.0.0.1:{tcp}"), "required": true }
        ]);
    };
    let world = World::with(Setup { change, ..Setup::default() }).await;
    assert!(world.get_as("bob", "/whoami").await.content().contains("bob"));
    // Longer than rsyslog's messages are unless it is told otherwise.
    let long = format!(r"\\nobody\share\{}", "x".repeat(4000));
    world
        .call(Some(&world.idp.issuer.token("bob")), "kerberos-file-read", json!({"path": long}))
        .await;
    let records = world.audit_records().await;
    let text = std::fs::read_to_string(world.audit_file()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() >= 3 && lines.iter().any(|line| line.len() > 8192), "{records:#?}");

    // input|facility|severity|time|program|process|message
    let got = || std::fs::read_to_string(folder.join("got")).unwrap_or_default();
    let of = |input: &str| -> Vec<Vec<String>> {
        let text = got();
        let rows = text.lines().map(|line| line.splitn(7, '|').map(str::to_owned).collect());
        rows.filter(|row: &Vec<String>| row[0] == input && row[6].contains("eventId")).collect()
    };
    for input in ["imuxsock", "imudp", "imtcp"] {
        wait_for(input, || of(input).len() == lines.len());
        for (row, line) in of(input).iter().zip(&lines) {
            assert_eq!(row[6].trim_start(), *line, "{input}");
            assert_eq!((&*row[1], &*row[4]), ("authpriv", "krb-mcp"), "{input}");
            assert_eq!(row[5], std::process::id().to_string(), "{input}");
            if input != "imuxsock" {
                assert_eq!(row[3], line[14..38], "{input}: the record's own time");
            }
        }
    }
    // What it keeps is as good as heads: the log cut off is found.
    let cut = folder.join("cut.jsonl");
    std::fs::write(&cut, lines[..lines.len() - 1].join("\n") + "\n").unwrap();
    let mut material = Material::default();
    material.add_file(cut);
    assert!(material.verify().unwrap().is_whole, "nothing else shows it");
    material.add_checkpoints(folder.join("got"));
    let found = material.verify().unwrap();
    assert!(!found.is_whole && found.checkpoints as usize >= 3 * lines.len(), "{found:#?}");
    std::fs::remove_dir_all(folder).ok();
}
