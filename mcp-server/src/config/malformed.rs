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
        let problem = match path.trim_end_matches(".?") {
            "" | "." | "?" => problem.to_owned(),
            path => format!("{path}: {problem}"),
        };
        Self { line, column, problem }
    }
}
