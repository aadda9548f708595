//! Tokens under RC4 keys: what is sent, and that nothing else is taken.

use super::super::sequence::SequenceWindow;
use super::super::testing::{
    BOTH, MESSAGE, NOW, Service, TestRng, assert_messages_arrive, at, bit_flips, established, hex,
    initiate,
};
use super::super::{
    Acceptor, AcceptorOptions, GssFlags, Initiator, InitiatorOptions, SequenceError,
};
use super::*;
use crate::Principal;
use crate::ap::ApRequestError;
use crate::crypto::{CryptoError, Key};
use crate::iana::EncType;

fn pair(options: &InitiatorOptions<'_>) -> (Initiator, Acceptor) {
    established(EncType::RC4_HMAC, options)
}

/// Looks at no sequence numbers, so that many variants of one token can be tried.
fn receiver(acceptor: &mut Acceptor) -> &mut SecurityContext {
    let context = acceptor.context_mut();
    context.received = SequenceWindow::new(0, GssFlags::default());
    context
}

#[test]
fn both_sides_agree_on_the_initiators_key() {
    for mutual in [true, false] {
        let (initiator, acceptor) = pair(&InitiatorOptions { mutual, ..Default::default() });
        let key = initiator.session_key().unwrap();
        assert_eq!(key, acceptor.context().session_key());
        assert_eq!(Some(key), acceptor.request().subkey.as_ref());
        assert_ne!(key, &acceptor.request().session_key);
    }
}

#[test]
fn rc4_must_be_asked_for() {
    let service = Service::new(EncType::RC4_HMAC);
    let (_, token) = initiate(&service.credential(), &InitiatorOptions::default());
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    let options = AcceptorOptions::new(&keys);
    let error = Acceptor::accept(&token, &options, &mut at(NOW, &mut TestRng(4))).err();
    let dangerous = CryptoError::DangerousEncType(EncType::RC4_HMAC);
    assert_eq!(error, Some(GssError::Request(ApRequestError::Ticket(dangerous))));
    // Export grade, which has keys of 40 bits, there is none of.
    let export = EncType(24);
    assert_eq!(Key::new(export, &[7; 16]), Err(CryptoError::UnsupportedEncType(export)));
}

#[test]
fn messages_arrive_in_both_directions() {
    for mutual in [true, false] {
        let (mut initiator, mut acceptor) =
            pair(&InitiatorOptions { mutual, ..Default::default() });
        assert_messages_arrive(initiator.context_mut().unwrap(), acceptor.context_mut());
    }
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    let (mut initiator, mut acceptor) = pair(&InitiatorOptions::default());
    let sender = initiator.context_mut().unwrap();
    let mic = sender.get_mic(MESSAGE);
    let tokens = BOTH.map(|protection| sender.wrap(MESSAGE, protection, &mut TestRng(9)));
    let receiver = receiver(&mut acceptor);

    // The number stands outside of the checksum, encrypted by a stream: whoever flips a bit of it
    // changes the number, which no longer fits where order is kept. A sealed token's number is its
    // salt as well.
    assert_eq!(receiver.verify_mic(MESSAGE, &mic), Ok(()));
    let mic_number = mic.len() - 16..mic.len() - 12;
    for (at, flipped) in bit_flips(&mic) {
        let taken = receiver.verify_mic(MESSAGE, &flipped).is_ok();
        assert_eq!(taken, mic_number.contains(&at), "byte {at}");
    }
    for end in 0..mic.len() {
        assert!(receiver.verify_mic(MESSAGE, &mic[..end]).is_err(), "length {end}");
    }
    assert!(receiver.verify_mic(MESSAGE, &[&mic[..], b"x"].concat()).is_err());
    assert_eq!(receiver.verify_mic(b"another", &mic), Err(GssError::BadMessage));
    for (token, protection) in tokens.iter().zip(BOTH) {
        assert_eq!(receiver.unwrap(token), Ok((MESSAGE.to_vec(), protection)));
        let signed = protection == Protection::Integrity;
        let end = token.len() - (8 + 8 + MESSAGE.len() + 1);
        for (at, flipped) in bit_flips(token) {
            let is_number = (end - 8..end - 4).contains(&at);
            assert_eq!(receiver.unwrap(&flipped).is_ok(), signed && is_number, "byte {at}");
        }
        for end in 0..token.len() {
            assert!(receiver.unwrap(&token[..end]).is_err(), "length {end}");
        }
        assert!(receiver.unwrap(&[&token[..], b"x"].concat()).is_err());
    }
}

#[test]
fn a_changed_number_is_out_of_order() {
    let (mut initiator, mut acceptor) = pair(&InitiatorOptions::default());
    let mic = initiator.context_mut().unwrap().get_mic(MESSAGE);
    let context = acceptor.context_mut();
    for (at, flipped) in bit_flips(&mic) {
        if (mic.len() - 16..mic.len() - 12).contains(&at) {
            let result = context.verify_mic(MESSAGE, &flipped);
            assert!(matches!(result, Err(GssError::Sequence(_))), "{result:?}");
        }
    }
    assert_eq!(context.verify_mic(MESSAGE, &mic), Ok(()));
    let replayed = Err(GssError::Sequence(SequenceError::Replayed));
    assert_eq!(context.verify_mic(MESSAGE, &mic), replayed);
}

#[test]
fn tokens_do_not_stand_for_each_other() {
    let (mut initiator, mut acceptor) = pair(&InitiatorOptions::default());
    let sender = initiator.context_mut().unwrap();
    let mic = sender.get_mic(MESSAGE);
    let wrapped = sender.wrap(MESSAGE, Protection::Integrity, &mut TestRng(9));
    assert_eq!(sender.verify_mic(MESSAGE, &mic), Err(GssError::BadMessage), "our own");
    assert_eq!(sender.unwrap(&wrapped), Err(GssError::BadMessage), "our own");
    let receiver = receiver(&mut acceptor);
    assert_eq!(receiver.unwrap(&mic), Err(GssError::UnexpectedToken));
    assert_eq!(receiver.verify_mic(MESSAGE, &wrapped), Err(GssError::UnexpectedToken));
    let (mut other, _) =
        established(EncType::AES128_CTS_HMAC_SHA1_96, &InitiatorOptions::default());
    let cfx = other.context_mut().unwrap().get_mic(MESSAGE);
    assert!(matches!(receiver.verify_mic(MESSAGE, &cfx), Err(GssError::Malformed(_))));
}

/// The padding is one octet, and what it says is protected; a body without it is none.
#[test]
fn a_body_has_its_padding() {
    let (initiator, mut acceptor) = pair(&InitiatorOptions::default());
    let sender = initiator.context().unwrap();
    let receiver = receiver(&mut acceptor);
    for (body, expected) in [
        (&[0; 8][..], false),
        (&[0; 7], false),
        (&[], false),
        (&[0, 0, 0, 0, 0, 0, 0, 0, 1], true),
        (&[0, 0, 0, 0, 0, 0, 0, 0, 0], false),
        (&[0, 0, 0, 0, 0, 0, 0, 0, 2, 2], false),
        (&[0, 0, 0, 0, 0, 0, 0, 1], false),
    ] {
        let checksum = sender.rc4_checksum(WRAP_USAGE, &SIGNED, body);
        let hidden_number = sender.rc4_hide(7, sender.role, &checksum);
        let token = Token { header: SIGNED, hidden_number, checksum, body }.write();
        assert_eq!(receiver.unwrap(&token).is_ok(), expected, "{body:?}");
    }
}

/// Recorded from MIT krb5 1.20.1 (libgssapi by python-gssapi, `allow_rc4 = true`) in contexts with
/// this crate: the key is the initiator's subkey, the initiator's first number 531484271; each side
/// made a MIC, then signed, then sealed [`MESSAGE`].
#[test]
fn tokens_of_mit() {
    let key = |hex_key| Key::danger_new_rc4(&hex(hex_key)).unwrap();
    for (role, key, first, tokens) in [
        (
            Role::Acceptor,
            key("1f60344d47b1bcd18ff4d788ae8a48a5"),
            Some(531_484_271),
            [
                "602306092a864886f71201020201011100ffffffff3ef058c9d33b49ac12b6ddff2e1e7a30",
                "604306092a864886f71201020202011100ffffffffeefb7b44c14387094e5b7716db7f2d30\
                 fd1a7979b7c7a3bb61206d657373616765206f66203233206f63746574732e01",
                "604306092a864886f712010202020111001000ffff6c94a30533abaa8f6780b0fc292e961a\
                 b03bd068db0942c7c79e9f42ed582942c5ec8b8973619d8e109cfce3d4f7677e",
            ],
        ),
        (
            Role::Initiator,
            key("1f00662787be29d9e7207c0e86a8620d"),
            None,
            [
                "602306092a864886f71201020201011100ffffffff1fd77ae7d4fb0ecd2abbed2f3202298f",
                "604306092a864886f71201020202011100fffffffff0608501208872b7d53d937b50fc0f4d\
                 8f41a4353dcc7efc61206d657373616765206f66203233206f63746574732e01",
                "604306092a864886f712010202020111001000ffff675b8deb1670c14d74e357f8967e0b02\
                 29a92a3511d800d0187659d629b0c59b8fb7064d823b78be1698bdfdcd913a1c",
            ],
        ),
    ] {
        let flags = if first.is_some() { GssFlags::SEQUENCE } else { GssFlags::default() };
        let mut context = SecurityContext {
            role,
            flags,
            key,
            acceptor_subkey: false,
            next_to_send: 0,
            received: SequenceWindow::new(first.unwrap_or(0), flags),
        };
        let [mic, signed, sealed] = tokens.map(hex);
        assert_eq!(context.verify_mic(MESSAGE, &mic), Ok(()));
        for (token, protection) in [signed, sealed].iter().zip(BOTH) {
            assert_eq!(context.unwrap(token), Ok((MESSAGE.to_vec(), protection)));
        }
    }
}
