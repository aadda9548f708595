use krb_proto::pac::Sid;

/// userAccountControl bits as LOGON_INFO carries them (MS-SAMR 2.2.1.12, USER_ACCOUNT_…).
const INTERDOMAIN_TRUST_ACCOUNT: u32 = 0x40;
const WORKSTATION_TRUST_ACCOUNT: u32 = 0x80;
const SERVER_TRUST_ACCOUNT: u32 = 0x100;
const NOT_DELEGATED: u32 = 0x4000;
/// The RID of Protected Users.
const PROTECTED_USERS: u32 = 525;

/// The directory account that a verified PAC names. This, and no name in a ticket, is who the
/// user is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Its SID.
    pub sid: Sid,
    /// Its sAMAccountName, in the directory's spelling.
    pub name: String,
    /// Its userPrincipalName, where the PAC has one; made from its name if it has none of its own.
    pub upn: Option<String>,
    /// The NetBIOS name of its domain.
    pub domain: String,
    /// The SIDs of all groups it was in when the evidence was issued.
    pub groups: Vec<Sid>,
    /// LOGON_INFO's UserAccountControl.
    pub user_account_control: u32,
}

impl Account {
    /// The account of a computer, or of a domain that trusts this one.
    #[must_use]
    pub fn is_machine(&self) -> bool {
        let trusts = INTERDOMAIN_TRUST_ACCOUNT | WORKSTATION_TRUST_ACCOUNT | SERVER_TRUST_ACCOUNT;
        self.user_account_control & trusts != 0
    }

    /// Is it marked "sensitive and cannot be delegated", or one of the Protected Users?
    #[must_use]
    pub fn may_not_be_delegated(&self) -> bool {
        self.user_account_control & NOT_DELEGATED != 0 || self.is_in_domain_group(PROTECTED_USERS)
    }

    /// Is it in the group of its own domain with this RID?
    #[must_use]
    pub fn is_in_domain_group(&self, rid: u32) -> bool {
        self.groups
            .iter()
            .any(|group| group.rid() == Some(rid) && group.domain() == self.sid.domain())
    }
}
