//! What tables and columns there are, as the server's catalogue has them.

use krb_tests::issuer;
use serde_json::{Value, json};

use super::{ask, database, impersonating, server, target};
use crate::lab;

#[tokio::test]
async fn tables_and_columns_are_told_to_who_may_use_them() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let _database = database(lab).await;
    let targets = vec![target(lab, "db", json!({})), impersonating(lab, "as", json!({}))];
    let server = server(lab, &issuer.url(), targets);
    let token = issuer.token("alice");
    for target in ["db", "as"] {
        let call = async |tool: &'static str, arguments: serde_json::Value| {
            let answer = server.call(Some(&token), tool, arguments).await;
            answer.data().clone()
        };
        // Not payroll, which she may not read.
        let tables = json!([
            { "schema": "dbo", "name": "kinds", "kind": "table" },
            { "schema": "dbo", "name": "people", "kind": "table" }
        ]);
        assert_eq!(call("sql-schema", json!({ "target": target })).await, tables);
        let of_dbo = json!({ "target": target, "schema": "dbo" });
        assert_eq!(call("sql-schema", of_dbo).await, tables);
        let of_none = json!({ "target": target, "schema": "guest" });
        assert_eq!(call("sql-schema", of_none).await, json!([]));

        let people = json!({ "target": target, "table": "people" });
        let columns = json!([
            {
                "name": "id", "type": "bigint", "length": 8, "precision": 19, "scale": 0,
                "nullable": false, "default": null, "primaryKey": true
            },
            {
                "name": "name", "type": "nvarchar", "length": 100, "precision": 0, "scale": 0,
                "nullable": false, "default": "(N'nobody')", "primaryKey": false
            },
            {
                "name": "owner", "type": "nvarchar", "length": 256, "precision": 0, "scale": 0,
                "nullable": true, "default": null, "primaryKey": false
            },
            {
                "name": "salary", "type": "money", "length": 8, "precision": 19, "scale": 4,
                "nullable": true, "default": "((0))", "primaryKey": false
            }
        ]);
        assert_eq!(call("sql-table-details", people).await, columns);
        let kinds = call("sql-table-details", json!({ "target": target, "table": "KINDS" })).await;
        let kind = |name: &str| {
            let rows = kinds.as_array().expect("rows");
            rows.iter().find(|row| row["name"] == name).expect("a column").clone()
        };
        assert_eq!(kind("exact")["precision"], 38);
        assert_eq!(
            (&kind("long")["length"], &kind("long")["type"]),
            (&json!(-1), &json!("nvarchar"))
        );
        for hidden in ["payroll", "nothing"] {
            let details = json!({ "target": target, "table": hidden });
            assert_eq!(call("sql-table-details", details).await, json!([]), "{hidden}");
        }
    }
}

#[tokio::test]
async fn columns_say_whether_they_may_be_null_as_far_as_the_wire_tells() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let _database = database(lab).await;
    let server = server(lab, &issuer.url(), vec![target(lab, "db", json!({}))]);
    let sql = "SELECT a.id, a.salary, b.id AS other, a.name FROM people AS a LEFT JOIN people AS b ON b.id = 0";
    let answer = ask(&server, &issuer.token("alice"), "db", sql).await;
    let columns = &answer.body["result"]["structuredContent"]["columns"];
    let nullable: Vec<_> = columns.as_array().unwrap().iter().map(|c| &c["nullable"]).collect();
    // A text that is said not to be NULL could be it all the same.
    let expected = [&json!(false), &json!(true), &json!(true), &Value::Null];
    assert_eq!(nullable, expected, "{answer:#?}");
}
