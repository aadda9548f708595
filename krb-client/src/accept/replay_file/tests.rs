use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::thread;

use super::*;
use crate::ccache::testing::Scratch;

const NOW: i64 = 1_800_000_000;
const SKEW: u32 = 300;

/// The login of a number, by a client whose clock says `time`.
fn login(number: u32, time: i64, now: i64) -> Login {
    let mut replay_tag = [0xaa; TAG];
    replay_tag[..4].copy_from_slice(&number.to_be_bytes());
    Login { who: "alice".into(), digest: [0; 32], replay_tag, time, now, skew: SKEW }
}

fn cache(scratch: &Scratch) -> PathBuf {
    scratch.path().join("rcache")
}

#[tokio::test]
async fn whoever_has_the_file_knows_of_a_login_for_as_long_as_it_would_be_taken() {
    let scratch = Scratch::new();
    let [one, other] = [0, 1].map(|_| ReplayFile::at(&cache(&scratch)));
    for (number, time) in [(1, NOW - 300), (2, NOW), (3, NOW + 300)] {
        assert!(one.is_first(&login(number, time, NOW)).await.unwrap());
        // Up to its last second, in which it is not too old.
        for now in [NOW, time + 300] {
            for place in [&one, &other] {
                assert!(
                    !place.is_first(&login(number, time, now)).await.unwrap(),
                    "{number} {now}"
                );
            }
        }
    }
    assert_eq!(fs::metadata(cache(&scratch)).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_has_ended_makes_room_and_nothing_else_does() {
    let scratch = Scratch::new();
    let path = cache(&scratch);
    let store_all = |now: i64, numbers: std::ops::Range<u32>| {
        numbers.filter(|number| store(&path, &login(*number, now, now)).unwrap()).count()
    };
    // More than two tables hold.
    assert_eq!(store_all(NOW, 0..3000), 3000);
    assert_eq!(store_all(NOW + 299, 0..3000), 0);
    assert!(fs::metadata(&path).unwrap().len() > 49_152, "a third table");
    // A second after they could come again, as many others take their places; all of them, each beside the
    // others, would need a sixth table.
    let mut now = NOW;
    for round in 1..10 {
        now += 301;
        let numbers = 3000 * round..3000 * (round + 1);
        assert_eq!(store_all(now, numbers.clone()), 3000);
        assert_eq!(store_all(now, numbers), 0);
    }
    assert!(fs::metadata(&path).unwrap().len() <= 507_920, "no sixth table");
}

#[test]
fn of_many_who_come_with_one_login_one_is_let_in() {
    let scratch = Scratch::new();
    let path = cache(&scratch);
    for number in 0..20 {
        let is_new = || store(&path, &login(number, NOW, NOW)).unwrap();
        let new = thread::scope(|scope| {
            let all = [0; 8].map(|_| scope.spawn(is_new));
            all.into_iter().map(|one| one.join().unwrap()).filter(|new| *new).count()
        });
        assert_eq!(new, 1);
    }
}

#[test]
fn a_file_of_anything_is_read_and_written_without_harm() {
    let scratch = Scratch::new();
    for length in [0, 1, 15, 16, 17, 31, 32, 40, 16_384, 16_390] {
        fs::write(cache(&scratch), vec![0xff; length]).unwrap();
        assert!(store(&cache(&scratch), &login(1, NOW, NOW)).unwrap(), "{length}");
        assert!(!store(&cache(&scratch), &login(1, NOW, NOW)).unwrap(), "{length}");
    }
}

#[test]
fn links_folders_and_other_users_files_are_refused() {
    let scratch = Scratch::new();
    let [target, link, folder] = ["target", "link", "folder"].map(|name| scratch.path().join(name));
    fs::write(&target, "what is dear to somebody").unwrap();
    symlink(&target, &link).unwrap();
    fs::create_dir(&folder).unwrap();
    let refused = |path: &Path| store(path, &login(1, NOW, NOW)).unwrap_err().to_string();
    for path in [&link, &folder, &scratch.path().join("absent/rcache")] {
        refused(path);
    }
    fs::set_permissions(&target, Permissions::from_mode(0o666)).unwrap();
    if nix::unistd::geteuid().is_root() {
        chown(&target, Some(65_534), None).unwrap();
        assert!(refused(&target).contains("another user"));
    }
    assert_eq!(fs::read_to_string(&target).unwrap(), "what is dear to somebody");
}
