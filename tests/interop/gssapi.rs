//! python3-gssapi: contexts made and accepted by MIT's library with this KDC's tickets.

use crate::mit::{here, kinit, kinit_with_keys};
use crate::world::{Ended, World, installed};

const PYTHON: &str = "/usr/bin/python3";

pub(crate) fn gssapi() -> bool {
    here() && installed("/usr/lib/python3/dist-packages/gssapi", "python3-gssapi")
}

pub(crate) async fn context(
    world: &World,
    cache: &str,
    keytab_of: &str,
    arguments: &[&str],
) -> Ended {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/context.py");
    let keytab = world.keytab(keytab_of).await;
    let python = world.program(PYTHON, cache).args([program]).args(arguments);
    python.env("KRB5_KTNAME", keytab).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptor_sees_the_user() {
    if !gssapi() {
        return;
    }
    let world = World::new().await;
    kinit(&world, "alice", &["alice"], "alice's password").await.ok();
    let web = "HTTP/web.example.test@EXAMPLE.TEST";
    let seen = context(&world, "alice", "svc-web", &[web]).await.ok();
    assert_eq!(seen.trim(), "alice@EXAMPLE.TEST");
    // Another service's keys open nothing.
    context(&world, "alice", "svc-db", &[web]).await.refused("not found in keytab");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptor_sees_the_user_whom_a_front_end_stands_for() {
    if !gssapi() {
        return;
    }
    let world = World::new().await;
    kinit_with_keys(&world, "mcp", "svc-mcp").await.ok();
    let web = "HTTP/web.example.test@EXAMPLE.TEST";
    let as_user = async |user| context(&world, "mcp", "svc-web", &[web, "impersonate", user]).await;
    assert_eq!(as_user("alice").await.ok().trim(), "alice@EXAMPLE.TEST");
    as_user("dave").await.refused("can't fulfill requested option");
    let db = "postgres/db.example.test@EXAMPLE.TEST";
    context(&world, "mcp", "svc-db", &[db, "impersonate", "alice"])
        .await
        .refused("can't fulfill requested option");
}
