//! What the program says, and the status that it ends with.

use std::error::Error;
use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use krb_client::remedy::may_be_shown;
use krb_client::{CacheError, ClientError, Krb5ConfError};
use krb_proto::exchange::KdcRefusal;
use krb_proto::formats::ConfError;
use serde_json::{Value, json};

use crate::remedy::Explained;

/// Why a command failed, in words for the person who typed it.
pub(crate) type Failure = Box<dyn Error>;

/// A file, or a cache, is missing, cannot be read or written, or makes no sense.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {why}")]
pub(crate) struct Unusable {
    place: String,
    why: String,
}

impl Unusable {
    pub(crate) fn new(place: impl Display, why: impl Display) -> Self {
        Self { place: place.to_string(), why: why.to_string() }
    }
}

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

/// Says why a command failed, as JSON too if that was asked for, and what its status is.
pub(crate) fn failed(error: &Failure, json: bool) -> ExitCode {
    // Who reads no further, as `head`, need not be told.
    if !is_broken_pipe(&**error) && !error.is::<Ended>() {
        complain(&error.to_string());
        if json {
            // It has been said, and the status says it again.
            let _ = report_json(&json!({ "error": failure_json(&**error) }));
        }
    }
    ExitCode::from(status(&**error))
}

/// Says why a command failed whose JSON, which has said it already, is written.
pub(crate) fn ended(error: Failure) -> Result<(), Failure> {
    complain(&error.to_string());
    Err(Ended(status(&*error)).into())
}

/// Why a command failed, for programs.
pub(crate) fn failure_json(error: &(dyn Error + 'static)) -> Value {
    let explained = error.downcast_ref::<Explained>();
    let remedy = explained.and_then(|it| it.remedy.as_ref());
    let refusal = refusal(error);
    let status_of_ad = refusal.and_then(|refusal| refusal.nt_status);
    json!({
        "message": explained.map_or_else(|| error.to_string(), Explained::said),
        "remedy": remedy.map(ToString::to_string),
        "code": refusal.map(|refusal| refusal.code.0),
        "codeName": refusal.and_then(|refusal| refusal.code.name()),
        "ntStatus": status_of_ad.map(|status| status.0),
        "ntStatusName": status_of_ad.and_then(|status| status.name()),
        "exitStatus": status(error),
    })
}

/// The status that a failure ends the program with.
pub(crate) fn status(error: &(dyn Error + 'static)) -> u8 {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(Ended(status)) = error.downcast_ref() {
            return *status;
        }
        if let Some(error) = error.downcast_ref() {
            return status_of_client(error);
        }
        if error.is::<Unusable>() || error.is::<Krb5ConfError>() || error.is::<ConfError>() {
            return FILE;
        }
        next = error.source();
    }
    FAILED
}

/// What a KDC said, if that is behind it.
fn refusal<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a KdcRefusal> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<ClientError>() {
            return error.refusal();
        }
        next = error.source();
    }
    None
}

fn status_of_client(error: &ClientError) -> u8 {
    match error {
        ClientError::Login(inner) | ClientError::Armor(inner) => status_of_client(inner),
        ClientError::Unreachable(_) => UNREACHABLE,
        ClientError::File { .. } | ClientError::Format { .. } => FILE,
        // There is no such name, whatever there is.
        ClientError::Cache(
            CacheError::UnknownType { .. }
            | CacheError::BadName { .. }
            | CacheError::NoCollection { .. },
        ) => FAILED,
        ClientError::Cache(_) => FILE,
        _ => FAILED,
    }
}

pub(crate) fn complain(text: &str) {
    // Standard error is all there is if this fails too.
    let _ = writeln!(io::stderr(), "krb: {}", printable(text));
}

/// Lines on standard output.
pub(crate) fn report(text: &str) -> Result<(), Failure> {
    write(format!("{}\n", printable(text)).as_bytes())
}

pub(crate) fn report_json(value: &Value) -> Result<(), Failure> {
    write_json(&serde_json::to_string_pretty(value)?)
}

/// In one line, for who reads on.
#[cfg(feature = "dev-kdc")]
pub(crate) fn report_json_line(value: &Value) -> Result<(), Failure> {
    write_json(&value.to_string())
}

fn write_json(text: &str) -> Result<(), Failure> {
    write(json_printable(text).as_bytes())
}

fn json_printable(text: &str) -> String {
    // Lines end between values alone; JSON itself escapes those in texts.
    let mut printable = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if may_be_shown(character) || character == '\n' {
            printable.push(character);
        } else {
            printable += &format!("\\u{:04x}", u32::from(character));
        }
    }
    printable.push('\n');
    printable
}

pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout();
    Ok(out.write_all(bytes).and_then(|()| out.flush())?)
}

/// Names come from files and from KDCs: what a terminal would obey is shown instead.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if may_be_shown(character) || ['\n', '\t'].contains(&character) {
            printable.push(character);
        } else {
            printable.extend(character.escape_default());
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
        let hostile = "\u{1b}[2Jalice\u{9b}31m\r\n\tnext\u{202e}moc.\u{2028}rené";
        let shown = "\\u{1b}[2Jalice\\u{9b}31m\\r\n\tnext\\u{202e}moc.\\u{2028}rené";
        assert_eq!(printable(hostile), shown);
        let json = serde_json::to_string_pretty(&[hostile]).unwrap();
        let shown = json_printable(&json);
        assert_eq!(serde_json::from_str::<[String; 1]>(&shown).unwrap(), [hostile]);
        assert_eq!(shown.lines().count(), 3);
        assert!(shown.chars().all(|c| may_be_shown(c) || c == '\n'), "{shown}");
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
        let service = krb_client::Service::Kdc;
        let silent = krb_client::Unreachable { service, realm, tried, discovery };
        let silent = ClientError::Unreachable(silent);
        assert_eq!(status(&ClientError::Login(silent.into())), UNREACHABLE);
        let absent = ClientError::Cache(CacheError::NotFound { cache: "FILE:a".into() });
        assert_eq!(status(&absent), FILE);
        assert_eq!(status(&ClientError::Armor(absent.into())), FILE);
        let unknown = ClientError::Cache(CacheError::UnknownType { cache: "XYZ:a".into() });
        assert_eq!(status(&unknown), FAILED);
        assert_eq!(status(&Krb5ConfError::Missing("krb5.conf".into())), FILE);
        assert_eq!(status(&Unusable::new("a", "b")), FILE);
    }
}
