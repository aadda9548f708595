//! What it means that an address leads to no target.

use crate::{Code, Failure};

/// So many addresses are named where one names nothing; list-targets names all.
const MAX_NAMED: usize = 20;

/// Why an operation has no place.
#[derive(Debug)]
pub enum Unresolved {
    /// Its address names no configured target. What such addresses are called.
    Unknown(&'static str),
    /// It is malformed, or what its kind of resource does not do.
    Refused(Failure),
}

impl Unresolved {
    /// The same answer for every address that names nothing. `usable` are the addresses that the caller
    /// may use: it names some of them, and no other.
    #[must_use]
    pub fn explain(self, usable: &[&str]) -> Failure {
        let what = match self {
            Self::Unknown(what) => what,
            Self::Refused(failure) => return failure,
        };
        let mut remedy =
            "Check the spelling of the host and of the share or base path. An address \
                          is reachable only if the operator lists its host among a target's names, \
                          and a share among its shares, in the server's configuration."
                .to_owned();
        if !usable.is_empty() {
            let some = &usable[..usable.len().min(MAX_NAMED)];
            remedy += &format!(" Yours begin with: {}", some.join(", "));
        }
        Failure::new(
            Code::UnknownTarget,
            format!("the {what} names no configured resource"),
            remedy,
        )
    }
}

impl From<Failure> for Unresolved {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}
