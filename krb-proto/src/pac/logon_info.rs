use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use super::ndr::{Reader, Room, Writer};
use super::{
    DomainGroups, FileTime, GroupMembership, PacBuffer, PacError, PacErrorKind as Kind, Sid,
    SidAndAttributes,
};
use crate::iana::PacBufferType;

/// LOGON_INFO, KERB_VALIDATION_INFO (MS-PAC 2.5). Its names and SIDs are the directory's, whatever
/// names the ticket carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogonInfo {
    /// LogonTime: the last logon; AD gives that of the directory, not this one.
    pub logon_time: FileTime,
    /// LogoffTime: when the account must be logged off, [`FileTime::NEVER`] in AD.
    pub logoff_time: FileTime,
    /// KickOffTime: LogoffTime and some more.
    pub kick_off_time: FileTime,
    /// PasswordLastSet.
    pub password_last_set: FileTime,
    /// PasswordCanChange.
    pub password_can_change: FileTime,
    /// PasswordMustChange: [`FileTime::NEVER`] if the password does not expire.
    pub password_must_change: FileTime,
    /// EffectiveName: the sAMAccountName.
    pub effective_name: String,
    /// FullName: the display name.
    pub full_name: String,
    /// LogonScript.
    pub logon_script: String,
    /// ProfilePath.
    pub profile_path: String,
    /// HomeDirectory.
    pub home_directory: String,
    /// HomeDirectoryDrive: a drive letter and a colon.
    pub home_directory_drive: String,
    /// LogonCount.
    pub logon_count: u16,
    /// BadPasswordCount.
    pub bad_password_count: u16,
    /// UserId, a RID in the logon domain.
    pub user_id: u32,
    /// PrimaryGroupId, a RID in the logon domain.
    pub primary_group_id: u32,
    /// GroupIds: groups of the logon domain.
    pub group_ids: Vec<GroupMembership>,
    /// UserFlags. [`LogonInfo::EXTRA_SIDS`] and [`LogonInfo::RESOURCE_GROUPS`] are set by
    /// themselves in what is written where they have to be.
    pub user_flags: u32,
    /// UserSessionKey: zeros in Kerberos.
    pub user_session_key: UserSessionKey,
    /// LogonServer: the DC's NetBIOS name.
    pub logon_server: String,
    /// LogonDomainName: the NetBIOS name of the account's domain.
    pub logon_domain_name: String,
    /// LogonDomainId.
    pub logon_domain_id: Sid,
    /// Reserved1: LmKey, zeros in Kerberos.
    pub reserved1: [u32; 2],
    /// UserAccountControl (MS-SAMR 2.2.1.12).
    pub user_account_control: u32,
    /// SubAuthStatus.
    pub sub_auth_status: u32,
    /// LastSuccessfulILogon: the last interactive logon.
    pub last_successful_interactive_logon: FileTime,
    /// LastFailedILogon.
    pub last_failed_interactive_logon: FileTime,
    /// FailedILogonCount.
    pub failed_interactive_logon_count: u32,
    /// Reserved3.
    pub reserved3: u32,
    /// ExtraSids: SIDs of other domains and well-known ones.
    pub extra_sids: Vec<SidAndAttributes>,
    /// ResourceGroups: the domain-local groups of the resource's domain.
    pub resource_groups: Option<DomainGroups>,
}

/// Sixteen bytes that NTLM keeps a key in; never printed.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct UserSessionKey(pub [u8; 16]);

impl fmt::Debug for UserSessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserSessionKey(16 secret bytes)")
    }
}

impl LogonInfo {
    /// UserFlags bit D: there are extra SIDs.
    pub const EXTRA_SIDS: u32 = 0x20;
    /// UserFlags bit H: there are resource groups.
    pub const RESOURCE_GROUPS: u32 = 0x200;

    /// An ordinary account (USER_NORMAL_ACCOUNT, primary group Domain Users) that never logged on
    /// and never expires.
    #[must_use]
    pub fn new(effective_name: &str, logon_domain_name: &str, domain: Sid, user_id: u32) -> Self {
        const DOMAIN_USERS: u32 = 513;
        Self {
            logon_time: FileTime(0),
            logoff_time: FileTime::NEVER,
            kick_off_time: FileTime::NEVER,
            password_last_set: FileTime(0),
            password_can_change: FileTime(0),
            password_must_change: FileTime::NEVER,
            effective_name: effective_name.to_string(),
            full_name: String::new(),
            logon_script: String::new(),
            profile_path: String::new(),
            home_directory: String::new(),
            home_directory_drive: String::new(),
            logon_count: 0,
            bad_password_count: 0,
            user_id,
            primary_group_id: DOMAIN_USERS,
            group_ids: vec![GroupMembership::enabled(DOMAIN_USERS)],
            user_flags: 0,
            user_session_key: UserSessionKey::default(),
            logon_server: String::new(),
            logon_domain_name: logon_domain_name.to_string(),
            logon_domain_id: domain,
            reserved1: [0; 2],
            user_account_control: 0x10,
            sub_auth_status: 0,
            last_successful_interactive_logon: FileTime(0),
            last_failed_interactive_logon: FileTime(0),
            failed_interactive_logon_count: 0,
            reserved3: 0,
            extra_sids: Vec::new(),
            resource_groups: None,
        }
    }

    /// The user's SID: in the domain, or, where `user_id` is 0, the first of the extra ones.
    ///
    /// # Errors
    /// If the domain's SID has no room for a RID, or there is no such extra one.
    pub fn user_sid(&self) -> Result<Sid, PacError> {
        if self.user_id == 0 {
            let first = self.extra_sids.first().map(|extra| extra.sid.clone());
            return first.ok_or(PacError::new(Kind::BadSid, 0, "ExtraSids"));
        }
        let sid = self.logon_domain_id.with_rid(self.user_id);
        sid.ok_or(PacError::new(Kind::BadSid, 0, "LogonDomainId"))
    }

    /// The SIDs of all groups that the user is in, each once, whatever the memberships' attributes:
    /// the primary group, those of the logon domain, of others, and of the resource's domain.
    pub fn group_sids(&self) -> impl Iterator<Item = Sid> {
        let primary = self.logon_domain_id.with_rid(self.primary_group_id);
        let own =
            self.group_ids.iter().filter_map(|group| self.logon_domain_id.with_rid(group.rid));
        let is_the_user = usize::from(self.user_id == 0);
        let extra = self.extra_sids.iter().skip(is_the_user).map(|extra| extra.sid.clone());
        let resource = self.resource_groups.iter().flat_map(DomainGroups::sids);
        let all = primary.into_iter().chain(own).chain(extra).chain(resource);
        // KDCs list the primary group among the domain's, and may list others twice.
        let mut seen = BTreeSet::new();
        all.filter(move |sid| seen.insert(sid.clone()))
    }

    /// UserFlags with the bits that say what follows.
    fn flags_to_write(&self) -> u32 {
        let mut flags = self.user_flags;
        if !self.extra_sids.is_empty() {
            flags |= Self::EXTRA_SIDS;
        }
        if self.resource_groups.as_ref().is_some_and(|resource| !resource.groups.is_empty()) {
            flags |= Self::RESOURCE_GROUPS;
        }
        flags
    }
}

impl PacBuffer for LogonInfo {
    const TYPE: PacBufferType = PacBufferType::LOGON_INFO;

    fn from_bytes(buffer: &[u8]) -> Result<Self, PacError> {
        let mut ndr = Reader::open(buffer)?;
        let logon_time = ndr.file_time("LogonTime")?;
        let logoff_time = ndr.file_time("LogoffTime")?;
        let kick_off_time = ndr.file_time("KickOffTime")?;
        let password_last_set = ndr.file_time("PasswordLastSet")?;
        let password_can_change = ndr.file_time("PasswordCanChange")?;
        let password_must_change = ndr.file_time("PasswordMustChange")?;
        let effective_name = ndr.string_header("EffectiveName")?;
        let full_name = ndr.string_header("FullName")?;
        let logon_script = ndr.string_header("LogonScript")?;
        let profile_path = ndr.string_header("ProfilePath")?;
        let home_directory = ndr.string_header("HomeDirectory")?;
        let home_directory_drive = ndr.string_header("HomeDirectoryDrive")?;
        let logon_count = ndr.u16("LogonCount")?;
        let bad_password_count = ndr.u16("BadPasswordCount")?;
        let user_id = ndr.u32("UserId")?;
        let primary_group_id = ndr.u32("PrimaryGroupId")?;
        let group_count = ndr.u32("GroupCount")?;
        let group_ids = ndr.pointer("GroupIds")?;
        let user_flags = ndr.u32("UserFlags")?;
        let mut user_session_key = UserSessionKey::default();
        user_session_key.0.copy_from_slice(ndr.take(16, "UserSessionKey")?);
        let logon_server = ndr.string_header("LogonServer")?;
        let logon_domain_name = ndr.string_header("LogonDomainName")?;
        let logon_domain_id = ndr.pointer("LogonDomainId")?;
        let reserved1 = [ndr.u32("Reserved1")?, ndr.u32("Reserved1")?];
        let user_account_control = ndr.u32("UserAccountControl")?;
        let sub_auth_status = ndr.u32("SubAuthStatus")?;
        let last_successful_interactive_logon = ndr.file_time("LastSuccessfulILogon")?;
        let last_failed_interactive_logon = ndr.file_time("LastFailedILogon")?;
        let failed_interactive_logon_count = ndr.u32("FailedILogonCount")?;
        let reserved3 = ndr.u32("Reserved3")?;
        let sid_count = ndr.u32("SidCount")?;
        let extra_sids = ndr.pointer("ExtraSids")?;
        let resource_domain = ndr.pointer("ResourceGroupDomainSid")?;
        let resource_count = ndr.u32("ResourceGroupCount")?;
        let resource_ids = ndr.pointer("ResourceGroupIds")?;

        // What the pointers point to follows in their order.
        let effective_name = ndr.string(effective_name, "EffectiveName")?;
        let full_name = ndr.string(full_name, "FullName")?;
        let logon_script = ndr.string(logon_script, "LogonScript")?;
        let profile_path = ndr.string(profile_path, "ProfilePath")?;
        let home_directory = ndr.string(home_directory, "HomeDirectory")?;
        let home_directory_drive = ndr.string(home_directory_drive, "HomeDirectoryDrive")?;
        let group = GroupMembership::read;
        let size = GroupMembership::SIZE;
        let group_ids = ndr.array(group_ids, group_count, size, "GroupIds", group)?;
        let logon_server = ndr.string(logon_server, "LogonServer")?;
        let logon_domain_name = ndr.string(logon_domain_name, "LogonDomainName")?;
        let logon_domain_id = ndr.required_sid(logon_domain_id, "LogonDomainId")?;
        let extra_sids = SidAndAttributes::read_array(&mut ndr, extra_sids, sid_count)?;
        let resource_domain = ndr.sid(resource_domain, "ResourceGroupDomainSid")?;
        let groups = ndr.array(resource_ids, resource_count, size, "ResourceGroupIds", group)?;
        // Groups that the flags disown would count here and not elsewhere.
        if user_flags & Self::EXTRA_SIDS == 0 && !extra_sids.is_empty()
            || user_flags & Self::RESOURCE_GROUPS == 0 && !groups.is_empty()
        {
            return Err(ndr.error(Kind::BadHeader, "UserFlags"));
        }
        let resource_groups = match resource_domain {
            Some(domain) => Some(DomainGroups { domain, groups }),
            None if groups.is_empty() => None,
            None => return Err(ndr.error(Kind::Missing, "ResourceGroupDomainSid")),
        };
        ndr.finish("LOGON_INFO")?;
        Ok(Self {
            logon_time,
            logoff_time,
            kick_off_time,
            password_last_set,
            password_can_change,
            password_must_change,
            effective_name,
            full_name,
            logon_script,
            profile_path,
            home_directory,
            home_directory_drive,
            logon_count,
            bad_password_count,
            user_id,
            primary_group_id,
            group_ids,
            user_flags,
            user_session_key,
            logon_server,
            logon_domain_name,
            logon_domain_id,
            reserved1,
            user_account_control,
            sub_auth_status,
            last_successful_interactive_logon,
            last_failed_interactive_logon,
            failed_interactive_logon_count,
            reserved3,
            extra_sids,
            resource_groups,
        })
    }

    fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        let mut ndr = Writer::new();
        ndr.file_time(self.logon_time);
        ndr.file_time(self.logoff_time);
        ndr.file_time(self.kick_off_time);
        ndr.file_time(self.password_last_set);
        ndr.file_time(self.password_can_change);
        ndr.file_time(self.password_must_change);
        let names = [
            ndr.string_header(&self.effective_name, Room::Exact, "EffectiveName"),
            ndr.string_header(&self.full_name, Room::Exact, "FullName"),
            ndr.string_header(&self.logon_script, Room::Exact, "LogonScript"),
            ndr.string_header(&self.profile_path, Room::Exact, "ProfilePath"),
            ndr.string_header(&self.home_directory, Room::Exact, "HomeDirectory"),
            ndr.string_header(&self.home_directory_drive, Room::Exact, "HomeDirectoryDrive"),
        ];
        ndr.u16(self.logon_count);
        ndr.u16(self.bad_password_count);
        ndr.u32(self.user_id);
        ndr.u32(self.primary_group_id);
        let group_ids = ndr.counted_pointer(self.group_ids.len(), "GroupCount");
        ndr.u32(self.flags_to_write());
        ndr.bytes(&self.user_session_key.0);
        let logon_server = ndr.string_header(&self.logon_server, Room::ForNul, "LogonServer");
        let domain_name =
            ndr.string_header(&self.logon_domain_name, Room::ForNul, "LogonDomainName");
        let domain_id = ndr.pointer(true);
        self.reserved1.iter().for_each(|&reserved| ndr.u32(reserved));
        ndr.u32(self.user_account_control);
        ndr.u32(self.sub_auth_status);
        ndr.file_time(self.last_successful_interactive_logon);
        ndr.file_time(self.last_failed_interactive_logon);
        ndr.u32(self.failed_interactive_logon_count);
        ndr.u32(self.reserved3);
        let extra_sids = ndr.counted_pointer(self.extra_sids.len(), "SidCount");
        let resource_domain = ndr.pointer(self.resource_groups.is_some());
        let resource_ids: &[_] =
            self.resource_groups.as_ref().map_or(&[], |resource| &resource.groups);
        let resource_pointer = ndr.counted_pointer(resource_ids.len(), "ResourceGroupCount");

        names.into_iter().for_each(|name| ndr.string(name));
        ndr.array(group_ids, &self.group_ids, GroupMembership::write);
        ndr.string(logon_server);
        ndr.string(domain_name);
        ndr.sid(domain_id, &self.logon_domain_id);
        SidAndAttributes::write_array(&mut ndr, extra_sids, &self.extra_sids);
        if let Some(resource) = &self.resource_groups {
            ndr.sid(resource_domain, &resource.domain);
        }
        ndr.array(resource_pointer, resource_ids, GroupMembership::write);
        ndr.finish()
    }
}
