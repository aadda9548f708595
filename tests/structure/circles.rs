//! Files of a folder of krb-proto use one another in one direction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use crate::files::rust_files;
use crate::graph::root;

/// The files beside it that a file names in `use super::file`, outside of its tests.
fn used(text: &str) -> BTreeSet<String> {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut used = BTreeSet::new();
    for import in product.split("\nuse super::").skip(1) {
        let import = import.split(';').next().unwrap_or_default();
        // Of a list every name, of a path the first.
        let names = match import.strip_prefix('{') {
            Some(list) => list.split(',').collect(),
            None => vec![import],
        };
        let file = |name: &str| {
            name.trim_matches(|c: char| c == '}' || c.is_whitespace())
                .split("::")
                .next()
                .unwrap_or_default()
                .to_owned()
        };
        used.extend(names.into_iter().map(file));
    }
    used
}

#[test]
fn files_of_a_folder_form_no_circle() {
    let mut folders: BTreeMap<PathBuf, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for file in rust_files(&root().join("krb-proto/src")) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if name != "mod" && name != "tests" {
            let used = used(&format!("\n{}", fs::read_to_string(&file).unwrap()));
            folders.entry(file.parent().unwrap().into()).or_default().insert(name, used);
        }
    }
    for (folder, mut files) in folders {
        // Whatever uses nothing that is left is no part of a circle.
        loop {
            let left: BTreeSet<String> = files.keys().cloned().collect();
            files.retain(|name, used| used.iter().any(|used| used != name && left.contains(used)));
            if files.len() == left.len() {
                break;
            }
        }
        assert!(files.is_empty(), "{}: a circle among {:?}", folder.display(), files.keys());
    }
}

#[test]
fn imports_are_read_as_rust_means_them() {
    let text = "\nuse super::one::A;\nuse super::{B, two};\nuse crate::three;\n";
    let names: Vec<_> = used(text).into_iter().collect();
    assert_eq!(names, ["B", "one", "two"]);
    assert!(used("\n#[cfg(test)]\nmod tests {\n    use super::one;\n}\n").is_empty());
}
