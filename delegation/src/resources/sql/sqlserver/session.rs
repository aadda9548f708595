//! A session: each statement as a module of its own, as the user; and what makes it as new.

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::answer::{One, Said, read_all};
use super::failure::{self, TdsError};
use super::login;
use super::wire::{BATCH, CALL, Channel, Lost, Parameter, batch, execute_sql};
use crate::Failure;
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::resources::kept::Keep;
use crate::resources::sql::config::{Mode, Principal};
use crate::resources::sql::place::Place;
use crate::resources::sql::rows::Rows;
use crate::resources::sql::session::{self, Done, Life, NotDone, in_time};
use crate::resources::sql::statement::Access;
use crate::resources::sql::work::Work;
use crate::resources::{CallContext, Doubt};

/// Who it is: who logged in, as whom it acts at the server and in the database.
const WHO: &str = "SELECT ORIGINAL_LOGIN(), SUSER_SNAME(), USER_NAME()";
/// What a login that becomes users must not be: anybody. Each is 0 where it is not. A right that a version
/// does not know is NULL there, and nobody has it.
const POWERS: [(&str, &str); 3] = [
    ("IS_SRVROLEMEMBER(N'sysadmin')", "is in the role sysadmin"),
    ("ISNULL(HAS_PERMS_BY_NAME(NULL, NULL, N'CONTROL SERVER'), 0)", "has CONTROL SERVER"),
    (
        "ISNULL(HAS_PERMS_BY_NAME(NULL, NULL, N'IMPERSONATE ANY LOGIN'), 0)",
        "has IMPERSONATE ANY LOGIN",
    ),
];

/// A session at one database. Dropped, it ends with its connection, and with that what it runs.
pub(in super::super) struct Session {
    channel: Channel,
    database: String,
    /// Who it is when nobody is impersonated.
    own: Who,
    /// A user is impersonated for each call.
    impersonates: bool,
    /// What takes the present one back.
    cookie: Option<String>,
    transaction: u64,
    /// The answer is still to come to what makes it as new and says who it is.
    is_cleaning: bool,
    life: Life,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Who {
    original: String,
    login: String,
    user: String,
}

impl Who {
    fn read(values: Option<&[Value]>) -> Option<Self> {
        let [original, login, user, ..] = values? else { return None };
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        Some(Self { original: text(original)?, login: text(login)?, user: text(user)? })
    }
}

/// Names as SQL Server's usual collations compare them.
fn is_same(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// A text as a literal: no batch of ours has anything else of somebody's in it.
fn literal(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}

impl Keep for Session {
    fn is_lost(&self) -> bool {
        self.life.is_over()
    }

    fn end(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move { drop(self) })
    }
}

impl session::Session for Session {
    async fn log_in(
        network: &Network,
        cx: &CallContext,
        credential: Option<&ServiceCredential<'_>>,
        place: &Place<'_>,
    ) -> Result<Self, Failure> {
        let session = async {
            let channel = login::log_in(network, cx, credential, place).await?;
            Self::of(channel, place).await
        };
        session.await.map_err(|error: TdsError| error.explain(place))
    }

    fn database(&self) -> &str {
        &self.database
    }

    fn life(&self) -> &Life {
        &self.life
    }

    fn life_mut(&mut self) -> &mut Life {
        &mut self.life
    }

    async fn look(&mut self, _: &Place<'_>, _: &Work) -> Result<(), NotDone> {
        match !self.is_cleaning || in_time(self.cleaned()).await {
            true => Ok(()),
            false => Err(NotDone::Unused),
        }
    }

    async fn act(
        &mut self,
        place: &Place<'_>,
        work: &Work,
        rows: &mut Rows,
        doubt: &Doubt,
    ) -> Result<Done, NotDone> {
        self.as_user(place, work, rows, doubt).await
    }

    /// The user is taken back and that is verified; then the server makes it as new
    /// (RESETCONNECTION), whose answer is waited for by who next wants the session.
    async fn tell_clean(&mut self) -> bool {
        self.is_cleaning = self.revert().await && self.transaction == 0 && {
            let question = batch(WHO, 0);
            self.channel.send(BATCH, &question, true).await.is_ok()
        };
        self.is_cleaning
    }
}

impl Session {
    /// Of somebody who has logged in.
    async fn of(channel: Channel, place: &Place<'_>) -> Result<Self, TdsError> {
        let impersonates = place.endpoint.login.mode == Mode::Impersonate;
        let nobody = Who { original: String::new(), login: String::new(), user: String::new() };
        let mut session = Self {
            channel,
            database: place.database.to_owned(),
            own: nobody,
            impersonates,
            cookie: None,
            transaction: 0,
            is_cleaning: false,
            life: Life::default(),
        };
        let lost = |lost| TdsError::Lost("it was asked who the user is", lost);
        let mut question = WHO.to_owned();
        for (power, _) in POWERS.iter().filter(|_| impersonates) {
            question.push_str(", ");
            question.push_str(power);
        }
        let (said, values) = session.ask(&question).await.map_err(lost)?;
        let who = Who::read(values.as_deref()).filter(|_| said.error.is_none());
        let who = who.ok_or(lost(Lost::Wrong("it does not say who the user is")))?;
        if impersonates {
            let has = values.as_deref().and_then(|values| values.get(3..)).unwrap_or_default();
            if has.len() != POWERS.len() {
                return Err(lost(Lost::Wrong("it does not say what the login may do")));
            }
            let one = POWERS.iter().zip(has).find(|(_, has)| has.as_i64() != Some(0));
            if let Some(((_, power), _)) = one {
                return Err(TdsError::Powerful(who.original, power));
            }
        } else if !is_same(&who.original, &place.identity) || !is_same(&who.login, &place.identity)
        {
            return Err(TdsError::SomebodyElse(who.login));
        }
        session.own = who;
        Ok(session)
    }

    /// A question of this server's own, and the one row that answers it.
    async fn ask(&mut self, sql: &str) -> Result<(Said, Option<Vec<Value>>), Lost> {
        let question = batch(sql, self.transaction);
        self.channel.send(BATCH, &question, false).await?;
        let mut row = One::default();
        let said = read_all(&mut self.channel, &mut row, &mut self.transaction, false).await?;
        Ok((said, row.0))
    }

    /// The server made it as new, and it is whose it was.
    async fn cleaned(&mut self) -> bool {
        let mut row = One::default();
        let said = read_all(&mut self.channel, &mut row, &mut self.transaction, false).await;
        self.is_cleaning = false;
        let is_reset = said.is_ok_and(|said| said.error.is_none() && said.is_reset);
        is_reset && Who::read(row.0.as_deref()).as_ref() == Some(&self.own)
    }

    async fn as_user(
        &mut self,
        place: &Place<'_>,
        work: &Work,
        rows: &mut Rows,
        doubt: &Doubt,
    ) -> Result<Done, NotDone> {
        let parameters = work.params.iter();
        let parameters: Option<Vec<_>> =
            parameters.map(|param| Parameter::new(&param.name, &param.value)).collect();
        let Some(parameters) = parameters else {
            return Err(NotDone::Lost("a parameter is no scalar".into()));
        };
        if self.impersonates {
            self.impersonate(place).await?;
        }
        let lost = |lost: Lost| NotDone::Lost(lost.to_string());
        let call = execute_sql(&work.text, &parameters, self.transaction);
        // It commits itself, whenever the answer comes.
        doubt.begin();
        self.channel.send(CALL, &call, false).await.map_err(lost)?;
        let only_reads = work.access == Access::Read;
        let answer = read_all(&mut self.channel, rows, &mut self.transaction, only_reads).await;
        let said = answer.map_err(lost)?;
        match said.error {
            // The server ends the connection after it.
            Some(error) if error.class >= 20 => Err(NotDone::Lost(error.text)),
            Some(error) => {
                doubt.end();
                Err(NotDone::Refused(failure::said(&error)))
            }
            None => Ok(Done { changed: said.count.filter(|_| !only_reads) }),
        }
    }

    /// Executes as the user from now on: in a batch, since a module's impersonation ends with it, and
    /// so that nothing but the cookie takes it back.
    async fn impersonate(&mut self, place: &Place<'_>) -> Result<(), NotDone> {
        let principal = place.endpoint.login.execute_as;
        let kind = match principal {
            Principal::User => "USER",
            Principal::Login => "LOGIN",
        };
        let sql = format!(
            "DECLARE @cookie varbinary(8000); \
             EXECUTE AS {kind} = {} WITH COOKIE INTO @cookie; \
             SELECT ORIGINAL_LOGIN(), SUSER_SNAME(), USER_NAME(), @cookie",
            literal(&place.identity)
        );
        let lost = |lost: Lost| NotDone::Lost(lost.to_string());
        let (said, values) = self.ask(&sql).await.map_err(lost)?;
        if let Some(error) = said.error {
            // It may have failed before or after: who it is now is not known.
            self.life.is_lost = true;
            return Err(NotDone::Refused(failure::said(&error)));
        }
        let who = Who::read(values.as_deref());
        let cookie = values.as_deref().and_then(|values| values.get(3)).and_then(Value::as_str);
        let called = |who: &Who| match principal {
            Principal::User => is_same(&who.user, &place.identity),
            Principal::Login => is_same(&who.login, &place.identity),
        };
        match (who, cookie) {
            (Some(who), Some(cookie)) if called(&who) && who.original == self.own.original => {
                self.cookie = Some(cookie.to_owned());
                Ok(())
            }
            (who, _) => {
                let found = who.map_or_else(
                    || "nobody".to_owned(),
                    |who| match principal {
                        Principal::User => who.user,
                        Principal::Login => who.login,
                    },
                );
                Err(NotDone::Failed(TdsError::NotImpersonated(found).explain(place)))
            }
        }
    }

    /// Takes the user back, and looks whether it is the login again. Without that nothing may be
    /// made as new: SQL Server ends such a connection.
    async fn revert(&mut self) -> bool {
        if !self.impersonates {
            return true;
        }
        let Some(cookie) = self.cookie.take().as_deref().and_then(hex) else { return false };
        match self.ask(&format!("REVERT WITH COOKIE = 0x{cookie}; {WHO}")).await {
            Ok((said, values)) => {
                said.error.is_none() && Who::read(values.as_deref()).as_ref() == Some(&self.own)
            }
            Err(_) => false,
        }
    }
}

/// Base64, which is how values of that type come, as a literal has it.
fn hex(base64: &str) -> Option<String> {
    use base64ct::{Base64, Encoding};
    let bytes = Base64::decode_vec(base64).ok().filter(|bytes| !bytes.is_empty())?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
