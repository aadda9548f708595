//! What comes out of the index, the sketches and Cedar for single policies is what Cedar says of all
//! policies at once.

use std::sync::LazyLock;

use cedar_policy::{AuthorizationError, Authorizer, PolicyId, Schema, ValidationMode, Validator};
use proptest::sample::{select, subsequence};

use super::super::asking::Types;
use super::super::load::schema;
use super::super::usable::MAX_TRIES;
use super::*;

static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| Schema::from_cedarschema_str(&schema(&types())).unwrap().0);

fn types() -> ClaimTypes {
    ClaimTypes::from_pairs(&[
        ("unit", ClaimType::Text),
        ("sites", ClaimType::Texts),
        ("level", ClaimType::Number),
        ("mfa", ClaimType::Boolean),
    ])
}

const TESTS: &[&str] = &[
    r#"principal.roles.contains("a")"#,
    r#"principal.roles.contains("b")"#,
    r#"principal.roles.containsAny(["a", "c"])"#,
    r#"principal.roles.containsAll(["a", "b"])"#,
    r#"principal.roles.containsAll([context.path, "b"])"#,
    "principal.roles.isEmpty()",
    r#"principal.scopes.contains("web")"#,
    r#"principal.permissions.contains("file:read")"#,
    r#"["web", "x"].containsAny(["x"])"#,
    r#"principal.claims has unit && principal.claims.unit == "sales""#,
    r#"principal.claims has unit && principal.claims.unit like "s*" && principal.claims has mfa"#,
    r#"principal.claims has sites && principal.claims.sites.contains("a")"#,
    r#"principal.claims has level && principal.claims.level > 2"#,
    r#"principal.claims has level && principal.claims.level * 2 > 2"#,
    r#"principal.claims has mfa && principal.claims.mfa"#,
    r#"principal.legacyName == "ALICE""#,
    r#""BOB" == principal.legacyName"#,
    r#"principal.legacyName != "ALICE""#,
    r#"["ALICE", "EVE"].contains(principal.legacyName)"#,
    r#"principal.subject like "4*""#,
    r#"principal.issuer == "https://idp.example.com""#,
    r#"principal == User::"https://idp.example.com|42""#,
    r#"principal in [User::"https://idp.example.com|42", User::"x"]"#,
    "principal is User",
    r#"context has clientId && context.clientId == "agent""#,
    "context has clientId",
    r#"context has tool && context.tool == "file-read""#,
    r#"context has tool && ["a", "file-read"].contains(context.tool)"#,
    r#"context has tool && context.tool like "file-*""#,
    "context has tool",
    r#"context.path like "/corp/a/*""#,
    r#"context.path like "/corp/a/b*""#,
    r#"context.path like "/corp/*/c""#,
    r#"context.path like "/*""#,
    r#"context.path like "*.txt""#,
    r#"context.path == "/corp/a/b""#,
    r#"["/corp/a/b", "/corp/d.txt"].contains(context.path)"#,
    "context.path == principal.legacyName",
    r#"resource.kind == "smb""#,
    r#"resource.host like "*.example.com""#,
    r#"resource.spn == "HTTP/web.example.com""#,
    r#"resource == Target::"webapp""#,
    r#"action == Action::"file:read""#,
    r#"action in [Action::"file:list", Action::"http:get"]"#,
    r#"principal.groups.contains("S-1-5-21-1-2-3-1")"#,
    r#"principal.groups.containsAny(["S-1-5-21-1-2-3-1", "S-1-5-21-1-2-3-2"])"#,
    "principal.groups.isEmpty()",
    "principal.groups.containsAll(principal.roles)",
    "true",
    "false",
    // These fail, some always, some for some.
    r#"(if principal.roles.contains("a") then 9223372036854775807 else 1) + 1 > 2"#,
    r#"User::"nobody".roles.contains("a")"#,
    r#"(if principal.roles.contains("b") then principal else User::"nobody").subject == "42""#,
    r#"9223372036854775807 * 2 == 0"#,
    r#"(if principal.groups.isEmpty() then 1 else 9223372036854775807) + 1 > 2"#,
    // Extensions do not.
    r#"ip("127.0.0.1").isLoopback()"#,
    r#"decimal("1.5").lessThan(decimal("1.0"))"#,
];

fn test() -> impl Strategy<Value = String> {
    let one = select(TESTS).prop_map(|test| format!("({test})"));
    one.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("(!{a})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(a, b, c)| format!("(if {a} then {b} else {c})")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    let principals = &[
        "principal",
        "principal",
        "principal is User",
        r#"principal == User::"https://idp.example.com|42""#,
        r#"principal in User::"https://idp.example.com|43""#,
    ];
    let actions = &[
        "action",
        r#"action == Action::"file:read""#,
        r#"action in [Action::"file:list", Action::"http:get"]"#,
        r#"action == Action::"user:info""#,
    ];
    let resources = &[
        "resource",
        "resource is Target",
        r#"resource == Target::"fileserver""#,
        r#"resource in Target::"webapp""#,
        r#"resource is Target in Target::"webapp""#,
        "resource is Server",
        r#"resource == Server::"self""#,
        r#"resource == Server::"other""#,
    ];
    let scope = (select(principals), select(actions), select(resources))
        .prop_map(|(principal, action, resource)| format!("({principal}, {action}, {resource})"));
    let condition = (select(&["when", "unless"][..]), test())
        .prop_map(|(kind, test)| format!("{kind} {{{test}}}"));
    (select(&["permit", "permit", "forbid"][..]), scope, vec(condition, 0..3)).prop_map(
        |(effect, scope, conditions)| format!("{effect} {scope} {};", conditions.join(" ")),
    )
}

fn user() -> impl Strategy<Value = (User, &'static str, &'static str)> {
    let some = |all: &'static [&'static str]| {
        subsequence(all, 0..=all.len())
            .prop_map(|some| some.into_iter().map(str::to_owned).collect::<Vec<_>>())
    };
    let client_id = select(&[None, Some("agent"), Some("other")][..]);
    (
        some(&["a", "b", "c"]),
        some(&["file:read", "file:list"]),
        some(&["web"]),
        client_id,
        select(&["ALICE", "BOB"][..]),
        select(&["42", "43"][..]),
        claims(),
    )
        .prop_map(|(roles, permissions, scopes, client_id, name, subject, claims)| {
            (User { roles, permissions, scopes, claims, client_id }, name, subject)
        })
}

fn claims() -> impl Strategy<Value = ClaimValues> {
    let all = [
        ("unit", ClaimValue::Text("sales".into())),
        ("sites", ClaimValue::Texts(vec!["a".into()])),
        ("level", ClaimValue::Number(i64::MAX)),
        ("mfa", ClaimValue::Boolean(true)),
    ];
    let all = all.map(|(name, value)| (name.to_owned(), value)).to_vec();
    subsequence(all, 0..=4).prop_map(|some| some.into_iter().collect())
}

/// What fits the schema: as at load, the rest is not asked.
fn valid(texts: &[String]) -> PolicySet {
    let validator = Validator::new(SCHEMA.clone());
    let mut whole = PolicySet::new();
    for (number, text) in texts.iter().enumerate() {
        let id = PolicyId::new(format!("p{number}"));
        let one = cedar_policy::Policy::parse(Some(id), text).unwrap();
        let alone = PolicySet::from_policies([one.clone()]).unwrap();
        if validator.validate(&alone, ValidationMode::Strict).validation_passed() {
            whole.add(one).unwrap();
        }
    }
    whole
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn what_is_found_is_what_the_whole_says(
        texts in vec(statement(), 1..16),
        users in vec(user(), 1..5),
    ) {
        let (targets, whole) = (targets(), valid(&texts));
        let policy = Policy::prepare(&whole, Types::new().unwrap(), &targets).unwrap();
        let operations = [
            Some(read(r"\\files\corp\a\b")),
            Some(read(r"\\files\corp\d.txt")),
            Some(list(r"\\files\corp\a")),
            Some(http("GET")),
            None,
        ];
        for ((user, legacy_name, subject), operation) in
            users.iter().flat_map(|user| operations.iter().map(move |operation| (user, operation)))
        {
            let who = Principal { legacy_name, subject, ..user.principal() };
            let resolved = operation.as_ref().map(|operation| {
                let resolved = targets.resolve(operation).unwrap();
                // Through a tool, another, or none.
                match (*legacy_name, *subject) {
                    ("ALICE", _) => resolved.by("file-read"),
                    (_, "42") => resolved.by("other"),
                    _ => resolved,
                }
            });
            let action = resolved.as_ref().map_or("user:info", Resolved::action);
            let id = user_id(who);
            let first = policy.evaluate(Case { who, on: resolved.as_ref(), groups: None }, action);
            for groups in [&[][..], &[1], &[2], &[1, 2]] {
                let groups: Vec<_> =
                    groups.iter().map(|rid| format!("S-1-5-21-1-2-3-{rid}")).collect();
                let groups = Some(&groups[..]);
                let facts = Facts { groups, ..Facts::new(who, &id, action, resolved.as_ref()) };
                let (request, checked) = policy.vocabulary.checked(&facts, &SCHEMA);
                let response = Authorizer::new().is_authorized(&request, &whole, &checked);
                let mut ids: Vec<_> =
                    response.diagnostics().reason().map(ToString::to_string).collect();
                ids.sort();
                let mut failed: Vec<_> = response
                    .diagnostics()
                    .errors()
                    .map(|AuthorizationError::PolicyEvaluationError(e)| e.policy_id().to_string())
                    .collect();
                failed.sort();
                let said = match failed.first() {
                    Some(_) => Err(failed),
                    None if response.decision() == cedar_policy::Decision::Allow => Ok(ids),
                    None => Err(ids),
                };
                // What is said before the groups are known holds whatever they are.
                match &first {
                    Ok((Decision::Allow, _)) => prop_assert!(said.is_ok(), "{action} {texts:?}"),
                    Err(_) => prop_assert!(said.is_err(), "{action} {texts:?}"),
                    Ok((_, may)) => {
                        let told = said.iter().flatten().all(|id| may.contains(id));
                        prop_assert!(told, "{action} {texts:?}");
                    }
                }
                let found = policy.evaluate(Case { who, on: resolved.as_ref(), groups }, action);
                let found = found.map(|(decision, ids)| {
                    assert_eq!(decision, Decision::Allow);
                    ids
                });
                let found = found.map_err(|denial| denial.policies);
                prop_assert_eq!(found, said, "{} {:?}", action, texts);
            }
        }
    }
}

const TOOLS: [Tool; 4] = [
    Tool { name: "file-read", actions: &["file:read"] },
    Tool { name: "file-other", actions: &["file:read", "file:list"] },
    Tool { name: "a", actions: &["http:get"] },
    Tool { name: "web", actions: &["http:get", "http:post", "http:delete"] },
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn what_is_listed_is_what_the_whole_allows_somewhere(
        texts in vec(statement(), 1..5),
        (user, legacy_name, subject) in user(),
    ) {
        let (targets, whole) = (targets(), valid(&texts));
        let mut policy = Policy::prepare(&whole, Types::new().unwrap(), &targets).unwrap();
        policy.tools = TOOLS.to_vec();
        let who = Principal { legacy_name, subject, ..user.principal() };
        let id = user_id(who);
        let (listed, asks_groups) = (policy.usable_by(who), texts.concat().contains("groups"));
        for (target, root) in targets.iter().flat_map(|target| {
            target.roots().into_iter().map(move |root| (target, root))
        }) {
            // Paths, each with the permit that it is an example for.
            let permits = policy.statements.iter().filter(|one| one.effect == Effect::Permit);
            let of_one = |one: &Statement| one.examples(&root).into_iter().map(|path| (one.id.clone(), path)).collect::<Vec<_>>();
            let paths: Vec<_> = permits.flat_map(of_one).collect();
            let is_complete = paths.len() <= MAX_TRIES;
            let addresses = root.into_addresses();
            for action in target.actions() {
                let is_listed = listed.iter().any(|one| {
                    one.addresses == addresses && one.actions.iter().any(|one| one == action.name)
                });
                // The permits by which it is allowed.
                let permitted = |tool: &'static str, path: &str, groups: &[String]| {
                    let facts = Facts {
                        who,
                        user: &id,
                        action: action.name,
                        target: Some(target),
                        path: Some(path),
                        tool: Some(tool),
                        groups: Some(groups),
                    };
                    let (request, checked) = policy.vocabulary.checked(&facts, &SCHEMA);
                    let response = Authorizer::new().is_authorized(&request, &whole, &checked);
                    let has_failed = response.diagnostics().errors().next().is_some();
                    let by = response.diagnostics().reason().map(ToString::to_string);
                    match response.decision() {
                        cedar_policy::Decision::Allow if !has_failed => by.collect(),
                        _ => Vec::new(),
                    }
                };
                let sets = [&[][..], &[1], &[2], &[1, 2]].map(|groups| {
                    groups.iter().map(|rid| format!("S-1-5-21-1-2-3-{rid}")).collect::<Vec<_>>()
                });
                let tools = TOOLS.iter().filter(|tool| tool.actions.contains(&action.name));
                let (mut is_allowed, mut is_allowed_so) = (false, false);
                for (tool, groups) in tools.flat_map(|tool| sets.iter().map(move |set| (tool, set))) {
                    for (id, path) in paths.iter().filter(|(_, path)| action.form.fits(path)) {
                        let by: Vec<String> = permitted(tool.name, path, groups);
                        is_allowed |= !by.is_empty();
                        is_allowed_so |= by.contains(id);
                    }
                }
                let name = action.name;
                // Where a permit allows what it is tried with, it is found.
                if is_complete {
                    prop_assert!(is_listed || !is_allowed_so, "{name} is missing: {texts:?}");
                }
                if !asks_groups {
                    prop_assert!(is_allowed || !is_listed, "{name} is listed: {texts:?}");
                }
            }
        }
    }
}
