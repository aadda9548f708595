use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::{ConfError, ConfErrorKind};

/// What Kerberos configuration files say (MIT's `krb5.conf`): sections of relations, read as MIT's
/// libkrb5 reads them. See the [module](super::super) for what is bounded and what differs.
///
/// Every relation can be read as text ([`Krb5Conf::values`]); those that mean something to a client
/// without plugins have a type ([`Krb5Conf::libdefaults`], [`Krb5Conf::realm`], …).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Krb5Conf {
    /// All sections of all trees.
    sections: Vec<Section>,
    /// The tree of each file of the list; included files are part of the tree that includes them.
    roots: Vec<SectionId>,
    /// The names of all files read.
    pub(super) sources: Vec<String>,
    /// How many bytes were read.
    pub(super) bytes: usize,
}

/// A section's place in the list of all: a path of long names would be compared at every line.
pub(super) type SectionId = usize;

/// A section. Order matters only among the values of one name, in MIT's library too.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Section {
    is_final: bool,
    relations: BTreeMap<String, Relation>,
    sections: BTreeMap<String, SectionId>,
}

/// The values of one name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Relation {
    /// Nothing is added any more, from the same file or from later ones.
    is_final: bool,
    values: Vec<Value>,
}

/// A relation's value, and where it stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) source: usize,
    pub(super) line: u32,
}

impl Krb5Conf {
    pub(super) fn new_root(&mut self) -> SectionId {
        let root = self.new_section();
        self.roots.push(root);
        root
    }

    fn new_section(&mut self) -> SectionId {
        self.sections.push(Section::default());
        self.sections.len() - 1
    }

    /// The subsection of that name, made where it is missing.
    pub(super) fn enter(&mut self, parent: SectionId, name: &str) -> SectionId {
        if let Some(&known) = self.section(parent).and_then(|parent| parent.sections.get(name)) {
            return known;
        }
        let id = self.new_section();
        if let Some(parent) = self.sections.get_mut(parent) {
            parent.sections.insert(name.to_owned(), id);
        }
        id
    }

    pub(super) fn make_final(&mut self, section: SectionId) {
        if let Some(section) = self.sections.get_mut(section) {
            section.is_final = true;
        }
    }

    pub(super) fn is_final(&self, section: SectionId) -> bool {
        self.section(section).is_some_and(|section| section.is_final)
    }

    /// Adds a value, unless its name is final already: as a relation or, as in MIT's library, as a
    /// subsection.
    pub(super) fn insert(&mut self, section: SectionId, name: &str, value: Value, is_final: bool) {
        let subsection = self.section(section).and_then(|section| section.sections.get(name));
        if subsection.is_some_and(|&subsection| self.is_final(subsection)) {
            return;
        }
        if let Some(section) = self.sections.get_mut(section) {
            let relation = section.relations.entry(name.to_owned()).or_default();
            if !relation.is_final {
                relation.values.push(value);
                relation.is_final = is_final;
            }
        }
    }

    fn section(&self, id: SectionId) -> Option<&Section> {
        self.sections.get(id)
    }

    /// The sections at `path`, one for each file that has it, up to one that is marked final.
    fn sections_at(&self, path: &[&str]) -> Vec<&Section> {
        let mut found = Vec::new();
        for &root in &self.roots {
            let mut section = self.section(root);
            let mut is_final = false;
            for &name in path {
                let id = section.and_then(|section| section.sections.get(name));
                section = id.and_then(|&id| self.section(id));
                is_final |= section.is_some_and(|section| section.is_final);
            }
            found.extend(section);
            if is_final {
                break;
            }
        }
        found
    }

    /// The values of a relation with their places.
    pub(super) fn located<'a>(
        &'a self,
        path: &[&str],
    ) -> impl Iterator<Item = &'a Value> + use<'a> {
        let (name, path) = path.split_last().unwrap_or((&"", &[]));
        let mut values = Vec::new();
        for section in self.sections_at(path) {
            let Some(relation) = section.relations.get(*name) else { continue };
            values.push(&relation.values);
            if relation.is_final {
                break;
            }
        }
        values.into_iter().flatten()
    }

    /// All values of a relation, in the order of the files and their lines. The path is section,
    /// subsections, name: `["realms", "EXAMPLE.COM", "kdc"]`.
    pub fn values<'a>(&'a self, path: &[&str]) -> impl Iterator<Item = &'a str> + use<'a> {
        self.located(path).map(|value| value.text.as_str())
    }

    /// The first value of a relation: the one that counts where one is wanted.
    #[must_use]
    pub fn value(&self, path: &[&str]) -> Option<&str> {
        self.values(path).next()
    }

    /// The names of the subsections of a section, sorted, each once; of the sections for `[]`.
    #[must_use]
    pub fn section_names(&self, path: &[&str]) -> Vec<&str> {
        let sections = self.sections_at(path).into_iter();
        let mut names: Vec<_> =
            sections.flat_map(|section| section.sections.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The names of the relations in a section, sorted, each once; subsections are not among them.
    #[must_use]
    pub fn relation_names(&self, path: &[&str]) -> Vec<&str> {
        let sections = self.sections_at(path).into_iter();
        let mut names: Vec<_> =
            sections.flat_map(|section| section.relations.keys()).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// An error at a value's place.
    pub(super) fn error(&self, value: &Value, kind: ConfErrorKind) -> ConfError {
        let file = self.sources.get(value.source).cloned().unwrap_or_default();
        ConfError { file, line: value.line, kind }
    }
}
