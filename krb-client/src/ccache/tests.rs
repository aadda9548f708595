use super::testing::{Scratch, alice, cache, names, ticket};
use super::*;
use krb_proto::Name;

#[tokio::test]
async fn a_collection_has_a_primary_cache_and_one_for_each_principal() {
    let scratch = Scratch::new();
    let folder = format!("DIR:{}", scratch.path().join("cc").display());
    for name in [folder.as_str(), "MEMORY:"] {
        let caches = Ccaches::new(name);
        assert!(caches.all().await.unwrap().is_empty(), "{name}");
        let first = caches.default_cache().await.unwrap();
        assert!(!first.destroy().await.unwrap());
        first.initialize(cache(&[ticket("krbtgt", 2000)])).await.unwrap();
        let second = caches.new_cache().await.unwrap();
        let bob = Principal::new(Name::user("bob"), "R");
        let mut held = CredentialCache::new(bob.clone());
        held.entries.push(ticket("web", 2000));
        second.initialize(held).await.unwrap();
        let found = |cache: Option<Ccache>| cache.map(|cache| cache.name().to_owned());
        assert_eq!(found(caches.find(&alice()).await.unwrap()).as_deref(), Some(first.name()));
        assert_eq!(found(caches.find(&bob).await.unwrap()).as_deref(), Some(second.name()));
        let nobody = Principal::new(Name::user("nobody"), "R");
        assert!(caches.find(&nobody).await.unwrap().is_none());
        second.switch_to().await.unwrap();
        assert_eq!(caches.default_cache().await.unwrap().name(), second.name());
        assert_eq!(caches.all().await.unwrap()[0].name(), second.name());
        // By its own name from anywhere.
        let again = caches.resolve(first.name()).await.unwrap();
        assert_eq!(names(&again.read().await.unwrap()), ["R"]);
        assert!(first.destroy().await.unwrap());
        assert_eq!(caches.all().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_file_stands_alone() {
    let scratch = Scratch::new();
    let path = scratch.path().join("cc");
    let caches = Ccaches::new(path.to_str().unwrap());
    let file = caches.default_cache().await.unwrap();
    assert_eq!(file.name(), format!("FILE:{}", path.display()));
    assert!(caches.all().await.unwrap().is_empty());
    file.initialize(cache(&[ticket("krbtgt", 2000)])).await.unwrap();
    assert_eq!(caches.all().await.unwrap().len(), 1);
    for refused in [caches.new_cache().await.map(drop), file.switch_to().await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, ClientError::Cache(CacheError::NoCollection { .. })), "{error}");
    }
    assert!(matches!(
        caches.resolve("API:x").await.unwrap_err(),
        ClientError::Cache(CacheError::UnknownType { .. })
    ));
}

#[tokio::test]
async fn a_tgt_is_found_by_name_and_realm_whatever_its_name_type() {
    use krb_proto::iana::NameType;

    let stored = Ccaches::new("MEMORY:a").default_cache().await.unwrap();
    for name_type in [NameType::SRV_INST, NameType::PRINCIPAL, NameType::UNKNOWN] {
        let mut foreign = ticket("krbtgt", 2000);
        foreign.server.realm = b"OTHER".to_vec();
        let mut own = ticket("krbtgt", 2000);
        own.server.name.name_type = name_type;
        own.ticket = b"own".to_vec();
        stored.initialize(cache(&[foreign, own])).await.unwrap();
        assert_eq!(stored.tgt(b"R").await.unwrap().ticket, b"own", "{name_type:?}");
    }
    let missing = stored.tgt(b"ELSEWHERE").await.unwrap_err();
    assert!(matches!(missing, ClientError::NoTicket { .. }), "{missing}");
}

#[tokio::test]
async fn caches_in_memory_are_bounded_and_nobody_elses() {
    let caches = Ccaches::new("MEMORY:");
    for number in 0..1000 {
        let one = caches.resolve(&format!("MEMORY:{number}")).await.unwrap();
        one.initialize(cache(&[])).await.unwrap();
    }
    let one_more = caches.resolve("MEMORY:one more").await.unwrap();
    let error = one_more.initialize(cache(&[])).await.unwrap_err();
    assert!(matches!(error, ClientError::Cache(CacheError::Full { .. })), "{error}");
    let other = Ccaches::new("MEMORY:7").default_cache().await.unwrap();
    assert!(other.read().await.is_err());
    let same = caches.clone().resolve("MEMORY:7").await.unwrap();
    assert!(same.read().await.is_ok());
}
