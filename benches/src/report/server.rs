//! The MCP server: calls by many clients, and files beside a client that keeps its session.

use super::Figures;
use super::table::times;
use super::target::Target;
use crate::names::{FASTMCP, RMCP, SERVER, SMBCLIENT};

const CALLS: [(&str, &str); 2] = [("user-info", "user-info"), ("denied", "a denied call")];
const FILES: [(&str, &str); 3] =
    [("1KiB", "1 KiB"), ("1MiB", "1 MiB"), ("1KiB-16", "1 KiB, 16 clients")];

fn columns(cases: &[(&str, &str)], what: &str) -> Vec<(String, String)> {
    cases.iter().map(|(case, title)| (format!("server/{case}/{what}"), (*title).into())).collect()
}

pub(super) fn targets(figures: &Figures) -> Vec<Target> {
    let calls: Vec<String> = columns(&CALLS, "time").into_iter().map(|(case, _)| case).collect();
    let file = |case: &str| vec![format!("server/{case}/time")];
    vec![
        Target::at_most(
            "a warm call, 16 clients",
            1.18,
            figures,
            &calls,
            (SERVER, RMCP),
            "Beside a token, of which rmcp's program checks the signature each time, a call has a \
             policy decision, a record on the disk and a line of log.",
        ),
        Target::at_least(
            "a warm call, 16 clients",
            10.0,
            figures,
            &calls,
            (SERVER, &[FASTMCP]),
            "The clients run on the same cores.",
        ),
        Target::at_most(
            "a warm file of 1 KiB",
            2.0,
            figures,
            &file("1KiB"),
            (SERVER, SMBCLIENT),
            "Two durable records, and two round trips to the file server: open with the file's own \
             name, and read. It is closed while the answer is on the way.",
        ),
        Target::at_most(
            "a warm file of 1 MiB",
            3.0,
            figures,
            &file("1MiB"),
            (SERVER, SMBCLIENT),
            "The content is a JSON text: it is looked through for what must be escaped, and copied \
             on its way.",
        ),
    ]
}

pub(super) fn tables(figures: &Figures) -> String {
    let table =
        |title, cases: &[(&str, &str)], what| times(figures, title, &columns(cases, what), SERVER);
    format!(
        "{}\n{}\n{}\n{}",
        table("time from one answer to the next, 16 clients", &CALLS, "time"),
        table("processor time of a call", &CALLS, "cpu"),
        table("time from one file to the next", &FILES, "time"),
        table("processor time of a file", &FILES, "cpu"),
    )
}
