//! S4U2Self by a user's certificate: the KDC says whose it is, and the ticket is theirs.

use super::*;
use crate::iana::NameType;

const CERTIFICATE: &[u8] = b"whatever the user's realm knows by these octets";

fn by_certificate(change: impl Fn(&mut Answer)) -> Result<Credential, ExchangeError> {
    let mut rng = Counter(1);
    let (certificate, realm) = (CERTIFICATE.to_vec(), REALM.into());
    let goal = TgsGoal::S4uSelfByCertificate { certificate, realm, service: service().name };
    let mut exchange = TgsExchange::new(tgt(), goal, TicketOptions::default());
    let request = with_context(&mut rng, |cx| exchange.request(cx)).unwrap();
    let (mut answer, sent, _) = answer_tgs(&request, alice());
    let types: Vec<_> = sent.iter().map(|(padata_type, _)| *padata_type).collect();
    assert_eq!(types, [PaType::TGS_REQ, PaType::S4U_X509_USER, PaType::PAC_OPTIONS]);
    let x509: PaS4uX509User<'_> = der::decode(&sent[1].1).unwrap();
    assert!(x509.user_id.cname.is_none(), "it is not known whose it is");
    assert_eq!(x509.user_id.subject_certificate, Some(CERTIFICATE));
    assert_eq!(x509.user_id.crealm.0, REALM.as_bytes());
    let options = S4uOptions::SIGN_REPLY;
    let value = copy(&answer, &alice(), answer.nonce, options, KeyUsage::PA_S4U_X509_USER_REPLY);
    answer.padata = vec![(PaType::S4U_X509_USER, value)];
    change(&mut answer);
    match with_context(&mut rng, |cx| exchange.receive(cx, &answer.tgs_rep()))? {
        Step::Done(credential) => Ok(credential),
        Step::Continue => panic!("one round trip is enough"),
    }
}

#[test]
fn the_ticket_is_for_whom_the_kdc_says_that_the_certificate_is() {
    assert_eq!(by_certificate(|_| {}).unwrap().client, alice());
}

#[test]
fn a_kdc_that_does_not_prove_whose_the_certificate_is_is_refused() {
    let mallory = || Principal::new(Name::user("mallory"), REALM);
    let refused = |change: fn(&mut Answer)| match by_certificate(change).unwrap_err() {
        ExchangeError::Mismatch(mismatch) => mismatch,
        other => panic!("{other}"),
    };
    // Samba and Heimdal, which do not read this padata.
    let ignored = refused(|a| {
        a.padata.clear();
        a.client = service();
    });
    assert_eq!(ignored, Mismatch::S4uIgnored);
    let silent = refused(|a| a.padata.clear());
    assert_eq!(silent, Mismatch::S4uUser(S4uReplyError::Missing));
    let another = refused(|a| a.client = Principal::new(Name::user("mallory"), REALM));
    assert_eq!(another, Mismatch::Client { expected: alice(), found: mallory() });
    let unsigned = refused(|a| {
        let end = a.padata[0].1.len() - 1;
        a.padata[0].1[end] ^= 1;
    });
    assert!(matches!(unsigned, Mismatch::S4uUser(S4uReplyError::Checksum(_))), "{unsigned}");
    let nameless = refused(|a| {
        let nobody = Principal::new(Name::new(NameType::X500_PRINCIPAL, [b""]), REALM);
        let options = S4uOptions::SIGN_REPLY;
        let value = copy(a, &nobody, a.nonce, options, KeyUsage::PA_S4U_X509_USER_REPLY);
        a.padata = vec![(PaType::S4U_X509_USER, value)];
        a.client = nobody;
    });
    assert_eq!(nameless, Mismatch::S4uUser(S4uReplyError::User));
}
