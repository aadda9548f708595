//! A decision, and what may be used at all, among 1 to 1,000 policies.
//!
//! The policies tell callers apart by role, or folders apart for all callers of one role, or by a
//! pattern that begins anywhere. The caller is the one for whom the last of them is.
//! `cargo bench -p krb-delegation --bench policy`

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use krb_delegation::identity::{Claimed, TrustedIdp};
use krb_delegation::policy::{Outlook, Policy};
use krb_delegation::resources::smb;
use krb_delegation::targets::Targets;
use serde_json::{Value, json};

const SIZES: [usize; 4] = [1, 10, 100, 1000];

fn targets() -> Targets {
    let targets = json!([
        {"name": "fileserver", "kind": "smb", "host": "files.example.com",
         "spn": "cifs/files.example.com", "names": ["files"], "shares": ["corp"]},
        {"name": "intranet", "kind": "http", "url": "https://intranet.example.com",
         "spn": "HTTP/intranet.example.com"}
    ]);
    Targets::new(serde_json::from_value(targets).expect("what loads")).expect("what loads")
}

/// By what the policies tell callers apart.
#[derive(Clone, Copy)]
enum By {
    Role,
    Folder,
    /// By patterns that begin anywhere.
    Pattern,
}

fn text(count: usize, by: By) -> String {
    let policy = |number: usize| {
        let test = match by {
            By::Role => format!("principal.roles.contains(\"role-{number}\")"),
            By::Folder => format!(
                "principal.roles.contains(\"staff\") && context.path like \"/corp/folder-{number}/*\""
            ),
            By::Pattern => format!("context.path like \"*folder-{number}/*\""),
        };
        format!(
            "@id(\"p{number}\") permit (principal, action == Action::\"file:read\", \
             resource == Target::\"fileserver\") when {{ {test} }};\n"
        )
    };
    (1..=count).map(policy).collect()
}

fn who(count: usize) -> Claimed {
    let idp: TrustedIdp =
        serde_json::from_value(json!({ "issuer": "https://idp.example.com", "audience": "mcp" }))
            .expect("what loads");
    let claims: Value = json!({
        "sub": "42", "legacy_name": "ALICE_ADMIN", "azp": "agent",
        "roles": ["staff", "offline_access", format!("role-{count}")]
    });
    Claimed::read(&claims.to_string(), &[idp]).expect("what loads")
}

fn decisions(c: &mut Criterion) {
    let targets = targets();
    for (name, by) in [("role", By::Role), ("folder", By::Folder), ("pattern", By::Pattern)] {
        let mut group = c.benchmark_group(format!("policy/{name}"));
        for count in SIZES {
            let policy = Policy::from_cedar(&text(count, by), &targets).expect("what loads");
            let who = who(count);
            let read = |folder: usize| {
                let path = format!("//files/corp/folder-{folder}/report.txt");
                let operation = smb::Operation { verb: smb::Verb::Read, path };
                targets.resolve(&operation.into()).expect("what loads")
            };
            let (allowed, denied) = (read(count), read(count + 1));
            assert!(policy.decides(&who, &allowed) == Outlook::Allow);
            if !matches!(by, By::Role) {
                assert!(policy.decides(&who, &denied) == Outlook::Deny);
                group.bench_function(BenchmarkId::new("denied", count), |b| {
                    b.iter(|| policy.decides(black_box(&who), black_box(&denied)));
                });
            }
            group.bench_function(BenchmarkId::new("allowed", count), |b| {
                b.iter(|| policy.decides(black_box(&who), black_box(&allowed)));
            });
            group.bench_function(BenchmarkId::new("usable", count), |b| {
                b.iter(|| policy.usable_as(black_box(&who)));
            });
        }
        group.finish();
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    decisions(&mut criterion);
    criterion.final_summary();
}
