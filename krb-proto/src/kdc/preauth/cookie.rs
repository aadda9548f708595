//! PA-FX-COOKIE (RFC 6113 section 5.2): what a mechanism has to know in its next round goes to the
//! client, sealed with krbtgt's key, so that the KDC keeps nothing and any KDC of the realm goes on.

use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::Facts;
use crate::Context;
use crate::asn1::EncryptedData;
use crate::crypto::decrypt_with_any;
use crate::der::{self, UInt32};
use crate::iana::{ErrorCode, KeyUsage, PaType};
use crate::kdc::refusal::Refusal;
use crate::kdc::target::krbtgt_key;

/// RFC 3961 section 7.1 leaves 512 to 1023 to what stays within one implementation.
const USAGE: KeyUsage = KeyUsage(513);
/// How long a client may take to answer, in seconds.
pub(in crate::kdc) const LIFETIME: i64 = 600;
/// The longest cookie that is looked at.
pub(in crate::kdc) const MAX_COOKIE: usize = 1024;

/// Time, account and mechanism, in front of the state.
const HEADER: usize = 16;

fn header(facts: &Facts<'_>, mechanism: PaType, seconds: i64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    let rid = facts.account.relative_id().unwrap_or_default();
    let parts = [&seconds.to_be_bytes()[..], &rid.to_be_bytes(), &mechanism.0.to_be_bytes()];
    let octets = parts.into_iter().flatten();
    header.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    header
}

/// Seals the state of a mechanism in its conversation with this client.
pub(super) fn seal(
    facts: &Facts<'_>,
    mechanism: PaType,
    state: &[u8],
    cx: &mut Context<'_>,
) -> Result<Vec<u8>, Refusal> {
    let realm = facts.request.realm;
    let key = krbtgt_key(realm)?;
    let mut plaintext = Zeroizing::new(Vec::with_capacity(HEADER + state.len()));
    plaintext.extend_from_slice(&header(facts, mechanism, facts.request.now.unix()));
    plaintext.extend_from_slice(state);
    let cipher = key.encrypt(USAGE, &plaintext, cx.rng);
    let kvno = realm.krbtgt_keys().current_kvno().map(UInt32::new);
    Ok(der::encode(&EncryptedData { etype: key.enctype(), kvno, cipher: &cipher }))
}

/// The state that this mechanism has sealed for this client. `None` if the client shows no cookie, or
/// one of another client's, of another mechanism's, or of its own making.
pub(super) fn open(
    facts: &Facts<'_>,
    mechanism: PaType,
) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
    let cookie = facts.request.find(PaType::FX_COOKIE).filter(|it| it.len() <= MAX_COOKIE);
    let opened = cookie.and_then(|cookie| {
        let sealed: EncryptedData<'_> = der::decode(cookie).ok()?;
        let keys = facts.request.realm.krbtgt_keys();
        let keys = keys.candidates(sealed.etype, sealed.kvno.map(UInt32::get));
        let (_, plaintext) = decrypt_with_any(keys, sealed.etype, USAGE, sealed.cipher)?.ok()?;
        let (seconds, _) = plaintext.split_first_chunk()?;
        let made = i64::from_be_bytes(*seconds);
        let state = plaintext.strip_prefix(&header(facts, mechanism, made))?;
        Some((made, Zeroizing::new(state.to_vec())))
    });
    let Some((made, state)) = opened else { return Ok(None) };
    let age = facts.request.now.unix().saturating_sub(made);
    // One of the future is that of another KDC of the realm.
    if age.abs() > LIFETIME {
        let text = "the client took too long: its pre-authentication is to be begun anew";
        return Err(Refusal::new(ErrorCode::PREAUTH_EXPIRED, text));
    }
    Ok(Some(state))
}
