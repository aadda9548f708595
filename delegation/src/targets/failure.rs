//! What it means that an address leads to no target.

use crate::{Code, Failure};

/// So many addresses are named where one names nothing; list-targets names all.
const MAX_NAMED: usize = 20;

/// Why an operation has no place.
#[derive(Debug)]
pub enum Unresolved {
    /// Its address names no configured target. What such addresses are called.
    Unknown(&'static str),
    /// It names no target, and there are several. What such addresses are called.
    Several(&'static str),
    /// It is malformed, or what its kind of resource does not do.
    Refused(Failure),
}

impl Unresolved {
    /// The same answer for every address that names nothing. `usable` are the addresses that the caller
    /// may use: it names some of them, and no other.
    #[must_use]
    pub fn explain(self, usable: &[&str]) -> Failure {
        let (message, remedy) = match self {
            Self::Unknown(what) => (
                format!("the {what} names no configured resource"),
                "Check the spelling of the host and of the share, base path or database. An address \
                 is reachable only if the operator lists its host among a target's names, and a \
                 share or database among its own, in the server's configuration.",
            ),
            Self::Several(what) => (
                format!("there are several resources, and the call has no {what}"),
                "Say which one: list-targets names them.",
            ),
            Self::Refused(failure) => return failure,
        };
        let mut remedy = remedy.to_owned();
        if !usable.is_empty() {
            let some = &usable[..usable.len().min(MAX_NAMED)];
            remedy += &format!(" Yours begin with: {}", some.join(", "));
        }
        Failure::new(Code::UnknownTarget, message, remedy)
    }
}

impl From<Failure> for Unresolved {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}
