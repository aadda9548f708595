//! impacket's `getST.py`, which sends no checksum in its authenticators: AD serves it, MIT's KDC and
//! Samba's do not.
//!
//! `tests/interop/install-impacket FOLDER` fetches it, `IMPACKET=FOLDER` tells this test where it
//! is. Without it it counts as skipped, loudly.

use std::path::PathBuf;

use krb_client::proto::kdc::{Compat, Realm};
use krb_tests::skipped;

use crate::gssapi::{context, gssapi};
use crate::world::{Ended, REALM, World};

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("IMPACKET").map(PathBuf::from);
    if folder.is_none() {
        skipped("no impacket; tests/interop/install-impacket fetches it");
    }
    folder
}

/// The front end asks for a ticket for the web application in a user's name.
async fn get_st(world: &World, folder: &std::path::Path, user: &str, spn: &str) -> Ended {
    let bin = folder.join("venv/bin");
    let port = world.kdc.addresses().kdc.port().to_string();
    let runner = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/other_port.py");
    // It takes the cache's name for a path, and a file that is not there for a failure.
    let python = world.program(bin.join("python"), "none").without("KRB5CCNAME");
    let python = python.args([runner, &port]);
    let python = python.args([bin.join("getST.py")]);
    let front = "EXAMPLE.TEST/svc-mcp:front end's password";
    let words = ["-dc-ip", "127.0.0.1", "-spn", spn, "-impersonate", user, front];
    python.args(words).run().await
}

fn compat(world: &World, compat: Compat) {
    let change = |realm: &mut Realm| {
        realm.policy.compat = compat;
        realm.set_password("svc-mcp", "front end's password");
    };
    world.kdc.realms().realm(REALM, change).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_served_as_ad_serves_it_and_refused_as_others_do() {
    let Some(folder) = folder() else { return };
    let world = World::new().await;
    let web = "HTTP/web.example.test";
    // impacket ends well, whatever becomes of it.
    let saved = world.file(&format!("alice@HTTP_web.example.test@{REALM}.ccache"));
    let said = get_st(&world, &folder, "alice", web).await.text();
    assert!(said.contains("KDC_ERR_PREAUTH_FAILED"), "there is no such password yet: {said}");

    compat(&world, Compat::Strict);
    let said = get_st(&world, &folder, "alice", web).await.text();
    assert!(said.contains("KRB_AP_ERR_INAPP_CKSUM") && !saved.exists(), "{said}");

    compat(&world, Compat::Ad);
    let said = get_st(&world, &folder, "alice", web).await.text();
    assert!(saved.exists(), "{said}");
    if gssapi() {
        let cache = saved.file_name().unwrap().to_str().unwrap();
        let seen = context(&world, cache, "svc-web", &["HTTP/web.example.test@EXAMPLE.TEST"]);
        assert_eq!(seen.await.ok().trim(), "alice@EXAMPLE.TEST");
    }
    for (user, spn) in [("dave", web), ("alice", "postgres/db.example.test")] {
        let said = get_st(&world, &folder, user, spn).await.text();
        assert!(said.contains("KDC_ERR_BADOPTION"), "{user} {spn}: {said}");
    }
}
