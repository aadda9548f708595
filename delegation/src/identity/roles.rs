use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Deserialize;

use super::failure::NoSubject;

/// What an issuer's roles are called here.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct RoleMappings {
    /// A role that policies know, and the issuer's roles that make it:
    /// `{"sql_writer": ["SQL_Writers", "SQL_Admins"]}`. Compared letter by letter; of the issuer's
    /// roles nothing else reaches a policy.
    pub roles: BTreeMap<String, Vec<String>>,
    /// The role of a user whose token maps to none.
    pub default_role: Option<String>,
    /// Refuse a token with roles of which none is mapped, whatever the default role.
    pub reject_unmapped_roles: bool,
}

impl RoleMappings {
    /// The first thing wrong: the setting below `roleMappings`, and what.
    pub(super) fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.roles.keys().any(String::is_empty) {
            return Err(("roles", "must not hold a role without a name"));
        }
        if self.default_role.as_deref() == Some("") {
            return Err(("defaultRole", "must not be empty"));
        }
        if self.roles.is_empty() && self.reject_unmapped_roles {
            return Err(("rejectUnmappedRoles", "would refuse everybody: no role is mapped"));
        }
        Ok(())
    }

    /// A user's roles, of those in the token.
    pub(super) fn map(&self, given: &[String]) -> Result<Vec<String>, NoSubject> {
        let of_these = |from: &Vec<String>| from.iter().any(|role| given.contains(role));
        let mapped = self.roles.iter().filter(|(_, from)| of_these(from));
        let mapped: BTreeSet<_> = mapped.map(|(role, _)| role.clone()).collect();
        match (mapped.is_empty(), &self.default_role) {
            (false, _) => Ok(mapped.into_iter().collect()),
            (true, _) if self.reject_unmapped_roles && !given.is_empty() => {
                Err(NoSubject::NoRole { given: given.to_vec() })
            }
            (true, Some(default)) => Ok(vec![default.clone()]),
            (true, None) if self.reject_unmapped_roles => {
                Err(NoSubject::NoRole { given: Vec::new() })
            }
            (true, None) => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn mappings(change: Value) -> RoleMappings {
        let mut config = json!({ "roles": {
            "admin": ["SQL_Admins", "root"], "writer": ["SQL_Writers", "SQL_Admins"]
        } });
        config.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(config).unwrap()
    }

    fn roles(mappings: &RoleMappings, given: &[&str]) -> Option<Vec<String>> {
        let given: Vec<_> = given.iter().map(|&role| role.to_owned()).collect();
        mappings.map(&given).ok()
    }

    #[test]
    fn only_what_is_mapped_gets_through() {
        let plain = mappings(json!({}));
        let default = mappings(json!({ "defaultRole": "guest" }));
        let strict = mappings(json!({ "rejectUnmappedRoles": true }));
        let both = mappings(json!({ "defaultRole": "guest", "rejectUnmappedRoles": true }));
        let list = |roles: &[&str]| Some(roles.iter().map(|&role| role.to_owned()).collect());
        // With roles of which one is mapped, all four say the same.
        for mappings in [&plain, &default, &strict, &both] {
            assert_eq!(roles(mappings, &["SQL_Writers", "x"]), list(&["writer"]));
            assert_eq!(roles(mappings, &["SQL_Admins"]), list(&["admin", "writer"]));
            assert_eq!(roles(mappings, &["root", "SQL_Admins"]), list(&["admin", "writer"]));
        }
        // A role that is called as one of ours is none of ours; case counts.
        for unmapped in [&["admin"][..], &["sql_writers"], &["SQL_Writers "], &["x", "y"]] {
            assert_eq!(roles(&plain, unmapped), list(&[]), "{unmapped:?}");
            assert_eq!(roles(&default, unmapped), list(&["guest"]), "{unmapped:?}");
            assert_eq!(roles(&strict, unmapped), None, "{unmapped:?}");
            assert_eq!(roles(&both, unmapped), None, "{unmapped:?}");
        }
        assert_eq!(roles(&plain, &[]), list(&[]));
        assert_eq!(roles(&default, &[]), list(&["guest"]));
        assert_eq!(roles(&strict, &[]), None);
        assert_eq!(roles(&both, &[]), list(&["guest"]), "it has none that could be unmapped");
    }
}
