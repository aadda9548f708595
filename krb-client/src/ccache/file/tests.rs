use std::io::Read as _;
use std::sync::Barrier;
use std::thread;

use super::super::testing::{Scratch, cache, configuration, names, ticket};
use super::*;

const NOW: u32 = 1000;

fn file(scratch: &Scratch) -> CacheFile {
    CacheFile::new(scratch.path().join("cc"))
}

#[test]
fn what_is_stored_is_appended_and_what_it_supersedes_is_marked_where_it_lies() {
    let scratch = Scratch::new();
    let place = file(&scratch);
    assert!(place.store(&[ticket("web", 2000)], NOW).unwrap_err().is_not_found());
    let old = ticket("web", 900);
    place
        .initialize(&cache(&[configuration("pa_type"), old, ticket("krbtgt", 2000)]), NOW)
        .unwrap();
    let before = fs::read(place.path()).unwrap();
    let inode = |path: &Path| std::os::unix::fs::MetadataExt::ino(&fs::metadata(path).unwrap());
    let lies_at = inode(place.path());

    place.store(&[ticket("files", 2000)], NOW).unwrap();
    let after = fs::read(place.path()).unwrap();
    assert!(after.starts_with(&before), "appended");
    place.store(&[ticket("web", 2000)], NOW).unwrap();
    let after_both = fs::read(place.path()).unwrap();
    let new = ticket("web", 2000).to_bytes().len();
    assert_eq!(after_both.len(), after.len() + new, "marked where it lay");
    assert_eq!(inode(place.path()), lies_at, "the same file, whoever has it open");
    assert_eq!(names(&place.read().unwrap()), ["pa_type", "R", "files", "web"]);
    place.store(&[configuration("pa_type")], NOW).unwrap();
    assert_eq!(names(&place.read().unwrap()), ["R", "files", "web", "pa_type"]);
}

#[test]
fn a_file_of_what_was_removed_is_written_anew() {
    let scratch = Scratch::new();
    let place = file(&scratch);
    place.initialize(&cache(&[configuration("pa_type")]), NOW).unwrap();
    let mut large = ticket("web", 2000);
    large.ticket = vec![7; 20_000];
    let mut longest = 0;
    for end in 0..50 {
        large.times[2] = 2000 + end;
        place.store(&[large.clone()], NOW).unwrap();
        longest = longest.max(fs::metadata(place.path()).unwrap().len());
    }
    assert!(longest > 3 * 20_000, "marked where it lay, at first");
    assert!(longest < 10 * 20_000, "{longest} bytes for one ticket of 20,000");
    assert_eq!(names(&place.read().unwrap()), ["pa_type", "web"]);
}

#[test]
fn half_an_entry_of_a_writer_that_was_stopped_is_no_obstacle() {
    let scratch = Scratch::new();
    let place = file(&scratch);
    place.initialize(&cache(&[ticket("krbtgt", 2000)]), NOW).unwrap();
    let mut bytes = fs::read(place.path()).unwrap();
    bytes.extend_from_slice(&ticket("half", 2000).to_bytes()[..90]);
    fs::write(place.path(), bytes).unwrap();
    place.store(&[ticket("web", 2000)], NOW).unwrap();
    assert_eq!(names(&place.read().unwrap()), ["R", "web"]);
}

#[test]
fn older_versions_are_written_anew_in_this_one() {
    let vectors = include_str!("../../../../krb-proto/vectors/mit-t_marshal.txt");
    let vector = vectors.split("version ").find_map(|part| part.strip_prefix('3')).unwrap();
    let hex: Vec<u8> = vector.bytes().filter(u8::is_ascii_hexdigit).collect();
    let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = hex.chunks(2).map(digits).collect();
    let scratch = Scratch::new();
    let place = file(&scratch);
    replace(place.path(), &bytes, false).unwrap();
    let entries = place.read().unwrap().entries;
    place.store(&[ticket("web", 2000)], NOW).unwrap();
    assert!(fs::read(place.path()).unwrap().starts_with(&[5, 4]));
    assert_eq!(place.read().unwrap().entries, [entries, vec![ticket("web", 2000)]].concat());
}

#[test]
fn many_writers_at_once_lose_nothing_and_readers_see_whole_caches() {
    let scratch = Scratch::new();
    file(&scratch).initialize(&cache(&[ticket("krbtgt", 2000)]), NOW).unwrap();
    let barrier = Barrier::new(6);
    thread::scope(|scope| {
        for writer in 0..4 {
            let (place, barrier) = (file(&scratch), &barrier);
            scope.spawn(move || {
                barrier.wait();
                for number in 0..25 {
                    let mut ticket = ticket(&format!("web{writer}-{number}"), 2000);
                    ticket.ticket = vec![1; 3000];
                    place.store(&[ticket], NOW).unwrap();
                    // Something is removed, and now and then all of it is written anew.
                    let mut again = super::super::testing::ticket(&format!("again{writer}"), 0);
                    again.ticket = vec![1; 9000];
                    again.times[2] = 2000 + number;
                    place.store(&[again], NOW).unwrap();
                }
            });
        }
        for _ in 0..2 {
            let (place, barrier) = (file(&scratch), &barrier);
            scope.spawn(move || {
                barrier.wait();
                let mut seen = 0;
                for _ in 0..100 {
                    let now = place.read().unwrap().tickets().count();
                    assert!(now + 4 >= seen, "{seen} tickets became {now}");
                    seen = seen.max(now);
                }
            });
        }
    });
    let held = file(&scratch).read().unwrap();
    assert_eq!(held.entries.len(), 1 + 4 * 25 + 4);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 1, "nothing is left behind");
}

#[test]
fn who_holds_a_lock_is_waited_for_and_a_file_that_took_its_place_is_used() {
    let scratch = Scratch::new();
    let place = file(&scratch);
    place.initialize(&cache(&[ticket("old", 2000)]), NOW).unwrap();
    let old = open(place.path(), true).unwrap();
    assert!(lock(&old, true).unwrap());
    thread::scope(|scope| {
        let waiting = scope.spawn(|| file(&scratch).store(&[ticket("web", 2000)], NOW));
        thread::sleep(std::time::Duration::from_millis(100));
        assert!(!waiting.is_finished());
        place.initialize(&cache(&[ticket("new", 2000)]), NOW).unwrap();
        drop(old);
        waiting.join().unwrap().unwrap();
    });
    assert_eq!(names(&place.read().unwrap()), ["new", "web"]);
}

#[test]
fn tickets_are_not_put_where_others_read_them_and_a_pipe_holds_up_nobody() {
    use std::os::unix::fs::PermissionsExt as _;

    let scratch = Scratch::new();
    let place = file(&scratch);
    place.initialize(&cache(&[]), NOW).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(place.path()), 0o600);
    for mode in [0o640, 0o604, 0o622] {
        fs::set_permissions(place.path(), fs::Permissions::from_mode(mode)).unwrap();
        let error = place.store(&[ticket("web", 2000)], NOW).unwrap_err();
        assert!(matches!(error, CacheError::Unsafe { .. }), "{mode:o} {error}");
        assert!(place.read().is_ok(), "but it is read");
    }
    // Making it anew is safe, whatever was there.
    place.initialize(&cache(&[]), NOW).unwrap();
    assert_eq!(mode(place.path()), 0o600);
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::chown(place.path(), Some(65534), None).unwrap();
        let error = place.store(&[ticket("web", 2000)], NOW).unwrap_err();
        assert!(error.to_string().contains("belongs to another user"), "{error}");
    }
    let pipe = CacheFile::new(scratch.path().join("pipe"));
    nix::unistd::mkfifo(pipe.path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(pipe.read().unwrap_err().to_string().contains("no regular file"));
}

#[test]
fn what_is_no_regular_file_is_neither_replaced_nor_taken_away() {
    let scratch = Scratch::new();
    let [pipe, folder, link] = ["pipe", "folder", "link"].map(|name| scratch.path().join(name));
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink(&pipe, &link).unwrap();
    let kind = |path: &Path| fs::symlink_metadata(path).unwrap().file_type();
    for path in [pipe, folder, link] {
        let (place, before) = (CacheFile::new(path.clone()), kind(&path));
        let refused = [place.initialize(&cache(&[]), NOW), place.destroy().map(drop)];
        for error in refused.map(Result::unwrap_err) {
            assert!(error.to_string().contains("no regular file"), "{path:?}: {error}");
        }
        assert_eq!(kind(&path), before);
        let keytab = krb_proto::formats::Keytab::default().to_bytes().unwrap();
        replace(&path, &keytab, true).unwrap_err();
        assert_eq!(kind(&path), before);
    }
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 3, "nothing is left behind");
}

#[test]
fn a_cache_that_is_taken_away_leaves_no_keys_behind() {
    let scratch = Scratch::new();
    let place = file(&scratch);
    assert!(!place.destroy().unwrap(), "there was none");
    place.initialize(&cache(&[ticket("web", 2000)]), NOW).unwrap();
    let mut held = File::open(place.path()).unwrap();
    assert!(place.destroy().unwrap());
    assert!(place.read().unwrap_err().is_not_found());
    let mut left = Vec::new();
    held.read_to_end(&mut left).unwrap();
    assert!(!left.is_empty() && left.iter().all(|byte| *byte == 0));
    assert!(!place.destroy().unwrap());
}

#[test]
fn what_a_link_in_a_caches_place_leads_to_stays_what_it_is() {
    use std::os::unix::fs::symlink;

    let scratch = Scratch::new();
    let (place, other) = (file(&scratch), scratch.path().join("other"));
    let valued = CacheFile::new(other.clone());
    valued.initialize(&cache(&[ticket("web", 2000)]), NOW).unwrap();
    let before = fs::read(&other).unwrap();
    let links: [fn(&Path, &Path) -> io::Result<()>; 2] =
        [|to, at| symlink(to, at), |to, at| fs::hard_link(to, at)];
    for link in links {
        link(&other, place.path()).unwrap();
        assert!(place.destroy().unwrap());
        assert!(fs::symlink_metadata(place.path()).is_err(), "the link is gone");
        assert_eq!(fs::read(&other).unwrap(), before);
    }
    // A new cache takes the link's place.
    symlink(&other, place.path()).unwrap();
    place.initialize(&cache(&[]), NOW).unwrap();
    assert!(fs::symlink_metadata(place.path()).unwrap().is_file());
    assert_eq!(fs::read(&other).unwrap(), before);
    // Links of one's own are followed, others' are not stored through.
    place.destroy().unwrap();
    symlink(&other, place.path()).unwrap();
    place.store(&[ticket("files", 2000)], NOW).unwrap();
    assert_eq!(names(&valued.read().unwrap()), ["web", "files"]);
    if nix::unistd::geteuid().is_root() {
        std::os::unix::fs::lchown(place.path(), Some(65534), None).unwrap();
        let error = place.store(&[ticket("more", 2000)], NOW).unwrap_err();
        assert!(error.to_string().contains("symbolic link"), "{error}");
        // Nor is somebody else's file blanked.
        place.destroy().unwrap();
        place.initialize(&cache(&[ticket("web", 2000)]), NOW).unwrap();
        std::os::unix::fs::chown(place.path(), Some(65534), None).unwrap();
        let mut held = File::open(place.path()).unwrap();
        assert!(place.destroy().unwrap());
        let mut left = Vec::new();
        held.read_to_end(&mut left).unwrap();
        assert!(left.iter().any(|byte| *byte != 0));
    }
}
