//! What it means that a call gets no further than this server's front.

use krb_delegation::{Code, Failure};

/// Why a call is not begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// It is no call of a tool: what is wrong with it.
    NoCall(String),
    /// The arguments are not the tool's: where (empty: as a whole), and what is wrong.
    Arguments(String, String),
    /// The user has so many calls under way already.
    TooManyAtOnce(usize),
    /// The user makes too many in a second, or too many that are refused.
    TooOften,
}

impl From<NotBegun> for Failure {
    fn from(why: NotBegun) -> Self {
        match why {
            NotBegun::NoCall(problem) => Self::new(
                Code::InvalidArgument,
                problem,
                "Call a tool that tools/list names, with a JSON object of arguments.",
            ),
            NotBegun::Arguments(place, problem) => Self::new(
                Code::InvalidArgument,
                match place.as_str() {
                    "" => problem,
                    place => format!("argument {place}: {problem}"),
                },
                "Call the tool with the arguments that its input schema names; tools/list shows \
                 it.",
            ),
            NotBegun::TooManyAtOnce(most) => Self::new(
                Code::TooManyCalls,
                format!("{most} calls of this user run already"),
                "Wait for one to end, and make fewer at once.",
            ),
            NotBegun::TooOften => Self::new(
                Code::TooManyCalls,
                "this user made too many calls in the last minute, or too many that were refused",
                "Make no calls for 10 seconds, and then at most 100 in a second; do not repeat a \
                 call that was refused before what its remedy says is done.",
            ),
        }
    }
}
