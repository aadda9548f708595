//! SQL at the tests' SQL Server (`tests/harness/tds`), as the user who calls: the server says who came.

mod bound;
mod catalogue;
mod crowd;
mod impersonated;
mod logins;
mod many;
mod overheard;
mod types;

use std::path::PathBuf;

use krb_client::files;
use krb_tests::tds::{Directory, Encryption, Options};
use krb_tests::{Answer, Lab, Server, tds};
use serde_json::{Value, json};

use crate::databases::{changed, execute, row, server};

/// The users that `app` has: two who log in or are impersonated, and one who only is impersonated.
fn users(lab: &Lab) -> [String; 3] {
    [lab.windows_name("ALICE_ADMIN"), lab.windows_name("bob"), "carl".into()]
}

fn directory(lab: &Lab) -> Directory {
    let names = users(lab);
    Directory::with_users(&names.each_ref().map(String::as_str))
}

/// A certificate of the lab's CA for the database's host.
fn certificate(lab: &Lab) -> (PathBuf, PathBuf) {
    let (file, key) = (lab.scratch("sql.pem"), lab.scratch("sql.key"));
    if !file.exists() {
        let (host, part) = (lab.var("SQL_HOST"), lab.scratch("sql-part"));
        let (part, tls) = (part.display(), PathBuf::from(lab.var("CA_FILE")));
        let tls = tls.parent().expect("its folder").display();
        lab.shell(&format!(
            "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={host} \
               -keyout {part}.key -out {part}.csr 2>&1
             openssl x509 -req -in {part}.csr -CA {tls}/ca.crt -CAkey {tls}/ca.key \
               -set_serial 0x$(openssl rand -hex 8) -days 30 \
               -extfile <(echo subjectAltName=DNS:{host}) -out {part}.pem 2>&1
             mv {part}.key {}
             mv {part}.pem {}",
            key.display(),
            file.display()
        ));
    }
    (file, key)
}

/// What a server is started with at the address and port that its SPN has.
async fn options(lab: &Lab, encryption: Encryption) -> Options {
    let mut options = Options::new(directory(lab));
    options.address = lab.var("SQL_IP").parse().expect("an address");
    options.port = 1433;
    let keytab = files::read_keytab(&lab.keytab("sql")).await.expect("a keytab");
    options.keytab = Some((keytab, format!("MSSQLSvc/{}:1433", lab.var("SQL_HOST"))));
    if encryption != Encryption::None {
        let (certificate, key) = certificate(lab);
        options = options.encrypted(encryption, &certificate, &key);
    }
    options
}

/// With the users of a crowd in the place of the usual ones, and their names.
async fn crowded(lab: &Lab, encryption: Encryption) -> (Options, Vec<String>) {
    let users: Vec<_> =
        crate::databases::crowd::names().map(|name| lab.windows_name(&name)).collect();
    let mut options = options(lab, encryption).await;
    options.directory = Directory::with_users(&users.iter().map(|n| &**n).collect::<Vec<_>>());
    (options, users)
}

async fn database(lab: &Lab) -> tds::Server {
    tds::Server::start(options(lab, Encryption::Required).await).await
}

/// A target at it; `change` has what differs.
fn target(lab: &Lab, name: &str, change: Value) -> Value {
    let usual = json!({
        "kind": "sql", "engine": "sqlserver", "name": name, "host": lab.var("SQL_HOST"),
        "databases": ["app"]
    });
    changed(usual, &change)
}

/// One whose users a service login executes as.
fn impersonating(lab: &Lab, name: &str, change: Value) -> Value {
    let login = json!({
        "mode": "impersonate", "username": "svc-sql",
        "password": "Passw0rd!sql"
    });
    changed(target(lab, name, json!({ "login": login })), &change)
}

/// What a caller asks of a target.
async fn ask(server: &Server, token: &str, target: &str, sql: &str) -> Answer {
    let arguments = json!({ "action": "query", "target": target, "sql": sql });
    server.call(Some(token), "sql-delegate", arguments).await
}

/// Who somebody is to the database, in a SELECT.
const WHO: &str =
    "SELECT SUSER_SNAME() AS login, USER_NAME() AS name, ORIGINAL_LOGIN() AS original";
