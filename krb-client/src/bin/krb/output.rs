//! What the program says, and the status that it ends with.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;

use krb_client::ClientError;

/// Why a command failed, in words for the person who typed it.
pub(crate) type Failure = Box<dyn Error>;

/// A command that fails without a word, because it was told to.
#[derive(Debug, thiserror::Error)]
#[error("silently")]
pub(crate) struct Silently;

/// A command that ends with this status and has said all there is to say.
#[derive(Debug, thiserror::Error)]
#[error("status {0}")]
pub(crate) struct Ended(pub(crate) u8);

impl Ended {
    pub(crate) const FAILED: Self = Self(FAILED);
}

/// What scripts can tell apart; `krb --help` lists them.
const FAILED: u8 = 1;
const UNREACHABLE: u8 = 3;
const FILE: u8 = 4;

/// Says why a command failed, and what its status is.
pub(crate) fn failed(error: &Failure) -> ExitCode {
    // Who reads no further, as `head`, need not be told.
    if !is_broken_pipe(&**error) && !error.is::<Silently>() && !error.is::<Ended>() {
        complain(&error.to_string());
    }
    ExitCode::from(status(&**error))
}

fn status(error: &(dyn Error + 'static)) -> u8 {
    if let Some(Ended(status)) = error.downcast_ref() {
        return *status;
    }
    let mut next = Some(error);
    while let Some(error) = next {
        match error.downcast_ref::<ClientError>() {
            Some(ClientError::Login(inner)) => return status(&**inner),
            Some(ClientError::Unreachable(_)) => return UNREACHABLE,
            Some(ClientError::File { .. } | ClientError::Format { .. }) => return FILE,
            _ => next = error.source(),
        }
    }
    FAILED
}

pub(crate) fn complain(text: &str) {
    // Standard error is all there is if this fails too.
    let _ = writeln!(io::stderr(), "krb: {}", printable(text));
}

/// Lines on standard output.
pub(crate) fn report(text: &str) -> Result<(), Failure> {
    write(format!("{}\n", printable(text)).as_bytes())
}

pub(crate) fn report_json(value: &serde_json::Value) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)?;
    // JSON itself escapes the others.
    let mut printable = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if ('\u{7f}'..='\u{9f}').contains(&character) {
            printable += &format!("\\u{:04x}", u32::from(character));
        } else {
            printable.push(character);
        }
    }
    printable.push('\n');
    write(printable.as_bytes())
}

pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout();
    Ok(out.write_all(bytes).and_then(|()| out.flush())?)
}

/// Names come from files and from KDCs: what a terminal would obey is shown instead.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && !['\n', '\t'].contains(&character) {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_the_terminal_no_orders() {
        let hostile = "\u{1b}[2Jalice\u{9b}31m\r\n\tnext";
        assert_eq!(printable(hostile), "\\u{1b}[2Jalice\\u{9b}31m\\r\n\tnext");
    }

    #[test]
    fn statuses_tell_what_may_be_tried_again() {
        let unknown = krb_client::files::keytab_path("MEMORY:a").unwrap_err();
        assert_eq!(status(&unknown), FAILED);
        assert_eq!(status(&Ended(7)), 7);
        let error = std::sync::Arc::new(io::Error::other("no"));
        let file = ClientError::File { path: "a".into(), error };
        assert_eq!(status(&file), FILE);
        let (realm, tried, discovery) = ("R".to_owned(), Vec::new(), None);
        let silent = ClientError::Unreachable(krb_client::Unreachable { realm, tried, discovery });
        assert_eq!(status(&ClientError::Login(silent.into())), UNREACHABLE);
    }
}
