//! How fast a session is beside tokio-postgres without delegation, over the same channel and without one:
//! `benches/postgres` runs this inside the lab. Everywhere else it does nothing.

use std::env::var;
use std::sync::Arc;
use std::time::{Duration, Instant};

use krb_client::{Client, ClientConfig, Entropy, KdcSource, OsRandom, SystemClock, files};
use krb_proto::gss::Initiator;
use krb_proto::iana::NameType;
use krb_proto::{Context, Credential, Name, Principal};
use tokio::io::duplex;

use crate::network::{Network, NetworkConfig, Tcp};
use crate::resources::sql::place::Place;
use crate::resources::sql::postgres::channel::Channel;
use crate::resources::sql::postgres::login::LoggedIn;
use crate::resources::sql::postgres::secure::{by_gss, options};
use crate::resources::sql::postgres::session::Session;
use crate::resources::sql::postgres::startup::{Opening, Proof, begin};
use crate::resources::sql::postgres::wire::Wire;
use crate::resources::sql::rows::Rows;
use crate::resources::sql::session::Session as _;
use crate::resources::sql::statement::Access;
use crate::resources::sql::work::Work;
use crate::targets::{TargetConfig, Targets};

struct Lab {
    network: Network,
    client: Client,
    host: String,
}

impl Lab {
    fn new() -> Option<Self> {
        let host = var("POSTGRES_HOST").ok()?;
        let account =
            Principal::parse(&var("SVC_ACCOUNT").ok()?, Some(&var("REALM").ok()?)).ok()?;
        let keytab = std::fs::read(format!("{}/mcp.keytab", var("KEYTABS").ok()?)).ok()?;
        let keytab = krb_proto::formats::Keytab::from_bytes(&keytab).ok()?;
        let keys = files::client_keys(&keytab, &account).ok()?;
        let kdcs = KdcSource::Addresses(vec![format!("{}:88", var("DC_IP").ok()?).parse().ok()?]);
        let client = Client::new(ClientConfig::new(account, keys, kdcs));
        let config = NetworkConfig {
            hosts: [(host.clone(), var("POSTGRES_IP").ok()?.parse().ok()?)].into(),
            ca_file: Some(var("CA_FILE").ok()?.into()),
            ..NetworkConfig::default()
        };
        let network = Network::new(&config, Arc::new(Tcp)).ok()?;
        Some(Self { network, client, host })
    }

    async fn ticket(&self, user: &str) -> Arc<Credential> {
        let user = Principal::new(Name::user(user), &self.client.account().realm);
        let evidence = self.client.s4u().evidence(&user).await.unwrap();
        let spn = Name::new(NameType::SRV_INST, ["postgres", &self.host]);
        let ticket =
            self.client.s4u().proxy_ticket(&evidence, &user.to_string(), &spn).await.unwrap();
        Arc::new(Credential::clone(&ticket))
    }

    async fn channel(&self, ticket: &Credential) -> Channel {
        let random: Arc<dyn Entropy> = Arc::new(OsRandom);
        let start = || {
            let mut random: &dyn Entropy = &OsRandom;
            let now = krb_client::Clock::now(&SystemClock);
            let mut cx = Context { now, kdc_offset: 0, rng: &mut random };
            Ok(Initiator::new(ticket, &options(), &mut cx).unwrap())
        };
        let channel = by_gss(&self.network, &self.host, 5432, &random, start).await;
        channel.unwrap_or_else(|_| panic!("no channel"))
    }

    async fn session(&self, user: &str, ticket: &Credential, place: &Place<'_>) -> Session {
        let mut wire = Wire::new(self.channel(ticket).await);
        let opening = Opening { user, database: "app", search_path: None };
        let begun = begin(&mut wire, &opening, Proof::Sealed).await;
        begun.unwrap_or_else(|error| panic!("{}", error.explain(place, 0)));
        let logged_in = LoggedIn { wire, canceller: None, login: user.into(), role: None };
        let session = Session::of(logged_in, place).await;
        session.unwrap_or_else(|error| panic!("{}", error.explain(place, 0)))
    }

    /// tokio-postgres over the same encryption, by a pipe of whose other end the channel is.
    async fn bare(&self, user: &str, ticket: &Credential) -> tokio_postgres::Client {
        let mut channel = self.channel(ticket).await;
        let (ours, theirs) = duplex(1 << 16);
        tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut from, mut to) = tokio::io::split(ours);
            let (mut sent, mut received) = (Vec::with_capacity(1 << 16), bytes::BytesMut::new());
            loop {
                tokio::select! {
                    read = from.read_buf(&mut sent) => {
                        if read.unwrap_or(0) == 0 || channel.write(&sent).await.is_err() { return; }
                        sent.clear();
                    }
                    read = channel.read(&mut received) => {
                        if read.is_err() || to.write_all(&received).await.is_err() { return; }
                        received.clear();
                    }
                }
            }
        });
        let mut config = tokio_postgres::Config::new();
        config.user(user).dbname("app");
        let (client, connection) = config.connect_raw(theirs, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

pub(super) fn targets(host: &str) -> Targets {
    let config = serde_json::json!({
        "kind": "sql", "engine": "postgresql", "name": "pg", "host": host, "databases": ["app"],
        "roleTemplate": "{name}", "encryption": "gss"
    });
    let config: TargetConfig = serde_json::from_value(config).unwrap();
    Targets::new(vec![config]).unwrap()
}

pub(super) fn place<'a>(targets: &'a Targets, user: &str) -> Place<'a> {
    let target = targets.iter().next().unwrap();
    let crate::resources::Endpoint::Sql(endpoint) = target.endpoint() else { panic!("a database") };
    Place { target, endpoint, database: "app", identity: user.into() }
}

const ONE: &str = "SELECT id, owner, body FROM notes LIMIT 10";

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let sum: Duration = times.iter().sum();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_micros();
    println!(
        "{what}: {:.0}/s, median {} us, p99 {} us",
        times.len() as f64 / sum.as_secs_f64(),
        at(50),
        at(99)
    );
}

/// So many queries follow one another before somebody else's turn comes.
const TURN: usize = 20;
/// Between one query and the next, where they do not follow at once: calls have a record in between.
const PAUSE: Duration = Duration::from_millis(2);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_as_the_user_beside_bare_ones() {
    let Some(lab) = Lab::new() else { return };
    let rounds: usize = var("ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let targets = targets(&lab.host);
    let work = Work { text: ONE.into(), params: Vec::new(), access: Access::Read };
    let query = async |session: &mut Session, place: &Place<'_>| {
        let mut rows = Rows::new(0, 100, 1 << 20);
        let times =
            (Duration::from_secs(60), tokio::time::Instant::now() + Duration::from_secs(60));
        assert!(matches!(session.run(place, &work, &mut rows, times).await, Some(Ok(_))));
        assert_eq!(rows.into_parts().rows.len(), 10);
    };
    let (mut firsts, mut tickets) = (vec![], vec![]);
    for number in 0..rounds.min(100) {
        let user = format!("crowd{number:02}");
        let place = place(&targets, &user);
        let begun = Instant::now();
        let ticket = lab.ticket(&user).await;
        tickets.push(begun.elapsed());
        let mut session = lab.session(&user, &ticket, &place).await;
        query(&mut session, &place).await;
        firsts.push(begun.elapsed());
    }
    report("first query of a user", firsts);
    report("of which tickets", tickets);
    let place = place(&targets, "bob");
    let ticket = lab.ticket("bob").await;
    let mut session = lab.session("bob", &ticket, &place).await;
    let bare = lab.bare("bob", &ticket).await;
    let statement = bare.prepare(ONE).await.unwrap();
    for (pause, when) in [(Duration::ZERO, "at once"), (PAUSE, "a moment later")] {
        let (mut ours, mut theirs, mut prepared) = (vec![], vec![], vec![]);
        for _ in 0..rounds {
            for _ in 0..TURN {
                tokio::time::sleep(pause).await;
                let begun = Instant::now();
                query(&mut session, &place).await;
                // What it takes to be as new is waited for by the next one.
                assert!(session.clean().await);
                ours.push(begun.elapsed());
            }
            for _ in 0..TURN {
                tokio::time::sleep(pause).await;
                let begun = Instant::now();
                assert_eq!(bare.query(ONE, &[]).await.unwrap().len(), 10);
                theirs.push(begun.elapsed());
            }
            for _ in 0..TURN {
                tokio::time::sleep(pause).await;
                let begun = Instant::now();
                assert_eq!(bare.query(&statement, &[]).await.unwrap().len(), 10);
                prepared.push(begun.elapsed());
            }
        }
        report(&format!("as the user, and as new for each, {when}"), ours);
        report(&format!("tokio-postgres, the text, {when}"), theirs);
        report(&format!("tokio-postgres, prepared, {when}"), prepared);
    }
}
