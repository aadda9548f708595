//! The tables in docs/interop.md, cell by cell: what this KDC was seen to do. A cell that says
//! otherwise fails; `UPDATE_SNAPSHOTS=1` writes it.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// The head of each column, by the world whose it is.
const COLUMNS: [(&str, &str); 7] = [
    ("embedded", "embedded"),
    ("samba", "Samba 4.17"),
    ("samba422", "Samba 4.22"),
    ("mit", "MIT 1.20 (db2)"),
    ("mit-kldap", "MIT 1.20 (LDAP)"),
    ("mit-test", "MIT 1.20 (test database)"),
    ("heimdal", "Heimdal 7.8"),
];
/// Where nobody has looked.
const UNKNOWN: &str = "?";

/// One of the tables.
#[derive(Clone, Copy)]
pub(crate) struct Table {
    /// What stands above its rows.
    pub(crate) head: &'static str,
}

/// What a KDC does for who asks as our client asks.
pub(crate) const BEHAVIOUR: Table = Table { head: "behaviour" };
/// What it answers to requests that are wrong in one thing.
pub(crate) const ANSWERS: Table = Table { head: "a request with" };

/// The world that is asked.
pub(crate) fn world() -> String {
    std::env::var("KDC_WORLD").unwrap_or_else(|_| "embedded".into())
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

fn line(cells: &[&str]) -> String {
    format!("| {} |", cells.join(" | "))
}

impl Table {
    /// Compares what was seen of this KDC with its cell in that row, or writes it there.
    pub(crate) fn compare(self, row: &str, seen: &str) -> Result<(), String> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let _one = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let page = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/interop.md"));
        let text = std::fs::read_to_string(&page).expect("docs/interop.md");
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let rows = |lines: &[String]| {
            let head = lines.iter().position(|line| cells(line).first() == Some(&self.head));
            let head = head.expect("the table's head");
            let length = lines[head..].iter().take_while(|line| line.starts_with('|')).count();
            (head, head + length)
        };
        let (head, end) = rows(&lines);
        let world = world();
        let title = COLUMNS.iter().find(|(name, _)| *name == world);
        let title = title.unwrap_or_else(|| panic!("KDC_WORLD={world}: one of {COLUMNS:?}")).1;
        let column = cells(&lines[head]).iter().position(|cell| *cell == title);
        let column = column.unwrap_or_else(|| panic!("a column {title}"));
        let at = (head..end).find(|at| cells(&lines[*at]).first() == Some(&row));
        let said = at.and_then(|at| cells(&lines[at]).get(column).map(|&cell| cell.to_owned()));
        let said = said.unwrap_or_else(|| UNKNOWN.to_owned());
        if said == seen {
            return Ok(());
        }
        if std::env::var_os("UPDATE_SNAPSHOTS").is_none() {
            return Err(format!("{row}: {seen}, and docs/interop.md says {said}"));
        }
        let count = cells(&lines[head]).len();
        let at = at.unwrap_or_else(|| {
            let mut new = vec![UNKNOWN; count];
            new[0] = row;
            lines.insert(end, line(&new));
            end
        });
        let before = lines[at].clone();
        let mut new = cells(&before);
        new.resize(count, UNKNOWN);
        new[column] = seen;
        lines[at] = line(&new);
        std::fs::write(&page, lines.join("\n") + "\n").expect("docs/interop.md");
        Ok(())
    }
}

/// The table has these rows and no others, and every KDC's cell was written.
pub(crate) fn is_complete(table: Table, rows: &[&str]) {
    let page = include_str!("../../docs/interop.md");
    let mut lines = page.lines().skip_while(|line| cells(line).first() != Some(&table.head));
    let head = lines.next().expect("the table's head");
    let found: Vec<_> = lines.skip(1).take_while(|line| line.starts_with('|')).map(cells).collect();
    let names: Vec<_> = found.iter().map(|cells| cells[0]).collect();
    assert_eq!(names, rows, "of {}", table.head);
    for row in found {
        let all = row.len() == cells(head).len() && !row.contains(&UNKNOWN);
        assert!(all, "a KDC of which nobody has seen this: {row:?}");
    }
}
