use std::collections::{BTreeSet, HashSet};

use super::super::engine::Engine;
use super::failure::Refused;
use super::lexis::{Lexis, What};

/// Where in a statement values come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Placeholders {
    /// `$1` to `$n`.
    Numbered(usize),
    /// `@name`, each once, in the order in which they first stand there, without `@`.
    Named(Vec<String>),
}

/// So many there may be: what both servers take.
const MOST: usize = 2000;

impl Placeholders {
    pub(super) fn of(lexis: &Lexis, engine: Engine) -> Result<Self, Refused> {
        let written = lexis.tokens.iter().filter_map(|token| match &token.what {
            What::Placeholder(name) => Some(name),
            _ => None,
        });
        match engine {
            Engine::Postgresql => {
                let numbers: Option<BTreeSet<usize>> =
                    written.map(|name| name.parse().ok()).collect();
                let numbers = numbers.ok_or(Refused::Unknown("a placeholder"))?;
                let count = numbers.len();
                let is_whole = numbers.iter().copied().eq(1..=count) && count <= MOST;
                if is_whole {
                    Ok(Self::Numbered(count))
                } else {
                    Err(Refused::Unknown("a gap in $1, $2, …"))
                }
            }
            Engine::SqlServer => {
                let mut known = HashSet::new();
                let first = written.filter(|name| known.insert(name.to_ascii_lowercase()));
                let names: Vec<String> = first.cloned().collect();
                if names.len() <= MOST { Ok(Self::Named(names)) } else { Err(Refused::TooDeep) }
            }
        }
    }

    /// What their values are called: for numbered ones, these names if there are any.
    pub(in super::super) fn names(&self, given: &[String]) -> Vec<String> {
        match self {
            Self::Numbered(_) if !given.is_empty() => given.to_vec(),
            Self::Numbered(count) => (1..=*count).map(|number| number.to_string()).collect(),
            Self::Named(names) => names.clone(),
        }
    }

    /// What is wrong with these names for them.
    pub(in super::super) fn unlike(&self, given: &[String]) -> Option<String> {
        let distinct: BTreeSet<String> = given.iter().map(|name| name.to_lowercase()).collect();
        if distinct.len() != given.len() {
            return Some("has two params of one name".into());
        }
        match self {
            _ if given.is_empty() => None,
            Self::Numbered(count) if *count == given.len() => None,
            Self::Numbered(count) => {
                Some(format!("has {count} placeholders, and params names {}", given.len()))
            }
            Self::Named(_) => Some("names its values itself: leave params out".into()),
        }
    }
}
