//! What a call of the MCP server is made of, without any network: nobody stands beside, and targets are
//! times.

use super::Figures;
use super::table::{duration, head, row};
use super::target::Target;
use crate::names::SERVER;

const DECISIONS: [&str; 5] = [
    "policy/role/allowed/1000",
    "policy/folder/allowed/1000",
    "policy/folder/denied/1000",
    "policy/pattern/allowed/1000",
    "policy/pattern/denied/1000",
];
const SIZES: [&str; 4] = ["1", "10", "100", "1000"];

pub(super) fn targets(figures: &Figures) -> Vec<Target> {
    let within = |what, microseconds, cases: &[&str], bound| {
        Target::within(what, microseconds * 1000.0, figures, cases, SERVER, bound)
    };
    vec![
        within(
            "a decision among 1,000 rules",
            50.0,
            &DECISIONS,
            "A rule of which nothing can be told but by a short pattern is looked at for each question.",
        ),
        within("a token of 1.8 KB that came before", 2.0, &["token/known"], "It is hashed whole."),
        within(
            "an exchange that was made before",
            20.0,
            &["exchange/hit"],
            "What is kept is sealed by a key that is made of the caller's token each time.",
        ),
        within(
            "a call without network, the token new",
            150.0,
            &["call/new"],
            "Two signatures are checked.",
        ),
        within(
            "a call without network, the token known",
            50.0,
            &["call/known"],
            "The record is written by a thread of its own, which is woken, and wakes.",
        ),
    ]
}

pub(super) fn tables(figures: &Figures) -> String {
    let time = |case: &str| figures.median(case, SERVER).map_or("–".to_owned(), duration);
    let mut decisions = head("a decision among so many rules", SIZES.into_iter());
    for (title, of) in [
        ("told apart by roles, allowed", "role/allowed"),
        ("by folders, allowed", "folder/allowed"),
        ("by folders, denied", "folder/denied"),
        ("by patterns without a beginning, allowed", "pattern/allowed"),
        ("by patterns without a beginning, denied", "pattern/denied"),
    ] {
        row(&mut decisions, title, SIZES.iter().map(|size| time(&format!("policy/{of}/{size}"))));
    }
    let mut parts = head("one part of a call, or a call", ["time"].into_iter());
    for (title, case) in [
        ("a token that came before", "token/known"),
        ("a new token: ES256", "token/new"),
        ("an exchange that was made before", "exchange/hit"),
        ("a call, the token known", "call/known"),
        ("a call, the token new", "call/new"),
    ] {
        row(&mut parts, title, std::iter::once(time(case)));
    }
    let waiting = ["1", "16", "64"];
    let mut durable = head("calls per second, each record on the disk", waiting.into_iter());
    let rates = waiting.iter().map(|waiting| {
        let time = figures.median(&format!("call/durable, {waiting} at once"), SERVER);
        time.map_or("–".to_owned(), |time| format!("{:.0}", 1e9 / time))
    });
    row(&mut durable, "with so many at once", rates);
    format!("{decisions}\n{parts}\n{durable}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_case_decides() {
        let figures = Figures::of(&[
            ("policy/role/allowed/1000", SERVER, 900.0),
            ("policy/pattern/denied/1000", SERVER, 50_001.0),
            ("token/known", SERVER, 1999.0),
            ("call/durable, 16 at once", SERVER, 50_000.0),
        ]);
        let targets = targets(&figures);
        assert_eq!(targets[0].measured, "900 ns to 50.0 µs");
        let reached: Vec<_> = targets.iter().map(|target| target.reached).collect();
        assert_eq!(reached, [false, true, false, false, false]);
        let tables = tables(&figures);
        assert!(tables.contains("| with so many at once | – | 20000 | – |"), "{tables}");
    }
}
