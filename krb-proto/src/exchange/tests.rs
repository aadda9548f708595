//! The exchanges against a KDC in memory that answers honestly unless a test changes its reply:
//! every check of a reply has a test that fails it.

mod as_exchange;
mod certificate;
mod fast;
mod hostile;
mod options;
mod service_ticket;
mod user_realm;
mod walk;

use std::boxed::Box;
use std::string::ToString;
use std::sync::Arc;
use std::vec::Vec;
use std::{assert_eq, vec};

use super::*;
use crate::asn1::{
    ApReq, AsRep, AsReq, Authenticator, AuthorizationDataElement, Checksum, EncKdcRepPart,
    EncryptedData, EncryptionKey, EtypeInfo2Entry, HostAddress, KdcReqBody, KrbError, PaData,
    PaS4uX509User, S4uUserId, SecretOctets, TgsRep, TgsReq,
};
use crate::crypto::Key;
use crate::der::{self, Encoded, Int, KerberosString, List, Microseconds, UInt32};
use crate::iana::{
    AdType, EncType, ErrorCode, KdcOptions, KeyUsage, PaType, S4uOptions, TicketFlags,
};
use crate::kdc::{NewTicket, TicketKeys};
use crate::preauth::{KeyHint, S4uReplyError, default_salt};
use crate::{Credential, KerberosTime, Name, Principal, Random, Timestamp};

const REALM: &str = "W25AD.NET";
const NOW: i64 = 1_800_000_000;

/// Not random, but never the same twice.
struct Counter(u8);

impl Random for Counter {
    fn fill(&mut self, out: &mut [u8]) {
        for byte in out {
            self.0 = self.0.wrapping_mul(37).wrapping_add(11);
            *byte = self.0;
        }
    }
}

fn key(enctype: EncType, byte: u8) -> Key {
    let length = if enctype == EncType::AES256_CTS_HMAC_SHA1_96 { 32 } else { 16 };
    Key::new(enctype, &vec![byte; length]).unwrap()
}

fn service_key() -> Key {
    key(EncType::AES256_CTS_HMAC_SHA1_96, 1)
}

fn service() -> Principal {
    Principal::new(Name::user("svc-mcp-server"), REALM)
}

fn alice() -> Principal {
    Principal::new(Name::user("ALICE_ADMIN"), REALM)
}

fn target() -> Name {
    Name::new(crate::iana::NameType::SRV_INST, ["cifs", "fileserver.w25ad.net"])
}

type Padata = Vec<(PaType, Vec<u8>)>;

/// What the KDC will answer; a test may change any of it before it is sealed.
struct Answer {
    client: Principal,
    server: Principal,
    nonce: u32,
    session_key: Key,
    reply_key: Key,
    usage: KeyUsage,
    starttime: i64,
    endtime: i64,
    renew_till: Option<i64>,
    addresses: Vec<TicketAddress>,
    flags: TicketFlags,
    padata: Padata,
    encrypted_padata: Padata,
    /// What stands unencrypted in the reply, where it differs from `client`.
    outer_client: Option<Principal>,
}

fn padata(list: &[(PaType, Vec<u8>)]) -> Vec<PaData<'_>> {
    list.iter()
        .map(|(padata_type, value)| PaData { padata_type: *padata_type, padata_value: value })
        .collect()
}

impl Answer {
    fn ticket(&self) -> Vec<u8> {
        let pac = [AuthorizationDataElement { ad_type: AdType::WIN2K_PAC, ad_data: b"pac" }];
        let relevant = der::encode(&List::of(&pac));
        let data = [AuthorizationDataElement { ad_type: AdType::IF_RELEVANT, ad_data: &relevant }];
        let start = KerberosTime::from_unix(NOW);
        let ticket = NewTicket {
            client: &self.client,
            server: &self.server,
            session_key: &self.session_key,
            flags: self.flags,
            times: crate::credential::TicketTimes {
                authtime: start,
                starttime: start,
                endtime: KerberosTime::from_unix(self.endtime),
                renew_till: None,
            },
            transited: b"",
            addresses: &[],
            authorization_data: &data,
            pac: None,
        };
        let key = service_key();
        let keys = TicketKeys { server: &key, kvno: Some(2), krbtgt: &key };
        ticket.seal(&keys, &mut Counter(9)).unwrap()
    }

    fn enc_part(&self, tag: u8) -> Vec<u8> {
        let encrypted_padata = padata(&self.encrypted_padata);
        let addresses: Vec<_> = self
            .addresses
            .iter()
            .map(|a| HostAddress { addr_type: a.kind, address: &a.octets })
            .collect();
        let part = EncKdcRepPart {
            key: EncryptionKey {
                keytype: self.session_key.enctype(),
                keyvalue: SecretOctets(self.session_key.as_bytes()),
            },
            last_req: List::of(&[]),
            nonce: UInt32::new(self.nonce),
            key_expiration: None,
            flags: self.flags.0.into(),
            authtime: KerberosTime::from_unix(NOW),
            starttime: Some(KerberosTime::from_unix(self.starttime)),
            endtime: KerberosTime::from_unix(self.endtime),
            renew_till: self.renew_till.map(KerberosTime::from_unix),
            srealm: KerberosString(&self.server.realm),
            sname: (&self.server.name).into(),
            caddr: (!addresses.is_empty()).then(|| List::of(&addresses)),
            encrypted_pa_data: (!encrypted_padata.is_empty()).then(|| List::of(&encrypted_padata)),
        };
        let mut writer = der::Writer::new();
        part.write(tag, &mut writer);
        self.reply_key.encrypt(self.usage, writer.as_slice(), &mut Counter(7))
    }

    fn tgs_rep(&self) -> Vec<u8> {
        let (ticket, cipher) = (self.ticket(), self.enc_part(EncKdcRepPart::TGS_REP));
        let padata = padata(&self.padata);
        let client = self.outer_client.as_ref().unwrap_or(&self.client);
        der::encode(&TgsRep {
            pvno: Int,
            msg_type: Int,
            padata: (!padata.is_empty()).then(|| List::of(&padata)),
            crealm: KerberosString(&client.realm),
            cname: (&client.name).into(),
            ticket: Encoded::from_der(&ticket).unwrap(),
            enc_part: EncryptedData {
                etype: self.reply_key.enctype(),
                kvno: None,
                cipher: &cipher,
            },
        })
    }

    /// Tagged as EncTGSRepPart, as MIT does.
    fn as_rep(&self) -> Vec<u8> {
        let (ticket, cipher) = (self.ticket(), self.enc_part(EncKdcRepPart::TGS_REP));
        let padata = padata(&self.padata);
        let client = self.outer_client.as_ref().unwrap_or(&self.client);
        der::encode(&AsRep {
            pvno: Int,
            msg_type: Int,
            padata: (!padata.is_empty()).then(|| List::of(&padata)),
            crealm: KerberosString(&client.realm),
            cname: (&client.name).into(),
            ticket: Encoded::from_der(&ticket).unwrap(),
            enc_part: EncryptedData {
                etype: self.reply_key.enctype(),
                kvno: None,
                cipher: &cipher,
            },
        })
    }
}

fn error(code: ErrorCode, e_data: Option<&[u8]>) -> Vec<u8> {
    let sname = Name::krbtgt(REALM.as_bytes());
    der::encode(&KrbError {
        e_text: Some(KerberosString(b"why\x07 not")),
        e_data,
        ..KrbError::new(code, Timestamp::new(NOW + 600, 5), REALM.as_bytes(), &sname)
    })
}

fn with_context<T>(rng: &mut Counter, f: impl FnOnce(&mut Context<'_>) -> T) -> T {
    f(&mut Context { now: Timestamp::new(NOW, 42), kdc_offset: 0, rng })
}

fn tgt_answer() -> Answer {
    Answer {
        client: service(),
        server: Principal::krbtgt(REALM.as_bytes()),
        nonce: 0,
        session_key: key(EncType::AES256_CTS_HMAC_SHA1_96, 2),
        reply_key: service_key(),
        usage: KeyUsage::AS_REP,
        starttime: NOW,
        endtime: NOW + 36_000,
        renew_till: None,
        addresses: vec![],
        flags: TicketFlags::FORWARDABLE,
        padata: vec![],
        encrypted_padata: vec![],
        outer_client: None,
    }
}

fn credential_of(answer: &Answer) -> Credential {
    Credential {
        client: answer.client.clone(),
        server: answer.server.clone(),
        session_key: answer.session_key.clone(),
        times: crate::credential::TicketTimes {
            endtime: KerberosTime::from_unix(answer.endtime),
            ..Default::default()
        },
        flags: answer.flags,
        ticket: answer.ticket(),
    }
}

fn tgt() -> Arc<Credential> {
    Arc::new(credential_of(&tgt_answer()))
}

/// Reads a TGS-REQ as a strict KDC does and prepares the honest answer to it.
fn answer_tgs(request: &[u8], client: Principal) -> (Answer, Padata, Vec<u8>) {
    let request: TgsReq<'_> = der::decode(request).unwrap();
    let sent: Vec<_> = request
        .padata
        .unwrap()
        .iter()
        .map(|pa| (pa.padata_type, pa.padata_value.to_vec()))
        .collect();
    assert_eq!(sent[0].0, PaType::TGS_REQ, "the AP-REQ comes first");
    let ap_req: ApReq<'_> = der::decode(&sent[0].1).unwrap();
    let session_key = tgt().session_key.clone();
    let plain =
        session_key.decrypt(KeyUsage::TGS_REQ_AUTHENTICATOR, ap_req.authenticator.cipher).unwrap();
    let authenticator: Authenticator<'_> = der::decode(&plain).unwrap();
    assert_eq!(authenticator.cname.to_name(), service().name, "the service stays the client");
    let checksum = authenticator.cksum.expect("KDCs refuse a TGS-REQ without a checksum");
    session_key
        .verify_checksum(
            KeyUsage::TGS_REQ_CHECKSUM,
            checksum.cksumtype,
            request.req_body.der(),
            checksum.checksum,
        )
        .unwrap();
    let subkey = authenticator.subkey.unwrap();
    let body: &KdcReqBody<'_> = &request.req_body;
    let answer = Answer {
        client,
        server: body.sname.unwrap().in_realm(body.realm),
        nonce: body.nonce.get(),
        session_key: key(EncType::AES256_CTS_HMAC_SHA1_96, 3),
        reply_key: Key::new(subkey.keytype, subkey.keyvalue.0).unwrap(),
        usage: KeyUsage::TGS_REP_SUBKEY,
        starttime: NOW,
        endtime: body.till.unix(),
        renew_till: None,
        addresses: vec![],
        flags: TicketFlags::FORWARDABLE,
        padata: vec![],
        encrypted_padata: vec![],
        outer_client: None,
    };
    (answer, sent, request.req_body.der().to_vec())
}

type Changed = Box<dyn Fn(&mut Answer)>;

fn s4u_self(change: impl Fn(&mut Answer)) -> Result<Credential, ExchangeError> {
    let mut rng = Counter(1);
    let mut exchange = TgsExchange::new(
        tgt(),
        TgsGoal::S4uSelf { user: alice(), service: service().name },
        TicketOptions { lifetime: 900, ..Default::default() },
    );
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    assert_eq!(exchange.realm(), Ok(REALM.as_bytes()));
    let (mut answer, ..) = answer_tgs(&request, alice());
    change(&mut answer);
    match with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep()))? {
        Step::Done(credential) => Ok(credential),
        Step::Continue => panic!("one round trip is enough"),
    }
}

#[test]
fn s4u_self_names_the_user_in_both_ways() {
    let mut rng = Counter(1);
    let mut exchange = TgsExchange::new(
        tgt(),
        TgsGoal::S4uSelf { user: alice(), service: service().name },
        TicketOptions::default(),
    );
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (answer, sent, _) = answer_tgs(&request, alice());
    let types: Vec<_> = sent.iter().map(|(padata_type, _)| *padata_type).collect();
    assert_eq!(
        types,
        [PaType::TGS_REQ, PaType::FOR_USER, PaType::S4U_X509_USER, PaType::PAC_OPTIONS]
    );
    let for_user: crate::asn1::PaForUser<'_> = der::decode(&sent[1].1).unwrap();
    assert_eq!(for_user.user_name.to_name(), alice().name);
    tgt()
        .session_key
        .verify_checksum(
            KeyUsage::NON_KERB_CHECKSUM,
            for_user.cksum.cksumtype,
            &crate::preauth::for_user_checksum_input(&alice()),
            for_user.cksum.checksum,
        )
        .expect("keyed with the session key");
    let x509: PaS4uX509User<'_> = der::decode(&sent[2].1).unwrap();
    assert_eq!(x509.user_id.nonce.get(), answer.nonce, "bound to the request");
    answer
        .reply_key
        .verify_checksum(
            KeyUsage::PA_S4U_X509_USER_REQUEST,
            x509.checksum.cksumtype,
            x509.user_id.der(),
            x509.checksum.checksum,
        )
        .expect("keyed with the subkey");
}

#[test]
fn an_honest_s4u_self_reply_is_taken() {
    let credential = s4u_self(|_| {}).unwrap();
    assert_eq!(credential.client, alice());
    assert_eq!(credential.server, service());
    assert!(credential.flags.contains(TicketFlags::FORWARDABLE));
}

#[test]
fn every_difference_in_a_reply_is_refused() {
    let mallory = || Principal::new(Name::user("mallory"), REALM);
    let cases: Vec<(&str, Changed, Mismatch)> = vec![
        ("nonce", Box::new(|a| a.nonce ^= 1), Mismatch::Nonce),
        (
            "another client",
            Box::new(move |a| a.client = mallory()),
            Mismatch::Client { expected: alice(), found: mallory() },
        ),
        (
            "another client realm",
            Box::new(|a| a.client.realm = b"EVIL".to_vec()),
            Mismatch::Client { expected: alice(), found: Principal::new(alice().name, "EVIL") },
        ),
        ("the service itself", Box::new(|a| a.client = service()), Mismatch::S4uIgnored),
        (
            "another service",
            Box::new(|a| a.server.name = target()),
            Mismatch::Server { expected: service(), found: Principal::new(target(), REALM) },
        ),
        (
            "an enctype that was not offered",
            Box::new(|a| a.session_key = Key::danger_new_rc4(&[5; 16]).unwrap()),
            Mismatch::EncType(EncType::RC4_HMAC),
        ),
        ("expired", Box::new(|a| a.endtime = NOW), Mismatch::Times),
        ("longer than asked", Box::new(|a| a.endtime = NOW + 901), Mismatch::Times),
        ("not yet valid", Box::new(|a| a.starttime = NOW + 301), Mismatch::Times),
    ];
    for (what, change, mismatch) in cases {
        assert_eq!(s4u_self(change).unwrap_err(), ExchangeError::Mismatch(mismatch), "{what}");
    }
    // At their limits, the same are taken.
    s4u_self(|a| a.endtime = NOW + 1).unwrap();
    s4u_self(|a| a.endtime = NOW + 900).unwrap();
    s4u_self(|a| a.starttime = NOW + 300).unwrap();
}

#[test]
fn a_reply_in_another_key_or_usage_is_refused() {
    for change in
        [(|a: &mut Answer| a.reply_key = tgt().session_key.clone()) as fn(&mut Answer), |a| {
            a.usage = KeyUsage::TGS_REP_SESSION_KEY
        }]
    {
        assert!(matches!(s4u_self(change).unwrap_err(), ExchangeError::Crypto(_)));
    }
}

#[test]
fn copies_of_an_exchange_take_the_replies_to_their_own_requests() {
    let mut rng = Counter(1);
    let options = TicketOptions { lifetime: 900, ..Default::default() };
    let one = TgsExchange::new(
        tgt(),
        TgsGoal::S4uSelf { user: alice(), service: service().name },
        options,
    );
    let mut copies = [one.clone(), one];
    let answers = copies.each_mut().map(|exchange| {
        let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        answer_tgs(&request, alice()).0.tgs_rep()
    });
    let mut take = |exchange: &TgsExchange, answer: &[u8]| {
        with_context(&mut rng, |cx| exchange.clone().receive(cx, answer)).is_ok()
    };
    for (copy, exchange) in copies.iter().enumerate() {
        for (answered, answer) in answers.iter().enumerate() {
            assert_eq!(take(exchange, answer), copy == answered, "{copy}, {answered}");
        }
    }
}

#[test]
fn a_replayed_reply_is_refused() {
    let mut rng = Counter(1);
    let mut exchange = TgsExchange::new(
        tgt(),
        TgsGoal::S4uSelf { user: alice(), service: service().name },
        TicketOptions::default(),
    );
    let first = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (answer, ..) = answer_tgs(&first, alice());
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let error = with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep())).unwrap_err();
    assert!(matches!(error, ExchangeError::Crypto(_)), "sealed in the first request's subkey");
    let again = with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep()));
    assert_eq!(again.unwrap_err(), ExchangeError::NoReplyDue, "one reply to a request");
}

/// The KDC's copy of PA-S4U-X509-USER, as MIT makes it.
fn copy(a: &Answer, user: &Principal, nonce: u32, options: S4uOptions, usage: KeyUsage) -> Vec<u8> {
    let user_id = der::encode(&S4uUserId {
        nonce: UInt32::new(nonce),
        cname: Some((&user.name).into()),
        crealm: KerberosString(&user.realm),
        subject_certificate: None,
        options: Some(options.0.into()),
    });
    let checksum = a.reply_key.checksum(usage, &user_id);
    der::encode(&PaS4uX509User {
        user_id: Encoded::from_der(&user_id).unwrap(),
        checksum: Checksum { cksumtype: a.reply_key.checksum_type(), checksum: &checksum },
    })
}

#[test]
fn the_kdcs_copy_of_the_user_is_verified() {
    use KeyUsage as U;
    let put = |value: Vec<u8>| vec![(PaType::S4U_X509_USER, value)];
    let sign = S4uOptions::SIGN_REPLY;
    s4u_self(|a| a.padata = put(copy(a, &alice(), a.nonce, sign, U::PA_S4U_X509_USER_REPLY)))
        .unwrap();
    s4u_self(|a| {
        let value = copy(a, &alice(), a.nonce, S4uOptions::NONE, U::PA_S4U_X509_USER_REQUEST);
        a.padata = put(value);
    })
    .unwrap();

    let refused = |change: fn(&mut Answer)| match s4u_self(change).unwrap_err() {
        ExchangeError::Mismatch(Mismatch::S4uUser(error)) => error,
        other => panic!("{other}"),
    };
    // Our own request, reflected: signed with usage 26 although it asks for 27.
    let reflected = refused(|a| {
        let value = copy(a, &alice(), a.nonce, S4uOptions::SIGN_REPLY, U::PA_S4U_X509_USER_REQUEST);
        a.padata = vec![(PaType::S4U_X509_USER, value)];
    });
    assert!(matches!(reflected, S4uReplyError::Checksum(_)));
    let nonce = refused(|a| {
        let value =
            copy(a, &alice(), a.nonce ^ 1, S4uOptions::SIGN_REPLY, U::PA_S4U_X509_USER_REPLY);
        a.padata = vec![(PaType::S4U_X509_USER, value)];
    });
    assert_eq!(nonce, S4uReplyError::Nonce);
    let user = refused(|a| {
        let value = copy(a, &service(), a.nonce, S4uOptions::SIGN_REPLY, U::PA_S4U_X509_USER_REPLY);
        a.padata = vec![(PaType::S4U_X509_USER, value)];
    });
    assert_eq!(user, S4uReplyError::User);
    let garbage = refused(|a| a.padata = vec![(PaType::S4U_X509_USER, b"0".to_vec())]);
    assert!(matches!(garbage, S4uReplyError::Malformed(_)));
}

#[test]
fn s4u_proxy_sends_the_evidence_untouched() {
    let evidence = Arc::new(s4u_self(|_| {}).unwrap());
    let mut rng = Counter(5);
    let mut exchange = TgsExchange::new(
        tgt(),
        TgsGoal::S4uProxy { evidence: evidence.clone(), target: target() },
        TicketOptions::default(),
    );
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (answer, sent, body) = answer_tgs(&request, alice());
    let body: KdcReqBody<'_> = der::decode(&body).unwrap();
    assert!(KdcOptions(body.kdc_options.bits()).contains(KdcOptions::CNAME_IN_ADDL_TKT));
    let tickets: Vec<_> = body.additional_tickets.unwrap().iter().map(|t| t.der()).collect();
    assert_eq!(tickets, [&evidence.ticket[..]]);
    assert_eq!(sent[1].0, PaType::PAC_OPTIONS);
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep())).unwrap();
    let Step::Done(credential) = step else { panic!("one round trip is enough") };
    assert_eq!(credential.client, alice());
    assert_eq!(credential.server.name, target());
}

#[test]
fn a_proxy_ticket_of_the_service_itself_is_refused() {
    let mut rng = Counter(5);
    let evidence = Arc::new(s4u_self(|_| {}).unwrap());
    let mut exchange = TgsExchange::new(
        tgt(),
        TgsGoal::S4uProxy { evidence, target: target() },
        TicketOptions::default(),
    );
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (answer, ..) = answer_tgs(&request, service());
    let error = with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep())).unwrap_err();
    assert_eq!(error, ExchangeError::Mismatch(Mismatch::S4uIgnored));
}

#[test]
fn evidence_opens_with_our_key_and_only_if_it_is_what_the_reply_said() {
    let evidence = s4u_self(|_| {}).unwrap();
    let (opened, _) = open_ticket(&evidence, |enctype, kvno| {
        assert_eq!((enctype, kvno), (EncType::AES256_CTS_HMAC_SHA1_96, Some(2)));
        Some(service_key())
    })
    .unwrap();
    assert_eq!((opened.client, &opened.pac[..]), (alice(), &b"pac"[..]));
    let wrong = open_ticket(&evidence, |_, _| Some(tgt().session_key.clone())).unwrap_err();
    assert!(matches!(wrong, EvidenceError::Crypto(_)));
    let none = open_ticket(&evidence, |_, _| []).unwrap_err();
    assert!(matches!(none, EvidenceError::NoKey { kvno: Some(2), .. }));
    let (_, found) = open_ticket(&evidence, |_, _| [tgt().session_key.clone(), service_key()])
        .expect("the integrity check decides");
    assert_eq!(found, service_key());

    // The reply's cname stands outside of any encryption: an attacker may write alice there.
    let mallory = Principal::new(Name::user("mallory"), REALM);
    let forged = s4u_self(|a| {
        a.client = mallory.clone();
        a.outer_client = Some(alice());
    })
    .unwrap();
    let error = open_ticket(&forged, |_, _| Some(service_key())).unwrap_err();
    assert_eq!(error, EvidenceError::NotAsReplied);
}

/// Without a PAC, which comes after all that is looked at here.
#[test]
fn a_ticket_of_rc4_opens_for_those_who_asked_for_danger() {
    use crate::gss::testing::Service;
    let rc4 = Service::new(EncType::RC4_HMAC);
    let credential = rc4.credential();
    let opened = open_ticket(&credential, |_, _| [rc4.key.clone()]).unwrap_err();
    assert_eq!(opened, EvidenceError::NoPac);
    // Its session key was one that nobody had asked for.
    let aes = crate::Credential { session_key: tgt().session_key.clone(), ..credential };
    let refused = open_ticket(&aes, |_, _| [rc4.key.clone()]).unwrap_err();
    let dangerous = crate::crypto::CryptoError::DangerousEncType(EncType::RC4_HMAC);
    assert_eq!(refused, EvidenceError::Crypto(dangerous));
}

#[test]
fn a_session_key_of_rc4_is_taken_where_it_was_named_and_asked_with_where_it_is() {
    let rc4 = || Key::danger_new_rc4(&[5; 16]).unwrap();
    let enctypes = vec![EncType::AES256_CTS_HMAC_SHA1_96, EncType::RC4_HMAC];
    let options = TicketOptions { enctypes, ..TicketOptions::default() };
    let mut exchange = TgsExchange::new(
        tgt(),
        TgsGoal::S4uSelf { user: alice(), service: service().name },
        options.clone(),
    );
    let request = with_context(&mut Counter(1), |cx| exchange.request(cx)).unwrap();
    let (mut answer, ..) = answer_tgs(&request, alice());
    answer.session_key = rc4();
    let taken = with_context(&mut Counter(2), |cx| exchange.receive(cx, &answer.tgs_rep()));
    let Ok(Step::Done(ticket)) = taken else { panic!("it was offered") };
    assert_eq!(ticket.session_key, rc4());

    let with_rc4 = Arc::new(Credential { session_key: rc4(), ..Credential::clone(&tgt()) });
    let ask = |options| {
        let mut exchange = TgsExchange::new(with_rc4.clone(), TgsGoal::Service(target()), options);
        with_context(&mut Counter(1), |cx| exchange.request(cx))
    };
    ask(options).unwrap();
    let refused = ask(TicketOptions::default()).unwrap_err();
    assert!(matches!(refused, ExchangeError::OwnTicket(OwnTicketError::SessionKey(_))));
}

#[test]
fn a_refusal_says_what_the_kdc_said() {
    let mut rng = Counter(1);
    let mut exchange = TgsExchange::new(
        tgt(),
        TgsGoal::S4uSelf { user: alice(), service: service().name },
        TicketOptions::default(),
    );
    with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let reply = error(ErrorCode::POLICY, None);
    let refused = with_context(&mut rng, |cx| exchange.receive(cx, &reply)).unwrap_err();
    let ExchangeError::Refused(refusal) = &refused else { panic!("{refused}") };
    assert_eq!(refusal.code, ErrorCode::POLICY);
    assert_eq!(refusal.server_time.seconds.unix(), NOW + 600);
    assert_eq!(
        refused.to_string(),
        "the KDC answered KDC_ERR_POLICY (12): \"why not\"",
        "without the control character"
    );
}

fn as_answer(request: &[u8], reply_key: Key) -> Answer {
    let request: AsReq<'_> = der::decode(request).unwrap();
    let body: &KdcReqBody<'_> = &request.req_body;
    Answer {
        client: body.cname.unwrap().in_realm(body.realm),
        server: body.sname.unwrap().in_realm(body.realm),
        nonce: body.nonce.get(),
        session_key: key(EncType::AES256_CTS_HMAC_SHA1_96, 2),
        reply_key,
        usage: KeyUsage::AS_REP,
        starttime: NOW,
        endtime: body.till.unix(),
        renew_till: None,
        addresses: vec![],
        flags: TicketFlags::FORWARDABLE | TicketFlags::INITIAL,
        padata: vec![],
        encrypted_padata: vec![],
        outer_client: None,
    }
}

#[test]
fn a_keytab_needs_one_round_trip() {
    let mut rng = Counter(1);
    let secret = ClientSecret::Keys(vec![service_key()]);
    let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let sent: AsReq<'_> = der::decode(&request).unwrap();
    let timestamp = sent.padata.unwrap().iter().find(|pa| pa.padata_type == PaType::ENC_TIMESTAMP);
    let timestamp: EncryptedData<'_> = der::decode(timestamp.unwrap().padata_value).unwrap();
    service_key().decrypt(KeyUsage::PA_ENC_TIMESTAMP, timestamp.cipher).unwrap();
    let answer = as_answer(&request, service_key());
    let step = with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).unwrap();
    let Step::Done(credential) = step else { panic!("one round trip is enough") };
    assert_eq!(credential.server, Principal::krbtgt(REALM.as_bytes()));
}

#[test]
fn the_kdcs_checksum_over_the_request_is_verified() {
    let run = |checksum: fn(&[u8]) -> Padata| {
        let mut rng = Counter(1);
        let secret = ClientSecret::Keys(vec![service_key()]);
        let mut exchange = AsExchange::new(service(), secret, TicketOptions::default());
        let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
        let mut answer = as_answer(&request, service_key());
        answer.flags |= TicketFlags::ENC_PA_REP;
        answer.encrypted_padata = checksum(&request);
        with_context(&mut rng, |cx| exchange.receive(cx, &answer.as_rep())).map(|_| ())
    };
    fn over(request: &[u8]) -> Padata {
        let checksum = service_key().checksum(KeyUsage::AS_REQ_CHECKSUM, request);
        let value = der::encode(&Checksum {
            cksumtype: service_key().checksum_type(),
            checksum: &checksum,
        });
        vec![(PaType::REQ_ENC_PA_REP, value)]
    }
    run(over).unwrap();
    let wrong = ExchangeError::Mismatch(Mismatch::RequestChecksum);
    assert_eq!(run(|_| over(b"what the attacker sent on")).unwrap_err(), wrong);
    assert_eq!(run(|_| vec![]).unwrap_err(), wrong, "the flag promises it");
}

fn hint(enctype: EncType, salt: Option<&[u8]>, params: Option<&[u8]>) -> Vec<u8> {
    let entry =
        [EtypeInfo2Entry { etype: enctype, salt: salt.map(KerberosString), s2kparams: params }];
    let info = der::encode(&List::of(&entry));
    der::encode(&List::of(&[PaData { padata_type: PaType::ETYPE_INFO2, padata_value: &info }]))
}
