//! Which policies a question concerns, found by what it has and they ask for, in a time that does
//! not grow with the policies that are for others.

use std::collections::HashMap;

use super::facts::{Facts, Field, List};
use super::sketch::Sketch;

/// Policies by what a question must have for them to apply. A policy of which nothing of the kind
/// is known is found by every question.
#[derive(Debug, Default)]
pub(super) struct Index {
    shelves: Vec<(Lens, Shelf)>,
    always: Vec<u32>,
}

/// How many characters that stand together are looked for in a path.
const GRAM: usize = 4;
/// Of those that a pattern asks for, so many are weighed against each other: the last ones, since names
/// differ at their ends.
const MAX_GRAMS: usize = 32;

/// The numbers of policies, by the text that they ask for.
type Shelf = HashMap<Box<str>, Vec<u32>>;

/// What of a question is looked at.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
enum Lens {
    /// The text of a field.
    Field(Field),
    /// Each text of a list.
    List(List),
    /// Each folder that the path lies in, or is.
    Folder,
    /// Some characters anywhere in the path.
    Gram,
}

/// A text that a question must have.
type Key = (Lens, String);

/// Whether a question that is asked of an index has a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Paths {
    /// It has, where it is about a target at all.
    Told,
    /// It is about any.
    Any,
}

impl Index {
    pub(super) fn new<'a>(sketches: impl Iterator<Item = &'a Sketch>, paths: Paths) -> Self {
        let choices: Vec<Vec<Vec<Key>>> = sketches.map(|sketch| choices(sketch, paths)).collect();
        // How many would stand on one place if every policy stood everywhere it could.
        let mut crowds: HashMap<&Key, usize> = HashMap::new();
        for key in choices.iter().flatten().flatten() {
            *crowds.entry(key).or_default() += 1;
        }
        let crowd = |keys: &&Vec<Key>| keys.iter().map(|key| crowds[key]).sum::<usize>();
        let mut index = Self::default();
        for (number, choices) in (0..).zip(&choices) {
            match choices.iter().min_by_key(crowd) {
                None => index.always.push(number),
                Some(keys) => keys.iter().for_each(|key| index.put(key, number)),
            }
        }
        index
    }

    fn put(&mut self, (lens, text): &Key, number: u32) {
        let at = self.shelves.iter().position(|(other, _)| other == lens);
        let at = at.unwrap_or_else(|| {
            self.shelves.push((lens.clone(), HashMap::new()));
            self.shelves.len() - 1
        });
        let place = self.shelves[at].1.entry(text.as_str().into()).or_default();
        if place.last() != Some(&number) {
            place.push(number);
        }
    }

    /// The policies that a question may concern, in their order.
    pub(super) fn candidates(&self, facts: &Facts<'_>) -> Vec<u32> {
        let mut found = self.always.clone();
        let mut lists = usize::from(!found.is_empty());
        for (lens, shelf) in &self.shelves {
            let mut look = |text: &str| {
                if let Some(numbers) = shelf.get(text) {
                    found.extend(numbers);
                    lists += 1;
                }
            };
            match lens {
                Lens::Field(field) => facts.text(field).into_iter().for_each(&mut look),
                Lens::List(list) => {
                    facts.list(list).into_iter().flatten().for_each(|text| look(text));
                }
                Lens::Folder => {
                    let path = facts.path.unwrap_or_default();
                    path.match_indices('/').for_each(|(at, _)| look(&path[..=at]));
                }
                Lens::Gram => grams(facts.path.unwrap_or_default()).for_each(&mut look),
            }
        }
        if lists > 1 {
            found.sort_unstable();
            found.dedup();
        }
        found
    }
}

/// All that stand together in a text; a shorter one is all that there is of it.
fn grams(text: &str) -> impl Iterator<Item = &str> {
    let starts = text.char_indices().map(|(at, _)| at);
    let ends = starts.clone().skip(GRAM).chain(std::iter::once(text.len()));
    starts.zip(ends).map(|(start, end)| &text[start..end])
}

/// Sets of keys, of each of which a question must have one for the condition to hold.
fn choices(sketch: &Sketch, paths: Paths) -> Vec<Vec<Key>> {
    let told = |field: &Field| paths == Paths::Told || *field != Field::Path;
    match sketch {
        Sketch::All(parts) => parts.iter().flat_map(|part| choices(part, paths)).collect(),
        Sketch::Any(parts) => {
            let each = parts.iter().map(|part| {
                let of_one = choices(part, paths);
                of_one.into_iter().min_by_key(Vec::len)
            });
            // One that may hold without any leaves nothing to look for.
            each.collect::<Option<Vec<_>>>().map(|keys| keys.concat()).into_iter().collect()
        }
        Sketch::OneOf(field, texts) if told(field) => {
            vec![texts.iter().map(|text| (Lens::Field(field.clone()), text.clone())).collect()]
        }
        Sketch::Like(field, pattern) if told(field) && !pattern.has_wildcard() => {
            vec![vec![(Lens::Field(field.clone()), pattern.start().to_owned())]]
        }
        Sketch::Like(Field::Path, pattern) if told(&Field::Path) => {
            let folder = pattern.start().rfind('/').map(|at| &pattern.start()[..=at]);
            let folder = folder.map(|folder| vec![(Lens::Folder, folder.to_owned())]);
            // Whatever is written out in a pattern stands in each path that it matches.
            let longest = pattern.pieces().max_by_key(|piece| piece.len()).unwrap_or_default();
            let grams: Vec<_> = grams(longest).filter(|it| it.chars().count() == GRAM).collect();
            let last = grams.iter().rev().take(MAX_GRAMS);
            let grams = last.map(|gram| vec![(Lens::Gram, (*gram).to_owned())]);
            folder.into_iter().chain(grams).collect()
        }
        // Whoever asks first does not know the groups.
        Sketch::Holds(list, text) if *list != List::Groups => {
            vec![vec![(Lens::List(list.clone()), text.clone())]]
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grams_are_whole_characters() {
        let all = |text| grams(text).collect::<Vec<_>>();
        assert_eq!(all("abcdef"), ["abcd", "bcde", "cdef"]);
        assert_eq!(all("abcd"), ["abcd"]);
        assert_eq!(
            all("a\u{e9}\u{8868}\u{10400}b"),
            ["a\u{e9}\u{8868}\u{10400}", "\u{e9}\u{8868}\u{10400}b"]
        );
        assert_eq!(all("abc"), ["abc"]);
        assert_eq!(all(""), [] as [&str; 0]);
    }
}
