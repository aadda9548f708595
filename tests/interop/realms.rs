//! Several realms on one port, trusts between them, and the other loopback address.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use krb_client::dev_kdc::{Bind, RealmFile};

use crate::mit::{here, kinit, kinit_with_keys, kvno};
use crate::world::{REALM_FILE, World};

/// ONE's front end may reach TWO's service in users' names, by that service's list.
const TWO_REALMS: &str = r#"
[[realm]]
name = "ONE.TEST"
domain_sid = "S-1-5-21-1-1-1"
[realm.users]
alice = { password = "alice's password" }
[realm.trusts."TWO.TEST"]
password = "known to both"
domain_sid = "S-1-5-21-2-2-2"

[[realm]]
name = "TWO.TEST"
domain_sid = "S-1-5-21-2-2-2"
[realm.users]
alice = { password = "another alice's password" }
[realm.services.svc-web]
spns = ["HTTP/web.two.test"]
[realm.trusts."ONE.TEST"]
password = "known to both"
domain_sid = "S-1-5-21-1-1-1"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn two_realms_on_one_port_and_a_ticket_across_the_trust() {
    if !here() {
        return;
    }
    let world = World::of(TWO_REALMS).await;
    let (one, two) = ("alice@ONE.TEST", "alice@TWO.TEST");
    kinit(&world, "two", &[two], "another alice's password").await.ok();
    kinit(&world, "two", &[two], "alice's password").await.refused("Password incorrect");
    kinit(&world, "one", &[one], "alice's password").await.ok();
    // Named with its realm, and left to the KDC to say whose it is.
    kvno(&world, "one", &["HTTP/web.two.test@TWO.TEST"]).await.ok();
    kinit(&world, "one", &[one], "alice's password").await.ok();
    kvno(&world, "one", &["HTTP/web.two.test"]).await.ok();
    // Without the trust there is no way.
    let forget = |realm: &mut krb_client::proto::kdc::Realm| {
        let trust = realm.trust_mut("ONE.TEST").unwrap();
        *trust = krb_client::proto::kdc::Trust::new("ONE.TEST").password("another");
    };
    world.kdc.realms().realm("TWO.TEST", forget).unwrap();
    kinit(&world, "one", &[one], "alice's password").await.ok();
    kvno(&world, "one", &["HTTP/web.two.test@TWO.TEST"]).await.refused("HTTP/web.two.test");
}

/// `localhost` may be ::1 alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_loopback_that_is_ipv6() {
    let bind = Bind::at(SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0));
    let file = RealmFile::parse(REALM_FILE).unwrap();
    let Some(world) = World::at(file, bind).await else {
        krb_tests::skipped("no IPv6 on the loopback");
        return;
    };
    if !here() {
        return;
    }
    kinit(&world, "alice", &["alice"], "alice's password").await.ok();
    kinit_with_keys(&world, "mcp", "svc-mcp").await.ok();
    let typed = ["alice's password", "n3w password!", "n3w password!"];
    let kpasswd = world.program("/usr/bin/kpasswd", "none").args(["alice"]).typing(&typed);
    kpasswd.run().await.ok();
}
