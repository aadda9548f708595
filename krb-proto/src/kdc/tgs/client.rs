//! Whose request it is: the account behind a ticket-granting ticket, as it is now, and the PAC that
//! vouches for it.

use alloc::vec::Vec;

use super::filter::filtered;
use super::header::{Origin, Tgt};
use crate::Principal;
use crate::iana::{ErrorCode, PacBufferType};
use crate::kdc::account::Account;
use crate::kdc::pac::account_sid;
use crate::kdc::realm::Realm;
use crate::kdc::refusal::Refusal;
use crate::kdc::trust::Trust;
use crate::pac::{
    Attributes, ClientInfo, DelegationInfo, LogonInfo, Pac, PacBuffer, PacBuilder, Requestor, Sid,
    VerifiedPac,
};

/// The client of a request.
pub(super) struct Client<'r> {
    /// The account, if it is of this realm.
    pub(super) account: Option<&'r Account>,
    /// Whose PAC it is, as that says: in referrals for S4U2Self not the ticket's client.
    pub(super) pac_name: ClientInfo,
    /// The PAC's buffers, without those that only ticket-granting tickets have.
    pub(super) pac: PacBuilder,
    /// PAC_ATTRIBUTES_INFO and PAC_REQUESTOR.
    tgt_only: Vec<(PacBufferType, Vec<u8>)>,
    /// PAC_ATTRIBUTES_INFO says that no PAC was wanted.
    pub(super) without_pac: bool,
}

pub(super) fn revoked(text: &'static str) -> Refusal {
    Refusal::new(ErrorCode::TGT_REVOKED, text)
}

fn malformed<E>(_: E) -> Refusal {
    revoked("the PAC of the ticket-granting ticket is malformed")
}

/// The PAC of a ticket-granting ticket. AD refuses those without one since 2022.
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
    /// The client of a ticket-granting ticket. Whoever the ticket's name leads to in this realm must
    /// still be who it was issued to (CVE-2021-42287), else KDC_ERR_TGT_REVOKED. Another realm's KDC
    /// speaks for its own clients, and where it is trusted so far for those of further realms; for
    /// ours never.
    pub(super) fn of(realm: &'r Realm, tgt: &Tgt<'r>) -> Result<Self, Refusal> {
        let pac = verified(tgt)?;
        let client = match tgt.origin {
            Origin::Here => {
                let ours = realm.is_named(&tgt.client.realm);
                let account = if ours { Some(still_there(realm, tgt, &pac)?) } else { None };
                Self::new(account, PacBuilder::from_pac(pac.as_pac()))?
            }
            Origin::Trust(trust) => {
                if realm.is_named(&tgt.client.realm) || !speaks_for(trust, &tgt.client) {
                    let text = "the other realm does not speak for this client";
                    return Err(Refusal::new(ErrorCode::POLICY, text));
                }
                Self::new(None, filtered(&pac, trust)?)?
            }
        };
        let name = client.pac_name.check(&tgt.client.name, tgt.times.authtime);
        name.map_err(|_| revoked("the PAC is of another client or logon"))?;
        Ok(client)
    }

    /// A user of another realm, for whom a service of that realm comes with a ticket (MS-SFU
    /// 3.2.5.2.2). The PAC says it by naming the user's realm too, and so the ticket is of no use to
    /// the service in any other request: it would be the user everywhere here.
    pub(super) fn delegated(
        realm: &'r Realm,
        tgt: &Tgt<'r>,
        trust: &Trust,
    ) -> Result<Self, Refusal> {
        if realm.is_named(&tgt.client.realm) || !speaks_for(trust, &tgt.client) {
            let text = "the other realm does not speak for this client";
            return Err(Refusal::new(ErrorCode::POLICY, text));
        }
        let mut client = Self::new(None, filtered(&verified(tgt)?, trust)?)?;
        let authtime = tgt.times.authtime;
        let named = ClientInfo::with_realm(&tgt.client, authtime);
        if named.as_ref() != Some(&client.pac_name) {
            return Err(revoked("the PAC is not of a client for whom a service comes"));
        }
        let here = ClientInfo::new(&tgt.client.name, authtime).ok_or_else(|| malformed(()))?;
        client.pac = client.pac.with(&here)?;
        Ok(client)
    }

    /// What came back from another realm to a service of this one: the ticket is the service's, the
    /// PAC a user's (MS-SFU 3.2.5.1.1).
    pub(super) fn returned(
        realm: &'r Realm,
        tgt: &Tgt<'r>,
        trust: &Trust,
    ) -> Result<Self, Refusal> {
        let pac = filtered(&verified(tgt)?, trust)?;
        Self::new(Some(account(realm, tgt)?), pac)
    }

    /// As [`Self::returned`], where the service is of a further realm and the ticket on its way to it.
    pub(super) fn in_transit(tgt: &Tgt<'r>, trust: &Trust) -> Result<Self, Refusal> {
        Self::new(None, filtered(&verified(tgt)?, trust)?)
    }

    fn new(account: Option<&'r Account>, pac: PacBuilder) -> Result<Self, Refusal> {
        let pac_name = read(&pac)?.ok_or(revoked("the PAC does not say whose it is"))?;
        let attributes: Option<Attributes> = read(&pac)?;
        let kinds = [PacBufferType::ATTRIBUTES, PacBufferType::REQUESTOR];
        let tgt_only = kinds.iter().filter_map(|kind| Some((*kind, pac.get(*kind)?.to_vec())));
        Ok(Self {
            account,
            pac_name,
            tgt_only: tgt_only.collect(),
            pac: kinds.iter().fold(pac, |pac, kind| pac.without(*kind)),
            without_pac: attributes.is_some_and(|attributes| attributes.flags == 0),
        })
    }

    /// The SIDs that it has: its own and its groups'.
    pub(super) fn sids(&self) -> Result<Vec<Sid>, Refusal> {
        let info: Option<LogonInfo> = read(&self.pac)?;
        let of = |info: &LogonInfo| -> Vec<Sid> {
            info.user_sid().into_iter().chain(info.group_sids()).collect()
        };
        Ok(info.as_ref().map(of).unwrap_or_default())
    }

    /// Through whose hands the ticket came.
    pub(super) fn delegation(&self) -> Result<Option<DelegationInfo>, Refusal> {
        read(&self.pac)
    }

    /// The PAC for another ticket-granting ticket.
    pub(super) fn tgt_pac(&self) -> PacBuilder {
        let with = |pac: PacBuilder, (kind, buffer): &(PacBufferType, Vec<u8>)| {
            pac.with_buffer(*kind, buffer.clone())
        };
        self.tgt_only.iter().fold(self.pac.clone(), with)
    }
}

fn read<B: PacBuffer>(pac: &PacBuilder) -> Result<Option<B>, Refusal> {
    pac.get(B::TYPE).map(B::from_bytes).transpose().map_err(malformed)
}

fn account<'r>(realm: &'r Realm, tgt: &Tgt<'_>) -> Result<&'r Account, Refusal> {
    let unknown = Refusal::new(ErrorCode::C_PRINCIPAL_UNKNOWN, "the account is gone");
    realm.client(&tgt.client.name).ok_or(unknown)
}

/// The account of a ticket's client, if it is the one that the ticket was issued to.
fn still_there<'r>(
    realm: &'r Realm,
    tgt: &Tgt<'_>,
    pac: &VerifiedPac<'_>,
) -> Result<&'r Account, Refusal> {
    let account = account(realm, tgt)?;
    let requestor: Option<Requestor> = pac.get().map_err(malformed)?;
    if requestor.map(|requestor| requestor.0) == Some(account_sid(realm, account)?) {
        return Ok(account);
    }
    Err(revoked("the account is another one than the ticket was issued to"))
}

fn speaks_for(trust: &Trust, client: &Principal) -> bool {
    client.realm == trust.realm().as_bytes() || trust.transitive
}
