//! Policies as operators write them, and what comes of them.

mod following;
mod whole;
mod words;

use krb_proto::pac::Sid;
use proptest::collection::vec;
use proptest::prelude::*;
use unicode_normalization::UnicodeNormalization as _;
use unicode_security::MixedScript as _;

use super::*;
use crate::Code;
use crate::identity::{Caller, ClaimType, ClaimTypes, ClaimValue};
use crate::resources::{http, smb};
use crate::targets::Targets;
use crate::{ConfigError, Operation};

const POLICIES: &str = r#"
@id("staff-read")
permit (principal, action in [Action::"file:read", Action::"file:list"], resource == Target::"fileserver")
when { principal.roles.contains("staff") };

@id("no-secrets")
forbid (principal, action, resource is Target)
when { context.path like "/corp/secret/*" };

@id("web")
permit (principal, action == Action::"http:get", resource)
when { resource.kind == "http" && principal.scopes.contains("web")
       && context has clientId && context.clientId == "agent" };

@id("self")
permit (principal, action == Action::"user:info", resource);
"#;

fn targets() -> Targets {
    Targets::new(
        serde_json::from_str(
            r#"[{"name": "fileserver", "kind": "smb", "host": "files.example.com",
                 "spn": "cifs/files.example.com", "names": ["files"], "shares": ["Corp"]},
                {"name": "webapp", "kind": "http", "url": "http://web.example.com",
                 "spn": "HTTP/web.example.com", "dangerPlainHttp": true}]"#,
        )
        .unwrap(),
    )
    .unwrap()
}

#[derive(Clone, Debug)]
struct User {
    roles: Vec<String>,
    permissions: Vec<String>,
    scopes: Vec<String>,
    claims: ClaimValues,
    client_id: Option<&'static str>,
}

impl User {
    fn staff() -> Self {
        Self {
            roles: vec!["staff".into()],
            permissions: vec![],
            scopes: vec!["web".into()],
            claims: ClaimValues::new(),
            client_id: Some("agent"),
        }
    }

    fn principal(&self) -> Principal<'_> {
        Principal {
            issuer: "https://idp.example.com",
            subject: "42",
            legacy_name: "ALICE_ADMIN",
            roles: &self.roles,
            permissions: &self.permissions,
            scopes: &self.scopes,
            claims: &self.claims,
            client_id: self.client_id,
        }
    }

    fn asks(&self, policy: &Policy, operation: &Operation) -> Result<Vec<String>, Denial> {
        let who = self.principal();
        let resolved = targets().resolve(operation).unwrap();
        let case = Case { who, on: Some(&resolved), groups: None };
        policy.evaluate(case, &operation.action()).map(|(_, policies)| policies)
    }
}

fn read(path: &str) -> Operation {
    smb::Operation { verb: smb::Verb::Read, path: path.into() }.into()
}

fn list(path: &str) -> Operation {
    smb::Operation { verb: smb::Verb::List, path: path.into() }.into()
}

fn http(method: &str) -> Operation {
    let (method, url) = (method.into(), "http://web.example.com/x".into());
    http::Operation { method, url, headers: vec![], body: None }.into()
}

fn policy(text: &str) -> Arc<Policy> {
    Policy::from_cedar(text, &targets()).unwrap()
}

#[test]
fn nothing_is_allowed_without_a_policy() {
    let failure = User::staff().asks(&policy(""), &read(r"\\files\corp\a")).unwrap_err().failure;
    assert_eq!(failure.code, Code::PolicyDenied);
    assert_eq!(
        failure.message,
        "no policy of this server allows file:read at fileserver for ALICE_ADMIN"
    );
}

#[test]
fn roles_scopes_and_client_decide() {
    let policy = policy(POLICIES);
    let ids = |user: &User, operation: &Operation| user.asks(&policy, operation).ok();
    let staff = User::staff();
    let guest = User { roles: vec!["guest".into()], ..User::staff() };
    let path = r"\\files\corp\reports\data.csv";
    assert_eq!(ids(&staff, &read(path)), Some(vec!["staff-read".into()]));
    assert_eq!(ids(&guest, &read(path)), None);
    assert_eq!(ids(&staff, &http("GET")), Some(vec!["web".into()]));
    assert_eq!(ids(&staff, &http("DELETE")), None);
    assert_eq!(ids(&User { scopes: vec![], ..User::staff() }, &http("GET")), None);
    assert_eq!(ids(&User { client_id: None, ..User::staff() }, &http("GET")), None);
}

#[test]
fn a_forbidden_directory_is_forbidden_in_every_case() {
    let policy = policy(POLICIES);
    for path in [r"\\files\corp\secret\x", "//FILES/CORP/Secret/x", r"\\files\corp\SECRET\a\b"] {
        let denial = User::staff().asks(&policy, &read(path)).unwrap_err();
        assert_eq!(denial.failure.code, Code::PolicyDenied);
        // The record says which policy it was, the caller is not told.
        assert_eq!(denial.policies, ["no-secrets"]);
        assert!(!denial.failure.to_string().contains("no-secrets"));
    }
    let outsider = User { roles: vec![], ..User::staff() };
    let denial = outsider.asks(&policy, &read(r"\\files\corp\x")).unwrap_err();
    assert_eq!(denial.policies, [""; 0], "nothing permits it");
    User::staff().asks(&policy, &read(r"\\files\corp\secrets\x")).unwrap();
}

#[test]
fn an_error_while_evaluating_denies() {
    // Long arithmetic overflows at run time; the schema cannot see it coming.
    let text = format!(
        "{POLICIES}
         @id(\"overflow\") forbid (principal, action == Action::\"http:get\", resource)
         when {{ 9223372036854775807 + (if principal.roles.isEmpty() then 0 else 1) == 0 }};"
    );
    let policy = policy(&text);
    let user = User { roles: vec![], ..User::staff() };
    user.asks(&policy, &http("GET")).unwrap();
    let denial = User::staff().asks(&policy, &http("GET")).unwrap_err();
    assert_eq!(denial.failure.code, Code::PolicyDenied);
    assert_eq!(denial.policies, ["overflow"], "the record says which");
    assert!(!denial.failure.to_string().contains("overflow"));
}

#[test]
fn what_does_not_fit_does_not_load() {
    for (text, parts) in [
        ("\n\npermit (principal, action, resouce);", &["line 3"][..]),
        ("permit (principal, action, resource);", &["@id"]),
        (
            "@id(\"a\") permit (principal, action, resource);\n\
             @id(\"a\") forbid (principal, action, resource);",
            &["two policies", "\"a\""],
        ),
        (
            "@id(\"a\")\npermit (principal, action, resource)\nwhen { principal.role == \"x\" };",
            &["line 3", "`a`", "role"],
        ),
        (
            "@id(\"a\") permit (principal, action == Action::\"file:write\", resource);",
            &["line 1", "`a`", "file:write"],
        ),
        (
            "@id(\"a\") permit (principal, action, resource == Target::\"fileservr\");",
            &["`a`", "fileservr"],
        ),
        ("@id(\"a\") permit (principal == ?principal, action, resource);", &["templates"]),
        (
            "@id(\"a\") permit (principal, action, resource)\n\
             when { principal.groups.contains(\"Domain Users\") };",
            &["`a`", "SIDs", "Domain Users"],
        ),
        (
            "@id(\"a\") forbid (principal, action, resource)\n\
             when { principal.groups.contains(\"S-1-5-21-1-2-3-513\") };",
            &["`a`", "user:info", "resource is Target"],
        ),
        (
            // Never true: a mistake, even if a harmless one.
            "@id(\"a\") permit (principal, action == Action::\"user:info\", resource is Target);",
            &["`a`"],
        ),
    ] {
        let error = Policy::from_cedar(text, &targets()).expect_err(text);
        assert_eq!(error.setting, "policy");
        for part in parts {
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }
}

fn load(effect: &str, actions: &str, condition: &str) -> Result<Arc<Policy>, ConfigError> {
    let actions: Vec<String> =
        actions.split(' ').map(|action| format!("Action::\"{action}\"")).collect();
    let text = format!(
        "@id(\"a\") {effect} (principal, action in [{}], resource) {condition};",
        actions.join(", ")
    );
    Policy::from_cedar(&text, &targets())
}

#[test]
fn capitals_that_could_never_match_do_not_load() {
    for condition in [
        r#"context.path like "/Corp/*""#,
        r#"context.path == "/corp/É""#,
        r#""/corp/A" != context.path"#,
        r#"["/corp/a", "/corp/B"].contains(context.path)"#,
        r#"[context.path].containsAny(["/corp/a", "/corp/B"])"#,
        r#"(if principal.roles.contains("x") then context.path else "/corp/a") == "/corp/B""#,
        r#"principal.roles.contains("x") && !(context.path like "*/A")"#,
    ] {
        let when = format!("when {{ {condition} }}");
        let error = load("forbid", "file:read", &when).expect_err(condition);
        assert!(error.problem.contains("lower case"), "{error}");
        let lower = when.to_lowercase().replace("containsany", "containsAny");
        load("forbid", "file:read", &lower).unwrap();
        load("permit", "file:read", &when).unwrap_err();
        load("permit", "http:get", &when).unwrap_err();
    }
    // Capitals elsewhere are nobody's business.
    let when = r#"when { principal.legacyName == "ALICE" && context.path like "/corp/*" }"#;
    load("forbid", "file:read", when).unwrap();
}

#[test]
fn rules_that_no_path_can_meet_do_not_load() {
    for (actions, test, part) in [
        ("file:read", r#"context.path == """#, "empty"),
        ("file:read", r#"context.path == "corp/a""#, "begin with '/'"),
        ("file:read", r#"context.path like "corp*""#, "begin with '/'"),
        ("file:read", r#"context.path == "\\corp\\a""#, "backslash"),
        ("file:read", r#"context.path like "/corp\\a*""#, "backslash"),
        ("file:read", r#"context.path == "//files/corp/a""#, "'//'"),
        ("file:read", r#"context.path == "/corp//a""#, "'//'"),
        ("file:read", r#"context.path like "/corp/a./*""#, "dot or a space"),
        ("file:read", r#"context.path like "/corp/../*""#, "dot or a space"),
        ("file:read", r#"context.path == "/corp/a ""#, "dot or a space"),
        ("file:read", r#"context.path == "/corp/a:b""#, "no file's name"),
        ("file:read", r#"context.path like "/corp/\*.txt""#, "no file's name"),
        ("file:read", r#"context.path == "/corp/a/""#, "does not end in '/'"),
        ("file:list", r#"context.path == "/corp/a""#, "ends in '/'"),
        ("file:list", r#"context.path like "*.d""#, "ends in '/'"),
        ("file:read", r#"context.path == "/crop/a""#, "no share"),
        ("file:read", r#"context.path like "/corporation/*""#, "no share"),
        ("file:read", r#"context.path == "/corp""#, "no share"),
        ("file:read", r#"context.path == "/corp/λόγος""#, "/corp/λόγοσ"),
        ("file:read", "context.path == \"/corp/re\u{301}sume\u{301}\"", "/corp/résumé"),
        ("file:read", "context.path == \"/corp/sec\u{200b}ret\"", "/corp/secret"),
        ("http:get", r#"context.path == "/my page""#, "/my%20page"),
        ("http:get", r#"context.path == "/é""#, "/%C3%A9"),
        ("http:get", r#"context.path == "/%c3%a9""#, "/%C3%A9"),
        ("http:get", r#"context.path == "/%C3%89""#, "/%C3%A9"),
        ("http:get", r#"context.path == "/%61""#, "\"/a\""),
        ("http:get", r#"context.path == "/a%2Fb""#, "disguise"),
        ("http:get", r#"context.path == "/a;b""#, "';'"),
        ("http:get", r#"context.path == "/100%""#, "'%'"),
        ("http:get", r#"context.path like "/a?b=*""#, "query"),
        ("http:get", r#"context.path like "/a#*""#, "query"),
        ("http:get", r#"context.path == "/a.""#, "dot or a space"),
        ("http:get", r#"context.path == "/a%20""#, "dot or a space"),
        ("http:get", r#"context.path == "http://web.example.com/a""#, "begin with '/'"),
    ] {
        for effect in ["permit", "forbid"] {
            let error = load(effect, actions, &format!("when {{ {test} }}")).expect_err(test);
            assert!(error.problem.contains(part), "{test}: {error}");
            assert!(error.problem.contains("`a`"), "{test}: {error}");
        }
    }
    let whole = "when { (if principal.roles.isEmpty() then context else context).path == \"/A\" }";
    let error = load("forbid", "file:read", whole).unwrap_err();
    assert!(error.problem.contains("compare context.path by itself"), "{error}");

    // One class of paths that it can be is enough.
    load("permit", "file:read http:get", r#"when { context.path like "/corp/my docs/*" }"#)
        .unwrap();
    load("permit", "file:read http:get", r#"when { context.path == "/my%20page" }"#).unwrap();
    for test in [
        r#"context.path like "/corp/*""#,
        r#"context.path like "*.csv""#,
        r#"context.path like "/co*""#,
        r#"context.path == "/corp/(a) b%41~1;c#.txt""#,
    ] {
        load("permit", "file:read", &format!("when {{ {test} }}")).unwrap();
    }
}

#[test]
fn attributes_that_no_target_has_do_not_load() {
    for (test, loads) in [
        (r#"resource.kind == "smb""#, true),
        (r#"resource.kind != "http""#, true),
        (r#"resource.kind == "SMB""#, false),
        (r#"resource.kind == "files""#, false),
        (r#"resource.host == "files.example.com""#, true),
        (r#"resource.host like "*.example.com""#, true),
        (r#"resource.host == "Files.example.com""#, false),
        (r#"["cifs/files.example.com", "HTTP/web.example.com"].contains(resource.spn)"#, true),
        (r#"["cifs/files.example.com", "cifs/web.example.com"].contains(resource.spn)"#, false),
    ] {
        let loaded = load("forbid", "file:read", &format!("when {{ {test} }}"));
        assert_eq!(loaded.is_ok(), loads, "{test}: {loaded:?}");
    }
}

#[test]
fn conditions_have_a_depth() {
    let joined = |n: usize| {
        let tests: Vec<String> = (0..n).map(|n| format!("context.path == \"/corp/{n}\"")).collect();
        load("permit", "file:read", &format!("when {{ {} }}", tests.join(" || ")))
    };
    joined(500).unwrap();
    for n in [502, 5_000] {
        let error = joined(n).unwrap_err();
        assert!(error.problem.contains("500 conditions"), "{error}");
    }
}

#[test]
fn what_takes_a_folder_away_takes_its_listing_too() {
    let both = "file:read file:list";
    for (effect, actions, condition, part) in [
        ("forbid", both, r#"when { context.path == "/corp/payroll" }"#, Some("listing")),
        ("forbid", both, r#"when { context.path like "/corp/*/payroll" }"#, Some("/payroll/")),
        ("forbid", both, r#"when { context.path like "/corp/payroll/*" }"#, None),
        ("forbid", both, r#"when { context.path like "/corp/payroll*" }"#, None),
        ("forbid", both, r#"when { context.path like "*.kdbx" }"#, None),
        (
            "forbid",
            both,
            r#"when { context.path == "/corp/a" || context.path like "/corp/a/*" }"#,
            None,
        ),
        ("forbid", "file:read", r#"when { context.path == "/corp/a.txt" }"#, None),
        ("forbid", both, r#"unless { context.path == "/corp/a.txt" }"#, None),
        ("forbid", both, r#"when { context.path != "/corp/a.txt" }"#, None),
        ("permit", both, r#"when { context.path == "/corp/a.txt" }"#, None),
        ("permit", both, r#"unless { context.path == "/corp/payroll" }"#, Some("listing")),
        ("permit", both, r#"when { !(context.path == "/corp/payroll") }"#, Some("listing")),
        ("permit", both, r#"when { context.path != "/corp/payroll" }"#, Some("listing")),
        // A web server takes the folder's own path for its index, with a '/' and without.
        ("forbid", "http:get", r#"when { context.path like "/admin/*" }"#, Some("\"/admin\"")),
        ("forbid", "http:get", r#"when { context.path == "/admin" }"#, Some("\"/admin/\"")),
        ("forbid", "http:get", r#"when { context.path like "/admin*" }"#, None),
        ("forbid", "http:get", r#"when { context.path like "/*" }"#, None),
        ("permit", "http:get", r#"when { context.path like "/admin/*" }"#, None),
        ("permit", "http:get", r#"unless { context.path like "/admin/*" }"#, Some("\"/admin\"")),
        (
            "forbid",
            "http:get",
            r#"when { context.path == "/admin" || context.path like "/admin/*" }"#,
            None,
        ),
    ] {
        let loaded = load(effect, actions, condition);
        match part {
            None => drop(loaded.expect(condition)),
            Some(part) => {
                let error = loaded.expect_err(condition);
                assert!(error.problem.contains(part), "{condition}: {error}");
            }
        }
    }
}

#[test]
fn a_folder_of_another_script_can_be_named() {
    let policy = policy(
        "@id(\"all\") permit (principal, action, resource);
         @id(\"no\") forbid (principal, action, resource is Target) when {
             context.path like \"/corp/отчёты/*\" || context.path like \"/corp/κρυφόσ/*\"
             || context.path like \"/corp/工资 2026/*\" || context.path like \"/corp/שכר/*\" };",
    );
    for path in ["Отчёты/x", "ОТЧЁТЫ/x", "отче\u{308}ты/x", "ΚΡΥΦΌΣ/x", "κρυφός/x", "κρυφόσ/x"]
    {
        let path = format!("//files/corp/{path}");
        assert_eq!(
            User::staff().asks(&policy, &read(&path)).unwrap_err().failure.code,
            Code::PolicyDenied,
            "{path}"
        );
    }
    for path in ["工资 2026/x", "שכר/x"] {
        User::staff().asks(&policy, &read(&format!("//files/corp/{path}"))).unwrap_err();
    }
    User::staff().asks(&policy, &read("//files/corp/отчет/x")).unwrap();

    let error = Policy::from_cedar(
        "@id(\"a\") forbid (principal, action, resource) when { principal.legacyName == \"p\u{430}y\" };",
        &targets(),
    );
    assert!(error.unwrap_err().problem.contains("u{430}"));
}

/// The policy that operators begin with.
#[test]
fn the_examples_rule_for_payroll_holds_for_its_listing() {
    let example = include_str!("../../../../mcp-server/examples/policy.cedar");
    let targets = Targets::new(
        serde_json::from_str(
            r#"[{"name": "fileserver", "kind": "smb", "host": "f", "spn": "cifs/f",
                 "names": ["f"], "shares": ["corp"]},
                {"name": "intranet", "kind": "http", "url": "https://w/app/", "spn": "HTTP/w"}]"#,
        )
        .unwrap(),
    )
    .unwrap();
    let policy = Policy::from_cedar(example, &targets).unwrap();
    let staff = User::staff();
    let list = |path: &str| {
        let operation = list(path);
        let resolved = targets.resolve(&operation).unwrap();
        let case = Case { who: staff.principal(), on: Some(&resolved), groups: None };
        policy.evaluate(case, &operation.action())
    };
    for path in ["//f/corp/payroll", "//f/corp/Payroll/", "//f/corp/payroll/2026"] {
        assert_eq!(list(path).unwrap_err().failure.code, Code::PolicyDenied, "{path}");
    }
    for path in ["//f/corp/", "//f/corp/reports", "//f/corp/payrolls"] {
        list(path).unwrap();
    }
}

proptest! {
    // Each case loads a policy.
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// A file's components under other spellings that Windows or Samba takes for the same: another
    /// case of each character, one separator or the other. Whatever is not refused is decided alike.
    #[test]
    fn every_spelling_of_a_file_gets_the_same_decision(
        spellings in vec(("[a-zéßıſÅµςσĳǆа-я\u{1e9e}\u{212a}一-三 .~1()-]{1,8}", vec(0_u8..6, 8)), 1..4),
        listed in any::<bool>(),
        slashes in vec(any::<bool>(), 6),
    ) {
        let mut slash = slashes.iter().map(|back| if *back { '\\' } else { '/' }).cycle();
        let mut one = "//files/corp".to_owned();
        let mut other = "//files/CORP".to_owned();
        for (name, choices) in &spellings {
            one.push('/');
            other.push(slash.next().unwrap());
            for (c, choice) in name.chars().zip(choices) {
                one.push(c);
                match choice {
                    0 | 1 => other.extend(simple(c, c.to_uppercase())),
                    2 => other.extend(simple(c, c.to_lowercase())),
                    3 => other.extend(c.to_string().nfd()),
                    _ => other.push(c),
                }
            }
            // Some names are longer than there are choices.
            one.extend(name.chars().skip(choices.len()));
            other.extend(name.chars().skip(choices.len()));
        }
        let operation = |path: &str| match listed {
            true => list(path),
            false => read(path),
        };
        let path = |path: &str| {
            let resolved = targets().resolve(&operation(path)).ok()?;
            Some(resolved.policy_path().to_owned())
        };
        let (one_path, other_path) = (path(&one), path(&other));
        prop_assert_eq!(&one_path, &other_path, "{} {}", one, other);
        let Some(seen) = one_path else { return Ok(()) };
        // A rule that is written as the error of any other spelling says holds for both.
        let quoted = seen.replace('\\', "\\\\").replace('*', "\\*");
        let text = format!(
            "@id(\"all\") permit (principal, action, resource);
             @id(\"no\") forbid (principal, action == Action::\"file:{}\", resource)
             when {{ context.path == \"{quoted}\" }};",
            if listed { "list" } else { "read" },
        );
        // Words of several scripts cannot be written out.
        let Ok(policy) = Policy::from_cedar(&text, &targets()) else {
            prop_assert!(seen.split('/').any(|name| !name.is_single_script()), "{}", text);
            return Ok(());
        };
        for path in [one, other] {
            let denied = User::staff().asks(&policy, &operation(&path)).unwrap_err();
            prop_assert_eq!(denied.failure.code, Code::PolicyDenied);
        }
    }
}

fn simple(c: char, mut mapped: impl Iterator<Item = char> + Clone) -> Option<char> {
    let all = mapped.clone().count();
    if all == 1 { mapped.next() } else { Some(c) }
}

#[test]
fn a_rule_for_a_folder_holds_for_its_listing() {
    let policy = policy(POLICIES);
    let list = |path: &str| {
        let operation = list(path);
        User::staff().asks(&policy, &operation)
    };
    for path in ["//files/corp/secret", "//files/corp/SECRET/", r"\\files\corp\secret\a"] {
        assert_eq!(list(path).unwrap_err().failure.code, Code::PolicyDenied, "{path}");
    }
    for path in ["//files/corp", "//files/corp/", "//files/corp/secrets"] {
        list(path).unwrap();
    }
}

impl User {
    fn uses(&self, policy: &str) -> Vec<String> {
        let who = self.principal();
        let usable = Policy::from_cedar(policy, &targets()).unwrap().usable_by(who);
        usable
            .iter()
            .map(|one| format!("{} {}", one.addresses.join(" "), one.actions.join(" ")))
            .collect()
    }
}

#[test]
fn what_is_usable_is_what_some_policy_permits_somewhere() {
    let guest = User {
        roles: vec![],
        permissions: vec![],
        scopes: vec![],
        claims: ClaimValues::new(),
        client_id: None,
    };
    let files = "//files/Corp/ file:list file:read".to_owned();
    let web = "http://web.example.com/ http:get".to_owned();
    assert_eq!(User::staff().uses(POLICIES), [files.clone(), web]);
    assert!(guest.uses(POLICIES).is_empty());
    assert!(User::staff().uses("").is_empty());

    let permit = |action: &str, condition: &str| {
        let text = format!(
            "@id(\"a\") permit (principal, action == Action::\"{action}\", resource)
             when {{ {condition} }};"
        );
        User::staff().uses(&text).concat()
    };
    let read = "//files/Corp/ file:read";
    for condition in [
        r#"context.path == "/corp/a.txt""#,
        r#"context.path like "/corp/a/*.txt""#,
        r#"context.path like "/corp/a/*" && context.path like "*.txt""#,
        r#"context.path like "/corp/*" && !(context.path like "/corp/secret/*")"#,
        r#"["/corp/a", "/corp/b"].contains(context.path)"#,
        r#"(if context.path == "/corp/a" then true else context.path == "/corp/b")"#,
        r#"!(context.path == "/corp/a" || !(context.path like "/corp/b/*"))"#,
        r#"!principal.roles.contains("x") && !(!(context.path == "/corp/a"))"#,
    ] {
        assert_eq!(permit("file:read", condition), read, "{condition}");
    }
    // Only what a path proves: here none is found.
    assert_eq!(permit("file:read", r#"context.path == principal.legacyName"#), "");
    assert_eq!(permit("file:list", r#"context.path like "/corp/a/*""#), "//files/Corp/ file:list");
    // What everybody is forbidden is nobody's to use.
    let forbidden = format!(
        "{POLICIES} @id(\"none\") forbid (principal, action, resource == Target::\"fileserver\");"
    );
    assert_eq!(User::staff().uses(&forbidden).len(), 1);
}

const GROUPS: &str = r#"
@id("group") permit (principal, action == Action::"file:read", resource)
when { principal.groups.contains("S-1-5-21-1-2-3-1105") };
@id("not-leavers") forbid (principal, action, resource is Target)
when { context.path like "/corp/hr/*" && principal.groups.contains("S-1-5-21-1-2-3-1106") };
@id("staff") permit (principal, action, resource) when { principal.roles.contains("staff") };
"#;

#[test]
fn what_groups_decide_waits_for_them() {
    let policy = policy(GROUPS);
    let caller = Caller::unverified("https://idp.example.com", "42", None);
    let decide = |roles: &[&str], path: &str| {
        let subject = Subject::unproven(&caller, "ALICE").with_roles(roles);
        policy.decide(subject, targets().resolve(&read(path)).unwrap())
    };
    let group = |rid: u32| format!("S-1-5-21-1-2-3-{rid}").parse::<Sid>().unwrap();

    // Whoever is permitted by a role need not wait, unless groups may forbid it.
    let permit = decide(&["staff"], "//files/corp/a").unwrap();
    assert!(!permit.waits_for_groups());
    assert_eq!(permit.confirm(&[group(1106)]), Ok(None));
    let permit = decide(&["staff"], "//files/corp/hr/a").unwrap();
    assert!(permit.waits_for_groups());
    assert_eq!(permit.confirm(&[group(513)]), Ok(Some(vec!["staff".to_owned()])));
    assert_eq!(permit.confirm(&[group(1106)]).unwrap_err().policies, ["not-leavers"]);

    // Who is permitted by groups alone waits for them.
    let permit = decide(&[], "//files/corp/a").unwrap();
    assert!(permit.waits_for_groups());
    assert_eq!(permit.policies(), ["group"]);
    assert_eq!(permit.confirm(&[group(1105)]), Ok(Some(vec!["group".to_owned()])));
    for groups in [&[][..], &[group(513), group(1106)]] {
        assert_eq!(permit.confirm(groups).unwrap_err().failure.code, Code::PolicyDenied);
    }
    let alice = Subject::unproven(&caller, "ALICE");
    policy.decide(alice.clone(), targets().resolve(&list("//files/corp/")).unwrap()).unwrap_err();
    policy.decide_here(&alice, "user:info").unwrap_err();
    // To her it is told as something to try.
    assert_eq!(policy.usable(&alice).len(), 1);
}

#[test]
fn a_permission_allows_what_it_is_called_after() {
    let policy = policy(DEFAULTS);
    let operations = [read("//files/corp/a"), list("//files/corp/"), http("GET"), http("DELETE")];
    for (permission, allowed) in [
        (None, [false, false, false, false]),
        (Some("file:list"), [false, true, false, false]),
        (Some("file:read"), [true, true, false, false]),
        (Some("http:read"), [false, false, true, false]),
        (Some("http:write"), [false, false, true, true]),
        // What nothing here is called.
        (Some("file:write"), [false, false, false, false]),
        (Some("sql:admin"), [false, false, false, false]),
    ] {
        let permissions = permission.map(str::to_owned).into_iter().collect();
        // A role of that name is no permission.
        let roles = vec!["file:read".to_owned(), "http:write".to_owned()];
        let user = User {
            permissions,
            roles,
            scopes: vec![],
            claims: ClaimValues::new(),
            client_id: None,
        };
        let found = operations.each_ref().map(|operation| user.asks(&policy, operation).is_ok());
        assert_eq!(found, allowed, "{permission:?}");
        let facts = Case { who: user.principal(), on: None, groups: None };
        policy.evaluate(facts, "user:info").unwrap();
    }
}

#[test]
fn what_no_policy_can_name_is_denied_even_where_everything_is_allowed() {
    let policy = policy(r#"@id("all") permit (principal, action, resource);"#);
    let user = User::staff();
    user.asks(&policy, &read("//files/corp/a")).unwrap();
    let resolved = targets().resolve(&read("//files/corp/a")).unwrap();
    for on in [None, Some(&resolved)] {
        let case = Case { who: user.principal(), on, groups: None };
        let denial = policy.evaluate(case, "file:unheard-of").unwrap_err();
        assert_eq!(
            (denial.failure.code, &denial.policies[..]),
            (Code::PolicyDenied, &["all".into()][..])
        );
    }
}
