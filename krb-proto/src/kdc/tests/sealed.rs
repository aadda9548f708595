//! Ticket-granting tickets that are sealed with the right key, and are no good all the same.

use std::assert_eq;

use super::raw::RawTgs;
use super::tgt::relabel;
use super::*;
use crate::asn1::{EncTicketPart, EncryptedData, Ticket, TransitedEncoding};
use crate::der;
use crate::iana::{ErrorCode, KeyUsage, TicketFlags};

fn web() -> Name {
    spn("HTTP/web.example.test")
}

/// A ticket with something else in it, by who has krbtgt's key.
fn resealed(
    world: &World,
    tgt: &Credential,
    change: impl Fn(&mut EncTicketPart<'_>),
) -> Credential {
    let key = world.realm.krbtgt_key().unwrap();
    let ticket: Ticket<'_> = der::decode(&tgt.ticket).unwrap();
    let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let mut part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    change(&mut part);
    let cipher = key.encrypt(KeyUsage::TICKET, &der::encode_secret(&part), &mut TestRng(3));
    let enc_part = EncryptedData { cipher: &cipher, ..ticket.enc_part };
    Credential { ticket: der::encode(&Ticket { enc_part, ..ticket }), ..tgt.clone() }
}

#[test]
fn what_is_wrong_in_a_ticket_is_seen() {
    type Change = fn(&mut EncTicketPart<'_>);
    let cases: [(&str, Change, Option<ErrorCode>); 7] = [
        ("nothing", |_| {}, None),
        ("invalid", |part| part.flags = TicketFlags::INVALID.0.into(), Some(ErrorCode::TKT_NYV)),
        ("as early as clocks differ", |part| part.starttime = Some(time(NOW + 300)), None),
        ("too early", |part| part.starttime = Some(time(NOW + 301)), Some(ErrorCode::TKT_NYV)),
        (
            "a path in another writing",
            |part| part.transited = TransitedEncoding { tr_type: 2, contents: b"x" },
            Some(ErrorCode::TRTYPE_NOSUPP),
        ),
        (
            "another logon than the PAC's",
            |part| part.authtime = time(NOW - 1),
            Some(ErrorCode::TGT_REVOKED),
        ),
        ("no PAC", |part| part.authorization_data = None, Some(ErrorCode::TGT_REVOKED)),
    ];
    for (what, change, code) in cases {
        let mut world = World::new(realm());
        let tgt = world.login("alice").unwrap();
        let tgt = resealed(&world, &tgt, change);
        let answer = RawTgs::new(&tgt, web()).ask(&mut world);
        assert_eq!(answer.err(), code, "{what}");
    }
}

/// One client's ticket with another's PAC: who has the one may not be the other.
#[test]
fn a_pac_is_good_in_its_own_ticket_only() {
    let mut world = World::new(realm().with(Account::user("bob").password(PASSWORD)));
    let (alice, bob) = (world.login("alice").unwrap(), world.login("bob").unwrap());
    let key = world.realm.krbtgt_key().unwrap().clone();
    let ticket: Ticket<'_> = der::decode(&bob.ticket).unwrap();
    let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let bobs: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let key = world.realm.krbtgt_key().unwrap();
    let ticket: Ticket<'_> = der::decode(&alice.ticket).unwrap();
    let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let part = EncTicketPart { authorization_data: bobs.authorization_data, ..part };
    let cipher = key.encrypt(KeyUsage::TICKET, &der::encode_secret(&part), &mut TestRng(3));
    let enc_part = EncryptedData { cipher: &cipher, ..ticket.enc_part };
    let ticket = der::encode(&Ticket { enc_part, ..ticket });
    let mixed = Credential { ticket, ..(*alice).clone() };
    let answer = RawTgs::new(&mixed, web()).ask(&mut world);
    assert_eq!(answer.unwrap_err(), ErrorCode::TGT_REVOKED);
}

/// The name of the service stands outside of what its key seals.
#[test]
fn a_ticket_for_the_kdc_by_another_name_is_none() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    for name in [web(), Name::krbtgt(b"OTHER.TEST"), spn("kadmin/changepw")] {
        let mut relabelled = (*tgt).clone();
        relabel(&mut relabelled, &name);
        let answer = RawTgs::new(&relabelled, web()).ask(&mut world);
        assert_eq!(answer.unwrap_err(), ErrorCode::NOT_US, "{name}");
    }
}
