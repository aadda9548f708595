//! A ticket under the session key of another (RFC 4120 section 3.7): for services without a keytab.

use super::client::Client;
use super::evidence::additional_ticket;
use super::header::{Origin, Tgt};
use super::{Request, refuse};
use crate::crypto::Key;
use crate::iana::ErrorCode;
use crate::kdc::account::Account;
use crate::kdc::refusal::Refusal;

/// The session key of the additional ticket, which must be a ticket-granting ticket of the service's
/// account, good now, and of that very account.
pub(super) fn session_key(request: &Request<'_>, service: &Account) -> Result<Key, Refusal> {
    let realm = request.realm;
    let tgt = Tgt::open(realm, &additional_ticket(request)?)?;
    let text = "the additional ticket is not a ticket-granting ticket of the service";
    if !matches!(tgt.origin, Origin::Here) {
        return refuse(ErrorCode::SERVER_NOMATCH, text);
    }
    tgt.check_times(request.now, realm.policy.skew)?;
    let owner = Client::of(realm, &tgt)?;
    if owner.account.and_then(|account| account.rid) != service.rid {
        return refuse(ErrorCode::SERVER_NOMATCH, text);
    }
    Ok(tgt.session_key)
}
