//! Requests that are wrong in one thing, and what each KDC answers. The table is in docs/interop.md, and
//! is compared or written cell by cell.

use krb_proto::Name;
use krb_proto::asn1::{Checksum, PaForUser};
use krb_proto::der::{self, KerberosString};
use krb_proto::iana::{ChecksumType, EncType, KdcOptions, KeyUsage, NameType, PaType};
use krb_proto::preauth::{for_user, for_user_checksum_input};
use krb_proto::{Credential, Principal};

use crate::raw::{Answer, Body, Tgs, login};
use crate::table::ANSWERS;
use crate::{Domain, domain};

/// What was answered that the table does not say of this KDC.
#[derive(Default)]
struct Compared {
    wrong: Vec<String>,
    rows: usize,
}

impl Compared {
    fn row(&mut self, what: &str, answer: &Answer) {
        self.rows += 1;
        self.wrong.extend(ANSWERS.compare(what, answer).err());
    }

    fn end(self) {
        assert!(self.wrong.is_empty(), "{:#?}", self.wrong);
        assert!(self.rows > 5);
    }
}

fn krbtgt(domain: &Domain) -> Name {
    Name::krbtgt(domain.realm.as_bytes())
}

/// A ticket, or a checksum, with one bit that is another.
fn flipped(octets: &[u8]) -> Vec<u8> {
    let mut octets = octets.to_vec();
    if let Some(last) = octets.last_mut() {
        *last ^= 1;
    }
    octets
}

#[tokio::test]
async fn logins() {
    let (domain, mut compared) = (domain!(""), Compared::default());
    let good = || {
        let client = Some(Name::user(domain.ordinary));
        Body { client, ..Body::new(&domain, krbtgt(&domain)) }
    };
    let user = |name: &str| Some(Name::user(name));
    let options = |option: KdcOptions| Body { options: option, ..good() };
    for (what, body) in [
        ("nothing wrong but that it proves nothing", good()),
        ("an unknown client", Body { client: user("nobody.at.all"), ..good() }),
        ("no client", Body { client: None, ..good() }),
        ("another realm", Body { realm: "ELSEWHERE.EXAMPLE".into(), ..good() }),
        ("an unknown service", {
            Body { service: Some(Name::new(NameType::SRV_INST, ["HTTP", "no.where"])), ..good() }
        }),
        ("no service", Body { service: None, ..good() }),
        ("enctypes that nobody has", Body { enctypes: vec![EncType(9_999)], ..good() }),
        ("no enctypes", Body { enctypes: Vec::new(), ..good() }),
        ("the option forwarded", options(KdcOptions::FORWARDED)),
        ("the option proxy", options(KdcOptions::PROXY)),
        ("the option renew", options(KdcOptions::RENEW)),
        ("the option validate", options(KdcOptions::VALIDATE)),
        ("the option enc-tkt-in-skey", options(KdcOptions::ENC_TKT_IN_SKEY)),
    ] {
        compared.row(&format!("AS: {what}"), &body.log_in(&domain).await);
    }
    compared.end();
}

#[tokio::test]
async fn tickets() {
    let (domain, mut compared) = (domain!(""), Compared::default());
    let tgt = login(&domain, &domain.service).await;
    let own = domain.service.principal.name.clone();
    let good = Tgs::new(&domain, &tgt, krbtgt(&domain));
    let damaged = Credential { ticket: flipped(&tgt.ticket), ..tgt.clone() };
    let options = |option: KdcOptions| {
        let mut tgs = good.clone();
        tgs.body.options = option;
        tgs
    };
    let with = |change: &dyn Fn(&mut Tgs<'_>)| {
        let mut tgs = good.clone();
        change(&mut tgs);
        tgs
    };
    for (what, tgs) in [
        ("nothing wrong", good.clone()),
        ("no checksum", Tgs { checking: |_, _| None, ..good.clone() }),
        (
            "the checksum of another body",
            Tgs {
                checking: |key, _| {
                    Some((key.checksum_type(), key.checksum(KeyUsage::TGS_REQ_CHECKSUM, b"other")))
                },
                ..good.clone()
            },
        ),
        (
            "a checksum of an unknown kind",
            Tgs { checking: |_, _| Some((ChecksumType(9_999), vec![0; 16])), ..good.clone() },
        ),
        (
            "another's name in the authenticator",
            Tgs { asks: Name::user(domain.ordinary), ..good.clone() },
        ),
        ("a clock that is 29 minutes wrong", Tgs { late: 1740, ..good.clone() }),
        ("a damaged ticket", Tgs { tgt: &damaged, ..good.clone() }),
        (
            "an unknown service",
            with(&|tgs| {
                tgs.body.service = Some(Name::new(NameType::SRV_INST, ["HTTP", "no.where"]));
            }),
        ),
        ("another realm", with(&|tgs| tgs.body.realm = "ELSEWHERE.EXAMPLE".into())),
        ("enctypes that nobody has", with(&|tgs| tgs.body.enctypes = vec![EncType(9_999)])),
        ("the option renew, not being renewable", options(KdcOptions::RENEW)),
        ("the option validate, not being invalid", options(KdcOptions::VALIDATE)),
        ("the option enc-tkt-in-skey, without a ticket", options(KdcOptions::ENC_TKT_IN_SKEY)),
        ("the option cname-in-addl-tkt, without a ticket", options(KdcOptions::CNAME_IN_ADDL_TKT)),
        ("the service's own name, without S4U", Tgs::new(&domain, &tgt, own)),
    ] {
        compared.row(&format!("TGS: {what}"), &tgs.ask(&domain).await);
    }
    compared.end();
}

#[tokio::test]
async fn s4u() {
    let (domain, mut compared) = (domain!(""), Compared::default());
    let tgt = login(&domain, &domain.service).await;
    let own = domain.service.principal.name.clone();
    let (key, user) = (&tgt.session_key, domain.user(domain.ordinary));
    let good = Tgs::new(&domain, &tgt, own.clone());
    let naming = |value: Vec<u8>| Tgs { padata: vec![(PaType::FOR_USER, value)], ..good.clone() };
    let octets = for_user_checksum_input(&user);
    let hmac = |octets: &[u8]| key.hmac_md5(KeyUsage::NON_KERB_CHECKSUM, octets).to_vec();
    let checked = |kind, sum: &[u8]| naming(pa_for_user(&user, kind, sum));
    for (what, tgs) in [
        ("nothing wrong", naming(for_user(&user, key))),
        ("an unknown user", naming(for_user(&domain.user("nobody.at.all"), key))),
        ("a wrong HMAC-MD5", checked(ChecksumType::HMAC_MD5, &flipped(&hmac(&octets)))),
        ("the checksum of the key's own kind", {
            checked(key.checksum_type(), &key.checksum(KeyUsage::NON_KERB_CHECKSUM, &octets))
        }),
        ("a checksum without a key (SHA-1)", checked(ChecksumType::SHA1, &[0; 20])),
        ("another service than the asker", {
            let service = Some(domain.not_granted.clone());
            let mut tgs = naming(for_user(&user, key));
            tgs.body.service = service;
            tgs
        }),
    ] {
        compared.row(&format!("S4U2Self: {what}"), &tgs.ask(&domain).await);
    }
    let evidence = domain.client(&domain.service).s4u().evidence(&user).await.expect("evidence");
    let proxy = |additional: Vec<Vec<u8>>| {
        let mut tgs = Tgs::new(&domain, &tgt, domain.not_granted.clone());
        tgs.body.options = KdcOptions::FORWARDABLE | KdcOptions::CNAME_IN_ADDL_TKT;
        tgs.body.additional = additional;
        tgs
    };
    for (what, tgs) in [
        ("a service that is not granted", proxy(vec![evidence.ticket.clone()])),
        ("damaged evidence", proxy(vec![flipped(&evidence.ticket)])),
        ("the ticket-granting ticket for evidence", proxy(vec![tgt.ticket.clone()])),
    ] {
        compared.row(&format!("S4U2Proxy: {what}"), &tgs.ask(&domain).await);
    }
    compared.row(RESOURCE_BASED_UNSAID, &resource_based_unsaid(&domain).await);
    compared.end();
}

const RESOURCE_BASED_UNSAID: &str =
    "S4U2Proxy: no word that the asker knows of the service's own list, which it is on";

/// Without PA-PAC-OPTIONS (MS-SFU 3.1.5.2.1), which our client always sends.
async fn resource_based_unsaid(domain: &Domain) -> Answer {
    let Ok(let_in) = &domain.let_in else { return "-".into() };
    let front_end = &let_in.front_end;
    let evidence = domain.client(front_end).s4u().evidence(&domain.user(domain.ordinary)).await;
    let tgt = login(domain, front_end).await;
    let mut tgs = Tgs::new(domain, &tgt, let_in.by.clone());
    tgs.body.options = KdcOptions::FORWARDABLE | KdcOptions::CNAME_IN_ADDL_TKT;
    tgs.body.additional = vec![evidence.expect("evidence").ticket.clone()];
    tgs.ask(domain).await
}

/// PA-FOR-USER with that checksum.
fn pa_for_user(user: &Principal, kind: ChecksumType, checksum: &[u8]) -> Vec<u8> {
    der::encode(&PaForUser {
        user_name: (&user.name).into(),
        user_realm: KerberosString(&user.realm),
        cksum: Checksum { cksumtype: kind, checksum },
        auth_package: KerberosString(b"Kerberos"),
    })
}
