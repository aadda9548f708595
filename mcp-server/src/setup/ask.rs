use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use super::Error;

/// Longer than any answer.
const LONGEST: usize = 500;

/// Answers to what no option says: somebody's at a terminal, or none.
pub(super) struct Ask {
    is_somebody_there: bool,
    /// Options that have to be given.
    missing: Vec<&'static str>,
}

impl Ask {
    pub(super) fn on_a_terminal() -> Self {
        let is_somebody_there = io::stdin().is_terminal() && io::stderr().is_terminal();
        Self { is_somebody_there, missing: Vec::new() }
    }

    /// One who is told nothing.
    #[cfg(test)]
    pub(super) const fn nobody() -> Self {
        Self { is_somebody_there: false, missing: Vec::new() }
    }

    /// What an option says, else what somebody answers, who may leave it at what was found, else that.
    /// Empty, if there is none of them.
    pub(super) fn for_text(
        &mut self,
        option: &'static str,
        question: &str,
        given: Option<String>,
        found: Option<String>,
    ) -> Result<String, Error> {
        let text = match (given, found) {
            (Some(given), _) => given,
            (None, found) if self.is_somebody_there => answer(question, found.as_deref())?,
            (None, Some(found)) => found,
            (None, None) => String::new(),
        };
        if text.len() > LONGEST || text.chars().any(char::is_control) {
            return Err(format!("{option}: {LONGEST} characters at most, on one line").into());
        }
        if text.is_empty() {
            self.missing.push(option);
        }
        Ok(text)
    }

    /// # Errors
    /// Which options are missing, all at once.
    pub(super) fn all_was_said(&self) -> Result<(), Error> {
        match self.missing.as_slice() {
            [] => Ok(()),
            missing => Err(format!("{} must be given", missing.join(", ")).into()),
        }
    }
}

fn answer(question: &str, found: Option<&str>) -> io::Result<String> {
    let found = found.unwrap_or_default();
    let mut terminal = io::stderr();
    match found {
        "" => write!(terminal, "{question}: ")?,
        found => write!(terminal, "{question} [{found}]: ")?,
    }
    terminal.flush()?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let line = line.trim();
    Ok(if line.is_empty() { found } else { line }.to_owned())
}
