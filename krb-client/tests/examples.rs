//! The examples run.

#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::path::PathBuf;
use std::process::Command;

/// Cargo builds them beside the tests, unless it is asked for some targets alone.
fn example(name: &str) -> Command {
    let here: PathBuf = std::env::current_exe().unwrap();
    let program = here.parent().unwrap().parent().unwrap().join("examples").join(name);
    assert!(program.exists(), "build it as well: cargo build --all-features --examples");
    Command::new(program)
}

#[test]
fn a_page_is_asked_for_as_the_account_itself_and_in_a_users_name() {
    let ended = example("negotiate_client").output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(said, "svc-mcp@EXAMPLE.TEST\nalice@EXAMPLE.TEST, by way of svc-mcp@EXAMPLE.TEST\n");
}
