//! Messages that were changed on their way: what is still a message for krb-proto, and what for
//! the others. What krb-proto takes they take; what it refuses, some take, for a reason that stands
//! here.

use std::collections::{BTreeMap, BTreeSet};

use krb_proto::der::{DecodeErrorKind, Reader};

use super::messages::MESSAGES;
use super::oracles::Oracle::{self, *};
use super::source::Unusual;
use super::{Answer, deviation, explanation, oracles};
use crate::entropy::{self, Entropy};
use crate::peer::hex;

const CHANGED_MESSAGES: usize = 250;

/// Why krb-proto refuses what this one takes, as names of [`DecodeErrorKind`].
const TAKES_MORE: &[(Oracle, &[&str])] = &[
    // Numbers and lengths in more octets than they need, any version and message type, surplus
    // bytes behind the last member, primitive types with the bit that says "constructed".
    (
        RasnKerberos,
        &[
            "BadBitString",
            "BadLength",
            "IntegerOutOfRange",
            "NonMinimalInteger",
            "TrailingData",
            "UnexpectedTag",
            "WrongConstant",
        ],
    ),
    // It leaves out an OPTIONAL member in which something is wrong, and what comes behind.
    (
        PickyKrb,
        &[
            "BadBitString",
            "BadLength",
            "BadTime",
            "IndefiniteLength",
            "IntegerOutOfRange",
            "NonMinimalInteger",
            "TrailingData",
            "Truncated",
            "UnexpectedTag",
            "WrongConstant",
        ],
    ),
    // It does not look at what is left of a value when its members are read.
    (
        KerberosAsn1,
        &[
            "BadBitString",
            "BadBoolean",
            "BadLength",
            "IndefiniteLength",
            "IntegerOutOfRange",
            "NonMinimalInteger",
            "TrailingData",
            "Truncated",
            "WrongConstant",
        ],
    ),
    // It passes over members that it does not know, takes BER in part, and leaves versions and
    // ranges to its callers.
    (
        Mit,
        &[
            "BadBitString",
            "BadLength",
            "BadObjectIdentifier",
            "BadTime",
            "IntegerOutOfRange",
            "NonMinimalInteger",
            "TrailingData",
            "UnexpectedTag",
            "WrongConstant",
        ],
    ),
    // Likewise, and a CHOICE of no known alternative is kept as it is.
    (
        Heimdal,
        &[
            "BadBitString",
            "BadBoolean",
            "BadLength",
            "BadTime",
            "IntegerOutOfRange",
            "NoAlternative",
            "NonMinimalInteger",
            "TrailingData",
            "WrongConstant",
        ],
    ),
];

fn name(kind: DecodeErrorKind) -> String {
    format!("{kind:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// One change, of the kind that attackers and broken peers make.
fn change(entropy: &mut Entropy, bytes: &mut Vec<u8>) {
    let at = entropy.below(bytes.len());
    match entropy.below(18) {
        0..=4 => bytes[at] ^= 1 << entropy.below(8),
        5 | 6 => bytes[at] = entropy.word() as u8,
        7 | 8 => bytes.truncate(at),
        9 | 10 => bytes.insert(at, entropy.word() as u8),
        11 | 12 => drop(bytes.remove(at)),
        13 => {
            let end = (at + 1 + entropy.below(8)).min(bytes.len());
            let copy = bytes[at..end].to_vec();
            bytes.splice(at..at, copy);
        }
        14 => {
            // BER's indefinite length, in the place of one.
            let headers = headers(bytes, 0);
            bytes[headers[entropy.below(headers.len())] + 1] = 0x80;
        }
        15 => lengthen_length(bytes),
        16 => {
            // The bit that says "constructed".
            let headers = headers(bytes, 0);
            bytes[headers[entropy.below(headers.len())]] ^= 0x20;
        }
        _ => {
            // Unused bits that are set, or more than an octet has.
            let headers = headers(bytes, 0);
            if let Some(flags) = headers.into_iter().find(|&at| bytes[at] == 0x03) {
                bytes[flags + 2] = 1 + entropy.below(8) as u8;
                bytes[flags + 6] |= 1;
            }
        }
    }
}

/// Where the values in a message begin.
fn headers(bytes: &[u8], start: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut reader = Reader::new(bytes);
    while let Some(tag) = reader.peek_tag() {
        found.push(start + bytes.len() - reader.rest().len());
        let contents = reader.enter(tag).expect("valid DER").rest();
        if tag & 0x20 != 0 {
            let end = start + bytes.len() - reader.rest().len();
            found.extend(headers(contents, end - contents.len()));
        }
    }
    found
}

/// The outermost length in one octet more than it needs.
fn lengthen_length(bytes: &mut Vec<u8>) {
    if bytes[1] < 0x80 {
        bytes.insert(1, 0x81);
    } else {
        bytes[1] += 1;
        bytes.insert(2, 0);
    }
}

#[test]
fn what_is_no_message_any_more() {
    let mut oracles = oracles();
    let mut octets = Entropy::new("changed messages");
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    // One example of each kind.
    let mut unexplained: BTreeMap<String, String> = BTreeMap::new();
    let mut taken = 0;
    for message in MESSAGES {
        for _ in 0..CHANGED_MESSAGES {
            let mut bytes = message.make(&octets.octets(200), None).expect("nothing unusual");
            change(&mut octets, &mut bytes);
            let ours = (message.reencode)(&bytes);
            if let Ok(written) = &ours {
                taken += 1;
                if written != &bytes {
                    // A member of a later version, which is passed over: what each makes of such
                    // is its own business.
                    assert!(written.len() < bytes.len(), "{}", message.name);
                    let again = (message.reencode)(written);
                    assert_eq!(again.as_ref(), Ok(written), "{}", message.name);
                    continue;
                }
            }
            for (oracle, running) in &mut oracles {
                let Some(answer) = running.reencode(message.name, &bytes) else { continue };
                let unexpected = match (&ours, &answer) {
                    (Ok(_), answer) => deviation(&bytes, answer).and_then(|deviation| {
                        let has = |list: &[Unusual]| list.iter().any(|u| u.shows(&bytes));
                        explanation(*oracle, deviation, message, has, &bytes)
                            .is_none()
                            .then(|| format!("{deviation:?}"))
                    }),
                    (Err(error), Answer::Written(_)) => {
                        let kind = name(error.kind);
                        let listed = TAKES_MORE.iter().any(|(listed, kinds)| {
                            listed == oracle && kinds.contains(&kind.as_str())
                        });
                        seen.insert((format!("{oracle:?}"), kind.clone()));
                        (!listed).then_some(kind)
                    }
                    (Err(_), Answer::Refused(_)) => None,
                };
                if let Some(what) = unexpected {
                    unexplained
                        .entry(format!("{oracle:?} {} {what}", message.name))
                        .or_insert_with(|| format!("{}: {answer}", hex(&bytes)));
                }
            }
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert!(taken > 1000, "only {taken} changed messages were still messages");
    for (oracle, kinds) in TAKES_MORE {
        if entropy::is_usual() && oracles.iter().any(|(running, _)| running == oracle) {
            for kind in *kinds {
                let seen = seen.contains(&(format!("{oracle:?}"), (*kind).to_owned()));
                assert!(seen, "{oracle:?} no longer takes what is {kind}");
            }
        }
    }
}
