/// What is wrong with a text, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Malformed {
    /// From 1.
    pub(super) line: usize,
    /// From 1, in bytes.
    pub(super) column: usize,
    /// The setting and what is wrong with it.
    pub(super) problem: String,
}

impl Malformed {
    /// What is wrong with a setting, as `serde_path_to_error` names it: "?" stands for what was not
    /// read yet, "." for the whole.
    pub(super) fn setting((line, column): (usize, usize), path: &str, problem: &str) -> Self {
        let problem = without_value(problem);
        let problem = match path.trim_end_matches(".?") {
            "" | "." | "?" => problem,
            path => format!("{path}: {problem}"),
        };
        Self { line, column, problem }
    }
}

/// The libraries' words about a value of the wrong type, without the value: it may be a password or a
/// key in the wrong place. Where it stands is said.
fn without_value(problem: &str) -> String {
    let parts = problem.strip_prefix("invalid type: ").and_then(|of| of.rsplit_once(", expected "));
    match parts {
        Some((found, expected)) => {
            let found = found.split(['"', '`']).next().unwrap_or_default().trim_end();
            format!("invalid type: {found}, expected {expected}")
        }
        None => problem.to_owned(),
    }
}
