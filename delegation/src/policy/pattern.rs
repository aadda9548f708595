//! What a policy compares the path of a call with.

/// Text with wildcards, as Cedar's `like` reads it: `*` stands for anything, `/` included. The text
/// of `==` is one without wildcards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern {
    start: String,
    // Each behind a wildcard.
    rest: Vec<String>,
}

impl Pattern {
    pub(super) fn text(text: &str) -> Self {
        Self { start: text.to_owned(), rest: Vec::new() }
    }

    /// What stands before the first wildcard.
    pub(super) fn start(&self) -> &str {
        &self.start
    }

    pub(super) fn push_wildcard(&mut self) {
        self.rest.push(String::new());
    }

    pub(super) fn push(&mut self, text: &str) {
        self.rest.last_mut().unwrap_or(&mut self.start).push_str(text);
    }

    /// Some paths that match and begin with `under`; none if none does.
    pub(super) fn examples(&self, under: &str) -> Vec<String> {
        let mut text = self.start.clone();
        let Some((last, between)) = self.rest.split_last() else {
            return if text.starts_with(under) { vec![text] } else { vec![] };
        };
        if !text.starts_with(under) {
            let Some(missing) = under.strip_prefix(&*text) else { return vec![] };
            text.push_str(missing);
        }
        for piece in between {
            text.push('x');
            text.push_str(piece);
        }
        ["", "x", "/", "x/"].iter().map(|anything| format!("{text}{anything}{last}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn like(text: &str) -> Pattern {
        let mut pieces = text.split('*');
        let mut pattern = Pattern::text(pieces.next().unwrap());
        for piece in pieces {
            pattern.push_wildcard();
            pattern.push(piece);
        }
        pattern
    }

    #[test]
    fn examples_match_and_lie_below() {
        for (pattern, under, first) in [
            ("/corp/a", "/corp/", Some("/corp/a")),
            ("/corp/a", "/old/", None),
            ("/corp/*", "/corp/", Some("/corp/")),
            ("/corp/a/*", "/corp/", Some("/corp/a/")),
            ("/corp/a/*", "/old/", None),
            ("*", "/corp/", Some("/corp/")),
            ("*.csv", "/corp/", Some("/corp/.csv")),
            ("/co*/a*b", "/corp/", Some("/corp/x/ab")),
        ] {
            let examples = like(pattern).examples(under);
            assert_eq!(examples.first().map(String::as_str), first, "{pattern} under {under}");
        }
        assert!(like("*.csv").examples("/corp/").contains(&"/corp/x.csv".to_owned()));
        assert!(like("/corp/*").examples("/corp/").contains(&"/corp/x".to_owned()));
    }
}
