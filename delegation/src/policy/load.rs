//! Reading the operator's policies: what does not fit the schema and the targets does not load.

use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Effect, EntityTypeName, PolicyId, PolicySet, Schema, ValidationMode,
    ValidationWarning, Validator,
};
use miette::Diagnostic;
use serde_json::Value;
use unicode_security::MixedScript as _;

use super::{
    Policy, Types,
    rules::Rule,
    tests_of_path::{like, tests_of_path},
    usable::PermitPolicy,
};
use crate::{ConfigError, targets::Targets};

const SCHEMA: &str = include_str!("schema.cedarschema");
const MAX_BYTES: usize = 1 << 20;

impl Policy {
    /// Reads Cedar policies. Each must carry an `@id("…")` of its own, which the audit log then
    /// names.
    ///
    /// # Errors
    /// The first policy that does not parse or does not fit the schema (strict validation, its
    /// warnings included), or that names a target which is not configured, with its id or line.
    pub fn from_cedar(text: &str, targets: &Targets) -> Result<Self, ConfigError> {
        if text.len() > MAX_BYTES {
            return Err(error("is longer than 1 MiB"));
        }
        let internal = |e: String| error(format!("the built-in schema does not load: {e}"));
        let schema = Schema::from_cedarschema_str(SCHEMA).map_err(|e| internal(e.to_string()))?.0;
        let kind = |name| EntityTypeName::from_str(name).map_err(|e| internal(e.to_string()));
        let types = Types {
            user: kind("User")?,
            target: kind("Target")?,
            server: kind("Server")?,
            action: kind("Action")?,
        };
        let parsed = PolicySet::from_str(text)
            .map_err(|e| error(format!("{}{e}{}", line_of(&e, text), hint(&e))))?;
        let policies = named(&parsed)?;

        let result = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if let Some(e) = result.validation_errors().next() {
            return Err(error(format!("{}{e}{}", line_of(e, text), hint(e))));
        }
        // For `one_script` below.
        let scripts = |w: &&_| matches!(w, ValidationWarning::MixedScriptString(_));
        if let Some(e) = result.validation_warnings().find(|w| !scripts(w)) {
            return Err(error(format!("{}{e}{}", line_of(e, text), hint(e))));
        }
        let mut permits = Vec::new();
        for policy in policies.policies() {
            let internal = |e: String| error(format!("policy `{}`: {e}", policy.id()));
            let json = policy.to_json().map_err(|e| internal(e.to_string()))?;
            let wrong = |problem: String| error(format!("policy `{}` {problem}", policy.id()));
            one_script(&json).map_err(wrong)?;
            let tests = tests_of_path(&json, policy.effect()).map_err(|e| wrong(e.into()))?;
            let envs = policy.get_valid_request_envs(&schema);
            let actions: Vec<String> =
                envs.map(|env| env.action().id().unescaped().to_owned()).collect();
            let resource = policy.resource_constraint();
            Rule::new(&tests, &actions, &resource, &types.target, targets)
                .check()
                .map_err(wrong)?;
            if policy.effect() == Effect::Permit {
                let alone = PolicySet::from_policies([policy.clone()]);
                permits.push(PermitPolicy {
                    alone: alone.map_err(|e| internal(e.to_string()))?,
                    actions,
                    paths: tests.into_iter().map(|test| test.pattern).collect(),
                });
            }
            let unknown = policy.entity_literals().into_iter().find(|literal| {
                *literal.type_name() == types.target
                    && !targets.iter().any(|t| t.name() == literal.id().unescaped())
            });
            if let Some(literal) = unknown {
                return Err(error(format!(
                    "policy `{}` names {literal}, which is not among the configured targets",
                    policy.id()
                )));
            }
        }
        Ok(Self { policies, permits, authorizer: Authorizer::new(), schema, types })
    }
}

/// The same policies under the ids that their `@id` annotations give.
fn named(parsed: &PolicySet) -> Result<PolicySet, ConfigError> {
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

fn line_of(error: &dyn Diagnostic, text: &str) -> String {
    let Some(label) = error.labels().and_then(|mut labels| labels.next()) else {
        return String::new();
    };
    let before = text.as_bytes().get(..label.offset()).unwrap_or_default();
    format!("line {}: ", before.iter().filter(|b| **b == b'\n').count() + 1)
}

fn hint(error: &dyn Diagnostic) -> String {
    error.help().map(|help| format!(" ({help})")).unwrap_or_default()
}
