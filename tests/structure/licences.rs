//! Everything that users get is under a permissive licence.

use crate::graph::{PRODUCT, normal_and_build};

const PERMISSIVE: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

#[test]
fn published_members_build_only_from_permissive_packages() {
    for member in PRODUCT {
        for package in normal_and_build(member).values() {
            let licence = package.license.as_deref().unwrap_or_default();
            assert_eq!(
                permissive(licence),
                Ok(true),
                "{member} is built from {} {}, whose licence is {licence:?}; \
                 copyleft may be used only in krb-tests and krb-benches",
                package.name,
                package.version
            );
        }
    }
}

/// Whether an SPDX expression lets us choose permissive terms only.
fn permissive(expression: &str) -> Result<bool, String> {
    // Before SPDX expressions, crates wrote `/` for `OR`.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = &tokens[..];
    let value = any(&mut rest)?;
    if rest.is_empty() { Ok(value) } else { Err(format!("does not parse at {rest:?}")) }
}

fn any(rest: &mut &[&str]) -> Result<bool, String> {
    let mut value = all(rest)?;
    while let ["OR", tail @ ..] = *rest {
        *rest = tail;
        value |= all(rest)?;
    }
    Ok(value)
}

fn all(rest: &mut &[&str]) -> Result<bool, String> {
    let mut value = one(rest)?;
    while let ["AND", tail @ ..] = *rest {
        *rest = tail;
        value &= one(rest)?;
    }
    Ok(value)
}

fn one(rest: &mut &[&str]) -> Result<bool, String> {
    let (name, tail) = match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let value = any(rest)?;
            let [")", tail @ ..] = *rest else { return Err("a missing )".into()) };
            *rest = tail;
            return Ok(value);
        }
        [id, "WITH", exception, tail @ ..] => (format!("{id} WITH {exception}"), tail),
        [id, tail @ ..] => ((*id).to_owned(), tail),
        [] => return Err("no licence".into()),
    };
    *rest = tail;
    Ok(PERMISSIVE.contains(&&*name))
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    for (expression, expected) in [
        ("MIT", Ok(true)),
        ("AGPL-3.0", Ok(false)),
        ("MIT OR AGPL-3.0", Ok(true)),
        ("MIT AND AGPL-3.0", Ok(false)),
        ("MIT/Apache-2.0", Ok(true)),
        ("(MIT OR GPL-2.0) AND Unicode-3.0", Ok(true)),
        ("GPL-2.0 OR MIT AND LGPL-3.0", Ok(false)),
        ("Apache-2.0 WITH LLVM-exception OR MPL-2.0", Ok(true)),
        ("GPL-2.0 WITH Classpath-exception-2.0", Ok(false)),
    ] {
        assert_eq!(permissive(expression), expected, "{expression}");
    }
    for expression in ["", "(MIT", "MIT)", "MIT MIT", "OR"] {
        assert_ne!(permissive(expression), Ok(true), "{expression}");
    }
}
