//! What a caller may use at all: the answer to "what is there?".

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Serialize, Serializer};

use super::asking::Asking;
use super::facts::{Facts, user_id};
use super::pattern::Pattern;
use super::{Decision, Policy, Principal, Statement, Tool};
use crate::identity::{ClaimValue, Claimed, Subject};
use crate::resources::Form;
use crate::sha256::finish;
use crate::targets::Root;

// With several path tests in one policy their number grows as the square.
const MAX_EXAMPLES: usize = 64;
// How often the whole policy is asked about one action at one place.
pub(super) const MAX_TRIES: usize = 64;
// Of how many users it is known at once. For each it is as much as the configuration has targets.
const MAX_KNOWN: usize = 4096;

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

/// What policies let users use, as far as they have asked. It goes with the policies.
#[derive(Debug, Default)]
pub(super) struct Known(Mutex<HashMap<[u8; 32], Arc<[Usable]>>>);

impl Known {
    fn find_or(&self, who: Principal<'_>, find: impl FnOnce() -> Vec<Usable>) -> Arc<[Usable]> {
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let who = all_of(who);
        if let Some(known) = lock().get(&who) {
            return Arc::clone(known);
        }
        let found: Arc<[Usable]> = find().into();
        let mut known = lock();
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(who, Arc::clone(&found));
        found
    }
}

/// All that policy sees of a user before the groups are known, as one number.
fn all_of(who: Principal<'_>) -> [u8; 32] {
    let Principal { issuer, subject, legacy_name, roles, permissions, scopes, claims, client_id } =
        who;
    let mut all = Context::new(&SHA256);
    let lists = [roles, permissions, scopes];
    // How many there are of each, then each with its length: nothing can be read in two ways.
    let counts = lists.map(<[String]>::len).into_iter();
    let counts = counts.chain([client_id.iter().len(), claims.len()]);
    counts.for_each(|count| all.update(&(count as u64).to_be_bytes()));
    let texts = lists.into_iter().flatten().map(String::as_str);
    for text in [issuer, subject, legacy_name].into_iter().chain(client_id).chain(texts) {
        all.update(&(text.len() as u64).to_be_bytes());
        all.update(text.as_bytes());
    }
    for (name, value) in claims {
        let mut put = |octets: &[u8]| {
            all.update(&(octets.len() as u64).to_be_bytes());
            all.update(octets);
        };
        put(name.as_bytes());
        match value {
            ClaimValue::Text(text) => {
                put(b"text");
                put(text.as_bytes());
            }
            ClaimValue::Texts(texts) => {
                put(b"texts");
                put(&(texts.len() as u64).to_be_bytes());
                texts.iter().for_each(|text| put(text.as_bytes()));
            }
            ClaimValue::Number(number) => {
                put(b"number");
                put(&number.to_be_bytes());
            }
            ClaimValue::Boolean(value) => {
                put(b"boolean");
                put(&[u8::from(*value)]);
            }
        }
    }
    finish(all)
}

impl Statement {
    /// Paths below a root at which this permit may say yes.
    pub(super) fn examples(&self, root: &Root) -> Vec<String> {
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
    /// yet, counts as permitted; what depends on the tool is asked as through each by which the action
    /// is done. It is found out once for all that ask with the same.
    #[must_use]
    pub fn usable(&self, subject: &Subject) -> Arc<[Usable]> {
        let who = Principal::from(subject);
        self.known.find_or(who, || self.usable_by(who))
    }

    /// The same of somebody whom claims describe, found out anew.
    #[must_use]
    pub fn usable_as(&self, who: &Claimed) -> Vec<Usable> {
        self.usable_by(who.subject().into())
    }

    pub(super) fn usable_by(&self, who: Principal<'_>) -> Vec<Usable> {
        let user = user_id(who);
        let mut usable = Vec::new();
        for target in self.targets.iter() {
            let entities = OnceCell::new();
            let through = |action: &'static str, tool| {
                let facts = Facts {
                    who,
                    user: &user,
                    action,
                    target: Some(target),
                    path: None,
                    tool,
                    groups: None,
                };
                // Most permits are somebody else's, wherever.
                let numbers = self.anywhere.candidates(&facts).into_iter();
                let permits = numbers.filter_map(|number| self.statements.get(number as usize));
                let own = permits.filter(|permit| permit.sketch.holds(&facts) != Some(false));
                (facts, own.collect::<Vec<_>>())
            };
            let actions = target.actions().iter().map(|action| {
                let tools = self.tools_for(action.name).into_iter();
                (action, tools.map(|tool| through(action.name, tool)).collect::<Vec<_>>())
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
                let allowed = actions.iter().filter(|(action, ways)| {
                    ways.iter().any(|(facts, permits)| somewhere(*facts, action.form, permits))
                });
                let actions: Vec<String> =
                    allowed.map(|(action, _)| action.name.to_owned()).collect();
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

    /// The tools by which an action is done; one that is none, where calls may come through any.
    fn tools_for(&self, action: &str) -> Vec<Option<&'static str>> {
        if self.tools.is_empty() {
            return vec![None];
        }
        let does = |tool: &&Tool| tool.actions.contains(&action);
        self.tools.iter().filter(does).map(|tool| Some(tool.name)).collect()
    }
}

/// As a list.
pub(crate) fn listed<S: Serializer>(usable: &[Usable], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(usable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::ClaimValues;

    #[test]
    fn whoever_differs_in_anything_is_another() {
        let texts =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let (none, empty, a, b, ab) =
            (texts(&[]), texts(&[""]), texts(&["a"]), texts(&["b"]), texts(&["a", "b"]));
        let lists = [&none, &empty, &a, &b, &ab];
        let none_listed = ClaimValues::new();
        let mut all = Vec::new();
        for (issuer, subject, legacy_name) in
            [("", "", ""), ("a", "", ""), ("", "a", ""), ("", "", "a")]
        {
            for client_id in [None, Some(""), Some("a"), Some("b")] {
                for (roles, permissions) in
                    lists.iter().flat_map(|one| lists.map(|other| (one, other)))
                {
                    for scopes in lists {
                        all.push(all_of(Principal {
                            issuer,
                            subject,
                            legacy_name,
                            roles,
                            permissions,
                            scopes,
                            claims: &none_listed,
                            client_id,
                        }));
                    }
                }
            }
        }
        let text = |text: &str| ClaimValue::Text(text.into());
        let values = [
            text(""),
            text("a"),
            text("true"),
            ClaimValue::Texts(vec![]),
            ClaimValue::Texts(texts(&[""])),
            ClaimValue::Texts(texts(&["a"])),
            ClaimValue::Texts(texts(&["a", "b"])),
            ClaimValue::Number(0),
            ClaimValue::Number(1),
            ClaimValue::Boolean(false),
            ClaimValue::Boolean(true),
        ];
        let values = || values.iter().cloned();
        let claims = values().flat_map(|one| {
            let alone = ["a", "b"].map(|name| vec![(name, one.clone())]);
            let two = values().map(move |other| vec![("a", one.clone()), ("b", other)]);
            alone.into_iter().chain(two)
        });
        for claims in claims {
            let claims = claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            all.push(all_of(Principal {
                issuer: "",
                subject: "",
                legacy_name: "",
                roles: &none,
                permissions: &none,
                scopes: &none,
                claims: &claims,
                client_id: None,
            }));
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!((all.len(), count), (2143, 2143));
    }

    #[test]
    fn so_many_are_known_and_no_more() {
        let known = Known::default();
        let asked = |number: usize| {
            let subject = number.to_string();
            let who = Principal {
                issuer: "https://idp.example.com",
                subject: &subject,
                legacy_name: "ALICE",
                roles: &[],
                permissions: &[],
                scopes: &[],
                claims: &ClaimValues::new(),
                client_id: None,
            };
            let mut is_new = false;
            known.find_or(who, || {
                is_new = true;
                Vec::new()
            });
            assert!(known.0.lock().unwrap().len() <= MAX_KNOWN);
            is_new
        };
        assert!(asked(0) && !asked(0));
        (1..=MAX_KNOWN).for_each(|number| assert!(asked(number)));
        assert!(asked(0), "it made room");
    }
}
