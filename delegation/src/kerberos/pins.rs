use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use krb_proto::pac::Sid;

use super::account::Account;
use crate::identity::Subject;
use crate::{Code, Failure};

/// So many subjects are pinned at most; beyond, new ones are refused rather than old ones lost.
const MAX_PINS: usize = 100_000;

/// Which account each subject is. A name can be given to another account; a SID cannot.
///
/// Pins live in memory: a restart forgets them, and the first sight after it pins anew.
#[derive(Default)]
pub(super) struct Pins(Mutex<HashMap<(String, String), (Sid, String)>>);

impl Pins {
    /// Is this account the one that the subject means? By the token's own SID claim if one is
    /// configured, else by the account at first sight.
    pub(super) fn check(&self, subject: &Subject, account: &Account) -> Result<(), Failure> {
        if let Some(claimed) = subject.sid() {
            return if claimed == account.sid.to_string() {
                Ok(())
            } else {
                Err(another(subject, claimed, "its token says", account))
            };
        }
        let key = (subject.issuer().to_owned(), subject.subject().to_owned());
        let mut pins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match pins.get(&key) {
            Some((sid, _)) if *sid == account.sid => Ok(()),
            Some((sid, name)) => {
                let pinned = format!("{name} ({sid})");
                Err(another(subject, &pinned, "it was first seen as", account))
            }
            None if pins.len() >= MAX_PINS => Err(Failure::new(
                Code::SidMismatch,
                "too many subjects were seen to remember another one's account",
                "Configure a SID claim (claimMappings.sid) so that nothing has to be remembered, \
                 or restart the server.",
            )),
            None => {
                pins.insert(key, (account.sid.clone(), account.name.clone()));
                Ok(())
            }
        }
    }
}

fn another(subject: &Subject, meant: &str, by: &str, found: &Account) -> Failure {
    Failure::new(
        Code::SidMismatch,
        format!(
            "subject {} of {} is not the account that the KDC found: {by} {meant}, the KDC found \
             {} ({})",
            subject.subject(),
            subject.issuer(),
            found.name,
            found.sid,
        ),
        "The account was deleted and created anew, or its name was given to somebody else. If \
         the new account is meant, restart the server (pins live in memory) or correct the \
         identity provider's SID claim.",
    )
}
