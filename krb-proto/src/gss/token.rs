//! Framing of context tokens (RFC 2743 section 3.1, RFC 4121 section 4.1).

use alloc::vec::Vec;

use super::{GssError, Oid};
use crate::der::{self, Decode, DecodeErrorKind, Encode, Reader, Writer};

const INITIAL_CONTEXT_TOKEN: u8 = 0x60;

/// Which Kerberos message a context token carries (RFC 4121 section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TokenId(pub(crate) [u8; 2]);

impl TokenId {
    pub(crate) const AP_REQ: Self = Self([0x01, 0x00]);
    pub(crate) const AP_REP: Self = Self([0x02, 0x00]);
    pub(crate) const KRB_ERROR: Self = Self([0x03, 0x00]);
    pub(crate) const TGT_REQUEST: Self = Self([0x04, 0x00]);
    pub(crate) const TGT_REPLY: Self = Self([0x04, 0x01]);
    pub(crate) const IAKERB_PROXY: Self = Self([0x05, 0x01]);
}

/// Puts tag, mechanism and `inner` together.
pub(crate) fn frame(mechanism: Oid<'_>, write_inner: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    write_inner(&mut writer);
    mechanism.encode(&mut writer);
    writer.close(INITIAL_CONTEXT_TOKEN, 0);
    writer.into_vec()
}

/// Takes a framed token apart; the cursor stands on what follows the mechanism.
pub(crate) fn unframe<'a>(mechanism: Oid<'_>, token: &'a [u8]) -> Result<Reader<'a>, GssError> {
    let (found, inner) = der::read(token, |outer| {
        let mut inner = outer.enter(INITIAL_CONTEXT_TOKEN)?;
        Ok((Oid::decode(&mut inner)?, inner))
    })?;
    if found != mechanism {
        return Err(GssError::UnexpectedMechanism);
    }
    Ok(inner)
}

/// Which of these mechanisms a framed token is for.
pub(crate) fn mechanism_of(
    token: &[u8],
    mechanisms: &[Oid<'static>],
) -> Result<Oid<'static>, GssError> {
    let (found, _) = der::read(token, |outer| {
        let mut inner = outer.enter(INITIAL_CONTEXT_TOKEN)?;
        Ok((Oid::decode(&mut inner)?, inner))
    })?;
    let mut mechanisms = mechanisms.iter().copied();
    mechanisms.find(|mechanism| *mechanism == found).ok_or(GssError::UnexpectedMechanism)
}

/// A Kerberos message behind its token id, framed for the mechanism.
pub(crate) fn frame_message(mechanism: Oid<'_>, id: TokenId, message: &[u8]) -> Vec<u8> {
    frame(mechanism, |writer| {
        writer.prepend(message);
        writer.prepend(&id.0);
    })
}

/// The AP-REQ in a client's token, for those who look at logins without taking part in them: framed
/// for Kerberos, user-to-user or IAKERB, or bare, as DCE and some protocols of their own have it.
/// Nothing is verified. [`spnego::ap_req_in`](crate::spnego::ap_req_in) looks through a negotiation.
///
/// # Errors
/// [`GssError::UnexpectedMechanism`], [`GssError::UnexpectedToken`] for another message, and those of
/// a malformed token.
pub fn ap_req_in(token: &[u8]) -> Result<&[u8], GssError> {
    const AP_REQ: u8 = 0x6e;
    if token.first() == Some(&AP_REQ) {
        return Ok(token);
    }
    let mechanism = mechanism_of(token, &[Oid::KRB5, Oid::KRB5_USER_TO_USER, Oid::IAKERB])?;
    match unframe_message(mechanism, token)? {
        (TokenId::AP_REQ, message) => Ok(message),
        _ => Err(GssError::UnexpectedToken),
    }
}

/// The token id and the Kerberos message of a framed token.
pub(crate) fn unframe_message<'a>(
    mechanism: Oid<'_>,
    token: &'a [u8],
) -> Result<(TokenId, &'a [u8]), GssError> {
    let inner = unframe(mechanism, token)?;
    match inner.rest() {
        [a, b, message @ ..] => Ok((TokenId([*a, *b]), message)),
        _ => Err(inner.error(DecodeErrorKind::Truncated).within(token).into()),
    }
}
