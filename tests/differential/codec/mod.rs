//! Every message through every codec.

mod explained;
mod messages;
mod mutated;
mod oracles;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use crate::entropy::{self, Entropy};
use crate::peer::hex;
use explained::{Deviation, EXPLAINED, Explained, When};
use messages::{MESSAGES, Message};
use oracles::{Answer, Oracle, Running};
use source::Unusual;

/// So many messages of each type and each unusual property.
const MESSAGES_OF_A_KIND: usize = 24;

/// All that are installed.
fn oracles() -> Vec<(Oracle, Running)> {
    Oracle::ALL.into_iter().filter_map(|oracle| Some((oracle, oracle.start()?))).collect()
}

/// What the peer does with a message that we wrote; `None` if it writes the same.
fn deviation(bytes: &[u8], answer: &Answer) -> Option<Deviation> {
    match answer {
        Answer::Written(written) if written == bytes => None,
        Answer::Written(_) => Some(Deviation::Rewrites),
        Answer::Refused(_) => Some(Deviation::Refuses),
    }
}

/// The place in [`EXPLAINED`] of what explains it; `has` says what is unusual in the message.
fn explanation(
    oracle: Oracle,
    deviation: Deviation,
    message: &Message,
    has: impl Fn(&[Unusual]) -> bool,
    bytes: &[u8],
) -> Option<usize> {
    EXPLAINED.iter().position(|explained| {
        explained.oracle == oracle
            && explained.deviation == deviation
            && (explained.messages.is_empty() || explained.messages.contains(&message.name))
            && match explained.when {
                When::Made(list) => has(list),
                When::Holds(condition) => condition(bytes),
            }
    })
}

/// Each reads what we write and writes the same again, or it is explained why not. And each
/// explanation is still needed.
#[test]
fn what_we_write_is_read_and_written_alike_by_all() {
    let mut oracles = oracles();
    let mut needed = BTreeSet::new();
    // The shortest example of each kind.
    let mut unexplained: BTreeMap<String, String> = BTreeMap::new();
    let mut octets = Entropy::new("messages");
    for unusual in [None].into_iter().chain(Unusual::ALL.map(Some)) {
        for message in MESSAGES {
            for _ in 0..MESSAGES_OF_A_KIND {
                let Some(bytes) = message.make(&octets.octets(400), unusual) else { continue };
                let again = (message.reencode)(&bytes);
                assert_eq!(again.as_ref(), Ok(&bytes), "{}", message.name);
                for (oracle, running) in &mut oracles {
                    let Some(answer) = running.reencode(message.name, &bytes) else { continue };
                    let Some(deviation) = deviation(&bytes, &answer) else { continue };
                    let has = |list: &[_]| unusual.is_some_and(|made| list.contains(&made));
                    let place = explanation(*oracle, deviation, message, has, &bytes);
                    if let Some(place) = place {
                        needed.insert(place);
                        continue;
                    }
                    let kind = format!("{oracle:?} {deviation:?} {} {unusual:?}", message.name);
                    let example = format!("{}: {answer}", hex(&bytes));
                    let shortest = unexplained.entry(kind).or_insert_with(|| example.clone());
                    if example.len() < shortest.len() {
                        *shortest = example;
                    }
                }
            }
        }
    }
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    for (place, explained) in EXPLAINED.iter().enumerate() {
        let runs =
            entropy::is_usual() && oracles.iter().any(|(oracle, _)| *oracle == explained.oracle);
        let Explained { oracle, deviation, why, .. } = explained;
        assert!(!runs || needed.contains(&place), "{oracle:?} no longer {deviation:?}: {why}");
    }
}
