use super::*;
use crate::targets::Targets;

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

struct User {
    roles: Vec<String>,
    scopes: Vec<String>,
    client_id: Option<&'static str>,
}

impl User {
    fn staff() -> Self {
        Self { roles: vec!["staff".into()], scopes: vec!["web".into()], client_id: Some("agent") }
    }

    fn principal(&self) -> Principal<'_> {
        Principal {
            issuer: "https://idp.example.com",
            subject: "42",
            legacy_name: "ALICE_ADMIN",
            roles: &self.roles,
            scopes: &self.scopes,
            client_id: self.client_id,
        }
    }

    fn asks(&self, policy: &Policy, operation: &Operation) -> Result<Vec<String>, Failure> {
        let who = self.principal();
        let resolved = targets().resolve(operation).unwrap();
        policy.evaluate(who, &operation.action(), Some(&resolved))
    }
}

fn read(path: &str) -> Operation {
    Operation::ReadFile { path: path.into() }
}

fn http(method: &str) -> Operation {
    Operation::HttpRequest {
        method: method.into(),
        url: "http://web.example.com/x".into(),
        headers: vec![],
        body: None,
    }
}

fn policy(text: &str) -> Policy {
    Policy::from_cedar(text, &targets()).unwrap()
}

#[test]
fn nothing_is_allowed_without_a_policy() {
    let failure = User::staff().asks(&policy(""), &read(r"\\files\corp\a")).unwrap_err();
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
        assert_eq!(User::staff().asks(&policy, &read(path)).unwrap_err().code, Code::PolicyDenied);
    }
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
    assert_eq!(User::staff().asks(&policy, &http("GET")).unwrap_err().code, Code::PolicyDenied);
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
            // Never true: a mistake, even if a harmless one.
            "@id(\"a\") permit (principal, action == Action::\"user:info\", resource is Target);",
            &["`a`"],
        ),
    ] {
        let error = Policy::from_cedar(text, &targets()).expect_err(text);
        assert_eq!(error.setting, "policy");
        for part in parts {
            assert!(error.problem.contains(part), "{text}: {error}");
        }
    }
}

#[test]
fn capitals_that_could_never_match_a_file_do_not_load() {
    let load = |action: &str, condition: &str| {
        let text = format!(
            "@id(\"a\") forbid (principal, action == Action::\"{action}\", resource is Target)
             when {{ {condition} }};"
        );
        Policy::from_cedar(&text, &targets())
    };
    for condition in [
        r#"context.path like "/Corp/*""#,
        r#"context.path == "/corp/É""#,
        r#""/Corp" != context.path"#,
        r#"["/corp/a", "/corp/B"].contains(context.path)"#,
        r#"principal.roles.contains("x") && !(context.path like "*/A")"#,
    ] {
        let error = load("file:read", condition).expect_err(condition);
        assert!(error.problem.contains("lower case"), "{error}");
        load("http:get", condition).unwrap();
        load("file:read", &condition.to_lowercase()).unwrap();
    }
    // Capitals elsewhere are nobody's business.
    load("file:read", r#"principal.legacyName == "ALICE" && context.path like "/corp/*""#).unwrap();
}

impl User {
    fn uses(&self, policy: &str) -> Vec<String> {
        let who = self.principal();
        let usable = Policy::from_cedar(policy, &targets()).unwrap().usable_by(who, &targets());
        usable
            .iter()
            .map(|one| format!("{} {}", one.addresses.join(" "), one.actions.join(" ")))
            .collect()
    }
}

#[test]
fn what_is_usable_is_what_some_policy_permits_somewhere() {
    let guest = User { roles: vec![], scopes: vec![], client_id: None };
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
