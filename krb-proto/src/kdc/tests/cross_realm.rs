//! Two realms that trust one another.

use std::{assert_eq, vec};

use super::raw::{Answer, RawTgs, ask_as_client};
use super::*;
use crate::asn1::{EncTicketPart, EncryptedData, KrbError, Ticket};
use crate::credential::TicketTimes;
use crate::crypto::Key;
use crate::der;
use crate::exchange::open_ticket;
use crate::iana::{
    EncType, ErrorCode, KdcOptions, KeyUsage, NtStatus, PaType, PacOptions, TicketFlags,
};
use crate::kdc::{NewTicket, Outcome, TicketKeys, Trust, Trustee};
use crate::pac::{
    ClientInfo, DelegationInfo, DomainGroups, GroupMembership, LogonInfo, Pac, PacBuilder,
    Requestor, Sid, SidAndAttributes, UpnDnsExtended, UpnDnsInfo,
};
use crate::preauth::pac_options;

const PARTNER: &str = "PARTNER.TEST";
const FILES: &str = "HTTP/files.partner.test";

struct Both {
    home: World,
    partner: World,
}

fn both() -> Both {
    let rng = &mut TestRng(12);
    let (home, partner) = (realm(), Realm::new(PARTNER, rng));
    let (ours, theirs) = (home.domain_sid().clone(), partner.domain_sid().clone());
    let files = Account::computer("FILES$").spn(FILES);
    let files = files.random_keys(&[EncType::AES256_CTS_HMAC_SHA1_96], rng).unwrap();
    let trust = |realm, sid| Trust::new(realm).password("between us").domain_sid(sid);
    Both {
        home: World::new(home.with(trust(PARTNER, theirs))),
        partner: World::new(
            partner
                .with(trust(REALM, ours))
                .with(files)
                .with(Account::user("bob").password(PASSWORD)),
        ),
    }
}

impl Both {
    /// A ticket of ours for the partner's KDC.
    fn referral(&mut self, tgt: &Arc<Credential>) -> Arc<Credential> {
        let goal = TgsGoal::Service(Name::krbtgt(PARTNER.as_bytes()));
        Arc::new(self.home.tgs(tgt, goal).unwrap())
    }

    fn files_key(&self) -> Key {
        service::key_of(&self.partner, "FILES$")
    }

    fn trust_key(&self) -> Key {
        let trust = self.partner.realm.trust(REALM).unwrap();
        trust.incoming.preferred(&trust.enctypes).unwrap().clone()
    }

    /// The same ticket for the partner's KDC, at its end.
    fn ended(&self, ticket: &Credential) -> Vec<u8> {
        let key = self.trust_key();
        let ticket: Ticket<'_> = der::decode(&ticket.ticket).unwrap();
        let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
        let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
        let part = EncTicketPart { endtime: time(NOW), ..part };
        let cipher = key.encrypt(KeyUsage::TICKET, &der::encode_secret(&part), &mut TestRng(3));
        let enc_part = EncryptedData { cipher: &cipher, ..ticket.enc_part };
        der::encode(&Ticket { enc_part, ..ticket })
    }

    /// A ticket that our KDC makes for the partner's, whatever it says.
    fn foreign(
        &self,
        client: &Principal,
        transited: &[u8],
        change: impl Fn(&mut LogonInfo),
    ) -> Arc<Credential> {
        let domain = self.home.realm.domain_sid().clone();
        let mut info = LogonInfo::new("alice", "EXAMPLE", domain, 1104);
        change(&mut info);
        let pac = PacBuilder::new()
            .with(&info)
            .unwrap()
            .with(&ClientInfo::new(&client.name, time(NOW)).unwrap())
            .unwrap();
        self.foreign_with(client, transited, &pac)
    }

    fn foreign_with(
        &self,
        client: &Principal,
        transited: &[u8],
        pac: &PacBuilder,
    ) -> Arc<Credential> {
        let key = self.trust_key();
        let server = Principal::new(Name::krbtgt(PARTNER.as_bytes()), REALM);
        let session_key = Key::generate(key.enctype(), &mut TestRng(8)).unwrap();
        let times = TicketTimes {
            authtime: time(NOW),
            starttime: time(NOW),
            endtime: time(NOW + 36_000),
            renew_till: None,
        };
        let flags = TicketFlags::FORWARDABLE;
        let ticket = NewTicket {
            client,
            server: &server,
            session_key: &session_key,
            flags,
            times,
            transited,
            addresses: &[],
            authorization_data: &[],
            pac: Some(pac),
        };
        let krbtgt = self.home.realm.krbtgt_key().unwrap();
        let keys = TicketKeys { server: &key, kvno: Some(1), krbtgt };
        Arc::new(ticket.issue(&keys, &mut TestRng(1)).unwrap())
    }
}

fn rbcd() -> Vec<u8> {
    pac_options(PacOptions::RESOURCE_BASED_CONSTRAINED_DELEGATION)
}

fn files() -> TgsGoal {
    TgsGoal::Service(spn(FILES))
}

#[test]
fn a_client_goes_to_the_partners_service_with_the_pac_of_home() {
    let mut both = both();
    let tgt = both.home.login("alice").unwrap();
    let referral = both.referral(&tgt);
    let ticket = both.partner.tgs(&referral, files()).unwrap();
    assert_eq!(ticket.client, user("alice"));
    service::verify(&both.partner, &ticket, "FILES$");
    let key = both.files_key();
    let (opened, _) = open_ticket(&ticket, |_, _| [key.clone()]).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
    let alice = both.home.realm.account("alice").unwrap();
    assert_eq!(pac.logon_info().unwrap().user_sid().ok(), both.home.realm.sid(alice));
}

/// The PAC's signatures are of the keys that there are: krbtgt's at home, the trust's for the partner.
#[test]
fn the_trusts_enctype_need_not_be_krbtgts() {
    let mut both = both();
    let sha2 = EncType::AES256_CTS_HMAC_SHA384_192;
    both.home.realm.roll_krbtgt(sha2, &mut TestRng(4)).unwrap();
    let tgt = both.home.login("alice").unwrap();
    let Outcome::Granted { ticket, .. } = both.home.events.last().unwrap().outcome else {
        panic!("refused")
    };
    assert_eq!(ticket, sha2);
    let referral = both.referral(&tgt);
    assert!(referral.flags.contains(TicketFlags::OK_AS_DELEGATE));
    both.partner.tgs(&referral, files()).unwrap();
    both.home.realm.trust_mut(PARTNER).unwrap().delegation = false;
    assert!(!both.referral(&tgt).flags.contains(TicketFlags::OK_AS_DELEGATE));
}

#[test]
fn referrals_are_for_those_who_ask_for_them() {
    let mut both = both();
    let tgt = both.home.login("alice").unwrap();
    let refusal = refused(both.home.tgs(&tgt, files()));
    assert_eq!(refusal.code, ErrorCode::S_PRINCIPAL_UNKNOWN);
    let answer = ask_as_client(&mut both.home, &tgt, files()).unwrap();
    assert_eq!(answer.credential.server.name, Name::krbtgt(PARTNER.as_bytes()));
    both.partner.tgs(&Arc::new(answer.credential), files()).unwrap();
}

#[test]
fn an_enterprise_name_of_the_partner_is_sent_there() {
    let mut both = both();
    let client = Name::enterprise("bob@partner.test");
    let request = raw::as_request(
        &client,
        &Name::krbtgt(REALM.as_bytes()),
        KdcOptions::CANONICALIZE,
        crate::crypto::SUPPORTED,
        &[],
    );
    let reply = both.home.ask(&request);
    let error: KrbError<'_> = der::decode(&reply).unwrap();
    assert_eq!(error.error_code, ErrorCode::WRONG_REALM);
    assert_eq!(error.crealm.unwrap().0, PARTNER.as_bytes());
}

/// MS-PAC 4.1.2.2.
#[test]
fn sids_of_our_own_domain_come_from_nobody_else() {
    let mut both = both();
    let theirs = both.partner.realm.domain_sid().clone();
    let admins = theirs.with_rid(512).unwrap();
    let builtin: Sid = "S-1-5-32-544".parse().unwrap();
    let asserted: Sid = "S-1-18-1".parse().unwrap();
    let own = both.home.realm.domain_sid().with_rid(1300).unwrap();
    let claimed = [admins, builtin, asserted.clone(), own.clone()];
    let tgt = both.foreign(&user("alice"), &[], |info| {
        info.extra_sids = claimed.iter().cloned().map(SidAndAttributes::enabled).collect();
    });
    let ticket = both.partner.tgs(&tgt, files()).unwrap();
    let key = both.files_key();
    let (opened, _) = open_ticket(&ticket, |_, _| [key.clone()]).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
    let extra = pac.logon_info().unwrap().extra_sids;
    let extra: Vec<Sid> = extra.into_iter().map(|extra| extra.sid).collect();
    assert_eq!(extra, [asserted, own]);

    let tgt = both.foreign(&user("alice"), &[], |info| info.logon_domain_id = theirs.clone());
    assert_eq!(refused(both.partner.tgs(&tgt, files())).code, ErrorCode::POLICY);
}

/// Wherever in a PAC a SID may stand.
#[test]
fn a_pac_of_a_domain_that_is_not_the_partners_own_is_refused_in_all_its_parts() {
    let mut both = both();
    let (home, partner) = (both.home.realm.domain_sid(), both.partner.realm.domain_sid());
    let (own, stolen) = (home.with_rid(1104).unwrap(), partner.with_rid(500).unwrap());
    let domain = home.clone();
    let pac = |requestor: &Sid, upn: &Sid| {
        let mut info = LogonInfo::new("alice", "EXAMPLE", domain.clone(), 1104);
        info.resource_groups = Some(DomainGroups {
            domain: stolen.domain().unwrap(),
            groups: vec![GroupMembership::enabled(512)],
        });
        info.user_flags |= LogonInfo::RESOURCE_GROUPS;
        PacBuilder::new()
            .with(&info)
            .and_then(|pac| pac.with(&ClientInfo::new(&Name::user("alice"), time(NOW)).unwrap()))
            .and_then(|pac| pac.with(&Requestor(requestor.clone())))
            .and_then(|pac| {
                pac.with(&UpnDnsInfo {
                    upn: "alice@example.test".into(),
                    dns_domain_name: REALM.into(),
                    upn_is_constructed: true,
                    extended: Some(UpnDnsExtended {
                        sam_account_name: "alice".into(),
                        sid: upn.clone(),
                    }),
                })
            })
            .unwrap()
    };
    let ask = |both: &mut Both, pac: &PacBuilder| {
        let tgt = both.foreign_with(&user("alice"), &[], pac);
        both.partner.tgs(&tgt, files())
    };
    let ticket = ask(&mut both, &pac(&own, &own)).unwrap();
    let key = both.files_key();
    let (opened, _) = open_ticket(&ticket, |_, _| [key.clone()]).unwrap();
    let opened = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
    assert_eq!(opened.logon_info().unwrap().resource_groups, None);
    for pac in [pac(&stolen, &own), pac(&own, &stolen)] {
        assert_eq!(refused(ask(&mut both, &pac)).code, ErrorCode::POLICY);
    }
}

/// Who is of a domain whose SID is not known comes without a word of groups.
#[test]
fn a_partner_of_no_known_domain_has_no_sids() {
    let mut both = both();
    both.partner.realm.trust_mut(REALM).unwrap().domain_sid = None;
    let tgt = both.foreign(&user("alice"), &[], |_| {});
    let ticket = both.partner.tgs(&tgt, files()).unwrap();
    assert_eq!(service::verify(&both.partner, &ticket, "FILES$"), [10, 6, 7, 16, 19]);
}

#[test]
fn a_realm_speaks_for_its_own_clients() {
    let mut both = both();
    let bob = Principal::new(Name::user("bob"), PARTNER);
    let carol = Principal::new(Name::user("carol"), "THIRD.TEST");
    for client in [&bob, &carol] {
        let tgt = both.foreign(client, &[], |_| {});
        assert_eq!(refused(both.partner.tgs(&tgt, files())).code, ErrorCode::POLICY);
    }
    // Also for further realms', where it is trusted so far; the path is said and was looked at.
    both.partner.realm.trust_mut(REALM).unwrap().transitive = true;
    let tgt = both.foreign(&bob, &[], |_| {});
    assert_eq!(refused(both.partner.tgs(&tgt, files())).code, ErrorCode::POLICY);
    let tgt = both.foreign(&carol, &[], |_| {});
    let ticket = both.partner.tgs(&tgt, files()).unwrap();
    assert!(ticket.flags.contains(TicketFlags::TRANSITED_POLICY_CHECKED));
    let sealed: Ticket<'_> = der::decode(&ticket.ticket).unwrap();
    let plaintext = both.files_key().decrypt(KeyUsage::TICKET, sealed.enc_part.cipher).unwrap();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    assert_eq!(part.transited.contents, REALM.as_bytes());
}

/// Nor in S4U2Self, where the ticket is a service's of ours and the PAC a user's of theirs.
#[test]
fn a_realm_vouches_for_no_user_of_ours() {
    let mut both = both();
    let rng = &mut TestRng(21);
    let server = Account::service("svc").spn("HTTP/svc.partner.test");
    let server = server.random_keys(&[EncType::AES256_CTS_HMAC_SHA1_96], rng).unwrap();
    both.partner.realm.insert(server);
    let vouch = |both: &Both, user: &Principal| {
        let domain = both.home.realm.domain_sid().clone();
        let pac = PacBuilder::new()
            .with(&LogonInfo::new("anybody", "EXAMPLE", domain, 1104))
            .unwrap()
            .with(&ClientInfo::with_realm(user, time(NOW)).unwrap())
            .unwrap();
        both.foreign_with(&Principal::new(Name::user("svc"), PARTNER), &[], &pac)
    };
    let (alice, bob) = (user("alice"), Principal::new(Name::user("bob"), PARTNER));
    let carol = Principal::new(Name::user("carol"), "THIRD.TEST");
    for (transitive, user, code) in [
        (false, &alice, None),
        (false, &carol, Some(ErrorCode::BADMATCH)),
        (false, &bob, Some(ErrorCode::BADMATCH)),
        (true, &bob, Some(ErrorCode::BADMATCH)),
        (true, &carol, None),
    ] {
        both.partner.realm.trust_mut(REALM).unwrap().transitive = transitive;
        let tgt = vouch(&both, user);
        let goal = TgsGoal::S4uSelf { user: user.clone(), service: Name::user("svc") };
        match (ask_as_client(&mut both.partner, &tgt, goal), code) {
            (Ok(answer), None) => assert_eq!(answer.credential.client, *user),
            (answer, code) => assert_eq!(answer.err(), code, "{user}, {transitive}"),
        }
    }
}

/// Delegation does not make a ticket's path shorter.
#[test]
fn the_path_of_delegated_evidence_is_looked_at_and_told() {
    let mut both = both();
    let tgt = both.home.service_login("svc-mcp");
    let own = both.referral(&tgt);
    let domain = both.home.realm.domain_sid().clone();
    let sid = both.home.realm.sid(both.home.realm.account("svc-mcp").unwrap()).unwrap();
    both.partner.realm.account_mut("FILES$").unwrap().allowed_to_act = vec![Trustee::Sid(sid)];
    let by = "svc-mcp@EXAMPLE.TEST".into();
    let pac = |client: &Principal| {
        PacBuilder::new()
            .with(&LogonInfo::new("anybody", "EXAMPLE", domain.clone(), 1104))
            .and_then(|pac| pac.with(&ClientInfo::with_realm(client, time(NOW)).unwrap()))
            .and_then(|pac| {
                let transited_services = vec![std::string::String::clone(&by)];
                pac.with(&DelegationInfo { proxy_target: FILES.into(), transited_services })
            })
            .unwrap()
    };
    let carol = Principal::new(Name::user("carol"), "THIRD.TEST");
    let ask = |both: &mut Both, client: &Principal, transited: &[u8]| {
        let evidence = both.foreign_with(client, transited, &pac(client));
        let raw = RawTgs {
            realm: PARTNER,
            options: KdcOptions::CNAME_IN_ADDL_TKT | KdcOptions::FORWARDABLE,
            padata: vec![(PaType::PAC_OPTIONS, rbcd())],
            additional: vec![evidence.ticket.clone()],
            ..RawTgs::new(&own, spn(FILES))
        };
        raw.ask(&mut both.partner).map(|answer| answer.credential.ticket)
    };
    ask(&mut both, &user("alice"), &[]).unwrap();
    let longer = ask(&mut both, &user("alice"), b"THIRD.TEST");
    assert_eq!(longer.unwrap_err(), ErrorCode::PATH_NOT_ACCEPTED);
    assert_eq!(ask(&mut both, &carol, &[]).unwrap_err(), ErrorCode::POLICY);
    both.partner.realm.trust_mut(REALM).unwrap().transitive = true;
    let ticket = ask(&mut both, &carol, &[]).unwrap();
    let sealed: Ticket<'_> = der::decode(&ticket).unwrap();
    let plaintext = both.files_key().decrypt(KeyUsage::TICKET, sealed.enc_part.cipher).unwrap();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    assert_eq!(part.transited.contents, REALM.as_bytes());
}

#[test]
fn what_clients_of_another_realm_do_not_get() {
    let mut both = both();
    let alice = both.foreign(&user("alice"), &[], |_| {});
    // A ticket-granting ticket of ours: they have their own.
    let krbtgt = Name::krbtgt(PARTNER.as_bytes());
    let raw = RawTgs { realm: PARTNER, ..RawTgs::new(&alice, krbtgt) };
    assert_eq!(raw.ask(&mut both.partner).unwrap_err(), ErrorCode::POLICY);
    // The part of a service in user-to-user, under the name of an account here.
    both.partner.realm.insert(Account::user("alice").password(PASSWORD));
    let bob = Principal::new(Name::user("bob"), PARTNER);
    let secret = ClientSecret::Password(Zeroizing::new(PASSWORD.into()));
    let bob = both.partner.login_with(bob, secret, TicketOptions::default()).unwrap();
    let raw = RawTgs {
        realm: PARTNER,
        options: KdcOptions::ENC_TKT_IN_SKEY,
        additional: vec![alice.ticket.clone()],
        ..RawTgs::new(&bob, Name::user("alice"))
    };
    assert_eq!(raw.ask(&mut both.partner).unwrap_err(), ErrorCode::SERVER_NOMATCH);
    // Users' names, for a service that their realm does not speak for.
    let service = Principal::new(Name::user("svc"), "THIRD.TEST");
    let third = both.foreign(&service, &[], |_| {});
    let goal = TgsGoal::S4uSelf {
        user: Principal::new(Name::user("bob"), PARTNER),
        service: Name::enterprise("svc@THIRD.TEST"),
    };
    let answer = ask_as_client(&mut both.partner, &third, goal);
    assert_eq!(answer.unwrap_err(), ErrorCode::POLICY);
    assert!(both.partner.refusal().text.contains("speak"), "{}", both.partner.refusal());
}

/// The key of a trust seals tickets for our KDC, and nothing else that it sealed is one.
#[test]
fn a_ticket_of_the_partners_for_something_else_is_none_for_the_kdc() {
    let mut both = both();
    let mut tgt = (*both.foreign(&user("alice"), &[], |_| {})).clone();
    both.partner.tgs(&Arc::new(tgt.clone()), files()).unwrap();
    for name in [spn(FILES), Name::krbtgt(b"THIRD.TEST")] {
        super::tgt::relabel(&mut tgt, &name);
        let raw = RawTgs { realm: PARTNER, ..RawTgs::new(&tgt, spn(FILES)) };
        assert_eq!(raw.ask(&mut both.partner).unwrap_err(), ErrorCode::NOT_US, "{name}");
    }
}

#[test]
fn a_path_through_unknown_realms_is_refused() {
    let mut both = both();
    let tgt = both.foreign(&user("alice"), b"THIRD.TEST", |_| {});
    let refusal = refused(both.partner.tgs(&tgt, files()));
    assert_eq!(refusal.code, ErrorCode::PATH_NOT_ACCEPTED);
}

/// MS-SFU 3.2.5.1.1, 4.2: the user's realm first, then home with what it gave.
#[test]
fn s4u2self_for_a_user_of_the_partner() {
    let mut both = both();
    let tgt = both.home.service_login("svc-mcp");
    let bob = Principal::new(Name::user("bob"), PARTNER);
    let goal = |service: Name| TgsGoal::S4uSelf { user: bob.clone(), service };
    // Not at home first.
    let at_home = ask_as_client(&mut both.home, &tgt, goal(Name::user("svc-mcp")));
    assert_eq!(at_home.unwrap_err(), ErrorCode::POLICY);
    let there = both.referral(&tgt);
    // The service is named, not its KDC.
    let krbtgt = goal(Name::krbtgt(REALM.as_bytes()));
    let named = ask_as_client(&mut both.partner, &there, krbtgt);
    assert_eq!(named.unwrap_err(), ErrorCode::BADMATCH);
    let own = goal(Name::enterprise("svc-mcp@EXAMPLE.TEST"));
    let Answer { credential: back, .. } = ask_as_client(&mut both.partner, &there, own).unwrap();
    assert_eq!(back.client, user("svc-mcp"), "the ticket is the service's");
    assert_eq!(back.server, Principal::new(Name::krbtgt(REALM.as_bytes()), PARTNER));
    let back = Arc::new(back);
    // Somebody else's name does not go with it.
    let other = TgsGoal::S4uSelf {
        user: Principal::new(Name::user("carol"), PARTNER),
        service: Name::user("svc-mcp"),
    };
    let named = ask_as_client(&mut both.home, &back, other);
    assert_eq!(named.unwrap_err(), ErrorCode::BADMATCH);
    // Nor is it good for anything else.
    let web = TgsGoal::Service(spn("HTTP/web.example.test"));
    assert_eq!(refused(both.home.tgs(&back, web)).code, ErrorCode::POLICY);
    let evidence = both.home.tgs(&back, goal(Name::user("svc-mcp"))).unwrap();
    assert_eq!(evidence.client, bob);
    assert!(evidence.flags.contains(TicketFlags::FORWARDABLE));
    service::verify(&both.home, &evidence, "svc-mcp");
    // And it is evidence like any other.
    let ticket = both.home.proxy(&tgt, &Arc::new(evidence), "HTTP/web.example.test").unwrap();
    assert_eq!(ticket.client, bob);
}

#[test]
fn a_user_of_the_partner_who_may_not_be_delegated_is_not() {
    let mut both = both();
    both.partner.realm.account_mut("bob").unwrap().not_delegated = true;
    let tgt = both.home.service_login("svc-mcp");
    let there = both.referral(&tgt);
    let bob = Principal::new(Name::user("bob"), PARTNER);
    let goal = |service: Name| TgsGoal::S4uSelf { user: bob.clone(), service };
    let own = goal(Name::enterprise("svc-mcp@EXAMPLE.TEST"));
    let back = ask_as_client(&mut both.partner, &there, own).unwrap().credential;
    let evidence = both.home.tgs(&Arc::new(back), goal(Name::user("svc-mcp"))).unwrap();
    assert!(!evidence.flags.contains(TicketFlags::FORWARDABLE));
}

/// MS-SFU 3.1.5.2.2: home makes a ticket for the partner's KDC in the user's name; shown there beside
/// one of the service's own, it is evidence.
#[test]
fn resource_based_delegation_across_realms() {
    let mut both = both();
    let tgt = both.home.service_login("svc-mcp");
    let evidence = Arc::new(both.home.evidence(&tgt, "alice").unwrap());
    let proxy = |evidence: &Arc<Credential>| TgsGoal::S4uProxy {
        evidence: evidence.clone(),
        target: spn(FILES),
    };
    // Who knows nothing of it gets nothing.
    let ignorant = both.home.proxy_knowing(false, &tgt, &evidence, FILES);
    assert_eq!(refused(ignorant).nt_status, Some(NtStatus::NOT_SUPPORTED));
    // Nor who asks for it and wants no referrals, or wants them and knows nothing of it.
    for (options, padata) in [
        (KdcOptions::CNAME_IN_ADDL_TKT, vec![(PaType::PAC_OPTIONS, rbcd())]),
        (KdcOptions::CNAME_IN_ADDL_TKT | KdcOptions::CANONICALIZE, vec![]),
    ] {
        let additional = vec![evidence.ticket.clone()];
        let raw = RawTgs { options, padata, additional, ..RawTgs::new(&tgt, spn(FILES)) };
        assert_eq!(raw.ask(&mut both.home).unwrap_err(), ErrorCode::BADOPTION);
        assert_eq!(both.home.refusal().status, Some(NtStatus::NOT_SUPPORTED));
    }
    let first = ask_as_client(&mut both.home, &tgt, proxy(&evidence)).unwrap().credential;
    assert_eq!(first.client, user("alice"));
    assert_eq!(first.server.name, Name::krbtgt(PARTNER.as_bytes()));
    let first = Arc::new(first);
    let own = both.referral(&tgt);
    // By itself it makes nobody the user: it would be the user at every service there.
    assert_eq!(refused(both.partner.tgs(&first, files())).code, ErrorCode::TGT_REVOKED);
    // The target has to let it.
    let refusal = refused(both.partner.tgs(&own, proxy(&first)));
    assert_eq!(refusal.nt_status, Some(NtStatus::NOT_FOUND));
    let service = both.home.realm.account("svc-mcp").unwrap();
    let sid = both.home.realm.sid(service).unwrap();
    both.partner.realm.account_mut("FILES$").unwrap().allowed_to_act = vec![Trustee::Sid(sid)];
    let ticket = both.partner.tgs(&own, proxy(&first)).unwrap();
    assert_eq!(ticket.client, user("alice"));
    assert_eq!(service::verify(&both.partner, &ticket, "FILES$").last(), Some(&19));
    let key = both.files_key();
    let (opened, _) = open_ticket(&ticket, |_, _| [key.clone()]).unwrap();
    let pac = Pac::parse(&opened.pac).unwrap().verify_server_signature(&key).unwrap();
    let info: ClientInfo = pac.get().unwrap().unwrap();
    info.check(&Name::user("alice"), ticket.times.authtime).unwrap();
    // As long as it is good.
    let long = RawTgs { realm: PARTNER, ..RawTgs::new(&own, spn(FILES)) };
    let late = RawTgs {
        options: KdcOptions::CNAME_IN_ADDL_TKT,
        padata: vec![(PaType::PAC_OPTIONS, rbcd())],
        additional: vec![both.ended(&first)],
        ..long
    };
    assert_eq!(late.ask(&mut both.partner).unwrap_err(), ErrorCode::TKT_EXPIRED);
    // Another service does not get on with it.
    let web = both.home.service_login("WEB$");
    let others = both.referral(&web);
    let refusal = refused(both.partner.tgs(&others, proxy(&first)));
    assert_eq!(refusal.code, ErrorCode::BADOPTION);
    // Nor is a user's own ticket such evidence.
    let alice = both.home.login("alice").unwrap();
    let alices = both.referral(&alice);
    assert_eq!(refused(both.partner.tgs(&own, proxy(&alices))).code, ErrorCode::TGT_REVOKED);
}

#[test]
fn sensitive_users_do_not_cross() {
    let mut both = both();
    both.home.realm.account_mut("alice").unwrap().not_delegated = true;
    let tgt = both.home.service_login("svc-mcp");
    let evidence = Arc::new(both.home.evidence(&tgt, "alice").unwrap());
    let goal = TgsGoal::S4uProxy { evidence, target: spn(FILES) };
    let refused = ask_as_client(&mut both.home, &tgt, goal);
    assert_eq!(refused.unwrap_err(), ErrorCode::BADOPTION);
    assert_eq!(both.home.refusal().status, Some(NtStatus::ACCOUNT_RESTRICTION));
}

#[test]
fn a_ticket_of_a_realm_that_is_not_trusted_is_not_ours() {
    let mut both = both();
    let tgt = both.home.login("alice").unwrap();
    let referral = both.referral(&tgt);
    let rng = &mut TestRng(12);
    let mut stranger = World::new(Realm::new(PARTNER, rng));
    assert_eq!(refused(stranger.tgs(&referral, files())).code, ErrorCode::NOT_US);
    let raw = RawTgs { realm: PARTNER, ..RawTgs::new(&tgt, spn(FILES)) };
    assert_eq!(raw.ask(&mut both.home).unwrap_err(), ErrorCode::S_PRINCIPAL_UNKNOWN);
}
