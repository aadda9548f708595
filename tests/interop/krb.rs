//! `krb` beside MIT's programs, and on their files: each takes what the other wrote.

use krb_client::proto::formats::Keytab;
use krb_tests::lab::program;

use crate::mit::{here, kinit, kinit_with_keys, kvno};
use crate::world::{Ended, World, installed};

const KLIST: &str = "/usr/bin/klist";
const KTUTIL: &str = "/usr/bin/ktutil";
const WEB: &str = "HTTP/web.example.test";

async fn krb(world: &World, cache: &str, arguments: &[&str], typed: &[&str]) -> Ended {
    world.program(program("krb"), cache).args(arguments).typing(typed).run().await
}

async fn klist(world: &World, cache: &str) -> String {
    world.program(KLIST, cache).args(["-ef"]).run().await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_goes_on_with_the_others_cache() {
    if !here() {
        return;
    }
    let world = World::new().await;
    krb(&world, "ours", &["kinit", "alice"], &["alice's password"]).await.ok();
    let list = klist(&world, "ours").await;
    assert!(list.contains("Default principal: alice@EXAMPLE.TEST"), "{list}");
    assert!(list.contains("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST"), "{list}");
    kvno(&world, "ours", &[WEB]).await.ok();
    let told = krb(&world, "ours", &["kvno", "--cached-only", WEB], &[]).await.ok();
    assert!(told.contains("kvno = "), "MIT's kvno put it there: {told}");

    kinit(&world, "mits", &["alice"], "alice's password").await.ok();
    krb(&world, "mits", &["kvno", WEB], &[]).await.ok();
    let list = klist(&world, "mits").await;
    assert!(list.contains(&format!("{WEB}@EXAMPLE.TEST")), "ours put it there: {list}");
    kvno(&world, "mits", &["--cached-only", WEB]).await.ok();
    krb(&world, "mits", &["kdestroy"], &[]).await.ok();
    world.program(KLIST, "mits").run().await.refused("No credentials cache");
}

/// Keys of a password, by ktutil and by us; and both log in.
#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_password_are_the_same() {
    if !here() || !installed(KTUTIL, "krb5-user") {
        return;
    }
    let world = World::new().await;
    let (ours, theirs) = (world.file("ours.keytab"), world.file("theirs.keytab"));
    let [ours_name, theirs_name] = [&ours, &theirs].map(|path| path.to_str().unwrap());
    let add = ["keytab", "add", "-k", ours_name, "alice@EXAMPLE.TEST", "--kvno", "3"];
    krb(&world, "none", &add, &["alice's password", "alice's password"]).await.ok();
    let entry = |enctype: &str| format!("addent -password -p alice@EXAMPLE.TEST -k 3 -e {enctype}");
    let (strong, other) = (entry("aes256-cts"), entry("aes128-cts"));
    let write = format!("wkt {theirs_name}");
    let password = "alice's password";
    let typed = [strong.as_str(), password, &other, password, &write, "quit"];
    world.program(KTUTIL, "none").typing(&typed).run().await.ok();
    let keys = |path| -> Vec<(i32, Vec<u8>)> {
        let keytab = Keytab::from_bytes(&std::fs::read(path).unwrap()).unwrap();
        keytab.entries.iter().map(|it| (it.enctype.0, it.key_bytes.to_vec())).collect()
    };
    assert_eq!(keys(&ours), keys(&theirs));
    let list = world.program(KLIST, "none").args(["-ke", ours_name]).run().await.ok();
    assert_eq!(list.matches("alice@EXAMPLE.TEST").count(), 2, "{list}");
    kinit(&world, "alice", &["-k", "-t", ours_name, "alice"], "").await.ok();
    krb(&world, "alice", &["kinit", "-k", "-t", theirs_name, "alice"], &[]).await.ok();
}

/// A ticket in a user's name: got by MIT's kvno and read by us, and the other way round.
#[tokio::test(flavor = "multi_thread")]
async fn tickets_in_a_users_name_are_read_by_both() {
    if !here() {
        return;
    }
    let world = World::new().await;
    kinit_with_keys(&world, "svc", "svc-mcp").await.ok();
    let (cache, keytab) = (world.file("mit-user"), world.keytab("svc-web").await);
    let (cache, keytab) = (cache.to_str().unwrap(), keytab.to_str().unwrap());
    kvno(&world, "svc", &["-I", "alice", "-P", "--out-cache", cache, WEB]).await.ok();
    let told = krb(&world, "none", &["decode", "-k", keytab, cache], &[]).await.ok();
    assert!(
        told.contains("effective-name: alice\n") && told.contains("server: good, by "),
        "{told}"
    );

    let service = world.keytab("svc-mcp").await;
    let exec = ["exec", "-k", service.to_str().unwrap(), "alice", WEB, "--", KLIST];
    let list = krb(&world, "none", &exec, &[]).await.ok();
    assert!(list.contains("Default principal: alice@EXAMPLE.TEST"), "{list}");
    assert!(list.contains(&format!("{WEB}@EXAMPLE.TEST")) && !list.contains("krbtgt/"), "{list}");
}
