//! Reading the operator's policies: what does not fit the schema and the targets does not load.

use std::str::FromStr as _;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use cedar_policy::{
    Effect, EntityTypeName, PolicyId, PolicySet, Schema, ValidationMode, ValidationWarning,
    Validator,
};
use krb_proto::pac::Sid;
use miette::Diagnostic;
use serde_json::Value;
use unicode_security::MixedScript as _;

use super::asking::{Types, Vocabulary};
use super::comparisons::{Comparison, comparisons, mentions};
use super::index::{Index, Paths};
use super::json::like;
use super::pattern::Pattern;
use super::rules::Rule;
use super::sketch::{Sketch, may_fail};
use super::usable::Known;
use super::{Policy, Statement, Words};
use crate::identity::{ClaimType, ClaimTypes};
use crate::resources::{ACTIONS, KINDS};
use crate::sha256::sha256;
use crate::targets::{Target, Targets};
use crate::{ConfigError, Question};

const SCHEMA: &str = include_str!("schema.cedarschema");
const MAX_BYTES: usize = 1 << 20;
// Memory is taken only as far as it is used.
const STACK: usize = 256 << 20;

/// Policies that are being read, by a thread of its own: conditions nest as deep as they are many, and
/// Cedar follows them by recursion.
pub(super) struct Reading(JoinHandle<Result<Arc<Policy>, ConfigError>>);

impl Reading {
    /// Begins.
    ///
    /// # Errors
    /// If there are too many of them, or no thread.
    pub(super) fn begin(text: String, targets: Targets, words: Words) -> Result<Self, ConfigError> {
        if text.len() > MAX_BYTES {
            return Err(error("is longer than 1 MiB"));
        }
        let load = move || Policy::load(&text, &targets, &words);
        let thread = Builder::new().stack_size(STACK).spawn(load);
        Ok(Self(thread.map_err(|e| error(format!("no thread to read it in: {e}")))?))
    }

    /// Waits for them.
    ///
    /// # Errors
    /// As [`Policy::from_cedar`].
    pub(super) fn end(self) -> Result<Arc<Policy>, ConfigError> {
        self.0.join().unwrap_or_else(|_| Err(error("cannot be read: Cedar failed")))
    }
}

impl Policy {
    /// Whether these are the policies of this text.
    pub(super) fn is_of(&self, text: &str) -> bool {
        self.hash == hash(text)
    }

    /// Reads Cedar policies. Each must carry an `@id("…")` of its own, which the audit log then
    /// names.
    ///
    /// # Errors
    /// The first policy that does not parse or does not fit the schema (strict validation, its
    /// warnings included), or that names a target which is not configured, with its id or line.
    pub fn from_cedar(text: &str, targets: &Targets) -> Result<Arc<Self>, ConfigError> {
        Self::with_words(text, targets, &Words::default())
    }

    /// The same where policies may speak of more.
    ///
    /// # Errors
    /// As [`Policy::from_cedar`].
    pub fn with_words(
        text: &str,
        targets: &Targets,
        words: &Words,
    ) -> Result<Arc<Self>, ConfigError> {
        Reading::begin(text.to_owned(), targets.clone(), words.clone())?.end()
    }

    fn load(text: &str, targets: &Targets, words: &Words) -> Result<Arc<Self>, ConfigError> {
        let internal = |e: String| error(format!("the built-in schema does not load: {e}"));
        let schema = Schema::from_cedarschema_str(&schema(&words.claims))
            .map_err(|e| internal(e.to_string()))?
            .0;
        let types = Types::new()?;
        let parsed = PolicySet::from_str(text)
            .map_err(|e| error(format!("{e}{}", hint(&e))).on_line(line_of(&e, text)))?;
        let policies = named(&parsed)?;

        let result = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if let Some(e) = result.validation_errors().next() {
            return Err(error(format!("{e}{}", hint(e))).on_line(line_of(e, text)));
        }
        // For `one_script` below.
        let scripts = |w: &&_| matches!(w, ValidationWarning::MixedScriptString(_));
        if let Some(e) = result.validation_warnings().find(|w| !scripts(w)) {
            return Err(error(format!("{e}{}", hint(e))).on_line(line_of(e, text)));
        }
        let of_all = |of: fn(&Target) -> &str| targets.iter().map(of).collect::<Vec<_>>();
        let known = [
            ("kind", KINDS.to_vec()),
            ("host", of_all(Target::host)),
            ("spn", of_all(Target::spn)),
        ];
        for policy in policies.policies() {
            let internal = |e: String| error(format!("policy `{}`: {e}", policy.id()));
            let json = policy.to_json().map_err(|e| internal(e.to_string()))?;
            let wrong = |problem: String| {
                error(format!("policy `{}` {problem}", policy.id()))
                    .on_line(line_of_id(policy.id().as_ref(), text))
            };
            let tests = |attribute| {
                comparisons(&json, policy.effect(), attribute).map_err(|e| wrong(e.into()))
            };
            for (attribute, values) in &known {
                let meets = |test: &Comparison| values.iter().any(|v| test.pattern.matches(v));
                if let Some(test) = tests(attribute)?.iter().find(|test| !meets(test)) {
                    return Err(wrong(format!(
                        "compares resource.{attribute} with {}, which no configured target has",
                        test.pattern
                    )));
                }
            }
            let is_none = |test: &&Comparison| {
                !words.tools.is_empty()
                    && !words.tools.iter().any(|tool| test.pattern.matches(tool.name))
            };
            if let Some(test) = tests("tool")?.iter().find(is_none) {
                let tools: Vec<_> = words.tools.iter().map(|tool| tool.name).collect();
                let tools = tools.join(", ");
                return Err(wrong(format!(
                    "compares context.tool with {}, which is none of {tools}",
                    test.pattern
                )));
            }
            let paths = tests("path")?;
            one_script(&json).map_err(wrong)?;
            if let Some(test) = tests("groups")?.iter().find(|test| !is_sid(&test.pattern)) {
                return Err(wrong(format!(
                    "compares principal.groups with {}: groups are SIDs, S-1-5-21-…",
                    test.pattern
                )));
            }
            let envs = policy.get_valid_request_envs(&schema);
            let actions: Vec<String> =
                envs.map(|env| env.action().id().unescaped().to_owned()).collect();
            let here = Question::UserInfo.action();
            if policy.effect() == Effect::Forbid
                && mentions(&json, "groups")
                && actions.iter().any(|action| action == here)
            {
                return Err(wrong(format!(
                    "forbids {here} by principal.groups, which are not known there: restrict it to \
                     `resource is Target`"
                )));
            }
            let resource = policy.resource_constraint();
            let rule = Rule::new(&paths, &actions, &resource, &types.target, targets);
            rule.check().map_err(wrong)?;
            if policy.effect() == Effect::Permit {
                rule.check_as_service(&json).map_err(wrong)?;
            }
            let unknown = policy.entity_literals().into_iter().find(|literal| {
                *literal.type_name() == types.target
                    && !targets.iter().any(|t| t.name() == literal.id().unescaped())
            });
            if let Some(literal) = unknown {
                return Err(wrong(format!(
                    "names {literal}, which is not among the configured targets"
                )));
            }
        }
        let mut policy = Self::prepare(&policies, types, targets)?;
        policy.tools.clone_from(&words.tools);
        policy.hash = hash(text);
        for statement in &mut policy.statements {
            statement.line = line_of_id(&statement.id, text);
        }
        Ok(Arc::new(policy))
    }

    /// Makes ready for questions what was found to fit.
    pub(super) fn prepare(
        policies: &PolicySet,
        types: Types,
        targets: &Targets,
    ) -> Result<Self, ConfigError> {
        let mut statements = Vec::new();
        for policy in policies.policies() {
            let internal = |e: String| error(format!("policy `{}`: {e}", policy.id()));
            let json = policy.to_json().map_err(|e| internal(e.to_string()))?;
            let paths = comparisons(&json, policy.effect(), "path");
            let paths = paths.map_err(|e| internal(e.into()))?;
            let alone = PolicySet::from_policies([policy.clone()]);
            statements.push(Statement {
                id: policy.id().to_string(),
                effect: policy.effect(),
                line: None,
                sketch: Sketch::of(policy, &json, &types),
                place: Sketch::of_place(policy, &types),
                alone: alone.map_err(|e| internal(e.to_string()))?,
                asks_groups: mentions(&json, "groups"),
                may_fail: may_fail(&json),
                paths: paths.into_iter().map(|test| test.pattern).collect(),
            });
        }
        let sketches = statements.iter().map(|statement| &statement.sketch);
        let never = Sketch::NEVER;
        let permits = statements.iter().map(|statement| match statement.effect {
            Effect::Permit => &statement.sketch,
            Effect::Forbid => &never,
        });
        Ok(Self {
            index: Index::new(sketches, Paths::Told),
            anywhere: Index::new(permits, Paths::Any),
            vocabulary: Vocabulary::new(types, targets).map_err(error)?,
            targets: targets.clone(),
            tools: Vec::new(),
            known: Known::default(),
            statements,
            hash: hash(""),
        })
    }
}

impl Types {
    pub(super) fn new() -> Result<Self, ConfigError> {
        let kind = |name| EntityTypeName::from_str(name).map_err(|e| error(e.to_string()));
        Ok(Self {
            user: kind("User")?,
            target: kind("Target")?,
            server: kind("Server")?,
            action: kind("Action")?,
        })
    }
}

/// What a policy may speak of, as a Cedar schema: the words that all kinds of resources share, the
/// actions of each, and these claims.
#[must_use]
pub fn schema(claims: &ClaimTypes) -> String {
    let mut schema = SCHEMA.to_owned();
    for actions in ACTIONS {
        let names: Vec<String> = actions.iter().map(|a| format!("{:?}", a.name)).collect();
        schema += &format!(
            "action {} appliesTo {{ principal: User, resource: Target, context: Call }};\n",
            names.join(", ")
        );
    }
    let claims: Vec<String> = claims
        .iter()
        .map(|(name, kind)| {
            let kind = match kind {
                ClaimType::Text => "String",
                ClaimType::Texts => "Set<String>",
                ClaimType::Number => "Long",
                ClaimType::Boolean => "Bool",
            };
            format!("{name:?}?: {kind}")
        })
        .collect();
    schema += &format!("\ntype Claims = {{ {} }};\n", claims.join(", "));
    schema
}

/// The same policies under the ids that their `@id` annotations give.
pub(super) fn named(parsed: &PolicySet) -> Result<PolicySet, ConfigError> {
    if parsed.num_of_templates() > 0 {
        return Err(error("templates (?principal, ?resource) are not supported; write policies"));
    }
    let mut policies = PolicySet::new();
    for policy in parsed.policies() {
        let id = policy.annotation("id").unwrap_or_default();
        if id.is_empty() {
            return Err(error(format!(
                "every policy needs an @id(\"…\") for the audit log; this one has none:\n{policy}"
            )));
        }
        policies
            .add(policy.new_id(PolicyId::new(id)))
            .map_err(|_| error(format!("two policies have the @id {id:?}")))?;
    }
    Ok(policies)
}

/// Cedar warns of every text in which several scripts meet, which a Cyrillic folder's path under a
/// Latin share always is. What deceives a reader is a word that mixes them.
fn one_script(node: &Value) -> Result<(), String> {
    match node {
        Value::Object(fields) => fields.iter().try_for_each(|(key, value)| match value {
            Value::String(text) if key == "Value" => words_of_one_script(text),
            Value::Array(elements) if key == "pattern" => {
                like(elements).pieces().try_for_each(words_of_one_script)
            }
            other => one_script(other),
        }),
        Value::Array(items) => items.iter().try_for_each(one_script),
        _ => Ok(()),
    }
}

fn words_of_one_script(text: &str) -> Result<(), String> {
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    match words.find(|word| !word.is_single_script()) {
        None => Ok(()),
        Some(word) => Err(format!(
            "has the word {word:?}, whose letters are of several scripts: some may look like \
             others ({}); write them in one, or '*' in a pattern",
            word.escape_unicode()
        )),
    }
}

fn error(problem: impl Into<String>) -> ConfigError {
    ConfigError::new("policy", problem)
}

/// The first 16 hexadecimal digits of the SHA-256 of a file, as `sha256sum` says it.
fn hash(text: &str) -> Arc<str> {
    let digest = sha256(text.as_bytes());
    digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect::<String>().into()
}

fn is_sid(pattern: &Pattern) -> bool {
    !pattern.has_wildcard() && pattern.start().parse::<Sid>().is_ok()
}

/// The line of the annotation that gives this id, from 1.
fn line_of_id(id: &str, text: &str) -> Option<usize> {
    let written = format!("{id:?}");
    let is_annotation = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.match_indices("@id").any(|(at, name)| {
            let rest = code[at + name.len()..].trim_start().strip_prefix('(');
            rest.is_some_and(|rest| rest.trim_start().starts_with(&written))
        })
    };
    text.lines().position(is_annotation).map(|line| line + 1)
}

fn line_of(error: &dyn Diagnostic, text: &str) -> Option<usize> {
    let label = error.labels().and_then(|mut labels| labels.next())?;
    let before = text.as_bytes().get(..label.offset()).unwrap_or_default();
    Some(before.iter().filter(|b| **b == b'\n').count() + 1)
}

fn hint(error: &dyn Diagnostic) -> String {
    error.help().map(|help| format!(" ({help})")).unwrap_or_default()
}
