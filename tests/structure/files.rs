//! Rules about source files.

use std::fs;
use std::path::{Path, PathBuf};

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

/// `thing/tests.rs` or `thing/tests/`, as the compiler finds them by itself.
#[test]
fn tests_lie_beside_what_they_test() {
    let attribute = concat!("#[", "path");
    for file in rust_files(&root()) {
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        let stray = name.ends_with("_test") || name.ends_with("_tests");
        assert!(!stray, "{}: unit tests are called `tests`", file.display());
        let text = fs::read_to_string(&file).unwrap();
        assert!(!text.contains(attribute), "{} names a file's place", file.display());
    }
}

/// A `use` for each module, each with the names of it: lists hold no paths. So that what is looked
/// for is found by its whole path, and two changes of one list meet less often.
#[test]
fn imports_name_a_module_each() {
    for file in rust_files(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        let nested = imports(&text)
            .find(|import| import.split_once('{').is_some_and(|(_, list)| list.contains("::")));
        assert!(nested.is_none(), "{}: `use {}` lists paths", file.display(), nested.unwrap());
    }
}

/// What stands behind each `use`.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("use ").filter_map(|(start, word)| {
        let line = text[..start].rsplit('\n').next().unwrap_or_default().trim_start();
        let import = text[start + word.len()..].split(';').next()?;
        (line.is_empty() || line.starts_with("pub")).then_some(import)
    })
}

/// Whatever measures time goes by the one clock or by tokio's time, which tests can move together.
#[test]
fn time_comes_from_the_clock_or_from_tokio() {
    for directory in ["krb-client/src", "delegation/src", "mcp-server/src"] {
        for file in rust_files(&root().join(directory)) {
            let inside = file.strip_prefix(root().join(directory)).unwrap();
            let is_test = inside.iter().any(|part| part.to_string_lossy().starts_with("test"));
            if is_test || file.ends_with("krb-client/src/clock.rs") {
                continue;
            }
            let text = fs::read_to_string(&file).unwrap();
            let of_std = |import: &str| {
                import.starts_with("std::time::")
                    && (import.contains("Instant") || import.contains("SystemTime"))
            };
            let named = ["std::time::Instant", "std::time::SystemTime"];
            let is_named = named.into_iter().any(|name| text.contains(name));
            let what = "uses the machine's own time: use Clock, or tokio::time::Instant";
            assert!(!is_named && !imports(&text).any(of_std), "{} {what}", file.display());
        }
    }
}

#[test]
fn a_file_with_files_below_it_says_what_it_is() {
    for file in rust_files(&root()) {
        let text = fs::read_to_string(&file).unwrap();
        let below = text.lines().any(|line| {
            let line = line.trim_start_matches("pub ").trim_start_matches("pub(crate) ");
            line.starts_with("mod ") && line.ends_with(';') && line != "mod tests;"
        });
        let said = text.starts_with("//!") || text.starts_with("#![");
        assert!(!below || said, "{} begins without `//!`", file.display());
    }
}

/// Whose doing a failure is, and what helps, is said in one place for each stage.
#[test]
fn failures_are_made_by_the_stages_explainers() {
    for folder in ["delegation/src", "mcp-server/src"] {
        for file in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&file).unwrap();
            let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
            let name = file.file_name().unwrap();
            let is_test = file.components().any(|part| part.as_os_str() == "tests");
            let may = ["failure.rs", "tests.rs", "testing.rs"].iter().any(|known| name == *known);
            assert!(
                may || is_test || !product.contains("Failure::new("),
                "{} explains a failure",
                file.display()
            );
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
