//! Rules about source files.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::graph::root;

const MAX_LINES: usize = 700;

#[test]
fn files_of_the_product_stay_readable() {
    for directory in ["krb-proto", "krb-client", "delegation", "mcp-server"] {
        for file in rust_files(&root().join(directory)) {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            assert!(lines <= MAX_LINES, "{} has {lines} lines; split it", file.display());
        }
    }
}

#[test]
fn no_test_is_switched_off() {
    // In two parts, or this file would find itself.
    let attribute = concat!("#[", "ignore");
    for file in rust_files(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        if let Some(line) = text.lines().position(|line| line.contains(attribute)) {
            panic!("{}:{} switches a test off; mend or remove it", file.display(), line + 1);
        }
    }
}

pub(crate) fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let entry = entry.unwrap();
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                directories.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|e| e == "rs") {
                files.push(path);
            }
        }
    }
    assert!(!files.is_empty(), "no Rust files in {}", directory.display());
    files
}
