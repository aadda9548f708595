//! What a container gives it, it goes by: as many workers as it has processors, and the memory that the
//! chart asks for does for one user's most.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use krb_tests::lab::shipped_server;
use krb_tests::{Lab, Server, Setup, issuer};
use tokio::task::JoinSet;

use crate::lab;

const ROOT: &str = "/sys/fs/cgroup";
const VALUES: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../mcp-server/deploy/chart/values.yaml"));
/// Of one user, at once: what the server lets in.
const CALLS: usize = 64;

/// A group with limits of its own, in either version of cgroups; it goes with its value.
struct Group(Vec<PathBuf>);

impl Group {
    /// `None` where this machine lets nobody make one.
    fn new(name: &str, processors: u32, bytes: u64) -> Option<Self> {
        const PERIOD: u32 = 100_000;
        let quota = processors * PERIOD;
        if Path::new(ROOT).join("cgroup.controllers").exists() {
            let folder = Path::new(ROOT).join(name);
            fs::create_dir(&folder).ok()?;
            let group = Self(vec![folder.clone()]);
            fs::write(folder.join("cpu.max"), format!("{quota} {PERIOD}")).ok()?;
            fs::write(folder.join("memory.max"), bytes.to_string()).ok()?;
            return Some(group);
        }
        let folders = ["cpu", "memory"].map(|kind| Path::new(ROOT).join(kind).join(name));
        let group = Self(folders.to_vec());
        for folder in &folders {
            fs::create_dir(folder).ok()?;
        }
        fs::write(folders[0].join("cpu.cfs_period_us"), PERIOD.to_string()).ok()?;
        fs::write(folders[0].join("cpu.cfs_quota_us"), quota.to_string()).ok()?;
        fs::write(folders[1].join("memory.limit_in_bytes"), bytes.to_string()).ok()?;
        Some(group)
    }

    /// A server that is in it from its first instruction.
    fn start(&self, lab: &Lab, setup: &Setup, name: &str) -> Server {
        let folder = lab.scratch(name);
        fs::create_dir_all(&folder).unwrap();
        setup.write(lab, &folder);
        let enter: String = self
            .0
            .iter()
            .map(|group| format!("echo $$ >'{}/cgroup.procs'; ", group.display()))
            .collect();
        let mut command = Command::new("sh");
        command.arg("-ec").arg(format!("{enter}exec \"$0\" \"$@\"")).arg(shipped_server());
        command
            .args(["serve", "--log-format", "json", "--config"])
            .arg(folder.join("krb-mcp.jsonc"));
        Server::spawn(command, folder)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel needs a moment to see that it is empty.
        for folder in &self.0 {
            for _ in 0..50 {
                if fs::remove_dir(folder).is_ok() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_containers_processors_and_memory_are_what_the_server_goes_by() {
    // It has one processor, and others would take that.
    let lab = lab!(alone);
    let mebibytes =
        VALUES.split_once("limits: { memory: ").unwrap().1.split_once("Mi }").unwrap().0;
    let limit = mebibytes.parse::<u64>().unwrap() << 20;
    let name = format!("krb-tests-{}", std::process::id());
    let Some(group) = Group::new(&name, 1, limit) else {
        return krb_tests::skipped("no cgroups can be made here");
    };
    let issuer = issuer().await;
    let server = group.start(lab, &Setup::new(lab, &issuer.url()), "cgroups");
    let token = issuer.token("alice");
    let file = lab.unc("large/mebibyte.bin");
    assert!(server.read(&token, &lab.unc("reports/data.csv")).await.content().contains("1,42"));
    let listening = server.said().lines().last().unwrap();
    let listening: serde_json::Value = serde_json::from_str(listening).unwrap();
    assert_eq!(listening["workers"], 1, "{listening}");

    let before = server.memory().peak_from_now();
    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let (url, token, file) = (server.url(), token.clone(), file.clone());
        calls.spawn(async move {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let call = serde_json::json!({
                "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "kerberos-file-read", "arguments": { "path": file } }
            });
            let answer = http.post(url).bearer_auth(token).json(&call).send().await.unwrap();
            answer.bytes().await.unwrap()
        });
    }
    while let Some(read) = calls.join_next().await {
        let read = read.unwrap();
        let said = String::from_utf8_lossy(&read[..read.len().min(1000)]);
        assert!(read.len() > 1 << 20, "not the whole file: {said}");
    }
    let peak = server.memory().peak();
    println!("{CALLS} files of a mebibyte at once: {peak} MB at most, {before} MB before");
    assert!((peak as u64) < limit / 1_000_000 / 2, "{peak} MB of {limit} bytes");
    assert_eq!(server.read(&token, &file).await.data()["size"], 1 << 20);
}
