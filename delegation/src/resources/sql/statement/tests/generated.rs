//! Texts that nobody thought of.

use proptest::prelude::*;

use super::*;

/// Pieces that fit together in many ways, some of which are statements.
const PIECES: &[&str] = &[
    "SELECT",
    "1",
    "a",
    "FROM",
    "t",
    "WHERE",
    "=",
    "'x'",
    "AS",
    "x",
    "(",
    ")",
    ",",
    "WITH",
    "INSERT",
    "INTO",
    "UPDATE",
    "SET",
    "DELETE",
    "MERGE",
    "RETURNING",
    "*",
    "f(1)",
    "lower(a)",
    "FOR UPDATE",
    "UNION ALL",
    ";",
    "EXEC",
    "REVERT",
    "COMMIT",
    "DROP TABLE",
    "\"q\"",
    "[q]",
    "JOIN",
    "ON",
    "LIMIT",
    "VALUES",
    "@p",
    "$1",
    "--",
    "/*",
    "*/",
    "\n",
    "\r",
    "'",
    "\"",
    "E",
    "$$",
    "::",
    "int",
    "TOP",
    "GROUP BY",
    "ORDER BY",
    "CASE",
    "WHEN",
    "THEN",
    "END",
    "OUTPUT",
    "EXPLAIN",
    "SHOW",
    "IN",
    "NOT",
    "AND",
    "TABLE",
    "\\",
    "GO",
    "N",
    "0x",
];

/// A text without what stands in quotes, which is a name whatever it says.
fn bare(text: &str, brackets: bool) -> String {
    let mut inside = None;
    text.chars()
        .filter(|&c| match inside {
            Some(end) => {
                if c == end {
                    inside = None;
                }
                false
            }
            None => {
                inside = match c {
                    '"' => Some('"'),
                    '[' if brackets => Some(']'),
                    _ => None,
                };
                inside.is_none()
            }
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// A read has no word that could begin anything else, and no function that is not known; and what is
    /// sent is read as it is.
    #[test]
    fn a_read_has_nothing_in_it_that_is_none(
        pieces in prop::collection::vec((0..PIECES.len(), any::<bool>()), 1..14),
        start in 0..3_usize,
        at_sql_server: bool,
    ) {
        let mut text = ["SELECT 1 ", "SELECT a FROM t ", ""][start].to_owned();
        for (piece, glued) in pieces {
            text += PIECES[piece];
            text += if glued { "" } else { " " };
        }
        let engine = if at_sql_server { Engine::SqlServer } else { Engine::Postgresql };
        if let Ok(one) = read(&text, engine, &Functions::Anything(&HashSet::new())) {
            let again = read(&one.text, engine, &Functions::Anything(&HashSet::new()));
            prop_assert_eq!(again.as_ref(), Ok(&one));
            if one.access == Access::Read {
                let bare = bare(&one.redacted, at_sql_server);
                let words: Vec<&str> = bare.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
                for word in ["INSERT", "INTO", "UPDATE", "SET", "DELETE", "MERGE"] {
                    prop_assert!(!words.contains(&word), "{}: {}", word, text);
                }
                if at_sql_server {
                    for word in ["COMMIT", "GO", "EXEC", "REVERT", "DROP"] {
                        prop_assert!(!words.contains(&word), "{}: {}", word, text);
                    }
                }
                // In quotes it is something else, and behind `::` a type.
                let may_be_none = one.text.contains(['\'', '"', '[', ':']);
                prop_assert!(!one.text.contains("f(1)") || may_be_none, "{}", text);
            }
        }
    }

    #[test]
    fn any_text_is_answered(text in ".{0,200}", at_sql_server: bool) {
        let engine = if at_sql_server { Engine::SqlServer } else { Engine::Postgresql };
        let _ = read(&text, engine, &Functions::Told);
    }
}
