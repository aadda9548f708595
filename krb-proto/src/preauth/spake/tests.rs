use std::assert_eq;
use std::vec::Vec;

use super::*;
use crate::asn1::{EncryptedData, PaSpake, SpakeResponse, SpakeSecondFactor, SpakeSupport};
use crate::der::{self, List};
use crate::iana::EncType;

struct Vector(Vec<(&'static str, &'static str)>);

impl Vector {
    fn all() -> Vec<Self> {
        let paragraphs = include_str!("vectors.txt").split("\n\n").skip(1);
        paragraphs
            .map(|text| Self(text.lines().map(|line| line.split_once(' ').unwrap()).collect()))
            .collect()
    }

    fn text(&self, name: &str) -> Option<&'static str> {
        self.0.iter().find(|(found, _)| *found == name).map(|(_, value)| *value)
    }

    fn octets(&self, name: &str) -> Option<Vec<u8>> {
        let hex = self.text(name)?.as_bytes().chunks(2);
        Some(hex.map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect())
    }

    fn get(&self, name: &str) -> Vec<u8> {
        self.octets(name).unwrap()
    }

    fn key(&self, name: &str) -> Key {
        let octets = self.get(name);
        match self.text("enctype").unwrap() {
            "23" => Key::danger_new_rc4(&octets).unwrap(),
            number => Key::new(EncType(number.parse().unwrap()), &octets).unwrap(),
        }
    }

    fn agreement(&self, side: Side, private: &str) -> Agreement {
        let group = SpakeGroup::from_number(self.text("group").unwrap().parse().unwrap()).unwrap();
        let private = Zeroizing::new(self.get(private));
        Agreement::with_private(group, side, &self.key("ikey"), private).unwrap()
    }
}

#[test]
fn vectors_of_rfc_9588_appendix_b() {
    let vectors = Vector::all();
    assert_eq!(vectors.len(), 8);
    for vector in &vectors {
        let kdc = vector.agreement(Side::Kdc, "x");
        let client = vector.agreement(Side::Client, "y");
        assert_eq!(*client.w, vector.get("w"));
        assert_eq!(kdc.public(), vector.get("T"));
        assert_eq!(client.public(), vector.get("S"));

        let (support, challenge) = (vector.octets("support"), vector.get("challenge"));
        let transcript = Transcript::new(client.group, support.as_deref(), &challenge);
        let body = vector.get("body");
        let ours = client.keys(kdc.public(), transcript.clone(), &body).unwrap();
        let theirs = kdc.keys(client.public(), transcript, &body).unwrap();
        for keys in [ours, theirs] {
            assert_eq!(*keys.shared, vector.get("K"));
            assert_eq!(keys.transcript, vector.get("thash"));
            assert_eq!(keys.reply_key().unwrap(), vector.key("K0"));
            for (number, name) in [(1, "K1"), (2, "K2"), (3, "K3")] {
                assert_eq!(keys.message_key(number).unwrap(), vector.key(name));
            }
        }

        let PaSpake::Challenge(challenge) = der::decode(&challenge).unwrap() else { panic!() };
        assert_eq!((challenge.group, challenge.pubkey), (client.group.number(), kdc.public()));
        assert_eq!(challenge.factors.iter().map(|factor| factor.factor_type).max(), Some(1));
    }
}

#[test]
fn another_password_or_another_word_makes_other_keys() {
    let key = aes;
    for group in SpakeGroup::ALL {
        let mut rng = seeded(1);
        let kdc = Agreement::new(group, Side::Kdc, &key(1), &mut rng).unwrap();
        let client = Agreement::new(group, Side::Client, &key(1), &mut rng).unwrap();
        let said = |challenge: &[u8]| Transcript::new(group, Some(b"support"), challenge);
        let reply_key = |agreement: &Agreement, peer: &Agreement, challenge: &[u8], body: &[u8]| {
            agreement.keys(peer.public(), said(challenge), body).unwrap().reply_key().unwrap()
        };
        let agreed = reply_key(&client, &kdc, b"challenge", b"body");
        assert_eq!(reply_key(&kdc, &client, b"challenge", b"body"), agreed);
        assert_ne!(reply_key(&kdc, &client, b"another", b"body"), agreed, "changed on the way");
        assert_ne!(reply_key(&kdc, &client, b"challenge", b"another"), agreed);
        let guess = Agreement::new(group, Side::Kdc, &key(2), &mut rng).unwrap();
        let guessed = reply_key(&guess, &client, b"challenge", b"body");
        assert_ne!(guessed, reply_key(&client, &guess, b"challenge", b"body"), "wrong password");
    }
}

/// A peer that sends no element, one of small order, or its own mask.
#[test]
fn elements_that_are_none_are_refused() {
    for vector in Vector::all() {
        let client = vector.agreement(Side::Client, "y");
        let refused = |peer: &[u8]| {
            let transcript = Transcript::new(client.group, None, b"challenge");
            assert_eq!(client.keys(peer, transcript, b"").err(), Some(SpakeError::PublicElement));
        };
        let good = vector.get("T");
        (0..good.len()).for_each(|end| refused(&good[..end]));
        refused(&[&good[..], &[0]].concat());
        refused(&[0xff; 67][..good.len()]);
        // The mask alone: what is left without it is neutral.
        let zero = Zeroizing::new(std::vec![0; client.group.multiplier_len()]);
        let kdc = Agreement::with_private(client.group, Side::Kdc, &vector.key("ikey"), zero);
        refused(kdc.unwrap().public());
    }
    let vector = &Vector::all()[0];
    let client = vector.agreement(Side::Client, "y");
    // The mask and a point of order two: clearing the cofactor leaves nothing.
    let mut mask = [0; 32];
    let zero = Zeroizing::new(std::vec![0; 32]);
    let kdc = Agreement::with_private(client.group, Side::Kdc, &vector.key("ikey"), zero).unwrap();
    mask.copy_from_slice(kdc.public());
    let element = curve25519_dalek::edwards::CompressedEdwardsY(mask).decompress().unwrap();
    let shifted = element + curve25519_dalek::constants::EIGHT_TORSION[4];
    let transcript = Transcript::new(client.group, None, b"challenge");
    assert!(client.keys(&shifted.compress().0, transcript, b"").is_err());
}

#[test]
fn nothing_secret_is_printed() {
    let vector = &Vector::all()[1];
    let client = vector.agreement(Side::Client, "y");
    let keys = client.keys(&vector.get("T"), Transcript::new(client.group, None, b""), b"");
    let printed = std::format!("{client:?} {:?}", keys.unwrap());
    assert_eq!(
        printed,
        "Agreement { group: Edwards25519, side: Client, .. } SpakeKeys { group: Edwards25519, .. }"
    );
}

/// Who asks for a challenge, and who answers it, with the KDC between them keeping nothing.
struct Conversation {
    challenge: KdcChallenge,
    support: Vec<u8>,
}

fn seeded(octet: u8) -> impl Random {
    struct Counter(u8);
    impl Random for Counter {
        fn fill(&mut self, out: &mut [u8]) {
            out.iter_mut().for_each(|octet| {
                self.0 = self.0.wrapping_mul(29).wrapping_add(7);
                *octet = self.0;
            });
        }
    }
    Counter(octet)
}

fn aes(octet: u8) -> Key {
    Key::new(EncType::AES256_CTS_HMAC_SHA1_96, &[octet; 32]).unwrap()
}

fn support(groups: &[i32]) -> Vec<u8> {
    der::encode(&PaSpake::Support(SpakeSupport { groups: List::of(groups) }))
}

impl Conversation {
    fn new(groups: &[SpakeGroup]) -> Self {
        let support = support(&[4, 3, 2, 1]);
        let challenge = challenge(groups, &aes(1), &support, &mut seeded(3)).unwrap();
        Self { challenge, support }
    }

    fn group(&self) -> SpakeGroup {
        let PaSpake::Challenge(challenge) = der::decode(&self.challenge.message).unwrap() else {
            panic!("a challenge")
        };
        SpakeGroup::from_number(challenge.group).unwrap()
    }

    /// The client's response and the key that it expects.
    fn response(&self, key: &Key, factor: &SpakeSecondFactor<'_>) -> (Vec<u8>, Key) {
        let PaSpake::Challenge(challenge) = der::decode(&self.challenge.message).unwrap() else {
            panic!("a challenge")
        };
        let client = Agreement::new(self.group(), Side::Client, key, &mut seeded(9)).unwrap();
        let said = Transcript::new(self.group(), Some(&self.support), &self.challenge.message);
        let keys = client.keys(challenge.pubkey, said, b"body").unwrap();
        let factor_key = keys.message_key(1).unwrap();
        let cipher =
            factor_key.encrypt(crate::iana::KeyUsage::SPAKE, &der::encode(factor), &mut seeded(4));
        let factor = EncryptedData { etype: factor_key.enctype(), kvno: None, cipher: &cipher };
        let response = SpakeResponse { pubkey: client.public(), factor };
        (der::encode(&PaSpake::Response(response)), keys.reply_key().unwrap())
    }
}

const NONE: SpakeSecondFactor<'_> = SpakeSecondFactor { factor_type: SF_NONE, data: None };

#[test]
fn a_kdc_challenges_in_the_first_of_the_clients_groups_that_it_has() {
    let chosen = |groups: &[SpakeGroup], offered: &[i32]| {
        challenge(groups, &aes(1), &support(offered), &mut seeded(3)).map(|challenge| {
            let PaSpake::Challenge(said) = der::decode(&challenge.message).unwrap() else {
                panic!("a challenge")
            };
            said.group
        })
    };
    assert_eq!(chosen(&SpakeGroup::ALL, &[3, 1]), Ok(3));
    assert_eq!(chosen(&[SpakeGroup::Edwards25519], &[99, 3, 1, 2]), Ok(1));
    for offered in [&[][..], &[2, 3], &[99, 0, -1]] {
        assert_eq!(chosen(&[SpakeGroup::Edwards25519], offered), Err(ChallengeError::NoGroup));
    }
    let none = challenge(&SpakeGroup::ALL, &aes(1), b"", &mut seeded(3)).err();
    assert_eq!(none, Some(ChallengeError::OutOfStep));
}

#[test]
fn a_kdc_keeps_nothing_between_challenge_and_response() {
    for group in SpakeGroup::ALL {
        let talk = Conversation::new(&[group]);
        let (response, expected) = talk.response(&aes(1), &NONE);
        let state = &talk.challenge.state;
        assert_eq!(verify_response(state, &aes(1), &response, b"body"), Ok(expected));

        let refused = |key: &Key, response: &[u8], body: &[u8]| {
            verify_response(state, key, response, body).unwrap_err()
        };
        assert_eq!(refused(&aes(2), &response, b"body"), ChallengeError::Proof, "its password");
        assert_eq!(refused(&aes(1), &response, b"another"), ChallengeError::Proof, "the request");
        let (guess, _) = talk.response(&aes(2), &NONE);
        assert_eq!(refused(&aes(1), &guess, b"body"), ChallengeError::Proof, "a guess");
        let factor = SpakeSecondFactor { factor_type: 2, data: None };
        let (second, _) = talk.response(&aes(1), &factor);
        assert_eq!(refused(&aes(1), &second, b"body"), ChallengeError::SecondFactor);
        for undue in [&talk.support, &talk.challenge.message, &Vec::new()] {
            assert_eq!(refused(&aes(1), undue, b"body"), ChallengeError::OutOfStep);
        }
        let PaSpake::Response(mut changed) = der::decode(&response).unwrap() else { panic!() };
        changed.pubkey = b"no element";
        let changed = der::encode(&PaSpake::Response(changed));
        assert_eq!(refused(&aes(1), &changed, b"body"), ChallengeError::PublicElement);
    }
}

#[test]
fn a_state_of_another_conversation_or_of_none_verifies_nothing() {
    let talk = Conversation::new(&[SpakeGroup::Edwards25519]);
    let (response, _) = talk.response(&aes(1), &NONE);
    let verify = |state: &[u8]| verify_response(state, &aes(1), &response, b"body");
    let state = &talk.challenge.state;
    for end in 0..state.len() {
        assert_eq!(verify(&state[..end]), Err(ChallengeError::OutOfStep), "{end}");
    }
    assert_eq!(verify(&[&state[..], &[0]].concat()), Err(ChallengeError::OutOfStep));
    let other =
        challenge(&[SpakeGroup::Edwards25519], &aes(1), &talk.support, &mut seeded(77)).unwrap();
    assert_eq!(verify(&other.state), Err(ChallengeError::Proof));
}
