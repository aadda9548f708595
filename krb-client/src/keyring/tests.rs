//! Secrets that are replaced under a running client, as tools and Kubernetes do it.

use std::sync::atomic::{AtomicU64, Ordering};

use krb_proto::formats::KeytabEntry;
use krb_proto::{KerberosTime, Name, Timestamp};

use super::*;

const AES: EncType = EncType::AES256_CTS_HMAC_SHA1_96;

struct Monotonic(AtomicU64);

impl Monotonic {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Monotonic {
    fn now(&self) -> Timestamp {
        Timestamp::new(1_800_000_000, 0)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::SeqCst))
    }
}

fn account() -> Principal {
    Principal::new(Name::user("service"), "R")
}

fn key(byte: u8) -> Key {
    Key::new(AES, &[byte; 32]).unwrap()
}

/// A keytab with these versions' keys, each filled with its version.
fn keytab(kvnos: &[u8]) -> Vec<u8> {
    let entry = |&kvno: &u8| KeytabEntry {
        principal: account(),
        timestamp: KerberosTime::from_unix(1_700_000_000),
        kvno: kvno.into(),
        enctype: AES,
        key_bytes: Zeroizing::new(vec![kvno; 32]),
    };
    let keytab = Keytab { entries: kvnos.iter().map(entry).collect() };
    keytab.to_bytes().unwrap().to_vec()
}

/// A folder of the test's own.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("krb-client-keyring-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn keyring(secret: AccountSecret) -> (Keyring, Arc<Monotonic>) {
    let clock = Arc::new(Monotonic(AtomicU64::new(100)));
    (Keyring::new(account(), secret, clock.clone()), clock)
}

async fn login_key(keyring: &Keyring) -> Key {
    match keyring.login().await.unwrap().secret {
        ClientSecret::Keys(keys) => keys[0].clone(),
        _ => panic!("keys"),
    }
}

#[tokio::test]
async fn a_keytab_that_is_replaced_is_used_and_the_one_before_still_opens_tickets() {
    let folder = Folder::new("replaced");
    folder.write("keytab", &keytab(&[2]));
    let (keyring, clock) = keyring(AccountSecret::keytab(folder.path("keytab")));
    keyring.keep_up().await;
    assert_eq!(keyring.candidates(AES, Some(2)), [key(2)]);

    folder.write("new", &keytab(&[3]));
    std::fs::rename(folder.path("new"), folder.path("keytab")).unwrap();
    keyring.keep_up().await;
    assert_eq!(keyring.candidates(AES, Some(3)), [key(2)], "it was looked at just now");
    clock.pass(2);
    keyring.keep_up().await;
    assert_eq!(login_key(&keyring).await, key(3), "a login takes the newest");
    assert_eq!(keyring.candidates(AES, Some(3)), [key(3), key(2)]);
    assert_eq!(keyring.candidates(AES, Some(2)), [key(2), key(3)], "old tickets too");

    clock.pass(10 * 3600 - 1);
    assert_eq!(keyring.candidates(AES, Some(2)), [key(2), key(3)]);
    assert_eq!(keyring.state().in_use, [key(2), key(3)], "with what was derived from them");
    clock.pass(1);
    assert_eq!(keyring.candidates(AES, Some(2)), [key(3)], "no ticket is that old");
    assert_eq!(keyring.state().in_use, [key(3)], "and nothing is left of the key");
}

#[tokio::test]
async fn keys_in_use_are_remembered_each_once_and_no_more_than_so_many() {
    let folder = Folder::new("in-use");
    let kvnos: Vec<u8> = (1..=40).collect();
    folder.write("keytab", &keytab(&kvnos));
    let (keyring, clock) = keyring(AccountSecret::keytab(folder.path("keytab")));
    keyring.keep_up().await;
    for &kvno in &kvnos {
        for _ in 0..2 {
            let found = keyring.candidates(AES, Some(kvno.into()));
            assert_eq!(found.first(), Some(&key(kvno)));
            let in_use = keyring.state().in_use.clone();
            assert!(in_use.contains(&key(kvno)) && in_use.len() <= MAX_IN_USE, "{kvno}");
            let times = |one: &Key| in_use.iter().filter(|other| *other == one).count();
            assert!(in_use.iter().all(|one| times(one) == 1), "{kvno}");
        }
    }
    folder.write("keytab", &keytab(&[50]));
    clock.pass(2);
    keyring.keep_up().await;
    assert_eq!(keyring.state().in_use, [], "they are another secret's");
}

/// The KDC may use a new key a moment after the keytab was looked at, and before its successor is read.
#[tokio::test(start_paused = true)]
async fn a_key_that_was_put_there_after_the_last_look_opens_a_ticket_all_the_same() {
    let folder = Folder::new("at-once");
    folder.write("keytab", &keytab(&[2]));
    let (keyring, _) = keyring(AccountSecret::keytab(folder.path("keytab")));
    keyring.keep_up().await;
    folder.write("keytab", &keytab(&[3]));
    let began = tokio::time::Instant::now();
    keyring.look_again().await;
    assert_eq!(keyring.candidates(AES, Some(3)), [key(3), key(2)]);
    assert!(began.elapsed() >= LOOK_AGAIN, "nobody is made to look more often");
}

/// There is nothing that it could become.
#[tokio::test(start_paused = true)]
async fn a_secret_that_stays_as_it_is_is_not_waited_for() {
    let (keyring, _) = keyring(ClientSecret::Keys(vec![key(2)]).into());
    keyring.keep_up().await;
    let began = tokio::time::Instant::now();
    keyring.look_again().await;
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[cfg(unix)]
#[tokio::test]
async fn a_symbolic_link_that_is_swapped_is_noticed() {
    // As Kubernetes does it: keytab -> ..data/keytab, and ..data is swapped.
    let folder = Folder::new("swapped");
    for (version, kvno) in [("v1", 1), ("v2", 2)] {
        std::fs::create_dir(folder.path(version)).unwrap();
        folder.write(&format!("{version}/keytab"), &keytab(&[kvno]));
    }
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, folder.path(name)).unwrap();
    link("v1", "..data");
    link("..data/keytab", "keytab");
    let (keyring, clock) = keyring(AccountSecret::keytab(folder.path("keytab")));
    keyring.keep_up().await;
    assert_eq!(login_key(&keyring).await, key(1));
    link("v2", "..tmp");
    std::fs::rename(folder.path("..tmp"), folder.path("..data")).unwrap();
    clock.pass(2);
    keyring.keep_up().await;
    assert_eq!(login_key(&keyring).await, key(2));
}

#[tokio::test]
async fn what_is_half_written_or_of_no_use_leaves_the_old_keys() {
    let folder = Folder::new("broken");
    let whole = keytab(&[2, 3]);
    folder.write("keytab", &keytab(&[1]));
    let (keyring, clock) = keyring(AccountSecret::keytab(folder.path("keytab")));
    assert!(keyring.look().await.is_ok());
    let others = {
        let mut entry = Keytab::from_bytes(&keytab(&[7])).unwrap();
        entry.entries[0].principal.realm = b"OTHER".to_vec();
        entry.to_bytes().unwrap().to_vec()
    };
    for broken in [&b""[..], b"\x05", b"\x05\x02", b"not a keytab", &whole[..20], &others] {
        folder.write("keytab", broken);
        clock.pass(2);
        assert!(keyring.look().await.is_err(), "{broken:?}");
        assert!(keyring.state().problem.is_some(), "it is said once");
        assert_eq!(login_key(&keyring).await, key(1));
        assert_eq!(keyring.candidates(AES, None), [key(1)]);
    }
    std::fs::remove_file(folder.path("keytab")).unwrap();
    assert!(keyring.look().await.is_err());
    assert_eq!(login_key(&keyring).await, key(1));
    folder.write("keytab", &whole);
    assert!(keyring.look().await.unwrap());
    assert_eq!(login_key(&keyring).await, key(3));
    assert!(keyring.state().problem.is_none());
    // Cut between its entries it is a keytab, and what it lacks opens tickets all the same.
    folder.write("keytab", &whole[..whole.len() - 20]);
    assert!(keyring.look().await.unwrap());
    assert_eq!(keyring.candidates(AES, Some(3)), [key(3), key(2), key(1)]);
}

#[tokio::test]
async fn what_still_changes_is_not_taken_yet() {
    let reads = Arc::new(AtomicU64::new(0));
    let count = reads.clone();
    // Longer each time it is read, until it is "complete".
    let (keyring, _) = keyring(AccountSecret::password(move || {
        let read = count.fetch_add(1, Ordering::SeqCst);
        let text = ["old", "c", "co", "comp", "complete", "complete", "complete"][read as usize];
        Ok(Zeroizing::new(text.as_bytes().to_vec()))
    }));
    let password = async || match keyring.login().await.unwrap().secret {
        ClientSecret::Password(password) => String::from_utf8(password.to_vec()).unwrap(),
        _ => panic!("a password"),
    };
    keyring.look().await.unwrap();
    for expected in ["old", "old", "complete"] {
        assert_eq!(keyring.look().await.unwrap(), expected == "complete");
        assert_eq!(password().await, expected);
    }
}

#[tokio::test]
async fn keys_made_of_a_password_go_with_it_and_the_kdc_is_not_asked_without_end() {
    let text = Arc::new(Mutex::new("first".to_owned()));
    let now = text.clone();
    let (keyring, clock) = keyring(AccountSecret::password(move || {
        Ok(Zeroizing::new(now.lock().unwrap().as_bytes().to_vec()))
    }));
    assert!(keyring.password_to_ask_for(AES).is_none(), "nothing was read yet");
    keyring.look().await.unwrap();
    let password = keyring.password_to_ask_for(AES).unwrap();
    keyring.add_derived(&password, key(1));
    assert_eq!(keyring.candidates(AES, Some(9)), [key(1)], "of whatever version");
    clock.pass(9);
    assert!(keyring.password_to_ask_for(AES).is_none());
    assert!(keyring.password_to_ask_for(EncType::AES128_CTS_HMAC_SHA1_96).is_some());
    clock.pass(1);
    assert!(keyring.password_to_ask_for(AES).is_some(), "the salt may be another one by now");

    *text.lock().unwrap() = "second".into();
    assert!(keyring.look().await.unwrap());
    assert!(keyring.password_to_ask_for(AES).is_some(), "another password is asked for at once");
    keyring.add_derived(b"first", key(3));
    keyring.add_derived(b"second", key(2));
    assert_eq!(keyring.candidates(AES, None), [key(2), key(1)], "no key of another password");
    for byte in 10..30 {
        keyring.add_derived(b"second", key(byte));
    }
    assert_eq!(keyring.candidates(AES, None).len(), MAX_DERIVED + 1);

    for number in 0..10 {
        *text.lock().unwrap() = format!("number {number}");
        keyring.look().await.unwrap();
    }
    assert_eq!(keyring.state().former.len(), MAX_FORMER);
    *text.lock().unwrap() = String::new();
    assert!(keyring.look().await.is_err(), "an empty password is a file that was just cut");
}

#[tokio::test]
async fn the_refusal_of_a_secret_says_nothing_of_the_next_one() {
    let folder = Folder::new("refused");
    folder.write("keytab", &keytab(&[2]));
    let (keyring, _) = keyring(AccountSecret::keytab(folder.path("keytab")));
    keyring.look().await.unwrap();
    let first = keyring.login().await.unwrap().which;
    folder.write("keytab", &keytab(&[3]));
    keyring.look().await.unwrap();
    let refusal = krb_proto::exchange::KdcRefusal {
        code: ErrorCode::PREAUTH_FAILED,
        nt_status: None,
        text: None,
        server_time: Timestamp::default(),
        no_way_to: None,
    };
    let refused = ClientError::Exchange(refusal.into());
    keyring.login_failed(first, &refused);
    let second = keyring.login().await.expect("it was not tried yet").which;
    keyring.login_failed(second, &refused);
    assert!(keyring.login().await.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_holds_up_nobody_for_long() {
    let folder = Folder::new("pipe");
    let path = folder.0.join("keytab");
    std::fs::write(&path, keytab(&[1])).unwrap();
    let (keyring, clock) = keyring(AccountSecret::keytab(&path));
    keyring.look().await.unwrap();
    std::fs::remove_file(&path).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    for _ in 0..2 {
        clock.pass(10);
        let looked = tokio::time::timeout(READ_TIME * 3, keyring.look()).await;
        let error = looked.expect("an end").unwrap_err();
        assert!(error.to_string().contains("keytab"), "{error}");
        assert_eq!(keyring.candidates(AES, Some(1)), [key(1)], "what was read before stays");
    }
    // The thread that hangs reads what comes at last.
    let writer = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    drop(writer);
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, keytab(&[2])).unwrap();
    assert!(keyring.look().await.unwrap());
}
