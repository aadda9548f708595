//! Types of PostgreSQL, as its own binary form has them.

use krb_tests::issuer;
use serde_json::{Value, json};

use super::{ask, execute, row, server, superuser, target};
use crate::lab;

#[tokio::test]
async fn each_type_comes_out_as_it_went_in() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let bob = issuer.token("bob");
    let digits = format!("{}.{}", "9".repeat(78), "1".repeat(40));
    let cases: &[(&str, &str, Value)] = &[
        ("true", "boolean", json!(true)),
        ("(-32768)::smallint", "smallint", json!(-32768)),
        ("2147483647", "integer", json!(2_147_483_647)),
        ("1::bigint", "bigint", json!("1")),
        ("9007199254740993", "bigint", json!("9007199254740993")),
        ("(-9223372036854775808)::bigint", "bigint", json!("-9223372036854775808")),
        ("4294967295::oid", "oid", json!(4_294_967_295_u32)),
        ("0.1::real", "real", json!(0.1)),
        ("'NaN'::real", "real", json!("NaN")),
        ("1.5::double precision", "double precision", json!(1.5)),
        ("'-Infinity'::double precision", "double precision", json!("-Infinity")),
        ("12.340", "numeric", json!("12.340")),
        ("0.00", "numeric", json!("0.00")),
        ("-0.000000012", "numeric", json!("-0.000000012")),
        ("1e20::numeric", "numeric", json!("100000000000000000000")),
        ("'NaN'::numeric", "numeric", json!("NaN")),
        ("'Infinity'::numeric", "numeric", json!("Infinity")),
        ("'-Infinity'::numeric", "numeric", json!("-Infinity")),
        ("'it''s \"x\" \u{e9}\u{1f600}'::text", "text", json!("it's \"x\" \u{e9}\u{1f600}")),
        ("'ab'::char(4)", "character", json!("ab  ")),
        ("'ab'::varchar", "character varying", json!("ab")),
        ("'x'::name", "name", json!("x")),
        ("'\\x00ff01'::bytea", "bytea", json!("AP8B")),
        ("date '2024-02-29'", "date", json!("2024-02-29")),
        ("date '0044-03-15 BC'", "date", json!("0044-03-15 BC")),
        ("date 'infinity'", "date", json!("infinity")),
        ("date '-infinity'", "date", json!("-infinity")),
        ("time '13:37:00.25'", "time without time zone", json!("13:37:00.25")),
        ("time '24:00'", "time without time zone", json!("24:00:00")),
        ("timetz '00:10+05:30'", "time with time zone", json!("00:10:00+05:30")),
        (
            "timestamp '2024-01-02 03:04:05.678901'",
            "timestamp without time zone",
            json!("2024-01-02T03:04:05.678901"),
        ),
        (
            "timestamptz '2024-01-02 00:10+05:30'",
            "timestamp with time zone",
            json!("2024-01-01T18:40:00Z"),
        ),
        ("timestamptz 'infinity'", "timestamp with time zone", json!("infinity")),
        ("timestamp '-infinity'", "timestamp without time zone", json!("-infinity")),
        ("interval '1 year 2 months -3 days 04:05:06.7'", "interval", json!("P1Y2M-3DT4H5M6.7S")),
        (
            "'00010203-0405-0607-0809-0a0b0c0d0e0f'::uuid",
            "uuid",
            json!("00010203-0405-0607-0809-0a0b0c0d0e0f"),
        ),
        ("'10.0.0.1'::inet", "inet", json!("10.0.0.1")),
        ("'2001:db8::1/64'::inet", "inet", json!("2001:db8::1/64")),
        ("'10.0.0.0/8'::cidr", "cidr", json!("10.0.0.0/8")),
        ("'{\"a\": [1, 2.50, \"x\"]}'::json", "json", json!({ "a": [1, 2.5, "x"] })),
        ("'{\"id\": 9007199254740993}'::jsonb", "jsonb", json!({ "id": "9007199254740993" })),
        ("'null'::jsonb", "jsonb", Value::Null),
        ("ARRAY[1, NULL, 3]", "integer[]", json!([1, null, 3])),
        ("ARRAY[[1, 2], [3, 4]]::bigint[]", "bigint[]", json!([["1", "2"], ["3", "4"]])),
        ("'{}'::text[]", "text[]", json!([])),
        ("ARRAY['a,b', '\"', NULL]", "text[]", json!(["a,b", "\"", null])),
        ("ARRAY['NaN'::numeric, 1.10]", "numeric[]", json!(["NaN", "1.10"])),
        ("ARRAY['{}'::jsonb]", "jsonb[]", json!([{}])),
        (
            "ARRAY[timestamptz '2024-01-01 00:00Z']",
            "timestamp with time zone[]",
            json!(["2024-01-01T00:00:00Z"]),
        ),
        ("NULL::numeric", "numeric", Value::Null),
        // The server's own text.
        ("'happy'::mood", "mood", json!("happy")),
        ("ARRAY['sad', 'ok']::mood[]", "mood[]", json!("{sad,ok}")),
        ("ROW(1, 'a b')::pair", "pair", json!("(1,\"a b\")")),
        ("5::positive", "integer", json!(5)),
        ("int4range(1, 5)", "int4range", json!("[1,5)")),
        (
            "tstzrange('2024-01-01 00:00Z', NULL)",
            "tstzrange",
            json!("[\"2024-01-01 00:00:00+00\",)"),
        ),
        ("point '(1,2)'", "point", json!("(1,2)")),
        ("B'101'", "bit", json!("101")),
        ("'08:00:2b:01:02:03'::macaddr", "macaddr", json!("08:00:2b:01:02:03")),
        ("'a fat cat'::tsvector", "tsvector", json!("'a' 'cat' 'fat'")),
        ("'<a>x</a>'::xml", "xml", json!("<a>x</a>")),
    ];
    // A view, since what is tested are values, and not what a statement may have in it.
    for (expression, kind, expected) in cases {
        superuser(
            lab,
            &format!(
                "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT {expression} AS v; GRANT SELECT ON v TO PUBLIC"
            ),
        );
        let answer = ask(&server, &bob, "pg", "SELECT v FROM v").await;
        assert_eq!(row(&answer), &json!({ "v": expected }), "{expression}");
        let columns = &answer.body["result"]["structuredContent"]["columns"];
        assert_eq!(columns[0]["type"], *kind, "{expression}: {answer:#?}");
    }
    superuser(
        lab,
        &format!("DROP VIEW v; CREATE VIEW v AS SELECT {digits} AS v; GRANT SELECT ON v TO PUBLIC"),
    );
    assert_eq!(row(&ask(&server, &bob, "pg", "SELECT v FROM v").await), &json!({ "v": digits }));
    superuser(lab, "DROP VIEW v");
    // What has no binary form is no obstacle.
    let acl =
        ask(&server, &bob, "pg", "SELECT relacl FROM pg_catalog.pg_class WHERE relname = 'notes'")
            .await;
    assert!(row(&acl)["relacl"].as_str().expect("text").contains("=arwd/postgres"), "{acl:#?}");
}

#[tokio::test]
async fn values_go_in_as_they_are_meant() {
    let lab = lab!();
    let issuer = issuer().await;
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let bob = issuer.token("bob");
    let with = async |sql: &str, params: Value| {
        let arguments = json!({ "action": "query", "target": "pg", "sql": sql, "params": params });
        server.call(Some(&bob), "sql-delegate", arguments).await
    };
    for (sql, params, expected) in [
        (
            "SELECT $1::text AS v",
            json!(["'; DROP TABLE notes; --"]),
            json!("'; DROP TABLE notes; --"),
        ),
        ("SELECT $1::text AS v", json!(["a\\'b\"\u{e9}"]), json!("a\\'b\"\u{e9}")),
        ("SELECT $1::bigint AS v", json!([9_007_199_254_740_993_u64]), json!("9007199254740993")),
        ("SELECT $1::bigint AS v", json!(["9007199254740993"]), json!("9007199254740993")),
        ("SELECT $1::numeric AS v", json!(["0.10"]), json!("0.10")),
        ("SELECT $1::boolean AS v", json!([true]), json!(true)),
        ("SELECT $1::date AS v", json!(["2024-02-29"]), json!("2024-02-29")),
        ("SELECT $1::int AS v", json!([null]), Value::Null),
        ("SELECT $1::int[] AS v", json!([[1, null, 3]]), json!([1, null, 3])),
        (
            "SELECT $1::text[] AS v",
            json!([["a,b", "\"", "\\", "NULL", null]]),
            json!(["a,b", "\"", "\\", "NULL", null]),
        ),
    ] {
        let answer = with(sql, params.clone()).await;
        assert_eq!(row(&answer), &json!({ "v": expected }), "{sql} {params}");
    }
    let (code, message, _) = with("SELECT $1::int AS v", json!(["x"])).await.error();
    assert_eq!(code, "STATEMENT_FAILED", "{message}");
    assert!(message.contains("22P02"), "{message}");
}

#[tokio::test]
async fn columns_say_whether_they_may_be_null_as_far_as_that_is_known() {
    let lab = lab!(alone);
    let issuer = issuer().await;
    superuser(
        lab,
        "CREATE TABLE nulls (never integer NOT NULL, may integer); \
         CREATE TABLE parent (never integer NOT NULL); \
         CREATE TABLE child () INHERITS (parent); \
         ALTER TABLE child ALTER never DROP NOT NULL; INSERT INTO child VALUES (NULL); \
         CREATE VIEW seen AS SELECT never FROM nulls; \
         GRANT ALL ON nulls, parent, child, seen TO PUBLIC",
    );
    let server = server(lab, &issuer.url(), vec![target(lab, "pg", json!({}))]);
    let bob = issuer.token("bob");
    let mut found = Vec::new();
    for sql in [
        "SELECT never, may, 1 AS one FROM nulls",
        "SELECT a.never, b.may FROM nulls a JOIN nulls b ON true",
        "SELECT a.never, b.never AS other FROM nulls a LEFT JOIN nulls b ON true",
        "SELECT never FROM nulls GROUP BY ROLLUP (never)",
        "SELECT never FROM parent",
        "SELECT never FROM seen",
        "SELECT q.never FROM (SELECT never FROM nulls) AS q",
        "SELECT never FROM nulls UNION ALL SELECT NULL",
        // What changes something.
        "SELECT never FROM nulls FOR UPDATE",
        "INSERT INTO nulls VALUES (1, 2) RETURNING never, may",
        "UPDATE nulls SET may = 3 RETURNING never",
    ] {
        let answer = match sql.contains("UPDATE") || sql.contains("INSERT") {
            true => execute(&server, &bob, "pg", sql).await,
            false => ask(&server, &bob, "pg", sql).await,
        };
        let columns = &answer.body["result"]["structuredContent"]["columns"];
        let columns = columns.as_array().unwrap_or_else(|| panic!("{sql}: {answer:#?}"));
        found.push(columns.iter().map(|column| column["nullable"].clone()).collect::<Vec<_>>());
    }
    superuser(lab, "DROP VIEW seen; DROP TABLE child, parent, nulls");
    let (never, may, unknown) = (json!(false), json!(true), Value::Null);
    let expected = [
        vec![never.clone(), may.clone(), unknown.clone()],
        vec![never.clone(), may.clone()],
        vec![unknown.clone(), unknown.clone()],
        vec![unknown.clone()],
        vec![may],
        // Nobody keeps a view's columns from anything.
        vec![unknown.clone()],
        vec![never],
        vec![unknown.clone()],
        vec![unknown.clone()],
        vec![unknown.clone(), unknown.clone()],
        vec![unknown],
    ];
    assert_eq!(found, expected);
}
