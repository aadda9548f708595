//! What a caller may use at all: the answer to "what is there?".

use std::collections::HashSet;

use cedar_policy::{Decision, Entities, PolicyId, PolicySet};
use serde::Serialize;

use super::pattern::Pattern;
use super::{Policy, Principal};
use crate::identity::Subject;
use crate::resources::Action;
use crate::targets::{Root, Target, Targets};

// With several path tests in one policy their number grows as the square.
const MAX_EXAMPLES: usize = 64;
// How often the whole policy is asked about one action at one place.
const MAX_TRIES: usize = 64;

/// A share or a web application in which policy allows a caller something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Usable {
    /// The target's name.
    pub target: String,
    /// `smb`, `http`.
    pub kind: &'static str,
    /// How addresses in it may begin: `//host/share/`, `https://host/base/`. At least one.
    pub addresses: Vec<String>,
    /// What may be done somewhere in it: `file:read`, `http:get`, …. At least one.
    pub actions: Vec<String>,
}

/// One `permit`, alone, with the paths that it speaks of.
#[derive(Debug)]
pub(super) struct PermitPolicy {
    pub(super) id: PolicyId,
    pub(super) alone: PolicySet,
    pub(super) paths: Vec<Pattern>,
}

impl PermitPolicy {
    /// Paths below a root at which this policy may say yes.
    fn examples(&self, root: &Root) -> Vec<String> {
        let mut starts: Vec<&str> = root.starts().iter().map(|start| &**start).collect();
        let inner = self.paths.iter().map(Pattern::start).filter(|start| root.contains(start));
        starts.extend(inner);
        let anything = ["", "x", "x/"];
        let plain = starts.iter().flat_map(|start| anything.map(|end| format!("{start}{end}")));
        let mut examples: Vec<String> = starts
            .iter()
            .flat_map(|start| self.paths.iter().flat_map(move |path| path.examples(start)))
            .chain(plain)
            .filter(|path| root.contains(path) && !path.contains("//"))
            .take(MAX_EXAMPLES)
            .collect();
        examples.dedup();
        examples
    }
}

impl Policy {
    /// Where `subject` may do something, and what. Every action named is allowed at one path at
    /// least: the whole policy was asked about that path. The paths tried are those that the
    /// policies speak of and the roots; what is permitted only where no such path leads may be
    /// missing, and nothing that is not permitted is named.
    #[must_use]
    pub fn usable(&self, subject: &Subject, targets: &Targets) -> Vec<Usable> {
        self.usable_by(Principal::from(subject), targets)
    }

    pub(super) fn usable_by(&self, who: Principal<'_>, targets: &Targets) -> Vec<Usable> {
        let mut usable = Vec::new();
        for target in targets.iter() {
            let Ok(entities) = self.entities(who, Some(target)) else { continue };
            for root in target.roots() {
                let allowed =
                    |action: &&Action| self.somewhere(who, **action, target, &root, &entities);
                let actions = target.actions().iter().filter(allowed);
                let actions: Vec<String> = actions.map(|action| action.name.to_owned()).collect();
                if !actions.is_empty() {
                    usable.push(Usable {
                        target: target.name().to_owned(),
                        kind: target.kind(),
                        addresses: root.into_addresses(),
                        actions,
                    });
                }
            }
        }
        usable
    }

    fn somewhere(
        &self,
        who: Principal<'_>,
        action: Action,
        target: &Target,
        root: &Root,
        entities: &Entities,
    ) -> bool {
        // Most permits are somebody else's, wherever.
        let Ok(request) = self.request(who, action.name, Some((target, "/"))) else { return false };
        let response = self.authorizer.is_authorized(&request, &self.anywhere, entities);
        let own: HashSet<&PolicyId> = response.diagnostics().reason().collect();
        let mut tries = 0;
        for permit in self.permits.iter().filter(|permit| own.contains(&permit.id)) {
            for path in permit.examples(root) {
                if !action.form.fits(&path) {
                    continue;
                }
                let Ok(request) = self.request(who, action.name, Some((target, &path))) else {
                    return false;
                };
                let alone = self.authorizer.is_authorized(&request, &permit.alone, entities);
                if alone.decision() != Decision::Allow {
                    continue;
                }
                let response = self.authorizer.is_authorized(&request, &self.policies, entities);
                if response.decision() == Decision::Allow
                    && response.diagnostics().errors().next().is_none()
                {
                    return true;
                }
                tries += 1;
                if tries == MAX_TRIES {
                    return false;
                }
            }
        }
        false
    }
}
