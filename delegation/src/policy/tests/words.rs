//! Claims and tools that the configuration lists, and policies that speak of them.

use super::*;

#[test]
fn a_listed_claim_decides_and_no_other_can_be_named() {
    let claims = ClaimTypes::from_pairs(&[
        ("department", ClaimType::Text),
        ("sites", ClaimType::Texts),
        ("level", ClaimType::Number),
        ("mfa", ClaimType::Boolean),
    ]);
    let words = Words { claims, tools: Vec::new() };
    let load = |condition: &str| {
        let text =
            format!("@id(\"p\") permit (principal, action, resource) when {{ {condition} }};");
        Policy::with_words(&text, &targets(), &words)
    };
    let who = |claims: &[(&str, ClaimValue)]| User {
        claims: claims.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        ..User::staff()
    };
    let text = |text: &str| ClaimValue::Text(text.into());
    for (condition, yes, no) in [
        (
            r#"principal.claims has department && principal.claims.department == "sales""#,
            ("department", text("sales")),
            ("department", text("Sales")),
        ),
        (
            r#"principal.claims has sites && principal.claims.sites.contains("B")"#,
            ("sites", ClaimValue::Texts(vec!["A".into(), "B".into()])),
            ("sites", ClaimValue::Texts(vec![])),
        ),
        (
            "principal.claims has level && principal.claims.level >= 3",
            ("level", ClaimValue::Number(3)),
            ("level", ClaimValue::Number(-3)),
        ),
        (
            "principal.claims has mfa && principal.claims.mfa",
            ("mfa", ClaimValue::Boolean(true)),
            ("mfa", ClaimValue::Boolean(false)),
        ),
    ] {
        let policy = load(condition).unwrap();
        let operation = read(r"\\files\corp\a");
        assert!(who(&[yes]).asks(&policy, &operation).is_ok(), "{condition}");
        for claims in [vec![no], vec![]] {
            assert!(who(&claims).asks(&policy, &operation).is_err(), "{condition} {claims:?}");
        }
    }
    for (condition, names) in [
        ("principal.claims has departement && true", "impossible"),
        (r#"principal.claims.department == "sales""#, "department"),
        (r#"principal.claims has level && principal.claims.level == "3""#, "level"),
    ] {
        let error = load(condition).unwrap_err().to_string();
        assert!(error.contains(names) || error.contains("String"), "{condition}: {error}");
    }
}

#[test]
fn the_tool_that_a_call_comes_through_decides_and_is_one_that_there_is() {
    let tool = |name| Tool { name, actions: &["file:read"] };
    let tools = ["file-read", "file-download"].map(tool).to_vec();
    let words = Words { tools, ..Words::default() };
    let load = |tool: &str| {
        let text = format!(
            "@id(\"p\") permit (principal, action, resource is Target)
             when {{ context has tool && {tool} }};"
        );
        Policy::with_words(&text, &targets(), &words)
    };
    let policy = load(r#"context.tool == "file-read""#).unwrap();
    let resolved = targets().resolve(&read("//files/corp/a")).unwrap();
    let by = |tool| {
        let resolved = resolved.clone().by(tool);
        let staff = User::staff();
        let case = Case { who: staff.principal(), on: Some(&resolved), groups: None };
        policy.evaluate(case, "file:read").is_ok()
    };
    assert_eq!([by("file-read"), by("file-download")], [true, false]);
    assert!(User::staff().asks(&policy, &read("//files/corp/a")).is_err(), "through no tool");
    assert!(load(r#"context.tool like "file-*""#).is_ok());
    for wrong in [r#"context.tool == "file_read""#, r#"context.tool like "sql-*""#] {
        let error = load(wrong).unwrap_err().to_string();
        assert!(error.contains("none of file-read, file-download"), "{error}");
    }
}

#[test]
fn what_a_tool_or_a_claim_allows_is_listed_for_whom_it_is_true() {
    let words = Words {
        claims: ClaimTypes::from_pairs(&[("unit", ClaimType::Text)]),
        tools: vec![
            Tool { name: "file-read", actions: &["file:read"] },
            Tool { name: "list", actions: &["file:list"] },
            Tool { name: "web", actions: &["http:get", "http:post"] },
        ],
    };
    let uses = |unit: Option<&str>, condition: &str| {
        let text = format!(
            "@id(\"p\") permit (principal, action, resource is Target) when {{ {condition} }};"
        );
        let policy = Policy::with_words(&text, &targets(), &words).unwrap();
        let unit = unit.map(|unit| ("unit".to_owned(), ClaimValue::Text(unit.into())));
        let who = User { claims: unit.into_iter().collect(), ..User::staff() };
        let usable = policy.usable_by(who.principal());
        usable.into_iter().flat_map(|one| one.actions).collect::<Vec<_>>().join(" ")
    };
    let sales = r#"principal.claims has unit && principal.claims.unit == "sales""#;
    let by = |tool: &str| format!(r#"context has tool && context.tool == "{tool}""#);
    let everything = "file:list file:read http:get http:post";
    for (unit, condition, listed) in [
        (Some("sales"), sales.to_owned(), everything),
        (Some("it"), sales.to_owned(), ""),
        (None, sales.to_owned(), ""),
        (None, by("file-read"), "file:read"),
        (None, by("web"), "http:get http:post"),
        // A tool by which nothing of the kind is done.
        (None, format!(r#"{} && resource.kind == "smb""#, by("web")), ""),
        (Some("sales"), format!("{} && {sales}", by("list")), "file:list"),
        (Some("it"), format!("{} && {sales}", by("list")), ""),
        (None, "!(context has tool)".to_owned(), ""),
    ] {
        assert_eq!(uses(unit, &condition), listed, "{unit:?} {condition}");
    }
    // Through one tool it is forbidden, and there is another.
    let words = Words {
        tools: vec![
            Tool { name: "file-read", actions: &["file:read"] },
            Tool { name: "file-peek", actions: &["file:read"] },
        ],
        ..Words::default()
    };
    let without = |tools: &[&str]| {
        let rules = tools.iter().map(|tool| {
            format!(
                "@id(\"no {tool}\") forbid (principal, action, resource) when {{ {} }};",
                by(tool)
            )
        });
        let text = format!("@id(\"p\") permit (principal, action, resource is Target);{}", {
            rules.collect::<String>()
        });
        let policy = Policy::with_words(&text, &targets(), &words).unwrap();
        policy.usable_by(User::staff().principal()).len()
    };
    assert_eq!(
        [without(&[]), without(&["file-read"]), without(&["file-read", "file-peek"])],
        [1, 1, 0]
    );
}

#[test]
fn rules_by_claim_are_found_by_what_they_ask_for() {
    let claims = ClaimTypes::from_pairs(&[("unit", ClaimType::Text), ("sites", ClaimType::Texts)]);
    let words = Words { claims, tools: Vec::new() };
    let rules = (0..500).map(|n| {
        format!(
            "@id(\"unit {n}\") permit (principal, action, resource)
             when {{ principal.claims has unit && principal.claims.unit == \"u{n}\" }};
             @id(\"site {n}\") permit (principal, action, resource)
             when {{ principal.claims has sites && principal.claims.sites.contains(\"s{n}\") }};"
        )
    });
    let policy = Policy::with_words(&rules.collect::<String>(), &targets(), &words).unwrap();
    let claims = [
        ("unit".to_owned(), ClaimValue::Text("u7".into())),
        ("sites".to_owned(), ClaimValue::Texts(vec!["s8".into(), "s9".into(), "elsewhere".into()])),
    ];
    let who = User { claims: claims.into_iter().collect(), ..User::staff() };
    let resolved = targets().resolve(&read("//files/corp/a")).unwrap();
    let facts = Facts::new(who.principal(), "x", "file:read", Some(&resolved));
    assert_eq!(policy.index.candidates(&facts).len(), 3, "of a thousand");
    let case = Case { who: who.principal(), on: Some(&resolved), groups: None };
    let (decision, by) = policy.evaluate(case, "file:read").unwrap();
    assert_eq!((decision, by.join(" ")), (Decision::Allow, "site 8 site 9 unit 7".to_owned()));
    let nobody = User::staff();
    let facts = Facts::new(nobody.principal(), "x", "file:read", Some(&resolved));
    assert_eq!(policy.index.candidates(&facts).len(), 0);
}

#[test]
fn rules_by_patterns_that_begin_anywhere_are_found_by_what_they_write_out() {
    let rules = (0..500).map(|n| {
        format!(
            "@id(\"anywhere {n}\") permit (principal, action, resource is Target)
             when {{ context.path like \"*folder-{n}/*\" }};
             @id(\"between {n}\") permit (principal, action, resource is Target)
             when {{ context.path like \"/corp/*/ordner-\u{e4}{n}/*\" }};"
        )
    });
    let text = rules.chain(["@id(\"short\") forbid (principal, action, resource is Target)
        when { context.path like \"*.x\" };"
        .to_owned()]);
    let policy = policy(&text.collect::<String>());
    let staff = User::staff();
    let found = |path: &str| {
        let resolved = targets().resolve(&read(path)).unwrap();
        let facts = Facts::new(staff.principal(), "x", "file:read", Some(&resolved));
        let case = Case { who: staff.principal(), on: Some(&resolved), groups: None };
        let by = policy.evaluate(case, "file:read").map(|(_, by)| by.join(" "));
        (policy.index.candidates(&facts).len(), by.map_err(|denial| denial.policies.join(" ")))
    };
    let (asked, by) = found("//files/corp/a/folder-77/b");
    assert!(asked < 20 && by == Ok("anywhere 77".to_owned()), "{asked} {by:?}");
    let (asked, by) = found("//files/corp/folder-7/ordner-\u{e4}499/b");
    assert!(asked < 20 && by == Ok("anywhere 7 between 499".to_owned()), "{asked} {by:?}");
    assert_eq!(found("//files/corp/folder-7/b.x").1, Err("short".to_owned()));
    assert_eq!(found("//files/corp/folder/b").1, Err(String::new()));
}
