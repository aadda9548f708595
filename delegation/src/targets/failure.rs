//! What it means that an address leads to no target.

use crate::policy::Usable;
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
    /// The same answer for every address that names nothing; it names what the caller may use, and
    /// nothing else.
    #[must_use]
    pub fn explain(self, usable: &[Usable]) -> Failure {
        let what = match self {
            Self::Unknown(what) => what,
            Self::Refused(failure) => return failure,
        };
        let mut remedy =
            "Check the spelling of the host and of the share or base path. An address \
                          is reachable only if the operator lists its host among a target's names, \
                          and a share among its shares, in the server's configuration."
                .to_owned();
        let addresses = usable.iter().flat_map(|usable| &usable.addresses);
        let some: Vec<&str> = addresses.take(MAX_NAMED).map(String::as_str).collect();
        if !some.is_empty() {
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
