//! Putting a question to Cedar. What does not change from one question to the next is made once, and
//! nothing is checked against the schema at a call: every question has the form that is made here,
//! to which a test holds the schema.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    Response, RestrictedExpression,
};

use super::Principal;
use super::facts::Facts;
use crate::Question;
use crate::identity::ClaimValue;
use crate::resources::ACTIONS;
use crate::targets::{Target, Targets};

/// The id of this server among entities.
pub(super) const SERVER: &str = "self";

/// The types that a policy may name.
#[derive(Debug)]
pub(super) struct Types {
    pub(super) user: EntityTypeName,
    pub(super) target: EntityTypeName,
    pub(super) server: EntityTypeName,
    pub(super) action: EntityTypeName,
}

/// What questions are made of, as far as it is the same in all.
#[derive(Debug)]
pub(super) struct Vocabulary {
    authorizer: Authorizer,
    types: Types,
    actions: HashMap<&'static str, EntityUid>,
    here: Place,
    /// By the target's name.
    places: HashMap<String, Place>,
}

/// A resource, alone among the entities.
#[derive(Debug)]
struct Place {
    uid: EntityUid,
    entities: Entities,
}

impl Place {
    fn new(entity: Entity) -> Result<Self, String> {
        let uid = entity.uid();
        let entities = Entities::from_entities([entity], None).map_err(|e| e.to_string())?;
        Ok(Self { uid, entities })
    }
}

impl Vocabulary {
    pub(super) fn new(types: Types, targets: &Targets) -> Result<Self, String> {
        let place = |target: &Target| {
            let uid = uid(&types.target, target.name());
            let attributes = HashMap::from([
                ("kind".into(), string(target.kind())),
                ("spn".into(), string(target.spn())),
                ("host".into(), string(target.host())),
            ]);
            let entity = Entity::new(uid, attributes, HashSet::new()).map_err(|e| e.to_string())?;
            Ok((target.name().to_owned(), Place::new(entity)?))
        };
        let actions = ACTIONS.iter().flat_map(|actions| *actions).map(|action| action.name);
        Ok(Self {
            authorizer: Authorizer::new(),
            actions: actions
                .chain([Question::UserInfo.action()])
                .map(|name| (name, uid(&types.action, name)))
                .collect(),
            here: Place::new(Entity::new_no_attrs(uid(&types.server, SERVER), HashSet::new()))?,
            places: targets.iter().map(place).collect::<Result<_, String>>()?,
            types,
        })
    }

    /// The user's side of questions.
    ///
    /// # Errors
    /// None that is known.
    pub(super) fn user(&self, facts: &Facts<'_>) -> Result<Entity, String> {
        let Principal { issuer, subject, legacy_name, roles, permissions, scopes, claims, .. } =
            facts.who;
        let set =
            |items: &[String]| RestrictedExpression::new_set(items.iter().map(|item| string(item)));
        let claims = claims.iter().map(|(name, value)| {
            let value = match value {
                ClaimValue::Text(text) => string(text),
                ClaimValue::Texts(texts) => set(texts),
                ClaimValue::Number(number) => RestrictedExpression::new_long(*number),
                ClaimValue::Boolean(value) => RestrictedExpression::new_bool(*value),
            };
            (name.clone(), value)
        });
        let claims = RestrictedExpression::new_record(claims).map_err(|e| e.to_string())?;
        let attributes = HashMap::from([
            ("claims".into(), claims),
            ("issuer".into(), string(issuer)),
            ("subject".into(), string(subject)),
            ("legacyName".into(), string(legacy_name)),
            ("roles".into(), set(roles)),
            ("permissions".into(), set(permissions)),
            ("scopes".into(), set(scopes)),
            ("groups".into(), set(facts.groups.unwrap_or_default())),
        ]);
        let uid = uid(&self.types.user, facts.user);
        Entity::new(uid, attributes, HashSet::new()).map_err(|e| e.to_string())
    }

    /// The user and the resource.
    pub(super) fn entities(&self, facts: &Facts<'_>) -> Result<Entities, String> {
        let entities = self.place(facts)?.entities.clone();
        entities.add_entities([self.user(facts)?], None).map_err(|e| e.to_string())
    }

    fn place(&self, facts: &Facts<'_>) -> Result<&Place, &'static str> {
        match facts.target {
            None => Ok(&self.here),
            Some(target) => {
                let place = self.places.get(target.name());
                place.ok_or("the target is not among those of the policy")
            }
        }
    }

    fn action(&self, facts: &Facts<'_>) -> Result<&EntityUid, &'static str> {
        self.actions.get(facts.action).ok_or("no policy can name this action")
    }

    fn request(&self, facts: &Facts<'_>) -> Result<Request, String> {
        let action = self.action(facts)?;
        let context =
            [("path", facts.path), ("clientId", facts.who.client_id), ("tool", facts.tool)]
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), string(value?))));
        Request::new(
            uid(&self.types.user, facts.user),
            action.clone(),
            self.place(facts)?.uid.clone(),
            Context::from_pairs(context).map_err(|e| e.to_string())?,
            None,
        )
        .map_err(|e| e.to_string())
    }
}

/// One question, which is put into Cedar's form only if a policy may be for it.
pub(super) struct Asking<'a> {
    vocabulary: &'a Vocabulary,
    pub(super) facts: Facts<'a>,
    request: OnceCell<Result<Request, String>>,
    entities: &'a OnceCell<Result<Entities, String>>,
}

impl<'a> Asking<'a> {
    /// A question about facts whose user and target have these entities, once they are made.
    pub(super) fn new(
        vocabulary: &'a Vocabulary,
        facts: Facts<'a>,
        entities: &'a OnceCell<Result<Entities, String>>,
    ) -> Self {
        Self { vocabulary, facts, request: OnceCell::new(), entities }
    }

    /// Whether it can be put to Cedar at all.
    ///
    /// # Errors
    /// As [`Asking::of`].
    pub(super) fn has_a_form(&self) -> Result<(), &'static str> {
        self.vocabulary.action(&self.facts)?;
        self.vocabulary.place(&self.facts).map(drop)
    }

    /// What Cedar makes of it by these policies.
    ///
    /// # Errors
    /// If the question has no such form, which no configured target brings about.
    pub(super) fn of(&self, policies: &PolicySet) -> Result<Response, &str> {
        let request = self.request.get_or_init(|| self.vocabulary.request(&self.facts));
        let entities = self.entities.get_or_init(|| self.vocabulary.entities(&self.facts));
        let request = request.as_ref().map_err(String::as_str)?;
        let entities = entities.as_ref().map_err(String::as_str)?;
        Ok(self.vocabulary.authorizer.is_authorized(request, policies, entities))
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

fn string(text: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(text.to_owned())
}

#[cfg(test)]
impl Vocabulary {
    /// The question with everything checked against the schema, as Cedar's own documents have it.
    pub(super) fn checked(
        &self,
        facts: &Facts<'_>,
        schema: &cedar_policy::Schema,
    ) -> (Request, Entities) {
        let (request, place) = (self.request(facts).unwrap(), self.place(facts).unwrap());
        let resource = place.entities.get(&place.uid).unwrap().clone();
        let entities = Entities::from_entities([self.user(facts).unwrap(), resource], Some(schema));
        let request = Request::new(
            request.principal().unwrap().clone(),
            request.action().unwrap().clone(),
            request.resource().unwrap().clone(),
            request.context().unwrap().clone(),
            Some(schema),
        );
        (request.unwrap(), entities.unwrap())
    }
}
