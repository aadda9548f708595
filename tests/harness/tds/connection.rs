//! A connection from its first byte on.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use krb_client::proto::gss::ChannelBindings;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::accept::{Negotiation, Who};
use super::directory::CONTENT;
use super::login::{self, Login};
use super::output::{Output, Stop};
use super::packet::{self, FIRST_SIZE, Message, Violation, Writer, wrong};
use super::prelogin::{self, NOT_SUPPORTED, OFF, ON, REQUIRED};
use super::request;
use super::session::{Failed, Scoped, Session};
use super::token::{self, DONE, DONE_PROC, SqlError};
use super::value::{Type, Value};
use super::{Encryption, Fault, LoggedIn, Said, Shared};

/// Logins take no longer.
const LOGIN_TIME: Duration = Duration::from_secs(20);

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

struct Opened {
    stream: Box<dyn Stream>,
    tls: Option<String>,
    alpn: Option<String>,
    bindings: Option<ChannelBindings>,
}

pub(super) async fn serve(shared: Arc<Shared>, socket: TcpStream, number: u16) {
    let _ = socket.set_nodelay(true);
    if let Err(error) = converse(&shared, socket, number).await {
        let violation = error.get_ref().and_then(|inner| inner.downcast_ref::<Violation>());
        let mut seen = shared.seen();
        match violation {
            Some(violation) => seen.violations.push(violation.0.clone()),
            None => seen.refused.push(error.to_string()),
        }
    }
}

async fn converse(shared: &Arc<Shared>, socket: TcpStream, number: u16) -> Result<()> {
    let login = tokio::time::timeout(LOGIN_TIME, log_in(shared, socket, number)).await;
    let login = login.map_err(|_| Error::from(ErrorKind::TimedOut))?;
    match login? {
        Some((session, stream, size)) => talk(shared, session, stream, size).await,
        None => Ok(()),
    }
}

async fn open(shared: &Shared, mut socket: TcpStream) -> Result<Opened> {
    if shared.options.encryption == Encryption::Strict {
        let tls = shared.tls.as_ref().expect("a certificate");
        let secured = tls.accept(socket).await?;
        let mut stream = secured.stream;
        // What PRELOGIN says of encryption has no meaning any more.
        let message = packet::read(&mut stream, FIRST_SIZE).await?;
        prelogin::read(&prelogin_of(message)?)?;
        answer(&mut stream, &prelogin::answer(REQUIRED)).await?;
        return Ok(Opened {
            stream: Box::new(stream),
            tls: Some(secured.protocol),
            alpn: secured.alpn,
            bindings: secured.bindings,
        });
    }
    let message = packet::read(&mut socket, FIRST_SIZE).await?;
    let asked = prelogin::read(&prelogin_of(message)?)?;
    if shared.has(Fault::EncryptsTheLogin) {
        answer(&mut socket, &prelogin::answer(OFF)).await?;
    } else if shared.options.encryption == Encryption::None || shared.has(Fault::DoesNotEncrypt) {
        if asked == REQUIRED || asked == ON {
            answer(&mut socket, &prelogin::answer(NOT_SUPPORTED)).await?;
            return match packet::read(&mut socket, FIRST_SIZE).await? {
                None => Err(Error::other("it wants encryption")),
                Some(_) => Err(wrong("it asked for encryption, got none, and went on")),
            };
        }
        answer(&mut socket, &prelogin::answer(NOT_SUPPORTED)).await?;
        return Ok(Opened { stream: Box::new(socket), tls: None, alpn: None, bindings: None });
    } else {
        // 2.2.6.5: to who could do without, too.
        answer(&mut socket, &prelogin::answer(if asked == ON { ON } else { REQUIRED })).await?;
        if asked == NOT_SUPPORTED {
            return Err(Error::other("it does not encrypt"));
        }
    }
    let tls = shared.tls.as_ref().expect("a certificate");
    let secured = tls.accept(socket).await?;
    Ok(Opened {
        stream: Box::new(secured.stream),
        tls: Some(secured.protocol),
        alpn: secured.alpn,
        bindings: secured.bindings,
    })
}

fn prelogin_of(message: Option<Message>) -> Result<Vec<u8>> {
    match message {
        Some(Message { kind: packet::PRELOGIN, body, .. }) => Ok(body),
        Some(other) => Err(wrong(format!("type {:#04x} in the place of PRELOGIN", other.kind))),
        None => Err(ErrorKind::UnexpectedEof.into()),
    }
}

async fn answer(stream: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> Result<()> {
    let mut writer = Writer::new(stream, FIRST_SIZE);
    writer.write(body).await?;
    writer.end().await
}

/// A login that came about: its session, its stream, the size of its packets. `None`: it was
/// refused, or sent on.
async fn log_in(
    shared: &Arc<Shared>,
    socket: TcpStream,
    number: u16,
) -> Result<Option<(Session, Box<dyn Stream>, usize)>> {
    let mut opened = open(shared, socket).await?;
    let Some(message) = packet::read(&mut opened.stream, FIRST_SIZE).await? else {
        return Ok(None);
    };
    if message.kind != packet::LOGIN7 {
        return Err(wrong(format!("type {:#04x} in the place of LOGIN7", message.kind)));
    }
    let login = login::read(&message.body)?;
    // Microsoft's ODBC driver 18.6 says 7.4 inside of TDS 8, too.
    if login.tds == 0x0800_0000 && shared.options.encryption != Encryption::Strict {
        return Err(wrong(format!("TDS {:#x} over {:?}", login.tds, shared.options.encryption)));
    }
    let proven = match &login.sspi {
        Some(token) => negotiate(shared, &mut opened, token.clone()).await?,
        None => by_password(shared, &login),
    };
    let (name, who) = match proven {
        Ok(proven) => proven,
        Err(error) => return refuse(shared, &mut opened, &error).await.map(|()| None),
    };
    let database = if login.database.is_empty() { "master" } else { &login.database };
    let session = Session::new(shared.clone(), &name, database, number);
    let session = match session {
        Ok(session) => session,
        Err(error) => return refuse(shared, &mut opened, &error).await.map(|()| None),
    };
    shared.seen().logins.push(LoggedIn {
        login: name,
        who,
        database: database.to_owned(),
        application: login.application.clone(),
        server: login.server.clone(),
        tds: login.tds,
        tls: opened.tls.clone(),
        alpn: opened.alpn.clone(),
        is_bound: shared.options.extended_protection && login.sspi.is_some(),
        read_only: login.read_only,
    });
    let asked = if login.packet_size == 0 { FIRST_SIZE } else { login.packet_size as usize };
    let size = asked.min(shared.options.packet_size);
    let mut body = [
        token::changed_database(database, "master"),
        token::info(5701, &format!("Changed database context to '{database}'.")),
        token::changed_collation(),
        token::login_ack(login.tds),
        token::changed_packet_size(size, FIRST_SIZE),
    ]
    .concat();
    if let Some((host, port)) = &shared.options.routes_to {
        body.extend_from_slice(&token::routed(host, *port));
    }
    body.extend_from_slice(&token::done(DONE, 0, 0));
    answer(&mut opened.stream, &body).await?;
    if shared.options.routes_to.is_some() {
        return match packet::read(&mut opened.stream, size).await? {
            None => Ok(None),
            Some(_) => Err(wrong("it was sent on, and stays")),
        };
    }
    Ok(Some((session, opened.stream, size)))
}

type Proven = std::result::Result<(String, Option<Who>), SqlError>;

async fn negotiate(shared: &Shared, opened: &mut Opened, mut token: Vec<u8>) -> Result<Proven> {
    let untrusted = |why: &str| {
        let what = "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.";
        shared.seen().refused.push(why.to_owned());
        Ok(Err(SqlError::new(18452, 14, what)))
    };
    let Some(keys) = &shared.keys else { return untrusted("no keytab") };
    let mut negotiation = Negotiation::default();
    let bindings = shared.options.extended_protection.then_some(&opened.bindings);
    let bindings = match bindings {
        Some(None) => return untrusted("nothing to bind a ticket to"),
        Some(Some(bindings)) => Some(bindings),
        None => None,
    };
    for _ in 0..4 {
        let (who, reply) = match negotiation.step(keys, &token, bindings) {
            Ok(stepped) => stepped,
            Err(why) => return untrusted(&why),
        };
        if let Some(reply) = reply.filter(|_| !shared.has(Fault::ProvesNothing)) {
            // A message of its own: some clients take no other.
            answer(&mut opened.stream, &token::sspi(&reply)).await?;
        }
        if let Some(who) = who {
            return Ok(windows_login(shared, who));
        }
        match packet::read(&mut opened.stream, FIRST_SIZE).await? {
            Some(Message { kind: packet::SSPI, body, .. }) => token = body,
            Some(other) => return Err(wrong(format!("type {:#04x} amid a login", other.kind))),
            None => return Err(ErrorKind::UnexpectedEof.into()),
        }
    }
    untrusted("a negotiation without end")
}

fn failed(user: &str, state: u8) -> SqlError {
    SqlError::new(18456, 14, format!("Login failed for user '{user}'.")).with_state(state)
}

fn windows_login(shared: &Shared, who: Who) -> Proven {
    let directory = shared.directory();
    match directory.login(&who.name) {
        Some(login) if login.password.is_none() => Ok((login.name.clone(), Some(who))),
        _ => Err(failed(&who.name, 1)),
    }
}

fn by_password(shared: &Shared, login: &Login) -> Proven {
    let directory = shared.directory();
    let known = directory.login(&login.user);
    match known.filter(|known| known.password.as_deref() == Some(&login.password)) {
        Some(known) => Ok((known.name.clone(), None)),
        None => Err(failed(&login.user, 1)),
    }
}

async fn refuse(shared: &Shared, opened: &mut Opened, error: &SqlError) -> Result<()> {
    shared.seen().refused.push(error.message.clone());
    let body = [token::error(error), token::done(DONE, token::ERROR, 0)].concat();
    answer(&mut opened.stream, &body).await
}

/// Requests, one after the other, until the connection ends.
async fn talk(
    shared: &Arc<Shared>,
    mut session: Session,
    stream: Box<dyn Stream>,
    size: usize,
) -> Result<()> {
    let (mut reader, writer) = tokio::io::split(stream);
    let (sender, inbox) = mpsc::channel(2);
    let reading = tokio::spawn(async move {
        loop {
            let message = packet::read(&mut reader, size).await.transpose();
            let Some(message) = message else { break };
            let is_last = message.is_err();
            if sender.send(message).await.is_err() || is_last {
                break;
            }
        }
    });
    let _ends_with_it = Ends(reading.abort_handle());
    let mut out = Output::new(Writer::new(writer, size), inbox);
    out.is_deaf = shared.has(Fault::IsDeaf);
    let mut is_first = true;
    loop {
        let Some(message) = out.inbox.recv().await else { return Ok(()) };
        let message = message?;
        // Some clients answer the last token of a login that is complete with an empty one.
        let is_late = [packet::LOGIN7, packet::SSPI].contains(&message.kind);
        if std::mem::take(&mut is_first) && is_late && message.body.len() <= 4 {
            continue;
        }
        let was_answered = message.kind == packet::ATTENTION;
        match request(shared, &mut session, message, &mut out).await {
            Ok(()) => {}
            Err(Stop::Broken(error)) => return Err(error),
            Err(Stop::Attention) => {
                shared.seen().attentions += 1;
                // The answer ends, then the attention has its own: Microsoft's JDBC driver waits for
                // two messages.
                if !was_answered {
                    out.forget();
                    out.done(DONE, token::ERROR, 0).await.map_err(broken)?;
                    out.end().await.map_err(broken)?;
                }
                out.done(DONE, token::ATTENTION, 0).await.map_err(broken)?;
                out.end().await.map_err(broken)?;
            }
        }
    }
}

struct Ends(tokio::task::AbortHandle);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn broken(stop: Stop) -> Error {
    match stop {
        Stop::Broken(error) => error,
        Stop::Attention => Error::other("attention"),
    }
}

async fn request<W: AsyncWrite + Unpin + Send>(
    shared: &Shared,
    session: &mut Session,
    message: Message,
    out: &mut Output<W>,
) -> std::result::Result<(), Stop> {
    if message.reset && !shared.has(Fault::ResetsNothing) {
        if let Err(error) = session.reset() {
            out.send(&token::error(&error)).await?;
            out.done(DONE, token::ERROR, 0).await?;
            out.end().await?;
            return Err(Stop::Broken(Error::other(error.message)));
        }
        out.send(&token::reset()).await?;
    }
    let said = |text: &str, is_call: bool| {
        if shared.is_listening.load(Ordering::Relaxed) {
            let (connection, original, user) = session.speaker();
            let text = text.to_owned();
            let said = Said { connection, original, user, text, is_call, reset: message.reset };
            shared.seen().requests.push(said);
        }
    };
    match message.kind {
        packet::BATCH => {
            let text = request::batch(&message.body, session.transaction)?;
            said(&text, false);
            session.run(&text, &mut Scoped::new(), DONE, out).await?;
            if !out.is_done() {
                out.done(DONE, 0, 0).await?;
            }
            out.end().await
        }
        packet::RPC => {
            let call = request::call(&message.body, session.transaction)?;
            let words = call.parameters.iter().find_map(|p| match &p.value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            });
            said(&format!("{}: {}", call.name, words.unwrap_or_default()), true);
            match session.procedure(call, out).await {
                Ok(returned) => {
                    out.send(&token::return_status(0)).await?;
                    if let Some((ordinal, name, handle)) = returned {
                        let value = Value::Int(handle);
                        let value = token::return_value(ordinal, &name, Type::Int, &value);
                        out.send(&value).await?;
                    }
                    out.done(DONE_PROC, 0, 0).await?;
                }
                Err(Failed::Stop(stop)) => return Err(stop),
                Err(Failed::Sql(error)) => {
                    out.send(&token::error(&error)).await?;
                    out.done(DONE_PROC, token::ERROR, 0).await?;
                }
            }
            out.end().await
        }
        packet::TRANSACTION => {
            let change = session.transaction_request(&message.body)?;
            out.send(&change).await?;
            out.done(DONE, 0, 0).await?;
            out.end().await
        }
        // It came when its answer was on the way already, and is answered all the same (2.2.1.7).
        packet::ATTENTION => Err(Stop::Attention),
        other => Err(Stop::Broken(wrong(format!("a request of type {other:#04x}")))),
    }
}

/// What the databases hold from the start.
pub(super) async fn fill(shared: &Arc<Shared>) {
    let (first, second) = {
        let directory = shared.directory();
        let users = &directory.databases["app"].users;
        let name = |at: usize| users.get(at).map_or_else(|| "nobody".into(), |u| u.name.clone());
        (name(2), name(3))
    };
    let long = "0123456789".repeat(1000);
    let text = CONTENT.replace("{owner}", &first).replace("{other}", &second);
    let text = text.replace("{long}", &long);
    let mut session = Session::new(shared.clone(), "sa", "app", 1).expect("sa");
    let (_sender, inbox) = mpsc::channel(1);
    let mut out = Output::new(Writer::new(tokio::io::sink(), 4096), inbox);
    let fine = session.run(&text, &mut Scoped::new(), DONE, &mut out).await;
    assert!(matches!(fine, Ok(true)), "what app holds: {:?}", session.last_error());
    let mut directory = shared.directory();
    let app = directory.databases.get_mut("app").expect("app");
    app.tables.get_mut("people").expect("people").owner = Some("owner".into());
    app.tables.get_mut("payroll").expect("payroll").readers = Some(vec!["dbo".into()]);
}
