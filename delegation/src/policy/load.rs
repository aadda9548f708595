//! Reading the operator's policies: what does not fit the schema and the targets does not load.

use std::str::FromStr as _;

use cedar_policy::{EntityTypeName, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use miette::Diagnostic;

use super::{Policy, Types};
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
        Ok(Self { policies, schema, types })
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
