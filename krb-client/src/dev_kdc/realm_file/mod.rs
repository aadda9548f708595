//! Realms in a file: TOML, every key of which `docs/dev-kdc.md` describes.

mod tables;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use krb_proto::crypto::SUPPORTED;
use krb_proto::kdc::{Account, Policy, Realm, Trust, Trustee};
use toml::Spanned;

use crate::OsRandom;
use tables::{AccountTable, File, RealmTable, TrustTable};
use values::GroupName;

/// The longest text: some ten thousand accounts.
const MAX_TEXT: usize = 1 << 20;

/// A realm file that was read, and what its realms are.
pub struct RealmFile {
    realms: Vec<Realm>,
}

impl RealmFile {
    /// Reads the text of a realm file. Accounts without a password or keys get random keys, and so
    /// does every krbtgt.
    ///
    /// # Errors
    /// [`RealmFileError`] for what is no TOML, for keys and values that mean nothing and for names
    /// that lead nowhere.
    pub fn parse(text: &str) -> Result<Self, RealmFileError> {
        if text.len() > MAX_TEXT {
            return Err(RealmFileError::plain(format!("it is longer than {MAX_TEXT} bytes")));
        }
        let file: File = toml::from_str(text).map_err(|error| {
            // Not as the library shows it: that is with the whole line, which may have a password.
            RealmFileError::at(text, error.span(), without_value(error.message()))
        })?;
        let named = |(span, problem)| RealmFileError::at(text, span, problem);
        let mut names = BTreeSet::new();
        let mut realms = Vec::new();
        for table in file.realm {
            let (span, name) = (table.name.span(), table.name.get_ref().to_ascii_lowercase());
            if !names.insert(name) {
                let problem = format!("the realm {} is there twice", table.name.get_ref());
                return Err(named((Some(span), problem)));
            }
            realms.push(realm(table).map_err(named)?);
        }
        if realms.is_empty() {
            return Err(RealmFileError::plain(
                "it has no realm; a first one is\n[[realm]]\nname = \"EXAMPLE.TEST\"".to_owned(),
            ));
        }
        Ok(Self { realms })
    }

    /// The realms, in the file's order.
    #[must_use]
    pub fn realms(self) -> Vec<Realm> {
        self.realms
    }
}

/// A word of the library's that shows a value of the wrong type, without the value: it may be a
/// password in the wrong place.
fn without_value(message: &str) -> String {
    let prefixes = ["invalid type: ", "invalid value: "];
    let rest = prefixes.iter().find_map(|prefix| message.strip_prefix(prefix));
    match rest.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, expected)) => {
            let found = found.split(['"', '`']).next().unwrap_or_default().trim_end();
            // As people write it, who do not know the library's words for it.
            let expected = match expected {
                "a sequence" => "a list, […], or of tables [[…]] as [[realm]],",
                "a TOML datetime" => "a moment without quotes, as 2031-12-31T00:00:00Z,",
                other => other,
            };
            format!("{expected} is expected here, not {found}")
        }
        None => message.to_owned(),
    }
}

/// What is wrong with a realm file, and where. It shows names and no secrets.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RealmFileError {
    /// The line, from 1, where there is one.
    pub line: Option<usize>,
    /// What is wrong, and what to write instead.
    pub problem: String,
}

impl RealmFileError {
    const fn plain(problem: String) -> Self {
        Self { line: None, problem }
    }

    fn at(text: &str, span: Option<Range<usize>>, problem: String) -> Self {
        let before = span.and_then(|span| text.get(..span.start));
        Self { line: before.map(|before| before.matches('\n').count() + 1), problem }
    }
}

impl fmt::Display for RealmFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl std::error::Error for RealmFileError {}

/// Where, and what.
type Problem = (Option<Range<usize>>, String);

fn problem(at: &Spanned<impl Sized>, text: impl Into<String>) -> Problem {
    (Some(at.span()), text.into())
}

fn realm(table: RealmTable) -> Result<Realm, Problem> {
    let name = table.name.get_ref();
    let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if name.is_empty() || name.len() > 255 || !name.chars().all(fits) {
        let text = "a realm's name is one of letters, digits, dots and hyphens, as EXAMPLE.TEST";
        return Err(problem(&table.name, text));
    }
    let mut realm = Realm::new(name, &mut OsRandom);
    realm.policy = policy(&table);
    if let Some(sid) = &table.domain_sid {
        realm = realm.with_domain_sid(sid.0.clone());
    }
    let mut names = BTreeSet::new();
    let mut spns = BTreeSet::new();
    let users = table.users.iter().map(|account| (account, Account::user as fn(&str) -> Account));
    let services = table.services.iter().map(|account| (account, Account::service as _));
    let computers = table.computers.iter().map(|account| (account, Account::computer as _));
    for ((name, written), new) in users.chain(services).chain(computers) {
        if !names.insert(name.get_ref().to_lowercase()) {
            let text = format!("the account {} is there twice", name.get_ref());
            return Err(problem(name, text));
        }
        for spn in &written.spns {
            if !spns.insert(spn.get_ref().to_lowercase()) {
                let text = format!("another account has the SPN {} already", spn.get_ref());
                return Err(problem(spn, text));
            }
        }
        let account = account(new(name.get_ref()), name, written, &table, &realm.policy)?;
        realm.insert(account);
    }
    // Who is named must be there, which is known only now.
    for (name, written) in table.users.iter().chain(&table.services).chain(&table.computers) {
        for trustee in &written.allowed_to_act {
            let named = trustee.get_ref();
            if named.parse::<krb_proto::pac::Sid>().is_err() && realm.account(named).is_none() {
                let text = format!(
                    "{} names no account of this realm; write a sAMAccountName or a SID \
                     (allowed_to_act of {})",
                    named,
                    name.get_ref()
                );
                return Err(problem(trustee, text));
            }
        }
    }
    for (name, written) in table.trusts {
        realm = realm.with(trust(&name, written));
    }
    Ok(realm)
}

fn policy(table: &RealmTable) -> Policy {
    let mut policy = Policy::new(table.compat.into());
    if let Some(enctypes) = &table.enctypes {
        policy.enctypes = enctypes.iter().map(|enctype| enctype.0).collect();
    }
    if let Some(life) = table.ticket_lifetime {
        policy.lifetimes.ticket = life.0;
    }
    if let Some(life) = table.renewable_lifetime {
        policy.lifetimes.renewable = life.0;
    }
    if let Some(skew) = table.clock_skew {
        policy.skew = skew.0;
    }
    policy
}

fn account(
    mut account: Account,
    name: &Spanned<String>,
    written: &AccountTable,
    table: &RealmTable,
    policy: &Policy,
) -> Result<Account, Problem> {
    let enctypes = written.enctypes.as_ref().map(|list| list.iter().map(|e| e.0).collect());
    account = match (&written.password, written.keys.as_slice()) {
        (Some(password), []) => account.password(&password.0),
        (None, []) => {
            let random = enctypes.as_ref().unwrap_or(&policy.enctypes);
            // Which RC4 is not among: nobody makes random keys of it.
            let random: Vec<_> =
                random.iter().copied().filter(|enctype| SUPPORTED.contains(enctype)).collect();
            account
                .random_keys(&random, &mut OsRandom)
                .map_err(|error| problem(name, format!("{}: {error}", name.get_ref())))?
        }
        (None, keys) => account.keys(written.kvno.unwrap_or(1), keys.iter().map(|k| k.0.clone())),
        (Some(_), [_, ..]) => {
            let text = format!("{} has a password and keys; write either", name.get_ref());
            return Err(problem(name, text));
        }
    };
    if written.kvno.is_some() && written.keys.is_empty() {
        return Err(problem(name, "kvno is the version of keys, which are not there"));
    }
    account.enctypes = enctypes.or(account.enctypes);
    if let Some(shown) = &written.one_time_password {
        account = account.one_time_password(&shown.0);
    }
    if let Some(pin) = &written.one_time_pin {
        if written.one_time_password.is_none() {
            return Err(problem(name, "one_time_pin is asked for beside a one_time_password"));
        }
        account = account.one_time_pin(&pin.0);
    }
    for spn in &written.spns {
        account = account.spn(spn.get_ref());
    }
    if let Some(upn) = &written.upn {
        account = account.upn(upn);
    }
    if let Some(rid) = written.rid {
        account = account.rid(rid);
    }
    for group in &written.groups {
        let rid = match group.get_ref() {
            GroupName::Rid(rid) => *rid,
            GroupName::Name(name) => *table.groups.get(name).ok_or_else(|| {
                let text = format!("no group {name}: write {name} = RID under [realm.groups]");
                problem(group, text)
            })?,
        };
        account = account.groups([rid]);
    }
    account.not_delegated = written.not_delegated;
    account.protected_user = written.protected_user;
    account.trusted_to_auth_for_delegation = written.trusted_to_auth_for_delegation;
    account.trusted_for_delegation = written.trusted_for_delegation;
    account.allowed_to_delegate_to.clone_from(&written.allowed_to_delegate_to);
    let trustee = |text: &Spanned<String>| match text.get_ref().parse() {
        Ok(sid) => Trustee::Sid(sid),
        Err(_) => Trustee::Account(text.get_ref().clone()),
    };
    account.allowed_to_act = written.allowed_to_act.iter().map(trustee).collect();
    account.disabled = written.disabled;
    account.locked = written.locked;
    account.must_change_password = written.must_change_password;
    account.smartcard_required = written.smartcard_required;
    account.no_preauth = written.no_preauth;
    account.expires = written.expires.map(|time| time.0);
    account.password_expires = written.password_expires.map(|time| time.0);
    account.max_life = written.max_life.map(|life| life.0);
    Ok(account)
}

fn trust(name: &str, written: TrustTable) -> Trust {
    let mut trust = Trust::new(name).password(&written.password.0);
    for domain in &written.domains {
        trust = trust.domain(domain);
    }
    if let Some(sid) = written.domain_sid {
        trust = trust.domain_sid(sid.0);
    }
    if let Some(enctypes) = written.enctypes {
        trust.enctypes = enctypes.iter().map(|enctype| enctype.0).collect();
    }
    trust.transitive = written.transitive;
    trust.delegation = written.delegation;
    trust
}
