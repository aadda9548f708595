use alloc::vec::Vec;

use super::group::GroupMembership;
use super::ndr::{Reader, Writer};
use super::{DomainGroups, PacBuffer, PacError, Sid, SidAndAttributes};
use crate::iana::PacBufferType;

/// PAC_DEVICE_INFO (MS-PAC 2.12): the computer that the user sits at, if it armored the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceInfo {
    /// UserId: the computer account's RID.
    pub user_id: u32,
    /// PrimaryGroupId, a RID in the account domain.
    pub primary_group_id: u32,
    /// AccountDomainId.
    pub account_domain_id: Sid,
    /// AccountGroupIds: groups of the account domain.
    pub account_group_ids: Vec<GroupMembership>,
    /// ExtraSids: those of no domain.
    pub extra_sids: Vec<SidAndAttributes>,
    /// DomainGroup: groups of other domains.
    pub domain_groups: Vec<DomainGroups>,
}

/// The bytes of a DOMAIN_GROUP_MEMBERSHIP without what it points to.
const DOMAIN_GROUPS: usize = 12;

impl PacBuffer for DeviceInfo {
    const TYPE: PacBufferType = PacBufferType::DEVICE_INFO;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        let mut ndr = Reader::open(buffer)?;
        let user_id = ndr.u32("UserId")?;
        let primary_group_id = ndr.u32("PrimaryGroupId")?;
        let domain_id = ndr.pointer("AccountDomainId")?;
        let group_count = ndr.u32("AccountGroupCount")?;
        let group_ids = ndr.pointer("AccountGroupIds")?;
        let sid_count = ndr.u32("SidCount")?;
        let extra_sids = ndr.pointer("ExtraSids")?;
        let domain_count = ndr.u32("DomainGroupCount")?;
        let domains = ndr.pointer("DomainGroup")?;

        let account_domain_id = ndr.required_sid(domain_id, "AccountDomainId")?;
        let group = GroupMembership::read;
        let size = GroupMembership::SIZE;
        let account_group_ids =
            ndr.array(group_ids, group_count, size, "AccountGroupIds", group)?;
        let extra_sids = SidAndAttributes::read_array(&mut ndr, extra_sids, sid_count)?;
        let domains = ndr.array(domains, domain_count, DOMAIN_GROUPS, "DomainGroup", |ndr| {
            Ok((ndr.pointer("DomainId")?, ndr.u32("GroupCount")?, ndr.pointer("GroupIds")?))
        })?;
        let domain_groups = domains
            .into_iter()
            .map(|(domain, count, groups)| {
                Ok(DomainGroups {
                    domain: ndr.required_sid(domain, "DomainId")?,
                    groups: ndr.array(groups, count, size, "GroupIds", group)?,
                })
            })
            .collect::<Result<_, PacError>>()?;
        ndr.finish("PAC_DEVICE_INFO")?;
        Ok(Self {
            user_id,
            primary_group_id,
            account_domain_id,
            account_group_ids,
            extra_sids,
            domain_groups,
        })
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        let mut ndr = Writer::new();
        ndr.u32(self.user_id);
        ndr.u32(self.primary_group_id);
        let domain_id = ndr.pointer(true);
        let group_ids = ndr.counted_pointer(self.account_group_ids.len(), "AccountGroupCount");
        let extra_sids = ndr.counted_pointer(self.extra_sids.len(), "SidCount");
        let domains = ndr.counted_pointer(self.domain_groups.len(), "DomainGroupCount");
        ndr.sid(domain_id, &self.account_domain_id);
        ndr.array(group_ids, &self.account_group_ids, GroupMembership::write);
        SidAndAttributes::write_array(&mut ndr, extra_sids, &self.extra_sids);
        ndr.target(domains, |ndr| {
            let count = ndr.count(self.domain_groups.len(), "DomainGroup");
            ndr.u32(count);
            let pointers: Vec<_> = self
                .domain_groups
                .iter()
                .map(|groups| {
                    let domain = ndr.pointer(true);
                    (domain, ndr.counted_pointer(groups.groups.len(), "GroupCount"))
                })
                .collect();
            for ((domain, ids), groups) in pointers.into_iter().zip(&self.domain_groups) {
                ndr.sid(domain, &groups.domain);
                ndr.array(ids, &groups.groups, GroupMembership::write);
            }
        });
        ndr.finish()
    }
}
