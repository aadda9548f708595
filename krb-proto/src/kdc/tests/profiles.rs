//! Where KDCs differ, by profile.

use std::{assert_eq, vec};

use super::raw::{RawTgs, as_request};
use super::*;
use crate::asn1::{AsRep, EncTicketPart, PaPacRequest, PaS4uX509User, S4uUserId};
use crate::authorization::find_pac;
use crate::der::{self, Encoded, KerberosString, UInt32};
use crate::iana::{EncType, ErrorCode, KdcOptions, KeyUsage, PaType, S4uOptions};
use crate::kdc::{Compat, Outcome};

const PROFILES: [Compat; 4] = [Compat::Strict, Compat::Ad, Compat::Ad2019, Compat::Ad2025];
const RC4: EncType = EncType::RC4_HMAC;

/// Server 2025 makes no ticket-granting ticket with RC4, whatever the account has; nor does anybody
/// for Protected Users.
#[test]
fn logins_with_rc4() {
    for (compat, explicit, protected, offered) in [
        (Compat::Strict, true, false, false),
        (Compat::Ad, false, false, false), // unset means AES
        (Compat::Ad, true, false, true),
        (Compat::Ad, true, true, false),
        (Compat::Ad2019, false, false, true),
        (Compat::Ad2025, true, false, false),
    ] {
        let mut world = World::new(realm().compat(compat));
        let alice = world.realm.account_mut("alice").unwrap();
        alice.protected_user = protected;
        if explicit {
            alice.enctypes = Some(vec![RC4, EncType::AES256_CTS_HMAC_SHA1_96]);
        }
        let krbtgt = Name::krbtgt(REALM.as_bytes());
        let request = as_request(&user("alice").name, &krbtgt, KdcOptions::NONE, &[RC4], &[]);
        world.ask(&request);
        let expected = if offered { ErrorCode::PREAUTH_REQUIRED } else { ErrorCode::ETYPE_NOSUPP };
        assert_eq!(world.refusal().code, expected, "{compat:?} {explicit} {protected}");
    }
}

/// Until 2026 enctypes that are not set meant RC4 for tickets, with AES for session keys.
#[test]
fn tickets_for_services_without_enctypes() {
    let aes = EncType::AES256_CTS_HMAC_SHA1_96;
    for compat in PROFILES {
        let old = Account::service("old").spn("old/x").password("x");
        let mut world = World::new(realm().compat(compat).with(old));
        let tgt = world.login("alice").unwrap();
        world.tgs(&tgt, TgsGoal::Service(spn("old/x"))).unwrap();
        let Outcome::Granted { ticket, session, .. } = world.events.last().unwrap().outcome else {
            panic!("refused")
        };
        let expected = if compat == Compat::Ad2019 { RC4 } else { aes };
        assert_eq!((ticket, session), (expected, aes), "{compat:?}");
    }
}

/// Samba always gives a PAC, Windows where it is wanted; a ticket-granting ticket always has one.
#[test]
fn who_wants_no_pac() {
    for compat in PROFILES {
        let mut world = World::new(realm().compat(compat));
        world.realm.account_mut("svc-mcp").unwrap().no_preauth = true;
        let no_pac = der::encode(&PaPacRequest { include_pac: false });
        let request = as_request(
            &Name::user("svc-mcp"),
            &spn("HTTP/web.example.test"),
            KdcOptions::NONE,
            crate::crypto::SUPPORTED,
            &[(PaType::PAC_REQUEST, no_pac)],
        );
        let reply = world.ask(&request);
        let reply: AsRep<'_> = der::decode(&reply).unwrap();
        let key = service::key_of(&world, "WEB$");
        let plaintext = key.decrypt(KeyUsage::TICKET, reply.ticket.enc_part.cipher).unwrap();
        let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
        let pac = part.authorization_data.and_then(|data| find_pac(&data).unwrap());
        assert_eq!(pac.is_some(), compat == Compat::Strict, "{compat:?}");
    }
}

/// RFC 6806: without the flag names come back as they were sent.
#[test]
fn names_are_canonical_for_those_who_ask() {
    for (compat, canonicalize, client, server) in [
        (Compat::Strict, false, "SVC-MCP", "HTTP/web.example.test"),
        (Compat::Strict, true, "svc-mcp", "HTTP/web.example.test"),
        (Compat::Ad, false, "SVC-MCP", "HTTP/web.example.test"),
        (Compat::Ad, true, "svc-mcp", "WEB$"),
    ] {
        let mut world = World::new(realm().compat(compat));
        world.realm.account_mut("svc-mcp").unwrap().no_preauth = true;
        let options = if canonicalize { KdcOptions::CANONICALIZE } else { KdcOptions::NONE };
        let request = as_request(
            &Name::user("SVC-MCP"),
            &spn("HTTP/web.example.test"),
            options,
            crate::crypto::SUPPORTED,
            &[],
        );
        let reply = world.ask(&request);
        let reply: AsRep<'_> = der::decode(&reply).unwrap();
        assert_eq!(reply.cname.to_name().to_string(), client);
        assert_eq!(reply.ticket.sname.to_name().to_string(), server);
    }
}

/// By certificate alone the account's name is found; with a name both must mean one account.
#[test]
fn s4u2self_by_certificate() {
    let (alices, bobs) = (&b"alice's certificate"[..], &b"bob's certificate"[..]);
    let mut changed = realm();
    let alice = changed.remove("alice").unwrap().certificate(alices);
    changed.insert(alice);
    let mut world = World::new(changed.with(Account::user("bob").certificate(bobs)));
    let tgt = world.service_login("svc-mcp");
    let ask = |world: &mut World, name: Option<&Name>, certificate: Option<&[u8]>| {
        let mut raw = RawTgs::new(&tgt, Name::user("svc-mcp"));
        let user_id = der::encode(&S4uUserId {
            nonce: UInt32::new(raw.nonce),
            cname: name.map(Into::into),
            crealm: KerberosString(REALM.as_bytes()),
            subject_certificate: certificate,
            options: Some(S4uOptions::SIGN_REPLY.0.into()),
        });
        let checksum = raw.reply_key().checksum(KeyUsage::PA_S4U_X509_USER_REQUEST, &user_id);
        let cksumtype = raw.reply_key().checksum_type();
        let value = der::encode(&PaS4uX509User {
            user_id: Encoded::from_der(&user_id).unwrap(),
            checksum: crate::asn1::Checksum { cksumtype, checksum: &checksum },
        });
        raw.padata.push((PaType::S4U_X509_USER, value));
        raw.ask(world).map(|answer| answer.credential.client)
    };
    let (alice, unknown) = (Name::user("alice"), Err(ErrorCode::C_PRINCIPAL_UNKNOWN));
    let empty = Name::user("");
    assert_eq!(ask(&mut world, None, Some(alices)), Ok(user("alice")));
    assert_eq!(ask(&mut world, Some(&empty), Some(alices)), Ok(user("alice")));
    assert_eq!(ask(&mut world, Some(&alice), Some(alices)), Ok(user("alice")));
    assert_eq!(ask(&mut world, Some(&alice), Some(bobs)), unknown);
    assert_eq!(ask(&mut world, None, Some(b"nobody's")), unknown);
    assert_eq!(ask(&mut world, None, None), unknown);
}

/// The AS says whether a certificate's account is here, without a word of a name.
#[test]
fn the_realm_of_a_certificate_is_asked_of_the_as() {
    let mut changed = realm();
    let alice = changed.remove("alice").unwrap().certificate(b"alice's");
    changed.insert(alice);
    let mut world = World::new(changed);
    let nobody = Name::new(crate::iana::NameType::X500_PRINCIPAL, [""]);
    let krbtgt = Name::krbtgt(REALM.as_bytes());
    for (certificate, code) in [
        (&b"alice's"[..], ErrorCode::PREAUTH_REQUIRED),
        (b"nobody's", ErrorCode::C_PRINCIPAL_UNKNOWN),
    ] {
        let padata = [(PaType::S4U_X509_USER, certificate.to_vec())];
        let supported = crate::crypto::SUPPORTED;
        let request = as_request(&nobody, &krbtgt, KdcOptions::NONE, supported, &padata);
        world.ask(&request);
        assert_eq!(world.refusal().code, code);
    }
}

#[test]
fn logon_hours_count_in_s4u2self_where_the_service_says_so() {
    let mut world = World::new(realm());
    world.realm.account_mut("alice").unwrap().logon_hours = Some([0; 21]);
    let tgt = world.service_login("svc-mcp");
    for (options, code) in [
        (S4uOptions::SIGN_REPLY, None),
        (S4uOptions::SIGN_REPLY | S4uOptions::CHECK_LOGON_HOURS, Some(ErrorCode::CLIENT_REVOKED)),
    ] {
        let mut raw = RawTgs::new(&tgt, Name::user("svc-mcp"));
        let user_id = der::encode(&S4uUserId {
            nonce: UInt32::new(raw.nonce),
            cname: Some((&user("alice").name).into()),
            crealm: KerberosString(REALM.as_bytes()),
            subject_certificate: None,
            options: Some(options.0.into()),
        });
        let checksum = raw.reply_key().checksum(KeyUsage::PA_S4U_X509_USER_REQUEST, &user_id);
        let cksumtype = raw.reply_key().checksum_type();
        let value = der::encode(&PaS4uX509User {
            user_id: Encoded::from_der(&user_id).unwrap(),
            checksum: crate::asn1::Checksum { cksumtype, checksum: &checksum },
        });
        raw.padata.push((PaType::S4U_X509_USER, value));
        assert_eq!(raw.ask(&mut world).err(), code);
    }
}
