//! Reading the operator's policies: what does not fit the schema and the targets does not load.

use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Effect, EntityTypeName, PolicyId, PolicySet, Schema, ValidationMode, Validator,
};
use miette::Diagnostic;
use serde_json::{Value, json};

use super::{Policy, Types, tests_of_path::tests_of_path, usable::PermitPolicy};
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
        if let Some(e) = result.validation_warnings().next() {
            return Err(error(format!("{}{e}{}", line_of(e, text), hint(e))));
        }
        for policy in policies.policies() {
            if compares_capitals(policy, &schema)? {
                return Err(error(format!(
                    "policy `{}` can apply to files and compares context.path with capital \
                     letters, but file paths are in lower case there; write it in lower case, or \
                     restrict the policy to http actions",
                    policy.id()
                )));
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
        let permits = permits(&policies, &schema)?;
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

fn permits(policies: &PolicySet, schema: &Schema) -> Result<Vec<PermitPolicy>, ConfigError> {
    let permits = policies.policies().filter(|policy| policy.effect() == Effect::Permit);
    let permit = |policy: &cedar_policy::Policy| {
        let internal = |e: String| error(format!("policy `{}` {e}", policy.id()));
        let json = policy.to_json().map_err(|e| internal(e.to_string()))?;
        let tests = tests_of_path(&json, Effect::Permit).map_err(|e| internal(e.into()))?;
        let envs = policy.get_valid_request_envs(schema);
        Ok(PermitPolicy {
            alone: PolicySet::from_policies([policy.clone()])
                .map_err(|e| internal(e.to_string()))?,
            actions: envs.map(|env| env.action().id().unescaped().to_owned()).collect(),
            paths: tests.into_iter().map(|test| test.pattern).collect(),
        })
    };
    permits.map(permit).collect()
}

// File paths come in lower case, so that a capital letter never matches. In a `forbid` that would
// silently allow.
fn compares_capitals(policy: &cedar_policy::Policy, schema: &Schema) -> Result<bool, ConfigError> {
    let for_files = policy
        .get_valid_request_envs(schema)
        .any(|env| env.action().id().unescaped().starts_with("file:"));
    let json = policy.to_json().map_err(|e| error(format!("policy `{}`: {e}", policy.id())))?;
    Ok(for_files && path_meets_capitals(&json))
}

// In Cedar's JSON form an operator is `{"op": {"left": …, "right": …}}`.
fn path_meets_capitals(node: &Value) -> bool {
    match node {
        Value::Object(fields) => {
            let path = json!({".": {"left": {"Var": "context"}, "attr": "path"}});
            let compares = fields.values().any(|value| *value == path);
            fields.values().any(|value| {
                path_meets_capitals(value)
                    || (compares && *value != path && has_capital_literal(value))
            })
        }
        Value::Array(items) => items.iter().any(path_meets_capitals),
        _ => false,
    }
}

fn has_capital_literal(node: &Value) -> bool {
    match node {
        Value::Object(fields) => fields.iter().any(|(key, value)| match value {
            Value::String(text) if matches!(&**key, "Value" | "Literal") => {
                *text != text.to_lowercase()
            }
            other => has_capital_literal(other),
        }),
        Value::Array(items) => items.iter().any(has_capital_literal),
        _ => false,
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
