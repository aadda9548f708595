//! MIC and Wrap tokens: what is sent, and that nothing else is taken.

use std::vec::Vec;

use proptest::prelude::*;

use super::super::testing::{
    BOTH, MESSAGE, TestRng, assert_messages_arrive, bit_flips, enctypes, established,
};
use super::super::{Acceptor, Initiator, InitiatorOptions, SequenceError};
use super::*;
use crate::iana::EncType;

fn pair(enctype: EncType) -> (Initiator, Acceptor) {
    established(enctype, &InitiatorOptions::default())
}

/// A context that does not look at sequence numbers, so that many variants of one token can be
/// tried.
fn receiver(acceptor: &mut Acceptor) -> &mut SecurityContext {
    let context = acceptor.context_mut();
    context.received =
        super::super::sequence::SequenceWindow::new(0, super::super::GssFlags::default());
    context
}

#[test]
fn messages_arrive_in_both_directions() {
    for enctype in enctypes() {
        let (mut initiator, mut acceptor) = pair(enctype);
        assert_messages_arrive(initiator.context_mut().unwrap(), acceptor.context_mut());
    }
}

#[test]
fn headers_are_those_of_rfc_4121() {
    let (mut initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA1_96);
    let rng = &mut TestRng(9);
    let context = acceptor.context_mut();
    context.next_to_send = 0x0102_0304;
    let mic = context.get_mic(MESSAGE);
    assert_eq!(mic[..16], [4, 4, 5, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(mic.len(), 16 + 12);
    let signed = context.wrap(MESSAGE, Protection::Integrity, rng);
    assert_eq!(signed[..16], [5, 4, 5, 0xff, 0, 12, 0, 0, 0, 0, 0, 0, 1, 2, 3, 5]);
    assert_eq!(signed[16..16 + 23], *MESSAGE);
    let sealed = context.wrap(MESSAGE, Protection::Confidentiality, rng);
    assert_eq!(sealed[..16], [5, 4, 7, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 6]);
    assert_eq!(sealed.len(), 16 + 16 + 23 + 16 + 12, "header, confounder, message, header, MAC");
    let context = initiator.context_mut().unwrap();
    assert_eq!(context.get_mic(MESSAGE)[2], 4, "the acceptor's subkey, sent by the initiator");
}

#[test]
fn every_flipped_bit_and_every_truncation_is_refused() {
    for enctype in [EncType::AES128_CTS_HMAC_SHA1_96, EncType::AES256_CTS_HMAC_SHA384_192] {
        let (mut initiator, mut acceptor) = pair(enctype);
        let sender = initiator.context_mut().unwrap();
        let rng = &mut TestRng(9);
        let mic = sender.get_mic(MESSAGE);
        let tokens: Vec<_> = BOTH.iter().map(|&p| sender.wrap(MESSAGE, p, rng)).collect();
        let receiver = receiver(&mut acceptor);

        assert_eq!(receiver.verify_mic(MESSAGE, &mic), Ok(()));
        for (at, flipped) in bit_flips(&mic) {
            assert!(receiver.verify_mic(MESSAGE, &flipped).is_err(), "byte {at}");
        }
        for end in 0..mic.len() {
            assert!(receiver.verify_mic(MESSAGE, &mic[..end]).is_err(), "length {end}");
        }
        assert!(receiver.verify_mic(MESSAGE, &[&mic[..], b"x"].concat()).is_err());
        assert_eq!(receiver.verify_mic(b"another", &mic), Err(GssError::BadMessage));
        for token in tokens {
            assert!(receiver.unwrap(&token).is_ok());
            for (at, flipped) in bit_flips(&token) {
                // A rotation by a multiple of the length is none: such a token is the same one.
                let rrc = usize::from(u16::from_be_bytes([flipped[6], flipped[7]]));
                let same = rrc % (token.len() - HEADER) == 0 && matches!(at, 6 | 7);
                assert_eq!(receiver.unwrap(&flipped).is_ok(), same, "byte {at}");
            }
            for end in 0..token.len() {
                assert!(receiver.unwrap(&token[..end]).is_err(), "length {end}");
            }
        }
    }
}

#[test]
fn every_rotation_is_undone() {
    let (mut initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA384_192);
    let sender = initiator.context_mut().unwrap();
    for protection in BOTH {
        let token = sender.wrap(MESSAGE, protection, &mut TestRng(9));
        let (header, body) = token.split_first_chunk().unwrap();
        let receiver = receiver(&mut acceptor);
        for rrc in (0..300).chain([u16::MAX]) {
            let mut body = body.to_vec();
            let length = body.len();
            body.rotate_right(usize::from(rrc) % length);
            let rotated = [&Header(*header).with_rrc(rrc).0[..], &body].concat();
            assert_eq!(receiver.unwrap(&rotated), Ok((MESSAGE.to_vec(), protection)), "{rrc}");
        }
    }
}

/// Windows puts filler in front of the header's copy, so that its length is EC (RFC 4121 section
/// 4.2.4). EC is protected by that copy (CVE-2024-37370).
#[test]
fn filler_is_taken_off_and_its_length_is_protected() {
    let (initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA1_96);
    let sender = initiator.context().unwrap();
    let receiver = receiver(&mut acceptor);
    let seal = |inner_ec: u16, outer_ec: u16| {
        let header = Header::new(WRAP_ID, sender.flags_to_send() | SEALED, 1);
        let plaintext = [MESSAGE, &[0xaa; 16], &header.with_ec(inner_ec).0].concat();
        let cipher = sender.key.encrypt(KeyUsage::INITIATOR_SEAL, &plaintext, &mut TestRng(9));
        [&header.with_ec(outer_ec).0[..], &cipher].concat()
    };
    let expected = Ok((MESSAGE.to_vec(), Protection::Confidentiality));
    assert_eq!(receiver.unwrap(&seal(16, 16)), expected);
    assert_eq!(receiver.unwrap(&seal(16, 0)), Err(GssError::BadMessage), "message lengthened");
    assert_eq!(receiver.unwrap(&seal(16, 20)), Err(GssError::BadMessage), "message shortened");
    assert_eq!(receiver.unwrap(&seal(23 + 16, 23 + 16)).map(|(m, _)| m.len()), Ok(0));
    assert_eq!(receiver.unwrap(&seal(23 + 17, 23 + 17)), Err(GssError::BadMessage), "too long");
}

#[test]
fn sealed_text_without_a_header_in_it_is_refused() {
    let (initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA1_96);
    let sender = initiator.context().unwrap();
    let header = Header::new(WRAP_ID, sender.flags_to_send() | SEALED, 1);
    for length in 0..HEADER {
        let plaintext = &header.0[..length];
        let cipher = sender.key.encrypt(KeyUsage::INITIATOR_SEAL, plaintext, &mut TestRng(9));
        let token = [&header.0[..], &cipher].concat();
        assert_eq!(receiver(&mut acceptor).unwrap(&token), Err(GssError::BadMessage));
    }
}

/// RFC 4121 section 4.2.2: receivers ignore unknown flags. A sender that sets them signs them.
#[test]
fn unknown_flags_of_the_sender_are_ignored() {
    let (mut initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA1_96);
    let sender = initiator.context_mut().unwrap();
    for flag in [8, 16, 32, 64, 128] {
        let header = Header::new(MIC_ID, sender.flags_to_send() | flag, 1);
        let checksum = sender.checksum(KeyUsage::INITIATOR_SIGN, MESSAGE, header);
        let token = [&header.0[..], &checksum].concat();
        assert_eq!(receiver(&mut acceptor).verify_mic(MESSAGE, &token), Ok(()));
    }
}

/// The known flags are refused even where the protection holds.
#[test]
fn known_flags_must_fit_the_context() {
    let (mut initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA1_96);
    let sender = initiator.context_mut().unwrap();
    for flag in [SENT_BY_ACCEPTOR, SEALED, ACCEPTOR_SUBKEY] {
        let header = Header::new(MIC_ID, sender.flags_to_send() ^ flag, 1);
        let checksum = sender.checksum(KeyUsage::INITIATOR_SIGN, MESSAGE, header);
        let token = [&header.0[..], &checksum].concat();
        let result = receiver(&mut acceptor).verify_mic(MESSAGE, &token);
        assert_eq!(result, Err(GssError::BadMessage));
    }
}

#[test]
fn tokens_do_not_stand_for_each_other() {
    let (mut initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA1_96);
    let sender = initiator.context_mut().unwrap();
    let mic = sender.get_mic(b"");
    let wrapped = sender.wrap(b"", Protection::Integrity, &mut TestRng(9));
    let reflected = sender.get_mic(MESSAGE);
    assert_eq!(sender.verify_mic(MESSAGE, &reflected), Err(GssError::BadMessage), "our own");
    let receiver = receiver(&mut acceptor);
    assert_eq!(receiver.unwrap(&mic), Err(GssError::UnexpectedToken));
    assert_eq!(receiver.verify_mic(b"", &wrapped), Err(GssError::UnexpectedToken));
}

#[test]
fn order_is_kept_unless_waived() {
    let message = |context: &mut SecurityContext| {
        context.wrap(MESSAGE, Protection::Integrity, &mut TestRng(9))
    };
    let (mut initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA1_96);
    let sender = initiator.context_mut().unwrap();
    let (first, second) = (message(sender), message(sender));
    let receiver = acceptor.context_mut();
    assert_eq!(receiver.unwrap(&second), Err(GssError::Sequence(SequenceError::Gap)));
    assert!(receiver.unwrap(&first).is_ok());
    assert_eq!(receiver.unwrap(&first), Err(GssError::Sequence(SequenceError::Replayed)));
    assert!(receiver.unwrap(&second).is_ok());

    let options = InitiatorOptions { in_order: false, ..Default::default() };
    let (mut initiator, mut acceptor) = established(EncType::AES256_CTS_HMAC_SHA1_96, &options);
    let sender = initiator.context_mut().unwrap();
    let (first, second) = (message(sender), message(sender));
    let receiver = acceptor.context_mut();
    assert!(receiver.unwrap(&second).is_ok());
    assert!(receiver.unwrap(&first).is_ok());
    assert_eq!(receiver.unwrap(&first), Err(GssError::Sequence(SequenceError::Replayed)));
}

/// A forged number does not move the window: only authentic messages count.
#[test]
fn a_refused_message_leaves_the_context_as_it_was() {
    let (mut initiator, mut acceptor) = pair(EncType::AES256_CTS_HMAC_SHA1_96);
    let token = initiator.context_mut().unwrap().wrap(
        MESSAGE,
        Protection::Confidentiality,
        &mut TestRng(9),
    );
    let receiver = acceptor.context_mut();
    for (_, flipped) in bit_flips(&token[..HEADER]) {
        let forged = [&flipped[..], &token[HEADER..]].concat();
        let _ = receiver.verify_mic(MESSAGE, &forged);
        if usize::from(u16::from_be_bytes([flipped[6], flipped[7]])) == 0 {
            assert!(receiver.unwrap(&forged).is_err());
        }
    }
    assert!(receiver.unwrap(&token).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_message_arrives(message: Vec<u8>, sealed: bool, rrc: u16, seed: u64) {
        let (mut initiator, mut acceptor) = pair(EncType::AES128_CTS_HMAC_SHA256_128);
        let protection = BOTH[usize::from(sealed)];
        let token =
            initiator.context_mut().unwrap().wrap(&message, protection, &mut TestRng(seed));
        let (header, body) = token.split_first_chunk().unwrap();
        let mut body = body.to_vec();
        let length = body.len();
        body.rotate_right(usize::from(rrc) % length);
        let rotated = [&Header(*header).with_rrc(rrc).0[..], &body].concat();
        prop_assert_eq!(acceptor.context_mut().unwrap(&rotated), Ok((message, protection)));
    }

    #[test]
    fn garbage_is_refused(mut token: Vec<u8>, id in 0u8..3) {
        let (_, mut acceptor) = pair(EncType::AES128_CTS_HMAC_SHA256_128);
        for (to, from) in token.iter_mut().zip([id + 3, 4, ACCEPTOR_SUBKEY | id & SEALED, 0xff]) {
            *to = from;
        }
        prop_assert!(acceptor.context_mut().unwrap(&token).is_err());
        prop_assert!(acceptor.context_mut().verify_mic(MESSAGE, &token).is_err());
    }
}
