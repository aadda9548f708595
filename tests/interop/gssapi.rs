//! python3-gssapi: contexts made and accepted by MIT's library with this KDC's tickets.

use base64ct::{Base64, Encoding};
use krb_client::accept::{Acceptor, AcceptorConfig, ServiceKeys};
use krb_client::proto::gss::{
    ChannelBindings, ChannelPolicy, Initiator, InitiatorOptions, Protection, SecurityContext,
};
use krb_client::proto::iana::NameType;
use krb_client::proto::spnego::SpnegoInitiator;
use krb_client::proto::{Context, Name};
use krb_client::{Client, Clock, OsRandom, SystemClock, UserTicket};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::mit::{here, kinit, kinit_with_keys};
use crate::world::{Ended, PATIENCE, World, installed};

const PYTHON: &str = "/usr/bin/python3";

pub(crate) fn gssapi() -> bool {
    here() && installed("/usr/lib/python3/dist-packages/gssapi", "python3-gssapi")
}

pub(crate) async fn context(
    world: &World,
    cache: &str,
    keytab_of: &str,
    arguments: &[&str],
) -> Ended {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/context.py");
    let keytab = world.keytab(keytab_of).await;
    let python = world.program(PYTHON, cache).args([program]).args(arguments);
    python.env("KRB5_KTNAME", keytab).run().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptor_sees_the_user() {
    if !gssapi() {
        return;
    }
    let world = World::new().await;
    kinit(&world, "alice", &["alice"], "alice's password").await.ok();
    let web = "HTTP/web.example.test@EXAMPLE.TEST";
    let seen = context(&world, "alice", "svc-web", &[web]).await.ok();
    assert_eq!(seen.trim(), "alice@EXAMPLE.TEST");
    // Another service's keys open nothing.
    context(&world, "alice", "svc-db", &[web]).await.refused("not found in keytab");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptor_sees_the_user_whom_a_front_end_stands_for() {
    if !gssapi() {
        return;
    }
    let world = World::new().await;
    kinit_with_keys(&world, "mcp", "svc-mcp").await.ok();
    let web = "HTTP/web.example.test@EXAMPLE.TEST";
    let as_user = async |user| context(&world, "mcp", "svc-web", &[web, "impersonate", user]).await;
    assert_eq!(as_user("alice").await.ok().trim(), "alice@EXAMPLE.TEST");
    as_user("dave").await.refused("can't fulfill requested option");
    let db = "postgres/db.example.test@EXAMPLE.TEST";
    context(&world, "mcp", "svc-db", &[db, "impersonate", "alice"])
        .await
        .refused("can't fulfill requested option");
}

/// The other end of a context, made or taken by MIT's library in a process of its own.
pub(crate) struct Peer {
    _process: Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

impl Peer {
    pub(crate) async fn start(world: &World, cache: &str, arguments: &[&str]) -> Self {
        Self::start_with(world, cache, arguments, &[]).await
    }

    async fn start_with(
        world: &World,
        cache: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/interop/programs/peer.py");
        let keytab = world.keytab("svc-web").await;
        let python = world.program(PYTHON, cache).args([program]).args(arguments);
        let python = python.env("KRB5_KTNAME", keytab);
        let python = variables.iter().fold(python, |python, (name, value)| python.env(name, value));
        let mut process = python.start();
        let to = process.stdin.take().unwrap();
        let from = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { _process: process, to, from }
    }

    /// What it says next.
    pub(crate) async fn line(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.from.next_line()).await;
        line.expect("it says nothing").unwrap().expect("it has ended")
    }

    /// The octets of its next line.
    pub(crate) async fn octets(&mut self) -> Vec<u8> {
        let line = self.line().await;
        Base64::decode_vec(&line).unwrap_or_else(|_| panic!("{line}"))
    }

    async fn tell(&mut self, words: &str) {
        self.to.write_all(format!("{words}\n").as_bytes()).await.unwrap();
    }

    pub(crate) async fn give(&mut self, octets: &[u8]) {
        self.tell(&Base64::encode_string(octets)).await;
    }

    /// Messages go to and fro, sealed and signed, and none that was changed.
    pub(crate) async fn converse(&mut self, context: &mut SecurityContext) {
        let message = b"for the other end alone";
        let spelled = Base64::encode_string(message);
        self.tell(&format!("wrap {spelled}")).await;
        let sealed = self.octets().await;
        let opened = context.unwrap(&sealed);
        assert_eq!(opened, Ok((message.to_vec(), Protection::Confidentiality)));
        for protection in [Protection::Confidentiality, Protection::Integrity] {
            let ours = context.wrap(message, protection, &mut OsRandom);
            self.tell(&format!("unwrap {}", Base64::encode_string(&ours))).await;
            assert_eq!(self.octets().await, message);
        }
        self.tell(&format!("mic {spelled}")).await;
        let mic = self.octets().await;
        assert_eq!(context.verify_mic(message, &mic), Ok(()));
        let ours = Base64::encode_string(&context.get_mic(message));
        self.tell(&format!("verify {} {ours}", Base64::encode_string(b"another"))).await;
        assert!(self.line().await.starts_with("error"));
        self.tell(&format!("verify {spelled} {ours}")).await;
        assert_eq!(self.octets().await, b"verified");
    }
}

/// Our end of a context, as it was begun.
enum Login {
    Spnego(SpnegoInitiator),
    Kerberos(Initiator),
}

impl Login {
    fn finish(&mut self, answer: &[u8]) -> &mut SecurityContext {
        match self {
            Self::Spnego(login) => {
                assert_eq!(login.step(answer), Ok(None));
                login.context_mut().unwrap()
            }
            Self::Kerberos(login) => {
                assert_eq!(login.step(answer), Ok(()));
                login.context_mut().unwrap()
            }
        }
    }
}

const SERVICE: &str = "HTTP/web.example.test@EXAMPLE.TEST";
/// What both ends bind to, where they agree; and what somebody between would.
const OURS: &str = "tls-server-end-point:ours";
const OTHERS: &str = "tls-server-end-point:another";

#[tokio::test(flavor = "multi_thread")]
async fn our_acceptor_takes_contexts_of_mits_bound_as_they_have_to_be() {
    if !gssapi() {
        return;
    }
    let world = World::new().await;
    kinit(&world, "alice", &["alice"], "alice's password").await.ok();
    let keys = ServiceKeys::keytab_file(world.keytab("svc-web").await);
    let acceptor = Acceptor::new(AcceptorConfig::new(keys));
    let ours = ChannelBindings::new(OURS.as_bytes());
    let (ignored, checked, demanded) =
        (ChannelPolicy::Ignore, ChannelPolicy::IfBound(&ours), ChannelPolicy::Require(&ours));
    for (binding, policy, expected) in [
        (None, ignored, Some(false)),
        (None, checked, Some(false)),
        (None, demanded, None),
        (Some(OURS), ignored, Some(false)),
        (Some(OURS), checked, Some(true)),
        (Some(OURS), demanded, Some(true)),
        (Some(OTHERS), checked, None),
        (Some(OTHERS), demanded, None),
    ] {
        for mechanism in [&["spnego"][..], &[]] {
            let mut words = vec!["initiate", SERVICE];
            words.extend(mechanism);
            words.extend(binding.map(|data| ["binding", data]).into_iter().flatten());
            let mut peer = Peer::start(&world, "alice", &words).await;
            let token = peer.octets().await;
            match (acceptor.accept(&token, policy).await, expected) {
                (Ok(mut accepted), Some(bound)) => {
                    assert_eq!(accepted.caller.principal.to_string(), "alice@EXAMPLE.TEST");
                    assert_eq!(accepted.caller.channel_bound, bound);
                    assert_eq!(accepted.caller.account.as_ref().unwrap().name, "alice");
                    peer.give(&accepted.answer).await;
                    assert_eq!(peer.line().await, "", "nothing is left to be said");
                    assert!(peer.line().await.starts_with("done alice@EXAMPLE.TEST"));
                    peer.converse(accepted.context_mut()).await;
                }
                (Err(refused), None) => {
                    assert!(refused.to_string().contains("not bound"), "{refused}");
                    peer.give(&refused.answer).await;
                    assert!(peer.line().await.starts_with("error"));
                }
                (other, _) => panic!("{binding:?} {policy:?}: {other:?}"),
            }
        }
    }
}

async fn alices_ticket(world: &World) -> UserTicket {
    let alice = Client::new(world.kdc.client_config("alice").unwrap());
    let service = Name::new(NameType::SRV_INST, ["HTTP", "web.example.test"]);
    alice.ticket(&service).await.unwrap()
}

/// A replay cache that MIT's services and ours have in common (`KRB5RCACHENAME=file2:…`).
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_mits_acceptor_took_is_not_taken_by_ours_nor_the_other_way_round() {
    if !gssapi() {
        return;
    }
    let world = World::new().await;
    let ticket = alices_ticket(&world).await;
    let name = format!("file2:{}", world.file("rcache").display());
    let ours = AcceptorConfig::new(ServiceKeys::keytab_file(world.keytab("svc-web").await));
    let ours = Acceptor::new(ours.with_replay_cache(&name).unwrap());
    let theirs = async |token: &[u8]| {
        let common = [("KRB5RCACHENAME", name.as_str())];
        let mut peer = Peer::start_with(&world, "nobody", &["accept"], &common).await;
        peer.give(token).await;
        peer.line().await
    };
    let token = || {
        let mut cx = Context { now: SystemClock.now(), kdc_offset: 0, rng: &mut OsRandom };
        Initiator::new(&ticket, &InitiatorOptions::default(), &mut cx).unwrap().1
    };
    let [first, second] = [token(), token()];
    let taken = theirs(&first).await;
    assert!(!taken.starts_with("error"), "{taken}");
    let refused = ours.accept(&first, ChannelPolicy::Ignore).await.unwrap_err().to_string();
    assert!(refused.contains("came before"), "{refused}");
    ours.accept(&second, ChannelPolicy::Ignore).await.unwrap();
    let refused = theirs(&second).await;
    assert!(refused.contains("Request is a replay"), "{refused}");
    // So many that one table does not hold them, and each is found again.
    for _ in 0..1200 {
        ours.accept(&token(), ChannelPolicy::Ignore).await.unwrap();
    }
    let last = token();
    ours.accept(&last, ChannelPolicy::Ignore).await.unwrap();
    for token in [&first, &second, &last] {
        assert!(theirs(token).await.contains("Request is a replay"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mits_acceptor_takes_contexts_of_ours_bound_as_they_have_to_be() {
    if !gssapi() {
        return;
    }
    let world = World::new().await;
    let ticket = alices_ticket(&world).await;
    for (ours, theirs, taken) in [
        (None, None, true),
        (Some(OURS), Some(OURS), true),
        (Some(OTHERS), Some(OURS), false),
        // MIT lets in who is bound to nothing, unless the client says that it always binds.
        (None, Some(OURS), true),
        (Some(OURS), None, true),
    ] {
        for spnego in [true, false] {
            let mut words = vec!["accept"];
            words.extend(theirs.map(|data| ["binding", data]).into_iter().flatten());
            let mut peer = Peer::start(&world, "nobody", &words).await;
            let bindings = ours.map(|data: &str| ChannelBindings::new(data.as_bytes()));
            let options = InitiatorOptions {
                channel_bindings: bindings.as_ref(),
                ..InitiatorOptions::default()
            };
            let mut cx = Context { now: SystemClock.now(), kdc_offset: 0, rng: &mut OsRandom };
            let (mut login, token) = match spnego {
                true => {
                    let (login, token) = SpnegoInitiator::new(&ticket, &options, &mut cx).unwrap();
                    (Login::Spnego(login), token)
                }
                false => {
                    let (login, token) = Initiator::new(&ticket, &options, &mut cx).unwrap();
                    (Login::Kerberos(login), token)
                }
            };
            peer.give(&token).await;
            if !taken {
                assert!(peer.line().await.contains("bindings"), "{ours:?} {theirs:?}");
                continue;
            }
            let context = login.finish(&peer.octets().await);
            assert!(peer.line().await.starts_with("done alice@EXAMPLE.TEST"));
            peer.converse(context).await;
        }
    }
}
