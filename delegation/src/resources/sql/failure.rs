//! What may go wrong with databases, before, at and after a server is asked.

use std::fmt::Display;

use super::identity::Unnameable;
use super::place::Place;
use crate::network::ConnectError;
use crate::targets::Target;
use crate::{Blame, Code, Failure};

/// What is wrong with what the caller asks for.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Misasked {
    /// A statement that is not done, and what to write instead.
    Statement(String, String),
    /// What is asked for as a read does this.
    NoRead(&'static str),
    /// What is asked for as a change only reads.
    NoChange,
    /// A parameter.
    Parameters(String),
    /// The target runs nothing that users write.
    FreeForm(Vec<String>),
    /// There is no statement of that name.
    NoSuchStatement(String, Vec<String>),
    /// A name of a schema, table or procedure.
    Name(&'static str),
    /// A cursor of another call.
    Cursor,
    /// A cursor for what is not to be done again.
    NoPages,
}

impl From<Misasked> for Failure {
    fn from(misasked: Misasked) -> Self {
        let listed = |names: &[String]| match names {
            [] => "There is none.".to_owned(),
            names => format!("There are: {}.", names.join(", ")),
        };
        let (message, remedy) = match misasked {
            Misasked::Statement(message, remedy) => (message, remedy),
            Misasked::NoRead(action) => (
                format!("the statement does not only read: it is {action}"),
                "Ask for it with the action execute; or leave out what changes something, such as \
                 FOR UPDATE, INTO, and functions that are not known to change nothing."
                    .into(),
            ),
            Misasked::NoChange => (
                "the statement changes nothing".into(),
                "Ask for it with the action query.".into(),
            ),
            Misasked::Parameters(problem) => (
                format!("the parameters do not fit: {problem}"),
                "Give a value for each placeholder, and no other: an array for $1, $2, … (or at SQL \
                 Server @p1, @p2, …), an object for @name."
                    .into(),
            ),
            Misasked::FreeForm(names) => (
                "this target runs no statements that users write".into(),
                format!("Name one of its own in `statement`. {}", listed(&names)),
            ),
            Misasked::NoSuchStatement(name, names) => (
                format!("the target has no statement {name:?}"),
                format!("Name one of its own. {}", listed(&names)),
            ),
            Misasked::Name(what) => (
                format!("the {what} is no name"),
                "Give the bare name, without quotes, of 1 to 128 characters, none of them in a wide \
                 or otherwise other form.".into(),
            ),
            Misasked::Cursor => (
                "the cursor belongs to another call".into(),
                "Give the cursor with the same statement, parameters and database, or begin \
                 without one."
                    .into(),
            ),
            Misasked::NoPages => (
                "a cursor goes with what reads and nothing else".into(),
                "Leave the cursor out: what changes something is done once.".into(),
            ),
        };
        Self::new(Code::InvalidArgument, message, remedy)
    }
}

impl From<Unnameable> for Failure {
    fn from(unnameable: Unnameable) -> Self {
        let what = match unnameable {
            Unnameable::NoUpn => "the account has no UPN".to_owned(),
            Unnameable::Empty => "a part of it is empty".to_owned(),
            Unnameable::Long(name) => {
                format!("{name:?} is longer than a name there may be, and would be cut")
            }
            Unnameable::Control => "it has a control character".to_owned(),
            Unnameable::Odd(name) => {
                format!("{name:?} has a letter whose small letter is another one's")
            }
        };
        Self::new(
            Code::ResourceRefused,
            format!("the user has no name in the database: {what}"),
            "Change the target's roleTemplate, or the account's names in the directory.",
        )
        .blamed_on(Blame::Directory)
    }
}

/// What a server says of a statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Said {
    /// Its own code: SQLSTATE, or the error's number.
    pub(super) code: String,
    pub(super) what: Refusal,
    /// The character of the statement it is about, from 1; or the line.
    pub(super) at: Option<At>,
    /// Its message alone: neither its detail nor its hint, which name other rows' values.
    pub(super) message: String,
}

/// Where in a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum At {
    /// A character, from 1.
    Character(u32),
    /// A line, from 1.
    Line(u32),
}

/// What kind of refusal it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Refusal {
    /// The user has no right to it.
    Denied,
    /// There is no such thing.
    NotFound,
    /// The user may not log in, or does not exist there.
    Login,
    /// It took too long, was cancelled, or lost against another one: it may be tried again.
    Busy,
    /// The server cannot at present.
    Unavailable,
    /// Anything else that is wrong with the statement or its data.
    Statement,
}

/// More of a message is not told.
const MAX_SAID: usize = 500;

impl Said {
    /// What it means to the user.
    pub(super) fn explain(&self, place: &Place<'_>) -> Failure {
        let Self { code, what, at, message } = self;
        let (target, database) = (place.target.name(), place.database);
        let at = match at {
            Some(At::Character(number)) => format!(" at character {number}"),
            Some(At::Line(number)) => format!(" in line {number}"),
            None => String::new(),
        };
        let refused = format!("{target} ({database}) refused it with {code}{at}");
        let (code, remedy) = match what {
            Refusal::Denied => (
                Code::AccessDenied,
                "The user's own rights in the database do not suffice: whoever owns the data \
                 grants them.",
            ),
            Refusal::NotFound => {
                (Code::NotFound, "Look with sql-schema and sql-table-details what there is.")
            }
            Refusal::Login => (
                Code::AccessDenied,
                "The user may not log in there, or is not known by that name: create the role or \
                 login, spelled as it is there; or look at the target's roleTemplate and, at \
                 PostgreSQL, at the map in pg_ident.conf (docs/sql.md).",
            ),
            Refusal::Busy => (Code::ResourceBusy, "Call again, with less to do at once."),
            Refusal::Unavailable => {
                (Code::ResourceUnreachable, "Look at the database server, and call again.")
            }
            Refusal::Statement => {
                (Code::StatementFailed, "Change the statement or its parameters.")
            }
        };
        let said: String = message.chars().filter(|c| !c.is_control()).take(MAX_SAID).collect();
        Failure::new(code, refused, remedy).quoting(&said)
    }
}

/// There is no connection to a server: what to look at where nothing answers, and where its certificate
/// is not believed.
pub(super) fn unreached(
    host: &str,
    error: &ConnectError,
    silent: &str,
    untrusted: &str,
) -> Failure {
    let unreachable = |remedy: &str| {
        let message = format!("the database server {host} cannot be reached: {error}");
        Failure::new(Code::ResourceUnreachable, message, remedy)
    };
    match error {
        ConnectError::Unresolved(_) => {
            unreachable("Check the target's host.").blamed_on(Blame::Configuration)
        }
        ConnectError::Unreachable(_) => unreachable(silent),
        ConnectError::Untrusted(_) => Failure::new(
            Code::ResourceRefused,
            format!("the certificate of the database server {host} is not believed: {error}"),
            untrusted,
        ),
    }
}

/// The connection broke while somebody logged in.
pub(super) fn broke_off(host: &str, doing: &str, error: &dyn Display, remedy: &str) -> Failure {
    let message =
        format!("the connection to the database server {host} broke while {doing}: {error}");
    Failure::new(Code::ResourceUnreachable, message, remedy)
}

/// It is refused for what it does or does not encrypt.
pub(super) fn not_encrypted(host: &str, what: &str, remedy: &str) -> Failure {
    let message = format!("the database server {host} is not safe enough: {what}");
    Failure::new(Code::ResourceRefused, message, remedy)
}

/// It let the user in without any proof of who it is.
pub(super) fn no_proof(place: &Place<'_>, remedy: &str) -> Failure {
    let Place { target, identity, .. } = place;
    let (name, spn) = (target.name(), target.spn());
    let message = format!("{name} let {identity} in without proving that it is {spn}");
    Failure::new(Code::ResourceRefused, message, remedy)
}

/// It took the login for somebody else.
pub(super) fn somebody_else(place: &Place<'_>, found: &str, remedy: &str) -> Failure {
    let Place { target, database, identity, .. } = place;
    let message = format!("{} ({database}) took {identity} for {found:?}", target.name());
    Failure::new(Code::ResourceRefused, message, remedy)
}

/// As many connections are open as may be, and none became free.
pub(super) struct Crowded<'a>(pub(super) &'a Target, pub(super) u32);

impl From<Crowded<'_>> for Failure {
    fn from(Crowded(target, most): Crowded<'_>) -> Self {
        Self::new(
            Code::ResourceBusy,
            format!("all of the {most} connections that {} may have are at work", target.name()),
            "Call again later; or raise the target's limits.connections, if the database takes more.",
        )
    }
}

/// The connection ended in the middle.
pub(super) struct Broken<'a>(pub(super) &'a Target, pub(super) String);

impl From<Broken<'_>> for Failure {
    fn from(Broken(target, cause): Broken<'_>) -> Self {
        Self::new(
            Code::ResourceUnreachable,
            format!("the connection to {} broke while it was asked", target.name()),
            "Look at the database server and its log for the time of this call.",
        )
        .caused_by(cause)
    }
}

/// The statement ran for longer than it may.
pub(super) struct TooLong<'a>(pub(super) &'a Target, pub(super) u64);

impl From<TooLong<'_>> for Failure {
    fn from(TooLong(target, seconds): TooLong<'_>) -> Self {
        Self::new(
            Code::ResourceTimeout,
            format!(
                "{} had not answered in {seconds} seconds, and was told to stop",
                target.name()
            ),
            "Ask for less at once, or have the target's limits.seconds raised.",
        )
    }
}

/// The first row alone has more bytes than an answer may.
pub(super) struct TooBig<'a>(pub(super) &'a Target, pub(super) usize);

impl From<TooBig<'_>> for Failure {
    fn from(TooBig(target, most): TooBig<'_>) -> Self {
        Self::new(
            Code::TooLarge,
            format!("one row of {} has more than {most} bytes", target.name()),
            "Select fewer columns, or parts of their values; or have the target's limits.bytes \
             raised.",
        )
    }
}
