use krb_proto::pac::Sid;

use crate::identity::{Caller, Subject};

/// Who a call is for, as far as it is known by now.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`.
    pub subject: &'a str,
    /// When the caller's token was issued, by this machine's clock and at the earliest. A token that
    /// does not say it is older than any revocation.
    pub issued_at: Option<i64>,
    /// The account's name.
    pub name: Option<&'a str>,
    /// Its SID.
    pub sid: Option<&'a Sid>,
}

impl<'a> Who<'a> {
    /// A caller, whose account is not known yet.
    #[must_use]
    pub fn caller(caller: &'a Caller) -> Self {
        Self {
            issuer: caller.issuer(),
            subject: caller.subject(),
            issued_at: caller.issued_at(),
            name: None,
            sid: None,
        }
    }

    /// A caller with the account that the exchanged token names; when the token was issued has been
    /// looked at before.
    #[must_use]
    pub fn subject(subject: &'a Subject) -> Self {
        Self {
            issuer: subject.issuer(),
            subject: subject.subject(),
            issued_at: Some(i64::MAX),
            name: None,
            sid: None,
        }
        .named(subject)
    }

    /// With the account that the exchanged token names, or the caller's own ticket proves: by its SID
    /// as well, where that is said. There may never be other evidence.
    #[must_use]
    pub fn named(self, subject: &'a Subject) -> Self {
        Self { name: Some(subject.legacy_name().as_str()), sid: subject.sid(), ..self }
    }

    /// With the account that evidence proved.
    #[must_use]
    pub const fn proved(self, name: &'a str, sid: &'a Sid) -> Self {
        Self { name: Some(name), sid: Some(sid), ..self }
    }
}
