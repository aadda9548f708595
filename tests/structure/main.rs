//! Rules about crates and files that no compiler checks: which crate may use which, what licence
//! and which C code may come in, and that every dependency has its reason written down.
//!
//! `docs/decisions/` says why each rule is there.

mod blames;
mod bug_classes;
mod c_code;
mod circles;
mod crates;
mod documents;
mod files;
mod graph;
mod licences;
mod no_std;
mod standards;
