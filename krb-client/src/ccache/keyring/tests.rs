use super::super::testing::{Scratch, cache, configuration, names, ticket};
use super::*;

const NOW: u32 = 1000;
/// Beyond anything that the kernel's clock says.
const LATER: u32 = u32::MAX - 10;

/// A collection of this test's alone. `None` where the kernel keeps no keys for us: that is said, and
/// how else.
fn collection(anchor: &str) -> Option<String> {
    let scratch = Scratch::new();
    let unique = scratch.path().file_name().unwrap().to_string_lossy().into_owned();
    let residual = format!("{anchor}:{unique}");
    match Keyring::resolve(&residual) {
        Ok(_) => Some(residual),
        Err(error) => {
            assert!(matches!(error, CacheError::NoKeyrings { .. }), "{error}");
            assert!(error.to_string().contains("FILE:"), "{error}");
            None
        }
    }
}

#[test]
fn a_collection_in_a_keyring_is_as_any_other() {
    for anchor in ["session", "process", "user"] {
        let Some(residual) = collection(anchor) else { return };
        let first = Keyring::resolve(&residual).unwrap();
        let name = residual.split_once(':').unwrap().1;
        assert_eq!(first.name(), format!("KEYRING:{anchor}:{name}:{name}"));
        assert!(first.read().unwrap_err().is_not_found(), "{anchor}");
        assert!(!first.destroy().unwrap());
        assert!(first.store(&[ticket("web", LATER)], NOW).unwrap_err().is_not_found());
        let mut begun = cache(&[configuration("pa_type"), ticket("krbtgt", LATER)]);
        begun.kdc_offset = Some(KdcOffset { seconds: -3, microseconds: 4 });
        first.initialize(&begun, NOW).unwrap();
        let mut large = ticket("web", LATER);
        large.ticket = vec![7; 30_000];
        first.store(&[large.clone()], NOW).unwrap();
        // The same service again: in its place.
        first.store(&[large.clone()], NOW).unwrap();
        let held = first.read().unwrap();
        let mut found = names(&held);
        found.sort();
        assert_eq!(found, ["R", "pa_type", "web"], "{anchor}");
        assert_eq!(held.kdc_offset, begun.kdc_offset);
        assert!(held.entries.contains(&large));
        // Where the kernel has no keys for so much, that is what is said.
        large.ticket = vec![7; 100_000];
        match first.store(&[large.clone()], NOW) {
            Ok(()) => assert!(first.read().unwrap().entries.contains(&large)),
            Err(error) => assert!(error.to_string().contains("larger than 32,767"), "{error}"),
        }

        let second = Keyring::unique(&residual).unwrap();
        second.initialize(&cache(&[ticket("files", LATER)]), NOW).unwrap();
        second.switch_to().unwrap();
        assert_eq!(Keyring::resolve(&residual).unwrap().name(), second.name());
        let all: Vec<_> = Keyring::all(&residual).unwrap().iter().map(Place::name).collect();
        assert_eq!(all, [second.name(), first.name()], "the primary one first");
        first.initialize(&cache(&[]), NOW).unwrap();
        assert!(first.read().unwrap().entries.is_empty(), "made anew");
        assert!(first.destroy().unwrap() && second.destroy().unwrap());
        assert!(Keyring::all(&residual).unwrap().is_empty(), "{anchor}");
        second.remove_collection();
    }
}

#[test]
fn what_ends_is_taken_by_the_kernel() {
    let Some(residual) = collection("process") else { return };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = now.as_secs() as u32;
    let first = Keyring::resolve(&residual).unwrap();
    first.initialize(&cache(&[ticket("krbtgt", now + 100)]), now).unwrap();
    first.store(&[ticket("web", now + 1)], now).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert_eq!(names(&first.read().unwrap()), ["R"]);
    first.initialize(&cache(&[ticket("krbtgt", now + 1)]), now).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert!(first.read().unwrap_err().is_not_found(), "all of it");
    assert!(Keyring::all(&residual).unwrap().is_empty());
}

#[test]
fn a_primary_cache_whose_name_the_kernel_cannot_have_is_refused_and_nobody_else_suffers() {
    let Some(residual) = collection("process") else { return };
    let first = Keyring::resolve(&residual).unwrap();
    first.initialize(&cache(&[]), NOW).unwrap();
    first.doing(|this| this.collection.set_primary("a\0b")).unwrap();
    let error = Keyring::resolve(&residual).err().unwrap();
    assert!(error.to_string().contains("makes no sense"), "{error}");
    first.switch_to().unwrap();
    assert_eq!(Keyring::resolve(&residual).unwrap().name(), first.name());
}

#[test]
fn names_that_mean_nothing_are_refused() {
    for residual in ["thread:a", "elsewhere:a", "persistent:alice", "session:a\0b", "persistent:-1"]
    {
        let error = Keyring::resolve(residual).err().unwrap();
        assert!(matches!(error, CacheError::BadName { .. }), "{residual}: {error}");
    }
    let parsed = |residual| {
        let (collection, cache) = parse(residual).unwrap();
        (collection.anchor, collection.name, cache)
    };
    let of = |anchor, name: &str, cache: Option<&str>| {
        (anchor, name.to_owned(), cache.map(str::to_owned))
    };
    assert_eq!(parsed("alice"), of(Anchor::Legacy, "alice", None));
    assert_eq!(parsed("persistent:"), of(Anchor::Persistent, "", None));
    assert_eq!(parsed("user:a:b:c"), of(Anchor::User, "a", Some("b:c")));
    assert!(Keyring::unique("session:a:b").is_err());
}
