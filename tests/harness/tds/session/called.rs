//! What is called: procedures of the server's, and texts that run as modules with parameters.

use tokio::io::AsyncWrite;

use super::super::output::Output;
use super::super::request::{Call, Parameter};
use super::super::sql::evaluate::convert;
use super::super::sql::parser::declarations;
use super::super::token::{self, SqlError};
use super::super::value::{Type, Value};
use super::{Failed, Scoped, Session};

impl Session {
    /// A procedure; in it impersonation, tables and settings last as long as it does. What it
    /// returns beside its results.
    pub(in super::super) async fn procedure<W: AsyncWrite + Unpin + Send>(
        &mut self,
        call: Call,
        out: &mut Output<W>,
    ) -> Result<Option<(u16, String, i64)>, Failed> {
        let mut parameters = call.parameters;
        let missing = || SqlError::new(201, 16, "Procedure expects a parameter that is missing.");
        let text_of = |parameter: Option<&Parameter>| match parameter.map(|p| &p.value) {
            Some(Value::Text(text)) => Ok(text.clone()),
            Some(Value::Null) => Ok(String::new()),
            _ => Err(missing()),
        };
        let name = call.name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
        match name.trim_matches(['[', ']']) {
            "sp_executesql" => {
                let text = text_of(parameters.first())?;
                let declared = match parameters.get(1) {
                    Some(_) => declarations(&text_of(parameters.get(1))?)?,
                    None => Vec::new(),
                };
                let given = parameters.drain(parameters.len().min(2)..).collect();
                self.module(&text, &declared, given, out).await?;
                Ok(None)
            }
            kind @ ("sp_prepexec" | "sp_prepare") => {
                let declared = declarations(&text_of(parameters.get(1))?)?;
                let text = text_of(parameters.get(2))?;
                let handle = i64::try_from(self.prepared.len()).expect("few") + 1;
                self.prepared.insert(handle, (declared.clone(), text.clone()));
                if kind == "sp_prepexec" {
                    let given = parameters.split_off(parameters.len().min(3));
                    self.module(&text, &declared, given, out).await?;
                }
                let name = parameters.first().map(|p| p.name.clone()).unwrap_or_default();
                Ok(Some((0, name, handle)))
            }
            "sp_execute" => {
                let Some(Value::Int(handle)) = parameters.first().map(|p| p.value.clone()) else {
                    return Err(missing().into());
                };
                let unknown = || SqlError::new(8179, 16, "Could not find prepared statement.");
                let (declared, text) = self.prepared.get(&handle).cloned().ok_or_else(unknown)?;
                self.module(&text, &declared, parameters.split_off(1), out).await?;
                Ok(None)
            }
            "sp_unprepare" => Ok(None),
            "sp_set_session_context" | "sp_getapplock" => {
                let key = text_of(parameters.first())?.to_lowercase();
                let value = parameters.get(1).map_or(Value::Null, |p| p.value.clone());
                let read_only = matches!(parameters.get(2), Some(p) if p.value == Value::Int(1));
                if self.keys.get(&key).is_some_and(|(_, fixed)| *fixed) {
                    let what = format!(
                        "Cannot set key '{key}' in the session context. The key has been set as read_only for this session."
                    );
                    return Err(SqlError::new(15664, 16, what).into());
                }
                self.keys.insert(key, (value, read_only));
                Ok(None)
            }
            // A procedure of the database's: whose it is, and what it was given.
            "who_am_i" => {
                let declared: Vec<_> = parameters.iter().map(|p| (p.name.clone(), p.ty)).collect();
                let text = "SELECT SUSER_SNAME() AS login, USER_NAME() AS [user], @told AS told";
                self.module(text, &declared, parameters, out).await?;
                Ok(None)
            }
            other => {
                let what = format!("Could not find stored procedure '{other}'.");
                Err(SqlError::new(2812, 16, what).with_state(62).into())
            }
        }
    }

    async fn module<W: AsyncWrite + Unpin + Send>(
        &mut self,
        text: &str,
        declared: &[(String, Type)],
        given: Vec<Parameter>,
        out: &mut Output<W>,
    ) -> Result<(), Failed> {
        if self.depth >= 32 {
            let what = "Maximum stored procedure nesting level exceeded (limit 32).";
            return Err(SqlError::new(217, 16, what).into());
        }
        let mut scope = Scoped::new();
        for (at, (name, ty)) in declared.iter().enumerate() {
            let named = given.iter().find(|p| p.name.eq_ignore_ascii_case(name));
            let by_place = given.get(at).filter(|p| p.name.is_empty());
            let Some(parameter) = named.or(by_place) else {
                let what = format!(
                    "The parameterized query expects the parameter '{name}', which was not supplied."
                );
                return Err(SqlError::new(8178, 16, what).into());
            };
            scope.insert(name.clone(), (*ty, convert(parameter.value.clone(), *ty)?));
        }
        if given.len() > declared.len() {
            let what = "Procedure or function has too many arguments specified.";
            return Err(SqlError::new(8144, 16, what).into());
        }
        let (settings, database) = (self.settings.clone(), self.database.clone());
        self.depth += 1;
        let ended = Box::pin(self.run(text, &mut scope, token::DONE_IN_PROC, out)).await;
        self.depth -= 1;
        self.settings = settings;
        let depth = self.depth;
        self.temporary.retain(|_, temporary| temporary.depth <= depth);
        self.contexts.leave(depth);
        if database != self.database {
            let left = std::mem::replace(&mut self.database, database);
            self.use_database()?;
            out.send(&token::changed_database(&self.database, &left)).await?;
        }
        ended.map(|_| ()).map_err(Failed::Stop)
    }
}
