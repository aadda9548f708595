//! A token that comes again beside one that is new, an exchange that was made before, and a whole call
//! without any network: with policy and a record in the audit log, on the disk and not.
//!
//! The caller's token has 1.8 KB. `cargo bench -p krb-delegation --bench tokens`

mod idp;
mod pipeline;

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use krb_client::{Clock, SystemClock};
use krb_delegation::identity::{Presented, TrustedIdp, Verifier};
use krb_delegation::network::Fetch;
use krb_delegation::token_exchange::{ExchangeSettings, TokenExchanger};
use serde_json::json;
use tokio::runtime::Runtime;

use idp::{Idp, URL};

fn idps() -> Vec<TrustedIdp> {
    let idps = json!([{
        "issuer": URL, "audience": "us", "algorithms": ["ES256"],
        "mayAssert": { "realms": ["EXAMPLE.COM"] }
    }]);
    serde_json::from_value(idps).expect("what loads")
}

fn exchange() -> ExchangeSettings {
    let exchange = json!({
        "tokenEndpoint": format!("{URL}/token"), "clientId": "us", "clientSecret": "s3cret",
        "audience": "us", "cache": { "enabled": true, "ttlSeconds": 3600 }
    });
    ExchangeSettings {
        token_exchange: Some(serde_json::from_value(exchange).expect("what loads")),
        ..ExchangeSettings::default()
    }
}

fn tokens(c: &mut Criterion, runtime: &Runtime) {
    let idp = Arc::new(Idp::new());
    let fetch: Arc<dyn Fetch> = idp.clone();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let verifier = Verifier::new(idps(), &fetch, clock).expect("what loads");
    let admit = async |token: &str| verifier.admit(&Presented::bearer(token)).await;

    let token = idp.callers(0);
    assert!((1600..2000).contains(&token.len()), "{}", token.len());
    let caller = runtime.block_on(admit(&token)).expect("a good token");
    c.bench_function("token/known", |b| {
        b.iter(|| runtime.block_on(admit(black_box(&token))).expect("a good token"));
    });
    let mut number = 0;
    c.bench_function("token/new", |b| {
        b.iter_batched_ref(
            || {
                number += 1;
                idp.callers(number)
            },
            |token| runtime.block_on(admit(token)).expect("a good token"),
            criterion::BatchSize::SmallInput,
        );
    });

    let exchanger = TokenExchanger::new(&exchange(), &verifier, &fetch).expect("what loads");
    let exchange = async || exchanger.exchange(&caller, None, 0, None).await;
    runtime.block_on(exchange()).expect("an exchange");
    c.bench_function("exchange/hit", |b| {
        b.iter(|| runtime.block_on(exchange()).expect("a hit"));
    });
}

fn main() {
    // As in the server: without timers nothing is waited for.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let mut criterion = Criterion::default().configure_from_args();
    tokens(&mut criterion, &runtime.expect("a runtime"));
    pipeline::calls(&mut criterion);
    criterion.final_summary();
}
