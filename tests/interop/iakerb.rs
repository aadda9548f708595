//! IAKERB with MIT's library: who reaches no KDC logs in through the service. python3-gssapi's first token to it
//! is an empty one in the place of none, which its initiator takes for the service's; the sample client's is none.

use std::time::Duration;

use krb_client::proto::exchange::{AsExchange, ClientSecret, Login, TicketOptions};
use krb_client::proto::gss::{
    AcceptorOptions, IakerbAcceptor, IakerbDialect, IakerbInitiator, IakerbStep, InitiatorOptions,
    Protection,
};
use krb_client::proto::iana::{EncType, NameType};
use krb_client::proto::{Context, Name, Principal};
use krb_client::{Carry, Clock, Endpoint, OsRandom, SystemClock, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::gssapi::{Peer, gssapi};
use crate::world::{REALM, World, installed};

const PASSWORD: &str = "alice's password";

fn now(random: &mut OsRandom) -> Context<'_> {
    Context { now: SystemClock.now(), kdc_offset: 0, rng: random }
}

/// What the realm's KDC says to a message.
async fn ask(world: &World, message: Vec<u8>) -> Vec<u8> {
    let kdc = Endpoint::Tcp(world.kdc.addresses().kdc);
    let until = Instant::now() + Duration::from_secs(10);
    Transport::tcp().carry(kdc, message, until).await.unwrap()
}

/// What the sample programs of MIT's library say to one another: tokens with what they are, and their length.
const CONTEXT: u8 = 2;
const DATA: u8 = 4;
const MIC: u8 = 8;

async fn hear(client: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let kind = client.read_u8().await.ok()?;
    let mut token = vec![0; client.read_u32().await.ok()? as usize];
    client.read_exact(&mut token).await.ok()?;
    Some((kind, token))
}

async fn say(client: &mut TcpStream, kind: u8, token: &[u8]) {
    let length = u32::try_from(token.len()).unwrap();
    client.write_all(&[&[kind][..], &length.to_be_bytes(), token].concat()).await.unwrap();
}

/// Serves one of MIT's clients: passes on what it says to the KDC, and signs what it then sends. Whom it saw, and
/// how often the KDC was asked.
async fn serve(world: &World, client: &mut TcpStream) -> Option<(String, usize)> {
    let keytab = world.kdc.realms().keytab("svc-web").unwrap();
    let keys = |server: &Principal, kvno: Option<u32>, enctype: EncType| {
        keytab.keys(server, kvno, enctype)
    };
    let (mut acceptor, mut asked) = (IakerbAcceptor::default(), 0);
    // Which says that a context is next.
    hear(client).await?;
    let mut accepted = loop {
        let (_, token) = hear(client).await?;
        let options = AcceptorOptions::new(&keys);
        let answer = match acceptor.step(&token, &options, &mut now(&mut OsRandom)).unwrap() {
            IakerbStep::Ask { realm, message } => {
                assert_eq!(realm, REALM.as_bytes());
                asked += 1;
                let answer = ask(world, message).await;
                acceptor.relay(Some(&answer), SystemClock.now()).unwrap()
            }
            IakerbStep::AskedForRealm => panic!("alice's is known"),
            IakerbStep::Done(accepted, answer) => {
                say(client, CONTEXT, &answer.unwrap()).await;
                break accepted;
            }
        };
        say(client, CONTEXT, &answer).await;
    };
    let (kind, sealed) = hear(client).await?;
    assert!(kind & DATA != 0, "{kind}");
    let (message, protection) = accepted.context_mut().unwrap(&sealed).unwrap();
    assert_eq!(
        (&*message, protection),
        (&b"for the service's eyes"[..], Protection::Confidentiality)
    );
    let mic = accepted.context_mut().get_mic(&message);
    say(client, MIC, &mic).await;
    // Until it hangs up.
    while hear(client).await.is_some() {}
    Some((accepted.request().client.to_string(), asked))
}

/// Our acceptor passes on what MIT's initiator says to the KDC, which that one knows no way to.
#[tokio::test(flavor = "multi_thread")]
async fn whom_no_kdc_can_be_reached_by_logs_in_through_our_acceptor() {
    const CLIENT: &str = "/usr/bin/gss-client";
    if !installed(CLIENT, "krb5-gss-samples") {
        return;
    }
    let world = World::new().await;
    let conf = format!(
        "[libdefaults]\ndefault_realm = {REALM}\ndns_lookup_kdc = false\ndns_lookup_realm = false\n\
         dns_canonicalize_hostname = false\nrdns = false\n"
    );
    std::fs::write(world.file("nowhere.conf"), conf).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for (password, is_right) in [(PASSWORD, true), ("bob's password", false)] {
        let who = ["-iakerb", "-user", "alice", "-pass", password, "-port", &port];
        let what = ["127.0.0.1", "HTTP@web.example.test", "for the service's eyes"];
        let client = world.program(CLIENT, "nobody").args(who).args(what);
        let client = client.env("KRB5_CONFIG", world.file("nowhere.conf"));
        let (ended, seen) = tokio::join!(client.run(), async {
            serve(&world, &mut listener.accept().await.unwrap().0).await
        });
        let Some((whom, asked)) = seen else {
            assert!(!is_right, "{}", ended.text());
            continue;
        };
        assert!(is_right);
        assert!(asked >= 3, "what is wanted, a login, and a ticket: {asked}");
        assert_eq!(whom, "alice@EXAMPLE.TEST");
        assert!(ended.ok().contains("Signature verified."), "{}", ended.text());
    }
}

/// MIT's acceptor passes on what our initiator says to the KDC.
#[tokio::test(flavor = "multi_thread")]
async fn our_initiator_logs_in_through_mits_acceptor() {
    if !gssapi() {
        return;
    }
    let world = World::new().await;
    let mut peer = Peer::start(&world, "nobody", &["accept", "iakerb"]).await;
    let (alice, options) = (Principal::new(Name::user("alice"), REALM), TicketOptions::default);
    let secret = ClientSecret::Password(PASSWORD.as_bytes().to_vec().into());
    let service = Name::new(NameType::SRV_INST, ["HTTP", "web.example.test"]);
    let login = Login::new(AsExchange::new(alice, secret, options()), service, options());
    let mut random = OsRandom;
    let dialect = IakerbDialect::BeforeMit122;
    let begun = IakerbInitiator::new(Box::new(login), dialect, &mut now(&mut random));
    let (mut initiator, mut token) = begun.unwrap();
    loop {
        peer.give(&token).await;
        let answer = peer.octets().await;
        let step = initiator.step(&answer, &InitiatorOptions::default(), &mut now(&mut random));
        match step.unwrap() {
            Some(next) => token = next,
            None => break,
        }
    }
    assert!(initiator.is_complete(), "the service has proved itself");
    assert!(peer.line().await.starts_with("done alice@EXAMPLE.TEST"));
    peer.converse(initiator.login_mut().unwrap().context_mut().unwrap()).await;
}
