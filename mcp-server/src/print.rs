use std::io::Write;

use serde::Serialize;

/// What a command found, for programs.
pub(crate) fn print_json(
    value: &impl Serialize,
    out: &mut impl Write,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}
