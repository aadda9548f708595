//! What a binary says of its build: `krb-mcp --version`. Nothing of it depends on when or where it was
//! built, so that the same source makes the same binary.

use std::env;
use std::io::{self, Write as _};
use std::process::Command;

fn main() -> io::Result<()> {
    let asked = |name: &str| env::var(name).unwrap_or_else(|_| "unknown".into());
    let rustc = Command::new(asked("RUSTC")).arg("--version").output();
    let rustc = rustc.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    let mut out = io::stdout();
    writeln!(out, "cargo::rerun-if-changed=build.rs")?;
    writeln!(out, "cargo::rerun-if-env-changed=KRB_MCP_REVISION")?;
    writeln!(out, "cargo::rustc-env=KRB_MCP_BUILT_FROM={}", asked("KRB_MCP_REVISION"))?;
    writeln!(out, "cargo::rustc-env=KRB_MCP_BUILT_FOR={}", asked("TARGET"))?;
    writeln!(out, "cargo::rustc-env=KRB_MCP_BUILT_BY={}", rustc.unwrap_or_else(|_| "rustc".into()))
}
