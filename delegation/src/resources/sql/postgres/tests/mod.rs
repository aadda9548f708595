//! Servers that do not do as they should, in memory. Real ones are in tests/e2e.

mod sessions;

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use krb_client::{Entropy, OsRandom};
use krb_proto::gss::Initiator;
use krb_proto::{Context, Credential, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::channel::{Channel, Sealed};
use super::failure::PgError;
use super::startup::{Key, Opening, Proof, begin};
use super::wire::Wire;
use crate::call::testing::ticket;

const ROOM: usize = 1 << 20;
/// To s@R, with nothing in it.
const TICKET: &[u8] =
    b"\x61\x2a\x30\x28\xa0\x03\x02\x01\x05\xa1\x03\x1b\x01R\xa2\x0e\x30\x0c\xa0\x03\x02\
    \x01\x02\xa1\x05\x30\x03\x1b\x01s\xa3\x0c\x30\x0a\xa0\x03\x02\x01\x12\xa2\x03\x04\x01\x00";

fn context() -> (Initiator, Vec<u8>) {
    let mut random: &dyn Entropy = &OsRandom;
    let now = Timestamp::new(1_700_000_000, 0);
    let mut cx = Context { now, kdc_offset: 0, rng: &mut random };
    let credential = Credential { ticket: TICKET.to_vec(), ..Credential::clone(&ticket(1)) };
    Initiator::new(&credential, &crate::resources::sql::postgres::secure::options(), &mut cx)
        .unwrap()
}

fn ticket_proof() -> Proof {
    let (context, token) = context();
    Proof::Ticket(Box::new(context), token)
}

fn password() -> Proof {
    Proof::Password(Zeroizing::new("secret".into()), None)
}

/// A server that says this, whatever it is told.
fn says(messages: &[(u8, &[u8])]) -> (Wire, DuplexStream) {
    let (ours, mut theirs) = duplex(ROOM);
    let mut said = BytesMut::new();
    for (tag, body) in messages {
        said.put_u8(*tag);
        said.put_u32(u32::try_from(body.len()).unwrap() + 4);
        said.put_slice(body);
    }
    let written = futures_util::FutureExt::now_or_never(theirs.write_all(&said));
    written.expect("room for it").unwrap();
    (Wire::new(Channel::Tls(Box::new(ours))), theirs)
}

/// And says this later.
async fn tell(server: &mut DuplexStream, messages: &[(u8, Vec<u8>)]) {
    for (tag, body) in messages {
        let length = u32::try_from(body.len()).unwrap() + 4;
        server.write_all(&[&[*tag][..], &length.to_be_bytes(), body].concat()).await.unwrap();
    }
}

async fn log_in(proof: Proof, messages: &[(u8, &[u8])]) -> Result<Option<Key>, PgError> {
    let opening = Opening { user: "alice", database: "app", search_path: None };
    let (mut wire, _server) = says(messages);
    let begun = begin(&mut wire, &opening, proof);
    timeout(Duration::from_secs(5), begun).await.expect("it does not wait for more")
}

const OK: (u8, &[u8]) = (b'R', &[0, 0, 0, 0]);
const READY: (u8, &[u8]) = (b'Z', b"I");
const KEY: (u8, &[u8]) = (b'K', &[0, 0, 0, 7, 1, 2, 3, 4]);
const ENCODING: (u8, &[u8]) = (b'S', b"client_encoding\0UTF8\0");
const STRINGS: (u8, &[u8]) = (b'S', b"standard_conforming_strings\0on\0");
const VERSION: (u8, &[u8]) = (b'S', b"server_version\x0015.18 (Debian)\0");

#[tokio::test]
async fn who_lets_the_user_in_without_proof_is_not_believed() {
    let good = [ENCODING, STRINGS, VERSION, KEY, READY];
    let begins = |with: &[(u8, &'static [u8])]| [with, &good].concat();
    for (proof, what, messages) in [
        (ticket_proof(), "trust", begins(&[OK])),
        (ticket_proof(), "a token is not waited for", begins(&[(b'R', &[0, 0, 0, 7]), OK])),
        (password(), "trust", begins(&[OK])),
    ] {
        let begun = log_in(proof, &messages).await;
        assert!(matches!(begun, Err(PgError::NoProof)), "{what}");
    }
    let scram = (b'R', &b"\0\0\0\x0aSCRAM-SHA-256\0\0"[..]);
    let begun = log_in(password(), &[&[scram, OK][..], &good].concat()).await;
    assert!(matches!(begun, Err(PgError::NoProof)), "SCRAM without the server's part");
    let garbage = [(b'R', &[0, 0, 0, 7][..]), (b'R', &[0, 0, 0, 8, 1, 2, 3]), OK];
    let begun = log_in(ticket_proof(), &[&garbage[..], &good].concat()).await;
    assert!(matches!(begun, Err(PgError::NotProven(_))), "an AP-REP that is none");
    assert!(log_in(Proof::Sealed, &begins(&[OK])).await.is_ok(), "GSS encryption is the proof");
}

#[tokio::test]
async fn nothing_is_shown_to_who_wants_something_else() {
    for (method, words) in [
        (&[0, 0, 0, 3][..], "clear text"),
        (&[0, 0, 0, 5, 1, 2, 3, 4], "MD5"),
        (&[0, 0, 0, 9], "SSPI"),
        (&[0, 0, 0, 8, 1], "ticket"),
        (&[0, 0, 0, 99], "unknown"),
    ] {
        for proof in [ticket_proof(), password(), Proof::Sealed, Proof::Certificate] {
            let Err(PgError::Wants(what)) = log_in(proof, &[(b'R', method)]).await else {
                panic!("{words}");
            };
            assert!(what.contains(words), "{what}");
        }
    }
    for proof in [ticket_proof(), Proof::Sealed, Proof::Certificate] {
        let scram = (b'R', &b"\0\0\0\x0aSCRAM-SHA-256\0\0"[..]);
        assert!(matches!(log_in(proof, &[scram]).await, Err(PgError::Wants(_))));
    }
    let plus = (b'R', &b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0\0"[..]);
    assert!(matches!(log_in(password(), &[plus]).await, Err(PgError::Wants(_))));
    let gss = (b'R', &[0, 0, 0, 7][..]);
    assert!(matches!(log_in(password(), &[gss]).await, Err(PgError::Wants(_))));
}

#[tokio::test]
async fn a_password_is_bound_to_the_certificate_where_the_server_can() {
    let offer = |mechanisms: &[&str]| {
        let names: Vec<u8> =
            mechanisms.iter().flat_map(|name| [name.as_bytes(), b"\0"].concat()).collect();
        [&[0, 0, 0, 10][..], &names, &[0]].concat()
    };
    let (plus, plain) = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256");
    for (end_point, offered, expected) in [
        (Some(vec![7; 32]), vec![plus, plain], Some((plus, "p=tls-server-end-point,,"))),
        (Some(vec![7; 32]), vec![plain, plus], Some((plus, "p=tls-server-end-point,,"))),
        // Somebody may have taken the offer away: the server knows, and is told that we could.
        (Some(vec![7; 32]), vec![plain], Some((plain, "y,,"))),
        (None, vec![plus, plain], Some((plain, "n,,"))),
        (None, vec![plus], None),
        (Some(vec![7; 32]), vec!["OAUTHBEARER"], None),
    ] {
        let proof = Proof::Password(Zeroizing::new("secret".into()), end_point);
        let opening = Opening { user: "alice", database: "app", search_path: None };
        let (mut wire, mut server) = says(&[(b'R', &offer(&offered))]);
        server.shutdown().await.unwrap();
        let begun = begin(&mut wire, &opening, proof).await;
        drop(wire);
        let mut sent = Vec::new();
        server.read_to_end(&mut sent).await.unwrap();
        let said = String::from_utf8_lossy(&sent);
        let Some((mechanism, header)) = expected else {
            assert!(matches!(begun, Err(PgError::Wants(_))), "{offered:?}");
            assert!(!said.contains("n=,r="), "nothing was shown");
            continue;
        };
        assert!(said.contains(&format!("{mechanism}\0\0\0")), "{offered:?}: {said:?}");
        assert!(said.contains(&format!("{header}n=,r=")), "{offered:?}: {said:?}");
    }
}

#[tokio::test]
async fn what_a_server_says_of_itself_is_looked_at() {
    let begun = async |messages: &[(u8, &[u8])]| log_in(Proof::Sealed, messages).await;
    let old = (b'S', &b"server_version\x0015.9\0"[..]);
    let none = begun(&[OK, ENCODING, STRINGS, KEY, READY]).await;
    assert!(matches!(none, Err(PgError::Old(_))), "no version");
    let refused = begun(&[OK, ENCODING, STRINGS, old, KEY, READY]).await;
    assert!(matches!(refused, Err(PgError::Old(version)) if version == "15.9"));
    for (setting, name) in [
        (&b"client_encoding\0SQL_ASCII\0"[..], "client_encoding"),
        (b"standard_conforming_strings\0off\0", "standard_conforming_strings"),
    ] {
        let messages = [OK, VERSION, ENCODING, STRINGS, (b'S', setting), KEY, READY];
        let refused = begun(&messages).await;
        assert!(matches!(refused, Err(PgError::Setting(found, _)) if found == name));
    }
    let keyless = begun(&[OK, ENCODING, STRINGS, VERSION, READY]).await;
    assert!(matches!(keyless, Ok(None)), "a session that cannot be cancelled");
    let refused = begun(&[(b'E', b"SFATAL\0C28000\0Mno such role\0DHint: other's\0\0")]).await;
    let Err(PgError::Refused(said)) = refused else { panic!("it said no") };
    assert_eq!((said.code.as_str(), said.message.as_str()), ("28000", "no such role"));
    for messages in [
        vec![(b'R', &[0, 0][..])],
        vec![(b'T', &[0, 0][..])],
        vec![OK, (b'D', &[0, 0])],
        vec![OK, (b'S', b"no end")],
        vec![OK, (b'E', b"Mno code\0\0")],
        vec![(b'N', &b"\0"[..]); 201],
    ] {
        let begun = begun(&messages).await;
        assert!(matches!(begun, Err(PgError::Broken(..))), "{messages:?}");
    }
}

#[tokio::test]
async fn messages_are_no_longer_than_they_may_be() {
    let (mut wire, mut server) = says(&[]);
    server.write_all(b"D\x7f\xff\xff\xff").await.unwrap();
    assert!(wire.receive(1 << 20).await.is_err(), "nothing of it is waited for");
    let (mut wire, mut server) = says(&[]);
    server.write_all(b"D\0\0\0\x03").await.unwrap();
    assert!(wire.peek().await.is_err(), "a length below its own");
    // One that is passed over takes no memory, however long it is.
    let (ours, mut server) = duplex(64 << 10);
    let mut wire = Wire::new(Channel::Tls(Box::new(ours)));
    let long = 50_u32 << 20;
    let writes = tokio::spawn(async move {
        server.write_all(&[&b"D"[..], &(long + 4).to_be_bytes()].concat()).await.unwrap();
        let part = vec![0; 1 << 20];
        for _ in 0..long >> 20 {
            server.write_all(&part).await.unwrap();
        }
        server.write_all(b"Z\0\0\0\x05I").await.unwrap();
    });
    wire.skip().await.unwrap();
    assert_eq!(wire.receive(1).await.unwrap().tag, b'Z');
    writes.await.unwrap();
    assert!(wire.room() < 1 << 20, "{}", wire.room());
}

#[tokio::test]
async fn frames_that_are_not_the_servers_are_not_read() {
    for frame in [
        &[0, 0, 0, 0][..],
        &[0, 0, 0x40, 0],
        &[0xff; 4],
        b"E\0\0\0 not encrypted",
        &[&[0, 0, 0, 20][..], &[5, 4, 0, 0xff], &[0; 16]].concat(),
    ] {
        let (ours, mut server) = duplex(ROOM);
        let (context, _) = context();
        let random: Arc<dyn Entropy> = Arc::new(OsRandom);
        let mut channel = Channel::Sealed(Sealed::new(Box::new(ours), context, random));
        server.write_all(frame).await.unwrap();
        let mut into = BytesMut::new();
        let read = timeout(Duration::from_secs(5), channel.read(&mut into)).await;
        assert!(read.expect("it waits for no more").is_err(), "{frame:?}");
        assert!(into.is_empty());
        assert!(channel.write(b"x").await.is_err(), "without a context nothing is written");
        drop(channel);
        let mut sent = Vec::new();
        server.read_to_end(&mut sent).await.unwrap();
        assert!(sent.is_empty());
    }
}
