use std::format;
use std::string::ToString;

use super::*;

fn read(text: &str, mut disk: Disk) -> Result<Krb5Conf, ConfError> {
    Krb5Conf::parse("main", text.as_bytes(), &mut disk)
}

/// MIT krb5 `src/util/profile/t_profile.c`, `test_include`.
#[test]
fn files_and_directories_are_included_as_mit_does() {
    let one = "[test section 1]\nbar = foo\n";
    let path = ["test section 1", "bar"];
    let conf = read("include test2.ini\n", disk([("test2.ini", one)])).unwrap();
    assert_eq!(all(&conf, &path), ["foo"]);

    let names = ["a", "a~", "b.conf", "b.conf.rpmsave", ".c.conf", "d e", "f.con", ".hidden"];
    let files: Vec<_> = names
        .iter()
        .map(|name| (format!("dir/{name}"), format!("[test section 1]\nbar = {name}\n")))
        .collect();
    let files = disk(files.iter().map(|(name, text)| (&**name, &**text)));
    let conf = read("includedir dir\r\n", files).unwrap();
    assert_eq!(all(&conf, &path), ["a", "b.conf"], "sorted; no backups, no dot files");

    for text in ["include does-not-exist", "[s]\nincludedir does-not-exist\n"] {
        let error = read(text, disk([])).unwrap_err();
        assert!(
            matches!(error.kind, ConfErrorKind::Include(ref name, _) if name == "does-not-exist")
        );
        assert!(error.to_string().contains("cannot include 'does-not-exist': no such"), "{error}");
    }
}

/// MIT krb5 `src/util/profile/t_profile.c`, `test_independence`.
#[test]
fn an_included_file_neither_takes_nor_leaves_an_open_section() {
    let text = "[sec1]\nvar = {\na = 1\ninclude testinc2.ini\nc = 3\n}\n";
    let conf = read(text, disk([("testinc2.ini", "d = 4\n[sec2]\nb = 2\n")])).unwrap();
    assert_eq!(all(&conf, &["sec1", "var", "a"]), ["1"]);
    assert_eq!(all(&conf, &["sec2", "b"]), ["2"]);
    assert_eq!(all(&conf, &["sec1", "var", "c"]), ["3"]);
    assert_eq!(conf.value(&["sec1", "var", "d"]), None);
    // What is open there is continued by the same name here.
    let conf = read(text, disk([("testinc2.ini", "[sec1]\nvar = {\na = 2\n")])).unwrap();
    assert_eq!(all(&conf, &["sec1", "var", "a"]), ["1", "2"]);
}

#[test]
fn only_the_beginning_of_a_line_includes() {
    let conf = read("[s]\n include = a\nincludes = b\n", disk([])).unwrap();
    assert_eq!(conf.value(&["s", "include"]), Some("a"));
    assert_eq!(conf.value(&["s", "includes"]), Some("b"));
    let error = read("[s]\n\ninclude\n", disk([])).unwrap_err();
    assert_eq!(error.kind, ConfErrorKind::Include("".into(), "no such file".into()));
    // Without a line's end it is a word like any other, in MIT's library too.
    let error = read("[s]\ninclude", disk([])).unwrap_err();
    assert_eq!(error.kind, ConfErrorKind::NotARelation);
}

#[test]
fn an_error_in_an_included_file_names_that_file() {
    let error = read("\ninclude a\n", disk([("a", "[s]\nx y\n")])).unwrap_err();
    assert_eq!((&*error.file, error.line), ("a", 2));
    let conf = read("[libdefaults]\ninclude a\n", disk([("a", "[libdefaults]\nrdns = x\n")]));
    let error = conf.unwrap().libdefaults(None).unwrap_err();
    assert_eq!((&*error.file, error.line), ("a", 2), "a value that is read later, too");
}

#[test]
fn a_file_that_includes_itself_is_refused() {
    for (files, file) in [
        (&[("a", "include a\n")][..], "a"),
        (&[("a", "include b\n"), ("b", "# back\ninclude a\n")], "b"),
    ] {
        let error = read("include a\n", disk(files.iter().copied())).unwrap_err();
        assert_eq!(error.file, file);
        assert_eq!(error.kind, ConfErrorKind::IncludeLoop("a".into()));
    }
    let error = read("include main\n", disk([])).unwrap_err();
    assert_eq!(error.kind, ConfErrorKind::IncludeLoop("main".into()));
    // Twice, but not within itself, is no loop.
    let twice = read("include a\ninclude a\n", disk([("a", "[s]\nk = v\n")])).unwrap();
    assert_eq!(all(&twice, &["s", "k"]), ["v", "v"]);
}

#[test]
fn includes_are_nested_up_to_the_bound() {
    let chain = |length: usize| {
        let files: Vec<_> =
            (1..=length).map(|i| (format!("{i}"), format!("include {}\n", i + 1))).collect();
        let last = (format!("{}", length + 1), "[s]\nk = v\n".to_owned());
        let files: Vec<_> = files.into_iter().chain([last]).collect();
        read("include 1\n", disk(files.iter().map(|(name, text)| (&**name, &**text))))
    };
    for length in [MAX_INCLUDE_DEPTH - 2, MAX_INCLUDE_DEPTH - 1] {
        assert_eq!(chain(length).unwrap().value(&["s", "k"]), Some("v"), "{length}");
    }
    assert_eq!(chain(MAX_INCLUDE_DEPTH).unwrap_err().kind, ConfErrorKind::IncludeDepth);
}

#[test]
fn files_are_counted() {
    let including = |count: usize| read(&"include a\n".repeat(count), disk([("a", "")]));
    for count in [MAX_FILES - 2, MAX_FILES - 1] {
        assert!(including(count).is_ok(), "{count} and the file itself");
    }
    assert_eq!(including(MAX_FILES).unwrap_err().kind, ConfErrorKind::TooManyFiles);
}

#[test]
fn bytes_are_counted_over_all_files() {
    let including = |length: usize| {
        let text = "include a\n";
        let comment = "#".repeat(length - text.len());
        read(text, disk([("a", &*comment)]))
    };
    for length in [MAX_BYTES - 1, MAX_BYTES] {
        assert!(including(length).is_ok(), "{length}");
    }
    assert_eq!(including(MAX_BYTES + 1).unwrap_err().kind, ConfErrorKind::TooLong);
    let files = conf("[s]\n").with_file("b", &[b'#'; MAX_BYTES - 3], &mut NoIncludes);
    assert_eq!(files.unwrap_err().kind, ConfErrorKind::TooLong, "over the whole list of files");
}
