//! A client's tickets.

use super::Figures;
use super::table::{duration, head, row};
use super::target::Target;
use crate::names::CLIENT;

const LOOKUP: f64 = 1_000.0;
const SIZES: [&str; 2] = ["1000", "100000"];
const THREADS: [&str; 2] = ["1", "8"];

fn figure(figures: &Figures, case: &str) -> Option<f64> {
    figures.median(&format!("tickets/{case}"), CLIENT)
}

pub(super) fn targets(figures: &Figures) -> Vec<Target> {
    let lookups = SIZES.map(|size| figure(figures, &format!("lookup/{size}/8")));
    let insert = |case: &str| figure(figures, &format!("insert/{case}"));
    let ratio = |of: &str, to: &str| Some(insert(of)? / insert(to)?);
    let memory = figure(figures, "memory");
    let said =
        |value: Option<f64>, text: fn(f64) -> String| value.map_or("not measured".to_owned(), text);
    let at_most = |what, demand: &str, value: Option<f64>, most: f64, bound| Target {
        what,
        demand: demand.to_owned(),
        measured: said(value, |value| format!("{value:.2}")),
        reached: value.is_some_and(|value| value <= most),
        bound,
    };
    vec![
        Target {
            what: "a ticket that is there, among 1,000 and 100,000, 8 threads",
            demand: "≤ 1 µs".to_owned(),
            measured: lookups.map(|lookup| said(lookup, duration)).join(" and "),
            reached: lookups.iter().all(|lookup| lookup.is_some_and(|time| time <= LOOKUP)),
            bound: "Among many it is memory that is waited for: a place in the table, the key, the \
                    ticket's count of users.",
        },
        at_most(
            "a ticket that is new, among 100,000",
            "≤ 2 × the time among 1,000",
            ratio("100000", "1000"),
            2.0,
            "Among many it is memory that is waited for.",
        ),
        at_most(
            "a ticket that is new, where another one has to go",
            "≤ 2 × the time below the limit",
            ratio("limit", "100000"),
            2.0,
            "The other one is wiped and given back.",
        ),
        at_most(
            "memory of 100,000 tickets of 1.8 KB, two of each user",
            "≤ 1.5 × the bytes of the tickets",
            memory,
            1.5,
            "Beside a ticket lie its names, its session key, and the key under which it is found.",
        ),
    ]
}

pub(super) fn table(figures: &Figures) -> String {
    let titles = SIZES.map(|size| format!("among {size}"));
    let mut text = head("a ticket", titles.iter().map(String::as_str));
    let cell = |case: &str| figure(figures, case).map_or("–".to_owned(), duration);
    for threads in THREADS {
        let cells = SIZES.map(|size| cell(&format!("lookup/{size}/{threads}")));
        row(&mut text, &format!("that is there, {threads} threads at once"), cells.into_iter());
    }
    let cells = SIZES.map(|size| cell(&format!("insert/{size}")));
    row(&mut text, "that is new", cells.into_iter());
    let cells = ["–".to_owned(), cell("insert/limit")];
    row(&mut text, "that is new, where another one has to go", cells.into_iter());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_ratios_and_what_was_not_measured_is_not_reached() {
        let figures = Figures::of(&[
            ("tickets/lookup/1000/8", CLIENT, 400.0),
            ("tickets/lookup/100000/8", CLIENT, 1_001.0),
            ("tickets/insert/1000", CLIENT, 1_000.0),
            ("tickets/insert/100000", CLIENT, 2_000.0),
            ("tickets/memory", CLIENT, 1.4),
        ]);
        let reached: Vec<bool> = targets(&figures).iter().map(|target| target.reached).collect();
        assert_eq!(reached, [false, true, false, true]);
        assert!(table(&figures).contains("2000 ns"), "{}", table(&figures));
    }
}
