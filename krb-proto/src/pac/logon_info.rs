use alloc::string::String;
use alloc::vec::Vec;

use super::ndr::Ndr;
use super::{PacError, PacErrorKind, Sid};

/// LOGON_INFO, KERB_VALIDATION_INFO (MS-PAC 2.5), as far as it says who the user is. Its names and
/// SIDs are the directory's, whatever names the ticket carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogonInfo {
    /// EffectiveName: the sAMAccountName.
    pub effective_name: String,
    /// FullName: the display name.
    pub full_name: String,
    /// LogonDomainName: the NetBIOS name of the account's domain.
    pub logon_domain_name: String,
    /// LogonDomainId.
    pub logon_domain_id: Sid,
    /// UserId, a RID in the logon domain.
    pub user_id: u32,
    /// PrimaryGroupId, a RID in the logon domain.
    pub primary_group_id: u32,
    /// GroupIds: RIDs in the logon domain.
    pub group_ids: Vec<u32>,
    /// ExtraSids: SIDs of other domains and well-known ones.
    pub extra_sids: Vec<Sid>,
    /// ResourceGroups: their domain, and RIDs in it.
    pub resource_groups: Option<(Sid, Vec<u32>)>,
    /// UserAccountControl (MS-SAMR 2.2.1.12).
    pub user_account_control: u32,
}

impl LogonInfo {
    /// Is UserFlags bit D set: are there extra SIDs?
    const EXTRA_SIDS: u32 = 0x20;

    pub(super) fn parse(buffer: &[u8]) -> Result<Self, PacError> {
        let mut ndr = Ndr::open(buffer)?;
        // LogonTime, LogoffTime, KickOffTime, PasswordLastSet, -CanChange, -MustChange
        ndr.take(6 * 8, "LOGON_INFO times")?;
        let effective_name = ndr.string_header("EffectiveName")?;
        let full_name = ndr.string_header("FullName")?;
        let logon_script = ndr.string_header("LogonScript")?;
        let profile_path = ndr.string_header("ProfilePath")?;
        let home_directory = ndr.string_header("HomeDirectory")?;
        let home_directory_drive = ndr.string_header("HomeDirectoryDrive")?;
        ndr.take(4, "LogonCount, BadPasswordCount")?;
        let user_id = ndr.u32("UserId")?;
        let primary_group_id = ndr.u32("PrimaryGroupId")?;
        let group_count = ndr.u32("GroupCount")?;
        let group_ids = ndr.pointer("GroupIds")?;
        let user_flags = ndr.u32("UserFlags")?;
        ndr.take(16, "UserSessionKey")?;
        let logon_server = ndr.string_header("LogonServer")?;
        let logon_domain_name = ndr.string_header("LogonDomainName")?;
        let logon_domain_id = ndr.pointer("LogonDomainId")?;
        ndr.take(8, "Reserved1")?;
        let user_account_control = ndr.u32("UserAccountControl")?;
        // SubAuthStatus, LastSuccessfulILogon, LastFailedILogon, FailedILogonCount, Reserved3
        ndr.take(4 + 8 + 8 + 4 + 4, "LOGON_INFO counters")?;
        let sid_count = ndr.u32("SidCount")?;
        let extra_sids = ndr.pointer("ExtraSids")?;
        let resource_group_domain = ndr.pointer("ResourceGroupDomainSid")?;
        let resource_group_count = ndr.u32("ResourceGroupCount")?;
        let resource_group_ids = ndr.pointer("ResourceGroupIds")?;

        // What the pointers point to follows in their order.
        let effective_name = ndr.string(effective_name, "EffectiveName")?;
        let full_name = ndr.string(full_name, "FullName")?;
        ndr.string(logon_script, "LogonScript")?;
        ndr.string(profile_path, "ProfilePath")?;
        ndr.string(home_directory, "HomeDirectory")?;
        ndr.string(home_directory_drive, "HomeDirectoryDrive")?;
        let group = |ndr: &mut Ndr<'_>| {
            let rid = ndr.u32("group RID")?;
            ndr.u32("group attributes").map(|_| rid)
        };
        let group_ids = ndr.array(group_ids, group_count, 8, "GroupIds", group)?;
        ndr.string(logon_server, "LogonServer")?;
        let logon_domain_name = ndr.string(logon_domain_name, "LogonDomainName")?;
        let logon_domain_id = ndr
            .sid(logon_domain_id, "LogonDomainId")?
            .ok_or(ndr.error(PacErrorKind::Missing, "LogonDomainId"))?;
        let pointers = ndr.array(extra_sids, sid_count, 8, "ExtraSids", |ndr| {
            let pointer = ndr.pointer("extra SID")?;
            ndr.u32("extra SID attributes").map(|_| pointer)
        })?;
        let mut extra_sids = Vec::new();
        for pointer in pointers {
            extra_sids.extend(ndr.sid(pointer, "extra SID")?);
        }
        if user_flags & Self::EXTRA_SIDS == 0 && !extra_sids.is_empty() {
            return Err(ndr.error(PacErrorKind::BadHeader, "UserFlags"));
        }
        let resource_domain = ndr.sid(resource_group_domain, "ResourceGroupDomainSid")?;
        let resource_ids =
            ndr.array(resource_group_ids, resource_group_count, 8, "ResourceGroupIds", group)?;
        let resource_groups = match resource_domain {
            Some(domain) => Some((domain, resource_ids)),
            None if resource_ids.is_empty() => None,
            None => return Err(ndr.error(PacErrorKind::Missing, "ResourceGroupDomainSid")),
        };
        Ok(Self {
            effective_name,
            full_name,
            logon_domain_name,
            logon_domain_id,
            user_id,
            primary_group_id,
            group_ids,
            extra_sids,
            resource_groups,
            user_account_control,
        })
    }

    /// The user's SID.
    ///
    /// # Errors
    /// If the domain's SID has no room for a RID.
    pub fn user_sid(&self) -> Result<Sid, PacError> {
        self.logon_domain_id.with_rid(self.user_id).ok_or(PacError::new(
            PacErrorKind::BadSid,
            0,
            "LogonDomainId",
        ))
    }

    /// The SIDs of all groups that the user is in: of the logon domain, of others, and those of
    /// the resource's domain.
    pub fn group_sids(&self) -> impl Iterator<Item = Sid> {
        let primary = self.logon_domain_id.with_rid(self.primary_group_id);
        let own = self.group_ids.iter().filter_map(|&rid| self.logon_domain_id.with_rid(rid));
        let resource = self
            .resource_groups
            .iter()
            .flat_map(|(domain, rids)| rids.iter().filter_map(|&rid| domain.with_rid(rid)));
        primary.into_iter().chain(own).chain(self.extra_sids.iter().cloned()).chain(resource)
    }
}
