use super::super::testing::{Scratch, cache, names, ticket};
use super::*;

const NOW: u32 = 1000;

fn resolve(folder: &Path) -> Dir {
    Dir::resolve(folder.to_str().unwrap()).unwrap()
}

#[test]
fn a_folder_means_its_primary_cache() {
    let scratch = Scratch::new();
    let folder = scratch.path().join("cc");
    let first = resolve(&folder);
    assert_eq!(first.name(), format!("DIR::{}/tkt", folder.display()));
    assert!(!folder.exists(), "looking makes nothing");
    assert!(Dir::all(folder.to_str().unwrap()).unwrap().is_empty());
    first.initialize(&cache(&[ticket("web", 2000)]), NOW).unwrap();

    let second = Dir::unique(folder.to_str().unwrap()).unwrap();
    second.initialize(&cache(&[ticket("files", 2000)]), NOW).unwrap();
    assert_eq!(names(&resolve(&folder).read().unwrap()), ["web"]);
    second.switch_to().unwrap();
    assert_eq!(names(&resolve(&folder).read().unwrap()), ["files"]);
    let all = Dir::all(folder.to_str().unwrap()).unwrap();
    let found: Vec<_> = all.iter().map(Place::name).collect();
    assert_eq!(found, [second.name(), first.name()], "the primary one first");

    assert!(second.destroy().unwrap());
    // As with MIT's library: the name still means the cache that is gone.
    assert!(resolve(&folder).read().unwrap_err().is_not_found());
    let one = Dir::resolve(&format!(":{}/tkt", folder.display())).unwrap();
    assert_eq!(names(&one.read().unwrap()), ["web"]);
}

#[test]
fn caches_are_listed_though_none_is_said_to_be_the_primary_one() {
    let scratch = Scratch::new();
    let folder = scratch.path().to_str().unwrap();
    Dir::unique(folder).unwrap().initialize(&cache(&[ticket("web", 2000)]), NOW).unwrap();
    for line in ["", "tkt", "../tkt\n"] {
        fs::write(scratch.path().join(PRIMARY), line).unwrap();
        assert_eq!(Dir::all(folder).unwrap().len(), 1, "{line:?}");
    }
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_refused() {
    let scratch = Scratch::new();
    for line in ["../tkt\n", "tkt/../../etc\n", "cc\n", "tkt", "", "tkt\ntkt\n/"] {
        fs::write(scratch.path().join(PRIMARY), line).unwrap();
        let error = Dir::resolve(scratch.path().to_str().unwrap()).err();
        assert!(matches!(error, Some(CacheError::BadName { .. })), "{line:?}: {error:?}");
    }
    for residual in [":/tmp/cc/other", ":/", ":"] {
        assert!(matches!(Dir::resolve(residual), Err(CacheError::BadName { .. })), "{residual}");
    }
}
