//! What a TGS-REQ must be made of.

use std::{assert_eq, vec};

use md5::Digest;

use super::raw::{RawTgs, as_request};
use super::service::{key_of, verify};
use super::*;
use crate::asn1::{AuthorizationDataElement, Checksum, EncTicketPart, PaForUser, Ticket};
use crate::crypto::Key;
use crate::der::{self, KerberosString, List};
use crate::iana::{
    AdType, ApOptions, ChecksumType, EncType, ErrorCode, KdcOptions, KeyUsage, PaType,
};
use crate::kdc::Compat;
use crate::preauth::{for_user_checksum_input, s4u_x509_user};

fn web() -> Name {
    spn("HTTP/web.example.test")
}

#[test]
fn the_authenticator_vouches_for_the_body() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let key = &tgt.session_key;
    let body_of = |raw: &RawTgs<'_>| {
        let request = raw.request(NOW);
        der::decode::<crate::asn1::TgsReq<'_>>(&request).unwrap().req_body.der().to_vec()
    };
    let body = body_of(&RawTgs::new(&tgt, web()));
    let usage = KeyUsage::TGS_REQ_CHECKSUM;
    for (what, checksum, code) in [
        ("none", None, Some(ErrorCode::INAPP_CKSUM)),
        ("of another body", Some((key.checksum_type(), key.checksum(usage, b"other"))), {
            Some(ErrorCode::MODIFIED)
        }),
        ("its own", Some((key.checksum_type(), key.checksum(usage, &body))), None),
        ("hmac-md5", Some((ChecksumType::HMAC_MD5, key.hmac_md5(usage, &body).to_vec())), None),
        // What JDKs and Windows send; it stands encrypted.
        ("md5", Some((ChecksumType::RSA_MD5, md5::Md5::digest(&body).to_vec())), None),
        ("md4", Some((ChecksumType::RSA_MD4, md4::Md4::digest(&body).to_vec())), {
            Some(ErrorCode::INAPP_CKSUM)
        }),
        ("crc32", Some((ChecksumType(1), vec![0; 4])), Some(ErrorCode::INAPP_CKSUM)),
        ("unknown", Some((ChecksumType(999), vec![0; 4])), Some(ErrorCode::SUMTYPE_NOSUPP)),
    ] {
        let raw = RawTgs { checksum: Some(checksum), ..RawTgs::new(&tgt, web()) };
        assert_eq!(raw.ask(&mut world).err(), code, "{what}");
    }
    // AD takes a request that nobody vouches for.
    world.realm = world.realm.compat(Compat::Ad);
    let raw = RawTgs { checksum: Some(None), ..RawTgs::new(&tgt, web()) };
    raw.ask(&mut world).unwrap();
}

#[test]
fn the_authenticator_is_of_the_tickets_client_and_of_now() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    for client in [user("bob"), Principal::new(Name::user("alice"), "OTHER.TEST"), user("Alice")] {
        let other = Credential { client, ..(*tgt).clone() };
        let answer = RawTgs::new(&other, web()).ask(&mut world);
        assert_eq!(answer.unwrap_err(), ErrorCode::BADMATCH, "{}", other.client);
    }
    for (offset, code) in [(-301, ErrorCode::SKEW), (301, ErrorCode::SKEW)] {
        let request = RawTgs::new(&tgt, web()).request(NOW + offset);
        world.ask(&request);
        assert_eq!(world.refusal().code, code, "{offset}");
    }
    for offset in [-300, 300] {
        let request = RawTgs::new(&tgt, web()).request(NOW + offset);
        world.ask(&request);
        assert!(matches!(world.events.last().unwrap().outcome, Outcome::Granted { .. }));
    }
    let raw = RawTgs { ap_options: ApOptions::USE_SESSION_KEY, ..RawTgs::new(&tgt, web()) };
    assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::BADOPTION);
}

#[test]
fn without_a_subkey_the_reply_is_in_the_session_key() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let raw = RawTgs { subkey: None, ..RawTgs::new(&tgt, web()) };
    let answer = raw.ask(&mut world).unwrap();
    assert_eq!(answer.credential.client, user("alice"));
}

#[test]
fn nonces_come_back_as_they_were() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    for nonce in [0, 1, 0x7fff_ffff, 0x8000_0001, 0xffff_ffff] {
        let raw = RawTgs { nonce, ..RawTgs::new(&tgt, web()) };
        assert_eq!(raw.ask(&mut world).unwrap().nonce, nonce);
    }
}

/// Keyed with the session key, HMAC-MD5 or the key's own; nothing without a key (CVE-2018-16860).
#[test]
fn five_checksums_over_a_users_name() {
    let mut world = World::new(realm());
    let tgt = world.service_login("svc-mcp");
    let key = &tgt.session_key;
    let octets = for_user_checksum_input(&user("alice"));
    let usage = KeyUsage::NON_KERB_CHECKSUM;
    for (kind, checksum, code) in [
        (ChecksumType::HMAC_MD5, key.hmac_md5(usage, &octets).to_vec(), None),
        (key.checksum_type(), key.checksum(usage, &octets), None),
        (ChecksumType::HMAC_MD5, vec![0; 16], Some(ErrorCode::MODIFIED)),
        (ChecksumType::RSA_MD5, md5::Md5::digest(&octets).to_vec(), Some(ErrorCode::INAPP_CKSUM)),
        (ChecksumType::SHA1, sha1::Sha1::digest(&octets).to_vec(), Some(ErrorCode::INAPP_CKSUM)),
    ] {
        let alice = user("alice");
        let value = der::encode(&PaForUser {
            user_name: (&alice.name).into(),
            user_realm: KerberosString(REALM.as_bytes()),
            cksum: Checksum { cksumtype: kind, checksum: &checksum },
            auth_package: KerberosString(b"Kerberos"),
        });
        let mut raw = RawTgs::new(&tgt, Name::user("svc-mcp"));
        raw.padata.push((PaType::FOR_USER, value));
        let answer = raw.ask(&mut world).map(|answer| answer.credential.client);
        assert_eq!(answer, code.map_or(Ok(alice), Err), "{kind}");
    }
}

/// The same bytes mean one user to Samba and another to MIT: here they mean none.
#[test]
fn two_names_must_be_of_one_user() {
    let realm = realm().with(Account::user("bob"));
    for (compat, expected) in [
        (Compat::Strict, Err(ErrorCode::MODIFIED)),
        (Compat::Ad, Ok(user("bob"))), // as MIT and Windows have it
    ] {
        let mut world = World::new(realm.clone().compat(compat));
        let tgt = world.service_login("svc-mcp");
        let mut raw = RawTgs::new(&tgt, Name::user("svc-mcp"));
        let old = crate::preauth::for_user(&user("alice"), &tgt.session_key);
        let new = s4u_x509_user(&user("bob"), raw.nonce, raw.reply_key()).unwrap();
        raw.padata = vec![(PaType::FOR_USER, old), (PaType::S4U_X509_USER, new)];
        let answer = raw.ask(&mut world).map(|answer| answer.credential.client);
        assert_eq!(answer, expected, "{compat:?}");
    }
    // Of the same name in two realms there are two as well.
    let mut world = World::new(realm);
    let tgt = world.service_login("svc-mcp");
    let mut raw = RawTgs::new(&tgt, Name::user("svc-mcp"));
    let elsewhere = Principal::new(Name::user("alice"), "OTHER.TEST");
    let old = crate::preauth::for_user(&elsewhere, &tgt.session_key);
    let new = s4u_x509_user(&user("alice"), raw.nonce, raw.reply_key()).unwrap();
    raw.padata = vec![(PaType::FOR_USER, old), (PaType::S4U_X509_USER, new)];
    assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::MODIFIED);
}

#[test]
fn the_newer_name_alone_is_bound_to_its_request() {
    let mut world = World::new(realm());
    let tgt = world.service_login("svc-mcp");
    let fresh = || RawTgs::new(&tgt, Name::user("svc-mcp"));
    let named = |nonce, key: &crate::crypto::Key| {
        vec![(PaType::S4U_X509_USER, s4u_x509_user(&user("alice"), nonce, key).unwrap())]
    };
    let mut raw = fresh();
    raw.padata = named(42, raw.reply_key());
    let answer = raw.ask(&mut world).unwrap();
    assert_eq!(answer.credential.client, user("alice"));
    let [(PaType::S4U_X509_USER, value)] = answer.padata.as_slice() else {
        panic!("{:?}", answer.padata)
    };
    crate::preauth::verify_s4u_x509_user_reply(value, &user("alice"), 42, raw.reply_key())
        .expect("signed for the reply");
    // Of another request; with the session key while there is a subkey.
    let mut raw = fresh();
    raw.padata = named(43, raw.reply_key());
    assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::MODIFIED);
    raw.padata = named(42, &tgt.session_key);
    assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::MODIFIED);
    raw.subkey = None;
    assert_eq!(raw.ask(&mut world).unwrap().credential.client, user("alice"));
}

/// What the client puts into the ticket itself goes there, but for a PAC of its own making.
#[test]
fn authorization_data_of_the_client() {
    let mut world = World::new(realm());
    let tgt = world.login("alice").unwrap();
    let relevant = |ad_type, ad_data: &[u8]| {
        let inner = der::encode(&List::of(&[AuthorizationDataElement { ad_type, ad_data }]));
        let outer = [AuthorizationDataElement { ad_type: AdType::IF_RELEVANT, ad_data: &inner }];
        der::encode(&List::of(&outer))
    };
    let harmless = relevant(AdType::AP_OPTIONS, &[0, 0x40, 0, 0]);
    let usage = KeyUsage::TGS_REQ_AUTH_DATA_SUBKEY;
    let ask = |world: &mut World, usage, data| {
        let raw = RawTgs { authorization_data: Some((usage, data)), ..RawTgs::new(&tgt, web()) };
        raw.ask(world).map(|answer| answer.credential)
    };
    let credential = ask(&mut world, usage, harmless.clone()).unwrap();
    verify(&world, &credential, "WEB$");
    let ticket: Ticket<'_> = der::decode(&credential.ticket).unwrap();
    let key = key_of(&world, "WEB$");
    let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
    let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
    assert_eq!(part.authorization_data.unwrap().iter().count(), 2, "the PAC, and what was sent");

    let pac = relevant(AdType::WIN2K_PAC, b"pac");
    assert_eq!(ask(&mut world, usage, pac.clone()).unwrap_err(), ErrorCode::POLICY);
    let deeper = relevant(AdType::IF_RELEVANT, &pac);
    assert_eq!(ask(&mut world, usage, deeper.clone()).unwrap_err(), ErrorCode::POLICY);
    let abyss = (0..99).fold(harmless.clone(), |data, _| relevant(AdType::IF_RELEVANT, &data));
    assert_eq!(ask(&mut world, usage, abyss).unwrap_err(), ErrorCode::GENERIC);
    let wrong = KeyUsage::TGS_REQ_AUTH_DATA_SESSION_KEY;
    assert_eq!(ask(&mut world, wrong, harmless).unwrap_err(), ErrorCode::BAD_INTEGRITY);
    assert_eq!(ask(&mut world, usage, vec![1, 2]).unwrap_err(), ErrorCode::GENERIC);
}

/// What a ticket says of its own use is said of those that come of it too (RFC 4120 section 3.3.3):
/// whoever is given it cannot ask for one that says less.
#[test]
fn authorization_data_go_on_from_ticket_to_ticket() {
    let mut world = World::new(realm());
    let saying = |ticket: &Credential, key: &Key| {
        let ticket: Ticket<'_> = der::decode(&ticket.ticket).unwrap();
        let plaintext = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).unwrap();
        let part: EncTicketPart<'_> = der::decode(&plaintext).unwrap();
        let data = part.authorization_data.unwrap();
        let said = data.iter().filter(|element| element.ad_data == b"only mondays");
        (said.count(), data.iter().count())
    };
    let element = AuthorizationDataElement { ad_type: AdType(-4711), ad_data: b"only mondays" };
    let data = (KeyUsage::TGS_REQ_AUTH_DATA_SUBKEY, der::encode(&List::of(&[element])));
    let krbtgt = world.realm.krbtgt_key().unwrap().clone();
    let restrict = |world: &mut World, tgt: &Credential, service: Name| {
        let raw = RawTgs { authorization_data: Some(data.clone()), ..RawTgs::new(tgt, service) };
        Arc::new(raw.ask(world).unwrap().credential)
    };
    let tgt = world.login("alice").unwrap();
    let tgt = restrict(&mut world, &tgt, Name::krbtgt(REALM.as_bytes()));
    assert_eq!(saying(&tgt, &krbtgt), (1, 2), "it, and the PAC");
    let ticket = world.tgs(&tgt, TgsGoal::Service(web())).unwrap();
    assert_eq!(saying(&ticket, &key_of(&world, "WEB$")), (1, 2));
    verify(&world, &ticket, "WEB$");
    // A user's ticket to a service is what that delegates with.
    let evidence = world.tgs(&tgt, TgsGoal::Service(spn("HTTP/mcp.example.test"))).unwrap();
    let service = world.service_login("svc-mcp");
    let proxy = world.proxy(&service, &Arc::new(evidence), "HTTP/web.example.test").unwrap();
    assert_eq!(saying(&proxy, &key_of(&world, "WEB$")), (1, 2));
    // Not so what the service's own ticket says.
    let service = restrict(&mut world, &service, Name::krbtgt(REALM.as_bytes()));
    let own = world.evidence(&service, "alice").unwrap();
    assert_eq!(saying(&own, &key_of(&world, "svc-mcp")), (0, 1));
}

/// One request is one thing.
#[test]
fn options_of_another_request_are_refused() {
    let mut world = World::new(realm());
    let others = [
        KdcOptions::FORWARDED,
        KdcOptions::PROXY,
        KdcOptions::RENEW,
        KdcOptions::CNAME_IN_ADDL_TKT,
    ];
    let service = world.service_login("svc-mcp");
    let key = &service.session_key;
    for option in others.into_iter().chain([KdcOptions::ENC_TKT_IN_SKEY]) {
        let krbtgt = Name::krbtgt(REALM.as_bytes());
        let enctypes = [EncType::AES256_CTS_HMAC_SHA1_96];
        world.ask(&as_request(&Name::user("alice"), &krbtgt, option, &enctypes, &[]));
        assert_eq!(world.refusal().code, ErrorCode::BADOPTION, "{option:?}");
    }
    for option in others {
        let pa = crate::preauth::for_user(&user("alice"), key);
        let padata = vec![(PaType::FOR_USER, pa)];
        let own = RawTgs::new(&service, Name::user("svc-mcp"));
        let raw =
            RawTgs { options: option, padata, additional: vec![service.ticket.clone()], ..own };
        assert_eq!(raw.ask(&mut world).unwrap_err(), ErrorCode::BADOPTION, "{option:?}");
    }
}
