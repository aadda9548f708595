use krb_proto::pac::Sid;

use super::account::Account;
use super::config::NeverImpersonateConfig;
use crate::{Code, Failure};

/// Accounts whose relative identifier says what they are, in every domain (MS-DTYP 2.4.2.4).
const ACCOUNTS: [(u32, &str); 2] = [(500, "the built-in Administrator"), (502, "krbtgt")];
/// Groups whose members control a domain or a forest.
const GROUPS: [(u32, &str); 5] = [
    (512, "Domain Admins"),
    (516, "Domain Controllers"),
    (518, "Schema Admins"),
    (519, "Enterprise Admins"),
    (521, "Read-only Domain Controllers"),
];

/// The accounts that are impersonated under no policy. It is checked on evidence, before any
/// S4U2Proxy leaves: AD itself hands out such tickets without complaint.
pub(super) struct NeverImpersonate {
    service_account: String,
    accounts: Vec<String>,
    sids: Vec<Sid>,
}

impl NeverImpersonate {
    pub(super) fn new(
        service_account: &str,
        config: &NeverImpersonateConfig,
    ) -> Result<Self, String> {
        let sids = config.sids.iter().map(|text| {
            text.parse()
                .map_err(|_| format!("kerberos.neverImpersonate.sids: {text:?} is not a SID"))
        });
        Ok(Self {
            service_account: service_account.to_lowercase(),
            accounts: config.accounts.iter().map(|name| name.to_lowercase()).collect(),
            sids: sids.collect::<Result<_, _>>()?,
        })
    }

    /// Refuses an account that is never impersonated.
    pub(super) fn check(&self, account: &Account) -> Result<(), Failure> {
        let Some(reason) = self.reason(account) else { return Ok(()) };
        Err(Failure::new(
            Code::NeverImpersonated,
            format!("{} is never impersonated: it is {reason}", account.name),
            "Use an ordinary account. This rule cannot be lifted by policy; only what the \
             operator added under kerberos.neverImpersonate can be taken out there.",
        ))
    }

    fn reason(&self, account: &Account) -> Option<String> {
        let name = account.name.to_lowercase();
        if name == self.service_account {
            return Some("the service's own account".into());
        }
        if account.is_machine() {
            return Some("a computer's account".into());
        }
        if let Some((_, what)) = ACCOUNTS.iter().find(|(rid, _)| account.sid.rid() == Some(*rid)) {
            return Some((*what).into());
        }
        // By RID in whatever domain: membership of another domain's administrators counts too.
        let group = |rid| account.groups.iter().any(|group| is_domain_rid(group, rid));
        if let Some((_, what)) = GROUPS.iter().find(|(rid, _)| group(*rid)) {
            return Some(format!("a member of {what}"));
        }
        if self.accounts.contains(&name) {
            return Some("listed under kerberos.neverImpersonate.accounts".into());
        }
        let mut own = std::iter::once(&account.sid).chain(&account.groups);
        own.find(|sid| self.sids.contains(sid))
            .map(|sid| format!("or is in, {sid}, listed under kerberos.neverImpersonate.sids"))
    }
}

/// `S-1-5-21-…-RID` with that RID.
fn is_domain_rid(sid: &Sid, rid: u32) -> bool {
    sid.rid() == Some(rid) && sid.to_string().starts_with("S-1-5-21-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str, sid: &str, groups: &[&str], user_account_control: u32) -> Account {
        Account {
            sid: sid.parse().unwrap(),
            name: name.into(),
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
        NeverImpersonate::new("svc-mcp-server", &config).unwrap()
    }

    #[test]
    fn each_reason_refuses_and_an_ordinary_user_passes() {
        const USER: &str = "S-1-5-21-1-2-3-1103";
        const USERS: &str = "S-1-5-21-1-2-3-513";
        let rule = rule();
        rule.check(&account("alice", USER, &[USERS], 0x10)).unwrap();
        // A RID counts only in a domain's SID: S-1-5-32-512 is something else.
        rule.check(&account("alice", USER, &["S-1-5-32-512"], 0x10)).unwrap();
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
            (account("SVC-MCP-SERVER", USER, &[USERS], 0x10), "service's own"),
            (account("payroll", USER, &[USERS], 0x10), "accounts"),
            (account("x", USER, &["S-1-5-21-1-2-3-4000"], 0x10), "sids"),
            (account("x", "S-1-5-21-1-2-3-4000", &[], 0x10), "sids"),
        ] {
            let failure = rule.check(&refused).unwrap_err();
            assert_eq!(failure.code, Code::NeverImpersonated);
            assert!(failure.message.contains(what), "{} names {what}", failure.message);
        }
    }
}
