//! Who is never impersonated, whatever policy says.

use krb_client::Account;
use krb_proto::pac::Sid;

use super::config::NeverImpersonateConfig;
use super::failure::Doubt;
use crate::{ConfigError, listed};

/// Accounts whose relative identifier says what they are, in every domain (MS-DTYP 2.4.2.4).
const ACCOUNTS: [(u32, &str); 2] = [(500, "the built-in Administrator"), (502, "krbtgt")];
/// Groups of a domain whose members control it or its forest, or can soon: they write keys,
/// certificates or group policies that domain controllers believe.
const GROUPS: [(u32, &str); 11] = [
    (498, "Enterprise Read-only Domain Controllers"),
    (512, "Domain Admins"),
    (516, "Domain Controllers"),
    (517, "Cert Publishers"),
    (518, "Schema Admins"),
    (519, "Enterprise Admins"),
    (520, "Group Policy Creator Owners"),
    (521, "Read-only Domain Controllers"),
    (525, "Protected Users"),
    (526, "Key Admins"),
    (527, "Enterprise Key Admins"),
];
/// Groups of BUILTIN (S-1-5-32) that control a domain controller. KDCs leave them out of PACs, so
/// this refuses only where one does not.
const BUILTIN: [(u32, &str); 6] = [
    (544, "Administrators"),
    (548, "Account Operators"),
    (549, "Server Operators"),
    (550, "Print Operators"),
    (551, "Backup Operators"),
    (552, "Replicator"),
];

/// The accounts that are impersonated under no policy. It is checked on evidence, before any
/// S4U2Proxy leaves: AD itself hands out such tickets without complaint.
///
/// It sees what a PAC shows. Membership in groups of BUILTIN and in groups without an identifier of
/// their own (DnsAdmins) it does not see: those are for `onlyMembersOf` and `neverImpersonate.sids`.
pub(super) struct NeverImpersonate {
    accounts: Vec<String>,
    sids: Vec<Sid>,
    only_members_of: Vec<Sid>,
    // Names of this server's other service accounts.
    ours: Vec<String>,
}

impl NeverImpersonate {
    pub(super) fn new(
        never: &NeverImpersonateConfig,
        only_members_of: &[String],
        ours: Vec<String>,
    ) -> Result<Self, ConfigError> {
        Ok(Self {
            ours,
            accounts: accounts(&never.accounts)?,
            sids: sids("kerberos.neverImpersonate.sids", &never.sids)?,
            only_members_of: sids("kerberos.onlyMembersOf", only_members_of)?,
        })
    }

    /// Refuses an account that is never impersonated. `own` is the service's own account.
    pub(super) fn check(&self, account: &Account, own: &Sid) -> Result<(), Doubt> {
        let name = || account.name.clone();
        if account.sid == *own {
            return Err(Doubt::Never { account: name(), what: "the service's own account".into() });
        }
        if self.ours.iter().any(|ours| is_same_name(ours, &account.name)) {
            let what = "another of this server's service accounts".into();
            return Err(Doubt::Never { account: name(), what });
        }
        if let Some(what) = what(account) {
            return Err(Doubt::Never { account: name(), what });
        }
        if let Some(what) = self.listed(account) {
            return Err(Doubt::Listed { account: name(), what });
        }
        let mut groups = account.groups.iter();
        if !self.only_members_of.is_empty() && !groups.any(|sid| self.only_members_of.contains(sid))
        {
            return Err(Doubt::NotListed { account: name() });
        }
        Ok(())
    }

    /// Refuses whom the operator listed where no evidence says who it is: by what the token says.
    pub(super) fn check_named(&self, name: &str, sid: Option<&Sid>) -> Result<(), Doubt> {
        let what = if self.accounts.iter().any(|listed| is_same_name(listed, name)) {
            "listed under kerberos.neverImpersonate.accounts".to_owned()
        } else if let Some(sid) = sid.filter(|sid| self.sids.contains(sid)) {
            format!("{sid}, listed under kerberos.neverImpersonate.sids")
        } else {
            return Ok(());
        };
        Err(Doubt::Listed { account: name.to_owned(), what })
    }

    /// Refuses the service's own account in the place of users, if it is one that is never
    /// impersonated for what else it is.
    pub(super) fn check_itself(&self, own: &Account) -> Result<(), Doubt> {
        match what(own) {
            Some(what) => Err(Doubt::TooMighty { account: own.name.clone(), what }),
            None => Ok(()),
        }
    }

    /// What the operator listed of it.
    fn listed(&self, account: &Account) -> Option<String> {
        if self.accounts.iter().any(|name| is_same_name(name, &account.name)) {
            return Some("listed under kerberos.neverImpersonate.accounts".into());
        }
        let mut own = std::iter::once(&account.sid).chain(&account.groups);
        own.find(|sid| self.sids.contains(sid))
            .map(|sid| format!("or is in, {sid}, listed under kerberos.neverImpersonate.sids"))
    }
}

/// What it is in every domain, if that is never impersonated.
fn what(account: &Account) -> Option<String> {
    if account.is_machine() {
        return Some("a computer's or a trusting domain's account".into());
    }
    if let Some((_, what)) = ACCOUNTS.iter().find(|(rid, _)| account.sid.rid() == Some(*rid)) {
        return Some((*what).into());
    }
    // By RID in whatever domain: membership of another domain's administrators counts too.
    let group = |rid| account.groups.iter().any(|group| is_domain_rid(group, rid));
    if let Some((_, what)) = GROUPS.iter().find(|(rid, _)| group(*rid)) {
        return Some(format!("a member of {what}"));
    }
    let builtin = |rid| account.groups.iter().any(|group| is_builtin(group, rid));
    let found = BUILTIN.iter().find(|(rid, _)| builtin(*rid));
    found.map(|(_, what)| format!("a member of BUILTIN\\{what}"))
}

/// Names that somebody may have. One that nobody can have would leave open what it is meant to shut.
fn accounts(texts: &[String]) -> Result<Vec<String>, ConfigError> {
    let name = |text: &String| {
        let name = match listed::is_meant_as_sid(text) {
            true => {
                Err(format!("{text:?} is a SID: those stand in kerberos.neverImpersonate.sids"))
            }
            false => listed::account_name(text),
        };
        name.map_err(|problem| ConfigError::new("kerberos.neverImpersonate.accounts", problem))
    };
    texts.iter().map(name).collect()
}

fn sids(setting: &str, texts: &[String]) -> Result<Vec<Sid>, ConfigError> {
    let sid =
        |text: &String| listed::sid(text).map_err(|problem| ConfigError::new(setting, problem));
    texts.iter().map(sid).collect()
}

/// `S-1-5-21-…-RID` with that RID.
fn is_domain_rid(sid: &Sid, rid: u32) -> bool {
    sid.rid() == Some(rid) && sid.to_string().starts_with("S-1-5-21-")
}

fn is_builtin(sid: &Sid, rid: u32) -> bool {
    sid.to_string() == format!("S-1-5-32-{rid}")
}

/// As wide as any directory compares names: what this is for must not be missed.
fn is_same_name(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase() || a.to_uppercase() == b.to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Blame, Code, Failure};

    fn account(name: &str, sid: &str, groups: &[&str], user_account_control: u32) -> Account {
        Account {
            sid: sid.parse().unwrap(),
            name: name.into(),
            upn: None,
            domain: "W25AD".into(),
            groups: groups.iter().map(|group| group.parse().unwrap()).collect(),
            user_account_control,
        }
    }

    fn rule() -> NeverImpersonate {
        let config = NeverImpersonateConfig {
            accounts: vec!["Payroll".into()],
            sids: vec!["S-1-5-21-1-2-3-4000".into()],
        };
        NeverImpersonate::new(&config, &[], vec!["svc-other".into()]).unwrap()
    }

    #[test]
    fn each_reason_refuses_and_an_ordinary_user_passes() {
        const USER: &str = "S-1-5-21-1-2-3-1103";
        const USERS: &str = "S-1-5-21-1-2-3-513";
        const OWN: &str = "S-1-5-21-1-2-3-1200";
        let rule = rule();
        let own = OWN.parse().unwrap();
        rule.check(&account("alice", USER, &[USERS], 0x10), &own).unwrap();
        // A RID counts only in a domain's SID: S-1-5-32-512 is something else.
        rule.check(&account("alice", USER, &["S-1-5-32-512"], 0x10), &own).unwrap();
        // Somebody else may have the name that the configuration gives the service.
        rule.check(&account("svc-mcp-server", USER, &[USERS], 0x10), &own).unwrap();
        for (refused, what) in [
            (account("Administrator", "S-1-5-21-1-2-3-500", &[USERS], 0x10), "Administrator"),
            (account("krbtgt", "S-1-5-21-1-2-3-502", &[], 0x10), "krbtgt"),
            (account("dora", USER, &[USERS, "S-1-5-21-1-2-3-512"], 0x10), "Domain Admins"),
            (account("x", USER, &["S-1-5-21-9-9-9-519"], 0x10), "Enterprise Admins"),
            (account("x", USER, &["S-1-5-21-1-2-3-516"], 0x10), "Domain Controllers"),
            (account("x", USER, &["S-1-5-21-1-2-3-518"], 0x10), "Schema Admins"),
            (account("x", USER, &["S-1-5-21-1-2-3-521"], 0x10), "Read-only"),
            (account("FILESERVER$", USER, &[], 0x80), "computer"),
            (account("DC1$", USER, &[], 0x2100), "computer"),
            (account("TRUSTED$", USER, &[], 0x40), "trusting domain"),
            (account("x", USER, &["S-1-5-21-1-2-3-498"], 0x10), "Enterprise Read-only"),
            (account("x", USER, &["S-1-5-21-1-2-3-517"], 0x10), "Cert Publishers"),
            (account("x", USER, &["S-1-5-21-1-2-3-520"], 0x10), "Group Policy"),
            (account("x", USER, &["S-1-5-21-1-2-3-525"], 0x10), "Protected Users"),
            (account("x", USER, &["S-1-5-21-1-2-3-526"], 0x10), "Key Admins"),
            (account("x", USER, &["S-1-5-21-7-7-7-527"], 0x10), "Enterprise Key Admins"),
            (account("x", USER, &["S-1-5-32-544"], 0x10), "BUILTIN\\Administrators"),
            (account("x", USER, &["S-1-5-32-551"], 0x10), "BUILTIN\\Backup Operators"),
            (account("Service (renamed)", OWN, &[USERS], 0x10), "service's own"),
            (account("SVC-Other", USER, &[USERS], 0x10), "this server's"),
            (account("payroll", USER, &[USERS], 0x10), "accounts"),
            (account("x", USER, &["S-1-5-21-1-2-3-4000"], 0x10), "sids"),
            (account("x", "S-1-5-21-1-2-3-4000", &[], 0x10), "sids"),
        ] {
            let failure = Failure::from(rule.check(&refused, &own).unwrap_err());
            assert_eq!(failure.code, Code::NeverImpersonated);
            let listed = ["accounts", "sids"].contains(&what);
            let blame = if listed { Blame::Configuration } else { Blame::Account };
            assert_eq!(failure.blame, blame, "{failure}");
            assert!(failure.message.contains(what), "{} names {what}", failure.message);
        }
    }

    #[test]
    fn an_entry_that_could_never_match_anybody_is_refused() {
        const SID: &str = "S-1-5-21-1-2-3-1103";
        let refused = |accounts: &[&str], sids: &[&str]| {
            let [accounts, sids] =
                [accounts, sids].map(|list| list.iter().map(|&one| one.to_owned()).collect());
            let config = NeverImpersonateConfig { accounts, sids };
            NeverImpersonate::new(&config, &[], vec![]).err()
        };
        assert_eq!(refused(&["bob", "DC1$", "Jörg Müller"], &[SID, "S-1-18-1"]), None);
        for text in ["W25AD\\bob", "bob@w25ad.net", " bob", "bob ", "", "adm-*", "bob, eve"] {
            let error = refused(&["alice", text], &[]).unwrap();
            assert_eq!(error.setting, "kerberos.neverImpersonate.accounts", "{error}");
            assert!(error.problem.contains("sAMAccountName"), "{error}");
        }
        for text in [SID, "s-1-5-21-1-2-3-1103", "S-1-5-21-1-2-3-x"] {
            let error = refused(&[text], &[]).unwrap();
            assert!(error.problem.contains("neverImpersonate.sids"), "{error}");
        }
        for text in ["bob", "", " S-1-5-21-1-2-3-1103", "S-1-5-21-1-2-3"] {
            let error = refused(&[], &[SID, text]).unwrap();
            assert_eq!(error.setting, "kerberos.neverImpersonate.sids", "{error}");
        }
    }

    #[test]
    fn an_allow_list_lets_its_members_in_and_nobody_else() {
        const AGENTS: &str = "S-1-5-21-1-2-3-2001";
        let only = |groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|&group| group.into()).collect();
            NeverImpersonate::new(&NeverImpersonateConfig::default(), &groups, vec![])
        };
        let rule = only(&["S-1-5-21-9-9-9-9", AGENTS]).unwrap();
        let own = "S-1-5-21-1-2-3-1200".parse().unwrap();
        let check = |groups: &[&str]| {
            rule.check(&account("alice", "S-1-5-21-1-2-3-1103", groups, 0x10), &own)
        };
        check(&["S-1-5-21-1-2-3-513", AGENTS]).unwrap();
        let failure = Failure::from(check(&["S-1-5-21-1-2-3-513"]).unwrap_err());
        assert!(failure.message.contains("onlyMembersOf"), "{failure}");
        // It opens no door that is shut.
        let failure = Failure::from(check(&[AGENTS, "S-1-5-21-1-2-3-512"]).unwrap_err());
        assert!(failure.message.contains("Domain Admins"), "{failure}");
        let error = only(&["Domain Users"]).err().unwrap();
        assert_eq!(error.setting, "kerberos.onlyMembersOf");
    }
}
