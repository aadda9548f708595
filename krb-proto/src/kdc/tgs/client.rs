//! Whose request it is: the account behind a ticket-granting ticket, as it is now, and the PAC that
//! vouches for it.

use alloc::vec::Vec;

use super::header::{Origin, Tgt};
use crate::iana::{ErrorCode, PacBufferType};
use crate::kdc::account::Account;
use crate::kdc::pac::account_sid;
use crate::kdc::realm::Realm;
use crate::kdc::refusal::Refusal;
use crate::pac::{Attributes, ClientInfo, Pac, PacBuilder, Requestor, VerifiedPac};

/// The client of a request.
pub(super) struct Client<'r> {
    /// The account, if it is of this realm.
    pub(super) account: Option<&'r Account>,
    /// The PAC's buffers, without those that only ticket-granting tickets have.
    pub(super) pac: PacBuilder,
    /// Those: PAC_ATTRIBUTES_INFO and PAC_REQUESTOR.
    pub(super) tgt_only: Vec<(PacBufferType, Vec<u8>)>,
    /// PAC_ATTRIBUTES_INFO says that no PAC was wanted.
    pub(super) without_pac: bool,
}

pub(super) fn revoked(text: &'static str) -> Refusal {
    Refusal::new(ErrorCode::TGT_REVOKED, text)
}

/// The PAC of a ticket-granting ticket of this realm. AD refuses those without one since 2022.
fn verified<'p>(tgt: &'p Tgt<'_>) -> Result<VerifiedPac<'p>, Refusal> {
    let bytes = tgt.pac.as_deref().ok_or(revoked("the ticket-granting ticket has no PAC"))?;
    let modified = Refusal::new(ErrorCode::MODIFIED, "the PAC's signatures do not hold");
    let pac = Pac::parse(bytes)
        .and_then(|pac| pac.verify_server_signature(&tgt.sealed_with))
        .map_err(|_| modified.clone())?;
    if matches!(tgt.origin, Origin::Here) {
        // Tickets and PACs are made with the same version of krbtgt's key.
        pac.verify_kdc_signature(&tgt.sealed_with).map_err(|_| modified)?;
    }
    Ok(pac)
}

impl<'r> Client<'r> {
    /// The client of a ticket-granting ticket of this realm: the account that its name leads to must
    /// still be the one that it was issued to (CVE-2021-42287), else KDC_ERR_TGT_REVOKED.
    pub(super) fn of_this_realm(realm: &'r Realm, tgt: &Tgt<'_>) -> Result<Self, Refusal> {
        let pac = verified(tgt)?;
        let unknown = Refusal::new(ErrorCode::C_PRINCIPAL_UNKNOWN, "the account is gone");
        let account = realm.client(&tgt.client.name).ok_or(unknown)?;
        let malformed = |_| revoked("the PAC of the ticket-granting ticket is malformed");
        let requestor: Option<Requestor> = pac.get().map_err(malformed)?;
        if requestor.map(|requestor| requestor.0) != Some(account_sid(realm, account)?) {
            return Err(revoked("the account is another one than the ticket was issued to"));
        }
        let info: Option<ClientInfo> = pac.get().map_err(malformed)?;
        let info = info.ok_or(revoked("the PAC does not say whose it is"))?;
        info.check(&tgt.client.name, tgt.times.authtime)
            .map_err(|_| revoked("the PAC is of another client or logon"))?;
        let attributes: Option<Attributes> = pac.get().map_err(malformed)?;
        Ok(Self::new(Some(account), pac.as_pac(), attributes))
    }

    fn new(account: Option<&'r Account>, pac: &Pac<'_>, attributes: Option<Attributes>) -> Self {
        let is_tgt_only =
            |kind| matches!(kind, PacBufferType::ATTRIBUTES | PacBufferType::REQUESTOR);
        let tgt_only = pac.buffers().filter(|(kind, _)| is_tgt_only(*kind));
        Self {
            account,
            tgt_only: tgt_only.map(|(kind, buffer)| (kind, buffer.to_vec())).collect(),
            pac: PacBuilder::from_pac(pac)
                .without(PacBufferType::ATTRIBUTES)
                .without(PacBufferType::REQUESTOR),
            without_pac: attributes.is_some_and(|attributes| attributes.flags == 0),
        }
    }

    /// The PAC for another ticket-granting ticket.
    pub(super) fn tgt_pac(&self) -> PacBuilder {
        let with = |pac: PacBuilder, (kind, buffer): &(PacBufferType, Vec<u8>)| {
            pac.with_buffer(*kind, buffer.clone())
        };
        self.tgt_only.iter().fold(self.pac.clone(), with)
    }
}
