//! What of a PAC from another realm is believed (MS-PAC 4.1.2.2): its own domain's SIDs, and nothing
//! of ours.

use crate::iana::{ErrorCode, PacBufferType};
use crate::kdc::refusal::Refusal;
use crate::kdc::trust::Trust;
use crate::pac::{
    Attributes, ClientInfo, DelegationInfo, LogonInfo, PacBuilder, PacError, Requestor, Sid,
    UpnDnsInfo, VerifiedPac,
};

/// The PAC with what may be believed. A PAC of somebody in a third domain is refused.
pub(super) fn filtered(pac: &VerifiedPac<'_>, trust: &Trust) -> Result<PacBuilder, Refusal> {
    let malformed =
        |_: PacError| Refusal::new(ErrorCode::MODIFIED, "the other realm's PAC is malformed");
    let foreign = || {
        let text = "the other realm's PAC is of a domain that is not its own";
        Refusal::new(ErrorCode::POLICY, text)
    };
    let mut filtered = PacBuilder::new();
    let Some(domain) = &trust.domain_sid else {
        let kept = [PacBufferType::CLIENT_INFO, PacBufferType::DELEGATION_INFO];
        let buffers = pac.as_pac().buffers().filter(|(kind, _)| kept.contains(kind));
        return Ok(buffers.fold(filtered, |to, (kind, it)| to.with_buffer(kind, it.to_vec())));
    };
    let ours = |sid: &Sid| sid.domain().as_ref() == Some(domain);
    if let Some(mut info) = pac.get::<LogonInfo>().map_err(malformed)? {
        if info.logon_domain_id != *domain {
            return Err(foreign());
        }
        info.extra_sids.retain(|extra| ours(&extra.sid) || is_asserted_identity(&extra.sid));
        info.user_flags &= !(LogonInfo::EXTRA_SIDS | LogonInfo::RESOURCE_GROUPS);
        info.resource_groups = None;
        filtered = filtered.with(&info)?;
    }
    if let Some(info) = pac.get::<ClientInfo>().map_err(malformed)? {
        filtered = filtered.with(&info)?;
    }
    if let Some(info) = pac.get::<UpnDnsInfo>().map_err(malformed)? {
        if info.extended.as_ref().is_some_and(|extended| !ours(&extended.sid)) {
            return Err(foreign());
        }
        filtered = filtered.with(&info)?;
    }
    if let Some(attributes) = pac.get::<Attributes>().map_err(malformed)? {
        filtered = filtered.with(&attributes)?;
    }
    if let Some(requestor) = pac.get::<Requestor>().map_err(malformed)? {
        if !ours(&requestor.0) {
            return Err(foreign());
        }
        filtered = filtered.with(&requestor)?;
    }
    if let Some(info) = pac.get::<DelegationInfo>().map_err(malformed)? {
        filtered = filtered.with(&info)?;
    }
    Ok(filtered)
}

/// S-1-18-1 and S-1-18-2: how the other KDC knows who it is.
fn is_asserted_identity(sid: &Sid) -> bool {
    let identities = [1, 2].map(|rid| Sid::new(18, [rid].into()));
    identities.iter().flatten().any(|identity| identity == sid)
}
