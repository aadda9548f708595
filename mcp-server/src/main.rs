//! The `krb-mcp` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    krb_mcp::cli::main()
}
