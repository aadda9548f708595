//! What sessions take of memory: a caller's verified token, the exchanged one, and two tickets in their
//! name, evidence and one to a target, as the process's resident memory before and after (Linux).
//!
//! `cargo bench -p krb-delegation --bench memory` prints a table; each line is a process of its own.

#![allow(clippy::print_stdout, reason = "a table is what it is for")]

mod idp;

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fs};

use krb_client::{
    Client, ClientConfig, Clock as _, KdcSource, SharedTicket, SharedTickets, Sharing, SystemClock,
    UserTicket,
};
use krb_delegation::identity::{Presented, Verifier};
use krb_delegation::network::Fetch;
use krb_delegation::token_exchange::{ExchangeSettings, TokenExchanger};
use krb_proto::credential::TicketTimes;
use krb_proto::crypto::Key;
use krb_proto::exchange::ClientSecret;
use krb_proto::iana::{EncType, NameType, TicketFlags};
use krb_proto::{Credential, KerberosTime, Name, Principal};
use serde_json::json;

use idp::{Idp, URL};

const REALM: &str = "EXAMPLE.COM";

/// What is measured: how many users, whether they have tokens, and the bytes of a ticket, if they have
/// any.
const CASES: [(usize, bool, Option<usize>); 6] = [
    (1000, true, None),
    (1000, false, Some(1800)),
    (1000, true, Some(1800)),
    (1000, false, Some(24_000)),
    (1000, true, Some(24_000)),
    (100_000, true, Some(1800)),
];

/// Where tickets come from in the place of a KDC: whoever asks gets this one.
struct Given(Mutex<Credential>);

impl SharedTickets for Given {
    fn find<'a>(&'a self, _: &'a [u8]) -> Sharing<'a, Option<SharedTicket>> {
        let credential = self.0.lock().expect("no panic").clone();
        let asked_at = SystemClock.now().seconds.unix();
        Box::pin(async move { Some(SharedTicket { asked_at, credential }) })
    }

    fn keep<'a>(&'a self, _: &'a [u8], _: SharedTicket, _: Duration) -> Sharing<'a, ()> {
        Box::pin(async {})
    }
}

fn ticket(user: &Principal, server: Principal, bytes: usize) -> Credential {
    let now = SystemClock.now().seconds.unix();
    let starttime = KerberosTime::from_unix(now);
    let endtime = KerberosTime::from_unix(now + 36_000);
    Credential {
        client: user.clone(),
        server,
        session_key: Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).expect("a key"),
        times: TicketTimes { starttime, endtime, ..TicketTimes::default() },
        flags: TicketFlags::NONE,
        ticket: vec![7; bytes],
    }
}

struct Tickets {
    client: Client,
    given: Arc<Given>,
    bytes: usize,
}

impl Tickets {
    fn new(bytes: usize) -> Self {
        let account = Principal::new(Name::user("svc-mcp"), REALM);
        let given = Arc::new(Given(Mutex::new(ticket(&account, account.clone(), bytes))));
        let key = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).expect("a key");
        let nobody = KdcSource::Addresses(vec![([127, 0, 0, 1], 1).into()]);
        let mut config = ClientConfig::new(account, ClientSecret::Keys(vec![key]), nobody);
        config.shared = Some(given.clone());
        Self { client: Client::new(config), given, bytes }
    }

    /// Evidence, and a ticket to a target.
    async fn get(&self, number: usize) -> UserTicket {
        let (s4u, account) = (self.client.s4u(), self.client.account().clone());
        let user = Principal::new(Name::user(&format!("user-{number}")), REALM);
        let target = Name::new(NameType::SRV_INST, ["cifs", "files.example.com"]);
        *self.given.0.lock().expect("no panic") = ticket(&user, account, self.bytes);
        let evidence = s4u.evidence(&user).await.expect("given");
        let to = Principal::new(target.clone(), REALM);
        *self.given.0.lock().expect("no panic") = ticket(&user, to, self.bytes);
        let sid = format!("S-1-5-21-1111111111-2222222222-3333333333-{number}");
        s4u.proxy_ticket(&evidence, &sid, &target).await.expect("given")
    }
}

fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("the field");
    let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kilobytes << 10
}

async fn measure((users, has_tokens, ticket): (usize, bool, Option<usize>)) {
    let idp = Arc::new(Idp::new());
    let fetch: Arc<dyn Fetch> = idp.clone();
    let idps = json!([{
        "issuer": URL, "audience": "us", "algorithms": ["ES256"], "mayAssert": { "realms": [REALM] }
    }]);
    let idps = serde_json::from_value(idps).expect("what loads");
    let verifier = Verifier::new(idps, &fetch, Arc::new(SystemClock)).expect("what loads");
    let exchange = json!({
        "tokenEndpoint": format!("{URL}/token"), "clientId": "us", "clientSecret": "s3cret",
        "audience": "us", "cache": { "enabled": true, "ttlSeconds": 3600 }
    });
    let settings = ExchangeSettings {
        token_exchange: Some(serde_json::from_value(exchange).expect("what loads")),
        ..ExchangeSettings::default()
    };
    let exchanger = TokenExchanger::new(&settings, &verifier, &fetch).expect("what loads");
    let tickets = ticket.map(Tickets::new);
    let mut bytes = 0;
    let mut one = async |number: usize| {
        if has_tokens {
            let token = idp.users(number);
            bytes += token.len();
            let caller = verifier.admit(&Presented::bearer(&token)).await.expect("a good token");
            exchanger.exchange(&caller, None, 0).await.expect("an exchange");
        }
        if let Some(tickets) = &tickets {
            bytes += 2 * tickets.bytes;
            tickets.get(number).await;
        }
    };
    // What is there once and for all.
    for number in 0..10 {
        one(users + number).await;
    }
    let before = resident();
    for number in 0..users {
        one(number).await;
    }
    let taken = resident().saturating_sub(before);
    let what = match (has_tokens, ticket) {
        (true, None) => "tokens of 1.8 KB".to_owned(),
        (false, Some(size)) => format!("two tickets of {:.1} KB", size as f64 / 1e3),
        (_, size) => {
            format!("tokens, and two tickets of {:.1} KB", size.unwrap_or_default() as f64 / 1e3)
        }
    };
    let each = taken as f64 / users as f64 / 1e3;
    let ratio = taken as f64 / bytes as f64;
    println!("| {users} | {what} | {:.1} MB | {each:.1} KB | {ratio:.2} |", taken as f64 / 1e6);
}

fn main() {
    let mut arguments = env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    if let Some(case) = arguments.next().and_then(|number| number.parse::<usize>().ok()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(measure(CASES[case]));
        return;
    }
    println!("| users | what each has | memory | each | beside the bytes of tokens and tickets |");
    println!("| ---: | --- | ---: | ---: | ---: |");
    for case in 0..CASES.len() {
        let this = env::current_exe().expect("this program");
        let status = Command::new(this).arg(case.to_string()).status().expect("starts");
        assert!(status.success(), "{case}");
    }
}
