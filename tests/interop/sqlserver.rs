//! The tests' SQL Server, and clients that are not ours: Microsoft's JDBC and ODBC drivers, FreeTDS,
//! pymssql, each with a ticket that a front end got in a user's name. What they agree with is no
//! invention of ours.
//!
//! `tests/interop/install-sql-drivers FOLDER` fetches those that Debian has not, `SQL_DRIVERS=FOLDER`
//! tells these tests where they are. Without it they count as skipped, loudly.

use std::path::{Path, PathBuf};

use krb_client::proto::kdc::Realm;
use krb_tests::skipped;
use krb_tests::tds::{Directory, Encryption, LoggedIn, Options, Server};

use crate::jdk::{compile, jdk};
use crate::mit::{here, kinit_with_keys, kvno};
use crate::world::{Program, REALM, REALM_FILE, World, installed};

const TSQL: &str = "/usr/bin/tsql";
const OPENSSL: &str = "/usr/bin/openssl";
const HOST: &str = "db.example.test";
/// One of alice's rows in `kinds`, as far as all drivers write it alike.
const SUM: &str = "200010000";

/// The drivers that are fetched, and the server as each of them reaches it.
fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SQL_DRIVERS").map(PathBuf::from);
    let required = std::env::var("PEERS_REQUIRED").is_ok_and(|value| value == "1");
    assert!(folder.is_some() || !required, "PEERS_REQUIRED=1, and SQL_DRIVERS is not set");
    if folder.is_none() {
        skipped("no drivers for SQL Server; tests/interop/install-sql-drivers fetches them");
    }
    folder
}

struct Database {
    server: Server,
    service: String,
}

/// The realm with a service whose port is part of its name, and is free.
async fn world() -> (World, u16) {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    let service = format!("MSSQLSvc/{HOST}:{port}");
    let realm = format!("{REALM_FILE}\n[realm.services.svc-sql]\nspns = [{service:?}]\n");
    let world = World::of(&realm).await;
    world.kdc.realms().realm(REALM, |realm: &mut Realm| {
        realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to = vec![service];
    });
    (world, port)
}

impl Database {
    async fn start((world, port): &(World, u16), encryption: Encryption) -> Self {
        let service = format!("MSSQLSvc/{HOST}:{port}");
        let directory = Directory::with_users(&["EXAMPLE\\alice", "EXAMPLE\\bob"]);
        let mut options = Options::new(directory);
        options.port = *port;
        options.keytab = Some((world.kdc.realms().keytab("svc-sql").unwrap(), service.clone()));
        if encryption != Encryption::None {
            let (certificate, key) = certificate(world).await;
            options = options.encrypted(encryption, &certificate, &key);
        }
        Self { server: Server::start(options).await, service }
    }

    /// A cache with alice's ticket to it, and nothing else.
    async fn ticket(&self, world: &World) {
        kinit_with_keys(world, "mcp", "svc-mcp").await.ok();
        let cache = format!("FILE:{}", world.file("alice").display());
        let words = ["-U", "alice", "-P", "--out-cache", &cache, &self.service];
        kvno(world, "mcp", &words).await.ok();
    }

    /// The logins since the last time, all of alice's, in whose name the front end came.
    #[track_caller]
    fn alices(&self) -> Vec<LoggedIn> {
        let seen = self.server.seen();
        for login in &seen.logins {
            let who = login.who.as_ref().expect("a ticket");
            assert_eq!(login.login, "EXAMPLE\\alice", "{login:?}");
            assert_eq!(who.delegated_by, ["svc-mcp@EXAMPLE.TEST"], "{login:?}");
        }
        assert!(!seen.logins.is_empty(), "{:?}", seen.refused);
        self.server.forget();
        seen.logins
    }
}

async fn certificate(world: &World) -> (PathBuf, PathBuf) {
    let (file, key) = (world.file("server.pem"), world.file("server.key"));
    let name = format!("/CN={HOST}");
    let extension = format!("subjectAltName=DNS:{HOST}");
    let words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", &name];
    let words = words.into_iter().chain(["-addext", &extension, "-keyout"]);
    let program = world.program(OPENSSL, "none").args(words).args([&key]);
    program.args(["-out"]).args([&file]).run().await.ok();
    (file, key)
}

fn freetds(world: &World, database: &Database, encryption: &str) -> PathBuf {
    let file = world.file("freetds.conf");
    let conf = format!(
        "[db]\nhost = 127.0.0.1\nport = {}\ntds version = 7.4\nspn = {}\nencryption = {encryption}\n\
         client charset = UTF-8\n",
        database.server.port(),
        database.service
    );
    std::fs::write(&file, conf).unwrap();
    file
}

fn python(world: &World, folder: &Path, program: &str) -> Program {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/programs").join(program);
    world.program(folder.join("venv/bin/python"), "alice").args([script])
}

#[track_caller]
fn has(said: &str, parts: &[&str]) {
    for part in parts {
        assert!(said.contains(part), "no {part} in {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn freetds_logs_in_with_a_delegated_ticket() {
    if !here() || !installed(TSQL, "freetds-bin") || !installed(OPENSSL, "openssl") {
        return;
    }
    let world = world().await;
    for (encryption, word) in [(Encryption::None, "off"), (Encryption::Required, "require")] {
        let database = Database::start(&world, encryption).await;
        database.ticket(&world.0).await;
        let conf = freetds(&world.0, &database, word);
        let tsql = world.0.program(TSQL, "alice").args(["-S", "db", "-D", "app", "-o", "q"]);
        let said = tsql
            .env("FREETDSCONF", &conf)
            .typing(&[
                "SELECT SUSER_SNAME(), USER_NAME(), DB_NAME()",
                "go",
                "SELECT name, salary FROM people WHERE id = 9007199254740993",
                "SELECT large, exact, rich, text, placed, len(long) FROM kinds",
                "go",
                "SELECT * FROM payroll",
                "go",
                "SELECT o.name + '.' + c.name + ' ' + t.name, c.is_nullable, d.definition FROM sys.columns AS c \
                 JOIN sys.objects AS o ON o.object_id = c.object_id \
                 JOIN sys.types AS t ON t.user_type_id = c.user_type_id \
                 LEFT JOIN sys.default_constraints AS d ON d.object_id = c.default_object_id \
                 WHERE o.name = 'people' ORDER BY c.column_id",
                "go",
                "exit",
            ])
            .run()
            .await
            .text();
        let parts = ["EXAMPLE\\alice", "another of hers", "922337203685477.58", "Zażółć"];
        has(&said, &parts);
        has(&said, &["9007199254740993", "SELECT permission was denied", "10000"]);
        has(&said, &["people.id bigint\t0\tNULL", "people.name nvarchar\t0\t(N'nobody')"]);
        has(&said, &["people.owner nvarchar\t1\tNULL", "people.salary money\t1\t((0))"]);
        for login in database.alices() {
            assert_eq!(login.tls.is_some(), encryption == Encryption::Required, "{login:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pymssql_logs_in_with_a_delegated_ticket() {
    let Some(folder) = folder().filter(|_| here() && installed(OPENSSL, "openssl")) else { return };
    let world = world().await;
    let database = Database::start(&world, Encryption::Required).await;
    database.ticket(&world.0).await;
    let conf = freetds(&world.0, &database, "require");
    let port = database.server.port().to_string();
    let rows = python(&world.0, &folder, "pymssql_rows.py").args(["db", &port]);
    let said = rows.env("FREETDSCONF", &conf).run().await.ok();
    has(&said, &["EXAMPLE\\alice|EXAMPLE\\alice|app", "another of hers|922337203685477.5807"]);
    has(&said, &["9007199254740993|-1234567890123456789012345678.0123456789"]);
    has(&said, &["922337203685477.5807|Zażółć", "permission was denied"]);
    database.alices();
}

#[tokio::test(flavor = "multi_thread")]
async fn microsofts_odbc_driver_logs_in_with_a_delegated_ticket() {
    let Some(folder) = folder().filter(|_| here() && installed(OPENSSL, "openssl")) else { return };
    let world = world().await;
    for (encryption, word) in
        [(Encryption::None, "no"), (Encryption::Required, "yes"), (Encryption::Strict, "strict")]
    {
        let database = Database::start(&world, encryption).await;
        database.ticket(&world.0).await;
        let certificate = match encryption {
            // Nothing else than its certificate makes it trusted.
            Encryption::Strict => {
                format!("ServerCertificate={};", world.0.file("server.pem").display())
            }
            _ => "TrustServerCertificate=yes;".to_owned(),
        };
        let place = format!(
            "Server=tcp:127.0.0.1,{};Database=app;Trusted_Connection=yes;ServerSPN={};\
             Encrypt={word};{certificate}HostNameInCertificate={HOST};",
            database.server.port(),
            database.service
        );
        let said = python(&world.0, &folder, "odbc.py").args([place]).run().await.ok();
        has(&said, &["EXAMPLE\\alice|EXAMPLE\\alice|app", "another of hers|922337203685477.5807"]);
        has(&said, &["9007199254740993|-1234567890123456789012345678.0123456789"]);
        has(&said, &["Zażółć 😀|2024-03-01 00:10:00.123456+05:30", SUM]);
        has(&said, &["permission was denied", "1|EXAMPLE\\alice"]);
        for login in database.alices() {
            let strict = encryption == Encryption::Strict;
            assert_eq!(login.alpn.as_deref() == Some("tds/8.0"), strict, "{login:?}");
            assert_eq!(login.tls.is_some(), encryption != Encryption::None, "{login:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn microsofts_jdbc_driver_logs_in_with_an_impersonated_credential() {
    let Some(folder) = folder().filter(|_| jdk() && installed(OPENSSL, "openssl")) else { return };
    let world = world().await;
    let keytab = world.0.keytab("svc-mcp").await;
    compile(&world.0, "SqlServer", &world.0.file("")).await;
    let classes =
        format!("{}:{}", world.0.file("").display(), folder.join("mssql-jdbc.jar").display());
    for (encryption, word) in [
        (Encryption::None, "false"),
        (Encryption::Required, "true"),
        (Encryption::Strict, "strict"),
    ] {
        let database = Database::start(&world, encryption).await;
        let certificate = match encryption {
            Encryption::Strict => {
                format!("serverCertificate={}", world.0.file("server.pem").display())
            }
            _ => "trustServerCertificate=true".to_owned(),
        };
        let url = format!(
            "jdbc:sqlserver://127.0.0.1:{};databaseName=app;loginTimeout=20;serverSpn={};\
             encrypt={word};{certificate};hostNameInCertificate={HOST}",
            database.server.port(),
            database.service
        );
        let conf = format!("-Djava.security.krb5.conf={}", world.0.file("krb5.conf").display());
        let java = world.0.program("/usr/bin/java", "none");
        let java =
            java.args([conf.as_str(), "-Dfile.encoding=UTF-8", "-cp", &classes, "SqlServer"]);
        let java = java.args([&keytab]).args(["svc-mcp@EXAMPLE.TEST", "alice@EXAMPLE.TEST", &url]);
        let said = java.run().await.ok();
        has(&said, &["EXAMPLE\\alice|EXAMPLE\\alice|app", "another of hers|922337203685477.5807"]);
        // Every type, as the driver writes it.
        has(&said, &["255|-32768|-2147483648|9007199254740993|1|1.5|0.1|"]);
        has(
            &said,
            &["|-1234567890123456789012345678.0123456789|922337203685477.5807|-214748.3648|"],
        );
        has(&said, &["|Zażółć 😀|01234567890123456789", "|café €|00FF10|DEADBEEF|2024-02-29|"]);
        has(&said, &["|9999-12-31 23:59:59.9999999|2024-03-01 00:10:00.1234567 +05:30|"]);
        has(&said, &["|2024-02-29 12:34:56.79|2024-02-29 12:34:00.0|"]);
        has(
            &said,
            &["|00112233-4455-6677-8899-AABBCCDDEEFF|<a b=\"c\"/>|{\"a\": [1, null]}|[1.0, 2.5]"],
        );
        has(&said, &["null|null|null|null", "600030000", "229|The SELECT permission was denied"]);
        has(&said, &["15406|Cannot execute as the server principal", "query has timed out"]);
        has(&said, &["0|EXAMPLE\\alice"]);
        assert_eq!(database.server.seen().attentions, 1);
        for login in database.alices() {
            let strict = encryption == Encryption::Strict;
            assert_eq!(login.alpn.as_deref() == Some("tds/8.0"), strict, "{login:?}");
        }
    }
}
