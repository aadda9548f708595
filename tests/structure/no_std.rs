//! krb-proto does without std.

use std::path::Path;
use std::process::Command;

/// Checks a static library with a panic handler of its own around krb-proto: std would bring a second
/// one, and the compiler would refuse it.
#[test]
fn krb_proto_does_without_std() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(tests.join("../target"), Into::into);
    let output = Command::new(env!("CARGO"))
        .args(["check", "--locked", "--manifest-path"])
        .arg(tests.join("no-std/Cargo.toml"))
        .arg("--target-dir")
        .arg(target.join("no-std"))
        // What `tests/run` lints with is not asked here.
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "std, or something else, crept into krb-proto:\n{said}");
}
