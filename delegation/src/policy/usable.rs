//! What a caller may use at all: the answer to "what is there?".

use std::cell::OnceCell;

use serde::Serialize;

use super::asking::Asking;
use super::facts::{Facts, user_id};
use super::pattern::Pattern;
use super::{Decision, Policy, Principal, Statement};
use crate::identity::{Claimed, Subject};
use crate::resources::Form;
use crate::targets::{Root, Targets};

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

impl Statement {
    /// Paths below a root at which this permit may say yes.
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
    /// missing, and nothing that is not permitted is named. What depends on groups, which nobody knows
    /// yet, counts as permitted.
    #[must_use]
    pub fn usable(&self, subject: &Subject, targets: &Targets) -> Vec<Usable> {
        self.usable_by(Principal::from(subject), targets)
    }

    /// The same of somebody whom claims describe.
    #[must_use]
    pub fn usable_as(&self, who: &Claimed, targets: &Targets) -> Vec<Usable> {
        self.usable(who.subject(), targets)
    }

    pub(super) fn usable_by(&self, who: Principal<'_>, targets: &Targets) -> Vec<Usable> {
        let user = user_id(who);
        let mut usable = Vec::new();
        for target in targets.iter() {
            let entities = OnceCell::new();
            let actions = target.actions().iter().map(|action| {
                let facts = Facts {
                    who,
                    user: &user,
                    action: action.name,
                    target: Some(target),
                    path: None,
                    groups: None,
                };
                // Most permits are somebody else's, wherever.
                let numbers = self.anywhere.candidates(&facts).into_iter();
                let permits = numbers.filter_map(|number| self.statements.get(number as usize));
                let own = permits.filter(|permit| permit.sketch.holds(&facts) != Some(false));
                (action, facts, own.collect::<Vec<_>>())
            });
            let actions: Vec<_> = actions.collect();
            for root in target.roots() {
                let somewhere = |facts: Facts<'_>, form: Form, permits: &[&Statement]| {
                    let paths = permits.iter().flat_map(|permit| {
                        let examples = permit.examples(&root).into_iter();
                        examples.map(move |path| (permit, path))
                    });
                    let asked =
                        paths.filter(|(_, path)| form.fits(path)).filter(|(permit, path)| {
                            let facts = Facts { path: Some(path), ..facts };
                            permit.sketch.holds(&facts) != Some(false)
                        });
                    asked.take(MAX_TRIES).any(|(_, path)| {
                        let facts = Facts { path: Some(&path), ..facts };
                        let asking = Asking::new(&self.vocabulary, facts, &entities);
                        !matches!(self.weigh(&asking).decision(), Decision::Deny(_))
                    })
                };
                let allowed = actions
                    .iter()
                    .filter(|(action, facts, permits)| somewhere(*facts, action.form, permits));
                let actions: Vec<String> =
                    allowed.map(|(action, ..)| action.name.to_owned()).collect();
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
}
