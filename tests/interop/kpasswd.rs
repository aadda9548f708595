//! MIT's `kpasswd`, and what `kinit` does for a password that must be changed.

use crate::mit::{here, kinit};
use crate::world::World;

const KPASSWD: &str = "/usr/bin/kpasswd";

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_and_the_old_one_is_none_any_more() {
    if !here() {
        return;
    }
    let world = World::new().await;
    let change = async |typed: [&str; 3]| {
        world.program(KPASSWD, "none").args(["alice"]).typing(&typed).run().await
    };
    change(["bob's password", "n3w password!", "n3w password!"])
        .await
        .refused("Preauthentication failed");
    change(["alice's password", "n3w password!", "n3w password!"]).await.ok();
    kinit(&world, "alice", &["alice"], "alice's password").await.refused("Password incorrect");
    kinit(&world, "alice", &["alice"], "n3w password!").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_must_be_changed_is_changed_at_login() {
    if !here() {
        return;
    }
    let world = World::new().await;
    let typed = ["grace's password", "gr4ce's own!", "gr4ce's own!"];
    let login = world.program("/usr/bin/kinit", "grace").args(["grace"]).typing(&typed);
    login.run().await.ok();
    kinit(&world, "grace", &["grace"], "gr4ce's own!").await.ok();
}
