//! The JDK's own Kerberos.

use std::path::{Path, PathBuf};

use tokio::sync::OnceCell;

use crate::world::{Ended, World, installed};

const JAVAC: &str = "/usr/bin/javac";

pub(crate) fn jdk() -> bool {
    installed(JAVAC, "openjdk-17-jdk-headless")
}

/// Compiled once for all tests, in a folder of this process's.
async fn classes(world: &World) -> &'static PathBuf {
    static CLASSES: OnceCell<PathBuf> = OnceCell::const_new();
    let compile = || async {
        let folder = std::env::temp_dir().join(format!("krb-interop-java-{}", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/Delegate.java");
        let javac = world.program(JAVAC, "none").args(["-nowarn", "-d"]).args([&folder]);
        javac.args([source]).run().await.ok();
        folder
    };
    CLASSES.get_or_init(compile).await
}

/// A principal and where its keys are.
type Keyed<'a> = (&'a str, &'a Path);

/// The front end asks for a context with the target, in the name of the user.
pub(crate) async fn delegate(
    world: &World,
    (front, front_keys): Keyed<'_>,
    (target, target_keys): Keyed<'_>,
    user: Option<&str>,
) -> Ended {
    let conf = format!("-Djava.security.krb5.conf={}", world.file("krb5.conf").display());
    let java = world.program("/usr/bin/java", "none").args([conf.as_str(), "-Xshare:auto", "-cp"]);
    let java = java.args([classes(world).await.as_path(), "Delegate".as_ref(), front_keys]);
    java.args([front, target]).args([target_keys]).args(user).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn it_logs_in_and_is_accepted_as_itself_and_as_a_user() {
    if !jdk() {
        return;
    }
    let world = World::new().await;
    let (mcp, web) = (world.keytab("svc-mcp").await, world.keytab("svc-web").await);
    let (mcp, web) =
        (("svc-mcp@EXAMPLE.TEST", &*mcp), ("HTTP/web.example.test@EXAMPLE.TEST", &*web));
    let seen = delegate(&world, mcp, web, None).await.ok();
    assert_eq!(seen.trim(), "svc-mcp@EXAMPLE.TEST");
    let seen = delegate(&world, mcp, web, Some("alice@EXAMPLE.TEST")).await.ok();
    assert_eq!(seen.trim(), "alice@EXAMPLE.TEST");
}
