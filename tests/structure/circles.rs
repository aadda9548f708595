//! Files of a folder use one another in one direction, whatever way their imports take.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::files::rust_files;
use crate::graph::root;

/// Where a module stands below its crate's root.
type Place = Vec<String>;

/// An import: its path, and the name it goes by.
type Import = (Vec<String>, String);

/// A crate's modules that are files, tests left out, each with what it imports.
struct Crate(BTreeMap<Place, Vec<Import>>);

impl Crate {
    fn read(sources: &Path) -> Self {
        let files = rust_files(sources).into_iter().filter_map(|file| {
            let below = file.strip_prefix(sources).unwrap().with_extension("");
            let mut place: Place = below.iter().map(|s| s.to_string_lossy().into_owned()).collect();
            if place.last().is_some_and(|last| ["lib", "main", "mod"].contains(&last.as_str())) {
                place.pop();
            }
            let product = !place.iter().any(|segment| segment == "tests" || segment == "testing");
            product.then(|| (place, imports(&fs::read_to_string(&file).unwrap())))
        });
        Self(files.collect())
    }

    /// The module that an import in `place` ends in: where what it names stands, not where it is
    /// handed on. `None` outside of the crate.
    fn origin(
        &self,
        place: &[String],
        path: &[String],
        passed: &mut BTreeSet<Place>,
    ) -> Option<Place> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => Place::new(),
            "super" => place.split_last()?.1.to_vec(),
            "self" => place.to_vec(),
            _ => {
                let child = [place, std::slice::from_ref(first)].concat();
                self.0.contains_key(&child).then_some(child)?
            }
        };
        while let Some((next, left)) = rest.split_first() {
            let child = [&module[..], std::slice::from_ref(next)].concat();
            if next == "super" {
                module.pop();
            } else if self.0.contains_key(&child) {
                module = child;
            } else {
                let handed_on = self.0.get(&module)?.iter().find(|(_, name)| name == next);
                let new = passed.insert(child);
                return match handed_on {
                    Some((path, _)) if new => self.origin(&module, path, passed).or(Some(module)),
                    _ => Some(module),
                };
            }
            rest = left;
        }
        Some(module)
    }

    /// By folder, which of its entries use which.
    fn uses(&self) -> BTreeMap<Place, BTreeSet<(String, String)>> {
        let mut folders: BTreeMap<Place, BTreeSet<(String, String)>> = BTreeMap::new();
        for (place, imports) in &self.0 {
            for (path, _) in imports {
                let Some(used) = self.origin(place, path, &mut BTreeSet::new()) else { continue };
                let common = place.iter().zip(&used).take_while(|(a, b)| a == b).count();
                if let (Some(user), Some(used)) = (place.get(common), used.get(common)) {
                    let folder = folders.entry(place[..common].to_vec()).or_default();
                    folder.insert((user.clone(), used.clone()));
                }
            }
        }
        folders
    }
}

/// What a file imports at its top, outside of its tests.
fn imports(text: &str) -> Vec<Import> {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut imports = Vec::new();
    let (mut before, mut read) = ("", 0);
    for line in product.split_inclusive('\n') {
        read += line.len();
        let import = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "]
            .into_iter()
            .find_map(|word| line.strip_prefix(word));
        if let Some(import) = import.filter(|_| before != "#[cfg(test)]\n") {
            let whole = product[read - import.len()..].split(';').next().unwrap_or_default();
            let (path, names) = match whole.split_once('{') {
                Some((path, names)) => (path, names.trim_end_matches('}').split(',').collect()),
                None => ("", vec![whole]),
            };
            for name in names.into_iter().map(str::trim).filter(|name| !name.is_empty()) {
                let (name, known_as) = name.split_once(" as ").unwrap_or((name, name));
                let path = format!("{path}{name}");
                let path: Vec<_> =
                    path.trim_end_matches("::self").split("::").map(str::to_owned).collect();
                let known_as = match known_as {
                    "self" => path.last().cloned().unwrap_or_default(),
                    _ => known_as.rsplit("::").next().unwrap_or_default().to_owned(),
                };
                imports.push((path, known_as));
            }
        }
        before = line;
    }
    imports
}

/// Those that are left when whatever uses nothing that is left is taken away: a circle, and what
/// uses it.
fn in_circles(uses: &BTreeSet<(String, String)>) -> BTreeSet<String> {
    let mut left: BTreeSet<String> = uses.iter().map(|(user, _)| user.clone()).collect();
    loop {
        let still: BTreeSet<String> = left
            .iter()
            .filter(|name| uses.iter().any(|(user, used)| user == *name && left.contains(used)))
            .cloned()
            .collect();
        if still.len() == left.len() {
            return left;
        }
        left = still;
    }
}

#[test]
fn files_of_a_folder_form_no_circle() {
    for krate in ["krb-proto", "krb-client", "delegation", "mcp-server"] {
        let sources = root().join(krate).join("src");
        for (folder, uses) in Crate::read(&sources).uses() {
            // The stages' order is kept by the types that each earns for the next (what must not
            // compile: proof_chain.rs), and a kind of resource has both ends of it in its folder
            // (docs/decisions/0018-resource-kinds.md).
            if krate == "delegation" && folder.is_empty() {
                continue;
            }
            let circle = in_circles(&uses);
            let between: Vec<_> = uses
                .iter()
                .filter(|(user, used)| circle.contains(user) && circle.contains(used))
                .collect();
            assert!(circle.is_empty(), "{krate}, {}: {between:?}", folder.join("::"));
        }
    }
}

#[test]
fn imports_are_followed_to_where_things_stand() {
    let place = |path: &str| -> Place { path.split("::").map(str::to_owned).collect() };
    let krate = Crate(
        [
            ("a", "mod one;\nmod two;\npub use one::Thing;\nuse crate::b::Other;\n"),
            ("a::one", "use super::two;\nuse std::fmt;\n"),
            ("a::two", "use super::{\n    Thing, Local,\n};\n"),
            ("b", "use crate::a::Thing as Other;\n#[cfg(test)]\nuse crate::a;\n"),
        ]
        .map(|(module, text)| (place(module), imports(text)))
        .into(),
    );
    let uses = krate.uses();
    let pair = |user: &str, used: &str| (user.to_owned(), used.to_owned());
    assert_eq!(uses[&place("a")], [pair("one", "two"), pair("two", "one")].into());
    assert_eq!(uses[&Place::new()], [pair("b", "a")].into(), "through b back to a is no use of b");
    assert_eq!(in_circles(&uses[&place("a")]).len(), 2);
    assert!(in_circles(&uses[&Place::new()]).is_empty());
}
