//! What an issuer may say of accounts. A signature proves who speaks, and not that he may speak for
//! everybody: with several issuers, each could name any account of the directory.

use std::fmt;
use std::sync::Arc;

use krb_proto::pac::Sid;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{AccountName, Upn};
use crate::listed;

/// The accounts that an issuer may name: those that meet every list that is given here. Most of it is
/// proven by the KDC's evidence, and asked once that is there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(from = "Declared")]
#[schemars(with = "Declared")]
pub struct MayAssert(Arc<Declared>);

/// The accounts that an issuer may name: those that meet every list that is given here. What it may
/// not name is refused, whatever policy says.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct Declared {
    /// Realms of the accounts. `["W25AD.NET"]` alone is the whole of that realm.
    realms: Vec<String>,
    /// What stands behind the `@` of the accounts' userPrincipalName, as the KDC's evidence has it.
    /// An account without one has its name and the domain's DNS name there.
    upn_suffixes: Vec<String>,
    /// The accounts: SIDs, or sAMAccountNames, compared without regard to case. A name can be given
    /// to somebody else.
    accounts: Vec<OneAccount>,
    /// SIDs of groups: the accounts are members of at least one.
    #[schemars(with = "Vec<String>")]
    groups: Vec<WrittenSid>,
}

impl From<Declared> for MayAssert {
    fn from(declared: Declared) -> Self {
        Self(Arc::new(declared))
    }
}

/// What the directory says of an account, proven by a KDC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proven<'a> {
    /// The realm that knows it.
    pub(crate) realm: &'a [u8],
    /// Its sAMAccountName, in the directory's spelling.
    pub(crate) name: &'a str,
    /// Its SID.
    pub(crate) sid: &'a Sid,
    /// The SIDs of its groups.
    pub(crate) groups: &'a [Sid],
    /// Its userPrincipalName, where the evidence has one.
    pub(crate) upn: Option<&'a str>,
}

/// Which of an issuer's declarations leaves an account out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct NotDeclared(&'static str);

impl fmt::Display for NotDeclared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

const REALMS: NotDeclared = NotDeclared("realms");
const UPN_SUFFIXES: NotDeclared = NotDeclared("upnSuffixes");
const ACCOUNTS: NotDeclared = NotDeclared("accounts");
const GROUPS: NotDeclared = NotDeclared("groups");

impl MayAssert {
    /// What is wrong with the declaration.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let Declared { realms, upn_suffixes, accounts, groups } = &*self.0;
        if realms.is_empty() && upn_suffixes.is_empty() && accounts.is_empty() && groups.is_empty()
        {
            let problem = "must declare something; \"realms\": [\"REALM\"] is a whole realm";
            return Err(("", problem.into()));
        }
        if realms.iter().any(String::is_empty) {
            return Err((".realms", "must hold no empty name".into()));
        }
        let no_suffix = |suffix: &&String| {
            suffix.contains(|c: char| c.is_whitespace() || c == '*')
                || Upn::new(&format!("x@{suffix}")).is_err()
        };
        if let Some(suffix) = upn_suffixes.iter().find(no_suffix) {
            let problem = "is not what stands behind an @, without it; there are no patterns";
            return Err((".upnSuffixes", format!("{suffix:?} {problem}")));
        }
        Ok(())
    }

    /// Realms of it that no account is of, since these are `ours`: there are accounts of others in none.
    ///
    /// # Errors
    /// One that is ours in another spelling, which would cover nobody either.
    pub(crate) fn strange_realms(&self, ours: &[&str]) -> Result<Vec<&str>, String> {
        let realms = self.0.realms.iter().map(String::as_str);
        let strange: Vec<_> = realms.filter(|realm| !ours.contains(realm)).collect();
        for realm in &strange {
            if let Some(ours) = ours.iter().find(|ours| is_same(ours, realm.trim())) {
                return Err(format!("{realm:?} is written {ours:?} under kerberos: case counts"));
            }
        }
        Ok(strange)
    }

    /// Before anything is proven: can what the token says be an account that may be named? It spares
    /// the KDC the question, and no more.
    pub(super) fn may_mean(
        &self,
        name: &AccountName,
        sid: Option<&Sid>,
    ) -> Result<(), NotDeclared> {
        if let AccountName::Upn(upn) = name
            && !self.has_suffix_of(upn.as_str())
        {
            return Err(UPN_SUFFIXES);
        }
        let may_be = |listed: &OneAccount| match (listed, name) {
            (OneAccount::Sid(listed), _) => sid.is_none_or(|sid| sid == listed),
            (OneAccount::Name(listed), AccountName::Sam(name)) => is_same(listed, name.as_str()),
            (OneAccount::Name(_), AccountName::Upn(_)) => true,
        };
        let accounts = &self.0.accounts;
        if accounts.is_empty() || accounts.iter().any(may_be) { Ok(()) } else { Err(ACCOUNTS) }
    }

    /// May this account be named, which is now proven?
    pub(super) fn covers(&self, account: &Proven<'_>) -> Result<(), NotDeclared> {
        let Declared { realms, upn_suffixes, accounts, groups } = &*self.0;
        if !realms.is_empty() && !realms.iter().any(|realm| realm.as_bytes() == account.realm) {
            return Err(REALMS);
        }
        if !upn_suffixes.is_empty() && !account.upn.is_some_and(|upn| self.has_suffix_of(upn)) {
            return Err(UPN_SUFFIXES);
        }
        let is_it = |listed: &OneAccount| match listed {
            OneAccount::Sid(sid) => sid == account.sid,
            OneAccount::Name(name) => is_same(name, account.name),
        };
        if !accounts.is_empty() && !accounts.iter().any(is_it) {
            return Err(ACCOUNTS);
        }
        let mut groups_of_it = account.groups.iter();
        if !groups.is_empty() && !groups_of_it.any(|sid| groups.iter().any(|group| group.0 == *sid))
        {
            return Err(GROUPS);
        }
        Ok(())
    }

    /// Where nothing will be proven, since the resource sees the service account: may an account of
    /// this name in this realm be named? Not by what only evidence could say.
    pub(super) fn covers_unproven(
        &self,
        realm: &[u8],
        name: &AccountName,
    ) -> Result<(), NotDeclared> {
        let Declared { realms, upn_suffixes, accounts, groups } = &*self.0;
        if !realms.is_empty() && !realms.iter().any(|one| one.as_bytes() == realm) {
            return Err(REALMS);
        }
        let by_upn = matches!(name, AccountName::Upn(upn) if self.has_suffix_of(upn.as_str()));
        if !upn_suffixes.is_empty() && !by_upn {
            return Err(UPN_SUFFIXES);
        }
        let is_it = |listed: &OneAccount| match (listed, name) {
            (OneAccount::Name(listed), AccountName::Sam(name)) => is_same(listed, name.as_str()),
            _ => false,
        };
        if !accounts.is_empty() && !accounts.iter().any(is_it) {
            return Err(ACCOUNTS);
        }
        if groups.is_empty() { Ok(()) } else { Err(GROUPS) }
    }

    fn has_suffix_of(&self, upn: &str) -> bool {
        let suffixes = &self.0.upn_suffixes;
        let suffix = upn.rsplit_once('@').map(|(_, suffix)| suffix);
        suffixes.is_empty()
            || suffix.is_some_and(|suffix| suffixes.iter().any(|one| is_same(one, suffix)))
    }
}

/// One account of the list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(with = "String")]
enum OneAccount {
    Sid(Sid),
    Name(String),
}

impl TryFrom<String> for OneAccount {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match listed::is_meant_as_sid(&text) {
            true => listed::sid(&text).map(Self::Sid),
            false => listed::account_name(&text).map(Self::Name),
        }
    }
}

/// A SID as text.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
struct WrittenSid(Sid);

impl TryFrom<String> for WrittenSid {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        listed::sid(&text).map(Self)
    }
}

/// As directories compare names, and no wider: it must not let anybody in who is somebody else.
fn is_same(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::identity::{LegacyName, Upn};

    const ALICE: &str = "S-1-5-21-1-2-3-1104";
    const STAFF: &str = "S-1-5-21-1-2-3-1600";

    fn declared(declaration: Value) -> MayAssert {
        serde_json::from_value(declaration).unwrap()
    }

    /// Somebody, as a KDC proves them.
    struct Somebody {
        realm: &'static str,
        name: &'static str,
        sid: &'static str,
        groups: &'static [&'static str],
        upn: Option<&'static str>,
    }

    const ALICE_HERSELF: Somebody = Somebody {
        realm: "W25AD.NET",
        name: "ALICE_ADMIN",
        sid: ALICE,
        groups: &[STAFF],
        upn: Some("alice@W25ad.net"),
    };

    fn covers(declaration: Value, somebody: &Somebody) -> Result<(), &'static str> {
        let groups: Vec<_> = somebody.groups.iter().map(|sid| sid.parse().unwrap()).collect();
        let Somebody { name, upn, .. } = *somebody;
        let (realm, sid) = (somebody.realm.as_bytes(), &somebody.sid.parse().unwrap());
        let proven = Proven { realm, name, sid, groups: &groups, upn };
        declared(declaration).covers(&proven).map_err(|left_out| left_out.0)
    }

    #[test]
    fn an_account_meets_every_list_that_is_given() {
        let all = || {
            json!({
                "realms": ["OTHER.TEST", "W25AD.NET"], "upnSuffixes": ["w25ad.net"],
                "accounts": [ALICE], "groups": ["S-1-5-21-9-9-9-9", STAFF]
            })
        };
        let her = || ALICE_HERSELF;
        assert_eq!(covers(all(), &her()), Ok(()));
        let of = |realm| Somebody { realm, ..her() };
        assert_eq!(covers(all(), &of("THERE.TEST")), Err("realms"));
        assert_eq!(covers(all(), &of("w25ad.net")), Err("realms"), "case counts");
        for upn in ["alice@evil.net", "a@w25ad.net@evil", "a@evil.w25ad.net", "w25ad.net", "@", ""]
        {
            let upn = Some(upn);
            assert_eq!(covers(all(), &Somebody { upn, ..her() }), Err("upnSuffixes"), "{upn:?}");
        }
        assert_eq!(covers(all(), &Somebody { upn: None, ..her() }), Err("upnSuffixes"));
        let sid = "S-1-5-21-1-2-3-1105";
        assert_eq!(covers(all(), &Somebody { sid, ..her() }), Err("accounts"));
        assert_eq!(covers(all(), &Somebody { groups: &[], ..her() }), Err("groups"));
    }

    #[test]
    fn one_list_alone_is_all_that_is_asked() {
        let bare = || Somebody { realm: "X", groups: &[], upn: None, ..ALICE_HERSELF };
        assert_eq!(covers(json!({ "accounts": ["alice_admin"] }), &bare()), Ok(()));
        assert_eq!(covers(json!({ "accounts": [ALICE] }), &bare()), Ok(()));
        assert_eq!(covers(json!({ "accounts": ["alice"] }), &bare()), Err("accounts"));
        let rené = Somebody { name: "rené", ..bare() };
        assert_eq!(covers(json!({ "accounts": ["rene"] }), &rené), Err("accounts"));
        assert_eq!(covers(json!({ "groups": [STAFF] }), &ALICE_HERSELF), Ok(()));
        // An account's own SID is no group of it, and a group's no account.
        assert_eq!(covers(json!({ "groups": [ALICE] }), &ALICE_HERSELF), Err("groups"));
        assert_eq!(covers(json!({ "accounts": [STAFF] }), &ALICE_HERSELF), Err("accounts"));
    }

    #[test]
    fn a_declaration_that_says_nothing_or_nonsense_is_refused() {
        for (declaration, setting) in [
            (json!({}), ""),
            (json!({ "realms": [] }), ""),
            (json!({ "realms": [""] }), ".realms"),
            (json!({ "upnSuffixes": ["@w25ad.net"] }), ".upnSuffixes"),
            (json!({ "upnSuffixes": [""] }), ".upnSuffixes"),
            (json!({ "upnSuffixes": ["w25ad.net", "a b"] }), ".upnSuffixes"),
            (json!({ "upnSuffixes": ["w25ad.net "] }), ".upnSuffixes"),
            (json!({ "upnSuffixes": ["*.w25ad.net"] }), ".upnSuffixes"),
        ] {
            let refused = declared(declaration.clone()).check().unwrap_err();
            assert_eq!(refused.0, setting, "{declaration}");
        }
        assert_eq!(declared(json!({ "realms": ["W25AD.NET"] })).check(), Ok(()));
        for declaration in [
            json!({ "groups": ["Staff"] }),
            json!({ "groups": ["S-1-5-21-1-2-3"] }),
            json!({ "realm": ["W25AD.NET"] }),
            json!({ "accounts": ["alice", ""] }),
            json!({ "accounts": ["W25AD\\bob"] }),
            json!({ "accounts": ["bob@w25ad.net"] }),
            json!({ "accounts": ["S-1-5-21-1-2-3-x"] }),
            json!({ "accounts": ["s-1-5-21-1-2-3-1104"] }),
        ] {
            let read = serde_json::from_value::<MayAssert>(declaration.clone());
            assert!(read.is_err(), "{declaration}");
        }
    }

    #[test]
    fn a_realm_in_another_spelling_is_refused_and_one_of_nobody_is_told() {
        let strange = |realms: &[&str]| {
            let declared = declared(json!({ "realms": realms }));
            let ours = &["W25AD.NET", "OTHER.TEST"];
            declared.strange_realms(ours).map(|strange| strange.join(" "))
        };
        assert_eq!(strange(&["W25AD.NET", "OTHER.TEST"]), Ok(String::new()));
        assert_eq!(strange(&["THERE.TEST", "OTHER.TEST"]).as_deref(), Ok("THERE.TEST"));
        for realm in ["w25ad.net", " W25AD.NET"] {
            assert!(strange(&["OTHER.TEST", realm]).unwrap_err().contains("\"W25AD.NET\""));
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_before_a_kdc_is_asked() {
        let sam = |name: &str| AccountName::Sam(LegacyName::new(name).unwrap());
        let upn = |name: &str| AccountName::Upn(Upn::new(name).unwrap());
        let (alice, other): (Sid, Sid) =
            (ALICE.parse().unwrap(), "S-1-5-21-1-2-3-1105".parse().unwrap());
        let may_mean = |declaration: Value, name: &AccountName, sid: Option<&Sid>| {
            declared(declaration).may_mean(name, sid).map_err(|left_out| left_out.0)
        };
        let names = json!({ "accounts": ["ALICE_ADMIN"] });
        assert_eq!(may_mean(names.clone(), &sam("alice_admin"), None), Ok(()));
        assert_eq!(may_mean(names.clone(), &sam("bob"), None), Err("accounts"));
        assert_eq!(may_mean(names, &upn("a@x"), None), Ok(()), "evidence will tell");
        let sids = json!({ "accounts": [ALICE] });
        assert_eq!(may_mean(sids.clone(), &sam("bob"), None), Ok(()), "evidence will tell");
        assert_eq!(may_mean(sids.clone(), &sam("bob"), Some(&alice)), Ok(()));
        assert_eq!(may_mean(sids, &sam("bob"), Some(&other)), Err("accounts"));
        let suffix = json!({ "upnSuffixes": ["w25ad.net"] });
        assert_eq!(may_mean(suffix.clone(), &upn("alice@W25AD.NET"), None), Ok(()));
        assert_eq!(may_mean(suffix.clone(), &upn("alice@evil.net"), None), Err("upnSuffixes"));
        assert_eq!(may_mean(suffix, &sam("alice"), None), Ok(()), "evidence will tell");
    }

    #[test]
    fn where_nothing_is_proven_only_what_the_name_says_counts() {
        let sam = AccountName::Sam(LegacyName::new("ALICE_ADMIN").unwrap());
        let covers = |declaration: Value| {
            let covered = declared(declaration).covers_unproven(b"W25AD.NET", &sam);
            covered.map_err(|left_out| left_out.0)
        };
        assert_eq!(covers(json!({ "realms": ["W25AD.NET"] })), Ok(()));
        assert_eq!(covers(json!({ "realms": ["OTHER.TEST"] })), Err("realms"));
        assert_eq!(covers(json!({ "accounts": ["alice_admin"] })), Ok(()));
        assert_eq!(covers(json!({ "accounts": ["bob"] })), Err("accounts"));
        assert_eq!(covers(json!({ "accounts": [ALICE] })), Err("accounts"));
        assert_eq!(covers(json!({ "groups": [STAFF] })), Err("groups"));
        assert_eq!(covers(json!({ "upnSuffixes": ["w25ad.net"] })), Err("upnSuffixes"));
    }
}
