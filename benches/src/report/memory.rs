//! What sessions take of memory.

use super::Figures;
use super::table::{head, row};
use super::target::Target;
use crate::names::SERVER;

/// Of the seeds: bytes for a thousand sessions with small tickets.
const THOUSAND: f64 = 10e6;
const RATIO: f64 = 1.5;
const CASES: [(&str, &str); 6] = [
    ("1000/tokens", "1,000: tokens"),
    ("1000/tickets-1800", "1,000: two tickets of 1.8 KB"),
    ("1000/all-1800", "1,000: tokens, and two tickets of 1.8 KB"),
    ("1000/tickets-24000", "1,000: two tickets of 24 KB"),
    ("1000/all-24000", "1,000: tokens, and two tickets of 24 KB"),
    ("100000/all-1800", "100,000: tokens, and two tickets of 1.8 KB"),
];

fn bytes(figures: &Figures, case: &str, what: &str) -> Option<f64> {
    figures.median(&format!("memory/{case}/{what}"), SERVER)
}

fn ratio(figures: &Figures, case: &str) -> Option<f64> {
    Some(bytes(figures, case, "taken")? / bytes(figures, case, "kept")?)
}

pub(super) fn targets(figures: &Figures) -> Vec<Target> {
    let not = || "not measured".to_owned();
    let small = bytes(figures, "1000/all-1800", "taken");
    let mut targets = vec![Target {
        what: "memory of 1,000 sessions with tickets of 1.8 KB",
        demand: format!("≤ {:.0} MB", THOUSAND / 1e6),
        measured: small.map_or_else(not, |bytes| format!("{:.1} MB", bytes / 1e6)),
        reached: small.is_some_and(|bytes| bytes <= THOUSAND),
        bound: "Two tickets, the caller's token and the exchanged one, and what they are found by.",
    }];
    for (what, case) in [
        ("memory of 1,000 sessions with tickets of 24 KB", "1000/all-24000"),
        ("memory of 100,000 sessions with tickets of 1.8 KB", "100000/all-1800"),
    ] {
        let ratio = ratio(figures, case);
        targets.push(Target {
            what,
            demand: format!("≤ {RATIO} × the bytes of tokens and tickets"),
            measured: ratio.map_or_else(not, |ratio| format!("{ratio:.2}")),
            reached: ratio.is_some_and(|ratio| ratio <= RATIO),
            bound: "Beside a token and a ticket lie names, keys, and what they are found by.",
        });
    }
    targets
}

pub(super) fn table(figures: &Figures) -> String {
    let titles = ["memory", "of each", "of it tokens and tickets", "ratio"];
    let mut text = head("sessions, and what each has", titles.into_iter());
    let megabytes = |bytes: f64| format!("{:.1} MB", bytes / 1e6);
    for (case, title) in CASES {
        let users = case.split('/').next().and_then(|users| users.parse::<f64>().ok());
        let taken = bytes(figures, case, "taken");
        let each = taken.zip(users).map(|(taken, users)| format!("{:.1} KB", taken / users / 1e3));
        let cells = [
            taken.map(megabytes),
            each,
            bytes(figures, case, "kept").map(megabytes),
            ratio(figures, case).map(|ratio| format!("{ratio:.2}")),
        ];
        row(&mut text, title, cells.into_iter().map(|cell| cell.unwrap_or("–".to_owned())));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_stands_beside_what_is_kept() {
        let figures = Figures::of(&[
            ("memory/1000/all-1800/taken", SERVER, 10_000_001.0),
            ("memory/1000/all-1800/kept", SERVER, 5_000_000.0),
            ("memory/100000/all-1800/taken", SERVER, 600e6),
            ("memory/100000/all-1800/kept", SERVER, 400e6),
        ]);
        let reached: Vec<bool> = targets(&figures).iter().map(|target| target.reached).collect();
        assert_eq!(reached, [false, false, true]);
        let table = table(&figures);
        assert!(table.contains("| 600.0 MB | 6.0 KB | 400.0 MB | 1.50 |"), "{table}");
    }
}
