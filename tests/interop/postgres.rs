//! PostgreSQL: as whom a database lets somebody in.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use krb_client::proto::kdc::Realm;
use tokio::process::Child;

use crate::mit::{here, kinit, kinit_with_keys, kvno};
use crate::world::{Ended, Program, REALM, World, installed};

const VERSIONS: &str = "/usr/lib/postgresql";
/// Its owner is the user that the package made: PostgreSQL refuses to be root.
const HOME: &str = "/var/lib/postgresql";
const HOST: &str = "db.example.test";
const SERVICE: &str = "postgres/db.example.test";
/// With GSSAPI's encryption and without it; a role is what its realm's principal is called.
const HBA: &str =
    "host all all 127.0.0.1/32 gss include_realm=1 krb_realm=EXAMPLE.TEST map=realm\n";
const IDENT: &str = "realm /^(.*)@EXAMPLE\\.TEST$ \\1\n";
const WHO: &str = "select current_user, principal, gss_authenticated, encrypted \
                   from pg_stat_gssapi where pid = pg_backend_pid()";

/// Where the newest version's programs are.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let numbered = versions.filter_map(|version| {
        let number: u32 = version.file_name().to_str()?.parse().ok()?;
        let programs = version.path().join("bin");
        programs.join("postgres").exists().then_some((number, programs))
    });
    let newest = numbered.max().map(|(_, programs)| programs);
    let wanted = newest.clone().unwrap_or_else(|| format!("{VERSIONS}/*/bin").into());
    let there = here() && installed(wanted.join("postgres").to_str()?, "postgresql");
    newest.filter(|_| there)
}

/// A running PostgreSQL with the role alice, ended when dropped.
struct Postgres<'a> {
    world: &'a World,
    programs: PathBuf,
    port: u16,
    _process: Child,
}

impl<'a> Postgres<'a> {
    async fn start(world: &'a World, programs: PathBuf) -> Self {
        let data = world.file("data");
        fs::create_dir(&data).unwrap();
        give_away(&data);
        let run = |name: &str| unprivileged(world, &programs.join(name));
        let initdb = ["-D", "data", "-U", "postgres", "--no-locale", "-E", "UTF8", "--no-sync"];
        run("initdb").args(initdb).run().await.ok();
        fs::write(data.join("pg_hba.conf"), HBA).unwrap();
        fs::write(data.join("pg_ident.conf"), IDENT).unwrap();
        let single = run("postgres").args(["--single", "-D", "data", "postgres"]);
        single.typing(&["create role alice login"]).run().await.ok();
        has_keys_of(world, "svc-db").await;
        let keys = format!("krb_server_keyfile=FILE:{}", world.file("server.keytab").display());
        // A free port is only known to be one until somebody else takes it.
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let number = format!("port={port}");
            let settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off"];
            let settings = settings.into_iter().chain([&number[..], &keys]);
            let server = run("postgres").args(["-D", "data"]);
            let server = server.args(settings.flat_map(|setting| ["-c", setting]));
            let mut process = server.saying_to(&world.file("postgres.log")).start();
            for _ in 0..300 {
                if process.try_wait().unwrap().is_some() {
                    break;
                }
                let ready = ["-q", "-h", "127.0.0.1", "-p", &port.to_string()];
                if run("pg_isready").args(ready).run().await.is_ok() {
                    return Self { world, programs, port, _process: process };
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        panic!("PostgreSQL does not start: {}", log(world));
    }

    /// What a session in this role is told of who it is.
    async fn session(&self, cache: &str, role: &str, encryption: &str) -> Ended {
        let place = format!("host={HOST} hostaddr=127.0.0.1 port={} dbname=postgres", self.port);
        let how = format!("user={role} gssencmode={encryption} sslmode=disable");
        let arguments = ["-XAtw", "-c", WHO, &format!("{place} {how}")];
        self.world.program(self.programs.join("psql"), cache).args(arguments).run().await
    }
}

impl Drop for Postgres<'_> {
    /// Not by a signal that it cannot take: it would leave its processes and shared memory.
    fn drop(&mut self) {
        let stop = unprivileged(self.world, &self.programs.join("pg_ctl"));
        stop.args(["-D", "data", "-s", "-m", "immediate", "stop"]).finish();
    }
}

fn log(world: &World) -> String {
    fs::read_to_string(world.file("postgres.log")).unwrap_or_default()
}

/// Whom to become, where this runs as root.
fn owner() -> Option<(u32, u32)> {
    let root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let home = fs::metadata(HOME).unwrap();
    root.then(|| (home.uid(), home.gid()))
}

fn unprivileged(world: &World, program: &Path) -> Program {
    let program = world.program(program, "none");
    match owner() {
        Some((user, group)) => program.by(user, group),
        None => program,
    }
}

fn give_away(file: &Path) {
    if let Some((user, group)) = owner() {
        chown(file, Some(user), Some(group)).unwrap();
    }
}

/// The keytab that the server reads for each session has these keys from now on.
async fn has_keys_of(world: &World, account: &str) {
    let file = world.file("server.keytab");
    fs::copy(world.keytab(account).await, &file).unwrap();
    give_away(&file);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_knows_who_came_and_in_whose_name() {
    let Some(programs) = programs() else { return };
    let world = World::new().await;
    world.kdc.realms().realm(REALM, |realm: &mut Realm| {
        realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to = vec![SERVICE.into()];
    });
    let postgres = Postgres::start(&world, programs).await;

    kinit(&world, "alice", &["alice"], "alice's password").await.ok();
    // The front end's caches with alice's ticket in them, and nothing else.
    kinit_with_keys(&world, "mcp", "svc-mcp").await.ok();
    for (option, name) in [("-U", "enterprise"), ("-I", "name")] {
        let cache = format!("FILE:{}", world.file(name).display());
        let words = [option, "alice", "-P", "--out-cache", &cache, SERVICE];
        kvno(&world, "mcp", &words).await.ok();
    }
    for cache in ["alice", "enterprise", "name"] {
        for (encryption, encrypted) in [("require", "t"), ("disable", "f")] {
            let who = postgres.session(cache, "alice", encryption).await.ok();
            assert_eq!(who.trim(), format!("alice|alice@EXAMPLE.TEST|t|{encrypted}"), "{cache}");
        }
    }

    kinit(&world, "bob", &["bob"], "bob's password").await.ok();
    for (encryption, no_ticket) in [
        ("require", "GSSAPI encryption required but was impossible (possibly no credential cache"),
        ("disable", "No Kerberos credentials available"),
    ] {
        let session = async |cache, role| postgres.session(cache, role, encryption).await;
        session("bob", "bob").await.refused("role \"bob\" does not exist");
        session("bob", "alice").await.refused("GSSAPI authentication failed for user \"alice\"");
        session("nobody", "alice").await.refused(no_ticket);
    }

    // Another service's keys open nothing. What begins with encryption is told no reason, its log is.
    has_keys_of(&world, "svc-web").await;
    for (encryption, reason) in [("require", ""), ("disable", "The ticket isn't for us")] {
        let before = log(&world).len();
        postgres.session("alice", "alice", encryption).await.refused(reason);
        let log = log(&world).split_off(before);
        assert!(log.contains("not found in keytab"), "{log}");
    }
    has_keys_of(&world, "svc-db").await;
    postgres.session("alice", "alice", "require").await.ok();
}
