//! Refuses rules about paths that would not do what they say: those that no path can meet, and
//! those that keep somebody from what lies in a folder and not from the folder.

use cedar_policy::{EntityTypeName, EntityUid, ResourceConstraint};

use super::{attribute_tests::AttributeTest, pattern::Pattern};
use crate::targets::{Root, Target, Targets, fold, web_policy_text};

/// What a path can be of, as an action takes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    File,
    Directory,
    Page,
}

/// A policy's tests of the path, and where its scope lets it apply.
pub(super) struct Rule<'a> {
    tests: &'a [AttributeTest],
    places: Vec<(Class, Root)>,
}

impl<'a> Rule<'a> {
    pub(super) fn new(
        tests: &'a [AttributeTest],
        actions: &[String],
        resource: &ResourceConstraint,
        target_type: &EntityTypeName,
        targets: &Targets,
    ) -> Self {
        let applies = |target: &&Target| {
            let is = |id: &EntityUid| {
                id.type_name() == target_type && id.id().unescaped() == target.name()
            };
            match resource {
                ResourceConstraint::Any | ResourceConstraint::Is(_) => true,
                ResourceConstraint::Eq(id)
                | ResourceConstraint::In(id)
                | ResourceConstraint::IsIn(_, id) => is(id),
            }
        };
        let mut places = Vec::new();
        for target in targets.iter().filter(applies) {
            for action in target.actions().iter().filter(|a| actions.iter().any(|one| one == **a)) {
                let class = match *action {
                    "file:list" => Class::Directory,
                    "file:read" => Class::File,
                    _ => Class::Page,
                };
                places.extend(target.roots().into_iter().map(|root| (class, root)));
            }
        }
        Self { tests, places }
    }

    /// What is wrong with the first rule that is wrong, to be read behind "policy x ".
    pub(super) fn check(&self) -> Result<(), String> {
        // Without a place there is no path: what asks for none is not for us to judge.
        if self.places.is_empty() {
            return Ok(());
        }
        for test in self.tests {
            let mut reason = None;
            let mut possible = Vec::new();
            for (class, root) in &self.places {
                match meets(&test.pattern, *class, root) {
                    Ok(()) => possible.push(*class),
                    Err(why) => {
                        reason.get_or_insert(why);
                    }
                }
            }
            if let (true, Some(reason)) = (possible.is_empty(), reason) {
                return Err(format!(
                    "compares context.path with {}, which no path is: {reason}",
                    test.pattern
                ));
            }
            if test.excludes {
                self.check_folder(&test.pattern, &possible)?;
            }
        }
        Ok(())
    }

    /// A rule that takes something away must take the folder and what is in it.
    fn check_folder(&self, pattern: &Pattern, possible: &[Class]) -> Result<(), String> {
        // "*.bak": how names end, not a folder.
        if pattern.has_wildcard() && !pattern.is_open() && !pattern.end().contains('/') {
            return Ok(());
        }
        // A share's path is meant as one, even if some URL could be the same.
        let of_files = possible.iter().any(|class| *class != Class::Page);
        let lists = self.places.iter().any(|(class, _)| *class == Class::Directory);
        let folder = pattern.closed();
        let Some(end) = folder.end().strip_suffix('/') else {
            if pattern.is_open() || (of_files && !lists) {
                return Ok(());
            }
            let below = pattern.with_end(&format!("{}/", pattern.end()), false);
            let all_below = below.with_end(below.end(), true);
            return self.has_either(pattern, &below, &all_below, of_files);
        };
        if of_files {
            return Ok(());
        }
        // `/` alone has nothing before it.
        let itself = folder.with_end(end, false);
        if itself.end().is_empty() && !itself.has_wildcard() {
            return Ok(());
        }
        let open = itself.with_end(end, true);
        self.has_either(pattern, &itself, &open, false)
    }

    fn has_either(
        &self,
        pattern: &Pattern,
        one: &Pattern,
        other: &Pattern,
        of_files: bool,
    ) -> Result<(), String> {
        let has = |wanted: &Pattern| {
            self.tests.iter().any(|test| test.excludes && test.pattern == *wanted)
        };
        if has(one) || has(other) {
            return Ok(());
        }
        if of_files {
            return Err(format!(
                "takes {pattern} away, but not the listing of a folder of that name, whose path \
                 ends in '/': add `|| context.path like {other}`, or restrict the policy to \
                 file:read"
            ));
        }
        Err(format!(
            "takes {pattern} away, but not {one}, which web servers take for the same page or its \
             index: add `|| context.path like {one}` (or like {other})"
        ))
    }
}

/// Whether some path of a class under a root may be what the pattern says; if not, why.
fn meets(pattern: &Pattern, class: Class, root: &Root) -> Result<(), String> {
    let start = pattern.start();
    if start.is_empty() && !pattern.has_wildcard() {
        return Err("it is empty".into());
    }
    if pattern.pieces().any(|piece| piece.contains('\\')) {
        return Err("it has a backslash; paths are written with '/'".into());
    }
    if !start.is_empty() && !start.starts_with('/') {
        return Err("it does not begin with '/'".into());
    }
    if pattern.pieces().any(|piece| piece.contains("//")) {
        return Err("it has an empty component ('//')".into());
    }
    for piece in pattern.pieces() {
        match class {
            Class::Page => meets_page(piece)?,
            Class::File | Class::Directory => meets_file(piece)?,
        }
    }
    // A component's end is seen before a '/' and at the end of all.
    // "%20" is a space in URLs alone; a file's name that ends so is odd enough to be refused too.
    let closed =
        pattern.pieces().any(|piece| ["./", " /", "%20/"].iter().any(|e| piece.contains(e)));
    if closed
        || (!pattern.is_open() && [".", " ", "%20"].iter().any(|e| pattern.end().ends_with(e)))
    {
        return Err("it has a component that ends in a dot or a space".into());
    }
    match class {
        Class::Directory if !pattern.is_open() && !pattern.end().ends_with('/') => {
            return Err("the path of a folder that is listed ends in '/'".into());
        }
        Class::File if pattern.end().ends_with('/') => {
            return Err("the path of a file does not end in '/'".into());
        }
        _ => {}
    }
    if root.starts().iter().any(|start| match start.ends_with('/') {
        true => pattern.may_begin_with(start),
        // The base path itself.
        false if pattern.has_wildcard() => start.starts_with(pattern.start()),
        false => start == pattern.start(),
    }) {
        return Ok(());
    }
    Err("it lies in no share and under no base path of the targets that the policy is for".into())
}

fn meets_file(piece: &str) -> Result<(), String> {
    let folded = fold(piece);
    if folded != piece {
        return Err(format!(
            "there it is written {folded:?} (in lower case, composed, without invisible characters)"
        ));
    }
    if piece.chars().any(|c| c.is_control() || ":*?\"<>|".contains(c)) {
        return Err("it has a character that no file's name has".into());
    }
    Ok(())
}

fn meets_page(piece: &str) -> Result<(), String> {
    if piece.contains(['?', '#']) {
        return Err("policy sees neither a URL's query nor its fragment".into());
    }
    match web_policy_text(piece) {
        Some(text) if text == piece => Ok(()),
        Some(text) => Err(format!("there it is written {text:?} (escaped, in lower case)")),
        None => Err("it has a '%' without two digits, a ';' or a separator in disguise".into()),
    }
}
