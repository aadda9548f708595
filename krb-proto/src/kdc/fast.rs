//! FAST (RFC 6113 section 5.4) around a request: what counts stands in the armor, and so does the
//! answer.

use alloc::vec::Vec;

use super::granted::Granted;
use super::realm::Realm;
use super::refusal::{Padata, Refusal};
use super::request::Request;
use super::tgs::Header;
use crate::ap::{ApRequestError, KeyLookup, RequestPolicy};
use crate::asn1::PaData;
use crate::crypto::Key;
use crate::der::{self, List};
use crate::iana::{EncType, ErrorCode, PaType};
use crate::preauth::borrow_padata;
use crate::preauth::fast::{FastError, FastRequestError, KdcFast};
use crate::principal::ANONYMOUS_REALM;
use crate::{Context, Principal, Timestamp};

/// Opens the armor of an AS-REQ, if there is any.
pub(super) fn open_as(request: &Request<'_>, now: Timestamp) -> Result<Option<KdcFast>, Refusal> {
    let Some(value) = request.find(PaType::FX_FAST) else { return Ok(None) };
    let keys = keys(request.realm);
    let policy = policy(request.realm, &keys);
    KdcFast::open_as(value, request.outer_der, &policy, now).map(Some).map_err(|e| refusal(&e))
}

/// Opens the armor of a TGS-REQ, if there is any: what is in PA-TGS-REQ armors it, and another ticket
/// beside it where the client has put one there.
pub(super) fn open_tgs(
    request: &Request<'_>,
    header: &Header<'_>,
    now: Timestamp,
) -> Result<Option<KdcFast>, Refusal> {
    let Some(value) = request.find(PaType::FX_FAST) else { return Ok(None) };
    let ap_req = request.find(PaType::TGS_REQ).unwrap_or_default();
    let keys = keys(request.realm);
    let policy = policy(request.realm, &keys);
    let (subkey, session_key) = (header.subkey.as_ref(), &header.tgt.session_key);
    KdcFast::open_tgs(value, ap_req, subkey, session_key, &policy, now)
        .map(Some)
        .map_err(|e| refusal(&e))
}

/// Only tickets for this realm's krbtgt from this realm's KDC are armor.
fn keys(realm: &Realm) -> impl Fn(&Principal, Option<u32>, EncType) -> Vec<Key> {
    move |name, kvno, enctype| {
        let ours = realm.is_named(&name.realm)
            && matches!(name.name.components.as_slice(),
                [krbtgt, of] if krbtgt == b"krbtgt" && realm.is_named(of));
        let candidates = ours.then(|| realm.krbtgt_keys().candidates(enctype, kvno));
        candidates.into_iter().flatten().collect()
    }
}

fn policy<'a>(realm: &Realm, keys: &'a KeyLookup<'a>) -> RequestPolicy<'a> {
    let skew = u32::try_from(realm.policy.skew).unwrap_or_default();
    let danger_allow_rc4 = realm.policy.compat.rc4_logins();
    RequestPolicy { skew, danger_allow_rc4, ..RequestPolicy::new(keys) }
}

fn refusal(error: &FastRequestError) -> Refusal {
    let text = match error {
        FastRequestError::Fast(FastError::Checksum(_)) => {
            "the armor was made for another request (FAST)"
        }
        FastRequestError::Fast(FastError::Crypto(_)) => "what is in the armor does not decrypt",
        FastRequestError::Fast(FastError::Armor(_)) => "the armor is of an unknown type (FAST)",
        FastRequestError::Fast(_) => "what is in the armor cannot be read (FAST)",
        FastRequestError::Armor(ApRequestError::NoKey) => {
            "the armor is no ticket-granting ticket of this realm (FAST)"
        }
        FastRequestError::Armor(_) => "the ticket that is the armor is not good (FAST)",
        FastRequestError::NoArmor => "there is no armor (FAST)",
        FastRequestError::NoSubkey => "the ticket that is the armor has no subkey (FAST)",
        FastRequestError::UnknownOptions(_) => "critical options that are not known (FAST)",
    };
    Refusal::new(error.code(), text)
}

/// The request as it stands in its armor; as it came, where there is none.
pub(super) fn inside<'a>(
    outer: &Request<'a>,
    fast: Option<&'a KdcFast>,
) -> Result<Request<'a>, Refusal> {
    let Some(fast) = fast else { return Ok(*outer) };
    let text = "the request in the armor cannot be read";
    let inner = fast.request().map_err(|_| Refusal::new(ErrorCode::GENERIC, text))?;
    Ok(Request {
        padata: inner.padata,
        body: *inner.req_body,
        body_der: inner.req_body.der(),
        armor: Some(fast.armor_key()),
        ..*outer
    })
}

/// Puts what was granted into the armor that it was asked for in.
pub(super) fn seal(
    fast: &KdcFast,
    granted: &mut Granted,
    cx: &mut Context<'_>,
) -> Result<(), Refusal> {
    let padata = borrow_padata(&granted.padata);
    let text = "the client's armor makes no key";
    let sealed = fast
        .seal_reply(&padata, &granted.client, &granted.ticket, &granted.reply_key, cx)
        .map_err(|_| Refusal::new(ErrorCode::ETYPE_NOSUPP, text))?;
    granted.padata = Padata::from([(PaType::FX_FAST, sealed.fx_fast)]);
    granted.reply_key = sealed.reply_key;
    if fast.hides_client() {
        granted.client = Principal::anonymous(ANONYMOUS_REALM);
    }
    Ok(())
}

/// The e-data of the error outside, for a refusal whose KRB-ERROR, without e-data, is `error`.
pub(super) fn seal_refusal(
    fast: &KdcFast,
    refusal: &Refusal,
    error: &[u8],
    cx: &mut Context<'_>,
) -> Vec<u8> {
    let sealed = fast.seal_error(error, &borrow_padata(&refusal.method_data()), cx);
    let padata = [PaData { padata_type: PaType::FX_FAST, padata_value: &sealed }];
    der::encode(&List::of(&padata))
}
