//! Whom a failure is laid to.

use std::fs;

use krb_delegation::Code;

use crate::files::rust_files;
use crate::graph::root;

/// Each failure is laid to one of those whose doing its code may be: another would go into records
/// as it is, and in a build with assertions end the call without an answer.
#[test]
fn failures_are_laid_to_those_whose_doing_they_may_be() {
    let mut count = 0;
    for file in rust_files(&root().join("delegation/src")) {
        let text = fs::read_to_string(&file).unwrap();
        for (code, blame) in laid(&text) {
            let listed = code.blame().iter().any(|may| format!("{may:?}") == blame);
            assert!(listed, "{}: {code:?} is laid to {blame}", file.display());
            count += 1;
        }
    }
    assert!(count > 20, "{count} were found");
}

/// Codes that a failure is made with, and to whom that failure is laid, where both are written out.
fn laid(text: &str) -> impl Iterator<Item = (Code, &str)> {
    text.split("::new(").filter_map(|made| {
        let code = word(made.trim_start().strip_prefix("Code::")?);
        let code = *Code::ALL.iter().find(|known| format!("{known:?}") == code)?;
        let mut behind = behind_call(made)?;
        while let Some(method) = behind.strip_prefix('.') {
            if let Some(blame) = method.strip_prefix("blamed_on(Blame::") {
                return Some((code, word(blame)));
            }
            behind = behind_call(method.split_once('(')?.1)?;
        }
        None
    })
}

/// What stands behind the end of a call, of whose arguments the text begins with the first.
fn behind_call(text: &str) -> Option<&str> {
    let (mut depth, mut is_text, mut is_escaped) = (1, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_text => is_escaped = true,
            '"' => is_text = !is_text,
            '(' if !is_text => depth += 1,
            ')' if !is_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(text[at + 1..].trim_start());
        }
    }
    None
}

fn word(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default()
}

#[test]
fn who_is_blamed_is_found_where_it_stands() {
    let text = r#"
        Failure::new(Code::Internal, format!("{x} :)"), "\"(")
            .caused_by(of(x))
            .blamed_on(Blame::Caller),
        Failure::new(Code::NotFound, "x", "y"),
        another(x).blamed_on(Blame::Kdc)
    "#;
    let found: Vec<_> = laid(text).collect();
    assert_eq!(found, [(Code::Internal, "Caller")]);
}
