//! `docs/standards.md`: every place that it names exists and speaks of its document.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::rust_files;
use crate::graph::root;

#[test]
fn places_of_standards_exist_and_speak_of_them() {
    let page = root().join("docs/standards.md");
    let text = fs::read_to_string(&page).unwrap();
    let mut checked = 0;
    // | document | what | [`place`](../link), … |
    for row in text.lines().filter(|line| line.contains("](../")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [documents, _, places] = cells[..] else { panic!("three cells: {row}") };
        for place in places.split(", ") {
            let place = place.strip_prefix("[`").and_then(|rest| rest.strip_suffix(')'));
            let (name, link) = place.and_then(|place| place.split_once("`](../")).expect(row);
            let whole = root().join(name);
            assert!(root().join(link).is_file(), "{row}: there is no {link}");
            assert!(link.starts_with(name), "{row}: {name} leads to {link}");
            for document in documents.split(", ").filter(|name| is_numbered(name)) {
                let speaks = sources(&whole).iter().any(|file| {
                    fs::read_to_string(file).is_ok_and(|source| source.contains(document))
                });
                assert!(speaks, "nothing in {name} speaks of {document}");
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "{checked}");
}

/// Whether the code names it so, too.
fn is_numbered(document: &str) -> bool {
    ["RFC ", "MS-", "draft-"].iter().any(|start| document.starts_with(start))
}

fn sources(place: &Path) -> Vec<PathBuf> {
    if place.is_dir() { rust_files(place) } else { vec![place.to_owned()] }
}
