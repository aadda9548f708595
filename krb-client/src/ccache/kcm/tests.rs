//! Against a daemon of our own, which knows MIT's operations or does not, and may answer anything.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::super::testing::{Scratch, cache, configuration, names as held, ticket};
use super::*;

const NOW: u32 = 1000;
/// What sssd-kcm says to what it does not know (KRB5_CC_IO), and Heimdal's daemon
/// (KRB5_FCC_INTERNAL).
const UNKNOWN: [i32; 2] = [-1_765_328_183, -1_765_328_188];
const NOT_THERE: i32 = -1_765_328_189;

#[derive(Default)]
struct Daemon {
    caches: BTreeMap<String, (Vec<u8>, Vec<Vec<u8>>)>,
    primary: String,
    /// What it says to MIT's operations, if it does not know them.
    unknown: Option<i32>,
    asked: Vec<u16>,
}

impl Daemon {
    fn answer(&mut self, operation: u16, arguments: &[u8]) -> Result<Vec<u8>, i32> {
        self.asked.push(operation);
        let named = |arguments: &[u8]| {
            let end = arguments.iter().position(|byte| *byte == 0).unwrap();
            (String::from_utf8(arguments[..end].to_vec()).unwrap(), arguments[end + 1..].to_vec())
        };
        let with_nul = |name: &str| [name.as_bytes(), &[0]].concat();
        let uuid = |number: usize| vec![number as u8; UUID];
        match (operation, self.unknown) {
            (13001 | 13002, Some(code)) => return Err(code),
            (3, _) => return Ok(with_nul("made")),
            (18, _) => return Ok((0..self.caches.len()).flat_map(uuid).collect()),
            (19, _) => {
                let name = self.caches.keys().nth(arguments[0].into()).ok_or(NOT_THERE)?;
                return Ok(with_nul(name));
            }
            (20, _) => return Ok(with_nul(&self.primary)),
            _ => {}
        }
        let (name, rest) = named(arguments);
        match operation {
            4 => drop(self.caches.insert(name, (rest, Vec::new()))),
            5 => drop(self.caches.remove(&name).ok_or(NOT_THERE)?),
            6 => self.caches.get_mut(&name).ok_or(NOT_THERE)?.1.push(rest),
            8 => {
                return self
                    .caches
                    .get(&name)
                    .map(|(principal, _)| principal.clone())
                    .ok_or(NOT_THERE);
            }
            9 => {
                let count = self.caches.get(&name).ok_or(NOT_THERE)?.1.len();
                // One more, which is gone by the time that it is asked for.
                return Ok((0..=count).flat_map(uuid).collect());
            }
            10 => {
                let entries = &self.caches.get(&name).ok_or(NOT_THERE)?.1;
                return entries.get(usize::from(rest[0])).cloned().ok_or(-1_765_328_242);
            }
            21 => self.primary = name,
            22 => return Ok(7_i32.to_be_bytes().to_vec()),
            13001 => {
                let entries = &self.caches.get(&name).ok_or(NOT_THERE)?.1;
                let mut list = (entries.len() as u32).to_be_bytes().to_vec();
                for entry in entries {
                    list.extend_from_slice(&(entry.len() as u32).to_be_bytes());
                    list.extend_from_slice(entry);
                }
                return Ok(list);
            }
            13002 => {
                // An offset, the principal, and entries with lengths in front.
                let read = CredentialCache::principal_from_bytes(&rest[4..]).unwrap();
                let principal = CredentialCache::principal_to_bytes(&read);
                let entries = counted(&rest[4 + principal.len()..]).ok().unwrap();
                let entries = entries.into_iter().map(|entry| entry.to_vec()).collect();
                self.caches.insert(name, (principal, entries));
            }
            _ => return Err(UNKNOWN[0]),
        }
        Ok(Vec::new())
    }

    fn serve(daemon: &Mutex<Self>, mut stream: UnixStream) -> std::io::Result<()> {
        loop {
            let mut length = [0; 4];
            stream.read_exact(&mut length)?;
            let mut request = vec![0; u32::from_be_bytes(length) as usize];
            stream.read_exact(&mut request)?;
            assert_eq!(request[..2], [2, 0]);
            let operation = u16::from_be_bytes([request[2], request[3]]);
            let reply = match daemon.lock().unwrap().answer(operation, &request[4..]) {
                Ok(reply) => [&[0; 4], &*reply].concat(),
                Err(code) => code.to_be_bytes().to_vec(),
            };
            let head = [&(reply.len() as u32).to_be_bytes()[..], &[0; 4]].concat();
            stream.write_all(&[head, reply].concat())?;
        }
    }
}

/// A socket, and what answers there. Its threads end with the test.
fn start(scratch: &Scratch, unknown: Option<i32>) -> (PathBuf, Arc<Mutex<Daemon>>) {
    let socket = scratch.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let primary = "0".to_owned();
    let daemon = Arc::new(Mutex::new(Daemon { unknown, primary, ..Daemon::default() }));
    let serving = daemon.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let serving = serving.clone();
            thread::spawn(move || Daemon::serve(&serving, stream.unwrap()));
        }
    });
    (socket, daemon)
}

#[test]
fn a_daemon_that_does_not_know_mits_operations_is_asked_in_the_old_way() {
    for unknown in [None, Some(UNKNOWN[0]), Some(UNKNOWN[1])] {
        let scratch = Scratch::new();
        let (socket, daemon) = start(&scratch, unknown);
        let first = Kcm::resolve(&socket, "").unwrap();
        assert_eq!(first.name(), "KCM:0");
        assert!(first.read().unwrap_err().is_not_found());
        assert!(Kcm::all(&socket, "").unwrap().is_empty());
        assert!(!first.destroy().unwrap());
        let begun = cache(&[ticket("krbtgt", 2000), configuration("fast_avail")]);
        first.initialize(&begun, NOW).unwrap();
        first.store(&[ticket("web", 2000)], NOW).unwrap();
        let cache_now = first.read().unwrap();
        assert_eq!(held(&cache_now), ["R", "fast_avail", "web"], "{unknown:?}");
        assert_eq!(cache_now.kdc_offset.map(|offset| offset.seconds), Some(7));
        // It has ended meanwhile, and another one takes its place.
        first.store(&[ticket("web", 3000)], 2500).unwrap();
        assert_eq!(first.read().unwrap().tickets().count(), 2);

        let second = Kcm::unique(&socket).unwrap();
        second.initialize(&cache(&[]), NOW).unwrap();
        second.switch_to().unwrap();
        let all: Vec<_> = Kcm::all(&socket, "").unwrap().iter().map(Place::name).collect();
        assert_eq!(all, ["KCM:made", "KCM:0"], "the primary one first");
        assert!(second.destroy().unwrap() && first.destroy().unwrap());
        let asked = &daemon.lock().unwrap().asked;
        assert!(asked.contains(&13002) && asked.contains(&13001), "tried first: {asked:?}");
        assert_eq!(asked.contains(&4), unknown.is_some(), "{asked:?}");
    }
}

#[test]
fn a_refusal_says_of_what_and_a_daemon_that_is_not_there_where() {
    let scratch = Scratch::new();
    let (socket, daemon) = start(&scratch, None);
    let absent = scratch.path().join("absent");
    let error = Kcm::resolve(&absent, "").err().unwrap();
    assert!(matches!(error, CacheError::NoDaemon { .. }), "{error}");
    assert!(error.to_string().contains("absent") && error.to_string().contains("FILE:"), "{error}");
    let full = Kcm::resolve(&socket, "full").unwrap();
    full.initialize(&cache(&[]), NOW).unwrap();
    daemon.lock().unwrap().caches.get_mut("full").unwrap().1.push(b"no entry".to_vec());
    assert!(matches!(full.read().unwrap_err(), CacheError::Format { .. }));
    for named in [Kcm::resolve(&socket, "a\0b").map(drop), Kcm::all(&socket, "a\0b").map(drop)] {
        let error = named.unwrap_err();
        assert!(
            matches!(&error, CacheError::BadName { cache, .. } if cache == "KCM:ab"),
            "{error}"
        );
    }
}

#[test]
fn no_more_entries_are_read_than_a_cache_may_hold() {
    for unknown in [None, Some(UNKNOWN[0])] {
        let scratch = Scratch::new();
        let (socket, daemon) = start(&scratch, unknown);
        let place = Kcm::resolve(&socket, "much").unwrap();
        place.initialize(&cache(&[]), NOW).unwrap();
        let entry = ticket("web", 2000).to_bytes().to_vec();
        daemon.lock().unwrap().caches.get_mut("much").unwrap().1 = vec![entry; MAX_ENTRIES + 1];
        let error = place.read().unwrap_err();
        assert!(matches!(error, CacheError::Full { .. }), "{error}");
        let asked = daemon.lock().unwrap().asked.len();
        assert!(asked < 10, "{asked}: none is asked for");
    }
}

#[test]
fn a_daemon_that_says_little_at_a_time_or_takes_no_connection_is_given_up() {
    let scratch = Scratch::new();
    let socket = scratch.path().join("socket");
    let listener = UnixListener::bind(&socket).unwrap();
    let soon = || Instant::now() + Duration::from_millis(500);
    let drips = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        while stream.write_all(&[0]).is_ok() {
            thread::sleep(Duration::from_millis(100));
        }
    });
    let mut daemon = Connection::until(&socket, soon()).ok().unwrap();
    // That would take ten seconds.
    daemon.read_exact(&mut [0; 100]).unwrap_err();
    drop(daemon);
    drips.join().unwrap();

    let stands_still = scratch.path().join("still");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
    let _within = runtime.enter();
    let listener = tokio::net::UnixSocket::new_stream().unwrap();
    listener.bind(&stands_still).unwrap();
    let _listener = listener.listen(1).unwrap();
    let mut waiting = Vec::new();
    let error = loop {
        assert!(waiting.len() < 10, "its queue is full in the end");
        match Connection::until(&stands_still, soon()) {
            Ok(connection) => waiting.push(connection),
            Err(error) => break error.about("KCM:", &stands_still),
        }
    };
    assert!(matches!(&error, CacheError::NoDaemon { .. }), "{error}");
    assert!(error.to_string().contains("in time"), "{error}");

    // Those who wait for it are in nobody's way who asks another one.
    let scratch = Scratch::new();
    let (well, _) = start(&scratch, None);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| assert!(Connection::until(&stands_still, soon()).is_err()));
        }
        thread::sleep(Duration::from_millis(100));
        assert_eq!(Kcm::resolve(&well, "").unwrap().name(), "KCM:0");
    });
}

#[test]
fn what_a_daemon_answers_is_not_believed() {
    for (reply, why) in [
        (&[][..], ""),
        (&[0, 0, 0, 4][..], ""),
        (&[0x7f, 0, 0, 0, 0, 0, 0, 0], "longer than"),
        (&[0, 0, 0, 2, 0, 0, 0, 0, 0, 0], "makes no sense"),
        // A name without an end, one that is no text, and one that is cut.
        (&[0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, b'a'], "makes no sense"),
        (&[0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0], "makes no sense"),
        (&[0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, b'a'], ""),
    ] {
        let scratch = Scratch::new();
        let socket = scratch.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 8];
                stream.read_exact(&mut request).unwrap();
                stream.write_all(reply).unwrap();
            });
            let error = Kcm::resolve(&socket, "").err().unwrap();
            assert!(matches!(error, CacheError::Io { .. }), "{reply:?}: {error}");
            assert!(error.to_string().contains(why), "{error}");
        });
    }
    for list in [&[][..], &[0, 0, 0, 1], &[0, 0, 0, 1, 0, 0, 0, 9, 1], &[0xff; 8]] {
        assert!(counted(list).is_err(), "{list:?}");
    }
}
