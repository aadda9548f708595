//! What one call leaves in a session is not there for the next one.

use krb_tests::issuer;
use serde_json::json;

use super::{ask, execute, row, server, superuser, target};
use crate::lab;

/// In a function of alice's own, which does to its session what it can.
const LITTER: &str = "CREATE OR REPLACE FUNCTION alice.litter() RETURNS text LANGUAGE plpgsql AS $$ BEGIN \
    PERFORM set_config('search_path', 'alice', false); \
    PERFORM set_config('alice.secret', 'hers', false); \
    PERFORM set_config('DateStyle', 'German', false); \
    PERFORM set_config('work_mem', '7MB', false); \
    PERFORM pg_advisory_lock(4711); \
    EXECUTE 'LISTEN hers'; \
    EXECUTE 'PREPARE hers AS SELECT 1'; \
    EXECUTE 'CREATE TEMP TABLE IF NOT EXISTS notes AS SELECT 1 AS id, ''hers''::text AS owner, ''hers''::text AS body'; \
    EXECUTE 'DECLARE hers CURSOR WITH HOLD FOR SELECT * FROM public.notes'; \
    RETURN current_user; END $$; GRANT USAGE ON SCHEMA alice TO bob";

const LOOK: &str = "SELECT session_user AS s, current_user AS c, pg_backend_pid() AS pid, \
    current_setting('alice.secret', true) AS secret, current_setting('DateStyle') AS style, \
    current_setting('work_mem') AS mem, current_setting('search_path') AS path, \
    (SELECT count(*) FROM pg_cursors WHERE name <> '') AS cursors, \
    (SELECT count(*) FROM pg_prepared_statements) AS prepared, \
    (SELECT count(*) FROM pg_listening_channels()) AS channels, \
    (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks, \
    (SELECT count(*) >= 200 FROM notes) AS notes";

#[tokio::test]
async fn nothing_of_a_call_is_left_for_the_next() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    superuser(lab, LITTER);
    superuser(lab, "ALTER FUNCTION alice.litter OWNER TO \"ALICE_ADMIN\"");
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let (alice, bob) = (issuer.token("alice"), issuer.token("bob"));
    let clean = |row: &serde_json::Value, account: &str| {
        let mut row = row.clone();
        let pid = row["pid"].take();
        // A setting that was made up leaves its name.
        if row["secret"] == "" {
            row["secret"].take();
        }
        let expected = json!({
            "s": account, "c": account, "pid": null, "secret": null, "style": "ISO, YMD",
            "mem": "4MB", "path": "\"$user\", public", "cursors": "0", "prepared": "0",
            "channels": "0", "locks": "0", "notes": true
        });
        assert_eq!(row, expected);
        pid
    };
    let first = clean(row(&ask(&server, &alice, "pg", LOOK).await), "ALICE_ADMIN");
    for _ in 0..3 {
        let littered = execute(&server, &alice, "pg", "SELECT alice.litter() AS l").await;
        assert_eq!(row(&littered), &json!({ "l": "ALICE_ADMIN" }));
        let again = clean(row(&ask(&server, &alice, "pg", LOOK).await), "ALICE_ADMIN");
        assert_eq!(again, first, "it is her session, as new");
        let his = clean(row(&ask(&server, &bob, "pg", LOOK).await), "bob");
        assert_ne!(his, first, "and never his");
    }
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'";
    assert_eq!(superuser(lab, locks), "0");
}

#[tokio::test]
async fn a_session_that_the_server_ends_is_replaced() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let bob = issuer.token("bob");
    let pid = "SELECT pg_backend_pid() AS pid, current_user AS c";
    let mut seen = Vec::new();
    for _ in 0..3 {
        let first = row(&ask(&server, &bob, "pg", pid).await)["pid"].clone();
        assert_eq!(row(&ask(&server, &bob, "pg", pid).await)["pid"], first, "it is kept");
        assert!(!seen.contains(&first));
        superuser(lab, &format!("SELECT pg_terminate_backend({first}, 5000)"));
        seen.push(first);
    }
    // What changes something is done once, and in a session that is there.
    let sql = "UPDATE notes SET body = body WHERE body = 'note 7 of bob' RETURNING body";
    let answer = execute(&server, &bob, "pg", sql).await;
    assert_eq!(row(&answer), &json!({ "body": "note 7 of bob" }));
}
