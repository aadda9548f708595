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

    /// The text between wildcards, in order.
    pub(super) fn pieces(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&*self.start).chain(self.rest.iter().map(|piece| &**piece))
    }

    pub(super) fn has_wildcard(&self) -> bool {
        !self.rest.is_empty()
    }

    /// What stands behind the last wildcard.
    pub(super) fn end(&self) -> &str {
        self.rest.last().unwrap_or(&self.start)
    }

    /// Whether it ends in a wildcard.
    pub(super) fn is_open(&self) -> bool {
        self.has_wildcard() && self.end().is_empty()
    }

    /// Whether a text is what the pattern says.
    pub(super) fn matches(&self, text: &str) -> bool {
        let Some((last, between)) = self.rest.split_last() else { return text == self.start };
        let Some(mut text) = text.strip_prefix(&*self.start) else { return false };
        for piece in between {
            let Some((_, rest)) = text.split_once(&**piece) else { return false };
            text = rest;
        }
        text.ends_with(&**last)
    }

    /// Whether something that begins with `under` may match.
    pub(super) fn may_begin_with(&self, under: &str) -> bool {
        self.start.starts_with(under) || (self.has_wildcard() && under.starts_with(&*self.start))
    }

    /// With other text at its end, and perhaps anything behind that.
    pub(super) fn with_end(&self, end: &str, open: bool) -> Self {
        let mut changed = self.clone();
        end.clone_into(changed.rest.last_mut().unwrap_or(&mut changed.start));
        if open {
            changed.push_wildcard();
        }
        changed
    }

    /// Without the wildcard at its end.
    pub(super) fn closed(&self) -> Self {
        let mut changed = self.clone();
        if changed.is_open() {
            changed.rest.pop();
        }
        changed
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

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pieces: Vec<String> = self.pieces().map(|piece| piece.replace('*', "\\*")).collect();
        write!(f, "\"{}\"", pieces.join("*"))
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
    fn wildcards_stand_for_anything() {
        for (pattern, text, matches) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("a*", "a", true),
            ("a*a", "a", false),
            ("a*b*c", "a/b/b/c", true),
            ("a*b*bc", "abc", false),
            ("*b", "ab", true),
            ("*b", "ba", false),
        ] {
            assert_eq!(like(pattern).matches(text), matches, "{pattern} {text}");
        }
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
