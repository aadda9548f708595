//! Documents lead to files and name places that exist; each decision has a number of its own, each
//! finding its line.

use std::fs;
use std::path::{Path, PathBuf};

use crate::graph::root;

#[test]
fn links_lead_somewhere() {
    let mut links = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for rest in text.split("](").skip(1) {
            let link = rest.split(')').next().unwrap_or_default();
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || link.contains("://") || link.contains(' ') {
                continue;
            }
            let target = document.parent().unwrap().join(path);
            assert!(target.exists(), "{}: {link} leads nowhere", document.display());
            links += 1;
        }
    }
    assert!(links > 100, "{links}");
}

#[test]
fn each_decision_has_a_number_and_its_line() {
    let folder = root().join("docs/decisions");
    let list = fs::read_to_string(folder.join("README.md")).unwrap();
    let mut numbers = Vec::new();
    for file in markdown(&folder) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let Some((number, _)) = name.split_once('-') else { continue };
        let line = format!("| [{number}]({name}) | ");
        assert!(list.contains(&line), "docs/decisions/README.md has no line {line}");
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with(&format!("# {number}: ")),
            "{name}: its heading has another number"
        );
        numbers.push(number.to_owned());
    }
    numbers.sort();
    let expected: Vec<_> = (1..=numbers.len()).map(|number| format!("{number:04}")).collect();
    assert_eq!(numbers, expected, "a number twice or left out");
}

#[test]
fn places_that_are_named_exist() {
    let mut places = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        // Every other piece is between backticks; a fence is three of them, and odd as well.
        for span in text.split('`').skip(1).step_by(2) {
            let top = span.split('/').next().unwrap_or_default();
            let is_place = span.contains('/') && !span.contains([' ', '\n', '*', '(', '…']);
            if !is_place || !TOP.contains(&top) {
                continue;
            }
            for place in spelled_out(span) {
                let exists = root().join(&place).exists();
                assert!(exists, "{}: there is no {place}", document.display());
                places += 1;
            }
        }
    }
    assert!(places > 50, "{places}");
}

#[test]
fn each_finding_has_its_line() {
    let folder = root().join("findings");
    let list = fs::read_to_string(folder.join("README.md")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        let listed = name == "README.md" || list.contains(&format!("| [`{name}`]({name}) | "));
        assert!(listed, "findings/README.md has no line for {name}");
    }
}

const TOP: [&str; 9] = [
    "benches",
    "delegation",
    "docs",
    "findings",
    "fuzz",
    "krb-client",
    "krb-proto",
    "mcp-server",
    "tests",
];

/// `a/{b,c}/` is two places.
fn spelled_out(span: &str) -> Vec<String> {
    let Some((before, rest)) = span.split_once('{') else { return vec![span.to_owned()] };
    let (inside, after) = rest.split_once('}').expect(span);
    inside.split(',').map(|one| format!("{before}{one}{after}")).collect()
}

fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/decisions", "findings", "fuzz"];
    folders.iter().flat_map(|folder| markdown(&root().join(folder))).collect()
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}
