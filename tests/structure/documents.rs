//! Documents lead to files that exist, and each decision has a number of its own.

use std::{
    fs,
    path::{Path, PathBuf},
};

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

fn documents() -> Vec<PathBuf> {
    let folders = ["", "docs", "docs/decisions", "findings", "fuzz"];
    folders.iter().flat_map(|folder| markdown(&root().join(folder))).collect()
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}
