use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use krb_proto::pac::Sid;

use super::look::LOOK;
use super::*;

/// A directory for state, gone with its value.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("krb-state-{}-{number}", std::process::id())))
    }

    pub(super) fn config(&self) -> StateConfig {
        StateConfig { directory: Some(self.0.clone()), ..StateConfig::default() }
    }

    fn operator(&self) -> Operator {
        Operator::new(&self.config()).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn new(config: StateConfig) -> Result<Arc<State>, ConfigError> {
    State::with(config, None)
}

const NOW: i64 = 1_800_000_000;

fn sid(rid: u32) -> Sid {
    format!("S-1-5-21-1-2-3-{rid}").parse().unwrap()
}

fn alice(issued_at: Option<i64>, sid: Option<&Sid>) -> Who<'_> {
    Who { issuer: "https://a", subject: "42", issued_at, name: Some("alice"), sid }
}

fn subject(issuer: &str) -> Whose {
    Whose::Subject { issuer: issuer.into(), subject: "42".into() }
}

fn account(name: &str) -> Whose {
    Whose::Account { account: name.into() }
}

fn revoked(list: &RevocationList) -> Revocations {
    let revocations = Revocations::default();
    assert!(revocations.replace(list));
    revocations
}

#[test]
fn who_is_revoked_is_asked_by_all_that_is_known_of_them() {
    let mut list = RevocationList::default();
    list.revoke(subject("https://a"), NOW).unwrap();
    let revocations = revoked(&list);
    for (issued_at, admitted) in
        [(Some(NOW - 1), false), (Some(NOW), false), (Some(NOW + 1), true), (None, false)]
    {
        let who = alice(issued_at, None);
        assert_eq!(revocations.admits(&who).is_ok(), admitted, "{issued_at:?}");
        assert_eq!(revocations.admits(&Who { issuer: "https://b", ..who }), Ok(()), "another's");
        assert_eq!(revocations.admits(&Who { subject: "4", ..who }), Ok(()));
    }

    let (one, other) = (sid(1104), sid(1105));
    let mut list = RevocationList::default();
    list.revoke(Whose::Sid { sid: one.to_string() }, NOW).unwrap();
    let revocations = revoked(&list);
    let late = Some(NOW + 100_000);
    assert_eq!(revocations.admits(&alice(late, Some(&one))), Err(Revoked::Account));
    assert_eq!(revocations.admits(&alice(late, Some(&other))), Ok(()));

    let mut list = RevocationList::default();
    list.revoke(account("ALICE"), NOW).unwrap();
    let revocations = revoked(&list);
    assert_eq!(revocations.admits(&alice(late, None)), Err(Revoked::Account));
    assert_eq!(revocations.admits(&Who { name: Some("alice2"), ..alice(late, None) }), Ok(()));
}

#[test]
fn a_generation_is_another_after_each_revocation_and_stays_so_when_that_is_lifted() {
    let mut list = RevocationList::default();
    let (revocations, who) = (Revocations::default(), alice(None, None));
    let mut seen = vec![revocations.generation(&who)];
    let mut after = |list: &RevocationList, is_new: bool| {
        assert!(revocations.replace(list));
        let generation = revocations.generation(&who);
        assert_eq!(seen.last() != Some(&generation), is_new, "{list:?}");
        seen.push(generation);
    };
    list.revoke(account("alice"), NOW).unwrap();
    after(&list, true);
    list.revoke(account("bob"), NOW).unwrap();
    after(&list, false);
    list.revoke(subject("https://a"), NOW).unwrap();
    after(&list, true);
    list.lift(&account("Alice"), NOW).unwrap();
    after(&list, false);
    list.revoke(account("alice"), NOW).unwrap();
    after(&list, true);
    list.lift(&account("alice"), NOW).unwrap();
    list.lift(&subject("https://a"), NOW).unwrap();
    after(&list, false);
    assert_eq!(revocations.admits(&who), Ok(()));
    assert!(list.lift(&account("alice"), NOW).is_err());
}

#[test]
fn what_was_lifted_is_forgotten_after_a_day_and_what_stands_never_makes_room() {
    let mut list = RevocationList::default();
    list.revoke(account("alice"), NOW).unwrap();
    list.lift(&account("alice"), NOW).unwrap();
    list.revoke(account("bob"), NOW + 86_399).unwrap();
    assert_eq!(list.entries.len(), 2);
    list.revoke(account("erin"), NOW + 86_400).unwrap();
    assert_eq!(list.entries.len(), 2, "alice's is forgotten");
    // Filled by hand: each one looks at all others.
    let entry = list.entries[0].clone();
    list.entries = (0..revocations::MAX_REVOCATIONS)
        .map(|number| Revocation { whose: account(&number.to_string()), ..entry.clone() })
        .collect();
    assert!(matches!(list.revoke(account("late"), NOW), Err(StateError::Full(_))));
    list.revoke(account("7"), NOW).unwrap();
}

#[test]
fn a_sid_is_itself_however_it_was_written() {
    let mut list = RevocationList::default();
    list.revoke(Whose::Sid { sid: "S-1-0x5-21-1-2-3-01104".into() }, NOW).unwrap();
    assert_eq!(revoked(&list).admits(&alice(None, Some(&sid(1104)))), Err(Revoked::Account));
    list.lift(&Whose::Sid { sid: sid(1104).to_string() }, NOW).unwrap();
    assert_eq!(revoked(&list).admits(&alice(None, Some(&sid(1104)))), Ok(()));
}

/// So many names of one letter, some of them lifted, each a second after the other.
fn many(letter: char, count: usize, lifted: usize) -> RevocationList {
    let entry = |number: usize| Revocation {
        whose: account(&format!("{letter}{number}")),
        at: NOW,
        generation: number as u64 + 1,
        lifted: (number < lifted).then(|| NOW + 1 + i64::try_from(number).unwrap()),
    };
    RevocationList { generation: count as u64, entries: (0..count).map(entry).collect() }
}

#[test]
fn lists_that_are_put_together_keep_all_that_stands_and_no_more_than_there_may_be() {
    const MAX: usize = revocations::MAX_REVOCATIONS;
    let mut list = many('a', MAX, 5);
    list.merge(&many('A', MAX, 5)).unwrap();
    assert_eq!((list.entries.len(), list.generation > MAX as u64), (MAX, true), "the same ones");
    // Five too many, and nine were lifted: those that were lifted last are still remembered.
    let mut other = many('b', 5, 4);
    other.entries.reverse();
    list.merge(&other).unwrap();
    let lifted: Vec<_> = list.entries.iter().filter(|entry| entry.lifted.is_some()).collect();
    assert_eq!((list.entries.len(), lifted.len()), (MAX, 4));
    assert!(lifted.iter().all(|entry| entry.lifted.unwrap() >= NOW + 3), "{lifted:?}");
    list.merge(&many('c', 4, 0)).unwrap();
    assert_eq!(list.entries.len(), MAX, "nothing else was lifted");
    assert!(matches!(list.merge(&many('d', 1, 0)), Err(StateError::Full(MAX))));
}

#[tokio::test(start_paused = true)]
async fn a_running_server_sees_within_a_second_who_is_revoked() {
    let place = Place::new();
    let state = new(place.config()).unwrap();
    state.start().unwrap();
    let (revocations, who) = (state.revocations(), alice(Some(NOW), None));
    assert_eq!(revocations.admits(&who), Ok(()));
    let begun = tokio::time::Instant::now();
    place.operator().revoke(account("alice"), NOW).unwrap();
    assert_eq!(revocations.revoked(&who).await, Revoked::Account);
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    place.operator().lift(&account("alice"), NOW).unwrap();
    let mut changed = revocations.watch();
    changed.changed().await.unwrap();
    assert_eq!(revocations.admits(&who), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn when_it_cannot_be_known_who_was_revoked_nobody_is_admitted() {
    let place = Place::new();
    let old = place.operator();
    old.revoke(account("bob"), NOW).unwrap();
    let first = fs::read(place.file("revocations")).unwrap();
    old.revoke(account("alice"), NOW).unwrap();
    let state = new(place.config()).unwrap();
    state.start().unwrap();
    let erin = Who { name: Some("erin"), ..alice(Some(NOW), None) };
    assert_eq!(state.revocations().admits(&erin), Ok(()));
    // Edited, torn, replaced by an older one, gone: each is put in its place as an editor does it.
    let whole = fs::read(place.file("revocations")).unwrap();
    let mut edited = whole.clone();
    *edited.last_mut().unwrap() ^= 1;
    let torn = whole[..whole.len() - 1].to_vec();
    for (what, bytes) in
        [("edited", Some(edited)), ("torn", Some(torn)), ("old", Some(first)), ("gone", None)]
    {
        match bytes {
            Some(bytes) => {
                fs::write(place.file("new"), bytes).unwrap();
                fs::rename(place.file("new"), place.file("revocations")).unwrap();
            }
            None => fs::remove_file(place.file("revocations")).unwrap(),
        }
        assert_eq!(state.revocations().revoked(&erin).await, Revoked::Unknown, "{what}");
        fs::write(place.file("new"), &whole).unwrap();
        fs::rename(place.file("new"), place.file("revocations")).unwrap();
        tokio::time::sleep(2 * LOOK).await;
        assert_eq!(state.revocations().admits(&erin), Ok(()), "restored after {what}");
    }
}

/// As when there are too many open files, or a disk fails for a moment: it is one file all the while.
#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_once_is_read_again_though_nobody_replaced_it() {
    let place = Place::new();
    place.operator().revoke(account("bob"), NOW).unwrap();
    let state = started(place.config()).await;
    state.pins().pin(pin("42", 1104)).await.unwrap();
    let erin = Who { name: Some("erin"), ..alice(Some(NOW), None) };
    let is_served = async || {
        let revocations = state.revocations().admits(&erin);
        (revocations != Err(Revoked::Unknown), state.pins().pin(pin("42", 1105)).await.is_ok())
    };
    let later = std::time::SystemTime::now() + Duration::from_secs(60);
    for (name, without) in [("revocations", (false, true)), ("pins", (true, false))] {
        let write = |bytes: &[u8]| {
            fs::write(place.file(name), bytes).unwrap();
            let file = fs::OpenOptions::new().write(true).open(place.file(name)).unwrap();
            file.set_modified(later).unwrap();
        };
        let whole = fs::read(place.file(name)).unwrap();
        let mut spoilt = whole.clone();
        *spoilt.last_mut().unwrap() ^= 1;
        write(&spoilt);
        tokio::time::sleep(4 * LOOK).await;
        assert_eq!(is_served().await, without, "{name}");
        write(&whole);
        tokio::time::sleep(2 * LOOK).await;
        assert_eq!(is_served().await, (true, true), "{name}");
    }
}

/// A share that is away, say.
#[tokio::test]
async fn a_file_that_is_never_read_to_its_end_keeps_nobody_else_waiting() {
    let place = Place::new();
    let state = started(place.config()).await;
    let (whole, pipe) = (fs::read(place.file("revocations")).unwrap(), place.file("pipe"));
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    fs::rename(&pipe, place.file("revocations")).unwrap();
    let (revocations, who) = (state.revocations(), alice(Some(NOW), None));
    let lost = tokio::time::timeout(Duration::from_secs(10), revocations.revoked(&who)).await;
    // Somebody who writes, and is gone: it is at its end.
    fs::OpenOptions::new().read(true).write(true).open(place.file("revocations")).unwrap();
    assert_eq!(lost, Ok(Revoked::Unknown));
    fs::write(&pipe, whole).unwrap();
    fs::rename(&pipe, place.file("revocations")).unwrap();
    for _ in 0..100 {
        if revocations.admits(&who).is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it stays lost");
}

#[test]
fn what_is_not_sealed_with_the_key_is_not_believed_at_the_start() {
    let place = Place::new();
    place.operator().revoke(account("alice"), NOW).unwrap();
    assert!(new(place.config()).is_ok());
    let path = place.file("revocations");
    let text = fs::read_to_string(&path).unwrap();
    for edited in [
        text.replace("alice", "alicf"),
        text.replace("krb-mcp state 1 ", "krb-mcp state 2 "),
        text[..text.len() - 1].to_owned(),
        String::new(),
    ] {
        fs::write(&path, &edited).unwrap();
        let error = new(place.config()).unwrap_err().to_string();
        assert!(error.contains("seal is wrong") && error.contains("restore it"), "{error}");
        assert!(Operator::new(&place.config()).unwrap().revoke(account("bob"), NOW).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), edited, "and is left as it is");
    }
    fs::write(&path, &text).unwrap();
    let key = serde_json::from_str(r#""0123456789abcdef0123456789abcdef""#).unwrap();
    let other = StateConfig { key: Some(key), ..place.config() };
    assert!(new(other).unwrap_err().to_string().contains("another state.key"));
}

#[test]
fn the_state_is_its_owners_alone() {
    let place = Place::new();
    place.operator().revoke(account("alice"), NOW).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.0), 0o700);
    let files: Vec<_> = fs::read_dir(&place.0).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o755)).unwrap();
    let error = new(place.config()).unwrap_err().to_string();
    assert!(error.contains("chmod 700"), "{error}");
}

#[test]
fn two_who_write_at_once_lose_nothing() {
    let place = Place::new();
    place.operator();
    std::thread::scope(|scope| {
        for one in 0..4 {
            let place = &place;
            scope.spawn(move || {
                for number in 0..25 {
                    place.operator().revoke(account(&format!("{one}-{number}")), NOW).unwrap();
                }
            });
        }
    });
    assert_eq!(place.operator().revocations().unwrap().len(), 100);
}

pub(super) fn pin(subject: &str, rid: u32) -> Pin {
    Pin {
        issuer: "https://a".into(),
        subject: subject.into(),
        realm: "R".into(),
        sid: sid(rid).to_string(),
        account: format!("user{rid}"),
        at: NOW,
        approved: false,
    }
}

async fn started(config: StateConfig) -> Arc<State> {
    let state = new(config).unwrap();
    state.start().unwrap();
    state
}

#[tokio::test(start_paused = true)]
async fn pins_outlive_a_restart() {
    let place = Place::new();
    let state = started(place.config()).await;
    assert_eq!(state.pins().pin(pin("42", 1104)).await, Ok(pin("42", 1104)));
    assert_eq!(state.pins().pin(pin("42", 1105)).await, Ok(pin("42", 1104)), "the first one");
    drop(state);
    let state = started(place.config()).await;
    assert_eq!(state.pins().pin(pin("42", 1105)).await, Ok(pin("42", 1104)));
    // Released by an operator, it is whoever comes next.
    assert_eq!(place.operator().change_pins(&PinChange::Release(pin("42", 0).of())).unwrap(), 1);
    tokio::time::sleep(2 * LOOK).await;
    assert_eq!(state.pins().pin(pin("42", 1105)).await, Ok(pin("42", 1105)));
}

#[tokio::test(start_paused = true)]
async fn where_pins_are_approved_a_first_sight_is_not_enough() {
    let place = Place::new();
    let config = StateConfig { pins: PinsMode::Approved, ..place.config() };
    let state = started(config).await;
    for _ in 0..2 {
        assert_eq!(state.pins().pin(pin("42", 1104)).await, Err(NotPinned::NotApproved));
    }
    let waiting = place.operator().pins().unwrap();
    assert_eq!(waiting, [pin("42", 1104)], "what was seen waits for the operator");
    assert_eq!(place.operator().change_pins(&PinChange::Approve(None)).unwrap(), 1);
    tokio::time::sleep(2 * LOOK).await;
    let approved = Pin { approved: true, ..pin("42", 1104) };
    assert_eq!(state.pins().pin(pin("42", 1104)).await, Ok(approved));
    assert_eq!(state.pins().pin(pin("43", 1104)).await, Err(NotPinned::NotApproved));
}

#[tokio::test(start_paused = true)]
async fn pins_that_cannot_be_read_or_written_are_nobodys() {
    let place = Place::new();
    let state = started(place.config()).await;
    state.pins().pin(pin("42", 1104)).await.unwrap();
    let whole = fs::read_to_string(place.file("pins")).unwrap();
    for broken in [whole.replace("1104", "1105"), whole.replace("42", "43"), whole[1..].to_owned()]
    {
        fs::write(place.file("new"), broken).unwrap();
        fs::rename(place.file("new"), place.file("pins")).unwrap();
        tokio::time::sleep(2 * LOOK).await;
        let unknown = state.pins().pin(pin("42", 1104)).await;
        assert!(matches!(unknown, Err(NotPinned::Unknown(_))), "{unknown:?}");
        let error = new(place.config()).unwrap_err().to_string();
        assert!(error.contains("seal is wrong"), "{error}");
    }
    fs::remove_file(place.file("pins")).unwrap();
    let error = new(place.config()).unwrap_err().to_string();
    assert!(error.contains("it is gone, although others are there"), "{error}");
    fs::write(place.file("pins"), &whole).unwrap();
    tokio::time::sleep(2 * LOOK).await;
    assert!(state.pins().pin(pin("42", 1104)).await.is_ok());
    // One from before a pin: whoever is pinned anew would be whom the name leads to now.
    assert!(state.pins().pin(pin("43", 1106)).await.is_ok());
    fs::write(place.file("new"), &whole).unwrap();
    let newer = fs::read(place.file("pins")).unwrap();
    fs::rename(place.file("new"), place.file("pins")).unwrap();
    let first_sight = state.pins().pin(pin("44", 1107)).await;
    assert!(matches!(first_sight, Err(NotPinned::Unknown(_))), "before it was looked at");
    tokio::time::sleep(2 * LOOK).await;
    for (subject, rid) in [("43", 1105), ("42", 1104)] {
        let older = state.pins().pin(pin(subject, rid)).await;
        assert!(matches!(older, Err(NotPinned::Unknown(_))), "{older:?}");
    }
    fs::write(place.file("pins"), newer).unwrap();
    tokio::time::sleep(2 * LOOK).await;
    assert_eq!(state.pins().pin(pin("43", 1105)).await, Ok(pin("43", 1106)));
    // What cannot be written is not pinned, and nothing is done in its name.
    fs::remove_dir_all(&place.0).unwrap();
    let unknown = state.pins().pin(pin("new", 1104)).await;
    assert!(matches!(unknown, Err(NotPinned::Unknown(_))), "{unknown:?}");
}

#[tokio::test]
async fn many_first_sights_at_once_share_their_writes_and_none_is_lost() {
    let place = Place::new();
    let state = started(place.config()).await;
    let mut sights = tokio::task::JoinSet::new();
    for number in 0..200 {
        let state = state.clone();
        // Two at a time are of one subject, and not of one account.
        let seen = pin(&(number / 2).to_string(), number);
        sights.spawn(async move { state.pins().pin(seen).await.unwrap() });
    }
    let mut found: Vec<_> =
        sights.join_all().await.into_iter().map(|p| (p.subject, p.sid)).collect();
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 100, "each subject is one account");
    let mut kept = place.operator().pins().unwrap();
    kept.sort_by(|one, other| one.subject.cmp(&other.subject));
    assert_eq!(kept.into_iter().map(|p| (p.subject, p.sid)).collect::<Vec<_>>(), found);
}
