//! S4U2Proxy: each right that it hangs on, taken away.

use std::assert_eq;

use super::service::{key_of, verify};
use super::*;
use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::exchange::open_ticket;
use crate::iana::{ErrorCode, NtStatus, TicketFlags};
use crate::kdc::{Compat, NewTicket, TicketKeys, Trustee};
use crate::pac::{DelegationInfo, Pac, PacBuilder, PacKeys};

const WEB: &str = "HTTP/web.example.test";

type Change = fn(&mut Realm);

/// A world with evidence of alice for svc-mcp.
fn with_evidence(realm: Realm) -> (World, Arc<Credential>, Arc<Credential>) {
    let mut world = World::new(realm);
    let tgt = world.service_login("svc-mcp");
    let evidence = Arc::new(world.evidence(&tgt, "alice").unwrap());
    (world, tgt, evidence)
}

#[test]
fn a_listed_target_gets_a_ticket_in_the_users_name() {
    let (mut world, tgt, evidence) = with_evidence(realm());
    let ticket = world.proxy(&tgt, &evidence, WEB).unwrap();
    assert_eq!(ticket.client, user("alice"));
    assert!(ticket.flags.contains(TicketFlags::FORWARDABLE));
    assert_eq!(verify(&world, &ticket, "WEB$"), [1, 10, 12, 6, 7, 16, 19, 11]);
    let key = key_of(&world, "WEB$");
    let (opened, _) = open_ticket(&ticket, |_, _| [key.clone()]).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
    let info: DelegationInfo = pac.get().unwrap().unwrap();
    assert_eq!(info.proxy_target, WEB);
    assert_eq!(info.transited_services, ["svc-mcp@EXAMPLE.TEST"]);
    // The case of what is listed does not matter.
    world.proxy(&tgt, &evidence, "http/WEB.example.test").unwrap();
}

/// MS-SFU 3.2.5.2.1 and 3.2.5.2.3, with the status that tells which right is missing.
#[test]
fn what_is_missing_is_said() {
    let cases: [(&str, Change, bool, NtStatus); 4] = [
        (
            "no list, no resource-based delegation",
            |realm| realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to.clear(),
            false,
            NtStatus::NOT_SUPPORTED,
        ),
        (
            "another list",
            |realm| {
                realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to =
                    vec_of(&["HTTP/other.example.test"]);
            },
            false,
            NtStatus::NO_MATCH,
        ),
        (
            "the target lets nobody",
            |realm| realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to.clear(),
            true,
            NtStatus::NOT_FOUND,
        ),
        (
            "the target lets somebody else",
            |realm| {
                realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to.clear();
                realm.account_mut("WEB$").unwrap().allowed_to_act =
                    [Trustee::Account("alice".into())].into();
            },
            true,
            NtStatus::NOT_FOUND,
        ),
    ];
    for (what, change, rbcd, status) in cases {
        let (mut world, tgt, evidence) = with_evidence(realm());
        change(&mut world.realm);
        let refusal = refused(world.proxy_knowing(rbcd, &tgt, &evidence, WEB));
        assert_eq!(refusal.code, ErrorCode::BADOPTION, "{what}");
        assert_eq!(refusal.nt_status, Some(status), "{what}");
    }
}

/// The bit matters to resource-based delegation only.
#[test]
fn the_targets_own_list_counts_for_those_who_know_of_it() {
    let trustees: [fn(&Realm) -> Trustee; 4] = [
        |_| Trustee::Account("svc-mcp".into()),
        |realm| Trustee::Sid(realm.sid(realm.account("svc-mcp").unwrap()).unwrap()),
        |realm| Trustee::Sid(realm.domain_sid().with_rid(513).unwrap()), // by a group
        |realm| {
            let sid = realm.sid(realm.account("svc-mcp").unwrap()).unwrap();
            Trustee::Access(sid, 0x000f_01ff)
        },
    ];
    for trustee in trustees {
        let mut realm = realm();
        realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to.clear();
        let trustee = trustee(&realm);
        realm.account_mut("WEB$").unwrap().allowed_to_act = [trustee.clone()].into();
        let (mut world, tgt, evidence) = with_evidence(realm);
        let ticket = world.proxy_knowing(true, &tgt, &evidence, WEB).unwrap();
        assert_eq!(ticket.client, user("alice"), "{trustee:?}");
        let refusal = refused(world.proxy_knowing(false, &tgt, &evidence, WEB));
        assert_eq!(refusal.nt_status, Some(NtStatus::NOT_SUPPORTED));
    }
    for rbcd in [true, false] {
        let (mut world, tgt, evidence) = with_evidence(realm());
        world.proxy_knowing(rbcd, &tgt, &evidence, WEB).unwrap();
    }
}

/// GENERIC_ALL alone lets nobody in.
#[test]
fn generic_rights_are_not_expanded() {
    let mut realm = realm();
    realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to.clear();
    let sid = realm.sid(realm.account("svc-mcp").unwrap()).unwrap();
    realm.account_mut("WEB$").unwrap().allowed_to_act = [Trustee::Access(sid, 0x1000_0000)].into();
    let (mut world, tgt, evidence) = with_evidence(realm);
    let refusal = refused(world.proxy(&tgt, &evidence, WEB));
    assert_eq!(refusal.nt_status, Some(NtStatus::NOT_FOUND));
}

#[test]
fn a_service_delegates_to_itself_only_if_it_may() {
    let mut realm = realm();
    realm.account_mut("svc-mcp").unwrap().allowed_to_delegate_to.clear();
    let (mut world, tgt, evidence) = with_evidence(realm);
    let refusal = refused(world.proxy(&tgt, &evidence, "HTTP/mcp.example.test"));
    assert_eq!(refusal.code, ErrorCode::BADOPTION);
}

#[test]
fn evidence_that_is_not_forwardable_is_refused() {
    let sensitive: Change = |realm| realm.account_mut("alice").unwrap().not_delegated = true;
    let protected: Change = |realm| realm.account_mut("alice").unwrap().protected_user = true;
    let untrusted: Change = |realm| {
        realm.account_mut("svc-mcp").unwrap().trusted_to_auth_for_delegation = false;
    };
    for (change, sensitive) in [(sensitive, true), (protected, true), (untrusted, false)] {
        for (compat, classic, rbcd) in [
            (Compat::Strict, NtStatus::NO_MATCH, Some(NtStatus::ACCOUNT_RESTRICTION)),
            (Compat::Ad2025, NtStatus::ACCOUNT_RESTRICTION, Some(NtStatus::ACCOUNT_RESTRICTION)),
            // The letter of MS-SFU 3.2.5.2.3 lets it pass, if its client may be delegated.
            (
                Compat::Ad,
                NtStatus::ACCOUNT_RESTRICTION,
                sensitive.then_some(NtStatus::ACCOUNT_RESTRICTION),
            ),
        ] {
            let mut changed = realm().compat(compat);
            change(&mut changed);
            changed.account_mut("WEB$").unwrap().allowed_to_act =
                [Trustee::Account("svc-mcp".into())].into();
            let (mut world, tgt, evidence) = with_evidence(changed);
            assert!(!evidence.flags.contains(TicketFlags::FORWARDABLE));
            let refusal = refused(world.proxy(&tgt, &evidence, WEB));
            assert_eq!(refusal.code, ErrorCode::BADOPTION);
            assert_eq!(refusal.nt_status, Some(classic), "{compat:?}");
            // The same without the service's list.
            let service = world.realm.account_mut("svc-mcp").unwrap();
            service.allowed_to_delegate_to.clear();
            match (world.proxy(&tgt, &evidence, WEB), rbcd) {
                (Ok(_), None) => {}
                (result, status) => assert_eq!(refused(result).nt_status, status, "{compat:?}"),
            }
        }
    }
}

#[test]
fn unknown_targets_and_the_kdc_itself() {
    let (mut world, tgt, evidence) = with_evidence(realm());
    let unknown = world.proxy(&tgt, &evidence, "HTTP/nowhere.example.test");
    assert_eq!(refused(unknown).code, ErrorCode::S_PRINCIPAL_UNKNOWN);
    let krbtgt = world.proxy(&tgt, &evidence, "krbtgt/EXAMPLE.TEST");
    assert_eq!(refused(krbtgt).code, ErrorCode::BADOPTION);
}

#[test]
fn evidence_must_be_the_services_own() {
    let (mut world, tgt, _) = with_evidence(realm());
    let web = world.service_login("WEB$");
    let goal = TgsGoal::S4uSelf { user: user("alice"), service: Name::user("WEB$") };
    let of_another = Arc::new(world.tgs(&web, goal).unwrap());
    for evidence in [of_another, tgt.clone()] {
        assert_eq!(refused(world.proxy(&tgt, &evidence, WEB)).code, ErrorCode::BADOPTION);
    }
}

#[test]
fn evidence_ends_at_its_end() {
    let (mut world, tgt, evidence) = with_evidence(realm());
    world.now = evidence.times.endtime.unix() - 1;
    world.proxy(&tgt, &evidence, WEB).unwrap();
    let options = TicketOptions { lifetime: 300, ..TicketOptions::default() };
    let (mut world, tgt, _) = with_evidence(realm());
    let goal = TgsGoal::S4uSelf { user: user("alice"), service: Name::user("svc-mcp") };
    let short = Arc::new(world.run(TgsExchange::new(tgt.clone(), goal, options)).unwrap());
    world.now += 300;
    assert_eq!(refused(world.proxy(&tgt, &short, WEB)).code, ErrorCode::TKT_EXPIRED);
}

/// What became of its client since the evidence was made.
#[test]
fn the_state_of_the_evidences_client_counts() {
    let cases: [(&str, Change, Option<ErrorCode>); 8] = [
        ("disabled", |it| alice(it).disabled = true, Some(ErrorCode::POLICY)),
        ("expired", |it| alice(it).expires = Some(time(NOW)), Some(ErrorCode::NAME_EXP)),
        ("locked", |it| alice(it).locked = true, Some(ErrorCode::CLIENT_REVOKED)),
        ("must change", |it| alice(it).must_change_password = true, Some(ErrorCode::KEY_EXPIRED)),
        ("gone", |it| drop(it.remove("alice")), Some(ErrorCode::C_PRINCIPAL_UNKNOWN)),
        (
            "another account of the name",
            |it| {
                it.insert(Account::user("alice").rid(4711));
            },
            Some(ErrorCode::TGT_REVOKED),
        ),
        // Evidence is as old as it is: what it says of delegation and groups stays.
        ("sensitive now", |it| alice(it).not_delegated = true, None),
        (
            "another password",
            |it| {
                it.set_password("alice", "new");
            },
            None,
        ),
    ];
    for (what, change, code) in cases {
        let (mut world, tgt, evidence) = with_evidence(realm());
        change(&mut world.realm);
        match (world.proxy(&tgt, &evidence, WEB), code) {
            (Ok(_), None) => {}
            (result, Some(code)) => assert_eq!(refused(result).code, code, "{what}"),
            (Err(error), None) => panic!("{what}: {error}"),
        }
    }
}

fn alice(realm: &mut Realm) -> &mut Account {
    realm.account_mut("alice").unwrap()
}

/// Evidence that the service has made itself, with its own key: "Bronze Bit" (CVE-2020-17049).
#[test]
fn evidence_that_the_service_has_changed_is_refused() {
    let (mut world, tgt, evidence) = with_evidence(realm());
    let key = key_of(&world, "svc-mcp");
    let (opened, _) = open_ticket(&evidence, |_, _| [key.clone()]).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap();
    let ours = Key::generate(key.enctype(), &mut world.rng).unwrap();
    let changed = |flags, pac: Option<&PacBuilder>, krbtgt: &Key| {
        let ticket = NewTicket {
            client: &evidence.client,
            server: &evidence.server,
            session_key: &evidence.session_key,
            flags,
            times: TicketTimes { renew_till: None, ..evidence.times },
            transited: &[],
            addresses: &[],
            authorization_data: &[],
            pac,
        };
        let keys = TicketKeys { server: &key, kvno: Some(1), krbtgt };
        Arc::new(ticket.issue(&keys, &mut TestRng(1)).unwrap())
    };
    let buffers = PacBuilder::from_pac(&pac);
    let krbtgt = world.realm.krbtgt_key().unwrap().clone();
    // As the KDC makes it, it is taken.
    let same = changed(evidence.flags, Some(&buffers), &krbtgt);
    world.proxy(&tgt, &same, WEB).unwrap();
    // With the signatures of who does not know krbtgt's key.
    let forged = changed(evidence.flags, Some(&buffers), &ours);
    assert_eq!(refused(world.proxy(&tgt, &forged, WEB)).code, ErrorCode::MODIFIED);
    // With another flag.
    let sealed = resealed(&evidence, &key, &opened.pac);
    assert_eq!(refused(world.proxy(&tgt, &sealed, WEB)).code, ErrorCode::MODIFIED);
    // With the signatures of a ticket-granting ticket: as KDCs made them before 2020.
    let keys = PacKeys { server: &key, krbtgt: &krbtgt, rodc_identifier: None };
    let old = resealed(&evidence, &key, &buffers.sign(&keys).unwrap());
    assert_eq!(refused(world.proxy(&tgt, &old, WEB)).code, ErrorCode::MODIFIED);
    // Without a PAC.
    let bare = changed(evidence.flags, None, &krbtgt);
    assert_eq!(refused(world.proxy(&tgt, &bare, WEB)).code, ErrorCode::TGT_REVOKED);
    // With a bit flipped on the way.
    let mut flipped = (*evidence).clone();
    *flipped.ticket.last_mut().unwrap() ^= 1;
    let refusal = refused(world.proxy(&tgt, &Arc::new(flipped), WEB));
    assert_eq!(refusal.code, ErrorCode::BAD_INTEGRITY);
}

/// Also by name and by logon: what the KDC itself signed is of one user only.
#[test]
fn evidence_has_the_pac_of_its_own_client_and_logon() {
    let (mut world, tgt, evidence) =
        with_evidence(realm().with(Account::user("bob").password(PASSWORD)));
    let key = key_of(&world, "svc-mcp");
    let krbtgt = world.realm.krbtgt_key().unwrap().clone();
    let (opened, _) = open_ticket(&evidence, |_, _| [key.clone()]).unwrap();
    let pac = PacBuilder::from_pac(&Pac::parse(&opened.pac).unwrap());
    let earlier = TicketTimes { authtime: time(NOW - 1), ..evidence.times };
    for (client, times, taken) in [
        (user("alice"), evidence.times, true),
        (user("bob"), evidence.times, false),
        (user("alice"), earlier, false),
    ] {
        let ticket = NewTicket {
            client: &client,
            server: &evidence.server,
            session_key: &evidence.session_key,
            flags: evidence.flags,
            times,
            transited: &[],
            addresses: &[],
            authorization_data: &[],
            pac: Some(&pac),
        };
        let keys = TicketKeys { server: &key, kvno: Some(1), krbtgt: &krbtgt };
        let mixed = Arc::new(ticket.issue(&keys, &mut TestRng(1)).unwrap());
        match world.proxy(&tgt, &mixed, WEB) {
            Ok(_) => assert!(taken, "{client}"),
            Err(error) => {
                let code = refused::<()>(Err(error)).code;
                assert_eq!((taken, code), (false, ErrorCode::TGT_REVOKED), "{client}");
            }
        }
    }
    // Of another realm by name.
    let mut elsewhere = (*evidence).clone();
    let ticket: crate::asn1::Ticket<'_> = crate::der::decode(&evidence.ticket).unwrap();
    elsewhere.ticket = crate::der::encode(&crate::asn1::Ticket {
        realm: crate::der::KerberosString(b"OTHER.TEST"),
        ..ticket
    });
    let refusal = refused(world.proxy(&tgt, &Arc::new(elsewhere), WEB));
    assert_eq!(refusal.code, ErrorCode::BADOPTION);
}

/// The user's logon goes on in the ticket, and in its PAC, not the service's (samba bug 13137).
#[test]
fn a_delegated_ticket_is_as_old_as_the_users_logon() {
    let mut world = World::new(realm());
    let alice = world.login("alice").unwrap();
    world.now += 600;
    let tgt = world.service_login("svc-mcp");
    let own = world.tgs(&alice, TgsGoal::Service(spn("HTTP/mcp.example.test"))).unwrap();
    let ticket = world.proxy(&tgt, &Arc::new(own), WEB).unwrap();
    assert_eq!((ticket.times.authtime, ticket.times.starttime), (time(NOW), time(NOW + 600)));
    let key = key_of(&world, "WEB$");
    let (opened, _) = open_ticket(&ticket, |_, _| [key.clone()]).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
    let info: crate::pac::ClientInfo = pac.get().unwrap().unwrap();
    info.check(&Name::user("alice"), time(NOW)).unwrap();
}

/// The same ticket and PAC, to the byte, but proxiable too.
fn resealed(evidence: &Credential, key: &Key, pac: &[u8]) -> Arc<Credential> {
    use crate::asn1::{EncTicketPart, EncryptedData, Ticket};
    use crate::der;
    use crate::iana::KeyUsage;
    let ticket: Ticket<'_> = der::decode(&evidence.ticket).unwrap();
    let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    let flags = TicketFlags(part.flags.bits()) | TicketFlags::PROXIABLE;
    let part = EncTicketPart { flags: flags.0.into(), ..part };
    let plaintext = crate::authorization::with_pac(&part, pac).unwrap();
    let cipher = key.encrypt(KeyUsage::TICKET, &plaintext, &mut TestRng(3));
    let enc_part = EncryptedData { cipher: &cipher, ..ticket.enc_part };
    let ticket = der::encode(&Ticket { enc_part, ..ticket });
    Arc::new(Credential { ticket, ..evidence.clone() })
}

#[test]
fn evidence_outlives_a_new_key_of_krbtgt_and_not_of_the_service() {
    let (mut world, tgt, evidence) = with_evidence(realm());
    let enctype = world.realm.krbtgt_key().unwrap().enctype();
    world.realm.roll_krbtgt(enctype, &mut TestRng(9)).unwrap();
    world.proxy(&tgt, &evidence, WEB).unwrap();
    let service = world.realm.remove("svc-mcp").unwrap();
    let rid = service.relative_id().unwrap();
    let enctypes = service.enctypes.clone().unwrap();
    let service = service.random_keys(&enctypes, &mut TestRng(10)).unwrap().rid(rid);
    world.realm.insert(service);
    world.proxy(&tgt, &evidence, WEB).unwrap();
    assert_eq!(world.realm.account("svc-mcp").unwrap().long_term_keys().current_kvno(), Some(2));
}
