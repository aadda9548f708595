use krb_client::Account;
use krb_proto::pac::Sid;

use super::failure::Doubt;
use crate::Failure;
use crate::identity::Subject;
use crate::state::{Pin, PinOf, Pins};

/// Which account a subject is said to be before any evidence is looked at: by the token's own SID claim if
/// one is configured, else by its pin; `None` at its first sight.
pub(super) async fn meant(
    pins: &Pins,
    subject: &Subject,
    realm: &[u8],
) -> Result<Option<Sid>, Failure> {
    if let Some(claimed) = subject.sid() {
        return Ok(Some(claimed.clone()));
    }
    let of = PinOf {
        issuer: subject.issuer().to_owned(),
        subject: subject.subject().to_owned(),
        realm: String::from_utf8_lossy(realm).into_owned(),
    };
    let pin = pins.find(&of).await?;
    Ok(pin.and_then(|pin| pin.sid.parse().ok()))
}

/// Is this account the one that the subject means? By the token's own SID claim if one is configured,
/// else by the account that is pinned.
pub(super) async fn check(
    pins: &Pins,
    subject: &Subject,
    realm: &[u8],
    account: &Account,
    now: i64,
) -> Result<(), Failure> {
    let (issuer, sid) = (subject.issuer(), subject.sid());
    let claims = Claims { issuer, subject: subject.subject(), realm, sid };
    check_claims(pins, &claims, account, now).await
}

async fn check_claims(
    pins: &Pins,
    claims: &Claims<'_>,
    account: &Account,
    now: i64,
) -> Result<(), Failure> {
    if let Some(claimed) = claims.sid {
        return if *claimed == account.sid {
            Ok(())
        } else {
            let (who, claimed) = (claims.who(), claimed.to_string());
            Err(Doubt::NotTheTokens { who, claimed, found: named(account) }.into())
        };
    }
    let seen = Pin {
        issuer: claims.issuer.to_owned(),
        subject: claims.subject.to_owned(),
        realm: String::from_utf8_lossy(claims.realm).into_owned(),
        sid: account.sid.to_string(),
        account: account.name.clone(),
        at: now,
        approved: false,
    };
    let pin = pins.pin(seen).await?;
    if pin.sid.parse::<Sid>().is_ok_and(|sid| sid == account.sid) {
        return Ok(());
    }
    let how = if pin.approved { "approved" } else { "first seen" };
    let (who, pinned) = (claims.who(), format!("{how} as {} ({})", pin.account, pin.sid));
    Err(Doubt::NotThePinned { who, pinned, found: named(account) }.into())
}

/// What of a subject says whose account it is.
struct Claims<'a> {
    issuer: &'a str,
    subject: &'a str,
    realm: &'a [u8],
    sid: Option<&'a Sid>,
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
    use crate::Code;
    use crate::state::State;

    const MAX_PINS: usize = 100_000;

    fn state() -> std::sync::Arc<State> {
        State::in_memory()
    }

    fn account(rid: u32) -> Account {
        Account {
            sid: format!("S-1-5-21-1-2-3-{rid}").parse().unwrap(),
            name: format!("user{rid}"),
            upn: None,
            domain: "W25AD".into(),
            groups: Vec::new(),
            user_account_control: 0x10,
        }
    }

    /// In memory, nothing is waited for.
    fn judge(pins: &Pins, claims: &Claims<'_>, rid: u32) -> Result<(), Code> {
        let account = account(rid);
        let check = std::pin::pin!(check_claims(pins, claims, &account, 0));
        match check.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
            std::task::Poll::Ready(checked) => checked.map_err(|failure| failure.code),
            std::task::Poll::Pending => panic!("it waits"),
        }
    }

    fn check(pins: &Pins, who: (&str, &str), rid: u32) -> Result<(), Code> {
        judge(pins, &Claims { issuer: who.0, subject: who.1, realm: b"R", sid: None }, rid)
    }

    #[test]
    fn each_subject_of_each_issuer_is_one_account() {
        let state = state();
        let pins = state.pins();
        // Written one behind the other, some of these would be the same.
        let whos = [("a", "bc"), ("ab", "c"), ("abc", ""), ("", "abc"), ("A", "bc"), ("a", "bc ")];
        for (rid, who) in (1000..).zip(whos) {
            assert_eq!(check(pins, who, rid), Ok(()));
        }
        for (rid, who) in (1000..).zip(whos) {
            assert_eq!(check(pins, who, rid), Ok(()), "{who:?}");
            for other in (1000..1006).filter(|other| *other != rid) {
                assert_eq!(check(pins, who, other), Err(Code::SidMismatch), "{who:?}");
            }
        }
    }

    #[test]
    fn a_subject_has_an_account_in_each_realm() {
        let state = state();
        let pins = state.pins();
        let check = |realm, rid| {
            let claims = Claims { issuer: "i", subject: "s", realm, sid: None };
            judge(pins, &claims, rid)
        };
        for (realm, rid) in [(&b"A"[..], 1104), (b"B", 1105), (b"A", 1104), (b"B", 1105)] {
            assert_eq!(check(realm, rid), Ok(()));
        }
        assert_eq!(check(b"B", 1104), Err(Code::SidMismatch));
    }

    #[test]
    fn a_claimed_sid_decides_and_pins_nothing() {
        let state = state();
        let pins = state.pins();
        let sid = "S-1-5-21-1-2-3-1104".parse().unwrap();
        let claimed = Claims { issuer: "i", subject: "s", realm: b"R", sid: Some(&sid) };
        assert!(judge(pins, &claimed, 1104).is_ok());
        assert!(judge(pins, &claimed, 110).is_err());
        assert_eq!(check(pins, ("i", "s"), 1105), Ok(()));
    }

    #[test]
    fn at_the_limit_old_subjects_stay_who_they_are_and_new_ones_are_refused() {
        let state = state();
        let pins = state.pins();
        let mut names = (0..MAX_PINS).map(|number| number.to_string());
        assert!(names.all(|name| check(pins, ("i", &name), 1104) == Ok(())));
        for _ in 0..2 {
            assert_eq!(check(pins, ("i", "one too many"), 1104), Err(Code::SidMismatch));
            for old in ["0", "99999"] {
                assert_eq!(check(pins, ("i", old), 1104), Ok(()));
                assert_eq!(check(pins, ("i", old), 1105), Err(Code::SidMismatch));
            }
        }
        let sid = "S-1-5-21-1-2-3-1104".parse().unwrap();
        let claims = Claims { issuer: "i", subject: "new", realm: b"R", sid: Some(&sid) };
        assert!(judge(pins, &claims, 1104).is_ok(), "nothing to remember");
    }
}
