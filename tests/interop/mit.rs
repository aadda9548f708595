//! MIT's `kinit`, `klist`, `kvno`.

use krb_client::proto::kdc::Realm;

use crate::world::{Ended, REALM, World, installed};

const KINIT: &str = "/usr/bin/kinit";
const KVNO: &str = "/usr/bin/kvno";
const KLIST: &str = "/usr/bin/klist";

pub(crate) fn here() -> bool {
    installed(KINIT, "krb5-user")
}

pub(crate) async fn kinit(world: &World, cache: &str, arguments: &[&str], typed: &str) -> Ended {
    world.program(KINIT, cache).args(arguments).typing(&[typed]).run().await
}

/// Logs an account in with the keys of its keytab.
pub(crate) async fn kinit_with_keys(world: &World, cache: &str, account: &str) -> Ended {
    let keytab = world.keytab(account).await;
    let arguments = ["-k", "-t", keytab.to_str().unwrap(), account];
    world.program(KINIT, cache).args(arguments).run().await
}

pub(crate) async fn kvno(world: &World, cache: &str, arguments: &[&str]) -> Ended {
    world.program(KVNO, cache).args(arguments).run().await
}

async fn klist(world: &World, cache: &str) -> String {
    world.program(KLIST, cache).args(["-ef"]).run().await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_and_keys_log_in() {
    if !here() {
        return;
    }
    let world = World::new().await;
    kinit(&world, "alice", &["alice"], "alice's password").await.ok();
    let list = klist(&world, "alice").await;
    assert!(list.contains("Default principal: alice@EXAMPLE.TEST"), "{list}");
    assert!(list.contains("krbtgt/EXAMPLE.TEST@EXAMPLE.TEST"), "{list}");
    assert!(list.contains("aes256-cts-hmac-sha1-96"), "{list}");

    kinit_with_keys(&world, "svc", "svc-mcp").await.ok();
    kvno(&world, "alice", &["HTTP/web.example.test"]).await.ok();
    kvno(&world, "alice", &["HTTP/absent.example.test"])
        .await
        .refused("not found in Kerberos database");
}

/// It is 24, so that kinit may say what it means.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_called_that() {
    if !here() {
        return;
    }
    let world = World::new().await;
    kinit(&world, "alice", &["alice"], "bob's password").await.refused("Password incorrect");
    kinit(&world, "nobody", &["nobody"], "x").await.refused("not found in Kerberos database");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_that_may_not_log_in_do_not() {
    if !here() {
        return;
    }
    let world = World::new().await;
    let revoked = "credentials have been revoked";
    kinit(&world, "eve", &["eve"], "eve's password").await.refused(revoked);
    kinit(&world, "frank", &["frank"], "frank's password").await.refused(revoked);
    kinit(&world, "grace", &["grace"], "grace's password").await.refused("Password expired");
    // While it runs: disabled, and back again.
    let disable = |disabled| {
        world.kdc.realms().realm(REALM, |realm: &mut Realm| {
            realm.account_mut("alice").unwrap().disabled = disabled;
        });
    };
    disable(true);
    kinit(&world, "alice", &["alice"], "alice's password").await.refused(revoked);
    disable(false);
    kinit(&world, "alice", &["alice"], "alice's password").await.ok();
    disable(true);
    kvno(&world, "alice", &["HTTP/web.example.test"]).await.refused(revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_renewed_and_forwarded_as_far_as_they_may_be() {
    if !here() {
        return;
    }
    let world = World::new().await;
    let arguments = ["-f", "-l", "1h", "-r", "2h", "alice"];
    kinit(&world, "alice", &arguments, "alice's password").await.ok();
    assert!(
        klist(&world, "alice").await.contains("Flags: FRIA"),
        "{}",
        klist(&world, "alice").await
    );
    kinit(&world, "alice", &["-R"], "").await.ok();
    assert!(klist(&world, "alice").await.contains("renew until"));

    kinit(&world, "bob", &["-l", "1h", "bob"], "bob's password").await.ok();
    kinit(&world, "bob", &["-R"], "").await.refused("KDC can't fulfill requested option");
    // Renewable for less than it lives: raised to that.
    kinit(&world, "bob", &["-l", "2h", "-r", "1h", "bob"], "bob's password").await.ok();
}

/// FAST: the armor is the service's ticket. Inside of it SPAKE goes first, where the realm has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_is_armored() {
    if !here() {
        return;
    }
    let world = World::new().await;
    kinit_with_keys(&world, "armor", "svc-mcp").await.ok();
    let armor = format!("FILE:{}", world.file("armor").display());
    for mechanism in ["spake", "encrypted_challenge"] {
        world.kdc.realms().realm(REALM, |realm: &mut Realm| {
            realm.policy.spake.retain(|_| mechanism == "spake");
        });
        let trace = world.file(mechanism);
        let login = async |password: &str| {
            let arguments = ["-T", &armor, "alice"];
            let kinit = world.program(KINIT, "alice").args(arguments).env("KRB5_TRACE", &trace);
            kinit.typing(&[password]).run().await
        };
        login("alice's password").await.ok();
        let traced = std::fs::read_to_string(&trace).unwrap();
        let used = format!("Preauth module {mechanism}");
        assert!(traced.contains(&used) && traced.contains("FAST armor key"), "{traced}");
        login("bob's password").await.refused("Password incorrect");
    }
}

/// SPAKE without armor, where its client has a group of the realm's.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_by_spake() {
    if !here() {
        return;
    }
    let world = World::new().await;
    let conf = std::fs::read_to_string(world.file("krb5.conf")).unwrap();
    for group in ["edwards25519", "P-256", "P-384", "P-521"] {
        let conf = conf
            .replace("[libdefaults]", &format!("[libdefaults]\n\tspake_preauth_groups = {group}"));
        std::fs::write(world.file("krb5.conf"), conf).unwrap();
        let trace = world.file(group);
        let login = async |password: &str| {
            let kinit = world.program(KINIT, "alice").args(["alice"]).env("KRB5_TRACE", &trace);
            kinit.typing(&[password]).run().await
        };
        login("alice's password").await.ok();
        let traced = std::fs::read_to_string(&trace).unwrap();
        assert!(traced.contains("SPAKE algorithm result"), "{group}: {traced}");
        login("bob's password").await.refused("Password incorrect");
    }
}

/// `-U` sends the name as an enterprise name, with and without the realm behind it.
#[tokio::test(flavor = "multi_thread")]
async fn users_are_named_by_enterprise_names_too() {
    if !here() {
        return;
    }
    let world = World::new().await;
    for user in ["alice", "alice@EXAMPLE.TEST"] {
        kinit_with_keys(&world, "svc", "svc-mcp").await.ok();
        kvno(&world, "svc", &["-U", user, "-P", "HTTP/web.example.test"]).await.ok();
        let list = klist(&world, "svc").await;
        assert!(list.contains("for client alice"), "{user}: {list}");
    }
    kvno(&world, "svc", &["-U", "nobody", "svc-mcp"])
        .await
        .refused("not found in Kerberos database");
}

/// A user's service has no key but the user's: who comes encrypts with the session key of the
/// user's own ticket-granting ticket.
#[tokio::test(flavor = "multi_thread")]
async fn users_reach_users() {
    if !here() {
        return;
    }
    let world = World::new().await;
    kinit(&world, "alice", &["alice"], "alice's password").await.ok();
    kinit(&world, "bob", &["bob"], "bob's password").await.ok();
    let of = |cache: &str| format!("FILE:{}", world.file(cache).display());
    kvno(&world, "alice", &["--u2u", &of("bob"), "bob"]).await.ok();
    kvno(&world, "alice", &["bob"]).await.refused("not found in Kerberos database");
    // Not with somebody else's.
    kvno(&world, "bob", &["--u2u", &of("alice"), "svc-web"])
        .await
        .refused("Requested server and ticket don't match");
}

/// Datagrams where they suffice, and TCP where they do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_datagrams_is_sent_to_tcp_when_the_answer_is_long() {
    if !here() {
        return;
    }
    let world = World::new().await;
    let conf = std::fs::read_to_string(world.file("krb5.conf")).unwrap();
    let conf = conf.replace("udp_preference_limit = 1", "udp_preference_limit = 32700");
    std::fs::write(world.file("krb5.conf"), conf).unwrap();
    let trace = world.file("trace");
    let keytab = world.keytab("svc-mcp").await;
    let arguments = ["-k", "-t", keytab.to_str().unwrap(), "svc-mcp"];
    let kinit = world.program(KINIT, "svc").args(arguments).env("KRB5_TRACE", &trace);
    kinit.run().await.ok();
    let kvno = world.program(KVNO, "svc").args(["-I", "alice", "-P", "HTTP/web.example.test"]);
    kvno.env("KRB5_TRACE", &trace).run().await.ok();
    let traced = std::fs::read_to_string(&trace).unwrap();
    assert!(traced.contains("Received answer") && traced.contains("from dgram"), "{traced}");
    assert!(
        traced.contains("Response too big for UDP") || traced.contains("from stream"),
        "{traced}"
    );
}
