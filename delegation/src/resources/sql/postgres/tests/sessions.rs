//! Sessions with a server that says what a test has it say.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep};

use super::{READY, says};
use crate::resources::kept::Keep as _;
use crate::resources::sql::failure::TooLong;
use crate::resources::sql::place::Place;
use crate::resources::sql::postgres::failure::PgError;
use crate::resources::sql::postgres::login::LoggedIn;
use crate::resources::sql::postgres::session::Session;
use crate::resources::sql::rows::Rows;
use crate::resources::sql::session::{Done, NotDone, Session as _};
use crate::resources::sql::statement::Access;
use crate::resources::sql::work::Work;
use crate::resources::{Doubt, Effect};
use crate::targets::{TargetConfig, Targets};

type Said = (u8, Vec<u8>);

/// No test takes so long.
const TIME: Duration = Duration::from_secs(60);

fn targets(host: &str) -> Targets {
    let config = serde_json::json!({
        "kind": "sql", "engine": "postgresql", "name": "pg", "host": host, "databases": ["app"],
        "roleTemplate": "{name}", "encryption": "gss"
    });
    let config: TargetConfig = serde_json::from_value(config).unwrap();
    Targets::new(vec![config]).unwrap()
}

fn place<'a>(targets: &'a Targets, user: &str) -> Place<'a> {
    let target = targets.iter().next().unwrap();
    let crate::resources::Endpoint::Sql(endpoint) = target.endpoint() else { panic!("a database") };
    Place { target, endpoint, database: "app", identity: user.into() }
}

fn row(values: &[&str]) -> Said {
    let count = u16::try_from(values.len()).unwrap();
    let mut body = count.to_be_bytes().to_vec();
    for value in values {
        body.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
        body.extend(value.as_bytes());
    }
    (b'D', body)
}

fn complete(tag: &str) -> Said {
    (b'C', format!("{tag}\0").into_bytes())
}

fn ready() -> Said {
    (READY.0, READY.1.to_vec())
}

/// An answer to statements of our own.
fn own(rows: &[&[&str]]) -> Vec<Said> {
    let rows = rows.iter().map(|values| row(values));
    rows.chain([complete("SELECT 1"), ready()]).collect()
}

/// What begins a transaction, and who that is.
fn began(who: &[&str]) -> Vec<Said> {
    let runs = || [(b'1', vec![]), (b'2', vec![])];
    let begun = runs().into_iter().chain([complete("BEGIN")]);
    begun.chain(runs()).chain([row(who), complete("SELECT 1")]).collect()
}

/// The same where a role is taken on.
fn taken_on(who: &[&str]) -> Vec<Said> {
    let runs = || [(b'1', vec![]), (b'2', vec![])];
    let began = |tag| runs().into_iter().chain([complete(tag)]);
    let begun = ["BEGIN", "SELECT 0", "SET"].into_iter().flat_map(began);
    begun.chain(runs()).chain([row(who), complete("SELECT 1")]).collect()
}

/// A statement with one column, `n`, of text; and its rows.
fn statement(rows: &[&str], end: &str) -> (Vec<Said>, Vec<Said>) {
    let column = [&b"\0\x01n\0"[..], &[0; 6], &25_u32.to_be_bytes(), &[0; 8]].concat();
    let described = vec![(b'1', vec![]), (b't', vec![0, 0]), (b'T', column), ready()];
    let rows = rows.iter().map(|value| row(&[value]));
    let ran = [(b'2', vec![])].into_iter().chain(rows).chain([complete(end), ready()]);
    (described, ran.collect())
}

/// The same of one that is known, and run without a word in between.
fn at_once(mut described: Vec<Said>) -> Vec<Said> {
    described.pop();
    described
}

/// What gives a statement with one column its values: it runs.
const BINDS: &[u8] = b"B\0\0\0\x0e\0\0\0\0\0\0\0\x01";

const BOB: &[&str] = &["bob", "bob"];

async fn session(
    place: &Place<'_>,
    said: &[Vec<Said>],
) -> Result<(Session, DuplexStream), PgError> {
    session_of(None, place, said).await
}

/// Of bob, who takes on this role.
async fn session_of(
    role: Option<&str>,
    place: &Place<'_>,
    said: &[Vec<Said>],
) -> Result<(Session, DuplexStream), PgError> {
    let said: Vec<_> = said.iter().flatten().map(|(tag, body)| (*tag, &body[..])).collect();
    let (wire, server) = says(&said);
    let role = role.map(Into::into);
    let logged_in = LoggedIn { wire, canceller: None, login: "bob".into(), role };
    Session::of(logged_in, place).await.map(|session| (session, server))
}

fn doubt() -> Doubt {
    Doubt::of(Effect::Each)
}

async fn run(
    session: &mut Session,
    place: &Place<'_>,
    access: Access,
    most: u32,
) -> (Result<Done, NotDone>, usize) {
    let work = Work { text: "SELECT n FROM t".into(), params: Vec::new(), access };
    let mut rows = Rows::new(0, most, 1 << 20);
    let times = (TIME, Instant::now() + TIME);
    let done = session.run(place, &work, &mut rows, times, &doubt()).await;
    (done.expect("in time"), rows.into_parts().rows.len())
}

#[tokio::test]
async fn who_it_is_is_asked_at_login_and_in_each_transaction() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    for found in [&["alice", "bob"][..], &["bob", "alice"], &["bob"]] {
        let session = session(&place, &[own(&[found])]).await;
        assert!(matches!(session, Err(PgError::SomebodyElse(_))), "{found:?}");
    }
    let none = session(&place, &[own(&[])]).await;
    assert!(matches!(none, Err(PgError::SomebodyElse(_))));
    let (described, ran) = statement(&["1"], "SELECT 1");
    let said = [own(&[BOB]), began(&["bob", "alice"]), described, ran];
    let (mut session, _server) = session(&place, &said).await.ok().unwrap();
    let (done, rows) = run(&mut session, &place, Access::Read, 10).await;
    assert!(matches!(done, Err(NotDone::Failed(_))));
    assert_eq!(rows, 0, "none of hers");
    assert!(session.is_lost());
}

#[tokio::test]
async fn what_is_not_as_new_is_not_used_again() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    // ROLLBACK, DISCARD ALL, and the look.
    let rolled_back = vec![complete("ROLLBACK"), ready()];
    let discarded = vec![complete("DISCARD ALL"), ready()];
    let fatal = vec![(b'E', b"C57P01\0Mterminating\0\0".to_vec())];
    let refused = vec![(b'E', b"C55000\0Mno\0\0".to_vec()), ready()];
    let left = |left: &[&str]| own(&[left]);
    for (what, said, is_used) in [
        ("as new", vec![discarded.clone(), left(&["bob", "bob", "false", "0"])], true),
        ("something is left", vec![discarded.clone(), left(&["bob", "bob", "true", "0"])], false),
        ("another role", vec![discarded.clone(), left(&["bob", "alice", "false", "0"])], false),
        ("another login", vec![discarded.clone(), left(&["alice", "bob", "false", "0"])], false),
        ("no answer", vec![discarded.clone(), own(&[])], false),
        ("half an answer", vec![discarded.clone(), left(&["bob", "bob", "false"])], false),
        ("refused", vec![refused, left(&["bob", "bob", "false", "0"])], false),
        (
            "ended",
            vec![discarded.clone(), left(&["bob", "bob", "false", "0"]), fatal.clone()],
            false,
        ),
        ("ended before", vec![discarded.clone(), fatal], false),
    ] {
        let (described, ran) = statement(&["1"], "SELECT 1");
        let mut all =
            vec![own(&[BOB]), began(BOB), described.clone(), ran.clone(), rolled_back.clone()];
        all.extend(said);
        let (mut session, mut server) = session(&place, &all).await.ok().unwrap();
        assert!(run(&mut session, &place, Access::Read, 10).await.0.is_ok(), "{what}");
        assert!(session.clean().await, "{what}: that is found out later");
        if is_used {
            super::tell(&mut server, &[began(BOB), at_once(described), ran].concat()).await;
            let (done, rows) = run(&mut session, &place, Access::Read, 10).await;
            assert!(done.is_ok(), "{what}");
            assert_eq!(rows, 1);
        } else {
            let mut sent = BytesMut::new();
            // Whoever ends a session closes its connection; what had come by then can still be read.
            let takes = async {
                if what.starts_with("ended") {
                    server.shutdown().await.unwrap();
                }
                while server.read_buf(&mut sent).await.unwrap() > 0 {}
            };
            let runs = async {
                let (done, rows) = run(&mut session, &place, Access::Write, 10).await;
                assert!(matches!(done, Err(NotDone::Unused)), "{what}");
                assert_eq!(rows, 0);
                assert!(session.is_lost());
                drop(session);
            };
            tokio::join!(takes, runs);
            // Of the second statement nothing went but what asks what it is, and that only where it was
            // not known yet.
            let bound = sent.windows(BINDS.len()).filter(|at| *at == BINDS).count();
            let parsed = sent.windows(14).filter(|at| *at == b"SELECT n FROM ").count();
            let is_known = !what.starts_with("ended");
            assert_eq!((bound, parsed), (1, if is_known { 1 } else { 2 }), "{what}");
        }
    }
}

#[tokio::test]
async fn what_was_not_committed_was_not_done() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    for (tag, is_done) in [("COMMIT", true), ("ROLLBACK", false)] {
        let (described, ran) = statement(&[], "UPDATE 3");
        let committed = vec![complete(tag), ready()];
        let said = [own(&[BOB]), began(BOB), described, ran, committed];
        let (mut session, _server) = session(&place, &said).await.ok().unwrap();
        let (done, _) = run(&mut session, &place, Access::Write, 10).await;
        match done {
            Ok(done) => assert!(is_done && done.changed == Some(3)),
            Err(_) => assert!(!is_done && session.is_lost()),
        }
    }
}

/// A COMMIT that waits for a standby is done here, whatever becomes of the waiting.
#[tokio::test(start_paused = true)]
async fn what_was_to_be_committed_may_have_been_and_what_was_not_yet_is_not() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    let (described, ran) = statement(&[], "UPDATE 3");
    let refused = vec![(b'E', b"C23503\0Mno such row\0\0".to_vec()), ready()];
    for (what, then, in_doubt) in [
        ("it runs", vec![], false),
        ("no answer to COMMIT", vec![ran.clone()], true),
        ("half an answer", vec![ran.clone(), vec![complete("COMMIT")]], true),
        ("rolled back", vec![ran.clone(), vec![complete("ROLLBACK"), ready()]], false),
        ("refused", vec![ran.clone(), refused], false),
    ] {
        let said = [vec![own(&[BOB]), began(BOB), described.clone()], then].concat();
        let (mut session, _server) = session(&place, &said).await.ok().unwrap();
        let (mut rows, doubt) = (Rows::new(0, 10, 1 << 20), doubt());
        let (text, access) = ("SELECT n FROM t".into(), Access::Write);
        let work = Work { text, params: Vec::new(), access };
        let times = (Duration::from_secs(1), Instant::now() + TIME);
        let done = session.run(&place, &work, &mut rows, times, &doubt).await;
        assert!(!matches!(done, Some(Ok(_))), "{what}");
        let failure = doubt.explain(TooLong(place.target, 1).into());
        let told = format!("{} {}", failure.message, failure.remedy);
        assert!(!told.contains("not done"), "{what}: {told}");
        assert_eq!(told.contains("it may have been done"), in_doubt, "{what}: {told}");
        assert_eq!(told.contains("look before"), in_doubt, "{what}: {told}");
        assert_eq!(failure.retryable, !in_doubt, "{what}");
    }
    // What only reads may be asked for again, whatever is said of it.
    let read = Doubt::of(Effect::None);
    read.begin();
    assert!(read.explain(TooLong(place.target, 1).into()).retryable);
}

#[tokio::test]
async fn a_session_that_cannot_be_cancelled_ends_where_it_would_have_to_be() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    let (described, ran) = statement(&["1", "2", "3"], "SELECT 3");
    let said = [own(&[BOB]), began(BOB), described, ran];
    let (mut session, _server) = session(&place, &said).await.ok().unwrap();
    let (done, rows) = run(&mut session, &place, Access::Read, 2).await;
    assert!(done.is_ok());
    assert_eq!(rows, 2);
    assert!(session.is_lost());
}

#[tokio::test]
async fn how_text_is_read_is_not_changed_under_us() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    for (setting, is_kept) in [
        (&b"standard_conforming_strings\0off\0"[..], false),
        (b"client_encoding\0SQL_ASCII\0", false),
        (b"application_name\0x\0", true),
    ] {
        // Between rows, and among notices.
        let (described, mut ran) = statement(&["1"], "SELECT 1");
        ran.splice(1..1, [(b'N', vec![0]), (b'S', setting.to_vec()), (b'A', vec![0])]);
        let said = [own(&[BOB]), began(BOB), described, ran];
        let (mut session, _server) = session(&place, &said).await.ok().unwrap();
        let (done, _) = run(&mut session, &place, Access::Read, 10).await;
        assert_eq!(done.is_ok(), is_kept);
        assert_eq!(session.is_lost(), !is_kept);
    }
}

#[tokio::test]
async fn temporary_tables_are_asked_after_where_there_were_some() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    for (has, is_used) in [("false", true), ("true", false)] {
        let (described, ran) = statement(&["1"], "SELECT 1");
        let discarded = vec![complete("DISCARD ALL"), ready()];
        let told = [own(&[BOB]), began(BOB), described.clone(), ran.clone()];
        let cleaned = [vec![complete("ROLLBACK"), ready()], discarded];
        let looked = [own(&[&["bob", "bob", "false", "16403"]]), began(BOB), described];
        let said = [&told[..], &cleaned, &looked, &[own(&[&[has]]), ran]].concat();
        let (mut session, _server) = session(&place, &said).await.ok().unwrap();
        assert!(run(&mut session, &place, Access::Read, 10).await.0.is_ok());
        assert!(session.clean().await);
        let (done, rows) = run(&mut session, &place, Access::Read, 10).await;
        assert_eq!(rows, usize::from(is_used), "{has}");
        match done {
            Ok(_) => assert!(is_used),
            Err(error) => assert!(!is_used && matches!(error, NotDone::Unused)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_look_at_a_kept_session_takes_none_of_its_statements_time() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    let (described, ran) = statement(&["1"], "SELECT 1");
    let discarded =
        [vec![complete("ROLLBACK"), ready()], vec![complete("DISCARD ALL"), ready()]].concat();
    let looked =
        [discarded, own(&[&["bob", "bob", "false", "0"]]), began(BOB), at_once(described.clone())];
    for (late, is_used) in [(4, true), (6, false)] {
        let said = [own(&[BOB]), began(BOB), described.clone(), ran.clone()];
        let (mut session, mut server) = session(&place, &said).await.ok().unwrap();
        assert!(run(&mut session, &place, Access::Read, 10).await.0.is_ok());
        assert!(session.clean().await);
        let answers = [looked.concat(), ran.clone()].concat();
        let cleans = async {
            sleep(Duration::from_secs(late)).await;
            super::tell(&mut server, &answers).await;
        };
        let work =
            Work { text: "SELECT n FROM t".into(), params: Vec::new(), access: Access::Read };
        let mut rows = Rows::new(0, 10, 1 << 20);
        let times = (Duration::from_secs(2), Instant::now() + TIME);
        let doubt = doubt();
        let runs = session.run(&place, &work, &mut rows, times, &doubt);
        let (done, ()) = tokio::join!(runs, cleans);
        match done.expect("it is none of the statement's time") {
            Ok(_) => assert!(is_used && !session.is_lost(), "{late}"),
            Err(error) => assert!(!is_used && matches!(error, NotDone::Unused), "{late}"),
        }
    }
}

#[tokio::test]
async fn what_is_refused_beside_a_statement_ends_that_and_no_session() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    // Of a type that is not built in.
    let column = [&b"\0\x01n\0"[..], &[0; 6], &99_999_u32.to_be_bytes(), &[0; 8]].concat();
    let described = vec![(b'1', vec![]), (b't', vec![0, 0]), (b'T', column), ready()];
    let refused = vec![(b'E', b"C55P03\0Mlocked\0\0".to_vec()), ready()];
    let said = [own(&[BOB]), began(BOB), described, refused];
    let (mut session, _server) = session(&place, &said).await.ok().unwrap();
    let (done, _) = run(&mut session, &place, Access::Read, 10).await;
    assert!(matches!(done, Err(NotDone::Refused(said)) if said.code == "55P03"));
    assert!(session.clean().await);
}

/// As new, and a statement that is known by then.
async fn known(place: &Place<'_>, then: &[Vec<Said>]) -> (Session, DuplexStream) {
    let (described, ran) = statement(&["1"], "SELECT 1");
    let cleaned = [vec![complete("ROLLBACK"), ready()], vec![complete("DISCARD ALL"), ready()]];
    let looked = [own(&[&["bob", "bob", "false", "0"]])];
    let first = [own(&[BOB]), began(BOB), described, ran];
    let said = [&first[..], &cleaned, &looked, then].concat();
    let (mut session, server) = session(place, &said).await.ok().unwrap();
    assert!(run(&mut session, place, Access::Read, 10).await.0.is_ok());
    assert!(session.clean().await);
    (session, server)
}

#[tokio::test]
async fn a_role_is_taken_on_in_the_flight_of_what_it_runs_and_nothing_is_taken_without_it() {
    let targets = targets("db.example.com");
    let place = place(&targets, "alice");
    let (described, ran) = statement(&["1"], "SELECT 1");
    let cleaned = ["ROLLBACK", "RESET", "DISCARD ALL"].map(|tag| vec![complete(tag), ready()]);
    let looked = [own(&[&["bob", "bob", "false", "0"]])];
    let taken = taken_on(&["bob", "alice"]);
    let first = [own(&[BOB]), own(&[]), taken.clone(), described.clone(), ran.clone()];
    let refused = [&taken[..6], &[(b'E', b"C42501\0Mnot yours\0\0".to_vec()), ready()]].concat();
    for (what, then) in [
        ("taken on", vec![taken, at_once(described.clone()), ran.clone()]),
        ("still the login", vec![taken_on(BOB), at_once(described.clone()), ran.clone()]),
        ("somebody else", vec![taken_on(&["bob", "carol"]), at_once(described), ran]),
        ("refused", vec![refused]),
    ] {
        let said = [&first[..], &cleaned, &looked, &then].concat();
        let (mut session, server) = session_of(Some("alice"), &place, &said).await.ok().unwrap();
        assert_eq!(run(&mut session, &place, Access::Read, 10).await.1, 1, "{what}");
        assert!(session.clean().await, "{what}");
        let (done, rows) = run(&mut session, &place, Access::Read, 10).await;
        match done {
            Ok(_) => assert_eq!((what, rows), ("taken on", 1)),
            Err(NotDone::Refused(said)) => assert_eq!((what, &*said.code), ("refused", "42501")),
            Err(NotDone::Failed(_)) => assert!(what.starts_with("s") && rows == 0, "{what}"),
            _ => panic!("{what}"),
        }
        assert_eq!(session.is_lost(), what.starts_with("s"), "{what}");
        // The server passes over it where the role is not taken on.
        assert!(sent(session, server).await.windows(BINDS.len()).any(|at| at == BINDS), "{what}");
    }
}

/// All that was sent, once a session is over.
async fn all_sent(session: Session, mut server: DuplexStream) -> BytesMut {
    drop(session);
    let mut sent = BytesMut::new();
    while server.read_buf(&mut sent).await.unwrap() > 0 {}
    sent
}

/// What was sent last.
async fn sent(session: Session, server: DuplexStream) -> BytesMut {
    let mut sent = all_sent(session, server).await;
    let second = sent.windows(14).rposition(|at| at == b"SELECT n FROM ").unwrap();
    sent.split_off(second)
}

#[tokio::test]
async fn what_reads_and_is_known_takes_one_flight() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    let (described, ran) = statement(&["1", "2"], "SELECT 2");
    let (mut session, server) = known(&place, &[began(BOB), at_once(described), ran]).await;
    let (done, rows) = run(&mut session, &place, Access::Read, 10).await;
    assert!(done.is_ok() && rows == 2 && !session.is_lost());
    // All of it is sent before anything of it is answered, what makes the session as new included.
    let sent = sent(session, server).await;
    assert!(sent.windows(BINDS.len()).any(|at| at == BINDS), "{sent:?}");
    assert!(sent.windows(11).any(|at| at == b"DISCARD ALL"));
}

#[tokio::test]
async fn nothing_of_the_next_call_runs_before_the_session_is_known_to_be_as_new() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    // What is known, and what is not: of that the server is asked what it is.
    for (access, asked) in [(Access::Read, 1), (Access::Write, 2)] {
        let (described, ran) = statement(&["1"], "SELECT 1");
        let first = [own(&[BOB]), began(BOB), described, ran];
        let (mut session, server) = session(&place, &first).await.ok().unwrap();
        assert!(run(&mut session, &place, Access::Read, 10).await.0.is_ok());
        assert!(session.clean().await);
        // The server is still at it.
        let late = run(&mut session, &place, access, 10);
        let late = tokio::time::timeout(std::time::Duration::from_millis(50), late).await;
        assert!(late.is_err());
        let sent = all_sent(session, server).await;
        assert_eq!(sent.windows(14).filter(|at| *at == b"SELECT n FROM ").count(), asked);
        assert_eq!(sent.windows(BINDS.len()).filter(|at| *at == BINDS).count(), 1, "{sent:?}");
    }
}

#[tokio::test]
async fn what_is_known_is_compared_before_any_row_is_taken() {
    let targets = targets("db.example.com");
    let place = place(&targets, "bob");
    let (described, ran) = statement(&["1"], "SELECT 1");
    let column = [&b"\0\x01n\0"[..], &[0; 6], &20_u32.to_be_bytes(), &[0; 8]].concat();
    let mut other = at_once(described.clone());
    other[2].1 = column;
    let refused = vec![(b'E', b"C42P01\0Mno table\0\0".to_vec()), ready()];
    let not_begun = vec![(b'E', b"C57014\0Mcancelled\0\0".to_vec()), ready()];
    for (what, said, is_kept) in [
        ("another type", vec![began(BOB), other, ran.clone()], false),
        ("another user", vec![began(&["bob", "alice"]), at_once(described), ran], false),
        ("refused", vec![began(BOB), refused], true),
        ("not begun", vec![not_begun], true),
    ] {
        let (mut session, _server) = known(&place, &said).await;
        let (done, rows) = run(&mut session, &place, Access::Read, 10).await;
        assert_eq!(rows, 0, "{what}");
        match done {
            Err(NotDone::Lost(_)) => assert_eq!(what, "another type"),
            Err(NotDone::Failed(_)) => assert_eq!(what, "another user"),
            Err(NotDone::Refused(_)) => assert!(is_kept, "{what}"),
            _ => panic!("{what}"),
        }
        assert_eq!(session.is_lost(), !is_kept, "{what}");
    }
}
