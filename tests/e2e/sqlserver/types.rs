//! Values as JSON, errors, limits.

use std::time::Duration;

use krb_tests::issuer;
use serde_json::json;

use super::{ask, database, row, server, target};
use crate::lab;

#[tokio::test]
async fn values_are_what_the_wire_says_to_the_last_digit() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let _database = database(lab).await;
    let server = server(lab, &issuer.url(), vec![target(lab, "db", json!({}))]);
    let token = issuer.token("alice");
    let answer = ask(&server, &token, "db", "SELECT * FROM kinds").await;
    let rows = answer.data().as_array().expect("rows");
    assert_eq!(rows.len(), 2);
    let expected = json!({
        "tiny": 255, "small": -32768, "whole": -2_147_483_648_i64, "large": "9007199254740993",
        "yes": true, "single": 1.5, "double": 0.1,
        "exact": "-1234567890123456789012345678.0123456789",
        "rich": "922337203685477.5807", "poor": "-214748.3648", "text": "Zażółć 😀",
        "long": "0123456789".repeat(1000), "old": "café €", "bytes": "AP8Q", "blob": "3q2+7w==",
        "day": "2024-02-29", "hour": "23:59:59.9999999",
        "moment": "9999-12-31T23:59:59.9999999",
        "placed": "2024-03-01T00:10:00.1234567+05:30", "ancient": "2024-02-29T12:34:56.790",
        "short": "2024-02-29T12:34:00", "unique_id": "00112233-4455-6677-8899-AABBCCDDEEFF",
        "tree": "<a b=\"c\"/>", "document": "{\"a\": [1, null]}", "numbers": "[1.0, 2.5]"
    });
    for (column, value) in expected.as_object().unwrap() {
        assert_eq!(&rows[0][column], value, "{column}");
        assert_eq!(rows[1][column], json!(null), "{column}");
    }
}

#[tokio::test]
async fn what_is_too_much_or_too_long_is_stopped_at_the_server_and_the_session_goes_on() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let database = database(lab).await;
    let limits = json!({ "limits": { "rows": 100, "bytes": 65536, "seconds": 3 } });
    let server = server(lab, &issuer.url(), vec![target(lab, "db", limits)]);
    let token = issuer.token("alice");
    let sql = "SELECT a.name FROM many AS a";
    let memory = server.memory();
    for _ in 0..3 {
        let answer = ask(&server, &token, "db", sql).await;
        assert_eq!(answer.data().as_array().unwrap().len(), 100);
        let who = ask(&server, &token, "db", "SELECT USER_NAME() AS name").await;
        assert_eq!(row(&who)["name"], lab.windows_name("ALICE_ADMIN"));
    }
    drop(memory);
    let seen = database.seen();
    assert_eq!(seen.logins.len(), 1, "the session went on: {:?}", seen.logins);
    assert_eq!(seen.attentions, 3);
    // What takes too long ends, and with it its session: the next one is another.
    let (code, _, _) = ask(&server, &token, "db", "SELECT name FROM slow").await.error();
    assert_eq!(code, "RESOURCE_TIMEOUT");
    let who = ask(&server, &token, "db", "SELECT USER_NAME() AS name").await;
    assert_eq!(row(&who)["name"], lab.windows_name("ALICE_ADMIN"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(database.seen().logins.len(), 2);
}
