//! The page in a real browser.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::{Demo, Folder, skip};

const CHROMIUM: &str = "/usr/bin/chromium";

#[test]
fn the_page_tells_the_same_story() {
    if !Path::new(CHROMIUM).exists() {
        return skip("there is no chromium");
    }
    let folder = Folder::new("demo-page");
    let mut demo = Demo::start(folder.path());
    let started = demo.until("started");
    demo.until("staying");
    let page = started["page"].as_str().unwrap();
    let profile = Folder::new("demo-chromium");
    let output = Command::new(CHROMIUM)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--disable-dev-shm-usage", "--virtual-time-budget=5000"])
        .args(["--enable-logging=stderr", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(page)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let dom = String::from_utf8(output.stdout).unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    for said in [
        "id=\"step-1\"",
        "saw ALICE_ADMIN, 200",
        "Only alice reads this",
        "saw bob, 403",
        "UNAUTHORIZED",
        "USER_NOT_DELEGATABLE",
        "POLICY_DENIED",
        "Live: calls that you make appear here.",
    ] {
        assert!(dom.contains(said), "no {said}:\n{dom}\n{log}");
    }
    assert_eq!(dom.matches("<article").count(), 5, "{dom}");
    assert_eq!(dom.matches("verdict right").count(), 5, "{dom}");
    assert!(!log.contains("Content Security Policy"), "{log}");
    assert!(demo.end("-TERM").success());
}
