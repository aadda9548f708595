//! Texts that are long or deep.

use super::*;

/// However long or deep it is, it is answered, on a thread with no more stack than the server's have.
#[test]
fn nothing_is_too_deep_for_an_answer() {
    let inner = std::thread::Builder::new().stack_size(1 << 20);
    inner
        .spawn(|| {
            for engine in [Engine::Postgresql, Engine::SqlServer] {
                for count in [10, 44, 46, 199, 201, 5000] {
                    for link in [
                        "+",
                        "-",
                        "*",
                        "/",
                        "=",
                        "||",
                        "::",
                        "::int::",
                        " AND ",
                        " OR ",
                        " IS NULL ",
                        " UNION SELECT ",
                        " LIKE ",
                        " IN (1) AND ",
                        " BETWEEN 1 AND ",
                        " COLLATE x ",
                        " AT TIME ZONE ",
                        " NOT ",
                        " - -",
                        "(",
                        "[1]",
                        ".a",
                        " CASE WHEN ",
                        ",",
                        " JOIN t ON ",
                        " , LATERAL ",
                        " EXCEPT SELECT 1 ",
                        " ESCAPE 'x' ",
                        " IS DISTINCT FROM ",
                        " SIMILAR TO ",
                        " OVERLAPS ",
                        " -> ",
                        " IS NOT TRUE ",
                        " ISNULL ",
                        " NOTNULL ",
                        " IS JSON ",
                        " CROSS APPLY t ",
                        " CROSS JOIN t ",
                        " ORDER BY 1 ",
                        " IN (SELECT ",
                        " PIVOT (sum(a) FOR b IN (c)) ",
                        " AS x ",
                        " x ",
                        " OVER (ORDER BY ",
                        " , x AS (SELECT 1) ",
                    ] {
                        let text = format!("SELECT 1{}", format!("{link}1").repeat(count));
                        let _ = known(&text, engine);
                        let text = format!("SELECT a FROM t{}", link.repeat(count));
                        let _ = known(&text, engine);
                        let text = format!("SELECT a{}", link.repeat(count));
                        let _ = known(&text, engine);
                        let text = format!("SELECT a {}1{}", "(".repeat(count), ")".repeat(count));
                        let _ = known(&text, engine);
                        let text = format!("SELECT {}1", "NOT ".repeat(count));
                        let _ = known(&text, engine);
                        let text = format!("{}SELECT 1{}", "(".repeat(count), ")".repeat(count));
                        let _ = known(&text, engine);
                        let text = format!("{}SELECT 1", "EXPLAIN ".repeat(count));
                        let _ = known(&text, engine);
                        let text = format!("SELECT CAST(1 AS int{})", "[]".repeat(count));
                        let _ = known(&text, engine);
                    }
                }
            }
        })
        .unwrap()
        .join()
        .unwrap();
    // Nor does any form take a parser that goes back and forth for ever.
    for (before, open, inner, close, behind) in [
        ("SELECT * FROM ", "(", "t", ")", ""),
        ("SELECT * FROM ", "(", "SELECT 1", ")", " AS x"),
        ("SELECT * FROM ", "(SELECT * FROM ", "t", ") AS x", ""),
        ("SELECT 1 WHERE a IN ", "(", "SELECT 1", ")", ""),
        ("SELECT 1 WHERE ", "(", "a", ") = 1", ""),
        ("SELECT 1 WHERE ", "EXISTS (SELECT ", "1", ")", ""),
        ("SELECT ", "(", "1, 2", ")", ""),
        ("SELECT ", "f(", "1", ")", ""),
        ("SELECT ", "CASE WHEN ", "1", " THEN 1 END", ""),
        ("SELECT ", "CAST(", "1", " AS int)", ""),
        ("SELECT ", "ARRAY[", "1", "]", ""),
        ("SELECT ", "interval ", "'1'", "", ""),
        ("VALUES ", "(", "1", ")", ""),
        ("", "WITH x AS (", "SELECT 1", ") SELECT 1", ""),
        ("INSERT INTO t ", "(", "SELECT 1", ")", ""),
    ] {
        let text = format!("{before}{}{inner}{}{behind}", open.repeat(44), close.repeat(44));
        let _ = (postgres(&text), sql_server(&text));
    }
    let long = format!("SELECT a FROM t WHERE a IN ({})", vec!["1"; 5000].join(", "));
    assert_eq!(postgres(&long), Ok(Access::Read));
    assert_eq!(
        postgres(&format!("SELECT '{}'", "x".repeat(70_000))),
        Err(Refused::TooLong(65_536))
    );
}
