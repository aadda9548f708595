//! A store that does what it likes: nothing of it is believed that was not sealed for its place.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};

use krb_proto::credential::TicketTimes;
use krb_proto::crypto::Key;
use krb_proto::iana::{EncType, TicketFlags};
use krb_proto::{Credential, KerberosTime, Name, Principal};

use super::*;
use crate::state::tests::{Place, pin};
use crate::state::{NotPinned, Operator, Pin, PinChange, PinsMode};
use crate::state::{Revoked, State, StateConfig, Who, Whose};

#[derive(Default)]
struct Memory {
    values: Mutex<HashMap<String, Vec<u8>>>,
    is_away: AtomicBool,
}

impl Memory {
    fn values(&self) -> Result<MutexGuard<'_, HashMap<String, Vec<u8>>>, Away> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(Away("it was taken away".to_owned()));
        }
        Ok(self.values.lock().unwrap())
    }

    fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }
}

#[async_trait]
impl Store for Memory {
    async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Away> {
        Ok(self.values()?.get(name).cloned())
    }

    async fn put(&self, name: &str, value: &[u8], _: Duration) -> Result<(), Away> {
        self.values()?.insert(name.to_owned(), value.to_vec());
        Ok(())
    }

    async fn put_new(&self, name: &str, value: &[u8], _: Duration) -> Result<bool, Away> {
        let mut values = self.values()?;
        let is_new = !values.contains_key(name);
        values.entry(name.to_owned()).or_insert_with(|| value.to_vec());
        Ok(is_new)
    }

    async fn swap(&self, all: &[Swap]) -> Result<bool, Away> {
        let mut values = self.values()?;
        if all.iter().any(|swap| values.get(&swap.name) != swap.old.as_ref()) {
            return Ok(false);
        }
        values.extend(all.iter().map(|swap| (swap.name.clone(), swap.new.clone())));
        Ok(true)
    }
}

const NOW: i64 = 1_800_000_000;

fn replica(store: &Arc<Memory>, keys: &[&str]) -> Shared {
    let sealers = keys.iter().map(|key| Sealer::new(key.as_bytes()).unwrap()).collect();
    let shared = Shared::new(store.clone(), sealers);
    shared.set_here(true);
    shared
}

fn alice() -> Whose {
    Whose::Account { account: "alice".into() }
}

fn who() -> Who<'static> {
    let (issuer, subject) = ("https://a", "42");
    Who { issuer, subject, issued_at: Some(NOW + 1), name: Some("alice"), sid: None }
}

async fn revoke(shared: &Shared, whose: Whose) {
    shared.change(|list| list.revoke(whose.clone(), NOW)).await.unwrap();
}

fn ticket(byte: u8) -> SharedTicket {
    let client = Principal::new(Name::user("alice"), "R");
    let times = TicketTimes {
        starttime: KerberosTime::from_unix(NOW),
        endtime: KerberosTime::from_unix(NOW + 3600),
        ..TicketTimes::default()
    };
    let credential = Credential {
        server: client.clone(),
        client,
        session_key: Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[byte; 32]).unwrap(),
        times,
        flags: TicketFlags::NONE,
        ticket: vec![byte; 64],
    };
    SharedTicket { asked_at: NOW, credential }
}

#[tokio::test]
async fn a_ticket_is_found_by_every_replica_under_its_slot_and_nowhere_else() {
    let store = Arc::new(Memory::default());
    let (one, other) = (replica(&store, &["key"]), replica(&store, &["key"]));
    for (slot, byte) in [(b"alice", 1), (b"bobby", 2)] {
        one.keep(slot, ticket(byte), Duration::from_secs(900)).await;
    }
    let found = async |slot: &[u8]| Some(other.find(slot).await?.credential.ticket[0]);
    assert_eq!((found(b"alice").await, found(b"bobby").await), (Some(1), Some(2)));
    assert_eq!(found(b"alic").await, None);
    assert!(replica(&store, &["other key"]).find(b"alice").await.is_none());
    assert!(replica(&store, &["other key", "key"]).find(b"alice").await.is_some());

    // Neither names nor values say whose they are, or hold a key.
    let values = store.values().unwrap().clone();
    for (name, value) in &values {
        assert!(!name.contains("alice") && !value.windows(16).any(|part| part == [1; 16]));
    }
    // Swapped, cut, changed, replayed in another's place.
    let names: Vec<_> = values.keys().cloned().collect();
    let swapped = HashMap::from([
        (names[0].clone(), values[&names[1]].clone()),
        (names[1].clone(), values[&names[0]].clone()),
    ]);
    *store.values().unwrap() = swapped;
    assert_eq!((found(b"alice").await, found(b"bobby").await), (None, None));
    for change in 0..3 {
        let mut changed = values.clone();
        for value in changed.values_mut() {
            match change {
                0 => value[20] ^= 1,
                1 => value.truncate(value.len() - 1),
                _ => value.truncate(5),
            }
        }
        *store.values().unwrap() = changed;
        assert_eq!((found(b"alice").await, found(b"bobby").await), (None, None), "{change}");
    }
    *store.values().unwrap() = values;
    assert_eq!(found(b"alice").await, Some(1));
    store.set_away(true);
    assert_eq!(found(b"alice").await, None);
}

#[tokio::test]
async fn a_proof_is_new_at_one_replica_only() {
    let store = Arc::new(Memory::default());
    let (old, new) = (replica(&store, &["key"]), replica(&store, &["new key", "key"]));
    assert_eq!(old.is_new("k", [1; 32], NOW + 60, NOW).await, Ok(true));
    assert_eq!(new.is_new("k", [1; 32], NOW + 60, NOW).await, Ok(false));
    assert_eq!(new.is_new("k", [2; 32], NOW + 60, NOW).await, Ok(true));
    assert_eq!(old.is_new("k", [2; 32], NOW + 60, NOW).await, Ok(false));
    store.set_away(true);
    assert_eq!(old.is_new("k", [3; 32], NOW + 60, NOW).await, Err(CannotRemember));
}

#[tokio::test]
async fn a_proof_is_not_new_again_at_a_replica_when_the_store_forgets() {
    let store = Arc::new(Memory::default());
    let (one, other) = (replica(&store, &["key"]), replica(&store, &["key"]));
    assert_eq!(one.is_new("k", [1; 32], NOW + 60, NOW).await, Ok(true));
    assert_eq!(one.is_new("k", [1; 32], NOW + 60, NOW).await, Ok(false));
    assert_eq!(other.is_new("k", [1; 32], NOW + 60, NOW).await, Ok(false));
    store.values().unwrap().clear();
    // Each of them saw it.
    for replica in [&one, &other] {
        assert_eq!(replica.is_new("k", [1; 32], NOW + 60, NOW + 59).await, Ok(false));
    }
    // What nobody would take any more is not kept.
    assert_eq!(one.is_new("k", [1; 32], NOW + 120, NOW + 60).await, Ok(true));
}

/// This replica's memory is bounded, the store's is not.
#[tokio::test]
async fn a_proof_that_this_replica_has_no_room_for_is_remembered_by_the_store() {
    let store = Arc::new(Memory::default());
    let one = replica(&store, &["key"]);
    let proof = |number: u64| crate::sha256::sha256(&number.to_be_bytes());
    for number in 0..(1 << 15) {
        let _ = one.seen.is_new("k", proof(number), NOW + 60, NOW).await;
    }
    let late = proof(1 << 15);
    assert_eq!(one.seen.is_new("k", late, NOW + 60, NOW).await, Err(CannotRemember));
    assert_eq!(one.is_new("k", late, NOW + 60, NOW).await, Ok(true));
    assert_eq!(one.is_new("k", late, NOW + 60, NOW).await, Ok(false));
}

#[tokio::test]
async fn a_revocation_is_seen_under_every_key_while_keys_are_replaced() {
    let store = Arc::new(Memory::default());
    let stages: [&[&str]; 4] = [&["old"], &["old", "new"], &["new", "old"], &["new"]];
    for pair in stages.windows(2) {
        for (from, to) in [(pair[0], pair[1]), (pair[1], pair[0])] {
            let before = replica(&store, to).head().await.unwrap().number;
            revoke(&replica(&store, from), alice()).await;
            let there = replica(&store, to);
            assert!(there.head().await.unwrap().number > before, "{from:?} to {to:?}");
            assert_eq!(there.list().await.unwrap().len(), 1);
        }
    }
}

#[tokio::test]
async fn two_operators_at_once_lose_nothing_and_a_failure_is_no_success() {
    let store = Arc::new(Memory::default());
    let (one, other) = (replica(&store, &["key"]), replica(&store, &["key"]));
    let name = |number: usize| Whose::Account { account: number.to_string() };
    let half = async |shared: &Shared, from: usize| {
        for number in from..from + 5 {
            revoke(shared, name(number)).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(half(&one, 0), half(&other, 100));
    assert_eq!(one.list().await.unwrap().len(), 10);
    store.set_away(true);
    assert!(one.change(|list| list.revoke(alice(), NOW)).await.is_err());
}

async fn server(store: &Arc<Memory>) -> Arc<State> {
    server_with(store, StateConfig::default())
}

fn server_with(store: &Arc<Memory>, config: StateConfig) -> Arc<State> {
    let shared = replica(store, &["key"]);
    shared.set_here(false);
    let state = State::with(config, Some(shared)).unwrap();
    state.start().unwrap();
    state
}

/// Between two questions.
#[tokio::test(start_paused = true)]
async fn a_store_that_comes_to_a_known_number_again_is_not_taken_for_the_one_that_was_known() {
    let store = Arc::new(Memory::default());
    let shared = replica(&store, &["key"]);
    let name = |name: &str| Whose::Account { account: name.into() };
    for first in ["bob", "alice"] {
        revoke(&shared, name(first)).await;
    }
    // Lost, or put back to when only bob was out; to the known number, and past it.
    for (kept, new) in [(0, 2), (0, 5), (1, 1), (1, 3)] {
        let state = server(&store).await;
        pass(1).await;
        let two = store.values().unwrap().clone();
        store.values().unwrap().clear();
        for old in ["bob"].into_iter().take(kept) {
            revoke(&shared, name(old)).await;
        }
        for number in 0..new {
            revoke(&shared, name(&format!("new{number}"))).await;
        }
        pass(2).await;
        let listed = shared.list().await.unwrap();
        assert_eq!(listed.len(), 2 + new, "{kept} {new}: {listed:?}");
        let news = (0..new).map(|number| format!("new{number}"));
        for name in news.chain(["bob".into(), "alice".into()]) {
            let who = Who { name: Some(&name), ..who() };
            assert_eq!(state.revocations().admits(&who), Err(Revoked::Account), "{name}");
        }
        *store.values().unwrap() = two;
    }
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn every_replica_knows_within_two_seconds_who_was_revoked() {
    let store = Arc::new(Memory::default());
    let replicas = [server(&store).await, server(&store).await];
    let admits = |state: &Arc<State>| state.revocations().admits(&who());
    assert_eq!(admits(&replicas[0]), Err(Revoked::Unknown), "the store was not asked yet");
    pass(1).await;
    assert!(replicas.iter().all(|state| admits(state).is_ok()));
    revoke(&replica(&store, &["key"]), alice()).await;
    let begun = tokio::time::Instant::now();
    for state in &replicas {
        assert_eq!(state.revocations().revoked(&who()).await, Revoked::Account);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}

/// A directory that is there and says nothing is no knowledge; one in which it was written what the
/// store said is.
#[tokio::test(start_paused = true)]
async fn a_replica_that_knows_nothing_serves_nobody_whatever_its_directory_is_like() {
    let (store, place) = (Arc::new(Memory::default()), Place::new());
    let admits = |state: &Arc<State>| state.revocations().admits(&who());
    // The second one finds the files that the first one made.
    for _ in 0..2 {
        store.set_away(true);
        let state = server_with(&store, place.config());
        assert_eq!(admits(&state), Err(Revoked::Unknown));
        pass(5).await;
        assert_eq!(admits(&state), Err(Revoked::Unknown));
        store.set_away(false);
        pass(3).await;
        assert_eq!(admits(&state), Ok(()));
    }
    let state = server_with(&store, place.config());
    let erin = Whose::Account { account: "erin".into() };
    revoke(&replica(&store, &["key"]), erin).await;
    pass(3).await;
    drop(state);
    store.set_away(true);
    let state = server_with(&store, place.config());
    assert_eq!(admits(&state), Ok(()), "it is written who was revoked");
    let erin = Who { name: Some("erin"), ..who() };
    assert_eq!(state.revocations().admits(&erin), Err(Revoked::Account));
}

/// Real time: it would stand still with the disk.
#[tokio::test]
async fn while_the_disk_stands_still_one_waits_for_it_and_what_is_newest_is_written_last() {
    let (store, place) = (Arc::new(Memory::default()), Place::new());
    let (state, shared) = (server_with(&store, place.config()), replica(&store, &["key"]));
    let wait = async |until: &dyn Fn() -> bool| {
        for _ in 0..100 {
            if until() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not come");
    };
    wait(&|| state.max_age().is_none()).await;
    let lock = place.config().directory.unwrap().join("lock");
    let lock = std::fs::File::open(lock).unwrap();
    lock.lock().unwrap();
    revoke(&shared, alice()).await;
    wait(&|| state.revocations().admits(&who()).is_err()).await;
    wait(&|| state.max_age().is_some()).await;
    revoke(&shared, Whose::Account { account: "erin".into() }).await;
    pass(2).await;
    let inode = format!(":{} ", std::os::unix::fs::MetadataExt::ino(&lock.metadata().unwrap()));
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let wait_for_it = |line: &&str| line.contains("->") && line.contains(&inode);
    assert_eq!(locks.lines().filter(wait_for_it).count(), 1, "{locks}");
    drop(lock);
    wait(&|| state.max_age().is_none()).await;
    assert_eq!(Operator::new(&place.config()).unwrap().revocations().unwrap().len(), 2);
}

/// What lies there is a copy, for the next start.
#[tokio::test(start_paused = true)]
async fn what_the_store_says_is_known_whatever_is_done_to_what_was_written_down() {
    let (store, place) = (Arc::new(Memory::default()), Place::new());
    let (state, shared) = (server_with(&store, place.config()), replica(&store, &["key"]));
    revoke(&shared, alice()).await;
    pass(2).await;
    let erin = Who { name: Some("erin"), ..who() };
    let file = place.config().directory.unwrap().join("revocations");
    let mut spoilt = std::fs::read(&file).unwrap();
    *spoilt.last_mut().unwrap() ^= 1;
    std::fs::write(&file, spoilt).unwrap();
    for _ in 0..20 {
        assert_eq!(state.revocations().admits(&erin), Ok(()));
        assert_eq!(state.revocations().admits(&who()), Err(Revoked::Account));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let error = State::with(place.config(), Some(replica(&store, &["key"]))).unwrap_err();
    assert!(error.to_string().contains("seal is wrong"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_revocation_while_a_replica_was_cut_off_is_its_first_news_and_it_believes_less_meanwhile()
{
    let store = Arc::new(Memory::default());
    let state = server(&store).await;
    pass(1).await;
    assert_eq!(state.max_age(), None);
    let others = replica(&store, &["key"]);
    // Cut off: silence counts as much as an error does.
    store.set_away(true);
    pass(2).await;
    assert_eq!(state.max_age(), Some(Duration::from_secs(60)));
    assert_eq!(state.revocations().admits(&who()), Ok(()), "what is known goes on for a minute");
    store.set_away(false);
    revoke(&others, alice()).await;
    // Whenever it says that it is here again, it knows.
    while state.max_age().is_some() {
        pass(0).await;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(state.revocations().admits(&who()), Err(Revoked::Account));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_forgets_or_goes_back_is_told_again_and_what_is_not_sealed_is_silence() {
    let store = Arc::new(Memory::default());
    let shared = replica(&store, &["key"]);
    revoke(&shared, Whose::Account { account: "bob".into() }).await;
    let old = store.values().unwrap().clone();
    revoke(&shared, alice()).await;
    let state = server(&store).await;
    pass(1).await;
    assert_eq!(state.revocations().admits(&who()), Err(Revoked::Account));
    for back in [HashMap::new(), old] {
        *store.values().unwrap() = back;
        // Meanwhile an operator revokes somebody else.
        revoke(&shared, Whose::Account { account: "erin".into() }).await;
        pass(2).await;
        let names = shared.list().await.unwrap();
        assert_eq!(names.len(), 3, "{names:?}");
        assert_eq!(state.revocations().admits(&who()), Err(Revoked::Account));
        let erin = Who { name: Some("erin"), ..who() };
        assert_eq!(state.revocations().admits(&erin), Err(Revoked::Account));
        let fresh = server(&store).await;
        pass(1).await;
        assert_eq!(fresh.revocations().admits(&who()), Err(Revoked::Account));
    }
    let mut values = store.values().unwrap().clone();
    values.values_mut().for_each(|value| value[15] ^= 1);
    *store.values().unwrap() = values;
    pass(2).await;
    assert!(state.max_age().is_some(), "it is away");
    assert_eq!(state.revocations().admits(&who()), Err(Revoked::Account));
    let fresh = server(&store).await;
    pass(2).await;
    assert_eq!(fresh.revocations().admits(&who()), Err(Revoked::Unknown));
}

async fn pinned(state: &State, subject: &str, rid: u32) -> Result<Pin, NotPinned> {
    state.pins().pin(pin(subject, rid)).await
}

fn release(subject: &str) -> PinChange {
    PinChange::Release(pin(subject, 0).of())
}

#[tokio::test(start_paused = true)]
async fn a_subject_is_one_account_on_every_replica_until_an_operator_releases_it() {
    let store = Arc::new(Memory::default());
    let (one, other) = (server(&store).await, server(&store).await);
    let unknown = pinned(&one, "42", 1104).await;
    assert!(matches!(unknown, Err(NotPinned::Unknown(_))), "the store was not asked yet");
    pass(1).await;
    assert_eq!(pinned(&one, "42", 1104).await, Ok(pin("42", 1104)));
    assert_eq!(pinned(&other, "42", 1105).await, Ok(pin("42", 1104)), "the first one");
    let begin = async |state: &Arc<State>, rid| {
        let mut all = Vec::new();
        for number in 0..50 {
            all.push(pinned(state, &format!("at once {number}"), rid).await.unwrap());
            tokio::task::yield_now().await;
        }
        all
    };
    let (first, second) = tokio::join!(begin(&one, 1), begin(&other, 2));
    assert_eq!(first, second, "each is one account");

    let operator = replica(&store, &["key"]);
    assert_eq!(operator.pins().await.unwrap().len(), 51);
    assert_eq!(operator.change_pins(&release("none"), NOW).await.unwrap(), 0);
    assert_eq!(operator.change_pins(&release("42"), NOW).await.unwrap(), 1);
    pass(2).await;
    for state in [&one, &other] {
        assert_eq!(pinned(state, "42", 1106).await, Ok(pin("42", 1106)), "whoever comes next");
    }
    // What a replica knows it goes by while the store is away; nobody new is pinned.
    store.set_away(true);
    pass(3).await;
    assert_eq!(pinned(&one, "42", 1104).await, Ok(pin("42", 1106)));
    assert!(matches!(pinned(&one, "new", 1104).await, Err(NotPinned::Unknown(_))));
    // Neither names nor values say whose they are.
    store.set_away(false);
    for (name, value) in store.values().unwrap().iter() {
        let is_said = |part: &[u8]| part == b"at once" || part == b"S-1-5-2";
        assert!(!name.contains("at once") && !value.windows(7).any(is_said));
    }
}

#[tokio::test(start_paused = true)]
async fn where_pins_are_approved_every_replica_waits_for_it_and_hears_of_it() {
    let store = Arc::new(Memory::default());
    let config = StateConfig { pins: PinsMode::Approved, ..StateConfig::default() };
    let replicas = [server_with(&store, config.clone()), server_with(&store, config)];
    pass(1).await;
    for state in &replicas {
        assert_eq!(pinned(state, "42", 1104).await, Err(NotPinned::NotApproved));
    }
    let operator = replica(&store, &["key"]);
    assert_eq!(operator.change_pins(&PinChange::Approve(None), NOW).await.unwrap(), 1);
    assert_eq!(
        operator.change_pins(&PinChange::Approve(None), NOW).await.unwrap(),
        0,
        "none waits"
    );
    pass(2).await;
    for state in &replicas {
        let approved = Pin { approved: true, ..pin("42", 1104) };
        assert_eq!(pinned(state, "42", 1105).await, Ok(approved));
        assert_eq!(pinned(state, "43", 1105).await, Err(NotPinned::NotApproved));
    }
}

/// Tells replicas to look again, and lets them.
async fn look_again(shared: &Shared) {
    shared.change_pins(&release("nobody"), NOW).await.unwrap();
    pass(2).await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_forgets_pins_or_goes_back_is_told_them_again() {
    let store = Arc::new(Memory::default());
    let (shared, state) = (replica(&store, &["key"]), server(&store).await);
    pass(1).await;
    let old = store.values().unwrap().clone();
    assert_eq!(pinned(&state, "42", 1104).await, Ok(pin("42", 1104)));
    for back in [HashMap::new(), old] {
        *store.values().unwrap() = back;
        look_again(&shared).await;
        // What is asked for again is what was known; others hear of it then.
        assert_eq!(pinned(&state, "42", 1105).await, Ok(pin("42", 1104)));
        let fresh = server(&store).await;
        pass(1).await;
        assert_eq!(pinned(&fresh, "42", 1105).await, Ok(pin("42", 1104)));
    }
    // What was not sealed is nobody's, and is named.
    store.values().unwrap().values_mut().for_each(|value| value[15] ^= 1);
    let fresh = server(&store).await;
    pass(2).await;
    assert!(matches!(pinned(&fresh, "42", 1105).await, Err(NotPinned::Unknown(_))));
    let error = shared.pins().await.unwrap_err().to_string();
    assert!(store.values().unwrap().keys().any(|name| error.contains(name)), "{error}");
}

/// Each of two replicas knows what the other one does not, and an operator's word comes after the loss.
#[tokio::test(start_paused = true)]
async fn replicas_agree_after_a_loss_and_an_operators_word_stays() {
    let store = Arc::new(Memory::default());
    let (one, other) = (server(&store).await, server(&store).await);
    let shared = replica(&store, &["key"]);
    pass(1).await;
    let later = |subject, rid, at| Pin { at, ..pin(subject, rid) };
    assert_eq!(pinned(&one, "42", 1).await, Ok(pin("42", 1)));
    store.values().unwrap().clear();
    let second = other.pins().pin(later("42", 2, NOW + 9)).await.unwrap();
    assert_eq!(
        second.sid,
        pin("", 2).sid,
        "seen for the first time, as far as anybody can say there"
    );
    for word in [
        PinChange::Approve(None),
        PinChange::Put(Pin { approved: true, ..later("42", 3, NOW + 10) }),
        release("42"),
    ] {
        shared.change_pins(&word, NOW).await.unwrap();
        let mut seen = Vec::new();
        for _ in 0..3 {
            look_again(&shared).await;
            for state in [&one, &other] {
                seen.push(state.pins().pin(later("42", 4, NOW + 11)).await.unwrap());
            }
        }
        seen.dedup();
        assert_eq!(seen.len(), 1, "{word:?}: {seen:?}");
        let expected = match word {
            PinChange::Approve(_) => seen[0].approved,
            PinChange::Put(pin) => seen[0] == pin,
            PinChange::Release(_) => seen[0] == later("42", 4, NOW + 11),
        };
        assert!(expected, "{seen:?}");
    }
    // What is said after a loss goes before what was said before it.
    store.values().unwrap().clear();
    let word = PinChange::Put(later("42", 5, NOW + 100));
    shared.change_pins(&word, NOW + 100).await.unwrap();
    look_again(&shared).await;
    for state in [&one, &other] {
        let found = state.pins().pin(later("42", 4, NOW + 101)).await;
        assert_eq!(found, Ok(later("42", 5, NOW + 100)));
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_revoked_is_known_to_who_has_the_new_key_alone() {
    let store = Arc::new(Memory::default());
    revoke(&replica(&store, &["old"]), alice()).await;
    let both = State::with(StateConfig::default(), Some(replica(&store, &["new", "old"]))).unwrap();
    both.start().unwrap();
    pass(1).await;
    let new = State::with(StateConfig::default(), Some(replica(&store, &["new"]))).unwrap();
    new.start().unwrap();
    pass(1).await;
    assert_eq!(new.revocations().admits(&who()), Err(Revoked::Account));
}

#[tokio::test(start_paused = true)]
async fn pins_stay_while_keys_are_replaced() {
    let store = Arc::new(Memory::default());
    let stages: [&[&str]; 4] = [&["old"], &["old", "new"], &["new", "old"], &["new"]];
    for (number, keys) in stages.into_iter().enumerate() {
        let shared = replica(&store, keys);
        let state = State::with(StateConfig::default(), Some(shared)).unwrap();
        state.start().unwrap();
        pass(2).await;
        assert_eq!(pinned(&state, &number.to_string(), 1).await.unwrap().sid, pin("", 1).sid);
        for before in 0..number {
            assert_eq!(pinned(&state, &before.to_string(), 2).await.unwrap().sid, pin("", 1).sid);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_replica_pinned_alone_is_every_ones_once_they_share_a_store() {
    let (store, place) = (Arc::new(Memory::default()), Place::new());
    let alone = State::with(place.config(), None).unwrap();
    alone.start().unwrap();
    for (subject, rid) in [("42", 1104), ("43", 1105)] {
        pinned(&alone, subject, rid).await.unwrap();
    }
    drop(alone);
    let other = server(&store).await;
    let state = server_with(&store, place.config());
    pass(3).await;
    assert_eq!(pinned(&state, "44", 1106).await, Ok(pin("44", 1106)));
    assert_eq!(pinned(&other, "42", 1).await, Ok(pin("42", 1104)));
    // What is released then does not come back from there, though it still lies there.
    assert_eq!(Operator::new(&place.config()).unwrap().pins().unwrap().len(), 2);
    replica(&store, &["key"]).change_pins(&release("43"), NOW).await.unwrap();
    drop(state);
    let state = server_with(&store, place.config());
    pass(3).await;
    assert_eq!(pinned(&state, "43", 1).await, Ok(pin("43", 1)));
}
