use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use krb_proto::pac::Sid;

use super::account::Account;
use super::failure::Doubt;
use crate::identity::Subject;

/// So many subjects are pinned at most; beyond, new ones are refused rather than old ones lost.
const MAX_PINS: usize = 100_000;

/// Which account each subject is. A name can be given to another account; a SID cannot.
///
/// Pins live in memory: a restart forgets them, and the first sight after it pins anew.
#[derive(Default)]
pub(super) struct Pins(Mutex<HashMap<Key, (Sid, String)>>);

/// Issuer, subject, and the realm whose account it is: in each realm she may have another one.
type Key = (String, String, Vec<u8>);

impl Pins {
    /// Is this account the one that the subject means? By the token's own SID claim if one is
    /// configured, else by the account at first sight.
    pub(super) fn check(
        &self,
        subject: &Subject,
        realm: &[u8],
        account: &Account,
    ) -> Result<(), Doubt> {
        let (issuer, sid) = (subject.issuer(), subject.sid());
        self.check_claims(&Claims { issuer, subject: subject.subject(), realm, sid }, account)
    }

    fn check_claims(&self, claims: &Claims<'_>, account: &Account) -> Result<(), Doubt> {
        if let Some(claimed) = claims.sid {
            return if claimed == account.sid.to_string() {
                Ok(())
            } else {
                let (who, claimed) = (claims.who(), claimed.to_owned());
                Err(Doubt::NotTheTokens { who, claimed, found: named(account) })
            };
        }
        let key = (claims.issuer.to_owned(), claims.subject.to_owned(), claims.realm.to_owned());
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match pins.get(&key) {
            Some((sid, _)) if *sid == account.sid => Ok(()),
            Some((sid, name)) => {
                let (who, pinned) = (claims.who(), format!("{name} ({sid})"));
                Err(Doubt::NotThePinned { who, pinned, found: named(account) })
            }
            None if pins.len() >= MAX_PINS => Err(Doubt::TooMany),
            None => {
                pins.insert(key, (account.sid.clone(), account.name.clone()));
                Ok(())
            }
        }
    }
}

/// What of a subject says whose account it is.
struct Claims<'a> {
    issuer: &'a str,
    subject: &'a str,
    realm: &'a [u8],
    sid: Option<&'a str>,
}

impl Claims<'_> {
    fn who(&self) -> String {
        format!("subject {} of {}", self.subject, self.issuer)
    }
}

fn named(account: &Account) -> String {
    format!("{} ({})", account.name, account.sid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Code, Failure};

    fn account(rid: u32) -> Account {
        Account {
            sid: format!("S-1-5-21-1-2-3-{rid}").parse().unwrap(),
            name: format!("user{rid}"),
            domain: "W25AD".into(),
            groups: Vec::new(),
            user_account_control: 0x10,
        }
    }

    fn check(pins: &Pins, who: (&str, &str), rid: u32) -> Result<(), Code> {
        let claims = Claims { issuer: who.0, subject: who.1, realm: b"R", sid: None };
        pins.check_claims(&claims, &account(rid)).map_err(|doubt| Failure::from(doubt).code)
    }

    #[test]
    fn each_subject_of_each_issuer_is_one_account() {
        let pins = Pins::default();
        // Written one behind the other, some of these would be the same.
        let whos = [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc"), ("A", "bc"), ("a", "bc ")];
        for (rid, who) in (1000..).zip(whos) {
            assert_eq!(check(&pins, who, rid), Ok(()));
        }
        for (rid, who) in (1000..).zip(whos) {
            assert_eq!(check(&pins, who, rid), Ok(()), "{who:?}");
            for other in (1000..1006).filter(|other| *other != rid) {
                assert_eq!(check(&pins, who, other), Err(Code::SidMismatch), "{who:?}");
            }
        }
    }

    #[test]
    fn a_subject_has_an_account_in_each_realm() {
        let pins = Pins::default();
        let check = |realm, rid| {
            let claims = Claims { issuer: "i", subject: "s", realm, sid: None };
            pins.check_claims(&claims, &account(rid)).map_err(|doubt| Failure::from(doubt).code)
        };
        for (realm, rid) in [(&b"A"[..], 1104), (b"B", 1105), (b"A", 1104), (b"B", 1105)] {
            assert_eq!(check(realm, rid), Ok(()));
        }
        assert_eq!(check(b"B", 1104), Err(Code::SidMismatch));
    }

    #[test]
    fn a_claimed_sid_decides_and_pins_nothing() {
        let pins = Pins::default();
        let claimed = |sid| Claims { issuer: "i", subject: "s", realm: b"R", sid: Some(sid) };
        assert!(pins.check_claims(&claimed("S-1-5-21-1-2-3-1104"), &account(1104)).is_ok());
        assert!(pins.check_claims(&claimed("S-1-5-21-1-2-3-1104"), &account(110)).is_err());
        assert_eq!(check(&pins, ("i", "s"), 1105), Ok(()));
    }

    #[test]
    fn at_the_limit_old_subjects_stay_who_they_are_and_new_ones_are_refused() {
        let pins = Pins::default();
        let mut names = (0..MAX_PINS).map(|number| number.to_string());
        assert!(names.all(|name| check(&pins, ("i", &name), 1104) == Ok(())));
        for _ in 0..2 {
            assert_eq!(check(&pins, ("i", "one too many"), 1104), Err(Code::SidMismatch));
            for old in ["0", "99999"] {
                assert_eq!(check(&pins, ("i", old), 1104), Ok(()));
                assert_eq!(check(&pins, ("i", old), 1105), Err(Code::SidMismatch));
            }
        }
        let sid = Some("S-1-5-21-1-2-3-1104");
        let claims = Claims { issuer: "i", subject: "new", realm: b"R", sid };
        assert!(pins.check_claims(&claims, &account(1104)).is_ok(), "nothing to remember");
    }
}
