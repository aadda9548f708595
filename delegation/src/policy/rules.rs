//! Refuses rules about paths that would not do what they say: those that no path can meet, and
//! those that keep somebody from what lies in a folder and not from the folder.

use std::collections::BTreeSet;

use cedar_policy::{EntityTypeName, EntityUid, ResourceConstraint};
use serde_json::Value;

use super::comparisons::Comparison;
use super::narrow::holds_only_for;
use super::pattern::Pattern;
use crate::credential::Route;
use crate::resources::{Action, Form};
use crate::targets::{Root, Target, Targets};

/// A policy's tests of the path, and where its scope lets it apply.
pub(super) struct Rule<'a> {
    tests: &'a [Comparison],
    places: Vec<Place<'a>>,
}

/// Where a policy may apply: one action at one root of a target.
struct Place<'a> {
    action: Action,
    target: &'a Target,
    root: Root,
}

impl<'a> Rule<'a> {
    pub(super) fn new(
        tests: &'a [Comparison],
        actions: &[String],
        resource: &ResourceConstraint,
        target_type: &EntityTypeName,
        targets: &'a Targets,
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
            let known = |action: &&Action| actions.iter().any(|one| one == action.name);
            for &action in target.actions().iter().filter(known) {
                let roots = target.roots().into_iter();
                places.extend(roots.map(|root| Place { action, target, root }));
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
            for place in &self.places {
                match place.meets(&test.pattern) {
                    Ok(()) => possible.push(place.action.form),
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

    /// Refuses a permit for a target where the service account comes itself, unless it holds for
    /// nothing but paths below a share or an application: nothing else tells users apart there.
    pub(super) fn check_as_service(&self, policy: &Value) -> Result<(), String> {
        let places =
            || self.places.iter().filter(|place| place.target.route() == Route::ServiceAccount);
        let Some(place) = places().next() else { return Ok(()) };
        let starts = || places().flat_map(|place| place.root.starts().iter());
        let is_below = |pattern: &Pattern| {
            starts().filter(|root| pattern.may_begin_with(root)).all(|root| {
                pattern.start().strip_prefix(&**root).is_some_and(|rest| !rest.is_empty())
            })
        };
        if holds_only_for(policy, &is_below) {
            return Ok(());
        }
        let (target, root) = (place.target.name(), place.root.starts().first());
        Err(format!(
            "permits the use of {target} as its service account, and not only of certain paths: it \
             must hold for nothing but what context.path is compared with, such as `context.path \
             like \"{}folder/*\"`",
            root.map_or("/", |root| root)
        ))
    }

    /// A rule that takes something away must take the folder and what is in it.
    fn check_folder(&self, pattern: &Pattern, possible: &[Form]) -> Result<(), String> {
        // "*.bak": how names end, not a folder.
        if pattern.has_wildcard() && !pattern.is_open() && !pattern.end().contains('/') {
            return Ok(());
        }
        // A share's path is meant as one, even if some URL could be the same.
        let of_files = possible.iter().any(|form| *form != Form::Either);
        let lists = self.places.iter().any(|place| place.action.form == Form::Folder);
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
            let leaves = self.places.iter().filter(|place| place.action.form == Form::Leaf);
            let leaves: BTreeSet<_> = leaves.map(|place| place.action.name).collect();
            let leaves = Vec::from_iter(leaves).join(", ");
            return Err(format!(
                "takes {pattern} away, but not the listing of a folder of that name, whose path \
                 ends in '/': add `|| context.path like {other}`, or restrict the policy to {leaves}"
            ));
        }
        Err(format!(
            "takes {pattern} away, but not {one}, which web servers take for the same page or its \
             index: add `|| context.path like {one}` (or like {other})"
        ))
    }
}

impl Place<'_> {
    /// Whether some path there may be what the pattern says; if not, why.
    fn meets(&self, pattern: &Pattern) -> Result<(), String> {
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
            self.target.endpoint().check_literal(piece)?;
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
        match self.action.form {
            Form::Folder if !pattern.is_open() && !pattern.end().ends_with('/') => {
                return Err("the path of a folder that is listed ends in '/'".into());
            }
            Form::Leaf if pattern.end().ends_with('/') => {
                return Err("the path of a file does not end in '/'".into());
            }
            _ => {}
        }
        if self.root.starts().iter().any(|start| match start.ends_with('/') {
            true => pattern.may_begin_with(start),
            // The base path itself.
            false if pattern.has_wildcard() => start.starts_with(pattern.start()),
            false => start == pattern.start(),
        }) {
            return Ok(());
        }
        Err("it lies in no share and under no base path of the targets that the policy is for"
            .into())
    }
}
