//! Built-in functions.

use super::super::sql::evaluate::Typed;
use super::super::token::SqlError;
use super::super::value::{Type, Value};
use super::Session;

pub(super) fn text(text: &str) -> Typed {
    (Type::NVarChar(Some(128)), Value::Text(text.to_owned()))
}

impl Session {
    pub(super) fn function(&self, name: &str, arguments: &[Typed]) -> Result<Typed, SqlError> {
        let now = self.contexts.now();
        Ok(match (name, arguments) {
            ("suser_sname" | "suser_name" | "system_user", []) => match &now.login {
                Some(login) => text(login),
                // What a user without a login is called at the server.
                None => text(&format!("S-1-9-3-{}", now.user.len())),
            },
            ("original_login", []) => text(self.contexts.original()),
            ("user_name" | "current_user" | "session_user" | "user", []) => text(&now.user),
            ("db_name", []) => text(&self.database),
            ("app_name" | "host_name", []) => text("app"),
            ("is_srvrolemember", [(_, Value::Text(role))]) => {
                let directory = self.shared.directory();
                let login = now.login.as_deref().and_then(|login| directory.login(login));
                let is = role.eq_ignore_ascii_case("sysadmin") && login.is_some_and(|l| l.sysadmin);
                (Type::Int, Value::Int(is.into()))
            }
            (
                "has_perms_by_name",
                [(_, Value::Null), (_, Value::Null), (_, Value::Text(right))],
            ) => {
                // Nobody without a login has any at the server.
                let directory = self.shared.directory();
                let login = now.login.as_deref().and_then(|login| directory.login(login));
                let has = match right.to_ascii_uppercase().as_str() {
                    right @ ("CONTROL SERVER" | "IMPERSONATE ANY LOGIN") => {
                        let has = login.is_some_and(|login| login.may(right));
                        Value::Int(has.into())
                    }
                    // It is no right.
                    _ => Value::Null,
                };
                (Type::Int, has)
            }
            ("session_context", [(_, Value::Text(key))]) => {
                let value = self.keys.get(&key.to_lowercase()).map(|(value, _)| value.clone());
                (Type::NVarChar(Some(4000)), value.unwrap_or(Value::Null))
            }
            // Of ours, for tests: what SET options are not as they were.
            ("settings_changed", []) => {
                let changed: Vec<_> =
                    self.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
                text(&changed.join(" "))
            }
            ("len", [(_, Value::Text(text))]) => {
                let length = text.encode_utf16().count();
                (Type::Int, Value::Int(i64::try_from(length).expect("short")))
            }
            ("len", [(_, Value::Null)]) => (Type::Int, Value::Null),
            ("replicate", [(_, Value::Text(text)), (_, Value::Int(times))]) => {
                let text = text.repeat(usize::try_from(*times).unwrap_or(0));
                (Type::NVarChar(None), Value::Text(text))
            }
            ("isnull" | "coalesce", [first, second]) => {
                if first.1 == Value::Null {
                    second.clone()
                } else {
                    first.clone()
                }
            }
            ("count" | "count_big", _) => (Type::Int, Value::Int(0)),
            ("serverproperty", _) => text("16.0.1000.6"),
            ("object_id", [(_, Value::Text(name)), ..]) => {
                let name = name.rsplit('.').next().unwrap_or_default().trim_matches(['[', ']']);
                let there = self.temporary.contains_key(&name.to_lowercase());
                (Type::Int, if there { Value::Int(1) } else { Value::Null })
            }
            _ => {
                let what = format!("'{name}' is not a recognized built-in function name.");
                return Err(SqlError::new(195, 15, what));
            }
        })
    }
}
