use std::format;
use std::string::ToString;
use std::vec;

use super::*;
use crate::oracles::tests::assert_seed;

/// MIT krb5 `src/util/profile/test.ini`, and what `t_profile.c` (`test_iterate`,
/// `test_merge_subsections`) and `prof_parse.c` make of it.
#[test]
fn mits_own_test_file_means_what_mits_tests_say() {
    let conf = conf(include_str!("../../../../vectors/mit-profile-test.ini"));
    let section_2 = "test section 2";
    assert_eq!(
        all(&conf, &["test section 1", "child_section", "child"]),
        ["slick", "harry", "john"]
    );
    assert_eq!(
        all(&conf, &[section_2, "child_section2", "child"]),
        ["slick", "harry", "john\tb ", "ron"]
    );
    assert_eq!(all(&conf, &[section_2, "child_section2", "chores"]), ["cleaning"]);
    assert_eq!(all(&conf, &[section_2, "child_section2"]), ["one", "foo"], "relations beside it");
    assert_eq!(all(&conf, &[section_2, "test_child"]), ["foo\nbar"]);
    assert_eq!(all(&conf, &["test section 1", "foo"]), ["bar ", "bar2", "bar3"]);
    assert_eq!(conf.value(&["test section 1", "foo"]), Some("bar "));
    assert_eq!(conf.section_names(&[]), ["realms", "test section 1", section_2]);
    assert_eq!(conf.section_names(&["realms"]), ["ATHENA.MIT.EDU"]);
    assert_eq!(all(&conf, &["realms", "ATHENA.MIT.EDU", "server"]).len(), 3);
    assert_eq!(conf.value(&["realms", "ATHENA.MIT.EDU"]), None, "a section is not a value");
    assert_eq!(conf.value(&["realms", "nobody", "server"]), None);
    assert_eq!(conf.value(&[]), None);
}

/// MIT krb5 `src/util/profile/final1.ini` to `final5.ini`, each read before `final1.ini`, and
/// `final.expected`.
#[test]
fn a_star_keeps_later_files_out() {
    let file = |section, open, key, close| {
        format!(
            "# A comment.\n[section]{section}\n\tsubsection{open} = {{\n\t\t{key}\n\t}}{close}\n"
        )
    };
    let last = file("", "", "key = value1", "");
    let expected: [&[&str]; 5] =
        [&["value1", "value1"], &["value2"], &["value3"], &["value4"], &["value5"]];
    let files = [
        last.clone(),
        file("", "", "key* = value2", ""),
        file("", "*", "key = value3", ""),
        file("", "", "key = value4", "*"),
        file("*", "", "key = value5", ""),
    ];
    for (file, expected) in files.iter().zip(expected) {
        let both = conf(file).with_file("second", last.as_bytes(), &mut NoIncludes).unwrap();
        assert_eq!(all(&both, &["section", "subsection", "key"]), expected, "{file}");
    }
    // A section is final even where the first file lacks what is looked for.
    let first = conf("[section]*\nother = 1\n");
    let both = first.with_file("second", last.as_bytes(), &mut NoIncludes).unwrap();
    assert_eq!(both.value(&["section", "subsection", "key"]), None);
    assert_eq!(both.section_names(&["section"]), [""; 0]);
}

/// MIT krb5 1.22's `src/util/profile/final6.ini` and `final.expected`: a mark holds within a file.
const FINAL_6: &str = "
[a]
	ab = 1
	ab* = 2
	ab = 3
	ab* = 4
	ac* = 1

[a]
	ac = 2
	ac* = 3
	ac = 4

[b]*
	ba = 1
	ba* = 2
	bb = {
		bba = 1
	}

[b]
	ba = 3
	bb = {
		bba = 2
	}
	bb = {
	}
	bb = {
	}

[c]
	ca* = {
		caa* = 1
	}
	cb = {
		cba = 1
	}*
	cc = 1

[c]
	ca = {
		caa = 2
	}
	cb* = {
		cba = 2
	}
	cc = 2
";

#[test]
fn a_star_keeps_later_lines_out() {
    let cases: [(&[&str], &[&str]); 7] = [
        (&["a", "ab"], &["1", "2"]),
        (&["a", "ac"], &["1"]),
        (&["b", "ba"], &["1", "2"]),
        (&["b", "bb", "bba"], &["1"]),
        (&["c", "ca", "caa"], &["1"]),
        (&["c", "cb", "cba"], &["1"]),
        (&["c", "cc"], &["1", "2"]),
    ];
    let file = conf(FINAL_6);
    assert_seed("krb5_conf", "final", FINAL_6.as_bytes());
    for (path, expected) in cases {
        assert_eq!(all(&file, path), expected, "{path:?}");
    }
    // An included file begins anew but adds to the same sections; a mark holds for it too.
    let mut disk = disk([("more", "[b]\nba = 5\nnew = 1\n[c]\nca = {\ncaa = 5\n}\ncc = 5\n")]);
    let text = std::format!("{FINAL_6}\ninclude more\n\tcd = 1\n");
    let with_more = Krb5Conf::parse("krb5.conf", text.as_bytes(), &mut disk).unwrap();
    assert_eq!(all(&with_more, &["b", "ba"]), ["1", "2"]);
    assert_eq!(all(&with_more, &["b", "new"]), [""; 0]);
    assert_eq!(all(&with_more, &["c", "ca", "caa"]), ["1"]);
    assert_eq!(all(&with_more, &["c", "cc"]), ["1", "2", "5"]);
    assert_eq!(all(&with_more, &["c", "cd"]), ["1"], "the including file goes on where it was");
    // A subsection that is final keeps relations of its name out too.
    let both = conf("[s]\na* = {\nk = v\n}\na = x\nb = y\n");
    assert_eq!((both.value(&["s", "a"]), both.value(&["s", "b"])), (None, Some("y")));
    assert_eq!((both.section_names(&["s"]), both.relation_names(&["s"])), (vec!["a"], vec!["b"]));
    // Braces are counted where nothing is kept.
    let (line, kind) = refused(b"[s]*\n[s]\na = {\n}\n}\n");
    assert_eq!((line, kind), (5, ConfErrorKind::ExtraBrace));
    let deep = format!("[s]*\n[s]\n{}", "a = {\n".repeat(MAX_DEPTH + 1));
    assert_eq!(refused(deep.as_bytes()).1, ConfErrorKind::TooDeep);
}

#[test]
fn lines_are_read_as_mit_reads_them() {
    for (text, expected) in [
        ("[s]\nk = v", "v"),
        ("[s]\r\nk = v\r\n", "v"),
        ("[s]\nk=v", "v"),
        ("[s]  \n  k\t=\tv w \t\n", "v w"),
        ("preamble\n  [s] ignored\nk = first\n[s]\nk = v\n", "v"),
        ("\u{feff}[s]\nk = v\n", "v"),
        ("[s]\nk = v # no comment\n", "v # no comment"),
        ("[s]\n# k = 1\n ; k = 2\n\t#\n\n   \nk = v\n", "v"),
        ("[s]\nk = \"\"\n", ""),
        ("[s]\nk = \" v \" ignored\n", " v "),
        ("[s]\nk = \"a\\\"b\\\\c\\n\\t\\b\\x\"\n", "a\"b\\c\n\t\u{8}x"),
        ("[s]\nk = \"open\n", "open"),
        ("[s]\nk = \"end\\", "end\\"),
        ("[s]\nk = a\"b\"\n", "a\"b\""),
        ("[s]\nk = { v\n", "{ v"),
        ("[s]\nk = = v\n", "= v"),
        ("[s]\nk*ignored = v\n", "v"),
        ("[a]\n[s]\nk = v\n[a]\nk = w\n", "v"),
        ("[s]\nincluded = x\nk = v\n", "v"),
    ] {
        assert_eq!(conf(text).value(&["s", "k"]), Some(expected), "{text:?}");
    }
    let nested =
        "[s]\na = {\n b =\n  {ignored\n  c = 1\n }ignored\n b = {  \n  c = 2\n }\n}\nk = v\n";
    assert_eq!(all(&conf(nested), &["s", "a", "b", "c"]), ["1", "2"]);
    assert_eq!(conf(nested).value(&["s", "k"]), Some("v"));
    assert_eq!(conf("").section_names(&[]), [""; 0]);
    // As in MIT's library the end of a file closes what is open.
    assert_eq!(conf("[s]\na = {\nk = v\n").value(&["s", "a", "k"]), Some("v"));
    assert_eq!(conf("[s]\na =\n").section_names(&["s"]), ["a"]);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line() {
    use ConfErrorKind as K;
    for (text, line, kind) in [
        (&b"[s]\nword\n"[..], 2, K::NotARelation),
        (b"[s]\n\n= v\n", 3, K::NotARelation),
        (b"[s]\na b = v\n", 2, K::BlankInName),
        (b"[s\n", 1, K::SectionSyntax),
        (b"[s] x\n", 1, K::SectionSyntax),
        (b"[s]**\n", 1, K::SectionSyntax),
        (b"[s]\na = {\n[t]\n", 3, K::SectionInBraces),
        (b"[s]\n}\n", 2, K::ExtraBrace),
        (b"[s]\na = {\n}\n}\n", 4, K::ExtraBrace),
        (b"[s]\na =\nb = c\n", 3, K::MissingBrace),
        (b"[s]\na =\n\n{\n", 3, K::MissingBrace),
        (b"module /lib/x.so:y\n", 1, K::Module),
        (b"# first\nmodule x:y\n[s]\n", 2, K::Module),
        (b"[s]\nk = \xff\n", 2, K::NotText),
        (b"[s]\nk = \"\xff\"\n", 2, K::NotText),
        (b"[\xff]\n", 1, K::NotText),
        (b"[s]\n\xff = 1\n", 2, K::NotText),
        (b"[s]\nk = a\0b\n", 2, K::NotText),
        (b"\xff\xfe[\0s\0]\0\n\0", 1, K::NotText),
    ] {
        let (found_line, found) = refused(text);
        assert_eq!((found_line, found), (line, kind), "{:?}", text.escape_ascii().to_string());
    }
    // Once a section has begun, `module` is a relation's name like any other.
    assert_eq!(conf("[s]\nmodule = x\n").value(&["s", "module"]), Some("x"));
    // Nobody reads a comment, whatever it is written in.
    let latin = b"\xfc\n[s]\n# \xfc\nk = v\n";
    let conf = Krb5Conf::parse("f", latin, &mut NoIncludes).unwrap();
    assert_eq!(conf.value(&["s", "k"]), Some("v"));
}

#[test]
fn errors_say_where_and_what_to_change() {
    let error = Krb5Conf::parse("/etc/krb5.conf", b"[s]\nword\n", &mut NoIncludes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/etc/krb5.conf line 2: neither a section nor a relation; write 'name = value', \
         or '#' before a comment"
    );
    let error = conf("[libdefaults]\nrdns = perhaps\n").libdefaults(None).unwrap_err();
    assert_eq!(error.to_string(), "krb5.conf line 2: not a truth value; write 'true' or 'false'");
}

#[test]
fn braces_are_nested_up_to_the_bound() {
    let nested = |depth: usize| format!("[s]\n{}", "a = {\n".repeat(depth));
    for depth in [MAX_DEPTH - 1, MAX_DEPTH] {
        conf(&nested(depth));
    }
    let (line, kind) = refused(nested(MAX_DEPTH + 1).as_bytes());
    assert_eq!((line as usize, kind), (MAX_DEPTH + 2, ConfErrorKind::TooDeep));
}

#[test]
fn a_line_may_be_longer_than_mits_buffer() {
    let long = "x".repeat(5000);
    assert_eq!(conf(&format!("[s]\nk = {long}\n")).value(&["s", "k"]), Some(&*long));
}
