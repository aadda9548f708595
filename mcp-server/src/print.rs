use std::io::Write;

use serde::Serialize;

/// What a command has to say of what it was asked, which scripts tell by how it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said {
    /// It is so; or all was done.
    Yes,
    /// It is not.
    No,
    /// It cannot be said.
    Nothing,
}

impl From<bool> for Said {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

/// What a command found, for programs.
pub(crate) fn print_json(
    value: &impl Serialize,
    out: &mut impl Write,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)?;
    Ok(())
}
