use alloc::sync::Arc;
use alloc::vec::Vec;

use super::kdc::{options, realm};
use super::world::{NULL, REALM, null_key, principal, with_context};
use crate::exchange::{
    AsExchange, ClientSecret, Exchange, Step, TgsArmor, TgsExchange, TgsGoal, TicketOptions,
};
use crate::kdc::{Realm, handle};
use crate::{Credential, Principal};

/// More rounds than any exchange takes.
const MAX_ROUNDS: usize = 16;

/// The bit of the first octet that asks for FAST.
const FAST: u8 = 0x80;

/// Our client and our KDC, with somebody between them who changes messages and can read and write
/// all that is encrypted: what comes out is the ticket that was asked for, or none.
///
/// The first octet chooses the exchange, and whether it runs inside FAST. Each further four are a
/// change: of which message, where (two octets), and which bits.
pub fn conversation(input: &[u8]) {
    let _ = run(input);
}

fn run(input: &[u8]) -> Option<Credential> {
    let (choice, changes) = input.split_first()?;
    let fast = choice & FAST != 0;
    let realm = realm()?;
    let asked = || TicketOptions {
        fast: if fast { TgsArmor::Implicit } else { TgsArmor::Off },
        ..options()
    };
    let secret = || null_key().map(|key| ClientSecret::Keys(Vec::from([key])));
    let (alice, service) = (principal("alice"), principal("service"));
    let krbtgt = Principal::krbtgt(REALM.as_bytes());
    // What goes before is undisturbed.
    let login = AsExchange::new(service.clone(), secret()?, options());
    let tgt = Arc::new(converse(login, &realm, &[])?);
    let (obtained, client, server) = match choice & !FAST {
        0 => {
            let mut login = AsExchange::new(alice.clone(), secret()?, asked());
            if fast {
                login = login.armored(tgt);
            }
            (converse(login, &realm, changes)?, alice, krbtgt)
        }
        1 => {
            let goal = TgsGoal::S4uSelf { user: alice.clone(), service: service.name.clone() };
            (converse(TgsExchange::new(tgt, goal, asked()), &realm, changes)?, alice, service)
        }
        2 => {
            let goal = TgsGoal::S4uSelf { user: alice.clone(), service: service.name };
            let evidence = converse(TgsExchange::new(tgt.clone(), goal, options()), &realm, &[])?;
            let target = target();
            let goal =
                TgsGoal::S4uProxy { evidence: Arc::new(evidence), target: target.name.clone() };
            (converse(TgsExchange::new(tgt, goal, asked()), &realm, changes)?, alice, target)
        }
        3 => {
            let goal = TgsGoal::Service(target().name);
            (converse(TgsExchange::new(tgt, goal, asked()), &realm, changes)?, service, target())
        }
        _ => return None,
    };
    assert!(obtained.client.is_same(&client), "somebody else's ticket");
    assert!(obtained.server.is_same(&server), "a ticket for something else");
    assert_eq!(obtained.session_key.enctype(), NULL, "an enctype that was not offered");
    Some(obtained)
}

fn target() -> Principal {
    let name = crate::Name::new(crate::iana::NameType::SRV_INST, ["cifs", "target"]);
    Principal::new(name, REALM)
}

fn converse(
    mut exchange: impl Exchange<Output = Credential>,
    realm: &Realm,
    changes: &[u8],
) -> Option<Credential> {
    let mut messages = 0..;
    let mut passed_on = |mut message: Vec<u8>| {
        let number = messages.next();
        for &[which, high, low, bits] in changes.as_chunks().0 {
            let at = usize::from(u16::from_be_bytes([high, low]));
            if let Some(octet) = message.get_mut(at).filter(|_| Some(which) == number) {
                *octet ^= bits;
            }
        }
        message
    };
    for round in 0.. {
        assert!(round < MAX_ROUNDS, "the exchange does not come to an end");
        let request = passed_on(with_context(|cx| exchange.request(cx)).ok()?);
        let reply = passed_on(with_context(|cx| handle(cx, realm, &request)).message);
        if let Step::Done(credential) = with_context(|cx| exchange.receive(cx, &reply)).ok()? {
            return Some(credential);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracles::tests::assert_seed;

    #[test]
    fn undisturbed_they_come_to_a_ticket() {
        for (choice, name) in [(0, "login"), (1, "s4u-self"), (2, "s4u-proxy"), (3, "service")] {
            for (fast, prefix) in [(0, ""), (FAST, "fast-")] {
                let seed = [fast | choice];
                assert!(run(&seed).is_some(), "{prefix}{name}");
                // A bit of the request, and one of the reply, that mean nothing to either.
                let changed = [fast | choice, 0, 0, 2, 0, 1, 0, 3, 0];
                assert!(run(&changed).is_some(), "{prefix}{name}");
                assert_seed("conversation", &[prefix, name].concat(), &changed);
            }
        }
    }

    #[test]
    fn what_is_garbled_comes_to_nothing() {
        for choice in [0, 1, 2, 3, FAST, FAST | 1, FAST | 2, FAST | 3] {
            for message in [0, 1] {
                assert!(run(&[choice, message, 0, 0, 0xff]).is_none(), "{choice} {message}");
            }
        }
    }
}
