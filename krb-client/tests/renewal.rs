//! Logins that are renewed in the background, with the embedded KDC and in a time that passes when
//! everybody waits.
#![allow(clippy::unwrap_used, reason = "clippy takes only #[test] functions for tests")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use krb_client::dev_kdc::{InMemory, Realms};
use krb_client::proto::exchange::TicketOptions;
use krb_client::proto::kdc::{Account, Asked, Realm};
use krb_client::proto::{Principal, Timestamp};
use krb_client::{AccountSecret, Ccaches, Client, Clock, OsRandom};
use tokio::time::{Instant, sleep};

const REALM: &str = "EXAMPLE.TEST";
const NOW: i64 = 1_800_000_000;
const HOUR: Duration = Duration::from_secs(3600);

/// Goes as tokio's time does; what it shows can be set besides.
struct Virtual(Instant, AtomicI64);

impl Clock for Virtual {
    fn now(&self) -> Timestamp {
        let set = self.1.load(Ordering::SeqCst);
        Timestamp::new(NOW + self.0.elapsed().as_secs() as i64 + set, 0)
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed()
    }
}

struct World {
    kdc: InMemory,
    clock: Arc<Virtual>,
    /// Requests for tickets of a login, refused ones and those without pre-authentication among them.
    logins: Arc<AtomicUsize>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(Virtual(Instant::now(), AtomicI64::new(0)));
        let logins = Arc::new(AtomicUsize::new(0));
        let count = logins.clone();
        let realm =
            Realm::new(REALM, &mut OsRandom).with(Account::service("svc").password("secret"));
        let realms = Realms::new([realm]).with_clock(clock.clone()).observed_by(move |event| {
            let is_login = matches!(event.asked, Asked::Login);
            count.fetch_add(is_login.into(), Ordering::SeqCst);
        });
        Self { kdc: InMemory::new(realms), clock, logins }
    }

    /// With the account's keys, so that a login is one request.
    fn client(&self) -> Client {
        Client::new(self.kdc.client_config("svc").unwrap())
    }

    fn logins(&self) -> usize {
        self.logins.load(Ordering::SeqCst)
    }

    fn disable(&self, disabled: bool) {
        let change = |realm: &mut Realm| realm.account_mut("svc").unwrap().disabled = disabled;
        self.kdc.realms().realm(REALM, change).unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_is_renewed_before_it_ends_for_as_long_as_somebody_wants_it() {
    let world = World::new();
    let client = world.client();
    let cache = Ccaches::new("MEMORY:").with_clock(world.clock.clone());
    let cache = cache.default_cache().await.unwrap();
    let kept = client.keep_logged_in(Some(cache.clone()));
    sleep(Duration::from_secs(1)).await;
    let first = world.logins();
    for _ in 0..72 * 6 {
        let before = world.logins();
        client.tgt().await.unwrap();
        assert_eq!(world.logins(), before, "nobody who asks waits for a login");
        let held = cache.read().await.unwrap();
        assert_eq!(held.entries.len(), 1, "in the place of the one before");
        let left = i64::from(held.entries[0].times[2]) - world.clock.now().seconds.unix();
        assert!(left > 2 * 3600, "{left} seconds left");
        sleep(HOUR / 6).await;
    }
    let renewed = world.logins() / first;
    // Each is used for eight hours, and renewed after four to six.
    assert!((72 / 6..=1 + 72 / 4).contains(&renewed), "{renewed} in 72 hours");
    drop(kept);
    let before = world.logins();
    sleep(72 * HOUR).await;
    assert_eq!(world.logins(), before, "no task is left");
}

/// Somebody else has logged in, and gave the ticket alone.
#[tokio::test(start_paused = true)]
async fn a_ticket_that_is_all_there_is_is_renewed_while_there_is_time_for_more_tries() {
    let world = World::new();
    let mut config = world.kdc.client_config("svc").unwrap();
    let week = Some(7 * 24 * 3600);
    config.login =
        TicketOptions { lifetime: 8 * 3600, renewable: week, ..TicketOptions::default() };
    let tgt = Client::new(config.clone()).tgt().await.unwrap();
    config.secret = AccountSecret::ticket(tgt);
    let heir = Client::new(config);
    let _kept = heir.keep_logged_in(None);
    let until = world.clock.now().seconds.unix() + 7 * 24 * 3600;
    loop {
        sleep(HOUR / 6).await;
        let (now, end) = (world.clock.now(), heir.tgt().await.unwrap().times.endtime);
        let left = end.unix() - now.seconds.unix();
        assert!(left >= 2 * 3600 - 2 || end.unix() == until, "{left} seconds left");
        if now.seconds.unix() > until - 3600 {
            assert_eq!(end.unix(), until, "as long as it may be renewed");
            break;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_cannot_be_read_stays_as_it_is_and_an_empty_file_becomes_one() {
    let world = World::new();
    let client = world.client();
    let folder = std::env::temp_dir().join(format!("krb-renewal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [notes, empty, others] = ["notes", "empty", "others"].map(|name| folder.join(name));
    std::fs::write(&notes, "somebody's notes").unwrap();
    std::fs::write(&empty, "").unwrap();
    let caches = Ccaches::new("MEMORY:").with_clock(world.clock.clone());
    let cache =
        async |path: &Path| caches.resolve(&format!("FILE:{}", path.display())).await.unwrap();
    let bob = Principal::parse("bob@EXAMPLE.TEST", None).unwrap();
    cache(&others).await.initialize_with(&bob, &[]).await.unwrap();
    let mut kept = Vec::new();
    for path in [&notes, &empty, &others] {
        kept.push(client.keep_logged_in(Some(cache(path).await)));
    }
    sleep(Duration::from_secs(60)).await;
    assert_eq!(std::fs::read(&notes).unwrap(), b"somebody's notes");
    for path in [&empty, &others] {
        let held = cache(path).await.read().await.unwrap();
        assert_eq!(
            (held.default_principal.to_string(), held.entries.len()),
            ("svc@EXAMPLE.TEST".into(), 1)
        );
    }
    drop(kept);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_fails_is_tried_again_ever_more_seldom_and_the_old_ticket_stays() {
    let world = World::new();
    let client = world.client();
    let _kept = client.keep_logged_in(None);
    sleep(Duration::from_secs(1)).await;
    let (first, held) = (world.logins(), client.tgt().await.unwrap());
    world.disable(true);
    sleep(7 * HOUR).await;
    let tries = world.logins() - first;
    // After five minutes at most and half of that more, for one to three hours.
    assert!((8..60).contains(&tries), "{tries}");
    assert!(Arc::ptr_eq(&client.tgt().await.unwrap(), &held), "it is still good");
    world.disable(false);
    sleep(Duration::from_secs(451)).await;
    assert!(!Arc::ptr_eq(&client.tgt().await.unwrap(), &held), "there is another one");
}

#[tokio::test(start_paused = true)]
async fn a_hundred_who_keep_it_log_in_once() {
    let world = World::new();
    let client = world.client();
    let kept: Vec<_> = (0..100).map(|_| client.keep_logged_in(None)).collect();
    sleep(Duration::from_secs(1)).await;
    let first = world.logins();
    assert!(first <= 2, "{first}");
    sleep(24 * HOUR).await;
    let renewed = world.logins() / first;
    assert!(renewed <= 1 + 24 / 4, "{renewed}");
    drop(kept);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_does_not_leave_an_old_ticket() {
    let world = World::new();
    let client = world.client();
    let _kept = client.keep_logged_in(None);
    sleep(Duration::from_secs(1)).await;
    let first = world.logins();
    // The machine slept for five hours, by the clock that shows the time.
    world.clock.1.store(7 * 3600, Ordering::SeqCst);
    sleep(Duration::from_secs(61)).await;
    assert_eq!(world.logins(), 2 * first);
}
