use std::fmt;

/// Why a statement is not done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Refused {
    /// There is none.
    Empty,
    /// There is more than one.
    Several,
    /// It has more than so many characters.
    TooLong(usize),
    /// It has too much in itself.
    TooDeep,
    /// Something in its text that one may read otherwise than another, and where that is.
    Sign { what: &'static str, line: u64, column: u64 },
    /// The parser does not understand it. What it says.
    NotUnderstood(String),
    /// It is of a form, or has a part, that is not known here.
    Unknown(&'static str),
    /// A word that the server may take for the start of something else.
    Word(String),
    /// A name of another database.
    Elsewhere(String),
    /// This server has no room to read it in at present.
    NotRead,
    /// It is about the session or its transaction, which are not the caller's.
    Session(&'static str),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no statement"),
            Self::Several => f.write_str("there is more than one statement"),
            Self::TooLong(most) => write!(f, "the statement has more than {most} characters"),
            Self::TooDeep => {
                f.write_str("the statement has too many operators or parentheses in one expression")
            }
            Self::Sign { what, line, column } => {
                write!(f, "the statement has, in line {line} at column {column}, {what}")
            }
            Self::NotUnderstood(said) => {
                write!(
                    f,
                    "the statement is not understood here, whatever the database may make of it: {said}"
                )
            }
            Self::Unknown(what) => write!(f, "the statement has {what}, which is not known here"),
            Self::Word(word) => write!(
                f,
                "the statement has the word {word} where it may be taken for another statement"
            ),
            Self::Elsewhere(name) => {
                write!(f, "the statement names {name}, which is in another database")
            }
            Self::NotRead => f.write_str("the statement could not be read at present"),
            Self::Session(what) => write!(
                f,
                "the statement is {what}: sessions and transactions are this server's own"
            ),
        }
    }
}

impl Refused {
    /// What to write instead.
    pub(in super::super) const fn remedy(&self) -> &'static str {
        match self {
            Self::Empty | Self::Several => {
                "Send one statement. Each call is a transaction of its own."
            }
            Self::TooLong(_) | Self::TooDeep => {
                "Give long lists as values: `= ANY ($1)` with an array, or several calls."
            }
            Self::Sign { .. } => {
                "Write it plainly: values as parameters ($1, or @name at SQL Server), texts in '…', \
                 other names than plain ones quoted."
            }
            Self::NotUnderstood(_) | Self::Unknown(_) => {
                "Write it in another way; or have the operator add it to the target's `statements`, \
                 or a procedure to the database."
            }
            Self::Word(_) => "Quote it if it is a name, and put AS before aliases.",
            Self::Elsewhere(_) => {
                "Name the database in the call's `database`, and leave it out here."
            }
            Self::NotRead => "Call again; if that does not help, tell the operator.",
            Self::Session(_) => {
                "Leave it out: each call begins as new, and is done or not done as a whole."
            }
        }
    }
}
