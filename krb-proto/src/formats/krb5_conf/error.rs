use alloc::string::String;
use core::fmt;

use super::{MAX_BYTES, MAX_DEPTH, MAX_FILES, MAX_INCLUDE_DEPTH, ServerAddressError};

/// What is wrong in a configuration file, and where. `Display` says what to change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfError {
    /// The file's name, as it was given or included.
    pub file: String,
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong there.
    pub kind: ConfErrorKind,
}

/// What is wrong in a configuration file.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ConfErrorKind {
    /// A line that matters is not UTF-8, or there is a NUL in the file.
    NotText,
    /// A section header inside braces.
    SectionInBraces,
    /// A section header without `]`, or with something behind it.
    SectionSyntax,
    /// A `}` that closes nothing.
    ExtraBrace,
    /// A relation without `{` on the line after an empty value.
    MissingBrace,
    /// A line without `=`, or with nothing before it.
    NotARelation,
    /// A relation's name with a blank in it.
    BlankInName,
    /// Braces within braces, too many.
    TooDeep,
    /// The file wants to be read by a loadable module.
    Module,
    /// An included file or directory cannot be read: its name and the reason.
    Include(String, String),
    /// A file that includes itself, at once or through others: its name.
    IncludeLoop(String),
    /// Files including files, too many levels.
    IncludeDepth,
    /// More files than anybody has.
    TooManyFiles,
    /// More bytes than anybody writes, in all files together.
    TooLong,
    /// Not a truth value.
    Boolean,
    /// Not a whole number of 32 bits.
    Number,
    /// Not a time.
    Duration,
    /// No enctype of the list is known or allowed.
    NoEnctype,
    /// Not a host and a port.
    Server(ServerAddressError),
    /// Neither `DEFAULT` nor a well-formed `RULE:`.
    LocalNameSyntax,
    /// A rule with a regular expression, which this crate does not have.
    LocalNameRegex,
}

impl fmt::Display for ConfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: {}", self.file, self.line, self.kind)
    }
}

impl core::error::Error for ConfError {}

impl fmt::Display for ConfErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => f.write_str("not UTF-8 text; save the file as UTF-8"),
            Self::SectionInBraces => {
                f.write_str("a section begins inside braces; a '}' is missing before it")
            }
            Self::SectionSyntax => {
                f.write_str("not a section header; write '[name]' alone on its line")
            }
            Self::ExtraBrace => f.write_str("this '}' closes nothing; remove it"),
            Self::MissingBrace => f.write_str(
                "'{' is missing after a relation without a value; an empty value is written '\"\"'",
            ),
            Self::NotARelation => f.write_str(
                "neither a section nor a relation; write 'name = value', or '#' before a comment",
            ),
            Self::BlankInName => f.write_str("a relation's name may not contain blanks"),
            Self::TooDeep => write!(f, "braces are nested more than {MAX_DEPTH} deep"),
            Self::Module => f.write_str(
                "'module' asks for a plugin, and plugins are not loaded; give a file instead",
            ),
            Self::Include(name, reason) => write!(f, "cannot include '{name}': {reason}"),
            Self::IncludeLoop(name) => write!(f, "'{name}' includes itself; remove this line"),
            Self::IncludeDepth => {
                write!(f, "files include each other more than {MAX_INCLUDE_DEPTH} deep")
            }
            Self::TooManyFiles => write!(f, "more than {MAX_FILES} files are included"),
            Self::TooLong => write!(f, "the files have more than {MAX_BYTES} bytes in all"),
            Self::Boolean => f.write_str("not a truth value; write 'true' or 'false'"),
            Self::Number => f.write_str("not a whole number; write digits only"),
            Self::Duration => {
                f.write_str("not a time; write seconds, or for example '1d2h', '90m' or '10:00:00'")
            }
            Self::NoEnctype => f.write_str(
                "no encryption type of this list is known and allowed; 'DEFAULT' is always right, and rc4 wants \
                 allow_rc4 = true beside it",
            ),
            Self::Server(error) => error.fmt(f),
            Self::LocalNameSyntax => {
                f.write_str("not a rule for local names; write 'DEFAULT' or 'RULE:[1:$1]'")
            }
            Self::LocalNameRegex => f.write_str(
                "rules for local names with regular expressions are not supported; \
                 use 'auth_to_local_names' or a rule without them",
            ),
        }
    }
}
