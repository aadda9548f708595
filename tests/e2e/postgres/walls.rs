//! What a user may try to become somebody else, to write where a read was let through, or to see what
//! is not theirs.

use krb_tests::issuer;
use serde_json::json;

use super::{ask, execute, row, server, superuser, target};
use crate::lab;

/// Everything that could give another identity, or change something in a read. Whatever becomes of it,
/// nobody is anybody else, and nothing was changed.
const ATTEMPTS: &[&str] = &[
    "RESET ROLE",
    "SET ROLE bob",
    "SET ROLE NONE",
    "SET SESSION AUTHORIZATION bob",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET LOCAL ROLE postgres",
    "SELECT 1; SET ROLE bob",
    "SELECT 1; INSERT INTO notes (body) VALUES ('stacked')",
    "SELECT 1;; DELETE FROM notes",
    "DO $$ BEGIN PERFORM set_config('role', 'bob', false); END $$",
    "DO $$ BEGIN INSERT INTO notes (body) VALUES ('done'); END $$",
    "SELECT set_config('role', 'bob', false)",
    "SELECT set_config('role', 'postgres', false), current_user",
    "SELECT set_config('session_authorization', 'bob', false)",
    "WITH x AS (SELECT set_config('role', 'bob', false)) SELECT * FROM x, notes",
    "SELECT alice.become('bob')",
    "SELECT alice.become('postgres')",
    "SELECT * FROM query_to_xml('SELECT set_config(''role'', ''bob'', false)', true, true, '')",
    "SET TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', false)",
    "WITH x AS (SELECT set_config('transaction_read_only', 'off', true)) SELECT * FROM x",
    "BEGIN; INSERT INTO notes (body) VALUES ('begun')",
    "COMMIT",
    "ROLLBACK",
    "WITH x AS (INSERT INTO notes (body) VALUES ('cte') RETURNING 1) SELECT * FROM x",
    "WITH x AS (DELETE FROM notes RETURNING 1) SELECT * FROM x",
    "SELECT * INTO stolen FROM notes",
    "SELECT nextval('notes_id_seq')",
    "SELECT setval('notes_id_seq', 1)",
    "SELECT lo_create(4711)",
    "SELECT * FROM notes FOR UPDATE",
    "COPY notes TO STDOUT",
    "COPY notes FROM STDIN",
    "COPY notes TO PROGRAM 'cat'",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT dblink('', 'SELECT 1')",
    "SELECT pg_sleep(0) /* ; */ -- \n; DELETE FROM notes",
    "SELECT $$ $$; DELETE FROM notes --$$",
    "SELECT $a$ $b$ $a$ ; DELETE FROM notes",
    "SELECT E'\\'; DELETE FROM notes --'",
    "SELECT U&'\\0027; DELETE FROM notes --'",
    "SELECT '\\'; DELETE FROM notes --'",
    "/* /* */ SELECT 1; */ DELETE FROM notes",
    "EXPLAIN ANALYZE DELETE FROM notes",
    "PREPARE p AS DELETE FROM notes",
    "EXECUTE p",
    "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    "LISTEN x",
    "NOTIFY x",
    "LOCK TABLE notes",
    "CREATE TEMP TABLE notes AS SELECT 1",
    "DISCARD ALL",
    "ALTER ROLE bob SET search_path = x",
    "SELECT * FROM pg_authid",
    "SELECT * FROM pg_catalog.pg_shadow",
];

#[tokio::test]
async fn nothing_leads_out_of_a_read_or_into_somebody_else() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let alice = issuer.token("alice");
    let count = "SELECT count(*), count(*) FILTER (WHERE owner <> 'crowd00' AND body !~ '^note') FROM notes \
                 WHERE owner IN ('ALICE_ADMIN', 'crowd00')";
    let before = superuser(lab, count);
    let who = "SELECT session_user AS s, current_user AS c, count(*) AS n FROM notes";
    let expected = json!({ "s": "ALICE_ADMIN", "c": "ALICE_ADMIN", "n": "200" });
    for sql in ATTEMPTS {
        let answer = ask(&server, &alice, "pg", sql).await;
        // A read that was let through says nothing of anybody else.
        let said = answer.body.to_string();
        assert!(!said.contains("note 1 of bob") && !said.contains("root:x:0"), "{sql}: {said}");
        assert_eq!(row(&ask(&server, &alice, "pg", who).await), &expected, "after {sql}");
    }
    assert_eq!(superuser(lab, count), before);
    assert_eq!(
        superuser(lab, "SELECT count(*) FROM pg_largeobject_metadata WHERE oid = 4711"),
        "0"
    );
    assert_eq!(superuser(lab, "SELECT count(*) FROM pg_class WHERE relname = 'stolen'"), "0");
}

/// What changes who somebody is, asked for as what may change anything.
const BECOMING: &[&str] = &[
    "SELECT set_config('role', 'bob', false)",
    "WITH x AS (SELECT set_config('role', 'postgres', false)) SELECT * FROM x",
    "SELECT set_config('session_authorization', 'bob', false)",
    "SELECT alice.become('bob')",
    "SELECT alice.become('postgres')",
    "SELECT * FROM query_to_xml('SELECT set_config(''role'', ''bob'', false)', true, true, '')",
    "CREATE OR REPLACE FUNCTION alice.into_bob() RETURNS text LANGUAGE sql AS \
     'SELECT set_config(''role'', ''bob'', false)'",
    "SELECT alice.into_bob()",
    "ALTER FUNCTION alice.into_bob() OWNER TO bob",
    "ALTER ROLE \"ALICE_ADMIN\" SET role = 'bob'",
    "ALTER ROLE \"ALICE_ADMIN\" SUPERUSER",
    "GRANT bob TO \"ALICE_ADMIN\"",
];

#[tokio::test]
async fn nothing_that_is_executed_makes_somebody_else_of_anybody() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let alice = issuer.token("alice");
    let who =
        "SELECT session_user AS s, current_user AS c, min(owner) AS a, max(owner) AS z FROM notes";
    let expected = json!({
        "s": "ALICE_ADMIN", "c": "ALICE_ADMIN", "a": "ALICE_ADMIN", "z": "ALICE_ADMIN"
    });
    for sql in BECOMING {
        let said = execute(&server, &alice, "pg", sql).await.body.to_string();
        assert!(!said.contains("note 1 of bob"), "{sql}: {said}");
        assert_eq!(row(&ask(&server, &alice, "pg", who).await), &expected, "after {sql}");
    }
    // What is owner's within a function that is meant to be so, ends with it.
    let said =
        execute(&server, &alice, "pg", "SELECT whoami_as_owner() AS w, current_user AS c").await;
    assert_eq!(row(&said), &json!({ "w": "postgres for ALICE_ADMIN", "c": "ALICE_ADMIN" }));
    assert_eq!(row(&ask(&server, &alice, "pg", who).await), &expected);
    superuser(
        lab,
        "DROP FUNCTION IF EXISTS alice.into_bob(); ALTER ROLE \"ALICE_ADMIN\" RESET role",
    );
}

#[tokio::test]
async fn an_error_has_code_and_place_and_nothing_of_others_rows() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let bob = issuer.token("bob");
    // Alice's word is there, and row security hides it: the server's detail would say it all the same.
    let sql = "INSERT INTO secrets (word) SELECT 'sword' || 'fish' RETURNING word";
    let answer = execute(&server, &bob, "pg", sql).await;
    let (code, message, _) = answer.error();
    assert_eq!(code, "STATEMENT_FAILED", "{message}");
    assert!(message.contains("23505"), "{message}");
    assert!(!answer.body.to_string().contains("swordfish"), "{answer:#?}");
    let (code, message, _) = ask(&server, &bob, "pg", "SELECT nothing FROM notes").await.error();
    assert_eq!(code, "NOT_FOUND", "{message}");
    assert!(message.contains("42703") && message.contains("character 8"), "{message}");
    let (_, message, _) = ask(&server, &bob, "pg", "SELECT 1/0 AS x").await.error();
    assert!(message.contains("22012"), "{message}");
}

#[tokio::test]
async fn what_is_written_is_the_users_and_checked_when_it_is_committed() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let bob = issuer.token("bob");
    let sql = "INSERT INTO notes (body) SELECT 'new ' || n FROM generate_series(1, 2500) n RETURNING owner";
    let answer = execute(&server, &bob, "pg", sql).await;
    assert_eq!(answer.data()[0], json!({ "owner": "bob" }), "{answer:#?}");
    // More rows than an answer has, and all of them written.
    let count = "SELECT count(*), min(owner), max(owner) FROM notes WHERE body LIKE 'new %'";
    assert_eq!(superuser(lab, count), "2500|bob|bob");
    let sql = "UPDATE notes SET body = 'newer ' || body WHERE body LIKE 'new %'";
    let answer = execute(&server, &issuer.token("alice"), "pg", sql).await;
    assert_eq!(answer.data(), &json!([]));
    assert_eq!(superuser(lab, count), "2500|bob|bob", "none of hers");
    let answer = execute(&server, &bob, "pg", "DELETE FROM notes WHERE body LIKE 'new %'").await;
    assert_eq!(answer.data(), &json!([]));
    assert_eq!(superuser(lab, count), "0||");
    // What is found out when it is committed is told.
    superuser(
        lab,
        "CREATE TABLE late (n integer UNIQUE DEFERRABLE INITIALLY DEFERRED); GRANT ALL ON late TO PUBLIC",
    );
    let answer = execute(&server, &bob, "pg", "INSERT INTO late VALUES (1), (1)").await;
    superuser(lab, "DROP TABLE late");
    let (_, message, _) = answer.error();
    assert!(message.contains("23505"), "{message}");
}

#[tokio::test]
async fn a_function_that_is_written_as_a_column_meets_the_databases_walls() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    superuser(
        lab,
        "CREATE FUNCTION public.grab(notes) RETURNS text LANGUAGE plpgsql AS $$ BEGIN \
           INSERT INTO notes (body) VALUES ('grabbed'); RETURN 'x'; END $$; \
         CREATE FUNCTION public.peek(notes) RETURNS bigint LANGUAGE sql AS \
           'SELECT sum(amount)::bigint FROM salaries'; \
         CREATE FUNCTION public.became(notes) RETURNS text LANGUAGE sql AS \
           'SELECT set_config(''role'', ''ALICE_ADMIN'', false)'",
    );
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let bob = issuer.token("bob");
    let tried = async |column: &str| {
        // The statement names no function: it is let through as a read.
        let sql = format!("SELECT notes.{column} FROM notes LIMIT 1");
        ask(&server, &bob, "pg", &sql).await
    };
    let (wrote, peeked, became) = (tried("grab").await, tried("peek").await, tried("became").await);
    let who = "SELECT session_user AS s, current_user AS c FROM notes LIMIT 1";
    let is = ask(&server, &bob, "pg", who).await;
    superuser(lab, "DROP FUNCTION grab(notes), peek(notes), became(notes)");
    // What reads is read-only, whatever its functions do.
    let (_, message, _) = wrote.error();
    assert!(message.contains("25006"), "{message}");
    assert_eq!(superuser(lab, "SELECT count(*) FROM notes WHERE body = 'grabbed'"), "0");
    // And it is his: he sees no more than he may, and becomes nobody.
    let (code, message, _) = peeked.error();
    assert!(code == "ACCESS_DENIED" && message.contains("42501"), "{message}");
    let (code, message, _) = became.error();
    assert!(code == "ACCESS_DENIED" && message.contains("42501"), "{message}");
    assert_eq!(row(&is), &json!({ "s": "bob", "c": "bob" }));
}
