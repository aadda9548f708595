//! The JDK's own Kerberos.

use std::path::{Path, PathBuf};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::world::{PATIENCE, World, installed};

const JAVAC: &str = "/usr/bin/javac";

pub(crate) fn jdk() -> bool {
    installed(JAVAC, "openjdk-17-jdk-headless")
}

/// Compiles one of the programs, with what it uses of the others.
pub(crate) async fn compile(world: &World, program: &str, folder: &Path) {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/programs");
    let javac = world.program(JAVAC, "none").args(["-nowarn", "-sourcepath"]).args([&programs]);
    let source = programs.join(format!("{program}.java"));
    javac.args(["-d"]).args([folder, &source]).run().await.ok();
}

/// Compiled once for all tests, in a folder of this process's.
async fn classes(world: &World) -> &'static PathBuf {
    static CLASSES: OnceCell<PathBuf> = OnceCell::const_new();
    let compile = || async {
        let folder = std::env::temp_dir().join(format!("krb-interop-java-{}", std::process::id()));
        compile(world, "Delegate", &folder).await;
        folder
    };
    CLASSES.get_or_init(compile).await
}

/// A principal and where its keys are.
type Keyed<'a> = (&'a str, &'a Path);

/// A JVM that asks for contexts.
pub(crate) struct Jdk {
    _process: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Jdk {
    /// For contexts of the front end with the target.
    pub(crate) async fn start(
        world: &World,
        (front, front_keys): Keyed<'_>,
        (target, target_keys): Keyed<'_>,
    ) -> Self {
        let conf = format!("-Djava.security.krb5.conf={}", world.file("krb5.conf").display());
        let java = world.program("/usr/bin/java", "none").args([conf.as_str(), "-cp"]);
        let java = java.args([classes(world).await.as_path(), "Delegate".as_ref(), front_keys]);
        let mut process = java.args([front, target]).args([target_keys]).start();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { _process: process, input, output }
    }

    /// Whom the target saw, or why nobody: as itself, or in the name of this user.
    pub(crate) async fn ask(&mut self, user: Option<&str>) -> Result<String, String> {
        let line = format!("{}\n", user.unwrap_or_default());
        self.input.write_all(line.as_bytes()).await.unwrap();
        let mut said = String::new();
        loop {
            let line = timeout(PATIENCE, self.output.next_line()).await.expect("an answer");
            match line.unwrap().expect("the JVM goes on").as_str() {
                "." => break,
                line => said = said + line + "\n",
            }
        }
        said.strip_prefix("seen ").map(|seen| seen.trim().to_owned()).ok_or(said)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_logs_in_and_is_accepted_as_itself_and_as_a_user() {
    if !jdk() {
        return;
    }
    let world = World::new().await;
    let (mcp, web) = (world.keytab("svc-mcp").await, world.keytab("svc-web").await);
    let web = ("HTTP/web.example.test@EXAMPLE.TEST", &*web);
    let mut jdk = Jdk::start(&world, ("svc-mcp@EXAMPLE.TEST", &mcp), web).await;
    assert_eq!(jdk.ask(None).await.unwrap(), "svc-mcp@EXAMPLE.TEST");
    assert_eq!(jdk.ask(Some("alice@EXAMPLE.TEST")).await.unwrap(), "alice@EXAMPLE.TEST");
}
