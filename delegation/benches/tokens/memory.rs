//! What sessions take of memory: a caller's verified token, the exchanged one, and two tickets in their
//! name, evidence and one to a target, as the process's resident memory before and after (Linux). Beside
//! it stand the bytes of those tokens and tickets that are kept: verified tokens have a bound of their own, and one
//! that was put out is verified anew.
//!
//! `cargo bench -p krb-delegation --bench memory` prints for each case what it takes and what is kept,
//! in bytes, as `benches/run` reads it; each case is a process of its own.

#![allow(clippy::print_stdout, reason = "figures are what it is for")]

mod idp;

use std::process::Command;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use std::{env, fs};

use krb_client::{
    Client, ClientConfig, Clock as _, KdcSource, SharedTicket, SharedTickets, Sharing, SystemClock,
    UserTicket,
};
use krb_delegation::identity::{Caller, Presented, Verifier};
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

/// Which case a process is to measure.
const CASE: &str = "MEMORY_CASE";
/// What is there once and for all is there after so many users.
const BEFORE: usize = 10;
/// One user in so many is asked for again, to see what is kept.
const SAMPLE: usize = 100;

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
    /// Of so many bytes, for so many users.
    fn new(bytes: usize, users: usize) -> Self {
        let account = Principal::new(Name::user("svc-mcp"), REALM);
        let given = Arc::new(Given(Mutex::new(ticket(&account, account.clone(), bytes))));
        let key = Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).expect("a key");
        let nobody = KdcSource::Addresses(vec![([127, 0, 0, 1], 1).into()]);
        let mut config = ClientConfig::new(account, ClientSecret::Keys(vec![key]), nobody);
        config.shared = Some(given.clone());
        config.max_tickets = 2 * users;
        Self { client: Client::new(config), given, bytes }
    }

    /// Evidence, and a ticket to a target.
    async fn get(&self, number: usize) -> UserTicket {
        let (s4u, account) = (self.client.s4u(), self.client.account().clone());
        let user = Principal::new(Name::user(&format!("user-{number}")), REALM);
        let target = Name::new(NameType::SRV_INST, ["cifs", "files.example.com"]);
        *self.given.0.lock().expect("no panic") = ticket(&user, account, self.bytes);
        // As long as what the server tells askers apart by.
        let evidence = s4u.evidence_for(&[7; 32], &user, 0).await.expect("given");
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
    let tickets = ticket.map(|bytes| Tickets::new(bytes, users + BEFORE));
    let session = async |number: usize, token: &str| {
        let mut session = Session::default();
        if has_tokens {
            let caller = verifier.admit(&Presented::bearer(token)).await.expect("a good token");
            exchanger.exchange(&caller, None, 0, None).await.expect("an exchange");
            session.caller = Arc::downgrade(&caller);
        }
        if let Some(tickets) = &tickets {
            session.was_stored = tickets.get(number).await.was_stored();
        }
        session
    };
    for number in users..users + BEFORE {
        session(number, &idp.users(number)).await;
    }
    let (before, exchanged_before) = (resident(), idp.exchanged());
    let (mut sample, mut presented) = (Vec::new(), 0);
    for number in 0..users {
        let token = idp.users(number);
        presented += token.len();
        let one = session(number, &token).await;
        if number % SAMPLE == 0 {
            sample.push((number, token, one.caller));
        }
    }
    let taken = resident().saturating_sub(before);

    // Of the callers' tokens those of some are kept, of everything else all.
    let known = sample.iter().filter(|(.., caller)| caller.strong_count() > 0).count();
    let exchanged = idp.exchanged();
    let mut kept = exchanged - exchanged_before + users * 2 * ticket.unwrap_or_default();
    if has_tokens {
        kept += presented / sample.len() * known;
    }
    for (number, token, _) in &sample {
        let one = session(*number, token).await;
        assert!(one.was_stored || ticket.is_none(), "the tickets of {number} are not kept");
    }
    assert_eq!(idp.exchanged(), exchanged, "an exchange is not kept");
    let what = match (has_tokens, ticket) {
        (true, None) => "tokens".to_owned(),
        (false, ticket) => format!("tickets-{}", ticket.unwrap_or_default()),
        (true, Some(ticket)) => format!("all-{ticket}"),
    };
    for (figure, bytes) in [("taken", taken), ("kept", kept)] {
        println!("memory/{users}/{what}/{figure}\tkrb-mcp\t{bytes}\t0");
    }
}

/// One of them.
#[derive(Default)]
struct Session {
    /// Gone when the token is put out.
    caller: Weak<Caller>,
    was_stored: bool,
}

fn main() {
    if let Some(case) = env::var(CASE).ok().and_then(|number| number.parse::<usize>().ok()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        runtime.expect("a runtime").block_on(measure(CASES[case]));
        return;
    }
    for case in 0..CASES.len() {
        let this = env::current_exe().expect("this program");
        let status = Command::new(this).env(CASE, case.to_string()).status().expect("starts");
        assert!(status.success(), "{case}");
    }
}
