//! KDCs: requests per second, processor time for each, and the first ticket.

use super::Figures;
use super::table::{emphasised, head, row, times};
use super::target::Target;
use crate::names::{KDC, MIT};

const CASES: [(&str, &str); 6] = [
    ("AS/UDP", "AS by UDP"),
    ("AS/TCP", "AS by TCP"),
    ("AS/KEPT", "AS by kept TCP"),
    ("TGS/UDP", "TGS by UDP"),
    ("TGS/TCP", "TGS by TCP"),
    ("TGS/KEPT", "TGS by kept TCP"),
];
const FIRST: &str = "kdc/first-ticket";

fn columns(what: &str) -> Vec<(String, String)> {
    CASES.iter().map(|(case, title)| (format!("kdc/{case}/{what}"), (*title).to_owned())).collect()
}

pub(super) fn targets(figures: &Figures) -> Vec<Target> {
    let cases = |what| columns(what).into_iter().map(|(case, _)| case).collect::<Vec<_>>();
    let target = |what, factor, cases: &[String], bound| {
        Target::at_least(what, factor, figures, cases, (KDC, &[MIT]), bound)
    };
    vec![
        target(
            "KDC, requests per second",
            3.0,
            &cases("time"),
            "The clients run on the same cores; what they and the kernel take for each request is \
             the same for everybody. By TCP each request has a connection of its own; kept TCP \
             keeps it where the KDC does (MIT's and Heimdal's hang up after each answer).",
        ),
        target(
            "KDC, processor time of a request",
            4.0,
            &cases("cpu"),
            "By TCP about half of ours is the kernel's, for a connection that is taken, read, written \
             and closed: a server that does nothing else takes a fifth of MIT's time.",
        ),
        target(
            "from nothing to the first service ticket",
            10.0,
            &[FIRST.to_owned()],
            "Two passwords become keys, on both sides, with thousands of hashes.",
        ),
    ]
}

pub(super) fn tables(figures: &Figures) -> String {
    let (time, cpu) = (columns("time"), columns("cpu"));
    let cases: Vec<String> = time.iter().map(|(case, _)| case.clone()).collect();
    let mut rates = head("requests per second", CASES.iter().map(|(_, title)| *title));
    let mut everybody = figures.everybody(&cases);
    everybody.sort_by_key(|who| figures.median(&cases[0], who).map(|time| time as u64));
    for who in everybody {
        let cells = cases.iter().map(|case| {
            let (time, ours) = (figures.median(case, who), figures.median(case, KDC));
            let cell =
                |time: f64| format!("{:.0} ({:.2})", 1e9 / time, time / ours.unwrap_or(time));
            time.map_or("–".to_owned(), cell)
        });
        row(&mut rates, &emphasised(who), cells);
    }
    let first = [(FIRST.to_owned(), "time".to_owned())];
    format!(
        "{rates}\n{}\n{}",
        times(figures, "processor time of a request", &cpu, KDC),
        times(figures, "from nothing to the first service ticket", &first, KDC),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_one_by_the_time_and_its_ratio_that_of_the_times() {
        let figures = Figures::of(&[
            ("kdc/AS/UDP/time", MIT, 200_000.0),
            ("kdc/AS/UDP/time", KDC, 50_000.0),
            ("kdc/AS/TCP/time", KDC, 100_000.0),
        ]);
        let tables = tables(&figures);
        assert!(
            tables.contains("| **krb kdc** | 20000 (1.00) | 10000 (1.00) | – | – | – | – |"),
            "{tables}"
        );
        assert!(tables.contains("| MIT krb5 | 5000 (4.00) | – | – | – | – | – |"), "{tables}");
        assert!(targets(&figures)[0].reached);
    }
}
