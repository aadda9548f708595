//! How long queries take as the user, by all that a call goes through below policy: the user's credential,
//! and the client of databases. `benches/sql` runs this inside the lab, with what is to be measured in the
//! file of `SQL_FIGURES`. Everywhere else it does nothing.

mod timed;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Operation, Page, Params, Statement, Text, Verb};
use crate::call::{Announced, Attempt};
use crate::credential::credential;
use crate::identity::{Caller, Subject};
use crate::network::NetworkConfig;
use crate::pipeline::Delegation;
use crate::plan::{Parts, Plan, Settings};
use crate::policy::PolicyFile;
use crate::resources::CallContext;
use crate::token_exchange::ExchangeSettings;
use crate::{Outcome, resources};
use timed::{Timed, part};

const TOOL: &str = "sql-delegate";
/// So many users where there are many.
const MANY: usize = 16;
/// Between one query and the next, where they do not follow at once.
const PAUSE: Duration = Duration::from_millis(2);
const DEADLINE: Duration = Duration::from_secs(60);

/// What is measured.
#[derive(Deserialize)]
struct Wanted {
    /// Lines go there.
    results: String,
    /// Of each figure.
    seconds: f64,
    network: NetworkConfig,
    kerberos: Value,
    targets: Vec<Value>,
    measured: Vec<Measured>,
}

#[derive(Deserialize)]
struct Measured {
    target: String,
    engine: String,
    who: String,
    /// Those who come again and again, in turns.
    users: Vec<String>,
    /// Those who come for the first time.
    new: Vec<String>,
    /// The statements, or the names of the operator's.
    one: String,
    many: String,
    is_stored: bool,
}

/// A user's call that is announced once, and made again and again.
struct Asking {
    delegation: Arc<Delegation>,
    announced: Announced,
}

impl Asking {
    async fn new(delegation: &Arc<Delegation>, of: &Measured, user: &str, text: &str) -> Self {
        let text = match of.is_stored {
            true => Text::Stored(text.to_owned()),
            false => Text::Written(text.to_owned()),
        };
        let verb = Verb::Query(Statement { text, params: Params::List(Vec::new()) });
        let page = Page { rows: Some(1000), cursor: None };
        let operation =
            resources::Operation::Sql(Operation::new(Some(of.target.clone()), None, verb, page));
        let place = delegation.targets.resolve(&operation).expect("a target").by(TOOL);
        let caller = Caller::unverified("https://idp.example.com", user, None);
        let policy = delegation.policies.current().await;
        let permit = policy.decide(Subject::unproven(&caller, user), place).expect("allowed");
        let (audit, metrics) = (&delegation.audit, &delegation.metrics);
        let attempt = Attempt::begin(audit, metrics, &caller, &"0".repeat(32), TOOL);
        let announced = attempt.intent(permit).await.expect("a record");
        Self { delegation: delegation.clone(), announced }
    }

    /// How many rows there are.
    async fn ask(&self) -> usize {
        let Delegation { kerberos, resources, clock, random, .. } = &*self.delegation;
        let credential = credential(kerberos, &self.announced).await.expect("tickets");
        let deadline = Instant::now() + DEADLINE;
        let cx = CallContext { deadline, clock: clock.clone(), random: random.clone() };
        match resources.perform(&cx, &credential).await {
            Ok(Outcome::Sql(outcome)) => outcome.rows.len(),
            other => panic!("no rows: {other:?}"),
        }
    }

    /// As [`ask`](Self::ask), for what tickets take alone.
    async fn tickets(&self) {
        credential(&self.delegation.kerberos, &self.announced).await.expect("tickets");
    }
}

async fn delegation(wanted: &Wanted, folder: &Path) -> Arc<Delegation> {
    let of = |value| serde_json::from_value(value).expect("what loads");
    let text = "@id(\"all\") permit (principal, action, resource);".to_owned();
    let path = folder.join("policy.cedar");
    std::fs::write(&path, &text).expect("a file");
    let settings = Settings {
        trusted_idps: serde_json::from_value(json!([{
            "issuer": "https://idp.example.com", "audience": "us", "algorithms": ["ES256"]
        }]))
        .expect("what loads"),
        dpop_nonces: false,
        negotiate: None,
        exchange: ExchangeSettings {
            token_exchange: of(json!({
                "tokenEndpoint": "https://idp.example.com/token", "clientId": "us",
                "clientSecret": "s3cret", "audience": "us"
            })),
            ..ExchangeSettings::default()
        },
        kerberos: serde_json::from_value(wanted.kerberos.clone()).expect("what loads"),
        policy: PolicyFile { path, text },
        tools: Vec::new(),
        targets: serde_json::from_value(wanted.targets.clone().into()).expect("what loads"),
        audit: serde_json::from_value(json!({ "file": folder.join("audit"), "sync": false }))
            .expect("what loads"),
        state: serde_json::from_value(json!({})).expect("what loads"),
    };
    let plan = Plan::new(settings, || Parts::of_the_system(&wanted.network)).await;
    Arc::new(plan.expect("what loads").start().expect("what starts"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_as_the_user() {
    let Ok(file) = std::env::var("SQL_FIGURES") else { return };
    let wanted = std::fs::read(file).expect("the file of SQL_FIGURES");
    let wanted: Wanted = serde_json::from_slice(&wanted).expect("what is to be measured");
    let time = Duration::from_secs_f64(wanted.seconds);
    let folder = std::env::temp_dir().join(format!("sql-figures-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let delegation = delegation(&wanted, &folder).await;
    let mut lines = String::new();
    for of in &wanted.measured {
        let Measured { engine, who, users, .. } = of;
        for (text, rows, case) in [(&of.one, 1, "1"), (&of.many, 1000, "1000")] {
            for (at_once, pause, suffix) in
                [(1, Duration::ZERO, ""), (1, PAUSE, "-later"), (MANY, Duration::ZERO, "-16")]
            {
                let mut asking = Vec::new();
                for user in users.iter().cycle().take(at_once) {
                    asking.push(Asking::new(&delegation, of, user, text).await);
                }
                let timed = Timed::of(asking, rows, pause, time).await;
                lines += &timed.lines(&format!("sql/{engine}/{case}{suffix}"), who);
            }
        }
        let (mut tickets, mut firsts) = (Vec::new(), Vec::new());
        for user in &of.new {
            let asking = Asking::new(&delegation, of, user, &of.one).await;
            let begun = Instant::now();
            asking.tickets().await;
            tickets.push(begun.elapsed());
            assert_eq!(asking.ask().await, 1);
            firsts.push(begun.elapsed());
        }
        for (what, mut times) in [("first", firsts), ("tickets", tickets)] {
            if !times.is_empty() {
                let median = part(&mut times, 50).as_nanos();
                lines += &format!("sql/{engine}/{what}/p50\t{who}\t{median}\t0\n");
            }
        }
    }
    std::fs::write(&wanted.results, lines).expect("the results");
    let _ = std::fs::remove_dir_all(&folder);
}
