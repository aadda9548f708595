//! What is known of an account's standing with the KDCs of its realm: do they answer, do they let it
//! log in. It is learnt from what is asked of them anyway.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ClientError;
use crate::keyring::is_wrong_secret;

/// A login that was refused is due again after this.
const REFUSED_EVERY: Duration = Duration::from_secs(30);
/// And after this, if the secret was called wrong: each try counts towards a lock-out.
const WRONG_EVERY: Duration = Duration::from_secs(15 * 60);

#[derive(Default)]
pub(crate) struct Contact(Mutex<State>);

#[derive(Default)]
struct State {
    /// When a KDC last answered, by the clock that cannot be set.
    answered: Option<Duration>,
    /// Why none did when one was last asked.
    silent: Option<String>,
    /// How the last login was refused, when, and which secret it was done with.
    refused: Option<Refused>,
    has_logged_in: bool,
    /// The version of the key that the KDC sealed the reply to the last login with.
    key_version: Option<u32>,
}

struct Refused {
    problem: String,
    /// When it is due again.
    until: Duration,
    secret: u64,
}

impl Contact {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of what became of an exchange that began with the KDCs of this realm, where the
    /// account's is `own`.
    pub(crate) fn exchanged<T>(
        &self,
        outcome: &Result<T, ClientError>,
        began: &[u8],
        own: &[u8],
        now: Duration,
    ) {
        let mut state = self.state();
        match outcome {
            Ok(_) => {}
            Err(error) if error.refusal().is_some() => {}
            Err(ClientError::Unreachable(silent)) => {
                // Another realm's are another matter.
                if silent.realm.as_bytes().eq_ignore_ascii_case(own) {
                    state.silent = Some(silent.to_string());
                }
                return;
            }
            // Nothing of it need have come from a KDC.
            Err(_) => return,
        }
        // Whose ended it is not known, but the first one's answered.
        if began.eq_ignore_ascii_case(own) {
            state.answered = Some(now);
            state.silent = None;
        }
    }

    pub(crate) fn sealed_with(&self, key_version: Option<u32>) {
        self.state().key_version = key_version;
    }

    pub(crate) fn key_version(&self) -> Option<u32> {
        self.state().key_version
    }

    /// Takes note of what became of a login with this secret of the account.
    pub(crate) fn logged_in<T>(
        &self,
        outcome: &Result<T, ClientError>,
        secret: u64,
        now: Duration,
    ) {
        let mut state = self.state();
        match outcome {
            Ok(_) => {
                state.refused = None;
                state.has_logged_in = true;
            }
            Err(ClientError::Unreachable(_) | ClientError::Abandoned) => {}
            Err(error) => {
                let every = if is_wrong_secret(error) { WRONG_EVERY } else { REFUSED_EVERY };
                let (problem, until) = (error.to_string(), now + every);
                state.refused = Some(Refused { problem, until, secret });
            }
        }
    }

    /// Why nothing can be asked for in this account's name. Silence counts once it is older than
    /// `lately`, or if there never was an answer.
    pub(crate) fn trouble(&self, lately: Duration, now: Duration) -> Option<String> {
        let state = self.state();
        if let Some(refused) = &state.refused {
            return Some(format!("it cannot log in: {}", refused.problem));
        }
        let is_late = |at: Duration| now.saturating_sub(at) >= lately;
        match &state.silent {
            Some(silent) if state.answered.is_none_or(is_late) => Some(silent.clone()),
            None if !state.has_logged_in => Some("it has not logged in yet".into()),
            _ => None,
        }
    }

    /// Is it worth a login to find out whether all is well (again)?
    pub(crate) fn is_due(&self, secret: u64, now: Duration) -> bool {
        let state = self.state();
        match &state.refused {
            Some(refused) => refused.secret != secret || now >= refused.until,
            None => state.silent.is_some() || !state.has_logged_in,
        }
    }
}

#[cfg(test)]
mod tests {
    use krb_proto::Timestamp;
    use krb_proto::exchange::{ExchangeError, KdcRefusal};
    use krb_proto::iana::ErrorCode;

    use super::*;
    use crate::{Service, Unreachable};

    const LATELY: Duration = Duration::from_secs(900);
    const REALM: &[u8] = b"EXAMPLE.TEST";

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn silence(realm: &str) -> Result<(), ClientError> {
        let realm = realm.to_owned();
        Err(Unreachable { service: Service::Kdc, realm, tried: Vec::new(), discovery: None }.into())
    }

    fn refusal(code: ErrorCode) -> Result<(), ClientError> {
        let server_time = Timestamp::new(0, 0);
        let refusal =
            KdcRefusal { code, nt_status: None, text: None, server_time, no_way_to: None };
        Err(ExchangeError::Refused(refusal).into())
    }

    #[test]
    fn silence_counts_at_once_before_the_first_answer_and_late_after_it() {
        let contact = Contact::default();
        assert!(contact.trouble(LATELY, at(0)).unwrap().contains("not logged in yet"));
        assert!(contact.is_due(1, at(0)));
        contact.exchanged(&silence("example.test"), REALM, REALM, at(1));
        assert!(contact.trouble(LATELY, at(1)).unwrap().contains("no KDC of realm"));
        contact.exchanged(&Ok(()), REALM, REALM, at(2));
        contact.logged_in(&Ok(()), 1, at(2));
        assert_eq!(contact.trouble(LATELY, at(3)), None);
        assert!(!contact.is_due(1, at(5000)), "nobody asked, so nobody was silent");
        assert_eq!(contact.trouble(LATELY, at(5000)), None);
        contact.exchanged(&silence("OTHER.TEST"), b"OTHER.TEST", REALM, at(5000));
        assert!(!contact.is_due(1, at(5000)), "another realm's");
        contact.exchanged(&Ok(()), REALM, REALM, at(5000));
        contact.exchanged(&silence("EXAMPLE.TEST"), REALM, REALM, at(5001));
        assert!(contact.is_due(1, at(5001)));
        assert_eq!(contact.trouble(LATELY, at(5899)), None);
        assert!(contact.trouble(LATELY, at(5900)).is_some());
        contact.exchanged(&Ok(()), REALM, REALM, at(5901));
        assert_eq!(contact.trouble(LATELY, at(5901)), None);
    }

    #[test]
    fn another_realms_answer_says_nothing_of_our_kdcs() {
        let contact = Contact::default();
        contact.exchanged(&Ok(()), b"example.test", REALM, at(0));
        contact.logged_in(&Ok(()), 1, at(0));
        contact.exchanged(&silence("EXAMPLE.TEST"), REALM, REALM, at(1));
        for other in [Ok(()), refusal(ErrorCode::S_PRINCIPAL_UNKNOWN)] {
            contact.exchanged(&other, b"OTHER.TEST", REALM, at(1000));
            assert!(contact.is_due(1, at(1000)), "{other:?}");
            assert!(contact.trouble(LATELY, at(1000)).unwrap().contains("no KDC of realm"));
        }
        // Ours answered before another's refused.
        contact.exchanged(&refusal(ErrorCode::S_PRINCIPAL_UNKNOWN), REALM, REALM, at(1001));
        assert_eq!(contact.trouble(LATELY, at(1001)), None);
    }

    #[test]
    fn a_refused_login_is_not_tried_again_and_again_with_the_same_secret() {
        let contact = Contact::default();
        for (code, seconds) in [(ErrorCode::PREAUTH_FAILED, 900), (ErrorCode::CLIENT_REVOKED, 30)] {
            contact.exchanged(&refusal(code), REALM, REALM, at(0));
            contact.logged_in(&refusal(code), 1, at(0));
            assert!(contact.trouble(LATELY, at(1)).unwrap().contains("cannot log in"));
            assert!(!contact.is_due(1, at(seconds - 1)), "{code:?}");
            assert!(contact.is_due(1, at(seconds)), "{code:?}");
            assert!(contact.is_due(2, at(1)), "another secret");
        }
        contact.logged_in(&Ok(()), 2, at(2));
        assert_eq!(contact.trouble(LATELY, at(2)), None);
    }
}
