//! A conversation with MIT's KDC 1.20.1, recorded: the KDC asks for pre-authentication and gives a
//! freshness token, does not take P-256 and names its groups, takes group 14 and answers.

use alloc::boxed::Box;
use alloc::sync::Arc;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

use super::super::*;
use super::pki::Counter;
use crate::asn1::{AsRep, KrbError, PaData};
use crate::der::{self, List};
use crate::exchange::{AsExchange, ClientSecret, Exchange, ExchangeError, Step, TicketOptions};
use crate::iana::{EncType, ErrorCode, PaType};
use crate::{Context, Credential, Name, Principal, Timestamp};

macro_rules! file {
    ($name:literal) => {
        include_bytes!(concat!("../../../vectors/pkinit-mit-1.20/", $name))
    };
}

const ROUNDS: [(&[u8], &[u8]); 3] = [
    (file!("request-0.der"), file!("reply-0.der")),
    (file!("request-1.der"), file!("reply-1.der")),
    (file!("request-2.der"), file!("reply-2.der")),
];

/// 2026-11-26T09:46:36Z.
const NOW: Timestamp = Timestamp::new(1_795_686_396, 86_879);

fn exchange(anchors: &[&[u8]]) -> AsExchange {
    let certificates = vec![file!("alice.der").to_vec()];
    let signer = SoftwareSigner::from_pkcs8(certificates, file!("alice.p8")).unwrap();
    let config = Arc::new(PkinitConfig {
        signer: Some(Box::new(signer)),
        anchors: TrustAnchors::from_der(anchors).unwrap(),
        groups: vec![Group::P256, Group::Modp14],
        kdc_hosts: vec![],
    });
    let client = Principal::new(Name::user("alice"), "PKINIT.TEST");
    let options = TicketOptions {
        enctypes: vec![EncType::AES256_CTS_HMAC_SHA1_96],
        ..TicketOptions::default()
    };
    AsExchange::new(client, ClientSecret::Certificate(config), options)
}

/// Plays it again: the randomness is what it was, so every request is too. The last reply may be
/// another.
fn replay(anchors: &[&[u8]], last: Option<&[u8]>) -> Result<Credential, ExchangeError> {
    let mut exchange = exchange(anchors);
    let mut rng = Counter(11);
    let mut cx = Context { now: NOW, kdc_offset: 0, rng: &mut rng };
    for (at, (request, reply)) in ROUNDS.into_iter().enumerate() {
        assert_eq!(exchange.request(&mut cx)?, request, "round {at}");
        let reply = if at == 2 { last.unwrap_or(reply) } else { reply };
        match exchange.receive(&cx, reply)? {
            Step::Continue => assert!(at < 2, "asks for more"),
            Step::Done(credential) => {
                assert_eq!(at, 2);
                return Ok(credential);
            }
        }
    }
    panic!("a conversation without an end");
}

#[test]
fn a_ticket_from_mit() {
    let credential = replay(&[file!("ca.der")], None).unwrap();
    assert_eq!(credential.client.to_string(), "alice@PKINIT.TEST");
    assert_eq!(credential.server.to_string(), "krbtgt/PKINIT.TEST@PKINIT.TEST");
    assert_eq!(credential.session_key.enctype(), EncType::AES256_CTS_HMAC_SHA1_96);
}

#[test]
fn not_from_whom_no_anchor_knows() {
    let no_path = PkinitError::SignedData(SignedDataError::Path(PathError::NoPath));
    assert_eq!(replay(&[], None).map(drop), Err(ExchangeError::Pkinit(no_path)));
}

/// Octets of what the KDC proves and of what it encrypts, changed one at a time. (The ticket is for
/// somebody else to open.)
#[test]
fn nor_what_somebody_changed() {
    let reply: AsRep<'_> = der::decode(ROUNDS[2].1).unwrap();
    let padata = reply.padata.unwrap();
    let proof = padata.iter().find(|pa| pa.padata_type == PaType::PK_AS_REP).unwrap();
    let whole = ROUNDS[2].1;
    for part in [proof.padata_value, reply.enc_part.cipher] {
        let start = whole.windows(part.len()).position(|window| window == part).unwrap();
        for at in (start..start + part.len()).step_by(97) {
            let mut changed = whole.to_vec();
            changed[at] ^= 1;
            assert!(replay(&[file!("ca.der")], Some(&changed)).is_err(), "{at}");
        }
    }
}

/// A KDC that answers without a proof, with a reply that was encrypted in whatever key.
#[test]
fn nor_without_a_proof() {
    let reply: AsRep<'_> = der::decode(ROUNDS[2].1).unwrap();
    let bare = der::encode(&AsRep { padata: Some(List::of(&[])), ..reply });
    let refused = replay(&[file!("ca.der")], Some(&bare)).map(drop);
    assert_eq!(refused, Err(ExchangeError::Pkinit(PkinitError::NoReply)));

    let mut exchange = exchange(&[file!("ca.der")]);
    let mut rng = Counter(11);
    let mut cx = Context { now: NOW, kdc_offset: 0, rng: &mut rng };
    exchange.request(&mut cx).unwrap();
    let at_once = exchange.receive(&cx, ROUNDS[2].1).map(drop);
    assert_eq!(at_once, Err(ExchangeError::NoCommonMechanism));
}

/// RFC 8070 section 2.3: a token that has become too old is replaced by the one in the refusal.
#[test]
fn a_token_that_is_too_old() {
    let error: KrbError<'_> = der::decode(ROUNDS[0].1).unwrap();
    let expired = |token: Option<&[u8]>| {
        let hints: Vec<_> = token
            .map(|padata_value| PaData { padata_type: PaType::AS_FRESHNESS, padata_value })
            .into_iter()
            .collect();
        let hints = der::encode(&List::of(&hints));
        let error_code = ErrorCode::PREAUTH_EXPIRED;
        let error = der::encode(&KrbError { error_code, e_data: Some(&hints), ..error });
        let mut exchange = exchange(&[file!("ca.der")]);
        let mut cx = Context { now: NOW, kdc_offset: 0, rng: &mut Counter(11) };
        for reply in [ROUNDS[0].1, &error] {
            exchange.request(&mut cx).unwrap();
            exchange.receive(&cx, reply)?;
        }
        Ok(exchange.request(&mut cx).unwrap())
    };
    let request = expired(Some(b"a newer token")).unwrap();
    assert!(request.windows(13).any(|window| window == b"a newer token"));
    assert!(matches!(expired(None), Err(ExchangeError::Refused(_))));
}
