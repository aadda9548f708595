//! What statements of either engine are taken for, and what is refused.

mod depth;
mod generated;

use super::*;

fn known(text: &str, engine: Engine) -> Result<Access, Refused> {
    read(text, engine, &Functions::Anything(&HashSet::new())).map(|read| read.access)
}

fn postgres(text: &str) -> Result<Access, Refused> {
    known(text, Engine::Postgresql)
}

fn sql_server(text: &str) -> Result<Access, Refused> {
    known(text, Engine::SqlServer)
}

/// What only reads, in both dialects.
const READS: &[&str] = &[
    "SELECT 1",
    "select 1;",
    "SELECT 1 -- one\n",
    "/* a */ SELECT /* b */ 1 ; -- c",
    "SELECT a, b AS c FROM t",
    "SELECT t.a x FROM s.t AS t WHERE t.a = 'it''s' AND t.b IN (1, 2, 3) ORDER BY 1 DESC",
    "SELECT count(*) AS n, max(a) FROM t GROUP BY b HAVING count(*) > 1",
    "WITH x AS (SELECT a FROM t) SELECT * FROM x JOIN y ON x.a = y.a",
    "WITH x (a, b) AS (SELECT a, b FROM t), z AS (SELECT * FROM x) SELECT * FROM z",
    "SELECT * FROM a LEFT JOIN b ON a.i = b.i CROSS JOIN c",
    "SELECT a FROM t UNION ALL SELECT b FROM u EXCEPT SELECT 1",
    "SELECT (SELECT max(a) FROM t) AS m, EXISTS (SELECT 1 FROM u) AS e WHERE 1=-1",
    "SELECT CASE WHEN a > 1 THEN 'x' WHEN a IS NULL THEN NULL ELSE lower(b) END AS c FROM t",
    "SELECT sum(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM t",
    "SELECT a FROM t WHERE b LIKE 'x%' AND c BETWEEN 1 AND 2 AND d IS NOT NULL",
    "SELECT cast(a AS varchar(10)) AS a, 1.5e3 AS b, .5 AS c FROM t",
    "SELECT CURRENT_TIMESTAMP",
    "SELECT a + b - c * d / e % f AS x FROM t",
    "SELECT 'INSERT INTO t; DROP TABLE x -- /*' AS text",
    // What a list of words takes for something else.
    "SELECT created_at, updated_at, deleted_by, executed FROM grants WHERE dropped_at IS NULL",
];

const POSTGRES_READS: &[&str] = &[
    // The example of the original's documentation, letter for letter.
    "SELECT CURRENT_USER AS current_user",
    "SELECT current_user, session_user",
    "SELECT a::text, b ->> 'c' AS d, e @> f, g[1], h[1:2] FROM t LIMIT 10 OFFSET 5",
    "SELECT * FROM t WHERE a = $1 AND b = ANY ($2)",
    "SELECT * FROM generate_series(1, 10) AS n",
    "SELECT x.a FROM t, LATERAL (SELECT t.a FROM u WHERE u.i = t.i) AS x",
    "SELECT DISTINCT ON (a) a, b FROM t ORDER BY a, b NULLS LAST",
    "SELECT string_agg(a, ', ' ORDER BY a) FILTER (WHERE a IS NOT NULL) AS s FROM t",
    "SELECT extract(year FROM a) AS y, date_trunc('day', b), now() - interval '1 day' FROM t",
    "SELECT array_agg(a), ARRAY[1, 2], (SELECT 1) FROM t",
    "VALUES (1, 'a'), (2, 'b')",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT n FROM r",
    "WITH x AS MATERIALIZED (SELECT 1 AS a) SELECT a FROM x",
    "EXPLAIN SELECT * FROM t",
    "EXPLAIN ANALYZE SELECT * FROM t",
    "SHOW server_version",
    "SELECT pg_catalog.lower('A')",
    "SELECT \"Weird Name\", \"select\" FROM \"Table\"",
    "SELECT a AT TIME ZONE 'UTC' FROM t",
    "SELECT * FROM t FETCH FIRST 5 ROWS ONLY",
    "SELECT 'a\\b'",
    "SELECT date '2020-01-01'",
    "SELECT * FROM t WHERE a ~ '^x' AND b !~* 'y' AND c ILIKE 'z'",
    "SELECT a FROM t GROUP BY ROLLUP (a, b)",
    "SELECT 'größe' AS \"Größe\"",
];

const SQL_SERVER_READS: &[&str] = &[
    "SELECT CURRENT_USER AS [current_user]",
    "SELECT TOP 5 a, [b c] FROM [dbo].[t] ORDER BY a",
    "SELECT TOP (5) a FROM t WITH (NOLOCK) WHERE b = @b AND c = @c",
    "SELECT a FROM t ORDER BY a OFFSET 10 ROWS FETCH NEXT 5 ROWS ONLY",
    "SELECT N'größe' AS x, 0x1F AS y",
    "SELECT total = SUM(a) FROM t",
    "SELECT a FROM t CROSS APPLY (SELECT b FROM u WHERE u.i = t.i) AS x",
    "SELECT a FROM t FOR JSON PATH",
    "SELECT DATEADD(day, 1, a) AS d, ISNULL(b, 0) AS e, LEN(c) AS f FROM t",
    "SELECT value FROM STRING_SPLIT('a,b', ',')",
    "SELECT CONVERT(varchar(10), a, 120) AS c, TRY_CAST(b AS int) AS d FROM t",
    "SELECT IIF(a > 1, 'x', 'y') AS z FROM t",
];

#[test]
fn what_only_reads_is_a_read() {
    for text in READS {
        assert_eq!(postgres(text), Ok(Access::Read), "PostgreSQL: {text}");
        if !text.contains("EXISTS") {
            assert_eq!(sql_server(text), Ok(Access::Read), "SQL Server: {text}");
        }
    }
    for text in POSTGRES_READS {
        assert_eq!(postgres(text), Ok(Access::Read), "{text}");
    }
    for text in SQL_SERVER_READS {
        assert_eq!(sql_server(text), Ok(Access::Read), "{text}");
    }
}

/// What changes rows, however it is dressed.
const WRITES: &[&str] = &[
    "INSERT INTO t (a) VALUES (1)",
    "INSERT INTO t SELECT * FROM u",
    "UPDATE t SET a = 1 WHERE b = 2",
    "DELETE FROM t WHERE a = 1",
    "WITH x AS (SELECT 1 AS a) DELETE FROM t WHERE a IN (SELECT a FROM x)",
    "WITH x AS (SELECT 1 AS a) UPDATE t SET a = 2",
    "WITH x AS (SELECT 1 AS a) INSERT INTO t SELECT a FROM x",
    "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET b = u.b WHEN NOT MATCHED THEN INSERT (a) VALUES (u.a)",
];

const POSTGRES_WRITES: &[&str] = &[
    "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO t (a) VALUES (1) RETURNING a) SELECT * FROM x",
    "WITH x AS (UPDATE t SET a = 1 RETURNING a) SELECT 1",
    "SELECT * FROM (SELECT 1) AS q, (WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x) AS y",
    "SELECT * FROM t FOR UPDATE",
    "SELECT * FROM t FOR SHARE OF t NOWAIT",
    "WITH x AS (SELECT * FROM t FOR UPDATE) SELECT * FROM x",
    "SELECT (SELECT a FROM t FOR UPDATE SKIP LOCKED) AS a",
    "EXPLAIN ANALYZE DELETE FROM t",
    "EXPLAIN DELETE FROM t",
    "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET a = 2 RETURNING a",
    "DELETE FROM t USING u WHERE t.a = u.a",
];

const SQL_SERVER_WRITES: &[&str] = &[
    "INSERT INTO t (a) OUTPUT inserted.a VALUES (@a)",
    "UPDATE t SET a = 1 OUTPUT deleted.a FROM t JOIN u ON t.i = u.i",
    "SELECT * FROM t WITH (UPDLOCK, HOLDLOCK)",
    "SELECT * FROM t WITH (XLOCK)",
    "DELETE FROM t OUTPUT deleted.a WHERE a = 1",
];

#[test]
fn what_changes_rows_is_a_write_wherever_it_stands() {
    for text in WRITES {
        assert_eq!(postgres(text), Ok(Access::Write), "PostgreSQL: {text}");
        assert_eq!(sql_server(text), Ok(Access::Write), "SQL Server: {text}");
    }
    for text in POSTGRES_WRITES {
        assert_eq!(postgres(text), Ok(Access::Write), "{text}");
    }
    for text in SQL_SERVER_WRITES {
        assert_eq!(sql_server(text), Ok(Access::Write), "{text}");
    }
}

/// What changes anything else, or calls what nobody here knows.
const POSTGRES_ADMIN: &[&str] = &[
    "SELECT * INTO x FROM t",
    "SELECT * INTO TEMP x FROM t",
    "SELECT * FROM (SELECT 1 AS a) AS q WHERE a IN (SELECT nextval('s'))",
    "WITH x AS (SELECT 1 AS a INTO y) SELECT * FROM x",
    "SELECT set_config('role', 'none', false)",
    "WITH x AS (SELECT set_config('role', 'none', false)) SELECT * FROM x",
    "SELECT a FROM t ORDER BY set_config('role', 'none', true)",
    "SELECT a FROM t LIMIT set_config('role', 'none', true)::int",
    "SELECT CASE WHEN set_config('role', 'none', true) = '' THEN 1 END",
    "SELECT sum(a) FILTER (WHERE set_config('role', 'x', true) = 'x') FROM t",
    "SELECT sum(a) OVER (ORDER BY set_config('role', 'x', true)) FROM t",
    "SELECT * FROM t JOIN u ON set_config('role', 'x', true) = 'x'",
    "SELECT * FROM set_config('role', 'x', true)",
    "SELECT * FROM t, LATERAL set_config('role', 'x', true) AS x",
    "SELECT * FROM t WHERE a = ANY (ARRAY[set_config('role', 'x', true)])",
    "SELECT x[pg_backend_pid()] FROM t",
    "VALUES (set_config('role', 'x', true))",
    "SELECT pg_catalog.set_config('role', 'x', true)",
    "SELECT public.lower('A')",
    "SELECT \"set_config\"('role', 'x', true)",
    "SELECT pg_notify('a', 'b')",
    "SELECT pg_advisory_lock(1)",
    "SELECT pg_sleep(10)",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, '')",
    "SELECT query_to_xml('delete from t', true, true, '')",
    "SELECT dblink('x', 'y')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_terminate_backend(1)",
    "SELECT setval('s', 1)",
    "SELECT alices_own()",
    "CREATE TABLE x (a int)",
    "CREATE TABLE x AS SELECT 1 AS a",
    "DROP TABLE x",
    "TRUNCATE x",
    "ALTER TABLE x ADD COLUMN b int",
    "GRANT SELECT ON x TO bob",
    "COMMENT ON TABLE x IS 'a'",
];

const SQL_SERVER_ADMIN: &[&str] = &[
    "SELECT * INTO x FROM t",
    "SELECT dbo.f(a) AS b FROM t",
    "SELECT * FROM dbo.f(1)",
    "DROP TABLE x",
    "ALTER TABLE x DROP COLUMN a",
    "CREATE TABLE x (a int)",
    "SELECT * FROM sys.fn_x(1)",
];

#[test]
fn what_does_anything_else_is_admins() {
    for text in POSTGRES_ADMIN {
        assert_eq!(postgres(text), Ok(Access::Admin), "{text}");
    }
    for text in SQL_SERVER_ADMIN {
        assert_eq!(sql_server(text), Ok(Access::Admin), "{text}");
    }
}

/// Nobody's, whatever they may.
const POSTGRES_REFUSED: &[&str] = &[
    "",
    ";",
    " -- nothing\n",
    "SELECT 1; SELECT 2",
    "SELECT 1; ; ",
    "SELECT 1;;",
    "SELECT 1 /* ; */ ; DELETE FROM t",
    "SET ROLE none",
    "RESET ROLE",
    "SET SESSION AUTHORIZATION DEFAULT",
    "SET TRANSACTION READ WRITE",
    "SET LOCAL search_path = x",
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT a",
    "ROLLBACK TO a",
    "DISCARD ALL",
    "DEALLOCATE ALL",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DECLARE c CURSOR FOR SELECT 1",
    "FETCH ALL FROM c",
    "LISTEN a",
    "NOTIFY a",
    "LOCK TABLE t",
    "DO 'BEGIN END'",
    "DO $$ BEGIN END $$",
    "COPY t TO STDOUT",
    "COPY t FROM PROGRAM 'id'",
    "CALL p()",
    "VACUUM t",
    "LOAD 'x'",
    "SELECT $$x$$",
    "SELECT $a$x$a$",
    "SELECT E'a\\'; DELETE FROM t --'",
    "SELECT e'\\x41'",
    "SELECT U&'\\0041'",
    "SELECT U&\"a\" FROM t",
    "SELECT B'1'",
    "SELECT X'1F'",
    "SELECT 'a'\n'b'",
    "SELECT 'a' 'b'",
    "SELECT 'a'b",
    "SELECT 1a",
    "SELECT 1_000",
    "SELECT 0x1F",
    "SELECT 1.2.3",
    "SELECT 1e",
    "SELECT $1a",
    "SELECT a$b FROM t",
    "SELECT $2",
    "SELECT 1\r-- a",
    "SELECT 1 -- a\rDELETE FROM t",
    "SELECT 'a\0b'",
    "SELECT\u{a0}1",
    "SELECT \u{2028}1",
    "SELECT \u{2019}a\u{2019}",
    "SELECT 1\u{ff1b} DELETE FROM t",
    "SELECT größe FROM t",
    "SELECT 1\u{0b}",
    "SELECT /* /* */ 1",
    "SELECT /* /* */ */ 1",
    "SELECT 1 /* a",
    "SELECT 'a",
    "SELECT \"a",
    "SELECT \"\"",
    "SELECT \"a\"\"b\"",
    "SELECT 1 OPERATOR(public.+) 2",
    "SELECT 1 +++ 2",
    "SELECT 1 @-@ 2",
    "SELECT a ? 'b' FROM t",
    "SELECT `a` FROM t",
    "SELECT {d '2020-01-01'}",
    "SELECT :a",
    "SELECT a := 1",
    "SELECT \\x",
    "SELECT * FROM t commit",
    "SELECT a delete FROM t",
    "SELECT * FROM t select",
    "SELECT * FROM t update",
    "SELECT * FROM t TABLESAMPLE SYSTEM (1)",
    "SELECT * FROM t FOR NO KEY UPDATE",
    "SELECT * FROM a.b.c.d",
    "FROM t SELECT a",
    "TABLE t INTO x",
    "EXPLAIN (ANALYZE, FORMAT JSON) DELETE FROM t",
    "SELECT 1 END",
    "SELECT 1 END f(1)",
    "SELECT * FROM t END DELETE",
    "SHOW a f(1)",
    "SHOW a, b",
    "SHOW 'a'",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE x",
    "ALTER ROLE x SUPERUSER",
    "SELECT * FROM t AS OF SYSTEM TIME '1'",
    "PIVOT t ON a",
];

const SQL_SERVER_REFUSED: &[&str] = &[
    "",
    ";",
    "SELECT 1; SELECT 2",
    "SELECT 1 SELECT 2",
    "SELECT 1 END",
    "SELECT 1 END dbo.f(1)",
    "SELECT * FROM t REVERT",
    "SELECT * FROM t COMMIT",
    "SELECT * FROM t SHUTDOWN",
    "SELECT * FROM t AS REVERT",
    "SELECT 1 AS REVERT",
    "SELECT 1 REVERT",
    "SELECT * FROM t EXEC sp_who",
    "SELECT * FROM t EXECUTE AS USER = 'dbo'",
    "SELECT * FROM t DBCC",
    "SELECT * FROM t THROW",
    "SELECT * FROM t GO",
    "SELECT 1\nGO\nSELECT 2",
    "SELECT * FROM t UPDATE t SET a = 1",
    "SELECT * FROM t DELETE t",
    "SELECT * FROM t INSERT t",
    "SELECT * FROM t SET NOCOUNT ON",
    "UPDATE t SET a = 1 SET b = 2",
    "INSERT INTO t EXEC sp_who",
    "EXEC sp_who",
    "EXECUTE ('DELETE FROM t')",
    "EXECUTE AS LOGIN = 'sa'",
    "sp_who",
    "REVERT",
    "REVERT WITH COOKIE = 0x01",
    "SETUSER 'dbo'",
    "USE master",
    "DECLARE @a int",
    "BEGIN TRANSACTION",
    "COMMIT",
    "PRINT 'a'",
    "WAITFOR DELAY '00:00:10'",
    "SHUTDOWN",
    "BACKUP DATABASE x TO DISK = 'y'",
    "BULK INSERT t FROM 'x'",
    "RAISERROR('a', 16, 1)",
    "IF 1 = 1 SELECT 1",
    "WHILE 1 = 1 SELECT 1",
    "SELECT \"a\" FROM t",
    "SELECT [a]]b] FROM t",
    "SELECT [] FROM t",
    "SELECT 'a\\\nb'",
    "SELECT * FROM #t",
    "SELECT * FROM ##t",
    "SELECT @@VERSION",
    "SELECT $1",
    "SELECT $5.00",
    "SELECT 1a",
    "SELECT 0xZZ",
    "SELECT 'a''b'c",
    "SELECT {fn NOW()}",
    "SELECT geography::Point(1, 2, 3)",
    "SELECT * FROM other.dbo.t",
    "SELECT * FROM server.other.dbo.t",
    "SELECT * FROM other..t",
    "SELECT * FROM OPENROWSET('a', 'b', 'c')",
    "SELECT * FROM OPENQUERY(x, 'DELETE FROM t')",
    "SELECT NEXT VALUE FOR s",
    "SELECT a FROM t WHERE b *= c",
    "SELECT @a += 1",
    "x: SELECT 1",
    "SELECT\u{3000}1",
    "SELECT 1\u{85}",
    "SELECT \u{2018}a\u{2018}",
];

#[test]
fn what_could_be_read_otherwise_is_nobodys() {
    for text in POSTGRES_REFUSED {
        assert!(postgres(text).is_err(), "{text:?}: {:?}", postgres(text));
    }
    for text in SQL_SERVER_REFUSED {
        assert!(sql_server(text).is_err(), "{text:?}: {:?}", sql_server(text));
    }
}

/// Reads into which anything can be put in the place of `@@@`.
const HOLES: &[&str] = &[
    "SELECT @@@",
    "SELECT 1 AS a, @@@ AS b FROM t",
    "SELECT * FROM t WHERE a = @@@",
    "SELECT * FROM t WHERE a IN (1, @@@)",
    "SELECT * FROM t WHERE a BETWEEN @@@ AND 2",
    "SELECT * FROM t WHERE a LIKE @@@",
    "SELECT * FROM t JOIN u ON t.a = @@@",
    "SELECT a FROM t GROUP BY a, @@@",
    "SELECT a FROM t GROUP BY a HAVING max(a) > @@@",
    "SELECT a FROM t ORDER BY @@@",
    "SELECT count(@@@) FROM t",
    "SELECT sum(a) OVER (PARTITION BY @@@) FROM t",
    "SELECT CASE @@@ WHEN 1 THEN 2 ELSE 3 END",
    "SELECT CASE WHEN a = 1 THEN @@@ END FROM t",
    "SELECT cast(@@@ AS varchar(10))",
    "SELECT (SELECT @@@ FROM t) AS a",
    "SELECT a FROM (SELECT @@@ AS a) AS q",
    "SELECT 1 UNION ALL SELECT @@@",
    "WITH x AS (SELECT @@@ AS a) SELECT a FROM x",
    "SELECT lower(upper(@@@))",
    "SELECT -@@@",
    "SELECT 1 WHERE NOT @@@ IS NULL",
    "SELECT 1 WHERE EXISTS (SELECT 1 WHERE @@@ = 1)",
];

const POSTGRES_HOLES: &[&str] = &[
    "SELECT * FROM t LIMIT @@@",
    "SELECT * FROM t OFFSET @@@",
    "SELECT @@@::text",
    "SELECT ARRAY[1, @@@]",
    "SELECT a[@@@] FROM t",
    "SELECT a[1:@@@] FROM t",
    "SELECT DISTINCT ON (@@@) a FROM t",
    "SELECT * FROM generate_series(1, @@@) AS n",
    "SELECT * FROM t, LATERAL (SELECT @@@) AS x",
    "SELECT sum(a) FILTER (WHERE @@@ = 1) FROM t",
    "SELECT string_agg(a, ',' ORDER BY @@@) FROM t",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY @@@) FROM t",
    "SELECT extract(year FROM @@@)",
    "SELECT substring('a' FROM @@@ FOR 1)",
    "SELECT trim(BOTH @@@ FROM 'b')",
    "SELECT overlay('a' PLACING @@@ FROM 1)",
    "SELECT position(@@@ IN 'a')",
    "SELECT @@@ AT TIME ZONE 'UTC'",
    "SELECT 1 = ANY (ARRAY[@@@])",
    "SELECT ROW(1, @@@)",
    "SELECT (@@@).a",
    "SELECT a FROM t GROUP BY GROUPING SETS ((a), (@@@))",
    "SELECT a FROM t GROUP BY ROLLUP (@@@)",
    "VALUES (1), (@@@)",
    "EXPLAIN SELECT @@@",
    "SELECT sum(a) OVER (ORDER BY a ROWS BETWEEN @@@ PRECEDING AND CURRENT ROW) FROM t",
    "SELECT a FROM t WINDOW w AS (ORDER BY @@@)",
    "SELECT * FROM unnest(ARRAY[@@@]) AS u",
    "SELECT 'a' COLLATE \"C\" || @@@",
    "SELECT interval '1 day' * @@@",
];

#[test]
fn what_calls_anything_else_is_no_read_wherever_the_call_stands() {
    let calls = [
        "set_config('role', 'none', true)",
        "(SELECT nextval('s'))",
        "public.f(1)",
        "f((SELECT 1))",
    ];
    let mut understood = 0;
    for hole in HOLES.iter().chain(POSTGRES_HOLES) {
        assert_eq!(postgres(&hole.replace("@@@", "(a)")).err(), None, "the hole itself: {hole}");
        for call in calls {
            let text = hole.replace("@@@", call);
            let is = postgres(&text);
            assert!(matches!(is, Ok(Access::Admin) | Err(_)), "{text}: {is:?}");
            understood += usize::from(is.is_ok());
        }
    }
    assert!(understood > 150, "most of them are calls: {understood}");
    for hole in HOLES {
        for call in ["dbo.f(1)", "(SELECT dbo.f(1))", "OPENROWSET('a', 'b', 'c')"] {
            let text = hole.replace("@@@", call);
            let is = sql_server(&text);
            assert!(matches!(is, Ok(Access::Admin) | Err(_)), "{text}: {is:?}");
        }
    }
}

#[test]
fn what_changes_something_is_no_read_wherever_it_stands() {
    for hole in HOLES.iter().chain(POSTGRES_HOLES) {
        for inner in [
            "(WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x)",
            "(SELECT a FROM t FOR UPDATE)",
            "(SELECT 1 AS a INTO y)",
            "(DELETE FROM t RETURNING a)",
        ] {
            let text = hole.replace("@@@", inner);
            assert!(postgres(&text) != Ok(Access::Read), "{text}");
        }
    }
    for hole in HOLES {
        let text = hole.replace("@@@", "(SELECT a FROM t WITH (XLOCK))");
        assert!(sql_server(&text) != Ok(Access::Read), "{text}");
    }
}

#[test]
fn what_the_operator_knows_is_taken_for_what_it_is() {
    let known = HashSet::from(["hr.bonus".to_owned(), "mine".to_owned()]);
    let access = |text: &str| {
        read(text, Engine::Postgresql, &Functions::Anything(&known)).map(|read| read.access)
    };
    assert_eq!(access("SELECT hr.bonus(a), mine() FROM t"), Ok(Access::Read));
    assert_eq!(access("SELECT bonus(a) FROM t"), Ok(Access::Admin));
    assert_eq!(access("SELECT public.mine()"), Ok(Access::Admin));
    let told = read("SELECT hr.bonus(1), f(2), lower('x')", Engine::Postgresql, &Functions::Told);
    assert_eq!(
        told.map(|read| (read.access, read.calls)),
        Ok((Access::Read, vec!["hr.bonus".into(), "f".into()]))
    );
}

#[test]
fn it_is_told_what_it_names_and_records_have_no_values() {
    let read = read(
        "WITH x AS (SELECT * FROM hr.\"Salary Info\" WHERE name = 'Alice''s' AND n > 12.5e3) -- secret\n\
         SELECT x.a, lower($1) FROM x JOIN public.t AS u ON u.i = x.i /* more */ ;",
        Engine::Postgresql,
        &Functions::Told,
    )
    .unwrap();
    assert_eq!(read.tables, ["hr.\"Salary Info\"", "public.t"]);
    assert_eq!(
        read.redacted,
        "WITH x AS (SELECT * FROM hr.\"Salary Info\" WHERE name = ? AND n > ?) SELECT x.a, lower ($1) \
         FROM x JOIN public.t AS u ON u.i = x.i"
    );
    assert!(
        !read.text.contains("secret") && !read.text.contains("more") && !read.text.contains(';')
    );
    assert_eq!(read.placeholders, Placeholders::Numbered(1));
    let named = super::read(
        "SELECT @b, @A, [x y].z FROM [x y] WHERE @B = N'p' AND c = 0x1F",
        Engine::SqlServer,
        &Functions::Told,
    )
    .unwrap();
    assert_eq!(named.placeholders, Placeholders::Named(vec!["b".into(), "A".into()]));
    assert_eq!(named.redacted, "SELECT @b, @A, [x y].z FROM [x y] WHERE @B = ? AND c = ?");
}

#[test]
fn a_table_is_recorded_however_the_statement_calls_what_it_defines() {
    let tables = |text: &str, engine| read(text, engine, &Functions::Told).unwrap().tables;
    for (text, expected) in [
        ("WITH x AS (SELECT 1 AS a), y AS (SELECT a FROM x) SELECT * FROM x, y", &[][..]),
        ("WITH RECURSIVE x AS (SELECT 1 AS a UNION SELECT a FROM x) SELECT * FROM x", &[]),
        ("WITH x AS (SELECT 1 AS a) SELECT * FROM (SELECT * FROM X) AS i", &[]),
        // A query that is no RECURSIVE one does not know itself, nor those behind it.
        ("WITH notes AS (SELECT * FROM notes) SELECT * FROM notes", &["notes"]),
        ("WITH x AS (SELECT * FROM notes), notes AS (SELECT 1) SELECT * FROM x", &["notes"]),
        // What it defines is known in it, and not beside it.
        (
            "SELECT * FROM (WITH notes AS (SELECT 1 AS a) SELECT a FROM notes) AS x, notes",
            &["notes"],
        ),
        ("WITH \"NOTES\" AS (SELECT 1 AS a) SELECT * FROM notes", &["notes"]),
        // What is changed is no query.
        ("WITH notes AS (SELECT 'x') INSERT INTO notes (body) SELECT * FROM notes", &["notes"]),
        ("WITH notes AS (SELECT 1) UPDATE notes SET body = 'x'", &["notes"]),
        ("WITH notes AS (SELECT 1) DELETE FROM notes", &["notes"]),
    ] {
        assert_eq!(tables(text, Engine::Postgresql), expected, "{text}");
    }
    let own = "WITH x AS (SELECT 1 AS a UNION ALL SELECT a FROM x) SELECT * FROM x";
    assert!(tables(own, Engine::SqlServer).is_empty());
    // Another one where the database's collation tells capitals from small letters.
    let other = "WITH Notes AS (SELECT 1 AS a) SELECT * FROM notes";
    assert_eq!(tables(other, Engine::SqlServer), ["notes"]);
}

#[test]
fn a_quoted_function_is_harmless_by_its_very_name_alone() {
    assert_eq!(postgres("SELECT \"lower\"('A'), LOWER('A')"), Ok(Access::Read));
    for text in [
        "SELECT \"LOWER\"('A')",
        "SELECT \"Lower\"('A')",
        "SELECT \"PG_CATALOG\".lower('A')",
        "SELECT pg_catalog.\"Lower\"('A')",
        // Small letters of this one are ASCII's.
        "SELECT \"ran\u{212a}\"() OVER ()",
    ] {
        assert_eq!(postgres(text), Ok(Access::Admin), "{text}");
    }
}
