//! krb-proto does without std.

use std::path::Path;
use std::process::Command;

/// Builds a static library with a panic handler of its own around krb-proto: std would bring a
/// second one, and the build would fail.
#[test]
fn krb_proto_links_where_there_is_no_std() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or(tests.join("../target"), Into::into);
    let output = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--manifest-path"])
        .arg(tests.join("no-std/Cargo.toml"))
        .arg("--target-dir")
        .arg(target.join("no-std"))
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "std, or something else, crept into krb-proto:\n{said}");
}
