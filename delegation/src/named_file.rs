//! The files that a configuration names, and what becomes of whoever reads or changes them.

use std::path::PathBuf;

/// What a file is to whoever comes by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Holds {
    /// A key, a password or a token: who reads it can be this server, or a user.
    Secret,
    /// What says who is believed, and who may do what: who changes it decides that.
    Rules,
    /// What this server writes.
    State,
}

/// Is shown each file, and the setting that names it: `visit("network.caFile", …)`.
pub type Visit<'a> = dyn FnMut(&str, Holds, &mut PathBuf) + 'a;
