//! Databases: queries as the user, beside clients that log in for themselves.

use super::Figures;
use super::table::{head, row, times};
use super::target::Target;
use crate::names::{EXECUTE_AS, POSTGRES, ROLE, TIBERIUS, USER};

const ENGINES: [(&str, &str, &str); 2] =
    [("postgresql", "PostgreSQL", POSTGRES), ("sqlserver", "the tests' SQL Server", TIBERIUS)];
/// One after another, and with a moment in between.
const QUERIES: [(&str, &str); 4] = [
    ("1-later", "one row"),
    ("1000-later", "1,000 rows"),
    ("1", "one row, at once"),
    ("1000", "1,000 rows, at once"),
];
const RATES: [(&str, &str); 4] = [
    ("1", "one row"),
    ("1-16", "one row, 16 at once"),
    ("1000", "1,000 rows"),
    ("1000-16", "1,000 rows, 16 at once"),
];
const FIRST: [(&str, &str); 2] = [("first", "the first query"), ("tickets", "of it tickets")];

const CLEAN: &str = "Behind each query the server ends the transaction, makes the session as new and says \
     whose it is, which takes it longer than a query for one row by its key; who asks again at once waits \
     for that, and sixteen at once have the processors busy with it. Of rows, ours makes JSON; the others \
     leave them as they came.";
const TAKEN_ON: &str = "For each statement the server looks up what is set for the role, sets that, and takes \
     the role on.";
const ROUNDS: &str =
    "It takes another round to become the user, before the statement, and one more back.";

fn columns(engine: &str, cases: &[(&str, &str)], what: &str) -> Vec<(String, String)> {
    let column =
        |(case, title): &(&str, &str)| (format!("sql/{engine}/{case}/{what}"), (*title).to_owned());
    cases.iter().map(column).collect()
}

pub(super) fn targets(figures: &Figures) -> Vec<Target> {
    let target = |what, (engine, case, of): (&str, &[&str], &str), pair, bound| {
        let cases: Vec<_> = case.iter().map(|case| format!("sql/{engine}/{case}/{of}")).collect();
        Target::at_most(what, 1.1, figures, &cases, pair, bound)
    };
    let (later, rates) = (&["1-later", "1000-later"], &["1", "1-16", "1000", "1000-16"]);
    let (postgres, tds) = ("postgresql", "sqlserver");
    vec![
        target(
            "a query as the user at PostgreSQL, time",
            (postgres, later, "p50"),
            (USER, POSTGRES),
            CLEAN,
        ),
        target(
            "an operator's statement by a role at PostgreSQL, time",
            (postgres, later, "p50"),
            (ROLE, POSTGRES),
            TAKEN_ON,
        ),
        target(
            "queries as the user at PostgreSQL, per second",
            (postgres, rates, "time"),
            (USER, POSTGRES),
            CLEAN,
        ),
        target(
            "a query as the user at SQL Server, time",
            (tds, later, "p50"),
            (USER, TIBERIUS),
            CLEAN,
        ),
        target(
            "a query by EXECUTE AS at SQL Server, time",
            (tds, later, "p50"),
            (EXECUTE_AS, TIBERIUS),
            ROUNDS,
        ),
        target(
            "queries as the user at SQL Server, per second",
            (tds, rates, "time"),
            (USER, TIBERIUS),
            CLEAN,
        ),
    ]
}

pub(super) fn tables(figures: &Figures) -> String {
    let mut text = String::new();
    for (engine, name, bare) in ENGINES {
        let table = |title: &str, cases: &[(&str, &str)], what| {
            let columns = columns(engine, cases, what);
            times(figures, &format!("{title}, at {name}"), &columns, bare)
        };
        text += &format!("{}\n", table("time of a query", &QUERIES, "p50"));
        text += &format!("{}\n", table("99 of 100 queries within", &QUERIES, "p99"));
        text += &format!("{}\n", rates(figures, name, &columns(engine, &RATES, "time")));
        text += &format!("{}\n", table("processor time of the client", &RATES, "cpu"));
        text += &format!("{}\n", table("a user who is new", &FIRST, "p50"));
    }
    text.trim_end().to_owned() + "\n"
}

fn rates(figures: &Figures, name: &str, columns: &[(String, String)]) -> String {
    let cases: Vec<String> = columns.iter().map(|(case, _)| case.clone()).collect();
    let titles = columns.iter().map(|(_, title)| title.as_str());
    let mut table = head(&format!("queries per second, at {name}"), titles);
    let mut everybody = figures.everybody(&cases);
    everybody.sort_by_key(|who| figures.median(&cases[0], who).map(|time| time as u64));
    for who in everybody {
        let rate = |case: &String| {
            figures.median(case, who).map_or("–".to_owned(), |time| format!("{:.0}", 1e9 / time))
        };
        row(&mut table, who, cases.iter().map(rate));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_beside_the_bare_clients_and_rates_are_by_the_time() {
        let figures = Figures::of(&[
            ("sql/postgresql/1-later/p50", POSTGRES, 100_000.0),
            ("sql/postgresql/1-later/p50", USER, 109_000.0),
            ("sql/postgresql/1-later/p50", ROLE, 200_000.0),
            ("sql/postgresql/1-16/time", POSTGRES, 50_000.0),
            ("sql/postgresql/1-16/time", USER, 100_000.0),
            ("sql/postgresql/first/p50", USER, 20_000_000.0),
        ]);
        let reached: Vec<bool> = targets(&figures).iter().map(|target| target.reached).collect();
        assert_eq!(reached, [true, false, false, false, false, false]);
        let tables = tables(&figures);
        assert!(tables.contains(&format!("| {ROLE} | 200 µs (2.00) | – |")), "{tables}");
        assert!(tables.contains(&format!("| {USER} | – | 10000 | – | – |")), "{tables}");
        assert!(tables.contains(&format!("| {USER} | 20.0 ms | – |")), "{tables}");
    }
}
