//! A session: statements in transactions of their own, and what makes it as new.

use std::io::{Error, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, Bytes};
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::time::timeout;

use super::answer::{self, Described};
use super::cancel::Canceller;
use super::failure::PgError;
use super::known::{Known, Shape};
use super::login::{self, LoggedIn};
use super::queries::{LEFT, NOT_OF_ROLES, NOWHERE, POWERS, TEMPORARY, WHO};
use super::startup::{is_pinned, parameter};
use super::wire::{Message, Wire, put_text, wrong};
use super::{parameters, values};
use crate::Failure;
use crate::credential::ServiceCredential;
use crate::network::Network;
use crate::resources::kept::Keep;
use crate::resources::sql::catalog::quoted;
use crate::resources::sql::engine::Engine;
use crate::resources::sql::failure::Said;
use crate::resources::sql::place::Place;
use crate::resources::sql::rows::{Next, Rows};
use crate::resources::sql::session::{self, Done, Life, NotDone, in_time};
use crate::resources::sql::statement::Access;
use crate::resources::sql::work::Work;
use crate::resources::{CallContext, Doubt};

/// Of any message but a row.
const MAX_MESSAGE: usize = 1 << 20;
/// Rows of what changes something are fetched so many at a time: it cannot be cancelled when there are
/// enough of them without undoing what it did.
const BATCH: u32 = 1000;
/// What is cancelled stops within this, or its session ends.
const STOP_TIME: Duration = Duration::from_secs(5);
const END_TIME: Duration = Duration::from_secs(1);
/// SQLSTATE query_canceled.
const CANCELED: &str = "57014";

/// A session at one database.
pub(in super::super) struct Session {
    wire: Wire,
    canceller: Option<Arc<Canceller>>,
    database: String,
    /// Who logged in: what `session_user` must be.
    login: String,
    /// Whom it becomes for each call.
    role: Option<String>,
    /// Whether a transaction is to be rolled back.
    open: bool,
    /// So many answers are still to come to what makes it as new, the last of which says whether it is.
    cleaning: usize,
    /// What it runs now is not the first thing that it runs.
    was_used: bool,
    /// It has made temporary tables once, and whether they are gone is to be asked.
    had_temporary: bool,
    life: Life,
    known: Known,
    /// What the statement has that is to be run, where that is known and nothing of it is sent yet.
    shape: Option<Arc<Shape>>,
}

impl Drop for Session {
    /// What was given up in the middle is cancelled at the server, too.
    fn drop(&mut self) {
        if let (true, Some(canceller), Ok(runtime)) =
            (self.life.is_busy, self.canceller.take(), Handle::try_current())
        {
            runtime.spawn(async move { canceller.cancel().await });
        }
    }
}

impl Keep for Session {
    fn is_lost(&self) -> bool {
        self.life.is_over()
    }

    fn end(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            self.wire.put(b'X', |_| {});
            // The server ends with the connection in any case.
            let _ = timeout(END_TIME, self.wire.send()).await;
        })
    }
}

/// What ends a statement early.
enum Stop {
    Refused(Said),
    Failed(Failure),
    Broken(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Broken(error)
    }
}

impl From<Stop> for NotDone {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(said) => Self::Refused(said),
            Stop::Failed(failure) => Self::Failed(failure),
            Stop::Broken(error) => Self::Lost(error.to_string()),
        }
    }
}

impl session::Session for Session {
    async fn log_in(
        network: &Network,
        cx: &CallContext,
        credential: Option<&ServiceCredential<'_>>,
        place: &Place<'_>,
    ) -> Result<Self, Failure> {
        let groups = credential.map_or(0, |credential| credential.account().groups.len());
        let session = async {
            let logged_in = login::log_in(network, cx, credential, place).await?;
            Self::of(logged_in, place).await
        };
        session.await.map_err(|error: PgError| error.explain(place, groups))
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

    /// What is known waits for that, which is on its way, to take one flight. Of anything else the transaction
    /// and the statement are sent along: the server gets to them without a word from here as soon as the
    /// session is as new, and no further than to what the statement is.
    async fn look(&mut self, _: &Place<'_>, work: &Work) -> Result<(), NotDone> {
        let reads = work.access == Access::Read;
        self.was_used = self.cleaning > 0;
        self.shape = self.known.statement(&work.text).filter(|_| reads && self.was_used);
        let is_first = self.shape.is_some() || self.was_used && self.wire.has(b'Z', self.cleaning);
        if is_first && !in_time(self.is_clean()).await {
            return Err(NotDone::Unused);
        }
        if self.shape.is_some() && !self.had_temporary {
            return Ok(());
        }
        self.shape = None;
        self.begin(reads);
        self.parse(work);
        self.sync();
        let sent = self.wire.send().await;
        if self.was_used && !(sent.is_ok() && (is_first || in_time(self.is_clean()).await)) {
            return Err(NotDone::Unused);
        }
        Ok(sent.map_err(Stop::from)?)
    }

    async fn act(
        &mut self,
        place: &Place<'_>,
        work: &Work,
        rows: &mut Rows,
        doubt: &Doubt,
    ) -> Result<Done, NotDone> {
        self.transaction(place, work, rows, doubt).await
    }

    async fn tell_clean(&mut self) -> bool {
        if self.cleaning > 0 && !self.open {
            return true;
        }
        self.discard();
        self.wire.send().await.is_ok()
    }
}

impl Session {
    /// Makes sure who it is.
    pub(super) async fn of(logged_in: LoggedIn, place: &Place<'_>) -> Result<Self, PgError> {
        let LoggedIn { wire, canceller, login, role } = logged_in;
        let mut session = Self {
            wire,
            canceller: canceller.map(Arc::new),
            database: place.database.to_owned(),
            login,
            role,
            open: false,
            cleaning: 0,
            was_used: false,
            had_temporary: false,
            life: Life::default(),
            known: Known::default(),
            shape: None,
        };
        let broken = |error| PgError::Broken("asking who it is", error);
        session.query(WHO);
        if session.role.is_some() {
            session.query(POWERS);
        }
        session.wire.send().await.map_err(broken)?;
        let refused = |stop| match stop {
            Stop::Refused(said) => PgError::Refused(said),
            Stop::Failed(failure) => PgError::Explained(failure),
            Stop::Broken(error) => broken(error),
        };
        let who = session.answers().await.map_err(refused)?;
        let login = session.login.as_str();
        if !matches!(who.as_slice(), [one] if is_both(one, login, login)) {
            let found = who.first().and_then(|row| row.first().cloned().flatten());
            return Err(PgError::SomebodyElse(found.unwrap_or_default()));
        }
        if session.role.is_some() {
            let powers = session.answers().await.map_err(refused)?;
            let power = powers.first().and_then(|row| row.first()).cloned().flatten();
            if let Some(power) = power {
                return Err(PgError::Powerful(session.login.clone(), power));
            }
        }
        Ok(session)
    }

    /// Gathers statements of our own, as one text.
    fn query(&mut self, text: &str) {
        self.wire.put(b'Q', |out| put_text(out, text));
    }

    fn sync(&mut self) {
        self.wire.put(b'S', |_| {});
    }

    /// The next message that is an answer.
    async fn next(&mut self) -> Result<Message, Stop> {
        loop {
            let message = self.wire.receive(MAX_MESSAGE).await?;
            match message.tag {
                // NoticeResponse, NotificationResponse
                b'N' | b'A' => {}
                b'S' => Self::pinned(message.body)?,
                _ => return Ok(message),
            }
        }
    }

    /// A statement may have set what its own text's meaning hangs on.
    fn pinned(body: Bytes) -> Result<(), Error> {
        let (name, value) = parameter(body)?;
        match is_pinned(&name, &value) {
            true => Ok(()),
            false => Err(wrong("a setting that changes how text is read was changed")),
        }
    }

    /// The rows of the last of our own statements that were gathered as one text.
    async fn answers(&mut self) -> Result<Vec<Vec<Option<String>>>, Stop> {
        let (mut rows, mut refused) = (Vec::new(), None);
        loop {
            let Message { tag, body } = self.next().await?;
            match tag {
                b'T' => rows.clear(),
                b'D' => rows.push(texts(body)?),
                b'C' => {}
                b'E' => refused = Some(answer::error(body)?),
                b'Z' => return refused.map_or(Ok(rows), |said| Err(Stop::Refused(said))),
                _ => return Err(wrong("something else than an answer").into()),
            }
        }
    }

    /// The statement, in the transaction of its own in which it was looked at.
    async fn transaction(
        &mut self,
        place: &Place<'_>,
        work: &Work,
        rows: &mut Rows,
        doubt: &Doubt,
    ) -> Result<Done, NotDone> {
        let reads = work.access == Access::Read;
        if let Some(shape) = self.shape.take() {
            let changed = self.at_once(place, work, &shape, rows).await?;
            return Ok(Done { changed });
        }
        let shape = match self.begun(place, b'Z').await {
            // The server has ended it, perhaps long ago.
            Err(Stop::Broken(_)) if self.was_used => return Err(NotDone::Unused),
            begun => begun?,
        };
        if self.was_used && self.had_temporary && !in_time(self.has_no_temporary()).await {
            return Err(NotDone::Unused);
        }
        self.look_up(&shape.columns, reads).await?;
        self.bind(work, &shape);
        self.ask_for_rows(if reads { 0 } else { BATCH });
        if reads {
            // While its rows are read here, the server goes on.
            self.discard();
        }
        self.wire.send().await.map_err(Stop::from)?;
        let changed = self.take_rows(work, &shape.columns, rows).await?;
        if reads {
            self.known.remember(&work.text, shape);
        } else {
            self.query("COMMIT");
            self.open = false;
            self.discard();
            // Until then it is undone whatever happens. From then on it may be done and wait for a
            // standby, and being told to stop undoes nothing.
            doubt.begin();
            self.wire.send().await.map_err(Stop::from)?;
            self.committed(doubt).await?;
        }
        if work.access == Access::Admin {
            self.known = Known::default();
        }
        Ok(Done { changed })
    }

    /// What reads, and is known, in one flight: in a session that was looked at and in which nothing
    /// has run since. Of what it gives, nothing is taken before the server has said again who it is, and
    /// that the statement has what was known.
    async fn at_once(
        &mut self,
        place: &Place<'_>,
        work: &Work,
        shape: &Shape,
        rows: &mut Rows,
    ) -> Result<Option<u64>, Stop> {
        self.begin(true);
        self.parse(work);
        self.bind(work, shape);
        self.ask_for_rows(0);
        self.discard();
        self.wire.send().await?;
        if self.begun(place, b'T').await? != *shape {
            return Err(wrong("the statement has something else now").into());
        }
        self.take_rows(work, &shape.columns, rows).await
    }

    /// Begins a transaction, in which a role is taken on where there is one. What comes behind it in this
    /// flight the server passes over if any of this fails: nothing of anybody's runs outside of it.
    fn begin(&mut self, reads: bool) {
        self.open = true;
        self.runs(match reads {
            true => "BEGIN TRANSACTION READ ONLY",
            false => "BEGIN TRANSACTION READ WRITE",
        });
        if let Some(role) = self.role.clone() {
            self.runs(&settings_of(&role));
            self.runs(&format!("SET LOCAL ROLE {}", quoted(Engine::Postgresql, &role)));
        }
        // A query takes a snapshot, after which nothing makes a read-only transaction another one; and
        // says who will have run it.
        self.runs(WHO);
    }

    /// Gathers a statement of our own that is passed over where one before it failed.
    fn runs(&mut self, text: &str) {
        self.wire.put(b'P', |out| {
            put_text(out, "");
            put_text(out, text);
            out.put_u16(0);
        });
        self.wire.put(b'B', |out| out.put_slice(&[0; 8]));
        self.wire.put(b'E', |out| out.put_slice(&[0; 5]));
    }

    /// Asks what the statement is.
    fn parse(&mut self, work: &Work) {
        self.wire.put(b'P', |out| {
            put_text(out, "");
            put_text(out, &work.text);
            out.put_u16(0);
        });
        self.wire.put(b'D', |out| out.put_slice(b"S\0"));
    }

    /// Who the transaction is, and what the statement has, as far as it is said before this tag.
    async fn begun(&mut self, place: &Place<'_>, until: u8) -> Result<Shape, Stop> {
        // BEGIN, and what takes on a role.
        for _ in 0..if self.role.is_some() { 3 } else { 1 } {
            self.ran().await?;
        }
        let who = self.ran().await?;
        let user = self.role.as_deref().unwrap_or(&self.login);
        if !matches!(who.as_slice(), [one] if is_both(one, &self.login, user)) {
            return Err(Stop::Failed(PgError::SomebodyElse(format!("{who:?}")).explain(place, 0)));
        }
        self.described(until).await
    }

    /// The rows of one of what begins a transaction.
    async fn ran(&mut self) -> Result<Vec<Vec<Option<String>>>, Stop> {
        let (mut rows, mut refused) = (Vec::new(), None);
        loop {
            let Message { tag, body } = self.next().await?;
            match tag {
                // ParseComplete, BindComplete
                b'1' | b'2' if refused.is_none() => {}
                b'D' if refused.is_none() => rows.push(texts(body)?),
                b'C' if refused.is_none() => return Ok(rows),
                b'E' => refused = Some(answer::error(body)?),
                b'Z' => {
                    let silent = || wrong("a transaction that did not begin").into();
                    return Err(refused.map_or_else(silent, Stop::Refused));
                }
                _ => return Err(wrong("something else than an answer").into()),
            }
        }
    }

    /// What the server says of the statement before it runs it: types of parameters, and columns.
    async fn described(&mut self, until: u8) -> Result<Shape, Stop> {
        let (mut shape, mut refused) = (Shape::default(), None);
        loop {
            let Message { tag, body } = self.next().await?;
            match tag {
                // ParseComplete, and NoData in the place of columns
                b'1' | b'n' => {}
                b't' => shape.kinds = answer::parameters(body)?,
                b'T' => shape.columns = answer::columns(body)?,
                b'E' => refused = Some(answer::error(body)?),
                b'Z' => return refused.map_or(Ok(shape), |said| Err(Stop::Refused(said))),
                _ => return Err(wrong("something else than a description").into()),
            }
            if until == b'T' && matches!(tag, b'T' | b'n') {
                return Ok(shape);
            }
        }
    }

    /// Asks what is to be known of these columns, beside the statement, which is the unnamed one.
    async fn look_up(&mut self, columns: &[Described], reads: bool) -> Result<(), Stop> {
        let Some(question) = self.known.question(columns, reads) else { return Ok(()) };
        let answer = self.beside(&question).await?;
        self.known.learn(answer);
        Ok(())
    }

    /// What the server says to a statement of ours that leaves the unnamed one as it is.
    async fn beside(&mut self, text: &str) -> Result<Vec<Vec<Option<String>>>, Stop> {
        self.wire.put(b'P', |out| {
            put_text(out, "beside");
            put_text(out, text);
            out.put_u16(0);
        });
        self.wire.put(b'B', |out| out.put_slice(b"beside\0beside\0\0\0\0\0\0\0"));
        self.wire.put(b'E', |out| out.put_slice(b"beside\0\0\0\0\0"));
        for what in *b"PS" {
            self.wire.put(b'C', |out| {
                out.put_u8(what);
                put_text(out, "beside");
            });
        }
        self.sync();
        self.wire.send().await?;
        let (mut rows, mut refused) = (Vec::new(), None);
        loop {
            let Message { tag, body } = self.next().await?;
            match tag {
                b'D' => rows.push(texts(body)?),
                b'E' => refused = Some(answer::error(body)?),
                b'Z' => return refused.map_or(Ok(rows), |said| Err(Stop::Refused(said))),
                _ => {}
            }
        }
    }

    /// Gives the statement its values, as text, and says in which form each column is to come.
    fn bind(&mut self, work: &Work, shape: &Shape) {
        let Shape { kinds, columns } = shape;
        self.wire.put(b'B', |out| {
            out.put_slice(b"\0\0\0\0");
            out.put_u16(u16::try_from(work.params.len()).unwrap_or(u16::MAX));
            for (index, param) in work.params.iter().enumerate() {
                match parameters::text(&param.value, kinds.get(index).copied().unwrap_or(0)) {
                    None => out.put_i32(-1),
                    Some(text) => {
                        out.put_i32(i32::try_from(text.len()).unwrap_or(i32::MAX));
                        out.put_slice(text.as_bytes());
                    }
                }
            }
            out.put_u16(u16::try_from(columns.len()).unwrap_or(u16::MAX));
            columns.iter().for_each(|column| out.put_u16(values::is_binary(column.kind).into()));
        });
    }

    fn ask_for_rows(&mut self, most: u32) {
        self.wire.put(b'E', |out| {
            out.put_u8(0);
            out.put_u32(most);
        });
        self.sync();
    }

    /// Takes the rows that are wanted of what was asked for; returns how many it changed.
    async fn take_rows(
        &mut self,
        work: &Work,
        columns: &[Described],
        rows: &mut Rows,
    ) -> Result<Option<u64>, Stop> {
        let reads = work.access == Access::Read;
        rows.columns(self.known.columns(columns, &work.text, reads));
        let (mut changed, mut refused, mut is_suspended, mut is_enough) =
            (None, None, false, false);
        loop {
            let (tag, length) = self.wire.peek().await?;
            if tag == b'D' {
                if is_enough {
                    self.wire.skip().await?;
                } else if rows.wants(length) == Next::Enough {
                    is_enough = true;
                    if reads {
                        self.stop().await?;
                        return Ok(None);
                    }
                } else if rows.skips() {
                    self.wire.skip().await?;
                } else {
                    let row = answer::row(self.wire.receive(length).await?.body)?;
                    if row.len() != columns.len() {
                        return Err(wrong("a row of another width").into());
                    }
                    let read = columns.iter().zip(row);
                    let read = read.map(|(column, value)| values::value(column.kind, value));
                    let read = read.collect::<Result<_, _>>();
                    rows.push(read.map_err(|_| wrong("a value that is none of its type"))?, length);
                }
                continue;
            }
            let Message { tag, body } = self.wire.receive(MAX_MESSAGE).await?;
            match tag {
                // What a statement says while it runs: NoticeResponse, NotificationResponse
                b'N' | b'A' => {}
                b'S' => Self::pinned(body)?,
                // BindComplete, EmptyQueryResponse
                b'2' | b'I' => {}
                b's' if !reads => is_suspended = true,
                b'C' => changed = answer::changed(body)?.1,
                b'E' => refused = Some(answer::error(body)?),
                b'Z' => match refused {
                    Some(said) => return Err(Stop::Refused(said)),
                    None if is_suspended && !is_enough => {
                        is_suspended = false;
                        self.ask_for_rows(BATCH);
                        self.wire.send().await?;
                    }
                    None => return Ok(changed),
                },
                _ => return Err(wrong("something else than rows").into()),
            }
        }
    }

    /// Has the server stop sending rows of what only reads, and passes over those that have come.
    async fn stop(&mut self) -> Result<(), Stop> {
        let Some(canceller) = self.canceller.clone() else {
            // Nobody can tell it: it ends with its connection.
            self.life.is_lost = true;
            return Ok(());
        };
        let stopped = timeout(STOP_TIME, async { tokio::join!(canceller.cancel(), self.rest()).1 });
        match stopped.await {
            Ok(Ok(true)) => {}
            // The cancellation may still come, and would meet another call.
            Ok(Ok(false)) | Err(_) => self.life.is_lost = true,
            Ok(Err(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Passes over what is left of an answer; returns whether it was cancelled.
    async fn rest(&mut self) -> Result<bool, Error> {
        let mut is_canceled = false;
        loop {
            let (tag, _) = self.wire.peek().await?;
            match tag {
                b'E' => {
                    let body = self.wire.receive(MAX_MESSAGE).await?.body;
                    is_canceled = answer::error(body)?.code == CANCELED;
                }
                b'Z' => {
                    self.wire.skip().await?;
                    return Ok(is_canceled);
                }
                _ => self.wire.skip().await?,
            }
        }
    }

    /// COMMIT says ROLLBACK of a transaction that failed.
    async fn committed(&mut self, doubt: &Doubt) -> Result<(), Stop> {
        let (mut is_committed, mut refused) = (false, None);
        loop {
            let Message { tag, body } = self.next().await?;
            match tag {
                b'C' => is_committed = answer::changed(body)?.0 == "COMMIT",
                b'E' => refused = Some(answer::error(body)?),
                b'Z' => {
                    if !is_committed {
                        doubt.end();
                    }
                    return match refused {
                        Some(said) => Err(Stop::Refused(said)),
                        None if is_committed => Ok(()),
                        None => {
                            Err(Error::new(ErrorKind::InvalidData, "it was not committed").into())
                        }
                    };
                }
                _ => return Err(wrong("something else than an answer").into()),
            }
        }
    }

    /// Gathers what makes the session as new, and the look whether it is. Nobody waits for that: the
    /// next call reads what came of it before it runs anything.
    fn discard(&mut self) {
        if std::mem::replace(&mut self.open, false) {
            self.own("ROLLBACK");
        }
        if self.role.is_some() {
            self.own("RESET ROLE");
        }
        self.own("DISCARD ALL");
        self.own(LEFT);
    }

    fn own(&mut self, text: &str) {
        self.query(text);
        self.cleaning += 1;
    }

    /// Whether it is as new, and still the same login's.
    async fn is_clean(&mut self) -> bool {
        let mut left = Vec::new();
        while self.cleaning > 0 {
            let Ok(answer) = self.answers().await else { return false };
            left = answer;
            self.cleaning -= 1;
        }
        let [one] = left.as_slice() else { return false };
        let [_, _, Some(is_left), Some(temporary)] = one.as_slice() else { return false };
        self.had_temporary = temporary != NOWHERE;
        is_both(one, &self.login, &self.login) && is_left == "false"
    }

    /// Whether it has no temporary tables any more.
    async fn has_no_temporary(&mut self) -> bool {
        // The unnamed statement is there already, and a simple query would end it.
        let answer = self.beside(TEMPORARY).await.unwrap_or_default();
        matches!(answer.as_slice(), [one] if matches!(one.as_slice(), [Some(has)] if has == "false"))
    }
}

/// The values of a row, as texts.
fn texts(row: Bytes) -> Result<Vec<Option<String>>, Error> {
    let text = |text: Bytes| String::from_utf8_lossy(&text).into_owned();
    Ok(answer::row(row)?.into_iter().map(|value| value.map(text)).collect())
}

/// Whether a row begins with these two users.
fn is_both(row: &[Option<String>], session: &str, current: &str) -> bool {
    matches!(row, [Some(one), Some(other), ..] if one == session && other == current)
}

/// Sets for a transaction what is set for a role, which does not follow SET ROLE. What is pinned stays so:
/// where the text of statements finds its names, and how the server reads and writes text.
fn settings_of(role: &str) -> String {
    // A view over roles would be taken apart each time.
    let name = quoted(Engine::Postgresql, role).replace('\'', "''");
    format!(
        "SELECT pg_catalog.set_config(name, value, true) FROM (SELECT \
         pg_catalog.split_part(setting, '=', 1) AS name, pg_catalog.substr(setting, \
         pg_catalog.strpos(setting, '=') OPERATOR(pg_catalog.+) 1) AS value \
         FROM pg_catalog.pg_db_role_setting, pg_catalog.unnest(setconfig) AS setting \
         WHERE setrole OPERATOR(pg_catalog.=) pg_catalog.to_regrole('{name}')::pg_catalog.oid \
         AND setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0::pg_catalog.oid, \
         (SELECT oid FROM pg_catalog.pg_database WHERE datname \
         OPERATOR(pg_catalog.=) pg_catalog.current_database())]) ORDER BY setdatabase) AS own \
         WHERE pg_catalog.lower(name) OPERATOR(pg_catalog.<>) ALL (ARRAY[{NOT_OF_ROLES}])"
    )
}
