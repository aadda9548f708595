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
    let words = Words { tools: vec!["file-read", "file-download"], ..Words::default() };
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
