//! What Windows sends beside Kerberos, and what is made of it.

use std::vec::Vec;

use super::super::*;
use crate::Principal;
use crate::der::{self, Encoded, List};
use crate::gss::testing::{NOW, Service, TestRng, at, hex, initiate};
use crate::gss::{AcceptorOptions, InitiatorOptions, Oid};
use crate::iana::EncType;

/// SPNEGO Extended Negotiation, 1.3.6.1.4.1.311.2.2.30 (MS-SPNG 3.1.5.1).
const NEGOEX: Oid<'_> = Oid(b"\x2b\x06\x01\x04\x01\x82\x37\x02\x02\x1e");

fn step(acceptor: &mut SpnegoAcceptor, token: &[u8]) -> Result<Option<Vec<u8>>, SpnegoError> {
    let service = Service::new(EncType::AES256_CTS_HMAC_SHA1_96);
    let keys = |name: &Principal, kvno, enctype| service.find_key(name, kvno, enctype);
    acceptor.step(token, &AcceptorOptions::new(&keys), &mut at(NOW, &mut TestRng(4)))
}

fn init(offer: &[Oid<'_>], mech_token: &[u8]) -> Vec<u8> {
    let mech_types = der::encode(&List::of(offer));
    let init = NegTokenInit {
        mech_types: Encoded::from_der(&mech_types).unwrap(),
        req_flags: None,
        mech_token: Some(mech_token),
        mech_list_mic: None,
    };
    init.to_token()
}

/// NegoEx messages are not read, whatever their lengths claim (CVE-2026-40355, CVE-2026-40356):
/// Kerberos behind NegoEx is asked for, and NegoEx alone is refused.
#[test]
fn negoex_is_passed_over() {
    for message in [&b""[..], b"NEGOEXTS", &[b"NEGOEXTS".as_slice(), &[0xff; 200]].concat()] {
        let token = init(&[NEGOEX, Oid::KRB5], message);
        let answer = step(&mut SpnegoAcceptor::new(), &token).unwrap().unwrap();
        let answer = NegTokenResp::from_token(&answer).unwrap();
        assert_eq!(answer.neg_state, Some(NegState::REQUEST_MIC));
        assert_eq!(answer.supported_mech, Some(Oid::KRB5));
        let token = init(&[NEGOEX], message);
        let refused = step(&mut SpnegoAcceptor::new(), &token);
        assert_eq!(refused, Err(SpnegoError::NoCommonMechanism));
    }
}

/// Kerberos by its Windows number first is a first choice: its token is taken at once.
#[test]
fn windows_own_number_is_kerberos() {
    let service = Service::new(EncType::AES256_CTS_HMAC_SHA1_96);
    let (_, token) = initiate(&service.credential(), &InitiatorOptions::default());
    let mut acceptor = SpnegoAcceptor::new();
    let answer = step(&mut acceptor, &init(&[Oid::MS_KRB5, Oid::KRB5, NEGOEX], &token));
    let answer = answer.unwrap().unwrap();
    let answer = NegTokenResp::from_token(&answer).unwrap();
    assert_eq!(answer.supported_mech, Some(Oid::MS_KRB5));
    assert!(acceptor.is_complete());
}

/// A server's NegTokenInit2 (MS-SPNG 2.2.1), which opens its side of SMB: Kerberos is offered, and
/// the hint `not_defined_in_RFC4178@please_ignore`. It is a server's; no client's and no answer.
#[test]
fn a_servers_hints_are_no_token_of_the_negotiation() {
    let hints = hex("60 48 06 06 2b 06 01 05 05 02 a0 3e 30 3c a0 0e 30 0c 06 0a 2b 06 01 04 01
        82 37 02 02 0a a3 2a 30 28 a0 26 1b 24 6e 6f 74 5f 64 65 66 69 6e 65 64 5f 69 6e 5f 52 46
        43 34 31 37 38 40 70 6c 65 61 73 65 5f 69 67 6e 6f 72 65");
    let refused = step(&mut SpnegoAcceptor::new(), &hints);
    assert!(matches!(refused, Err(SpnegoError::Malformed(_))), "{refused:?}");
    assert!(matches!(NegTokenResp::from_token(&hints), Err(SpnegoError::Malformed(_))));
}
