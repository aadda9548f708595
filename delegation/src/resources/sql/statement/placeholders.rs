/// Where in a statement values come in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in super::super) enum Placeholders {
    /// `$1` to `$n`.
    Numbered(usize),
    /// `@name`, each once, in the order in which they first stand there, without `@`.
    Named(Vec<String>),
}

impl Placeholders {
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
        let mut sorted: Vec<&String> = given.iter().collect();
        sorted.sort();
        sorted.dedup();
        if sorted.len() != given.len() {
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
