//! Tables of medians.

use std::fmt::Write;

use super::Figures;
use crate::names::{CLIENT, KDC};

/// A table: a column for each case, a row for everybody in it, the fastest first. In brackets how
/// many times the time of `reference` each one takes.
pub(super) fn times(
    figures: &Figures,
    corner: &str,
    columns: &[(String, String)],
    reference: &str,
) -> String {
    let cases: Vec<String> = columns.iter().map(|(case, _)| case.clone()).collect();
    let mut rows: Vec<(f64, &str)> = figures
        .everybody(&cases)
        .into_iter()
        .map(|who| (relative(figures, &cases, who, reference), who))
        .collect();
    rows.sort_by(|(first, _), (second, _)| first.total_cmp(second));
    let mut table = head(corner, columns.iter().map(|(_, title)| title.as_str()));
    for (_, who) in rows {
        let cells = cases.iter().map(|case| match figures.median(case, who) {
            None => "–".to_owned(),
            Some(time) => match figures.median(case, reference) {
                Some(one) => format!("{} ({:.2})", duration(time), time / one),
                None => duration(time),
            },
        });
        row(&mut table, &emphasised(who), cells);
    }
    table
}

/// A table of the same form that counts allocations.
pub(super) fn allocations(figures: &Figures, corner: &str, columns: &[(String, String)]) -> String {
    let cases: Vec<String> = columns.iter().map(|(case, _)| case.clone()).collect();
    let total = |who: &&str| -> u64 {
        cases.iter().filter_map(|case| figures.allocations(case, who)).sum()
    };
    let mut everybody = figures.everybody(&cases);
    everybody.sort_by_key(total);
    let mut table = head(corner, columns.iter().map(|(_, title)| title.as_str()));
    for who in everybody {
        let cells = cases.iter().map(|case| {
            figures.allocations(case, who).map_or("–".to_owned(), |count| count.to_string())
        });
        row(&mut table, &emphasised(who), cells);
    }
    table
}

/// The geometric mean of the ratios to the reference.
fn relative(figures: &Figures, cases: &[String], who: &str, reference: &str) -> f64 {
    let logarithms: Vec<f64> = cases
        .iter()
        .filter_map(|case| Some(figures.median(case, who)? / figures.median(case, reference)?))
        .map(f64::ln)
        .collect();
    logarithms.iter().sum::<f64>() / logarithms.len() as f64
}

pub(super) fn head<'t>(corner: &str, titles: impl Iterator<Item = &'t str>) -> String {
    let mut table = String::new();
    let titles: Vec<&str> = titles.collect();
    row(&mut table, corner, titles.iter().map(|title| (*title).to_owned()));
    row(&mut table, "---", titles.iter().map(|_| "---:".to_owned()));
    table
}

pub(super) fn row(table: &mut String, first: &str, cells: impl Iterator<Item = String>) {
    let cells: Vec<String> = cells.collect();
    writeln!(table, "| {first} | {} |", cells.join(" | ")).expect("a string takes all");
}

pub(super) fn emphasised(who: &str) -> String {
    let is_ours = who.starts_with("krb-proto") || [CLIENT, KDC].contains(&who);
    if is_ours { format!("**{who}**") } else { who.to_owned() }
}

/// A time with three digits or so.
pub(super) fn duration(nanoseconds: f64) -> String {
    match nanoseconds {
        t if t < 10.0 => format!("{t:.1} ns"),
        t if t < 10_000.0 => format!("{t:.0} ns"),
        t if t < 100_000.0 => format!("{:.1} µs", t / 1e3),
        t if t < 10_000_000.0 => format!("{:.0} µs", t / 1e3),
        t => format!("{:.1} ms", t / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_stands_first_and_ratios_are_to_the_reference() {
        let figures = Figures::of(&[
            ("a", "slow", 400.0),
            ("a", "krb-proto", 100.0),
            ("b", "krb-proto", 20_000.0),
        ]);
        let columns = [("a".to_owned(), "A".to_owned()), ("b".to_owned(), "B".to_owned())];
        assert_eq!(
            times(&figures, "who", &columns, "krb-proto"),
            "| who | A | B |\n\
             | --- | ---: | ---: |\n\
             | **krb-proto** | 100 ns (1.00) | 20.0 µs (1.00) |\n\
             | slow | 400 ns (4.00) | – |\n"
        );
    }
}
