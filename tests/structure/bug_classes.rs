//! Every test that the documents name exists.

use std::fs;

use crate::graph::root;

#[test]
fn tests_that_are_named_exist() {
    let document = root().join("docs/bug-classes.md");
    let text = fs::read_to_string(&document).unwrap();
    let mut named = 0;
    // [`test`](../path)
    for link in text.split("[`").skip(1) {
        let (test, rest) = link.split_once("`](").expect("a link after a name");
        let path = rest.split_once(')').expect("the end of a link").0;
        let source = document.with_file_name(path);
        let source = fs::read_to_string(&source)
            .unwrap_or_else(|error| panic!("{test}: {}: {error}", source.display()));
        let defined = format!("fn {test}(");
        let before = source.split_once(&defined).map(|(before, _)| before);
        let before = before.unwrap_or_else(|| panic!("{path} has no {test}"));
        let before = before.trim_end();
        let before = before.strip_suffix("async").unwrap_or(before).trim_end();
        let attribute = before.lines().next_back().unwrap_or_default().trim();
        let attribute = attribute == "#[test]" || attribute.starts_with("#[tokio::test");
        assert!(attribute, "{test} in {path} is no test");
        named += 1;
    }
    let classes = text.lines().filter(|line| line.starts_with("| ")).count() - 1;
    assert!(named > classes, "{named} tests for {classes} classes");
}
