use krb_client::{Clock, UserTicket};

use super::{ServiceCredential, current};
use crate::credential::kerberos::Account;
use crate::state::{Revocations, Who};

/// On what something stands that outlives the call it was set up in, such as a session: whose call it
/// was, the whole of what evidence said of the account, the target, and the very ticket that was used.
/// It serves a later call only if that one stands on the same.
#[derive(Clone)]
pub(crate) struct Standing {
    issuer: String,
    subject: String,
    target: String,
    account: Account,
    ticket: UserTicket,
    /// Since which revocation of theirs.
    generation: u64,
}

impl Standing {
    pub(super) fn of(credential: &ServiceCredential<'_>, revocations: &Revocations) -> Self {
        let ServiceCredential { account, ticket, .. } = credential;
        let (subject, target) = (credential.permit().subject(), credential.permit().target());
        let mut standing = Self {
            issuer: subject.issuer().to_owned(),
            subject: subject.subject().to_owned(),
            target: target.name().to_owned(),
            account: account.clone(),
            ticket: ticket.clone(),
            generation: 0,
        };
        standing.generation = revocations.generation(&standing.who());
        standing
    }

    fn who(&self) -> Who<'_> {
        let Self { issuer, subject, account, .. } = self;
        let who = Who { issuer, subject, issued_at: Some(i64::MAX), name: None, sid: None };
        who.proved(&account.name, &account.sid)
    }

    /// Whether they were revoked since, even if that was lifted again.
    pub(crate) fn is_revoked(&self, revocations: &Revocations) -> bool {
        revocations.generation(&self.who()) != self.generation
    }

    /// Whether both stand for one caller at one target, on whatever ticket.
    pub(crate) fn is_of_same_caller(&self, other: &Self) -> bool {
        self.is_of_same_user(other) && self.target == other.target
    }

    /// Whether both stand for calls of one user, at whatever target.
    pub(crate) fn is_of_same_user(&self, other: &Self) -> bool {
        self.issuer == other.issuer && self.subject == other.subject
    }

    /// Whether the ticket may still be used: no longer than its evidence is current.
    pub(crate) fn is_current(&self, clock: &dyn Clock) -> bool {
        current(&self.ticket, clock).is_some()
    }
}

impl PartialEq for Standing {
    fn eq(&self, other: &Self) -> bool {
        // A ticket's octets are those of one issue, with its service, client, times and keys.
        self.is_of_same_caller(other)
            && self.account == other.account
            && self.ticket.ticket == other.ticket.ticket
            && self.generation == other.generation
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use krb_client::SystemClock;

    use super::*;
    use crate::call::testing::{account, ticket};

    /// What a caller of that name stands on, as the account with that RID; the ticket is the
    /// number's.
    pub(crate) fn standing(subject: &str, target: &str, rid: u32, number: u8) -> Standing {
        let mut credential = krb_proto::Credential::clone(&ticket(0));
        credential.ticket = vec![number];
        let max_age = std::time::Duration::from_secs(900);
        Standing {
            issuer: "https://idp.example.com".into(),
            subject: subject.into(),
            target: target.into(),
            account: Account { sid: format!("S-1-5-21-1-2-3-{rid}").parse().unwrap(), ..account() },
            ticket: UserTicket::of(credential.into(), &SystemClock, max_age),
            generation: 0,
        }
    }

    #[test]
    fn every_member_counts() {
        let one = standing("alice", "files", 1104, 1);
        assert!(one == standing("alice", "files", 1104, 1), "the time it was got does not");
        let mut others = vec![
            standing("bob", "files", 1104, 1),
            standing("alice", "other", 1104, 1),
            standing("alice", "files", 1105, 1),
            standing("alice", "files", 1104, 2),
            Standing { issuer: "https://other.example.com".into(), ..one.clone() },
            Standing { generation: 1, ..one.clone() },
        ];
        let mut with = |change: fn(&mut Account)| {
            let mut other = one.clone();
            change(&mut other.account);
            others.push(other);
        };
        with(|account| account.name = "alice2".into());
        with(|account| account.domain = "OTHER".into());
        with(|account| account.groups.push(account.sid.clone()));
        with(|account| account.user_account_control |= 0x4000);
        for other in others {
            assert!(one != other);
        }
    }
}
