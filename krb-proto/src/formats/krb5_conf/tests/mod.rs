//! Configurations that are read, and those that are refused.

use std::borrow::ToOwned;
use std::collections::BTreeMap;
use std::string::String;
use std::vec::Vec;

use super::*;

mod includes;
mod syntax;
mod typed;
mod values;

fn conf(text: &str) -> Krb5Conf {
    Krb5Conf::parse("krb5.conf", text.as_bytes(), &mut NoIncludes).unwrap()
}

fn refused(text: &[u8]) -> (u32, ConfErrorKind) {
    let error = Krb5Conf::parse("krb5.conf", text, &mut NoIncludes).unwrap_err();
    assert_eq!(error.file, "krb5.conf");
    (error.line, error.kind)
}

fn all<'a>(conf: &'a Krb5Conf, path: &[&str]) -> Vec<&'a str> {
    conf.values(path).collect()
}

/// A disk in memory: a name with a slash at its end is a directory that holds these names.
struct Disk(BTreeMap<String, Vec<u8>>);

fn disk<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Disk {
    let files = files.into_iter();
    Disk(files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec())).collect())
}

impl Includes for Disk {
    fn file(&mut self, name: &str) -> Result<Vec<u8>, String> {
        self.0.get(name).cloned().ok_or_else(|| "no such file".to_owned())
    }

    fn directory(&mut self, name: &str) -> Result<Vec<String>, String> {
        let within = std::format!("{name}/");
        let names = self.0.keys().filter_map(|file| file.strip_prefix(&within));
        // Backwards, since a real one has no order that could be relied on.
        let names: Vec<_> = names.rev().map(ToOwned::to_owned).collect();
        if names.is_empty() { Err("no such directory".to_owned()) } else { Ok(names) }
    }
}
