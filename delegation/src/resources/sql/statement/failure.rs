use std::fmt;

/// Why a statement is not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Refused {
    /// It is of a form that is not known here.
    Unknown,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("the statement is of a form that is not known here"),
        }
    }
}

impl Refused {
    /// What to write instead.
    pub(in super::super) const fn remedy(&self) -> &'static str {
        match self {
            Self::Unknown => "Write it with other words.",
        }
    }
}
