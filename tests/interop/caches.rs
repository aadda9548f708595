//! Credential caches that MIT's programs and ours use together: files, folders, keyrings, and what
//! sssd-kcm and Heimdal's daemon keep.
//!
//! `tests/interop/install-kcm FOLDER` fetches the daemons, `KCM_DAEMONS=FOLDER` tells this test where
//! they are. They need root, since their socket has a fixed place.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use krb_client::proto::exchange::ClientSecret;
use krb_client::proto::formats::CacheEntry;
use krb_client::proto::iana::{EncType, NameType};
use krb_client::proto::kdc::Account;
use krb_client::proto::{Name, Principal};
use krb_client::{
    CacheError, Ccache, Ccaches, Client, ClientConfig, ClientError, KdcSource, OsRandom,
};
use krb_tests::skipped;
use tokio::process::Child;

use crate::mit::here;
use crate::world::{Ended, PATIENCE, REALM, World};

/// MIT's programs with the caches of that name.
struct Mit<'w> {
    world: &'w World,
    name: String,
}

impl Mit<'_> {
    async fn run(&self, program: &str, arguments: &[&str], typed: &[&str]) -> Ended {
        let program = self.world.program(format!("/usr/bin/{program}"), "none");
        program.env("KRB5CCNAME", &self.name).args(arguments).typing(typed).run().await
    }

    async fn kinit(&self, user: &str) {
        self.run("kinit", &[user], &[&format!("{user}'s password")]).await.ok();
    }

    async fn klist(&self, arguments: &[&str]) -> String {
        self.run("klist", arguments, &[]).await.ok()
    }
}

fn principal(name: &str) -> Principal {
    Principal::new(Name::user(name), REALM)
}

fn service(host: &str) -> Name {
    Name::new(NameType::SRV_INST, ["HTTP", host])
}

fn client(world: &World, user: &str) -> Client {
    let kdcs = KdcSource::Addresses(vec![world.kdc.addresses().kdc]);
    let password = format!("{user}'s password").into_bytes();
    Client::new(ClientConfig::new(principal(user), ClientSecret::Password(password.into()), kdcs))
}

async fn held(cache: &Ccache) -> Vec<String> {
    let cache = cache.read().await.unwrap();
    cache.tickets().map(|ticket| ticket.server.to_string()).collect()
}

async fn owner(cache: &Ccache) -> String {
    cache.read().await.unwrap().default_principal.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_used_by_both_and_written_by_both_at_once() {
    if !here() {
        return;
    }
    let world = World::new().await;
    let host = |number: usize| format!("web{number}.example.test");
    world.kdc.realms().realm(REALM, |realm| {
        for number in 0..20 {
            let account = Account::service(&format!("svc{number}"));
            let account = account.spn(&format!("HTTP/{}", host(number)));
            let enctypes = [EncType::AES256_CTS_HMAC_SHA1_96];
            realm.insert(account.random_keys(&enctypes, &mut OsRandom).unwrap());
        }
    });
    let mit = Mit { world: &world, name: format!("FILE:{}", world.file("cc").display()) };
    let caches = Ccaches::new(&mit.name);
    let cache = caches.default_cache().await.unwrap();

    // Ours for theirs.
    let client = client(&world, "alice");
    let tgt = client.tgt().await.unwrap();
    cache.initialize_with(&tgt.client, &[&tgt]).await.unwrap();
    assert!(mit.klist(&["-e"]).await.contains("Default principal: alice@EXAMPLE.TEST"));
    let ticket = client.ticket(&service("web.example.test")).await.unwrap();

    // Twenty of theirs and as many of ours, while somebody reads.
    let theirs = async {
        for number in 0..20 {
            mit.run("kvno", &[&format!("HTTP/{}", host(number))], &[]).await.ok();
        }
    };
    let ours = async {
        for number in 0..20 {
            let mut entry = CacheEntry::from(&*ticket);
            entry.server.name = service(&format!("ours{number}.example.test"));
            cache.store(vec![entry]).await.unwrap();
            cache.read().await.unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::join!(theirs, ours);
    let both = held(&cache).await;
    let list = mit.klist(&[]).await;
    for number in 0..20 {
        for name in [host(number), format!("ours{number}.example.test")] {
            assert!(both.contains(&format!("HTTP/{name}@{REALM}")), "{name} in {both:?}");
            assert!(list.contains(&name), "{name} in {list}");
        }
    }

    // What ours removed theirs passes over, and the other way round.
    let mut later = CacheEntry::from(&*ticket);
    later.server.name = service("ours7.example.test");
    later.times[2] += 1;
    cache.store(vec![later]).await.unwrap();
    assert_eq!(mit.klist(&[]).await.matches("HTTP/ours7.example.test").count(), 1);
    mit.run("kdestroy", &[], &[]).await.ok();
    assert!(matches!(cache.read().await, Err(ClientError::Cache(CacheError::NotFound { .. }))));

    // Theirs for ours.
    mit.kinit("bob").await;
    assert_eq!(cache.tgt(REALM.as_bytes()).await.unwrap().client, principal("bob"));
    assert!(cache.destroy().await.unwrap());
    mit.run("klist", &["-s"], &[]).await.refused("");
}

/// A collection, with MIT's programs beginning.
async fn collection(mit: &Mit<'_>, caches: &Ccaches) {
    let world = mit.world;
    assert!(caches.all().await.unwrap().is_empty());
    mit.kinit("alice").await;
    mit.kinit("bob").await;
    let all = caches.all().await.unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!(owner(&all[0]).await, "bob@EXAMPLE.TEST", "who came last is the primary one");
    assert_eq!(owner(&caches.default_cache().await.unwrap()).await, "bob@EXAMPLE.TEST");

    let alices = caches.find(&principal("alice")).await.unwrap().unwrap();
    alices.switch_to().await.unwrap();
    let list = mit.klist(&[]).await;
    assert!(list.contains(alices.name()), "{list}");
    assert!(list.contains("Default principal: alice@EXAMPLE.TEST"), "{list}");

    // A ticket of ours beside theirs, and one of theirs beside ours.
    let ticket = client(world, "alice").ticket(&service("web.example.test")).await.unwrap();
    alices.store(vec![CacheEntry::from(&*ticket)]).await.unwrap();
    mit.run("kvno", &["--cached-only", "HTTP/web.example.test"], &[]).await.ok();
    mit.run("kvno", &["HTTP/mcp.example.test"], &[]).await.ok();
    let tickets = held(&alices).await;
    for name in ["krbtgt/EXAMPLE.TEST", "HTTP/web.example.test", "HTTP/mcp.example.test"] {
        assert!(tickets.contains(&format!("{name}@{REALM}")), "{tickets:?}");
    }
    // The same once more: in the place of the one that is there.
    let mut later = CacheEntry::from(&*ticket);
    later.times[2] += 1;
    alices.store(vec![later]).await.unwrap();
    assert_eq!(held(&alices).await.len(), tickets.len());
    assert_eq!(mit.klist(&[]).await.matches("HTTP/web.example.test").count(), 1);

    mit.run("kswitch", &["-p", "bob@EXAMPLE.TEST"], &[]).await.ok();
    let bobs = caches.default_cache().await.unwrap();
    assert_eq!(owner(&bobs).await, "bob@EXAMPLE.TEST");

    // One of ours.
    let tgt = client(world, "dave").tgt().await.unwrap();
    let daves = caches.new_cache().await.unwrap();
    daves.initialize_with(&tgt.client, &[&tgt]).await.unwrap();
    let list = mit.klist(&["-l"]).await;
    assert!(list.contains("dave@EXAMPLE.TEST") && list.contains(daves.name()), "{list}");
    mit.run("kswitch", &["-p", "dave@EXAMPLE.TEST"], &[]).await.ok();
    mit.run("kvno", &["HTTP/web.example.test"], &[]).await.ok();
    assert_eq!(held(&daves).await.len(), 2);

    assert!(bobs.destroy().await.unwrap());
    let list = mit.klist(&["-l"]).await;
    assert!(!list.contains("bob@") && list.contains("alice@"), "{list}");
    mit.run("kdestroy", &["-A"], &[]).await.ok();
    assert!(caches.all().await.unwrap().is_empty());
    assert!(!alices.destroy().await.unwrap(), "{alices:?} is gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_caches_is_used_by_both() {
    if !here() {
        return;
    }
    let world = World::new().await;
    let mit = Mit { world: &world, name: format!("DIR:{}", world.file("folder").display()) };
    collection(&mit, &Ccaches::new(&mit.name)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keyrings_are_used_by_both() {
    if !here() {
        return;
    }
    let unique = format!("krb-interop-{}", std::process::id());
    for anchor in ["session:", "user:", "", "persistent"] {
        let world = World::new().await;
        let name = match anchor {
            // There is one for each user; in use, it is left alone.
            "persistent" => "KEYRING:persistent:".to_owned() + &uid(),
            anchor => format!("KEYRING:{anchor}{unique}"),
        };
        let caches = Ccaches::new(&name);
        match caches.all().await {
            Ok(all) if all.is_empty() => collection(&Mit { world: &world, name }, &caches).await,
            Ok(_) => skipped(&format!("{name} is in use")),
            Err(error) => {
                assert!(
                    matches!(error, ClientError::Cache(CacheError::NoKeyrings { .. })),
                    "{error}"
                );
                skipped(&error.to_string());
            }
        }
    }
}

fn uid() -> String {
    let id = Command::new("/usr/bin/id").arg("-u").output().unwrap();
    String::from_utf8(id.stdout).unwrap().trim().to_owned()
}

/// A daemon, and where its socket is. It ends when it is dropped.
async fn daemon(world: &World, which: &str) -> Option<(Child, PathBuf)> {
    let Some(packages) = std::env::var_os("KCM_DAEMONS") else {
        skipped("no KCM daemons; tests/interop/install-kcm fetches them");
        return None;
    };
    if uid() != "0" {
        skipped("a KCM daemon needs root");
        return None;
    }
    let folder = world.file(which);
    std::fs::create_dir(&folder).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/kcm");
    let arguments = [which.into(), packages, folder.clone().into_os_string()];
    let daemon = world.program(script, "none").args(arguments);
    let daemon = daemon.saying_to(&world.file("daemon.log")).start();
    let socket = folder.join(".heim_org.h5l.kcm-socket");
    let begun = Instant::now();
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        let log = || std::fs::read_to_string(world.file("daemon.log")).unwrap_or_default();
        assert!(begun.elapsed() < PATIENCE, "{which} does not start: {}", log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let conf = std::fs::read_to_string(world.file("krb5.conf")).unwrap();
    let conf = format!("{conf}\n[libdefaults]\n\tkcm_socket = {}\n", socket.display());
    std::fs::write(world.file("krb5.conf"), conf).unwrap();
    Some((daemon, socket))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_kcm_daemon_keeps_is_used_by_both() {
    if !here() {
        return;
    }
    for which in ["sssd", "heimdal"] {
        let world = World::new().await;
        let Some((_daemon, socket)) = daemon(&world, which).await else { return };
        let caches = Ccaches::new("KCM:").with_kcm_socket(&socket);
        collection(&Mit { world: &world, name: "KCM:".to_owned() }, &caches).await;
    }
}
