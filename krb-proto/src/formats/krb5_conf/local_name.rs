use alloc::string::ToString;
use alloc::vec::Vec;

use super::{ConfError, ConfErrorKind, Krb5Conf};
use crate::Principal;

impl Krb5Conf {
    /// The local account of a principal, by the default realm's `auth_to_local_names` and then its
    /// `auth_to_local` rules in their order; without rules as by `DEFAULT`. `None` if none of them
    /// applies.
    ///
    /// A rule is `DEFAULT` or `RULE:[n:string]`, where `$0` is the realm and `$1` to `$n` are the
    /// components. The rest of MIT's syntax, `(regex)s/pattern/replacement/g`, needs regular
    /// expressions, which this crate does without: a rule with them is an error if it is
    /// reached and has as many components as the principal, so that nobody gets the account of a
    /// later rule.
    ///
    /// # Errors
    /// [`ConfErrorKind::LocalNameSyntax`] and [`ConfErrorKind::LocalNameRegex`].
    pub fn local_name(
        &self,
        principal: &Principal,
        default_realm: &str,
    ) -> Result<Option<Vec<u8>>, ConfError> {
        // Within the realm's own table names stand without realm, so '@' is not escaped in them.
        let name = principal.name.to_string().replace("\\@", "@");
        // MIT: the last one, unlike everywhere else.
        let names = ["realms", default_realm, "auth_to_local_names", &name];
        if let Some(local) = self.values(&names).last() {
            return Ok(Some(local.as_bytes().to_vec()));
        }
        let mut ruled = false;
        for rule in self.located(&["realms", default_realm, "auth_to_local"]) {
            ruled = true;
            let (kind, text) =
                rule.text.split_once(':').map_or((&*rule.text, None), |(k, t)| (k, Some(t)));
            let local = match (kind, text) {
                ("DEFAULT", _) => Ok(by_default(principal, default_realm)),
                ("RULE", Some(text)) => by_rule(principal, &name, text),
                _ => Err(ConfErrorKind::LocalNameSyntax),
            };
            if let Some(local) = local.map_err(|kind| self.error(rule, kind))? {
                return Ok(Some(local));
            }
        }
        Ok(if ruled { None } else { by_default(principal, default_realm) })
    }
}

/// One component, in the default realm; a second one may name that realm.
fn by_default(principal: &Principal, default_realm: &str) -> Option<Vec<u8>> {
    let realm = default_realm.as_bytes();
    match principal.name.components.as_slice() {
        _ if principal.realm != realm => None,
        [local] => Some(local.clone()),
        [local, instance] if instance == realm => Some(local.clone()),
        _ => None,
    }
}

fn by_rule(
    principal: &Principal,
    name: &str,
    rule: &str,
) -> Result<Option<Vec<u8>>, ConfErrorKind> {
    let Some(rule) = rule.strip_prefix('[') else {
        // Without a selection the whole name is the text.
        return if rule.is_empty() {
            Ok(Some(name.as_bytes().to_vec()))
        } else {
            Err(behind(rule))
        };
    };
    let (count, mut rest) = rule.split_once(':').ok_or(ConfErrorKind::LocalNameSyntax)?;
    let count: usize = count.parse().map_err(|_| ConfErrorKind::LocalNameSyntax)?;
    let components = &principal.name.components;
    if count != components.len() {
        return Ok(None);
    }
    let mut local = Vec::new();
    loop {
        let at = rest.find(['$', ']']).ok_or(ConfErrorKind::LocalNameSyntax)?;
        let (literal, special) = rest.split_at(at);
        local.extend_from_slice(literal.as_bytes());
        let Some(number) = special.strip_prefix('$') else {
            rest = special.strip_prefix(']').unwrap_or(special);
            break;
        };
        let digits = number.bytes().take_while(u8::is_ascii_digit).count();
        let (number, after) = number.split_at(digits);
        let number: usize = number.parse().map_err(|_| ConfErrorKind::LocalNameSyntax)?;
        let part = match number.checked_sub(1) {
            None => Some(&principal.realm),
            Some(index) => components.get(index),
        };
        local.extend_from_slice(part.ok_or(ConfErrorKind::LocalNameSyntax)?);
        rest = after;
    }
    if rest.is_empty() { Ok(Some(local)) } else { Err(behind(rest)) }
}

/// What stands behind a rule's selection: more of the rule, or nothing that belongs there.
fn behind(rest: &str) -> ConfErrorKind {
    if rest.starts_with('(') || rest.trim_start().starts_with("s/") {
        ConfErrorKind::LocalNameRegex
    } else {
        ConfErrorKind::LocalNameSyntax
    }
}
