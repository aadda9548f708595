//! Kerberos configuration files (MIT's `krb5.conf`), from bytes.
//!
//! They are read line by line as MIT's libkrb5 1.22 reads them (`src/util/profile/prof_parse.c`):
//! what stands before the first section is ignored, sections and subsections of the same name are
//! one, a relation may have many values, `*` marks a section, subsection or relation that nothing
//! may add to, be it later in the same file or in a later one (libkrb5 before 1.22 knows no final
//! relations, and looks at the mark between files only). `include` and
//! `includedir` ask the caller for bytes ([`Includes`]); nothing here reads a disk.
//!
//! Bounds, which MIT's library does not have: [`MAX_DEPTH`], [`MAX_INCLUDE_DEPTH`], [`MAX_FILES`],
//! [`MAX_BYTES`].
//!
//! Different from libkrb5, on purpose:
//! - a line may be longer than 2047 bytes (there its rest is read as another line);
//! - a byte order mark in front is passed over (there it hides the first section);
//! - lines that are not UTF-8 are refused unless they are comments, and so is a NUL anywhere;
//! - a value of the wrong kind is an error with its line (there mostly the default, silently), but a
//!   bad server is passed over and said beside the good ones (there it spoils all of its name);
//! - `module` lines, which load code, are refused.

mod enctypes;
mod error;
mod libdefaults;
mod limits;
mod local_name;
mod lookup;
mod parse;
mod profile;
mod realm;
mod server;
mod value;

pub use enctypes::{EnctypeList, parse_enctype};
pub use error::{ConfError, ConfErrorKind};
pub use libdefaults::{CanonicalizeHostname, LibDefaults};
pub use limits::{MAX_BYTES, MAX_DEPTH, MAX_FILES, MAX_INCLUDE_DEPTH};
pub use lookup::{TokenError, expand_tokens};
pub use parse::{Includes, NoIncludes};
pub use profile::Krb5Conf;
pub use realm::RealmSettings;
pub use server::{ServerAddress, ServerAddressError, ServerTransport};
pub use value::parse_duration;

#[cfg(test)]
mod tests;
