//! SQL tools at a real PostgreSQL: what is called a read changes nothing, what could be anything else is
//! refused or needs more, and the original's own call is answered letter for letter.

use std::time::Duration;

use krb_delegation::policy::DEFAULTS;
use krb_tests::{Answer, Lab, Server, Setup, issuer};
use serde_json::{Value, json};

use crate::databases::by_curl;
use crate::lab;

/// What policy allows is everything: what is left is what statements are.
const ALL: &str = "@id(\"all\") permit (principal, action, resource);";

/// PostgreSQL's database `app`, with users who log in themselves as what the template makes of them.
fn target(lab: &Lab, template: &str) -> Value {
    json!({
        "kind": "sql", "name": "app", "engine": "postgresql", "host": lab.var("POSTGRES_HOST"),
        "databases": ["app"], "encryption": "gss", "roleTemplate": template
    })
}

fn server(lab: &Lab, issuer: &str, template: &str, policy: &str) -> Server {
    let mut setup = Setup::new(lab, issuer);
    setup.targets.push(target(lab, template));
    policy.clone_into(&mut setup.policy);
    Server::start(lab, &setup)
}

/// What is there that a statement could have changed, as whoever may see all.
fn all_there_is(lab: &Lab) -> String {
    const ALL: &str = "SELECT md5(string_agg(x, '|' ORDER BY x)) FROM (\
        SELECT 'n' || n::text AS x FROM notes n UNION ALL \
        SELECT 's' || s::text FROM secrets s UNION ALL \
        SELECT 'm' || s::text FROM salaries s UNION ALL \
        SELECT 'c' || oid || relname || relacl::text FROM pg_class WHERE relacl IS NOT NULL UNION ALL \
        SELECT 'o' || oid || relname FROM pg_class WHERE relpersistence = 'p' UNION ALL \
        SELECT 'f' || oid || proname FROM pg_proc UNION ALL \
        SELECT 'q' || sequencename || coalesce(last_value::text, '-') FROM pg_sequences UNION ALL \
        SELECT 'l' || oid FROM pg_largeobject_metadata UNION ALL \
        SELECT 'r' || r::text FROM pg_roles r UNION ALL \
        SELECT 'd' || setrole || setconfig::text FROM pg_db_role_setting) AS y";
    let line = format!("psql -X -A -t -v ON_ERROR_STOP=1 \"$POSTGRES_SUPERUSER\" -c \"{ALL}\"");
    lab.shell(&line)
}

/// Asks, as often as a caller may who is refused so much.
async fn ask(server: &Server, token: &str, arguments: &Value) -> Answer {
    for _ in 0..100 {
        let answer = server.call(Some(token), "sql-delegate", arguments.clone()).await;
        let error = &answer.body["result"]["structuredContent"]["error"];
        if error["code"] != "TOO_MANY_CALLS" {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("there are too many calls for 25 s")
}

fn query(sql: &str) -> Value {
    json!({"action": "query", "sql": sql})
}

// curl is waited for on this thread, and the issuer has to answer the server meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_originals_call_is_answered_letter_for_letter() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), r"DOMAIN\{name}", ALL);
    let token = issuer.token("alice");
    // Accept is */*, and nothing was initialised.
    let said = by_curl(lab, &server, &token, "SELECT CURRENT_USER AS current_user");
    assert_eq!(said, r#"{"status":"success","data":[{"current_user":"DOMAIN\\ALICE_ADMIN"}]}"#);
}

/// What PostgreSQL does when it is let, and is called a read here.
const READS: &[&str] = &[
    "SELECT count(*) AS n FROM notes",
    "SELECT owner, body FROM notes WHERE body LIKE 'note 1 %' ORDER BY id",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
    "SELECT * FROM generate_series(1, 3) AS n, LATERAL (SELECT n * 2 AS m) AS x",
    "SELECT current_setting AS s FROM (SELECT 'current_setting' AS current_setting) AS q",
    "SELECT 'DELETE FROM notes; -- /*' AS text",
    "SELECT /* DELETE FROM notes */ 1 AS a -- ; DELETE FROM notes",
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM secrets) THEN 'some' ELSE 'none' END AS c",
    "VALUES (1, 'a'), (2, 'b')",
    "EXPLAIN SELECT * FROM notes",
    "EXPLAIN ANALYZE SELECT * FROM notes",
    "SHOW transaction_read_only",
    "SELECT name, amount FROM salaries",
];

/// What changes something, or reaches what could, and is therefore none.
const OTHERS: &[&str] = &[
    "DELETE FROM notes",
    "UPDATE notes SET body = 'x'",
    "INSERT INTO notes (body) VALUES ('x')",
    "WITH d AS (DELETE FROM notes RETURNING *) SELECT * FROM d",
    "WITH i AS (INSERT INTO notes (body) VALUES ('x') RETURNING id) SELECT id FROM i",
    "SELECT * FROM (SELECT 1 AS a) AS q, LATERAL (WITH d AS (DELETE FROM notes RETURNING id) SELECT id FROM d) AS y",
    "SELECT * FROM notes FOR UPDATE",
    "SELECT * FROM notes FOR KEY SHARE",
    "SELECT * INTO TEMP t FROM notes",
    "SELECT * INTO t FROM notes",
    "CREATE TEMP TABLE notes (a int)",
    "EXPLAIN ANALYZE DELETE FROM notes",
    "SELECT nextval('notes_id_seq')",
    "SELECT setval('notes_id_seq', 1)",
    "SELECT set_config('role', 'bob', false)",
    "SELECT count(*) FROM notes LIMIT length(set_config('role', 'bob', false))",
    "WITH x AS (SELECT set_config('role', 'bob', false)) SELECT * FROM x",
    "SELECT alice.become('bob')",
    "SELECT whoami_as_owner()",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_advisory_lock(1)",
    "SELECT query_to_xml('SELECT set_config(''role'', ''bob'', false)', true, true, '')",
    "SELECT pg_terminate_backend(pg_backend_pid())",
    "SET ROLE bob",
    "RESET ROLE",
    "SET SESSION AUTHORIZATION bob",
    "SET TRANSACTION READ WRITE",
    "SELECT 1; DELETE FROM notes",
    "SELECT 1; SET TRANSACTION READ WRITE",
    "COMMIT; DELETE FROM notes",
    "SELECT 1 /* /* */ ; DELETE FROM notes -- */",
    "SELECT E'\\'; DELETE FROM notes --'",
    "SELECT $a$; DELETE FROM notes $a$",
    "DO 'BEGIN DELETE FROM notes; END'",
    "DO $$ BEGIN DELETE FROM notes; END $$",
    "COPY notes TO PROGRAM 'true'",
    "LISTEN a",
    "PREPARE p AS DELETE FROM notes",
    "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM notes",
    "LOCK TABLE notes",
    "TRUNCATE notes",
    "SELECT 1\r; DELETE FROM notes",
    "SELECT\u{a0}1",
];

#[tokio::test]
async fn what_is_called_a_read_changes_nothing_and_nothing_else_is_called_one() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), "{name}", ALL);
    let token = issuer.token("alice");
    let before = all_there_is(lab);
    for sql in READS {
        let answer = ask(&server, &token, &query(sql)).await;
        assert!(answer.data().is_array(), "{sql}: {answer:?}");
    }
    assert_eq!(all_there_is(lab), before, "something was changed by a read");
    let read_only = ask(&server, &token, &query("SHOW transaction_read_only")).await;
    assert_eq!(read_only.data()[0]["transaction_read_only"], "on");
    for sql in OTHERS {
        let answer = ask(&server, &token, &query(sql)).await;
        let (code, message, remedy) = answer.error();
        assert_eq!(code, "INVALID_ARGUMENT", "{sql}: {message}");
        assert!(!message.is_empty() && !remedy.is_empty(), "{sql}");
        let who = ask(&server, &token, &query("SELECT current_user AS u, session_user AS s")).await;
        assert_eq!(*who.data(), json!([{"u": "ALICE_ADMIN", "s": "ALICE_ADMIN"}]), "{sql}");
    }
    assert_eq!(all_there_is(lab), before, "something was changed by what was refused");
}

#[tokio::test]
async fn permissions_are_what_a_statement_does() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), "{name}", DEFAULTS);
    let execute = |sql: &str| json!({"action": "execute", "sql": sql});
    let changes = "INSERT INTO notes (body) VALUES ('by permission')";
    let admins = "CREATE TEMP TABLE mine (a int)";
    for (number, (permissions, reads, writes, makes)) in [
        (json!([]), false, false, false),
        (json!(["file:read"]), false, false, false),
        (json!(["sql:read"]), true, false, false),
        (json!(["sql:write"]), true, true, false),
        (json!(["sql:read", "sql:write"]), true, true, false),
        (json!(["sql:admin"]), true, true, true),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.claim_in_exchanges("permissions", permissions.clone());
        // A token of its own, so that nothing is remembered of the one before.
        let user = format!("alice{number}");
        issuer.add(&user, "ALICE_ADMIN");
        let token = issuer.token(&user);
        for (arguments, allowed) in [
            (query("SELECT count(*) AS n FROM notes"), reads),
            (execute(changes), writes),
            (execute(admins), makes),
            (execute("SELECT setval('notes_id_seq', 1000)"), false),
        ] {
            let answer = ask(&server, &token, &arguments).await;
            if allowed {
                assert!(answer.data().is_array(), "{permissions} {arguments}");
            } else {
                // What policy lets through, the database refuses: the sequence is not hers to set.
                let code = answer.code();
                let expected = if makes { "ACCESS_DENIED" } else { "POLICY_DENIED" };
                assert_eq!(code, expected, "{permissions} {arguments}");
            }
        }
    }
    let records = server.audit_records();
    let intent = records
        .iter()
        .find(|record| record["phase"] == "intent" && record["action"] == "sql:write");
    let intent = intent.expect("an intent record");
    assert_eq!(intent["statement"], "INSERT INTO notes (body) VALUES (?)", "{intent}");
    assert_eq!(intent["tables"], json!(["notes"]));
    assert_eq!(intent["statementHash"].as_str().map(str::len), Some(32));
    assert!(records.iter().all(|record| !record.to_string().contains("by permission")));
    lab.shell("psql -X -q -v ON_ERROR_STOP=1 \"$POSTGRES_SUPERUSER\" -c \"DELETE FROM notes WHERE body = 'by permission'\"");
}

#[tokio::test]
async fn tables_and_columns_are_told_and_rows_come_in_pages() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), "{name}", ALL);
    let token = issuer.token("bob");
    let tables = server.call(Some(&token), "sql-schema", json!({})).await;
    let names: Vec<_> =
        tables.data().as_array().expect("rows").iter().map(|row| &row["name"]).collect();
    assert!(names.contains(&&json!("notes")), "{names:?}");
    assert!(!names.contains(&&json!("salaries")), "bob may not use it: {names:?}");
    let columns = server.call(Some(&token), "sql-table-details", json!({"table": "notes"})).await;
    let id = &columns.data()[0];
    assert_eq!(
        (&id["name"], &id["type"], &id["primaryKey"]),
        (&json!("id"), &json!("bigint"), &json!(true))
    );
    let hidden = server.call(Some(&token), "sql-table-details", json!({"table": "salaries"})).await;
    assert_eq!(*hidden.data(), json!([]));

    let sql = "SELECT id FROM notes WHERE owner = $1 ORDER BY id";
    let mut arguments = json!({"action": "query", "sql": sql, "params": ["bob"], "maxRows": 90});
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let answer = ask(&server, &token, &arguments).await;
        seen.extend(answer.data().as_array().expect("rows").iter().cloned());
        pages += 1;
        let whole = &answer.body["result"]["structuredContent"];
        assert_eq!(whole["columns"][0]["type"], "bigint", "{whole}");
        if whole["hasMore"] == false {
            break;
        }
        arguments["cursor"] = whole["cursor"].clone();
    }
    let distinct: std::collections::BTreeSet<String> =
        seen.iter().map(ToString::to_string).collect();
    assert_eq!((pages, seen.len(), distinct.len()), (3, 200, 200));

    for (sql, code, said) in [
        ("SELECT * FROM nowhere", "NOT_FOUND", "42P01"),
        ("SELECT * FROM salaries", "ACCESS_DENIED", "42501"),
        ("SELECT 1 / 0 AS a", "STATEMENT_FAILED", "22012"),
        ("SELECT nocolumn FROM notes", "NOT_FOUND", "42703"),
    ] {
        let answer = ask(&server, &token, &query(sql)).await;
        let (is, message, _) = answer.error();
        assert_eq!(is, code, "{sql}: {message}");
        assert!(message.contains(said), "{sql}: {message}");
    }
    // A value of alice's that bob runs into is not told.
    let taken = json!({"action": "execute", "sql": "INSERT INTO secrets (word) VALUES ($1)", "params": ["swordfish"]});
    let (code, message, _) = ask(&server, &token, &taken).await.error();
    assert_eq!(code, "STATEMENT_FAILED");
    assert!(message.contains("23505") && !message.contains("ALICE"), "{message}");
}
