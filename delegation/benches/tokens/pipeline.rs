use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{env, fs, process};

use criterion::{BatchSize, Criterion};
use krb_delegation::identity::Presented;
use krb_delegation::network::NetworkConfig;
use krb_delegation::pipeline::{Call, Delegation};
use krb_delegation::plan::{Parts, Plan, Settings};
use krb_delegation::policy::PolicyFile;
use krb_delegation::{Question, Request};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::idp::Idp;

/// How many wait for their records at once.
const WAITING: [usize; 3] = [1, 16, 64];

/// A folder that is removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("krb-bench-{}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn delegation(idp: &Arc<Idp>, folder: &Path, sync: bool) -> Delegation {
    let parts = Parts::of_the_system(&NetworkConfig::default()).expect("the system's");
    let parts = Parts { idp: idp.clone(), ..parts };
    let kerberos = json!({
        "servicePrincipalName": "HTTP/mcp.example.com", "realm": "EXAMPLE.COM",
        "kdcs": ["127.0.0.1:1"], "serviceAccount": { "username": "svc-mcp", "password": "s3cret" }
    });
    let targets = json!([
        {"name": "fileserver", "kind": "smb", "host": "files.example.com",
         "spn": "cifs/files.example.com", "names": ["files"], "shares": ["corp"]}
    ]);
    let path = folder.join("policy.cedar");
    let text = "@id(\"all\") permit (principal, action, resource);".to_owned();
    fs::write(&path, &text).expect("a file");
    let audit = json!({ "file": folder.join(format!("audit-{sync}.jsonl")), "sync": sync });
    let settings = Settings {
        trusted_idps: super::idps(),
        negotiate: None,
        exchange: super::exchange(),
        kerberos: serde_json::from_value(kerberos).expect("what loads"),
        policy: PolicyFile { path, text },
        tools: Vec::new(),
        dpop_nonces: false,
        targets: serde_json::from_value(targets).expect("what loads"),
        audit: serde_json::from_value(audit).expect("what loads"),
        state: serde_json::from_value(json!({})).expect("what loads"),
    };
    Plan::new(settings, || Ok(parts)).await.expect("what loads").start().expect("what starts")
}

/// From the token to the answer.
async fn call(delegation: &Delegation, token: &str) {
    let caller = delegation.authenticate(&Presented::bearer(token)).await.expect("a good token");
    let call = Call {
        request_id: "0123456789abcdef0123456789abcdef".into(),
        trace: None,
        tool: "user-info",
        request: Request::Question(Question::UserInfo),
        deadline: Duration::from_secs(60),
        cancel: CancellationToken::new(),
    };
    delegation.call(&caller, call).await.expect("an answer");
}

/// Measures whole calls, and the log as many wait for it.
pub(super) fn calls(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let (idp, folder) = (Arc::new(Idp::new()), Folder::new());
    let delegation = |sync| Arc::new(runtime.block_on(delegation(&idp, &folder.0, sync)));
    let (plain, durable) = (delegation(false), delegation(true));
    let token = idp.callers(0);
    c.bench_function("call/known", |b| b.iter(|| runtime.block_on(call(&plain, &token))));
    let mut number = 0;
    let mut another = || {
        number += 1;
        idp.callers(number)
    };
    c.bench_function("call/new", |b| {
        b.iter_batched_ref(
            &mut another,
            |token| runtime.block_on(call(&plain, token)),
            BatchSize::SmallInput,
        );
    });
    for waiting in WAITING {
        c.bench_function(&format!("call/durable, {waiting} at once"), |b| {
            b.iter_custom(|times| {
                let each = times.div_ceil(waiting as u64);
                let begun = Instant::now();
                let all = (0..waiting).map(|_| {
                    let (durable, token) = (durable.clone(), token.clone());
                    runtime.spawn(async move {
                        for _ in 0..each {
                            call(&durable, &token).await;
                        }
                    })
                });
                let all: Vec<_> = all.collect();
                all.into_iter().for_each(|one| runtime.block_on(one).expect("no panic"));
                begun.elapsed().mul_f64(times as f64 / (each * waiting as u64) as f64)
            });
        });
    }
}
