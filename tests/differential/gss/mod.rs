//! Security contexts between krb-proto and MIT's libgssapi, on tickets that this test seals itself:
//! no KDC takes part.

mod realm;

use krb_proto::Context;
use krb_proto::ap::RequestPolicy;
use krb_proto::gss::{
    Acceptor, AcceptorOptions, ChannelBindings, ChannelPolicy, GssError, Initiator,
    InitiatorOptions, Protection, SecurityContext, SequenceError,
};
use krb_proto::iana::EncType;
use krb_proto::spnego::{SpnegoAcceptor, SpnegoError, SpnegoInitiator};

use crate::entropy::Entropy;
use crate::peer::{Peer, hex};
use realm::{CLIENT, Realm, SERVICE, now};

const ENCTYPES: [EncType; 7] = [
    EncType::AES128_CTS_HMAC_SHA1_96,
    EncType::AES256_CTS_HMAC_SHA1_96,
    EncType::AES128_CTS_HMAC_SHA256_128,
    EncType::AES256_CTS_HMAC_SHA384_192,
    EncType::CAMELLIA128_CTS_CMAC,
    EncType::CAMELLIA256_CTS_CMAC,
    EncType::RC4_HMAC,
];

// RFC 2744.
const MUTUAL: u32 = 2;
const REPLAY: u32 = 4;
const SEQUENCE: u32 = 8;

/// MIT's library under one of its two mechanisms.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mechanism {
    Krb5,
    Spnego,
}

impl Mechanism {
    fn word(self) -> &'static str {
        match self {
            Self::Krb5 => "krb5",
            Self::Spnego => "spnego",
        }
    }
}

/// One of our contexts, whichever side of whichever mechanism it is.
#[derive(Debug)]
enum Ours {
    Initiator(Initiator),
    SpnegoInitiator(SpnegoInitiator),
    Acceptor(Acceptor),
    SpnegoAcceptor(SpnegoAcceptor),
}

impl Ours {
    fn context(&mut self) -> &mut SecurityContext {
        match self {
            Self::Initiator(initiator) => initiator.context_mut().expect("complete"),
            Self::SpnegoInitiator(initiator) => initiator.context_mut().expect("complete"),
            Self::Acceptor(acceptor) => acceptor.context_mut(),
            Self::SpnegoAcceptor(spnego) => spnego.acceptor_mut().expect("complete").context_mut(),
        }
    }
}

/// MIT's library and what it said last.
struct Mit(Peer);

impl Mit {
    /// A token and whether MIT's context is established.
    fn token(&mut self, words: &[&str]) -> Result<(bool, Vec<u8>), String> {
        let answer = self.0.ask(words)?;
        let (complete, token) = answer.split_first().expect("at least one octet");
        Ok((*complete == 1, token.to_vec()))
    }

    fn send(&mut self, message: &[u8], sealed: bool) -> Vec<u8> {
        self.0.ask(&["wrap", if sealed { "1" } else { "0" }, &hex(message)]).expect("wraps")
    }

    fn receive(&mut self, token: &[u8]) -> Result<(Vec<u8>, bool), String> {
        let answer = self.0.ask(&["unwrap", &hex(token)])?;
        let (sealed, message) = answer.split_first().expect("at least one octet");
        Ok((message.to_vec(), *sealed == 1))
    }
}

fn bindings(word: Option<&[u8]>) -> (Option<ChannelBindings>, String) {
    let ours = word.map(ChannelBindings::tls_server_end_point);
    let theirs =
        word.map_or("none".to_owned(), |hash| hex(&[b"tls-server-end-point:", hash].concat()));
    (ours, theirs)
}

/// We initiate, MIT accepts.
fn initiate(
    realm: &Realm,
    mechanism: Mechanism,
    options: &InitiatorOptions<'_>,
    acceptor_bound_to: &str,
    entropy: &mut Entropy,
) -> Result<(Ours, Mit), String> {
    let mut mit = Mit(realm.mit().expect("it was there before"));
    let mut cx = Context { now: now(), kdc_offset: 0, rng: entropy };
    let credential = &realm.credential;
    let (mut ours, token) = match mechanism {
        Mechanism::Krb5 => {
            let (initiator, token) = Initiator::new(credential, options, &mut cx).unwrap();
            (Ours::Initiator(initiator), token)
        }
        Mechanism::Spnego => {
            let (initiator, token) = SpnegoInitiator::new(credential, options, &mut cx).unwrap();
            (Ours::SpnegoInitiator(initiator), token)
        }
    };
    let (mut complete, mut reply) =
        mit.token(&["accept", mechanism.word(), acceptor_bound_to, &hex(&token)])?;
    // What remains to be said, by turns.
    while !reply.is_empty() {
        let answer = match &mut ours {
            Ours::Initiator(initiator) => initiator.step(&reply).map(|()| None).map_err(Into::into),
            Ours::SpnegoInitiator(initiator) => initiator.step(&reply),
            _ => unreachable!("we initiate"),
        };
        let Some(token) = answer.map_err(|error: SpnegoError| error.to_string())? else { break };
        (complete, reply) = mit.token(&["step", &hex(&token)])?;
    }
    assert!(complete, "MIT's acceptor is not done");
    assert_eq!(mit.0.ask(&["peer"]).as_deref(), Ok(CLIENT.as_bytes()));
    Ok((ours, mit))
}

/// MIT initiates, we accept.
fn accept(
    realm: &Realm,
    mechanism: Mechanism,
    flags: u32,
    initiator_bound_to: &str,
    bound: Option<&ChannelBindings>,
    entropy: &mut Entropy,
) -> Result<(Ours, Mit), SpnegoError> {
    let mut mit = Mit(realm.mit().expect("it was there before"));
    let flags = flags.to_string();
    let (mut complete, mut token) = mit
        .token(&["init", mechanism.word(), &flags, initiator_bound_to, SERVICE])
        .expect("MIT's initiator begins");
    let keys = |name: &_, kvno, enctype| realm.find_key(name, kvno, enctype);
    let channel = bound.map_or(ChannelPolicy::Ignore, ChannelPolicy::Require);
    let request = RequestPolicy { danger_allow_rc4: true, ..RequestPolicy::new(&keys) };
    let options = AcceptorOptions { request, channel, ..AcceptorOptions::new(&keys) };
    let mut cx = Context { now: now(), kdc_offset: 0, rng: entropy };
    let ours = match mechanism {
        Mechanism::Krb5 => {
            let (acceptor, reply) = Acceptor::accept(&token, &options, &mut cx)?;
            if let Some(reply) = reply {
                (complete, _) = mit.token(&["step", &hex(&reply)]).expect("MIT takes our AP-REP");
            }
            Ours::Acceptor(acceptor)
        }
        Mechanism::Spnego => {
            let mut spnego = SpnegoAcceptor::new();
            while let Some(reply) = spnego.step(&token, &options, &mut cx)? {
                (complete, token) = mit.token(&["step", &hex(&reply)]).expect("MIT takes it");
                if token.is_empty() {
                    break;
                }
            }
            Ours::SpnegoAcceptor(spnego)
        }
    };
    assert!(complete, "MIT's initiator is not done");
    let request = match &ours {
        Ours::Acceptor(acceptor) => acceptor.request(),
        Ours::SpnegoAcceptor(spnego) => spnego.acceptor().expect("complete").request(),
        _ => unreachable!("we accept"),
    };
    assert_eq!(request.client, realm.credential.client);
    Ok((ours, mit))
}

/// Messages of many lengths, of both kinds, in both directions.
fn talk(ours: &mut Ours, mit: &mut Mit, entropy: &mut Entropy) {
    for length in [0, 1, 15, 16, 17, 100, 5000] {
        let message = entropy.octets(length);
        for (protection, sealed) in
            [(Protection::Integrity, false), (Protection::Confidentiality, true)]
        {
            let token = ours.context().wrap(&message, protection, entropy);
            assert_eq!(mit.receive(&token), Ok((message.clone(), sealed)));
            let token = mit.send(&message, sealed);
            assert_eq!(ours.context().unwrap(&token), Ok((message.clone(), protection)));
        }
        let token = ours.context().get_mic(&message);
        assert_eq!(mit.0.ask(&["verify", &hex(&message), &hex(&token)]), Ok(vec![]));
        let token = mit.0.ask(&["mic", &hex(&message)]).expect("a MIC");
        assert_eq!(ours.context().verify_mic(&message, &token), Ok(()));
        let changed = [&message[..], b"!"].concat();
        let token = mit.0.ask(&["mic", &hex(&message)]).expect("a MIC");
        assert_eq!(ours.context().verify_mic(&changed, &token), Err(GssError::BadMessage));
        assert_eq!(ours.context().verify_mic(&message, &token), Ok(()));
    }
}

#[test]
fn we_initiate_mit_accepts() {
    let mut entropy = Entropy::new("we initiate");
    for enctype in ENCTYPES {
        let Some(realm) = Realm::new(enctype, &mut entropy) else { return };
        for mechanism in [Mechanism::Krb5, Mechanism::Spnego] {
            for (mutual, in_order) in [(true, true), (false, true), (true, false)] {
                let options = InitiatorOptions { mutual, in_order, ..Default::default() };
                let (mut ours, mut mit) =
                    initiate(&realm, mechanism, &options, "none", &mut entropy).unwrap();
                talk(&mut ours, &mut mit, &mut entropy);
            }
        }
    }
}

#[test]
fn mit_initiates_we_accept() {
    let mut entropy = Entropy::new("mit initiates");
    for enctype in ENCTYPES {
        let Some(realm) = Realm::new(enctype, &mut entropy) else { return };
        for mechanism in [Mechanism::Krb5, Mechanism::Spnego] {
            for flags in [MUTUAL | REPLAY | SEQUENCE, REPLAY | SEQUENCE, MUTUAL | REPLAY] {
                let (mut ours, mut mit) =
                    accept(&realm, mechanism, flags, "none", None, &mut entropy).unwrap();
                talk(&mut ours, &mut mit, &mut entropy);
            }
        }
    }
}

#[test]
fn messages_out_of_order_are_seen_by_both() {
    let mut entropy = Entropy::new("out of order");
    let enctype = EncType::AES256_CTS_HMAC_SHA1_96;
    let Some(realm) = Realm::new(enctype, &mut entropy) else { return };
    for in_order in [true, false] {
        let options = InitiatorOptions { in_order, ..Default::default() };
        let (mut ours, mut mit) =
            initiate(&realm, Mechanism::Krb5, &options, "none", &mut entropy).unwrap();
        let mut to_mit = || ours.context().wrap(b"m", Protection::Confidentiality, &mut entropy);
        let [first, second, third] = [to_mit(), to_mit(), to_mit()];
        let [one, two, three] = [(); 3].map(|()| mit.send(b"m", true));
        let taken = Ok((b"m".to_vec(), Protection::Confidentiality));
        let refused = |error| Err(GssError::Sequence(error));
        assert!(mit.receive(&first).is_ok());
        assert_eq!(mit.receive(&first), Err("duplicate".to_owned()));
        assert_eq!(ours.context().unwrap(&one), taken);
        assert_eq!(ours.context().unwrap(&one), refused(SequenceError::Replayed));
        if in_order {
            // MIT goes on behind the gap, we wait for what is missing.
            assert_eq!(mit.receive(&third), Err("gap".to_owned()));
            assert_eq!(mit.receive(&second), Err("out of sequence".to_owned()));
            assert_eq!(ours.context().unwrap(&three), refused(SequenceError::Gap));
            assert_eq!(ours.context().unwrap(&two), taken);
        } else {
            assert!(mit.receive(&third).is_ok() && mit.receive(&second).is_ok());
            assert_eq!(ours.context().unwrap(&three), taken);
            assert_eq!(ours.context().unwrap(&two), taken);
        }
    }
}

#[test]
fn every_flipped_bit_is_refused_by_both() {
    let mut entropy = Entropy::new("flipped bits");
    let enctype = EncType::AES128_CTS_HMAC_SHA256_128;
    let Some(realm) = Realm::new(enctype, &mut entropy) else { return };
    let (mut ours, mut mit) =
        initiate(&realm, Mechanism::Krb5, &InitiatorOptions::default(), "none", &mut entropy)
            .unwrap();
    for (protection, sealed) in
        [(Protection::Integrity, false), (Protection::Confidentiality, true)]
    {
        let from_us = ours.context().wrap(b"message", protection, &mut entropy);
        let from_mit = mit.send(b"message", sealed);
        for bit in 0..8 * from_us.len() {
            let flipped = |token: &[u8]| {
                let mut token = token.to_vec();
                token[bit / 8] ^= 1 << (bit % 8);
                token
            };
            assert!(mit.receive(&flipped(&from_us)).is_err(), "MIT takes bit {bit}");
            assert!(ours.context().unwrap(&flipped(&from_mit)).is_err(), "we take bit {bit}");
        }
        assert!(mit.receive(&from_us).is_ok());
        assert!(ours.context().unwrap(&from_mit).is_ok());
    }
}

#[test]
fn channel_bindings_are_the_same_for_both() {
    let mut entropy = Entropy::new("channel bindings");
    let enctype = EncType::AES256_CTS_HMAC_SHA384_192;
    let Some(realm) = Realm::new(enctype, &mut entropy) else { return };
    let (one, other) = ([1; 32], [2; 32]);
    for mechanism in [Mechanism::Krb5, Mechanism::Spnego] {
        for (initiator, acceptor, agree) in [
            (Some(&one[..]), Some(&one[..]), true),
            (Some(&one[..]), Some(&other[..]), false),
            (Some(&one[..]), None, true),
        ] {
            let ((our_initiator, mits_initiator), (our_acceptor, mits_acceptor)) =
                (bindings(initiator), bindings(acceptor));
            let options =
                InitiatorOptions { channel_bindings: our_initiator.as_ref(), ..Default::default() };
            let established = initiate(&realm, mechanism, &options, &mits_acceptor, &mut entropy);
            assert_eq!(established.is_ok(), agree, "{mechanism:?} {initiator:?} {acceptor:?}");
            let bound = our_acceptor.as_ref();
            let flags = MUTUAL | REPLAY | SEQUENCE;
            let established =
                accept(&realm, mechanism, flags, &mits_initiator, bound, &mut entropy);
            match established {
                Ok(_) => assert!(agree, "{mechanism:?} {initiator:?} {acceptor:?}"),
                Err(error) => {
                    assert!(!agree && error == GssError::ChannelBindings.into(), "{error}")
                }
            }
        }
    }
}
